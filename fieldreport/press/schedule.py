"""When an article may appear: the age of its reports, a random delay, the source's wish, and the daily slot.

Rules: the time of an article must show nothing to those who watch the site, so every time that is stored in the clear,
shown or exported is a slot's, never a clock's. All times are UTC.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Final

from fieldreport.config import Press
from fieldreport.errors import SettingsError

_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Schedule:
    """The newsroom's delays. ``slot`` is the time of day at which the site changes; without one it changes hourly."""

    minimum_age: timedelta
    random_delay: timedelta
    slot: time | None

    @classmethod
    def from_settings(cls, press: Press) -> Schedule:
        """From ``minimum_age_hours``, ``random_delay_hours`` and ``daily_slot`` (``HH:MM`` in UTC, or empty for none).

        Raises:
            SettingsError: a slot that is no time of day.
        """
        return cls(
            minimum_age=timedelta(hours=press.minimum_age_hours),
            random_delay=timedelta(hours=press.random_delay_hours),
            slot=_parse_slot(press.daily_slot),
        )

    def current_slot(self, now: datetime) -> datetime:
        """The latest slot that is not after ``now``: the time shown for an article that appears now."""
        if self.slot is None:
            return now.replace(minute=0, second=0, microsecond=0)
        today = datetime.combine(now.date(), self.slot, UTC)
        return today if today <= now else today - _DAY

    def publication_slot(
        self,
        *,
        now: datetime,
        newest_report: datetime | None,
        not_before: date | None = None,
        below: Callable[[int], int] = secrets.randbelow,
    ) -> datetime:
        """The slot at which an article approved ``now`` appears.

        Args:
            now: an aware time.
            newest_report: when the newest of its reports came in; ``None`` without one.
            not_before: the first day the sources agree to.
            below: draws the random delay, in minutes; a test replaces it.
        """
        earliest = now
        if newest_report is not None:
            earliest = max(earliest, newest_report + self.minimum_age)
        minutes = int(self.random_delay.total_seconds()) // 60
        earliest += timedelta(minutes=below(minutes + 1) if minutes else 0)
        if not_before is not None:
            earliest = max(earliest, datetime.combine(not_before, time(), UTC))
        if earliest == now and self.slot is None:
            return self.current_slot(now)
        slot = self.current_slot(earliest)
        step = timedelta(hours=1) if self.slot is None else _DAY
        return slot if slot == earliest else slot + step


def _parse_slot(text: str) -> time | None:
    if not text:
        return None
    try:
        return datetime.strptime(text, "%H:%M").replace(tzinfo=UTC).time()
    except ValueError:
        raise SettingsError("[press] daily_slot must be HH:MM in UTC, or empty") from None


def instant(moment: datetime) -> str:
    """A time in the form of RFC 3339."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
