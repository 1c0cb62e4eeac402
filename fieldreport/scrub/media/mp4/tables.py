"""The tables that say where each sample lies, how large it is and when it is shown.

Rules: counts are checked against the bytes that are there before anything is allocated by them; a run says how many
samples are alike, so runs are never unrolled except for sizes. Source: ISO/IEC 14496-12, 8.6 and 8.7.
"""

from __future__ import annotations

import struct
import sys
from array import array
from collections.abc import Mapping

from fieldreport import limits
from fieldreport.scrub.isobmff import Fields
from fieldreport.scrub.media.mp4.film import Track, add_run
from fieldreport.scrub.verdicts import Bomb, Damaged

Parts = Mapping[bytes, tuple[int, int]]


def read(track: Track, moov: bytes, parts: Parts) -> None:
    """Fill a track from the parts of its sample table box."""
    _sizes(track, moov, parts)
    _times(track, moov, parts)
    if b"stss" in parts:
        fields = Fields(moov, *parts[b"stss"])
        fields.version_and_flags()
        numbers = sorted(set(_numbers(fields, fields.number(4))))
        track.sync = array("I", (number for number in numbers if 1 <= number <= track.count))
    _chunks(track, moov, parts)


def _numbers(fields: Fields, count: int, width: int = 4) -> array[int]:
    """Big-endian numbers of 4 or 8 bytes; refused when they are not there."""
    if count > limits.FILM_SAMPLES:
        raise Bomb
    found = array("I" if width == 4 else "Q", fields.take(count * width))
    if sys.byteorder == "little":
        found.byteswap()
    return found


def _sizes(track: Track, moov: bytes, parts: Parts) -> None:
    if b"stsz" in parts:
        fields = Fields(moov, *parts[b"stsz"])
        fields.version_and_flags()
        track.size, track.count = fields.number(4), fields.number(4)
        if not track.size:
            track.sizes = _numbers(fields, track.count)
    elif b"stz2" in parts:
        fields = Fields(moov, *parts[b"stz2"])
        fields.version_and_flags()
        width, track.count = fields.number(4) & 0xFF, fields.number(4)
        if width not in {4, 8, 16} or track.count > limits.FILM_SAMPLES:
            raise Damaged
        packed = fields.take((track.count * width + 7) // 8)
        if width == 4:
            packed = bytes(half for byte in packed for half in (byte >> 4, byte & 15))[: track.count]
        track.sizes = array("I", struct.unpack(f">{track.count}{'H' if width == 16 else 'B'}", packed))
    else:
        raise Damaged
    track.settle_sizes()


def _times(track: Track, moov: bytes, parts: Parts) -> None:
    if b"stts" not in parts:
        raise Damaged
    track.deltas = _runs(track, moov, parts[b"stts"])
    if track.count and not track.deltas:
        raise Damaged
    known = sum(count for count, _ in track.deltas)
    if known < track.count:
        add_run(track.deltas, track.count - known, track.deltas[-1][1])
    if b"ctts" in parts:
        # Version 0 has no sign, yet QuickTime and others write negative numbers there.
        runs = [(count, shift - ((shift & 0x8000_0000) << 1)) for count, shift in _runs(track, moov, parts[b"ctts"])]
        missing = track.count - sum(count for count, _ in runs)
        if missing:
            add_run(runs, missing, 0)
        if any(shift for _, shift in runs):
            track.shifts = runs


def _runs(track: Track, moov: bytes, place: tuple[int, int]) -> list[tuple[int, int]]:
    """Pairs of count and value, merged, for no more samples than there are."""
    fields = Fields(moov, *place)
    fields.version_and_flags()
    numbers = _numbers(fields, fields.number(4) * 2)
    runs: list[tuple[int, int]] = []
    left = track.count
    for count, value in zip(numbers[::2], numbers[1::2], strict=True):
        count = min(count, left)  # noqa: PLW2901 - the table may promise more than there is
        left -= count
        add_run(runs, count, value)
    return runs


def _chunks(track: Track, moov: bytes, parts: Parts) -> None:
    wide = b"co64" in parts
    place = parts.get(b"co64") or parts.get(b"stco")
    if place is None or b"stsc" not in parts:
        raise Damaged
    fields = Fields(moov, *place)
    fields.version_and_flags()
    offsets = _numbers(fields, fields.number(4), 8 if wide else 4)
    fields = Fields(moov, *parts[b"stsc"])
    fields.version_and_flags()
    runs = _numbers(fields, fields.number(4) * 3)
    left = track.count
    for index in range(0, len(runs), 3):
        first, samples, entry = runs[index : index + 3]
        following = runs[index + 3] if index + 3 < len(runs) else len(offsets) + 1
        if not 1 <= first < following or following > len(offsets) + 1 or not 1 <= entry <= len(track.entries):
            if first > len(offsets):
                break
            raise Damaged
        for offset in offsets[first - 1 : following - 1]:
            here = min(samples, left)
            left -= here
            add_chunk(track, offset, here, entry - 1)
    if left:
        raise Damaged


def add_chunk(track: Track, offset: int, count: int, entry: int) -> None:
    """One chunk more; empty ones are left out."""
    if count:
        track.chunk_offsets.append(offset)
        track.chunk_counts.append(count)
        track.chunk_entries.append(entry)
