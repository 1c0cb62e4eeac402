"""What an OpenDocument file holds and does not show: sheets, rows, columns, slides, sections, texts and fields."""

from __future__ import annotations

import copy
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from fieldreport.scrub.documents.markup import Element, remove
from fieldreport.scrub.documents.opendocument.namespaces import DRAW, PRESENTATION, STYLE, TABLE, TEXT
from fieldreport.scrub.documents.opendocument.part import SHOWING, Part
from fieldreport.scrub.verdicts import Removed

_STYLED: Final = {
    f"{TEXT}p": f"{TEXT}style-name",
    f"{TEXT}h": f"{TEXT}style-name",
    f"{TEXT}span": f"{TEXT}style-name",
    f"{TABLE}table": f"{TABLE}style-name",
    f"{DRAW}page": f"{DRAW}style-name",
}
_SHOWN: Final = (  # where a style says whether what has it is shown, and how it says that it is not
    (f"{STYLE}text-properties", f"{TEXT}display", "none"),
    (f"{STYLE}table-properties", f"{TABLE}display", "false"),
    (f"{STYLE}drawing-page-properties", f"{PRESENTATION}visibility", "hidden"),
)
_CELLS: Final = (f"{TABLE}table-cell", f"{TABLE}covered-table-cell")
_UNSEEN: Final = frozenset({"collapse", "filter"})
_OF_CELL: Final = frozenset(  # attributes that say what a cell looks like and not what is in it
    {f"{TABLE}{name}" for name in ("style-name", "number-columns-repeated", "number-columns-spanned")}
    | {f"{TABLE}number-rows-spanned"}
)
_REFERENCE: Final = re.compile(
    r"\[\$?(?P<sheet>'(?:[^']|'')+'|[^'.\[\]]*)\.\$?(?P<c1>[A-Z]{0,3})\$?(?P<r1>\d{0,7})"
    r"(?::(?:[^.\[\]]*)\.\$?(?P<c2>[A-Z]{0,3})\$?(?P<r2>\d{0,7}))?\]"
)
_DISPLAY: Final = f"{DRAW}display"
_ENDLESS: Final = 1 << 24


@dataclass(frozen=True, slots=True)
class _Area:
    """Rows and columns of a sheet, from and up to, the first is 1."""

    columns: tuple[int, int]
    rows: tuple[int, int]

    def meets(self, other: _Area) -> bool:
        return all(
            mine[0] < theirs[1] and theirs[0] < mine[1]
            for mine, theirs in ((self.columns, other.columns), (self.rows, other.rows))
        )


class HiddenCells:
    """What was in cells that are not shown, and which sheets there were: no formula may ask for it any more."""

    def __init__(self) -> None:
        self.sheets: set[str] = set()
        self.areas: dict[str, list[_Area]] = {}

    def is_shown_by(self, element: Element, formula: str) -> bool:
        """Whether a formula's value comes from what is hidden: it stays as a value."""
        if any(sheet in formula for sheet in self.sheets):
            return True
        if not self.areas:
            return False
        own = next((str(table.get(f"{TABLE}name", "")) for table in element.iterancestors(f"{TABLE}table")), "")
        for match in _REFERENCE.finditer(formula):
            sheet = match["sheet"].strip("'").replace("''", "'") or own
            asked = _Area(_columns(match["c1"], match["c2"]), _rows(match["r1"], match["r2"]))
            if any(area.meets(asked) for area in self.areas.get(sheet, ())):
                return True
        return False


class Hiding:
    """The styles of a document that hide what has them. ``parts``: all roots that hold styles."""

    def __init__(self, parts: Collection[Part]) -> None:
        said = {
            _key(style): properties.get(attribute) == hiding
            for tag, attribute, hiding in _SHOWN
            for part in parts
            for properties in part.each(tag)
            if attribute in properties.attrib and (style := properties.getparent()) is not None
        }
        self._names: set[tuple[str, str]] = set()
        if any(said.values()):
            styles = [style for part in parts for style in part.each(f"{STYLE}style")]
            parents = {_key(style): str(style.get(f"{STYLE}parent-style-name", "")) for style in styles}
            self._names = {key for key in parents if _hides(key, said, parents)}

    def drop(self, part: Part, removed: set[Removed], cells: HiddenCells) -> None:
        """Take out of a part what it does not show."""
        gone = [*self._unseen(part), *_unseen_fields(part)]
        for element in gone:
            if element.tag == f"{TABLE}table":
                cells.sheets.add(str(element.get(f"{TABLE}name", "")))
            if element.getparent() is not None:
                remove(element)
        emptied = sum(_empty_cells(table, cells) for table in part.each(f"{TABLE}table"))
        for cell in part.each(f"{TABLE}covered-table-cell"):
            emptied += _empty(cell)
        if gone or emptied:
            removed.add(Removed.HIDDEN_CONTENT)

    def _unseen(self, part: Part) -> Iterator[Element]:
        if self._names:
            for element in part.root.iter(*_STYLED):
                name = str(element.get(_STYLED[str(element.tag)], ""))
                if name and (_family(element), name) in self._names:
                    yield element
        for element in part.each(f"{TEXT}section"):
            if element.get(f"{TEXT}display") == "none" or element.get(f"{TEXT}is-hidden") == "true":
                yield element


def _family(element: Element) -> str:
    match str(element.tag).rpartition("}")[2]:
        case "span":
            return "text"
        case "table":
            return "table"
        case "page":
            return "drawing-page"
        case _:
            return "paragraph"


def _key(style: Element) -> tuple[str, str]:
    return str(style.get(f"{STYLE}family", "")), str(style.get(f"{STYLE}name", ""))


def _hides(key: tuple[str, str], said: Mapping[tuple[str, str], bool], parents: Mapping[tuple[str, str], str]) -> bool:
    """Whether a style hides what has it, or the nearest of those that it is made of and that say something does."""
    seen = set()
    while key not in seen:
        seen.add(key)
        if key in said or key not in parents:
            break
        key = (key[0], parents[key])
    return said.get(key, False)


def _unseen_fields(part: Part) -> Iterator[Element]:
    """Fields that show nothing, paragraphs that a field in them hides, and shapes on layers that are not shown."""
    yield from (field for field in part.each(*SHOWING) if field.get(f"{TEXT}display") == "none")
    yield from (field for field in part.each(f"{TEXT}hidden-text") if field.get(f"{TEXT}is-hidden") != "false")
    for field in part.each(f"{TEXT}hidden-paragraph"):
        if field.get(f"{TEXT}is-hidden") == "true":
            yield from field.iterancestors(f"{TEXT}p", f"{TEXT}h")
    layers = {str(each.get(f"{DRAW}name", "")) for each in part.each(f"{DRAW}layer") if each.get(_DISPLAY) == "none"}
    if layers:
        yield from (shape for shape in part.root.iter() if shape.get(f"{DRAW}layer") in layers)


def _empty_cells(table: Element, cells: HiddenCells) -> int:
    """Empty the rows and columns of a table that are not shown; answer how many cells said something."""
    columns = [each for each in _spans(_own(table, f"{TABLE}table-column"), "columns") if _is_unseen(each[0])]
    rows = [each for each in _spans(_own(table, f"{TABLE}table-row"), "rows") if columns or _is_unseen(each[0])]
    emptied = 0
    areas: list[_Area] = []
    for row, first, end in rows:
        if _is_unseen(row):
            found = sum(map(_empty, row))
            areas += [_Area((1, _ENDLESS), (first, end))] if found else []
        else:
            found = sum(_empty_part(row, start, stop) for _, start, stop in columns)
        emptied += found
    areas += [_Area((start, stop), (1, _ENDLESS)) for _, start, stop in columns if emptied]
    if areas and table.getparent() is not None:
        cells.areas.setdefault(str(table.get(f"{TABLE}name", "")), []).extend(areas)
    return emptied


def _own(table: Element, tag: str) -> Iterator[Element]:
    """Rows or columns of a table, in their groups, without those of tables in its cells."""
    for child in table:
        if child.tag == tag:
            yield child
        elif child.tag not in {*_CELLS, f"{TABLE}table-row", f"{TABLE}shapes"}:
            yield from _own(child, tag)


def _spans(elements: Iterable[Element], what: str) -> Iterator[tuple[Element, int, int]]:
    """Each row, column or cell with the number of the first that it stands for, and of the one behind the last."""
    position = 1
    for element in elements:
        count = str(element.get(f"{TABLE}number-{what}-repeated", "1"))
        end = position + (int(count) if count.isascii() and count.isdigit() else 1)
        yield element, position, end
        position = end


def _is_unseen(element: Element) -> bool:
    return element.get(f"{TABLE}visibility") in _UNSEEN


def _empty_part(row: Element, start: int, stop: int) -> int:
    """Empty the cells of some columns of a row. A cell that is repeated beyond them is taken apart."""
    emptied = 0
    for cell, first, end in list(_spans(row.iterchildren(*_CELLS), "columns")):
        if first >= stop or end <= start or not _says_something(cell):
            continue
        place = row.index(cell)
        for number, (begin, until) in enumerate(((first, start), (max(first, start), min(end, stop)), (stop, end))):
            if begin < until:
                piece = copy.deepcopy(cell)
                piece.tail = None
                piece.set(f"{TABLE}number-columns-repeated", str(until - begin))
                emptied += _empty(piece) if number == 1 else 0
                row.insert(place, piece)
                place += 1
        row.remove(cell)
    return emptied


def _says_something(cell: Element) -> bool:
    return len(cell) > 0 or any(name not in _OF_CELL for name in map(str, cell.attrib))


def _empty(cell: Element) -> int:
    """Take everything out of a cell; answer whether there was anything."""
    if cell.tag not in _CELLS or not _says_something(cell):
        return 0
    for child in list(cell):
        cell.remove(child)
    cell.text = None
    said = [name for name in map(str, cell.attrib) if name not in _OF_CELL]
    for name in said:
        del cell.attrib[name]
    return 1


def _columns(first: str, last: str | None) -> tuple[int, int]:
    if not first:
        return (1, _ENDLESS)
    return (_column(first), _column(last or first) + 1)


def _column(letters: str) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + ord(letter) - ord("A") + 1
    return number


def _rows(first: str, last: str | None) -> tuple[int, int]:
    return (int(first), int(last or first) + 1) if first else (1, _ENDLESS)
