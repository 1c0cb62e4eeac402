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
from sqlalchemy import Engine, MetaData, text

from fieldreport import limits
from fieldreport.store import FileBlobs, Upkeep, open_engine, reading, writing
from fieldreport.unseal import secret_file


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


@pytest.fixture
def blobs(tmp_path: Path) -> FileBlobs:
    return FileBlobs(tmp_path / "blobs")


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


def test_where_letters_lie_does_not_show_in_which_order_they_came(engine: Engine, path: Path, blobs: FileBlobs) -> None:
    ids = [os.urandom(16) for _ in range(40)]
    for each in ids:
        put(engine, each)
    upkeep = Upkeep(engine, blobs, MetaData(), hours=24, rebuild=True)
    upkeep.run()
    assert order_in(path, ids) == sorted(ids)
    assert log(path) == 0
    upkeep.stop()


def test_the_order_of_what_comes_between_two_rounds_is_gone_after_the_second(
    engine: Engine, path: Path, blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "REBUILD_PAUSE", 0)
    upkeep = Upkeep(engine, blobs, MetaData(), hours=24, rebuild=True)
    ids = []
    for _ in range(3):
        for _ in range(5):
            ids.append(os.urandom(16))
            put(engine, ids[-1])
        upkeep.run()
        assert order_in(path, ids) == sorted(ids)
    upkeep.stop()


def test_without_changes_a_round_does_not_rebuild(engine: Engine, path: Path, blobs: FileBlobs) -> None:
    put(engine, os.urandom(16))
    upkeep = Upkeep(engine, blobs, MetaData(), hours=24, rebuild=True)
    upkeep.run()
    before = path.read_bytes()
    upkeep.run()
    assert path.read_bytes() == before  # a rebuilt one has the next schema version
    upkeep.stop()


def test_one_of_two_does_it_and_the_other_when_that_one_is_gone(engine: Engine, path: Path, blobs: FileBlobs) -> None:
    first, second = (Upkeep(engine, blobs, MetaData(), hours=24, rebuild=False) for _ in range(2))
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
    engine: Engine, path: Path, blobs: FileBlobs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "UPKEEP_SECONDS", 0.05)
    monkeypatch.setattr(limits, "LOG_WAIT_SECONDS", 0.0)
    upkeep = Upkeep(engine, blobs, MetaData(), hours=24, rebuild=True)
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
from sqlalchemy import MetaData, text
from pathlib import Path
from fieldreport.store import FileBlobs, Upkeep, open_engine, writing
engine = open_engine(sys.argv[1])
upkeep = Upkeep(engine, FileBlobs(Path(sys.argv[1][10:]).parent / "blobs"), MetaData(), hours=24, rebuild=True)
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


# --- times ---


def store(blobs: FileBlobs) -> str:
    with blobs.create() as writer:
        writer.write(b"film" * 100)
        return writer.commit()


def born(path: Path) -> int:
    """The second in which the file's inode was made; Python 3.11 cannot ask for it."""
    return int(subprocess.run(["stat", "-c", "%W", path], check=True, capture_output=True, text=True).stdout)


def rounds(upkeep: Upkeep) -> float:
    """A round that touches, and when it began."""
    upkeep._touch_at = 0.0
    begun = time.time()
    upkeep.run()
    return begun


def test_blobs_of_one_day_have_the_times_of_the_last_round_and_were_born_together(
    engine: Engine, blobs: FileBlobs, tmp_path: Path
) -> None:
    upkeep = Upkeep(engine, blobs, MetaData(), hours=24, rebuild=True)
    upkeep.run()
    time.sleep(1.1)  # so that the second in which a letter comes is another one
    came = int(time.time())
    names = [store(blobs) for _ in range(3)]
    time.sleep(1.1)
    began = rounds(upkeep)
    for name in names:
        found = (tmp_path / "blobs" / name).stat()
        assert (found.st_mtime, found.st_atime) == (0, 0)
        assert found.st_ctime >= began - 0.05
        assert born(tmp_path / "blobs" / name) < came
    upkeep.stop()


def test_a_round_shows_in_the_times_of_every_file_whether_something_changed_or_not(
    engine: Engine, blobs: FileBlobs, tmp_path: Path
) -> None:
    put(engine, os.urandom(16))
    store(blobs)
    upkeep = Upkeep(engine, blobs, MetaData(), hours=24, rebuild=True)
    for _ in range(2):
        time.sleep(0.2)
        began = rounds(upkeep)
        touched = [path for path in (tmp_path, *tmp_path.rglob("*")) if path.parent.name != ".blank"]
        assert len(touched) > 6
        assert not [path for path in touched if path.stat().st_ctime < began - 0.05]
    upkeep.stop()


def test_blobs_of_an_earlier_period_are_left_alone(
    blobs: FileBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs.level_times(hours=1)
    old = tmp_path / "blobs" / store(blobs)
    before = old.stat().st_ctime_ns
    later = time.time() + 3600
    monkeypatch.setattr(time, "time", lambda: later)
    blobs.level_times(hours=1)
    assert old.stat().st_ctime_ns == before


def test_reading_a_blob_leaves_no_time(blobs: FileBlobs, tmp_path: Path) -> None:
    name = store(blobs)
    with blobs.open(name) as payload:
        payload.read()
    assert (tmp_path / "blobs" / name).stat().st_atime_ns == 0


def test_inodes_of_blobs_do_not_follow_their_arrival(blobs: FileBlobs, tmp_path: Path) -> None:
    blobs.level_times(hours=24)
    numbers = [(tmp_path / "blobs" / store(blobs)).stat().st_ino for _ in range(20)]
    assert numbers != sorted(numbers)


def test_when_more_come_than_files_are_ready_more_are_made(
    blobs: FileBlobs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "BLANK_FILES", 8)
    names = [store(blobs) for _ in range(20)]
    assert set(blobs.names()) == set(names)
    assert [path for path in (tmp_path / "blobs").iterdir() if path.suffix == ".part"] == []


def test_an_empty_file_that_a_power_cut_left_tied_to_a_blob_is_not_used(blobs: FileBlobs, tmp_path: Path) -> None:
    name = store(blobs)
    blank = tmp_path / "blobs" / ".blank"
    for path in blank.iterdir():
        path.unlink()
    os.link(tmp_path / "blobs" / name, blank / ("ab" * 16))
    another = store(blobs)
    assert (tmp_path / "blobs" / name).read_bytes() == b"film" * 100
    assert another != name
    assert sorted(blobs.names()) == sorted([name, another])


def test_files_beside_the_database_are_written_into_empty_ones_and_touched_every_minute(
    engine: Engine, blobs: FileBlobs, tmp_path: Path
) -> None:
    keyfiles = tmp_path / "keyfiles"
    keyfiles.mkdir(mode=0o700)
    upkeep = Upkeep(engine, blobs, MetaData(), hours=1, rebuild=False)
    upkeep.level_also(keyfiles)
    upkeep.run()
    ready = {path.stat().st_ino for path in (keyfiles / ".blank").iterdir()}
    assert len(ready) == limits.BLANK_KEY_FILES
    path = keyfiles / "devices.key"
    for content in (b"one", b"another"):
        with secret_file.locked(path):
            secret_file.replace(path, content)
        assert path.read_bytes() == content
        assert path.stat().st_mode & 0o777 == 0o600
        assert path.stat().st_ino in ready  # its birth is that of many
    upkeep._touch_at = 0.0  # a minute later
    time.sleep(0.05)
    began = time.time()
    upkeep.run()
    for each in (path, keyfiles, keyfiles / ".blank"):
        found = each.stat()
        assert min(found.st_atime, found.st_mtime, found.st_ctime) >= began - 0.02
