"""Bringing letters from the mailbox into the vault, without any key.

Each letter is fetched, stored durably, and only then acknowledged, upon which the mailbox deletes it. A crash anywhere
repeats a step that does nothing the second time: a letter's id is never taken in again. Several may collect at once (a
desk, a command), and a source may withdraw in between: a letter that is gone when it is fetched is not damaged.

Small letters are taken over together, in one change for as many as are acknowledged together.

Rules: a letter that cannot be read is set aside for this round alone, and the others come. Nothing is noted about it,
so that an outage marks nothing as damaged and the next round tries it again. After many in a row, and at the end of a
round in which one could not be read, the mailbox is asked to store and read something: if it cannot, it is an outage.
A round has an end, whatever the mailbox says: no letter twice, and no more letters than an honest one holds.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import BinaryIO, Final, Literal

from sqlalchemy import select

from fieldreport import limits
from fieldreport.errors import Conflict, FieldreportError, LimitExceeded, NotFound, RosterError, StoreError
from fieldreport.mailbox import DeskMailbox, LetterHead
from fieldreport.seal import EPOCH_MAX, Kind
from fieldreport.vault.archive.objects import SmallObject
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.tables import Item
from fieldreport.vault.archive.vault import Vault

_log = logging.getLogger(__name__)

_UNREAD_IN_A_ROW: Final = 8  # each may take as long as a store that is away takes to say so


@dataclass(frozen=True, slots=True, kw_only=True)
class Collected:
    """What one round did: ``letters`` are new here; ``damaged`` are the ids of those that stay in the mailbox."""

    letters: int
    damaged: tuple[bytes, ...] = ()

    def must_be_all(self) -> Literal[True]:
        """Check that nothing stayed in the mailbox. Raises ``Conflict`` (code "mailbox-damaged")."""
        if self.damaged:
            number = len(self.damaged)
            what = "1 letter in the mailbox" if number == 1 else f"{number} letters in the mailbox"
            raise Conflict(f"{what} cannot be read, so nobody knows which keys they need", code="mailbox-damaged")
        return True


def collect(vault: Vault, mailbox: DeskMailbox, rosters: RosterWatch) -> Collected:
    """Take over every letter that waits, up to ``LETTERS_WAITING``; needs no key and may be repeated at any time.

    Raises:
        StoreError: a store is away, or (code ``disk-full``) has no room; what was acknowledged so far is safe here.
    """
    batch: int | None = None
    stored = in_a_row = 0
    refused: dict[bytes, str] = {}  # why
    acknowledged: set[bytes] = set()
    waiting: list[LetterHead] = []
    while len(refused) + len(acknowledged) < limits.LETTERS_WAITING:
        vault.must_have_room()
        waiting = mailbox.waiting(limits.COLLECT_LETTERS + len(refused))
        heads = [head for head in waiting if head.id not in refused and head.id not in acknowledged]
        if not heads:
            break
        done = []
        if small := _fetched_whole(vault, mailbox, rosters, heads):
            batch = batch if batch is not None else _next_batch(vault)
            stored += _store_together(vault, small, batch)
        missing = {head.id for head in _not_here(vault, heads)}
        for head in heads:
            if head.id in missing:
                vault.must_have_room(min(head.size, limits.PAYLOAD_BYTES))
                batch = batch if batch is not None else _next_batch(vault)
                if (reason := _take_over(vault, mailbox, rosters, head, batch)) is not None:
                    refused[head.id] = reason
                    in_a_row += 1
                    if in_a_row % _UNREAD_IN_A_ROW == 0:
                        mailbox.must_work()
                    continue
                stored += 1
                in_a_row = 0
            done.append(head.id)
        mailbox.acknowledge(done)
        acknowledged.update(done)
    if stored:
        vault.erase_soon()
    damaged = tuple(head.id for head in waiting if head.id in refused)
    if damaged:
        mailbox.must_work()
    for letter_id in damaged:
        _log.error("a waiting letter %s", refused[letter_id])
    return Collected(letters=stored, damaged=damaged)


def _fetched_whole(
    vault: Vault, mailbox: DeskMailbox, rosters: RosterWatch, heads: Sequence[LetterHead]
) -> list[SmallObject]:
    """Small letters, in memory. Only what is as it should be: anything else is found and named one by one."""
    letters: list[SmallObject] = []
    small = [head for head in heads if head.size <= limits.INLINE_PAYLOAD_BYTES and 0 <= head.epoch <= EPOCH_MAX]
    for head in _not_here(vault, small):
        try:
            letter = mailbox.fetch(head.id)
            with letter.payload as source:
                payload = _read(source, head.size + 1)
        except NotFound:
            continue
        except (StoreError, _Unread):
            break  # it may be an outage, in which each takes long to fail
        if len(payload) == letter.size == head.size:
            letters.append(
                SmallObject(
                    id=head.id,
                    kind=Kind.LETTER,
                    thread=head.id,
                    epoch=head.epoch,
                    keys=_keys_at(rosters, head.epoch),
                    header=letter.header,
                    payload=payload,
                )
            )
    return letters


def _store_together(vault: Vault, letters: Sequence[SmallObject], batch: int) -> int:
    """Store small letters in one change, which costs as much as one does, and return how many were new here."""
    try:
        with vault.change() as change:
            known = set(change.session.scalars(select(Item.id).where(Item.id.in_([each.id for each in letters]))))
            new = [each for each in letters if each.id not in known]
            if new:
                change.add_small_as_is(new)
                change.session.add_all(
                    Item(id=each.id, case_id=None, kind=Kind.LETTER.value, sequence=0, hour=change.hour, batch=batch)
                    for each in new
                )
    except Conflict:  # another collects at the same time
        return 0
    return len(new)


def _not_here(vault: Vault, heads: Sequence[LetterHead]) -> list[LetterHead]:
    with vault.reading() as session:
        here = set(session.scalars(select(Item.id).where(Item.id.in_([head.id for head in heads]))))
    return [head for head in heads if head.id not in here]


def _take_over(vault: Vault, mailbox: DeskMailbox, rosters: RosterWatch, head: LetterHead, batch: int) -> str | None:
    """Store one letter; why not, when the mailbox has it only in part, which must not hold up the others."""
    if not 0 <= head.epoch <= EPOCH_MAX:
        return "is not what it says: epoch out of bounds"
    try:
        letter = mailbox.fetch(head.id)
    except (NotFound, StoreError) as error:
        return f"cannot be fetched: {error.detail}"

    def copy(destination: BinaryIO) -> bytes:
        with letter.payload as source:
            _copy(source, destination, size=letter.size)
        return letter.header

    try:
        with (
            vault.objects.staging(
                copy,
                object_id=head.id,
                kind=Kind.LETTER,
                thread=head.id,
                epoch=head.epoch,
                keys=_keys_at(rosters, head.epoch),
            ) as staged,
            vault.change() as change,
        ):
            if change.session.get(Item, head.id) is not None:
                return None
            change.add_as_is(staged)
            change.session.add(
                Item(id=head.id, case_id=None, kind=Kind.LETTER.value, sequence=0, hour=change.hour, batch=batch)
            )
    except NotFound as error:  # withdrawn, or collected by another, while it was read
        return f"cannot be fetched: {error.detail}"
    except _Unread as error:
        return f"cannot be read: {error.detail}"
    except (_Incomplete, LimitExceeded) as error:
        return f"is not what it says: {error.detail}"
    except Conflict:
        if not _is_here(vault, head.id):
            raise
    return None


def _keys_at(rosters: RosterWatch, epoch: int) -> tuple[str, ...]:
    # The epoch is what the mailbox says; the sealed inner header has the true one, which sorting compares.
    try:
        return rosters.published.keys_at(epoch)
    except RosterError:  # sealed to a roster that has not reached this desk yet
        return ()


def _copy(source: BinaryIO, destination: BinaryIO, *, size: int) -> None:
    left = size
    while left:
        data = _read(source, min(left, limits.READ_BYTES))
        if not data:
            raise _Incomplete("a letter is incomplete", detail="payload is shorter than announced")
        destination.write(data)
        left -= len(data)
    if _read(source, 1):
        raise _Incomplete("a letter is incomplete", detail="payload is longer than announced")


def _read(source: BinaryIO, size: int) -> bytes:
    # The vault's own store also fails with a StoreError, and that is an outage.
    try:
        return source.read(size)
    except (StoreError, OSError) as error:
        raise _Unread("a letter cannot be read", detail=getattr(error, "detail", type(error).__name__)) from None


class _Unread(FieldreportError):
    """The mailbox could not read a payload to its end; never leaves this module."""


class _Incomplete(FieldreportError):
    """The mailbox gave another number of bytes than it announced; never leaves this module."""


def _is_here(vault: Vault, letter_id: bytes) -> bool:
    with vault.reading() as session:
        return session.scalar(select(Item.id).where(Item.id == letter_id)) is not None


def _next_batch(vault: Vault) -> int:
    with vault.change() as change:
        change.state.batch += 1
        return change.state.batch
