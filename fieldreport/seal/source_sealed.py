"""A file that its source sealed with stock age to the keys that we publish. FORMAT.md, "Sealed by the source".

Rules: ``read`` needs no key and is all that the intake does: the strict form, hybrid stanzas only, bounds. What is in
the file is seen for the first time at the desk. An age file does not say to whom it is sealed, so the number of its
stanzas is the one thing that shows a list of keys that is not ours.
"""

from __future__ import annotations

import io
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import BinaryIO, Final, Self, cast

from fieldreport.errors import SealError
from fieldreport.seal import armour
from fieldreport.seal.header import Header, read_header
from fieldreport.seal.hybrid import HybridIdentity, HybridRecipient
from fieldreport.seal.stanza import HYBRID
from fieldreport.seal.stream import PayloadReader, plaintext_size

SOURCE_SEALED: Final = "application/vnd.age"
"""The media type of such a part: the mark by which the desk knows it."""
_BEGINNINGS: Final = (b"age-encryption.org/", armour.BEGIN)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceSealed:
    """A sealed file whose form was checked: its header, how many keys it is for, how many bytes are in it."""

    header: bytes = field(repr=False)
    readers: int
    length: int
    _payload: int

    @classmethod
    def read(cls, untrusted_file: io.RawIOBase) -> Self:
        """Check everything that can be checked without a key.

        Raises:
            SealError: (code ``source-sealed``) a stanza that is not hybrid (a passphrase, a key of another kind), or
                nothing in it; (code ``header-malformed``, ``payload``) armoured, or not an age file in its strict form.
        """
        buffered = io.BufferedReader(untrusted_file)
        try:
            buffered.seek(0)
            raw = read_header(buffered)
            offset = buffered.tell()
            size = buffered.seek(0, os.SEEK_END) - offset
        finally:
            buffered.detach()
        header = Header.parse(raw)
        if any(stanza.type != HYBRID for stanza in header.stanzas):
            raise _malformed("a stanza is not hybrid")
        length = plaintext_size(size)
        if not length:
            raise _malformed("nothing is in it")
        return cls(header=raw, readers=len(header.stanzas), length=length, _payload=size)

    def file_key(self, identities: Iterable[HybridIdentity]) -> bytes:
        """The 16-byte key of what is in it; raises as ``Header.open``."""
        return Header.parse(self.header).open(identities)

    def content(self, untrusted_file: io.RawIOBase, file_key: bytes) -> PayloadReader:
        """What is in it, each chunk authenticated when it is read.

        Raises:
            SealError: (code ``payload``) the last chunk does not open: cut off, appended to, or another file's key.
        """
        source = cast("BinaryIO", untrusted_file)  # a RawIOBase whose reads are whole
        return PayloadReader(file_key, source, self._payload, offset=len(self.header))


def is_source_sealed(untrusted_file: io.RawIOBase) -> bool:
    """Whether this begins as an age file does, in any of its forms; rewinds the file."""
    untrusted_file.seek(0)
    first = untrusted_file.read(max(map(len, _BEGINNINGS))) or b""
    untrusted_file.seek(0)
    return first.startswith(_BEGINNINGS)


def is_armoured(untrusted_file: io.RawIOBase) -> bool:
    """Whether this begins as an armoured age file does; ``dearmour`` makes of it what ``SourceSealed`` reads."""
    untrusted_file.seek(0)
    return untrusted_file.read(len(armour.BEGIN)) == armour.BEGIN


def recipients_file(recipients: Iterable[HybridRecipient]) -> str:
    """The list of keys that ``age -R`` takes, in the order of the keys, so that two copies can be compared."""
    lines = ["# For age 1.3 or newer: age -R recipients.txt -o locked.age FILE", *sorted(map(str, recipients))]
    return "\n".join(lines) + "\n"


def _malformed(detail: str) -> SealError:
    return SealError("this file was not sealed as we ask for", code="source-sealed", detail=f"source-sealed: {detail}")
