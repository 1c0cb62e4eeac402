"""The upkeep of a SQLite database: an empty log, and rows that do not lie in the order in which they came."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from fieldreport import limits
from fieldreport.store import Upkeep, open_engine, reading, writing


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "box.db"


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    opened = open_engine(f"sqlite:///{path}")
    with writing(opened) as session:
        session.execute(text("CREATE TABLE letters (id BLOB PRIMARY KEY, payload BLOB NOT NULL) WITHOUT ROWID"))
    yield opened
    opened.dispose()


def put(engine: Engine, letter_id: bytes) -> None:
    with writing(engine) as session:
        session.execute(
            text("INSERT INTO letters VALUES (:id, :payload)"), {"id": letter_id, "payload": letter_id * 1200}
        )


def order_in(path: Path, ids: list[bytes]) -> list[bytes]:
    """The letters in the order in which their overflow pages lie in the file."""
    content = path.read_bytes()
    return sorted(ids, key=lambda each: content.index(each * 64))


def log(path: Path) -> int:
    return path.with_name(f"{path.name}-wal").stat().st_size


def test_where_letters_lie_does_not_show_in_which_order_they_came(engine: Engine, path: Path) -> None:
    ids = [os.urandom(16) for _ in range(40)]
    for each in ids:
        put(engine, each)
    upkeep = Upkeep(engine, rebuild=True)
    upkeep.run()
    assert order_in(path, ids) == sorted(ids)
    assert log(path) == 0
    upkeep.stop()


def test_the_order_of_what_comes_between_two_rounds_is_gone_after_the_second(
    engine: Engine, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REBUILD_PAUSE", 0)
    upkeep = Upkeep(engine, rebuild=True)
    ids = []
    for _ in range(3):
        for _ in range(5):
            ids.append(os.urandom(16))
            put(engine, ids[-1])
        upkeep.run()
        assert order_in(path, ids) == sorted(ids)
    upkeep.stop()


def test_without_changes_a_round_writes_nothing(engine: Engine, path: Path) -> None:
    put(engine, os.urandom(16))
    upkeep = Upkeep(engine, rebuild=True)
    upkeep.run()
    before = path.stat().st_mtime_ns
    upkeep.run()
    assert path.stat().st_mtime_ns == before
    upkeep.stop()


def test_one_of_two_does_it_and_the_other_when_that_one_is_gone(engine: Engine, path: Path) -> None:
    first, second = Upkeep(engine, rebuild=False), Upkeep(engine, rebuild=False)
    first.run()
    put(engine, os.urandom(16))
    second.run()
    assert log(path) > 0
    first.stop()
    assert log(path) == 0
    put(engine, os.urandom(16))
    second.run()
    assert log(path) == 0
    second.stop()


def test_the_thread_does_it_soon_after_a_change_and_lives_through_a_reader(
    engine: Engine, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "UPKEEP_SECONDS", 0.05)
    monkeypatch.setattr(limits, "LOG_WAIT_SECONDS", 0.0)
    upkeep = Upkeep(engine, rebuild=True)
    upkeep.start()
    with reading(engine) as session:
        session.execute(text("SELECT count(*) FROM letters")).all()
        put(engine, os.urandom(16))
        time.sleep(0.6)
        assert log(path) > 0
    deadline = time.monotonic() + 20
    while log(path) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert log(path) == 0
    upkeep.stop()


_STOPPED = """
import os, sys
from sqlalchemy import text
from fieldreport.store import Upkeep, open_engine, writing
engine = open_engine(sys.argv[1])
upkeep = Upkeep(engine, rebuild=True)
upkeep.start()
with writing(engine) as session:
    session.execute(text("INSERT INTO letters VALUES (randomblob(16), zeroblob(20000))"))
if sys.argv[2] == "crash":
    os._exit(0)
"""


def test_a_process_that_ends_leaves_no_log(engine: Engine, path: Path) -> None:
    subprocess.run([sys.executable, "-c", _STOPPED, f"sqlite:///{path}", "end"], check=True, timeout=60)
    assert log(path) == 0
    with reading(engine) as session:
        assert session.execute(text("SELECT count(*) FROM letters")).scalar_one() == 1


def test_a_start_empties_the_log_that_a_crash_left(engine: Engine, path: Path) -> None:
    engine.dispose()
    subprocess.run([sys.executable, "-c", _STOPPED, f"sqlite:///{path}", "crash"], check=True, timeout=60)
    again = open_engine(f"sqlite:///{path}")
    wal = path.with_name(f"{path.name}-wal")
    assert not wal.exists() or wal.stat().st_size == 0
    with sqlite3.connect(path) as database:
        assert database.execute("SELECT count(*) FROM letters").fetchone() == (1,)
    again.dispose()
