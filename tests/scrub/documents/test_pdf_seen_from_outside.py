"""Poppler, which shares no code with ours, and PDFium, forms drawn: both see in a clean PDF what they saw before."""

from __future__ import annotations

import collections
import io
import re
import shutil
import subprocess
from collections.abc import Callable
from typing import Any

import pikepdf
import pypdfium2
import pytest
from pikepdf import Array, Dictionary, Name, String
from PIL import Image, ImageChops
from reportlab.pdfgen import canvas

from tests.scrub.conftest import clean_copy

pytestmark = [
    pytest.mark.outside,
    pytest.mark.skipif(shutil.which("pdftoppm") is None, reason="needs Poppler"),
]

DPI = 100
SEEN = 32  # levels of 255 by which a pixel differs
LETTERS = 0.002  # of a page's pixels: what viewers draw as a field they place a fraction of a pixel apart


def by_poppler(data: bytes) -> list[Image.Image]:
    done = subprocess.run(
        ["pdftoppm", "-q", "-r", str(DPI), "-"], input=data, capture_output=True, check=True, timeout=60
    )
    file = io.BytesIO(done.stdout)
    pages = []
    while file.tell() < len(done.stdout):  # one picture after another
        pages.append(next_picture(file))
    return pages


def next_picture(file: io.BytesIO) -> Image.Image:
    """A picture in the form PPM, of eight bits a colour."""
    kind, sides, most = file.readline().strip(), file.readline().split(), file.readline().strip()
    assert (kind, most) == (b"P6", b"255")
    width, height = int(sides[0]), int(sides[1])
    return Image.frombytes("RGB", (width, height), file.read(3 * width * height))


def by_pdfium(data: bytes) -> list[Image.Image]:
    document = pypdfium2.PdfDocument(data)
    try:
        document.init_forms()
        return [page.render(scale=DPI / 72, may_draw_forms=True).to_pil().convert("RGB") for page in document]
    finally:
        document.close()


def words_by_poppler(data: bytes) -> str:
    return subprocess.run(
        ["pdftotext", "-q", "-", "-"], input=data, capture_output=True, check=True, timeout=60
    ).stdout.decode()


def words_by_pdfium(data: bytes) -> str:
    document = pypdfium2.PdfDocument(data)
    try:
        return " ".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()


def page(draw: Callable[[Any], None]) -> pikepdf.Pdf:
    file = io.BytesIO()
    drawing = canvas.Canvas(file, pagesize=(300, 200))
    draw(drawing)
    drawing.showPage()
    drawing.save()
    return pikepdf.open(file)


def letters_and_shapes(drawing: Any) -> None:
    drawing.linearGradient(0, 0, 300, 0, ("#ff0000", "#0000ff"))
    drawing.setFillColorCMYK(0.1, 0.8, 0.2, 0.1)
    drawing.roundRect(20, 20, 80, 50, 9, fill=1)
    drawing.setFillAlpha(0.4)
    drawing.circle(110, 50, 30, fill=1)
    drawing.setFont("Times-Italic", 18)
    drawing.setDash(3, 2)
    drawing.line(10, 150, 290, 160)
    drawing.drawString(30, 120, "Seen before and after")


def picture_with_mask(drawing: Any) -> None:
    picture = Image.linear_gradient("L").convert("RGB")
    picture.putalpha(Image.radial_gradient("L"))
    drawing.drawInlineImage(picture.convert("RGB"), 10, 10, 60, 60)
    file = io.BytesIO()
    picture.save(file, "PNG")
    drawing.drawImage(canvas.ImageReader(file), 90, 10, 160, 160, mask="auto")


def form_fields(drawing: Any) -> None:
    form = drawing.acroForm
    form.textfield(name="a", value="filled in", x=20, y=150, width=120, height=20)
    form.checkbox(name="b", checked=True, x=20, y=120, size=20)
    form.choice(name="c", value="one", options=["one", "two"], x=60, y=120, width=80, height=20)
    form.radio(name="d", value="x", selected=True, x=160, y=120, size=20)
    form.radio(name="d", value="y", x=190, y=120, size=20)
    form.listbox(name="e", value="two", options=["one", "two"], x=160, y=20, width=80, height=60)


def with_annotations(*annotations: Dictionary) -> pikepdf.Pdf:
    document = page(lambda drawing: drawing.drawString(30, 120, "See page one"))
    document.pages[0].obj.Annots = Array(document.make_indirect(annotation) for annotation in annotations)
    return document


def annotation(subtype: str, left: int, **entries: Any) -> Dictionary:
    return Dictionary(
        Type=Name.Annot, Subtype=Name("/" + subtype), F=4, Rect=Array([left, 90, left + 60, 150]), **entries
    )


def framed_links() -> pikepdf.Pdf:
    """As LaTeX writes them, and with a line of each other kind, and one that another program had drawn."""
    web = Dictionary(S=Name.URI, URI=String("https://example.org/map"))
    document = with_annotations(
        annotation("Link", 10, A=web, C=Array([1, 0, 0]), Border=Array([0, 0, 1])),
        annotation("Link", 80, A=web, C=Array([0, 0.5, 0]), Border=Array([0, 0, 2, Array([4, 2])])),
        annotation("Link", 150, A=web, C=Array([0, 0, 1]), BS=Dictionary(W=3, S=Name.U)),
        annotation("Link", 220, A=web),
    )
    drawn = document.make_stream(b"1 0.5 0 RG 4 w 2 2 56 56 re S")
    drawn.Type, drawn.Subtype, drawn.BBox = Name.XObject, Name.Form, Array([0, 0, 60, 60])
    document.pages[0].obj.Annots.append(
        Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([10, 10, 70, 70]), A=web, AP=Dictionary(N=drawn))
    )
    return document


def remarks() -> pikepdf.Pdf:
    document = with_annotations()
    looks = document.make_stream(b"1 1 0 rg 0 0 60 60 re f BT /F0 12 Tf 0 g 5 20 Td (Remark) Tj ET")
    looks.Type, looks.Subtype, looks.BBox = Name.XObject, Name.Form, Array([0, 0, 60, 60])
    looks.Resources = Dictionary(
        Font=Dictionary(F0=Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Courier))
    )
    document.pages[0].obj.Annots = Array([
        annotation("FreeText", 10, AP=Dictionary(N=looks)), annotation("Stamp", 150, AP=Dictionary(N=looks))
    ])  # fmt: skip
    return document


DOCUMENTS: dict[str, Callable[[], pikepdf.Pdf]] = {
    "letters and shapes": lambda: page(letters_and_shapes),
    "picture with mask": lambda: page(picture_with_mask),
    "form fields": lambda: page(form_fields),
    "framed links": framed_links,
    "remarks": remarks,
}


def saved(name: str) -> bytes:
    file = io.BytesIO()
    DOCUMENTS[name]().save(file)
    return file.getvalue()


@pytest.mark.parametrize("look", [by_poppler, by_pdfium])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_pages_look_the_same_to(name: str, look: Callable[[bytes], list[Image.Image]]) -> None:
    data = saved(name)
    before, after = look(data), look(clean_copy(data).data)
    assert [each.size for each in before] == [each.size for each in after] != []
    for one, other in zip(before, after, strict=True):
        assert one.getcolors(2) is None  # something is drawn
        differing = sum(ImageChops.difference(one, other).convert("L").histogram()[SEEN:])
        assert differing <= LETTERS * one.width * one.height


@pytest.mark.parametrize("words", [words_by_poppler, words_by_pdfium])
@pytest.mark.parametrize("name", DOCUMENTS)
def test_words_are_copied_the_same_by(name: str, words: Callable[[bytes], str]) -> None:
    data = saved(name)
    before, after = (collections.Counter(re.findall(r"\w+", words(each))) for each in (data, clean_copy(data).data))
    assert before <= after  # PDFium finds no words in fields and remarks until they are part of the page
    assert words is words_by_pdfium or before == after
