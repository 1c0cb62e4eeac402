"""Copies the frames of an ADTS recording with headers of our own."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.media.audio import tags
from fieldreport.scrub.media.bitstreams.aac import Sound
from fieldreport.scrub.verdicts import Damaged, Refusal, Refused, Removed

_TYPE: Final = "audio/aac"
_HEADER_BYTES: Final = 7
# Of the header's first four bytes what every frame of a recording shares: identifier, profile, rate, channels.
_SHARED: Final = 0xFFFE_FDC0
_FULLNESS: Final = 0x7FF  # of a buffer that does not exist: variable
_FRAME_BYTES: Final = 8191
_LOST_BYTES: Final = 4 * 1024 * 1024  # of anything that is no frame, in a row


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """The same frames in a row."""
    silenced = Sound(removed=cleaning.removed)
    start = tags.after_id3(untrusted_source, cleaning.removed)
    for frame in _frames(untrusted_source, start, cleaning.removed):
        protected = not frame[1] & 1
        if protected and frame[6] & 3:
            raise Refused(Refusal.UNSUPPORTED)  # each block has a check word of its own; no known encoder makes these
        body = silenced(frame[_HEADER_BYTES + 2 * protected :])
        sink.write(_header(frame, len(body)) + body)
    if not sink.size:
        raise Damaged
    return _TYPE


def _header(old: bytes, length: int) -> bytes:
    shared = int.from_bytes(old[:4], "big") & _SHARED | 0x0001_0000
    return (shared << 24 | (length + _HEADER_BYTES) << 13 | _FULLNESS << 2 | old[6] & 3).to_bytes(7, "big")


def _length(header: bytes) -> int:
    """Bytes of a frame by its header; 0 if it is none."""
    if len(header) < _HEADER_BYTES or header[0] != 0xFF or header[1] & 0xF6 != 0xF0 or header[2] >> 2 & 15 > 12:
        return 0
    length = (header[3] & 3) << 11 | header[4] << 3 | header[5] >> 5
    return length if length > _HEADER_BYTES + 2 else 0


def _frames(source: Source, position: int, removed: set[Removed]) -> Iterator[bytes]:
    """Every whole frame that is like the first one; one after something else must be followed by another."""
    window, at, sure, lost = b"", position, False, 0
    shared: int | None = None
    while True:
        if len(window) - (position - at) < 2 * _FRAME_BYTES:
            window, at = window[position - at :], position
            window += source.read_at(at + len(window), limits.SCRUB_COPY_BYTES)
        place = position - at
        length = _length(window[place : place + _HEADER_BYTES])
        like = int.from_bytes(window[place : place + 4], "big") & _SHARED
        whole = length and place + length <= len(window) and (shared is None or like == shared)
        if whole and (sure or place + length == len(window) or _length(window[place + length :][:_HEADER_BYTES])):
            yield window[place : place + length]
            shared, sure, lost = like, True, 0
            position += length
            continue
        if place >= len(window):
            return
        if sure and length and like == shared:
            removed.add(Removed.INCOMPLETE)
            return
        found = window.find(b"\xff", place + 1)
        step = (found if found >= 0 else len(window)) - place
        if any(window[place : place + step]):
            removed.add(Removed.TRAILING_DATA)
        sure, lost, position = False, lost + step, position + step
        if lost > _LOST_BYTES:
            return
