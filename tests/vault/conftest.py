"""A newsroom for every test of the vault; on PostgreSQL, too, for those that ask with ``everywhere``."""

from __future__ import annotations

import functools
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldreport.store import migrate, open_engine
from tests.store.throwaway_postgres import fresh_database
from tests.vault.cast import Newsroom, open_newsroom


@functools.cache
def _migrated_file(package: str) -> Path:
    """A SQLite database with a package's tables, to copy from: quicker than migrating each time."""
    path = Path(tempfile.mkdtemp(prefix="fieldreport-")) / "migrated.db"
    engine = open_engine(f"sqlite:///{path}")
    migrate(engine, package)
    engine.dispose()
    return path


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
    (tmp_path / "desk").mkdir()
    if getattr(request, "param", "sqlite") == "postgresql":
        return fresh_database(like=_migrated_database())
    shutil.copy(_migrated_file("fieldreport.vault"), tmp_path / "desk" / "vault.db")
    return f"sqlite:///{tmp_path / 'desk' / 'vault.db'}"


@pytest.fixture
def mailbox_url(tmp_path: Path) -> str:
    """The URL of a mailbox's database with empty tables."""
    (tmp_path / "intake").mkdir()
    shutil.copy(_migrated_file("fieldreport.mailbox"), tmp_path / "intake" / "mailbox.db")
    return f"sqlite:///{tmp_path / 'intake' / 'mailbox.db'}"


@pytest.fixture
def newsroom(tmp_path: Path, vault_url: str, mailbox_url: str) -> Iterator[Newsroom]:
    """Amira and Jonas, who read; Lena, who signs rosters; a mailbox; a vault."""
    vault, mailbox, clock = open_newsroom(tmp_path, vault_url=vault_url, mailbox_url=mailbox_url)
    yield Newsroom(directory=tmp_path, vault=vault, mailbox=mailbox, clock=clock)
    vault.close()
    mailbox.close()
