"""AVI in, Matroska out: the same pictures and sounds at the same times.

Method: each stream becomes a track of Matroska, which knows the same codecs, most of them by the same description; its
chunks become blocks, cleaned where their codec has room for words, and blocks of all streams are written in the order
of time. Sound of frames, which AVI cuts anywhere, is cut at its frames.

AVI numbers its pictures in the order of decoding and knows no other time. Codecs that show pictures in another order
keep the description of Windows, with which Matroska gives the times of decoding, too.
"""

from __future__ import annotations

import heapq
import struct
from collections.abc import Iterable, Iterator
from typing import Final

from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.media.avi import parse, sound_frames
from fieldreport.scrub.media.buffered_source import Window
from fieldreport.scrub.media.matroska import blocks, riff_formats, tracks
from fieldreport.scrub.media.matroska.elements import real_element, unsigned_element
from fieldreport.scrub.media.matroska.muxer import Muxer
from fieldreport.scrub.verdicts import Damaged, Refusal, Refused, Removed

_MILLISECOND: Final = 1_000_000  # nanoseconds, the scale of all times
_CLUSTER_MILLISECONDS: Final = 5_000  # at most; a block's place in its cluster is a number of 16 bits
_SEEK_MILLISECONDS: Final = 1_000  # at least, between two places to seek to
_LONGEST_MILLISECONDS: Final = 1 << 40
_PICTURES: Final = {
    **dict.fromkeys((b"MJPG", b"mjpg", b"jpeg", b"JPEG"), b"V_MJPEG"),
    b"VP80": b"V_VP8",
    b"VP90": b"V_VP9",
}
_SOUNDS: Final = {0x50: b"A_MPEG/L2", 0x55: b"A_MPEG/L3", 0xFF: b"A_AAC", 0x2000: b"A_AC3"}
_FRAMES: Final = {0x50: sound_frames.MPEG, 0x55: sound_frames.MPEG, 0x2000: sound_frames.AC3}
_WHOLE: Final = frozenset(code for code, name in _PICTURES.items() if name == b"V_MJPEG")
# Encoders write samples of a frame where bytes of a block should be, and blocks of nearly nothing (avidec.c of FFmpeg).
_SAMPLES: Final = {0xFF: frozenset({1024, 4096}), 0x55: frozenset({1152})}
_SMALL_BLOCKS: Final = frozenset({0x50, 0xFF})

Entry = tuple[int, int, bool, bytes]  # time in milliseconds, number of the track, whether it is whole, clean frame


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write the film. See ``format``."""
    film = parse.read(untrusted_source, cleaning.removed)
    found: list[tuple[parse.Stream, tracks.Track]] = []
    unknown = set()
    for stream in film.streams.values():
        track = _track(stream, len(found) + 1, film.removed)
        if track is None:
            unknown.add(stream.kind)
            film.removed.add(Removed.HIDDEN_CONTENT)
        else:
            found.append((stream, track))
    if not found or unknown - {stream.kind for stream, _ in found}:
        raise Refused(Refusal.UNSUPPORTED)
    if not any(stream.sizes for stream, _ in found):
        raise Damaged
    muxer = Muxer(sink, [track for _, track in found], doc_type=b"matroska", scale=_MILLISECOND)
    duration = max(_Clock(stream).end(stream.sizes) for stream, _ in found)
    if duration > _LONGEST_MILLISECONDS:
        raise Damaged
    # A window each: a file may hold one whole stream after another.
    entries = heapq.merge(*(_entries(stream, track, Window(untrusted_source)) for stream, track in found))
    _write(muxer, {track.number: track for _, track in found}, entries)
    cleaning.counted = muxer.finish(float(duration))
    return "video/x-matroska" if any(track.kind == tracks.PICTURE for _, track in found) else "audio/x-matroska"


def _write(muxer: Muxer, found: dict[int, tracks.Track], entries: Iterator[Entry]) -> None:
    begin = None
    for time, number, key, frame in entries:
        track = found[number]
        longest = _SEEK_MILLISECONDS if key and track.kind == tracks.PICTURE else _CLUSTER_MILLISECONDS
        if begin is None or time - begin >= longest:
            begin = time
            muxer.begin_cluster(begin)
        muxer.add(blocks.make_simple(track, time - begin, [frame], key=key))
    if begin is None:
        raise Damaged


# --- tracks ---


def _track(stream: parse.Stream, number: int, removed: set[Removed]) -> tracks.Track | None:
    """The track, made as if Matroska had described it, or None for a codec that is not allowed."""
    if stream.kind == parse.PICTURE:
        return tracks.make(_picture(stream), tracks.PICTURE, number, removed)
    return tracks.make(_sound(stream), tracks.SOUND, number, removed)


def _picture(stream: parse.Stream) -> dict[int, bytes]:
    if len(stream.form) < 40:
        raise Damaged
    width, height = struct.unpack_from("<ii", stream.form, 4)
    if width < 1:
        raise Damaged
    codec = _PICTURES.get(stream.form[16:20])
    frame_time = round(stream.unit_seconds * 1_000_000_000)
    return {
        tracks.CODEC: codec or riff_formats.PICTURE,
        tracks.PRIVATE: b"" if codec else stream.form,
        tracks.VIDEO: unsigned_element(tracks.WIDTH, width) + unsigned_element(tracks.HEIGHT, abs(height)),
        **({tracks.FRAME_TIME: frame_time.to_bytes(8, "big")} if 0 < frame_time < 1 << 63 else {}),
    }


def _sound(stream: parse.Stream) -> dict[int, bytes]:
    if len(stream.form) < 14:
        raise Damaged
    tag, channels, rate, _, _, bits = struct.unpack("<HHIIHH", stream.form[:16].ljust(16, b"\0"))
    codec = _SOUNDS.get(tag)
    private = b"" if codec else stream.form
    if codec == b"A_AAC":
        private = stream.form[18 : 18 + int.from_bytes(stream.form[16:18], "little")]
    shape = real_element(tracks.SOUND_RATE, float(rate)) + unsigned_element(tracks.CHANNELS, channels)
    if bits and not codec:
        shape += unsigned_element(tracks.SOUND_BITS, bits)
    return {tracks.CODEC: codec or riff_formats.SOUND, tracks.PRIVATE: private, tracks.AUDIO: shape}


# --- frames and their times ---


def _entries(stream: parse.Stream, track: tracks.Track, window: Window) -> Iterator[Entry]:
    """The clean frames of one stream in the order of its times. Empty chunks only let time pass."""
    tag = int.from_bytes(stream.form[:2], "little")
    cutter = sound_frames.Cutter(*_FRAMES[tag]) if stream.kind == parse.SOUND and tag in _FRAMES else None
    whole = stream.kind == parse.SOUND or stream.form[16:20] in _WHOLE or riff_formats.is_raw(stream.form)
    clock, last = _Clock(stream), 0
    ticks = clock.start
    for index, (position, size) in enumerate(zip(stream.positions, stream.sizes, strict=True)):
        passed = clock.ticks(size)
        data = window.read_at(position, size)
        key = whole or (bool(stream.keys[index]) if index < len(stream.keys) else not index)
        for offset, untrusted_frame in cutter.cut(data) if cutter else [(0, data)] if data else []:
            frame = track.clean(untrusted_frame) if track.clean is not None else untrusted_frame
            if frame:
                last = max(last, clock.milliseconds(ticks * size + passed * offset, size))
                yield last, track.number, key, frame
        ticks += passed


class _Clock:
    """The time of a stream, in ticks: a picture, or a byte or block of sound."""

    def __init__(self, stream: parse.Stream) -> None:
        tag, align = int.from_bytes(stream.form[:2], "little"), int.from_bytes(stream.form[12:14], "little")
        unit = stream.unit_bytes and (align or stream.unit_bytes)
        if stream.kind == parse.PICTURE:
            unit, self._block = 0, 0
        elif unit in _SAMPLES.get(tag, ()):
            unit, self._block = 0, unit
        else:
            self._block = 0 if tag in _SMALL_BLOCKS and align <= 4 else align
        self._bytes = unit > 0
        tick = stream.unit_seconds * 1000 / (unit or 1)
        self._numerator, self._denominator = tick.numerator, tick.denominator
        self.start = stream.start * (unit or 1)

    def ticks(self, size: int) -> int:
        """How many pass with a chunk of ``size`` bytes."""
        if self._bytes:
            return size
        return -(-size // self._block) if self._block else 1

    def end(self, sizes: Iterable[int]) -> int:
        """When chunks of these sizes have passed, in milliseconds."""
        return self.milliseconds(self.start + sum(self.ticks(size) for size in sizes))

    def milliseconds(self, ticks: int, divisor: int = 1) -> int:
        """When ``ticks`` / ``divisor`` have passed."""
        return round(ticks * self._numerator / (self._denominator * divisor))
