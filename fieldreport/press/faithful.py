"""What a translation says otherwise than its original: numbers, days, times and names that one has and the other not.

Rules: it compares what has one value in every language, and no meaning; a difference is a place to look at, not an
error. Names are looked for as they sound and as they are spelled, and only where one of the two languages writes names
with a capital letter; a surname that stands with its given name counts once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Final

from rapidfuzz import fuzz
from unidecode import unidecode

from fieldreport.press.article import Article
from fieldreport.press.leakcheck import content, names, sounds, text
from fieldreport.press.leakcheck.findings import Rule
from fieldreport.press.leakcheck.markdown import resolve
from fieldreport.press.leakcheck.moments import moments
from fieldreport.press.leakcheck.numerals import numbers
from fieldreport.press.leakcheck.sounds import Sounds
from fieldreport.press.leakcheck.spans import Taken
from fieldreport.press.leakcheck.terms import Terms
from fieldreport.press.leakcheck.text import Word, fold, words

_COUNTS_FROM: Final = 3  # "one of them", "both": every language says those in its own way
_CASED: Final = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN"})
_BEGINS: Final = re.compile(r"(?:^|[.!?:;»”\"'(\[]|\n|[-*>#|]\s)\s*[\"'“«(\[*_]*$")
_BEFORE: Final = 12  # characters that show whether a sentence begins
_SAME, _HEARD = 85, 60  # rapidfuzz ratio of two spellings of one name, in one script or in two
_LETTERS: Final = 3
# Ranks of words: "The" is no part of a name, "Chinese" hardly one, "Leaving" none where a sentence begins.
_IN_EVERY_TEXT, _COMMON, _RARE = 200, 3000, 12_000
_HYPHENS: Final = frozenset({"-", "\u2010", "’", "'"})
_BY_MEANING: Final = frozenset({"zh", "ja"})  # in which foreign names are spelled as no table knows


class Kind(StrEnum):
    """What differs."""

    NUMBER = "number"
    DAY = "day"
    TIME = "time"
    NAME = "name"


@dataclass(frozen=True, slots=True, kw_only=True)
class Difference:
    """``words``: of the original where they are ``missing`` in the translation, otherwise of the translation alone."""

    kind: Kind
    words: str = field(repr=False)
    missing: bool


def differences(original: Article, translation: Article) -> tuple[Difference, ...]:
    """Everything that one of the two has and the other has not: first what is missing, each in reading order."""
    try:
        first, second = _Said(original), _Said(translation)
        return tuple(
            Difference(kind=kind, words=found, missing=missing)
            for one, other, missing in ((first, second, True), (second, first, False))
            for kind, found in one.without(other)
        )
    finally:
        for room in (text, content, names, sounds):
            room.forget()


class _Said:
    """What one language of an article says, by value; of each the words that say it first."""

    def __init__(self, article: Article) -> None:
        self.language = article.language
        self._short = article.language.partition("-")[0]
        shown = {**article.alone().public_fields(), "body": resolve(article.body).text, "slug": ""}
        self.text = "\n".join(filter(None, shown.values()))
        self.dated: dict[tuple[Kind, tuple[str, int]], str] = {}
        self.numbers: dict[float, str] = {}
        self._days = Taken()
        found = [each for each in moments(self.text, self._short) if each.alone or each.value[0] == "weekday"]
        for moment in sorted(found, key=lambda each: (each.start, -each.end)):
            kind = Kind.TIME if moment.rule is Rule.CLOCK_TIME else Kind.DAY
            if not self._days.meets(moment.start, moment.end):  # "9:40 p.m." is no "40 p.m."
                self.dated.setdefault((kind, moment.value), self.text[moment.start : moment.end])
            self._days.add(moment.start, moment.end)
        for number in numbers(self.text, self._short):
            if number.value >= _COUNTS_FROM and not self._days.meets(number.start, number.end):
                self.numbers.setdefault(number.value, self.text[number.start : number.end])

    def without(self, other: _Said) -> Iterator[tuple[Kind, str]]:
        """What this one has and the other has not."""
        for value, found in self.numbers.items():
            if value not in other.numbers:
                yield Kind.NUMBER, found
        for (kind, moment), found in self.dated.items():
            if (kind, moment) not in other.dated:
                yield kind, found
        if not {self._short, other._short} & _BY_MEANING:
            yield from ((Kind.NAME, name) for name in self.names if not other.has(name))

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Runs of words with a capital letter, each once, but common words and what only begins a sentence."""
        runs: list[tuple[int, int, int]] = []
        for word in words(self.text):
            cased = text.script(self.text[word.start]) in _CASED and self.text[word.start].isupper()
            between = self.text[runs[-1][1] : word.start] if runs else "?"
            if between in _HYPHENS or (cased and between == " "):
                runs[-1] = runs[-1][0], word.end, runs[-1][2] + 1
            elif cased and not self._days.meets(word.start, word.end) and not self._only_begins(word):
                runs.append((word.start, word.end, 1))
        found = {" ".join(self.text[start:end].split()): (start, count) for start, end, count in runs}
        return tuple(
            name
            for name, (start, count) in found.items()
            if sum(map(str.isalpha, name)) >= _LETTERS and (count > 1 or self._is_name(name, start))
        )

    def _only_begins(self, word: Word) -> bool:
        return self._begins(word.start) and self._rank(word.folded) < _IN_EVERY_TEXT

    def _is_name(self, word: str, start: int) -> bool:
        """Whether a word alone is rare enough for a name; behind a full stop every word has a capital letter."""
        return self._rank(fold(word)) >= (_RARE if self._begins(start) else _COMMON)

    def _begins(self, start: int) -> bool:
        return _BEGINS.search(self.text[max(0, start - _BEFORE) : start]) is not None

    def _rank(self, folded: str) -> int:
        return content.rank_of(content.stem(folded, self._short), self._short)

    def has(self, name: str) -> bool:
        """Whether the text has a name, as it is, inflected, spelled in another way, or in another script."""
        _, _, rest = name.partition(" ")  # the first word may only begin a sentence
        return self._has(name) or (bool(rest) and self._has(rest))

    def _has(self, name: str) -> bool:
        if Terms([(name, None)], self.language).hits(self.text) or Sounds([(name, None)]).hits(self.text):
            return True
        spelled, cased = _spelled(name), text.script(name[0])
        return any(
            fuzz.ratio(spelled, _spelled(other)) >= (_SAME if text.script(other[0]) == cased else _HEARD)
            for other in self.names
        )


def _spelled(name: str) -> str:
    return "".join(filter(str.isalpha, unidecode(name).lower()))
