"""From a draft and its files to a sealed letter in the mailbox. Nothing here knows about HTTP.

Rules: only cleaned bytes are sealed; a file that cannot be cleaned stops the letter, unless its source has said to
leave such files out; a letter's id follows from the codename, the form and what was sent, so that a form posted twice
is one letter; a letter is received when the mailbox says so, not before. Whether a form was sent before is asked of the
mailbox, never remembered here: it must be true after a restart, a lost answer and a full disk.
"""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from fieldreport import limits
from fieldreport.errors import ScrubRefused, StaleRoster, TokenError
from fieldreport.intake import kept_files
from fieldreport.intake.context import Service
from fieldreport.intake.form import EVERY_EDITOR, SHORT_FIELDS, Draft
from fieldreport.scratch import Scratch
from fieldreport.scrub import Mode, NeutralNames, Refusal
from fieldreport.seal import CleanFile, Letter, Roster, SourceKeys, seal_original
from fieldreport.seekable import Joined
from fieldreport.web.form_reader import Upload


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedFile:
    """A file that was not taken, and why (``messages.WHY``); ``members``: of an archive, which files in it, and why."""

    untrusted_name: str = field(repr=False)
    why: str
    members: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """The cleaned files of one form, which ``send`` names, and the refused ones."""

    files: tuple[CleanFile, ...]
    refused: tuple[RefusedFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What was received, as its source knows it: only sizes are kept, in memory; see ``receipts``.

    ``reader``: whom the source chose, as the form called them; empty for every editor. ``originals``: they wanted the
    files to be kept unchanged, too.
    """

    characters: int
    text_removed: tuple[str, ...]
    files: tuple[CleanFile, ...]
    left_out: tuple[RefusedFile, ...]
    reader: str
    originals: bool


def mode_of(service: Service, draft: Draft) -> Mode:
    """How a draft's files are cleaned: harder if its source or the newsroom wants it."""
    return Mode.STRONG if draft.strong or service.settings.scrub.strong else Mode.LOSSLESS


def clean_files(
    service: Service, uploads: Iterable[Upload], stack: contextlib.ExitStack, draft: Draft, *, language: str
) -> Cleaned:
    """Clean every file as the draft says; all refusals are found in one go. The outputs live as long as ``stack``.

    ``draft.strong`` is what the source chose; the newsroom's setting can only add to it. ``language``: of the page.
    With ``draft.originals`` each file is sealed unchanged as well, where the newsroom offers that.
    """
    roster = service.roster_for_originals() if draft.originals else None
    mode = mode_of(service, draft)
    clean: list[CleanFile] = []
    refused: list[RefusedFile] = []
    for upload in uploads:
        try:
            scrubbed = service.scrubber.clean(
                upload.source, mode=mode, language=language, without_refused=draft.without_refused
            )
        except ScrubRefused as error:
            why = Refusal(error.code)
            refused.append(RefusedFile(untrusted_name=upload.untrusted_name, why=why, members=error.members))
            continue
        stack.enter_context(scrubbed.output)
        original = None if roster is None else stack.enter_context(_sealed_unchanged(service, upload, roster))
        clean.append(
            CleanFile(
                untrusted_name=upload.untrusted_name,
                name="",
                media_type=scrubbed.media_type,
                length=scrubbed.length,
                removed=scrubbed.codes,
                output=scrubbed.output,
                original_sha256=upload.sha256,
                original=original,
                original_size=0 if original is None else original.size,
            )
        )
    return Cleaned(files=tuple(clean), refused=tuple(refused))


def _sealed_unchanged(service: Service, upload: Upload, roster: Roster) -> Joined:
    intake = service.settings.intake
    return seal_original(
        upload.source,
        length=upload.length,
        sha256=upload.sha256,
        roster=roster,
        readers=intake.originals,
        hour=service.hour,
        payload=Scratch(intake.data / "scratch"),
    )


def earlier_letters(service: Service, keys: SourceKeys, form: str) -> list[bytes]:
    """The ids of what has arrived from this form: of one letter, as a rule, or none. Raises ``StoreError``.

    No oracle for strangers: it takes the codename and the number of the form.
    """
    return service.mailbox.beginning_with(keys.form_tag(form))


def form_used() -> TokenError:
    """The error for a form that was sent before."""
    return TokenError("This form was sent before, and that report has arrived.", code="form-used")


def send(
    service: Service,
    keys: SourceKeys,
    draft: Draft,
    cleaned: Cleaned,
    *,
    language: str,
    earlier: Sequence[bytes],
    read: bytes = b"",
) -> Receipt:
    """Seal the draft with its cleaned files, in their order, and deposit the letter.

    ``earlier``: what has arrived from the form. The same again gets its receipt and is not stored again. ``read``: as
    ``Letter.read``.

    Raises:
        RosterError: no valid roster; nothing was stored.
        MailboxFull: as many letters wait as may; nothing was stored.
        TokenError: the form was sent before with other words (``form-used``).
        StoreError: the mailbox is away; the letter was stored whole or not at all.

    """
    names = NeutralNames()
    files = tuple(replace(each, name=names.next(each.media_type)) for each in cleaned.files)
    text, removed = service.scrubber.clean_text(draft.report)
    text_removed = tuple(str(each) for each in removed)
    short = {name: service.scrubber.clean_text(getattr(draft, name))[0].strip() for name in SHORT_FIELDS}
    fields = {
        "action": "report",
        "report_language": language,
        **{name: value for name, value in short.items() if value},
    }
    letter = Letter(
        fields=fields,
        text=text.encode(),
        text_removed=text_removed,
        files=files,
        form=draft.form,
        keys=keys,
        number=service.receipts.next_number(keys, hour=service.hour),
        read=read,
        addressee="" if draft.addressee == EVERY_EDITOR else draft.addressee,
    )
    letter_id = letter.id()
    if not earlier:
        _deposit(service, letter)
        service.receipts.keep(keys, letter_id, hour=service.hour, characters=len(text), files=len(files))
    elif letter_id not in earlier:
        raise form_used()
    return Receipt(
        characters=len(text),
        text_removed=text_removed,
        files=files,
        left_out=cleaned.refused,
        reader=service.settings.intake.addressees.get(letter.addressee, letter.addressee),
        originals=draft.originals,
    )


def withdraw(service: Service, keys: SourceKeys, *, form: str, language: str) -> Literal[True]:
    """Delete every answer and every file that waits for this source, and tell the editors that they withdraw all.

    The letter goes first: if it cannot be stored, nothing has changed. Raises as ``send``.
    """
    fields = {"action": "withdraw", "report_language": language}
    _deposit(service, Letter(fields=fields, text=b"", text_removed=(), files=(), form=form, keys=keys))
    service.mailbox.delete_all_replies(keys.index)
    kept_files.forget(service, keys)
    service.receipts.forget(keys)
    return True


def _deposit(service: Service, letter: Letter) -> None:
    for attempt in range(1, limits.STALE_RETRIES + 1):
        roster = service.roster_to_seal_to() if attempt == 1 else service.roster()
        seal = functools.partial(letter.seal_to, roster, service.hour)
        try:
            service.mailbox.deposit(letter.id(), roster.epoch, seal)
        except StaleRoster:
            # The roster changed between reading it and storing the letter: seal to the new one.
            if attempt == limits.STALE_RETRIES:
                raise
        else:
            break
