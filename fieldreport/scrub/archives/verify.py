"""The second reading of a cleaned archive: ours are so plain that their bytes can be walked from the first to the last.

Shares nothing with the writer: not ``zipfile``, but the three records of the format by hand. Every field that could
say anything has the one value that says nothing, and every byte belongs to a record or to a member.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import Final

from fieldreport import limits
from fieldreport.scrub import registry
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Residue

_LOCAL: Final = struct.Struct("<4sHHHIIIIHH")
_CENTRAL: Final = struct.Struct("<4sHHHHIIIIHHHHHII")
_END: Final = struct.Struct("<4sHHHHIIH")
_VERSION: Final = 20
_MOMENT: Final = 0x0021_0000  # 1 January 1980, midnight: date in the high half
_ATTRIBUTES: Final = 0o600 << 16  # the constant that the standard library writes
_STORED, _DEFLATED = 0, 8


@dataclass(frozen=True, slots=True, kw_only=True)
class _Entry:
    name: bytes
    offset: int
    method: int
    check: int
    packed: int
    size: int


def verify(source: Source, media_type: str) -> None:
    """Walk members, directory and end, and let each format read its own.

    Raises:
        Residue: anything but what the writer of ``archives`` writes.
    """
    del media_type
    entries: list[_Entry] = []
    position = 0
    while source.read_at(position, 4) == b"PK\x03\x04":
        entry, position = _member(source, position)
        entries.append(entry)
    start = position
    for entry in entries:
        position = _directory(source, position, entry)
    end = (b"PK\x05\x06", 0, 0, len(entries), len(entries), position - start, start, 0)
    if not entries or source.read_at(position, source.size) != _END.pack(*end):
        raise Residue


def _member(source: Source, offset: int) -> tuple[_Entry, int]:
    header = source.read_at(offset, _LOCAL.size)
    if len(header) != _LOCAL.size:
        raise Residue
    _, version, flags, method, moment, checksum, packed, size, name_length, extra = _LOCAL.unpack(header)
    if (version, flags, moment, extra) != (_VERSION, 0, _MOMENT, 0) or size > limits.SCRUB_OUTPUT_BYTES:
        raise Residue
    position = offset + _LOCAL.size
    name = source.read_at(position, name_length)
    position += name_length
    _content(name, method, checksum, size, source.read_at(position, packed))
    entry = _Entry(name=name, offset=offset, method=method, check=checksum, packed=packed, size=size)
    return entry, position + packed


def _content(name: bytes, method: int, checksum: int, size: int, data: bytes) -> None:
    if method == _DEFLATED:
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            data = inflater.decompress(data, size + 1)
        except zlib.error:
            raise Residue from None
        if not inflater.eof or inflater.unused_data:
            raise Residue
    elif method != _STORED:
        raise Residue
    media_type = registry.named_type(name.decode("latin-1"))
    if not media_type or len(data) != size or zlib.crc32(data) != checksum:
        raise Residue
    registry.verify(Source.of(data), media_type)


def _directory(source: Source, position: int, entry: _Entry) -> int:
    expected = _CENTRAL.pack(
        b"PK\x01\x02", _VERSION, _VERSION, 0, entry.method, _MOMENT, entry.check, entry.packed, entry.size,
        len(entry.name), 0, 0, 0, 0, _ATTRIBUTES, entry.offset,
    ) + entry.name  # fmt: skip
    if source.read_at(position, len(expected)) != expected:
        raise Residue
    return position + len(expected)
