"""Sheets of Excel: a row is a line, its cells stand in their columns, a date is written as one.

Source: ISO/IEC 29500-1, 18.3.1.4 (cells), 18.8.30 (formats of numbers), 18.17.4 (dates).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from fieldreport.scrub.documents.extract.elements import attribute, name_of, numbered, run
from fieldreport.scrub.documents.extract.lines import Heading
from fieldreport.scrub.documents.markup import Element

_GAP: Final = 50  # empty cells before one that are written; a wider gap is one
_DATES: Final = frozenset({*range(14, 23), *range(45, 48)})  # built-in formats of dates and times
# Words, colours and conditions of a format.
_NO_CODE: Final = re.compile(r'"[^"]*"|\\.|\[(?![hms]+\])[^\]]*\]', re.IGNORECASE)
_DATE_CODE: Final = re.compile(r"[ymdhs]", re.IGNORECASE)
_DAY_ZERO, _DAY_ZERO_OF_1904 = datetime(1899, 12, 30), datetime(1904, 1, 1)  # noqa: DTZ001 - a sheet has no zone
_LAST_DAY: Final = 2_958_465  # 9999-12-31


@dataclass(frozen=True, slots=True)
class _Book:
    """What cells refer to: shared texts, the styles that show dates, the day that dates count from."""

    shared: list[str]
    dates: frozenset[int]
    zero: datetime


def lines(part: Callable[[str], Element], names: Iterable[str]) -> Iterator[str]:
    """All sheets in their order, each under its name."""
    names = list(names)
    workbook = part("xl/workbook.xml")
    book = _Book(
        shared=[run(item) for item in part("xl/sharedStrings.xml") if name_of(item) == "si"]
        if "xl/sharedStrings.xml" in names
        else [],
        dates=_date_styles(part("xl/styles.xml")) if "xl/styles.xml" in names else frozenset(),
        zero=_DAY_ZERO_OF_1904
        if any(attribute(each, "date1904") in {"1", "true"} for each in workbook.iter())
        else _DAY_ZERO,
    )
    titles = [attribute(sheet, "name") for sheet in workbook.iter() if name_of(sheet) == "sheet"]
    for at, name in enumerate(numbered(names, r"xl/worksheets/sheet\d+\.xml")):
        yield Heading(f"[{titles[at] if at < len(titles) else at + 1}]")
        for row in part(name).iter():
            if name_of(row) == "row":
                yield "\t".join(_cells(row, book))
        yield ""


def _date_styles(styles: Element) -> frozenset[int]:
    codes = {
        attribute(each, "numFmtId"): attribute(each, "formatCode")
        for each in styles.iter()
        if name_of(each) == "numFmt"
    }
    found = set()
    for table in styles.iter():
        if name_of(table) == "cellXfs":
            for number, style in enumerate(each for each in table if name_of(each) == "xf"):
                kind = attribute(style, "numFmtId")
                code = _NO_CODE.sub("", codes.get(kind, ""))
                if (kind.isdigit() and int(kind) in _DATES) or (code != "General" and _DATE_CODE.search(code)):
                    found.add(number)
    return frozenset(found)


def _cells(row: Element, book: _Book) -> Iterator[str]:
    column = 0
    for cell in row:
        if name_of(cell) == "c":
            place = _column(attribute(cell, "r"))
            gap = place - column - 1 if place else 0
            yield from [""] * min(max(gap, 0), _GAP)
            yield _cell(cell, book).replace("\t", " ")
            column = max(place, column + 1)


def _column(reference: str) -> int:
    """The number of a cell's column from its reference ("AB12"), or 0 where it has none."""
    number = 0
    for letter in reference.rstrip("0123456789"):
        if not "A" <= letter <= "Z":
            return 0
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _cell(cell: Element, book: _Book) -> str:
    kind = attribute(cell, "t")
    if kind == "inlineStr":
        return run(cell)
    value = next((each.text or "" for each in cell if name_of(each) == "v"), "")
    if kind == "s" and value.isdigit() and int(value) < len(book.shared):
        return book.shared[int(value)]
    style = attribute(cell, "s")
    if kind in {"", "n"} and style.isdigit() and int(style) in book.dates:
        return _date(value, book.zero)
    return value


def _date(value: str, zero: datetime) -> str:
    try:
        days = float(value)
    except ValueError:
        return value
    if not 0 <= days <= _LAST_DAY:
        return value
    moment = zero + timedelta(seconds=round(days * 86_400))
    if days < 1:
        return f"{moment:%H:%M}"
    return f"{moment:%Y-%m-%d}" if days.is_integer() else f"{moment:%Y-%m-%d %H:%M}"
