"""Protected terms and near spellings, row by row from ``terms.toml``."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fieldreport.press.article import Article
from fieldreport.press.leakcheck import Material, Rule, check, note_terms

ROWS: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("terms.toml").read_text(encoding="utf-8"))["row"]


TEXTS = st.text(st.characters(codec="utf-8", exclude_categories=["Cc"], exclude_characters="\ufffe\uffff"), max_size=60)


def found(text: str, terms: tuple[str, ...], language: str, rule: Rule) -> list[str]:
    article = Article(language=language, slug="bcdfghjkmn", body=text)
    findings = check(article, [Material(case="C-1", protected=terms)])
    return [text[finding.start : finding.end] for finding in findings if finding.rule is rule]


@pytest.mark.parametrize(
    "row", ROWS, ids=[f"{row.get('language', 'en')}-{row['terms'][0]}-{n}" for n, row in enumerate(ROWS)]
)
def test_a_protected_term_is_found_in_every_form_and_nothing_else_is(row: dict[str, Any]) -> None:
    arguments = row["text"], tuple(row["terms"]), row.get("language", "en")
    assert found(*arguments, Rule.PROTECTED_TERM) == row["finds"]
    assert found(*arguments, Rule.NEAR_SPELLING) == row.get("warns", [])


@pytest.mark.parametrize(
    ("term", "written"),
    [("Hyesan", "Hyeson"), ("Musan-gun", "Musankun"), ("Chongjin", "Chŏngjin"), ("Samjiyon", "Samchiyon")],
)
def test_another_transcription_warns_or_blocks(term: str, written: str) -> None:
    text = f"They came from {written} on foot."
    rules = [rule for rule in (Rule.PROTECTED_TERM, Rule.NEAR_SPELLING) if written in found(text, (term,), "en", rule)]
    assert rules


def test_ordinary_words_are_no_near_spelling() -> None:
    text = "The house was behind the market, and the guards changed every hour; hyenas have a sense for hesitation."
    assert found(text, ("Hyesan", "Kim Chol-su", "Musan", "Park Yong-mi"), "en", Rule.NEAR_SPELLING) == []


@pytest.mark.parametrize(
    ("note", "terms"),
    [
        ("My name is Kim Chol-su, Hyesan market", ("Kim Chol-su", "Hyesan market")),
        ("제 이름은 김철수입니다. 혜산 시장", ("김철수", "혜산 시장")),
        ("我叫张伟，住在丹东。", ("张伟", "丹东")),
        ("Меня зовут Иван Петров\nХесан", ("Иван Петров", "Хесан")),
        ("name: Li\nplate number 4312", ("Li", "plate number 4312")),
        ("I sell shoes beside the entrance near Kang Pyong and badge 5521 is mine", ("Kang Pyong", "5521")),
        ("Me llamo Ana Pérez", ("Ana Pérez",)),
        ("Je m’appelle Karim Benali", ("Karim Benali",)),
        ("Chamo-me João Silva", ("João Silva",)),
        ("不要寫陳大文", ("陳大文",)),
        ("我哥陈大文住在延吉", ("陈大文", "延吉")),
        ("اسم من علی است", ("علی",)),
        ("ابن عمي طارق يسكن في داريا", ("طارق", "داريا")),
        ("오빠 한동욱은 혜산에 삽니다.", ("한동욱", "혜산")),
        ("いとこの山本修は豊橋に住んでいます", ("山本修", "豊橋")),
        ("Мой двоюродный брат Пётр Зимний живёт на улице Портовой", ("Пётр Зимний", "Портовой")),
        ("my niece Lee Soo-min, who lives at 14 Harbour Street", ("niece Lee Soo-min", "Harbour Street")),
        ("", ()),
    ],
)
def test_what_the_source_asked_for_becomes_protected_terms(note: str, terms: tuple[str, ...]) -> None:
    assert note_terms(note) == terms


def test_the_sources_own_terms_and_the_editors_both_block() -> None:
    article = Article(language="en", slug="bcdfghjkmn", title="From Hyesan", standfirst="Kang spoke.")
    findings = check(article, [Material(case="C-1", protected=("Kang",), protect_note="Hyesan")])
    assert [(finding.field, finding.rule) for finding in findings] == [
        ("title", Rule.PROTECTED_TERM),
        ("standfirst", Rule.PROTECTED_TERM),
    ]


def test_a_protected_term_in_the_address_blocks() -> None:
    article = Article(language="en", slug="from-hyesan-bcdfghjkmn")
    assert [finding.field for finding in check(article, [Material(case="C-1", protected=("Hyesan",))])] == ["slug"]


@given(
    TEXTS,
    st.text(alphabet="aKim 김철수张伟Иван-ｋ\u200b1", min_size=1, max_size=12),
    TEXTS,
)
@example(before="", term="--11伟", after="")  # a part of a term that has no letter
@settings(max_examples=150, deadline=None)
def test_any_text_and_any_term_give_findings_inside_the_text(before: str, term: str, after: str) -> None:
    text = f"{before} {term} {after}"
    article = Article(language="en", slug="bcdfghjkmn", body=text)
    for finding in check(article, [Material(case="C-1", protected=(term,))], phone_regions=("KR",)):
        assert 0 <= finding.start < finding.end <= len(text)
        assert finding.reveals
        assert finding.advice
