"""Copies STREAMINFO and the frames of a FLAC."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from fastcrc import crc8, crc16

from fieldreport import limits
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.media.audio import tags
from fieldreport.scrub.verdicts import Bomb, Damaged, Removed

_TYPE: Final = "audio/flac"
_STREAMINFO_BYTES: Final = 34
_STREAMINFO, _COMMENTS, _CUES, _PICTURE = 0, 4, 5, 6
_SYNC: Final = re.compile(rb"\xff[\xf8\xf9]")
_HEADER_BYTES: Final = 16  # the longest frame header
# What programs append after the last frame.
_TRAILERS: Final = re.compile(rb"TAG|APETAGEX|ID3|LYRICSBEGIN|3DI")


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """STREAMINFO and the frames."""
    information, position = _metadata(untrusted_source, cleaning.removed)
    sink.write(b"fLaC\x80\x00\x00" + bytes((_STREAMINFO_BYTES,)) + information)
    first, frames = position, 0
    for end in _frame_ends(untrusted_source, position):
        frames += 1
        if end - position > limits.SCRUB_COPY_BYTES:
            sink.copy(untrusted_source, first, end - first)
            first = end
        position = end
    if not frames:
        raise Damaged
    sink.copy(untrusted_source, first, position - first)
    if position < untrusted_source.size:
        another = _number(untrusted_source.read_at(position, _HEADER_BYTES)) is not None
        cleaning.removed.add(Removed.INCOMPLETE if another else Removed.TRAILING_DATA)
    return _TYPE


def _metadata(source: Source, removed: set[Removed]) -> tuple[bytes, int]:
    """STREAMINFO, and where the frames begin."""
    position = tags.after_id3(source, removed)
    if source.read_at(position, 4) != b"fLaC":
        raise Damaged
    position += 4
    information = b""
    for _ in range(limits.SOUND_CHUNKS):
        head = source.read_at(position, 4)
        if len(head) < 4:
            raise Damaged
        kind, size = head[0] & 0x7F, int.from_bytes(head[1:], "big")
        body = source.read_at(position + 4, min(size, limits.SOUND_TAG_BYTES))
        if kind == _STREAMINFO and not information:
            information = body
        else:
            removed |= _categories(kind, body)
        position += 4 + size
        if head[0] & 0x80:
            break
    else:
        raise Bomb
    if len(information) != _STREAMINFO_BYTES:
        raise Damaged
    return information, position


def _categories(kind: int, body: bytes) -> frozenset[Removed]:
    match kind:
        case 4:
            return tags.in_comments(body)
        case 5:
            return frozenset({Removed.DESCRIPTION})
        case 6:
            return frozenset({Removed.THUMBNAIL})
        case 1 | 3:  # padding and a table of places to seek to
            return frozenset({Removed.OTHER_METADATA}) if kind == 1 and body.strip(b"\0") else frozenset()
        case _:
            return frozenset({Removed.OTHER_METADATA})


def _frame_ends(source: Source, start: int) -> Iterator[int]:
    """Where each whole frame ends, the first one beginning at ``start``."""
    header = _number(source.read_at(start, _HEADER_BYTES))
    if header is None:
        raise Damaged
    window, at, frame = b"", start, start  # what is read, where it begins, where the frame at hand begins
    while True:
        grown = source.read_at(at + len(window), limits.SCRUB_COPY_BYTES * 4)
        window += grown
        if len(window) > limits.SOUND_FRAME_BYTES + limits.SCRUB_COPY_BYTES * 8:
            raise Damaged
        searched = frame - at + 2
        while (found := _SYNC.search(window, searched)) is not None and found.start() + _HEADER_BYTES <= len(window):
            place = found.start()
            following = _number(window[place : place + _HEADER_BYTES])
            if following is not None and _follows(header, following) and not crc16.umts(window[frame - at : place]):
                header, frame, searched = following, at + place, place + 2
                yield frame
            else:
                searched = place + 1
        if not grown:
            break
        window, at = window[frame - at :], frame
    rest = window[frame - at :]
    for length in (len(rest), *(found.start() for found in _TRAILERS.finditer(rest))):
        if length and not crc16.umts(rest[:length]):
            yield frame + length
            return


def _follows(before: tuple[int, int, bool], after: tuple[int, int, bool]) -> bool:
    number, samples, by_sample = before
    return after[2] == by_sample and after[0] == number + (samples if by_sample else 1)


def _number(head: bytes) -> tuple[int, int, bool] | None:
    """Number of a frame (or of its first sample), its samples, and which of the two; nothing if it is no header."""
    if len(head) < 6 or head[0] != 0xFF or head[1] & 0xFE != 0xF8 or head[3] & 1:
        return None
    size_code, rate_code = head[2] >> 4, head[2] & 15
    if size_code == 0 or rate_code == 15 or head[3] >> 4 > 10:
        return None
    number, position = _coded(head, 4)
    if number is None:
        return None
    if size_code in {6, 7}:
        width = size_code - 5
        samples = int.from_bytes(head[position : position + width], "big") + 1
        position += width
    else:
        samples = 192 if size_code == 1 else 576 << size_code - 2 if size_code < 6 else 256 << size_code - 8
    position += {12: 1, 13: 2, 14: 2}.get(rate_code, 0)
    if position >= len(head) or crc8.smbus(head[:position]) != head[position]:
        return None
    return number, samples, bool(head[1] & 1)


def _coded(head: bytes, position: int) -> tuple[int | None, int]:
    """A number in the way of UTF-8, up to 36 bits (RFC 9639, 9.1.5)."""
    first = head[position]
    if first < 0x80:
        return first, position + 1
    length = 8 - (first ^ 0xFF).bit_length()
    if not 2 <= length <= 7 or position + length > len(head):
        return None, position
    value = first & (0x7F >> length)
    for byte in head[position + 1 : position + length]:
        if byte & 0xC0 != 0x80:
            return None, position
        value = value << 6 | byte & 0x3F
    return value, position + length
