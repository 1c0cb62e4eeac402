"""MPEG-4 Visual, Motion JPEG and MP3 inside films: user data, picture metadata, and the names of encoders.

Rules: as in the package. MPEG-4 Visual is cut at its start codes; what names an encoder there also tells decoders which
of its faults to expect, so the few forms that matter become one constant form each. A frame of Motion JPEG keeps the
segments that draw. Sources: ISO/IEC 14496-2 (6.2), ITU-T T.81 (B.1.1), ISO/IEC 11172-3 (2.4.1).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from fieldreport.scrub.verdicts import Damaged, Removed

_START: Final = b"\0\0\1"
_USER_DATA: Final = b"\xb2"
_PICTURE: Final = b"\xb6"
# Other start codes (table 6-3), and how many bytes may follow them: objects, layers with tables of their own, sequences
# and their ends, times of groups of pictures, kinds of object. Without a bound, anything may stand behind a header.
_HEADERS: Final = {
    **{bytes((code,)): 0 for code in range(0x20)},
    **{bytes((code,)): 256 for code in range(0x20, 0x30)},
    b"\xb0": 1, b"\xb1": 0, b"\xb3": 3, b"\xb5": 8,
}  # fmt: skip
_XVID: Final = re.compile(rb"XviD00(3[3-9]|[4-9]\d)")
# Builds after 32 decode alike; DivX 5 and its packed frames are known by these words (libavcodec, mpeg4videodec.c).
_DIVX: Final = re.compile(rb"DivX5\d{2}[bB](?:uild)?\d+(p?)")
# With the four-character code of XviD, a decoder takes pictures of libavcodec for some of XviD's first builds.
_LAVC: Final = re.compile(rb"(?:Lavc|FFmpeg)\d")
_ENCODER_NAMES: Final = re.compile(rb"(?:LAME|Lavc|Lavf|Gogo|GOGO|iTunes|Xing)[ v]?\d[\x20-\x7e]{0,30}|libmp3lame")

_JPEG_KEPT: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC4, 0xDB, 0xDD, 0xC9, 0xCA, 0xCC, 0xDC})
_AVI1: Final = b"AVI1"  # which field of an interlaced picture comes first


@dataclass(slots=True, kw_only=True)
class Visual:
    """Cleans the frames of one MPEG-4 Visual track, and its decoder configuration likewise.

    ``ambiguous``: the container calls the codec by a name that several encoders used, as AVI does.
    """

    removed: set[Removed]
    ambiguous: bool = False

    def __call__(self, untrusted_frame: bytes) -> bytes:
        """The same frame without user data."""
        first, *parts = untrusted_frame.split(_START)
        kept = [first]
        for part in parts:
            code, said = part[:1], part[1:]
            if code == _USER_DATA:
                kept.append(self._user_data(said))
                continue
            most = _HEADERS.get(code)
            if most is None and code != _PICTURE:
                self.removed.add(Removed.OTHER_METADATA)
                continue
            if most is not None and len(said) > most and any(said[most:]):
                self.removed.add(Removed.OTHER_METADATA)
                said = said[:most]
            kept += (_START, code, said)
        clean = b"".join(kept)
        return untrusted_frame if clean == untrusted_frame else clean

    def _user_data(self, words: bytes) -> bytes:
        constant = b""
        if _XVID.match(words):
            constant = b"XviD0050"
        elif divx := _DIVX.match(words):
            constant = b"DivX503b1393" + divx[1]
        elif self.ambiguous and _LAVC.match(words):
            constant = b"Lavc60.0.0"
        if words.rstrip(b"\0") != constant:
            self.removed.add(Removed.SOFTWARE)
        return b"\0\0\1\xb2" + constant if constant else b""


@dataclass(slots=True, kw_only=True)
class Jpeg:
    """Cleans the pictures of one Motion JPEG track; a frame may hold two, one for each field."""

    removed: set[Removed]

    def __call__(self, untrusted_frame: bytes) -> bytes:
        """The same picture without application segments and comments."""
        kept: list[bytes] = []
        position = 0
        while untrusted_frame.startswith(b"\xff\xd8", position):
            position = self._picture(untrusted_frame, position + 2, kept)
            next_picture = untrusted_frame.find(b"\xff\xd8\xff", position)
            between = untrusted_frame[position : next_picture if next_picture >= 0 else None]
            if between.strip(b"\0\xff"):
                self.removed.add(Removed.TRAILING_DATA)
            position = next_picture if next_picture >= 0 else len(untrusted_frame)
        if not kept:
            raise Damaged
        clean = b"".join(kept)
        return untrusted_frame if clean == untrusted_frame else clean

    def _picture(self, frame: bytes, position: int, kept: list[bytes]) -> int:
        """Add one picture's segments; answers where it ends."""
        kept.append(b"\xff\xd8")
        while True:
            while frame[position : position + 2] == b"\xff\xff":
                position += 1
            if position + 2 > len(frame) or frame[position] != 0xFF:
                raise Damaged
            marker = frame[position + 1]
            if marker == 0xD9:
                kept.append(b"\xff\xd9")
                return position + 2
            end = position + 2 + int.from_bytes(frame[position + 2 : position + 4], "big")
            segment = frame[position:end]
            if len(segment) < 4 or end > len(frame):
                raise Damaged
            if marker == 0xDA:
                scan_end = _scan_end(frame, end)
                kept.append(frame[position:scan_end])
                position = scan_end
                if scan_end == len(frame):
                    kept.append(b"\xff\xd9")
                    return scan_end
                continue
            if marker in _JPEG_KEPT:
                kept.append(segment)
            elif marker == 0xE0 and segment[4:8] == _AVI1 and len(segment) >= 9:
                clean = b"\xff\xe0\0\x10" + _AVI1 + segment[8:9] + bytes(9)
                kept.append(clean)
            elif marker != 0xE0 or not segment.startswith(b"JFIF\0", 4):
                self.removed.add(Removed.OTHER_METADATA)
            position = end


def _scan_end(frame: bytes, position: int) -> int:
    """Where coded data end: before the next marker that is neither a stuffed byte nor a restart."""
    while True:
        position = frame.find(b"\xff", position)
        if position < 0 or position + 1 >= len(frame):
            return len(frame)
        if frame[position + 1] and not 0xD0 <= frame[position + 1] <= 0xD7 and frame[position + 1] != 0xFF:
            return position
        position += 1 if frame[position + 1] == 0xFF else 2


@dataclass(slots=True, kw_only=True)
class Mp3:
    """Cleans the frames of one MP3 track: names in what pads a frame become zeros, the length stays."""

    removed: set[Removed]

    def __call__(self, untrusted_frame: bytes) -> bytes:
        """The same frame, as long as before."""
        if _ENCODER_NAMES.search(untrusted_frame) is None:
            return untrusted_frame
        self.removed.add(Removed.SOFTWARE)
        return _ENCODER_NAMES.sub(lambda found: bytes(len(found[0])), untrusted_frame)
