"""A cleaned file that waits at the intake until the form it belongs to is sent, opened by that form alone.

Its note (name, type, what was removed) is sealed under a key that follows from the codename and the form's number, of
which the intake stores neither; its content is an age payload under a file key that stands in the note.

Rules: a note is bound to its place, so that two cannot change places; notes and contents are padded, so that neither
shows how long a name is or how long a file. The bytes are specified in FORMAT.md, "Kept file".
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import BinaryIO, Final, Self, cast

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from fieldreport import limits
from fieldreport.errors import SealError
from fieldreport.seal import canonical
from fieldreport.seal.envelope import PartReader, PartSource, write_part, write_zeros
from fieldreport.seal.hybrid import FILE_KEY_BYTES
from fieldreport.seal.padding import padded_size
from fieldreport.seal.stream import PayloadReader, PayloadWriter, sealed_size
from fieldreport.seekable import SeekableReader

_DOMAIN: Final = b"fieldreport/v1/kept-file\n"
_NONCE_BYTES: Final = 12
_NOTE_BYTES: Final = 1024  # a longer note fills more of these


class KeptState(StrEnum):
    """``KEPT``: it waits. ``SENT``: its letter has arrived. ``OUT``: its source took it out."""

    KEPT = "kept"
    SENT = "sent"
    OUT = "out"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeptFile:
    """What is known of a kept file. ``length`` is in bytes; ``harder``: it was cleaned in strong mode.

    ``original_size``: bytes of the file as it was uploaded, sealed apart (``original``), that lie after it; 0: none.
    """

    untrusted_name: str = field(repr=False)
    media_type: str
    length: int
    removed: tuple[str, ...]
    original_sha256: bytes = field(repr=False)
    harder: bool
    original_size: int = 0
    state: KeptState = KeptState.KEPT
    file_key: bytes = field(default_factory=lambda: secrets.token_bytes(FILE_KEY_BYTES), repr=False)

    @property
    def size(self) -> int:
        """Bytes that the sealed content takes."""
        return sealed_size(padded_size(self.length + self.original_size))

    def seal_note(self, key: bytes, place: bytes) -> bytes:
        """Seal this under the form's key (32 bytes), for this place (16 bytes)."""
        content = canonical.encode(
            {
                "file_key": self.file_key.hex(),
                "harder": self.harder,
                "length": self.length,
                "name": self.untrusted_name,
                **({"original": self.original_size} if self.original_size else {}),
                "removed": list(self.removed),
                "sha256": self.original_sha256.hex(),
                "state": str(self.state),
                "type": self.media_type,
            }
        )
        nonce = os.urandom(_NONCE_BYTES)
        padded = content + bytes(-len(content) % _NOTE_BYTES)
        return nonce + ChaCha20Poly1305(key).encrypt(nonce, padded, _DOMAIN + place)

    @classmethod
    def open_note(cls, note: bytes, key: bytes, place: bytes) -> Self:
        """What ``seal_note`` sealed.

        Raises:
            SealError: (code ``kept-file``) it belongs to another form or place, or is not whole.
        """
        nonce, sealed = note[:_NONCE_BYTES], note[_NONCE_BYTES:]
        try:
            content = canonical.decode(ChaCha20Poly1305(key).decrypt(nonce, sealed, _DOMAIN + place).rstrip(b"\0"))
        except (InvalidTag, ValueError):
            raise SealError("not a kept file of this form", code="kept-file") from None
        return cls(
            file_key=bytes.fromhex(content["file_key"]),
            harder=content["harder"],
            original_size=content.get("original", 0),
            length=content["length"],
            untrusted_name=content["name"],
            removed=tuple(content["removed"]),
            original_sha256=bytes.fromhex(content["sha256"]),
            state=KeptState(content["state"]),
            media_type=content["type"],
        )

    def seal_content(
        self, source: SeekableReader, destination: BinaryIO, *, original: SeekableReader | None = None
    ) -> None:
        """Seal ``source``, which holds exactly ``length`` bytes, and ``original`` after it.

        What is written is whole only if this returns.

        Raises:
            SealError: (code ``part-source``) the source is longer or shorter.
        """
        whole = padded_size(self.length + self.original_size)
        writer = PayloadWriter(self.file_key, destination, length=whole)
        try:
            for file, length in ((source, self.length), (original, self.original_size)):
                if file is not None:  # a RawIOBase whose reads are whole
                    source_ = cast("BinaryIO", file)
                    write_part(PartSource(name="", media_type=self.media_type, source=source_, length=length), writer)
            write_zeros(writer, whole - self.length - self.original_size)
            writer.close()
        finally:
            writer.discard()

    @contextmanager
    def content(self, sealed: BinaryIO) -> Iterator[tuple[SeekableReader, SeekableReader | None]]:
        """Lend the content as a file, and the sealed original as another, if there is one.

        What memory holds of them is wiped at the end; ``sealed`` stays the caller's.

        Raises:
            SealError: (code ``payload``) here or when reading: it is not what was sealed.
        """
        reader = PayloadReader(self.file_key, sealed, self.size)
        try:
            original = PartReader(reader, self.length, self.original_size) if self.original_size else None
            yield PartReader(reader, 0, self.length), original
        finally:
            reader.close()


def kept_name(untrusted_name: str) -> str:
    """As much of a file's name as a note holds: its first characters, what is no character replaced."""
    return untrusted_name[: limits.KEPT_NAME_CHARACTERS].encode("utf-8", "replace").decode()
