"""Reads a film: its boxes, its tracks, and what else there is for the receipt.

Rules: only the movie header and the fragments' tables are read here, bounded before they are loaded; samples stay where
they are. A track that is neither picture nor sound goes, and so does one that only shows chapters, or pictures that
players do not show. Nothing outside the file is ever referred to. Source: ISO/IEC 14496-12; QuickTime File Format.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Iterable, Iterator
from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import Source
from fieldreport.scrub.images import metadata
from fieldreport.scrub.isobmff import Fields, boxes
from fieldreport.scrub.media.mp4 import tables
from fieldreport.scrub.media.mp4.entries import Description
from fieldreport.scrub.media.mp4.film import UPRIGHT, Film, Kind, Track
from fieldreport.scrub.media.mp4.fragments import Defaults, Fragments, finish
from fieldreport.scrub.verdicts import Bomb, Damaged, Refusal, Refused, Removed

_NAME: Final = re.compile(rb"[\xa9A-Za-z0-9 _-]{4}")  # of a box; what seems to be one within pictures rarely has it
_SILENT: Final = frozenset({b"ftyp", b"styp", b"moov", b"moof", b"mdat", b"mfra", b"sidx", b"ssix", b"wide"})
_FILLERS: Final = frozenset({b"free", b"skip"})
_XMP_UUID: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_TEXT_TRACKS: Final = frozenset({b"text", b"sbtl", b"subt", b"subp", b"clcp"})
_EDITS: Final = 10_000


def read(untrusted_source: Source, removed: set[Removed], *, quicktime: bool, mobile: bool) -> Film:
    """The film, its samples located but not read.

    Raises:
        Refused: ``damaged``, ``bomb``, ``encrypted``; ``unsupported`` for codecs we have no rule for.
    """
    moov: bytes | None = None
    moofs: list[tuple[int, int, int]] = []
    found = list(_top_level(untrusted_source))
    for kind, position, start, end in found:
        if kind == b"moov":
            if moov is not None:
                raise Damaged
            if end - start > limits.FILM_HEAD_BYTES:
                raise Bomb
            moov = untrusted_source.read_at(start, end - start)
        elif kind == b"moof":
            moofs.append((position, start, end))
        elif kind in {b"meta", b"uuid"}:
            removed |= _categories(untrusted_source.read_at(start, min(end - start, limits.FILM_HEAD_BYTES)))
        elif kind in _FILLERS:
            if untrusted_source.read_at(start, min(end - start, limits.MIB)).strip(b"\0"):
                removed.add(Removed.OTHER_METADATA)
        elif kind == b"prft":  # the wall clock at the time of recording
            removed.add(Removed.TIME)
        elif kind == b"":
            removed.add(Removed.TRAILING_DATA)
        elif kind not in _SILENT:
            removed.add(Removed.OTHER_METADATA)
    if moov is None:
        raise Damaged
    movie = _Movie(moov, removed, quicktime=quicktime, mobile=mobile)
    if moofs:
        _read_fragments(untrusted_source, movie, moofs)
    movie.film.tracks = [track for track in movie.film.tracks if track.count]
    if not movie.film.tracks:
        raise Refused(Refusal.UNSUPPORTED)
    movie.film.told = _told(found)
    return movie.film


def told(untrusted_source: Source) -> list[tuple[int, int]]:
    """Where boxes of a film begin and end that hold neither sound nor pictures, in order; see ``film.is_told``.

    Raises:
        Bomb: there are more than ``limits.FILM_BOXES``.
    """
    return _told(_top_level(untrusted_source))


def _told(found: Iterable[tuple[bytes, int, int, int]]) -> list[tuple[int, int]]:
    return [(position, end) for kind, position, _, end in found if kind != b"mdat" and _NAME.fullmatch(kind)]


def _top_level(source: Source) -> Iterator[tuple[bytes, int, int, int]]:
    """Kind, beginning, beginning and end of the payload of each box; the empty kind for bytes that are no box."""
    position = 0
    for _ in range(limits.FILM_BOXES):
        head = source.read_at(position, 16)
        if len(head) < 8:
            if head:
                yield b"", position, position, source.size
            return
        size, kind = struct.unpack_from(">I4s", head)
        start = position + 8
        if size == 1:
            size, start = int.from_bytes(head[8:16], "big"), position + 16
        elif size == 0:
            size = source.size - position
        if position + size < start or position + size > source.size:
            if kind in {b"mdat", b"moof"}:  # cut off; the tables decide what is missing
                yield b"mdat", position, start, source.size
            elif kind == b"moov":
                raise Damaged
            else:
                yield b"", position, position, source.size
            return
        yield kind, position, start, position + size
        position += size
    raise Bomb


def _categories(untrusted: bytes) -> set[Removed]:
    """What a block of metadata says, by the names that occur in it."""
    if untrusted.startswith(_XMP_UUID) or b"<x:xmpmeta" in untrusted:
        return set(metadata.in_xmp(untrusted))
    if untrusted.startswith(metadata.CREDENTIALS_ID):
        return set(metadata.in_credentials(untrusted))
    return set(metadata.in_film(untrusted))


def _read_fragments(source: Source, movie: _Movie, moofs: list[tuple[int, int, int]]) -> None:
    fragments = Fragments(movie.numbered, movie.defaults)
    total = 0
    for position, start, end in moofs:
        total += end - start
        if total > limits.FILM_HEAD_BYTES:
            raise Bomb
        fragments.read(source.read_at(start, end - start), position)
    finish(movie.film)


class _Movie:
    """The movie header box: fills ``film`` with the tracks that stay."""

    def __init__(self, moov: bytes, removed: set[Removed], *, quicktime: bool, mobile: bool) -> None:
        self._moov = moov
        self._removed = removed
        self.film = Film(quicktime=quicktime, mobile=mobile)
        self.numbered: dict[int, Track] = {}
        self.defaults: dict[int, Defaults] = {}
        self._unknown: set[Kind] = set()
        self._chapters: set[int] = set()
        traks = []
        for kind, start, end in boxes(moov):
            if kind == b"mvhd":
                self._header(Fields(moov, start, end))
            elif kind == b"trak":
                traks.append({name: (first, last) for name, first, last in boxes(moov, start, end)})
            elif kind == b"mvex":
                self._extends(start, end)
            elif kind == b"cmov":
                raise Refused(Refusal.UNSUPPORTED)
            elif kind == b"pssh":
                raise Refused(Refusal.ENCRYPTED)
            elif kind in {b"udta", b"meta", b"uuid"}:
                removed |= _categories(moov[start:end])
            elif kind not in _FILLERS or moov[start:end].strip(b"\0"):
                removed.add(Removed.OTHER_METADATA)
        if len(traks) > limits.FILM_STREAMS:
            raise Bomb
        for trak in traks:
            self._find_chapters(trak)
        for trak in traks:
            self._track(trak)
        self._drop_hidden_pictures()
        kinds = {track.kind for track in self.film.tracks}
        if self._unknown - kinds:
            raise Refused(Refusal.UNSUPPORTED)

    def _header(self, fields: Fields) -> None:
        width = self._times(fields)
        self.film.timescale = max(1, fields.number(4))
        fields.take(width + 16)
        self.film.matrix = _matrix(fields)

    def _times(self, fields: Fields) -> int:
        """Pass over two times; answers how wide the duration that follows is."""
        version, _ = fields.version_and_flags()
        width = 8 if version else 4
        if fields.number(width) | fields.number(width):
            self._removed.add(Removed.TIME)
        return width

    def _extends(self, start: int, end: int) -> None:
        for kind, first, last in boxes(self._moov, start, end):
            if kind == b"trex":
                fields = Fields(self._moov, first, last)
                fields.version_and_flags()
                number, entry, duration, size, flags = (fields.number(4) for _ in range(5))
                self.defaults[number] = Defaults(entry=entry, duration=duration, size=size, flags=flags)

    def _find_chapters(self, trak: tables.Parts) -> None:
        if b"tref" in trak:
            for kind, start, end in boxes(self._moov, *trak[b"tref"]):
                if kind == b"chap":
                    self._chapters.update(number for (number,) in struct.iter_unpack(">I", self._moov[start:end]))

    def _track(self, trak: tables.Parts) -> None:
        moov, removed = self._moov, self._removed
        for kind in trak.keys() & {b"udta", b"meta", b"uuid"}:
            removed |= _categories(moov[slice(*trak[kind])])
        media = self._parts(trak, b"mdia")
        handler = moov[slice(*media.get(b"hdlr", (0, 0)))]
        inner = self._parts(media, b"minf")
        table = self._parts(inner, b"stbl")
        if len(handler) < 12 or not {b"tkhd", b"mdhd"} <= trak.keys() | media.keys() or b"stsd" not in table:
            raise Damaged
        if handler[24:].strip(b"\0\1 "):
            removed.add(Removed.SOFTWARE)
        self._only_this_file(inner)
        header = Fields(moov, *trak[b"tkhd"])
        width = self._times(header)
        flags = moov[trak[b"tkhd"][0] + 3]
        number = header.number(4)
        header.take(4 + width + 8 + 8)
        kind_ = next((kind for kind in Kind if kind.value == handler[8:12]), None)
        if kind_ is None or number in self._chapters:
            removed |= _of_a_dropped_track(handler[8:12], moov[slice(*table[b"stsd"])])
            return
        media_header = Fields(moov, *media[b"mdhd"])
        self._times(media_header)
        track = Track(kind=kind_, timescale=max(1, media_header.number(4)), enabled=bool(flags & 1))
        track.matrix = _matrix(header)
        track.width, track.height = header.number(4), header.number(4)
        if not self._entries(track, Fields(moov, *table[b"stsd"])):
            self._unknown.add(kind_)
            removed.add(Removed.HIDDEN_CONTENT)
            return
        tables.read(track, moov, table)
        if b"edts" in trak:
            for name, start, end in boxes(moov, *trak[b"edts"]):
                if name == b"elst":
                    track.edits = _edits(Fields(moov, start, end))
        self.film.tracks.append(track)
        self.numbered[number] = track

    def _parts(self, outer: tables.Parts, kind: bytes) -> tables.Parts:
        if kind not in outer:
            raise Damaged
        return {name: (start, end) for name, start, end in boxes(self._moov, *outer[kind])}

    def _only_this_file(self, inner: tables.Parts) -> None:
        """Refuse what would be fetched from elsewhere: every data reference says 'in this file'."""
        for kind, start, end in boxes(self._moov, *inner.get(b"dinf", (0, 0))):
            if kind == b"dref":
                for _, first, _ in boxes(self._moov, start + 8, end):
                    if not self._moov[first + 3] & 1:
                        raise Refused(Refusal.UNSUPPORTED)

    def _entries(self, track: Track, fields: Fields) -> bool:
        """Whether every sample description is of a codec that may stay."""
        version, _ = fields.version_and_flags()
        fields.take(4)
        for kind, start, end in boxes(self._moov, fields.position, fields.end):
            description = Description(kind, self._moov[start:end], self._removed, quicktime_sound=version == 0)
            entry = description.entry(track.kind)
            if entry is None:
                return False
            track.entries.append(entry)
        return 0 < len(track.entries) <= limits.FILM_STREAMS

    def _drop_hidden_pictures(self) -> None:
        """A picture track that is switched off next to one that is on is not seen."""
        tracks = self.film.tracks
        if any(track.kind is Kind.VIDEO and track.enabled for track in tracks):
            shown = [track for track in tracks if track.kind is not Kind.VIDEO or track.enabled]
            if len(shown) != len(tracks):
                self._removed.add(Removed.HIDDEN_CONTENT)
                self.film.tracks = shown
                self.numbered = {number: track for number, track in self.numbered.items() if track in shown}


def _of_a_dropped_track(handler: bytes, descriptions: bytes) -> set[Removed]:
    if handler == b"tmcd" or b"tmcd" in descriptions:
        return {Removed.TIME}
    if handler in _TEXT_TRACKS:
        return {Removed.DESCRIPTION}
    if handler == b"vide":
        return {Removed.THUMBNAIL}
    return (_categories(descriptions) | {Removed.OTHER_METADATA}) if handler == b"meta" else {Removed.HIDDEN_CONTENT}


def _matrix(fields: Fields) -> tuple[int, ...]:
    """How a picture is turned; what is no flat transformation counts as none."""
    a, b, u, c, d, v, x, y, w = struct.unpack(">9i", fields.take(36))
    if (u, v, w) != (0, 0, UPRIGHT[8]) or not a * d - b * c:
        return UPRIGHT
    return a, b, u, c, d, v, x, y, w


def _edits(fields: Fields) -> list[tuple[int, int, int]]:
    version, _ = fields.version_and_flags()
    width = 8 if version else 4
    count = fields.number(4)
    if count > _EDITS:
        raise Bomb
    edits = []
    for _ in range(count):
        duration, begin, rate = fields.number(width), fields.number(width), fields.number(4)
        begin -= (begin >> (width * 8 - 1)) << (width * 8)
        if begin < -1 or rate not in {0, 0x10000}:
            raise Damaged
        edits.append((duration, begin, rate))
    return edits
