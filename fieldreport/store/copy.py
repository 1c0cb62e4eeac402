"""Copies of a database with its row keys and payloads, made while it is in use, and put back into an empty place.

A copy is a SQLite database, whatever it was made from, so that a backup of one kind can be restored to the other: a
server's is read in one snapshot by our own connection, which needs no program of the server's version. Beside it lies
``NAME.keys`` with the key of each of its rows. Payloads are copied after the database that names them.

Rules: a row whose key or payload was destroyed meanwhile makes the whole copy be made again. What is missing even then
is damaged; the copy is made without it, and says so.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, suppress
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import BinaryIO, Final

from sqlalchemy import Engine, MetaData, Table, bindparam, func, insert, inspect, select
from sqlalchemy.orm import Session

from fieldreport import limits
from fieldreport.errors import NotFound, StoreError, UsageError
from fieldreport.store.blob_store import BlobStore, must_store
from fieldreport.store.engine import open_engine, reading, serialized, writing
from fieldreport.store.migrate import migrate
from fieldreport.store.row_keys import RowKeys, decrypts, hiding_tables

_SLOT_BYTES: Final = 8
_ENTRY_BYTES: Final = _SLOT_BYTES + limits.ROW_KEY_BYTES
_TRIES: Final = 5


def keys_beside(copy: Path) -> Path:
    """Where the row keys of a copy lie."""
    return copy.with_name(f"{copy.name}.keys")


def copy_out(
    engine: Engine,
    blobs: BlobStore,
    metadata: MetaData,
    package: str,
    target: Path,
    *,
    payload: Callable[[str], None],
    leave_out: Sequence[str] = (),
) -> list[str]:
    """Copy a database at one moment to ``target``, its row keys beside it, and then its payloads.

    Returns what could not be copied, for the operator: names of payloads, and how many rows have no key.

    Args:
        engine: the database; its tables are current.
        blobs: its payloads and row keys.
        metadata: its tables.
        package: whose tables they are.
        target: a new file.
        payload: copies the payload of a name. Raises ``NotFound``, ``StoreError``: it cannot be read.
        leave_out: tables whose rows are not copied.

    Raises:
        StoreError: a store is away.
    """
    missing: list[str] = []
    for _ in range(_TRIES):
        target.unlink(missing_ok=True)
        before = dict(_live_keys(engine, blobs.row_keys, metadata))
        if engine.dialect.name == "sqlite":
            with serialized(engine) as driver, closing(sqlite3.connect(target)) as copy:
                driver.backup(copy)
        else:
            _rows_out(engine, metadata, package, target)
        _tidy(target, leave_out)
        missing = []
        if closed := _write_keys(target, metadata, blobs.row_keys, before):
            missing.append(f"the keys of {closed} rows")
        for name in payloads_of(target, metadata):
            try:
                payload(name)
            except (NotFound, StoreError):
                missing.append(name)
        if not missing:
            return []
        must_store(blobs)  # away, or only these
    return missing


def copy_in(
    copy: Path, engine: Engine, blobs: BlobStore, metadata: MetaData, package: str, payload: Callable[[str], BinaryIO]
) -> None:
    """Put a copy into an empty database and an empty payload store.

    ``payload`` opens a payload by its name. Raises ``NotFound``: it was missing when the copy was made.

    Raises:
        UsageError: something is there. StoreError: a store is away.
    """
    if inspect(engine).get_table_names() or any(blobs.names()):
        raise UsageError("there is a database or a payload at the place to restore to; a backup is put into empty ones")
    for name in payloads_of(copy, metadata):
        with suppress(NotFound), payload(name) as source, blobs.create(name) as writer:
            while piece := source.read(limits.READ_BYTES):
                writer.write(piece)
            writer.commit()
    if engine.dialect.name == "sqlite":
        with serialized(engine) as driver, closing(sqlite3.connect(copy)) as source_database:
            source_database.backup(driver)
    else:
        migrate(engine, package)
        source_engine = open_engine(f"sqlite:///{copy}")
        try:
            _move(source_engine, engine, metadata)
        finally:
            source_engine.dispose()
            copy.with_name(f"{copy.name}.lock").unlink(missing_ok=True)
    _keys_in(copy, engine, blobs.row_keys, metadata)


def _keys_in(copy: Path, engine: Engine, keys: RowKeys, metadata: MetaData) -> None:
    """Store the keys of all rows, in slots as the new place gives them, and let the rows name these."""
    content = keys_beside(copy).read_bytes()
    entries = (content[start : start + _ENTRY_BYTES] for start in range(0, len(content), _ENTRY_BYTES))
    known = {int.from_bytes(entry[:_SLOT_BYTES], "big"): entry[_SLOT_BYTES:] for entry in entries}
    new_slots: list[int] = []
    with keys.in_use():
        with writing(engine) as session:
            for table in hiding_tables(metadata):
                (own,) = table.primary_key
                rows = iter(session.execute(select(own, table.c.slot)).all())
                statement = table.update().where(own == bindparam("own", type_=own.type))
                while some := [row for row in islice(rows, limits.ROW_KEYS_AT_ONCE) if row.slot in known]:
                    slots = keys.put([known[row.slot] for row in some])
                    changed = [{"own": row[0], "new": slot} for row, slot in zip(some, slots, strict=True)]
                    session.execute(statement.values(slot=bindparam("new")), changed)
                    new_slots += slots
        keys.settle(new_slots)


def payloads_of(copy: Path, metadata: MetaData) -> list[str]:
    """The names of the payloads that a copy's rows name."""
    names: list[str] = []
    with closing(sqlite3.connect(copy)) as database:
        for table in metadata.sorted_tables:
            if "blob" in table.c:
                names += [
                    row[0] for row in database.execute(str(select(table.c.blob).where(table.c.blob.is_not(None))))
                ]
    return names


def _live_keys(engine: Engine, keys: RowKeys, metadata: MetaData) -> Iterator[tuple[int, bytes]]:
    slots: list[int] = []
    with reading(engine) as session:
        for table in hiding_tables(metadata):
            slots += session.scalars(select(table.c.slot))
    yield from _found(keys, slots)


def _found(keys: RowKeys, slots: Iterable[int]) -> Iterator[tuple[int, bytes]]:
    rest = iter(slots)
    while some := list(islice(rest, limits.ROW_KEYS_AT_ONCE)):
        for slot, key in zip(some, keys.get(some), strict=True):
            if key is not None:
                yield slot, key


def _write_keys(copy: Path, metadata: MetaData, keys: RowKeys, before: dict[int, bytes]) -> int:
    """Write the key of each row of a copy; return how many have none."""
    closed = 0
    with closing(sqlite3.connect(copy)) as database, keys_beside(copy).open("wb") as file:
        for table in hiding_tables(metadata):
            rows = database.execute(str(select(table.c.slot, table.c.hidden)))
            while some := rows.fetchmany(limits.ROW_KEYS_AT_ONCE):
                after = dict(_found(keys, [slot for slot, _ in some]))
                for slot, hidden in some:
                    fitting = [key for key in (after.get(slot), before.get(slot)) if key and decrypts(key, hidden)]
                    if fitting:
                        file.write(slot.to_bytes(_SLOT_BYTES, "big") + fitting[0])
                    else:
                        closed += 1
    return closed


def _tidy(copy: Path, leave_out: Sequence[str]) -> None:
    with closing(sqlite3.connect(copy, isolation_level=None)) as database:
        for table in leave_out:
            database.execute(f'DELETE FROM "{table}"')  # noqa: S608 - names of our own tables
        database.execute("PRAGMA journal_mode=DELETE")  # one file, and nothing beside it
        database.execute("VACUUM")  # nothing of what was deleted, and rows in the order of their ids


def _rows_out(engine: Engine, metadata: MetaData, package: str, target: Path) -> None:
    with TemporaryDirectory(dir=target.parent) as directory:
        path = Path(directory) / target.name
        made = open_engine(f"sqlite:///{path}")
        try:
            migrate(made, package)
            _move(engine, made, metadata)
            with serialized(made) as driver, closing(sqlite3.connect(target)) as copy:
                driver.backup(copy)
        finally:
            made.dispose()


def _move(source: Engine, target: Engine, metadata: MetaData) -> None:
    """Copy all rows of all tables, in one transaction of each side."""
    with reading(source) as reader, writing(target) as writer:
        for table in reversed(metadata.sorted_tables):
            writer.execute(table.delete())  # rows that migrations made
        for table in metadata.sorted_tables:
            rows = reader.execute(select(table).execution_options(yield_per=limits.ROW_KEYS_AT_ONCE))
            for some in rows.mappings().partitions():
                writer.execute(insert(table), [dict(row) for row in some])
            if target.dialect.name == "postgresql":
                _continue_numbers(writer, table)


def _continue_numbers(writer: Session, table: Table) -> None:
    """Let a column that numbers its rows go on after the highest number."""
    column = table.autoincrement_column
    if column is not None and (highest := writer.scalar(select(func.max(column)))) is not None:
        writer.execute(select(func.setval(func.pg_get_serial_sequence(table.name, column.name), highest)))
