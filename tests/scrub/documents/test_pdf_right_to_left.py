"""What a form says in Arabic or Hebrew is drawn joined and from the right."""

from __future__ import annotations

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fieldreport.scrub.documents.pdf.right_to_left import drawn

# Expected orders are those of python-bidi 0.6, which was asked about 40,000 lines like these.
LINES = {
    "Bridge at 4": "Bridge at 4",
    "שלום": "םולש",
    "שלום 12.5 עולם": "םלוע 12.5 םולש",
    "abc שלום def": "abc םולש def",
    "מחיר: 10% a.b 138-0013": "a.b 138-0013 10% :ריחמ",
    "שער (צפון)": "(ןופצ) רעש",
    "Kim עולם 4/7/2026": "Kim 4/7/2026 םלוע",
    "שָׁלוֹם": "םוֹלשָׁ",
}


@pytest.mark.parametrize(("line", "expected"), LINES.items())
def test_a_line_is_drawn_from_left_to_right(line: str, expected: str) -> None:
    assert drawn(line) == expected


@pytest.mark.parametrize(
    ("word", "forms"),
    [
        ("بيت", "ﺑﻴﺖ"),  # initial, medial, final
        ("دار", "ﺩﺍﺭ"),  # letters that join only to what precedes them
        ("سلام", "ﺳﻼﻡ"),  # lam and alef are one
        ("می\u200cخواهم", "ﻣﯽﺧﻮﺍﻫﻢ"),  # what keeps letters apart shows nothing
        ("ماء", "ﻣﺎﺀ"),
    ],
)
def test_letters_of_arabic_are_joined(word: str, forms: str) -> None:
    assert drawn(word)[::-1] == forms
    assert unicodedata.normalize("NFKC", drawn(word)[::-1]) == word.replace("\u200c", "")


def letters(text: str) -> list[str]:
    return sorted(unicodedata.normalize("NFKC", text).replace("\u200c", "").replace(")", "("))


@given(st.text(alphabet="אבג דabc12.,-/:%()ﺏبيتلا\u0640\u064e\u200c", max_size=40))
def test_no_letter_is_lost(line: str) -> None:
    assert letters(drawn(line)) == letters(line)
