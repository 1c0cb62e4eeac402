"""Which of a JPEG's tables a scan decodes with. The others can say anything, and go.

Source: ITU-T T.81 (B.2.3, B.2.4): a table stands for what refers to it until another one takes its number.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

_DQT, _DHT, _DAC, _DRI, _SOS = 0xDB, 0xC4, 0xCC, 0xDD, 0xDA
_PROGRESSIVE: Final = frozenset({0xC2, 0xCA})
_ARITHMETIC: Final = frozenset({0xC9, 0xCA})
_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})

_Key = tuple[int, int]  # the marker, and the number of a table of its kind


def only_used(segments: list[tuple[int, bytes]]) -> list[bytes | None]:
    """What is to stand in each segment, of marker and payload, whose lengths add up; nothing for one that goes."""
    tables = [list(_tables(marker, payload)) for marker, payload in segments]
    current: dict[_Key, tuple[int, int]] = {}
    used: set[tuple[int, int]] = set()  # segment, and table in it
    quantised: list[tuple[int, int]] = []  # of each component that no scan was of yet: its number, and its table's
    frame = 0
    for place, (marker, payload) in enumerate(segments):
        if marker in _FRAMES:
            frame = marker
            quantised = [(payload[at], payload[at + 2]) for at in range(6, len(payload) - 2, 3)]
        elif marker == _SOS:
            used |= {current[key] for key in _needed(frame, payload, quantised) if key in current}
        for number, (key, _) in enumerate(tables[place]):
            current[key] = place, number
    return [
        b"".join(table for number, (_, table) in enumerate(tables[place]) if (place, number) in used) or None
        if marker in {_DQT, _DHT, _DAC, _DRI}
        else payload
        for place, (marker, payload) in enumerate(segments)
    ]


def _tables(marker: int, payload: bytes) -> Iterator[tuple[_Key, bytes]]:
    position = 0
    while position < len(payload):
        match marker:
            case 0xDB:
                length = 129 if payload[position] >> 4 else 65
            case 0xC4:
                length = 17 + sum(payload[position + 1 : position + 17])
            case 0xCC | 0xDD:
                length = 2
            case _:
                return
        number = 0 if marker == _DRI else payload[position] & 15 if marker == _DQT else payload[position]
        yield (marker, number), payload[position : position + length]
        position += length


def _needed(frame: int, scan: bytes, quantised: list[tuple[int, int]]) -> Iterator[_Key]:
    """The tables of the components of a scan; where several have one number, decoders take one after the other."""
    yield _DRI, 0
    first, successive = scan[-3], scan[-1] >> 4
    progressive = frame in _PROGRESSIVE
    kind = _DAC if frame in _ARITHMETIC else _DHT
    for at in range(1, len(scan) - 4, 2):
        known = next((each for each in quantised if each[0] == scan[at]), None)
        if known is not None:
            quantised.remove(known)
            yield _DQT, known[1]
        if not progressive or (not first and not successive):
            yield kind, scan[at + 1] >> 4
        if not progressive or first:
            yield kind, 0x10 | (scan[at + 1] & 15)
