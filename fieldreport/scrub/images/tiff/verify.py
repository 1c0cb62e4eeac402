"""The second reading of a TIFF: every pointer is followed and every byte accounted for."""

from __future__ import annotations

import struct
from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import Source
from fieldreport.scrub.images import icc_profiles
from fieldreport.scrub.verdicts import Residue

_PROFILE: Final = 34675
_ALLOWED: Final = frozenset({256, 257, 258, 259, 262, 273, 277, 278, 279, 284, 338, _PROFILE})
_SIZES: Final = {3: 2, 4: 4, 7: 1}


def verify(source: Source, media_type: str) -> None:
    """Follow every pointer and account for every byte: each belongs to a header, a directory, a value or a strip."""
    del media_type
    data = memoryview(source.whole(limits.SCRUB_OUTPUT_BYTES))
    if bytes(data[:4]) != b"II*\0":
        raise Residue
    used = [(0, 8)]
    next_directory = int.from_bytes(data[4:8], "little")
    while next_directory:
        count = int.from_bytes(data[next_directory : next_directory + 2], "little")
        end = next_directory + 2 + 12 * count + 4
        if not count or end > len(data) or len(used) > len(data):
            raise Residue
        used.append((next_directory, end))
        _verify_entries(data, data[next_directory + 2 : end - 4], used)
        next_directory = int.from_bytes(data[end - 4 : end], "little")
    used.sort()
    for (_, end), (start, _) in zip(used, [*used[1:], (len(data), 0)], strict=True):
        if start - end not in {0, 1} or bytes(data[end:start]).strip(b"\0"):
            raise Residue


def _verify_entries(data: memoryview, table: memoryview, used: list[tuple[int, int]]) -> None:
    found: dict[int, list[int]] = {}
    for position in range(0, len(table), 12):
        tag, kind, count = struct.unpack_from("<HHI", table, position)
        if tag not in _ALLOWED or kind not in _SIZES or tag in found:
            raise Residue
        size = count * _SIZES[kind]
        if size > 4:
            place = int.from_bytes(table[position + 8 : position + 12], "little")
            if place + size > len(data):
                raise Residue
            used.append((place, place + size))
            value = data[place : place + size]
        else:
            value = table[position + 8 : position + 8 + size]
        if tag == _PROFILE and bytes(value) not in icc_profiles.OURS:
            raise Residue
        width = _SIZES[kind]
        found[tag] = (
            [] if kind == 7 else [int.from_bytes(value[i : i + width], "little") for i in range(0, size, width)]
        )
    if len(found.get(273, [])) != len(found.get(279, [])) or not found.get(273):
        raise Residue
    used.extend((offset, offset + length) for offset, length in zip(found[273], found[279], strict=True))
