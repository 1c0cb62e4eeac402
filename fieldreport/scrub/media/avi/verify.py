"""Reading a clean AVI file again, with a reader that shares no code with what wrote it.

Rules: the file is consumed from the first byte to the last: one header list, one list of pictures and sounds, one
index that names every chunk of that list and nothing else.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import Source
from fieldreport.scrub.media.bitstreams import verify as frames
from fieldreport.scrub.verdicts import Residue

Check = Callable[[memoryview], bool]

_PICTURES: Final[dict[str, Check | None]] = {
    **dict.fromkeys(("H264", "h264", "X264", "x264", "avc1", "AVC1"), frames.stream),
    **dict.fromkeys(("XVID", "xvid", "DIVX", "divx", "DX50", "FMP4", "MP4V", "mp4v", "M4S2"), frames.visual),
    **dict.fromkeys(("MJPG", "mjpg", "jpeg", "JPEG"), frames.jpeg),
    **dict.fromkeys(("VP80", "VP90", "H263", "DIV3", "MP42", "MP43", "I420", "YUY2", "UYVY", "\0\0\0\0")),
}
_SOUND_BYTES: Final = {1: 0, 2: 32, 3: 0, 6: 0, 7: 0, 0x11: 2, 0x50: 22, 0x55: 12, 0xFF: 64, 0x2000: 0, 0xFFFE: 22}


class _Chunks:
    """Reads chunk after chunk, a piece of the file at a time."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._at, self._piece = 0, b""
        self.position = 0

    def take(self, length: int) -> bytes:
        if self.position + length > self._at + len(self._piece):
            self._at = self.position
            self._piece = self._source.read_at(self.position, max(length, limits.MIB))
        start = self.position - self._at
        found = self._piece[start : start + length]
        if len(found) != length:
            raise Residue
        self.position += length
        return found

    def head(self, expected: bytes = b"") -> tuple[bytes, int]:
        kind, size = struct.unpack("<4sI", self.take(8))
        if (expected and kind != expected) or self.position + size > self._source.size:
            raise Residue
        return kind, size

    def chunk(self, expected: bytes = b"") -> tuple[bytes, bytes]:
        kind, size = self.head(expected)
        if size > limits.FILM_FRAME_BYTES + limits.MIB:
            raise Residue
        data = self.take(size)
        if size % 2 and self.take(1) != b"\0":
            raise Residue
        return kind, data

    def open_list(self, name: bytes) -> int:
        """Enter a list; answers where it ends."""
        _, size = self.head(b"LIST")
        end = self.position + size
        if self.take(4) != name:
            raise Residue
        return end


def verify(source: Source, media_type: str) -> None:
    """Raise ``Residue`` for anything the grammar does not name."""
    chunks = _Chunks(source)
    _, size = chunks.head(b"RIFF")
    if media_type != "video/x-msvideo" or size + 8 != source.size or chunks.take(4) != b"AVI ":
        raise Residue
    end = chunks.open_list(b"hdrl")
    _, header = chunks.chunk(b"avih")
    if len(header) != 56 or any(header[4:12]) or header[12:16] != b"\x10\1\0\0" or any(header[40:]):
        raise Residue
    checks = []
    while chunks.position < end:
        checks.append(_stream(chunks))
    movie = chunks.position + 8
    end = chunks.open_list(b"movi")
    written = []
    while chunks.position < end:
        at = chunks.position - movie
        kind, data = chunks.chunk()
        written.append((kind, at, len(data)))
        number = int(kind[:2]) if kind[:2].isdigit() else len(checks)
        if number >= len(checks) or kind[2:] not in {b"dc", b"db", b"wb"}:
            raise Residue
        check = checks[number]
        if check is not None and data and not check(memoryview(data)):
            raise Residue
    if chunks.position != end:
        raise Residue
    _index(chunks, written)
    if chunks.position != source.size:
        raise Residue


def _index(chunks: _Chunks, written: list[tuple[bytes, int, int]]) -> None:
    _, size = chunks.head(b"idx1")
    if size != 16 * len(written):
        raise Residue
    for kind, at, length in written:
        found, flags, place, told = struct.unpack("<4s3I", chunks.take(16))
        if (found, place, told) != (kind, at, length) or flags not in {0, 0x10}:
            raise Residue


def _stream(chunks: _Chunks) -> Check | None:
    end = chunks.open_list(b"strl")
    _, header = chunks.chunk(b"strh")
    _, form = chunks.chunk(b"strf")
    if chunks.position != end or len(header) != 56 or any(header[8:16]) or any(header[40:44]):
        raise Residue
    if header[:4] == b"vids":
        name = form[16:20].decode("latin-1")
        if (
            len(form) < 40
            or any(form[24:40])
            or name not in _PICTURES
            or header[4:8].decode("latin-1") not in _PICTURES
        ):
            raise Residue
        check = _PICTURES[name]
        if len(form) > 40 and (check not in {frames.stream, frames.visual} or not check(memoryview(form)[40:])):
            raise Residue
        return check
    tag, extra = int.from_bytes(form[:2], "little"), form[18:]
    known = header[:8] == b"auds\0\0\0\0" and tag in _SOUND_BYTES and len(extra) <= _SOUND_BYTES[tag]
    if not known or form[16:18] != struct.pack("<H", len(extra)):
        raise Residue
    if tag == 0xFF and extra[0] >> 3 in {1, 2, 3, 4, 5, 29}:
        return frames.aac
    return frames.mp3 if tag in {0x50, 0x55} else None
