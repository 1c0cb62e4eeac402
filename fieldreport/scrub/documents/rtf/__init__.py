"""RTF: the text and how it looks, written anew token by token.

Rules: a control word stays if the table beside this module (``words.txt``) names it; a destination stays if the table
says so, gives its text if that is what is shown, and goes otherwise, whatever it is called. Author, times, comments,
revisions, style names, objects, private data and hidden text go; pictures inside are cleaned; fields become what they
show, but for page numbers and links to public pages.
"""

from __future__ import annotations

from typing import Final

from fieldreport import limits
from fieldreport.scrub.documents.rtf.verify import check
from fieldreport.scrub.documents.rtf.write import Rewriting
from fieldreport.scrub.format import Cleaning, Sink, Source

MEDIA_TYPE: Final = "application/rtf"


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write the text anew.

    Raises:
        Refused: ``damaged``, ``bomb``.
    """
    sink.write(Rewriting(cleaning).rewrite(untrusted_source.whole(limits.XML_BYTES)))
    return MEDIA_TYPE


def verify(source: Source, media_type: str) -> None:
    """Read the result again with other code (``reading``).

    Raises:
        Residue: something that says more than the text shows.
    """
    del media_type
    check(source.whole())
