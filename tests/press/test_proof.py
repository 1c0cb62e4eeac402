"""An editor is told what readers will not get, what an attachment lacks, and how long the text is."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fieldreport.press import proof
from fieldreport.press.article import Article, Media

EMPTY = Article(language="en", slug="bcdfghjk22")
FROM_ELSEWHERE = "a picture from elsewhere is left out, because its site would learn who reads"
NO_ADDRESS = "this link is no web address and leads nowhere"
NO_NAME = "the article has no attachment of this name, so only the words are shown"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("a\n\nb <b>c</b>", ["Line 3: HTML is shown as letters: <b>"]),
        ("a\nb\n<i>c</i>", ["Line 3: HTML is shown as letters: <i>"]),
        ("a\n\n<div>\nb\n</div>", ["Line 3: HTML is shown as letters: <div> b </div>"]),
        ("> a\n> [b](javascript:alert(1))", [f"Line 2: {NO_ADDRESS}: javascript:alert(1)"]),
        ("[b](mailto:a@example.org)", [f"Line 1: {NO_ADDRESS}: mailto:a@example.org"]),
        ("[b](//example.org)", [f"Line 1: {NO_ADDRESS}: //example.org"]),
        ("![](https://example.org/a.png)", [f"Line 1: {FROM_ELSEWHERE}: https://example.org/a.png"]),
        ("![](//example.org/a.png)", [f"Line 1: {FROM_ELSEWHERE}: //example.org/a.png"]),
        ("![](photo-2.jpg)", [f"Line 1: {NO_NAME}: photo-2.jpg"]),
        ("a[^1]", ["Line 1: footnote 1 has no text"]),
        ("a\n\n[^1]: b", ["Line 3: no place in the text refers to footnote 1, so it is left out"]),
        ("a[^1]\n\n[^1]: <u>b", ["Line 3: HTML is shown as letters: <u>"]),
    ],
)
def test_what_readers_do_not_get_is_named_with_its_line(body: str, expected: list[str]) -> None:
    assert list(proof.left_out(replace(EMPTY, body=body))) == expected


def test_what_readers_get_is_not_named(photo: Media) -> None:
    body = "A[^1] [b](https://example.org) [c](bcdfghjk22.html) ![](photo-1.jpg) 1 < 2 & 3 > 2 `<b>`\n\n[^1]: Note."
    assert proof.left_out(replace(EMPTY, body=body, media=(photo,))) == ()


@pytest.mark.parametrize(
    ("alternative", "caption", "expected"),
    [
        ("A", "B", ()),
        (" ", "B", ("photo-1.jpg has no description",)),
        ("A", "", ("photo-1.jpg has no caption",)),
        ("", "", ("photo-1.jpg has no description and no caption",)),
    ],
)
def test_what_an_attachment_lacks_is_named(
    photo: Media, alternative: str, caption: str, expected: tuple[str, ...]
) -> None:
    described = replace(photo, alternative=alternative, caption=caption)
    assert proof.undescribed(replace(EMPTY, media=(described,))) == expected


@pytest.mark.parametrize(
    ("language", "title", "body", "expected"),
    [
        ("en", "One", "**Two** [three](https://example.org/four)'s don't", "5 words"),
        ("ko", "밤에", "강을 건넜다.", "3 words"),
        ("zh-Hans", "夜里", "他们过了河。", "7 characters"),
        ("ar", "", "واحد", "1 word"),
    ],
)
def test_length_counts_what_is_read(language: str, title: str, body: str, expected: str) -> None:
    assert proof.length(replace(EMPTY, language=language, title=title, body=body)) == expected
