"""The mailbox in a database and a blob store on this machine, for the intake and for a desk on the same machine.

Rules: a payload is durable before its row, a row is gone before its payload; every decision that two nodes could take
differently is one conditional UPDATE of a counters' row. There are several, so that deposits do not wait for each
other's commit; who needs more than one takes them in order.
"""

from __future__ import annotations

import io
import logging
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, BinaryIO, Final, Literal, cast

from sqlalchemy import (
    BigInteger,
    Delete,
    Engine,
    Row,
    Table,
    bindparam,
    delete,
    func,
    insert,
    or_,
    select,
    union,
    update,
)
from sqlalchemy.orm import Session

from fieldreport import limits
from fieldreport.config import Settings
from fieldreport.errors import Conflict, LimitExceeded, MailboxFull, NotFound, SealError, StaleRoster, StoreError
from fieldreport.mailbox.interface import LetterHead, SealedLetter, SealedReply, Totals
from fieldreport.mailbox.kept import LocalKeptFiles
from fieldreport.mailbox.tables import Collected, Counters, Kept, Letter, MailboxBase, Reply
from fieldreport.seal import RosterDirectory
from fieldreport.store import (
    BlobStore,
    Place,
    Spooled,
    Upkeep,
    changing,
    is_whole,
    must_store,
    reading,
    reveal_all,
    revealed,
    spooled,
    sweep,
    truncate_log,
    without_key,
    writing,
)

_log = logging.getLogger(__name__)

_DAY: Final = 24  # hours


def mailbox_place(settings: Settings) -> Place:
    """Where the settings put the mailbox."""
    intake, tables = settings.intake, MailboxBase.metadata
    not_copied = (Kept.__tablename__,)  # files whose report was not sent yet are no letters
    return Place(
        "fieldreport.mailbox", tables, settings.instance_id, intake.data, intake.mailbox, intake.blobs, not_copied
    )


def open_mailbox(settings: Settings) -> LocalMailbox:
    """Open the mailbox that the settings name; a new SQLite one is made. Raises as ``Place.open``."""
    return LocalMailbox(*mailbox_place(settings).open())


# Built once, and on the tables: built for each report, or through the mapped classes, they take as long as sealing it.
_ID: Final = bindparam("letter", type_=Letter.__table__.c.id.type)
_WAITS: Final = select(Letter.id).where(Letter.id == _ID).exists()
_WAS_COLLECTED: Final = select(Collected.id).where(Collected.id == _ID).exists()
_COUNTERS: Final = cast("Table", Counters.__table__)
_ALL_COUNTERS: Final = _COUNTERS.alias()  # for questions about all of them within a change of one
_EPOCH: Final = func.max(_ALL_COUNTERS.c.highest_epoch)
_LETTERS_WAITING: Final = func.sum(_ALL_COUNTERS.c.letters).cast(BigInteger)
_BYTES_WAITING: Final = func.sum(_ALL_COUNTERS.c.bytes).cast(BigInteger)
_SUMS: Final = select(
    func.count().label("rows"),
    _EPOCH.label("highest_epoch"),
    _LETTERS_WAITING.label("letters"),
    _BYTES_WAITING.label("bytes"),
).select_from(_ALL_COUNTERS)
_STATE: Final = _SUMS.add_columns(or_(_WAITS, _WAS_COLLECTED).label("known"))
_LOW: Final = bindparam("low", type_=Letter.__table__.c.id.type)
_HIGH: Final = bindparam("high", type_=Letter.__table__.c.id.type)
_BEGINNINGS: Final = (
    select(Letter.id).where(Letter.id.between(_LOW, _HIGH)),
    select(Collected.id).where(Collected.id.between(_LOW, _HIGH)),
)
_BEGINNING_WITH: Final = union(*_BEGINNINGS)
_BEGINNING_WITH_OR_KEPT: Final = union(
    *_BEGINNINGS, select(Kept.id).where(Kept.id == bindparam("place"), Kept.hour >= bindparam("since"))
)
_COUNT: Final = (
    update(_COUNTERS)
    .where(
        _COUNTERS.c.id == bindparam("row"),
        _COUNTERS.c.highest_epoch <= bindparam("epoch"),
        select(_EPOCH).scalar_subquery() <= bindparam("epoch"),
        select(_LETTERS_WAITING).scalar_subquery() < bindparam("most_letters"),
        select(_BYTES_WAITING).scalar_subquery() + bindparam("size", type_=BigInteger)
        <= bindparam("most_bytes", type_=BigInteger),
        ~_WAS_COLLECTED,
    )
    .values(
        highest_epoch=bindparam("epoch"),
        letters=_COUNTERS.c.letters + 1,
        bytes=_COUNTERS.c.bytes + bindparam("size", type_=BigInteger),
    )
    .returning(_COUNTERS.c.id)
)
_CLOSE_EPOCHS: Final = (
    update(_COUNTERS)
    .where(_COUNTERS.c.id == bindparam("row"), _COUNTERS.c.highest_epoch < bindparam("epoch"))
    .values(highest_epoch=bindparam("epoch"))
)
_INSERT: Final = insert(cast("Table", Letter.__table__))
_REMEMBER: Final = insert(cast("Table", Collected.__table__))
_LETTERS: Final = cast("Table", Letter.__table__)
_TAKE_OUT: Final = (
    delete(_LETTERS)
    .where(_LETTERS.c.id.in_(bindparam("letters", expanding=True)))
    .returning(_LETTERS.c.id, _LETTERS.c.size, _LETTERS.c.blob, _LETTERS.c.slot)
)


class LocalMailbox:
    """See ``Mailbox``. ``letters_ceiling`` and ``bytes_ceiling`` bound what may wait."""

    def __init__(
        self,
        engine: Engine,
        blobs: BlobStore,
        *,
        letters_ceiling: int = limits.LETTERS_WAITING,
        bytes_ceiling: int = limits.BYTES_WAITING,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._engine = engine
        self._blobs = blobs
        self._letters_ceiling = letters_ceiling
        self._bytes_ceiling = bytes_ceiling
        self._clock = clock
        self.kept = LocalKeptFiles(engine, blobs)
        # Where a letter lies must not show when it came.
        self.upkeep = Upkeep(
            engine,
            blobs,
            MailboxBase.metadata,
            hours=_DAY,
            rebuild=True,
            expire=lambda: self.kept.sweep(hour=self._hour()),
        )

    def close(self) -> None:
        """Erase what was deleted, and close every connection."""
        self.upkeep.stop()
        self._engine.dispose()

    def erase_deleted(self) -> None:
        """Leave nothing of deleted letters and replies on the disk; see ``Mailbox``."""
        sweep(self._engine, self._blobs.row_keys, MailboxBase.metadata)
        truncate_log(self._engine)

    def _erase_soon(self) -> None:
        try:
            truncate_log(self._engine)
        except StoreError as error:  # the act has happened; the upkeep does the rest
            _log.warning("deleted rows are erased later: %s", error.detail)

    # --- the intake's side ---

    def deposit(self, letter_id: bytes, epoch: int, seal: Callable[[BinaryIO], bytes]) -> bool:
        """Store one letter; see ``Mailbox``."""
        _check_id(letter_id)
        with reading(self._engine) as session:
            # Before sealing as well as in the transaction, so that a full mailbox does not cost the work of sealing.
            if self._is_known(session, letter_id, epoch=epoch, size=0):
                return False
        with spooled(self._blobs, seal) as stored:
            try:
                with writing(self._engine) as session:
                    if not self._take_in(session, letter_id, epoch, stored):
                        return False
            except Conflict:  # the same post on another thread or node was faster
                return False
            stored.keep()
        return True

    def _take_in(self, session: Session, letter_id: bytes, epoch: int, stored: Spooled) -> bool:
        # On PostgreSQL this locks the row until the commit, so that saw_epoch() comes before it or after it. Letters
        # that come at the same moment do not see each other in the sums: by so many the ceilings may be passed.
        room = {
            "row": counters_row(letter_id),
            "letter": letter_id,
            "epoch": epoch,
            "size": stored.size,
            "most_letters": self._letters_ceiling,
            "most_bytes": self._bytes_ceiling,
        }
        if session.execute(_COUNT, room).first() is None:
            if self._is_known(session, letter_id, epoch=epoch, size=stored.size):
                return False
            raise StoreError("the mailbox refused", detail="counters changed while they were read", code="busy")
        row = {
            "id": letter_id,
            "epoch": epoch,
            "size": stored.size,
            "blob": stored.blob,
            "slot": stored.header.slot,
            "hidden": stored.header.hidden,
            "payload": stored.payload,
        }
        session.execute(_INSERT, row)
        return True

    def _is_known(self, session: Session, letter_id: bytes, *, epoch: int, size: int) -> bool:
        """Whether the letter is here or was lately; if it is not, check that it could be taken in."""
        seen = _all_there(session.execute(_STATE, {"letter": letter_id}).one())
        if seen.known:
            return True
        if seen.highest_epoch > epoch:
            raise StaleRoster("the keys have changed; seal again", detail=f"epoch {epoch} is closed")
        if seen.letters >= self._letters_ceiling or seen.bytes + size > self._bytes_ceiling:
            raise _full()
        return False

    def beginning_with(self, beginning: bytes) -> list[bytes]:
        """Return the ids of letters that begin so; see ``Mailbox``."""
        with reading(self._engine) as session:
            return list(session.scalars(_BEGINNING_WITH, _ends(beginning)))

    def beginning_with_and_kept(self, beginning: bytes, place: bytes, *, hour: int) -> tuple[list[bytes], bool]:
        """Return the same, and whether a file waits at a place; see ``Mailbox``."""
        wanted = {**_ends(beginning), "place": place, "since": hour - limits.KEPT_HOURS}
        with reading(self._engine) as session:
            found = list(session.scalars(_BEGINNING_WITH_OR_KEPT, wanted))
        return [each for each in found if each != place], place in found

    def saw_epoch(self, epoch: int) -> None:
        """Close all epochs below; see ``Mailbox``."""
        with writing(self._engine) as session:
            for row in range(1, limits.COUNTER_ROWS + 1):
                session.execute(_CLOSE_EPOCHS, {"row": row, "epoch": epoch})

    def take_rosters(self, published: RosterDirectory) -> None:
        """Close the epochs before the newest: intake and desk read the same directory; see ``DeskMailbox``."""
        self.saw_epoch(published.newest(at_least=0).epoch)

    def highest_epoch(self) -> int:
        """Return the highest epoch seen; see ``Mailbox``."""
        with reading(self._engine) as session:
            return int(_all_there(session.execute(_SUMS).one()).highest_epoch)

    def totals(self) -> Totals:
        """Return how much waits; see ``Mailbox``."""
        with reading(self._engine) as session:
            seen = _all_there(session.execute(_SUMS).one())
            return Totals(letters=seen.letters, bytes=seen.bytes)

    def must_have_room(self) -> Literal[True]:
        """Check that one more letter could be taken in; see ``Mailbox``."""
        waiting = self.totals()
        if waiting.letters >= self._letters_ceiling or waiting.bytes >= self._bytes_ceiling:
            raise _full()
        return True

    # --- the desk's side ---

    def waiting(self, limit: int) -> list[LetterHead]:
        """Return letters in the order of their random ids; see ``Mailbox``."""
        with reading(self._engine) as session:
            rows = session.execute(select(Letter.id, Letter.epoch, Letter.size).order_by(Letter.id).limit(limit))
            return [LetterHead(id=row.id, epoch=row.epoch, size=row.size) for row in rows]

    def fetch(self, letter_id: bytes) -> SealedLetter:
        """Return one letter; see ``Mailbox``."""
        with reading(self._engine) as session:
            letter = session.get(Letter, letter_id)
        if letter is None:
            raise NotFound("no such letter")
        header = self._header(letter)
        payload = io.BytesIO(letter.payload) if letter.blob is None else self._blobs.open(letter.blob)  # type: ignore[arg-type] # one of the two is set
        return SealedLetter(id=letter.id, epoch=letter.epoch, header=header, payload=payload, size=letter.size)

    def _header(self, letter: Letter) -> bytes:
        try:
            return revealed(self._blobs.row_keys, letter.slot, letter.hidden)
        except SealError as error:
            with reading(self._engine) as session:
                if session.get(Letter, letter.id) is None:  # collected by another since it was read
                    raise NotFound("no such letter") from None
            raise StoreError("this letter cannot be opened", detail=error.detail, code=error.code) from None

    def acknowledge(self, letter_ids: Sequence[bytes]) -> None:
        """Delete letters that the desk has stored; see ``Mailbox``."""
        blobs: list[str] = []
        taken: dict[int, list[int]] = {}
        with changing(self._engine, self._blobs.row_keys) as (session, keys):
            for start in range(0, len(letter_ids), limits.ROW_KEYS_AT_ONCE):
                some = list(letter_ids[start : start + limits.ROW_KEYS_AT_ONCE])
                gone = session.execute(_TAKE_OUT, {"letters": some}).all()
                if not gone:
                    continue
                keys.doom(row.slot for row in gone)
                day = _day(self._hour())
                session.execute(_REMEMBER, [{"id": row.id, "hour": day} for row in gone])
                for row in gone:
                    taken.setdefault(counters_row(row.id), []).append(row.size)
                blobs += [row.blob for row in gone if row.blob is not None]
            for number, sizes in sorted(taken.items()):
                less = {"letters": _COUNTERS.c.letters - len(sizes), "bytes": _COUNTERS.c.bytes - sum(sizes)}
                session.execute(update(_COUNTERS).where(_COUNTERS.c.id == number).values(less))
            session.execute(delete(Collected).where(Collected.hour < _day(self._hour() - limits.COLLECTED_HOURS)))
        for name in blobs:
            self._blobs.delete(name)
        self._erase_soon()

    def post_reply(self, reply: SealedReply) -> None:
        """Store a reply; see ``Mailbox``."""
        _check_id(reply.id)
        if len(reply.index) != limits.INDEX_BYTES:
            raise StoreError("the mailbox refused", detail=f"an index has {limits.INDEX_BYTES} bytes")
        if len(reply.header) + len(reply.payload) > limits.REPLY_BYTES:
            raise LimitExceeded("this reply is too long", detail="sealed reply over the bound", code="reply-size")
        with suppress(Conflict), changing(self._engine, self._blobs.row_keys) as (session, keys):
            if session.get(Reply, reply.id) is None:  # otherwise another window has posted it
                (header,) = keys.hide([reply.header])
                session.add(
                    Reply(
                        id=reply.id,
                        index=reply.index,
                        hour=_day(reply.hour),
                        slot=header.slot,
                        hidden=header.hidden,
                        payload=reply.payload,
                    )
                )

    def waiting_replies(self) -> frozenset[bytes]:
        """Return the ids of all replies that wait; see ``Mailbox``."""
        with reading(self._engine) as session:
            return frozenset(session.scalars(select(Reply.id)))

    # --- the source's side ---

    def replies(self, index: bytes) -> list[SealedReply]:
        """Return the replies that wait under an index; see ``Mailbox``."""
        with reading(self._engine) as session:
            rows = session.scalars(select(Reply).where(Reply.index == index).order_by(Reply.hour, Reply.id)).all()
        headers = reveal_all(self._blobs.row_keys, [(row.slot, row.hidden) for row in rows])
        if None in headers:  # deleted from another window since they were read, or damaged: the others are shown
            _log.warning("a reply cannot be opened: its row key is missing")
        return [
            SealedReply(id=row.id, index=row.index, header=header, payload=row.payload, hour=row.hour)
            for row, header in zip(rows, headers, strict=True)
            if header is not None
        ]

    def delete_replies(self, index: bytes, reply_ids: Sequence[bytes]) -> None:
        """Delete replies that were read; see ``Mailbox``."""
        self._delete_replies(delete(Reply).where(Reply.index == index, Reply.id.in_(list(reply_ids))))

    def delete_all_replies(self, index: bytes) -> None:
        """Delete every reply under an index; see ``Mailbox``."""
        self._delete_replies(delete(Reply).where(Reply.index == index))

    def _delete_replies(self, statement: Delete) -> None:
        with changing(self._engine, self._blobs.row_keys) as (session, keys):
            keys.doom(session.scalars(statement.returning(Reply.slot)))
        self._erase_soon()

    # --- the operator's side ---

    def must_work(self) -> Literal[True]:
        """Check that payloads are stored and read; see ``Mailbox``."""
        self.totals()
        return must_store(self._blobs)

    def unreadable(self) -> list[bytes]:
        """Return the ids of the letters and replies that are not whole; see ``Mailbox``."""
        with reading(self._engine) as session:
            letters = session.execute(
                select(Letter.id, Letter.size, Letter.blob).where(Letter.blob.is_not(None)).order_by(Letter.id)
            ).all()
        damaged = {row.id for row in letters if not is_whole(self._blobs, row.blob, row.size)}
        with reading(self._engine) as session:  # those that were collected meanwhile are not damaged
            damaged = {each for each in damaged if session.get(Letter, each) is not None}
        for table in (Letter.__table__, Reply.__table__):
            damaged.update(without_key(self._engine, self._blobs.row_keys, table))
        return sorted(damaged)

    def orphans(self, *, older_than_seconds: float = limits.ORPHAN_SECONDS) -> list[str]:
        """Return payloads that no row names, as a crash between payload and row leaves them.

        Young ones are left alone: their row may be a moment away.
        """
        names = set(self._blobs.names(older_than_seconds=older_than_seconds))
        with reading(self._engine) as session:
            # After the listing, never before: a row that comes in between then only removes names from the list.
            for blob in (Letter.blob, Kept.blob):
                names.difference_update(session.scalars(select(blob).where(blob.is_not(None))))
        return sorted(names)

    def remove_orphans(self, *, older_than_seconds: float = limits.ORPHAN_SECONDS) -> int:
        """Delete the payloads that no row names and return how many there were."""
        names = self.orphans(older_than_seconds=older_than_seconds)
        for name in names:
            self._blobs.delete(name)
        return len(names)

    def _hour(self) -> int:
        return int(self._clock() // 3600)


def counters_row(letter_id: bytes) -> int:
    """Which row of the counters a letter is counted in: its id is random, so that all are used alike."""
    return 1 + letter_id[0] % limits.COUNTER_ROWS


def _all_there(sums: Row[Any]) -> Row[Any]:
    if sums.rows != 1 + limits.COUNTER_ROWS:
        raise StoreError("the mailbox is damaged", detail="a row of the counters is missing")
    return sums


def _day(hour: int) -> int:
    """The hour in which its day began: no row that stays tells a time more exactly."""
    return hour - hour % _DAY


def _full() -> MailboxFull:
    return MailboxFull("no more can be received at the moment", detail="the mailbox is full")


def _ends(beginning: bytes) -> dict[str, bytes]:
    """The lowest and the highest id that begin so."""
    return {"low": beginning.ljust(limits.ID_BYTES, b"\0"), "high": beginning.ljust(limits.ID_BYTES, b"\xff")}


def _check_id(identifier: bytes) -> None:
    if len(identifier) != limits.ID_BYTES:
        raise StoreError("the mailbox refused", detail="an id has 16 bytes")
