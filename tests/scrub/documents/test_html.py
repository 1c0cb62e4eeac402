"""HTML: text, structure, tables, public links and a page's own pictures stay; scripts, names and hidden things do not."""

# ruff: noqa: E501  # markup is easier to read on a line of its own

from __future__ import annotations

import base64
import io
import json
import re
import shutil
import subprocess
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html as lxml_html
from PIL import Image
from typing_extensions import override

from fieldreport import limits
from fieldreport.scrub import pipeline
from fieldreport.scrub.documents import tables
from fieldreport.scrub.documents.html.verify import verify
from fieldreport.scrub.documents.html.write import FOOT, HEAD, MEDIA_TYPE
from fieldreport.scrub.format import Sink, Source
from fieldreport.scrub.verdicts import Mode, Refusal, Refused, Removed, Residue

Clean = Callable[[bytes], Any]


def planted(marks: Any, photo: bytes) -> bytes:
    picture = base64.b64encode(photo).decode()
    return f"""<!DOCTYPE html>
<!-- saved from url=(0014)https://{marks("comment")} -->
<html lang="{marks("language")}"><head><title>{marks("title")}</title><meta charset="utf-8">
<meta name="author" content="{marks("author")}"><meta name="generator" content="{marks("program")}">
<meta property="og:url" content="{marks("property")}"><link rel="canonical" href="https://{marks("canonical")}">
<base href="file:///home/{marks("base")}/"><style>.{marks("class rule")} {{ background: url(https://{marks("css address")}) }}</style>
<script>var user = "{marks("script")}";</script></head>
<body id="{marks("body id")}" class="{marks("class")}" onload="{marks("handler")}" data-user="{marks("data")}">
<h1 title="{marks("title text")}">At the gate</h1><p style="--x: {marks("style")}">One &amp; two<br>three &lt;four&gt;<p>next
<div hidden>{marks("hidden")}<div>{marks("hidden deeper")}</div></div><span style="display: none">{marks("not displayed")}</span>
<a href="https://example.org/a?utm_id={marks("link mark")}" target="{marks("target")}">a link</a>
<a href="file:///C:/Users/{marks("path")}">a path</a> <a href="javascript:{marks("javascript")}">a script</a> <a name="{marks("anchor")}" href="#x">an anchor</a>
<img src="data:image/jpeg;base64,{picture}" alt="{marks("alternative text")}" width="64">
<img src="https://{marks("tracking picture")}"><img src="{marks("file")}_files/a.png">
<iframe srcdoc="{marks("frame")}"></iframe><object data="{marks("object")}"><embed src="{marks("embedded")}"></object>
<form action="https://{marks("form")}"><input name="u" value="{marks("input")}">typed</form>
<table border="1"><tr><td>one<td>two<tr><th colspan="2">three</table><ul><li>first<li>second</ul>
<svg><title>{marks("drawing")}</title></svg><noscript>without script</noscript><custom-tag x="{marks("custom")}">custom</custom-tag>
<template>{marks("template")}</template>
국경에서&nbsp;café &#8203;\u200bend
</body></html>{marks("behind the end") and ""}""".encode()


def shown(data: bytes) -> str:
    """What a reader of another make finds in the body."""
    (body,) = lxml_html.fromstring(data.decode()).iter("body")
    return re.sub(r"\s+", " ", "".join(map(str, body.itertext()))).strip()


def test_a_marker_in_every_place_is_gone(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    data = planted(marks, phone_photo)
    cleaned = clean(data)
    assert cleaned.media_type == "text/html"
    pictures = [base64.b64decode(found) for found in re.findall(rb"base64,([^\"]+)", cleaned.data)]
    assert len(pictures) == 1
    assert marks.left_in([cleaned.data, *pictures]) == []
    assert not any(b"PLANTED" in piece for piece in (cleaned.data, *pictures))
    assert {
        Removed.AUTHOR, Removed.SOFTWARE, Removed.DESCRIPTION, Removed.COMMENTS, Removed.SCRIPT, Removed.LINKS, Removed.DEVICE,
        Removed.HIDDEN_CONTENT, Removed.EMBEDDED_FILE, Removed.COPY_MARKS,
    } <= cleaned.removed  # fmt: skip


def test_what_is_read_stays(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    assert shown(clean(planted(marks, phone_photo)).data) == (
        "At the gateOne & twothree <four>next a link a path a script an anchor typed onetwothreefirstsecond"
        " without scriptcustom 국경에서 café end"
    )


def test_tables_lists_links_and_pictures_keep_their_form(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    page = clean(planted(marks, phone_photo)).data.decode()
    assert '<table border="1"><tr><td>one</td><td>two</td></tr><tr><th colspan="2">three</th></tr></table>' in page
    assert "<ul><li>first</li><li>second</li></ul>" in page
    assert '<a href="https://example.org/a">a link</a>' in page
    found = re.search(r'<img src="data:image/jpeg;base64,([^"]+)" width="64">', page)
    assert found is not None
    assert Image.open(io.BytesIO(base64.b64decode(found[1]))).size == (48, 64)


def test_what_a_paragraph_hides_does_not_take_the_rest_with_it(clean: Clean) -> None:
    page = b"<html><body><p hidden>PLANTED<p>seen<ul><li style='display:none'>PLANTED</ul>also<div><span hidden>PLANTED</div>too"
    assert shown(clean(page).data) == "seenalsotoo"
    assert b"PLANTED" not in clean(page).data


def test_cleaning_twice_gives_what_cleaning_once_gave(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    once = clean(planted(marks, phone_photo))
    twice = clean(once.data)
    assert twice.data == once.data
    assert twice.removed == set()


def test_a_page_in_an_old_encoding_is_read(clean: Clean) -> None:
    page = "<html><head><meta charset=euc-kr></head><body>어제 밤 국경에서 두 사람이 잡혔다.</body></html>"
    assert shown(clean(page.encode("cp949")).data) == "어제 밤 국경에서 두 사람이 잡혔다."


def test_elements_nested_without_end_keep_their_text_and_their_bound(clean: Clean) -> None:
    page = b"<html><body>" + b"<div>" * 20_000 + b"deep" + b"</div>" * 20_000
    data = clean(page).data
    assert data.count(b"<div>") == tables.load("html")["deepest"]
    assert shown(data) == "deep"


def test_a_picture_that_is_a_bomb_refuses_the_page(clean: Clean) -> None:
    bomb = b"\xff\xd8\xff\xc0\x00\x11\x08\xff\xff\xff\xff\x03\x01\x11\x00\x02\x11\x00\x03\x11\x00\xff\xd9"
    with pytest.raises(Refused) as caught:
        clean(b'<html><img src="data:image/jpeg;base64,' + base64.b64encode(bomb) + b'">')
    assert caught.value.refusal is Refusal.PIXELS


@pytest.mark.parametrize(
    "body",
    [
        "<script>x</script>", '<p onclick="x">y</p>', '<p id="kim">y</p>', '<img src="https://x.example/">', "<!-- x -->",
        '<a href="javascript:x">y</a>', '<a href="file:///x">y</a>', "<svg></svg>", "<p>y\u200b</p>", '<p title="x">y</p>', "a & b",
        '<img src="data:image/png;base64,AAAA">', '<p align="PLANTED">y</p>', "<style>p{}</style>",
        "<geo>x</geo>", '<geo serial="amira">x</geo>', '<p serial="1">y</p>', '<p colspan="2">y</p>', '<p dir="amira">y</p>',
        '<table border="amira"></table>', "<p>", "</p>", "<b><i></b></i>", "<br></br>", '<p align="left">y</p align="left">',
        "<div>" * 201 + "</div>" * 201, '<a href="https://example.org/?utm_id=7">y</a>', '<a href="https://a:b@example.org/">y</a>',
        '<a href="https://intra.corp/">y</a>', '<a href="https://wiki/">y</a>', '<a href="http://192.168.0.7/">y</a>',
        '<a href="https://example.org/?a=1&amp;Token=amira">y</a>', '<a href="//example.org/">y</a>',
        '<a href="https://example.org/\u200b">y</a>', '<a href="https://a.safelinks.protection.outlook.com/?url=x">y</a>',
    ],
)  # fmt: skip
def test_the_second_reading_refuses_what_was_not_cleaned(body: str) -> None:
    with pytest.raises(Residue):
        verify(Source.of((HEAD + body + FOOT).encode()), MEDIA_TYPE)


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org", "http://example.org:8080/a/b?x=1&y=%20#part", "https://한국.kr/소식?", "https://8.8.8.8/", "https://a-b.example.org/?x",
        "http://[2606:4700::1111]:80/x", "https://example.org/?user", "https://u:p@EXAMPLE.org/A?utm_a=1&b=2&fbclid=3",
        "https://x.safelinks.protection.outlook.com/?url=https%3A%2F%2Fexample.org%2Fa%3Futm_x%3D1&data=kim",
        "https://example.org/?%75tm_id=7&a+b=1", "https://example.org?a#b?c/d", "https://example.org/a;b?c;d", "https://example.org/?utm_a-b=1&se%C3%9Fion=2&Oly_=3&c", "https://xn--9n2bp8q.kr/",
    ],
)  # fmt: skip
def test_links_that_stay_are_those_that_the_second_reading_takes(clean: Clean, address: str) -> None:
    data = clean(f'<html><body><a href="{address}">y</a>'.encode()).data
    assert b"<a href=" in data
    assert clean(data).data == data


def test_what_stands_after_the_end_of_the_page_is_read(clean: Clean) -> None:
    assert (
        shown(clean(b"<html><body>one</body></html> two<p>three<frameset><noframes>PLANTED</noframes>").data)
        == "one twothree"
    )


def test_an_element_without_an_end_takes_nothing_into_it(clean: Clean) -> None:
    page = clean(b"<html><body><p>a<wbr>b<embed src=x>c<p>d").data
    assert b"<p>a<wbr>bc</p><p>d</p>" in page


def test_elements_that_stand_in_each_other_only_by_another_are_taken_apart(clean: Clean) -> None:
    page = clean(b"<html><body><p>a<form><p>b</form>c").data
    assert b"<p>a</p><p>b</p>c" in page
    assert clean(page).data == page


def test_a_page_of_too_many_tags_is_refused(clean: Clean, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "HTML_TAGS", 100)
    with pytest.raises(Refused) as caught:
        clean(b"<html>" + b"<p>" * 100)
    assert caught.value.refusal is Refusal.BOMB


def test_a_page_whose_elements_stand_in_each_other_beyond_what_can_be_ended_in_time_is_refused(clean: Clean) -> None:
    """libxml2 walks through all that is open for each end that ends nothing: half a minute for this page."""
    with pytest.raises(Refused) as caught:
        clean(b"<html>" + b"<div>" * 20_000 + b"</i>" * 900_000)
    assert caught.value.refusal is Refusal.BOMB


PIECES = [
    "<p>", "</p>", "<p hidden>", "<div>", "</div>", "<li>", "<ul>", "</ul>", "<table>", "<tr>", "<td>", "</table>", "<b>", "</b>",
    "<script>", "</script>", "<style>", "</style>", "<!--", "-->", "<![CDATA[", "]]>", "<!doctype x>", "<?x?>", "words ", "&amp;",
    "&#8203;", "&nbsp;", "&lt;script&gt;", "<a href='https://a.example/b?x=1&y=2'>", "</a>", "<img src=data:image/png,x>", "<br/>",
    "<title>", "</title>", "<svg>", "</svg>", "<textarea>", "<plaintext>", "<", ">", '"', "\n", "\u200d", "&", "<x y=", "<template>",
]  # fmt: skip


@given(st.lists(st.sampled_from(PIECES), max_size=30))
@settings(max_examples=500, deadline=None)
def test_whatever_is_written_it_is_cleaned_once_and_for_all_or_refused(pieces: list[str]) -> None:
    once, twice = Sink(), Sink()
    try:
        pipeline.clean(Source.of(("<html>" + "".join(pieces)).encode()), once, pipeline.new_cleaning(Mode.LOSSLESS))
    except Refused as refused:
        assert refused.refusal is Refusal.DAMAGED  # noqa: PT017  # the point is which
        return
    pipeline.clean(once.source(), twice, pipeline.new_cleaning(Mode.LOSSLESS))
    assert twice.source().whole() == once.source().whole()
    seen: set[str] = set()

    class Reader(HTMLParser):
        @override
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            seen.add(tag)

    Reader().feed(once.source().whole().decode())
    assert not seen & {"script", "style", "svg", "textarea", "plaintext", "template", "x"}


@pytest.mark.outside
@pytest.mark.skipif(shutil.which("exiftool") is None, reason="needs exiftool")
def test_exiftool_finds_nobody_in_a_clean_page(clean: Clean, marks: Any, phone_photo: bytes, tmp_path: Path) -> None:
    def told(data: bytes) -> dict[str, str]:
        (tmp_path / "a.html").write_bytes(data)
        done = subprocess.run(
            ["exiftool", "-json", "-G1", "-a", "-u", str(tmp_path / "a.html")],
            capture_output=True,
            check=True,
            timeout=60,
        )
        (tags,) = json.loads(done.stdout)
        return {name: value for name, value in tags.items() if name.startswith(("HTML", "XMP"))}

    data = planted(marks, phone_photo)
    assert "PLANTED" in json.dumps(told(data))
    assert set(told(clean(data).data).values()) <= {"", "utf-8"}


@pytest.mark.parametrize(
    "page",
    [
        '</a><a href="https://example.org"><td></p></body><b></ul><body></p><p>',
        "<b></a></noscript></head><title>t</title></body><b></body><body></div><body><body><td>x",
        "<meta name=a content=b> <tr><ul><b><!-- c --></h1><body><td></noscript>x\n</h1>",
        "<meta name=a content=b><title>t</title><td>\n<body><p><td><title>t</title></div><tr>",
        "<meta name=a content=b><p>one<p>two",
    ],
)
def test_cells_without_a_table_are_cleaned_once_and_for_all(clean: Clean, page: str) -> None:
    once = clean(f"<!doctype html>{page}".encode())
    assert clean(once.data).data == once.data


@pytest.mark.parametrize(
    "markup",
    [
        "<div style=\"background:url('data:image/png;base64,AAAA')\">a</div>",
        "<style>p{background:url(data:image/png;base64,AAAA)}</style><p>a</p>",
        '<table background="data:image/png;base64,AAAA"><tr><td>a</td></tr></table>',
    ],
)
def test_a_picture_behind_the_words_is_told_of(clean: Clean, markup: str) -> None:
    assert Removed.DRAWINGS in clean(f"<html><body>{markup}</body></html>".encode()).removed


def test_formulas_stay_without_what_they_say_beside_what_is_seen(clean: Clean) -> None:
    page = (
        '<p>So <math display="block" alttext="PLANTED1"><semantics><mrow><mi mathvariant="bold" data-x="PLANTED2">y</mi><mo>=</mo>'
        '<mfrac linethickness="0"><mn>1</mn><msup><mi>x</mi><mn>2</mn></msup></mfrac><mspace width="PLANTED3"/>'
        "<mphantom><mi>PLANTED4</mi></mphantom></mrow>"
        '<annotation encoding="application/x-tex">PLANTED5</annotation></semantics></math> holds'
    )
    cleaned = clean(f"<!doctype html><html><body>{page}</body></html>".encode())
    assert (
        b'<math display="block"><semantics><mrow><mi mathvariant="bold">y</mi><mo>=</mo><mfrac linethickness="0"><mn>1</mn>'
        b"<msup><mi>x</mi><mn>2</mn></msup></mfrac><mspace></mspace></mrow></semantics></math> holds"
    ) in cleaned.data
    assert b"PLANTED" not in cleaned.data
    assert {Removed.DESCRIPTION, Removed.HIDDEN_CONTENT} <= cleaned.removed
    assert clean(cleaned.data).data == cleaned.data


def test_what_is_read_on_buttons_stays_and_what_fields_hold_is_told_of(clean: Clean) -> None:
    form = (
        '<form><input type=submit value="Find it"><label><input type=checkbox checked value=PLANTED1>by day</label>'
        "<label><input type=checkbox value=PLANTED2>by night</label></form>"
    )
    cleaned = clean(f"<!doctype html><p>{form}</p>".encode())
    assert shown(cleaned.data) == "Find it \N{BALLOT BOX WITH CHECK} by dayby night"
    assert b"PLANTED" not in cleaned.data
    for field, told in (("name=q", Removed.OTHER_METADATA), ("type=hidden", Removed.HIDDEN_CONTENT)):
        cleaned = clean(f"<!doctype html><p>a<input {field} value=PLANTED>b</p>".encode())
        assert shown(cleaned.data) == "ab"
        assert told in cleaned.removed


@pytest.mark.parametrize("page", ["<style>p{color:red}</style><p>a</p>", '<p style="color:red">a</p>'])
def test_a_page_that_loses_its_look_says_so(clean: Clean, page: str) -> None:
    assert Removed.LAYOUT in clean(f"<!doctype html>{page}".encode()).removed
    assert Removed.LAYOUT not in clean(b"<!doctype html><style> </style><p>a</p>").removed
