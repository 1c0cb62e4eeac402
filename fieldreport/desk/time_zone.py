"""The time zone in which one browser is shown hours: a cookie there, and nothing of it here.

Everything that is stored or signed stays in UTC. A zone changes what is shown, never how exactly.
"""

from __future__ import annotations

from datetime import UTC, datetime, tzinfo
from functools import cache
from typing import Final
from zoneinfo import ZoneInfo, available_timezones

import flask

from fieldreport.desk import context

_HOUR_SECONDS: Final = 3600


@cache
def names() -> tuple[str, ...]:
    """The zones that this machine knows, sorted; none where it has no list of them."""
    return tuple(sorted(name for name in available_timezones() if "/" in name and not name.startswith("Etc/")))


def chosen() -> str:
    """The name of the zone that this browser has chosen; empty for UTC."""
    untrusted_name = flask.request.cookies.get(context.desk().zone_cookie_name, "")
    return untrusted_name if untrusted_name in names() else ""


def hour(value: int) -> str:
    """An hour since the epoch as ``2026-11-23 14:00 UTC``."""
    return moment(datetime.fromtimestamp(value * _HOUR_SECONDS, UTC))


def moment(value: datetime) -> str:
    """A time that may be shown to the minute, in the browser's zone."""
    shown = value.astimezone(_zone())
    return f"{shown:%Y-%m-%d %H:%M} {shown.tzname()}"


def _zone() -> tzinfo:
    if "desk_zone" not in flask.g:
        name = chosen()
        flask.g.desk_zone = ZoneInfo(name) if name else UTC
    zone: tzinfo = flask.g.desk_zone
    return zone
