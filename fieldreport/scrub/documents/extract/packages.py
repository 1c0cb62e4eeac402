"""Office documents and books: paragraphs and rows are lines, cells have tabs between, sheets and slides have titles."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator
from typing import Final

from fieldreport.scrub.documents.extract import sheets
from fieldreport.scrub.documents.extract.elements import attribute, name_of, number_in, numbered, run
from fieldreport.scrub.documents.extract.lines import Heading
from fieldreport.scrub.documents.markup import Element, parse

_WORD: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_SHEET: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_SLIDES: Final = "application/vnd.openxmlformats-officedocument.presentationml.presentation"
_Part = Callable[[str], Element]
_PICTURE: Final = re.compile(r"\.(?:jpg|png|gif)$")
_READ: Final = re.compile(
    r"word/(?:document|(?:header|footer|footnotes|endnotes)\d*)\.xml|xl/(?:worksheets/sheet\d+|sharedStrings|workbook)\.xml"
    r"|ppt/(?:slides/slide|notesSlides/notesSlide)\d+\.xml|content\.xml"
)
_ABOUT: Final = ("[Content_Types]", "META-INF/", "_rels/", "docProps/", "meta.xml")
_MANY: Final = 1000  # repetitions of one cell or space: more is a way to say "to the edge of the sheet"


def lines_and_pictures(cleaned: bytes, media_type: str) -> tuple[Iterator[str], list[bytes]]:
    """What a cleaned package says."""
    package = zipfile.ZipFile(io.BytesIO(cleaned))
    names = package.namelist()

    def part(name: str) -> Element:
        return parse(package.read(name))

    pictures = [package.read(name) for name in names if _PICTURE.search(name)]
    if media_type == _WORD:
        return _word(part, names), pictures
    if media_type == _SHEET:
        return sheets.lines(part, names), pictures
    if media_type == _SLIDES:
        return _slides(part, names), pictures
    if media_type == "application/epub+zip":
        return _book(part, names), pictures
    return _open_document(part("content.xml")), pictures


def other_lines(cleaned: bytes) -> Iterator[str]:
    """What stands in the parts that ``lines_and_pictures`` does not read: charts, diagrams, masters, page headers."""
    package = zipfile.ZipFile(io.BytesIO(cleaned))
    for name in package.namelist():
        if name.endswith(".xml") and not _READ.fullmatch(name) and not name.startswith(_ABOUT):
            for element in parse(package.read(name)).iter():
                for text in (element.text, element.tail):
                    if text and text.strip():
                        yield " ".join(text.split())


# --- Office Open XML ---


def _word(part: _Part, names: Iterable[str]) -> Iterator[str]:
    yield from _flow(part("word/document.xml"), rows="tr", cells="tc", paragraph="p")
    for name in sorted(
        each for each in names if re.fullmatch(r"word/(?:header|footer|footnotes|endnotes)\d*\.xml", each)
    ):
        yield ""
        yield from _flow(part(name), rows="tr", cells="tc", paragraph="p")


def _slides(part: _Part, names: Iterable[str]) -> Iterator[str]:
    names = list(names)
    for name in numbered(names, r"ppt/slides/slide\d+\.xml"):
        yield Heading(f"[{number_in(name)}]")
        yield from _flow(part(name), rows="tr", cells="tc", paragraph="p")
        yield ""
    for name in numbered(names, r"ppt/notesSlides/notesSlide\d+\.xml"):
        yield from _flow(part(name), rows="tr", cells="tc", paragraph="p")


def _flow(element: Element, *, rows: str, cells: str, paragraph: str) -> Iterator[str]:
    """The lines of paragraphs and rows below an element, in document order."""
    for child in element:
        match name_of(child):
            case name if name == paragraph:
                yield Heading(run(child)) if _is_heading(child) else run(child)
            case name if name == rows:
                inside = (each for each in child if name_of(each) == cells)
                yield "\t".join(
                    " ".join(_flow(each, rows=rows, cells=cells, paragraph=paragraph)).replace("\t", " ")
                    for each in inside
                )
            case _:
                yield from _flow(child, rows=rows, cells=cells, paragraph=paragraph)


def _is_heading(paragraph: Element) -> bool:
    """Whether a paragraph of Word has an outline level, or the style of one."""
    for element in paragraph.iter():
        match name_of(element):
            case "outlineLvl":
                return True
            case "pStyle":
                return re.fullmatch(r"(?i)(?:heading.*|title)", attribute(element, "val")) is not None
            case "r":
                return False
            case _:
                pass
    return False


# --- OpenDocument ---


def _open_document(content: Element) -> Iterator[str]:
    for element in content:
        match name_of(element):
            case "p":
                yield _open_text(element)
            case "h":
                yield Heading(_open_text(element))
            case "table":
                yield Heading(f"[{attribute(element, 'name')}]")
                yield from _open_document(element)
                yield ""
            case "page":
                yield from _open_document(element)
                yield ""
            case "mrow":
                yield " ".join("".join(map(str, element.itertext())).split())
            case "table-row":
                line = "\t".join(_open_cells(element)).rstrip("\t")
                times = min(_MANY, int(attribute(element, "number-rows-repeated") or 1)) if line else 1
                yield from [line] * times
            case _:
                yield from _open_document(element)


def _open_cells(row: Element) -> Iterator[str]:
    for cell in row:
        if name_of(cell) in {"table-cell", "covered-table-cell"}:
            text = " ".join(_open_document(cell)).replace("\t", " ")
            yield from [text] * min(_MANY, int(attribute(cell, "number-columns-repeated") or 1))


def _open_text(paragraph: Element) -> str:
    pieces = [paragraph.text or ""]
    for element in paragraph:
        match name_of(element):
            case "tab":
                pieces.append("\t")
            case "line-break":
                pieces.append("\n")
            case "s":
                pieces.append(" " * min(_MANY, int(attribute(element, "c") or 1)))
            case "note":
                body = next((each for each in element if name_of(each) == "note-body"), None)
                pieces.append("" if body is None else f" ({' '.join(_open_document(body))})")
            case "frame":
                pieces.append(" ".join(_open_document(element)))
            case _:
                pieces.append(_open_text(element))
        pieces.append(element.tail or "")
    return "".join(pieces)


# --- EPUB ---

_BLOCKS: Final = frozenset(
    {"p", "h1", "h2", "h3", "h4", "h5", "h6", "li", "dt", "dd", "div", "section", "article", "blockquote", "tr", "pre"}
    | {"figcaption", "caption"}
)


def _book(part: _Part, names: Iterable[str]) -> Iterator[str]:
    for name in numbered(names, r"(?:book/)?chapter\d+\.xhtml"):
        body = next(each for each in part(name).iter() if name_of(each) == "body")
        text = "".join(_page(body))
        yield from (re.sub(r"[ \r\f]+", " ", line).strip() for line in re.split(r"\n+", text))
        yield ""


def _page(element: Element) -> Iterator[str]:
    block = name_of(element) in _BLOCKS
    if block:
        yield "\n"
    yield (element.text or "").replace("\n", " ")
    for child in element:
        if name_of(child) == "br":
            yield "\n"
        elif name_of(child) in {"td", "th"}:
            yield from _page(child)
            yield "\t"
        else:
            yield from _page(child)
        yield (child.tail or "").replace("\n", " ")
    if block:
        yield "\n"
