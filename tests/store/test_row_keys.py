"""Keys of rows: durable before the row, gone after it, and after a crash at any moment those of the rows left."""

from __future__ import annotations

import json
import os
import secrets
import signal
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import BigInteger, Engine, delete, func, insert, select, update
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from fieldreport import limits
from fieldreport.errors import Conflict, SealError, StoreError
from fieldreport.store import (
    BlobStore,
    FileBlobs,
    RowKeys,
    changing,
    column_bytes,
    conventional_metadata,
    must_fit,
    open_blobs,
    open_engine,
    reading,
    reveal_all,
    revealed,
    sweep,
    without_key,
)
from fieldreport.store.s3_row_keys import S3RowKeys
from tests.eventually import eventually
from tests.store.throwaway_s3 import S3Server

METADATA = conventional_metadata()


class Base(DeclarativeBase):
    metadata = METADATA


class Thing(Base):
    __tablename__ = "things"

    id: Mapped[bytes] = mapped_column(column_bytes(16), primary_key=True)
    slot: Mapped[int] = mapped_column(BigInteger)
    hidden: Mapped[bytes] = mapped_column(column_bytes())


@pytest.fixture
def keys(blobs: BlobStore) -> RowKeys:
    return blobs.row_keys


@pytest.fixture
def tables(engine: Engine) -> Engine:
    METADATA.create_all(engine)
    return engine


def new() -> bytes:
    return secrets.token_bytes(limits.ROW_KEY_BYTES)


def left_over(keys: RowKeys) -> list[int]:
    with keys.left_over() as slots:
        return list(slots)


# --- what every store of keys promises ---


def test_what_was_put_is_what_is_returned_until_it_is_destroyed(keys: RowKeys) -> None:
    wanted = [new() for _ in range(40)]
    slots = keys.put(wanted)
    assert len(set(slots)) == 40
    assert all(0 < slot < 2**63 for slot in slots)
    assert keys.get(slots) == wanted
    keys.destroy(slots[:10])
    assert keys.get(slots) == [None] * 10 + wanted[10:]
    assert keys.get([0, max(slots) + 10**9]) == [None, None]


def test_a_note_takes_no_key_away(keys: RowKeys) -> None:
    wanted = [new() for _ in range(3)]
    slots = keys.put(wanted)
    keys.settle(slots)
    keys.doom(slots[:2])
    assert keys.get(slots) == wanted
    keys.settle(slots)
    assert keys.get(slots) == wanted


def test_a_slot_that_was_emptied_is_used_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    keys = FileBlobs(tmp_path).row_keys
    for _ in range(5):
        keys.destroy(keys.put([new() for _ in range(300)]))
    assert (tmp_path / ".keys").stat().st_size == 64 * (1 + limits.ROW_KEY_SLOTS)


# --- S3 ---


def test_in_a_bucket_a_note_is_left_over_when_it_is_older_than_a_change(
    s3_server: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = open_blobs(s3_server.bucket()).row_keys
    assert isinstance(keys, S3RowKeys)
    slots = keys.put([new() for _ in range(4)])
    keys.settle(slots[:1])
    keys.destroy(slots[1:2])
    assert keys.noted()
    with pytest.raises(StoreError) as caught:
        left_over(keys)
    assert caught.value.code == "busy"
    monkeypatch.setattr(limits, "ORPHAN_SECONDS", -60)
    assert left_over(keys) == sorted(slots[2:])
    keys.destroy(slots)
    assert left_over(keys) == []
    assert not keys.noted()


# --- the file ---


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "blobs"


@pytest.fixture
def in_file(directory: Path) -> RowKeys:
    return FileBlobs(directory).row_keys


def test_the_file_is_the_one_that_the_format_describes(directory: Path) -> None:
    vectors: dict[str, Any] = json.loads(
        (Path(__file__).parent.parent / "vectors" / "row" / "rows.json").read_text(encoding="utf-8")
    )
    directory.mkdir()
    (directory / ".keys").write_bytes(bytes.fromhex(vectors["file"]))
    keys = FileBlobs(directory).row_keys
    assert keys.get(range(9)) == [None, None, b"\2" * 32, b"\3" * 32, None, b"\5" * 32, None, None, None]
    assert left_over(keys) == [3, 5]
    keys.doom([2])
    keys.settle([3, 5])
    keys.destroy([5])
    assert left_over(keys) == [2]
    (slot,) = keys.put([b"\1" * 32])
    record = (directory / ".keys").read_bytes()[slot * 64 :][:64]
    assert record == b"n" + bytes(31) + b"\1" * 32


def test_a_key_is_overwritten_where_it_lies(in_file: RowKeys, directory: Path) -> None:
    wanted = [new() for _ in range(20)]
    slots = in_file.put(wanted)
    inode = (directory / ".keys").stat().st_ino
    in_file.destroy(slots)
    content = (directory / ".keys").read_bytes()
    assert not content[64:].strip(b"\0")
    assert (directory / ".keys").stat().st_ino == inode
    assert {path.name for path in directory.iterdir()} == {".keys", ".keys.lock", ".blank"}


def test_only_their_owner_reads_them(in_file: RowKeys, directory: Path) -> None:
    assert {(directory / name).stat().st_mode & 0o777 for name in (".keys", ".keys.lock")} == {0o600}


def test_where_a_key_lies_does_not_follow_when_it_came(in_file: RowKeys) -> None:
    slots = [in_file.put([new()])[0] for _ in range(40)]
    assert slots != sorted(slots)


def test_the_file_grows_when_it_is_full_and_keeps_what_is_in_it(
    in_file: RowKeys, directory: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wanted = [new() for _ in range(3000)]
    slots = in_file.put(wanted)
    assert len(set(slots)) == 3000
    assert in_file.get(slots) == wanted
    assert FileBlobs(directory).row_keys.get(slots) == wanted


def test_no_two_get_the_same_slot(in_file: RowKeys, directory: Path) -> None:
    found: list[tuple[int, bytes]] = []

    def put() -> None:
        own = FileBlobs(directory).row_keys
        for _ in range(60):
            key = new()
            found.append((own.put([key])[0], key))

    threads = [threading.Thread(target=put) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({slot for slot, _ in found}) == 480
    assert in_file.get([slot for slot, _ in found]) == [key for _, key in found]


def test_another_file_in_its_place_is_refused(directory: Path) -> None:
    directory.mkdir()
    (directory / ".keys").write_bytes(b"something else".ljust(640))
    with pytest.raises(StoreError):
        FileBlobs(directory)
    assert (directory / ".keys").read_bytes() == b"something else".ljust(640)


def test_a_file_that_is_gone_is_an_outage_and_is_not_made_again(in_file: RowKeys, directory: Path) -> None:
    slots = in_file.put([new()])
    (directory / ".keys").unlink()
    acts: list[Callable[[], object]] = [
        lambda: in_file.get(slots),
        lambda: in_file.put([new()]),
        lambda: in_file.destroy(slots),
        lambda: left_over(in_file),
    ]
    for act in acts:
        with pytest.raises(StoreError):
            act()
    assert not (directory / ".keys").exists()


def test_while_a_change_is_under_way_nothing_is_called_left_over(in_file: RowKeys, directory: Path) -> None:
    other = FileBlobs(directory).row_keys
    with in_file.in_use():
        slots = in_file.put([new()])
        with pytest.raises(StoreError) as caught:
            left_over(other)
        assert caught.value.code == "busy"
        with other.in_use():  # others go on
            other.destroy(other.put([new()]))
    assert left_over(other) == slots


def test_a_child_that_was_forked_meanwhile_holds_nothing_up(in_file: RowKeys) -> None:
    with in_file.in_use():
        slots = in_file.put([new()])
        child = os.fork()
        if child == 0:
            time.sleep(60)
            os._exit(0)
    try:
        assert left_over(in_file) == slots
    finally:
        os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0)


# --- with a database ---


def add(engine: Engine, keys: RowKeys, content: bytes) -> bytes:
    own = secrets.token_bytes(16)
    with changing(engine, keys) as (session, change):
        (row,) = change.hide([content])
        session.execute(insert(Thing).values(id=own, slot=row.slot, hidden=row.hidden))
    return own


def stored(engine: Engine, own: bytes) -> tuple[int, bytes]:
    with reading(engine) as session:
        row = session.execute(select(Thing.slot, Thing.hidden).where(Thing.id == own)).one()
    return row.slot, row.hidden


def count(engine: Engine) -> int:
    with reading(engine) as session:
        return session.scalar(select(func.count()).select_from(Thing)) or 0


def test_a_row_is_opened_with_its_key_and_closed_without(tables: Engine, in_file: RowKeys) -> None:
    own = add(tables, in_file, b"a header")
    slot, hidden = stored(tables, own)
    assert b"a header" not in hidden
    assert revealed(in_file, slot, hidden) == b"a header"
    with changing(tables, in_file) as (session, change):
        change.doom(session.scalars(delete(Thing).where(Thing.id == own).returning(Thing.slot)))
    with pytest.raises(SealError) as caught:
        revealed(in_file, slot, hidden)
    assert caught.value.code == "row-key"
    assert left_over(in_file) == []


def test_a_change_that_is_rolled_back_takes_no_key(tables: Engine, in_file: RowKeys) -> None:
    own = add(tables, in_file, b"a header")
    before = stored(tables, own)

    def fail() -> None:
        with changing(tables, in_file) as (session, change):
            (row,) = change.hide([b"another"])
            session.execute(update(Thing).where(Thing.id == own).values(slot=row.slot, hidden=row.hidden))
            change.doom([before[0]])
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail()
    assert stored(tables, own) == before
    assert revealed(in_file, *before) == b"a header"
    (fresh,) = left_over(in_file)
    assert fresh != before[0]
    sweep(tables, in_file, METADATA)
    assert in_file.get([fresh]) == [None]
    assert revealed(in_file, *before) == b"a header"


def test_before_the_commit_it_is_noted_what_is_about_to_go(tables: Engine, in_file: RowKeys) -> None:
    """A commit whose answer is lost may have happened or not: both ways the row's key is right after a sweep."""
    gone, stays = add(tables, in_file, b"gone"), add(tables, in_file, b"stays")
    slots = [stored(tables, own)[0] for own in (gone, stays)]
    in_file.doom(slots)
    with tables.begin() as connection:
        connection.execute(delete(Thing).where(Thing.id == gone))
    sweep(tables, in_file, METADATA)
    assert in_file.get(slots)[0] is None
    assert revealed(in_file, *stored(tables, stays)) == b"stays"
    assert left_over(in_file) == []


def test_a_sweep_takes_only_what_was_noted(tables: Engine, in_file: RowKeys) -> None:
    """With another database, or an older copy of it, no key is lost that was in use."""
    own = add(tables, in_file, b"a header")
    slot, hidden = stored(tables, own)
    with tables.begin() as connection:
        connection.execute(delete(Thing))
    sweep(tables, in_file, METADATA)
    assert revealed(in_file, slot, hidden) == b"a header"


def test_a_change_that_was_refused_leaves_nothing_to_wait_for(tables: Engine, keys: RowKeys) -> None:
    """In a bucket a note that is left would be taken for a change under way, for an hour."""
    own = add(tables, keys, b"a header")
    before = stored(tables, own)
    slots: list[int] = []

    def post_again(*, told_at_the_commit: bool) -> None:  # as when two post the same reply
        with changing(tables, keys) as (session, change):
            (row,) = change.hide([b"another"])
            slots.append(row.slot)
            change.doom([before[0]])
            session.add(Thing(id=own, slot=row.slot, hidden=row.hidden))
            if not told_at_the_commit:
                session.flush()

    for told_at_the_commit in (False, True):
        with pytest.raises(Conflict):
            post_again(told_at_the_commit=told_at_the_commit)
        assert not keys.noted()
    assert keys.get(slots) == [None, None]
    assert revealed(keys, *before) == b"a header"


def test_a_change_in_doubt_keeps_the_keys_of_both_outcomes(tables: Engine, keys: RowKeys) -> None:
    own = add(tables, keys, b"a header")
    before = stored(tables, own)
    slots: list[int] = []

    def change_in_doubt() -> None:
        with changing(tables, keys) as (_, change):
            slots.append(change.hide([b"another"])[0].slot)
            change.doom([before[0]])
            raise StoreError("the answer to the commit was lost")

    with pytest.raises(StoreError):
        change_in_doubt()
    assert keys.noted()
    assert None not in keys.get([*slots, before[0]])


def test_a_change_that_needs_no_key_works_while_they_are_away(
    tables: Engine, in_file: RowKeys, directory: Path
) -> None:
    own = add(tables, in_file, b"a header")
    (directory / ".keys").rename(directory / "away")
    with changing(tables, in_file) as (session, _):
        session.execute(update(Thing).where(Thing.id == own).values(hidden=b"changed"))
    with pytest.raises(StoreError):
        add(tables, in_file, b"another")
    with reading(tables) as session:
        assert session.scalars(select(Thing.hidden)).all() == [b"changed"]


def test_changes_and_sweeps_do_not_wait_for_each_other_for_good(
    tables: Engine, database_url: str, directory: Path, in_file: RowKeys
) -> None:
    """Both take the turn to write and the keys; a change takes them in either order."""
    stop, failures = threading.Event(), []

    def work(act: Callable[[Engine, RowKeys], object]) -> None:
        engine, keys = open_engine(database_url), FileBlobs(directory).row_keys
        try:
            while not stop.is_set():
                act(engine, keys)
        except BaseException as error:  # noqa: BLE001 - a thread's failure must reach the test
            failures.append(error)
        finally:
            engine.dispose()

    def keys_first(engine: Engine, keys: RowKeys) -> None:
        with keys.in_use():
            add(engine, keys, b"a header")

    def cut_off(_engine: Engine, keys: RowKeys) -> None:
        keys.put([new()])
        time.sleep(0.01)

    def swept(engine: Engine, keys: RowKeys) -> None:
        with suppress(StoreError):
            sweep(engine, keys, METADATA)

    acts: list[Callable[[Engine, RowKeys], object]] = [
        *(swept, swept, cut_off, keys_first, keys_first, lambda engine, keys: add(engine, keys, b"a header"))
    ]
    threads = [threading.Thread(target=work, args=(act,)) for act in acts]
    for thread in threads:
        thread.start()
    eventually(lambda: count(tables) > 60)
    stop.set()
    for thread in threads:
        thread.join()
    assert failures == []
    sweep(tables, in_file, METADATA)
    assert without_key(tables, in_file, Thing.__table__) == []


def test_keys_of_another_database_are_refused(tables: Engine, tmp_path: Path) -> None:
    keys, others = FileBlobs(tmp_path / "one").row_keys, FileBlobs(tmp_path / "two").row_keys
    must_fit(tables, others, METADATA)
    for number in range(3):
        add(tables, keys, b"header %d" % number)
    must_fit(tables, keys, METADATA)
    with pytest.raises(StoreError) as caught:
        must_fit(tables, others, METADATA)
    assert caught.value.code == "row-keys"


def test_a_row_that_another_process_removes_meanwhile_is_no_missing_key(
    tables: Engine, in_file: RowKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    own = add(tables, in_file, b"header")
    slot = stored(tables, own)[0]
    get = in_file.get

    def get_too_late(slots: Sequence[int]) -> list[bytes | None]:
        with tables.begin() as connection:
            connection.execute(delete(Thing).where(Thing.id == own))
        in_file.destroy([slot])
        return get(slots)

    monkeypatch.setattr(in_file, "get", get_too_late)
    must_fit(tables, in_file, METADATA)


def test_rows_without_a_key_are_named_and_the_others_are_not(
    tables: Engine, in_file: RowKeys, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limits, "ROW_KEYS_AT_ONCE", 3)
    owns = sorted(add(tables, in_file, b"header %d" % number) for number in range(10))
    for own in (owns[0], owns[7]):
        in_file.destroy([stored(tables, own)[0]])
    with tables.begin() as connection:
        connection.execute(update(Thing).where(Thing.id == owns[4]).values(hidden=b"changed"))
    assert without_key(tables, in_file, Thing.__table__) == [owns[0], owns[4], owns[7]]
    must_fit(tables, in_file, METADATA)


ROUNDS = int(os.environ.get("FIELDREPORT_CRASH_ROUNDS", "6"))


def _work(url: str, directory: Path, report: int) -> None:
    engine, keys = open_engine(url), FileBlobs(directory).row_keys
    while True:
        own = add(engine, keys, b"first")
        os.write(report, own)
        slot = stored(engine, own)[0]
        with changing(engine, keys) as (session, change):
            (row,) = change.hide([b"second"])
            session.execute(update(Thing).where(Thing.id == own).values(slot=row.slot, hidden=row.hidden))
            change.doom([slot])
        if secrets.randbelow(2):
            with changing(engine, keys) as (session, change):
                change.doom(session.scalars(delete(Thing).where(Thing.id == own).returning(Thing.slot)))


def test_whatever_is_killed_the_keys_are_those_of_the_rows(tables: Engine, database_url: str, directory: Path) -> None:
    keys = FileBlobs(directory).row_keys
    tables.dispose()
    for _ in range(ROUNDS):
        receiving, sending = os.pipe()
        child = os.fork()
        if child == 0:
            with suppress(BaseException):
                _work(database_url, directory, sending)
            os._exit(1)
        os.close(sending)
        os.read(receiving, 16)
        time.sleep(secrets.randbelow(1000) / 10_000)
        os.kill(child, signal.SIGKILL)
        assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        os.close(receiving)
        engine = open_engine(database_url)
        sweep(engine, keys, METADATA)
        with reading(engine) as session:
            rows = [(row.slot, row.hidden) for row in session.execute(select(Thing.slot, Thing.hidden))]
        engine.dispose()
        assert None not in reveal_all(keys, rows)
        content = (directory / ".keys").read_bytes()
        taken = {at for at in range(1, len(content) // 64) if content[at * 64 :][:64].strip(b"\0")}
        assert taken == {slot for slot, _ in rows}
        assert left_over(keys) == []
