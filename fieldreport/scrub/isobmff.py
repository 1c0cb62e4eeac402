"""Boxes of the ISO base media file format: reading them strictly, writing them plainly.

Rules: a box never reaches beyond what it lies in, and there are only so many of them. Source: ISO/IEC 14496-12, 4.2.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from fieldreport.scrub.verdicts import Bomb, Damaged

_BOXES: Final = 20_000  # in one container box; a picture of many tiles has hundreds


def boxes(data: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[bytes, int, int]]:
    """Kind, beginning and end of each box's payload between two offsets."""
    position, stop = start, len(data) if end is None else end
    for _ in range(_BOXES):
        if position == stop:
            return
        if position + 8 > stop:
            raise Damaged
        size, kind = struct.unpack_from(">I4s", data, position)
        head = 8
        if size == 1 and position + 16 <= stop:
            (size,) = struct.unpack_from(">Q", data, position + 8)
            head = 16
        elif size == 0:  # to the end of what it lies in
            size = stop - position
        if size < head or position + size > stop:
            raise Damaged
        yield kind, position + head, position + size
        position += size
    raise Bomb


def box(kind: bytes, *payload: bytes) -> bytes:
    """A box around its payload."""
    body = b"".join(payload)
    return struct.pack(">I4s", 8 + len(body), kind) + body


def full_box(kind: bytes, version: int, flags: int, *payload: bytes) -> bytes:
    """A box with version and flags."""
    return box(kind, struct.pack(">I", version << 24 | flags), *payload)


class Fields:
    """Reads numbers one after the other from a box's payload, and never beyond it."""

    def __init__(self, data: bytes, start: int = 0, end: int | None = None) -> None:
        self._data = data
        self.position = start
        self.end = len(data) if end is None else end

    def number(self, size: int) -> int:
        """Unsigned, ``size`` bytes, big-endian; nothing reads as zero."""
        return int.from_bytes(self.take(size), "big")

    def take(self, size: int) -> bytes:
        """The next ``size`` bytes."""
        if size < 0 or self.position + size > self.end:
            raise Damaged
        piece = self._data[self.position : self.position + size]
        self.position += size
        return piece

    def version_and_flags(self) -> tuple[int, int]:
        """Of a full box."""
        word = self.number(4)
        return word >> 24, word & 0xFF_FFFF

    def rest(self) -> bytes:
        """Everything that is left."""
        return self.take(self.end - self.position)
