"""The two codecs of HEIF pictures: what of a coded picture draws, and how large it really is.

Rules: supplemental information, metadata, fillers and delimiters go; slices, tiles and the headers they need stay,
byte for byte. The size is read from the codec's own header, because that is what a decoder allocates by, whatever the
container says. Sources: ITU-T H.265 (7.3.1, 7.3.2.2, 7.3.3), ISO/IEC 14496-15 (8.3.2), AV1 Bitstream & Decoding
Process (5.3 to 5.5), AV1 in ISOBMFF 1.2.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterator
from typing import Final

from fieldreport.scrub.bits import Bits
from fieldreport.scrub.verdicts import Damaged

_VPS, _SPS, _PPS = 32, 33, 34
_SLICES: Final = 32  # types below are coded slices
_SEQUENCE_HEADER: Final = 1
_DRAWING_OBUS: Final = frozenset({_SEQUENCE_HEADER, 3, 4, 6})  # and frame headers, tile groups, frames
_HVCC_HEAD: Final = 22
_SETS: Final = 64  # parameter sets of one picture; encoders write three
_HEIC_PROFILES: Final = frozenset({1, 3})  # Main, Main Still Picture
_START_CODE: Final = b"\0\0\1"
_BARE_ZEROS: Final = re.compile(rb"\x00\x00(?:[\x00-\x02]|\x03[^\x00-\x03])")


def bare_units(untrusted: bytes) -> list[bytes]:
    """What decoders find in one unit, H.264 or HEVC: they stop at a start code inside and go on with what follows.

    A unit that was written by the standard has none: there a zero, a zero and a one are kept apart by a three.
    """
    if _START_CODE not in untrusted:
        return [untrusted]
    return [unit for piece in untrusted.split(_START_CODE) if (unit := piece.rstrip(b"\0"))]


def is_escaped(unit: bytes) -> bool:
    """Whether no other unit is inside this one, H.264 or HEVC, behind a start code or a length.

    Two zeros are followed inside by more than a three, or by a three with up to a three, or nothing, behind it (ISO/IEC
    14496-10 and 23008-2, 7.4.2: NAL unit semantics). Zeros at the end fill.
    """
    return not _BARE_ZEROS.search(unit.rstrip(b"\0"))


# --- HEVC ---


def hevc_configuration(untrusted: bytes) -> tuple[bytes, int, list[tuple[int, int]]]:
    """Rebuild an ``hvcC`` from its parameter sets alone.

    Returns the payload, the number of bytes before each unit that tell its length, and the sizes the sets declare.
    """
    if len(untrusted) < _HVCC_HEAD + 1 or untrusted[0] != 1:
        raise Damaged
    arrays: list[tuple[int, list[bytes]]] = []
    sizes = []
    position, total = _HVCC_HEAD + 1, 0
    for _ in range(untrusted[_HVCC_HEAD]):
        if position + 3 > len(untrusted):
            raise Damaged
        kind = untrusted[position] & 0x3F
        (count,) = struct.unpack_from(">H", untrusted, position + 1)
        position += 3
        units = []
        for _ in range(count):
            length = int.from_bytes(untrusted[position : position + 2], "big")
            unit = untrusted[position + 2 : position + 2 + length]
            position += 2 + length
            total += 1
            if len(unit) != length or total > _SETS:
                raise Damaged
            unit = unit.partition(_START_CODE)[0]
            if len(unit) < 3:
                raise Damaged
            if kind in {_VPS, _SPS, _PPS} and (unit[0] >> 1 & 0x3F != kind or not is_escaped(unit)):
                raise Damaged
            units.append(unit)
        if kind in {_VPS, _SPS, _PPS}:
            arrays.append((kind, units))
            sizes += [hevc_sps_size(unit) for unit in units if kind == _SPS]
    if not sizes:
        raise Damaged
    head = untrusted[:_HVCC_HEAD]
    body = b"".join(
        struct.pack(">BH", 0x80 | kind, len(units)) + b"".join(struct.pack(">H", len(unit)) + unit for unit in units)
        for kind, units in sorted(arrays)
    )
    return head + bytes((len(arrays),)) + body, (untrusted[21] & 3) + 1, sizes


def hevc_is_main(configuration: bytes) -> bool:
    """Whether the profile is one that the brand ``heic`` promises (8 bits, or still picture)."""
    return configuration[1] & 0x1F in _HEIC_PROFILES


def hevc_slices(untrusted: bytes, length_bytes: int) -> tuple[bytes, bool]:
    """The coded slices of a picture, with their lengths, and whether none of them can hold another unit.

    Parameter sets belong into the configuration.
    """
    slices = [unit for unit in _hevc_units(untrusted, length_bytes) if unit[0] >> 1 & 0x3F < _SLICES]
    if not slices:
        raise Damaged
    return b"".join(len(unit).to_bytes(length_bytes, "big") + unit for unit in slices), all(map(is_escaped, slices))


def _hevc_units(data: bytes, length_bytes: int) -> Iterator[bytes]:
    position = 0
    while position < len(data):
        length = int.from_bytes(data[position : position + length_bytes], "big")
        unit = data[position + length_bytes : position + length_bytes + length]
        if len(unit) != length or length < 2:
            raise Damaged
        yield from bare_units(unit)
        position += length_bytes + length


def hevc_sps_size(unit: bytes) -> tuple[int, int]:
    """Width and height of a sequence parameter set, before cropping (H.265 7.3.2.2.1)."""
    bits = Bits(unit[2:200].replace(b"\0\0\3", b"\0\0"))
    bits.take(4)
    sub_layers = bits.take(3)
    bits.take(1)
    bits.take(96)  # general profile, tier and level
    present = [(bits.take(1), bits.take(1)) for _ in range(sub_layers)]
    if sub_layers:
        bits.take(2 * (8 - sub_layers))
    for profile, level in present:
        bits.take(88 * profile + 8 * level)
    bits.golomb()
    if bits.golomb() == 3:
        bits.take(1)
    return bits.golomb(), bits.golomb()


# --- AV1 ---


def av1_configuration(untrusted: bytes) -> tuple[bytes, list[tuple[int, int]]]:
    """Rebuild an ``av1C`` from its first four bytes and its sequence header."""
    if len(untrusted) < 4 or untrusted[0] != 0x81:
        raise Damaged
    headers = [(unit, body) for kind, unit, body in obus(untrusted[4:]) if kind == _SEQUENCE_HEADER]
    return untrusted[:4] + b"".join(unit for unit, _ in headers), [_sequence_size(body) for _, body in headers]


def av1_frames(untrusted: bytes) -> tuple[bytes, list[tuple[int, int]]]:
    """The units that draw, and the sizes their sequence headers declare."""
    kept, sizes = [], []
    for kind, unit, body in obus(untrusted):
        if kind in _DRAWING_OBUS:
            kept.append(unit)
        if kind == _SEQUENCE_HEADER:
            sizes.append(_sequence_size(body))
    if not kept:
        raise Damaged
    return b"".join(kept), sizes


def obus(data: bytes) -> Iterator[tuple[int, bytes, bytes]]:
    """Type, the whole unit, and its body."""
    position = 0
    while position < len(data):
        start, head = position, data[position]
        position += 2 if head & 4 else 1
        length = len(data) - position
        if head & 2:
            length, position = _leb128(data, position)
        body = data[position : position + length]
        if head & 0x80 or length < 0 or len(body) != length:
            raise Damaged
        position += length
        yield head >> 3 & 15, data[start:position], body


def _leb128(data: bytes, position: int) -> tuple[int, int]:
    value = 0
    for index in range(8):
        if position + index >= len(data):
            raise Damaged
        value |= (data[position + index] & 0x7F) << (7 * index)
        if not data[position + index] & 0x80:
            return value, position + index + 1
    raise Damaged


def _sequence_size(body: bytes) -> tuple[int, int]:
    """The largest frame a sequence header allows (AV1 5.5.1)."""
    bits = Bits(body[:120])
    bits.take(4)
    if bits.take(1):  # reduced header of a still picture
        bits.take(5)
    else:
        _operating_points(bits)
    width_bits, height_bits = bits.take(4) + 1, bits.take(4) + 1
    return bits.take(width_bits) + 1, bits.take(height_bits) + 1


def _operating_points(bits: Bits) -> None:
    delay_bits = 0
    if bits.take(1):  # timing information: of films
        bits.take(64)
        if bits.take(1):
            bits.golomb()
        if bits.take(1):  # decoder model
            delay_bits = bits.take(5) + 1
            bits.take(42)
    display_delay = bits.take(1)
    for _ in range(bits.take(5) + 1):
        bits.take(12)
        if bits.take(5) > 7:
            bits.take(1)
        if delay_bits and bits.take(1):
            bits.take(2 * delay_bits + 1)
        if display_delay and bits.take(1):
            bits.take(4)
