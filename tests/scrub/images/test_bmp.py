"""BMP comes out as PNG with the same pixels; what the format can hide does not come out at all."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fieldreport.scrub import Refusal, Removed
from tests.scrub.conftest import Clean, RefusalOf, clean_or_refuse

MARKER = b"PLANTED"


def encode(mode: str = "RGB") -> bytes:
    with io.BytesIO() as file:
        Image.linear_gradient("L").resize((21, 13)).convert(mode).save(file, "BMP")
        return file.getvalue()


def with_gap(data: bytes) -> bytes:
    """Bytes between the header and the pixels, which no program shows."""
    (offset,) = struct.unpack_from("<I", data, 10)
    return data[:10] + struct.pack("<I", offset + len(MARKER)) + data[14:offset] + MARKER + data[offset:]


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB", "RGBA"])
def test_the_pixels_come_out_as_png(clean: Clean, mode: str) -> None:
    original = encode(mode)
    copy = clean(original)
    assert copy.media_type == "image/png"
    with Image.open(io.BytesIO(original)) as before, Image.open(io.BytesIO(copy.data)) as after:
        assert after.convert("RGBA").tobytes() == before.convert("RGBA").tobytes()


@pytest.mark.parametrize("mode", ["1", "L", "P", "RGB"])
def test_one_without_its_first_fourteen_bytes_is_the_same_picture(clean: Clean, mode: str) -> None:
    assert clean(encode(mode)[14:]).data == clean(encode(mode)).data


def test_an_older_header_is_understood(clean: Clean) -> None:
    """OS/2: twelve bytes, sides of two bytes each, colours of three."""
    image = Image.linear_gradient("L").resize((20, 12)).convert("RGB")
    rows = image.transpose(Image.Transpose.FLIP_TOP_BOTTOM).tobytes("raw", "BGR")
    core = struct.pack("<IHHHH", 12, 20, 12, 1, 24)
    copy = clean(b"BM" + struct.pack("<IHHI", 26 + len(rows), 0, 0, 26) + core + rows)
    with Image.open(io.BytesIO(copy.data)) as after:
        assert after.convert("RGB").tobytes() == image.tobytes()


def test_run_lengths_are_understood(clean: Clean) -> None:
    """Two rows of eight pixels, bottom row first: eight of colour 1, then four each of 2 and 3 (BI_RLE8)."""
    runs = bytes((8, 1, 0, 0, 4, 2, 4, 3, 0, 0, 0, 1))
    palette = b"".join(bytes((shade, shade, shade, 0)) for shade in (0, 50, 100, 150))
    info = struct.pack("<IiiHHIIiiII", 40, 8, 2, 1, 8, 1, len(runs), 0, 0, 4, 0)
    offset = 54 + len(palette)
    copy = clean(b"BM" + struct.pack("<IHHI", offset + len(runs), 0, 0, offset) + info + palette + runs)
    with Image.open(io.BytesIO(copy.data)) as after:
        assert list(after.convert("L").tobytes()) == [100] * 4 + [150] * 4 + [50] * 8


def test_what_lies_between_and_after_does_not_come_out(clean: Clean) -> None:
    assert clean(with_gap(encode()) + MARKER).data == clean(encode()).data


def test_a_profile_does_not_come_out(clean: Clean) -> None:
    original = encode()
    header = bytearray(124)
    header[:40] = original[14:54]
    struct.pack_into("<I", header, 0, 124)
    header[56:60] = b"DEBM"  # a profile inside the file
    struct.pack_into("<II", header, 112, 124 + len(original) - 54, len(MARKER))
    data = bytearray(original[:14] + header + original[54:] + MARKER)
    struct.pack_into("<I", data, 10, 138)
    copy = clean(bytes(data))
    assert MARKER not in copy.data
    assert Removed.COLOUR_PROFILE in copy.removed


def test_rows_from_the_top_are_understood(clean: Clean) -> None:
    data = bytearray(encode())
    struct.pack_into("<i", data, 22, -13)
    with Image.open(io.BytesIO(clean(bytes(data)).data)) as after:
        assert after.size == (21, 13)


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (50_000, -50_000), (20_001, 20_001)])
def test_a_picture_over_the_bounds_is_refused_from_its_header(refusal_of: RefusalOf, width: int, height: int) -> None:
    data = bytearray(encode())
    struct.pack_into("<ii", data, 18, width, height)
    assert refusal_of(bytes(data)) is Refusal.PIXELS


def test_a_file_cut_off_is_damaged(refusal_of: RefusalOf) -> None:
    assert refusal_of(encode()[:200]) is Refusal.DAMAGED


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_a_mutated_file_is_refused_or_comes_out_clean(data: st.DataObject) -> None:
    mutated = bytearray(encode("P"))
    for _ in range(data.draw(st.integers(1, 5))):
        mutated[data.draw(st.integers(2, 80))] = data.draw(st.integers(0, 255))
    clean_or_refuse(bytes(mutated))
