"""How files look, drawn behind the real lock: no larger than asked, and only what is there."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable

import pytest
from PIL import Image

from fieldreport.errors import ScrubRefused
from fieldreport.scratch import Scratch
from fieldreport.scrub.sandbox.service import Scrubber
from tests.scrub.conftest import clean_copy
from tests.scrub.samples import every_sample

Draw = Callable[..., Image.Image]
SAMPLES = every_sample()
DRAWN = sorted(each for each in SAMPLES if each.partition("/")[0] in {"image", "video", "audio"})


@pytest.fixture
def draw(scrubber: Scrubber, scratch: Callable[[bytes], Scratch]) -> Draw:
    def drawn(content: bytes, *place: int, side: int = 300) -> Image.Image:
        image = Image.open(io.BytesIO(scrubber.picture(scratch(content), place=place or (1,), side=side)))
        image.load()
        return image

    return drawn


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    with io.BytesIO() as file:
        image.save(file, form, **options)
        return file.getvalue()


@pytest.mark.parametrize("media_type", DRAWN)
def test_every_picture_film_and_recording_that_is_cleaned_has_looks(
    media_type: str, scrubber: Scrubber, scratch: Callable[[bytes], Scratch], draw: Draw
) -> None:
    with scrubber.clean(scratch(SAMPLES[media_type]())).output as clean:
        clean.seek(0)
        image = draw(clean.read(-1) or b"", side=40 if media_type.startswith("image/") else 100)
    assert image.width <= 100
    assert image.format in {"JPEG", "PNG"}


def test_a_large_picture_is_made_smaller_and_a_small_one_stays(draw: Draw) -> None:
    assert draw(encoded(Image.new("RGB", (3000, 2000), "teal"), "JPEG")).size == (300, 200)
    assert draw(encoded(Image.new("RGB", (30, 20), "teal"), "PNG")).size == (30, 20)


def test_a_drawing_with_letters_is_drawn_without_them(draw: Draw) -> None:
    shapes = '<path d="M0 0h9v9H0z" fill="red"/><text x="1" y="5">gate</text>'
    drawing = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9">{shapes}</svg>'
    image = draw(drawing.encode(), side=30).convert("RGB")
    assert image.getcolors() == [(30 * 30, (255, 0, 0))]


def test_a_strip_stays_readable(draw: Draw) -> None:
    assert draw(encoded(Image.new("L", (600, 2400)), "PNG")).size == (300, 1200)


def test_every_page_of_a_scan_is_drawn(draw: Draw) -> None:
    pages = [Image.new("RGB", (40, 30), colour) for colour in ("red", "blue")]
    scan = encoded(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    red, blue = (draw(scan, page).convert("RGB").split() for page in (1, 2))
    assert red[0].getpixel((5, 5)) == blue[2].getpixel((5, 5)) != blue[0].getpixel((5, 5))
    with pytest.raises(ScrubRefused):
        draw(scan, 3)


def test_sixteen_bits_are_shown_as_eight(draw: Draw) -> None:
    deep = encoded(Image.new("I;16", (8, 8), 0x4000), "PNG")
    assert draw(deep).convert("L").getpixel((1, 1)) == 0x40


def test_pages_of_a_pdf_are_as_wide_as_asked(draw: Draw) -> None:
    assert draw(SAMPLES["application/pdf"](), side=400).width in {399, 400, 401}


def test_a_picture_in_a_file_of_an_archive_is_drawn_by_its_place(draw: Draw) -> None:
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.txt", "The gate.")
        archive.writestr("b.png", encoded(Image.new("RGB", (12, 8), "teal"), "PNG"))
    outer = io.BytesIO()
    with zipfile.ZipFile(outer, "w") as archive:
        archive.writestr("in.zip", inner.getvalue())
    assert draw(outer.getvalue(), 1, 2, 1).size == (12, 8)
    for nowhere in ((1, 3, 1), (2, 1), (1, 2, 2), (1, 1, 1)):
        with pytest.raises(ScrubRefused):
            draw(outer.getvalue(), *nowhere)


def test_words_have_no_looks(draw: Draw) -> None:
    with pytest.raises(ScrubRefused):
        draw(clean_copy(SAMPLES["text/html"]()).data)


def test_a_film_has_nine_pictures_and_a_recording_one(draw: Draw) -> None:
    film, recording = (clean_copy(SAMPLES[each]()).data for each in ("video/mp4", "audio/mpeg"))
    assert draw(film, 9).size == draw(film, 1).size
    for content, page in ((film, 10), (recording, 2)):
        with pytest.raises(ScrubRefused):
            draw(content, page)
