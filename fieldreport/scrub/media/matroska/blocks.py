"""Blocks: the frames of one moment of one track, alone or laced together.

Rules: a block is taken apart and put together again; its time and its flags stay, whatever else it carries with its
frames goes. Source: RFC 9559, section 10.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping
from dataclasses import dataclass

from fieldreport.scrub.media.matroska.elements import (
    children,
    element,
    number,
    signed,
    signed_element,
    unsigned,
    unsigned_element,
)
from fieldreport.scrub.media.matroska.tracks import Track
from fieldreport.scrub.verdicts import Damaged, Removed

SIMPLE, GROUP, _BLOCK = 0xA3, 0xA0, 0xA1
_DURATION, _REFERENCE, _PADDING, _ADDITIONS = 0x9B, 0xFB, 0x75A2, 0x75A1
_KEY, _INVISIBLE, _LACING, _DISCARDABLE = 0x80, 0x08, 0x06, 0x01


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A block as it will be written. Times in the segment's scale, ``time`` from the cluster's."""

    track: Track
    written: bytes
    key: bool
    time: int
    duration: int  # 0: not known
    frames: int


def make_simple(track: Track, time: int, frames: list[bytes], *, flags: int = 0, key: bool) -> Block:
    """A ``SimpleBlock`` of clean frames."""
    written = element(SIMPLE, _block(track, time, flags | (_KEY if key else 0), frames))
    return Block(track=track, written=written, key=key, time=time, duration=0, frames=len(frames))


def simple(untrusted: bytes, tracks: Mapping[int, Track]) -> Block | None:
    """A ``SimpleBlock``; None when its track goes."""
    track, time, flags, frames = _parse(untrusted, tracks)
    if track is None:
        return None
    return make_simple(track, time, frames, flags=flags & (_INVISIBLE | _DISCARDABLE), key=bool(flags & _KEY))


def group(untrusted: bytes, tracks: Mapping[int, Track], removed: set[Removed]) -> Block | None:
    """A ``BlockGroup``; None when its track goes. Without a duration of its own it becomes a ``SimpleBlock``."""
    fields: dict[int, bytes] = {}
    references = []
    for kind, content in children(untrusted):
        if kind == _REFERENCE:
            references.append(signed(content))
        fields.setdefault(kind, content)
    track, time, flags, frames = _parse(fields.get(_BLOCK, b""), tracks)
    if track is None:
        return None
    if _ADDITIONS in fields:
        removed.add(Removed.HIDDEN_CONTENT)
    if _DURATION not in fields and _PADDING not in fields:
        return make_simple(track, time, frames, flags=flags & _INVISIBLE, key=not references)
    duration = unsigned(fields.get(_DURATION, b""))
    written = element(
        GROUP,
        element(_BLOCK, _block(track, time, flags & _INVISIBLE, frames)),
        unsigned_element(_DURATION, duration) if _DURATION in fields else b"",
        *(signed_element(_REFERENCE, reference) for reference in references[:16]),
        signed_element(_PADDING, signed(fields[_PADDING])) if _PADDING in fields else b"",
    )
    return Block(track=track, written=written, key=not references, time=time, duration=duration, frames=len(frames))


def _parse(data: bytes, tracks: Mapping[int, Track]) -> tuple[Track | None, int, int, list[bytes]]:
    track_number, width = number(data, 0)
    if len(data) < width + 3:
        raise Damaged
    track = tracks.get(track_number)
    if track is None:
        return None, 0, 0, []
    time, flags = struct.unpack_from(">hB", data, width)
    frames = _unlaced(data, width + 3, flags & _LACING)
    if track.stripped:
        frames = [track.stripped + frame for frame in frames]
    if track.clean is not None:
        frames = [track.clean(frame) for frame in frames]
    return track, time, flags, frames


def _block(track: Track, time: int, flags: int, frames: list[bytes]) -> bytes:
    head = bytes((0x80 | track.number,)) + struct.pack(">hB", time, flags)
    if len(frames) == 1:
        return head + frames[0]
    sizes = b"".join(b"\xff" * (len(frame) // 255) + bytes((len(frame) % 255,)) for frame in frames[:-1])
    xiph = 0x02
    return head[:3] + bytes((flags | xiph, len(frames) - 1)) + sizes + b"".join(frames)


def _unlaced(data: bytes, position: int, lacing: int) -> list[bytes]:
    """The frames of a block."""
    if not lacing:
        return [data[position:]]
    if position >= len(data):
        raise Damaged
    count = data[position] + 1
    position += 1
    if lacing == 0x04:
        length, rest = divmod(len(data) - position, count)
        if rest:
            raise Damaged
        sizes = [length] * (count - 1)
    elif lacing == 0x02:
        sizes, position = _xiph_sizes(data, position, count - 1)
    else:
        sizes, position = _ebml_sizes(data, position, count - 1)
    frames = []
    for size in sizes:
        if size < 0 or position + size > len(data):
            raise Damaged
        frames.append(data[position : position + size])
        position += size
    return [*frames, data[position:]]


def _xiph_sizes(data: bytes, position: int, count: int) -> tuple[list[int], int]:
    sizes = []
    for _ in range(count):
        size = 0
        while data[position : position + 1] == b"\xff":
            size += 255
            position += 1
        if position >= len(data):
            raise Damaged
        sizes.append(size + data[position])
        position += 1
    return sizes, position


def _ebml_sizes(data: bytes, position: int, count: int) -> tuple[list[int], int]:
    sizes: list[int] = []
    for index in range(count):
        value, width = number(data, position)
        position += width
        if index:  # a difference, with its zero in the middle
            value += sizes[-1] - ((1 << 7 * width - 1) - 1)
        sizes.append(value)
    return sizes, position
