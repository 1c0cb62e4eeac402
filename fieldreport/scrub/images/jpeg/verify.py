"""The second reading of a JPEG: its head as a whole, then every marker up to the very end."""

from __future__ import annotations

import re
import struct
from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import Source
from fieldreport.scrub.images import icc_profiles
from fieldreport.scrub.verdicts import Residue

_PROFILE_SEGMENTS: Final = b"|".join(
    re.escape(struct.pack(">BBH", 0xFF, 0xE2, len(profile) + 16) + b"ICC_PROFILE\x00\x01\x01" + profile)
    for profile in sorted(icc_profiles.OURS)
)
_CLEAN_HEAD: Final = re.compile(
    rb"\xff\xd8"
    rb"(?:\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00)?"
    rb"(?:\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00[\x00-\x02])?"
    rb"(?:" + _PROFILE_SEGMENTS + rb")?"
)
_ANY_MARKER: Final = re.compile(rb"\xff([^\x00\xff])")


def verify(source: Source, media_type: str) -> None:
    """Match the head as a whole, then look at every marker that follows, wherever it lies, up to the very end."""
    del media_type
    data = source.whole(limits.SCRUB_OUTPUT_BYTES)
    head = _CLEAN_HEAD.match(data)
    if head is None:
        raise Residue
    position, scanning, tables = head.end(), False, _Tables()
    while position < len(data):
        found = _ANY_MARKER.search(data, position)
        if found is None or (not scanning and found.start() != position):
            raise Residue
        code = found[1][0]
        if code == 0xD9:
            if found.end() != len(data) or not scanning or tables.unused:
                raise Residue
            return
        if 0xD0 <= code <= 0xD7 and scanning:
            position = found.end()
            continue
        if code not in {0xC0, 0xC1, 0xC2, 0xC4, 0xC9, 0xCA, 0xCC, 0xDA, 0xDB, 0xDD}:
            raise Residue
        scanning = code == 0xDA
        position = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
        tables.segment(code, data[found.end() + 2 : position])
    raise Residue


class _Tables:
    """Whether every table is decoded with before another one takes its place, and before the end."""

    def __init__(self) -> None:
        self.unused: set[tuple[str, int]] = set()
        self._frame = b""  # the components: number, sampling, table
        self._kinds = ""
        self._steps = False  # whether the coefficients of a block come in several scans

    def segment(self, code: int, body: bytes) -> None:
        """The next one."""
        match code:
            case 0xDA:
                self._scan(body)
            case 0xDB:
                while body:
                    self._define("quantisation", body[0] % 16)
                    body = body[129 if body[0] > 15 else 65 :]
            case 0xC4:
                while body:
                    self._define("huffman", body[0])
                    body = body[17 + sum(body[1:17]) :]
            case 0xCC:
                for at in range(0, len(body), 2):
                    self._define("arithmetic", body[at])
            case 0xDD:
                self._define("restarts", 0)
            case _:
                self._frame = body[6:]
                self._kinds = "arithmetic" if code > 0xC8 else "huffman"
                self._steps = code in {0xC2, 0xCA}

    def _define(self, kind: str, number: int) -> None:
        if (kind, number) in self.unused:
            raise Residue
        self.unused.add((kind, number))

    def _scan(self, body: bytes) -> None:
        self.unused.discard(("restarts", 0))
        low, refined = body[-3], body[-1] // 16
        for component, numbers in zip(body[1:-3:2], body[2:-3:2], strict=True):
            for at in range(0, len(self._frame), 3):
                if self._frame[at] == component:
                    self.unused.discard(("quantisation", self._frame[at + 2]))
                    self._frame = self._frame[:at] + self._frame[at + 3 :]
                    break
            if not (self._steps and (low or refined)):
                self.unused.discard((self._kinds, numbers // 16))
            if low or not self._steps:
                self.unused.discard((self._kinds, 16 + numbers % 16))
