"""A mailbox on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldreport.mailbox import DeskMailbox, LocalMailbox
from fieldreport.store import BlobStore, migrate, open_blobs, open_engine
from tests.cast import Clock, copy_tables
from tests.mailbox.served import served
from tests.store.throwaway_postgres import fresh_database
from tests.store.throwaway_s3 import S3Server


@pytest.fixture(
    params=[
        "sqlite",
        pytest.param("postgresql", marks=pytest.mark.postgres),
        pytest.param("postgresql-moto", marks=[pytest.mark.postgres, pytest.mark.campaign]),
        pytest.param("postgresql-swift", marks=[pytest.mark.postgres, pytest.mark.swift, pytest.mark.campaign]),
    ]
)
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of a database with the mailbox's empty tables, once of each kind, and with a bucket beside it."""
    if request.param.startswith("postgresql"):
        url = fresh_database()
        engine = open_engine(url)
        migrate(engine, "fieldreport.mailbox")
        engine.dispose()
        return url
    return copy_tables("fieldreport.mailbox", tmp_path / "mailbox.db")


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def blobs(request: pytest.FixtureRequest, database_url: str, tmp_path: Path) -> BlobStore:
    """The payloads beside that database."""
    _, _, bucket = request.node.callspec.params["database_url"].partition("-")
    if not bucket:
        return open_blobs(tmp_path / "blobs")
    server: S3Server = request.getfixturevalue(f"{bucket}_server")
    return open_blobs(server.bucket())


@pytest.fixture
def mailbox(database_url: str, blobs: BlobStore, clock: Clock) -> Iterator[LocalMailbox]:
    """An empty mailbox that holds three letters or a megabyte."""
    opened = LocalMailbox(
        open_engine(database_url),
        blobs,
        letters_ceiling=3,
        bytes_ceiling=1_000_000,
        clock=clock,
    )
    yield opened
    opened.close()


@pytest.fixture(params=["local", "link"])
def desk(request: pytest.FixtureRequest, mailbox: LocalMailbox, tmp_path: Path) -> Iterator[DeskMailbox]:
    """The desk's side of the same mailbox: the mailbox itself, and over a link."""
    if request.param == "local":
        yield mailbox
        return
    with served(mailbox, tmp_path / "link") as link:
        yield link
