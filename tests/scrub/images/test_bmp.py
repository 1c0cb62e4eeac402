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


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (50_000, -50_000), (20_001, 1)])
def test_a_picture_over_the_bounds_is_refused_from_its_header(refusal_of: RefusalOf, width: int, height: int) -> None:
    data = bytearray(encode())
    struct.pack_into("<ii", data, 18, width, height)
    assert refusal_of(bytes(data)) is Refusal.BOMB


def test_a_file_cut_off_is_damaged(refusal_of: RefusalOf) -> None:
    assert refusal_of(encode()[:200]) is Refusal.DAMAGED


@given(data=st.data())
@settings(max_examples=100, deadline=None)
def test_a_mutated_file_is_refused_or_comes_out_clean(data: st.DataObject) -> None:
    mutated = bytearray(encode("P"))
    for _ in range(data.draw(st.integers(1, 5))):
        mutated[data.draw(st.integers(2, 80))] = data.draw(st.integers(0, 255))
    clean_or_refuse(bytes(mutated))
