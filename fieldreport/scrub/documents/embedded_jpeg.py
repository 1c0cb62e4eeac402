"""Pictures inside documents: documents have already decided what cleaning a JPEG would bake in.

A JPEG's orientation is ignored by the programs that draw a PDF page or a Word picture, which turn the frame instead. So
it is set to upright before the picture is cleaned: baking it in would turn the picture on the page.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from fieldreport.scrub.format import Cleaning
from fieldreport.scrub.verdicts import Damaged, Removed

_STANDALONE: Final = frozenset({0x01, *range(0xD0, 0xD8)})
_ORIENTATION: Final = 0x0112


def as_drawn(untrusted: bytes, cleaning: Cleaning, *, profile: bool) -> bytes:
    """A picture as its document draws it; it still needs cleaning. Anything but a JPEG is answered unchanged.

    ``profile`` says whether the document's programs look at a JPEG's colour profile.
    """
    if untrusted[:3] != b"\xff\xd8\xff":
        return untrusted
    kept = bytearray(untrusted[:2])
    position = 2
    for marker, start, end in _segments(untrusted):
        segment = bytearray(untrusted[start:end])
        position = end
        if not profile and marker == 0xE2 and segment[4:16] == b"ICC_PROFILE\0":
            cleaning.removed.add(Removed.COLOUR_PROFILE)
            continue
        if marker == 0xE1 and segment[4:10] == b"Exif\0\0":
            _upright(segment)
        kept += segment
    return bytes(kept) + untrusted[position:]


def _segments(untrusted: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker segments before the first scan."""
    position = 2
    while position + 4 <= len(untrusted) and untrusted[position] == 0xFF:
        marker = untrusted[position + 1]
        if marker in {0xDA, 0xD9, 0xFF} or marker in _STANDALONE:
            return
        end = position + 2 + int.from_bytes(untrusted[position + 2 : position + 4], "big")
        if end > len(untrusted):
            raise Damaged
        yield marker, position, end
        position = end


def _upright(segment: bytearray) -> None:
    """Set the orientation of the first image directory to 1."""
    order = {b"II": "<", b"MM": ">"}.get(bytes(segment[10:12]))
    if order is None or len(segment) < 20:
        return
    (offset,) = struct.unpack_from(order + "L", segment, 14)
    directory = 10 + offset
    if directory + 2 > len(segment):
        return
    (count,) = struct.unpack_from(order + "H", segment, directory)
    for entry in range(directory + 2, min(directory + 2 + 12 * count, len(segment) - 11), 12):
        if struct.unpack_from(order + "H", segment, entry)[0] == _ORIENTATION:
            struct.pack_into(order + "H", segment, entry + 8, 1)
