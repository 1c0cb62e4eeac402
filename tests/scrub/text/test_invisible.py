"""Invisible characters go, unless the script around them needs them."""

from __future__ import annotations

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldreport.scrub.text import invisible
from fieldreport.scrub.text.tables import NEEDED_NOWHERE

MARKS = "\u200b\u200c\u200d\u200e\u200f\u2060\ufeff\ufe0f\u00ad\u034f\U000e0061\u061c\u180e\u3164\u202e\u2063"


@pytest.mark.parametrize("mark", list(MARKS))
def test_a_mark_between_latin_letters_is_dropped(mark: str) -> None:
    assert invisible.unmark(f"gate{mark}way") == ("gateway", True)


@pytest.mark.parametrize("space", list("\u00a0\u2002\u2009\u202f\u205f\u3000\u1680\u2800"))
def test_an_exotic_space_becomes_a_space(space: str) -> None:
    assert invisible.unmark(f"gate{space}way") == ("gate way", True)


@pytest.mark.parametrize(
    "text",
    [
        "می\u200cخواهم",  # Persian: a non-joiner inside the verb
        "ه\u200d",  # Arabic: a letter in its joined form
        "क्\u200dष",  # Devanagari: half form
        "ක්\u200dෂ",  # Sinhala
        "র\u200d্য",  # Bengali: joiner before the virama
        "നന്\u200c",  # Malayalam
        "ᠮᠣᠩᠭᠣᠯ\u180eᠠ",  # Mongolian vowel separator
        "ᠰ\u180b",  # Mongolian variant
        "\u1112\u1160",  # old Hangul: a consonant without its vowel
        "שלום\u200f!",  # Hebrew
        "中\u3000文",  # ideographic space
        "👨\u200d👩\u200d👧",
        "❤\ufe0f\u200d🔥",
        "☺\ufe0e",
        "1\ufe0f\u20e3",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",  # Scotland
        "café, naïve, 서울, 東京, Москва, اردو",
        "a\tb\n\nc",
    ],
)
def test_what_a_script_needs_stays(text: str) -> None:
    normal = unicodedata.normalize("NFC", text)
    assert invisible.unmark(normal) == (normal, False)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("کار\u200cها", "کارها"),  # after a letter that joins only backwards it shows nothing
        ("می\u200c\u200c\u200cخواهم", "می\u200cخواهم"),  # once is enough
        ("葛\U000e0100城", "葛城"),  # an ideographic variant: one of 240 invisible numbers
        ("🏴\U000e0066\U000e0072\U000e007f", "🏴"),  # not one of the three flags
        ("hello\u200f!", "hello!"),  # a direction mark in a line without right-to-left letters
        ("\ufe0f\ufe0fa", "a"),
        ("x\u202eevil\u202c", "xevil"),
        ("a\x00b\x1bc", "abc"),
        ("\U000e0068\U000e0069", ""),
    ],
)
def test_what_no_script_needs_goes(text: str, expected: str) -> None:
    assert invisible.unmark(text) == (expected, True)


@pytest.mark.parametrize("mark", [*sorted(NEEDED_NOWHERE)[:60], "\U000e0100", "\U000e01ef"])
def test_what_no_writing_needs_goes_from_every_piece_of_a_document(mark: str) -> None:
    for piece in (f"{mark}", f"gate{mark}way", f"서{mark}울", f"می{mark}خواهم", f"❤{mark}"):
        assert invisible.unmark_piece(piece) == piece.replace(mark, "")


@pytest.mark.parametrize(
    ("piece", "expected"),
    [
        ("gate\u200fway", "gateway"),
        ("gate\u200e way", "gate way"),
        ("gate\ufe0fway", "gateway"),
        ("می\u200c\u200c\u200cخواهم", "می\u200cخواهم"),
        ("❤\ufe0f\ufe0e\ufe0f", "❤\ufe0f"),
        ("가\u1160나", "가나"),
        ("\u115f가", "가"),
        ("a\u200b\u200cb", "ab"),
    ],
)
def test_what_its_neighbours_in_a_piece_do_not_need_goes(piece: str, expected: str) -> None:
    assert invisible.unmark_piece(piece) == expected


@pytest.mark.parametrize(
    "piece",
    [
        "می\u200cخواهم",
        "\u200cخواهم",
        "می\u200c",
        "क्\u200dष",
        "\u200d",
        "👨\u200d👩\u200d👧",
        "❤\ufe0f\u200d🔥",
        "\ufe0f",
        "1\ufe0f\u20e3",
        "C++\u200f",
        "\u2067שלום\u2069",
        "12\u200f-\u200e34",
        "\u1112\u1160",
        "\u115f\u1161",
        "\u1160",
        "ᠰ\u180b",
        "서울, 東京",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    ],
)
def test_what_a_script_may_need_stays_in_a_piece(piece: str) -> None:
    assert invisible.unmark_piece(piece) == piece


@given(st.lists(st.sampled_from([*MARKS, *NEEDED_NOWHERE, *"aé 中ركשᠠ\u1100\u1161❤🏴"]), max_size=12).map("".join))
@settings(max_examples=300, deadline=None)
def test_a_piece_unmarked_twice_is_unmarked_once(text: str) -> None:
    once = invisible.unmark_piece(text)
    assert invisible.unmark_piece(once) == once
    assert NEEDED_NOWHERE.isdisjoint(once)


def test_lines_end_in_line_feeds_and_nobody_calls_that_a_mark() -> None:
    assert invisible.unmark("a\r\nb\rc\u2028d\x85e\x0cf") == ("a\nb\nc\nd\ne\nf", False)


def test_spaces_at_the_end_of_a_line_are_no_channel() -> None:
    assert invisible.unmark("one \t \ntwo  \nthree") == ("one\ntwo\nthree", False)


def test_empty_last_columns_of_a_table_stay() -> None:
    assert invisible.unmark("name\tplace\t\t\nx\t\t\t")[0] == "name\tplace\t\t\nx\t\t\t"


def test_the_text_comes_out_in_form_c() -> None:
    assert invisible.unmark("cafe\u0301 한")[0] == "café 한"


def test_a_byte_order_mark_is_no_copy_mark() -> None:
    assert invisible.unmark("\ufefftext") == ("text", False)


ANY_TEXT = st.text(
    alphabet=st.one_of(
        st.characters(),
        st.sampled_from(MARKS + " \t\n\r\u00a0\u3000\u2800"),
        st.sampled_from("aé❤🏴1中भ्ركیשᠠ\u1100\u1160\u0301\u20e3"),
    ),
    max_size=60,
)


@given(ANY_TEXT)
@settings(max_examples=400, deadline=None)
def test_stripping_twice_is_stripping_once(text: str) -> None:
    once, _ = invisible.unmark(text)
    assert invisible.unmark(once) == (once, False)


@given(st.text(alphabet=st.characters(categories=["L", "N", "P"], exclude_characters="\u3164\uffa0\u115f\u1160")))
@settings(max_examples=200, deadline=None)
def test_visible_characters_are_never_lost(text: str) -> None:
    assert invisible.unmark(text)[0] == unicodedata.normalize("NFC", text)


@pytest.mark.parametrize(
    "hostile",
    [
        "a" + "\u200c" * 300_000,
        "a" + "\u0301\u0327" * 150_000,
        "a\u200c" * 100_000,
        " \t" * 150_000 + "x",
        "א\u200f" * 100_000,
        "\u00a0" * 300_000,
    ],
    ids=["one-run", "combining-marks", "alternating", "spaces", "direction-marks", "spaces-run"],
)
def test_hostile_texts_take_no_longer_than_their_length(hostile: str) -> None:
    began = time.process_time()
    invisible.unmark(hostile)
    assert time.process_time() - began < 3
