"""Packed letters that a courier hands in: checked without a key, and deposited. Nothing here knows about HTTP.

Rules: nothing is opened, because the intake has no key; everything that can be checked without one is checked before
anything is stored. A letter is taken only if every key it was sealed to is still in use: an old key is destroyed once
no letter can come for it any more, so none may. The same letter twice is stored once and gets the same answer, so that
somebody who finds a card cannot learn whether it was handed in.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO

from fieldreport import limits
from fieldreport.errors import MailboxFull, RosterError, SealError, StaleRoster, Unavailable
from fieldreport.intake.context import Service
from fieldreport.seal import PackedLetter, Roster
from fieldreport.web.form_reader import Upload


class NotTaken(StrEnum):
    """Why a packed letter was not taken."""

    NOT_PACKED = "not-packed"
    OTHER_READERS = "other-readers"
    OLD_KEYS = "old-keys"
    UNKNOWN_KEYS = "unknown-keys"
    FULL = "full"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """One file and its result. ``untrusted_name`` is shown again, never stored."""

    untrusted_name: str = field(repr=False)
    reason: NotTaken | None


def take_in(service: Service, uploads: Iterable[Upload]) -> tuple[Handed, ...]:
    """Deposit every packed letter among the files; each is checked by itself.

    Raises:
        RosterError: no valid roster; nothing was stored.
        Unavailable: of the files before, each was stored whole.
    """
    service.roster()
    handed: list[Handed] = []
    for upload in uploads:
        try:
            reason = _take(service, upload)
        except RosterError as error:
            # Its page says that nothing was stored, and that may be false by now.
            raise Unavailable("the roster went away while letters were being stored") from error
        handed.append(Handed(untrusted_name=upload.untrusted_name, reason=reason))
    return tuple(handed)


def _take(service: Service, upload: Upload) -> NotTaken | None:
    try:
        packed = PackedLetter.read(upload.source)
    except SealError:
        return NotTaken.NOT_PACKED

    def copy(destination: BinaryIO) -> bytes:
        upload.source.seek(packed.payload_offset)
        while data := upload.source.read(limits.READ_BYTES):
            destination.write(data)
        return packed.header

    for _ in range(limits.STALE_RETRIES):
        roster = service.roster()
        reason = _judge(service, packed, roster) or _room(service, upload.length)
        if reason is not None:
            return reason
        try:
            # As of the roster in force, not of the one it was sealed to: if a newer one closes this epoch while the
            # letter is being stored, the mailbox refuses it, and its keys are checked again.
            service.mailbox.deposit(packed.frame.letter, roster.epoch, copy)
        except StaleRoster:
            continue
        except MailboxFull:
            return NotTaken.FULL
        return None
    raise StaleRoster("the keys change faster than a letter can be stored")


def _judge(service: Service, packed: PackedLetter, roster: Roster) -> NotTaken | None:
    """Whether the letter's keys, as its frame claims them, are all in use now; a false claim harms only its letter."""
    epoch = packed.frame.epoch
    if epoch > roster.epoch:
        return NotTaken.UNKNOWN_KEYS
    try:
        sealed_to = service.rosters.keys_at(epoch)
    except RosterError as error:
        if error.code != "roster-missing":
            raise
        return NotTaken.OLD_KEYS
    if not set(sealed_to) <= set(roster.key_ids()):
        return NotTaken.OLD_KEYS
    # Only the number of readers can be seen: enough to recognise a file that was packed for another newsroom.
    return None if packed.readers == len(sealed_to) else NotTaken.OTHER_READERS


def _room(service: Service, size: int) -> NotTaken | None:
    # The other half of the mailbox is reserved for people who write here themselves: anybody can make packed letters.
    totals = service.mailbox.totals()
    full = totals.letters >= limits.HAND_IN_LETTERS_WAITING or totals.bytes + size > limits.HAND_IN_BYTES_WAITING
    return NotTaken.FULL if full else None
