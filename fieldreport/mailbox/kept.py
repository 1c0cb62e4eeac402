"""Cleaned files that wait until their form is sent: ciphertext under random-looking names, for an hour.

Where they lie and what a seizure shows: a note in a row of the mailbox's database, under the row's own key; a content
in that row or, when it is large, in the blob store, among those of letters. Names and keys follow from a codename and
the number of a form, which nobody but the source has (``seal.kept_file``). So a stolen disk shows how many files wait,
their padded sizes and in which hour something was last done with each; not whose they are, which belong together, or
what they hold.

What a kill leaves: a payload is durable before its row, so that a cut before the commit leaves a payload that nobody
can open and no row names (``doctor`` removes it); when something is removed the payload goes first, so that a cut
leaves a row without one, which counts as not there and is swept.

Who sweeps: the upkeep of every process that has the mailbox open, each quarter of a minute, and every ``put``. While
nothing runs nothing is swept; the next start does it first.

Rules: nothing here outlives ``limits.KEPT_HOURS`` and the hour in which it was last touched; the files of one source
are touched together, so that the one at the first place is never gone before the others, and a source without any
costs one look.
"""

from __future__ import annotations

import io
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import BinaryIO, Final, Literal, cast

from sqlalchemy import ColumnElement, Engine, Table, delete, func, insert, select, update
from sqlalchemy.orm import Session

from fieldreport import limits
from fieldreport.errors import LimitExceeded, MailboxFull, NotFound, StoreError
from fieldreport.mailbox.interface import KeptNote
from fieldreport.mailbox.tables import Counters, Kept
from fieldreport.store import BlobStore, changing, reading, reveal_all, spooled, truncate_log, writing

_log = logging.getLogger(__name__)

_TABLE: Final = cast("Table", Kept.__table__)
_NOTES: Final = (_TABLE.c.id, _TABLE.c.slot, _TABLE.c.hidden)


class LocalKeptFiles:
    """See ``KeptFiles``. ``bytes_ceiling`` bounds what may wait in all."""

    def __init__(self, engine: Engine, blobs: BlobStore, *, bytes_ceiling: int = limits.KEPT_BYTES) -> None:
        self._engine = engine
        self._blobs = blobs
        self._bytes_ceiling = bytes_ceiling

    def notes(self, places: Sequence[bytes], *, hour: int) -> list[KeptNote]:
        """Return what waits at these places; see ``KeptFiles``."""
        with reading(self._engine) as session:
            rows = session.execute(select(*_NOTES).where(*_waiting(places, hour))).all()
        found = reveal_all(self._blobs.row_keys, [(row.slot, row.hidden) for row in rows])
        notes = {row.id: note for row, note in zip(rows, found, strict=True) if note is not None}
        return [KeptNote(place=place, note=notes[place]) for place in places if place in notes]

    def taken(self, places: Sequence[bytes], *, hour: int) -> set[bytes]:
        """Return at which of these places something waits; see ``KeptFiles``."""
        with reading(self._engine) as session:
            return set(session.scalars(select(_TABLE.c.id).where(*_waiting(places, hour))))

    def put(
        self,
        place: bytes,
        seal: Callable[[BinaryIO], bytes],
        *,
        size: int,
        places: Sequence[bytes],
        most_bytes: int,
        hour: int,
    ) -> None:
        """Store a file; see ``KeptFiles``."""
        self.sweep(hour=hour)
        with reading(self._engine) as session:  # before the work as well as in the transaction
            self._must_have_room(session, places, size=size, most_bytes=most_bytes)
        with spooled(self._blobs, seal) as stored:
            with writing(self._engine) as session:
                # On PostgreSQL one after the other, so that two do not take the same room.
                session.execute(select(Counters.id).where(Counters.id == 0).with_for_update())
                self._must_have_room(session, places, size=stored.size, most_bytes=most_bytes)
                row = {
                    "id": place,
                    "hour": hour,
                    "size": stored.size,
                    "blob": stored.blob,
                    "slot": stored.header.slot,
                    "hidden": stored.header.hidden,
                    "payload": stored.payload,
                }
                session.execute(insert(_TABLE), row)
                _touch(session, places, hour)
            stored.keep()

    def _must_have_room(
        self, session: Session, places: Sequence[bytes], *, size: int, most_bytes: int
    ) -> Literal[True]:
        own = session.scalar(select(func.sum(_TABLE.c.size)).where(_TABLE.c.id.in_(places))) or 0
        if own + size > most_bytes:
            raise LimitExceeded("these files are too large together", code="kept-bytes")
        of_others = (session.scalar(select(func.sum(_TABLE.c.size))) or 0) - own
        # A share of what the others leave: who fills this with large files takes ever less, and a photo still fits.
        if own + size > (self._bytes_ceiling - of_others) // limits.KEPT_SHARE:
            raise MailboxFull("no more files can wait at the moment", detail="the room for kept files is full")
        return True

    def open(self, place: bytes) -> BinaryIO:
        """Open a content; see ``KeptFiles``."""
        with reading(self._engine) as session:
            row = session.execute(select(_TABLE.c.payload, _TABLE.c.blob).where(_TABLE.c.id == place)).first()
        if row is None or (row.payload is None and row.blob is None):
            raise NotFound("no such file waits")
        return self._blobs.open(row.blob) if row.blob is not None else io.BytesIO(row.payload)

    def touch(self, places: Sequence[bytes], *, hour: int) -> None:
        """Let what waits at these places wait for another hour; see ``KeptFiles``."""
        with reading(self._engine) as session:
            older = select(_TABLE.c.id).where(_TABLE.c.id.in_(places), _TABLE.c.hour < hour)
            if session.execute(older.limit(1)).first() is None:
                return
        with writing(self._engine) as session:
            _touch(session, places, hour)

    def empty(self, notes: Mapping[bytes, bytes]) -> None:
        """Remove contents and replace their notes; see ``KeptFiles``."""
        self._delete_blobs(_TABLE.c.id.in_(list(notes)))
        with changing(self._engine, self._blobs.row_keys) as (session, keys):
            rows = session.execute(select(_TABLE.c.id, _TABLE.c.slot).where(_TABLE.c.id.in_(list(notes)))).all()
            hidden = keys.hide([notes[row.id] for row in rows]) if rows else []
            for row, new in zip(rows, hidden, strict=True):
                values = {"size": 0, "blob": None, "payload": None, "slot": new.slot, "hidden": new.hidden}
                session.execute(update(_TABLE).where(_TABLE.c.id == row.id).values(values))
            keys.doom([row.slot for row in rows])
        self._erase_soon()

    def remove(self, places: Iterable[bytes]) -> None:
        """Remove all that waits at these places; see ``KeptFiles``."""
        self._remove(_TABLE.c.id.in_(list(places)))

    def sweep(self, *, hour: int) -> None:
        """Remove what has waited for too long; see ``KeptFiles``."""
        self._remove(_TABLE.c.hour < hour - limits.KEPT_HOURS)

    def _remove(self, which: ColumnElement[bool]) -> None:
        if not self._delete_blobs(which):
            return
        with changing(self._engine, self._blobs.row_keys) as (session, keys):
            keys.doom(session.scalars(delete(_TABLE).where(which).returning(_TABLE.c.slot)).all())
        self._erase_soon()

    def _delete_blobs(self, which: ColumnElement[bool]) -> bool:
        """Delete the payloads of these rows; whether there are such rows."""
        with reading(self._engine) as session:
            names = session.scalars(select(_TABLE.c.blob).where(which)).all()
        for name in names:
            if name is not None:
                self._blobs.delete(name)
        return bool(names)

    def _erase_soon(self) -> None:
        with suppress(StoreError):  # the act has happened; the upkeep does the rest
            truncate_log(self._engine)


def _waiting(places: Sequence[bytes], hour: int) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return _TABLE.c.id.in_(places), _TABLE.c.hour >= hour - limits.KEPT_HOURS


def _touch(session: Session, places: Sequence[bytes], hour: int) -> None:
    session.execute(update(_TABLE).where(_TABLE.c.id.in_(places), _TABLE.c.hour < hour).values(hour=hour))
