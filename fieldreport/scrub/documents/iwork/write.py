"""Taking the preview out of a document, and cleaning it as what it is."""

from __future__ import annotations

import re
from typing import Final

from fieldreport.scrub.documents.archive import Archive
from fieldreport.scrub.format import Cleaning, Embedded, Sink, Source
from fieldreport.scrub.verdicts import Bomb, Noted, Refusal, Refused, Removed

_PREVIEWS: Final = tuple(
    re.compile(rf"([^/]+/)?{name}")
    for name in (r"QuickLook/Preview\.pdf", r"preview\.jpg", r"QuickLook/Thumbnail\.jpg")
)
_TYPES: Final = frozenset({"application/pdf", "image/jpeg", "image/png"})


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """The preview that shows most.

    Raises:
        Refused: ``iwork`` when there is none that can be cleaned.
    """
    package = Archive(untrusted_source, cleaning)
    for pattern in _PREVIEWS:
        for name in package:
            if pattern.fullmatch(name) and (preview := _cleaned(package[name], cleaning)) is not None:
                cleaning.removed.add(Removed.OTHER_METADATA)
                cleaning.noted.add(Noted.PREVIEW)
                return cleaning.hand_out(preview, sink)
    raise Refused(Refusal.IWORK)


def _cleaned(untrusted: bytes, cleaning: Cleaning) -> Embedded | None:
    try:
        return cleaning.embedded(untrusted, accept=_TYPES)
    except Bomb:
        raise
    except Refused:
        return None
