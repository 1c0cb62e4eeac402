"""Bringing letters from the mailbox into the vault, without any key.

Each letter is fetched, stored durably, and only then acknowledged, upon which the mailbox deletes it. A crash anywhere
repeats a step that does nothing the second time: a letter's id is never taken in again. Several may collect at once (a
desk, a command), and a source may withdraw in between: a letter that is gone when it is fetched is not damaged.
"""

from __future__ import annotations

import logging
from typing import BinaryIO

from sqlalchemy import select

from fieldreport import limits
from fieldreport.errors import Conflict, FieldreportError, LimitExceeded, NotFound, RosterError, StoreError
from fieldreport.mailbox import LetterHead, Mailbox
from fieldreport.seal import EPOCH_MAX, Kind
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.tables import Item
from fieldreport.vault.archive.vault import Vault

_log = logging.getLogger(__name__)


def collect(vault: Vault, mailbox: Mailbox, rosters: RosterWatch) -> int:
    """Take over every letter that waits and return how many were new; needs no key and may be repeated at any time.

    Raises:
        StoreError: a store is away, and everything acknowledged so far is safe here; or (code "mailbox-damaged")
            some letters could not be fetched: all others were collected, these stay where they are.
    """
    batch: int | None = None
    stored = 0
    refused: dict[bytes, str] = {}  # why
    while True:
        waiting = mailbox.waiting(limits.COLLECT_LETTERS + len(refused))
        heads = [head for head in waiting if head.id not in refused]
        if not heads:
            break
        done = []
        for head in heads:
            if not _is_here(vault, head.id):
                batch = batch if batch is not None else _next_batch(vault)
                if (reason := _take_over(vault, mailbox, rosters, head, batch)) is not None:
                    refused[head.id] = reason
                    continue
                stored += 1
            done.append(head.id)
        mailbox.acknowledge(done)
    if stored:
        vault.erase_soon()
    damaged = [refused[head.id] for head in waiting if head.id in refused]
    for reason in damaged:
        _log.error("a waiting letter %s", reason)
    if damaged:
        raise StoreError(
            "some letters cannot be fetched; they stay in the mailbox",
            detail=f"{len(damaged)} letters are damaged in the mailbox, {stored} were collected",
            code="mailbox-damaged",
        )
    return stored


def _take_over(vault: Vault, mailbox: Mailbox, rosters: RosterWatch, head: LetterHead, batch: int) -> str | None:
    """Store one letter; why not, when the mailbox has it only in part, which must not hold up the others."""
    if not 0 <= head.epoch <= EPOCH_MAX:
        return "is not what it says: epoch out of bounds"
    try:
        letter = mailbox.fetch(head.id)
    except NotFound as error:
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
        data = source.read(min(left, limits.READ_BYTES))
        if not data:
            raise _Incomplete("a letter is incomplete", detail="payload is shorter than announced")
        destination.write(data)
        left -= len(data)
    if source.read(1):
        raise _Incomplete("a letter is incomplete", detail="payload is longer than announced")


class _Incomplete(FieldreportError):
    """The mailbox gave another number of bytes than it announced; never leaves this module."""


def _is_here(vault: Vault, letter_id: bytes) -> bool:
    with vault.reading() as session:
        return session.scalar(select(Item.id).where(Item.id == letter_id)) is not None


def _next_batch(vault: Vault) -> int:
    with vault.change() as change:
        change.state.batch += 1
        return change.state.batch
