"""What is the same word in each script, what a phrase is, and what is shown of a hit."""

from __future__ import annotations

import sqlite3

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldreport import limits
from fieldreport.errors import UsageError
from fieldreport.vault.cases.search_index import SearchIndex, Source
from fieldreport.vault.cases.search_terms import fold, parse, snippet


def finds(words: str, text: str) -> bool:
    index = SearchIndex()
    index.add([(Source(0, bytes(16), 0), text)])
    return bool(index.find(parse(words)))


def marked(words: str, text: str) -> list[str]:
    return [piece.text for piece in snippet(text, parse(words)) if piece.hit]


@pytest.mark.parametrize(
    ("words", "text", "hit"),
    [
        ("river", "We crossed the RIVER.", "RIVER"),
        ("resume", "Mon résumé", "résumé"),
        ("Lodz", "Łódź", "Łódź"),
        ("istanbul", "İSTANBUL", "İSTANBUL"),
        ("ABC123", "ＡＢＣ１２３", "ＡＢＣ１２３"),
        ("елка", "Ночью у Ёлки стояла ёлка", "ёлка"),
        ("강", "압록강을 건넜다", "강"),
        ("압록강", "압록강을 건넜다", "압록강"),
        ("국경", "북중국경경비대", "국경"),
        ("강을 건넜다", "밤에 강을 건넜다.", "강을 건넜다"),
        ("边境", "我们在夜里越过边境。", "边境"),
        ("境", "我们在夜里越过边境。", "境"),
        ("国境警備", "国境警備隊の車", "国境警備"),
        ("ガード", "ｶﾞｰﾄﾞ", "ｶﾞｰﾄﾞ"),
        ("كتاب", "هٰذَا كِتَابٌ جَدِيد", "كِتَابٌ"),
        ("كتاب", "كتـــاب", "كتـــاب"),
        ("احمد", "رأيت أحمد", "أحمد"),
        ("کتاب", "كتاب", "كتاب"),
        ("علي", "على", "على"),
        ("می‌روم", "ميروم", "ميروم"),
        ("۱۳۹۹", "1399", "1399"),
        ("กรุงเทพ", "ฉันอยู่กรุงเทพฯ", "กรุงเทพ"),
        ("हिन्दी", "यह हिन्दी है", "हिन्दी"),
        ("bord*", "the borders", "borders"),
        ('"two guards"', "there were two guards at the gate", "two guards"),
        ("“two guards”", "there were two  guards", "two  guards"),
        ('"two gua"*', "two guards", "two guards"),
        ("2026년", "2026년 3월", "2026년"),
        ("e-mail", "an e-mail came", "e-mail"),
    ],
)
def test_it_is_found_and_marked(words: str, text: str, hit: str) -> None:
    assert finds(words, text)
    assert "".join(marked(words, text)).replace(" ", "") == hit.replace(" ", "")


@pytest.mark.parametrize(
    ("words", "text"),
    [
        ("bord", "the borders"),
        ('"guards two"', "two guards"),
        ("river guard", "only the river"),
        ("경국", "북중국경"),
        ("か", "が"),
        ("हिन्दू", "हिन्दी"),
        ('"강을건넜다"', "강을 건넜다"),
    ],
)
def test_it_is_another_word(words: str, text: str) -> None:
    assert not finds(words, text)


@pytest.mark.parametrize("words", ["", "   ", '""', "*", "-", "”", "。"])
def test_there_must_be_something_to_search_for(words: str) -> None:
    with pytest.raises(UsageError):
        parse(words)


def test_what_is_typed_is_bounded() -> None:
    parse("a" * limits.SEARCH_CHARACTERS)
    with pytest.raises(UsageError):
        parse("a" * (limits.SEARCH_CHARACTERS + 1))


@given(st.text(max_size=60), st.text(max_size=200))
def test_no_words_break_a_search(words: str, text: str) -> None:
    """Not even with operators, quotation marks, unassigned characters and halves of surrogates."""
    index = SearchIndex()
    index.add([(Source(0, bytes(16), 0), text)])
    try:
        query = parse(words)
    except UsageError:
        return
    index.find(query)
    assert all(piece.text in text or "…" in piece.text for piece in snippet(text, query))


@given(st.text(max_size=100))
def test_folding_twice_is_folding_once(text: str) -> None:
    assert fold(fold(text)) == fold(text)


def test_a_snippet_is_short_and_says_where_it_is_cut() -> None:
    pieces = snippet("before " * 500 + "needle" + " after" * 500, parse("needle"))
    shown = "".join(piece.text for piece in pieces)
    assert shown.startswith("…")
    assert shown.endswith("…")
    assert len(shown) < 250
    assert [piece.text for piece in pieces if piece.hit] == ["needle"]


def test_what_is_forgotten_is_not_found_and_can_come_again() -> None:
    index = SearchIndex()
    here, there = Source(3, bytes(16), 0), Source(4, bytes(16), 1)
    index.add([(here, "a river"), (there, "a river")])
    index.forget(3, [(bytes(16), 0)])
    assert dict(index.find(parse("river"))) == {4: [there]}
    assert index.places() == {4}
    index.add([(here, "a river")])
    assert set(index.find(parse("river"))) == {3, 4}


def test_the_words_go_with_the_index() -> None:
    index = SearchIndex()
    database = index._database
    index.add([(Source(0, bytes(16), 0), "a river")])
    del index
    with pytest.raises(sqlite3.ProgrammingError):
        database.execute("SELECT 1")
