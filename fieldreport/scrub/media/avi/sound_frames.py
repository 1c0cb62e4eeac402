"""Cuts sound at its frames: AVI treats MPEG audio and AC-3 as bytes, and cuts them into chunks anywhere.

Source: ETSI TS 102 366, 4.4.1 and table 4.13.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

from fieldreport.scrub.sniff import mpeg_frame_bytes

_AC3_KILOBITS: Final = (32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320, 384, 448, 512, 576, 640)
_HEAD_BYTES: Final = 5


def _ac3(head: bytes) -> int:
    """How long a frame of AC-3 is, from its first bytes; 0 when none begins here."""
    if len(head) < 5 or head[:2] != b"\x0b\x77" or head[4] >> 6 == 3 or head[4] & 0x3F >= 2 * len(_AC3_KILOBITS):
        return 0
    kilobits, hertz = _AC3_KILOBITS[(head[4] & 0x3F) >> 1], (48000, 44100, 32000)[head[4] >> 6]
    words = 96 * 1000 * kilobits // hertz + (head[4] & 1 if hertz == 44100 else 0)
    return 2 * words


MPEG: Final = (b"\xff", mpeg_frame_bytes)
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
