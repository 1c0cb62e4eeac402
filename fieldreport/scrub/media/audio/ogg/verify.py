"""Reads a clean Ogg page by page."""

from __future__ import annotations

from itertools import accumulate, compress
from typing import Final

from fieldreport.scrub.format import Source
from fieldreport.scrub.media.bitstreams import verify as frames
from fieldreport.scrub.verdicts import Residue

_HEADERS: Final = 3  # at most
_ENDING: Final = b"\1" * 255 + b"\0"  # of each size of a piece: whether a packet ends with it


def verify(source: Source, media_type: str) -> None:
    """Read page by page to the very end: one stream, numbered from zero, and a comment header without comments.

    After the headers comes no packet that is one.
    """
    del media_type
    opening, packets, inside = b"", 0, False
    with source.file() as file:
        number = 0
        while head := file.read(27):
            if len(head) < 27 or head[:5] != b"OggS\0" or head[14:18] != b"\1\0\0\0":
                raise Residue
            if int.from_bytes(head[18:22], "little") != number or bool(head[5] & 2) != (number == 0):
                raise Residue
            table = file.read(head[26])
            length = sum(table)
            body = file.read(length)
            if len(table) != head[26] or len(body) != length:
                raise Residue
            if number < 2:
                opening += body
            if inside is not bool(head[5] & 1):
                raise Residue
            number += 1
            if packets >= _HEADERS and not _needs_a_look(opening, table, body, inside=inside):
                packets += len(table) - table.count(255)
                inside = table[-1] == 255 if table else inside
                continue
            if opening[:8] == b"OpusHead" and packets > 1:
                _verify_padding(opening, table, body, inside=inside)
            for size in table:
                if size and not inside and packets > 1 and _is_header(opening, packets, body[:size]):
                    raise Residue
                inside = size == 255
                packets += not inside
                body = body[size:]
    if number < 3 or not _says_nothing(opening):
        raise Residue


def _needs_a_look(opening: bytes, table: bytes, body: bytes, *, inside: bool) -> bool:
    """Whether a packet that begins on a page may be padded or be a header, by its first two bytes."""
    begins = list(compress(accumulate(table, initial=0), bytes((not inside,)) + table.translate(_ENDING)))
    body += b"\xff" if opening[:5] == b"\x7fFLAC" else bytes(2)  # stands for an empty one at the end
    heads = {body[at] for at in begins}
    if opening[:8] == b"OpusHead":
        if opening[18] == 0 and all(head % 4 < 3 for head in heads):
            return False
        return opening[18] != 0 or any(body[at] % 4 == 3 and body[at + 1] // 64 % 2 for at in begins)
    if opening[:7] == b"\1vorbis":
        return any(head % 2 for head in heads)
    return opening[:5] == b"\x7fFLAC" and heads != {255}


def _verify_padding(opening: bytes, table: bytes, body: bytes, *, inside: bool) -> None:
    """What pads the packets of Opus that begin on a page is zeros; one that goes on on the next page has none."""
    streams = opening[19] if opening[18] else 1
    lengths = [0]
    for size in table:
        lengths[-1] += size
        if size < 255:
            lengths.append(0)
    for number, length in enumerate(lengths):
        packet, body = body[:length], body[length:]
        if not packet or (number == 0 and inside):
            continue
        if number == len(lengths) - 1:
            if packet[0] % 4 == 3 and packet[1] & 0x40:
                raise Residue
        elif (streams > 1 or packet[0] % 4 == 3) and not frames.opus(memoryview(packet), streams=streams):
            raise Residue


def _is_header(opening: bytes, number: int, packet: bytes) -> bool:
    """Whether the packet of this number, which is not empty, is one of those that do not sound."""
    if opening[:8] == b"OpusHead":
        return packet[:4] == b"Opus" and packet[4:8] in {b"Head", b"Tags"}
    if opening[:7] == b"\1vorbis":
        return number > 2 and packet[0] % 2 == 1
    return opening[:5] == b"\x7fFLAC" and packet[0] != 255


def _says_nothing(opening: bytes) -> bool:
    """Whether the first two pages hold a codec's header and the empty comments right after it."""
    nothing = b"\0\0\0\0\0\0\0\0"
    if opening[:8] == b"OpusHead":
        after = 19 if opening[18] == 0 else 21 + opening[9]
        return opening[after:] == b"OpusTags" + nothing
    if opening[:7] == b"\1vorbis":
        return opening[30:46] == b"\3vorbis" + nothing + b"\1" and opening[46:53] == b"\5vorbis"
    if opening[:8] == b"Speex   ":
        return opening[8:28] == bytes(20) and opening[80:] == nothing
    return opening[:5] == b"\x7fFLAC" and opening[51:] == b"\x84\0\0\x08" + nothing
