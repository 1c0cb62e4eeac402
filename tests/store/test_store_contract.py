"""What every database promises to the mailbox and the vault, checked on SQLite and on a real PostgreSQL."""

from __future__ import annotations

import logging
import threading
from typing import ClassVar

import pytest
from sqlalchemy import Engine, MetaData, select
from sqlalchemy.orm import DeclarativeBase, Mapped, MappedAsDataclass, mapped_column

from fieldreport.errors import Conflict, NotFound, SettingsError, StoreError
from fieldreport.store import column_bytes, conventional_metadata, erase_deleted, open_engine, reading, writing


class Base(MappedAsDataclass, DeclarativeBase, kw_only=True):
    metadata: ClassVar[MetaData] = conventional_metadata()


class Thing(Base, kw_only=True):
    __tablename__ = "things"

    id: Mapped[bytes] = mapped_column(column_bytes(16), primary_key=True)
    number: Mapped[int] = mapped_column(unique=True)


@pytest.fixture(autouse=True)
def tables(engine: Engine) -> None:
    with engine.begin() as connection:
        Base.metadata.create_all(connection)


def numbers(engine: Engine) -> list[int]:
    with reading(engine) as session:
        return sorted(session.scalars(select(Thing.number)))


def test_what_was_written_is_there_for_a_second_engine(engine: Engine, database_url: str) -> None:
    with writing(engine) as session:
        session.add(Thing(id=b"a" * 16, number=1))
    other = open_engine(database_url)
    assert numbers(other) == [1]
    other.dispose()


def test_a_block_that_raises_leaves_nothing(engine: Engine) -> None:
    def fail() -> None:
        with writing(engine) as session:
            session.add(Thing(id=b"a" * 16, number=1))
            session.flush()
            _ = 1 // 0

    with pytest.raises(ZeroDivisionError):
        fail()
    assert numbers(engine) == []


def test_reading_refuses_to_write(engine: Engine) -> None:
    def write_while_reading() -> None:
        with reading(engine) as session:
            session.add(Thing(id=b"a" * 16, number=1))
            session.flush()

    with pytest.raises(StoreError):
        write_while_reading()
    assert numbers(engine) == []
    with writing(engine) as session:  # and the connection is as good as before
        session.add(Thing(id=b"a" * 16, number=1))
    assert numbers(engine) == [1]


def test_a_row_that_must_be_there_and_is_not_is_missing_and_no_outage(engine: Engine) -> None:
    def change_what_is_gone() -> None:
        with writing(engine) as session:
            session.get_one(Thing, b"a" * 16).number = 2

    with pytest.raises(NotFound):
        change_what_is_gone()


def test_a_reader_sees_no_half_of_a_change(engine: Engine) -> None:
    with writing(engine) as session:
        session.add(Thing(id=b"a" * 16, number=1))
        session.flush()
        assert numbers(engine) == []
    assert numbers(engine) == [1]


def test_a_violated_constraint_is_a_conflict(engine: Engine) -> None:
    with writing(engine) as session:
        session.add(Thing(id=b"a" * 16, number=1))
    with pytest.raises(Conflict), writing(engine) as session:
        session.add(Thing(id=b"b" * 16, number=1))
    assert numbers(engine) == [1]


def test_an_error_says_nothing_of_the_values(engine: Engine, caplog: pytest.LogCaptureFixture) -> None:
    secret = 424242424
    with writing(engine) as session:
        session.add(Thing(id=b"a" * 16, number=secret))
    with caplog.at_level(logging.DEBUG), pytest.raises(Conflict) as caught, writing(engine) as session:
        session.add(Thing(id=b"b" * 16, number=secret))
    assert str(secret) not in f"{caught.value} {caught.value.detail} {caught.value.__cause__}"
    assert str(secret) not in caplog.text


def test_twenty_threads_lose_no_update(engine: Engine) -> None:
    with writing(engine) as session:
        session.add(Thing(id=b"a" * 16, number=0))

    def count_up() -> None:
        for _ in range(5):
            with writing(engine) as session:
                thing = session.scalars(select(Thing).with_for_update()).one()
                thing.number += 1

    threads = [threading.Thread(target=count_up) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert numbers(engine) == [100]


def test_erasing_keeps_what_was_not_deleted(engine: Engine) -> None:
    with writing(engine) as session:
        session.add_all(Thing(id=bytes([number]) * 16, number=number) for number in range(10))
    with writing(engine) as session:
        session.delete(session.get_one(Thing, bytes([3]) * 16))
    erase_deleted(engine, ["things"])
    assert numbers(engine) == [0, 1, 2, 4, 5, 6, 7, 8, 9]


@pytest.mark.parametrize(
    "url", ["", "nonsense", "sqlite://", "sqlite:///:memory:", "sqlite:////tmp/x?mode=ro", "mysql://localhost/x"]
)
def test_a_database_we_cannot_rely_on_is_refused(url: str) -> None:
    with pytest.raises(SettingsError):
        open_engine(url)


def test_a_directory_that_is_not_there_is_one_clear_error(database_url: str) -> None:
    with pytest.raises(StoreError) as caught:
        open_engine("sqlite:////nonexistent/directory/x.db")
    assert "cannot be written" in caught.value.text
