"""Names and addresses inside an OpenDocument file: what a program gave and no reader sees gets a number instead.

One ``Names`` serves all parts of a document, so that what one part calls something, the others call it, too.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable, Mapping
from typing import Final

from fieldreport.scrub.documents import tables
from fieldreport.scrub.documents.links import clean_link
from fieldreport.scrub.documents.markup import Element, remove, unwrap
from fieldreport.scrub.documents.opendocument.hidden import HiddenCells
from fieldreport.scrub.documents.opendocument.namespaces import DRAW, OFFICE, TABLE, TEXT, XLINK
from fieldreport.scrub.documents.opendocument.part import Part
from fieldreport.scrub.documents.vocabularies import USUAL_FONT, listed
from fieldreport.scrub.documents.xml_rewrite import Make
from fieldreport.scrub.verdicts import Removed

_KINDS: Final = tables.load("kinds")
_STYLE: Final = re.compile(_KINDS["plain"]["odf-style"])
_OWN_STYLE: Final = re.compile(r"s\d+(?:-[\w-]+)?")
# What begins with the name of a master page, which is how programs find what its texts look like.
_OF_MASTER: Final = re.compile(r"(.+)-(title|subtitle|background|backgroundobjects|notes|outline[1-9])")
_SHAPE_TYPE: Final = re.compile(_KINDS["plain"]["shape-type"])
_NEUTRAL: Final = re.compile(_KINDS["plain"]["neutral-name"])
_REFERENCE: Final = re.compile(_KINDS["reference"])
_OUTSIDE: Final = re.compile(r"file:|://|\bDDE\b|\bWEBSERVICE\b", re.IGNORECASE)
_CALLED: Final = re.compile(r"\?(\w+)")
_LANGUAGES: Final = {
    tables.load(f"opendocument/{prefix}")["namespace"]: prefix for prefix in ("of", "oooc", "ooow", "msoxl")
}
_LANGUAGE: Final = re.compile(r"(\w+):(?!:)")
_TEXT_TABLE: Final = re.compile(r"<([^<>.]+)\.(?=[A-Z])")
_OWN_DATA: Final = "local-table"  # of a chart, beside it
_REFERRING: Final = (
    (f"{DRAW}connector", f"{DRAW}start-shape"),
    (f"{DRAW}connector", f"{DRAW}end-shape"),
    (f"{DRAW}text-box", f"{DRAW}chain-next-name"),
    (f"{TEXT}list", f"{TEXT}continue-list"),
)
_NAMED: Final = (f"{TABLE}named-range", f"{TABLE}named-expression", f"{TABLE}database-range")
_WITH_FORMULA: Final = {
    f"{TABLE}table-cell": f"{TABLE}formula",
    f"{TABLE}named-expression": f"{TABLE}expression",
    f"{TABLE}content-validation": f"{TABLE}condition",
}


class Names:
    """What the parts of a document are called from now on. ``made`` is for ``xml_rewrite.Rewriting``."""

    def __init__(self, removed: set[Removed]) -> None:
        self._removed = removed
        self._styles: dict[object, str] = {}
        self._ids: dict[str, str] = {}
        self._wanted: set[str] = set()  # ids that something refers to
        self._tables: dict[str, str] = {_OWN_DATA: _OWN_DATA}  # of texts and charts
        self._sheets: set[str] = set()
        self._ranges: dict[str, str] = {}
        self._lost: re.Pattern[str] | None = None  # names of ranges that lead nowhere
        self._count = 0
        self._spaces: dict[str | None, str] = {}
        self.languages: set[str] = set()  # of the formulas of a part that were written
        self.hidden = HiddenCells()
        self.made: dict[str, Make] = {
            "odf-style": lambda _, __, value: self._style(value),
            "odf-styles": lambda _, __, value: " ".join(map(self._own_style, value.split())),
            "odf-id": lambda _, __, value: self._id(value),
            "odf-name": lambda _, __, ___: self._number(),
            "font": lambda _, __, value: self._font(value),
            "font-face": lambda _, __, value: listed("font", value) or self._own_style(("font", value)),
            "shape-type": lambda _, __, value: value if _SHAPE_TYPE.fullmatch(value) else "non-primitive",
            "sheet-name": lambda _, __, value: value if value in self._sheets else self._tables.get(value),
            "shown-name": lambda _, __, value: self._ranges.get(value),
            "address": lambda _, __, value: self._address(value),
            "cell-text": lambda element, _, value: self._cell_text(element, value),
            "formula": lambda element, _, value: self._formula(element, value),
        }

    def begin(self, part: Part) -> None:
        """Say that a part is being written."""
        self._spaces = part.root.nsmap
        self.languages.clear()

    def settle(self, part: Part) -> None:
        """Learn what one part calls its things, and rename what is called by more than an attribute of its own."""
        self.begin(part)
        for tag, attribute in _REFERRING:
            self._wanted |= {str(element.get(attribute)) for element in part.each(tag) if element.get(attribute)}
        for table in part.each(f"{TABLE}table"):
            name = str(table.get(f"{TABLE}name", ""))
            if _is_sheet(table):
                self._sheets.add(name)
            else:
                self._tables.setdefault(name, f"Table{len(self._tables)}")
        self._settle_ranges(part)
        for geometry in part.each(f"{DRAW}enhanced-geometry"):
            _settle_equations(geometry)
        pages, links = _settle_pages(part), part.each(f"{TEXT}a", f"{DRAW}a")
        self._settle_links(links, pages | _settle_bookmarks(part, links))

    def _settle_ranges(self, part: Part) -> None:
        """Names of ranges stay where a formula shows them."""
        named = part.each(*_NAMED)
        if not named:
            return
        lost = {str(element.get(f"{TABLE}name", "")) for element in named if self._leads_nowhere(element)} - {""}
        if lost:
            self._lost = re.compile(rf"(?<![\w.])(?:{'|'.join(map(re.escape, sorted(lost)))})(?![\w.(])", re.IGNORECASE)
        for element in named:
            if str(element.get(f"{TABLE}name", "")) in lost:
                remove(element)
        names = [str(element.get(f"{TABLE}name", "")) for element in part.each(*_NAMED)]
        formulas = (
            self._formula(element, str(element.get(_WITH_FORMULA[str(element.tag)], "")))
            for element in part.root.iter(*_WITH_FORMULA)
        )
        shown = "\n".join(filter(None, formulas)).casefold()
        free = itertools.filterfalse(names.__contains__, map("Table{}".format, itertools.count(1)))
        for name in dict.fromkeys(names):
            kept = _NEUTRAL.fullmatch(name) is not None or name.casefold() in shown
            self._ranges[name] = name if kept else next(free)

    def _leads_nowhere(self, named: Element) -> bool:
        """Whether what a name stands for is not in the document, or is hidden in it."""
        addresses = (named.get(f"{TABLE}cell-range-address"), named.get(f"{TABLE}target-range-address"))
        if any(address and self._address(str(address)) is None for address in addresses):
            return True
        expression = named.get(f"{TABLE}expression")
        return expression is not None and self._formula(named, str(expression)) is None

    def _settle_links(self, links: Iterable[Element], places: Mapping[str, str]) -> None:
        inside = {f"#{old}": f"#{new}" for old, new in places.items()}
        for link in links:
            href = str(link.get(f"{XLINK}href", ""))
            kept = inside.get(_target(href)) if href.startswith("#") else clean_link(href)
            if kept != href and not href.startswith("#"):
                self._removed.add(Removed.LINKS)
            if kept is None:
                _unwrap_mixed(link)
            else:
                link.set(f"{XLINK}href", kept)

    def _style(self, name: str) -> str:
        if _STYLE.fullmatch(name) is not None and not _OWN_STYLE.fullmatch(name):
            return name
        if (found := _OF_MASTER.fullmatch(name)) is not None:
            return f"{self._style(found[1])}-{found[2]}"
        return self._own_style(name)

    def _own_style(self, name: object) -> str:
        return self._styles.setdefault(name, f"s{len(self._styles) + 1}")

    def _id(self, name: str) -> str | None:
        return self._ids.setdefault(name, f"i{len(self._ids) + 1}") if name in self._wanted else None

    def _number(self) -> str:
        self._count += 1
        return f"n{self._count}"

    def _font(self, families: str) -> str:
        for family in families.split(","):
            if (known := listed("font", family.strip("\"' ").partition(":")[0])) is not None:
                return known
        self._removed.add(Removed.OTHER_METADATA)
        return USUAL_FONT

    def _address(self, value: str) -> str | None:
        """Addresses of cells; none at all if one of them leads to a sheet that is not there, or out of the document."""
        written, position = "", 0
        while position < len(value):
            match = _REFERENCE.match(value, position)
            if match is None:
                return None
            name = match["name"] or (match["quoted"] or "").replace("''", "'")
            said = match[0]
            if name and name not in self._sheets:
                if name not in self._tables:
                    self._removed |= set() if name in self.hidden.sheets else {Removed.LINKS}
                    return None
                said = said.replace(match["name"] or f"'{match['quoted']}'", self._tables[name], 1)
            written += said + value[match.end() : match.end() + 1]
            if value[match.end() : match.end() + 1] not in {"", ":", " "}:
                return None
            position = match.end() + 1
        return written

    def _cell_text(self, cell: Element, value: str) -> str | None:
        """What a cell says it says, unless its paragraphs, which are shown, say something else."""
        shown = [paragraph for paragraph in cell if paragraph.tag == f"{TEXT}p"]
        said = "".join("".join(map(str, paragraph.itertext())) for paragraph in shown)
        if not shown or "".join(said.split()) == "".join(value.split()):
            return value
        if value.strip():
            self._removed.add(Removed.HIDDEN_CONTENT)
        return None

    def _formula(self, element: Element, value: str) -> str | None:
        if _OUTSIDE.search(value) is not None:
            self._removed.add(Removed.LINKS)
            return None
        if self.hidden.is_shown_by(element, value) or (self._lost is not None and self._lost.search(value)):
            return None
        said = _LANGUAGE.match(value)
        if said is not None and (language := self._spaces.get(said[1])) is not None:
            if language not in _LANGUAGES:
                return None  # a program's own, which nobody else reads
            self.languages.add(_LANGUAGES[language])
            value = f"{_LANGUAGES[language]}:{value[said.end() :]}"
        if "<" not in value or self._sheets:
            return value
        if not all(name in self._tables for name in _TEXT_TABLE.findall(value)):
            return None
        return _TEXT_TABLE.sub(lambda match: f"<{self._tables[match[1]]}.", value)


def _is_sheet(table: Element) -> bool:
    parent = table.getparent()
    return parent is not None and parent.tag == f"{OFFICE}spreadsheet"


def _target(href: str) -> str:
    return "#" + href[1:].partition("|")[0]


def _settle_pages(part: Part) -> dict[str, str]:
    pages = {}
    for number, page in enumerate(part.each(f"{DRAW}page"), start=1):
        pages[str(page.get(f"{DRAW}name", f"page{number}"))] = f"page{number}"
        page.set(f"{DRAW}name", f"page{number}")
    return pages


def _settle_bookmarks(part: Part, links: Iterable[Element]) -> dict[str, str]:
    """Number the bookmarks that links lead to; the others go."""
    hrefs = [str(link.get(f"{XLINK}href", "")) for link in links]
    wanted = dict.fromkeys(_target(href)[1:] for href in hrefs if href.startswith("#"))
    marks = part.each(f"{TEXT}bookmark", f"{TEXT}bookmark-start", f"{TEXT}bookmark-end")
    there = {str(mark.get(f"{TEXT}name", "")) for mark in marks}
    numbers = {name: f"b{number}" for number, name in enumerate((n for n in wanted if n in there), start=1)}
    for mark in marks:
        name = str(mark.get(f"{TEXT}name", ""))
        if name in numbers:
            mark.set(f"{TEXT}name", numbers[name])
        else:
            remove(mark)
    return numbers


def _settle_equations(geometry: Element) -> None:
    """Number the equations of a shape, which its path and its handles call by name."""
    equations = list(geometry.iter(f"{DRAW}equation"))
    numbers = {str(each.get(f"{DRAW}name", "")): f"f{number}" for number, each in enumerate(equations)}
    if all(name == number for name, number in numbers.items()):
        return
    for element in geometry.iter():
        for key, value in element.items():
            if "?" in (called := str(value)):
                element.set(key, _CALLED.sub(lambda match: f"?{numbers.get(match[1], match[1])}", called))
    for number, equation in enumerate(equations):
        equation.set(f"{DRAW}name", f"f{number}")


def _unwrap_mixed(element: Element) -> None:
    """Put an element's text and children in its place."""
    parent, previous = element.getparent(), element.getprevious()
    if parent is None:
        return
    if element.text:
        if previous is not None:
            previous.tail = (previous.tail or "") + element.text
        else:
            parent.text = (parent.text or "") + element.text
    if len(element) and element.tail:
        element[-1].tail = (element[-1].tail or "") + element.tail
        element.tail = None
    if len(element):
        unwrap(element)
    else:
        remove(element)
