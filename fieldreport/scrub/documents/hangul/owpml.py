"""A stranger's HWPX document: a ZIP of XML parts (OWPML). Its words are taken from elements known to show words.

Source: KS X 6101:2024, and what Hancom's program writes where that leaves it open.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from functools import lru_cache
from typing import Final

from fieldreport.scrub.documents.archive import Archive, resolve
from fieldreport.scrub.documents.hangul.parse import Document
from fieldreport.scrub.documents.markup import Element, parse, split
from fieldreport.scrub.format import Cleaning, Source
from fieldreport.scrub.verdicts import Damaged, Noted, Refusal, Refused, Removed

_NAMESPACES: Final = re.compile(r"http://www\.(?:hancom\.co\.kr/hwpml|owpml\.org/owpml)/\d{4}/[a-z-]+")
_PACKAGE: Final = "Contents/content.hpf"
_SECTION: Final = re.compile(r"Contents/section(\d{1,5})\.xml")
_FILE: Final = re.compile(r"BinData/(.+)\.\w+")
_MASTER_PAGE: Final = re.compile(r"Contents/masterpage(\d{1,5})\.xml")

# Elements that show what is in them, or only lay it out.
_AROUND: Final = frozenset(
    {"sec", "masterPage", "run", "ctrl", "subList", "tbl", "tc", "caption", "header", "footer", "footNote", "endNote"}
    | {"pic", "rect", "ellipse", "line", "arc", "polygon", "curve", "connectLine", "container", "drawText", "textart"}
    | {"fillBrush", "imgBrush", "img", "equation", "compose", "dutmal", "autoNum", "chart", "ole", "video"}
    | {"btn", "checkBtn", "radioBtn", "comboBox", "listBox", "edit", "case", "default"}
)
_WORDS_OF_ATTRIBUTES: Final = {
    "textart": "text",
    "compose": "composeText",
    "autoNum": "num",
    **dict.fromkeys(("btn", "checkBtn", "radioBtn"), "caption"),
    **dict.fromkeys(("comboBox", "listBox"), "selectedValue"),
}
_CHARACTERS: Final = {"tab": "\t", "lineBreak": "\n", "nbSpace": "\u00a0", "fwSpace": " ", "hyphen": "-"}
_PICTURES: Final = {"img": "binaryItemIDRef", "video": "imageIDRef"}
_NOT_SHOWN: Final = {
    "hiddenComment": Removed.COMMENTS,
    "shapeComment": Removed.DESCRIPTION,
    "bookmark": Removed.OTHER_METADATA,
    "indexmark": Removed.OTHER_METADATA,
    "metaTag": Removed.OTHER_METADATA,
    "parameterset": Removed.OTHER_METADATA,
}
# Of these only the words stay; of a chart the numbers, too.
_DRAWN: Final = frozenset({"ole", "chart", "rect", "ellipse", "line", "arc", "polygon", "curve", "connectLine"})
_TOLD_BY_PACKAGE: Final = {
    **dict.fromkeys(("creator", "lastsaveby"), Removed.AUTHOR),
    **dict.fromkeys(("CreatedDate", "ModifiedDate", "date"), Removed.TIME),
    **dict.fromkeys(("title", "subject", "description", "keyword"), Removed.DESCRIPTION),
}
_TOLD_BY_MEMBERS: Final = {
    "Preview": Removed.THUMBNAIL,
    "Scripts": Removed.SCRIPT,
    "DocHistory": Removed.HISTORY,
    "version.xml": Removed.SOFTWARE,
    **dict.fromkeys(("mimetype", "META-INF", "Contents", "BinData", "Chart"), None),  # other rules are for these
}
_COLOURS: Final = (("textColor", "#000000"), ("shadeColor", "none"))
_TINY: Final = re.compile(r"[12]?\d?\d|300")  # at most three points, in hundredths
_WHITE: Final = re.compile(r"#?(?:[0-9A-F]{2})?(?:F[0-9A-F]){3}|none", re.IGNORECASE)


def read(untrusted_source: Source, cleaning: Cleaning) -> Document:
    """Read all sections that the document lists, and the pictures that they show.

    Raises:
        Refused: ``encrypted``; ``hangul`` when it does not say where a deletion ends; ``damaged``, ``bomb``.
    """
    members = Archive(untrusted_source, cleaning)
    if b"encryption-data" in members.get("META-INF/manifest.xml", b""):
        raise Refused(Refusal.ENCRYPTED)
    try:
        return _Reading(members, cleaning).document()
    except RecursionError:
        raise Damaged from None


@lru_cache(1024)
def _name(tag: str) -> str:
    """The local name of an element of OWPML, in any year's namespace; nothing for any other."""
    namespace, name = split(tag)
    return name if _NAMESPACES.fullmatch(namespace) else ""


def _named(elements: Iterable[Element]) -> Iterator[tuple[str, Element]]:
    for element in elements:
        yield _name(str(element.tag)), element


def _says(element: Element) -> bool:
    return any(str(text).strip() for text in element.itertext())


def _is_cropped(picture: Element) -> bool:
    """Whether less is shown of a picture than there is: by more than a hundredth, to which programs round."""
    clip, size = (next(picture.iterchildren(f"{{*}}{name}"), None) for name in ("imgClip", "imgDim"))
    if clip is None or size is None:
        return False
    for start, end, length in (("left", "right", "dimwidth"), ("top", "bottom", "dimheight")):
        first, last, whole = (_number(each.get(key)) for each, key in ((clip, start), (clip, end), (size, length)))
        if whole > 0 and last - first < whole * 0.99:
            return True
    return False


def _number(said: str | None) -> int:
    return int(said) if said is not None and said.isdecimal() and len(said) < 10 else 0


class _Reading:
    def __init__(self, members: Archive, cleaning: Cleaning) -> None:
        self._members = members
        self._cleaning = cleaning
        self._removed = cleaning.removed
        self._addresses: dict[str, str] = {}  # of parts, by their ids
        self._listed: list[str | None] = []  # parts in reading order
        self._deleted: set[str | None] = set()  # changes that took out what is being read
        self._faint: set[str | None] = set()  # looks of letters that nobody can see
        self._shown: dict[str, None] = {}  # members in the order in which they are shown
        self._stems = {stem[1]: name for name in members if (stem := _FILE.fullmatch(name))}

    def document(self) -> Document:
        self._read_package()
        header = parse(self._members["Contents/header.xml"]) if "Contents/header.xml" in self._members else None
        if header is not None:
            self._read_header(header)
        document = Document()
        for part in self._parts():
            self._take(parse(self._members[part]), [], document.lines)
            if self._deleted:
                raise Refused(Refusal.HANGUL)  # a deletion without an end: nobody knows what is shown
        if header is not None:
            for image in header.iter("{*}img"):
                self._show(image.get("binaryItemIDRef", ""))
        document.pictures = [self._members[name] for name in self._shown]
        self._report_members()
        return document

    def _read_package(self) -> None:
        if _PACKAGE not in self._members:
            return
        for element in parse(self._members[_PACKAGE]).iter():
            match split(str(element.tag))[1]:
                case "item":
                    self._addresses[element.get("id", "")] = element.get("href", "")
                case "itemref":
                    self._listed.append(self._member(element.get("idref", "")))
                case "metadata":
                    self._read_metadata(element)
                case _:
                    pass

    def _read_metadata(self, metadata: Element) -> None:
        for element in metadata:
            kind = element.get("name") or split(str(element.tag))[1]
            if _says(element) and kind != "language":
                self._removed.add(_TOLD_BY_PACKAGE.get(kind, Removed.OTHER_METADATA))

    def _read_header(self, header: Element) -> None:
        for name, element in _named(header.iter()):
            match name:
                case "trackChange":
                    self._removed |= {Removed.HISTORY, Removed.TIME}
                case "trackChangeAuthor":
                    self._removed.add(Removed.AUTHOR)
                case "linkinfo" if element.get("path"):
                    self._removed.add(Removed.PATHS)
                case "charPr":
                    white = (_WHITE.fullmatch(element.get(each, usual)) for each, usual in _COLOURS)
                    if all(white) or _TINY.fullmatch(element.get("height", "")):
                        self._faint.add(element.get("id"))
                case _:
                    pass

    def _parts(self) -> list[str]:
        """Sections as they are listed, or by their numbers where none is; and what stands on every page."""
        by_number = [*self._numbered(_SECTION)]
        listed = [name for name in dict.fromkeys(self._listed) if name in by_number]
        if listed and len(listed) < len(by_number):
            self._removed.add(Removed.HIDDEN_CONTENT)
        if not by_number:
            raise Damaged
        return [*(listed or by_number), *self._numbered(_MASTER_PAGE)]

    def _numbered(self, pattern: re.Pattern[str]) -> Iterable[str]:
        found = {int(match[1]): name for name in self._members if (match := pattern.fullmatch(name))}
        return (found[number] for number in sorted(found))

    # --- what a part shows ---

    def _take(self, element: Element, words: list[str], lines: list[str]) -> None:
        """What an element shows: ``words`` of the paragraph that it stands in, and ``lines`` that follow that."""
        name = _name(str(element.tag))
        match name:
            case "p":
                lines += self._paragraph(element)
            case "t":
                self._text(element, words)
            case "tr":
                lines += self._row(element)
            case "switch":  # the same thing for several versions of the program
                if len(element):
                    self._take(element[0], words, lines)
            case "fieldBegin":
                self._report_field(element)
            case "subText":
                words.append(self._shown_words(f" {element.text or ''}"))
            case "script" | "mainText" | "text":
                words.append(self._shown_words(element.text or ""))
            case _ if name in _AROUND:
                self._take_inside(name, element, words, lines)
            case _ if _says(element) or name == "bookmark":
                self._removed.add(_NOT_SHOWN.get(name, Removed.HIDDEN_CONTENT))
            case _:
                pass

    def _take_inside(self, name: str, element: Element, words: list[str], lines: list[str]) -> None:
        if name in _WORDS_OF_ATTRIBUTES:
            words.append(self._shown_words(element.get(_WORDS_OF_ATTRIBUTES[name], "")))
        if not self._deleted:
            if name in _PICTURES:
                self._show(element.get(_PICTURES[name], ""))
            if name == "pic" and _is_cropped(element):
                self._cleaning.noted.add(Noted.CROPPED)
            if name in _DRAWN:
                self._removed.add(Removed.DRAWINGS)
            if name == "chart":
                lines += self._chart(element.get("chartIDRef", ""))
        for child in element:
            self._take(child, words, lines)

    def _paragraph(self, paragraph: Element) -> list[str]:
        words: list[str] = []
        lines: list[str] = []
        for run in paragraph:
            before = len(words)
            self._take(run, words, lines)
            if run.get("charPrIDRef") in self._faint and "".join(words[before:]).strip():
                self._cleaning.noted.add(Noted.HIDDEN_WORDS)
        return ["".join(words), *lines]

    def _row(self, row: Element) -> list[str]:
        """A line with tabs between its cells; where one has more than a line, its cells one after another."""
        cells: list[list[str]] = []
        for cell in row:
            lines: list[str] = []
            self._take(cell, [], lines)
            cells.append([line for line in lines if line.strip()])
        if any(len(cell) > 1 for cell in cells):
            return [line for cell in cells for line in cell]
        return ["\t".join(re.sub(r"[\t\n]", " ", "".join(cell)) for cell in cells).rstrip()]

    def _text(self, element: Element, words: list[str]) -> None:
        words.append(self._shown_words(element.text or ""))
        for name, child in _named(element):
            match name:
                case "deleteBegin":
                    self._removed.add(Removed.HISTORY)
                    self._deleted.add(child.get("Id"))
                case "deleteEnd":
                    self._deleted.discard(child.get("Id"))
                case "insertBegin":
                    self._removed.add(Removed.HISTORY)
                case _ if name in _CHARACTERS:
                    words.append(self._shown_words(_CHARACTERS[name]))
                case _ if _says(child):
                    self._removed.add(Removed.HIDDEN_CONTENT)
                case _:
                    pass
            words.append(self._shown_words(child.tail or ""))

    def _shown_words(self, text: str) -> str:
        return "" if self._deleted else text

    def _chart(self, address: str) -> list[str]:
        """Titles, names and numbers of a chart (ISO/IEC 29500-1, 21.2), a line each."""
        name = self._member(address)
        if name is None:
            return []
        rows = parse(self._members[name]).iter(*(f"{{*}}{each}" for each in ("tx", "cat", "val", "xVal", "yVal")))
        lines = ("\t".join(each.text or "" for each in row.iter("{*}v", "{*}t")) for row in rows)
        return [line for line in lines if line.strip()]

    def _report_field(self, field: Element) -> None:
        """What stands at a field's beginning is not shown: a memo, an address, advice. Its value follows."""
        if field.get("type") == "HYPERLINK":
            self._removed.add(Removed.LINKS)
        if field.find("{*}subList") is not None:
            self._removed |= {Removed.COMMENTS, Removed.AUTHOR, Removed.TIME}
        elif _says(field):
            self._removed.add(Removed.OTHER_METADATA)

    # --- files in the package ---

    def _show(self, item: str) -> None:
        name = self._member(item)
        if name is not None:
            self._shown[name] = None
        elif item in self._addresses:
            self._removed |= {Removed.LINKS, Removed.PATHS}  # a picture on the author's disk
        elif item:
            self._removed.add(Removed.INCOMPLETE)

    def _member(self, item: str) -> str | None:
        """The member that an id or an address leads to."""
        address = self._addresses.get(item, item)
        for name in (resolve("", address), resolve("Contents", address), self._stems.get(item, "")):
            if name in self._members:
                return name
        return None

    def _report_members(self) -> None:
        for name in self._members:
            told = _TOLD_BY_MEMBERS.get(name.partition("/")[0], Removed.OTHER_METADATA)
            if told is not None:
                self._removed.add(told)
            elif name.startswith("BinData/") and name not in self._shown:
                self._removed.add(Removed.EMBEDDED_FILE)
