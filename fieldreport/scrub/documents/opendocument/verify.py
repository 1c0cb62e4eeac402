"""The second reading of a cleaned OpenDocument file: what no table lists is residue."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from fieldreport.scrub.documents import tables
from fieldreport.scrub.documents.links_verify import verify_link
from fieldreport.scrub.documents.vocabularies_verify import Reading, Tables
from fieldreport.scrub.documents.xml_verify import Shown, parts
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Residue

_PART: Final = re.compile(
    r"mimetype|META-INF/manifest\.xml|(Object \d+/)*((content|styles)\.xml|Pictures/image\d+\.(jpg|png|gif))"
)
_CONTENT: Final = Tables(
    *(
        f"opendocument/{name}"
        for name in (
            "office", "text", "table", "draw", "style", "number", "chart", "dr3d", "presentation", "svg", "fo", "xlink",
            "math", "loext", "calcext", "chartooo", "drawooo", "field", "css3t", "of", "oooc", "ooow", "msoxl",
        )
    ),
    mixed=True,
)  # fmt: skip
_MANIFEST: Final = Tables("opendocument/manifest")
_KEPT: Final = frozenset({"shown-name", "formula", "address", "sheet-name", "target"})
_SHOWN: Final = Shown("opendocument")
_NEUTRAL: Final = re.compile(tables.load("kinds")["plain"]["neutral-name"])
_REFERENCE: Final = re.compile(tables.load("kinds")["reference"])
_TABLE: Final = re.compile(r"local-table|Table[0-9]{1,6}")
_TARGET: Final = re.compile(r"#(?:b|page)[0-9]{1,6}")
_SHEETS: Final = b"<office:spreadsheet"


def verify(source: Source, media_type: str) -> int:
    """Read a cleaned OpenDocument file, and count what it shows.

    Raises:
        Residue: something that says more than the document shows.
    """
    shown = 0
    manifest, content, sheets = Reading(_MANIFEST), Reading(_CONTENT, kept=_KEPT), Reading(_CONTENT, kept=_KEPT)
    for name, part in parts(source, _PART, mimetype=media_type):
        if name == "META-INF/manifest.xml":
            manifest.read(part)
        elif name != "mimetype":
            (sheets if _SHEETS in part else content).read(part)
            shown += _SHOWN.count(part)
    for reading in (manifest, content, sheets):
        reading.settle()
    if not all(map(_TABLE.fullmatch, content.values("sheet-name"))):
        raise Residue  # only a reader of sheets sees what they are called
    named = sheets.values("sheet-name")
    for reading in (content, sheets):
        _verify_names(reading, named)
    return shown


def _verify_names(reading: Reading, sheets: set[str]) -> None:
    for target in reading.values("target"):
        if _TARGET.fullmatch(target) is None:
            verify_link(target)
    for name in {name for address in reading.values("address") for name in _names_in(address)}:
        if name not in sheets and _TABLE.fullmatch(name) is None:
            raise Residue
    own = {name.casefold() for name in reading.values("shown-name") if _NEUTRAL.fullmatch(name) is None}
    if own:
        shown = "\n".join(reading.values("formula")).casefold()
        if not all(name in shown for name in own):
            raise Residue


def _names_in(address: str) -> Iterator[str]:
    """The sheets that a list of addresses names."""
    position = 0
    while position < len(address):
        match = _REFERENCE.match(address, position)
        if match is None or address[match.end() : match.end() + 1] not in {"", ":", " "}:
            raise Residue
        if name := match["name"] or (match["quoted"] or "").replace("''", "'"):
            yield name
        position = match.end() + 1
