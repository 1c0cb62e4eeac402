"""The second reading of a WebP, as a stream of chunks; the RIFF must end where the file does."""

from __future__ import annotations

from fieldreport.scrub.format import Source
from fieldreport.scrub.images import icc_profiles
from fieldreport.scrub.verdicts import Residue


def verify(source: Source, media_type: str) -> None:
    """Read as a stream; the RIFF must end where the file does."""
    del media_type
    with source.file() as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WEBP" or int.from_bytes(head[4:8], "little") != source.size - 8:
            raise Residue
        left = source.size - 12
        pictures = 0
        while left > 0:
            name, size = file.read(4).decode("latin-1"), int.from_bytes(file.read(4), "little")
            body = file.read(size + size % 2)
            left -= 8 + len(body)
            if len(body) != size + size % 2 or (size % 2 and body[-1]):
                raise Residue
            _verify_chunk(name, body[:size])
            pictures += name in {"VP8 ", "VP8L", "ANMF"}
        if not pictures or left:
            raise Residue


def _verify_chunk(name: str, body: bytes) -> None:
    match name:
        case "VP8X":
            clean_flags = len(body) == 10 and not body[0] & 0xCD and body[1:4] == b"\0\0\0"
        case "ICCP":
            clean_flags = body in icc_profiles.OURS
        case "ANIM":
            clean_flags = len(body) == 6
        case "ANMF":
            inner, position = [], 16
            while position < len(body):
                inner.append(body[position : position + 4])
                size = int.from_bytes(body[position + 4 : position + 8], "little")
                position += 8 + size + size % 2
            clean_flags = position == len(body) and inner in ([b"VP8 "], [b"VP8L"], [b"ALPH", b"VP8 "])
            clean_flags = clean_flags and not body[15] & 0xFC
        case _:
            clean_flags = name in {"VP8 ", "VP8L", "ALPH"}
    if not clean_flags:
        raise Residue
