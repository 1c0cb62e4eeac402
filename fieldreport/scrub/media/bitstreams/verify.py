"""Whether a frame is free of what this package takes out: a second reading, with code of its own.

Rules: each check walks a frame as a decoder would and answers whether everything in it draws or sounds; what it cannot
follow is no clean frame.
"""

from __future__ import annotations

import re
from typing import Final

from fieldreport import limits
from fieldreport.scrub.cursor import Tape
from fieldreport.scrub.verdicts import Residue

WINDOW_BYTES: Final = 2 * limits.MIB

# Units that draw: H.264 table 7-1, H.265 table 7-1.
_AVC_DRAWS: Final = 0b1111_1011_1110
_HEVC_DRAWS: Final = 0b11_1111 << 32 | 0b11_1111 << 16 | 0b11_1111_1111
_SAFE_MESSAGES: Final = {6: 8, 47: 8, 137: 24, 144: 4, 147: 1}
_LOOSE_ZEROS: Final = re.compile(rb"\x00\x00(?![\x04-\xff]|\x03[\x00-\x03]|\x03\Z)")
_JPEG_SEGMENTS: Final = frozenset(b"\xc0\xc1\xc2\xc4\xc9\xca\xcc\xda\xdb\xdc\xdd")


def avc_unit(unit: bytes) -> bool:
    """One H.264 unit."""
    if not len(unit):
        return False
    kind = unit[0] & 0x1F
    return bool(_AVC_DRAWS >> kind & 1) or (kind == 6 and _only_safe_messages(unit[1:]))


def hevc_unit(unit: bytes) -> bool:
    """One HEVC unit: of the base layer."""
    if len(unit) < 2 or unit[0] & 1 or unit[1] >> 3:
        return False
    kind = (unit[0] & 0x7E) >> 1
    return bool(_HEVC_DRAWS >> kind & 1) or (kind in {39, 40} and _only_safe_messages(unit[2:]))


def _keeps_zeros_apart(unit: bytes) -> bool:
    """Whether two zeros have a three behind them wherever they must, and nowhere else. Zeros at the end fill.

    If not, another unit is inside: behind a start code, for decoders that look for one, or behind its length.
    """
    return not _LOOSE_ZEROS.search(unit.rstrip(b"\0"))


def _only_safe_messages(body: bytes) -> bool:
    plain = bytearray()
    zeros = 0
    for byte in body:
        if zeros >= 2 and byte == 3:
            zeros = 0
            continue
        plain.append(byte)
        zeros = 0 if byte else zeros + 1
    if plain[-1:] != b"\x80":
        return False
    del plain[-1:]
    while plain:
        if len(plain) < 2 or plain[1] > _SAFE_MESSAGES.get(plain[0], -1) or len(plain) < 2 + plain[1]:
            return False
        del plain[: 2 + plain[1]]
    return True


#: What a check answers of a frame that is clean and shows nothing. One that shows or sounds is true, another false.
SILENT: Final = 2


def units(frame: memoryview, *, width: int, hevc: bool) -> int:
    """A frame of units, each after its length."""
    data, position, shown = frame.tobytes(), 0, SILENT
    while position < len(data):
        start = position + width
        position = start + int.from_bytes(data[position:start], "big")
        unit = data[start:position]
        if not unit or position > len(data) or not _keeps_zeros_apart(unit):
            return False
        if not (hevc_unit if hevc else avc_unit)(unit):
            return False
        if unit[0] < 0x40 if hevc else unit[0] & 0x1F < 6:
            shown = True
    return shown


def stream(frame: memoryview) -> int:
    """A frame of H.264 whose units stand after start codes of four bytes."""
    first, *rest = frame.tobytes().split(b"\0\0\0\1")
    if first or not all(_keeps_zeros_apart(unit) and avc_unit(unit) for unit in rest):
        return False
    return True if any(unit[0] & 0x1F < 6 for unit in rest) else SILENT


def avc_width(configuration: bytes) -> int:
    """How many bytes tell a unit's length, from an ``avcC`` that holds parameter sets and nothing else."""
    tape = Tape(memoryview(configuration))
    tape.expect(b"\1")
    tape.take(3)
    width = (tape.number(1) & 3) + 1
    for kind, mask in ((7, 0x1F), (8, 0xFF)):
        for _ in range(tape.number(1) & mask):
            unit = tape.take(tape.number(2))
            if not unit or unit[0] & 0x1F != kind or not _keeps_zeros_apart(unit):
                raise Residue
    if len(tape):
        tape.take(3)
        tape.expect(b"\0")
    tape.end()
    return width


def hevc_width(configuration: bytes) -> int:
    """The same for an ``hvcC``."""
    tape = Tape(memoryview(configuration))
    width = (tape.take(22)[21] & 3) + 1
    for _ in range(tape.number(1)):
        kind = tape.number(1) & 0x3F
        for _ in range(tape.number(2)):
            unit = tape.take(tape.number(2))
            if kind not in {32, 33, 34} or len(unit) < 3 or unit[0] >> 1 & 0x3F != kind:
                raise Residue
            if not _keeps_zeros_apart(unit):
                raise Residue
    tape.end()
    return width


def obus(frame: memoryview) -> bool:
    """A frame of AV1: sequence header, frame header, tile group, frame, redundant frame header."""
    while len(frame):
        head = frame[0]
        if head & 0x80 or head >> 3 not in {1, 3, 4, 6, 7}:
            return False
        position = 2 if head & 4 else 1
        if not head & 2:
            return True
        size = shift = 0
        while True:
            if position >= len(frame) or shift > 49:
                return False
            size |= (frame[position] & 0x7F) << shift
            shift += 7
            position += 1
            if not frame[position - 1] & 0x80:
                break
        if position + size > len(frame):
            return False
        frame = frame[position + size :]
    return True


# Every four-bit type of a fill element but the three that only fill, and what is too short to have a type.
_SOUNDING_FILLS: Final = frozenset({"1011", "1100", "1101", "1110"})  # dynamic range, surround, spectral bands


def aac(frame: memoryview) -> bool:
    """A frame of AAC begins with what sounds, or with elements that are empty."""
    bits = "".join(f"{byte:08b}" for byte in frame) if len(frame) and frame[0] >> 5 in {4, 6} else ""
    position = 0
    while bits[position : position + 3] in {"100", "110"}:
        if bits[position : position + 3] == "110":
            count = int(bits[position + 3 : position + 7] or "0", 2)
            position += 7
            if count == 15:
                count += int(bits[position : position + 8] or "1", 2) - 1
                position += 8
            content = bits[position : position + 8 * count]
            position += 8 * count
            if content[:4] not in _SOUNDING_FILLS and "1" in content:
                return False
        else:
            aligned = bits[position + 7 : position + 8] == "1"
            count = int(bits[position + 8 : position + 16] or "0", 2)
            position += 16
            if count == 255:
                count += int(bits[position : position + 8] or "0", 2)
                position += 8
            position += -position % 8 if aligned else 0
            if "1" in bits[position : position + 8 * count]:
                return False
            position += 8 * count
    return True


def visual(frame: memoryview) -> bool:
    """MPEG-4 Visual: user data says one of a few constant things, or is absent."""
    parts = frame.tobytes().split(b"\0\0\1\xb2")[1:]
    said = {part.partition(b"\0\0\1")[0].rstrip(b"\0") for part in parts}
    return said <= {b"XviD0050", b"DivX503b1393", b"DivX503b1393p", b"Lavc60.0.0"}


def jpeg(frame: memoryview) -> bool:
    """Motion JPEG: every segment of every picture draws."""
    data = frame.tobytes()
    position = 0
    while position < len(data):
        if data[position : position + 2] != b"\xff\xd8":
            return False
        position += 2
        while data[position : position + 2] != b"\xff\xd9":
            marker = data[position + 1 : position + 2]
            length = int.from_bytes(data[position + 2 : position + 4], "big")
            segment = data[position + 4 : position + 2 + length]
            if data[position : position + 1] != b"\xff" or length < 2 or len(segment) != length - 2:
                return False
            if marker == b"\xe0":
                if segment[:4] != b"AVI1" or any(segment[5:]):
                    return False
            elif not marker or marker[0] not in _JPEG_SEGMENTS:
                return False
            position += 2 + length
            if marker == b"\xda":
                position = _after_scan(data, position)
        position += 2
    return True


def _after_scan(data: bytes, position: int) -> int:
    while True:
        position = data.find(b"\xff", position)
        if position < 0:
            return len(data)
        if data[position + 1 : position + 2] not in _INSIDE_SCAN:
            return position
        position += 1 if data[position + 1 : position + 2] == b"\xff" else 2


_INSIDE_SCAN: Final = frozenset(bytes((byte,)) for byte in (0, 0xFF, *range(0xD0, 0xD8)))


def mp3(frame: memoryview) -> bool:
    """MP3: no encoder names itself."""
    data = frame.tobytes()
    return not any(name in data for name in (b"LAME3", b"Lavc5", b"Lavc6", b"Lavf", b"libmp3lame"))
