"""Elements of EBML: reads their heads wherever they lie, and writes them in one form.

Rules: an element never reaches beyond the file; its length may be unknown only where the format says so. What is
written has the shortest numbers, but lengths of what is written later, which have eight bytes. Source: RFC 8794.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Iterator
from typing import Final

from fieldreport import limits
from fieldreport.scrub.media.buffered_source import Window
from fieldreport.scrub.verdicts import Bomb, Damaged

EBML, SEGMENT = 0x1A45DFA3, 0x18538067
SEEK_HEAD, INFO, TRACKS, CUES, CLUSTER = 0x114D9B74, 0x1549A966, 0x1654AE6B, 0x1C53BB6B, 0x1F43B675
CHAPTERS, TAGS, ATTACHMENTS = 0x1043A770, 0x1254C367, 0x1941A469
VOID, CRC_32 = 0xEC, 0xBF
TOP: Final = frozenset({SEEK_HEAD, INFO, TRACKS, CUES, CLUSTER, CHAPTERS, TAGS, ATTACHMENTS})

_ELEMENTS: Final = 20_000  # in one element that is read into memory


def head(window: Window, position: int) -> tuple[int, int, int | None]:
    """Id, beginning of the content, and its length, or None when that is not known."""
    data = window.read_at(position, 12)
    id_length = 9 - data[0].bit_length() if data else 9
    if id_length > 4 or len(data) <= id_length:
        raise Damaged
    length, width = number(data, id_length)
    unknown = length == (1 << 7 * width) - 1
    return int.from_bytes(data[:id_length], "big"), position + id_length + width, None if unknown else length


def number(data: bytes, position: int) -> tuple[int, int]:
    """A number that tells its own width; answers both."""
    if position >= len(data):
        raise Damaged
    width = 9 - data[position].bit_length()
    if width > 8 or position + width > len(data):
        raise Damaged
    return int.from_bytes(data[position : position + width], "big") & ((1 << 7 * width) - 1), width


def children(data: bytes) -> Iterator[tuple[int, bytes]]:
    """Id and content of each element in one that was read into memory."""
    position = 0
    for _ in range(_ELEMENTS):
        if position >= len(data):
            return
        id_length = 9 - data[position].bit_length()
        if id_length > 4:
            raise Damaged
        length, width = number(data, position + id_length)
        start = position + id_length + width
        if start + length > len(data):
            raise Damaged
        yield int.from_bytes(data[position : position + id_length], "big"), data[start : start + length]
        position = start + length
    raise Bomb


def content(window: Window, start: int, length: int | None) -> bytes:
    """All of an element, for those that are small."""
    if length is None or start + length > window.size:
        raise Damaged
    if length > limits.FILM_HEAD_BYTES:
        raise Bomb
    return window.read_at(start, length)


def unsigned(data: bytes) -> int:
    """Of an element's content."""
    if len(data) > 8:
        raise Damaged
    return int.from_bytes(data, "big")


def signed(data: bytes) -> int:
    """Of an element's content."""
    if len(data) > 8:
        raise Damaged
    return int.from_bytes(data, "big", signed=True)


def real(data: bytes) -> float:
    """Of an element's content."""
    if len(data) not in {0, 4, 8}:
        raise Damaged
    value = struct.unpack(">f" if len(data) == 4 else ">d", data)[0] if data else 0.0
    if not math.isfinite(value):
        raise Damaged
    return float(value)


# --- writing ---


def element(kind: int, *payload: bytes, wide: bool = False) -> bytes:
    """An element around its content. ``wide``: its length takes eight bytes, so that it can be filled in later."""
    body = b"".join(payload)
    return identifier(kind) + length_of(len(body), wide=wide) + body


def identifier(kind: int) -> bytes:
    """The bytes of an id."""
    return kind.to_bytes((kind.bit_length() + 7) // 8, "big")


def length_of(value: int, *, wide: bool = False) -> bytes:
    """A number that tells its own width."""
    width = 8 if wide else next(width for width in range(1, 9) if value < (1 << 7 * width) - 1)
    return (value | 1 << 7 * width).to_bytes(width, "big")


def unsigned_element(kind: int, value: int) -> bytes:
    """With the shortest number."""
    return element(kind, value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big"))


def signed_element(kind: int, value: int) -> bytes:
    """With the shortest number."""
    return element(kind, value.to_bytes(value.bit_length() // 8 + 1, "big", signed=True))


def real_element(kind: int, value: float) -> bytes:
    """With eight bytes."""
    return element(kind, struct.pack(">d", value))
