"""AVI: the same pictures and sounds, in a container made anew.

Method: headers are rebuilt from their numbers; the chunks of picture and sound are copied one after the other, cleaned
where their codec has room for words; an index is written behind them. Files in several parts become one. Dates, names,
comments, fillers, subtitles, the data of drivers and indexes of all kinds are not read into the new file.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.images import metadata
from fieldreport.scrub.media.avi import headers
from fieldreport.scrub.media.avi import verify as verifying
from fieldreport.scrub.media.buffered_source import Window
from fieldreport.scrub.verdicts import Bomb, Damaged, Refusal, Refused, Removed

_FILLERS: Final = frozenset({b"JUNK", b"PAD ", b"junk"})
_HAS_INDEX, _INTERLEAVED = 0x10, 0x100
_KEY_FRAME: Final = 0x10
_MEDIA_TYPE: Final = "video/x-msvideo"

Piece = tuple[bytes, int, int]  # kind, beginning and end of what a chunk or list contains; a list's kind is its name


@dataclass(slots=True, kw_only=True)
class _Film:
    removed: set[Removed]
    frame_time: int = 0  # microseconds
    size: tuple[int, int] = (0, 0)
    streams: list[headers.Stream] = field(default_factory=list)
    numbered: dict[int, headers.Stream] = field(default_factory=dict)  # by their numbers in the file
    movies: list[tuple[int, int]] = field(default_factory=list)
    index: tuple[int, int] | None = None
    unknown: set[bytes] = field(default_factory=set)


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write the film anew. See ``family``."""
    window = Window(untrusted_source)
    film = _Film(removed=cleaning.removed)
    position = 0
    while window.read_at(position, 4) == b"RIFF" and position + 12 <= window.size:
        end = position + 8 + int.from_bytes(window.read_at(position + 4, 4), "little")
        if window.read_at(position + 8, 4) not in {b"AVI ", b"AVIX"}:
            break
        _riff(film, window, position + 12, min(end, window.size))
        position = min(end + end % 2, window.size)
    if position < window.size and window.read_at(position, limits.MIB).strip(b"\0"):
        film.removed.add(Removed.TRAILING_DATA)
    if not film.streams or film.unknown - {stream.kind for stream in film.streams}:
        raise Refused(Refusal.UNSUPPORTED)
    if not film.movies:
        raise Damaged
    _read_index(film, window)
    _write(film, window, sink)
    return _MEDIA_TYPE


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


def _riff(film: _Film, window: Window, start: int, end: int) -> None:
    for kind, first, last in _pieces(window, start, end):
        if kind == b"hdrl" and not film.streams:
            _header(film, window, first, last)
        elif kind == b"movi":
            film.movies.append((first, last))
        elif kind == b"idx1":
            film.index = film.index or (first, last)
        else:
            _drop(film, window, kind, first, last)


def _drop(film: _Film, window: Window, kind: bytes, first: int, last: int) -> None:
    """Tell what goes."""
    data = window.read_at(first, min(last - first, limits.MIB))
    if kind == b"IDIT":
        film.removed.add(Removed.TIME)
    elif kind == b"INFO":
        names = {b"ISFT": Removed.SOFTWARE, b"ICRD": Removed.TIME, b"IART": Removed.AUTHOR, b"ICMT": Removed.COMMENTS}
        found = {category for name, category in names.items() if name in data}
        film.removed |= found or {Removed.DESCRIPTION}
    elif kind in _FILLERS:
        if data.strip(b"\0"):
            film.removed |= metadata.in_film(data)
    elif kind not in {b"odml", b"indx", b"vprp"}:
        film.removed |= metadata.in_film(data)


def _header(film: _Film, window: Window, start: int, end: int) -> None:
    if end - start > limits.FILM_HEAD_BYTES:
        raise Bomb
    count = 0
    for kind, first, last in _pieces(window, start, end):
        if kind == b"avih":
            numbers = struct.unpack("<10I", window.read_at(first, 40).ljust(40, b"\0"))
            film.frame_time, film.size = numbers[0], (numbers[8], numbers[9])
        elif kind == b"strl":
            _stream(film, window, count, list(_pieces(window, first, last)))
            count += 1
            if count > limits.FILM_STREAMS:
                raise Bomb
        else:
            _drop(film, window, kind, first, last)


def _stream(film: _Film, window: Window, number: int, parts: list[Piece]) -> None:
    found: dict[bytes, bytes] = {}
    for kind, first, last in parts:
        if kind in {b"strh", b"strf"} and last - first <= limits.MIB:
            found.setdefault(kind, window.read_at(first, last - first))
        else:
            _drop(film, window, kind, first, last)
    if found.keys() != {b"strh", b"strf"}:
        raise Damaged
    kind = found[b"strh"][:4]
    if kind not in {headers.PICTURE, headers.SOUND}:
        film.removed.add(Removed.DESCRIPTION if kind == b"txts" else Removed.HIDDEN_CONTENT)
        return
    stream = headers.read(found[b"strh"], found[b"strf"], len(film.streams), film.removed)
    if stream is None:
        film.unknown.add(kind)
        film.removed.add(Removed.HIDDEN_CONTENT)
        return
    film.streams.append(stream)
    film.numbered[number] = stream


def _read_index(film: _Film, window: Window) -> None:
    """Which pictures are whole, in the order of each stream."""
    if film.index is None:
        return
    first, last = film.index
    for position in range(first, last - 15, 16):
        entry = window.read_at(position, 8)
        stream = film.numbered.get(_number(entry))
        if stream is not None and _is_content(entry[2:4], stream):
            stream.keys.append(bool(entry[4] & _KEY_FRAME))


def _number(kind: bytes) -> int:
    """Of the stream that a chunk belongs to; -1 for none."""
    return int(kind[:2]) if kind[:2].isdigit() else -1


def _is_content(suffix: bytes, stream: headers.Stream) -> bool:
    return suffix in ({b"dc", b"db"} if stream.kind == headers.PICTURE else {b"wb"})


# --- writing ---


def _write(film: _Film, window: Window, sink: Sink) -> None:
    head = _head(film)
    sink.write(head + b"LIST\0\0\0\0movi")
    index: list[bytes] = []
    for start, end in film.movies:
        _copy(film, window, (start, end), sink, index, base=len(head) + 8)
    if not index:
        raise Damaged
    movie_end = sink.tell()
    sink.write(headers.chunk(b"idx1", b"".join(index)))
    end = sink.tell()
    head = _head(film, end)
    sink.seek(0)
    sink.write(head + b"LIST" + struct.pack("<I", movie_end - len(head) - 8))
    sink.seek(end)


def _head(film: _Film, length: int = 8) -> bytes:
    """Everything before the pictures; the same length whatever was counted."""
    pictures = [stream for stream in film.streams if stream.kind == headers.PICTURE]
    numbers = (
        film.frame_time,
        0,
        0,
        _HAS_INDEX | _INTERLEAVED,
        pictures[0].chunks if pictures else 0,
        0,
        len(film.streams),
        max(stream.largest for stream in film.streams),
        *film.size,
    )
    lists = b"".join(stream.header_list() for stream in film.streams)
    header = headers.chunk_list(b"hdrl", headers.chunk(b"avih", struct.pack("<10I", *numbers) + bytes(16)) + lists)
    return b"RIFF" + struct.pack("<I", length - 8) + b"AVI " + header


def _copy(
    film: _Film, window: Window, place: tuple[int, int], sink: Sink, index: list[bytes], *, base: int, depth: int = 0
) -> None:
    """Write the chunks of picture and sound; lists that only hold them together are opened."""
    for kind, first, last in _pieces(window, *place):
        if kind == b"rec " and not depth:
            _copy(film, window, (first, last), sink, index, base=base, depth=1)
            continue
        stream = film.numbered.get(_number(kind))
        if stream is None or not _is_content(kind[2:], stream):
            if kind in _FILLERS and window.read_at(first, min(last - first, limits.MIB)).strip(b"\0"):
                film.removed.add(Removed.OTHER_METADATA)
            continue
        if last - first > limits.FILM_FRAME_BYTES or len(index) >= limits.FILM_SAMPLES:
            raise Bomb
        data = window.read_at(first, last - first)
        if stream.clean is not None and data:
            data = stream.clean(data)
        name = b"%02d" % stream.number + kind[2:]
        whole = stream.every_frame_is_whole or _is_key(stream)
        index.append(name + struct.pack("<III", _KEY_FRAME if whole else 0, sink.tell() - base, len(data)))
        stream.chunks += 1
        stream.length_bytes += len(data)
        stream.largest = max(stream.largest, len(data))
        sink.write(headers.chunk(name, data))


def _is_key(stream: headers.Stream) -> bool:
    return stream.keys[stream.chunks] if stream.chunks < len(stream.keys) else not stream.chunks


def verify(source: Source, media_type: str) -> None:
    """Read the film with the reader of ``verifying``. See ``family``."""
    verifying.verify(source, media_type)
