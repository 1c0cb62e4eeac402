"""Times that tell nothing: slots, delays, and the source's wish."""

from __future__ import annotations

from datetime import UTC, date, datetime, time, timedelta
from pathlib import Path

import pytest

from fieldreport.config import Press
from fieldreport.errors import SettingsError
from fieldreport.press.schedule import Schedule

NOW = datetime(2026, 11, 20, 9, 17, 33, tzinfo=UTC)
DAILY = Schedule(minimum_age=timedelta(hours=72), random_delay=timedelta(hours=48), slot=time(6))
AT_ONCE = Schedule(minimum_age=timedelta(0), random_delay=timedelta(0), slot=None)


def test_without_any_delay_it_appears_at_once_dated_to_the_hour() -> None:
    slot = AT_ONCE.publication_slot(now=NOW, newest_report=NOW)
    assert slot == datetime(2026, 11, 20, 9, tzinfo=UTC)
    assert slot <= NOW


@pytest.mark.parametrize(
    ("age_hours", "drawn_minutes", "expected"),
    [
        (0, 0, datetime(2026, 11, 24, 6, tzinfo=UTC)),  # 23 Nov 09:17 is after that day's slot
        (72, 0, datetime(2026, 11, 21, 6, tzinfo=UTC)),
        (500, 0, datetime(2026, 11, 21, 6, tzinfo=UTC)),
        (500, 48 * 60, datetime(2026, 11, 23, 6, tzinfo=UTC)),
        (500, 60 * 20, datetime(2026, 11, 21, 6, tzinfo=UTC)),
        (500, 60 * 21, datetime(2026, 11, 22, 6, tzinfo=UTC)),
    ],
)
def test_it_waits_for_age_and_delay_and_then_for_the_slot(
    age_hours: int, drawn_minutes: int, expected: datetime
) -> None:
    newest = NOW - timedelta(hours=age_hours)
    assert DAILY.publication_slot(now=NOW, newest_report=newest, below=lambda _: drawn_minutes) == expected


def test_the_delay_is_drawn_from_the_whole_range() -> None:
    drawn: list[int] = []

    def draw(bound: int) -> int:
        drawn.append(bound)
        return 0

    DAILY.publication_slot(now=NOW, newest_report=None, below=draw)
    assert drawn == [48 * 60 + 1]


def test_the_sources_wish_holds_it_back() -> None:
    assert DAILY.publication_slot(
        now=NOW, newest_report=None, not_before=date(2027, 1, 1), below=lambda _: 0
    ) == datetime(2027, 1, 1, 6, tzinfo=UTC)
    assert AT_ONCE.publication_slot(now=NOW, newest_report=None, not_before=date(2027, 1, 1)) == datetime(
        2027, 1, 1, tzinfo=UTC
    )


def test_the_current_slot_is_the_last_one_that_passed() -> None:
    assert DAILY.current_slot(NOW) == datetime(2026, 11, 20, 6, tzinfo=UTC)
    assert DAILY.current_slot(NOW.replace(hour=5)) == datetime(2026, 11, 19, 6, tzinfo=UTC)
    assert DAILY.current_slot(NOW.replace(hour=6, minute=0, second=0)) == datetime(2026, 11, 20, 6, tzinfo=UTC)


def test_the_slot_comes_from_the_settings() -> None:
    assert Schedule.from_settings(Press(site=Path("site"), daily_slot="23:30")).slot == time(23, 30)
    assert Schedule.from_settings(Press(site=Path("site"), daily_slot="")).slot is None
    for wrong in ("6", "24:00", "six", "06:00:00"):
        with pytest.raises(SettingsError):
            Schedule.from_settings(Press(site=Path("site"), daily_slot=wrong))
