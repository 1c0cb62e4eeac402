"""Embedded font programs without the words in them: names, notices, licences, dates.

Outlines, metrics and encodings stay as they are. Three formats: sfnt (TrueType, OpenType), CFF (Adobe technical note
5176) and Type 1. A program that cannot be read is left out by the caller; the viewer then takes a font of its own.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import Final

from fieldreport.scrub.verdicts import Damaged

Retag = Callable[[bytes], bytes]
"""Gives a font name its neutral subset tag; the length stays."""

# What drawing needs. ``name``, ``OS/2``, ``DSIG``, ``meta``, ``FFTM`` and every vendor's own table go.
_TABLES: Final = frozenset(
    {b"head", b"hhea", b"maxp", b"hmtx", b"loca", b"glyf", b"cmap", b"cvt ", b"fpgm", b"prep", b"post", b"CFF "}
    | {b"VORG", b"vhea", b"vmtx"}
)
_SFNT_MAGICS: Final = frozenset({b"\0\1\0\0", b"true", b"OTTO"})
_HEAD_BYTES: Final = 54
_CHECKSUM_MAGIC: Final = 0xB1B0AFBA

_CFF_STANDARD_STRINGS: Final = 391
_CFF_WORDS: Final = frozenset({0, 1, 2, 3, 4, 0x0C00, 0x0C15, 0x0C16})  # version, Notice, names, Copyright, PostScript

_TYPE1_WORDS: Final = re.compile(
    rb"/(?:version|Notice|Copyright|FullName|FamilyName|Weight|PaintDate|Author|Creator|Producer)\s*\("
)
_TYPE1_COMMENT: Final = re.compile(rb"%[^\r\n]*")
_TYPE1_NAME: Final = re.compile(rb"(/FontName\s*/)([^\s/()<>\[\]{}%]+)")
_TYPE1_MAGIC: Final = b"%!PS-AdobeFont-1.0"


def clean_program(untrusted: bytes, retag: Retag) -> bytes:
    """Clean a font program of any of the three formats.

    Raises:
        Damaged: it is none of them, or its tables point outside it.
    """
    if untrusted[:4] in _SFNT_MAGICS:
        return _clean_sfnt(untrusted, retag)
    if untrusted[:1] == b"\x01" and len(untrusted) > 4:
        return _clean_cff(untrusted, retag)
    if untrusted[:2] == b"\x80\x01":
        untrusted = _without_segments(untrusted)
    if untrusted[:2] == b"%!":
        return _clean_type1(untrusted, retag)
    raise Damaged


def _without_segments(untrusted: bytes) -> bytes:
    """A Type 1 program from the segments of a PFB file (Adobe technical note 5040), which viewers forgive."""
    kept = b""
    position = 0
    while untrusted[position : position + 2] in {b"\x80\x01", b"\x80\x02"}:
        (length,) = struct.unpack_from("<L", untrusted, position + 2)
        kept += untrusted[position + 6 : position + 6 + length]
        position += 6 + length
    return kept


def _clean_sfnt(untrusted: bytes, retag: Retag) -> bytes:
    (count,) = struct.unpack_from(">H", untrusted, 4)
    tables: dict[bytes, bytes] = {}
    for index in range(count):
        entry = 12 + 16 * index
        if entry + 16 > len(untrusted):
            raise Damaged
        tag, _, offset, length = struct.unpack_from(">4sLLL", untrusted, entry)
        if tag in _TABLES:
            if offset + length > len(untrusted):
                raise Damaged
            tables[tag] = untrusted[offset : offset + length]
    head = bytearray(tables.get(b"head", b""))
    if len(head) < _HEAD_BYTES:
        raise Damaged
    head[8:12] = bytes(4)  # checkSumAdjustment, computed below
    head[20:36] = bytes(16)  # created, modified
    tables[b"head"] = bytes(head[:_HEAD_BYTES])
    if b"CFF " in tables:
        tables[b"CFF "] = _clean_cff(tables[b"CFF "], retag)
    return _write_sfnt(untrusted[:4], tables)


def _write_sfnt(magic: bytes, tables: dict[bytes, bytes]) -> bytes:
    count = len(tables)
    power = 1 << (count.bit_length() - 1)
    directory = bytearray(
        struct.pack(">4sHHHH", magic, count, power * 16, power.bit_length() - 1, (count - power) * 16)
    )
    body = bytearray()
    start = 12 + 16 * count
    head_at = start
    for tag in sorted(tables):
        data = tables[tag]
        if tag == b"head":
            head_at = start + len(body)
        directory += struct.pack(">4sLLL", tag, _checksum(data), start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    font = directory + body
    struct.pack_into(">L", font, head_at + 8, (_CHECKSUM_MAGIC - _checksum(bytes(font))) & 0xFFFFFFFF)
    return bytes(font)


def _checksum(data: bytes) -> int:
    padded = data + bytes(-len(data) % 4)
    words: tuple[int, ...] = struct.unpack(f">{len(padded) // 4}L", padded)
    return sum(words) & 0xFFFFFFFF


def _clean_cff(untrusted: bytes, retag: Retag) -> bytes:
    """Overwrite words in place: nothing moves, so no offset changes."""
    font = bytearray(untrusted)
    names, position = _cff_index(untrusted, untrusted[2])
    tops, position = _cff_index(untrusted, position)
    strings, _ = _cff_index(untrusted, position)
    for start, end in names:
        font[start:end] = retag(bytes(font[start:end]))
    words: set[int] = set()
    for start, end in tops:
        for operator, operands in _cff_operators(untrusted[start:end]):
            if operator in _CFF_WORDS and operands:
                words.add(operands[-1])
    for identifier in words:
        if _CFF_STANDARD_STRINGS <= identifier < _CFF_STANDARD_STRINGS + len(strings):
            start, end = strings[identifier - _CFF_STANDARD_STRINGS]
            font[start:end] = b"-" * (end - start)
    return bytes(font)


def _cff_index(data: bytes, position: int) -> tuple[list[tuple[int, int]], int]:
    """The byte ranges of an INDEX's entries, and where the INDEX ends."""
    count = int.from_bytes(data[position : position + 2], "big")
    if count == 0:
        return [], position + 2
    size = data[position + 2] if position + 2 < len(data) else 0
    array = position + 3
    base = array + (count + 1) * size - 1
    if not 1 <= size <= 4 or base > len(data):
        raise Damaged
    offsets = [int.from_bytes(data[array + i * size : array + (i + 1) * size], "big") for i in range(count + 1)]
    if offsets[0] != 1 or offsets != sorted(offsets) or base + offsets[-1] > len(data):
        raise Damaged
    return [(base + a, base + b) for a, b in pairwise(offsets)], base + offsets[-1]


def _cff_operators(data: bytes) -> Iterator[tuple[int, list[int]]]:
    operands: list[int] = []
    position = 0
    while position < len(data):
        first = data[position]
        position += 1
        if first == 12:
            yield 0x0C00 | (data[position] if position < len(data) else 0), operands
            operands, position = [], position + 1
        elif first <= 21:
            yield first, operands
            operands = []
        elif first == 28:
            operands.append(int.from_bytes(data[position : position + 2], "big", signed=True))
            position += 2
        elif first == 29:
            operands.append(int.from_bytes(data[position : position + 4], "big", signed=True))
            position += 4
        elif first == 30:
            while position < len(data) and data[position] & 0x0F != 0x0F:
                position += 1
            operands.append(0)
            position += 1
        elif 32 <= first <= 246:
            operands.append(first - 139)
        elif 247 <= first <= 254 and position < len(data):
            operands.append(
                (first - 247) * 256 + data[position] + 108
                if first <= 250
                else -(first - 251) * 256 - data[position] - 108
            )
            position += 1
        else:
            raise Damaged


def _clean_type1(untrusted: bytes, retag: Retag) -> bytes:
    """Blank words and comments in the clear part; every length stays, as Length1 counts bytes."""
    end = untrusted.find(b"eexec")
    if end < 0:
        raise Damaged
    clear = _without_words(untrusted[:end])
    clear = _TYPE1_COMMENT.sub(lambda m: b" " * len(m[0]), clear)
    clear = _TYPE1_NAME.sub(lambda m: m[1] + retag(m[2]), clear)
    magic = _TYPE1_MAGIC if len(clear) > len(_TYPE1_MAGIC) and not clear[: len(_TYPE1_MAGIC)].strip() else b"%!"
    return magic + clear[len(magic) :] + untrusted[end:]


def _without_words(clear: bytes) -> bytes:
    kept = bytearray(clear)
    for word in _TYPE1_WORDS.finditer(clear):
        position, depth = word.end(), 1
        while depth:
            character = clear[position : position + 1]
            if not character:
                raise Damaged
            position += 2 if character == b"\\" else 1
            depth += {b"(": 1, b")": -1}.get(character, 0)
        kept[word.end() : position] = b")" + b" " * (position - word.end() - 1)
    return bytes(kept)
