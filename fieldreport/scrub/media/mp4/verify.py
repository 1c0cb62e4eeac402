"""Reads a clean film again, with a reader that shares no code with what wrote it.

Rules: the header is consumed from the first byte to the last by a grammar that has no place for anything else; the
samples of all tracks lie one after the other and fill the data to the last byte; in codecs where frames may carry
words, every frame is walked through.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fieldreport import limits
from fieldreport.scrub.cursor import Tape
from fieldreport.scrub.format import Source
from fieldreport.scrub.media.bitstreams import verify as frames
from fieldreport.scrub.media.mp4 import verify_entries
from fieldreport.scrub.verdicts import Residue

_BRANDS: Final = {
    "video/mp4": b"isom\0\0\0\0isomiso2mp41",
    "audio/mp4": b"M4A \0\0\0\0M4A isomiso2",
    "video/quicktime": b"qt  \0\0\0\0qt  ",
    "video/3gpp": b"3gp5\0\0\0\x003gp5isom",
    "audio/3gpp": b"3gp5\0\0\0\x003gp5isom",
}
_UPRIGHT_END: Final = b"\x40\0\0\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class _Table:
    """Where a track's samples lie and who looks into them."""

    entries: list[verify_entries.Found]
    count: int
    size: int
    sizes: array[int]
    chunks: list[tuple[int, int, int]]  # offset, samples, description from 0


def verify(source: Source, media_type: str) -> int:
    """Raise ``Residue`` for anything the grammar does not name; answers how many samples are seen or heard."""
    head = source.read_at(0, 64)
    if struct.unpack_from(">I4s", head.ljust(8, b"\0"))[1] != b"ftyp":
        raise Residue
    size = int.from_bytes(head[:4], "big")
    if head[8:size] != _BRANDS[media_type]:
        raise Residue
    length = int.from_bytes(source.read_at(size, 4), "big")
    if length > limits.FILM_HEAD_BYTES + limits.MIB:
        raise Residue
    tape = Tape(memoryview(source.read_at(size, length)))
    _, movie = tape.box(b"moov")
    tape.end()
    data_head = source.read_at(size + length, 8)
    data_start = size + length + 8
    if data_head != struct.pack(">I4s", source.size - data_start + 8, b"mdat"):
        raise Residue
    return _samples(source, data_start, _movie(movie, quicktime=media_type == "video/quicktime"))


def _movie(movie: Tape, *, quicktime: bool) -> list[_Table]:
    _, head = movie.box(b"mvhd")
    _times(head)
    head.expect(b"\0\1\0\0\1\0" + bytes(10))
    _matrix(head)
    head.expect(bytes(24))
    count = head.number(4) - 1
    head.end()
    tables = [_track(movie.box(b"trak")[1], number, quicktime=quicktime) for number in range(1, count + 1)]
    movie.end()
    if not tables:
        raise Residue
    return tables


def _times(tape: Tape, flags: bytes = bytes(3), *, between: bytes | None = None) -> None:
    """Version and flags, two times that are zero, a number (or fixed bytes), and a duration."""
    wide = tape.number(1)
    if wide > 1:
        raise Residue
    tape.expect(flags + bytes(16 if wide else 8))
    if between is None:
        tape.take(4)
    else:
        tape.expect(between)
    tape.take(8 if wide else 4)


def _matrix(tape: Tape) -> None:
    rows = tape.take(36)
    if any(rows[8:12]) or any(rows[20:24]) or rows[32:] != _UPRIGHT_END:
        raise Residue


def _track(track: Tape, number: int, *, quicktime: bool) -> _Table:
    _, head = track.box(b"tkhd")
    flags = 7 if head.comes_at(3, b"\7") else 6
    _times(head, bytes((0, 0, flags)), between=struct.pack(">II", number, 0))
    head.expect(bytes(12))
    volume = head.take(4)
    _matrix(head)
    head.take(8)
    head.end()
    if track.comes(b"edts"):
        _edits(track.box()[1])
    _, media = track.box(b"mdia")
    track.end()
    _, head = media.box(b"mdhd")
    _times(head)
    head.expect(b"\x55\xc4\0\0")
    head.end()
    _, handler = media.box(b"hdlr")
    handler.expect(bytes(4) + (b"mhlr" if quicktime else bytes(4)))
    kind = handler.take(4)
    handler.expect(bytes(13))
    handler.end()
    sound = kind == b"soun"
    if kind not in {b"vide", b"soun"} or volume != (b"\1\0\0\0" if sound else bytes(4)):
        raise Residue
    _, inner = media.box(b"minf")
    media.end()
    _, header = inner.box(b"smhd" if sound else b"vmhd")
    header.expect(bytes(8) if sound else b"\0\0\0\1" + bytes(8))
    header.end()
    _, data = inner.box(b"dinf")
    data.expect(b"\0\0\0\x1cdref\0\0\0\0\0\0\0\1\0\0\0\x0curl \0\0\0\1")
    data.end()
    _, table = inner.box(b"stbl")
    inner.end()
    return _table(table, sound=sound)


def _edits(edits: Tape) -> None:
    _, entries = edits.box(b"elst")
    wide = entries.number(4) >> 24
    for _ in range(entries.number(4)):
        entries.take(16 if wide else 8)
        if entries.take(4) not in {bytes(4), b"\0\1\0\0"}:
            raise Residue
    entries.end()
    edits.end()


def _table(table: Tape, *, sound: bool) -> _Table:
    entries = verify_entries.read(table.box(b"stsd")[1], sound=sound)
    times = _numbers(table.box(b"stts")[1], 2)
    if table.comes(b"ctts"):
        _numbers(table.box()[1], 2)
    if table.comes(b"stss"):
        _numbers(table.box()[1], 1)
    runs = _numbers(table.box(b"stsc")[1], 3)
    _, body = table.box(b"stsz")
    body.expect(bytes(4))
    size, count = body.number(4), body.number(4)
    sizes = _array(body.take(0 if size else count * 4))
    body.end()
    offsets = _numbers(table.box(b"stco")[1], 1)
    table.end()
    if sum(times[::2]) != count:
        raise Residue
    chunks = []
    for index in range(0, len(runs), 3):
        first, samples, entry = runs[index : index + 3]
        end = runs[index + 3] if index + 3 < len(runs) else len(offsets) + 1
        if not 1 <= entry <= len(entries):
            raise Residue
        chunks += [(offset, samples, entry - 1) for offset in offsets[first - 1 : end - 1]]
    if sum(samples for _, samples, _ in chunks) != count or len(chunks) != len(offsets):
        raise Residue
    return _Table(entries=entries, count=count, size=size, sizes=sizes, chunks=chunks)


def _array(data: bytes) -> array[int]:
    return array("I", struct.unpack(f">{len(data) // 4}I", data))


def _numbers(tape: Tape, columns: int) -> array[int]:
    if tape.number(4) & 0xFE_FF_FF_FF:
        raise Residue
    found = _array(tape.take(tape.number(4) * 4 * columns))
    tape.end()
    return found


def _samples(source: Source, data_start: int, tables: list[_Table]) -> int:
    """Every byte of the data belongs to one sample, and no sample says more than it draws or sounds."""
    places = []
    total = 0
    for table in tables:
        first = shown = 0
        for offset, count, entry in table.chunks:
            found = table.entries[entry]
            sizes = table.sizes[first : first + count]
            first += count
            if not table.size:
                length = sum(sizes)
            elif table.size == 1 and found.packet_bytes:
                length = -(-count // found.packet_samples) * found.packet_bytes
            else:
                length = count * table.size
            places.append((offset, length))
            if found.check is None:
                shown += count
            else:
                shown += _frames(source, offset, sizes or array("I", (table.size,)) * count, found.check)
        if not shown:
            raise Residue
        total += shown
    position = data_start
    for offset, length in sorted(places):
        if offset != position:
            raise Residue
        position += length
    if position != source.size:
        raise Residue
    return total


def _frames(source: Source, position: int, sizes: array[int], check: Callable[[memoryview], int]) -> int:
    """How many of the frames that lie one after the other are seen or heard."""
    shown = 0
    window = memoryview(b"")
    window_at = position
    left = sum(sizes)
    for size in sizes:
        if position + size > window_at + len(window):
            window_at = position
            window = memoryview(source.read_at(position, max(size, min(left, frames.WINDOW_BYTES))))
        start = position - window_at
        found = check(window[start : start + size])
        if not found:
            raise Residue
        shown += found != frames.SILENT
        position += size
        left -= size
    return shown
