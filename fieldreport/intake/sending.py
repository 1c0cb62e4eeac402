"""From a draft and its files to a sealed letter in the mailbox. Nothing here knows about HTTP.

Rules: only cleaned bytes are sealed; a file that cannot be cleaned stops the letter, unless its source has said to
leave such files out; a letter's id follows from the codename, the form and what was sent, so that a form posted twice
is one letter; a letter is received when the mailbox says so, not before.
"""

from __future__ import annotations

import contextlib
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import BinaryIO, Literal, cast

from fieldreport import limits
from fieldreport.errors import ScrubRefused, StaleRoster
from fieldreport.intake.drafts import SHORT_FIELDS, Draft
from fieldreport.intake.service import Service
from fieldreport.scratch import Scratch
from fieldreport.scrub import Refusal, neutral_name
from fieldreport.seal import Binding, Kind, PartSource, SourceKeys, seal_envelope
from fieldreport.web.bodies import Upload

_TEXT_NAME = "report.txt"
_TEXT_TYPE = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanFile:
    """A file as it will be sealed. ``untrusted_name`` is what its source calls it; it is shown back, never stored."""

    untrusted_name: str = field(repr=False)
    name: str
    media_type: str
    length: int
    removed: tuple[str, ...]
    output: Scratch = field(repr=False)
    original_sha256: bytes = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class RefusedFile:
    """A file that cannot be cleaned, and why."""

    untrusted_name: str = field(repr=False)
    refusal: Refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Cleaned:
    """What cleaning made of the files of one form."""

    files: tuple[CleanFile, ...]
    refused: tuple[RefusedFile, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What was received, in the words of its source: nothing in here is stored anywhere."""

    characters: int
    text_removed: tuple[str, ...]
    files: tuple[CleanFile, ...]
    left_out: tuple[RefusedFile, ...]


def clean_files(service: Service, uploads: Iterable[Upload], stack: contextlib.ExitStack) -> Cleaned:
    """Clean every file; all refusals are found in one go. The outputs live as long as ``stack``."""
    clean: list[CleanFile] = []
    refused: list[RefusedFile] = []
    numbers: Counter[str] = Counter()
    for upload in uploads:
        try:
            scrubbed = service.scrubber.clean(upload.source)
        except ScrubRefused as error:
            refused.append(RefusedFile(untrusted_name=upload.untrusted_name, refusal=Refusal(error.code)))
            continue
        stack.enter_context(scrubbed.output)
        noun = neutral_name(scrubbed.media_type, 0)
        numbers[noun] += 1
        clean.append(
            CleanFile(
                untrusted_name=upload.untrusted_name,
                name=neutral_name(scrubbed.media_type, numbers[noun]),
                media_type=scrubbed.media_type,
                length=scrubbed.length,
                removed=tuple(str(each) for each in scrubbed.removed),
                output=scrubbed.output,
                original_sha256=upload.sha256,
            )
        )
    return Cleaned(files=tuple(clean), refused=tuple(refused))


def send(service: Service, keys: SourceKeys, draft: Draft, cleaned: Cleaned, *, language: str) -> Receipt:
    """Seal the draft with its cleaned files and deposit the letter.

    Raises:
        RosterError: no valid roster; nothing was stored.
        LimitExceeded: the mailbox is full (``mailbox-full``).
        StoreError: the mailbox is away; nothing was stored.

    """
    text, text_removed = service.scrubber.clean_text(draft.report)
    short = {name: service.scrubber.clean_text(getattr(draft, name))[0].strip() for name in SHORT_FIELDS}
    fields = {
        "action": "report",
        "report_language": language,
        **{name: value for name, value in short.items() if value},
    }
    originals = [each.original_sha256 for each in cleaned.files]
    _deposit(service, keys, fields, text, text_removed, cleaned.files, nonce=draft.form, originals=originals)
    return Receipt(
        characters=len(text),
        text_removed=tuple(str(each) for each in text_removed),
        files=cleaned.files,
        left_out=cleaned.refused,
    )


def withdraw(service: Service, keys: SourceKeys, *, nonce: str, language: str) -> Literal[True]:
    """Delete every answer that waits for this source, and tell the editors that they withdraw all they sent.

    The letter goes first: if it cannot be stored, nothing has changed. Raises as ``send``.
    """
    fields = {"action": "withdraw", "report_language": language}
    _deposit(service, keys, fields, "", (), (), nonce=nonce, originals=())
    service.mailbox.delete_all_replies(keys.index)
    return True


def _deposit(
    service: Service,
    keys: SourceKeys,
    fields: Mapping[str, str],
    text: str,
    text_removed: Sequence[str],
    files: Sequence[CleanFile],
    *,
    nonce: str,
    originals: Sequence[bytes],
) -> None:
    # Over the originals, not the cleaned bytes: what a source sends twice is the same even if a cleaner changed
    # between.
    letter_id = keys.letter_id(_digest(nonce, fields, text, originals))
    told = {**fields, "reply_key": str(keys.identity.recipient), "lookup": keys.lookup.hex()}
    content = text.encode()

    def parts() -> list[PartSource]:
        first = PartSource(
            name=_TEXT_NAME,
            media_type=_TEXT_TYPE,
            source=io.BytesIO(content),
            length=len(content),
            sha256=hashlib.sha256(content).digest(),
            removed=tuple(str(each) for each in text_removed),
        )
        rest = []
        for each in files:
            each.output.seek(0)
            source = cast("BinaryIO", each.output)
            rest.append(
                PartSource(
                    name=each.name, media_type=each.media_type, source=source, length=each.length, removed=each.removed
                )
            )
        return [first, *rest]

    for attempt in range(limits.STALE_RETRIES):
        roster = service.roster()
        binding = Binding(
            kind=Kind.LETTER,
            epoch=roster.epoch,
            roster=roster.sha256,
            instance=service.settings.instance_id,
            thread=letter_id,
            object=letter_id,
        )
        recipients = roster.recipients()

        def seal(payload: BinaryIO, binding: Binding = binding, recipients: Sequence = recipients) -> bytes:  # type: ignore[type-arg]
            return seal_envelope(
                binding, hour=service.hour, fields=told, parts=parts(), recipients=recipients, payload_to=payload
            )

        try:
            service.mailbox.deposit(letter_id, roster.epoch, seal)
        except StaleRoster:
            # The roster changed between reading it and storing the letter: seal to the new one.
            if attempt == limits.STALE_RETRIES - 1:
                raise
        else:
            return


def _digest(nonce: str, fields: Mapping[str, str], text: str, originals: Sequence[bytes]) -> bytes:
    """One hash over everything that makes two letters different; every item carries its length."""
    state = hashlib.sha256(b"fieldreport letter\0")
    items = [nonce, *(item for pair in sorted(fields.items()) for item in pair), text]
    for item in [*(item.encode() for item in items), *originals]:
        state.update(len(item).to_bytes(8, "big") + item)
    return state.digest()
