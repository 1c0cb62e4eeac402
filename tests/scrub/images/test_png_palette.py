"""A PNG's palette holds the colours that its pixels can name, and nothing after them."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from fieldreport.scrub import Removed
from tests.scrub.conftest import Clean

MARKER = b"PLANTED"
HIDDEN = MARKER * 12  # divisible by three


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def png(depth: int, colour: int, *middle: bytes, row: bytes) -> bytes:
    header = struct.pack(">IIBBBBB", 8, 2, depth, colour, 0, 0, 0)
    data = zlib.compress((b"\0" + row) * 2)
    pieces = (chunk(b"IHDR", header), *middle, chunk(b"IDAT", data), chunk(b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(pieces)


def pixels(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        return image.convert("RGBA").tobytes()


@pytest.mark.parametrize("transparency", [b"", b"\x10\x20\x30\x40" + MARKER])
def test_colours_that_no_pixel_can_name_are_cut(clean: Clean, transparency: bytes) -> None:
    colours = bytes(range(12))
    opacity = [chunk(b"tRNS", transparency)] if transparency else []
    before = png(2, 3, chunk(b"PLTE", colours + HIDDEN), *opacity, row=b"\x1b\xe4")
    after = clean(before)
    assert MARKER not in after.data
    assert Removed.HIDDEN_CONTENT in after.removed
    wanted = [chunk(b"tRNS", transparency[:4])] if transparency else []
    assert pixels(after.data) == pixels(png(2, 3, chunk(b"PLTE", colours), *wanted, row=b"\x1b\xe4"))


def test_a_picture_of_full_colours_has_no_palette(clean: Clean) -> None:
    row = bytes(range(24))
    after = clean(png(8, 2, chunk(b"PLTE", HIDDEN), row=row))
    assert MARKER not in after.data
    assert pixels(after.data) == pixels(png(8, 2, row=row))


@pytest.mark.parametrize("filtered", [0, 1, 2])
def test_colours_that_no_pixel_names_become_black(clean: Clean, filtered: int) -> None:
    header = struct.pack(">IIBBBBB", 8, 2, 8, 3, 0, 0, 0)
    row = {0: b"\0\1\2\3" * 2, 1: b"\0\1\1\1\xfd\1\1\1", 2: b"\0\1\2\3" * 2}[filtered]
    second = bytes(8) if filtered == 2 else row
    data = zlib.compress(bytes((filtered,)) + row + bytes((filtered,)) + second)
    pieces = (
        chunk(b"IHDR", header),
        chunk(b"PLTE", bytes(range(12)) + HIDDEN),
        chunk(b"tRNS", b"\x80\x90\xa0\xb0" + HIDDEN[:28]),
        chunk(b"IDAT", data),
        chunk(b"IEND", b""),
    )
    before = b"\x89PNG\r\n\x1a\n" + b"".join(pieces)
    after = clean(before)
    assert MARKER in before
    assert MARKER not in after.data
    assert pixels(after.data) == pixels(before)
    assert clean(after.data).data == after.data
