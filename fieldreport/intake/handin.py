"""Files that come sealed: packed letters that a courier brings, and what a source sealed with age. No HTTP here.

Rules: nothing is opened, because the intake has no key; everything that can be checked without one is checked before
anything is stored. A packed letter is taken only if every key it was sealed to is still in use: an old key is destroyed
once no letter can come for it any more, so none may. The same letter twice is stored once and gets the same answer, so
that somebody who finds a card cannot learn whether it was handed in.

A packed letter goes into the mailbox as it is. Files that a source sealed become parts of a letter that is sealed here
like any other, under a codename that the hand-in page has drawn.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import BinaryIO, Literal

from fieldreport import limits
from fieldreport.errors import MailboxFull, RosterError, SealError, StaleRoster, Unavailable
from fieldreport.intake.context import Service
from fieldreport.intake.deposit import Cleaned, earlier_letters, send
from fieldreport.intake.form import Draft
from fieldreport.intake.form_token import Visit
from fieldreport.scratch import Scratch
from fieldreport.seal import (
    SOURCE_SEALED,
    CleanFile,
    PackedLetter,
    Roster,
    SourceSealed,
    dearmour,
    is_armoured,
    is_source_sealed,
)
from fieldreport.web.form_reader import Upload


class NotTaken(StrEnum):
    """Why a file was not taken."""

    NOT_PACKED = "not-packed"
    OTHER_READERS = "other-readers"
    OLD_KEYS = "old-keys"
    UNKNOWN_KEYS = "unknown-keys"
    FULL = "full"
    LOCKED_OTHERWISE = "locked-otherwise"
    OTHER_LIST = "other-list"
    TOO_LARGE = "too-large"


@dataclass(frozen=True, slots=True, kw_only=True)
class Handed:
    """One file and its result. ``untrusted_name`` is shown again, never stored. ``by_source``: its source sealed it."""

    untrusted_name: str = field(repr=False)
    reason: NotTaken | None
    by_source: bool = False


def take_in(service: Service, uploads: Iterable[Upload], visit: Visit, *, language: str) -> tuple[Handed, ...]:
    """Deposit all that can be taken; each file is checked by itself.

    What sources sealed becomes one letter under the codename of ``visit``; ``language``: of the page.

    Raises:
        RosterError: no valid roster; nothing was stored.
        Unavailable: of the files before, each was stored whole.
    """
    service.roster()
    handed: list[Handed] = []
    sealed: list[Upload] = []
    try:
        with contextlib.ExitStack() as stack:
            for upload in uploads:
                if by_source := is_source_sealed(upload.source):
                    judged = _judge_sealed(service, upload, stack)
                    reason = judged if isinstance(judged, NotTaken) else None
                    sealed += [judged] if isinstance(judged, Upload) else []
                else:
                    reason = _take(service, upload)
                handed.append(Handed(untrusted_name=upload.untrusted_name, reason=reason, by_source=by_source))
            full = _send(service, sealed, visit, language=language) if sealed else None
    except RosterError as error:
        # Its page says that nothing was stored, and that may be false by now.
        raise Unavailable("the roster went away while letters were being stored") from error
    if full is None:
        return tuple(handed)
    return tuple(
        Handed(untrusted_name=each.untrusted_name, reason=each.reason or (full if each.by_source else None))
        for each in handed
    )


def must_have_room(service: Service) -> Literal[True]:
    """Check that a file that comes sealed could be taken now.

    Raises:
        MailboxFull: half of what may wait does; the rest is for those who write here. StoreError: the mailbox is away.
    """
    if _room(service, 0):
        raise MailboxFull("no more sealed files can be received at the moment", detail="half of the mailbox is full")
    return True


def _judge_sealed(service: Service, upload: Upload, stack: contextlib.ExitStack) -> Upload | NotTaken:
    """The file as it will be stored, out of its armour if it came in one, for as long as ``stack`` lives."""
    try:
        if is_armoured(upload.source):
            binary = stack.enter_context(Scratch(service.settings.intake.data / "scratch"))
            upload = replace(upload, source=binary, length=dearmour(upload.source, binary))
        found = SourceSealed.read(upload.source)
    except SealError:
        return NotTaken.LOCKED_OTHERWISE
    if found.length > limits.SCRUB_INPUT_BYTES:
        return NotTaken.TOO_LARGE
    return upload if found.readers == len(service.roster().recipients()) else NotTaken.OTHER_LIST


def _send(service: Service, uploads: Sequence[Upload], visit: Visit, *, language: str) -> NotTaken | None:
    """Seal the files as one letter and deposit it; the same files from the same page again are stored once."""
    number = hashlib.sha256(bytes.fromhex(visit.form) + b"".join(each.sha256 for each in uploads)).hexdigest()[:32]
    keys, draft = service.keys_of(visit.codename), Draft(form=number)
    earlier = earlier_letters(service, keys, draft.form)
    files = tuple(
        CleanFile(
            untrusted_name=each.untrusted_name,
            name="",
            media_type=SOURCE_SEALED,
            length=each.length,
            removed=(),
            output=each.source,
            original_sha256=each.sha256,
        )
        for each in uploads
    )
    try:
        if not earlier:
            service.must_have_room()
            if _room(service, sum(each.length for each in uploads)):
                return NotTaken.FULL
        send(service, keys, draft, Cleaned(files=files, refused=()), language=language, earlier=earlier)
    except MailboxFull:
        return NotTaken.FULL
    return None


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
    # The other half of the mailbox is reserved for people who write here themselves: anybody can make sealed files.
    totals = service.mailbox.totals()
    full = totals.letters >= limits.HAND_IN_LETTERS_WAITING or totals.bytes + size > limits.HAND_IN_BYTES_WAITING
    return NotTaken.FULL if full else None
