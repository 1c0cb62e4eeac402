"""Films in fragments, as browsers and some phones record them: each fragment brings the tables of its own samples.

Rules: everything becomes part of the one table of each track, so that what is written later is an ordinary film; where
a fragment begins later than the one before ended, the last sample is shown longer. Source: ISO/IEC 14496-12, 8.8.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from fieldreport import limits
from fieldreport.scrub.isobmff import Fields, boxes
from fieldreport.scrub.media.mp4.film import Film, Track, add_run
from fieldreport.scrub.media.mp4.tables import add_chunk
from fieldreport.scrub.verdicts import Bomb, Damaged, Refusal, Refused

_NOT_SYNC = 0x1_0000


@dataclass(slots=True, kw_only=True)
class Defaults:
    """Of a track's samples, where a fragment says nothing else. ``entry`` counts from 1."""

    entry: int = 1
    duration: int = 0
    size: int = 0
    flags: int = 0


@dataclass(slots=True)
class Fragments:
    """Reads one fragment after the other; ``tracks`` are those that stay, by their numbers in the file."""

    tracks: Mapping[int, Track]
    defaults: Mapping[int, Defaults]
    ends: dict[int, int] = field(default_factory=dict)  # by the same numbers: when what was read so far is over

    def read(self, moof: bytes, position: int) -> None:
        """Add the samples of a ``moof`` box; ``position`` is where it begins in the file, head included."""
        base = position
        for kind, start, end in boxes(moof):
            if kind == b"traf":
                base = self._track(moof, list(boxes(moof, start, end)), position, base)

    def _track(self, moof: bytes, parts: list[tuple[bytes, int, int]], position: int, base: int) -> int:
        """One track's part of a fragment; answers where its data end."""
        heads = [part for part in parts if part[0] == b"tfhd"]
        if len(heads) != 1:
            raise Damaged
        fields = Fields(moof, *heads[0][1:])
        _, flags = fields.version_and_flags()
        number = fields.number(4)
        usual = self.defaults.get(number, Defaults())
        if flags & 1:
            base = fields.number(8)
        elif flags & 0x2_0000:
            base = position
        defaults = Defaults(
            entry=fields.number(4) if flags & 2 else usual.entry,
            duration=fields.number(4) if flags & 8 else usual.duration,
            size=fields.number(4) if flags & 0x10 else usual.size,
            flags=fields.number(4) if flags & 0x20 else usual.flags,
        )
        # Of a track that goes, only the end of its data matters: the next track's may begin there.
        track = self.tracks.get(number)
        for kind, start, end in parts:
            if kind in {b"senc", b"saiz"}:
                raise Refused(Refusal.ENCRYPTED)
            if kind == b"tfdt" and track is not None:
                fields = Fields(moof, start, end)
                version, _ = fields.version_and_flags()
                self._begin(number, track, fields.number(8 if version else 4))
        data_end = base
        for kind, start, end in parts:
            if kind == b"trun":
                data_end = self._run(number, Fields(moof, start, end), defaults, base, data_end)
        return data_end

    def _begin(self, number: int, track: Track, time: int) -> None:
        if number not in self.ends:
            if not track.count:
                track.start = time
            _spread(track)
            self.ends[number] = track.start + track.media_duration
        gap = time - self.ends[number]
        if track.count and gap > 0:
            count, delta = track.deltas.pop()
            add_run(track.deltas, count - 1, delta)
            add_run(track.deltas, 1, min(delta + gap, 0xFFFF_FFFF))
            self.ends[number] = time

    def _run(self, number: int, fields: Fields, defaults: Defaults, base: int, data_end: int) -> int:
        track = self.tracks.get(number)
        if track is not None and number not in self.ends:
            self._begin(number, track, track.media_duration)
        _, flags = fields.version_and_flags()
        count = fields.number(4)
        if count > limits.FILM_SAMPLES:
            raise Bomb
        start = data_end
        if flags & 1:
            offset = fields.number(4)
            start = base + offset - ((offset & 0x8000_0000) << 1)
        first_flags = fields.number(4) if flags & 4 else None
        if track is None:
            return start + sum(size for _, size, _, _ in _samples(fields, flags, count, defaults))
        if start < 0 or not 1 <= defaults.entry <= len(track.entries):
            raise Damaged
        length = 0
        for index, (duration, size, sample_flags, shift) in enumerate(_samples(fields, flags, count, defaults)):
            if index == 0 and first_flags is not None:
                sample_flags = first_flags  # noqa: PLW2901 - the run says so
            track.sizes.append(size)
            track.count += 1
            length += size
            add_run(track.deltas, 1, duration)
            add_run(track.shifts, 1, shift)
            self.ends[number] += duration
            if not sample_flags & _NOT_SYNC and track.sync is not None:
                track.sync.append(track.count)
        if track.count > limits.FILM_SAMPLES:
            raise Bomb
        add_chunk(track, start, count, defaults.entry - 1)
        return start + length


def _samples(fields: Fields, flags: int, count: int, defaults: Defaults) -> Iterator[tuple[int, int, int, int]]:
    """Duration, size, flags and shift of each sample of a run."""
    if not flags & 0xF00 and count > limits.FILM_SAMPLES:
        raise Bomb
    for _ in range(count):
        duration = fields.number(4) if flags & 0x100 else defaults.duration
        size = fields.number(4) if flags & 0x200 else defaults.size
        sample_flags = fields.number(4) if flags & 0x400 else defaults.flags
        shift = fields.number(4) if flags & 0x800 else 0
        yield duration, size, sample_flags, shift - ((shift & 0x8000_0000) << 1)


def _spread(track: Track) -> None:
    """Before samples of other sizes join: a size for each, and a list of those that decode on their own."""
    if track.size:
        track.sizes = array("I", (track.size,)) * track.count
        track.size = 0
    if track.sync is None:
        track.sync = array("I", range(1, track.count + 1))
    known = sum(count for count, _ in track.shifts)
    add_run(track.shifts, track.count - known, 0)


def finish(film: Film) -> None:
    """Put the tables that grew into their usual form, and let tracks that began later begin later."""
    earliest = min((track.start / track.timescale for track in film.tracks), default=0.0)
    for track in film.tracks:
        if track.sync is not None and len(track.sync) == track.count:
            track.sync = None
        if not any(shift for _, shift in track.shifts):
            track.shifts = []
        track.settle_sizes()
        # The length of an edit in a film that was still being recorded is unknown or that of no sample.
        length = round(track.media_duration * film.timescale / track.timescale)
        delay = round((track.start / track.timescale - earliest) * film.timescale)
        begins = next((begin for _, begin, _ in track.edits if begin >= 0), 0)
        leading = sum(duration for duration, begin, _ in track.edits if begin < 0) + delay
        track.edits = [(leading, -1, 0x10000)] if leading > 0 else []
        if begins or leading > 0:
            # What is decoded first is shown later by its shift, and so is everything after it.
            late = begins - (track.shifts[0][1] if track.shifts else 0)
            shown = max(0, length - round(late * film.timescale / track.timescale))
            track.edits.append((shown, begins, 0x10000))
