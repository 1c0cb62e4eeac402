"""Whether a frame is free of what this package takes out: a second reading, with code of its own.

Rules: each check walks a frame as a decoder would and answers whether everything in it draws or sounds; what it cannot
follow is no clean frame.
"""

from __future__ import annotations

from typing import Final

from fieldreport import limits
from fieldreport.scrub.cursor import Tape
from fieldreport.scrub.images.heif.verify import keeps_zeros_apart
from fieldreport.scrub.verdicts import Residue

WINDOW_BYTES: Final = 2 * limits.MIB

# Units that draw: H.264 table 7-1, H.265 table 7-1.
_AVC_DRAWS: Final = 0b0001_1010_0010
_HEVC_DRAWS: Final = 0b00_0111 << 32 | 0b11_1111 << 16 | 0b11_1111_1111
# Units that stand between pictures, and how long they are at most: delimiters, ends of sequences and of streams.
_AVC_MARKS: Final = {9: 2, 10: 1, 11: 1}
_HEVC_MARKS: Final = {35: 3, 36: 2, 37: 2}
_SAFE_MESSAGES: Final = {6: 8, 47: 8, 137: 24, 144: 4, 147: 1}
_JPEG_SEGMENTS: Final = frozenset(b"\xc0\xc1\xc2\xc4\xc9\xca\xcc\xda\xdb\xdc\xdd")


def avc_unit(unit: bytes) -> bool:
    """One H.264 unit."""
    if not len(unit):
        return False
    kind = unit[0] & 0x1F
    if kind in _AVC_MARKS:
        return len(unit) <= _AVC_MARKS[kind]
    return bool(_AVC_DRAWS >> kind & 1) or (kind == 6 and _only_safe_messages(unit[1:]))


def hevc_unit(unit: bytes) -> bool:
    """One HEVC unit: of the base layer."""
    if len(unit) < 2 or unit[0] & 1 or unit[1] >> 3:
        return False
    kind = (unit[0] & 0x7E) >> 1
    if kind in _HEVC_MARKS:
        return len(unit) <= _HEVC_MARKS[kind]
    return bool(_HEVC_DRAWS >> kind & 1) or (kind in {39, 40} and _only_safe_messages(unit[2:]))


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
        if not unit or position > len(data) or not keeps_zeros_apart(unit):
            return False
        if not (hevc_unit if hevc else avc_unit)(unit):
            return False
        if unit[0] < 0x40 if hevc else unit[0] & 0x1F < 6:
            shown = True
    return shown


def stream(frame: memoryview) -> int:
    """A frame of H.264 whose units stand after start codes of four bytes."""
    first, *rest = frame.tobytes().split(b"\0\0\0\1")
    if first or not all(keeps_zeros_apart(unit) and avc_unit(unit) for unit in rest):
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
            if not unit or unit[0] & 0x1F != kind or not keeps_zeros_apart(unit):
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
            if not keeps_zeros_apart(unit):
                raise Residue
    tape.end()
    return width


def obus(frame: memoryview) -> bool:
    """A frame of AV1: sequence header, frame header, tile group, frame."""
    while len(frame):
        head = frame[0]
        if head & 0x80 or head >> 3 not in {1, 3, 4, 6}:
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
    """MPEG-4 Visual: user data says one of a few constant things, headers are as long as they may be."""
    for part in frame.tobytes().split(b"\0\0\1")[1:]:
        code, said = part[0] if part else 0xFF, part[1:].rstrip(b"\0")
        if code == _USER_DATA:
            if said not in {b"XviD0050", b"DivX503b1393", b"DivX503b1393p", b"Lavc60.0.0"}:
                return False
        elif len(said) > _VISUAL_HEADERS.get(code, limits.FILM_FRAME_BYTES if code == _VISUAL_PICTURE else -1):
            return False
    return True


_USER_DATA: Final = 0xB2
_VISUAL_PICTURE: Final = 0xB6
# ISO/IEC 14496-2, table 6-3: objects, layers, sequences and their ends, groups of pictures, kinds of object.
_VISUAL_HEADERS: Final = {
    **dict.fromkeys(range(0x20), 0),
    **dict.fromkeys(range(0x20, 0x30), 256),
    0xB0: 1, 0xB1: 0, 0xB3: 3, 0xB5: 8,
}  # fmt: skip


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


def opus(packet: memoryview, *, streams: int) -> bool:
    """A packet of Opus: zeros in what pads each of its streams, of which all but the last say how long they are."""
    rest = packet.tobytes()
    for number in range(1, streams + 1):
        if not rest:
            break
        code, rest = rest[0] % 4, rest[1:]
        count, is_variable, pad = {0: (1, False, 0), 1: (2, False, 0), 2: (2, True, 0)}.get(code, (0, False, 0))
        if code == 3 and rest:
            count, is_variable, padded = rest[0] % 64, rest[0] >= 128, rest[0] & 64
            rest = rest[1:]
            while padded and rest:
                pad += min(rest[0], 254)
                padded, rest = rest[0] == 255, rest[1:]
        sizes = []
        for _ in range((count - 1 if is_variable else 0) + (number < streams)):
            wide = rest[:1] >= b"\xfc"
            sizes.append(rest[0] + 4 * rest[1] if wide and len(rest) > 1 else int.from_bytes(rest[:1], "big"))
            rest = rest[2 if wide else 1 :]
        if number < streams:
            sounds = sum(sizes) if is_variable else sizes[0] * count
            here, rest = rest[: sounds + pad], rest[sounds + pad :]
            if len(here) < sounds + pad:
                return False
        else:
            here = rest
        if pad > len(here) or any(here[len(here) - pad :]):
            return False
    return True
