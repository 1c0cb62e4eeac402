"""What was reordered, edited, translated, asked not to be said, or makes a group small is a question to an editor."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from fieldreport.press.article import Article
from fieldreport.press.leakcheck import Material, check
from fieldreport.press.leakcheck.concepts import LANGUAGES, forms

ROWS: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name("reworded.toml").read_text(encoding="utf-8"))["row"]


@pytest.mark.parametrize("row", ROWS, ids=[f"{row['language']}-{n}" for n, row in enumerate(ROWS)])
def test_what_follows_a_report_is_asked_about_and_the_rest_is_not(row: dict[str, Any]) -> None:
    material = Material(case="C-1", text=row.get("report", ""), protect_note=row.get("note", ""))
    text = row["text"]
    found = check(Article(language=row["language"], slug="bcdfghjkmn", body=text), [material])
    assert [[each.rule.value, text[each.start : each.end]] for each in found] == row["finds"]


def test_each_line_of_the_dictionary_has_its_six_languages() -> None:
    english = forms("en")
    assert {english["river"], english["oven"]} == {forms("ko")["강"], forms("ko")["화덕"]}
    for language in LANGUAGES:
        assert all(form.strip() for form in forms(language))
        assert len(set(forms(language).values())) > 0.9 * len(set(english.values()))
