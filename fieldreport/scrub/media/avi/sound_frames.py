"""Cuts sound at its frames: AVI treats MPEG audio and AC-3 as bytes, and cuts them into chunks anywhere.

Sources: ISO/IEC 11172-3, 2.4.2.3; ETSI TS 102 366, 4.4.1 and table 4.13.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

_MPEG_KILOBITS: Final = {  # by whether it is MPEG-1, and by layer
    (True, 1): (0, 32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 352, 384, 416, 448),
    (True, 2): (0, 32, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384),
    (True, 3): (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    (False, 1): (0, 32, 48, 56, 64, 80, 96, 112, 128, 144, 160, 176, 192, 224, 256),
    (False, 2): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
    (False, 3): (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_AC3_KILOBITS: Final = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
_HEAD_BYTES: Final = 5


def _mpeg(head: bytes) -> int:
    """How long a frame of MPEG audio is, from its first bytes; 0 when none begins here."""
    if len(head) < 4 or head[0] != 0xFF or head[1] < 0xE0:
        return 0
    version, layer = head[1] >> 3 & 3, 4 - (head[1] >> 1 & 3)
    rate, frequency, padding = head[2] >> 4, head[2] >> 2 & 3, head[2] >> 1 & 1
    if version == 1 or layer == 4 or rate in {0, 15} or frequency == 3:
        return 0
    hertz = (44100, 48000, 32000)[frequency] >> {3: 0, 2: 1, 0: 2}[version]
    bits = 1000 * _MPEG_KILOBITS[version == 3, layer][rate]
    if layer == 1:
        return (12 * bits // hertz + padding) * 4
    return (72 if layer == 3 and version != 3 else 144) * bits // hertz + padding


def _ac3(head: bytes) -> int:
    """How long a frame of AC-3 is, from its first bytes; 0 when none begins here."""
    if len(head) < 5 or head[:2] != b"\x0b\x77" or head[4] >> 6 == 3 or head[4] & 0x3F >= 2 * len(_AC3_KILOBITS):
        return 0
    kilobits, hertz = _AC3_KILOBITS[(head[4] & 0x3F) >> 1], (48000, 44100, 32000)[head[4] >> 6]
    words = 96 * 1000 * kilobits // hertz + (head[4] & 1 if hertz == 44100 else 0)
    return 2 * words


MPEG: Final = (b"\xff", _mpeg)
AC3: Final = (b"\x0b\x77", _ac3)


class Cutter:
    """Takes chunk after chunk and gives out whole frames; what is between them goes, and so does half a frame."""

    def __init__(self, sync: bytes, length: Callable[[bytes], int]) -> None:
        self._sync = sync  # what every frame begins with
        self._length = length
        self._rest = b""
        self._sure = False  # the last frame was followed by this place

    def cut(self, untrusted_chunk: bytes) -> Iterator[tuple[int, bytes]]:
        """Each frame that ends in this chunk, and where it begins: negative in one of the chunks before."""
        data, place = self._rest + untrusted_chunk, 0
        before = len(self._rest)
        while len(data) - place >= _HEAD_BYTES:
            length = self._length(data[place : place + _HEAD_BYTES])
            end = place + length
            if length and end > len(data):
                break
            if length and (self._sure or end == len(data) or self._length(data[end : end + _HEAD_BYTES])):
                yield place - before, data[place:end]
                self._sure, place = True, end
            elif length and len(data) - end < _HEAD_BYTES:
                break  # what follows decides whether it is one
            else:
                found = data.find(self._sync, place + 1)
                self._sure, place = False, found if found >= 0 else len(data) - len(self._sync) + 1
        self._rest = data[place:]
