"""Measuring two things in turn, and recording the results.

Rules: medians, never means; the work and its floor alternate within each round, so that a machine that slows down slows
both; the ratio is the median of the rounds' ratios, not a ratio of medians.
"""

from __future__ import annotations

import json
import statistics
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass

from typing_extensions import override


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What alternating rounds of the work and its floor took: medians in seconds, and the median ratio."""

    seconds: float
    floor_seconds: float
    ratio: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One figure. ``bound``: the ratio promised, ``None`` where nothing is; ``holds``: whether it was kept."""

    name: str
    value: float
    unit: str
    floor_name: str = ""
    floor: float | None = None
    ratio: float | None = None
    bound: str = ""
    holds: bool | None = None

    @override
    def __str__(self) -> str:
        text = f"{self.name:<52} {self.value:>10.4g} {self.unit}"
        if self.floor is not None:
            text += f"   {self.floor_name} {self.floor:.4g} {self.unit}"
        if self.ratio is not None:
            text += f"   ratio {self.ratio:.3f}"
        if self.holds is not None:
            text += f"   {self.bound}: {'kept' if self.holds else 'MISSED'}"
        return text


class Sheet:
    """Collects the rows of one run; each is printed as soon as it is known."""

    def __init__(self, *, say: Callable[[str], None] | None = None) -> None:
        self._say = say or (lambda _line: None)
        self.rows: list[Row] = []

    def figure(
        self, name: str, value: float, unit: str, *, at_most: float | None = None, at_least: float | None = None
    ) -> None:
        """Record a figure without a floor: a size, a count; ``at_most`` or ``at_least`` is what is promised."""
        bound, holds = "", None
        if at_most is not None:
            bound, holds = f"at most {at_most:g}", value <= at_most
        if at_least is not None:
            bound, holds = f"at least {at_least:g}", value >= at_least
        self._add(Row(name=name, value=value, unit=unit, bound=bound, holds=holds))

    def pair(
        self,
        name: str,
        pair: Pair,
        floor_name: str,
        *,
        at_most: float | None = None,
        per_second: float | None = None,
        at_least: float | None = None,
    ) -> None:
        """Record work next to its floor.

        In milliseconds, the ratio being time over floor's time (``at_most``); or, with ``per_second`` the amount of
        work in one round, as a rate, the ratio being rate over floor's rate (``at_least``).
        """
        if per_second is None:
            value, floor, ratio, unit = pair.seconds * 1000, pair.floor_seconds * 1000, pair.ratio, "ms"
        else:
            value, floor, ratio = per_second / pair.seconds, per_second / pair.floor_seconds, 1 / pair.ratio
            unit = "/s"
        bound, holds = "", None
        if at_most is not None:
            bound, holds = f"at most {at_most:g}", ratio <= at_most
        if at_least is not None:
            bound, holds = f"at least {at_least:g}", ratio >= at_least
        self._add(
            Row(
                name=name,
                value=value,
                unit=unit,
                floor_name=floor_name,
                floor=floor,
                ratio=ratio,
                bound=bound,
                holds=holds,
            )
        )

    def note(self, text: str) -> None:
        """Record what could not be measured here, and why."""
        self._say(text)

    def as_json(self) -> str:
        """Every row as JSON."""
        return json.dumps([asdict(row) for row in self.rows])

    def _add(self, row: Row) -> None:
        self.rows.append(row)
        self._say(str(row))


def in_turn(
    work: Callable[[], object], floor: Callable[[], object], *, rounds: int, warm: int = 1, rest: float = 0
) -> Pair:
    """Time ``work`` and ``floor`` one after the other, ``rounds`` times, after ``warm`` rounds that do not count.

    ``rest``: seconds of quiet before each of the two, for work that is prepared in the background.
    """
    took: list[tuple[float, float]] = []
    for number in range(warm + rounds):
        pair = _seconds(work, rest), _seconds(floor, rest)
        if number >= warm:
            took.append(pair)
    return Pair(
        seconds=statistics.median(each[0] for each in took),
        floor_seconds=statistics.median(each[1] for each in took),
        ratio=statistics.median(each[0] / each[1] for each in took),
    )


def _seconds(act: Callable[[], object], rest: float) -> float:
    time.sleep(rest)
    start = time.perf_counter()
    act()
    return time.perf_counter() - start
