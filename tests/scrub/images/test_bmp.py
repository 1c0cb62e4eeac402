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


@pytest.mark.parametrize("direction", [1, -1])
@pytest.mark.parametrize(
    ("depth", "masks"),
    [
        (16, (0xF00, 0xF0, 0xF, 0)),
        (16, (0xF00, 0xF0, 0xF, 0xF000)),
        (16, (0xE0, 0x1C, 0x3, 0)),
        (16, (0xFF00, 0xFF, 0, 0)),
        (32, (0x3FF0_0000, 0xF_FC00, 0x3FF, 0xC000_0000)),
        (32, (0xFFE0_0000, 0x1F_FC00, 0x3FF, 0)),
        (32, (0xFFFF_F000, 0xFF0, 0xF, 0)),
    ],
)
def test_colours_lie_where_the_masks_say(
    clean: Clean, depth: int, masks: tuple[int, int, int, int], direction: int
) -> None:
    """Whichever bits they are: graphics programs and consoles write other than those of Windows."""
    width, height = 3, 2
    numbers = [[(0x9E37_79B9 * (3 * y + x + 1)) & (1 << depth) - 1 for x in range(width)] for y in range(height)]
    rows = [b"".join(number.to_bytes(depth // 8, "little") for number in row) for row in numbers]
    rows = [row + bytes(-len(row) % 4) for row in rows]
    info = struct.pack("<IiiHHIIiiII", 56, width, height * direction, 1, depth, 3, 0, 0, 0, 0, 0)
    pixels = b"".join(rows[::-direction])
    bare = info + struct.pack("<4I", *masks) + pixels
    copy = clean(b"BM" + struct.pack("<IHHI", 14 + len(bare), 0, 0, 70) + bare)
    assert clean(bare).data == copy.data

    def shown(number: int, mask: int) -> int:
        lowest = mask & -mask
        return round((number & mask) // lowest * 255 / (mask // lowest)) if mask else 0

    with Image.open(io.BytesIO(copy.data)) as after:
        assert after.mode == ("RGBA" if masks[3] else "RGB")
        for y, row in enumerate(numbers):
            for x, number in enumerate(row):
                found = after.getpixel((x, y))
                assert isinstance(found, tuple)
                if masks[3] and not shown(number, masks[3]):
                    assert found == (0, 0, 0, 0)  # what nobody sees says nothing
                    continue
                for each, mask in zip(found, masks, strict=False):
                    assert abs(each - shown(number, mask)) <= (mask.bit_length() > 20)


def test_a_picture_of_which_nothing_is_visible_is_all_visible(clean: Clean) -> None:
    """Programs name bits for what is visible and leave them empty."""
    info = struct.pack("<IiiHHIIiiII", 56, 2, 1, 1, 16, 3, 0, 0, 0, 0, 0)
    bare = info + struct.pack("<4I", 0xF00, 0xF0, 0xF, 0xF000) + struct.pack("<HH", 0xF84, 0x048)
    with Image.open(io.BytesIO(clean(bare).data)) as after:
        assert after.mode == "RGB"
        assert after.tobytes() == bytes((255, 136, 68, 0, 68, 136))


def test_masks_without_pixels_are_damage(refusal_of: RefusalOf) -> None:
    info = struct.pack("<IiiHHIIiiII", 56, 4, 4, 1, 16, 3, 0, 0, 0, 0, 0) + struct.pack("<4I", 0xF00, 0xF0, 0xF, 0)
    assert refusal_of(b"BM" + struct.pack("<IHHI", 70, 0, 0, 70) + info + bytes(8)) is Refusal.DAMAGED


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
