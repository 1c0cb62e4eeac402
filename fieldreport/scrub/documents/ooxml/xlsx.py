"""XLSX: cells, formulas, formats, charts and pictures of the sheets that can be seen.

Hidden sheets go, and what hidden rows and columns hold, and with them the strings only they used; a formula that needs
one of them, another workbook, a server or a macro becomes the value it last had. Comments, pivot caches (whole copies
of their source), connections, external links, scenarios, protections, printer settings, paths, users and calculation
history go.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, MutableMapping
from typing import Final

from lxml import etree

from fieldreport.scrub.documents import markup, tables
from fieldreport.scrub.documents.markup import Element, remove
from fieldreport.scrub.documents.ooxml import drawings, hidden_cells, hidden_words, vml
from fieldreport.scrub.documents.ooxml.opc import Kind, Package, Part, PartCleaning, parse
from fieldreport.scrub.documents.vocabularies import RELATIONSHIPS
from fieldreport.scrub.verdicts import Damaged, Noted, Removed

SHEET: Final = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_X: Final = f"{{{SHEET}}}"
_TYPE: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml."
_C: Final = f"{{{drawings.CHART}}}"

_CELLS: Final = drawings.Writer("spreadsheet")
_DRAWINGS: Final = drawings.Writer(
    "sheet-drawing", "drawing", "drawing-2010", "math", "chart", "picture", "diagram", "diagram-drawing"
)
_FORMULAS: Final = tuple(
    f"{_X}{name}" for name in ("f", "formula", "formula1", "formula2", "calculatedColumnFormula", "totalsRowFormula")
)
_RULES: Final = (f"{_X}cfRule", f"{_X}dataValidation")
_OUTSIDE: Final = re.compile(
    r"\[\d+\]|\[[^\]]*\.xl\w+\]|\\\\|://|\|'|\b(HYPERLINK|WEBSERVICE|RTD|CALL|REGISTER\.ID|FILTERXML|IMAGE|CUBE\w+)\s*\(",
    re.IGNORECASE,
)
_NAMED_STYLE: Final = re.compile(r"(Table|Pivot)Style(Light|Medium|Dark)\d{1,2}")  # comes with the program
_NAMED_BY_PROGRAM: Final = re.compile(tables.load("kinds")["plain"]["neutral-name"])
_SHOWN: Final = re.compile(
    rb"<(?:c:)?(?:f|formula[12]?|definedName|calculatedColumnFormula|totalsRowFormula)(?:>| [^>]*>)([^<]+)|"
    rb"location=\"([^\"]*)"
)
_HIDDEN: Final = frozenset({"hidden", "veryHidden"})  # libraries write other words for a sheet that is shown
_PATH_CODES: Final = re.compile(r"&[ZF]")  # the file's folder and name, in a printed header


def clean_workbook(part: PartCleaning, untrusted: bytes) -> bytes:
    """The list of sheets, without the hidden ones, and the names that are defined for them."""
    root = parse(untrusted)
    package = part.package
    if next(root.iter("{*}absPath"), None) is not None:
        package.cleaning.removed.add(Removed.PATHS)
    sheets = list(root.iter(f"{_X}sheet"))
    numbers: dict[int, int] = {}
    for index, sheet in enumerate(sheets):
        if str(sheet.get("state", "")) in _HIDDEN:
            package.hidden.gone.add(str(sheet.get("name", "")).casefold())
            package.cleaning.removed.add(Removed.HIDDEN_CONTENT)
            remove(sheet)
        else:
            numbers[index] = len(numbers)
            sheet.set("sheetId", str(len(numbers)))
            _find_hidden_cells(part, sheet)
    if not numbers:
        raise Damaged
    for name in list(root.iter(f"{_X}definedName")):
        scope = name.get("localSheetId")
        outside = _needs_what_went(name.text or "", package.hidden.gone)
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
    data = _CELLS.write(root, part)
    part.implied("theme", "styles")
    part.implied("sharedStrings")  # last: only those are kept that a sheet uses
    return data


def _find_hidden_cells(part: PartCleaning, sheet: Element) -> None:
    """Look for hidden cells before the first formula is read, and name the columns of tables that are hidden."""
    package = part.package
    relation = part.old.get(str(sheet.get(f"{{{RELATIONSHIPS}}}id", "")))
    data = None if relation is None else package.old(relation.target)
    if relation is None or data is None:
        return
    hidden = hidden_cells.find(parse(data)) if hidden_cells.may_be(data) else None
    package.hidden.add(relation.target, str(sheet.get("name", "")), hidden)
    for related in package.relations_of(relation.target).values() if hidden is not None else ():
        table = package.old(related.target) if related.kind == "table" else None
        if hidden is not None and table is not None:
            package.hidden.add(related.target, str(sheet.get("name", "")), hidden)
            package.hidden.headings[relation.target] = hidden_cells.headings(parse(table), hidden)


def _empty_hidden_cells(root: Element, part: PartCleaning) -> None:
    hidden = part.package.hidden.parts.get(part.old_name)
    if hidden is None:
        return
    headings = part.package.hidden.headings.get(part.old_name, {})
    for place, cell in hidden_cells.cells(root, hidden):
        if len(cell):
            part.package.cleaning.removed.add(Removed.HIDDEN_CONTENT)
        for child in list(cell):
            cell.remove(child)
        cell.attrib.pop("t", "")
        if place in headings:
            cell.set("t", "inlineStr")
            etree.SubElement(etree.SubElement(cell, f"{_X}is"), f"{_X}t").text = headings[place]
    for link in list(root.iter(f"{_X}hyperlink")):
        if hidden.covers(*hidden_cells.spans(str(link.get("ref", "")))):
            remove(link)


def clean_sheet(part: PartCleaning, untrusted: bytes) -> bytes:
    """The cells of one sheet."""
    root = parse(untrusted)
    package = part.package
    if b' vm="' in untrusted:  # pictures that are a cell's value: what we write of a cell has no place for them
        package.cleaning.removed.add(Removed.DRAWINGS)
    _empty_hidden_cells(root, part)
    _settle_formulas(root, part)
    for cell in root.iter(f"{_X}c"):
        if len(cell):
            package.hidden.formats.add(cell.get("s"))
            if cell.get("t") == "s" and (value := cell.find(f"{_X}v")) is not None:
                package.used.add(f"string {int(value.text or 0)}")
    for link in list(root.iter(f"{_X}hyperlink")):
        location = str(link.get("location", ""))
        if _needs_what_went(location, package.hidden.gone):
            remove(link)
    for text in root.iter(*(f"{_X}{name}" for name in ("oddHeader", "oddFooter", "evenHeader", "evenFooter"))):
        text.text = _PATH_CODES.sub("", text.text or "")
    drawings.choose(root, package.cleaning.removed)
    _drop_lost_links(root, part)
    return _CELLS.write(root, part)


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
    root = parse(untrusted)
    for index, item in enumerate(root.iter(f"{_X}si")):
        if f"string {index}" not in part.package.used and len(item):
            if any(text.text for text in item.iter(f"{_X}t")):
                part.package.cleaning.removed.add(Removed.HIDDEN_CONTENT)
            for child in list(item):
                item.remove(child)
            etree.SubElement(item, f"{_X}t")
    return _CELLS.write(root, part)


def clean_styles(part: PartCleaning, untrusted: bytes) -> bytes:
    """Formats; styles get numbers instead of names, because those that come with Excel are in the author's language."""
    root = parse(untrusted)
    if hidden_words.in_cells(root, {int(number or 0) for number in part.package.hidden.formats}):
        part.package.cleaning.noted.add(Noted.HIDDEN_WORDS)
    for number, style in enumerate(root.iter(f"{_X}cellStyle"), start=1):
        style.set("name", "Normal" if style.get("builtinId") == "0" else f"Style {number}")
    _name_table_styles(root, part.package.names)
    return _CELLS.write(root, part)


def _name_table_styles(root: Element, names: MutableMapping[str, str]) -> None:
    for element in root.iter(f"{_X}tableStyles", f"{_X}tableStyle", f"{_X}tableStyleInfo"):
        for key in ("name", "defaultTableStyle", "defaultPivotStyle"):
            name = str(element.get(key, ""))
            if name and _NAMED_STYLE.fullmatch(name) is None:
                element.set(key, names.setdefault(name, f"Style {len(names) + 1}"))


def clean_table(part: PartCleaning, untrusted: bytes) -> bytes:
    """A table: its range, its columns and how it looks."""
    root = parse(untrusted)
    _settle_formulas(root, part)
    if (hidden := part.package.hidden.parts.get(part.old_name)) is not None:
        hidden_cells.headings(root, hidden)
    _name_table_styles(root, part.package.names)
    return _CELLS.write(root, part)


def clean_drawing_part(part: PartCleaning, untrusted: bytes) -> bytes:
    """Pictures and shapes of a sheet, a chart, a theme."""
    root = parse(untrusted)
    drawings.neutral_formulas(root)
    drawings.say_defaults(root, part)
    drawings.choose(root, part.package.cleaning.removed)  # first: what is not chosen is not in the file
    drawings.drop_hidden(root, part.package.cleaning.removed)
    for formula in root.iter(f"{_C}f"):
        said = formula.text or ""
        if _needs_what_went(said, part.package.hidden.gone) or part.package.hidden.needed_by(said, part.old_name):
            formula.text = None
    return _DRAWINGS.write(root, part)


def _settle_formulas(root: Element, part: PartCleaning) -> None:
    """A formula that needs what went becomes its value; with it go the cells that share it, and the rule it is of."""
    shared: set[str] = set()
    hidden = part.package.hidden
    for formula in list(root.iter(*_FORMULAS)):
        said = formula.text or ""
        outside = _needs_what_went(said, part.package.hidden.gone)
        # One that is shared moves with the cell, so it may come to any.
        if not outside and not (
            hidden.sheets and (formula.get("t") == "shared" or hidden.needed_by(said, part.old_name))
        ):
            continue
        if formula.get("t") == "shared":
            shared.add(str(formula.get("si", "")))
        part.package.cleaning.removed |= {Removed.LINKS} if outside else set()
        rule = formula.getparent()
        if rule is not None and rule.tag in _RULES:
            _remove_rule(rule)
        elif rule is not None:
            remove(formula)
    for formula in list(root.iter(f"{_X}f")):
        if formula.get("t") == "shared" and str(formula.get("si", "")) in shared:
            remove(formula)


def _remove_rule(rule: Element) -> None:
    """A rule without its formula is none; a list of rules that is empty, too."""
    rules = rule.getparent()
    if rules is None:
        return
    remove(rule)
    if len(rules) == 0:
        remove(rules)
    elif rules.get("count") is not None:
        rules.set("count", str(len(rules)))


def settle_names(package: Package) -> None:
    """Drop the names of ranges that no formula shows, and number tables whose names none does.

    Called when every part is written: a formula that named a range may have become its value.
    """
    parts = [part for part in package.parts() if part.name.endswith(".xml")]
    named = {part.name: part for part in parts if b"<definedName " in part.data or part.name.startswith("xl/tables/")}
    if not named:
        return
    roots = {name: markup.parse_own(part.data) for name, part in named.items()}
    while _drop_unshown(roots.values(), _formulas(parts)):
        package.cleaning.removed.add(Removed.HIDDEN_CONTENT)
        for name, root in roots.items():  # what went may have shown another
            named[name].data = markup.serialise(root)
    shown = _formulas(parts)
    for number, (name, root) in enumerate(roots.items(), start=1):
        for table in root.iter(f"{_X}table"):
            if not _is_shown(table, "displayName", shown):
                table.set("displayName", f"Table{number}")
            table.set("name", str(table.get("displayName")))
        named[name].data = markup.serialise(root)


def _drop_unshown(roots: Iterable[Element], shown: str) -> bool:
    unshown = [name for root in roots for name in root.iter(f"{_X}definedName") if not _is_shown(name, "name", shown)]
    for name in unshown:
        names = name.getparent()
        remove(name)
        if names is not None and len(names) == 0:
            remove(names)
    return bool(unshown)


def _formulas(parts: Iterable[Part]) -> str:
    found = (piece for part in parts for pair in _SHOWN.findall(part.data) for piece in pair)
    return html.unescape(b"\n".join(found).decode()).casefold()


def _is_shown(element: Element, key: str, shown: str) -> bool:
    name = str(element.get(key, ""))
    return _NAMED_BY_PROGRAM.fullmatch(name) is not None or name.casefold() in shown


def _needs_what_went(formula: str, gone: set[str]) -> bool:
    if _OUTSIDE.search(formula) is not None:
        return True
    if "!" not in formula:
        return False
    quoted = formula.replace("''", "'").casefold()
    return any(f"{name}!" in quoted or f"{name}'!" in quoted for name in gone)


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
    **vml.KINDS,
} | drawings.kinds(
    "xl",
    clean_drawing_part,
    also={
        "theme": ("theme/theme1.xml", "theme"),
        "drawing": ("drawings/drawing{}.xml", "drawing"),
    },
)
