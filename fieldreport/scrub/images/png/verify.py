"""The second reading of a PNG, as a stream of chunks."""

from __future__ import annotations

import zlib
from typing import Final

from fieldreport.scrub.format import Source
from fieldreport.scrub.images import icc_profiles
from fieldreport.scrub.verdicts import Residue

_LONGEST_DATA: Final = (1 << 20) + 4  # of IDAT and fdAT
_NOTHING_ELSE: Final = frozenset(
    {"IHDR", "iCCP", "sRGB", "gAMA", "cHRM", "cICP", "acTL", "PLTE", "tRNS", "bKGD", "IDAT", "fcTL", "fdAT", "IEND"}
)
_LONGEST: Final = {"IHDR": 13, "sRGB": 1, "gAMA": 4, "cHRM": 32, "cICP": 4, "acTL": 8, "PLTE": 768, "tRNS": 256}
_LONGEST_MORE: Final = {"bKGD": 6, "fcTL": 26, "IEND": 0}


def verify(source: Source, media_type: str) -> None:
    """Read chunk by chunk as a stream: names, lengths, checksums, the profile, and the end."""
    del media_type
    longest = _LONGEST | _LONGEST_MORE
    with source.file() as file:
        if file.read(8) != b"\x89PNG\r\n\x1a\n":
            raise Residue
        name = ""
        while name != "IEND":
            head = file.read(8)
            size, name = int.from_bytes(head[:4], "big"), head[4:].decode("latin-1")
            if len(head) != 8 or name not in _NOTHING_ELSE or size > longest.get(name, _LONGEST_DATA):
                raise Residue
            body = file.read(size)
            if file.read(4) != zlib.crc32(head[4:] + body).to_bytes(4, "big"):
                raise Residue
            if name == "iCCP" and (body[:5] != b"icc\0\0" or zlib.decompress(body[5:]) not in icc_profiles.OURS):
                raise Residue
        if file.read(1):
            raise Residue
