"""Matroska and WebM: the same pictures and sounds at the same times, in a container of our own making.

Method: the file is read once from front to back, and each cluster is written as soon as its blocks have been taken
apart. Chapters, subtitles, tags, attachments, names, ids, programs, times and fillers are never read into the new file.
A recording that a browser never finished, without lengths and without an index, becomes an ordinary file.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.images import metadata
from fieldreport.scrub.media.buffered_source import Window
from fieldreport.scrub.media.matroska import blocks, tracks
from fieldreport.scrub.media.matroska import elements as ebml
from fieldreport.scrub.media.matroska.muxer import DOC_TYPE, DURATION, MUXER, NO_PROGRAM, SCALE, TIME, WRITER, Muxer
from fieldreport.scrub.verdicts import Bomb, Damaged, Refusal, Refused, Removed

_INFO_CATEGORIES: Final = {
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


@dataclass(slots=True, kw_only=True)
class _Film:
    """What is known while a film is being rewritten."""

    webm: bool
    sink: Sink
    removed: set[Removed]
    tracks: dict[int, tracks.Track] = field(default_factory=dict)
    muxer: Muxer | None = None
    duration: float = 0.0
    blocks: int = 0  # met so far, whether or not their tracks are kept
    plays: bool = False


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write the film. See ``format``."""
    window = Window(untrusted_source)
    kind, start, length = ebml.head(window, 0)
    if kind != ebml.EBML:
        raise Damaged
    doc_type = dict(ebml.children(ebml.content(window, start, length))).get(DOC_TYPE, b"").rstrip(b"\0")
    film = _Film(webm=doc_type == b"webm", sink=sink, removed=cleaning.removed)
    position = start + (length or 0)
    kind, start, length = ebml.head(window, position)
    if kind != ebml.SEGMENT:
        raise Damaged
    end = window.size if length is None else min(window.size, start + length)
    if end < window.size:
        film.removed.add(Removed.TRAILING_DATA)
    elif length is not None and start + length > window.size:
        film.removed.add(Removed.INCOMPLETE)
    _segment(film, window, start, end)
    if film.muxer is None or not film.plays:
        raise Refused(Refusal.UNSUPPORTED if not film.tracks else Refusal.DAMAGED)
    cleaning.counted = film.muxer.finish(0.0 if Removed.INCOMPLETE in film.removed else film.duration)
    return _media_type(film)


def _media_type(film: _Film) -> str:
    pictures = any(track.kind == tracks.PICTURE for track in film.tracks.values())
    if film.webm:
        return "video/webm" if pictures else "audio/webm"
    return "video/x-matroska" if pictures else "audio/x-matroska"


def _segment(film: _Film, window: Window, position: int, end: int) -> None:
    info: bytes | None = None
    for _ in range(limits.FILM_BOXES):
        if position >= end or window.size - position < 2:
            return
        kind, start, length = ebml.head(window, position)
        if kind == ebml.CLUSTER:
            if not film.tracks:
                raise Damaged
            film.muxer = film.muxer or _begin(film, info or b"")
            stop = end if length is None else min(end, start + length)
            position = _cluster(film, film.muxer, window, start, stop)
            continue
        if length is None:
            raise Damaged
        if kind == ebml.INFO and info is None:
            info = ebml.content(window, start, length)
        elif kind == ebml.TRACKS and not film.tracks:
            film.tracks = tracks.read(ebml.content(window, start, length), film.removed)
        elif kind == ebml.CHAPTERS:
            film.removed.add(Removed.DESCRIPTION)
        elif kind == ebml.ATTACHMENTS:
            film.removed.add(Removed.EMBEDDED_FILE)
        elif kind == ebml.TAGS:
            film.removed |= metadata.in_film(window.read_at(start, min(length, limits.MIB)))
        elif tracks.is_filler(kind):
            if length > 4 and window.read_at(start, min(length, limits.MIB)).strip(b"\0"):
                film.removed.add(Removed.OTHER_METADATA)
        elif kind not in ebml.TOP:
            film.removed.add(Removed.OTHER_METADATA)
        position = start + length
    raise Bomb


def _begin(film: _Film, info: bytes) -> Muxer:
    """Write everything that comes before the first cluster."""
    fields = dict(ebml.children(info))
    film.removed.update(_INFO_CATEGORIES[name] for name in fields if name in _INFO_CATEGORIES)
    if {fields.get(MUXER, NO_PROGRAM), fields.get(WRITER, NO_PROGRAM)} != {NO_PROGRAM}:
        film.removed.add(Removed.SOFTWARE)
    film.duration = max(0.0, ebml.real(fields.get(DURATION, b"")))
    return Muxer(
        film.sink,
        film.tracks.values(),
        doc_type=b"webm" if film.webm else b"matroska",
        scale=ebml.unsigned(fields.get(SCALE, b"")) or 1_000_000,
    )


def _cluster(film: _Film, muxer: Muxer, window: Window, position: int, end: int) -> int:
    """Rewrite one cluster; answers where the next element begins."""
    time: int | None = None
    while position < end and window.size - position >= 2:
        kind, start, length = ebml.head(window, position)
        if kind in ebml.TOP or kind == ebml.SEGMENT:
            break
        if length is None:
            raise Damaged
        if start + length > window.size:
            film.removed.add(Removed.INCOMPLETE)
            return window.size  # cut off while it was recorded
        position = start + length
        if kind == TIME:
            time = ebml.unsigned(window.read_at(start, min(length, 9)))
            muxer.begin_cluster(time)
        if kind not in {blocks.SIMPLE, blocks.GROUP}:
            continue
        if time is None:
            raise Damaged
        block = _block(film, window.read_at(start, length), kind)
        if block is not None:
            film.plays = True
            muxer.add(block)
    return position


def _block(film: _Film, untrusted: bytes, kind: int) -> blocks.Block | None:
    if len(untrusted) > limits.FILM_FRAME_BYTES or film.blocks >= limits.FILM_SAMPLES:
        raise Bomb
    film.blocks += 1
    if kind == blocks.SIMPLE:
        return blocks.simple(untrusted, film.tracks)
    return blocks.group(untrusted, film.tracks, film.removed)
