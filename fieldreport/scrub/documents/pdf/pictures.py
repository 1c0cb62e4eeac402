"""The raw codecs of pictures inside a PDF: JPEG, JPEG 2000, JBIG2, each without what it does not need to be drawn.

A JPEG is cleaned like any other (``graphics``); the other two are no formats of the registry.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Final

from fieldreport.scrub.verdicts import Damaged

_JP2_SIGNATURE: Final = b"\x00\x00\x00\x0cjP  \r\n\x87\n"
_JP2_HEADER_BOXES: Final = frozenset({b"ihdr", b"bpcc", b"colr", b"pclr", b"cmap", b"cdef"})
_CODESTREAM: Final = b"\xff\x4f"

_JBIG2_EXTENSION: Final = 62  # ITU-T T.88, 7.2.3: comments
_JBIG2_PROFILES: Final = 52


def jpx_size(untrusted: bytes) -> tuple[int, int]:
    """Width and height from the codestream's SIZ segment (ISO 15444-1, A.5.1)."""
    start = untrusted.find(_CODESTREAM + b"\xff\x51")
    if start < 0 or start + 24 > len(untrusted):
        raise Damaged
    width, height, left, top = struct.unpack_from(">LLLL", untrusted, start + 8)
    return width - left, height - top


def clean_jpx(untrusted: bytes) -> tuple[bytes, bool]:
    """JPEG 2000 without comments, XML, UUID and capture boxes, and whether there were any."""
    if untrusted.startswith(_CODESTREAM):
        kept = _clean_codestream(untrusted)
    elif untrusted.startswith(_JP2_SIGNATURE):
        kept = _clean_jp2(untrusted)
    else:
        raise Damaged
    return kept, kept != untrusted


def jpx_profile(untrusted: bytes) -> bytes | None:
    """The ICC profile of a picture whose document names no colours (restricted or full, ISO 15444-1, I.5.3.3)."""
    if not untrusted.startswith(_JP2_SIGNATURE):
        return None
    header = next((data for kind, data in _boxes(untrusted) if kind == b"jp2h"), b"")
    colours = (data for kind, data in _boxes(header) if kind == b"colr")
    return next((data[3:] for data in colours if data[:1] in {b"\2", b"\3"}), None)


def _boxes(data: bytes) -> Iterator[tuple[bytes, bytes]]:
    position = 0
    while position + 8 <= len(data):
        length, kind = struct.unpack_from(">L4s", data, position)
        header = 8
        if length == 1 and position + 16 <= len(data):
            (length,) = struct.unpack_from(">Q", data, position + 8)
            header = 16
        end = len(data) if length == 0 else position + length
        if end > len(data) or end < position + header:
            raise Damaged
        yield kind, data[position + header : end]
        position = end


def _box(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">L4s", len(data) + 8, kind) + data


def _clean_jp2(untrusted: bytes) -> bytes:
    kept = [_JP2_SIGNATURE, _box(b"ftyp", b"jp2 \0\0\0\0jp2 ")]
    for kind, data in _boxes(untrusted):
        if kind == b"jp2h":
            inner = b"".join(_box(name, part) for name, part in map(_colour, _boxes(data)) if name in _JP2_HEADER_BOXES)
            kept.append(_box(b"jp2h", inner))
        elif kind == b"jp2c":
            kept.append(_box(b"jp2c", _clean_codestream(data)))
            break
    return b"".join(kept)


def _colour(box: tuple[bytes, bytes]) -> tuple[bytes, bytes]:
    """A colour specification by number; one by profile becomes sRGB, as the PDF's own colour space decides anyway."""
    kind, data = box
    if kind != b"colr":
        return box
    return kind, data[:7] if data[:1] == b"\x01" and len(data) >= 7 else b"\x01\0\0\0\0\0\x10"


def _clean_codestream(untrusted: bytes) -> bytes:
    """Drop COM segments (0xFF64) from the main header and every tile-part header; tile lengths are corrected."""
    kept = bytearray(_CODESTREAM)
    position = 2
    while position + 2 <= len(untrusted):
        (marker,) = struct.unpack_from(">H", untrusted, position)
        if marker == 0xFFD9:
            break
        if position + 4 > len(untrusted):
            raise Damaged
        end = position + 2 + int.from_bytes(untrusted[position + 2 : position + 4], "big")
        if marker == 0xFF90:
            part, position = _tile_part(untrusted, position)
            kept += part
            continue
        if marker != 0xFF64:
            kept += untrusted[position:end]
        position = end
    return bytes(kept) + b"\xff\xd9"


def _tile_part(untrusted: bytes, start: int) -> tuple[bytes, int]:
    if start + 12 > len(untrusted):
        raise Damaged
    (length,) = struct.unpack_from(">L", untrusted, start + 6)
    stop = start + length
    if length == 0:
        stop = len(untrusted) - 2 if untrusted.endswith(b"\xff\xd9") else len(untrusted)
    if not start + 14 <= stop <= len(untrusted):
        raise Damaged
    kept = bytearray(untrusted[start : start + 12])
    position = start + 12
    while position + 4 <= stop:
        (marker,) = struct.unpack_from(">H", untrusted, position)
        if marker == 0xFF93:
            break
        end = position + 2 + int.from_bytes(untrusted[position + 2 : position + 4], "big")
        if marker != 0xFF64:
            kept += untrusted[position:end]
        position = end
    kept += untrusted[position:stop]
    struct.pack_into(">L", kept, 6, len(kept))
    return bytes(kept), stop


def clean_jbig2(untrusted: bytes) -> tuple[bytes, bool]:
    """An embedded JBIG2 stream without extension and profile segments, and whether there were any."""
    kept = bytearray()
    position = 0
    while position + 11 <= len(untrusted):
        end, kind = _jbig2_segment(untrusted, position)
        if kind not in {_JBIG2_EXTENSION, _JBIG2_PROFILES}:
            kept += untrusted[position:end]
        position = end
    return bytes(kept), bytes(kept) != untrusted


def _jbig2_segment(data: bytes, start: int) -> tuple[int, int]:
    """Where a segment ends, and its type (ITU-T T.88, 7.2)."""
    number, flags, count = struct.unpack_from(">LBB", data, start)
    referred = count >> 5
    position = start + 6
    if referred == 7:
        if start + 9 > len(data):
            raise Damaged
        referred = int.from_bytes(data[start + 5 : start + 9], "big") & 0x1FFFFFFF
        position = start + 9 + (referred + 8) // 8
    position += referred * (1 if number <= 256 else 2 if number <= 65536 else 4)
    position += 4 if flags & 0x40 else 1
    if position + 4 > len(data):
        raise Damaged
    length = int.from_bytes(data[position : position + 4], "big")
    end = len(data) if length == 0xFFFFFFFF else position + 4 + length
    if end > len(data):
        raise Damaged
    return end, flags & 0x3F
