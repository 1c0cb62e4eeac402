"""GIF: the frames and their times stay; everything else goes."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fieldreport.scrub import Refusal, Removed
from fieldreport.scrub.format import Source
from fieldreport.scrub.images.gif.verify import verify
from fieldreport.scrub.verdicts import Residue
from tests.scrub.conftest import Clean, RefusalOf, clean_or_refuse

MARKER = b"PLANTED"


def frame(angle: int = 0) -> Image.Image:
    return Image.linear_gradient("L").resize((40, 30)).rotate(angle).convert("P")


def encode(**options: object) -> bytes:
    with io.BytesIO() as file:
        frame().save(file, "GIF", **options)
        return file.getvalue()


def animation() -> bytes:
    return encode(save_all=True, append_images=[frame(90), frame(200)], duration=[50, 120, 70], loop=4, disposal=2)


def frames(data: bytes) -> list[tuple[bytes, object]]:
    with Image.open(io.BytesIO(data)) as image:
        found: list[tuple[bytes, object]] = []
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            found.append((image.convert("RGBA").tobytes(), image.info.get("duration")))
        return found


def extension(label: int, *blocks: bytes) -> bytes:
    return bytes((0x21, label)) + b"".join(bytes((len(block),)) + block for block in blocks) + b"\0"


def first_block(data: bytes) -> int:
    return 13 + (3 << ((data[10] & 7) + 1) if data[10] & 0x80 else 0)


PLANTED = {
    "comment": (extension(0xFE, MARKER, MARKER), Removed.COMMENTS),
    "text": (extension(0x01, bytes(12), MARKER), Removed.HIDDEN_CONTENT),
    "xmp": (extension(0xFF, b"XMP DataXMP", b"<dc:creator>PLANTED"), Removed.AUTHOR),
    "profile": (extension(0xFF, b"ICCRGBG1012", MARKER), Removed.COLOUR_PROFILE),
    "private": (extension(0xFF, b"PLANTED1234", MARKER), Removed.OTHER_METADATA),
    "unknown": (extension(0x77, MARKER), Removed.OTHER_METADATA),
    "buffering": (extension(0xFF, b"NETSCAPE2.0", b"\x02PLAN"), None),
}


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize("make", [encode, animation])
def test_nothing_planted_survives_and_no_frame_changes(clean: Clean, name: str, make: object) -> None:
    assert callable(make)
    original: bytes = make()
    planted, expected = PLANTED[name]
    for place in (first_block(original), len(original) - 1):
        copy = clean(original[:place] + planted + original[place:])
        assert MARKER not in copy.data
        assert b"PLAN" not in copy.data
        assert expected is None or expected in copy.removed
        assert frames(copy.data) == frames(original)


def test_an_animation_plays_as_often_as_before(clean: Clean) -> None:
    copy = clean(animation())
    assert len(frames(copy.data)) == 3
    with Image.open(io.BytesIO(copy.data)) as image:
        assert image.info["loop"] == 4


def test_transparency_stays(clean: Clean) -> None:
    see_through = frame().convert("RGBA")
    see_through.paste((0, 0, 0, 0), (5, 5, 15, 15))
    with io.BytesIO() as file:
        see_through.save(file, "GIF")
        original = file.getvalue()
    with Image.open(io.BytesIO(original)) as before, Image.open(io.BytesIO(clean(original).data)) as after:
        assert "transparency" in before.info
        assert after.info["transparency"] == before.info["transparency"]


def test_what_follows_the_trailer_is_cut(clean: Clean) -> None:
    copy = clean(encode() + MARKER)
    assert copy.data == clean(encode()).data
    assert Removed.TRAILING_DATA in copy.removed


def test_a_file_cut_off_in_its_last_frame_ends_there(clean: Clean) -> None:
    original = encode()
    copy = clean(original[:-40])
    assert copy.data.endswith(b";")
    assert Removed.INCOMPLETE in copy.removed


def test_what_players_forgive_is_forgiven(clean: Clean) -> None:
    """One more end of a block, and a file that ends before the pixels of its last frame."""
    data = animation()
    place = data.index(b"\x21\xf9")
    assert clean(data[:place] + bytes(3) + data[place:]).data == clean(data).data
    last = data.rindex(b"\0\x2c", 0, -40) + 1
    cut = clean(data[: last + 10])
    assert Removed.INCOMPLETE in cut.removed
    assert frames(cut.data) == frames(data)[: len(frames(cut.data))]
    assert len(frames(cut.data)) == len(frames(data)) - 1


@pytest.mark.parametrize("tail", [b"\x21", b"\x21\xf9", b"\x07rubbish", b"\x07\x2c" + bytes(20) + b";"])
def test_what_is_no_block_ends_the_file_as_in_viewers(clean: Clean, tail: bytes) -> None:
    data = animation()
    copy = clean(data[:-1] + tail)
    assert copy.data == clean(data).data
    assert Removed.INCOMPLETE in copy.removed


@pytest.mark.parametrize(("width", "height"), [(65_535, 65_535), (20_001, 20_001)])
def test_a_screen_over_the_bounds_is_refused_from_its_header(refusal_of: RefusalOf, width: int, height: int) -> None:
    data = bytearray(encode())
    struct.pack_into("<HH", data, 6, width, height)
    assert refusal_of(bytes(data)) is Refusal.PIXELS


@pytest.mark.parametrize("screen", [(0, 0), (8, 8), (5, 400)])
def test_a_frame_beyond_the_screen_is_shown_on_a_larger_screen(clean: Clean, screen: tuple[int, int]) -> None:
    data = bytearray(encode())
    size = struct.unpack_from("<HH", data, 6)
    struct.pack_into("<HH", data, 6, *screen)
    copy = clean(bytes(data)).data
    assert struct.unpack_from("<HH", copy, 6) == tuple(map(max, size, screen))
    assert copy[10:] == clean(encode()).data[10:]


def test_frames_without_end_are_a_bomb(refusal_of: RefusalOf) -> None:
    data = encode()
    block = data[first_block(data) : -1]
    assert refusal_of(data[:-1] + block * 1200 + b";") is Refusal.BOMB


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:12],
        lambda data: data[:20],
        lambda data: data[: first_block(data)] + b";",
        lambda data: data[: first_block(data)] + b"\x99" + data[first_block(data) :],
        lambda data: data.replace(b"\x2c\0\0\0\0", b"\x2c\xff\xff\0\0", 1),
    ],
    ids=["header", "palette", "no-frame", "unknown-block", "outside-the-screen"],
)
def test_what_is_no_gif_inside_is_damaged(refusal_of: RefusalOf, damage: object) -> None:
    assert callable(damage)
    assert refusal_of(damage(encode())) is Refusal.DAMAGED


@pytest.mark.parametrize("name", PLANTED)
def test_scrubbing_twice_is_scrubbing_once(clean: Clean, name: str) -> None:
    original = animation()
    once = clean(original[: first_block(original)] + PLANTED[name][0] + original[first_block(original) :])
    twice = clean(once.data)
    assert twice.data == once.data
    assert twice.removed == frozenset()


@pytest.mark.parametrize("name", [name for name in PLANTED if name != "buffering"])
def test_verify_refuses_what_should_have_gone(clean: Clean, name: str) -> None:
    data = clean(animation()).data
    verify(Source.of(data), "image/gif")
    for place in (first_block(data), len(data) - 1, len(data)):
        with pytest.raises(Residue):
            verify(Source.of(data[:place] + PLANTED[name][0] + data[place:]), "image/gif")


def test_verify_refuses_a_file_without_an_end(clean: Clean) -> None:
    with pytest.raises(Residue):
        verify(Source.of(clean(animation()).data[:-1]), "image/gif")


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_mutated_file_is_refused_or_comes_out_clean(data: st.DataObject) -> None:
    mutated = bytearray(animation())
    for _ in range(data.draw(st.integers(1, 5))):
        mutated[data.draw(st.integers(6, len(mutated) - 1))] = data.draw(st.integers(0, 255))
    clean_or_refuse(bytes(mutated))
