"""Sealed objects in the vault and the sets of keys that can open them.

Rules: a payload is durable before its row and deleted after it; an object is only added for the newest roster epoch
that this vault has seen, so a desk with an old roster cannot seal to a key that is about to be destroyed; deleting an
object destroys the key of its header, and with it every wrapped copy of its file key (crypto-shredding).
"""

from __future__ import annotations

import contextlib
import io
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO, cast

from sqlalchemy import Engine, Row, Select, Table, bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from fieldreport import limits
from fieldreport.errors import FieldreportError, NotFound, SealError, StaleRoster, StoreError
from fieldreport.seal import Kind
from fieldreport.sentence import Sentence
from fieldreport.store import (
    BlobStore,
    KeyChange,
    Spooled,
    is_whole,
    reading,
    reveal_all,
    revealed,
    spooled,
    without_key,
)
from fieldreport.vault.archive.tables import (
    Case,
    Outgoing,
    RecipientKey,
    RecipientSet,
    SealedObject,
    ShownSheet,
    Unsent,
    VaultState,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Staged:
    """A sealed object whose payload is durable and whose row is yet to be written by ``Change.add``.

    ``keys`` are the ids of the keys it is sealed to; empty when they are not known. ``readers``: those who are named as
    its case's only ones, as ``Case.readers``.
    """

    id: bytes
    kind: Kind
    thread: bytes
    epoch: int
    keys: tuple[str, ...]
    readers: str | None
    spooled: Spooled = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class SmallObject:
    """An object that came sealed from elsewhere, small enough for its row; ``keys`` as in ``Staged``."""

    id: bytes
    kind: Kind
    thread: bytes
    epoch: int
    keys: tuple[str, ...]
    header: bytes = field(repr=False)
    payload: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredObject:
    """A sealed object ready to be opened: ``payload`` is seekable and must be closed.

    ``version`` is the stored form of this header, which is another one after each re-wrapping.
    """

    id: bytes
    kind: Kind
    thread: bytes
    epoch: int
    limited: bytes | None
    version: bytes = field(repr=False)
    header: bytes = field(repr=False)
    payload: BinaryIO = field(repr=False)


class Objects:
    """Reading side and staging of sealed objects; rows are written by ``Change``."""

    def __init__(self, engine: Engine, blobs: BlobStore) -> None:
        self._engine = engine
        self._blobs = blobs

    @contextlib.contextmanager
    def staging(
        self,
        seal: Callable[[BinaryIO], bytes],
        *,
        object_id: bytes,
        kind: Kind,
        thread: bytes,
        epoch: int,
        keys: Collection[str],
        readers: str | None = None,
    ) -> Iterator[Staged]:
        """Seal into the payload store; what is not added to a committed change when the block ends is deleted.

        Raises:
            LimitExceeded, StoreError: see ``spooled``; and whatever ``seal`` raises.
        """
        if len(object_id) != limits.ID_BYTES or len(thread) != limits.ID_BYTES:
            raise StoreError("the vault refused", detail="object and thread ids have 16 bytes")
        with spooled(self._blobs, seal) as stored:
            yield Staged(
                id=object_id,
                kind=kind,
                thread=thread,
                epoch=epoch,
                keys=tuple(sorted(set(keys))),
                readers=readers,
                spooled=stored,
            )

    def open(self, object_id: bytes) -> StoredObject:
        """Return one object with its payload open for reading.

        Raises:
            NotFound: there is none, or it was deleted, or its payload is missing (code "payload-missing").
            SealError: (code ``row-key``) the row's key is missing, or is not its own. StoreError: a store is away.
        """
        return self._opened(*self._row(object_id))

    def open_each(self, object_ids: Collection[bytes]) -> Iterator[tuple[bytes, StoredObject | FieldreportError]]:
        """Return those of several objects that are here, asked for in one question, each opened when its turn comes.

        In the place of one that cannot be read is why, as ``open`` would raise it.

        Raises:
            StoreError: the database, or the store of the row keys, is away.
        """
        with reading(self._engine) as session:
            rows = session.scalars(select(SealedObject).where(SealedObject.id.in_(object_ids))).all()
        headers = reveal_all(self._blobs.row_keys, [(row.slot, row.hidden) for row in rows])
        for row, header in zip(rows, headers, strict=True):
            try:
                # One without a key may have been re-wrapped between the two looks.
                yield row.id, self.open(row.id) if header is None else self._opened(row, header)
            except (NotFound, SealError, StoreError) as error:
                yield row.id, error

    def _opened(self, row: SealedObject, header: bytes) -> StoredObject:
        try:
            payload = io.BytesIO(row.payload or b"") if row.blob is None else self._blobs.open(row.blob)
        except NotFound:
            raise NotFound(
                Sentence("the stored file is missing"), detail="payload of an object is missing", code="payload-missing"
            ) from None
        return StoredObject(
            id=row.id,
            kind=Kind(row.kind),
            thread=row.thread,
            epoch=row.epoch,
            limited=row.limited,
            version=row.hidden,
            header=header,
            payload=payload,
        )

    def _row(self, object_id: bytes) -> tuple[SealedObject, bytes]:
        """An object's row and header; looked at again where it was re-wrapped between the two."""
        seen = b""
        while True:
            with reading(self._engine) as session:
                row = session.get(SealedObject, object_id)
            if row is None:
                raise NotFound(Sentence("this is not here any more"), detail="no such object")
            try:
                return row, revealed(self._blobs.row_keys, row.slot, row.hidden)
            except SealError:
                if row.hidden == seen:
                    raise
                seen = row.hidden

    def unreadable(self) -> list[bytes]:
        """Return the ids of objects whose header is closed, or whose payload is not there with first and last byte.

        Raises:
            StoreError: a store is away.
        """
        with reading(self._engine) as session:
            rows = session.execute(
                select(SealedObject.id, SealedObject.size, SealedObject.blob)
                .where(SealedObject.blob.is_not(None))
                .order_by(SealedObject.id)
            ).all()
        found = {row.id for row in rows if not is_whole(self._blobs, row.blob, row.size, ends_only=True)}
        with reading(self._engine) as session:  # those that were deleted meanwhile are not damaged
            found = {each for each in found if session.get(SealedObject, each) is not None}
        for table in (SealedObject.__table__, Outgoing.__table__, Unsent.__table__, ShownSheet.__table__):
            found.update(without_key(self._engine, self._blobs.row_keys, table))
        return sorted(found)

    def header(self, object_id: bytes) -> bytes:
        """Return the header alone; raises as ``open``."""
        return self._row(object_id)[1]

    def headers_of(self, rows: Sequence[Row[bytes, int, bytes]]) -> list[tuple[Row[bytes, int, bytes], bytes]]:
        """Return what ``rows_in`` returned, each with its header, without those that are closed.

        Such a row was replaced or deleted meanwhile; or it is damaged, still counts as sealed to its keys, and
        ``unreadable`` names it.
        """
        headers = reveal_all(self._blobs.row_keys, [(row.slot, row.hidden) for row in rows])
        return [(row, header) for row, header in zip(rows, headers, strict=True) if header is not None]

    def named_by(self, key_id: str) -> int:
        """Count the objects that are sealed to a key and can still be opened."""
        with reading(self._engine) as session:
            return count_naming(session, [key_id])

    def payload_names(self) -> set[str]:
        """Return the names of all blobs that a row names."""
        with reading(self._engine) as session:
            return {name for name in session.scalars(select(SealedObject.blob)) if name is not None}

    def count(self) -> int:
        """Return how many there are."""
        with reading(self._engine) as session:
            return session.scalar(select(func.count()).select_from(SealedObject)) or 0

    def orphans(self, *, older_than_seconds: float = limits.ORPHAN_SECONDS) -> list[str]:
        """Return payloads that no row names, as a crash between payload and row leaves them; young ones are spared."""
        names = set(self._blobs.names(older_than_seconds=older_than_seconds))
        return sorted(names - self.payload_names())  # rows are read after the listing: a late row only takes away

    def remove_orphans(self, *, older_than_seconds: float = limits.ORPHAN_SECONDS) -> int:
        """Delete the payloads that no row names and return how many there were."""
        names = self.orphans(older_than_seconds=older_than_seconds)
        for name in names:
            self._blobs.delete(name)
        return len(names)


def insert(session: Session, state: VaultState, staged: Staged) -> None:
    """Write the row of a staged object.

    Raises:
        StaleRoster: the vault has seen a newer roster than the one this was sealed to, or its case is limited to others
            meanwhile: seal again.
    """
    if staged.epoch < state.highest_epoch:
        raise StaleRoster("the keys have changed; try again", detail=f"sealed to epoch {staged.epoch}, which is closed")
    case = session.get(Case, staged.thread)
    if case is not None and case.readers != staged.readers:
        raise StaleRoster("who may read this case has changed; try again", detail="sealed to a case's former readers")
    insert_as_is(session, staged)


def insert_as_is(session: Session, staged: Staged) -> None:
    """Write the row of an object that came sealed from elsewhere, whatever its epoch."""
    session.add(
        SealedObject(
            id=staged.id,
            kind=staged.kind.value,
            thread=staged.thread,
            epoch=staged.epoch,
            set_id=set_of(session, staged.keys),
            limited=None if staged.readers is None else staged.thread,
            size=staged.spooled.size,
            blob=staged.spooled.blob,
            slot=staged.spooled.header.slot,
            hidden=staged.spooled.header.hidden,
            payload=staged.spooled.payload,
        )
    )


def insert_small_as_is(session: Session, keys: KeyChange, small: Sequence[SmallObject]) -> None:
    """Write the rows of several such objects; their row keys are made durable together."""
    sets = {each: set_of(session, each) for each in {each.keys for each in small}}
    rows = [
        {
            "id": each.id,
            "kind": each.kind.value,
            "thread": each.thread,
            "epoch": each.epoch,
            "set_id": sets[each.keys],
            "limited": None,
            "size": len(each.payload),
            "blob": None,
            "slot": hidden.slot,
            "hidden": hidden.hidden,
            "payload": each.payload,
        }
        for each, hidden in zip(small, keys.hide([each.header for each in small]), strict=True)
    ]
    session.execute(cast("Table", SealedObject.__table__).insert(), rows)


def shred(session: Session, object_ids: Collection[bytes]) -> Iterator[Row[int, str | None]]:
    """Delete rows; return of each its slot, whose key must go with every wrapped copy of the file key, and its blob."""
    for object_id in object_ids:
        yield from session.execute(
            delete(SealedObject).where(SealedObject.id == object_id).returning(SealedObject.slot, SealedObject.blob)
        )


def set_of(session: Session, keys: Collection[str]) -> int:
    """Return the id of the set with exactly these keys, made if it is new."""
    known = known_set(session, keys)
    if known is not None:
        return known
    fresh = RecipientSet(keys=_set_text(keys))
    session.add(fresh)
    session.flush()
    session.add_all(RecipientKey(set_id=fresh.id, key_id=key) for key in sorted(set(keys)))
    return fresh.id


def known_set(session: Session, keys: Collection[str]) -> int | None:
    """Return the id of the set with exactly these keys, if there is one."""
    return session.scalar(select(RecipientSet.id).where(RecipientSet.keys == _set_text(keys)))


def keys_of(session: Session, set_id: int) -> tuple[str, ...]:
    """Return the members of a set."""
    rows = session.scalars(select(RecipientKey.key_id).where(RecipientKey.set_id == set_id))
    return tuple(sorted(rows))


def sets_naming(session: Session, key_ids: Collection[str]) -> list[int]:
    """Return the sets that hold any of these keys: a handful, whatever the number of objects."""
    return list(session.scalars(select(RecipientKey.set_id).where(RecipientKey.key_id.in_(key_ids)).distinct()))


def count_naming(session: Session, key_ids: Collection[str]) -> int:
    """Count the openable objects sealed to any of these keys."""
    counted = select(func.count()).select_from(SealedObject)
    counted = counted.where(SealedObject.set_id.in_(sets_naming(session, key_ids)), SealedObject.damage.is_(None))
    return session.scalar(counted) or 0


def count_in(session: Session, set_id: int, *, limited: bytes | None) -> int:
    """Count what ``rows_in`` would walk over."""
    return session.scalar(_in(select(func.count()).select_from(SealedObject), set_id, limited)) or 0


def rows_in(
    session: Session, set_id: int, *, limited: bytes | None, after: bytes, limit: int
) -> Sequence[Row[bytes, int, bytes]]:
    """Return up to ``limit`` rows of id, slot and hidden header, in the order of ids after ``after``.

    Of the openable objects in one set: those that are limited to this case's readers, or not limited.
    """
    wanted = _in(select(SealedObject.id, SealedObject.slot, SealedObject.hidden), set_id, limited)
    return session.execute(wanted.where(SealedObject.id > after).order_by(SealedObject.id).limit(limit)).all()


def _in(wanted: Select[*tuple[Any, ...]], set_id: int, limited: bytes | None) -> Select[*tuple[Any, ...]]:
    return wanted.where(SealedObject.set_id == set_id, SealedObject.limited == limited, SealedObject.damage.is_(None))


def replace_headers(
    session: Session,
    keys: KeyChange,
    new: Sequence[tuple[Row[bytes, int, bytes], bytes]],
    *,
    set_id: int,
    limited: bytes | None,
    damage: str | None = None,
) -> int:
    """Put each object's new header in the place of its old one, where both it and its readers are still the same.

    ``new`` pairs what ``rows_in`` returned with the new header; ``damage`` is noted with it. Returns how many were
    replaced. The row of the vault's state is held, so that nobody else replaces one meanwhile.
    """
    ids = [row.id for row, _ in new]
    same = select(SealedObject.id, SealedObject.hidden).where(SealedObject.id.in_(ids), SealedObject.limited == limited)
    now = {row.id: row.hidden for row in session.execute(same)}
    found = [(row, header) for row, header in new if now.get(row.id) == row.hidden]
    if not found:
        return 0
    table = SealedObject.__table__
    statement = (
        update(SealedObject)
        .where(table.c.id == bindparam("own"))
        .values(slot=bindparam("new_slot"), hidden=bindparam("new"), set_id=set_id, damage=damage)
    )
    parameters = [
        {"own": row.id, "new_slot": hidden.slot, "new": hidden.hidden}
        for (row, _), hidden in zip(found, keys.hide([header for _, header in found]), strict=True)
    ]
    # As one execution of many rows: through the ORM it would be a statement for each.
    session.connection().execute(statement, parameters)
    keys.doom(row.slot for row, _ in found)
    return len(found)


def _set_text(keys: Collection[str]) -> str:
    return ",".join(sorted(set(keys)))
