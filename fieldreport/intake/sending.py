"""From a draft and its files to a sealed letter in the mailbox. Nothing here knows about HTTP.

Rules: only cleaned bytes are sealed; a file that cannot be cleaned stops the letter, unless its source has said to
leave such files out; a letter's id follows from the codename, the form and what was sent, so that a form posted twice
is one letter; a letter is received when the mailbox says so, not before.
"""

from __future__ import annotations

import contextlib
import functools
import hashlib
import io
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Literal, cast

from fieldreport import limits
from fieldreport.errors import ScrubRefused, StaleRoster
from fieldreport.intake.drafts import SHORT_FIELDS, Draft
from fieldreport.intake.service import Service
from fieldreport.scratch import Scratch
from fieldreport.scrub import Mode, Refusal, neutral_name
from fieldreport.seal import Binding, Kind, PartSource, Roster, SourceKeys, seal_envelope
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


def clean_files(service: Service, uploads: Iterable[Upload], stack: contextlib.ExitStack, *, strong: bool) -> Cleaned:
    """Clean every file; all refusals are found in one go. The outputs live as long as ``stack``.

    ``strong`` is what the source chose; the newsroom's setting can only add to it.
    """
    mode = Mode.STRONG if strong or service.settings.scrub.strong else Mode.LOSSLESS
    clean: list[CleanFile] = []
    refused: list[RefusedFile] = []
    numbers: Counter[str] = Counter()
    for upload in uploads:
        try:
            scrubbed = service.scrubber.clean(upload.source, mode=mode)
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
    text, removed = service.scrubber.clean_text(draft.report)
    text_removed = tuple(str(each) for each in removed)
    short = {name: service.scrubber.clean_text(getattr(draft, name))[0].strip() for name in SHORT_FIELDS}
    fields = {
        "action": "report",
        "report_language": language,
        **{name: value for name, value in short.items() if value},
    }
    letter = _Letter(
        fields=fields, text=text.encode(), text_removed=text_removed, files=cleaned.files, nonce=draft.form, keys=keys
    )
    _deposit(service, letter)
    return Receipt(characters=len(text), text_removed=text_removed, files=cleaned.files, left_out=cleaned.refused)


def withdraw(service: Service, keys: SourceKeys, *, nonce: str, language: str) -> Literal[True]:
    """Delete every answer that waits for this source, and tell the editors that they withdraw all they sent.

    The letter goes first: if it cannot be stored, nothing has changed. Raises as ``send``.
    """
    fields = {"action": "withdraw", "report_language": language}
    _deposit(service, _Letter(fields=fields, text=b"", text_removed=(), files=(), nonce=nonce, keys=keys))
    service.mailbox.delete_all_replies(keys.index)
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class _Letter:
    """What is to be sealed. It may be sealed several times, to several rosters; its id stays."""

    fields: Mapping[str, str] = field(repr=False)
    text: bytes = field(repr=False)
    text_removed: tuple[str, ...]
    files: tuple[CleanFile, ...]
    nonce: str
    keys: SourceKeys = field(repr=False)

    def id(self) -> bytes:
        """The same for the same form with the same content.

        Over the original files, not the cleaned ones: what a source sends twice is the same even if a cleaner was
        mended in between. Every item carries its length.
        """
        state = hashlib.sha256(b"fieldreport letter\0")
        told = [self.nonce, *(item for pair in sorted(self.fields.items()) for item in pair)]
        for item in [*(item.encode() for item in told), self.text, *(each.original_sha256 for each in self.files)]:
            state.update(len(item).to_bytes(8, "big") + item)
        return self.keys.letter_id(state.digest())

    def seal_to(self, roster: Roster, instance: bytes, hour: int, payload: BinaryIO) -> bytes:
        """Write the payload, return the header."""
        letter_id = self.id()
        binding = Binding(
            kind=Kind.LETTER,
            epoch=roster.epoch,
            roster=roster.sha256,
            instance=instance,
            thread=letter_id,
            object=letter_id,
        )
        fields = {
            **self.fields,
            "reply_key": str(self.keys.identity.recipient),
            "lookup": self.keys.lookup.hex(),
            "thread": self.keys.thread.hex(),  # what an answer is bound to; it does not follow from the lookup
        }
        return seal_envelope(
            binding,
            hour=hour,
            fields=fields,
            parts=self._parts(),
            recipients=roster.recipients(),
            payload_to=payload,
        )

    def _parts(self) -> list[PartSource]:
        parts = [
            PartSource(
                name=_TEXT_NAME,
                media_type=_TEXT_TYPE,
                source=io.BytesIO(self.text),
                length=len(self.text),
                sha256=hashlib.sha256(self.text).digest(),
                removed=self.text_removed,
            )
        ]
        for each in self.files:
            each.output.seek(0)
            source = cast("BinaryIO", each.output)  # a RawIOBase whose reads are whole
            parts.append(
                PartSource(
                    name=each.name, media_type=each.media_type, source=source, length=each.length, removed=each.removed
                )
            )
        return parts


def _deposit(service: Service, letter: _Letter) -> None:
    for attempt in range(1, limits.STALE_RETRIES + 1):
        roster = service.roster()
        seal = functools.partial(letter.seal_to, roster, service.settings.instance_id, service.hour)
        try:
            service.mailbox.deposit(letter.id(), roster.epoch, seal)
        except StaleRoster:
            # The roster changed between reading it and storing the letter: seal to the new one.
            if attempt == limits.STALE_RETRIES:
                raise
        else:
            return
