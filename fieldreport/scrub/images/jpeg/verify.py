"""The second reading of a JPEG: its head as a whole, then every marker up to the very end."""

from __future__ import annotations

import re
import struct
from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import Source
from fieldreport.scrub.images import icc_profiles
from fieldreport.scrub.verdicts import Residue

_PROFILE_SEGMENTS: Final = b"|".join(
    re.escape(struct.pack(">BBH", 0xFF, 0xE2, len(profile) + 16) + b"ICC_PROFILE\x00\x01\x01" + profile)
    for profile in sorted(icc_profiles.OURS)
)
_CLEAN_HEAD: Final = re.compile(
    rb"\xff\xd8"
    rb"(?:\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00)?"
    rb"(?:\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00[\x00-\x02])?"
    rb"(?:" + _PROFILE_SEGMENTS + rb")?"
)
_ANY_MARKER: Final = re.compile(rb"\xff([^\x00\xff])")


def verify(source: Source, media_type: str) -> None:
    """Match the head as a whole, then look at every marker that follows, wherever it lies, up to the very end."""
    del media_type
    data = source.whole(limits.SCRUB_OUTPUT_BYTES)
    head = _CLEAN_HEAD.match(data)
    if head is None:
        raise Residue
    position, scanning = head.end(), False
    while position < len(data):
        found = _ANY_MARKER.search(data, position)
        if found is None or (not scanning and found.start() != position):
            raise Residue
        code = found[1][0]
        if code == 0xD9:
            if found.end() != len(data) or not scanning:
                raise Residue
            return
        if 0xD0 <= code <= 0xD7 and scanning:
            position = found.end()
            continue
        if code not in {0xC0, 0xC1, 0xC2, 0xC4, 0xC9, 0xCA, 0xCC, 0xDA, 0xDB, 0xDD}:
            raise Residue
        scanning = code == 0xDA
        position = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    raise Residue
