"""Usual spellings of a protected name are suggested, and the check finds each of them by sound."""

from __future__ import annotations

import pytest

from fieldreport.press.leakcheck.sounds import Sounds
from fieldreport.press.leakcheck.spellings import spellings


@pytest.mark.parametrize(
    ("term", "among"),
    [
        ("박영호 상위", {"Park Yeong-ho", "Pak Yong-ho", "Park Young-ho"}),
        ("김철수", {"Kim Cheol-su", "Kim Chol-su", "Kim Chul-soo"}),
        ("남궁철 대위", {"Namgung Chol"}),
        ("혜산", {"Hyesan"}),
        ("두만강", {"Tumen"}),
        ("陈小明", {"Chen Xiaoming", "Chan Siu-ming"}),
        ("田中健一大佐", {"Kenichi Tanaka"}),
        ("دمشق", {"Damascus"}),
    ],
)
def test_what_newspapers_write_is_suggested_and_found(term: str, among: set[str]) -> None:
    suggested = spellings(term)
    assert among <= set(suggested)
    for spelled in suggested:
        assert Sounds([(term, "C-1")]).hits(f"Yesterday {spelled} was there."), spelled


@pytest.mark.parametrize("term", ["Hyesan", "محمد حسين", "42", "", "!", "제3공장", "김3"])
def test_what_no_table_reads_gets_no_suggestion(term: str) -> None:
    assert spellings(term) == ()
