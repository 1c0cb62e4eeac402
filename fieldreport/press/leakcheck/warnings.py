"""Warnings: exact days, times of day, numbers that are also in the report, and near spellings of protected terms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Final

from rapidfuzz import fuzz, process

from fieldreport.press.leakcheck.findings import Hit, Rule
from fieldreport.press.leakcheck.text import LANGUAGES, transliterate, words

NEAR: Final = 80  # measured with the same initial: 18 of 24 variants of names, no false hit in 158,000 words
_NEAR_MINIMUM: Final = 5  # letters; below, one changed letter is another word
_NEAR_WORDS: Final = 3

_CAPITAL: Final = "|".join(LANGUAGES["months"]["capital"])
_OTHER: Final = "|".join(sorted(LANGUAGES["months"]["other"], key=len, reverse=True))
_NUMERAL: Final = r"[\d一二三四五六七八九十廿两兩]{1,3}"
_DATE: Final = re.compile(
    rf"""
      (?<!\d)(?:19|20)\d\d[-./\u2010-\u2014]\d{{1,2}}[-./\u2010-\u2014]\d{{1,2}}(?!\d)
    | (?<![\d.])\d{{1,2}}[./-]\d{{1,2}}[./-](?:(?:19|20)\d\d|\d\d)(?![\d.]\d)
    | (?<!\d)\d{{1,2}}(?:st|nd|rd|th|\.|º|er)?\s+(?:of\s+)?(?:{_CAPITAL}|{_OTHER})\b
    | \b(?:{_CAPITAL})\.?\s+\d{{1,2}}(?:st|nd|rd|th)?(?![\d:])
    | {_NUMERAL}\s?[月월]\s?{_NUMERAL}\s?[日号號일]
    """,
    re.VERBOSE,
)
_CLOCK: Final = re.compile(
    rf"""
      (?<![\d:.,])(?:[01]?\d|2[0-4])[:：][0-5]\d(?:[:：][0-5]\d)?(?![\d:])
    | (?<![\d.,])\d{{1,2}}(?:[:.][0-5]\d)?\s?(?:[ap]\.m\.|[ap]m\b|[AP]M\b|o['’]clock)
    | (?<!\d)\d{{1,2}}\s?시(?!간)(?:\s?\d{{1,2}}\s?분|\s?반)?
    | (?:上午|下午|凌晨|清晨|晚上|早上|中午|夜里|半夜|午前|午後)\s?{_NUMERAL}\s?[点點时時](?![间間])(?:半|{_NUMERAL}分)?
    | (?<![\d.]){_NUMERAL}\s?[点點时時](?:半|整|钟|鐘|{_NUMERAL}分)
    | (?<!\d)\d{{1,2}}\s(?:час(?:а|ов)?)\s(?:утра|вечера|дня|ночи)
    | الساعة\s+\w+
    """,
    re.VERBOSE,
)
_NUMBER: Final = re.compile(r"\d+(?:[.,\u00a0\u202f']\d{3})*(?!\d)")
_NUMBER_DIGITS: Final = 18  # more fit no machine word and no count of anything
_TELLING: Final = 10  # smaller numbers are in every text
_YEAR: Final = range(1900, 2100)


class Traces:
    """Numbers of the reports and protected terms, ready to compare with each field."""

    def __init__(self, texts: Iterable[tuple[str, str | None]], terms: Sequence[tuple[str, str | None]]) -> None:
        self._numbers = {number: case for text, case in texts for number in _numbers(text)}
        self._near: dict[int, dict[str, str | None]] = {}
        for term, case in terms:
            spelled = [transliterate(term[word.start : word.end]) for word in words(term)]
            if len("".join(spelled)) >= _NEAR_MINIMUM and len(spelled) <= _NEAR_WORDS:
                self._near.setdefault(len(spelled), {})["".join(spelled)] = case

    def hits(self, text: str) -> list[Hit]:
        """Every warning in ``text``; who calls drops those that lie inside a block."""
        dates = [Hit(rule=Rule.EXACT_DATE, start=match.start(), end=match.end()) for match in _DATE.finditer(text)]
        clocks = [Hit(rule=Rule.CLOCK_TIME, start=match.start(), end=match.end()) for match in _CLOCK.finditer(text)]
        return [*dates, *clocks, *self._shared(text, [*dates, *clocks]), *self._near_spellings(text)]

    def _shared(self, text: str, taken: Sequence[Hit]) -> list[Hit]:
        return [
            Hit(rule=Rule.SHARED_NUMBER, start=match.start(), end=match.end(), case=self._numbers[number])
            for match in _NUMBER.finditer(text)
            if (number := _number(match.group())) in self._numbers
            and not any(hit.start < match.end() and match.start() < hit.end for hit in taken)
        ]

    def _near_spellings(self, text: str) -> list[Hit]:
        if not self._near:
            return []
        tokens = words(text)
        spelled = [transliterate(text[word.start : word.end]) for word in tokens]
        found = []
        for count, terms in self._near.items():
            # Also one word more or less: "Chol su" for "Cholsu".
            for width in {max(1, count - 1), count, min(_NEAR_WORDS, count + 1)}:
                verdicts: dict[str, str | None] = {}
                for i in range(len(tokens) - width + 1):
                    window = "".join(spelled[i : i + width])
                    if window not in verdicts:
                        verdicts[window] = _nearest(window, terms)
                    if (term := verdicts[window]) is not None:
                        place = Hit(
                            rule=Rule.NEAR_SPELLING,
                            start=tokens[i].start,
                            end=tokens[i + width - 1].end,
                            case=terms[term],
                        )
                        found.append(place)
        return found


def _nearest(window: str, terms: dict[str, str | None]) -> str | None:
    if len(window) < _NEAR_MINIMUM - 1:
        return None
    same_initial = [term for term in terms if term[0] == window[0]]
    best = process.extractOne(window, same_initial, scorer=fuzz.ratio, score_cutoff=NEAR)
    return best[0] if best is not None else None


def _numbers(text: str) -> set[int]:
    found = (_number(match.group()) for match in _NUMBER.finditer(text))
    return {number for number in found if number >= _TELLING and number not in _YEAR}


def _number(digits: str) -> int:
    only = "".join(character for character in digits if character.isdecimal())
    return int(only) if len(only) <= _NUMBER_DIGITS else -1
