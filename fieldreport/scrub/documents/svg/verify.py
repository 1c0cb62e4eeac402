"""The second reading of a cleaned drawing: every element, attribute and value is one of ``tables/svg.toml``."""

from __future__ import annotations

from typing import Final

from fieldreport import limits
from fieldreport.scrub.documents.vocabularies_verify import Reading, Tables
from fieldreport.scrub.documents.xml_verify import Shown
from fieldreport.scrub.format import Source

_SHOWN: Final = Shown("svg")
_TABLES: Final = Tables("svg", mixed=True)


def verify(source: Source, media_type: str) -> int:
    """Read a cleaned drawing, and count what it shows.

    Raises:
        Residue: something that the table does not list.
    """
    del media_type
    reading = Reading(_TABLES)
    drawing = source.whole(limits.SCRUB_OUTPUT_BYTES)
    reading.read(drawing)
    reading.settle()
    return _SHOWN.count(drawing)
