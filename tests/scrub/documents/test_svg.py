"""SVG: what is drawn stays; names, titles, editors' data, scripts and everything outside do not."""

# ruff: noqa: E501  # markup is easier to read on a line of its own

from __future__ import annotations

import base64
import io
import random
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fieldreport import limits
from fieldreport.scrub import pipeline
from fieldreport.scrub.documents.svg.verify import verify
from fieldreport.scrub.documents.svg.write import MEDIA_TYPE
from fieldreport.scrub.format import Sink, Source
from fieldreport.scrub.verdicts import Mode, Noted, Refusal, Refused, Removed, Residue
from tests.scrub.conftest import clean_copy

Clean = Callable[[bytes], Any]
HEAD = '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'


def planted(marks: Any, photo: bytes) -> bytes:
    picture = base64.b64encode(photo).decode()
    return f"""<?xml version="1.0"?>
<!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd">
<!-- Created with {marks("comment")} -->
<?{marks("instruction")} x?>
{HEAD} xmlns:inkscape="http://www.inkscape.org/namespaces/inkscape" xmlns:sodipodi="http://sodipodi.sourceforge.net/DTD/sodipodi-0.dtd"
 xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns:dc="http://purl.org/dc/elements/1.1/"
 sodipodi:docname="{marks("document name")}" inkscape:export-filename="/home/{marks("export path")}" id="{marks("root id")}" viewBox="0 0 100 100" onload="{marks("handler")}">
<title>{marks("title")}</title><desc>{marks("description")}</desc>
<metadata><rdf:RDF><rdf:Description><dc:creator>{marks("creator")}</dc:creator></rdf:Description></rdf:RDF></metadata>
<sodipodi:namedview inkscape:current-layer="{marks("view")}"/><script>{marks("script")}</script>
<style>/* {marks("css comment")} */ @import url(https://{marks("css import")}); @font-face {{ font-family: x; src: url(https://{marks("font")}) }}
 .{marks("class")} {{ fill: url(#{marks("gradient name")}); behavior: url(https://{marks("css address")}) }} #{marks("css name")} {{ stroke: #aabbcc }}</style>
<defs><linearGradient id="{marks("gradient id")}"><stop offset="0" stop-color="#123456"/></linearGradient>
<filter id="{marks("filter id")}"><feGaussianBlur in="SourceGraphic" stdDeviation="1" result="{marks("result")}"/><feImage href="https://{marks("filter picture")}"/></filter></defs>
<g inkscape:label="{marks("layer")}" style="display:none"><text>{marks("hidden layer")}</text></g>
<g id="shape" class="{marks("class name")} plain" data-name="{marks("data")}">{marks("stray text")}<path d="M0 0L10 10z" pathLength="{marks("a length that is none")}" transform="rotate(45) {marks("a turn that is none")}" style="fill:red;-inkscape-stroke:{marks("style")}" aria-label="{marks("label")}"/></g>
<use xlink:href="#shape" x="20" xlink:title="{marks("link title")}"/><use href="https://{marks("outside")}#x"/>
<a xlink:href="https://{marks("link")}"><circle r="5" fill="url(https://{marks("fill address")})" stroke="{marks("no colour")}"/></a>
<text x="1" y="50">Seen <tspan font-weight="bold">at</tspan> the\u200b gate<title>{marks("tooltip")}</title></text>
<image href="data:image/jpeg;base64,{picture}" width="10" height="10"/><image xlink:href="https://{marks("tracking picture")}"/>
<foreignObject><p xmlns="http://www.w3.org/1999/xhtml">{marks("foreign")}</p></foreignObject>
<animate attributeName="href" to="{marks("animation")}"/><rect width="5" height="5" fill="url(#{marks("nothing")})" filter="url('#shape')"/>
</svg>""".encode()


def test_a_marker_in_every_place_is_gone(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    data = planted(marks, phone_photo)
    assert len(marks.places) > 30
    cleaned = clean(data)
    assert cleaned.media_type == "image/svg+xml"
    pictures = [base64.b64decode(found) for found in re.findall(rb"base64,([^\"]+)", cleaned.data)]
    assert len(pictures) == 1
    assert marks.left_in([cleaned.data, *pictures]) == []
    assert not any(b"PLANTED" in piece for piece in (cleaned.data, *pictures))
    assert {
        Removed.DESCRIPTION, Removed.COMMENTS, Removed.SCRIPT, Removed.LINKS, Removed.PATHS, Removed.HIDDEN_CONTENT,
        Removed.DEVICE, Removed.COPY_MARKS, Removed.OTHER_METADATA,
    } <= cleaned.removed  # fmt: skip


def test_what_is_drawn_stays(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    drawing = clean(planted(marks, phone_photo)).data.decode()
    assert drawing.count("<svg ") == 1
    assert 'viewBox="0 0 100 100"' in drawing
    assert '<text x="1" y="50">Seen <tspan font-weight="bold">at</tspan> the gate</text>' in drawing
    assert '<path d="M0 0L10 10z" style="fill:red"/>' in drawing
    assert "#123456" in drawing
    assert '<g><circle r="5" fill="none"/></g>' in drawing
    assert 'href="data:image/jpeg;base64,' in drawing


def test_every_kind_of_value_that_shapes_something_stays(clean: Clean) -> None:
    shapes = (
        '<g transform="translate(1,2) rotate(-45.5)"><path d="M1.5-2e3,4a1 1 0 0 1 2 2Z"/></g>'
        '<svg preserveAspectRatio="xMidYMid meet" width="10cm" height="50%"/>'
        '<linearGradient gradientUnits="userSpaceOnUse" gradientTransform="matrix(1 0 0 1 0 0)" spreadMethod="pad"/>'
        '<marker orient="auto-start-reverse" markerUnits="strokeWidth" refX="1"/>'
        '<filter><feColorMatrix type="saturate" values="0.5"/><feTurbulence stitchTiles="noStitch" type="turbulence"/></filter>'
        '<text rotate="10 20" textLength="5em" lengthAdjust="spacingAndGlyphs">x</text>'
        '<rect fill="rgba(1,2,3,.5)" stroke="#ABC" opacity=".5" font-family="&quot;Noto Sans KR&quot;,sans-serif"/>'
    )
    assert shapes in clean(f"{HEAD}>{shapes}</svg>".encode()).data.decode()


def test_references_inside_hold_under_their_new_names(clean: Clean) -> None:
    drawing = f"""{HEAD}><style>.kim {{ fill: url(#lee) }} #park > path {{ stroke: red }}</style>
<defs><linearGradient id="lee"/><filter id="choi"><feFlood result="jung"/><feBlend in="jung" in2="SourceGraphic"/></filter></defs>
<g id="park" class="kim"><path d="M0 0" filter="url(#choi)"/></g><use xlink:href="#park"/></svg>"""
    made = clean(drawing.encode()).data.decode()
    assert ".c1{fill:url(#a1)}\n#a3&gt;path{stroke:red}" in made
    assert '<linearGradient id="a1"/>' in made
    assert '<g id="a3" class="c1">' in made
    assert '<use href="#a3"/>' in made
    assert 'filter="url(#a2)"' in made
    assert '<filter id="a2"><feFlood result="r1"/><feBlend in="r1" in2="SourceGraphic"/></filter>' in made


def test_cleaning_twice_gives_what_cleaning_once_gave(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    once = clean(planted(marks, phone_photo))
    twice = clean(once.data)
    assert twice.data == once.data
    assert twice.removed == set()


def test_a_drawing_of_millions_of_repetitions_is_a_bomb(clean: Clean) -> None:
    doubled = "".join(f'<g id="n{n}"><use href="#n{n + 1}"/><use href="#n{n + 1}"/></g>' for n in range(30))
    with pytest.raises(Refused) as caught:
        clean(f'{HEAD}><defs>{doubled}<path id="n30"/></defs><use href="#n0"/></svg>'.encode())
    assert caught.value.refusal is Refusal.BOMB


def test_a_large_photo_that_grows_when_it_is_turned_stays_in_its_drawing(clean: Clean) -> None:
    noise = Image.frombytes("RGB", (1900, 1900), random.Random(3).randbytes(3 * 1900 * 1900)).resize((2900, 2900))
    exif, file = Image.Exif(), io.BytesIO()
    exif[0x0112] = 6
    noise.save(file, "JPEG", quality=75, exif=exif)
    picture = base64.b64encode(file.getvalue()).decode()
    assert len(picture) < 10_000_000
    cleaned = clean(f'{HEAD}><image href="data:image/jpeg;base64,{picture}"/></svg>'.encode())
    assert len(cleaned.data) > 10_000_000  # what an attribute may hold for libxml2


@pytest.mark.parametrize(
    "inside", ['<g id="a"><use href="#a"/></g>', '<g id="a"><use href="#b"/></g><g id="b"><use href="#a"/></g>']
)
def test_a_drawing_that_contains_itself_is_a_bomb(clean: Clean, inside: str) -> None:
    with pytest.raises(Refused) as caught:
        clean(f"{HEAD}>{inside}</svg>".encode())
    assert caught.value.refusal is Refusal.BOMB


@pytest.mark.parametrize(
    "drawing",
    [
        '<!DOCTYPE svg [<!ENTITY a "aaaa"><!ENTITY b "&a;">]><svg xmlns="http://www.w3.org/2000/svg"><text>&b;</text></svg>',
        '<!DOCTYPE svg [<!ENTITY a "<g/>">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>',
        '<!DOCTYPE svg [<!ENTITY a SYSTEM "file:///etc/passwd">]><svg xmlns="http://www.w3.org/2000/svg">&a;</svg>',
        '<svg xmlns="http://www.w3.org/2000/svg"><text></svg>',
        "<svg><text>no namespace</text></svg>",
        '<svg xmlns="http://www.w3.org/2000/svg">' + "<g>" * 300 + "</g>" * 300 + "</svg>",
    ],
)
def test_what_is_no_plain_drawing_is_refused(clean: Clean, drawing: str) -> None:
    with pytest.raises(Refused) as caught:
        clean(drawing.encode())
    assert caught.value.refusal is Refusal.DAMAGED


def test_a_picture_that_is_a_bomb_refuses_the_drawing(clean: Clean) -> None:
    bomb = b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03\x01\x11\x00\x02\x11\x00\x03\x11\x00\xff\xd9"
    with pytest.raises(Refused) as caught:
        clean(f'{HEAD}><image href="data:image/jpeg;base64,{base64.b64encode(bomb).decode()}"/></svg>'.encode())
    assert caught.value.refusal is Refusal.PIXELS


@pytest.mark.parametrize(
    "inside",
    [
        "<script/>", "<title>x</title>", '<g id="kim"/>', '<g class="kim"/>', '<use href="https://x.example/#a"/>', "<!-- x -->",
        '<path onclick="x"/>', '<path style="fill:url(https://x.example/)"/>', '<image href="https://x.example/"/>',
        '<image href="data:image/png;base64,AAAA"/>', "<style>.kim{fill:red}</style>", "<style>@import 'x'</style>", "<style>.kim &gt; path{fill:red}</style>",
        '<g xmlns:x="y" x:label="z"/>', '<a href="#a1"/>', "<foreignObject/>", '<set to="x"/>',
    ],
)  # fmt: skip
def test_the_second_reading_refuses_what_was_not_cleaned(inside: str) -> None:
    with pytest.raises(Residue):
        verify(Source.of(f'<svg xmlns="http://www.w3.org/2000/svg">{inside}</svg>'.encode()), MEDIA_TYPE)


def inside(clean: Clean, drawing: str) -> str:
    made: str = clean(f"{HEAD} viewBox='0 0 100 100'>{drawing}</svg>".encode()).data.decode()
    return made.partition('viewBox="0 0 100 100">')[2].removesuffix("</svg>")


@pytest.mark.parametrize(
    ("drawn", "kept"),
    [
        ('<a xlink:href="https://x.example/kim" target="kim" fill="red"><path d="M0 0"/></a>', '<g fill="red"><path d="M0 0"/></g>'),
        ('<text>at <a href="#x"><tspan>the</tspan></a> gate</text>', "<text>at <tspan><tspan>the</tspan></tspan> gate</text>"),
        ("<switch><foreignObject>kim</foreignObject><text>gate</text></switch>", "<g><text>gate</text></g>"),
        ('<switch><g systemLanguage="de"/><text>gate</text><g>kim</g></switch>', "<g><text>gate</text></g>"),
        ('<g display="none"><text>kim</text></g><g style="display : none">kim</g><text visibility="hidden">kim</text>', ""),
        ('<g visibility="hidden"><text visibility="visible">gate</text></g>', '<g visibility="hidden"><text visibility="visible">gate</text></g>'),
        ('<defs display="none"><path id="p" d="M0 0"/></defs><use href="#p"/>', '<defs display="none"><path id="a1" d="M0 0"/></defs><use href="#a1"/>'),
        ('<style media="print">text{fill:red}</style><style type="text/kim">x</style>', ""),
        ('<x:g xmlns:x="urn:x"><path d="M0 0"/></x:g><geo serial="kim"/><path where="38.12N"/>', "<path/>"),
        ('<path d="M0 0&#10;L1 1" stroke-dasharray="1, 2"/>', '<path d="M0 0 L1 1" stroke-dasharray="1,2"/>'),
        ('<rect width="kim"/><path d="38.12N"/><circle r="1km"/>', "<rect/><path/><circle/>"),
        ('<use href="kim.svg#a"/><use href="#gone"/>', "<use/><use/>"),
        ('<rect aria-label="kim" data-name="kim" tabindex="1" role="img" onclick="x" lang="ko" xml:lang="ko"/>', "<rect/>"),
    ],
)  # fmt: skip
def test_elements_and_values_are_those_of_the_table(clean: Clean, drawn: str, kept: str) -> None:
    assert inside(clean, drawn) == kept


def test_what_illustrator_defines_for_its_namespaces_is_put_in(clean: Clean) -> None:
    drawing = (
        '<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 1.1//EN" "http://www.w3.org/Graphics/SVG/1.1/DTD/svg11.dtd" ['
        '\n\t<!ENTITY ns_svg "http://www.w3.org/2000/svg">\n\t<!ENTITY ns_ai "http://ns.adobe.com/AdobeIllustrator/10.0/">\n]>'
        '<svg xmlns="&ns_svg;" xmlns:i="&ns_ai;" i:viewOrigin="kim"><i:pgf>kim</i:pgf><path d="M0 0"/></svg>'
    )
    assert clean(drawing.encode()).data.endswith(b'<svg xmlns="http://www.w3.org/2000/svg"><path d="M0 0"/></svg>')


def test_a_drawing_of_the_first_version_says_no_namespace(clean: Clean) -> None:
    drawing = (
        '<?xml version="1.0"?><!DOCTYPE svg PUBLIC "-//W3C//DTD SVG 20000303 Stylable//EN" "svg-20000303-stylable.dtd"'
        ' [<!ENTITY st0 "fill:#ccc">]><!-- kim --><svg width="9">'
        '<path id="a" style="&st0;" d="M0 0"/><use xlink:href="#a"/></svg>'
    )
    kept = b'<path id="a1" style="fill:#ccc" d="M0 0"/><use href="#a1"/></svg>'
    assert kept in clean(drawing.encode()).data
    spaced = '<!DOCTYPE svg><svg xmlns = "http://www.w3.org/2000/svg" width="9"><path d="M0 0"/></svg>'
    assert clean(spaced.encode()).data.endswith(b'<path d="M0 0"/></svg>')


@pytest.mark.parametrize(
    ("hides", "drawn"),
    [
        ("", '<text x="9" y="9">w</text>'), ("x", '<text x="-300" y="9">w</text>'), ("x", '<text x="9" y="300">w</text>'),
        ("", '<g transform="translate(0,-290)"><text x="9" y="300">w</text></g>'), ("x", '<g transform="scale(30)"><text x="9" y="9">w</text></g>'),
        ("x", '<text fill="#fff">w</text>'), ("", '<rect width="9" height="9"/><text fill="white">w</text>'), ("x", '<text font-size=".01">w</text>'),
        ("x", "<style>.k{display:none}</style><text>w</text>"), ("", "<style>.k{fill:red}</style><text>w</text>"),
        ("x", '<text style="font-size:.01px">w</text>'), ("", '<rect width="9" height="9" style="fill:white"/>'),
    ],
)  # fmt: skip
def test_words_that_nobody_sees_are_reported(hides: str, drawn: str) -> None:
    copy = clean_copy(f"{HEAD} viewBox='0 0 100 100'>{drawn}</svg>".encode())
    assert (Noted.HIDDEN_WORDS in copy.noted) is bool(hides)


PIECES = [
    '<g id="a">', "</g>", '<use href="#a"/>', '<use xlink:href="#b"/>', '<path id="b" class="k l" d="M0 0"/>', "<text>words",
    "</text>", "<tspan>", "</tspan>", "<style>.k{fill:url(#b)}#a g{stroke:red}", "</style>", "<a>", "</a>", "stray", "<title>t</title>",
    '<rect filter="url(#f)"/>', '<filter id="f"><feFlood result="q"/><feBlend in="q"/></filter>', "<![CDATA[x]]>", "&#8203;", "&amp;",
    '<g style="display:none"/>', '<image href="data:image/png,x"/>', "<switch><g/></switch>", "<x:y/>", "<!-- c -->", "\n",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=20))
@settings(max_examples=500, deadline=None)
def test_whatever_is_drawn_it_is_cleaned_once_and_for_all_or_refused(pieces: list[str]) -> None:
    once, twice = Sink(), Sink()
    drawing = f'{HEAD} xmlns:x="urn:x">{"".join(pieces)}</svg>'
    try:
        pipeline.clean(Source.of(drawing.encode()), once, pipeline.new_cleaning(Mode.LOSSLESS))
    except Refused as refused:
        assert refused.refusal is not Refusal.RESIDUE  # noqa: PT017  # the point is which
        return
    pipeline.clean(once.source(), twice, pipeline.new_cleaning(Mode.LOSSLESS))
    assert twice.source().whole() == once.source().whole()


def test_words_behind_an_element_in_a_sheet_are_the_sheets_alone(clean: Clean) -> None:
    drawing = f'{HEAD}><style>.k{{fill:red}}<g/>kim<use href="#a"/>.k{{stroke:blue}}</style><g class="k"/></svg>'
    assert b"<style>.c1{fill:red}\n</style>" in clean(drawing.encode()).data


def test_a_drawing_over_the_bounds_is_refused(clean: Clean, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "XML_BYTES", 200)
    with pytest.raises(Refused) as caught:
        clean(f"{HEAD}>{'<g/>' * 100}</svg>".encode())
    assert caught.value.refusal in {Refusal.TOO_LARGE, Refusal.BOMB}


@pytest.mark.outside
@pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool")
def test_exiftool_finds_nobody_in_a_clean_drawing(clean: Clean, marks: Any, phone_photo: bytes, tmp_path: Path) -> None:
    def told(data: bytes) -> str:
        (tmp_path / "a.svg").write_bytes(data)
        done = subprocess.run(
            ["exiftool", "-json", "-G1", "-a", "-u", str(tmp_path / "a.svg")],
            capture_output=True,
            check=True,
            timeout=60,
        )
        return done.stdout.decode()

    data = planted(marks, phone_photo)
    assert "PLANTED" in told(data)
    assert "PLANTED" not in told(clean(data).data)


def pixels_of(data: bytes) -> Image.Image:
    with Image.open(io.BytesIO(data)) as picture:
        assert picture.format == "PNG"
        return picture.convert("RGBA")


def test_in_strong_mode_a_drawing_becomes_pixels(strongly: Clean, marks: Any, phone_photo: bytes) -> None:
    picture = base64.b64encode(phone_photo).decode()
    made = strongly(
        f'{HEAD} viewBox="0 0 40 20"><title>{marks("title")}</title><rect width="20" height="20" fill="#ff0000"/>'
        f'<use href="#a" x="20"/><defs><g id="a"><rect width="10" height="20" fill="#0000ff"/></g></defs>'
        f'<image x="30" width="10" height="20" href="data:image/jpeg;base64,{picture}"/></svg>'.encode()
    )
    assert made.media_type == "image/png"
    assert Removed.DESCRIPTION in made.removed
    assert marks.left_in([made.data]) == []
    drawn = pixels_of(made.data)
    assert drawn.size == (2000, 1000)
    assert drawn.getpixel((500, 500)) == (255, 0, 0, 255)
    assert drawn.getpixel((1250, 500)) == (0, 0, 255, 255)
    assert drawn.getpixel((1750, 500)) not in {(0, 0, 0, 0), (255, 0, 0, 255), (0, 0, 255, 255)}


@pytest.mark.parametrize(
    ("size", "pixels"),
    [
        ('width="10" height="5"', (2000, 1000)),
        ('width="10mm" height="1cm" viewBox="0 0 3 1"', (2000, 2000)),
        ('width="100%" height="100%" viewBox="0,0,1,4"', (500, 2000)),
        ('width="1" height="100000"', (1, 2000)),
    ],
)
def test_a_drawing_in_pixels_has_its_form_and_a_bounded_size(
    strongly: Clean, size: str, pixels: tuple[int, int]
) -> None:
    assert pixels_of(strongly(f'{HEAD} {size}><path d="M0 0h1v1z"/></svg>'.encode()).data).size == pixels


@pytest.mark.parametrize(
    ("drawing", "refusal"),
    [
        ('viewBox="0 0 9 9"><text>letters</text>', Refusal.LETTERS),
        ('viewBox="0 0 9 9"><g><text><tspan>letters</tspan></text></g>', Refusal.LETTERS),
        ('><path d="M0 0h1v1z"/>', Refusal.NOT_STRONG),
        ('viewBox="0 0 9 0"><path d="M0 0h1v1z"/>', Refusal.DAMAGED),
        ('width="9e9" height="1"><path d="M0 0h1v1z"/>', Refusal.DAMAGED),
    ],
)
def test_a_drawing_that_cannot_be_drawn_here_is_refused(strongly: Clean, drawing: str, refusal: Refusal) -> None:
    with pytest.raises(Refused) as caught:
        strongly(f"{HEAD} {drawing}</svg>".encode())
    assert caught.value.refusal is refusal


@pytest.mark.parametrize(
    ("drawing", "noted"),
    [
        ("<defs><text>{0}</text></defs>", True),
        ("<symbol id='a'><g><text>{0}</text></g></symbol>", True),
        ("<defs><g id='a'><text y='9'>{0}</text></g></defs><use href='#a'/>", False),
        ("<defs><pattern id='a'><text y='9'>{0}</text></pattern></defs><rect style='fill:url(#a)'/>", False),
    ],
)
def test_words_that_nothing_draws_are_told(drawing: str, noted: bool) -> None:  # noqa: FBT001 - a parameter
    said = drawing.format("the gate")
    copy = clean_copy(f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 90 90">{said}</svg>'.encode())
    assert (Noted.HIDDEN_WORDS in copy.noted) is noted
