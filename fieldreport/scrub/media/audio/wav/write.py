"""Copies the samples of a WAV after the shortest header that describes them."""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.images import metadata
from fieldreport.scrub.media.audio import tags
from fieldreport.scrub.verdicts import Bomb, Damaged, Refusal, Refused, Removed

_TYPE: Final = "audio/wav"
_EXTENSIBLE: Final = 0xFFFE
_SUB_FORMAT: Final = bytes.fromhex("000000001000800000aa00389b71")  # what follows the format's number in its GUID
# Format tag → bytes of its extension, and whether samples are compressed and must be counted in ``fact``.
_FORMATS: Final[Mapping[int, tuple[int, bool]]] = MappingProxyType(
    {
        0x0001: (0, False),  # PCM
        0x0003: (0, False),  # floating point
        0x0006: (0, False),  # A-law
        0x0007: (0, False),  # mu-law
        0x0002: (32, True),  # Microsoft ADPCM, with its seven pairs of coefficients
        0x0011: (2, True),  # IMA ADPCM
        _EXTENSIBLE: (22, False),
    }
)
_UNKNOWN_BYTES: Final = 0x7FFF_0000  # so much or more is what programs write that cannot go back
_FINDINGS: Final[Mapping[bytes, frozenset[Removed]]] = MappingProxyType(
    {
        b"bext": frozenset({Removed.AUTHOR, Removed.TIME, Removed.IDENTIFIERS, Removed.HISTORY}),
        b"iXML": frozenset({Removed.DEVICE, Removed.TIME, Removed.DESCRIPTION}),
        b"aXML": frozenset({Removed.DESCRIPTION}),
        b"_PMX": frozenset({Removed.OTHER_METADATA}),
        b"cart": frozenset({Removed.AUTHOR, Removed.TIME}),
        b"cue ": frozenset({Removed.COMMENTS}),
        b"minf": frozenset({Removed.SOFTWARE}),
        b"umid": frozenset({Removed.IDENTIFIERS}),
        b"DISP": frozenset({Removed.DESCRIPTION}),
    }
)
_SILENT: Final = frozenset({b"JUNK", b"PAD ", b"FLLR"})  # room for later: it says something only if it is not empty


@dataclass(slots=True)
class _Recording:
    form: bytes = b""
    samples: int = 0  # of compressed data, as ``fact`` says
    start: int = 0
    length: int = 0


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """The same samples after the shortest header that describes them."""
    found = _read(untrusted_source, cleaning.removed)
    (block,) = struct.unpack_from("<H", found.form, 12)
    length = found.length - found.length % block
    if length == 0:
        raise Damaged
    pieces = [_chunk(b"fmt ", found.form)]
    if _FORMATS[int.from_bytes(found.form[:2], "little")][1]:
        pieces.append(_chunk(b"fact", struct.pack("<I", found.samples)))
    head = b"".join(pieces)
    size = 4 + len(head) + 8 + length + length % 2
    sink.write(b"RIFF" + struct.pack("<I", size) + b"WAVE" + head + b"data" + struct.pack("<I", length))
    sink.copy(untrusted_source, found.start, length)
    sink.write(bytes(length % 2))
    return _TYPE


def _read(source: Source, removed: set[Removed]) -> _Recording:
    if source.read_at(0, 4) != b"RIFF":
        raise Refused(Refusal.UNSUPPORTED)  # big-endian, or larger than a RIFF can be
    found, position = _Recording(), 12
    for _ in range(limits.SOUND_CHUNKS):
        head = source.read_at(position, 8)
        if len(head) < 8:
            break
        kind, size = struct.unpack("<4sI", head)
        left = source.size - position - 8
        if kind == b"data" and not found.length:
            # A recorder that was cut off, or that could not go back, leaves no length.
            found.start, found.length = position + 8, min(size or left, left)
            if left < size < _UNKNOWN_BYTES:
                removed.add(Removed.INCOMPLETE)
            size = found.length
        elif kind == b"fmt " and not found.form:
            found.form = _form(source.read_at(position + 8, min(size, 64)))
        elif kind == b"fact" and size >= 4:
            found.samples = int.from_bytes(source.read_at(position + 8, 4), "little")
        elif left > 0:
            removed |= _categories(source, kind, position + 8, size)
        position += 8 + size + size % 2
    else:
        raise Bomb
    if not found.form or not found.length:
        raise Damaged
    return found


def _categories(source: Source, kind: bytes, start: int, size: int) -> frozenset[Removed]:
    body = source.read_at(start, min(size, limits.SOUND_TAG_BYTES))
    if kind in _SILENT:
        return frozenset({Removed.OTHER_METADATA}) if body.strip(b"\0") else frozenset()
    if kind == b"LIST":
        return tags.in_info(body) if body[:4] == b"INFO" else frozenset({Removed.COMMENTS})
    if kind in {b"id3 ", b"ID3 "}:
        return tags.in_id3(body)
    if kind == b"C2PA":
        return metadata.in_credentials(body)
    return _FINDINGS.get(kind, frozenset({Removed.OTHER_METADATA}))


def _form(untrusted: bytes) -> bytes:
    """The format chunk rebuilt: 16 bytes, and the extension where the format has one."""
    if len(untrusted) < 16:
        raise Damaged
    tag, channels, rate, _, block, bits = struct.unpack_from("<HHIIHH", untrusted)
    if tag not in _FORMATS:
        raise Refused(Refusal.UNSUPPORTED)
    if not (0 < channels <= limits.SOUND_CHANNELS and 0 < rate <= limits.SOUND_RATE and block and bits <= 64):
        raise Damaged
    extension = _FORMATS[tag][0]
    form = untrusted[:16]
    if extension:
        if len(untrusted) < 18 + extension:
            raise Damaged
        form += struct.pack("<H", extension) + untrusted[18 : 18 + extension]
    if tag == _EXTENSIBLE and (untrusted[26:40] != _SUB_FORMAT or untrusted[25] or untrusted[24] not in _FORMATS):
        raise Refused(Refusal.UNSUPPORTED)
    return form


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body
