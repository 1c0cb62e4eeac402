"""Finds days and times of day, in figures and in words, in every language of ``moments.toml``.

Rules: patterns run on a folded text of the same length, so offsets stay; a whole date and a time of day tell something
by themselves; a weekday, a bare day or a bare hour only where a report has the same.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Final

from fieldreport.press.leakcheck.findings import Rule
from fieldreport.press.leakcheck.language import passages
from fieldreport.press.leakcheck.numerals import word_joins, word_values
from fieldreport.press.leakcheck.text import fold, plain

TABLES: Final[Mapping[str, Any]] = tomllib.loads(
    files("fieldreport.press.leakcheck").joinpath("moments.toml").read_text(encoding="utf-8")
)
_EAST: Final = r"[\d零〇一二两兩三四五六七八九十廿]{1,4}"
_KOREAN_SINO: Final = r"(?:\d{1,2}|[일이삼사오육륙칠팔구십유시]{1,3})"
_KOREAN_HOURS: Final = ("한", "두", "세", "네", "다섯", "여섯", "일곱", "여덟", "아홉", "열", "열한", "열두")
_EAST_VALUES: Final = {sign: value for value, sign in enumerate("〇一二三四五六七八九")} | {"两": 2, "兩": 2, "零": 0}
_KOREAN_VALUES: Final = {sign: value for value, sign in enumerate("영일이삼사오육칠팔구")} | {
    "륙": 6,
    "유": 6,
    "시": 10,
}
_DAY_SUFFIX: Final = r"(?:st|nd|rd|th|\.?o|\.|a|ero|er|ro|-?го)?"
_NUMERIC: Final = (
    re.compile(r"(?<!\d)(?:19|20)\d\d[-./\u2010-\u2014](?P<m>\d{1,2})[-./\u2010-\u2014](?P<d>\d{1,2})(?!\d)"),
    re.compile(r"(?<![\d.])(?P<d>\d{1,2})[./-](?P<m>\d{1,2}|[^\W\d_]{3,5})[./-](?:(?:19|20)\d\d|\d\d)(?![\d.]\d)"),
    re.compile(rf"(?P<m>{_EAST})\s?月\s?(?P<d>{_EAST})\s?[日号號]"),
    re.compile(rf"(?<![가-힣])(?P<m>{_KOREAN_SINO})\s?월\s?(?P<d>{_KOREAN_SINO})\s?일"),
)
_NUMERIC_SHARED: Final = (
    re.compile(r"(?<![\d./])(?P<m>\d{1,2})[./](?P<d>\d{1,2})(?![\d./%])"),
    re.compile(rf"(?<![月\d一二三四五六七八九十])(?P<d>{_EAST})\s?[日号號](?![間间子本曜元])"),
    re.compile(rf"(?<![가-힣월]\s)(?<![가-힣\d])(?P<d>{_KOREAN_SINO})\s?일(?!\s?동안|간)"),
)
_UNITS, _DAY_HOURS, _MONTH_DAYS, _MINUTES = 10, 24, 31, 60
_HOURS: Final = 12  # 4:30 and 16:30 are one hour here: words seldom say which


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """A day or a time and its place.

    ``value`` names it across languages; ``alone`` says that it tells something although no report has it.
    """

    rule: Rule
    value: tuple[str, int]
    start: int
    end: int
    alone: bool


def _alternatives(words: Iterable[str]) -> str:
    ordered = sorted({fold(word) for word in words}, key=lambda word: (-len(word), word))
    return "|".join(re.sub(r"[ -]", r"[\\s-]", word) for word in ordered)


_MONTHS: Final = {
    fold(name): number
    for number, names in (
        *enumerate(TABLES["months"]["english"], 1),
        *((int(key), names) for key, names in TABLES["months"].items() if key != "english"),
    )
    for name in names
}
_ENGLISH: Final = frozenset(name for names in TABLES["months"]["english"] for name in names)
_ELSEWHERE: Final = frozenset(
    fold(name) for key, names in TABLES["months"].items() if key != "english" for name in names
)
_MONTH: Final = rf"(?P<month>{_alternatives(_MONTHS)})(?!\w)"
_WEEKDAY: Final = {fold(name): int(day) for day, names in TABLES["weekdays"].items() for name in names}
_EAST_ASIAN_FROM: Final = "\u3000"
_WEEKDAYS: Final = re.compile(
    r"(?:(?<!\w)|(?<=[\u0600-\u06ff]))"
    rf"(?P<word>{_alternatives(name for name in _WEEKDAY if name < _EAST_ASIAN_FROM)})(?!\w)"
    rf"|(?P<sign>{_alternatives(name for name in _WEEKDAY if name > _EAST_ASIAN_FROM)})"
)


# "0415" in the table is a day of the common calendar, "lunar0815" one of the lunar year.
_NAMED_DAYS: Final = {
    fold(name): ("lunar" if day.startswith("lunar") else "date", int(day.removeprefix("lunar")))
    for day, names in TABLES["days"].items()
    for name in names
}
_NAMED: Final = re.compile(
    rf"(?<!\w)(?:{_alternatives(name for name in _NAMED_DAYS if name < _EAST_ASIAN_FROM)})(?!\w)"
    rf"|(?:{_alternatives(name for name in _NAMED_DAYS if name > _EAST_ASIAN_FROM)})"
)
_LUNAR_MONTHS: Final[Mapping[str, int]] = TABLES["lunar"]["months"]
_LUNAR_DAYS: Final[Mapping[str, int]] = TABLES["lunar"]["days"]


class _Words:
    """The numbers of one language as patterns, and what each is worth."""

    def __init__(self, language: str) -> None:
        cardinals, ordinals = word_values(language)
        self._values = {**ordinals, **cardinals}
        self._east = language in {"zh", "ja"}
        self._korean = language == "ko"
        small = {word: value for word, value in cardinals.items() if 0 < value < _MINUTES}
        joins = _alternatives(word_joins(language)) or "(?!)"

        def compound(units: Mapping[str, int]) -> str:
            """Tens and units: "twenty-five", "veinte y cinco"."""
            tens = _alternatives(word for word, value in small.items() if value >= _UNITS and value % 10 == 0)
            ones = _alternatives(word for word, value in units.items() if value < _UNITS)
            return rf"(?:{tens})[\s-](?:(?:{joins})\s)?(?:{ones})" if tens and ones else "(?!)"

        days, minutes = _alternatives(self._values) or "(?!)", _alternatives(small) or "(?!)"
        hours = _EAST if self._east else _alternatives(word for word, value in small.items() if value <= _DAY_HOURS)
        self._fills = {
            "{h}": rf"(?P<h>\d{{1,2}}|{hours or '(?!)'})",
            "{m}": rf"(?:\d{{1,2}}|{compound(small)}|{minutes})",
            "{o}": rf"(?P<o>{_alternatives(ordinals) or '(?!)'})",
            "{d}": rf"(?P<d>\d{{1,2}}{_DAY_SUFFIX}|{compound(ordinals)}|{compound(small)}|{days})",
            "{f}": rf"(?P<d>\d{{1,2}}{_DAY_SUFFIX}|{compound(ordinals)}|{_alternatives(ordinals) or '(?!)'})",
            "{n}": _EAST,
            "{month}": _MONTH,
        }
        if self._korean:
            self._values = {word: value for value, word in enumerate(_KOREAN_HOURS, 1)}
            self._fills["{h}"] = rf"(?P<h>\d{{1,2}}|{_alternatives(_KOREAN_HOURS)})"
            self._fills["{m}"] = rf"(?:\d{{1,2}}|{_KOREAN_SINO})"

    def pattern(self, template: str, *, named: bool = True) -> re.Pattern[str]:
        """The pattern with the numbers of this language in it, as groups of their own where they are ``named``."""
        for name, filling in self._fills.items():
            template = template.replace(name, filling if named else re.sub(r"\(\?P<\w+>", "(?:", filling))
        return re.compile(template)

    def value(self, spelled: str) -> int:
        """What a matched number is worth; 0 where it is none."""
        figures = re.match(r"\d+", spelled)
        if figures is not None:
            return int(figures.group())
        if spelled in self._values:
            return self._values[spelled]
        if spelled[:1] in _KOREAN_VALUES or spelled[:1] == "십":
            return _east(spelled, _KOREAN_VALUES, "십")
        if spelled[:1] in _EAST_VALUES or spelled[:1] == "十":
            return _east(spelled, _EAST_VALUES, "十")
        key = re.sub(r"[\s-]+", " ", spelled)
        return self._values.get(key) or sum(self._values.get(word, 0) for word in key.split())


def _east(spelled: str, values: Mapping[str, int], ten: str) -> int:
    if spelled.isdecimal():
        return int(spelled)
    before, sign, after = spelled.partition(ten)
    if not sign:
        return values.get(spelled, 0)
    return 10 * (values.get(before, 1) if before else 1) + values.get(after, 0)


class _Language:
    def __init__(self, language: str) -> None:
        self.words = _Words(language)
        clocks = (*TABLES["clock"]["any"], *TABLES["clock"].get(language, ()))
        self.clocks = [self.words.pattern(template) for template in clocks]
        self.bare_clocks = [self.words.pattern(template) for template in TABLES["clock_shared"].get(language, ())]
        dates = dict.fromkeys((*TABLES["dates"].get(language, ()), *TABLES["dates"]["en"], *TABLES["dates"]["es"]))
        self.dates = [self.words.pattern(template) for template in dates]
        self.lunar = [self.words.pattern(template, named=False) for template in TABLES["lunar"]["patterns"]]
        self.bare_days = [self.words.pattern(template) for template in TABLES["days_shared"].get(language, ())]


@cache
def _language(name: str) -> _Language:
    return _Language(name)


def moments(text: str, language: str = "en") -> Iterator[Moment]:
    """Every day and time of day in ``text``; the places of several may overlap.

    ``language`` is what a line counts as that does not tell.
    """
    for passage in passages(text, language):
        folded, table = plain(passage.text), _language(passage.language)
        for rule, value, start, end, alone in _found(passage.text, folded, table):
            yield Moment(rule=rule, value=value, start=passage.start + start, end=passage.start + end, alone=alone)


_Found = tuple[Rule, tuple[str, int], int, int, bool]


def _found(text: str, plain: str, table: _Language) -> Iterator[_Found]:
    yield from _dates(text, plain, table)
    yield from _bare_days(plain, table)
    yield from _named_days(plain, table)
    for patterns, alone in ((table.clocks, True), (table.bare_clocks, False)):
        for pattern in patterns:
            for match in pattern.finditer(plain):
                groups = match.groupdict()
                hour = table.words.value(groups.get("h") or groups.get("o") or "0")
                yield Rule.CLOCK_TIME, ("hour", hour % _HOURS), match.start(), match.end(), alone


def _dates(text: str, plain: str, table: _Language) -> Iterator[_Found]:
    for pattern in (*_NUMERIC, *table.dates):
        for match in pattern.finditer(plain):
            groups = match.groupdict()
            name = groups.get("month") or groups.get("m") or ""
            if groups.get("month") in _ENGLISH - _ELSEWHERE and not text[match.start("month")].isupper():
                continue
            month, day = _month(name, table), table.words.value(match["d"])
            if 0 < month <= _MONTH_DAYS and 0 < day <= _MONTH_DAYS:
                yield Rule.EXACT_DATE, ("date", month * 100 + day), match.start(), match.end(), True


def _bare_days(plain: str, table: _Language) -> Iterator[_Found]:
    for pattern in (*_NUMERIC_SHARED, *table.bare_days):
        for match in pattern.finditer(plain):
            groups = match.groupdict()
            day = table.words.value(groups.get("d") or groups.get("o") or "")
            if groups.get("m") is None:
                yield Rule.EXACT_DATE, ("day", day), match.start(), match.end(), False
                continue
            month = table.words.value(match["m"])
            for value in (month * 100 + day, day * 100 + month):  # some write the month first
                yield Rule.EXACT_DATE, ("date", value), match.start(), match.end(), False
    for match in _WEEKDAYS.finditer(plain):
        weekday = _WEEKDAY[match["word"] or match["sign"]]
        yield Rule.EXACT_DATE, ("weekday", weekday), match.start(), match.end(), False


def _named_days(plain: str, table: _Language) -> Iterator[_Found]:
    for match in _NAMED.finditer(plain):
        yield Rule.EXACT_DATE, _NAMED_DAYS[match.group()], match.start(), match.end(), False
    for pattern in table.lunar:
        for match in pattern.finditer(plain):
            month, day = _lunar(match["m"], _LUNAR_MONTHS, table), _lunar(match["d"], _LUNAR_DAYS, table)
            if 0 < month <= _HOURS and 0 < day < _MONTH_DAYS:
                yield Rule.EXACT_DATE, ("lunar", month * 100 + day), match.start(), match.end(), True


def _lunar(spelled: str, names: Mapping[str, int], table: _Language) -> int:
    if spelled in names:
        return names[spelled]
    bare = spelled.removesuffix("월").removesuffix("일")
    if bare[:1] == "廿":
        return 20 + (table.words.value(bare[1:]) if bare[1:] else 0)
    return table.words.value(bare.removeprefix("初"))


def _month(spelled: str, table: _Language) -> int:
    return _MONTHS.get(spelled) or table.words.value(spelled)
