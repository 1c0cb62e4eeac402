"""H.264 and HEVC: network abstraction layer units, their parameter sets, and the messages between them.

Rules: slices, parameter sets and the marks between pictures stay. Of the supplemental messages (SEI) only those stay
that say how the picture is to be shown and have no room for words: where decoding may begin, how bright the master
display was, whether the picture lies on its side. User data, captions, time codes, fillers and units for which the
standards leave the meaning to the maker go. Sources: ITU-T H.264 (7.3.1, 7.3.2.1, 7.3.2.3, Annex D), ITU-T H.265
(7.3.1, 7.3.2.4, Annex D), ISO/IEC 14496-15 (5.3.3, 8.3.3).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fieldreport import limits
from fieldreport.scrub.bits import Bits
from fieldreport.scrub.format import check_image
from fieldreport.scrub.images.heif import codecs as hevc
from fieldreport.scrub.media.bitstreams import FrameCleaner
from fieldreport.scrub.verdicts import Damaged, Removed

_AVC_KEPT: Final = frozenset({1, 5, 7, 8})  # slices and parameter sets
_AVC_PARTITIONS: Final = frozenset({2, 3, 4})  # of slices: no decoder at hand shows them, so they may hold anything
_AVC_SPS, _AVC_PPS, _AVC_SEI = 7, 8, frozenset({6})
_HEVC_KEPT: Final = frozenset(range(10)) | frozenset(range(16, 22)) | frozenset(range(32, 35))
# Units that stand between pictures, and how many bytes they have: delimiters, ends of sequences and of streams.
_AVC_MARKS: Final = {9: 2, 10: 1, 11: 1}
_HEVC_MARKS: Final = {35: 3, 36: 2, 37: 2}
_HEVC_SPS, _HEVC_SEI = 33, frozenset({39, 40})

# Message type → the most bytes it may have. Recovery point, display orientation, mastering display, content light
# level, alternative transfer: the same numbers in both standards.
_MESSAGES: Final = {6: 8, 47: 8, 137: 24, 144: 4, 147: 1}
_USER_DATA: Final = frozenset({4, 5})
# What follows the identifier of user data: an encoder's name; what a camcorder notes with every picture.
_SAID: Final = {b"x264": Removed.SOFTWARE, b"x265": Removed.SOFTWARE, b"MDPM": Removed.TIME}
_TIME_CODE: Final = 136
_TECHNICAL: Final = frozenset({0, 1, 2, 3, 129, 132})  # buffering, timing, pan, filler, active sets, hashes
_PARAMETER_SET_BYTES: Final = 4096
_HIGH_PROFILES: Final = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
_ESCAPED: Final = re.compile(rb"\0\0(?=[\0-\3])")


@dataclass(slots=True, kw_only=True)
class Units:
    """Cleans the frames of one track, in which each unit follows its length."""

    hevc: bool
    length_bytes: int
    removed: set[Removed]
    pictures: int = 0  # frames so far that draw one

    def __call__(self, untrusted_frame: bytes) -> bytes:
        """The same frame without the units that do not draw."""
        position, end, width = 0, len(untrusted_frame), self.length_bytes
        kept: list[bytes] = []
        changed = draws = False
        while position < end:
            start = position + width
            length = int.from_bytes(untrusted_frame[position:start], "big")
            position = start + length
            if position > end:
                raise Damaged
            if not length:
                changed = True
                continue
            unit = untrusted_frame[start:position]
            found = [unit]
            if not (escaped := hevc.is_escaped(unit)):
                if _took_in(unit):
                    raise Damaged
                found, changed = hevc.bare_units(unit), True
            for unit in found:
                draws = draws or self.draws(unit)
                clean = self.unit(unit, escaped=escaped)
                changed = changed or clean is not unit
                if clean:
                    kept += (len(clean).to_bytes(width, "big"), clean)
        self.pictures += draws
        return b"".join(kept) if changed else untrusted_frame

    def draws(self, unit: bytes) -> bool:
        """Whether a unit is a slice or a part of one."""
        return unit[0] >> 1 & 63 < 32 if self.hevc else 1 <= unit[0] & 31 <= 5

    def unit(self, untrusted_unit: bytes, *, escaped: bool = False) -> bytes:
        """One unit as it is, rewritten, or empty when it goes. ``escaped``: it is known to hold no other."""
        if self.hevc:
            if len(untrusted_unit) < 2:
                raise Damaged
            kind, base_layer = untrusted_unit[0] >> 1 & 63, not (untrusted_unit[0] & 1 or untrusted_unit[1:2] > b"\7")
            if not base_layer:  # a second eye, depth
                self.removed.add(Removed.HIDDEN_CONTENT)
                return b""
            kept, messages, sets, marks = _HEVC_KEPT, _HEVC_SEI, _HEVC_SPS, _HEVC_MARKS
        else:
            kind = untrusted_unit[0] & 31
            kept, messages, sets, marks = _AVC_KEPT, _AVC_SEI, _AVC_SPS, _AVC_MARKS
            if kind in _AVC_PARTITIONS:
                raise Damaged
        if kind in kept:
            if not escaped and not hevc.is_escaped(untrusted_unit):
                raise Damaged
            if kind == sets:
                check_parameter_set(untrusted_unit, hevc_=self.hevc)
            return untrusted_unit
        if kind in marks:
            return self._mark(untrusted_unit, marks[kind])
        if kind in messages:
            return self._messages(untrusted_unit)
        if kind not in {12, 38}:  # not a filler
            self.removed.add(Removed.OTHER_METADATA)
        return b""

    def _mark(self, unit: bytes, length: int) -> bytes:
        if len(unit) <= length:
            return unit
        if any(unit[length:]):
            self.removed.add(Removed.OTHER_METADATA)
        return unit[:length]

    def _messages(self, unit: bytes) -> bytes:
        head = 2 if self.hevc else 1
        kept = []
        for kind, payload in _sei(unit[head:].replace(b"\0\0\3", b"\0\0")):
            if len(payload) <= _MESSAGES.get(kind, -1):
                kept.append(bytes((kind, len(payload))) + payload)
            elif kind in _USER_DATA:
                self.removed.add(_SAID.get(payload[16:20], Removed.OTHER_METADATA))
            elif kind == _TIME_CODE:
                self.removed.add(Removed.TIME)
            elif kind not in _TECHNICAL:
                self.removed.add(Removed.OTHER_METADATA)
        if not kept:
            return b""
        clean = unit[:head] + _ESCAPED.sub(b"\0\0\3", b"".join(kept) + b"\x80")
        return unit if clean == unit else clean


@dataclass(slots=True, kw_only=True)
class Stream:
    """Cleans frames in which units stand between start codes (H.264 annex B), as AVI has them."""

    units: Units

    def __call__(self, untrusted_frame: bytes) -> bytes:
        """The same frame, each unit after one start code of four bytes."""
        first, *rest = untrusted_frame.split(b"\0\0\1")
        if first.strip(b"\0"):
            raise Damaged
        found = [bare for unit in rest if (bare := unit.rstrip(b"\0"))]
        self.units.pictures += any(self.units.draws(unit) for unit in found)
        kept = map(self.units.unit, found)
        return b"".join(b"\0\0\0\1" + unit for unit in kept if unit)


def _took_in(unit: bytes) -> bool:
    """Whether what looks like a start code inside is the length of the unit behind, of 256 to 511 bytes, in four."""
    position = unit.find(b"\0\0\1")
    while position >= 0:
        if position + 4 + int.from_bytes(unit[position : position + 4], "big") == len(unit):
            return True
        position = unit.find(b"\0\0\1", position + 1)
    return False


def pictures(clean: FrameCleaner | None) -> int | None:
    """How many of the frames that it cleaned draw a picture; none where every frame does."""
    units = clean.units if isinstance(clean, Stream) else clean
    return units.pictures if isinstance(units, Units) else None


def _sei(payload: bytes) -> Iterator[tuple[int, bytes]]:
    """Type and bytes of each message; what makes no sense ends the list, for it goes anyway."""
    position = 0
    while position + 2 < len(payload):
        numbers = []
        for _ in range(2):
            value = 0
            while position < len(payload) and payload[position] == 0xFF:
                value += 255
                position += 1
            value += payload[position] if position < len(payload) else 0
            position += 1
            numbers.append(value)
        kind, length = numbers
        yield kind, payload[position : position + length]
        position += length


def check_parameter_set(unit: bytes, *, hevc_: bool) -> None:
    """The size that a sequence parameter set declares is one that may be decoded."""
    if not 3 < len(unit) <= _PARAMETER_SET_BYTES:
        raise Damaged
    check_image(*(hevc.hevc_sps_size(unit) if hevc_ else _avc_size(unit)))


def _avc_size(unit: bytes) -> tuple[int, int]:
    """Width and height in samples, before cropping (H.264 7.3.2.1.1)."""
    bits = Bits(unit[1:].replace(b"\0\0\3", b"\0\0"))
    profile = bits.take(8)
    bits.take(16)
    bits.golomb()
    if profile in _HIGH_PROFILES:
        chroma = bits.golomb()
        if chroma == 3:
            bits.take(1)
        bits.golomb()
        bits.golomb()
        bits.take(1)
        if bits.take(1):
            for index in range(8 if chroma != 3 else 12):
                if bits.take(1):
                    _scaling_list(bits, 16 if index < 6 else 64)
    bits.golomb()
    order = bits.golomb()
    if order == 0:
        bits.golomb()
    elif order == 1:
        bits.take(1)
        bits.golomb()
        bits.golomb()
        for _ in range(min(bits.golomb(), 255)):
            bits.golomb()
    bits.golomb()
    bits.take(1)
    width, height = (bits.golomb() + 1) * 16, (bits.golomb() + 1) * 16
    return width, height * (2 - bits.take(1))


def _scaling_list(bits: Bits, size: int) -> None:
    last, following = 8, 8
    for _ in range(size):
        if following:
            code = bits.golomb()
            delta = (code + 1) // 2 if code % 2 else -(code // 2)
            following = (last + delta) % 256
        last = following or last


def avc_configuration(untrusted: bytes) -> tuple[bytes, int]:
    """Rebuild an ``avcC`` from its parameter sets; answers it and how many bytes tell a unit's length."""
    if len(untrusted) < 7 or untrusted[0] != 1:
        raise Damaged
    rebuilt = [untrusted[:4], bytes((untrusted[4] | 0xFC,))]
    position = 5
    for kind, mask in ((_AVC_SPS, 0xE0), (_AVC_PPS, 0)):
        units, position = _sets(untrusted, position, kind, ~mask & 0xFF)
        rebuilt.append(bytes((len(units) | mask,)))
        rebuilt += [len(unit).to_bytes(2, "big") + unit for unit in units]
    high = untrusted[position : position + 3]
    if len(high) == 3 and untrusted[1] in _HIGH_PROFILES and high[0] >= 0xFC:
        rebuilt.append(bytes((high[0], high[1] | 0xF8, high[2] | 0xF8, 0)))
    return b"".join(rebuilt), (untrusted[4] & 3) + 1


def _sets(data: bytes, position: int, kind: int, mask: int) -> tuple[list[bytes], int]:
    if position >= len(data):
        raise Damaged
    count, position = data[position] & mask, position + 1
    units = []
    for _ in range(count):
        length = int.from_bytes(data[position : position + 2], "big")
        unit = data[position + 2 : position + 2 + length]
        position += 2 + length
        if len(unit) != length:
            raise Damaged
        unit = unit.partition(b"\0\0\1")[0]
        if not 2 <= len(unit) <= _PARAMETER_SET_BYTES:
            raise Damaged
        if unit[0] & 31 == kind:
            if not hevc.is_escaped(unit):
                raise Damaged
            units.append(unit)
            if kind == _AVC_SPS:
                check_parameter_set(unit, hevc_=False)
    return units, position


def hevc_configuration(untrusted: bytes) -> tuple[bytes, int]:
    """Rebuild an ``hvcC``; answers it and how many bytes tell a unit's length."""
    rebuilt, length_bytes, sizes = hevc.hevc_configuration(untrusted)
    for size in sizes:
        check_image(*size)
    if len(rebuilt) > limits.MIB:
        raise Damaged
    return rebuilt, length_bytes
