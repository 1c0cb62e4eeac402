"""Writes a film: one fixed layout, in which every byte has a reason.

Rules: ``ftyp``, ``moov``, ``mdat``, so that a film plays before all of it has arrived. The header's length is known
before the first sample is written, its numbers afterwards: it is written again in its place. Chunks keep their order;
there is nothing between them. Creation times are zero, names are empty, tracks are numbered from 1.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field

from fieldreport import limits
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.isobmff import box, full_box
from fieldreport.scrub.media.bitstreams import nal_units
from fieldreport.scrub.media.mp4 import parse, trim
from fieldreport.scrub.media.mp4.film import Entry, Film, Kind, Track, is_told
from fieldreport.scrub.verdicts import Damaged, Refusal, Refused

_BRANDS = {
    "video/mp4": b"isom\0\0\0\0isomiso2mp41",
    "audio/mp4": b"M4A \0\0\0\0M4A isomiso2",
    "video/quicktime": b"qt  \0\0\0\0qt  ",
    "video/3gpp": b"3gp5\0\0\0\x003gp5isom",
    "audio/3gpp": b"3gp5\0\0\0\x003gp5isom",
}
_WINDOW_BYTES = 4 * limits.MIB  # read at once of a chunk whose frames are looked into


@dataclass(slots=True, kw_only=True)
class _Placed:
    """Where a track's chunks and samples came to lie."""

    offsets: array[int]
    sizes: array[int] = field(default_factory=lambda: array("I"))


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write the film. See ``format``."""
    major = untrusted_source.read_at(0, 12)
    quicktime = major[4:8] != b"ftyp" or major[8:] == b"qt  "
    film = parse.read(untrusted_source, cleaning.removed, quicktime=quicktime, mobile=major[4:10] == b"ftyp3g")
    trim.cut_off(film, untrusted_source.size, cleaning.removed)
    trim.trim(film, cleaning)
    if cleaning.options.redaction.silent:
        film.tracks = [track for track in film.tracks if track.kind is Kind.VIDEO]
        if not film.tracks:
            raise Refused(Refusal.UNSUPPORTED)
    kind = _write(film, untrusted_source, sink)
    cleaning.counted = sum(_counted(track) for track in film.tracks)
    return kind


def _counted(track: Track) -> int:
    """Samples of the original that are seen or heard."""
    pictures = [nal_units.pictures(entry.clean) for entry in track.entries]
    if all(number is None for number in pictures):
        return track.count
    if not (found := sum(number or 0 for number in pictures)):
        raise Damaged
    return found


def _media_type(film: Film) -> str:
    """What the written file will be."""
    pictures = any(track.kind is Kind.VIDEO for track in film.tracks)
    if film.mobile:
        return "video/3gpp" if pictures else "audio/3gpp"
    if film.quicktime:
        return "video/quicktime"
    return "video/mp4" if pictures else "audio/mp4"


def _write(film: Film, source: Source, sink: Sink) -> str:
    """The whole file; answers its media type."""
    kind = _media_type(film)
    head = box(b"ftyp", _BRANDS[kind])
    placed = [_Placed(offsets=array("I", bytes(4 * len(track.chunk_offsets)))) for track in film.tracks]
    for track, place in zip(film.tracks, placed, strict=True):
        if track.cleans():
            place.sizes = array("I", bytes(4 * track.count))
    start = len(head) + len(_movie(film, placed))
    sink.write(head)
    sink.write(bytes(start - len(head) + 8))
    _copy(film, placed, source, sink)
    end = sink.tell()
    moov = _movie(film, placed)
    if len(head) + len(moov) != start or end > 0xFFFF_FFFF:
        raise Damaged
    sink.seek(len(head))
    sink.write(moov + struct.pack(">I4s", end - start, b"mdat"))
    sink.seek(end)
    return kind


# --- samples ---


def _copy(film: Film, placed: list[_Placed], source: Source, sink: Sink) -> None:
    """All chunks in the order of the source."""
    firsts = [_firsts(track) for track in film.tracks]
    order = sorted(_places(film, firsts))
    if sum(length for _, length, _, _ in order) > source.size:
        raise Damaged  # chunks that share their bytes would let a small file grow large
    if any(is_told(film.told, offset, length) for offset, length, _, _ in order):
        raise Refused(Refusal.SOUND_OR_FILM)  # FFmpeg would take it as it is
    for offset, length, number, index in order:
        track, place = film.tracks[number], placed[number]
        place.offsets[index] = sink.tell()
        if track.cleans():
            entry = track.entries[track.chunk_entries[index]]
            which = (firsts[number][index], track.chunk_counts[index])
            _clean_chunk(track, entry, place, which, offset, source, sink)
        else:
            sink.copy(source, offset, length)


def _places(film: Film, firsts: list[array[int]]) -> Iterator[tuple[int, int, int, int]]:
    """Offset, length, track and index of every chunk. Sorted, an empty one precedes what begins in the same place."""
    for number, (track, starts) in enumerate(zip(film.tracks, firsts, strict=True)):
        for index, (offset, first) in enumerate(zip(track.chunk_offsets, starts, strict=True)):
            yield offset, track.chunk_bytes(track.chunk_entries[index], first, track.chunk_counts[index]), number, index


def _firsts(track: Track) -> array[int]:
    """The number from 0 of each chunk's first sample."""
    found = array("Q")
    first = 0
    for count in track.chunk_counts:
        found.append(first)
        first += count
    return found


def _clean_chunk(
    track: Track, entry: Entry, place: _Placed, which: tuple[int, int], offset: int, source: Source, sink: Sink
) -> None:
    """Copy a chunk frame by frame, a window at a time."""
    first, count = which
    sizes = track.sizes[first : first + count] if not track.size else array("I", (track.size,)) * count
    window, window_at = b"", offset
    pieces: list[bytes] = []
    left = sum(sizes)
    for number, size in enumerate(sizes, start=first):
        if size > limits.FILM_FRAME_BYTES:
            raise Refused(Refusal.BOMB)
        if offset + size > window_at + len(window):
            sink.write(b"".join(pieces))
            pieces.clear()
            window_at = offset
            window = source.read_at(offset, max(size, min(left, _WINDOW_BYTES)))
        start = offset - window_at
        frame = window[start : start + size]
        if len(frame) != size:
            raise Damaged
        clean = frame if entry.clean is None else entry.clean(frame)
        pieces.append(clean)
        place.sizes[number] = len(clean)
        offset += size
        left -= size
    sink.write(b"".join(pieces))


# --- header ---


def _movie(film: Film, placed: list[_Placed]) -> bytes:
    lengths = [_shown(film, track) for track in film.tracks]
    longest = max(lengths)
    fixed = struct.pack(">IHHII", 0x10000, 0x100, 0, 0, 0) + struct.pack(">9i", *film.matrix) + bytes(24)
    head = _timed(b"mvhd", 0, struct.pack(">I", film.timescale), longest, fixed + _u32(len(film.tracks) + 1))
    tracks = [
        _track(film, number, track, place, length)
        for number, (track, place, length) in enumerate(zip(film.tracks, placed, lengths, strict=True), start=1)
    ]
    return box(b"moov", head, *tracks)


def _timed(kind: bytes, flags: int, before: bytes, duration: int, after: bytes) -> bytes:
    """A box that begins with two times, which are zero, and a duration, which may need 64 bits."""
    if duration > 0xFFFF_FFFF:
        return full_box(kind, 1, flags, bytes(16), before, struct.pack(">Q", min(duration, (1 << 63) - 1)), after)
    return full_box(kind, 0, flags, bytes(8), before, _u32(duration), after)


def _shown(film: Film, track: Track) -> int:
    """How long a track is shown, in the film's time scale."""
    if track.edits:
        return sum(duration for duration, _, _ in track.edits)
    return track.media_duration * film.timescale // track.timescale


def _track(film: Film, number: int, track: Track, place: _Placed, length: int) -> bytes:
    sound = track.kind is Kind.AUDIO
    shape = bytes(12) + struct.pack(">HH", 0x100 if sound else 0, 0) + struct.pack(">9i", *track.matrix)
    size = struct.pack(">II", track.width, track.height)
    head = _timed(b"tkhd", 7 if track.enabled else 6, struct.pack(">II", number, 0), length, shape + size)
    media = _timed(b"mdhd", 0, _u32(track.timescale), track.media_duration, b"\x55\xc4\0\0")  # language: und
    handler = full_box(b"hdlr", 0, 0, b"mhlr" if film.quicktime else bytes(4), track.kind.value, bytes(13))
    kind = full_box(b"smhd", 0, 0, bytes(4)) if sound else full_box(b"vmhd", 0, 1, bytes(8))
    data = box(b"dinf", full_box(b"dref", 0, 0, _u32(1), full_box(b"url ", 0, 1)))
    inner = box(b"minf", kind, data, box(b"stbl", *_tables(film, track, place)))
    return box(b"trak", head, *_edits(track), box(b"mdia", media, handler, inner))


def _edits(track: Track) -> Iterator[bytes]:
    if track.edits:
        wide = any(max(duration, begin) > 0x7FFF_FFFF for duration, begin, _ in track.edits)
        entries = [struct.pack(">Qqi" if wide else ">Iii", *edit) for edit in track.edits]
        yield box(b"edts", full_box(b"elst", int(wide), 0, _u32(len(entries)), *entries))


def _tables(film: Film, track: Track, place: _Placed) -> Iterator[bytes]:
    yield full_box(b"stsd", 0, 0, _u32(len(track.entries)), *(entry.box for entry in track.entries))
    yield _runs(b"stts", 0, track.deltas)
    if track.shifts:
        signed = any(shift < 0 for _, shift in track.shifts) and not film.quicktime
        yield _runs(b"ctts", int(signed), track.shifts)
    if track.sync is not None:
        yield full_box(b"stss", 0, 0, _u32(len(track.sync)), _big(track.sync))
    runs = [(index + 1, *run) for index, run in _chunk_runs(track)]
    yield full_box(b"stsc", 0, 0, _u32(len(runs)), *(struct.pack(">III", *run) for run in runs))
    sizes = place.sizes if track.cleans() else track.sizes
    alike = not track.cleans() and track.size
    yield full_box(b"stsz", 0, 0, struct.pack(">II", alike, track.count), b"" if alike else _big(sizes))
    yield full_box(b"stco", 0, 0, _u32(len(place.offsets)), _big(place.offsets))


def _chunk_runs(track: Track) -> Iterator[tuple[int, tuple[int, int]]]:
    """Index of each chunk that differs from the one before it, with its samples and its description's number."""
    last = (-1, -1)
    for index, run in enumerate(zip(track.chunk_counts, track.chunk_entries, strict=True)):
        if run != last:
            yield index, (run[0], run[1] + 1)
            last = run


def _runs(kind: bytes, version: int, runs: list[tuple[int, int]]) -> bytes:
    numbers = array("I", (number for count, value in runs for number in (count, value & 0xFFFF_FFFF)))
    return full_box(kind, version, 0, _u32(len(runs)), _big(numbers))


def _big(numbers: array[int]) -> bytes:
    if sys.byteorder == "little":
        numbers = array(numbers.typecode, numbers)
        numbers.byteswap()
    return numbers.tobytes()


def _u32(number: int) -> bytes:
    return struct.pack(">I", number)
