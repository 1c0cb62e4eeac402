"""A mailbox on each kind of database."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldreport.mailbox import LocalMailbox
from fieldreport.store import migrate, open_blobs, open_engine
from tests.store.throwaway_postgres import fresh_database


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """The URL of an empty database, once of each kind."""
    if request.param == "postgresql":
        return fresh_database()
    return f"sqlite:///{tmp_path / 'mailbox.db'}"


class Clock:
    """A clock that a test moves."""

    def __init__(self) -> None:
        self.now = 1_800_000_000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def mailbox(database_url: str, tmp_path: Path, clock: Clock) -> Iterator[LocalMailbox]:
    """An empty mailbox that holds three letters or a megabyte."""
    engine = open_engine(database_url)
    migrate(engine, "fieldreport.mailbox")
    opened = LocalMailbox(
        engine, open_blobs(tmp_path / "blobs"), letters_ceiling=3, bytes_ceiling=1_000_000, clock=clock
    )
    yield opened
    opened.close()
