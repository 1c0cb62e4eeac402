"""The second reading of a cleaned DOCX, XLSX or PPTX: what no table lists is residue."""

from __future__ import annotations

import re
from typing import Final
from xml.parsers import expat

from fieldreport.scrub.documents import tables
from fieldreport.scrub.documents.links_verify import verify_link
from fieldreport.scrub.documents.vocabularies_verify import Reading, Tables
from fieldreport.scrub.documents.xml_verify import parts
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Residue

_PART: Final = re.compile(
    r"\[Content_Types\]\.xml|_rels/\.rels|(word|xl|ppt)/(([a-zA-Z]+/)?_rels/[a-zA-Z]+\d*\.(xml|vml)\.rels|"
    r"[a-zA-Z]+\d*\.xml|drawings/vmlDrawing\d+\.vml|(theme|charts|diagrams|worksheets|chartsheets|drawings|tables|slides|slideLayouts|slideMasters|"
    r"notesSlides|notesMasters)/[a-zA-Z]+\d+\.xml|media/image\d+\.(jpg|png|gif))"
)
_SHOWN: Final = {
    group: {tables.load(f"ooxml/{table}")["prefix"]: names for table, names in listed.items()}
    for group, listed in tables.load("ooxml/shown").items()
}
_THINGS: Final = tuple(
    f"<{prefix}{name}".encode()
    for prefix, names in {"" if key == "s" else f"{key}:": value for key, value in _SHOWN["things"].items()}.items()
    for name in names.split()
)
_DRAWN: Final = (
    "drawing",
    "picture",
    "chart",
    "diagram",
    "diagram-drawing",
    "compatibility",
    "package",
    "relations",
    "math",
)
_TABLES: Final = {
    kind: Tables(*(f"ooxml/{name}" for name in (*_DRAWN, *names)), counted=_SHOWN["text"])
    for kind, names in {
        "wordprocessingml.document": (
            "wordprocessing", "word-drawing", "word-shape", "word-group", "word-canvas", "vml", "vml-office",
            "vml-word",
        ),
        "spreadsheetml.sheet": (
            "spreadsheet", "sheet-drawing", "drawing-2010", "vml", "vml-office", "vml-excel", "vml-page",
        ),
        "presentationml.presentation": ("presentation", "drawing-2010"),
    }.items()
}  # fmt: skip
_NEUTRAL: Final = re.compile(tables.load("kinds")["plain"]["neutral-name"])
_INSIDE: Final = re.compile(r"(?:\.\./)?(?:[a-zA-Z]{1,16}/){0,2}[a-zA-Z]{1,16}[0-9]{0,5}\.(?:xml|vml|jpg|png|gif)")


def verify(source: Source, media_type: str) -> int:
    """Read a cleaned document of Office Open XML, and count what is shown of it.

    Raises:
        Residue: something that says more than the document shows.
    """
    allowed = _TABLES[media_type.removeprefix("application/vnd.openxmlformats-officedocument.")]
    reading = Reading(allowed, kept={"shown-name", "formula"})
    things = 0
    for _, part in parts(source, _PART):
        reading.read(part)
        things += sum(part.count(thing + end) for thing in _THINGS if thing in part for end in (b" ", b"/", b">"))
        if b"<Relationships " in part:
            _verify_targets(part)
    reading.settle()
    names = {name.casefold() for name in reading.values("shown-name") if _NEUTRAL.fullmatch(name) is None}
    if names:
        shown = "\n".join(reading.values("formula")).casefold()
        if not all(name in shown for name in names):
            raise Residue
    return reading.characters + things


def _verify_targets(part: bytes) -> None:
    """Each relationship leads to a part of the document or, said so, to a public page."""

    def start(_: str, attributes: dict[str, str]) -> None:
        target = attributes.get("Target", "document.xml")
        if "TargetMode" not in attributes:
            if _INSIDE.fullmatch(target) is None:
                raise Residue
        elif not attributes.get("Type", "").endswith("/hyperlink"):
            raise Residue
        else:
            verify_link(target)

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    parser.Parse(part, True)
