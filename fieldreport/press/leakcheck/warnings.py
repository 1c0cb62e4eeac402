"""Warnings: days, times of day, numbers that are also in the report, and near spellings of protected terms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final

from rapidfuzz import fuzz, process

from fieldreport.press.leakcheck.content import concepts_of, sentences
from fieldreport.press.leakcheck.findings import Hit, Rule
from fieldreport.press.leakcheck.language import language_of
from fieldreport.press.leakcheck.moments import moments
from fieldreport.press.leakcheck.numerals import Number
from fieldreport.press.leakcheck.spans import Taken
from fieldreport.press.leakcheck.text import UNSPACED, fold, script, transliterate, words

NEAR: Final = 80  # measured with the same initial: 18 of 24 variants of names, no false hit in 158,000 words
_NEAR_MINIMUM: Final = 5  # letters; below, one changed letter is another word
_NEAR_WORDS: Final = 3

_TELLING: Final = 10  # smaller numbers are in every text: they count with the word behind them
_COUNTED: Final = 2
_YEAR: Final = range(1900, 2100)
_BEHIND: Final = re.compile(r"[^\W\d_]+")
_BEHIND_CHARACTERS: Final = 24
_BEHIND_WORDS: Final = 2
_STEM: Final = 5
_WORD_LETTERS: Final = 4


class Traces:
    """Days, times and numbers of the reports, and protected terms, ready to compare with each field."""

    def __init__(
        self,
        texts: Iterable[tuple[str, Sequence[Number], str | None]],
        terms: Sequence[tuple[str, str | None]],
        language: str,
    ) -> None:
        """``texts`` are reports with their numbers and their case, ``terms`` pairs with the case they protect.

        ``language`` is the article's.
        """
        self._language = language.partition("-")[0]
        self._moments: dict[tuple[str, int], str | None] = {}
        self._numbers: dict[float, str | None] = {}
        self._counts: dict[tuple[float, str], str | None] = {}
        for text, counted, case in texts:
            self._read(text, counted, case)
        self._near: dict[int, dict[str, str | None]] = {}
        for term, case in terms:
            spelled = [transliterate(term[word.start : word.end]) for word in words(term)]
            if len("".join(spelled)) >= _NEAR_MINIMUM and len(spelled) <= _NEAR_WORDS:
                self._near.setdefault(len(spelled), {})["".join(spelled)] = case

    def _read(self, text: str, counted: Sequence[Number], case: str | None) -> None:
        dated = Taken()
        for moment in moments(text, self._language):
            # Of the others, figures alone may be anything: 5.12 is a chapter, too.
            if moment.alone or moment.value[0] == "weekday" or not text[moment.start].isdecimal():
                self._moments.setdefault(moment.value, case)
                dated.add(moment.start, moment.end)
                if moment.value[0] == "date":
                    self._moments.setdefault(("day", moment.value[1] % 100), case)
        for number in counted:
            if dated.meets(number.start, number.end):
                continue
            if _tells(number) and not _is_year(text, number):
                self._numbers.setdefault(number.value, case)
            for count in _counted(text, number):
                self._counts.setdefault(count, case)

    def hits(self, text: str, counted: Sequence[Number]) -> list[Hit]:
        """Every warning in ``text``, whose numbers are ``counted``."""
        dated = [
            Hit(rule=moment.rule, start=moment.start, end=moment.end, case=self._moments.get(moment.value))
            for moment in moments(text, self._language)
            if moment.alone or moment.value in self._moments
        ]
        return [*dated, *self._shared(text, counted, dated), *self._near_spellings(text)]

    def _shared(self, text: str, counted: Sequence[Number], dated: Sequence[Hit]) -> Iterator[Hit]:
        taken = Taken()
        for hit in dated:
            taken.add(hit.start, hit.end)
        verdicts: dict[tuple[float, bool, bool], tuple[Rule, str | None] | None] = {}
        for number in counted:
            if taken.meets(number.start, number.end):
                continue
            year = _is_year(text, number)
            asked = number.value, number.rough, year
            if asked not in verdicts:
                verdicts[asked] = self._verdict(number, year=year)
            verdict = verdicts[asked]
            if verdict is None:
                verdict = next(
                    (
                        (Rule.SHARED_NUMBER, self._counts[count])
                        for count in _counted(text, number)
                        if count in self._counts
                    ),
                    None,
                )
            if verdict is not None:
                yield Hit(rule=verdict[0], start=number.start, end=number.end, case=verdict[1])

    def _verdict(self, number: Number, *, year: bool) -> tuple[Rule, str | None] | None:
        if not _tells(number) or year:
            return None
        if number.value in self._numbers:
            return Rule.SHARED_NUMBER, self._numbers[number.value]
        if number.value < _TELLING:
            return None
        return next(((Rule.ROUNDED_NUMBER, case) for other, case in self._numbers.items() if number.means(other)), None)

    def _near_spellings(self, text: str) -> list[Hit]:
        if not self._near:
            return []
        # Signs that sound alike are found by Terms.
        tokens = [word for word in words(text) if script(text[word.start]) not in UNSPACED]
        spelled = [transliterate(text[word.start : word.end]) for word in tokens]
        found = []
        for count, terms in self._near.items():
            by_initial: dict[str, list[str]] = {}
            for spelling in terms:
                by_initial.setdefault(spelling[0], []).append(spelling)
            # Also one word more or less: "Chol su" for "Cholsu".
            for width in {max(1, count - 1), count, min(_NEAR_WORDS, count + 1)}:
                verdicts: dict[str, str | None] = {}
                for i in range(len(tokens) - width + 1):
                    window = "".join(spelled[i : i + width])
                    if window not in verdicts:
                        verdicts[window] = _nearest(window, by_initial)
                    if (term := verdicts[window]) is not None:
                        place = Hit(
                            rule=Rule.NEAR_SPELLING,
                            start=tokens[i].start,
                            end=tokens[i + width - 1].end,
                            case=terms[term],
                        )
                        found.append(place)
        return found


def _tells(number: Number) -> bool:
    """Whether a number says something without what it counts: two figures, or a fraction."""
    return number.value >= _TELLING or number.value != int(number.value)


def _is_year(text: str, number: Number) -> bool:
    """Whether a number is written as years are: not with a separator, and in words not as a round number."""
    if number.value not in _YEAR or number.rough:
        return False
    spelled = text[number.start : number.end]
    return spelled.isdecimal() or number.value % 100 != 0


def _nearest(window: str, by_initial: Mapping[str, Sequence[str]]) -> str | None:
    if len(window) < _NEAR_MINIMUM - 1:
        return None
    same_initial = by_initial.get(window[0], ())
    best = process.extractOne(window, same_initial, scorer=fuzz.ratio, score_cutoff=NEAR)
    return best[0] if best is not None else None


def _counted(text: str, number: Number) -> Iterator[tuple[float, str]]:
    """A small number with what it counts: the words behind it, in East Asian languages also those before it.

    Words of the dictionary count in every language.
    """
    if not _COUNTED <= number.value < _TELLING:
        return
    behind = _BEHIND.findall(text[number.end : number.end + _BEHIND_CHARACTERS])[:_BEHIND_WORDS]
    for word in behind:
        if len(word) >= _WORD_LETTERS and word[0] < "\u1100":
            yield number.value, fold(word)[:_STEM]
    signs = "".join(word for word in behind if word[0] >= "\u1100")[:_WORD_LETTERS]
    for at in range(1, len(signs) - 1):  # the first sign is a counter, which counts anything
        yield number.value, signs[at : at + 2]
    around = text[max(0, number.start - _BEHIND_CHARACTERS) : number.start] if signs or not behind else ""
    language = language_of(text[number.start : number.end] + " ".join(behind))
    for sentence in (
        *sentences(around, language),
        *sentences(text[number.end : number.end + _BEHIND_CHARACTERS], language),
    ):
        for word in sentence.words:
            for meaning in concepts_of(word.stem, sentence.language):
                yield number.value, f"#{meaning}"
