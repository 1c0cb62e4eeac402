"""Reads a clean MP3 frame by frame."""

from __future__ import annotations

from functools import lru_cache

from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Residue


def verify(source: Source, media_type: str) -> None:
    """Read frame by frame, from the first byte to the last; an information frame names the one encoder or none."""
    del media_type
    with source.file() as file:
        number = 0
        while head := file.read(4):
            length = _verified_length(head)
            body = file.read(length - 4)
            if len(body) != length - 4:
                raise Residue
            if number == 0:
                _verify_information(head, body)
            number += 1
    if not number:
        raise Residue


@lru_cache(maxsize=1024)
def _verified_length(head: bytes) -> int:
    number = int.from_bytes(head, "big")
    sync, version, layer = number >> 21, number >> 19 & 3, number >> 17 & 3
    rate, frequency, private = number >> 12 & 15, number >> 10 & 3, number >> 8 & 1
    if len(head) < 4 or sync != 0x7FF or version == 1 or layer != 1 or rate in {0, 15} or frequency == 3 or private:
        raise Residue
    table = (
        "0 32 40 48 56 64 80 96 112 128 160 192 224 256 320"
        if version == 3
        else ("0 8 16 24 32 40 48 56 64 80 96 112 128 144 160")
    )
    hertz = (44100, 48000, 32000)[frequency] >> (0, 1, 2)[(3, 2, 0).index(version)]
    return int(table.split()[rate]) * (144000 if version == 3 else 72000) // hertz + (number >> 9 & 1)


def _verify_information(head: bytes, body: bytes) -> None:
    if b"VBRI" in body[:40]:
        raise Residue
    for kind in (b"Xing", b"Info"):
        at = body.find(kind, 0, 40)
        if at < 0:
            continue
        extension = body[at + 120 :]
        named, rest = extension[:9], extension[9:21] + extension[24:28] + extension[32:34]
        if any(body[:at]) or named not in {b"LAME3.100", bytes(9)} or any(rest) or any(extension[36:]):
            raise Residue
        if head[1] & 1 == 0:
            raise Residue
