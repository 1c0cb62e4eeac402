"""XLSX: cells, formulas, formats, charts and pictures of the sheets that can be seen.

Hidden sheets go, and with them the strings only they used; a formula that needs one of them, another workbook, a server
or a macro becomes the value it last had. Comments, pivot caches (whole copies of their source), connections, external
links, scenarios, protections, printer settings, paths, users and calculation history go.
"""

from __future__ import annotations

import re
from typing import Final

from lxml import etree

from fieldreport.scrub.documents import markup
from fieldreport.scrub.documents.markup import Element, remove
from fieldreport.scrub.documents.ooxml import drawings
from fieldreport.scrub.documents.ooxml.opc import Kind, PartCleaning
from fieldreport.scrub.documents.vocabularies import RELATIONSHIPS, load
from fieldreport.scrub.documents.xml_rewrite import Rewriting
from fieldreport.scrub.verdicts import Damaged, Removed

SHEET: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_X: Final = f"{{{SHEET}}}"
_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml."
_A: Final = f"{{{drawings.DRAWING}}}"
_C: Final = f"{{{drawings.CHART}}}"
_XDR: Final = "{http://schemas.openxmlformats.org/drawingml/2006/spreadsheetDrawing}"

_CELLS: Final = load("spreadsheet")
_DRAWINGS: Final = load("sheet-drawing", "drawing", "chart", "picture", "diagram")
_TEXT_IN: Final = frozenset(
    f"{_X}{name}"
    for name in ("f", "v", "t", "formula", "formula1", "formula2", "definedName", "calculatedColumnFormula",
                 "totalsRowFormula", "oddHeader", "oddFooter", "evenHeader", "evenFooter", "firstHeader", "firstFooter")
)  # fmt: skip
_DRAWN_TEXT_IN: Final = frozenset(
    {f"{_A}t", f"{_A}tableStyleId", f"{_C}v", f"{_C}f", f"{_C}formatCode", f"{_C}name"}
    | {f"{_XDR}{name}" for name in ("col", "row", "colOff", "rowOff")}
)
_FORMULAS: Final = tuple(
    f"{_X}{name}" for name in ("f", "formula", "formula1", "formula2", "calculatedColumnFormula", "totalsRowFormula")
)
_OUTSIDE: Final = re.compile(
    r"\[\d+\]|\[[^\]]*\.xl\w+\]|\\\\|://|\|'|\b(HYPERLINK|WEBSERVICE|RTD|CALL|REGISTER\.ID|FILTERXML|IMAGE|CUBE\w+)\s*\(",
    re.IGNORECASE,
)
_PATH_CODES: Final = re.compile(r"&[ZF]")  # the file's folder and name, in a printed header


def clean_workbook(part: PartCleaning, untrusted: bytes) -> bytes:
    """The list of sheets, without the hidden ones, and the names that are defined for them."""
    root = markup.parse(untrusted)
    package = part.package
    sheets = list(root.iter(f"{_X}sheet"))
    numbers: dict[int, int] = {}
    for index, sheet in enumerate(sheets):
        if str(sheet.get("state", "visible")) != "visible":
            package.used.add(str(sheet.get("name", "")))
            package.cleaning.removed.add(Removed.HIDDEN_CONTENT)
            remove(sheet)
        else:
            numbers[index] = len(numbers)
            sheet.set("sheetId", str(len(numbers)))
    if not numbers:
        raise Damaged
    for name in list(root.iter(f"{_X}definedName")):
        scope = name.get("localSheetId")
        outside = _needs_what_went(name.text or "", package.used)
        hidden = str(name.get("hidden", "0")) in {"1", "true"} and not str(name.get("name", "")).startswith("_xlnm.")
        if outside or hidden or (scope is not None and int(scope) not in numbers):
            package.cleaning.removed.add(Removed.HIDDEN_CONTENT)
            remove(name)
        elif scope is not None:
            name.set("localSheetId", str(numbers[int(scope)]))
    for view in list(root.iter(f"{_X}workbookView"))[1:]:
        remove(view)
    for view in root.iter(f"{_X}workbookView"):
        view.attrib.clear()  # windows, the sheet that was open last: the element itself is what sheets refer to
    data = _written(root, part)
    part.implied("theme", "styles")
    part.implied("sharedStrings")  # last: only those are kept that a sheet uses
    return data


def clean_sheet(part: PartCleaning, untrusted: bytes) -> bytes:
    """The cells of one sheet."""
    root = markup.parse(untrusted)
    package = part.package
    _settle_formulas(root, package.used, package.cleaning.removed)
    for cell in root.iter(f"{_X}c"):
        if cell.get("t") == "s" and (value := cell.find(f"{_X}v")) is not None:
            package.used.add(f"string {int(value.text or 0)}")
    for link in list(root.iter(f"{_X}hyperlink")):
        location = str(link.get("location", ""))
        if _needs_what_went(location, package.used):
            remove(link)
    for text in root.iter(*(f"{_X}{name}" for name in ("oddHeader", "oddFooter", "evenHeader", "evenFooter"))):
        text.text = _PATH_CODES.sub("", text.text or "")
    drawings.choose(root)
    _drop_lost_links(root, part)
    return _written(root, part)


def _drop_lost_links(root: Element, part: PartCleaning) -> None:
    """Links to the outside that may not stay; those to a place in the workbook need no relationship."""
    for link in list(root.iter(f"{_X}hyperlink")):
        identifier = str(link.attrib.pop(f"{{{RELATIONSHIPS}}}id", ""))
        new = part.related(identifier, "hyperlink") if identifier else None
        if new is not None:
            link.set(f"{{{RELATIONSHIPS}}}id", identifier)
        elif identifier or not link.get("location"):
            remove(link)
    for links in list(root.iter(f"{_X}hyperlinks")):
        if len(links) == 0:
            remove(links)


def clean_strings(part: PartCleaning, untrusted: bytes) -> bytes:
    """The shared strings; those that no visible sheet uses are emptied, so that the numbers of the others hold."""
    root = markup.parse(untrusted)
    for index, item in enumerate(root.iter(f"{_X}si")):
        if f"string {index}" not in part.package.used and len(item):
            if any(text.text for text in item.iter(f"{_X}t")):
                part.package.cleaning.removed.add(Removed.HIDDEN_CONTENT)
            for child in list(item):
                item.remove(child)
            etree.SubElement(item, f"{_X}t")
    return _written(root, part)


def clean_styles(part: PartCleaning, untrusted: bytes) -> bytes:
    """Formats; cell styles of the author's own get numbers instead of names."""
    root = markup.parse(untrusted)
    own = 0
    for style in root.iter(f"{_X}cellStyle"):
        if style.get("builtinId") is None:
            own += 1
            style.set("name", f"Style {own}")
    return _written(root, part)


def clean_table(part: PartCleaning, untrusted: bytes) -> bytes:
    """A table: its range, its columns and how it looks."""
    root = markup.parse(untrusted)
    _settle_formulas(root, part.package.used, part.package.cleaning.removed)
    return _written(root, part)


def clean_drawing_part(part: PartCleaning, untrusted: bytes) -> bytes:
    """Pictures and shapes of a sheet, a chart, a theme."""
    root = markup.parse(untrusted)
    drawings.choose(root)
    drawings.neutral_formulas(root)
    for formula in root.iter(f"{_C}f"):
        if _needs_what_went(formula.text or "", part.package.used):
            formula.text = None
    drawings.resolve(root, part)
    drawings.neutral_diagram(root)
    rewriting = Rewriting(
        _DRAWINGS,
        removed=part.package.cleaning.removed,
        findings=drawings.FINDINGS,
        text_in=_DRAWN_TEXT_IN,
        attribute=drawings.attribute,
    )
    return rewriting.rewrite(root)


def _settle_formulas(root: Element, gone: set[str], removed: set[Removed]) -> None:
    """A formula that needs what went becomes its value; with it go the cells that share it."""
    shared: set[str] = set()
    for formula in list(root.iter(*_FORMULAS)):
        if _needs_what_went(formula.text or "", gone):
            if formula.get("t") == "shared":
                shared.add(str(formula.get("si", "")))
            removed.add(Removed.LINKS)
            remove(formula)
    for formula in list(root.iter(f"{_X}f")):
        if formula.get("t") == "shared" and str(formula.get("si", "")) in shared:
            remove(formula)


def _needs_what_went(formula: str, gone: set[str]) -> bool:
    if _OUTSIDE.search(formula) is not None:
        return True
    if "!" not in formula:
        return False
    quoted = formula.replace("''", "'")
    return any(f"{name}!" in quoted or f"{name}'!" in quoted for name in gone if not name.startswith("string "))


def _written(root: Element, part: PartCleaning) -> bytes:
    drawings.resolve(root, part)
    rewriting = Rewriting(
        _CELLS, removed=part.package.cleaning.removed, findings=drawings.FINDINGS, text_in=_TEXT_IN,
        attribute=drawings.attribute,
    )  # fmt: skip
    return rewriting.rewrite(root)


KINDS: Final = {
    "officeDocument": Kind(
        name="xl/workbook.xml", content_type=f"{_TYPE}sheet.main+xml", clean=clean_workbook, single=True
    ),
    "worksheet": Kind(
        name="xl/worksheets/sheet{}.xml",
        content_type=f"{_TYPE}worksheet+xml",
        clean=clean_sheet,
        essential=True,
    ),
    "chartsheet": Kind(name="xl/chartsheets/sheet{}.xml", content_type=f"{_TYPE}chartsheet+xml", clean=clean_sheet),
    "sharedStrings": Kind(
        name="xl/sharedStrings.xml",
        content_type=f"{_TYPE}sharedStrings+xml",
        clean=clean_strings,
        single=True,
        essential=True,
    ),
    "styles": Kind(name="xl/styles.xml", content_type=f"{_TYPE}styles+xml", clean=clean_styles, single=True),
    "table": Kind(name="xl/tables/table{}.xml", content_type=f"{_TYPE}table+xml", clean=clean_table),
} | drawings.kinds(
    "xl",
    clean_drawing_part,
    also={
        "theme": ("theme/theme1.xml", "theme"),
        "drawing": ("drawings/drawing{}.xml", "drawing"),
    },
)
