"""Rows that can be forgotten: what must not outlive its row is stored under a key of the row's own, kept elsewhere.

A database remembers what rows were: in its log, in dead rows, in replicas and backups, in blocks that no file names any
more. So nothing in it can be opened without the keys that lie beside the payloads, and a change that removes or
replaces a row destroys the old key.

Rules: a key is durable before the row that names it, and destroyed after the row is gone; before the commit it is
noted which keys are about to go, so that after a crash at any moment the database is asked about these and no others
(a database that was restored or mistaken for another costs no more keys than that). A change that failed leaves its
notes: it is not known whether the database carried it out. FORMAT.md, "Row".
"""

from __future__ import annotations

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field
from typing import Any, Final, Literal, Protocol, TypeVar

from sqlalchemy import ColumnElement, Engine, FromClause, MetaData, Row, Table, select, text
from sqlalchemy.orm import Session

from fieldreport import limits
from fieldreport.errors import FieldreportError, SealError, StoreError
from fieldreport.seal import decrypt_row, encrypt_row
from fieldreport.store.engine import reading, writing

_Any = TypeVar("_Any")
_log = logging.getLogger(__name__)

_RETRY_SECONDS: Final = 0.005
_ASKED: Final = 8  # of so many rows, one can be opened unless these are not the keys of this database


class RowKeys(Protocol):
    """Where row keys are kept: 32 bytes each, in numbered slots. ``FileRowKeys`` and ``S3RowKeys``.

    Whatever is done to a slot is durable when it returns. Every method raises ``StoreError``.
    """

    def put(self, keys: Sequence[bytes]) -> list[int]:
        """Store new keys, noted as such, and return their slots, whose numbers tell nothing."""

    def get(self, slots: Sequence[int]) -> list[bytes | None]:
        """Return the keys in these slots; nothing for an empty one."""

    def doom(self, slots: Sequence[int]) -> None:
        """Note that these keys are about to be destroyed."""

    def settle(self, slots: Sequence[int]) -> None:
        """Take back what was noted: rows name these slots. It does no harm if a crash undoes this."""

    def destroy(self, slots: Sequence[int]) -> None:
        """Destroy these keys; the slots are empty then."""

    def in_use(self) -> AbstractContextManager[None]:
        """Held by a change from its first ``put`` or ``doom`` until after its last ``settle`` or ``destroy``."""

    def noted(self) -> bool:
        """Whether any slot has a note: of a change under way, or left over."""

    def left_over(self) -> AbstractContextManager[list[int]]:
        """Return the slots that changes left with a note when they failed or were cut off; none begins meanwhile.

        Raises:
            StoreError: changes under way keep it from telling of all (code "busy").
        """

    def level_times(self) -> None:
        """Let no file show when something was stored in it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class HiddenRow:
    """What a row holds in place of its content: the slot of its key, and the content under that key."""

    slot: int
    hidden: bytes = field(repr=False)


class KeyChange:
    """The row keys of one transaction; see ``key_change``. A change that needs none needs no keys to be there."""

    def __init__(self, keys: RowKeys) -> None:
        self._keys = keys
        self._new: list[int] = []
        self._doomed: list[int] = []
        self._use: AbstractContextManager[None] | None = None
        self._noted = False

    def hide(self, contents: Sequence[bytes]) -> list[HiddenRow]:
        """Encrypt each content under a new key, which is durable when this returns."""
        self._begin()
        pairs = [encrypt_row(content) for content in contents]
        slots = self._keys.put([key for key, _ in pairs])
        self._new += slots
        return [HiddenRow(slot=slot, hidden=hidden) for slot, (_, hidden) in zip(slots, pairs, strict=True)]

    def doom(self, slots: Iterable[int]) -> None:
        """Destroy the keys of these rows, which this transaction deletes or replaces, after the commit."""
        self._doomed += slots

    def note(self) -> None:
        """Before the commit: make durable what is about to be destroyed."""
        if self._doomed:
            self._begin()
            self._noted = True
            self._keys.doom(self._doomed)

    def finish(self) -> None:
        """After the commit: destroy what is not needed any more. What cannot be done now, ``sweep`` does later."""
        self._settle(gone=self._doomed, stays=self._new)

    def undo(self) -> None:
        """When there was no commit: destroy what is new. What cannot be done now, ``sweep`` does later."""
        self._settle(gone=self._new, stays=self._doomed if self._noted else [])

    def _settle(self, *, gone: list[int], stays: list[int]) -> None:
        self._new, self._doomed = [], []
        try:
            if gone:
                self._keys.destroy(gone)
            if stays:
                self._keys.settle(stays)
        except StoreError as error:  # what has happened, or has not, must not look otherwise
            _log.warning("keys of removed rows are destroyed later: %s", error.detail)

    def end(self) -> None:
        """Let others tell what is left over."""
        if self._use is not None:
            self._use.__exit__(None, None, None)
            self._use = None

    def _begin(self) -> None:
        if self._use is None:
            use = self._keys.in_use()
            use.__enter__()
            self._use = use


@contextmanager
def key_change(keys: RowKeys) -> Iterator[KeyChange]:
    """Lend the keys for a transaction inside this block; ``KeyChange.finish`` is the caller's to call."""
    change = KeyChange(keys)
    try:
        yield change
    finally:
        change.end()


@contextmanager
def undone_unless_finished(change: KeyChange) -> Iterator[None]:
    """Leave nothing of a change whose block ends without ``finish``, or by one of our refusals: it was not committed.

    In a bucket a note that is left keeps everybody from telling for an hour whether what was deleted is gone.
    """
    try:
        yield
    except StoreError:
        raise  # in doubt: the answer to a commit may have been lost on its way
    except FieldreportError:
        change.undo()
        raise
    change.undo()


@contextmanager
def changing(engine: Engine, keys: RowKeys) -> Iterator[tuple[Session, KeyChange]]:
    """Run one transaction that may write and may give, replace and destroy row keys; raises as ``writing``."""
    with key_change(keys) as change, undone_unless_finished(change):
        with writing(engine) as session:
            yield session, change
            change.note()
        change.finish()


def revealed(keys: RowKeys, slot: int, hidden: bytes) -> bytes:
    """Return what a row hides.

    Raises:
        SealError: (code ``row-key``) the key is not there or not this row's: the row has been replaced or deleted since
            it was read, somebody changed it, or keys and database do not belong together.
    """
    (content,) = reveal_all(keys, [(slot, hidden)])
    if content is None:
        raise SealError("this row cannot be opened", detail="its key is missing, or is not its own", code="row-key")
    return content


def reveal_all(keys: RowKeys, rows: Sequence[tuple[int, bytes]]) -> list[bytes | None]:
    """Return what each pair of slot and hidden content holds; nothing where the key is not there or not its own."""
    found = keys.get([slot for slot, _ in rows])
    return [_tried(key, hidden) for key, (_, hidden) in zip(found, rows, strict=True)]


def decrypts(key: bytes, hidden: bytes) -> bool:
    """Whether a key is that of a row."""
    return _tried(key, hidden) is not None


def _tried(key: bytes | None, hidden: bytes) -> bytes | None:
    if key is None:
        return None
    try:
        return decrypt_row(key, hidden)
    except SealError:
        return None


def hiding_tables(metadata: MetaData) -> list[Table]:
    """The tables whose rows have keys: those with a column ``slot``, next to the one called ``hidden``."""
    return [table for table in metadata.sorted_tables if "slot" in table.c]


def must_fit(engine: Engine, keys: RowKeys, metadata: MetaData) -> Literal[True]:
    """Check that these are the keys of this database: of several rows, one can be opened.

    Raises:
        StoreError: none can (code "row-keys"), or a store is away.
    """
    while rows := _some_rows(engine, metadata):
        if any(content is not None for content in reveal_all(keys, list(rows))):
            break
        # Another process may have removed them between the two looks: a row goes first, its key after it.
        if rows & _some_rows(engine, metadata):
            raise StoreError(
                "the keys of the database are missing",
                detail="the row keys beside the payloads are not those of this database; put the right ones back",
                code="row-keys",
            )
    return True


def _some_rows(engine: Engine, metadata: MetaData) -> set[tuple[int, bytes]]:
    """Slot and hidden content of the first rows of each table."""
    rows: set[tuple[int, bytes]] = set()
    with reading(engine) as session:
        for table in hiding_tables(metadata):
            some = session.execute(select(table.c.slot, table.c.hidden).limit(_ASKED))
            rows |= {(row.slot, row.hidden) for row in some}
    return rows


def without_key(engine: Engine, keys: RowKeys, table: FromClause) -> list[bytes]:
    """The primary keys (bytes) of a table's rows that cannot be opened, because keys or rows are damaged.

    Raises:
        StoreError: a store is away.
    """
    missing: list[bytes] = []
    after = b""
    (own,) = table.primary_key
    while rows := _page(engine, table, own > after):
        after = rows[-1][0]
        missing += _closed(keys, rows)
    again = (
        missing[start : start + limits.ROW_KEYS_AT_ONCE] for start in range(0, len(missing), limits.ROW_KEYS_AT_ONCE)
    )
    # Asked twice: a row may have been replaced between the look at it and the one at its key.
    return [each for some in again for each in _closed(keys, _page(engine, table, own.in_(some)))]


def _page(engine: Engine, table: FromClause, wanted: ColumnElement[bool]) -> Sequence[Row[*tuple[Any, ...]]]:
    with reading(engine) as session:
        columns = select(*table.primary_key, table.c.slot, table.c.hidden)
        return session.execute(columns.where(wanted).order_by(*table.primary_key).limit(limits.ROW_KEYS_AT_ONCE)).all()


def _portions(of: list[_Any]) -> Iterator[list[_Any]]:
    return (of[start : start + limits.ROW_KEYS_AT_ONCE] for start in range(0, len(of), limits.ROW_KEYS_AT_ONCE))


def _closed(keys: RowKeys, rows: Sequence[Row[*tuple[Any, ...]]]) -> list[bytes]:
    contents = reveal_all(keys, [(row.slot, row.hidden) for row in rows])
    return [row[0] for row, content in zip(rows, contents, strict=True) if content is None]


def sweep(engine: Engine, keys: RowKeys, metadata: MetaData) -> None:
    """Destroy what changes that failed or were cut off left behind: keys that no row names.

    Raises:
        StoreError: a store is away, or changes under way were in the way for two seconds (code "busy").
    """
    deadline = time.monotonic() + limits.LOG_WAIT_SECONDS
    while keys.noted():
        try:
            _sweep(engine, keys, hiding_tables(metadata))
        except StoreError as error:
            if error.code != "busy" or time.monotonic() > deadline:
                raise
            time.sleep(_RETRY_SECONDS)
        else:
            return


def _sweep(engine: Engine, keys: RowKeys, tables: Sequence[Table]) -> None:
    # The turn to write comes first, as it may with a change, which needs its keys only on the way.
    with writing(engine) as session:
        if engine.dialect.name == "postgresql":
            # The server may still be at the commit of a process that is gone: wait for it.
            session.execute(text(f"LOCK TABLE {', '.join(table.name for table in tables)} IN SHARE MODE"))
        with keys.left_over() as slots:
            named = {
                slot
                for some in _portions(slots)
                for table in tables
                for slot in session.scalars(select(table.c.slot).where(table.c.slot.in_(some)))
            }
            keys.settle(sorted(named))
            keys.destroy(sorted(set(slots) - named))
