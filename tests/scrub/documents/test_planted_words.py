"""What is planted in a document where no reader sees it does not come out, and is refused in a clean file."""

# ruff: noqa: E501  # markup is easier to read on a line of its own

from __future__ import annotations

import functools
import os
import random
from collections import Counter
from collections.abc import Callable

import pytest

from fieldreport.bench.samples import samples
from fieldreport.scratch import Scratch
from fieldreport.scrub import registry
from fieldreport.scrub.format import Source
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.scrub.verdicts import Refused, Residue
from tests.scrub.conftest import CleanCopy, clean_copy
from tests.scrub.documents import open_documents, planted
from tests.scrub.documents.planted import shown_by

MUTATIONS = int(os.environ.get("FIELDREPORT_TESTS_MUTATIONS", "150"))
DRAWN = ("drawing", "picture", "chart", "diagram", "compatibility", "package", "relations")
OOXML = {
    "docx": ("wordprocessing", "word-drawing", "word-shape", "word-group", "word-canvas", "math", "vml", "vml-office"),
    "xlsx": ("spreadsheet", "sheet-drawing"),
    "pptx": ("presentation",),
}
OPEN = ("text", "table", "draw", "style", "number", "chart", "presentation", "math", "loext", "calcext")
FAMILIES = {
    **{kind: [f"ooxml/{name}" for name in (*names, *DRAWN)] for kind, names in OOXML.items()},
    "svg": ["svg"],
    "epub": ["epub/page", "epub/contents", "svg", "opendocument/math"],
    **{kind: [f"opendocument/{name}" for name in OPEN] for kind in open_documents.DOCUMENTS},
}


DRAWING = b"""<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" viewBox="0 0 100 100" version="1.1">
<style type="text/css">.k { fill: red; font-family: Arial } @media screen { #a &gt; path { stroke: blue } }</style>
<defs><linearGradient id="g" gradientUnits="userSpaceOnUse" x1="0" gradientTransform="rotate(4)"><stop offset="0" stop-color="#fff"/></linearGradient>
<filter id="f" x="0"><feGaussianBlur in="SourceGraphic" stdDeviation="1 2" result="b"/><feBlend in="b" in2="SourceAlpha" mode="multiply"/></filter>
<clipPath id="c" clipPathUnits="userSpaceOnUse"><circle cx="5" cy="5" r="4"/></clipPath><mask id="m"><rect width="9" height="9"/></mask>
<marker id="e" orient="auto" refX="1"><path d="M0 0L1 1z"/></marker><pattern id="p" width="2" height="2"><polygon points="0,0 1,1 2,0"/></pattern></defs>
<g id="a" class="k" transform="translate(1,2)" style="opacity:.5;stroke:url(#g)" clip-path="url(#c)"><path d="M0 0L10 10" fill="url(#g)" filter="url(#f)"/></g>
<text x="1 2" y="9" font-family="serif" font-size="9">Seen <tspan dx="1">at</tspan> <textPath href="#a" startOffset="5%">the gate</textPath></text>
<use xlink:href="#a" x="20"/><svg preserveAspectRatio="xMidYMid meet" width="10cm"/></svg>"""


PAGE = '<html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"><head><title>x</title>'
BOOK = {
    "mimetype": "application/epub+zip",
    "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles><rootfile full-path="b.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
    "b.opf": '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="i"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/"><dc:title>x</dc:title><meta property="rendition:layout">reflowable</meta></metadata><manifest>'
    '<item id="a" href="a.xhtml" media-type="application/xhtml+xml"/><item id="n" href="n.xhtml" media-type="application/xhtml+xml" properties="nav"/><item id="t" href="t.ncx" media-type="application/x-dtbncx+xml"/><item id="s" href="s.css" media-type="text/css"/></manifest>'
    '<spine toc="t" page-progression-direction="rtl"><itemref idref="a" linear="yes"/></spine></package>',
    "a.xhtml": PAGE
    + '<meta name="viewport" content="width=100, height=200"/><link rel="stylesheet" href="s.css" type="text/css"/><style type="text/css">p { color: red }</style></head>'
    '<body class="k"><section epub:type="chapter"><h1 id="top" dir="rtl">At the gate</h1><p style="margin: 0" align="center">Seen <a href="n.xhtml#list">on</a> <a href="https://example.org/">the</a> web</p></section>'
    '<table border="1"><tr><td colspan="2" valign="top">one</td></tr></table><ol start="2" type="a"><li value="3">two</li></ol>'
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path id="q" d="M0 0" fill="red"/><use href="#q"/></svg>'
    '<math xmlns="http://www.w3.org/1998/Math/MathML" display="block"><mfrac linethickness="1"><mi mathvariant="bold">x</mi><mn>2</mn></mfrac></math></body></html>',
    "n.xhtml": PAGE
    + '</head><body><nav epub:type="toc"><ol id="list"><li><a href="a.xhtml#top">At the gate</a></li></ol></nav></body></html>',
    "t.ncx": '<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/" version="2005-1"><navMap><navPoint playOrder="1"><navLabel><text>At the gate</text></navLabel><content src="a.xhtml#top"/></navPoint></navMap></ncx>',
    "s.css": ".k, #top > p { color: red }",
}


@functools.cache
def shown(kind: str) -> frozenset[tuple[str, str]]:
    return frozenset(shown_by(*FAMILIES[kind]))


@functools.cache
def original(kind: str) -> bytes:
    if kind == "svg":
        return DRAWING
    if kind == "epub":
        return planted.packed({name: part.encode() for name, part in BOOK.items()})
    return (open_documents.DOCUMENTS.get(kind) or samples()[kind])()


@functools.cache
def cleaned(kind: str) -> CleanCopy:
    return clean_copy(original(kind))


@pytest.mark.campaign
@pytest.mark.parametrize("kind", FAMILIES)
def test_what_is_planted_in_a_file_does_not_come_out(kind: str) -> None:
    chance = random.Random(kind)
    outcomes: Counter[str] = Counter()
    for _ in range(MUTATIONS):
        data, how = planted.spoiled(original(kind), chance, shown(kind))
        try:
            copy = clean_copy(data)
        except Residue:
            pytest.fail(f"residue: {how}")
        except Refused:
            outcomes["refused"] += 1
            continue
        outcomes["cleaned"] += 1
        assert not planted.holds(copy.data), how
    assert outcomes["cleaned"] > MUTATIONS / 2, outcomes


@pytest.mark.campaign
@pytest.mark.parametrize("kind", FAMILIES)
def test_what_is_planted_in_a_clean_file_is_refused(kind: str) -> None:
    chance = random.Random(kind)
    copy = cleaned(kind)
    for _ in range(MUTATIONS):
        data, how = planted.spoiled(copy.data, chance, shown(kind))
        assert planted.holds(data), how
        try:
            registry.verify(Source.of(data), copy.media_type)
        except Residue:
            continue
        pytest.fail(how)


@pytest.mark.parametrize("kind", FAMILIES)
def test_behind_the_lock_the_same_bytes_come_out(
    kind: str, scrubber: Scrubber, scratch: Callable[[bytes], Scratch]
) -> None:
    """What a format loads late loads nothing there, and the file would be called damaged."""
    with scrubber.clean(scratch(original(kind))).output as output:
        output.seek(0)
        assert output.read() == cleaned(kind).data


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16"])
def test_behind_the_lock_style_sheets_with_a_mark_are_read(
    encoding: str, scrubber: Scrubber, scratch: Callable[[bytes], Scratch]
) -> None:
    marked = {name: part.encode(encoding if name == "s.css" else "utf-8") for name, part in BOOK.items()}
    with scrubber.clean(scratch(planted.packed(marked))).output as output:
        output.seek(0)
        assert output.read() == cleaned("epub").data
