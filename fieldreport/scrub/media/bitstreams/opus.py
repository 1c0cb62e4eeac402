"""Opus: what pads a packet becomes zeros.

Rules: no byte moves and no packet gets shorter. A decoder passes over the padding whatever it holds, an encoder writes
zeros. Sources: RFC 6716 (3.2 and appendix B), RFC 7845 (5.1.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fieldreport.scrub.verdicts import Damaged, Removed

_HEAD_BYTES: Final = 19  # of an OpusHead without a table of channels


@dataclass(slots=True, kw_only=True)
class Packets:
    """Cleans the packets of one track. ``streams``: how many are in each packet, for more channels than two."""

    removed: set[Removed]
    streams: int = 1

    def __call__(self, untrusted_packet: bytes) -> bytes:
        """The same packet, as long as before."""
        clean = bytearray(untrusted_packet)
        for start, end in padding(untrusted_packet, self.streams):
            if any(clean[start:end]):
                self.removed.add(Removed.OTHER_METADATA)
                clean[start:end] = bytes(end - start)
        return untrusted_packet if clean == untrusted_packet else bytes(clean)


def streams(head: bytes) -> int:
    """How many streams each packet of a track holds, by its ``OpusHead`` (``dOps`` has the same fields after eight)."""
    return head[_HEAD_BYTES] if head[18:19] > b"\0" and len(head) > _HEAD_BYTES else 1


def padding(packet: bytes, count: int) -> Iterator[tuple[int, int]]:
    """Where the padding of each stream of a packet begins and ends.

    Raises:
        Damaged: a stream is longer than the packet, or what pads one would begin before its sound ends.
    """
    position = 0
    for left in range(count, 0, -1):
        if position >= len(packet):
            return  # nothing: a packet that was lost
        first, end, position = _stream(packet, position, delimited=left > 1)
        if position > len(packet) or first > end or first < 0:
            raise Damaged
        if first < end:
            yield first, end


def _stream(packet: bytes, position: int, *, delimited: bool) -> tuple[int, int, int]:
    """Where the padding of one stream begins and ends, and where the next stream begins."""
    code, position = packet[position] & 3, position + 1
    frames, variable, pad = (1, 2, 2, 0)[code], code == 2, 0
    if code == 3:
        said = packet[position] if position < len(packet) else 0
        frames, variable, position = said & 63, bool(said & 0x80), position + 1
        more = said & 0x40
        while more:
            byte = packet[position] if position < len(packet) else 0
            position += 1
            pad += 254 if byte == 255 else byte
            more = byte == 255
    total = 0
    for _ in range((frames - 1 if variable else 0) + delimited):
        size, position = _size(packet, position)
        total += size
    if delimited and not variable:
        total *= frames
    end = position + total + pad if delimited else len(packet)
    first = end - pad
    return first if not pad or position + total <= first else -1, end, end


def _size(packet: bytes, position: int) -> tuple[int, int]:
    pair = packet[position : position + 2]
    if not pair or pair[0] < 252:
        return (pair[0] if pair else 0), position + 1
    return pair[0] + 4 * pair[1] if len(pair) > 1 else 0, position + 2
