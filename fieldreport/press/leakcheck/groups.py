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
from fieldreport.press.leakcheck.moments import plain
from fieldreport.press.leakcheck.numerals import Number

_TABLES: Final[Mapping[str, Any]] = tomllib.loads(
    files("fieldreport.press.leakcheck").joinpath("groups.toml").read_text(encoding="utf-8")
)
_YEAR: Final = r"(?P<y>(?:19|20)\d\d)"
_SIZES: Final = range(2, 41)
_AROUND: Final = 24  # characters looked at on each side of a number

Trait = tuple[str, int]
"""A kind of statement, and the number in it where it has one."""


@cache
def _pattern(kind: str, language: str) -> re.Pattern[str] | None:
    template = _TABLES[kind].get(language)
    return None if template is None else re.compile(template.replace("{y}", _YEAR))


def _traits(text: str, language: str, counted: Sequence[Number]) -> Iterator[tuple[Trait, int, int]]:
    """Every statement about a group, with its place; ``counted`` are the numbers of ``text``."""
    for passage in passages(text, language):
        folded = plain(passage.text)
        for kind in ("only", "extreme", "since"):
            pattern = _pattern(kind, passage.language)
            for match in pattern.finditer(folded) if pattern is not None else ():
                year = int(match["y"]) if kind == "since" else 0
                yield (kind, year), passage.start + match.start(), passage.start + match.end()
        first = bisect_left(counted, passage.start, key=lambda number: number.start)
        last = bisect_left(counted, passage.start + len(passage.text), key=lambda number: number.start)
        for number in counted[first:last]:
            if number.value in _SIZES:
                yield from _sizes(folded, number, passage)


def _sizes(folded: str, number: Number, passage: Passage) -> Iterator[tuple[Trait, int, int]]:
    size, start, end = int(number.value), number.start - passage.start, number.end - passage.start
    behind, before = folded[end : end + _AROUND], folded[max(0, start - _AROUND) : start]
    for kind, table in (("years", "years"), ("size", "out_of")):
        found = _match(_pattern(table, passage.language), behind)
        if found is not None:
            yield (kind, size), number.start, number.end + found
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
            for trait, _, _ in _traits(text, self._language, counted):
                self._traits.setdefault(trait, case)
            for number in counted:  # "we are four bookkeepers" has no pattern
                if number.value in _SIZES:
                    self._traits.setdefault(("size", int(number.value)), case)
                elif 1900 <= number.value < 2100:  # noqa: PLR2004 - years
                    self._traits.setdefault(("since", int(number.value)), case)

    def hits(self, text: str, counted: Sequence[Number]) -> list[Hit]:
        """Every statement about a group in ``text`` that a report makes, too; ``counted`` are its numbers."""
        return [
            Hit(rule=Rule.SMALL_GROUP, start=start, end=end, case=self._traits[trait])
            for trait, start, end in _traits(text, self._language, counted)
            if trait in self._traits
        ]
