"""Reads an AVI file: its streams, and where the chunks of each lie. Nothing of it is kept but numbers and places.

Rules: dates, names, comments, fillers, subtitles, the data of drivers and indexes are not read, only their categories
are noted; of the index, only which pictures are whole. Files in several parts are read as one. Sources: Microsoft, "AVI
RIFF File Reference"; OpenDML AVI File Format Extensions 1.02.
"""

from __future__ import annotations

import struct
from array import array
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import Source
from fieldreport.scrub.images import metadata
from fieldreport.scrub.media.buffered_source import Window
from fieldreport.scrub.verdicts import Bomb, Damaged, Removed

PICTURE, SOUND = b"vids", b"auds"
_FILLERS: Final = frozenset({b"JUNK", b"PAD ", b"junk"})
_KEY_FRAME: Final = 0x10
_LATEST_START_SECONDS: Final = 3600  # a stream that begins later says so by mistake

Piece = tuple[bytes, int, int]  # kind, beginning and end of what a chunk or list contains; a list's kind is its name


@dataclass(slots=True, kw_only=True)
class Stream:
    """A stream of pictures or sounds."""

    kind: bytes
    form: bytes  # untrusted: how it is coded, a BITMAPINFOHEADER or a WAVEFORMATEX
    unit_seconds: Fraction  # how long one unit lasts: a picture, or so many bytes of sound
    start: int  # in units
    unit_bytes: int  # 0: each chunk is one unit
    positions: array[int] = field(default_factory=lambda: array("Q"))  # of each chunk's content in the file
    sizes: array[int] = field(default_factory=lambda: array("I"))
    keys: bytearray = field(default_factory=bytearray)  # from the index: whether each chunk is whole by itself


@dataclass(slots=True, kw_only=True)
class Film:
    """What a file holds: its streams by their numbers."""

    removed: set[Removed]
    streams: dict[int, Stream] = field(default_factory=dict)
    seen: int = 0  # streams of any kind
    chunks: int = 0
    index: tuple[int, int] | None = None


def read(untrusted_source: Source, removed: set[Removed]) -> Film:
    """Read the whole structure.

    Raises:
        Damaged: a header makes no sense.
        Bomb: more streams or chunks than ``limits`` allow.
    """
    window = Window(untrusted_source)
    film = Film(removed=removed)
    position = 0
    while window.read_at(position, 4) == b"RIFF" and position + 12 <= window.size:
        end = position + 8 + int.from_bytes(window.read_at(position + 4, 4), "little")
        if window.read_at(position + 8, 4) not in {b"AVI ", b"AVIX"}:
            break
        if end > window.size:
            removed.add(Removed.INCOMPLETE)
        _riff(film, window, position + 12, min(end, window.size))
        position = min(end + end % 2, window.size)
    if position < window.size and window.read_at(position, limits.MIB).strip(b"\0"):
        removed.add(Removed.TRAILING_DATA)
    if film.index is not None:
        _read_index(film, window, *film.index)
    return film


def _pieces(window: Window, position: int, end: int) -> Iterator[Piece]:
    """The chunks between two places; one that is cut off ends where the file ends."""
    for _ in range(limits.FILM_SAMPLES):
        if position + 8 > end:
            return
        head = window.read_at(position, 12)
        kind, size = head[:4], int.from_bytes(head[4:8], "little")
        start, stop = position + 8, min(position + 8 + size, end)
        if kind == b"LIST" and size >= 4 and len(head) == 12:
            yield head[8:12], start + 4, stop
        else:
            yield kind, start, stop
        position += 8 + size + size % 2
    raise Bomb


def _riff(film: Film, window: Window, start: int, end: int) -> None:
    for kind, first, last in _pieces(window, start, end):
        if kind == b"hdrl" and not film.streams:
            _header(film, window, first, last)
        elif kind == b"movi":
            _movie(film, window, first, last)
        elif kind == b"idx1":
            film.index = film.index or (first, last)
        else:
            _drop(film, window, kind, first, last)


def _drop(film: Film, window: Window, kind: bytes, first: int, last: int) -> None:
    """Note the category of what goes."""
    data = window.read_at(first, min(last - first, limits.MIB))
    if kind == b"IDIT":
        film.removed.add(Removed.TIME)
    elif kind == b"INFO":
        names = {b"ISFT": Removed.SOFTWARE, b"ICRD": Removed.TIME, b"IART": Removed.AUTHOR, b"ICMT": Removed.COMMENTS}
        found = {category for name, category in names.items() if name in data}
        film.removed |= found or {Removed.DESCRIPTION}
    elif kind == b"C2PA":
        film.removed |= metadata.in_credentials(data)
    elif kind in _FILLERS:
        if data.strip(b"\0"):
            film.removed |= metadata.in_film(data)
    elif kind not in {b"odml", b"indx", b"vprp"}:
        film.removed |= metadata.in_film(data)


def _header(film: Film, window: Window, start: int, end: int) -> None:
    if end - start > limits.FILM_HEAD_BYTES:
        raise Bomb
    for kind, first, last in _pieces(window, start, end):
        if kind == b"strl":
            _stream(film, window, list(_pieces(window, first, last)))
            film.seen += 1
            if film.seen > limits.FILM_STREAMS:
                raise Bomb
        elif kind != b"avih":
            _drop(film, window, kind, first, last)


def _stream(film: Film, window: Window, parts: list[Piece]) -> None:
    found: dict[bytes, bytes] = {}
    for kind, first, last in parts:
        if kind in {b"strh", b"strf"} and last - first <= limits.MIB:
            found.setdefault(kind, window.read_at(first, last - first))
        else:
            _drop(film, window, kind, first, last)
    if found.keys() != {b"strh", b"strf"}:
        raise Damaged
    header, form = found[b"strh"], found[b"strf"]
    kind = header[:4]
    if kind not in {PICTURE, SOUND}:
        film.removed.add(Removed.DESCRIPTION if kind == b"txts" else Removed.HIDDEN_CONTENT)
        return
    if len(header) < 48:
        raise Damaged
    _, priority, language, _, scale, rate, start, _, _, _, size = struct.unpack_from("<IHHIIIIIIII", header, 8)
    if priority or language:
        film.removed.add(Removed.OTHER_METADATA)
    if not scale or not rate:
        raise Damaged
    unit = Fraction(scale, rate)
    film.streams[film.seen] = Stream(
        kind=kind,
        form=form,
        unit_seconds=unit,
        start=start if start * unit <= _LATEST_START_SECONDS else 0,
        unit_bytes=size if kind == SOUND else 0,
    )


def _movie(film: Film, window: Window, start: int, end: int, depth: int = 0) -> None:
    """Note the chunks of picture and sound; lists that only hold them together are opened."""
    for kind, first, last in _pieces(window, start, end):
        if kind == b"rec " and not depth:
            _movie(film, window, first, last, depth=1)
            continue
        stream = film.streams.get(_number(kind))
        if stream is None or not _is_content(kind[2:], stream):
            if kind in _FILLERS and window.read_at(first, min(last - first, limits.MIB)).strip(b"\0"):
                film.removed.add(Removed.OTHER_METADATA)
            continue
        film.chunks += 1
        if last - first > limits.FILM_FRAME_BYTES or film.chunks > limits.FILM_SAMPLES:
            raise Bomb
        stream.positions.append(first)
        stream.sizes.append(last - first)


def _read_index(film: Film, window: Window, first: int, last: int) -> None:
    """Which pictures are whole, in the order of each stream."""
    for position in range(first, last - 15, 16):
        entry = window.read_at(position, 8)
        stream = film.streams.get(_number(entry))
        if stream is not None and _is_content(entry[2:4], stream):
            stream.keys.append(bool(entry[4] & _KEY_FRAME))


def _number(kind: bytes) -> int:
    """Of the stream that a chunk belongs to; -1 for none."""
    return int(kind[:2]) if kind[:2].isdigit() else -1


def _is_content(suffix: bytes, stream: Stream) -> bool:
    return suffix in ({b"dc", b"db"} if stream.kind == PICTURE else {b"wb"})
