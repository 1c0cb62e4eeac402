"""Matroska and WebM: the same pictures and sounds at the same times, in a container made anew.

Method: the file is read from front to back once, and each cluster is written as soon as its blocks have been taken
apart. Chapters, subtitles, tags, attachments, names, ids, programs, times and fillers are never read into the new file.
A recording that a browser never finished, without lengths and without an index, becomes an ordinary file.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.images import metadata
from fieldreport.scrub.media.buffered_source import Window
from fieldreport.scrub.media.matroska import blocks, tracks
from fieldreport.scrub.media.matroska import elements as ebml
from fieldreport.scrub.media.matroska import verify as verifying
from fieldreport.scrub.verdicts import Bomb, Damaged, Refusal, Refused, Removed

_DOC_TYPE: Final = 0x4282
_SCALE, _DURATION, _MUXER, _WRITER = 0x2AD7B1, 0x4489, 0x4D80, 0x5741
_TIME: Final = 0xE7
_NOBODY: Final = b"-"  # the format wants the name of a program
_INFO_TOLD: Final = {
    0x7BA9: Removed.DESCRIPTION,
    0x4461: Removed.TIME,
    0x7384: Removed.PATHS,
    0x73A4: Removed.IDENTIFIERS,
    0x3CB923: Removed.IDENTIFIERS,
    0x3C83AB: Removed.PATHS,
    0x3EB923: Removed.IDENTIFIERS,
    0x3E83BB: Removed.PATHS,
    0x4444: Removed.IDENTIFIERS,
}
_FLUSH_BYTES: Final = limits.MIB


@dataclass(slots=True, kw_only=True)
class _Film:
    """What is known while a film is being rewritten. Positions count from the beginning of the segment's content."""

    webm: bool
    sink: Sink
    scale: int = 1_000_000
    duration: float = 0.0
    tracks: dict[int, tracks.Track] = field(default_factory=dict)
    base: int = 0
    places: dict[int, int] = field(default_factory=dict)
    duration_at: int = 0
    end: int = 0  # of the last frame
    blocks: int = 0  # met so far, whether or not their tracks are kept
    plays: bool = False
    cues: list[tuple[int, int, int]] = field(default_factory=list)  # time, track, position of the cluster

    def here(self) -> int:
        """The position in the segment."""
        return self.sink.tell() - self.base


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write the film anew. See ``family``."""
    window = Window(untrusted_source)
    kind, start, length = ebml.head(window, 0)
    if kind != ebml.EBML:
        raise Damaged
    doc_type = dict(ebml.children(ebml.content(window, start, length))).get(_DOC_TYPE, b"").rstrip(b"\0")
    film = _Film(webm=doc_type == b"webm", sink=sink)
    position = start + (length or 0)
    kind, start, length = ebml.head(window, position)
    if kind != ebml.SEGMENT:
        raise Damaged
    end = window.size if length is None else min(window.size, start + length)
    if end < window.size:
        cleaning.removed.add(Removed.TRAILING_DATA)
    _segment(film, window, start, end, cleaning.removed)
    if not film.plays:
        raise Refused(Refusal.UNSUPPORTED if not film.tracks else Refusal.DAMAGED)
    _finish(film)
    return _media_type(film)


def _media_type(film: _Film) -> str:
    pictures = any(track.kind == tracks.PICTURE for track in film.tracks.values())
    if film.webm:
        return "video/webm" if pictures else "audio/webm"
    return "video/x-matroska" if pictures else "audio/x-matroska"


def _segment(film: _Film, window: Window, position: int, end: int, removed: set[Removed]) -> None:
    info: bytes | None = None
    for _ in range(limits.FILM_BOXES):
        if position >= end or window.size - position < 2:
            return
        kind, start, length = ebml.head(window, position)
        if kind == ebml.CLUSTER:
            if not film.tracks:
                raise Damaged
            if not film.base:
                _begin(film, info or b"", removed)
            position = _cluster(film, window, start, end if length is None else min(end, start + length), removed)
            continue
        if length is None:
            raise Damaged
        if kind == ebml.INFO and info is None:
            info = ebml.content(window, start, length)
        elif kind == ebml.TRACKS and not film.tracks:
            film.tracks = tracks.read(ebml.content(window, start, length), removed)
        elif kind == ebml.CHAPTERS:
            removed.add(Removed.DESCRIPTION)
        elif kind == ebml.ATTACHMENTS:
            removed.add(Removed.EMBEDDED_FILE)
        elif kind == ebml.TAGS:
            removed |= metadata.in_film(window.read_at(start, min(length, limits.MIB)))
        elif tracks.is_filler(kind):
            if length > 4 and window.read_at(start, min(length, limits.MIB)).strip(b"\0"):
                removed.add(Removed.OTHER_METADATA)
        elif kind not in ebml.TOP:
            removed.add(Removed.OTHER_METADATA)
        position = start + length
    raise Bomb


def _begin(film: _Film, info: bytes, removed: set[Removed]) -> None:
    """Write everything that comes before the first cluster, with room for what is not known yet."""
    fields = dict(ebml.children(info))
    removed.update(_INFO_TOLD[name] for name in fields if name in _INFO_TOLD)
    if {fields.get(_MUXER, _NOBODY), fields.get(_WRITER, _NOBODY)} != {_NOBODY}:
        removed.add(Removed.SOFTWARE)
    film.scale = ebml.unsigned(fields.get(_SCALE, b"\x0f\x42\x40")) or 1_000_000
    film.duration = max(0.0, ebml.real(fields.get(_DURATION, b"")))
    sink = film.sink
    numbers = ((0x4286, 1), (0x42F7, 1), (0x42F2, 4), (0x42F3, 8))
    head = [ebml.unsigned_element(name, value) for name, value in numbers]
    head.append(ebml.element(_DOC_TYPE, b"webm" if film.webm else b"matroska"))
    head += [ebml.unsigned_element(name, value) for name, value in ((0x4287, 4), (0x4285, 2))]
    sink.write(ebml.element(ebml.EBML, *head))
    sink.write(ebml.element(ebml.SEGMENT, wide=True))
    film.base = sink.tell()
    sink.write(_seek_head({}))
    film.places[ebml.INFO] = film.here()
    sink.write(
        ebml.element(
            ebml.INFO,
            ebml.unsigned_element(_SCALE, film.scale),
            ebml.element(_MUXER, _NOBODY),
            ebml.element(_WRITER, _NOBODY),
            ebml.real_element(_DURATION, 0.0),
        )
    )
    film.duration_at = sink.tell() - 8
    film.places[ebml.TRACKS] = film.here()
    sink.write(tracks.write(film.tracks))


def _seek_head(places: dict[int, int]) -> bytes:
    """Where the other parts are: three entries of one length each."""
    entries = [
        ebml.element(
            0x4DBB,
            ebml.element(0x53AB, ebml.identifier(kind)),
            ebml.element(0x53AC, places.get(kind, 0).to_bytes(8, "big")),
        )
        for kind in (ebml.INFO, ebml.TRACKS, ebml.CUES)
    ]
    return ebml.element(ebml.SEEK_HEAD, *entries)


def _cluster(film: _Film, window: Window, position: int, end: int, removed: set[Removed]) -> int:
    """Rewrite one cluster; answers where the next element begins."""
    sink, time = film.sink, None
    cluster_at, body_at = film.here(), 0
    pieces: list[bytes] = []
    pending = 0
    cued = False
    while position < end and window.size - position >= 2:
        kind, start, length = ebml.head(window, position)
        if kind in ebml.TOP or kind == ebml.SEGMENT:
            break
        if length is None:
            raise Damaged
        if start + length > window.size:
            position = window.size  # cut off while it was recorded
            break
        position = start + length
        if kind == _TIME:
            time = ebml.unsigned(window.read_at(start, min(length, 9)))
        if kind not in {blocks.SIMPLE, blocks.GROUP}:
            continue
        if time is None:
            raise Damaged
        block = _block(film, window.read_at(start, length), kind, removed)
        if block is None:
            continue
        film.plays = True
        if not body_at:
            sink.write(ebml.element(ebml.CLUSTER, wide=True))
            body_at = sink.tell()
            pieces.append(ebml.unsigned_element(_TIME, time))
        if not cued and _is_cue(film, block):
            cued = True
            film.cues.append((max(0, time + block.time), block.track.number, cluster_at))
        film.end = max(film.end, time + block.time + _length(film, block))
        pieces.append(block.written)
        pending += len(block.written)
        if pending > _FLUSH_BYTES:
            sink.write(b"".join(pieces))
            pieces, pending = [], 0
    if body_at:
        sink.write(b"".join(pieces))
        _patch(sink, body_at - 8, ebml.length_of(sink.tell() - body_at, wide=True))
    return position


def _block(film: _Film, untrusted: bytes, kind: int, removed: set[Removed]) -> blocks.Block | None:
    if len(untrusted) > limits.FILM_FRAME_BYTES or film.blocks >= limits.FILM_SAMPLES:
        raise Bomb
    film.blocks += 1
    if kind == blocks.SIMPLE:
        return blocks.simple(untrusted, film.tracks)
    return blocks.group(untrusted, film.tracks, removed)


def _is_cue(film: _Film, block: blocks.Block) -> bool:
    """Whether a player may begin here: where a picture is whole, or, without pictures, anywhere."""
    pictures = any(track.kind == tracks.PICTURE for track in film.tracks.values())
    return block.key and (block.track.kind == tracks.PICTURE or not pictures)


def _length(film: _Film, block: blocks.Block) -> int:
    return block.duration or round(block.track.frame_time / film.scale)


def _finish(film: _Film) -> None:
    """The index, and the numbers that are only known now."""
    sink = film.sink
    film.places[ebml.CUES] = film.here()
    points = [
        ebml.element(
            0xBB,
            ebml.unsigned_element(0xB3, time),
            ebml.element(0xB7, ebml.unsigned_element(0xF7, track), ebml.unsigned_element(0xF1, position)),
        )
        for time, track, position in film.cues
    ]
    sink.write(ebml.element(ebml.CUES, *points))
    end = sink.tell()
    _patch(sink, film.base - 8, ebml.length_of(end - film.base, wide=True))
    _patch(sink, film.base, _seek_head(film.places))
    _patch(sink, film.duration_at, struct.pack(">d", film.duration or float(film.end)))


def _patch(sink: Sink, position: int, data: bytes) -> None:
    end = sink.tell()
    sink.seek(position)
    sink.write(data)
    sink.seek(end)


def verify(source: Source, media_type: str) -> None:
    """Read the film with the reader of ``verifying``. See ``family``."""
    verifying.verify(source, media_type)
