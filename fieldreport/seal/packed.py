"""A packed letter: a sealed letter that a courier carries, after a frame with what the mailbox must know.

Rules: the frame holds the epoch, the letter's id and a hash and nothing else, no name and no newsroom, because a
courier may be searched. The frame is taken off when the letter is handed in, so that in the mailbox it looks like any
other. The intake cannot read it: what can be checked without a key is checked here, strictly, and damage on the memory
card is found while the courier is still there. FORMAT.md, "Packed letter".
"""

from __future__ import annotations

import hashlib
import io
import os
import struct
from dataclasses import dataclass
from typing import BinaryIO, Final, Self

from fieldreport import limits
from fieldreport.errors import SealError
from fieldreport.seal.header import Header, read_header
from fieldreport.seal.padding import padded_size
from fieldreport.seal.stanza import HYBRID
from fieldreport.seal.stream import plaintext_size

_VERSION: Final = 1
_LAYOUT: Final = struct.Struct(">BQ16s32s")  # version, epoch, letter id, SHA-256; big endian, no gaps
FRAME_BYTES: Final = _LAYOUT.size


@dataclass(frozen=True, slots=True, kw_only=True)
class Frame:
    """``epoch``: of the roster the letter was sealed to, 1 to ``limits.ROSTER_EPOCHS``. ``letter``: its id, 16 bytes.

    Both are claims of the packer; the sealed inner header has the facts. ``sha256``, 32 bytes, is of the age file after
    the frame: it finds an accident, not an attack.
    """

    epoch: int
    letter: bytes
    sha256: bytes

    @classmethod
    def of(cls, header: bytes, payload: BinaryIO, *, epoch: int, letter: bytes) -> Self:
        """The frame of a sealed letter; ``payload`` is read from its beginning to its end."""
        payload.seek(0)
        return cls(epoch=epoch, letter=letter, sha256=_digest(hashlib.sha256(header), payload))

    def encode(self) -> bytes:
        """Return the 57 bytes."""
        return _LAYOUT.pack(_VERSION, self.epoch, self.letter, self.sha256)

    @classmethod
    def read(cls, untrusted_file: BinaryIO) -> Self:
        """Read the frame off the front and leave the file at the first byte of the age header.

        Raises:
            SealError: (code ``packed``) too short, another version, or an epoch out of bounds.
        """
        untrusted_frame = untrusted_file.read(FRAME_BYTES)
        if len(untrusted_frame) != FRAME_BYTES:
            raise _malformed("no frame")
        version, epoch, letter, sha256 = _LAYOUT.unpack(untrusted_frame)
        if version != _VERSION:
            raise _malformed("version")
        if not 1 <= epoch <= limits.ROSTER_EPOCHS:
            raise _malformed("epoch")
        return cls(epoch=epoch, letter=letter, sha256=sha256)


@dataclass(frozen=True, slots=True, kw_only=True)
class PackedLetter:
    """A packed letter whose form was checked: the frame, the header's bytes, where the payload begins, its readers."""

    frame: Frame
    header: bytes
    payload_offset: int
    readers: int

    @classmethod
    def read(cls, untrusted_file: io.RawIOBase) -> Self:
        """Check everything that can be checked without a key: the form first, then every byte once.

        Raises:
            SealError: (code ``packed``) no frame, a stanza that is not hybrid, a payload of a size that padding never
                gives, or another hash than the frame's; (code ``header-malformed``, ``payload``) not an age file in its
                strict form.
        """
        buffered = io.BufferedReader(untrusted_file)
        try:
            buffered.seek(0)
            frame = Frame.read(buffered)
            raw = read_header(buffered)
            offset = buffered.tell()
            size = buffered.seek(0, os.SEEK_END) - offset
            header = Header.parse(raw)
            if any(stanza.type != HYBRID for stanza in header.stanzas):
                raise _malformed("a stanza is not hybrid")
            length = plaintext_size(size)
            if padded_size(length) != length:
                raise _malformed("payload is not padded")
            buffered.seek(offset)
            if _digest(hashlib.sha256(raw), buffered) != frame.sha256:
                raise _malformed("hash differs")
        finally:
            buffered.detach()
        return cls(frame=frame, header=raw, payload_offset=offset, readers=len(header.stanzas))


def _digest(digest: hashlib._Hash, untrusted_rest: BinaryIO) -> bytes:
    while data := untrusted_rest.read(limits.READ_BYTES):
        digest.update(data)
    return digest.digest()


def is_packed(untrusted_file: BinaryIO) -> bool:
    """Whether this is a packed letter and not a bare age file, which begins with "a"; rewinds the file."""
    untrusted_file.seek(0)
    first = untrusted_file.read(1)
    untrusted_file.seek(0)
    return first == bytes([_VERSION])


def _malformed(detail: str) -> SealError:
    return SealError("this is not a packed letter", code="packed", detail=f"packed letter: {detail}")
