"""Large pictures: those that pass as they are keep every pixel, those that are encoded again may come out smaller."""

from __future__ import annotations

import io

import pytest
from PIL import Image, ImageChops, ImageStat

from fieldreport import limits
from fieldreport.scrub import Mode
from tests.scrub.conftest import Clean, RefusalOf
from tests.scrub.images.pictures import exif, picture

SMALL = 6000  # pixels that a picture may have here when it is encoded again


def encode(form: str, size: tuple[int, int], mode: str = "RGB", **options: object) -> bytes:
    with io.BytesIO() as file:
        picture("RGBA", size).convert(mode).save(file, form, **options)
        return file.getvalue()


def decoded(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as image:
        image.load()
        return image


@pytest.mark.parametrize(
    ("form", "size"),
    [
        ("JPEG", (300, 65_500)),
        ("JPEG", (65_500, 300)),
        ("PNG", (40, 30_000)),
        ("PNG", (90_000, 4)),
        ("WEBP", (9, 16_383)),
    ],
)
def test_a_long_strip_keeps_every_pixel(clean: Clean, form: str, size: tuple[int, int]) -> None:
    original = encode(form, size)
    assert decoded(clean(original).data).tobytes() == decoded(original).tobytes()


@pytest.mark.parametrize("form", ["TIFF", "BMP", "JPEG2000"])
def test_a_strip_that_has_to_be_decoded_stays_as_long(clean: Clean, form: str) -> None:
    assert decoded(clean(encode(form, (16, 30_000))).data).size == (16, 30_000)


@pytest.mark.parametrize("mode", ["RGB", "RGBA", "P", "1", "L"])
@pytest.mark.parametrize("form", ["JPEG", "PNG", "WEBP"])
def test_one_that_is_encoded_again_comes_out_smaller_by_a_whole_factor(
    clean: Clean, monkeypatch: pytest.MonkeyPatch, form: str, mode: str
) -> None:
    monkeypatch.setattr(limits, "IMAGE_ENCODED_PIXELS", SMALL)
    original = encode(form, (320, 240), mode if form == "PNG" else "RGB")
    copy = clean(original, Mode.STRONG)
    after = decoded(copy.data)
    assert after.size == (80, 60)
    before = decoded(original).convert("RGBA").reduce(4)
    assert max(ImageStat.Stat(ImageChops.difference(before, after.convert("RGBA"))).mean) < 6
    assert "made-smaller" in copy.noted


def test_a_phones_photo_on_its_side_is_turned_and_smaller(clean: Clean, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "IMAGE_ENCODED_PIXELS", SMALL)
    copy = clean(encode("JPEG", (160, 120), exif=exif(6)))
    assert decoded(copy.data).size == (60, 80)
    assert "made-smaller" in copy.noted


def test_one_that_passes_as_it_is_is_not_smaller(clean: Clean, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "IMAGE_ENCODED_PIXELS", SMALL)
    copy = clean(encode("JPEG", (160, 120)))
    assert decoded(copy.data).size == (160, 120)
    assert not copy.noted


def test_too_many_pixels_have_words_of_their_own(refusal_of: RefusalOf, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "IMAGE_DECODED_BYTES", 4 * SMALL)
    assert refusal_of(encode("TIFF", (160, 120))) == "pixels"
