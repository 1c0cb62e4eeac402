"""Which spans of a text have a finding already, so that one place is not reported twice."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable

from fieldreport.press.leakcheck.findings import Hit


class Taken:
    """A growing set of spans of one text; a query costs the logarithm of their number."""

    def __init__(self) -> None:
        # Disjoint and in order, so both lists are sorted.
        self._starts: list[int] = []
        self._ends: list[int] = []

    def add(self, start: int, end: int) -> None:
        """Add the span from ``start`` to before ``end``, merged with those it touches."""
        first = bisect_left(self._ends, start)
        last = bisect_right(self._starts, end)
        if first < last:
            start, end = min(start, self._starts[first]), max(end, self._ends[last - 1])
        self._starts[first:last] = [start]
        self._ends[first:last] = [end]

    def meets(self, start: int, end: int) -> bool:
        """Whether any of it is in the set."""
        at = bisect_right(self._ends, start)
        return at < len(self._starts) and self._starts[at] < end


def without_overlaps(hits: Iterable[Hit]) -> list[Hit]:
    """Of hits that overlap the one that comes first; the caller has put them in the order of their weight."""
    taken, kept = Taken(), []
    for hit in hits:
        if not taken.meets(hit.start, hit.end):
            taken.add(hit.start, hit.end)
            kept.append(hit)
    return kept
