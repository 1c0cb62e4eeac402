"""JPEG XL and JPEG 2000 come out as JPEG or PNG: the picture stays, what lies beside it goes."""

from __future__ import annotations

import io
import struct
from collections.abc import Callable
from pathlib import Path

import pillow_jxl  # noqa: F401 - Pillow then writes JPEG XL
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat

from fieldreport import limits
from fieldreport.scratch import Scratch
from fieldreport.scrub import Mode, Refusal, Removed, Scrubber
from fieldreport.scrub.images.jxl import write as jxl
from tests.scrub.conftest import Clean, RefusalOf, clean_or_refuse
from tests.scrub.images.pictures import exif, picture

FORMS = {"jxl": "JXL", "jp2": "JPEG2000"}


def encode(image: Image.Image, kind: str, **options: object) -> bytes:
    with io.BytesIO() as file:
        image.save(file, FORMS[kind], **options)
        return file.getvalue()


def as_jpeg(**options: object) -> bytes:
    with io.BytesIO() as file:
        picture(size=(64, 48)).save(file, "JPEG", quality=90, **options)
        return file.getvalue()


def jxl_of_a_jpeg(folder: Path) -> bytes:
    """As archives pack photos: the JPEG comes out of it bit for bit, its Exif block included."""
    path = folder / "photo.jpg"
    path.write_bytes(as_jpeg(exif=exif()))
    with Image.open(path) as image:
        return encode(image, "jxl", lossless_jpeg=True)


def difference(one: bytes, other: Image.Image) -> float:
    with Image.open(io.BytesIO(one)) as image:
        assert image.size == other.size
        return max(ImageStat.Stat(ImageChops.difference(image.convert("RGBA"), other.convert("RGBA"))).mean)


@pytest.mark.parametrize("kind", FORMS)
@pytest.mark.parametrize(
    ("mode", "media_type"), [("RGB", "image/jpeg"), ("L", "image/jpeg"), ("RGBA", "image/png"), ("I;16", "image/png")]
)
def test_the_picture_stays(clean: Clean, kind: str, mode: str, media_type: str) -> None:
    grey = picture("RGB").convert("L").convert("I").point(lambda value: value * 256).convert("I;16")
    original = grey if mode == "I;16" else picture("RGBA").convert(mode)
    copy = clean(encode(original, kind, lossless=True) if kind == "jxl" else encode(original, kind))
    assert copy.media_type == media_type
    if mode == "I;16":
        with Image.open(io.BytesIO(copy.data)) as image:
            assert image.getextrema() == original.getextrema()
    else:
        assert difference(copy.data, original) < 3


def test_a_jpeg_inside_comes_out_with_its_own_pixels(clean: Clean, tmp_path: Path) -> None:
    copy = clean(jxl_of_a_jpeg(tmp_path))
    assert copy.media_type == "image/jpeg"
    assert copy.data == clean(as_jpeg()).data
    assert {Removed.LOCATION, Removed.DEVICE, Removed.TIME} <= set(copy.removed)


@pytest.mark.parametrize("kind", FORMS)
def test_what_lies_beside_the_picture_goes_and_is_named(clean: Clean, kind: str) -> None:
    packet = b"<dc:creator>PLANTED</dc:creator>"
    boxed = encode(picture(), kind, **({"exif": exif()} if kind == "jxl" else {}))
    copy = clean(boxed + struct.pack(">I4s", 8 + len(packet), b"xml ") + packet)
    assert b"PLANTED" not in copy.data
    assert Removed.AUTHOR in copy.removed
    if kind == "jxl":
        assert Removed.LOCATION in copy.removed


@pytest.mark.parametrize(
    "size", [(8, 8), (256, 256), (257, 5), (300, 200), (1200, 1000), (640, 360), (500, 400), (9, 3)]
)
def test_the_size_of_a_jpeg_xl_is_read_from_its_header(size: tuple[int, int]) -> None:
    assert jxl._header(jxl._codestream(encode(Image.new("L", size), "jxl"))) == (size, False)


def test_a_jpeg_xl_that_plays_is_told_from_its_header() -> None:
    """8 by 8 pixels; then: not all as usual, extra fields, upright, no size of its own, no preview, an animation."""
    bits = "1" + "00000" + "100" + "0" + "1" + "000" + "0" + "0" + "1"
    assert jxl._header(b"\xff\x0a" + int(bits[::-1], 2).to_bytes(16, "little")) == ((8, 8), True)


@pytest.mark.parametrize("kind", FORMS)
def test_a_picture_over_the_bounds_is_refused_by_its_header(
    refusal_of: RefusalOf, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    monkeypatch.setattr(limits, "IMAGE_DECODED_BYTES", 4 * 1000)
    assert refusal_of(encode(picture(), kind)) is Refusal.PIXELS


@pytest.mark.parametrize("kind", FORMS)
def test_strong_mode_makes_pixels(clean: Clean, kind: str) -> None:
    assert clean(encode(picture(), kind), Mode.STRONG).media_type == "image/jpeg"


@pytest.mark.parametrize("kind", FORMS)
@settings(max_examples=30, deadline=None)
@given(st.data())
def test_whatever_is_changed_it_is_cleaned_or_refused(kind: str, data: st.DataObject) -> None:
    changed = bytearray(encode(picture(), kind))
    for _ in range(data.draw(st.integers(1, 3))):
        changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(st.integers(0, 255))
    clean_or_refuse(bytes(changed[: data.draw(st.integers(1, len(changed)))]))


def test_both_are_cleaned_in_the_locked_child(
    scrubber: Scrubber, scratch: Callable[[bytes], Scratch], tmp_path: Path
) -> None:
    made = (encode(picture(), "jxl"), jxl_of_a_jpeg(tmp_path), encode(picture("RGBA"), "jp2"))
    assert [scrubber.clean(scratch(data)).media_type for data in made] == ["image/jpeg", "image/jpeg", "image/png"]
