"""Redaction behind the real lock: what comes out does not depend on what was in an area, to the last byte."""

from __future__ import annotations

import io
import random
from collections.abc import Callable

import av
import pytest
from PIL import Image
from reportlab.pdfgen import canvas

from fieldreport.errors import ScrubRefused
from fieldreport.scratch import Scratch
from fieldreport.scrub import Area, Redaction, Scrubber, registry
from fieldreport.scrub.format import Source
from tests.scrub.media.films import film
from tests.scrub.samples import every_sample

SIZE = (480, 640)
BOX = (120, 200, 290, 330)  # what must not be seen
Redact = Callable[..., tuple[str, bytes]]


@pytest.fixture
def redact(scrubber: Scrubber, scratch: Callable[[bytes], Scratch]) -> Redact:
    def redacted(content: bytes, *areas: Area, left_out: tuple[int, ...] = ()) -> tuple[str, bytes]:
        made = scrubber.redact(scratch(content), Redaction(areas=areas, left_out=left_out))
        with made.output as output:
            output.seek(0)
            data = output.read(made.length) or b""
        registry.verify(Source.of(data), made.media_type)
        return made.media_type, data

    return redacted


def scene(secret: int, mode: str = "RGB", box: tuple[int, int, int, int] = BOX) -> Image.Image:
    """Smooth ground that is always the same, and noise of its own in the box."""
    image = Image.linear_gradient("L").resize(SIZE).convert("RGB")
    left, top, right, bottom = box
    size = (right - left, bottom - top)
    image.paste(Image.frombytes("RGB", size, random.Random(secret).randbytes(3 * size[0] * size[1])), box)
    if mode == "RGBA":
        image.putalpha(Image.linear_gradient("L").resize(SIZE).rotate(180))
    return image if image.mode == mode else image.convert(mode)


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    with io.BytesIO() as file:
        image.save(file, form, **options)
        return file.getvalue()


def area(box: tuple[int, int, int, int] = BOX, width: int = SIZE[0], page: int = 1) -> Area:
    left, top, right, bottom = (each * 10_000 // width for each in box)
    return Area(page, left, top, right + 1, bottom + 1)


def turned(secret: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = 6  # to be shown turned to the right
    return encoded(scene(secret).transpose(Image.Transpose.ROTATE_90), "JPEG", quality=80, exif=exif)


KINDS: dict[str, Callable[[int], bytes]] = {
    "jpeg": lambda secret: encoded(scene(secret), "JPEG", quality=80),
    "grey jpeg": lambda secret: encoded(scene(secret, "L"), "JPEG"),
    "turned jpeg": turned,
    "jpeg for paper": lambda secret: encoded(scene(secret, "CMYK"), "JPEG"),
    "png": lambda secret: encoded(scene(secret), "PNG"),
    "png that lets shine through": lambda secret: encoded(scene(secret, "RGBA"), "PNG"),
    "gif": lambda secret: encoded(scene(secret).convert("P", dither=Image.Dither.NONE), "GIF"),
    "tiff": lambda secret: encoded(scene(secret, "CMYK"), "TIFF"),
}


@pytest.mark.parametrize("kind", KINDS)
def test_of_a_picture_nothing_of_the_area_is_in_any_byte(kind: str, redact: Redact) -> None:
    media_type, first = redact(KINDS[kind](1), area())
    assert redact(KINDS[kind](2), area()) == (media_type, first)
    image = Image.open(io.BytesIO(first))
    assert image.size == SIZE
    pixels = image.convert("RGB")
    assert pixels.crop(BOX).getextrema() == ((0, 0),) * 3
    assert pixels.getpixel((10, 600)) != (0, 0, 0)
    assert not image.getexif()


@pytest.mark.parametrize("form", ["WEBP", "AVIF"])
def test_of_a_picture_that_predicts_its_blocks_the_area_is_black(form: str, redact: Redact) -> None:
    media_type, made = redact(encoded(scene(1), form, quality=80), area())
    assert media_type == "image/jpeg"
    assert Image.open(io.BytesIO(made)).crop(BOX).getextrema() == ((0, 0),) * 3


def test_of_a_large_picture_the_right_place_is_filled(redact: Redact) -> None:
    image = Image.new("RGB", (12_000, 9_000), "white")
    image.paste("red", (6_000, 6_000, 6_400, 6_300))
    _, made = redact(encoded(image, "PNG"), area((6_000, 6_000, 6_400, 6_300), 12_000))
    shown = Image.open(io.BytesIO(made)).convert("RGB")
    assert {colour for _, colour in shown.getcolors() or ()} == {(0, 0, 0), (255, 255, 255)}


def document(*pages: str) -> bytes:
    with io.BytesIO() as file:
        pen = canvas.Canvas(file, pagesize=(400, 500))
        for words in pages:
            pen.drawString(50, 450, "The gate was opened at night.")
            pen.drawString(50, 300, words)
            pen.showPage()
        pen.save()
        return file.getvalue()


def test_of_a_pdf_pictures_are_left_without_what_was_marked_and_without_pages_left_out(
    redact: Redact, scrubber: Scrubber, scratch: Callable[[bytes], Scratch]
) -> None:
    line = area((40, 180, 380, 210), 400, page=2)
    media_type, made = redact(document("A", "Captain Pak Yong-ho", "C"), line, left_out=(3,))
    assert media_type == "application/pdf"
    assert redact(document("A", "Lieutenant Ri Chol", "Another page"), line, left_out=(3,))[1] == made
    reading = scrubber.read(scratch(made))
    assert reading.text == ""
    assert [piece.texts for piece in reading.pieces] == [("1",), ("2",)]
    shown = Image.open(io.BytesIO(scrubber.picture(scratch(made), place=(2,), side=400))).convert("L")
    assert shown.crop((45, 185, 375, 205)).getextrema() == (0, 0)
    assert shown.getpixel((200, 300)) == 255


def test_of_a_scan_with_several_pages_a_pdf_comes_out_and_of_one_page_a_picture(redact: Redact) -> None:
    def scan(secret: int) -> bytes:
        return encoded(scene(1), "TIFF", save_all=True, append_images=[scene(secret, "CMYK"), scene(3)])

    media_type, made = redact(scan(1), area(page=2), left_out=(1,))
    assert media_type == "application/pdf"
    assert redact(scan(2), area(page=2), left_out=(1,)) == (media_type, made)
    assert redact(scan(1), left_out=(1, 3))[0] == "image/jpeg"


def packets(data: bytes, kind: str) -> list[bytes]:
    with av.open(io.BytesIO(data), "r") as opened:
        return [bytes(packet) for stream in opened.streams if stream.type == kind for packet in opened.demux(stream)]


def test_a_film_loses_its_sound_and_keeps_every_picture(
    scrubber: Scrubber, scratch: Callable[[bytes], Scratch]
) -> None:
    sounding = film()
    assert packets(sounding, "audio")
    made = scrubber.redact(scratch(sounding), Redaction(silent=True))
    with made.output as output:
        output.seek(0)
        silent = output.read(made.length) or b""
    assert made.media_type == "video/mp4"
    with scrubber.clean(scratch(sounding)).output as clean:
        clean.seek(0)
        loud = clean.read(-1) or b""
    assert packets(silent, "video") == packets(loud, "video") != []
    with av.open(io.BytesIO(silent), "r") as opened:
        assert [stream.type for stream in opened.streams] == ["video"]
    assert not any(packet in silent for packet in packets(loud, "audio") if len(packet) > 16)


@pytest.mark.parametrize("media_type", ["audio/mp4", "video/webm", "image/jpeg"])
def test_of_what_is_no_mp4_film_the_sound_is_not_taken(
    media_type: str, scrubber: Scrubber, scratch: Callable[[bytes], Scratch]
) -> None:
    with pytest.raises(ScrubRefused) as refused:
        scrubber.redact(scratch(every_sample()[media_type]()), Redaction(silent=True))
    assert refused.value.code == "unsupported"


@pytest.mark.parametrize("media_type", ["text/plain", "audio/mpeg", "application/zip"])
def test_what_has_no_pages_is_refused(media_type: str, redact: Redact) -> None:
    with pytest.raises(ScrubRefused) as refused:
        redact(every_sample()[media_type](), area())
    assert refused.value.code == "unsupported"


def test_a_document_without_any_page_is_refused(redact: Redact) -> None:
    with pytest.raises(ScrubRefused) as refused:
        redact(document("A"), left_out=(1,))
    assert refused.value.code == "empty"


@pytest.mark.parametrize("numbers", [(0, 0, 0, 1, 1), (1, 5, 0, 5, 9), (1, 0, 9, 5, 9), (1, 0, 0, 10_001, 9)])
def test_what_is_no_area_is_refused(numbers: tuple[int, int, int, int, int]) -> None:
    with pytest.raises(ValueError, match="no area"):
        Area(*numbers)
