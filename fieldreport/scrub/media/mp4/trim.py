"""Cuts off what a film holds and does not show, and what it promises and does not hold.

Phones trim a film by a note that says where to begin and to end. A card that was pulled out, or a line that dropped,
leaves a file whose tables go on beyond its end.

Rules: what no player shows goes, as far as decoding allows: a picture that others are built on stays up to the one
that decodes on its own, and so do a few frames of sound before the first that is heard. What is cut out of the middle
of a film by several notes stays. Pictures that stay unseen are told. Source: ISO/IEC 14496-12, 8.6.6.
"""

from __future__ import annotations

from array import array
from bisect import bisect_right
from collections.abc import Iterator
from itertools import accumulate
from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import Cleaning
from fieldreport.scrub.media.mp4.film import Film, Kind, Track, add_run
from fieldreport.scrub.verdicts import Damaged, Noted, Removed

_NORMAL_RATE: Final = 0x10000
_SOUND_BEFORE: Final = 10  # frames that a decoder of sound may look back on: MP3's reservoir, AAC's and Opus's overlap
_NOTED_SECONDS: Final = 1  # encoders leave a few frames at both ends that were not cut off on purpose
_UNSEEN_SECONDS: Final = 0.25  # more than those frames


def cut_off(film: Film, size: int, removed: set[Removed]) -> None:
    """Cut every track to the samples before the first that does not lie in the file, of ``size`` bytes.

    Raises:
        Damaged: none does.
    """
    found = [(track, there) for track in film.tracks if (there := _there(track, size))]
    if not found:
        raise Damaged
    if len(found) < len(film.tracks):
        removed.add(Removed.INCOMPLETE)
    film.tracks = [track for track, _ in found]
    for track, there in found:
        if there == track.count:
            continue
        removed.add(Removed.INCOMPLETE)
        _cut(track, 0, there, _sample_bytes(track) or 0)
        length = -(-track.media_duration * film.timescale // track.timescale)
        track.edits = [
            (left, begin, rate)
            for duration, begin, rate in track.edits
            if (left := duration if begin < 0 else min(duration, length - begin * film.timescale // track.timescale))
            > 0
        ]


def _there(track: Track, size: int) -> int:
    """How many samples from the first on lie in the file."""
    first = 0
    unit = _sample_bytes(track)
    for offset, count, entry in zip(track.chunk_offsets, track.chunk_counts, track.chunk_entries, strict=True):
        if offset + track.chunk_bytes(entry, first, count) <= size:
            first += count
            continue
        left = max(0, size - offset)
        if unit is None:
            return first
        if unit:
            return first + left // unit
        return first + bisect_right(list(accumulate(track.sizes[first : first + count])), left)
    return track.count


def trim(film: Film, cleaning: Cleaning) -> None:
    """Cut every track to what its edits show, as far as that goes; the receipt says when pictures stay unseen."""
    _cut_to_edits(film, cleaning.removed)
    for track in film.tracks:
        seen = [duration for duration, begin, _ in track.edits if begin >= 0]
        unseen = track.media_duration / track.timescale - sum(seen) / film.timescale
        if track.kind is Kind.VIDEO and seen and all(seen) and unseen > _UNSEEN_SECONDS:
            cleaning.noted.add(Noted.TRIMMED)


def _cut_to_edits(film: Film, removed: set[Removed]) -> None:
    for track in film.tracks:
        notes = [(begin, duration) for duration, begin, _ in track.edits if begin >= 0]
        usual = all(rate == _NORMAL_RATE for _, _, rate in track.edits) and all(duration for _, duration in notes)
        unit = _sample_bytes(track)
        if not notes or not usual or unit is None:
            continue
        begin = min(begin for begin, _ in notes)
        end = max(begin - (-(duration + 1) * track.timescale // film.timescale) for begin, duration in notes)
        first, last = _shown(track, begin, end)
        if last < first or (first, last) == (0, track.count - 1):
            continue
        before = _time_at(track, first)
        after = track.media_duration - _time_at(track, last + 1)
        if max(before, after) > _NOTED_SECONDS * track.timescale:
            removed.add(Removed.HIDDEN_CONTENT)
        _cut(track, first, last + 1, unit)
        track.edits = [
            (duration, begin - before if begin >= 0 else begin, rate) for duration, begin, rate in track.edits
        ]


def _sample_bytes(track: Track) -> int | None:
    """Bytes of each sample, 0 where each has its own; None where samples cannot be separated."""
    packed = [entry for entry in track.entries if entry.packet_bytes]
    if track.size != 1 or not packed:
        return track.size
    return packed[0].packet_bytes if len(track.entries) == 1 and packed[0].packet_samples == 1 else None


def _shown(track: Track, begin: int, end: int) -> tuple[int, int]:
    """Numbers from 0 of the first and the last sample that showing the time between takes."""
    first, last = 0, track.count - 1
    if len(track.deltas) == 1 and not track.shifts and track.sync is None and track.deltas[0][1]:
        delta = track.deltas[0][1]
        first, last = min(begin // delta, last), min((end - 1) // delta, last)
    elif track.count <= limits.FILM_SAMPLES:
        last = -1
        whole = None if track.sync is None else set(track.sync)
        for number, time in enumerate(_times(track)):
            if time <= begin and (whole is None or number + 1 in whole):
                first = number
            if time < end:
                last = number
    if track.kind is Kind.AUDIO:
        first = max(0, first - _SOUND_BEFORE)
    return first, last


def _times(track: Track) -> Iterator[int]:
    """When each sample is shown, in the order of decoding."""
    shifts = (shift for count, shift in track.shifts or [(track.count, 0)] for _ in range(count))
    time = 0
    for count, delta in track.deltas:
        for _ in range(count):
            yield time + next(shifts, 0)
            time += delta


def _time_at(track: Track, number: int) -> int:
    """When a sample is decoded."""
    time = 0
    for count, delta in track.deltas:
        here = min(count, number)
        time += here * delta
        number -= here
    return time


def _cut(track: Track, first: int, end: int, unit: int) -> None:
    """Keep the samples from ``first`` to before ``end``."""
    offsets, counts, entries = track.chunk_offsets, track.chunk_counts, track.chunk_entries
    track.chunk_offsets, track.chunk_counts, track.chunk_entries = array("Q"), array("I"), array("I")
    start = 0
    for offset, count, entry in zip(offsets, counts, entries, strict=True):
        skipped = max(0, first - start)
        kept = min(end, start + count) - max(first, start)
        if kept > 0:
            track.chunk_offsets.append(offset + (skipped * unit or sum(track.sizes[start : start + skipped])))
            track.chunk_counts.append(kept)
            track.chunk_entries.append(entry)
        start += count
    track.deltas, track.shifts = _part(track.deltas, first, end), _part(track.shifts, first, end)
    if not any(shift for _, shift in track.shifts):
        track.shifts = []
    if track.sync is not None:
        track.sync = array("I", (number - first for number in track.sync if first < number <= end))
    track.sizes, track.count = track.sizes[first:end], end - first
    track.settle_sizes()


def _part(runs: list[tuple[int, int]], first: int, end: int) -> list[tuple[int, int]]:
    found: list[tuple[int, int]] = []
    start = 0
    for count, value in runs:
        add_run(found, max(0, min(end, start + count) - max(first, start)), value)
        start += count
    return found
