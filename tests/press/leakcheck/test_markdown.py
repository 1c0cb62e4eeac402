"""What Markdown lets one spell in another way reaches readers as plain text: the leak check reads it as they do."""

from __future__ import annotations

import pytest

from fieldreport.press.article import Article
from fieldreport.press.leakcheck import Finding, Material, Rule, check
from fieldreport.press.leakcheck.markdown import resolve
from fieldreport.press.render import body_html

REPORT = Material(case="c1", text="At dawn the guards counted us twice near the old grey mill by the river bend.")


def article(body: str) -> Article:
    return Article(language="en", slug="bcdfghjkmn", body=body)


def found(body: str, *, protect: str = "") -> tuple[Finding, ...]:
    return check(article(body), [REPORT, Material(case="c2", protect_note=protect)], phone_regions=("KR",))


@pytest.mark.parametrize(
    ("body", "rule", "words"),
    [
        ("Then K&#105;m Ch&#x6f;l S&#117; came.", Rule.PROTECTED_TERM, "K&#105;m Ch&#x6f;l S&#117;"),
        ("Then Kim&nbsp;Chol&nbsp;Su came.", Rule.PROTECTED_TERM, "Kim&nbsp;Chol&nbsp;Su"),
        ("A plain word&#8203;s end.", Rule.INVISIBLE, "&#8203;"),
        ("Turned &#x202e;round.", Rule.INVISIBLE, "&#x202e;"),
        ("Write to jdoe&#64;example.org now.", Rule.EMAIL, "jdoe&#64;example.org"),
        ("Write to j\\_doe\\@example\\.org now.", Rule.EMAIL, "j\\_doe\\@example\\.org"),
        ("Call +82 10\\-1234\\-5678 now.", Rule.PHONE, "+82 10\\-1234\\-5678"),
        (
            "At dawn the guards&nbsp;counted&nbsp;us twice near the old grey mill by the river bend.",
            Rule.LIFTED_RUN,
            "At dawn the guards&nbsp;counted&nbsp;us twice near the old grey mill by the river bend",
        ),
    ],
)
def test_another_spelling_is_found_at_its_place(body: str, rule: Rule, words: str) -> None:
    places = [
        body[finding.start : finding.end] for finding in found(body, protect="Kim Chol Su") if finding.rule is rule
    ]
    assert words in places


@pytest.mark.parametrize("body", ["AT\\&#84; T", "&amp;#75;im", "&nosuchname; here", "\\\\ and \\a"])
def test_what_readers_get_is_what_is_checked(body: str) -> None:
    assert str(body_html(article(body))) == f"<p>{resolve(body).text.replace('&', '&amp;')}</p>\n"


def test_a_text_without_either_is_itself() -> None:
    text = "Kim **Chol** Su, 김철수 & co; 50 % [x](y.html)"
    resolved = resolve(text)
    assert resolved.text == text
    assert list(resolved.starts) == list(range(len(text)))


def test_other_fields_are_not_markdown() -> None:
    title = Article(language="en", slug="bcdfghjkmn", title="K&#105;m Chol Su", body="Text.")
    assert not [f for f in check(title, [Material(case="c", protect_note="K&#105;m")]) if f.field == "body"]
