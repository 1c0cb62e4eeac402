"""AV1: open bitstream units that draw, and no others.

Rules: sequence headers, frame headers, tile groups and frames stay byte for byte; metadata (HDR as broadcasters send
it, private data), padding and delimiters go. Sources: AV1 Bitstream & Decoding Process (5.3 to 5.5), AV1 in ISOBMFF.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from fieldreport.scrub.format import check_image
from fieldreport.scrub.images.heif import codecs
from fieldreport.scrub.verdicts import Removed

_SEQUENCE_HEADER, _AGAIN = 1, 7
_DRAWING: Final = frozenset({1, 3, 4, 6})
# Delimiters, padding and frame headers said once more: nothing to tell the source about.
_SILENT: Final = frozenset({2, 7, 15})


@dataclass(slots=True, kw_only=True)
class Obus:
    """Cleans the frames of one track."""

    removed: set[Removed]

    def __call__(self, untrusted_frame: bytes) -> bytes:
        """The same frame without the units that do not draw."""
        kept = []
        changed = False
        for kind, unit, _ in codecs.obus(untrusted_frame):
            if kind in _DRAWING:
                kept.append(unit)
                continue
            changed = True
            if kind not in _SILENT or (kind != _AGAIN and any(unit[2:-1])):
                self.removed.add(Removed.OTHER_METADATA)
        if any(unit[0] >> 3 & 15 == _SEQUENCE_HEADER for unit in kept):
            for size in codecs.av1_frames(untrusted_frame)[1]:
                check_image(*size)
        return b"".join(kept) if changed else untrusted_frame


def configuration(untrusted: bytes) -> bytes:
    """Rebuild an ``av1C`` from its first four bytes and its sequence header."""
    rebuilt, sizes = codecs.av1_configuration(untrusted)
    for size in sizes:
        check_image(*size)
    return rebuilt
