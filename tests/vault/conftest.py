"""A newsroom for every test of the vault; on PostgreSQL, too, for those that ask with ``everywhere``."""

from __future__ import annotations

import functools
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldreport.store import migrate, open_engine
from tests.cast import copy_tables
from tests.store.throwaway_postgres import fresh_database
from tests.store.throwaway_s3 import S3Server
from tests.vault.newsroom import Newsroom, open_newsroom


@functools.cache
def _migrated_database() -> str:
    """The name of a PostgreSQL database with the vault's tables, to copy from."""
    engine = open_engine(fresh_database())
    migrate(engine, "fieldreport.vault")
    engine.dispose()
    return str(engine.url.database)


@pytest.fixture
def vault_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a vault's database with empty tables."""
    if getattr(request, "param", "sqlite").startswith("postgresql"):
        (tmp_path / "desk").mkdir()
        return fresh_database(like=_migrated_database())
    return copy_tables("fieldreport.vault", tmp_path / "desk" / "vault.db")


@pytest.fixture
def mailbox_url(tmp_path: Path) -> str:
    """The URL of a mailbox's database with empty tables."""
    return copy_tables("fieldreport.mailbox", tmp_path / "intake" / "mailbox.db")


@pytest.fixture
def vault_blobs(request: pytest.FixtureRequest) -> str:
    """The URL of a new bucket for the vault's payloads, or nothing: a directory."""
    of_test = getattr(request.node, "callspec", None)
    _, _, bucket = ("" if of_test is None else of_test.params.get("vault_url", "")).partition("-")
    if not bucket:
        return ""
    server: S3Server = request.getfixturevalue(f"{bucket}_server")
    return server.bucket()


@pytest.fixture
def newsroom(tmp_path: Path, vault_url: str, mailbox_url: str, vault_blobs: str) -> Iterator[Newsroom]:
    """Amira and Jonas, who read; Lena, who signs rosters; a mailbox; a vault."""
    urls = {"vault_url": vault_url, "mailbox_url": mailbox_url, "vault_blobs": vault_blobs}
    vault, mailbox, clock = open_newsroom(tmp_path, **urls)
    yield Newsroom(directory=tmp_path, vault=vault, mailbox=mailbox, clock=clock)
    vault.close()
    mailbox.close()
