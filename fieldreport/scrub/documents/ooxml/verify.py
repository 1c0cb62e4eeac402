"""The second reading of a cleaned DOCX, XLSX or PPTX.

It shares no code and no table with the writer. What it looks for is what documents are known to tell: it knows the
names of parts that may be there, the namespaces, and the elements and attributes that must not be.
"""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import urlsplit

from fieldreport.scrub.documents import tables
from fieldreport.scrub.documents.xml_verify import may_hold, parse, parts
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Residue

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
_ELEMENTS: Final = frozenset(tables.load("ooxml/telling")["elements"])
_ATTRIBUTES: Final = re.compile(
    r"rsid.*|paraId|textId|author|initials|date|dateUtc|userName|descr|alt|lang|altLang|gfxdata|hashValue|saltValue|"
    r"algorithmName|storeItemID|tooltip|href|macro|uid|anchorId|editId|codeName|lastEdited|refreshedBy|creationId"
)
_PATH_SPELLINGS: Final = ("file:", "\\\\", ":\\")  # one of them is in whatever the pattern finds
_DRAWN: Final = frozenset({"docPr", "cNvPr"})
_ADDRESS: Final = re.compile(r"https?")
_PATH: Final = re.compile(r"file:|\\\\[A-Za-z]|[A-Za-z]:\\(Users|Documents)", re.IGNORECASE)


def verify(source: Source, media_type: str) -> None:
    """Read a cleaned document of Office Open XML.

    Raises:
        Residue: something that says more than the document shows.
    """
    if "openxmlformats" not in media_type:
        raise Residue
    for _, content in parts(source, _OOXML_PART):
        _Part().read(content)


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
