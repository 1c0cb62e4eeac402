"""What a film is made of, between reading and writing: tracks, their samples in chunks, and when each is shown.

Rules: numbers only, and the coded headers that a decoder needs. Nothing of the file's own words gets in here. Tables
are kept as runs and arrays, never as an object for each sample: an hour has a quarter of a million of them.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import dataclass, field
from enum import Enum
from typing import Final

from fieldreport.scrub.media.bitstreams import FrameCleaner

UPRIGHT: Final = (0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x4000_0000)


class Kind(Enum):
    """The two kinds of track that stay."""

    VIDEO = b"vide"
    AUDIO = b"soun"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One sample description: its box, rebuilt; how its frames are cleaned; bytes of a sample where all are alike."""

    box: bytes
    clean: FrameCleaner | None = None
    # Of QuickTime's uncompressed and packed sound, where tables count samples of which ``packet_samples`` make up
    # ``packet_bytes``. Zero where the table of sizes is to be believed.
    packet_samples: int = 0
    packet_bytes: int = 0


@dataclass(slots=True, kw_only=True)
class Track:
    """One track. Times are in ``timescale`` units a second, except in ``edits`` and ``duration``: in the film's."""

    kind: Kind
    timescale: int
    enabled: bool = True
    matrix: tuple[int, ...] = UPRIGHT
    width: int = 0  # as shown, in 1/65536 pixel
    height: int = 0
    entries: list[Entry] = field(default_factory=list)
    size: int = 0  # of every sample, or 0: then ``sizes``
    count: int = 0
    sizes: array[int] = field(default_factory=lambda: array("I"))
    chunk_offsets: array[int] = field(default_factory=lambda: array("Q"))
    chunk_counts: array[int] = field(default_factory=lambda: array("I"))
    chunk_entries: array[int] = field(default_factory=lambda: array("I"))  # from 0
    deltas: list[tuple[int, int]] = field(default_factory=list)  # how many samples, how long each
    shifts: list[tuple[int, int]] = field(default_factory=list)  # how many samples, shown how much later
    sync: array[int] | None = None  # numbers from 1 of the samples that decode on their own; None: all do
    edits: list[tuple[int, int, int]] = field(default_factory=list)  # duration, beginning (-1: nothing), rate
    start: int = 0  # of the first sample, where fragments said so

    @property
    def media_duration(self) -> int:
        """The sum of all deltas."""
        return sum(count * delta for count, delta in self.deltas)

    def settle_sizes(self) -> None:
        """Samples that all have one size are described by that size alone."""
        if self.count and not self.size and self.sizes[0] and self.sizes.count(self.sizes[0]) == self.count:
            self.size, self.sizes = self.sizes[0], array("I")

    def chunk_bytes(self, entry: int, first: int, count: int) -> int:
        """Of ``count`` samples from number ``first`` that lie together under one description."""
        if not self.size:
            return sum(self.sizes[first : first + count])
        packed = self.entries[entry]
        if self.size == 1 and packed.packet_bytes:  # QuickTime's way to say: numbers, not bytes
            return -(-count // packed.packet_samples) * packed.packet_bytes
        return count * self.size

    def cleans(self) -> bool:
        """Whether frames are looked into, so that their sizes may change."""
        return any(entry.clean is not None for entry in self.entries)


@dataclass(slots=True, kw_only=True)
class Film:
    """A whole file."""

    quicktime: bool = False
    mobile: bool = False  # 3GPP
    timescale: int = 1000
    matrix: tuple[int, ...] = UPRIGHT
    tracks: list[Track] = field(default_factory=list)
    told: list[tuple[int, int]] = field(default_factory=list)  # from where to where the file says something, in order


def is_told(told: list[tuple[int, int]], offset: int, length: int) -> bool:
    """Whether any of these bytes is within one of the boxes that hold neither sound nor pictures.

    Where the tables of a film are damaged, what it says of people may be where they say that there is sound.
    """
    before = bisect_left(told, (offset + length, 0))
    return before > 0 and told[before - 1][1] > offset


def add_run(runs: list[tuple[int, int]], count: int, value: int) -> None:
    """Append to a list of runs, where neighbours that are alike become one."""
    if not count:
        return
    if runs and runs[-1][1] == value:
        runs[-1] = (runs[-1][0] + count, value)
    else:
        runs.append((count, value))
