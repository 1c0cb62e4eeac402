"""Markdown becomes an allowlisted HTML that loads nothing from elsewhere."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import html

from fieldreport.press.article import Article, Media
from fieldreport.press.render import body_html

ALLOWED = {"p", "h2", "h3", "h4", "h5", "h6", "ul", "ol", "li", "blockquote", "em", "strong", "s", "a", "hr", "br"} | {
    "code",
    "pre",
    "table",
    "thead",
    "tbody",
    "tr",
    "th",
    "td",
}
EMPTY = Article(language="en", slug="bcdfghjk22")


def rendered(body: str) -> str:
    return str(body_html(replace(EMPTY, body=body)))


def test_paragraphs_emphasis_lists_quotes_and_tables_survive() -> None:
    text = "A **b** *c* ~~d~~\n\n- e\n\n1. f\n\n> g\n\n| h | i |\n|---|---|\n| j | k |\n\n---\n"
    tags = set(re.findall(r"<(\w+)", rendered(text)))
    assert {"p", "strong", "em", "s", "ul", "ol", "li", "blockquote", "table", "td", "hr"} <= tags


@pytest.mark.parametrize(
    ("body", "tags"), [("# A\n\n## B", ["h2", "h3"]), ("## A\n\n### B", ["h2", "h3"]), ("###### A", ["h2"])]
)
def test_headings_of_the_text_begin_below_the_title(body: str, tags: list[str]) -> None:
    assert re.findall(r"<(h\d)>", rendered(body)) == tags


@pytest.mark.parametrize(
    "body",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](JaVaScRiPt:alert(1))",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "![x](https://example.org/pixel.png)",
        "![x](//example.org/pixel.png)",
        "![x](../../../etc/passwd)",
        "[x](//example.org)",
        '<a href="javascript:alert(1)">x</a>',
        "[x]: javascript:alert(1)\n\n[x]",
        "<style>@import url(//example.org)</style>",
        "<svg onload=alert(1)>",
        "`<iframe src=//example.org>`",
    ],
)
def test_nothing_active_and_nothing_from_elsewhere_comes_out(body: str) -> None:
    tree = html.fragment_fromstring(rendered(body), create_parent="div")
    for element in tree.iter():
        assert element.tag not in {"script", "style", "iframe", "svg", "object", "embed"}
        assert not element.get("src")
        assert not element.get("href")
        assert not [name for name in element.attrib if str(name).startswith("on")]


def test_a_link_to_a_whole_address_stays_and_tells_the_other_side_nothing() -> None:
    assert rendered("[x](https://example.org/a?b=1)") == (
        '<p><a href="https://example.org/a?b=1" rel="noopener noreferrer nofollow">x</a></p>\n'
    )


def test_a_picture_alone_is_a_figure_with_its_caption(photo: Media) -> None:
    article = replace(EMPTY, body="![](photo-1.jpg)", media=(replace(photo, caption='"A" <b>', alternative="'x' & y"),))
    assert str(body_html(article, lambda name: f"../media/{name}")) == (
        '<figure><img src="../media/photo-1.jpg" alt="\'x\' &amp; y"><figcaption>"A" &lt;b&gt;</figcaption></figure>\n'
    )


def test_what_the_text_does_not_mention_follows_it(photo: Media) -> None:
    sound = replace(photo, name="audio-1.mp3", media_type="audio/mpeg", alternative="A voice")
    article = replace(EMPTY, body="![](photo-1.jpg)\n\nText.", media=(photo, sound))
    text = str(body_html(article))
    assert text.count("<img") == 1
    assert text.index("Text.") < text.index('<audio src="audio-1.mp3" controls="" preload="none" aria-label="A voice">')


@given(st.text(alphabet="<>&\"'`![]()#*_~|-\n abc:/.=javscript", max_size=80))
@settings(max_examples=100, deadline=None)
def test_any_markdown_gives_only_allowed_elements(body: str) -> None:
    assert set(re.findall(r"<\s*([a-zA-Z0-9]+)", rendered(body))) <= ALLOWED


def test_a_footnote_is_a_numbered_note_with_a_way_there_and_back() -> None:
    page = html.fragment_fromstring(rendered("It rose.[^price]\n\n[^price]: By a third."), create_parent="div")
    (there,) = page.xpath("//sup/a")
    (note,) = page.xpath("//section/ol/li")
    (back,) = note.xpath(".//a")
    assert there.get("href") == f"#{note.get('id')}"
    assert back.get("href") == f"#{there.get('id')}"
    assert note.text_content().startswith("By a third.")


def test_a_picture_alone_in_a_footnote_leaves_the_note_whole(photo: Media) -> None:
    article = replace(EMPTY, body="A[^1]\n\n[^1]: ![](photo-1.jpg)", media=(photo,))
    page = html.fragment_fromstring(str(body_html(article)), create_parent="div")
    (note,) = page.xpath("//section/ol/li")
    assert [child.tag for child in note] == ["p"]
    assert [element.tag for element in note.find("p")] == ["img", "a"]
