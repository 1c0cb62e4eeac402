"""Reads a clean FLAC from both of its ends."""

from __future__ import annotations

from fastcrc import crc16

from fieldreport import limits
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Residue


def verify(source: Source, media_type: str) -> None:
    """STREAMINFO alone, then frames: the first begins right after it, and the last ends with the file."""
    del media_type
    if source.read_at(0, 8) != b"fLaC\x80\x00\x00\x22" or source.size < 42 + 11:
        raise Residue
    if source.read_at(42, 2) not in {b"\xff\xf8", b"\xff\xf9"}:
        raise Residue
    tail = source.read_at(max(42, source.size - limits.SOUND_FRAME_BYTES), limits.SOUND_FRAME_BYTES)
    # From the end, so that little is summed up before the frame is found that ends there.
    place = len(tail)
    while (place := tail.rfind(b"\xff", 0, place)) >= 0:
        if tail[place + 1 : place + 2] in {b"\xf8", b"\xf9"} and _is_one_frame(tail[place:]):
            return
    raise Residue


def _is_one_frame(data: bytes) -> bool:
    """By the checksum that its last two bytes are."""
    if len(data) < 11 or data[3] & 1 or not data[2] >> 4 or data[2] & 15 == 15:
        return False
    return crc16.umts(data[:-2]) == int.from_bytes(data[-2:], "big")
