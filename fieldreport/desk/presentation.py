"""What every page shares: ids in paths, times, sizes, names of languages, the navigation bar.

Rules: times are as coarse as what is stored (the hour); nothing of a sealed object is in a path or a file name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, urlsplit

import flask
from flask_babel import LazyString, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from typing_extensions import override
from werkzeug.exceptions import BadRequest
from werkzeug.routing import BaseConverter

from fieldreport.desk import context, time_zone, translation
from fieldreport.desk.file_kinds import files_of
from fieldreport.scrub.text.encodings import ENCODINGS
from fieldreport.scrub.verdicts import found_text
from fieldreport.seal import Role, fingerprint_words
from fieldreport.vault.cases.due import DueDate, next_due
from fieldreport.vault.cases.inbox import CaseRow

RELOADED: Final = "reloaded"
"""The argument of an address that a page opens by itself."""
_KB: Final = 1000
_MB: Final = 1000 * _KB
_GB: Final = 1000 * _MB
_HOURS_SAID: Final = 48  # after that, days
_HOUR_SECONDS: Final = 3600
LANGUAGES: Final[Mapping[str, LazyString]] = {
    "en": later("English"),
    "ko": later("Korean"),
    "zh-Hans": later("Chinese (simplified)"),
    "zh-Hant": later("Chinese (traditional)"),
    "ja": later("Japanese"),
    "ru": later("Russian"),
    "ar": later("Arabic"),
    "fa": later("Persian"),
    "fr": later("French"),
    "es": later("Spanish"),
    "pt": later("Portuguese"),
    "tr": later("Turkish"),
}
_NAVIGATION: Final[Mapping[Role, tuple[tuple[str, str, LazyString], ...]]] = {
    Role.EDITOR: (
        ("inbox", "inbox.show", later("Inbox")),
        ("search", "search.show", later("Search")),
        ("articles", "articles.index", later("Articles")),
        ("retention", "retention.show", later("Retention")),
        ("keys", "keys.show", later("Your key")),
    ),
    Role.ADMIN: (
        ("staff", "staff.show", later("Staff and keys")),
        ("letterbox", "letterbox.show", later("Letterbox")),
        ("retention", "retention.show", later("Retention")),
        ("audit", "audit.show", later("Audit log")),
        ("health", "health.show", later("Health")),
        ("keys", "keys.show", later("Your key")),
    ),
}


class IdConverter(BaseConverter):
    """Sixteen random bytes as 32 lower-case hexadecimal digits."""

    regex = "[0-9a-f]{32}"

    @override
    def to_python(self, value: str) -> bytes:
        return bytes.fromhex(value)

    @override
    def to_url(self, value: bytes) -> str:
        return value.hex()


def install(app: flask.Flask) -> None:
    """Give the templates of ``app`` their filters and the values that every page shows."""
    filters = {
        "age": age,
        "ahead": ahead,
        "hour": time_zone.hour,
        "moment": time_zone.moment,
        "words": fingerprint_words,
        "grouped": grouped,
        "size": size,
        "found": lambda code: translation.said(found_text(code)),
        "listed": translation.listed,
        "said": translation.said,
        "state_name": translation.state_name,
    }
    app.jinja_env.filters.update(filters)
    app.jinja_env.globals.update(
        language_name=language_name,
        language_codes=tuple(LANGUAGES),
        encodings=ENCODINGS,
        due_of=due_of,
        files_of=files_of,
    )
    app.context_processor(_everywhere)
    app.after_request(_blank_when_locked)


def _everywhere() -> dict[str, object]:
    desk = context.desk()
    session = context.session_or_none()
    endpoint = str(flask.request.endpoint or "")
    return {
        "newsroom": desk.settings.instance.name,
        "demo": desk.settings.is_demo,
        "person": session,
        "notices": session.take_notices() if session is not None else [],
        "navigation": _NAVIGATION.get(session.role, ()) if session is not None else (),
        "section": endpoint.partition(".")[0],
        "form_token": desk.guard.token(session.csrf) if session is not None else "",
        "idle_minutes": max(1, desk.settings.desk.idle_seconds // 60),
        "now_hour": int(desk.clock() // _HOUR_SECONDS),
    }


def keep_cookie(response: flask.Response, name: str, value: str, *, seconds: int | None = None) -> None:
    """Give the browser a cookie that no script and no other site gets at; without ``seconds`` until it is closed."""
    response.set_cookie(
        name,
        value,
        max_age=seconds,
        httponly=True,
        samesite="Strict",
        secure=context.desk().settings.desk.secure_cookie,
        path="/",
    )


def stay_on_screen() -> None:
    """Keep this page on the screen when the desk locks: somebody may be writing in its form."""
    flask.g.desk_stays_on_screen = True


def reload_after(seconds: int, address: str = "") -> None:
    """Make the browser reload this page, or open another address, for pages that show progress.

    An address with ``RELOADED`` in it does not put off the auto-lock.
    """
    flask.g.desk_reload = f"{seconds}; url={address}" if address else str(seconds)


def _blank_when_locked(response: flask.Response) -> flask.Response:
    """Blank a page when the desk locks.

    A header and not a ``meta`` element: accessibility checkers report the element as an unexpected interruption, and
    the pages on which somebody writes do without.
    """
    if context.session_or_none() is None or response.mimetype != "text/html":
        return response
    reload = flask.g.get("desk_reload")
    if reload is not None:
        response.headers["Refresh"] = reload
    elif not flask.g.get("desk_stays_on_screen") and flask.request.method == "GET":
        seconds = context.desk().settings.desk.idle_seconds + 1
        away = flask.url_for("sign_in.away", next=own_path(flask.request.full_path))
        response.headers["Refresh"] = f"{seconds}; url={away}"
    return response


def split_url(untrusted_url: str) -> SplitResult:
    """The parts of an address.

    Raises:
        BadRequest: it is none, like ``//[``.
    """
    try:
        return urlsplit(untrusted_url)
    except ValueError:
        raise BadRequest from None


def own_path(untrusted_path: str) -> str:
    """The path, if it is one of this desk; the front page if it points anywhere else. Raises as ``split_url``."""
    parts = split_url(untrusted_path)
    path = untrusted_path.rstrip("?")
    harmless = path.startswith("/") and not path.startswith(("//", "/\\")) and path.isprintable()
    return path if harmless and not parts.scheme and not parts.netloc else "/"


def due_of(case: CaseRow) -> DueDate | None:
    """What is to be done next in a case by a date, if anything."""
    days = context.desk().cases.due_days
    if case.ended is not None or case.stored.case.source is None:  # nobody can be answered there
        return None
    return next_due(days, opened=case.opened, sent=case.replies, state=case.state)


def age(value: int, now_hour: int) -> str:
    """How long ago an hour was, in hours or days."""
    hours = max(0, now_hour - value)
    if hours < 1:
        return str(_("this hour"))
    if hours < _HOURS_SAID:
        return str(_("%(hours)s h", hours=hours))
    return str(ngettext("%(num)s day", "%(num)s days", hours // 24))


def ahead(value: int, now_hour: int) -> str:
    """How long it is until an hour, in hours or days."""
    return age(now_hour, value) if value > now_hour else str(_("less than an hour"))


def grouped(digits: str) -> str:
    """Hexadecimal digits in groups of four."""
    return " ".join(digits[start : start + 4] for start in range(0, len(digits), 4))


def size(length: int) -> str:
    """A length in bytes, kB, MB or GB."""
    if length < _KB:
        return str(ngettext("%(num)s byte", "%(num)s bytes", length))
    if length < _MB:
        return f"{length / _KB:.0f} kB"
    if length < _GB:
        return f"{length / _MB:.1f} MB"
    return f"{length / _GB:.1f} GB"


def language_name(code: str) -> str:
    """The name of a language tag, or the tag."""
    return str(LANGUAGES.get(code, code))
