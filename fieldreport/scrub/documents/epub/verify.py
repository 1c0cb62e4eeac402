"""The second reading of a cleaned EPUB: every element, attribute and value of it is one of the tables'."""

from __future__ import annotations

import re
from typing import Final

from fieldreport.scrub.documents.css_verify import verify_sheet
from fieldreport.scrub.documents.vocabularies_verify import Reading, Tables
from fieldreport.scrub.documents.xml_verify import Shown, parts, verify_visible
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Residue

_PART: Final = re.compile(
    r"mimetype|META-INF/container\.xml"
    r"|book/(package\.opf|toc\.ncx|chapter\d+\.xhtml|style\d+\.css|image\d+\.(jpg|png|gif|svg))"
)
_SHOWN: Final = Shown("epub")
_TABLES: Final = {
    "xhtml": Tables("epub/page", "epub/semantics", "svg", "opendocument/math", mixed=True),
    "ncx": Tables("epub/contents"),
    "opf": Tables("epub/package", "epub/dublin-core"),
    "xml": Tables("epub/container"),
}  # by the extension of a part's name


def verify(source: Source, media_type: str) -> int:
    """Read a cleaned book, and count what its pages and its table of contents show.

    Raises:
        Residue: something that no table lists.
    """
    shown = 0
    readings = {extension: Reading(allowed) for extension, allowed in _TABLES.items()}
    for name, content in parts(source, _PART, mimetype=media_type):
        extension = name.rpartition(".")[2]
        if extension == "css":
            verify_visible(content)
            verify_sheet(content.decode())
        elif extension in readings:
            readings[extension].read(content)
            shown += _SHOWN.count(content) if extension in {"xhtml", "ncx"} else 0
        elif name != "mimetype":
            raise Residue
    for reading in readings.values():
        reading.settle()
    return shown
