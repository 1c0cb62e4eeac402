"""The second reading of a cleaned office document, with the standard library's ZIP and XML readers.

It shares no code and no table with the writer. What it looks for is what documents are known to tell: it knows the
names of parts that may be there, the namespaces, and the elements and attributes that must not be.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Iterable
from typing import Final
from urllib.parse import urlsplit
from xml.parsers import expat

from fieldreport.scrub import registry
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Residue

_DATE: Final = (1980, 1, 1, 0, 0, 0)
_MEDIA: Final = re.compile(r".*/image\d+\.(jpg|png|gif)")
_MEDIA_TYPES: Final = {"jpg": "image/jpeg", "png": "image/png", "gif": "image/gif"}
_OOXML_PART: Final = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|(word|xl|ppt)/(([a-zA-Z]+/)?_rels/[a-zA-Z]+\d*\.xml\.rels|"
    r"[a-zA-Z]+\d*\.xml|(theme|charts|diagrams|worksheets|chartsheets|drawings|tables|slides|slideLayouts|slideMasters|"
    r"notesSlides|notesMasters)/[a-zA-Z]+\d+\.xml|media/image\d+\.(jpg|png|gif))"
)
_NAMESPACES: Final = re.compile(
    r"http://schemas\.openxmlformats\.org/(wordprocessingml|spreadsheetml|presentationml|drawingml|officeDocument|package|"
    r"markup-compatibility)/2006(/[A-Za-z]+(-[a-z]+)?)?|urn:schemas-microsoft-com:(vml|office:(office|word))|"
    r"http://schemas\.microsoft\.com/office/word/2010/wordprocessing(Shape|Group|Canvas)|"
    r"http://www\.w3\.org/XML/1998/namespace"
)
_ELEMENTS: Final = frozenset(
    """ins del moveFrom moveTo rPrChange pPrChange sectPrChange tblPrChange tcPrChange trPrChange comment comments
    commentReference commentRangeStart rsid rsids docVars mailMerge attachedTemplate writeProtection documentProtection
    sdtPr alias customXml smartTag OLEObject oleObj altChunk lang proofErr extLst tblCaption tblDescription
    fileSharing absPath workbookProtection sheetProtection externalReference cmAuthor tag control embeddedFont
    modifyVerifier pivotTableDefinition people custData""".split()  # noqa: SIM905  # a list of sixty strings reads worse
)
_ATTRIBUTES: Final = re.compile(
    r"rsid.*|paraId|textId|author|initials|date|dateUtc|userName|descr|alt|lang|altLang|gfxdata|hashValue|saltValue|"
    r"algorithmName|storeItemID|tooltip|href|macro|uid|anchorId|editId|codeName|lastEdited|refreshedBy|creationId"
)
_PATH_SPELLINGS: Final = ("file:", "\\\\", ":\\")  # one of them is in whatever the pattern finds
_DRAWN: Final = frozenset({"docPr", "cNvPr"})
_ADDRESS: Final = re.compile(r"https?")
_PATH: Final = re.compile(r"file:|\\\\[A-Za-z]|[A-Za-z]:\\(Users|Documents)", re.IGNORECASE)


def check(data: bytes, media_type: str) -> None:
    """Read a cleaned Office Open XML document.

    Raises:
        Residue: something is left.
    """
    if "openxmlformats" not in media_type:
        raise Residue
    for name, content in members(data):
        if _OOXML_PART.fullmatch(name) is None:
            raise Residue
        if (match := _MEDIA.fullmatch(name)) is not None:
            kind = _MEDIA_TYPES[match[1]]
            registry.verify(Source.of(content), kind)
        else:
            _Part().read(content)


def members(data: bytes) -> list[tuple[str, bytes]]:
    """The members of an archive that tells nothing by itself: one date, no comment, no extra field, no other system."""
    if not data.startswith(b"PK\x03\x04"):
        raise Residue
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as archive:
            entries = archive.infolist()
            if archive.comment or len({entry.filename for entry in entries}) != len(entries):
                raise Residue
            for entry in entries:
                if (
                    entry.date_time != _DATE
                    or entry.extra
                    or entry.comment
                    or entry.create_system
                    or entry.flag_bits & ~0x800
                ):
                    raise Residue
            return [(entry.filename, archive.read(entry)) for entry in entries]
    except (zipfile.BadZipFile, OSError, ValueError, RuntimeError):
        raise Residue from None


def parse(
    content: bytes, start: Callable[[str, dict[str, str]], None] | None, text: Callable[[str], None] | None
) -> None:
    """Read XML with expat; a document type, a comment or an instruction is residue."""
    parser = expat.ParserCreate(namespace_separator="\n")
    parser.StartElementHandler = start
    parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = _refuse
    parser.CommentHandler = _refuse
    parser.ProcessingInstructionHandler = _refuse
    try:
        parser.Parse(content, True)
    except expat.ExpatError:
        raise Residue from None


def _refuse(*_: object) -> None:
    raise Residue


def may_hold(spellings: Iterable[str], content: bytes) -> bool:
    """Whether a value in a document of XML may hold one of these, in small letters, none of which XML has to escape.

    One look over the whole instead of one into every value, of which a table has a million.
    """
    try:
        # A dotless i and a long s are letters to a pattern that ignores case, and have no other small form.
        text = content.decode().lower().replace("\u0131", "i").replace("\u017f", "s")
    except UnicodeDecodeError:
        raise Residue from None
    return any(spelling in text for spelling in ("&#", *spellings))


class _Part:
    def __init__(self) -> None:
        self._instruction = False
        self._paths = True
        self._elements: dict[str, str] = {}  # those that were judged, and their local names: a document has few
        self._attributes: set[str] = set()

    def read(self, content: bytes) -> None:
        self._paths = may_hold(_PATH_SPELLINGS, content)
        parse(content, self._start, self._text if self._paths else None)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        local = self._elements.get(tag) or self._judged_element(tag)
        if not self._attributes.issuperset(attributes):
            for name in attributes:
                self._judge_attribute(name)
        if self._paths:
            self._instruction = local in {"instrText", "f"}
            if any(_PATH.search(value) for value in attributes.values()):
                raise Residue
        if local in _DRAWN and attributes.get("name", "Object") != "Object":
            raise Residue
        if "TargetMode" in attributes:
            if attributes["TargetMode"] != "External":
                raise Residue
            parts = urlsplit(attributes.get("Target", ""))
            if (
                not attributes["Type"].endswith("/hyperlink")
                or not _ADDRESS.fullmatch(parts.scheme)
                or "@" in parts.netloc
            ):
                raise Residue

    def _judged_element(self, tag: str) -> str:
        namespace, _, local = tag.rpartition("\n")
        if _NAMESPACES.fullmatch(namespace) is None or local in _ELEMENTS:
            raise Residue
        self._elements[tag] = local
        return local

    def _judge_attribute(self, name: str) -> None:
        space, _, key = name.rpartition("\n")
        if (space and _NAMESPACES.fullmatch(space) is None) or _ATTRIBUTES.fullmatch(key) is not None:
            raise Residue
        self._attributes.add(name)

    def _text(self, text: str) -> None:
        if self._instruction and _PATH.search(text):
            raise Residue
