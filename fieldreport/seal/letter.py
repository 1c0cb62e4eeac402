"""A letter, made at the intake's form or offline: what it holds, its id, and sealing it to a roster.

Rules: only cleaned bytes come here. The id is derived from the codename, the form's number and the content, so that the
same thing sent twice is one letter, and other words from the same form are seen to be that. A letter may be sealed
several times, to several rosters; its id stays.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import BinaryIO, Final, cast

from fieldreport import limits
from fieldreport.errors import SealError
from fieldreport.seal.codename import SourceKeys
from fieldreport.seal.envelope import PartSource, seal_envelope
from fieldreport.seal.inner_header import Kind
from fieldreport.seal.manifest import ADDRESSEE, READ
from fieldreport.seal.original import ORIGINAL, original_name
from fieldreport.seal.roster import Roster
from fieldreport.seekable import SeekableReader

TEXT_NAME: Final = "report.txt"
_ADDRESSEE_CHARACTERS: Final = 32  # the longest name
_TEXT_TYPE: Final = "text/plain; charset=utf-8"


@dataclass(frozen=True, slots=True, kw_only=True)
class CleanFile:
    """A file as it will be sealed. ``untrusted_name`` is the sender's name for it: shown back, never sealed.

    ``output``: nothing of a letter that was sealed before and is only described. ``original``: the file as it was
    uploaded, sealed apart in so many bytes, where its source wanted that; ``original_size`` is 0 where there is none.
    """

    untrusted_name: str = field(repr=False)
    name: str
    media_type: str
    length: int
    removed: tuple[str, ...]
    output: SeekableReader | None = field(repr=False)
    original_sha256: bytes = field(repr=False)
    original: SeekableReader | None = field(default=None, repr=False)
    original_size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Letter:
    """What is to be sealed. ``text`` is cleaned UTF-8; ``form``: 32 hexadecimal digits, the form's number.

    ``number``: which letter of its source it is, as far as is known, 0 where it is not; ``read``: the id of the newest
    answer on the page that it was written on, 16 bytes, or nothing. They are no part of the content.
    ``addressee``: a name in the roster, of a desk or an editor, who alone are to read it; empty for every editor.
    """

    fields: Mapping[str, str] = field(repr=False)
    text: bytes = field(repr=False)
    text_removed: tuple[str, ...]
    files: tuple[CleanFile, ...]
    form: str
    keys: SourceKeys = field(repr=False)
    number: int = 0
    read: bytes = field(default=b"", repr=False)
    addressee: str = ""

    def id(self) -> bytes:
        """The same for the same form with the same content.

        Over the original files, not the cleaned ones: what a source sends twice is the same letter even if a cleaner
        was fixed in between; and over whether each is kept unchanged, too. Every item carries its length.
        """
        state = hashlib.sha256(b"fieldreport letter\0")
        fields = {**self.fields, **({ADDRESSEE: self.addressee} if self.addressee else {})}
        texts = [self.form, *(item for pair in sorted(fields.items()) for item in pair)]
        for item in [*(item.encode() for item in texts), self.text, *map(_item, self.files)]:
            state.update(len(item).to_bytes(8, "big") + item)
        return self.keys.letter_id(self.form, state.digest())

    def seal_to(self, roster: Roster, hour: int, payload: BinaryIO) -> bytes:
        """Write the payload, return the header. Raises as ``seal_envelope``, ``Roster.recipients`` and ``meant_by``."""
        everybody = roster.recipients()
        meant = roster.recipients(only=roster.meant_by(self.addressee)) if self.addressee else everybody
        letter_id = self.id()
        binding = roster.binding(Kind.LETTER, thread=letter_id, object_id=letter_id)
        fields = {
            **self.fields,
            "reply_key": str(self.keys.identity.recipient),
            "lookup": self.keys.lookup.hex(),
            "thread": self.keys.thread.hex(),  # what an answer is bound to; it does not follow from the lookup
            ADDRESSEE: self.addressee.ljust(_ADDRESSEE_CHARACTERS),  # as long for everybody
            READ: self.read.hex().ljust(2 * limits.ID_BYTES),  # likewise
            **({"number": str(self.number)} if self.number else {}),
        }
        return seal_envelope(
            binding,
            hour=hour,
            fields=fields,
            parts=self._parts(),
            recipients=everybody,
            decoys=set(everybody) - set(meant),
            payload_to=payload,
        )

    def _parts(self) -> list[PartSource]:
        parts = [
            PartSource(
                name=TEXT_NAME,
                media_type=_TEXT_TYPE,
                source=io.BytesIO(self.text),
                length=len(self.text),
                sha256=hashlib.sha256(self.text).digest(),
                removed=self.text_removed,
            )
        ]
        for each in self.files:
            if each.output is None or (each.original_size and each.original is None):
                raise SealError("the letter lacks a file", code="part-source")
            each.output.seek(0)
            source = cast("BinaryIO", each.output)  # a RawIOBase whose reads are whole
            parts.append(
                PartSource(
                    name=each.name, media_type=each.media_type, source=source, length=each.length, removed=each.removed
                )
            )
        for number, each in enumerate(self.files, start=1):
            if each.original is not None:
                each.original.seek(0)
                source = cast("BinaryIO", each.original)
                parts.append(
                    PartSource(
                        name=original_name(number), media_type=ORIGINAL, source=source, length=each.original_size
                    )
                )
        return parts


def _item(file: CleanFile) -> bytes:
    return file.original_sha256 + (b"original" if file.original_size else b"")
