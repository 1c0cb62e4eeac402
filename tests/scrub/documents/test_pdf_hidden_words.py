"""PDF: words that nobody sees on its pages, and honest pages that look alike."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import pikepdf
import pypdfium2
import pytest
from pikepdf import Array, Dictionary, Name

from fieldreport.scrub import pipeline
from fieldreport.scrub.format import Sink, Source
from fieldreport.scrub.verdicts import Mode, Noted

Clean = Callable[[bytes], Any]
WORDS = b"/F0 12 Tf 100 100 Td (Witness at the bridge) Tj ET "
DARK_BOX = b"q 0 0 0.4 rg 90 90 200 40 re f Q "


def document(content: bytes, **page: Any) -> bytes:
    """A page with words, on which there also are a picture, a form with words and states of transparency."""
    with pikepdf.new() as made, io.BytesIO() as file:
        page_object = made.add_blank_page(page_size=(400, 300)).obj
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        picture = made.make_stream(b"\x80")
        picture.Type, picture.Subtype, picture.Width, picture.Height = Name.XObject, Name.Image, 1, 1
        picture.BitsPerComponent, picture.ColorSpace = 8, Name.DeviceGray
        form = made.make_stream(b"BT " + WORDS)
        form.Type, form.Subtype, form.BBox = Name.XObject, Name.Form, Array([0, 0, 400, 300])
        form.Resources = Dictionary(Font=Dictionary(F0=font))
        page_object.Resources = Dictionary(
            Font=Dictionary(F0=font),
            XObject=Dictionary(Picture=picture, Form=form),
            ExtGState=Dictionary(Clear=Dictionary(ca=0), Half=Dictionary(ca=0.5)),
        )
        page_object.Contents = made.make_stream(content)
        for key, value in page.items():
            page_object[f"/{key}"] = value
        made.save(file)
        return file.getvalue()


def noted(data: bytes, mode: Mode = Mode.LOSSLESS) -> bool:
    cleaning = pipeline.new_cleaning(mode)
    pipeline.clean(Source.of(data), Sink(), cleaning)
    return Noted.HIDDEN_WORDS in cleaning.noted


@pytest.mark.parametrize(
    ("content", "page"),
    [
        (b"BT 1 g " + WORDS, {}),
        (b"BT 0 0 0 0 k " + WORDS, {}),
        (b"BT 1 1 1 rg " + WORDS, {"Rotate": 90}),
        (DARK_BOX + b"BT 0 0 0.4 rg /DeviceRGB cs 0 0 0.4 sc " + WORDS, {}),
        (b"BT " + WORDS + DARK_BOX, {}),
        (b"/Form Do " + DARK_BOX, {}),
        (b"BT " + WORDS + b"q 250 0 0 60 90 80 cm /Picture Do Q", {}),
        (b"BT 3 Tr " + WORDS, {}),
        (b"q /Clear gs BT " + WORDS + b"Q", {}),
        (b"q 0.1 0 0 0.1 50 50 cm BT " + WORDS + b"Q", {}),
        (b"q 1 0 0 1 0 300 cm BT " + WORDS + b"Q", {}),
        (b"BT " + WORDS, {"CropBox": Array([0, 0, 400, 90])}),
        (b"q 1 0 0 1 -350 0 cm /Form Do Q", {}),
    ],
    ids=[
        "white", "no ink", "white on a page that is turned", "as dark as what is behind", "under a box",
        "in a form under a box", "under a picture", "invisible", "clear", "tiny", "above the page", "outside the crop",
        "in a form beside the page",
    ],
)  # fmt: skip
def test_words_that_nobody_sees_are_noted_and_stay(clean: Clean, content: bytes, page: dict[str, Any]) -> None:
    data = document(content, **page)
    assert noted(data)
    shown = pypdfium2.PdfDocument(clean(data).data)
    assert "Witness" in shown[0].get_textpage().get_text_range()
    shown.close()
    assert not noted(data, Mode.STRONG)  # pictures of its pages have no words


def test_words_that_are_a_speck_are_noted() -> None:
    """PDFium reads no letters there; programs that copy text do."""
    assert noted(document(b"BT /F0 0.001 Tf 50 50 Td (a name of somebody) Tj ET"))


@pytest.mark.parametrize(
    ("content", "page"),
    [
        (b"BT " + WORDS, {}),
        (DARK_BOX + b"BT 1 g " + WORDS, {}),
        (DARK_BOX + b"BT 1 1 1 rg " + WORDS, {"Rotate": 270}),
        (b"q 250 0 0 60 90 80 cm /Picture Do Q BT " + WORDS, {}),
        (b"BT " + WORDS + b"q /Half gs 1 1 0 rg 90 90 200 40 re f Q", {}),
        (b"BT " + WORDS + b"90 90 200 40 re S 90 95 200 0.5 re f", {}),
        (b"BT " + WORDS + b"0 0 0.4 rg 300 90 50 50 re f", {}),
        (b"BT 1 g /F0 12 Tf 900 100 Td (   ) Tj ET BT 0 g " + WORDS, {}),
        (b"BT " + WORDS, {"CropBox": Array([90, 90, 390, 190])}),
    ],
    ids=[
        "black on white", "white on dark", "the same on a page that is turned", "on a picture", "marked with a pen",
        "in a frame, underlined", "beside a box", "spaces beside the page", "cut out of the page",
    ],
)  # fmt: skip
def test_words_that_are_seen_are_not_noted(content: bytes, page: dict[str, Any]) -> None:
    assert not noted(document(content, **page))
