"""Hidden rows and columns of a workbook: which cells are in them, and which formulas may need one of these.

What hidden cells hold goes. A formula that may read one of them becomes the value it last had, or a program would
compute another one from nothing.
"""

from __future__ import annotations

import itertools
import re
from bisect import bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from fieldreport.scrub.documents.markup import Element

_X: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_ON: Final = frozenset({"1", "true", "on"})
_LAST: Final = 1 << 20  # rows of a sheet; there are fewer columns
# Each begins with the same letters whatever it finds, which is what makes a search fast.
_MAY_SAY: Final = tuple(
    re.compile(pattern)
    for pattern in (
        rb"hidden\s*=\s*[\"']\s*(?:1|t|on)",
        rb"width\s*=\s*[\"']0[.0]*[\"']",
        rb"ht\s*=\s*[\"']0[.0]*[\"']",
    )
)
_CITED: Final = re.compile(r'"[^"]*"')
_CELL: Final = r"\$?[A-Z]{1,3}\$?[0-9]{1,7}"
# What a formula names: cells, columns or rows, perhaps of another sheet, functions, numbers, and whatever has a name.
_NAMED: Final = re.compile(
    r"(?P<sheet>'(?:[^']|'')*'!|[^\W\d][\w.]*!)?"
    rf"(?:(?P<cells>{_CELL}(?::{_CELL})?|\$?[A-Z]{{1,3}}:\$?[A-Z]{{1,3}}|\$?[0-9]{{1,7}}:\$?[0-9]{{1,7}})(?![\w.(!])"
    r"|[^\W\d][\w.]*(?=\s*\()|[0-9][0-9.]*(?:E[-+]?[0-9]+)?|(?P<name>[^\W\d][\w.]*))",
    re.IGNORECASE,
)
_TO_ANYWHERE: Final = re.compile(r"\b(?:OFFSET|INDIRECT|SUBTOTAL|AGGREGATE|GETPIVOTDATA)\s*\(|\[", re.IGNORECASE)
_WORDS: Final = frozenset({"TRUE", "FALSE"})
_Span = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Hidden:
    """Of one sheet: spans of hidden rows and of hidden columns, counted from 1, in order and apart."""

    rows: tuple[_Span, ...]
    columns: tuple[_Span, ...]

    def meets(self, rows: _Span, columns: _Span) -> bool:
        """Whether a range holds a hidden cell."""
        return _overlaps(self.rows, rows) or _overlaps(self.columns, columns)

    def covers(self, rows: _Span, columns: _Span) -> bool:
        """Whether nothing of a range is shown."""
        return _contains(self.rows, rows) or _contains(self.columns, columns)


@dataclass(slots=True)
class HiddenCells:
    """Of a workbook: by the old names of the parts of sheets and their tables, and by the sheets' names in lower case.

    ``headings``: of a sheet's part, what hidden cells that are the head of a table's column hold. ``gone``: names of
    hidden sheets. ``formats``: numbers of those that cells with something in them have.
    """

    parts: dict[str, Hidden] = field(default_factory=dict)
    names: dict[str, str] = field(default_factory=dict)
    sheets: dict[str, Hidden] = field(default_factory=dict)
    headings: dict[str, dict[_Span, str]] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)
    formats: set[str | None] = field(default_factory=set)

    def add(self, part: str, name: str, hidden: Hidden | None) -> None:
        """Say what is hidden in a sheet."""
        self.names[part] = name.casefold()
        if hidden is not None:
            self.parts[part] = hidden
            self.sheets[name.casefold()] = hidden

    def needed_by(self, formula: str, part: str) -> bool:
        """Whether a formula in the sheet of this part may read a hidden cell."""
        if not self.sheets:
            return False
        formula = _CITED.sub('""', formula)
        return _TO_ANYWHERE.search(formula) is not None or any(
            self._is_needed(named, part) for named in _NAMED.finditer(formula)
        )

    def _is_needed(self, named: re.Match[str], part: str) -> bool:
        if named["cells"] is None:
            return named["name"] is not None and named["name"].upper() not in _WORDS
        sheet = named["sheet"]
        name = self.names.get(part, "") if sheet is None else sheet[:-1].strip("'").replace("''", "'").casefold()
        hidden = self.sheets.get(name)
        if hidden is None:
            return ":" in name  # a row of sheets
        return hidden.meets(*spans(named["cells"]))


def may_be(sheet: bytes) -> bool:
    """Whether a sheet may hide something: asked before it is parsed, because most do not."""
    return any(pattern.search(sheet) for pattern in _MAY_SAY) or sheet[:2] in {b"\xff\xfe", b"\xfe\xff"}


def find(sheet: Element) -> Hidden | None:
    """What a sheet hides; None when it hides nothing."""
    rows = [(number, number) for number, row in _rows(sheet) if _is_hidden(row, "ht")]
    columns = [
        (int(str(column.get("min", "1"))), int(str(column.get("max", "1"))))
        for column in sheet.iter(f"{_X}col")
        if _is_hidden(column, "width")
    ]
    return Hidden(_joined(rows), _joined(columns)) if rows or columns else None


def cells(sheet: Element, hidden: Hidden) -> Iterator[tuple[_Span, Element]]:
    """The cells of which nothing is shown, with row and column. Of merged ones the first shows what they hold."""
    merged = {}
    for merge in sheet.iter(f"{_X}mergeCell"):
        rows, columns = spans(str(merge.get("ref", "")))
        merged[rows[0], columns[0]] = rows, columns
    for number, row in _rows(sheet):
        column = 0
        for cell in row.iter(f"{_X}c"):
            place = str(cell.get("r", ""))
            column = _column(place.rstrip("0123456789")) if place else column + 1
            rows, columns = merged.get((number, column), ((number, number), (column, column)))
            if hidden.covers(rows, columns):
                yield (number, column), cell


def headings(table: Element, hidden: Hidden) -> dict[_Span, str]:
    """Name the hidden columns of a table by their numbers; answer which cells, by row and column, hold these names.

    A program that finds another name in the cell than in the table calls the file damaged.
    """
    rows, columns = spans(str(table.get("ref", "")))
    listed = list(table.iter(f"{_X}tableColumn"))
    taken = {str(column.get("name", "")) for column in listed}
    given = {}
    for number, column in enumerate(listed):
        if hidden.covers((rows[0], rows[0]), (columns[0] + number, columns[0] + number)):
            name = next(each for each in _numbered(number + 1) if each not in taken)
            taken.add(name)
            column.set("name", name)
            given[rows[0], columns[0] + number] = name
    return given if str(table.get("headerRowCount", "1")) != "0" else {}


def spans(cells: str) -> tuple[_Span, _Span]:
    """Rows and columns of a range as a formula or an attribute names it."""
    start, _, end = cells.replace("$", "").partition(":")
    first, last = (_place(each) for each in (start, end or start))
    return _span(first[0], last[0]), _span(first[1], last[1])


def _rows(sheet: Element) -> Iterator[tuple[int, Element]]:
    number = 0
    for row in sheet.iter(f"{_X}row"):
        said = str(row.get("r", ""))
        number = int(said) if said.isdecimal() else number + 1
        yield number, row


def _numbered(number: int) -> Iterator[str]:
    return (f"Column{each}" for each in itertools.count(number))


def _is_hidden(element: Element, size: str) -> bool:
    said = str(element.get(size, ""))
    return str(element.get("hidden", "0")) in _ON or (bool(said) and not said.strip("0."))


def _joined(found: list[_Span]) -> tuple[_Span, ...]:
    joined: list[_Span] = []
    for start, end in sorted(found):
        if joined and start <= joined[-1][1] + 1:
            joined[-1] = joined[-1][0], max(joined[-1][1], end)
        else:
            joined.append((start, end))
    return tuple(joined)


def _overlaps(found: tuple[_Span, ...], span: _Span) -> bool:
    at = bisect_right(found, (span[1], _LAST)) - 1
    return at >= 0 and found[at][1] >= span[0]


def _contains(found: tuple[_Span, ...], span: _Span) -> bool:
    at = bisect_right(found, (span[0], _LAST)) - 1
    return at >= 0 and found[at][1] >= span[1]


def _place(cell: str) -> tuple[int, int]:
    """Row and column; 0 for the one that is not said."""
    letters = cell.rstrip("0123456789")
    return int(cell.removeprefix(letters) or 0), _column(letters)


def _span(start: int, end: int) -> _Span:
    return (min(start, end), max(start, end)) if start and end else (1, _LAST)


def _column(letters: str) -> int:
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - ord("A") + 1
    return number
