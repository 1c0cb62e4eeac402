"""Finds numbers in figures and in words, in every language of ``numerals.toml``, and says what they are worth.

Rules: one number is one value however it is written ("23", "twenty-three", 스물세, 二十三, двадцать три); a number that
its text calls rough is marked so; everything here is linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain
from typing import Any, Final

from fieldreport.press.leakcheck.language import NUMERALS, Passage, passages
from fieldreport.press.leakcheck.spans import Taken
from fieldreport.press.leakcheck.text import Word, fold, plain, words

_FIGURES: Final = re.compile(r"\d+(?:[.,\u00a0\u202f'٬]\d{3})*(?:[.,]\d{1,2})?(?![.,]?\d)")
_GROUPED: Final = re.compile(r"[.,\u00a0\u202f'٬](?=\d{3}(?!\d))")
_SPACED_FIGURES: Final = re.compile(r"(?<![\d.,])\d{1,3}(?: \d{3})+(?!\d)")  # 1 500, as French and Russian write it
_SPACES_IN_FIGURES: Final = frozenset({"fr", "ru", "es", "pt"})
_INSIDE: Final = re.compile(r"(?<=[^\W\d_])\d{2,9}(?!\d)")  # of a number plate
_FIGURES_MOST: Final = 18  # more digits fit no count of anything
_PHRASE_WORDS: Final = 3  # of the longest entry of the tables
_NEAR_BEFORE, _NEAR_AFTER = 24, 16  # characters looked at on each side
_CLOSE: Final = 0.15  # a rough number and the one it stands for
_ARTICLES: Final = ("a ", "un ", "une ", "una ", "uma ")
_PREFIXES: Final = "وبلف"  # Arabic: and, with, to, so


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A number and its place. ``rough``: the text says that it is only about right."""

    value: float
    start: int
    end: int
    rough: bool = False

    def means(self, other: float) -> bool:
        """Whether this, in an article, stands for ``other`` in a report: the same, or rounded, or called rough."""
        if self.value == other:
            return True
        if min(self.value, other) <= 0:
            return False
        if self.rough and (abs(self.value - other) <= _CLOSE * other or self.value <= other < self.value + self._step):
            return True
        # 1,500 for 1,480: two digits are left of three or more.
        return other >= 100 and other == int(other) and self.value == float(f"{other:.1e}")  # noqa: PLR2004 - three digits

    @property
    def _step(self) -> int:
        step = 1
        while self.value and self.value % (step * 10) == 0:
            step *= 10
        return step


@dataclass(frozen=True, slots=True)
class _Table:
    values: Mapping[str, float] = field(repr=False)
    times: Mapping[str, float] = field(repr=False)
    joins: frozenset[str]
    firsts: frozenset[str]  # the first word of every entry


def _folded(table: Mapping[str, Sequence[str]]) -> dict[str, float]:
    return {fold(word): float(value) for value, entries in table.items() for word in entries}


def _table(table: Mapping[str, Any]) -> _Table:
    values, times = _folded(table["values"]), _folded(table["times"])
    firsts = frozenset(entry.split()[0] for entry in (*values, *times))
    return _Table(values, times, frozenset(map(fold, table["joins"])), firsts)


_SPACED: Final = {language: _table(table) for language, table in NUMERALS.items() if "values" in table}
_SIGNS: Final = NUMERALS["signs"]
_DIGIT_SIGNS: Final = {sign: int(value) for value, signs in _SIGNS["digits"].items() for sign in signs}
_TIMES_SIGNS: Final = {sign: int(value) for value, signs in _SIGNS["times"].items() for sign in signs}
# 数十 and 几百 are tens and hundreds, and no number.
_SIGN_RUN: Final = re.compile(f"(?<![\\d数數几幾])[{''.join([*_DIGIT_SIGNS, *_TIMES_SIGNS, *_SIGNS['short']])}]+")

_KOREAN: Final = NUMERALS["korean"]
_KOREAN_DIGITS: Final = {name: int(value) for value, names in _KOREAN["digits"].items() for name in names}
_KOREAN_TIMES: Final = {sign: int(value) for value, sign in _KOREAN["times"].items()}
_KOREAN_TENS: Final = {name: int(value) for value, names in _KOREAN["tens"].items() for name in names}
_KOREAN_UNITS: Final = {name: int(value) for value, names in _KOREAN["units"].items() for name in names}
_COUNTERS: Final = "|".join(sorted(_KOREAN["counters"], key=len, reverse=True))
_KOREAN_RUN: Final = re.compile(
    rf"(?<![가-힣])([{''.join([*_KOREAN_DIGITS, *_KOREAN_TIMES])}]+)(?=[^가-힣]|$|(?:{_COUNTERS}))"
)
_KOREAN_OWN: Final = re.compile(
    rf"(?<![가-힣])([{''.join([*_KOREAN_DIGITS, *_KOREAN_TIMES])}]*[백천])?({'|'.join(_KOREAN_TENS)})?"
    rf"({'|'.join(sorted(_KOREAN_UNITS, key=len, reverse=True))})?"
    rf"(?<=[가-힣])(?=\s?(?:{_COUNTERS}))"
)
# After figures: 2만 3천, 120万, 1.5億.
_EAST_TIMES: Final = {**_KOREAN_TIMES, **_TIMES_SIGNS}
_AFTER_FIGURES: Final = re.compile(
    rf"\s?([{''.join(_EAST_TIMES)}])(?!\w*[월월月])(?:\s?(\d{{1,4}})([{''.join(_EAST_TIMES)}]?))?"
)


# Parts of a whole.
_ONE_SIGN: Final = f"(?:\\d{{1,9}}(?:\\.\\d{{1,2}})?|[{''.join([*_DIGIT_SIGNS, *_TIMES_SIGNS])}]{{1,9}})"
_ONE_KOREAN: Final = f"(?:\\d{{1,9}}|[{''.join([*_KOREAN_DIGITS, *_KOREAN_TIMES])}]{{1,9}})"
_PART_OF: Final = (
    re.compile(rf"(?P<below>{_ONE_SIGN})\s?分[之の]\s?(?P<above>{_ONE_SIGN})"),
    re.compile(rf"(?P<below>{_ONE_KOREAN})\s?분의\s?(?P<above>{_ONE_KOREAN})"),
    re.compile(r"(?<![\d/.,])(?P<above>\d)/(?P<below>\d{1,2})(?![\d/])"),
)
_TENTHS: Final = re.compile(rf"(?P<tenths>\d(?:\.\d)?|[{''.join(_DIGIT_SIGNS)}])[割成](?![功立员員本果为為年])")
_VULGAR: Final = {"⅓": 1 / 3, "⅔": 2 / 3, "¼": 1 / 4, "¾": 3 / 4, "⅕": 1 / 5, "⅛": 1 / 8}
_ONE_DIGIT: Final = f"[{''.join(_DIGIT_SIGNS)}]"
_SIGN_DECIMAL: Final = re.compile(
    rf"(?P<whole>[{''.join([*_DIGIT_SIGNS, *_TIMES_SIGNS])}]{{1,9}})[・点點](?P<tenths>{_ONE_DIGIT}{{1,2}})"
    rf"(?![{''.join(_TIMES_SIGNS)}年月日号時时点分])"
    rf"|(?P<coins>[{''.join([*_DIGIT_SIGNS, *_TIMES_SIGNS])}]{{1,9}}|\d{{1,9}})"
    rf"[块塊](?P<jiao>{_ONE_DIGIT})(?![{''.join(_TIMES_SIGNS)}])"
)
_MIDDLE_DOT: Final = re.compile(r"(?<=\d)・(?=\d)")
_FRACTIONS: Final = {
    language: [
        (re.compile(pattern), int(above) / int(below))
        for pattern, (above, _, below) in ((pattern, worth.partition("/")) for pattern, worth in patterns)
    ]
    for language, patterns in NUMERALS["fractions"].items()
}
_HALVES: Final = {language: re.compile(pattern) for language, pattern in NUMERALS["halves"].items()}
_HALF: Final = 0.5


def _near(entries: Iterator[str], *, before: bool) -> re.Pattern[str]:
    alternatives = "|".join(re.escape(entry) for entry in sorted(entries, key=len, reverse=True))
    if before:
        return re.compile(rf"(?:^|\b|(?<=[^\x00-\u02ff]))(?:{alternatives})\s*(?:an?\s+|the\s+)?$", re.IGNORECASE)
    return re.compile(rf"\s?[^\W\d_]{{0,3}}\s?(?:{alternatives})", re.IGNORECASE)


_ROUGH_BEFORE: Final = {
    language: _near(iter(table["near_before"]), before=True)
    for language, table in NUMERALS.items()
    if language in _SPACED
}
_ROUGH_AFTER: Final = {
    language: re.compile(rf"\s(?:{'|'.join(map(re.escape, table['near_after']))})(?!\w)", re.IGNORECASE)
    for language, table in NUMERALS.items()
    if language in _SPACED
}
_ROUGH_SIGNS: Final = (
    _near(iter(_SIGNS["near_before"]), before=True),
    _near(iter(_SIGNS["near_after"]), before=False),
)


def numbers(text: str, language: str = "en") -> list[Number]:
    """Every number of ``text``, in order. ``language`` is what a line counts as that does not tell."""
    found = [
        replace(number, start=number.start + passage.start, end=number.end + passage.start)
        for passage in passages(text, language)
        for number in _of_passage(passage)
    ]
    return sorted(found, key=lambda number: number.start)


def word_values(language: str) -> tuple[dict[str, int], dict[str, int]]:
    """What the whole cardinals and ordinals of one language are worth, folded; none where signs are used instead."""
    if language not in _SPACED:
        return {}, {}
    cardinals = {word: int(value) for word, value in _SPACED[language].values.items() if value == int(value)}
    return cardinals, {word: int(value) for word, value in _folded(NUMERALS[language]["ordinals"]).items()}


def word_joins(language: str) -> frozenset[str]:
    """What may stand between two parts of a number in one language."""
    return _SPACED[language].joins if language in _SPACED else frozenset()


def _of_passage(passage: Passage) -> list[Number]:
    text, language = passage.text, passage.language
    if language in _SPACES_IN_FIGURES:
        text = _SPACED_FIGURES.sub(lambda figures: figures.group().replace(" ", "\u00a0"), text)
    found: list[Number] = []
    if language in _SPACED:
        found += _spaced(text, _SPACED[language])
    elif language == "ko":
        found += chain(_korean(text), _figures(text))
    else:
        text = _MIDDLE_DOT.sub(".", text)
        found += chain(_signs(text), _figures(text))
    return [replace(number, rough=_is_rough(text, number, language)) for number in _with_parts(text, found, language)]


def _with_parts(text: str, found: Sequence[Number], language: str) -> Iterator[Number]:
    """The numbers of a passage, with halves added to those that say so, and parts of a whole instead of theirs."""
    folded = plain(text)
    taken = Taken()
    for part in _parts(folded, language):
        taken.add(part.start, part.end)
        yield part
    for pattern, worth in _FRACTIONS.get(language, ()):
        for match in pattern.finditer(folded):
            yield Number(value=worth, start=match.start(), end=match.end())
    half = _HALVES.get(language)
    for number in found:
        if taken.meets(number.start, number.end):
            continue
        more = None if half is None else half.match(folded, number.end)
        if more is not None and number.value == int(number.value):
            yield replace(number, value=number.value + _HALF, end=more.end())
        else:
            yield number


def _parts(folded: str, language: str) -> Iterator[Number]:
    for pattern in _PART_OF:
        for match in pattern.finditer(folded):
            above, below = _east_value(match["above"]), _east_value(match["below"])
            if above and below == 100:  # noqa: PLR2004 - per cent
                yield Number(value=above, start=match.start(), end=match.end())
            elif above and below and 2 * above != below:
                yield Number(value=above / below, start=match.start(), end=match.end())
    for match in re.finditer("[⅓⅔¼¾⅕⅛]", folded):
        yield Number(value=_VULGAR[match.group()], start=match.start(), end=match.end())
    if language not in {"zh", "ja"}:
        return
    for match in _TENTHS.finditer(folded):
        yield Number(value=10 * (_east_value(match["tenths"]) or 0), start=match.start(), end=match.end())
    for match in _SIGN_DECIMAL.finditer(folded):
        whole = _east_value(match["whole"] or match["coins"]) or 0
        after = "".join(str(_DIGIT_SIGNS[sign]) for sign in match["tenths"] or match["jiao"])
        yield Number(value=whole + int(after) / 10 ** len(after), start=match.start(), end=match.end())


def _east_value(spelled: str) -> float | None:
    """What figures, or numerals of Chinese, Japanese or Korean signs, are worth."""
    if spelled[0].isdecimal():
        return float(spelled)
    if spelled[0] in _KOREAN_DIGITS or spelled[0] in _KOREAN_TIMES:
        return _sum(spelled, _KOREAN_DIGITS, _KOREAN_TIMES)
    return _sum(spelled)


def _is_rough(text: str, number: Number, language: str) -> bool:
    before, after = (_ROUGH_BEFORE[language], _ROUGH_AFTER[language]) if language in _SPACED else _ROUGH_SIGNS
    head, tail = text[max(0, number.start - _NEAR_BEFORE) : number.start], text[number.end : number.end + _NEAR_AFTER]
    # "a dozen", "une vingtaine": counted by nobody.
    vague = text[number.start : number.start + 4].lower().startswith(_ARTICLES)
    return vague or before.search(head) is not None or after.match(tail) is not None


def _figures(text: str) -> Iterator[Number]:
    """Figures, with the East Asian multipliers behind them."""
    done = 0
    for match in _FIGURES.finditer(text):
        value = _value(match.group())
        if value is None or match.start() < done:
            continue
        end = match.end()
        more = _AFTER_FIGURES.match(text, end)
        if more is not None:
            value *= _EAST_TIMES[more[1]]
            end = more.end()
            if more[2] is not None:
                value += int(more[2]) * _EAST_TIMES.get(more[3], 1)
        done = end
        yield Number(value=value, start=match.start(), end=end)


def _value(figures: str) -> float | None:
    plain = _GROUPED.sub("", figures).replace(",", ".")
    return float(plain) if len(plain) <= _FIGURES_MOST else None


def _signs(text: str) -> Iterator[Number]:
    for match in _SIGN_RUN.finditer(text):
        run = "".join(_SIGNS["short"].get(sign, sign) for sign in match.group())
        value = _positional(run) if not any(sign in _TIMES_SIGNS for sign in run) else _sum(run)
        if value is not None:
            yield Number(value=value, start=match.start(), end=match.end())


def _positional(run: str) -> float | None:
    """一九九八 is a year; 七八 is "seven or eight" and no number; a rule drawn with 一 is none either."""
    is_number = len(run) != 2 and len(run) <= _FIGURES_MOST  # noqa: PLR2004 - see above
    return float("".join(str(_DIGIT_SIGNS[sign]) for sign in run)) if is_number else None


def _sum(run: str, digits: Mapping[str, int] = _DIGIT_SIGNS, times: Mapping[str, int] = _TIMES_SIGNS) -> float | None:
    """The value of 一千四百八十 or 천사백팔십; nothing where the signs stand in no order that numbers have."""
    total = section = digit = 0
    last = 10**9
    for sign in run:
        if sign in digits:
            if digit:
                return None
            digit = digits[sign]
            continue
        factor = times[sign]
        if factor >= 10_000:  # noqa: PLR2004 - from here on a multiplier takes all before it
            total += (section + digit or 1) * factor
            section, last = 0, factor
        elif factor < last:
            section += (digit or 1) * factor
            last = factor
        else:
            return None
        digit = 0
        if factor >= 10_000:  # noqa: PLR2004
            last = 10_000
    return float(total + section + digit)


def _korean(text: str) -> Iterator[Number]:
    for match in _KOREAN_RUN.finditer(text):
        run = match[1]
        if run in _KOREAN["not_numbers"]:
            continue
        while run and (run[-1] in _KOREAN_DIGITS) and not any(sign in _KOREAN_TIMES for sign in run) and len(run) > 1:
            run = run[:-1]
        value = _sum(run, _KOREAN_DIGITS, _KOREAN_TIMES)
        if value is not None and (len(run) > 1 or text[match.start(1) + 1 : match.start(1) + 2].strip()):
            yield Number(value=value, start=match.start(1), end=match.start(1) + len(run))
    for match in _KOREAN_OWN.finditer(text):
        own = _KOREAN_TENS.get(match[2] or "", 0) + _KOREAN_UNITS.get(match[3] or "", 0)
        hundreds = _sum(match[1], _KOREAN_DIGITS, _KOREAN_TIMES) if match[1] else 0
        if own and hundreds is not None:
            value = hundreds + own
            yield Number(value=value, start=match.start(), end=match.end())


def _spaced(text: str, table: _Table) -> Iterator[Number]:
    tokens = words(text)
    at = 0
    while at < len(tokens):
        read = _Reading(text, tokens, table).read(at)
        if read is None:
            at += 1
            continue
        value, at_end = read
        yield Number(value=value, start=tokens[at].start, end=tokens[at_end - 1].end)
        at = at_end
    for match in _INSIDE.finditer(text):
        yield Number(value=float(match.group()), start=match.start(), end=match.end())


class _Reading:
    """One number, read word by word."""

    def __init__(self, text: str, tokens: Sequence[Word], table: _Table) -> None:
        self._text = text
        self._tokens = tokens
        self._table = table
        self._total = 0.0  # thousands and more that are done
        self._current = 0.0

    def read(self, first: int) -> tuple[float, int] | None:
        """The value and the number after its last word; nothing where no number begins at word ``first``."""
        at, done = first, first
        bare = True  # nothing but a multiplier: "thousands", "dozens"
        figures = _FIGURES.match(self._text, self._tokens[first].start)
        if figures is not None:
            value = _value(figures.group())
            if value is None:
                return None
            self._current, bare = value, False
            while at < len(self._tokens) and self._tokens[at].start < figures.end():
                at += 1
            done = at
        while at < len(self._tokens):
            if done > first and not self._is_near(done - 1, at):
                break
            if done > first and self._tokens[at].folded in self._table.joins:
                at += 1
                continue
            entry = self._entry(at, inside=done > first)
            if entry is None or not self._add(*entry[:2], joined=at > done or entry[3]):
                break
            bare = bare and entry[1]
            at = done = at + entry[2]
        value = self._total + self._current
        return None if done == first or bare or not value else (value, done)

    def _is_near(self, before: int, at: int) -> bool:
        between = self._text[self._tokens[before].end : self._tokens[at].start]
        return len(between) <= 8 and between.strip() in {"", "-", "\u2010", "\u2011", *self._table.joins}  # noqa: PLR2004 - " and "

    def _entry(self, at: int, *, inside: bool) -> tuple[float, bool, int, bool] | None:
        """The value, whether it multiplies, how many words it takes, and whether it was joined by a prefix."""
        word = self._tokens[at].folded
        if word not in self._table.firsts and (word[:1] not in _PREFIXES or word[1:] not in self._table.firsts):
            return None
        for length in range(min(_PHRASE_WORDS, len(self._tokens) - at), 0, -1):
            phrase = " ".join(token.folded for token in self._tokens[at : at + length])
            stripped = phrase[1:] if phrase[:1] in _PREFIXES else ""
            for form, joined in ((phrase, False), (stripped, inside)):
                if form in self._table.values:
                    return self._table.values[form], False, length, joined
                if form in self._table.times:
                    return self._table.times[form], True, length, joined
        return None

    def _add(self, value: float, multiplies: bool, *, joined: bool) -> bool:  # noqa: FBT001 - from one table entry
        hundred, thousand = 100, 1000
        if multiplies and value < thousand:
            if self._current >= hundred:
                return False
            self._current = (self._current or 1) * value
        elif multiplies or value >= thousand:
            factor = (self._current or 1) * value if multiplies else value
            if self._total and factor >= self._total:
                return False
            self._total, self._current = self._total + factor, 0
        elif not self._fits(value, joined=joined):
            return False
        else:
            self._current += value
        return True

    def _fits(self, value: float, *, joined: bool) -> bool:
        """Whether a part below a thousand may follow: "soixante et onze", ثلاث وعشرون, not "two forty"."""
        if not self._current:
            return True
        tens = self._current % 100
        if value < 10:  # noqa: PLR2004 - a unit
            return self._current % 10 == 0
        if value < 20:  # noqa: PLR2004 - a teen, which in French goes on after sixty and eighty
            return tens in {0, 60, 80}
        if value < 100:  # noqa: PLR2004 - tens
            return tens == 0 or (joined and tens < 10)  # noqa: PLR2004
        return False
