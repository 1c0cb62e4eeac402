"""Asks about what makes a group small: who stands out in it, how many it has, and since when somebody belongs to it.

Rules: a question only where a report says the same, in whatever language; sizes are those a reader can count through.
"""

from __future__ import annotations

import re
import tomllib
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from typing import Any, Final

from fieldreport.press.leakcheck.findings import Hit, Rule
from fieldreport.press.leakcheck.language import Passage, passages
from fieldreport.press.leakcheck.numerals import Number, numbers, word_values
from fieldreport.press.leakcheck.text import plain

_TABLES: Final[Mapping[str, Any]] = tomllib.loads(
    files("fieldreport.press.leakcheck").joinpath("groups.toml").read_text(encoding="utf-8")
)
# Years as they are written: first the common ones, then those of other calendars with what turns them into common ones.
_SIGNS: Final = "[\\d〇零一二三四五六七八九十百元]{1,5}"
_YEARS: Final[Sequence[tuple[re.Pattern[str], int]]] = (
    (re.compile(r"((?:19|20)\d\d)"), 0),
    (re.compile(f"令和({_SIGNS})(?=年)"), 2018),
    (re.compile(f"平成({_SIGNS})(?=年)"), 1988),
    (re.compile(f"昭和({_SIGNS})(?=年)"), 1925),
    (re.compile(f"民[國国]({_SIGNS})(?=年)"), 1911),
    (re.compile(r"주체\s?(\d{2,3})"), 1911),
    (re.compile("([一二][〇零一二三四五六七八九]{3})(?=年)"), 0),
    (re.compile("две тысячи (\\w+(?: \\w+)?)"), 2000),
)
_SOLAR: Final = (
    (re.compile(r"(1[34]\d\d)"), 621),
    (re.compile(r"([5-9]\d)(?!\d)"), 1921),
    (re.compile(r"(0\d)(?!\d)"), 2021),
)
_ANY: Final = re.compile(
    rf"(?<![\d.,])(?:{'|'.join(pattern.pattern.replace('(', '(?:', 1) for pattern, _ in _YEARS)})(?!\d)"
)
_SIZES: Final = range(2, 41)
_PAIR: Final = 2
_AROUND: Final = 24  # characters looked at on each side of a number

Trait = tuple[str, int]
"""A kind of statement, and the number in it where it has one."""


@cache
def _pattern(kind: str, language: str) -> re.Pattern[str] | None:
    template = _TABLES[kind].get(language)
    years = [pattern.pattern for pattern, _ in (*_YEARS, *(_SOLAR if language == "fa" else ()))]
    if template is None:
        return None
    y = rf"\s?({'|'.join(year.replace('(', '(?:', 1) for year in years)})"  # the only groups of the tables
    return re.compile(template.replace("{y}", y))


def _year(written: str) -> int:
    """The year of the common calendar that is meant; 0 where none is."""
    if not written:
        return 0
    for pattern, add in (*_YEARS, *_SOLAR):
        match = pattern.match(written) or pattern.match(f"{written}年")
        if match is not None:
            return add + _counted(match[1])
    return 0


def _counted(spelled: str) -> int:
    if spelled.isdecimal():
        return int(spelled)
    ordinals = word_values("ru")[1]
    if spelled[0].isalpha() and spelled[0] < "\u0500":
        return sum(ordinals.get(word, 0) for word in spelled.split())
    digits = {"元": "1", "零": "0"} | {sign: str(value) for value, sign in enumerate("〇一二三四五六七八九")}
    if "十" not in spelled and "百" not in spelled:  # 一〇七, 二〇〇九
        return int("".join(digits.get(sign, sign) for sign in spelled))
    return int(next((number.value for number in numbers(f"{spelled}人", "zh")), 0))


def _traits(text: str, language: str, counted: Sequence[Number]) -> Iterator[tuple[Trait, int, int]]:
    """Every statement about a group, with its place; ``counted`` are the numbers of ``text``."""
    for passage in passages(text, language):
        folded = plain(passage.text)
        for match in _ANY.finditer(folded):
            yield ("year", _year(match.group())), passage.start + match.start(), passage.start + match.end()
        for kind in ("only", "extreme", "since", "entered"):
            pattern = _pattern(kind, passage.language)
            for match in pattern.finditer(folded) if pattern is not None else ():
                year = _year(next((group for group in match.groups() if group), ""))
                yield ("since" if year else kind, year), passage.start + match.start(), passage.start + match.end()
        first = bisect_left(counted, passage.start, key=lambda number: number.start)
        last = bisect_left(counted, passage.start + len(passage.text), key=lambda number: number.start)
        for number in counted[first:last]:
            if number.value in _SIZES and number.value == int(number.value):
                yield from _sizes(folded, number, passage)


def _sizes(folded: str, number: Number, passage: Passage) -> Iterator[tuple[Trait, int, int]]:
    size, start, end = int(number.value), number.start - passage.start, number.end - passage.start
    behind, before = folded[end : end + _AROUND], folded[max(0, start - _AROUND) : start]
    for kind, table in (("years", "years"), ("size", "out_of")):
        found = _match(_pattern(table, passage.language), behind)
        if found is not None:
            yield (kind, size), number.start, number.end + found
    people = _match(_pattern("people", passage.language), behind) if size > _PAIR else None
    if people is not None:
        yield ("size", size), number.start, number.end + people
    of = _pattern("of", passage.language)
    ahead = None if of is None else of.search(before)
    if ahead is not None:
        yield ("size", size), number.start - len(before) + ahead.start(), number.end


def _match(pattern: re.Pattern[str] | None, text: str) -> int | None:
    match = None if pattern is None else pattern.match(text)
    return None if match is None else match.end()


class Groups:
    """What the reports say about groups, ready to compare with each field."""

    def __init__(self, texts: Iterable[tuple[str, Sequence[Number], str | None]], language: str) -> None:
        """``texts`` are reports with their numbers and their case; ``language`` is the article's."""
        self._language = language.partition("-")[0]
        self._traits: dict[Trait, str | None] = {}
        for text, counted, case in texts:
            for (kind, worth), _, _ in _traits(text, self._language, counted):
                # Of a year that a report only mentions, "since" that year is a question; of one since which somebody
                # belongs to a group every mention is.
                self._traits.setdefault(("since" if kind == "year" else kind, worth), case)
                if kind == "since":
                    self._traits.setdefault(("year", worth), case)
            for number in counted:  # "we are four bookkeepers" has no pattern
                if number.value in _SIZES:
                    self._traits.setdefault(("size", int(number.value)), case)

    def hits(self, text: str, counted: Sequence[Number]) -> list[Hit]:
        """Every statement about a group in ``text`` that a report makes, too; ``counted`` are its numbers."""
        return [
            Hit(rule=Rule.SMALL_GROUP, start=start, end=end, case=self._traits[trait])
            for trait, start, end in _traits(text, self._language, counted)
            if trait in self._traits
        ]
