"""The second reading of a HEIC or AVIF file, with a reader that shares no code with what wrote it.

Rules: the file is consumed from the first byte to the last by a grammar that has no place for anything else. Boxes
come in one order; items and properties are of a few kinds; the data is made of units that draw.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from fieldreport import limits
from fieldreport.scrub.cursor import Tape
from fieldreport.scrub.format import Source
from fieldreport.scrub.images import icc_profiles
from fieldreport.scrub.verdicts import Residue

_BRANDS: Final = {
    "image/heic": {b"heic\0\0\0\0mif1heic", b"heix\0\0\0\0mif1heix"},
    "image/avif": {b"avif\0\0\0\0avifmif1miaf"},
}
_LOOSE_ZEROS: Final = re.compile(rb"\x00\x00(?![\x04-\xff]|\x03[\x00-\x03]|\x03\Z)")
_HANDLER: Final = bytes(8) + b"pict" + bytes(13)
_AUXILIARY: Final = {
    bytes(4) + b"urn:mpeg:mpegB:cicp:systems:auxiliary:alpha\0",
    bytes(4) + b"urn:mpeg:hevc:2015:auxid:1\0",
}


def verify(source: Source, media_type: str) -> None:
    """Raise ``Residue`` for anything the grammar does not name."""
    data = source.whole(limits.SCRUB_OUTPUT_BYTES)
    tape = Tape(memoryview(data))
    _, brands = tape.box(b"ftyp")
    if brands.take(len(brands)) not in _BRANDS[media_type]:
        raise Residue
    _, meta = tape.box(b"meta")
    meta.expect(bytes(4))
    _, handler = meta.box(b"hdlr")
    handler.expect(_HANDLER)
    handler.end()
    _, primary = meta.box(b"pitm")
    primary.expect(b"\0\0\0\0\0\1")
    primary.end()
    lengths = _locations(meta.box(b"iloc")[1], len(data) - len(tape) + 8)
    kinds = _infos(meta.box(b"iinf")[1], len(lengths))
    kind, part = meta.box()
    if kind == b"iref":
        _references(part, len(kinds))
        kind, part = meta.box()
    if kind != b"iprp":
        raise Residue
    units = _properties(part)
    meta.end()
    _, content = tape.box(b"mdat")
    for item_kind, length in zip(kinds, lengths, strict=True):
        _content(item_kind, Tape(memoryview(content.take(length))), units)
    content.end()
    tape.end()


def keeps_zeros_apart(unit: bytes) -> bool:
    """Whether two zeros of a unit, H.264 or HEVC, have a three behind them wherever they must, and nowhere else.

    Zeros at the end fill. If not, another unit is inside: behind a start code, for decoders that look for one, or
    behind its length.
    """
    return not _LOOSE_ZEROS.search(unit.rstrip(b"\0"))


def _locations(tape: Tape, expected_offset: int) -> list[int]:
    tape.expect(b"\0\0\0\0\x44\0")
    lengths = []
    for number in range(1, tape.number(2) + 1):
        if (tape.number(2), tape.number(2), tape.number(2), tape.number(4)) != (number, 0, 1, expected_offset):
            raise Residue
        lengths.append(tape.number(4))
        expected_offset += lengths[-1]
    tape.end()
    return lengths


def _infos(tape: Tape, count: int) -> list[bytes]:
    tape.expect(bytes(4) + count.to_bytes(2, "big"))
    kinds = []
    for number in range(1, count + 1):
        _, entry = tape.box(b"infe")
        entry.expect(bytes((2, 0, 0, number != 1)) + number.to_bytes(2, "big") + bytes(2))
        kinds.append(entry.take(4))
        entry.expect(b"\0")
        entry.end()
        if kinds[-1] not in {b"hvc1", b"av01", b"grid"}:
            raise Residue
    tape.end()
    return kinds


def _references(tape: Tape, count: int) -> None:
    tape.expect(bytes(4))
    while len(tape):
        kind, entry = tape.box()
        numbers = [entry.number(2)]
        numbers += [entry.number(2) for _ in range(entry.number(2))]
        entry.end()
        if kind not in {b"dimg", b"auxl"} or not all(1 <= number <= count for number in numbers):
            raise Residue


def _properties(tape: Tape) -> int:
    """Check all properties; answers how many bytes tell a unit's length."""
    _, container = tape.box(b"ipco")
    units = 4
    while len(container):
        kind, body = container.box()
        payload = body.take(len(body))
        check = _PROPERTY_CHECKS.get(kind)
        if check is None or not check(payload):
            raise Residue
        if kind == b"hvcC":
            units = (payload[21] & 3) + 1
    _, association = tape.box(b"ipma")
    association.expect(b"\0\0\0\1")
    for number in range(1, association.number(4) + 1):
        association.expect(number.to_bytes(2, "big"))
        association.take(2 * association.number(1))
    association.end()
    tape.end()
    return units


def _only_parameter_sets(payload: bytes) -> bool:
    tape = Tape(memoryview(payload))
    tape.take(22)
    for _ in range(tape.number(1)):
        if tape.number(1) not in {0x80 | 32, 0x80 | 33, 0x80 | 34}:
            return False
        for _ in range(tape.number(2)):
            if not keeps_zeros_apart(tape.take(tape.number(2))):
                return False
    return not len(tape)


def _only_sequence_header(payload: bytes) -> bool:
    return payload[:1] == b"\x81" and len(payload) >= 4 and all(kind == 1 for kind in _unit_kinds_av1(payload[4:]))


def _unit_kinds_av1(data: bytes) -> list[int]:
    kinds = []
    while data:
        head, data = data[0], data[2 if data[0] & 4 else 1 :]
        kinds.append(head >> 3)
        size, shift = 0, 0
        if not head & 2:
            return kinds
        while True:
            if not data or shift > 56:
                raise Residue
            size |= (data[0] & 0x7F) << shift
            shift += 7
            more, data = data[0] & 0x80, data[1:]
            if not more:
                break
        if size > len(data):
            raise Residue
        data = data[size:]
    return kinds


_PROPERTY_CHECKS: Final[dict[bytes, Callable[[bytes], bool]]] = {
    b"ispe": lambda payload: len(payload) == 12 and payload[:4] == bytes(4),
    b"pixi": lambda payload: payload[:4] == bytes(4) and len(payload) == 5 + payload[4],
    b"irot": lambda payload: len(payload) == 1 and payload[0] < 4,
    b"imir": lambda payload: len(payload) == 1 and payload[0] < 2,
    b"colr": lambda payload: (
        (payload[:4] == b"nclx" and len(payload) == 11 and not payload[10] & 0x7F) or payload[4:] in icc_profiles.OURS
    ),
    b"auxC": lambda payload: payload in _AUXILIARY,
    b"hvcC": _only_parameter_sets,
    b"av1C": _only_sequence_header,
}


def _content(kind: bytes, tape: Tape, length_bytes: int) -> None:
    if kind == b"grid":
        head = tape.take(4)
        if head[0] or head[1] > 1:
            raise Residue
        tape.take(8 if head[1] else 4)
    elif kind == b"hvc1":
        while len(tape):
            unit = tape.take(tape.number(length_bytes))
            if unit[:1] == b"" or (unit[0] & 0x7E) >= 64 or not keeps_zeros_apart(unit):
                raise Residue
    elif not set(_unit_kinds_av1(tape.take(len(tape)))) <= {1, 3, 4, 6}:
        raise Residue
    tape.end()
