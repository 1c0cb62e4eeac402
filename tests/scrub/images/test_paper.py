"""Printed pages: the yellow dots of printers are told in scans of every kind, and none are left in strong mode."""

from __future__ import annotations

import functools
import io
import math

import pikepdf
import pytest
from pikepdf import Dictionary, Name
from PIL import Image, ImageDraw, ImageFilter

from fieldreport.bench.samples import samples
from fieldreport.scrub import Mode, Removed
from fieldreport.scrub.images import codecs, paper
from fieldreport.scrub.verdicts import Noted
from tests.scrub.conftest import Clean
from tests.scrub.images.pictures import exif
from tests.scrub.images.printed_page import docucolor, dots, one_of_four, page, printed

CODES = {"docucolor": docucolor(), "one-of-four": one_of_four()}
SIZE = 1700, 1650


@functools.cache
def strip(dpi: int, code: str = "") -> Image.Image:
    """The beginning of a page of A4."""
    width = round(8.27 * dpi)
    size = width, paper.strip_height(width)
    return printed(page(size, dpi), dots(CODES[code], size, dpi)) if code else page(size, dpi)


@functools.cache
def scan(*, marked: bool) -> Image.Image:
    """A smaller one, whole."""
    plain = page(SIZE, 300)
    return printed(plain, dots(CODES["docucolor"], SIZE, 300)) if marked else plain


def encoded(image: Image.Image, form: str, **options: object) -> bytes:
    with io.BytesIO() as file:
        image.save(file, form, **options)
        return file.getvalue()


def is_told(image: Image.Image, quality: int | None = None, subsampling: int = 2) -> bool:
    small = image.crop((0, 0, image.width, paper.PEEK)).convert("L").reduce(8)
    if quality is not None:
        data = encoded(image, "JPEG", quality=quality, subsampling=subsampling)
        with Image.open(io.BytesIO(data)) as opened:
            image = opened.convert("RGB")
    noted: set[str] = set()
    if paper.may_show(small):
        paper.look(image, noted)
    return noted == {Noted.PRINTER_DOTS}


@pytest.mark.parametrize("quality", [None, 95, 90])
@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("dpi", [300, 600])
def test_printer_dots_are_told(dpi: int, code: str, quality: int | None) -> None:
    assert is_told(strip(dpi, code), quality)


def is_told_of_half(image: Image.Image, quality: int) -> bool:
    """The same for a JPEG with a colour for every four pixels, of which no more than that is decoded."""
    noted: set[str] = set()
    small = codecs.decode_small(encoded(image, "JPEG", quality=quality, subsampling=2), "RGB", 2)
    assert small.width in {image.width // 2, (image.width + 1) // 2}
    paper.look(small, noted, across=2)
    return noted == {Noted.PRINTER_DOTS}


@pytest.mark.parametrize("quality", [95, 90, 85])
@pytest.mark.parametrize("code", CODES)
def test_printer_dots_are_told_in_half_as_many_pixels_where_colours_have_no_more(code: str, quality: int) -> None:
    assert paper.may_be_halved(strip(300).width)
    assert not paper.may_be_halved(strip(600).width)
    assert is_told_of_half(strip(300, code), quality)


@pytest.mark.parametrize("turn", [1.5, 90, 180])
def test_printer_dots_are_told_on_a_page_that_lies_askew(turn: float) -> None:
    turned = strip(300, "docucolor").rotate(turn, Image.Resampling.BICUBIC, fillcolor=(247, 245, 238), expand=turn > 2)
    assert is_told(turned)


def halftone(lines: int, angle: float, tone: float) -> Image.Image:
    """Yellow as presses print it: dots in a grid, as large as it is dark."""
    step, turn = lines / 300 * 2 * math.pi, math.radians(angle)
    right, down = math.cos(turn) * step, math.sin(turn) * step
    width, height = 1654, 320
    covered = bytes(
        255 * (math.cos(x * right + y * down) + math.cos(y * right - x * down) > 2 - 4 * tone)
        for y in range(height)
        for x in range(width)
    )
    image = Image.new("RGB", (width, height), (248, 247, 243))
    image.paste((250, 245, 60), mask=Image.frombytes("L", image.size, covered))
    return image.filter(ImageFilter.GaussianBlur(0.6))


def screenshot() -> Image.Image:
    """Rows that are all alike, with yellow symbols and letters whose edges are coloured."""
    image = Image.new("RGB", (2400, 320), "white")
    draw = ImageDraw.Draw(image)
    for y in range(10, 320, 48):
        draw.rectangle((20, y, 44, y + 24), fill=(255, 204, 0))
        for x in range(80, 1800, 11):
            draw.rectangle((x, y, x + 4, y + 16), fill=(40, 40, 40))
            draw.line((x - 1, y, x - 1, y + 16), fill=(255, 240, 150))
        for x in range(1900, 2200, 30):
            draw.ellipse((x, y, x + 4, y + 4), fill=(255, 230, 80))
    return image


def plain_grid() -> Image.Image:
    """Paper for notes, with a dot every five millimetres."""
    image = Image.new("RGB", (2481, 320), (250, 250, 248))
    draw = ImageDraw.Draw(image)
    for y in range(5, 320, 59):
        for x in range(5, 2481, 59):
            draw.ellipse((x - 1, y - 1, x + 1, y + 1), fill=(240, 220, 120))
    return image


def photo() -> Image.Image:
    with Image.open(io.BytesIO(samples()["jpg"]())) as opened:
        return opened.convert("RGB").resize((2400, 320)).point(lambda value: min(255, 140 + value // 2))


OTHERS = {
    "scan": lambda: strip(300),
    "scan-600": lambda: strip(600),
    "noise": lambda: page((2481, 320), 300, noise=10),
    "halftone-60": lambda: halftone(60, 15, 0.05),
    "halftone-85": lambda: halftone(85, 45, 0.1),
    "screenshot": screenshot,
    "grid": plain_grid,
    "photo": photo,
}


@pytest.mark.parametrize("other", OTHERS)
def test_nothing_is_told_of_what_has_none(other: str) -> None:
    image = OTHERS[other]()
    assert [quality for quality in (None, 85, 60) if is_told(image, quality)] == []
    assert [quality for quality in (95, 85, 60) if is_told_of_half(image, quality)] == []


def test_a_picture_with_little_paper_is_not_looked_at_closely() -> None:
    dark, even = Image.new("L", (300, 40), 90), Image.linear_gradient("L")
    assert not any(map(paper.may_show, (dark, even, even.rotate(90))))
    half = even.copy()
    half.paste(240, (0, 0, 256, 100))
    assert paper.may_show(half)


def test_a_dark_lid_around_the_paper_is_no_reason_not_to_look(clean: Clean) -> None:
    framed = Image.new("RGB", (SIZE[0] + 200, SIZE[1] + 48), (20, 20, 20))
    framed.paste(scan(marked=True), (100, 48))
    for subsampling in (0, 2):
        data = encoded(framed, "JPEG", quality=95, subsampling=subsampling)
        assert clean(data).noted == {Noted.PRINTER_DOTS}


FORMS: dict[str, dict[str, object]] = {
    "JPEG": {"quality": 95, "subsampling": 0},
    "PNG": {"compress_level": 1},
    "TIFF": {},
    "PDF": {"quality": 95},
}


@pytest.mark.parametrize("form", FORMS)
def test_a_scanned_file_tells_of_dots_and_keeps_none_in_strong_mode(clean: Clean, form: str) -> None:
    marked = encoded(scan(marked=True), form, **FORMS[form])
    assert clean(marked).noted == {Noted.PRINTER_DOTS}
    strong = clean(marked, Mode.STRONG)
    assert Removed.PALE_MARKS in strong.removed
    assert not strong.noted
    if form != "PDF":
        with Image.open(io.BytesIO(strong.data)) as opened:
            assert opened.getpixel((5, 5)) == (255, 255, 255)
            assert not paper.has_dots(opened.crop((0, 0, 1700, 400)))


def test_a_scanned_file_without_dots_or_a_photo_of_a_camera_says_nothing(clean: Clean) -> None:
    assert not clean(encoded(scan(marked=False), "JPEG", quality=95)).noted
    block = Image.Exif()
    block.get_ifd(0x8769)[0x829A] = 0.01
    assert not clean(encoded(scan(marked=True), "JPEG", quality=95, subsampling=0, exif=block.tobytes())).noted
    assert clean(encoded(scan(marked=True), "JPEG", quality=95, subsampling=0, exif=exif())).noted


def test_white_paper_keeps_print_and_larger_areas_of_colour(clean: Clean) -> None:
    marked = scan(marked=True).crop((0, 0, 850, 700))
    marker = (400, 500, 700, 560)
    marked.paste((255, 235, 60), marker)
    with Image.open(io.BytesIO(clean(encoded(marked, "PNG"), Mode.STRONG).data)) as opened:
        red, green, blue = opened.resize((1, 1), Image.Resampling.BOX, box=(420, 515, 680, 545)).getpixel((0, 0))  # type: ignore[misc]
        assert red > 240
        assert green > 220
        assert blue < 100
        dark = marked.convert("L").point(lambda value: 255 * (value < 100)).histogram()[255]
        assert opened.convert("L").point(lambda value: 255 * (value < 100)).histogram()[255] == dark


def test_a_picture_that_is_no_page_keeps_its_colours(clean: Clean) -> None:
    image = Image.linear_gradient("L").resize((300, 200)).convert("RGB")
    with Image.open(io.BytesIO(clean(encoded(image, "PNG"), Mode.STRONG).data)) as opened:
        assert opened.convert("RGB").tobytes() == image.tobytes()


def test_dots_are_told_on_the_first_pages_of_a_document_in_jpeg_2000(clean: Clean) -> None:
    stored = encoded(scan(marked=True), "JPEG2000", quality_mode="rates", quality_layers=[8])
    with pikepdf.new() as made, io.BytesIO() as file:
        for data in (encoded(scan(marked=False), "JPEG2000"), stored):
            page = made.add_blank_page().obj
            picture = made.make_stream(data)
            picture.Type, picture.Subtype, picture.Filter = Name.XObject, Name.Image, Name.JPXDecode
            picture.Width, picture.Height = SIZE
            page.Resources = Dictionary(XObject=Dictionary(P=picture))
            page.Contents = made.make_stream(b"q 612 0 0 792 0 0 cm /P Do Q")
        made.save(file)
        document = file.getvalue()
    assert clean(document).noted == {Noted.PRINTER_DOTS}
    assert clean(stored).noted == {Noted.PRINTER_DOTS}
