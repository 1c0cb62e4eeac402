"""A picture that a document shows only in part: all of it stays in the clean copy, so source and editor are told."""

# ruff: noqa: E501  # markup is easier to read on a line of its own

from __future__ import annotations

import base64
import struct
from collections.abc import Callable

import pytest
from pikepdf import Array

from fieldreport.scrub.verdicts import Noted
from tests.scrub.conftest import clean_copy
from tests.scrub.documents.compound_file import hangul as hwp
from tests.scrub.documents.compound_file import record
from tests.scrub.documents.owpml_package import hwpx, paragraph
from tests.scrub.documents.test_docx import relation, with_body
from tests.scrub.documents.test_epub import packed
from tests.scrub.documents.test_office_shown import deck, picture
from tests.scrub.documents.test_opendocument import document as opendocument
from tests.scrub.documents.test_pdf_hidden_words import document as pdf
from tests.scrub.documents.test_svg import HEAD

Make = Callable[[bytes], bytes]


def word(markup: str) -> Make:
    return lambda photo: with_body(
        f"<w:p><w:r>{markup}</w:r></w:p>",
        parts={"word/media/1.jpg": photo},
        relations=relation("r9", "image", "media/1.jpg"),
    )


def inline(fill: str) -> Make:
    return word(
        '<w:drawing><wp:inline><wp:extent cx="9" cy="9"/><wp:docPr id="1" name=""/><a:graphic><a:graphicData '
        'uri="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:pic '
        'xmlns:pic="http://schemas.openxmlformats.org/drawingml/2006/picture"><pic:nvPicPr><pic:cNvPr id="1" name=""/>'
        f'<pic:cNvPicPr/></pic:nvPicPr><pic:blipFill><a:blip r:embed="r9"/>{fill}</pic:blipFill><pic:spPr/></pic:pic>'
        "</a:graphicData></a:graphic></wp:inline></w:drawing>"
    )


def old_word(crop: str) -> Make:
    return word(f'<w:pict><v:shape><v:imagedata r:id="r9" {crop}/></v:shape></w:pict>')


def slide(left: int) -> Make:
    place = f'<p:spPr><a:xfrm><a:off x="{left}" y="0"/><a:ext cx="100" cy="100"/></a:xfrm></p:spPr>'
    return lambda photo: deck(picture("i1").replace("<p:spPr/>", place), media={"i1.jpg": photo})


def writer(clip: str) -> Make:
    style = '<style:style style:name="f" style:family="graphic"><style:graphic-properties fo:clip="rect({})"/></style:style>'
    body = '<text:p><draw:frame draw:style-name="f"><draw:image xlink:href="Pictures/1.jpg"/></draw:frame></text:p>'
    return lambda photo: opendocument("text", body, style.format(clip), {"Pictures/1.jpg": photo})


def hangul(clip: str) -> Make:
    inside = f'<hp:pic><hp:imgClip {clip}/><hp:imgDim dimwidth="7500" dimheight="6000"/><hc:img binaryItemIDRef="a"/></hp:pic>'
    return lambda photo: hwpx(paragraph(inside), files={"a": photo})


def old_hangul(crop: tuple[int, int, int, int], whole: tuple[int, int] = (7500, 6000)) -> Make:
    shape = bytes(44) + struct.pack("<4i", *crop) + bytes(22) + struct.pack("<2I", *whole)
    return lambda photo: hwp(["국경"], pictures=[photo], extra=record(85, 3, shape))


def address(photo: bytes) -> str:
    return f"data:image/jpeg;base64,{base64.b64encode(photo).decode()}"


def html(sheet: str, markup: str) -> Make:
    return lambda photo: f"<style>{sheet}</style><body>{markup.format(address(photo))}</body>".encode()


def book(sheet: str, markup: str = '<div class="a b"><p><img src="{}"/></p></div>') -> Make:
    space = "http://www.w3.org/1999/xhtml"
    return lambda photo: packed(
        {
            "mimetype": "application/epub+zip",
            "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container"><rootfiles><rootfile full-path="o"/></rootfiles></container>',
            "o": '<package xmlns="http://www.idpf.org/2007/opf"><manifest><item id="p" href="p" media-type="application/xhtml+xml"/></manifest><spine><itemref idref="p"/></spine></package>',
            "s.css": sheet,
            "s.jpg": photo,
            "p": f'<html xmlns="{space}"><head><link rel="stylesheet" href="s.css"/></head><body>{markup.format(address(photo))}</body></html>',
        }
    )


def rtf(words: bytes) -> Make:
    return lambda photo: b"{\\rtf1 {\\pict\\jpegblip" + words + b" " + photo.hex().encode() + b"}}"


def svg(markup: str) -> Make:
    def make(photo: bytes) -> bytes:
        address = f"data:image/jpeg;base64,{base64.b64encode(photo).decode()}"
        return f"{HEAD} viewBox='0 0 90 90'>{markup.format(address)}</svg>".encode()

    return make


def page(content: bytes, crop: list[int] | None = None) -> Make:
    return lambda _: pdf(content, **({} if crop is None else {"CropBox": Array(crop)}))


CROPPED = {
    "word": inline('<a:srcRect l="12000"/><a:stretch><a:fillRect/></a:stretch>'),
    "word, strict": inline('<a:srcRect b="12%"/>'),
    "beyond the shape": inline('<a:stretch><a:fillRect t="-9000"/></a:stretch>'),
    "old word": old_word('cropright="6000f"'),
    "old word, share": old_word('croptop=".12"'),
    "beside the slide": slide(9000),
    "writer": writer("0cm, 1.5cm, 0cm, 0cm"),
    "hangul": hangul('left="0" right="7500" top="900" bottom="6000"'),
    "old hangul, left": old_hangul((900, 0, 7500, 6000), (0, 0)),
    "old hangul, below": old_hangul((0, 0, 7500, 4000)),
    "html, covered": html("img{object-fit:cover;width:9em}", '<img src="{}">'),
    "html, a box of its own": html("", '<div style="overflow: hidden; height:90px"><b><img src="{}"></b></div>'),
    "epub, a path": book(".x, p > img:hover { clip-path: circle(40%) }"),
    "epub, a box": book("/* { */ @media screen { div.a { width:60%; overflow:hidden } }"),
    "epub, svg": book(
        "",
        '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><image href="{}" width="9" height="9" preserveAspectRatio="xMidYMid slice"/></svg>',
    ),
    "epub, behind": book(".a{background:url(s.jpg) 0 0/cover}", '<p><img src="{}"/></p>'),
    "rtf": rtf(b"\\piccropl800"),
    "svg, clipped": svg('<clipPath id="c"><path d="M0 0"/></clipPath><g clip-path="url(#c)"><image href="{}"/></g>'),
    "svg, cut to its frame": svg('<image href="{}" width="9" height="9" preserveAspectRatio="xMidYMid slice"/>'),
    "svg, beyond": svg('<g transform="scale(2)"><image href="{}" x="20" width="40" height="9"/></g>'),
    "pdf, clipped": page(b"q 60 60 20 20 re W n 100 0 0 80 50 50 cm /Picture Do Q"),
    "pdf, beyond the page": page(b"q 100 0 0 80 350 50 cm /Picture Do Q"),
    "pdf, outside of the crop": page(b"q 100 0 0 80 50 50 cm /Picture Do Q", [0, 0, 400, 90]),
}
WHOLE = {
    "word": inline('<a:srcRect l="400" r="-2000"/><a:stretch><a:fillRect r="9000"/></a:stretch>'),
    "old word": old_word('cropright="0" cropleft="-99f"'),
    "on the slide": slide(8950),
    "writer": writer("0cm, 0.02cm, 0cm, 0cm"),
    "hangul": hangul('left="0" right="7480" top="0" bottom="6000"'),
    "old hangul": old_hangul((0, 0, 7480, 6030)),
    "old hangul, of old": old_hangul((0, 0, 7480, 6000), (0, 0)),
    "html": html(
        "p{overflow:hidden;width:9em} div{overflow:hidden} img{clip:auto; object-fit:contain}",
        '<div><img src="{}"></div>',
    ),
    "epub": book("body{height:90%;overflow:hidden} p.b, div #a, .a .c{clip-path:circle(1px)} img{mask:none;width:9em}"),
    "rtf": rtf(b"\\piccropl0\\piccropr20"),
    "svg": svg('<path clip-path="none" d="M0 0"/><image href="{}" x="1" width="89" height="9"/>'),
    "pdf": page(b"q 49 49 102 82 re W n 100 0 0 80 50 50 cm /Picture Do Q"),
}


@pytest.mark.parametrize("make", CROPPED.values(), ids=CROPPED)
def test_a_picture_that_was_shown_in_part_is_told_of_and_stays(make: Make, phone_photo: bytes) -> None:
    copy = clean_copy(make(phone_photo))
    assert Noted.CROPPED in copy.noted
    if not copy.media_type.endswith(("/zip", "/html")):  # in which pictures are shown whole
        assert Noted.CROPPED in clean_copy(copy.data).noted  # the clean copy is cropped as the original was


@pytest.mark.parametrize("make", WHOLE.values(), ids=WHOLE)
def test_of_a_picture_that_was_shown_whole_nothing_is_said(make: Make, phone_photo: bytes) -> None:
    assert Noted.CROPPED not in clean_copy(make(phone_photo)).noted
