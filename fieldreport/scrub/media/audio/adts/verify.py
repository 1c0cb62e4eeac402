"""Reads a clean ADTS recording bit by bit."""

from __future__ import annotations

from fieldreport.scrub.format import Source
from fieldreport.scrub.media.bitstreams import verify as bitstreams
from fieldreport.scrub.verdicts import Residue


def verify(source: Source, media_type: str) -> None:
    """Read as a stream, every header bit by bit, and nothing said before the first channel."""
    del media_type
    expected = None
    with source.file() as file:
        while header := file.read(7):
            bits = f"{int.from_bytes(header, 'big'):056b}"
            same = bits[:22] + bits[23:26]  # around the private bit
            constant = bits[:12] == "1" * 12 and bits[13:16] == "001" and bits[22] + bits[26:30] == "00000"
            constant = constant and bits[43:54] == "1" * 11 and (expected or same) == same
            length = int(bits[30:43], 2) - 7
            body = file.read(max(length, 0))
            if len(header) != 7 or not constant or not body or len(body) != length:
                raise Residue
            if not bitstreams.aac(memoryview(body)):
                raise Residue
            expected = same
    if expected is None:
        raise Residue
