"""The places of findings, marked in the article as readers get it."""

from __future__ import annotations

import pytest
from lxml import html

from fieldreport.press.article import Article
from fieldreport.press.render import body_html, marked_html

BODY = """## The **Hyesan** gate

People of *Hye*san, [see Musan](https://musan.example/) & <b>.[^1]

- one of 47
- two

북쪽 혜산에서 온 사람들

[^1]: From Wonsan.
"""


def article(body: str = BODY) -> Article:
    return Article(language="en", slug="bcdfghjkmn", title="t", body=body)


def marked(*found: str, body: str = BODY) -> html.HtmlElement:
    spans = [(body.index(words), body.index(words) + len(words), f"f-{words}") for words in found]
    return html.fragment_fromstring(str(marked_html(article(body), spans, str)), create_parent="div")


@pytest.mark.parametrize(
    ("found", "shown"),
    [
        ("**Hyesan** gate", ["Hyesan", " gate"]),
        ("*Hye*san", ["Hye", "san"]),
        ("47\n- two", ["47", "two"]),
        ("혜산", ["혜산"]),
        ("Musan", ["Musan"]),
        ("Wonsan", ["Wonsan"]),
        ("https://musan.example/", []),
        ("& <", []),
    ],
)
def test_a_place_is_marked_across_the_signs_of_markdown(found: str, shown: list[str]) -> None:
    page = marked(found)
    assert [mark.text_content() for mark in page.iter("mark")] == shown
    links = {mark.getparent().get("href") for mark in page.iter("mark")}
    assert links <= {f"#f-{found}", "https://musan.example/"}
    assert not page.xpath("//a//a")


def test_marks_change_no_word_and_no_tag_also_where_they_overlap() -> None:
    page = marked("The **Hyesan** gate", "Hyesan", "Hye*san, [see", "47\n- two\n\n북쪽 혜산", "혜산에서")
    plain = html.fragment_fromstring(str(body_html(article(), str)), create_parent="div")
    assert page.text_content() == plain.text_content()
    for mark in list(page.iter("mark")):
        mark.drop_tag()
    for link in page.xpath("//a[starts-with(@href, '#f-')]"):
        link.drop_tag()
    assert html.tostring(page) == html.tostring(plain)


def test_a_text_that_holds_our_signs_gets_nothing_marked_by_them() -> None:
    body = "One \U000f0000two\U000ffff0 three"
    page = marked("three", body=body)
    assert [mark.text_content() for mark in page.iter("mark")] == ["three"]
    assert "\U000f0000" not in page.text_content()
