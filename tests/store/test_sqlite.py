"""SQLite with several threads and processes: taking turns, nothing lost, and deleted bytes gone from the files."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Engine, text

from fieldreport import limits
from fieldreport.errors import StoreError
from fieldreport.store import erase_deleted, open_engine, reading, writing
from fieldreport.store.sqlite import WriteLock

_COUNT_IN_ANOTHER_PROCESS = """
import sys
from sqlalchemy import text
from fieldreport.store import open_engine, writing
engine = open_engine(sys.argv[1])
print("ready", flush=True)
sys.stdin.readline()
for _ in range(int(sys.argv[2])):
    with writing(engine) as session:
        session.execute(text("UPDATE counter SET n = n + 1"))
"""

_HOLD_THE_TURN = """
import sys, time
from sqlalchemy import text
from fieldreport.store import open_engine, writing
engine = open_engine(sys.argv[1])
with writing(engine) as session:
    session.execute(text("UPDATE counter SET n = n + 1000"))
    print("holding", flush=True)
    time.sleep(60)
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "turns.db"


@pytest.fixture
def engine(path: Path) -> Iterator[Engine]:
    opened = open_engine(f"sqlite:///{path}")
    with writing(opened) as session:
        session.execute(text("CREATE TABLE counter (n INTEGER NOT NULL)"))
        session.execute(text("CREATE TABLE blobs (id INTEGER PRIMARY KEY, body BLOB NOT NULL)"))
        session.execute(text("INSERT INTO counter VALUES (0)"))
    yield opened
    opened.dispose()


def counter(engine: Engine) -> int:
    with reading(engine) as session:
        return int(session.execute(text("SELECT n FROM counter")).scalar_one())


def start(script: str, path: Path, *arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", script, f"sqlite:///{path}", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )


def line_from(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


def end(process: subprocess.Popen[str]) -> int:
    process.communicate("\n", timeout=60)
    return process.returncode


def test_two_processes_count_together(engine: Engine, path: Path) -> None:
    other = start(_COUNT_IN_ANOTHER_PROCESS, path, "100")
    assert line_from(other) == "ready"
    assert other.stdin is not None
    other.stdin.write("\n")
    other.stdin.flush()
    for _ in range(100):
        with writing(engine) as session:
            session.execute(text("UPDATE counter SET n = n + 1"))
    assert end(other) == 0
    assert counter(engine) == 200


def test_a_killed_writer_loses_its_turn_and_its_change(engine: Engine, path: Path) -> None:
    other = start(_HOLD_THE_TURN, path)
    assert line_from(other) == "holding"
    other.send_signal(signal.SIGKILL)
    end(other)
    with writing(engine) as session:
        session.execute(text("UPDATE counter SET n = n + 1"))
    assert counter(engine) == 1


def test_who_does_not_get_a_turn_in_time_is_told(engine: Engine, path: Path) -> None:
    other = start(_HOLD_THE_TURN, path)
    assert line_from(other) == "holding"
    lock = WriteLock(path.with_name(path.name + ".lock"), timeout_seconds=0.05)
    with pytest.raises(StoreError) as caught:
        lock.acquire()
    assert caught.value.code == "busy"
    assert counter(engine) == 0  # readers never wait for it
    other.send_signal(signal.SIGKILL)
    end(other)


def test_a_thread_that_already_writes_is_told_so_at_once_and_not_after_the_wait(engine: Engine) -> None:
    def nested() -> None:
        with writing(engine) as outer:
            outer.execute(text("UPDATE counter SET n = 1"))
            with writing(engine) as inner:
                inner.execute(text("UPDATE counter SET n = 2"))

    begun = time.monotonic()
    with pytest.raises(StoreError) as caught:
        nested()
    assert caught.value.code == "nested"
    assert time.monotonic() - begun < limits.WRITE_WAIT_SECONDS / 2
    assert counter(engine) == 0
    with writing(engine) as session:
        session.execute(text("UPDATE counter SET n = 2"))
    assert counter(engine) == 2


def test_an_engine_that_was_opened_before_a_fork_is_refused_after_it(engine: Engine) -> None:
    child = os.fork()
    if child == 0:
        try:
            with writing(engine) as session:
                session.execute(text("UPDATE counter SET n = n + 1"))
        except StoreError:
            os._exit(7)
        os._exit(0)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 7
    assert counter(engine) == 0


def test_every_connection_is_durable_and_overwrites(engine: Engine) -> None:
    wanted = {"journal_mode": "wal", "synchronous": 2, "secure_delete": 1, "foreign_keys": 1, "wal_autocheckpoint": 0}
    with reading(engine) as one, reading(engine) as two:
        for session in (one, two):
            found = {name: session.execute(text(f"PRAGMA {name}")).scalar_one() for name in wanted}
            assert found == wanted


def test_the_files_are_nobody_elses(engine: Engine, path: Path) -> None:
    with writing(engine) as session:
        session.execute(text("UPDATE counter SET n = 1"))
    for file in path.parent.iterdir():
        assert file.stat().st_mode & 0o077 == 0, file.name


def test_the_log_does_not_grow_without_bound(engine: Engine, path: Path) -> None:
    for _ in range(60):
        with writing(engine) as session:
            session.execute(text("INSERT INTO blobs (body) VALUES (:body)"), {"body": os.urandom(200_000)})
    assert path.with_name(path.name + "-wal").stat().st_size < 2 * limits.WAL_BYTES


def test_deleted_bytes_are_in_no_file_once_erased(engine: Engine, path: Path) -> None:
    needle = b"needle-" + os.urandom(16).hex().encode()
    with writing(engine) as session:
        session.execute(text("INSERT INTO blobs (body) VALUES (:body)"), {"body": needle * 2000})
    erase_deleted(engine, ["blobs"])
    assert any(needle in file.read_bytes() for file in path.parent.iterdir())
    with writing(engine) as session:
        session.execute(text("DELETE FROM blobs"))
    erase_deleted(engine, ["blobs"])
    assert not any(needle in file.read_bytes() for file in path.parent.iterdir())


def test_erasing_gives_up_while_somebody_reads_and_works_afterwards(engine: Engine, path: Path) -> None:
    with reading(engine) as session:
        session.execute(text("SELECT * FROM counter")).all()
        with writing(engine) as other:
            other.execute(text("UPDATE counter SET n = 5"))
        begun = time.monotonic()
        with pytest.raises(StoreError) as caught:
            erase_deleted(engine, [])
        assert caught.value.code == "busy"
        assert time.monotonic() - begun < 10
        with writing(engine) as other:
            other.execute(text("UPDATE counter SET n = 6"))
    erase_deleted(engine, [])
    assert path.with_name(path.name + "-wal").stat().st_size == 0
    assert counter(engine) == 6


def test_a_writer_among_readers_is_never_slow(engine: Engine) -> None:
    worst = 0.0
    with reading(engine) as session:
        session.execute(text("SELECT * FROM counter")).all()
        for _ in range(50):
            begun = time.monotonic()
            with writing(engine) as other:
                other.execute(text("UPDATE counter SET n = n + 1"))
            worst = max(worst, time.monotonic() - begun)
    assert worst < 5, "a reader made a writer wait"
