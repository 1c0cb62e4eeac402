"""The error page: what happened, whether anything was lost, what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import flask
from flask.typing import ResponseReturnValue
from flask_babel import LazyString
from flask_babel import lazy_gettext as later

from fieldreport.desk import context, presentation
from fieldreport.errors import FieldreportError
from fieldreport.web import csrf
from fieldreport.web.error_pages import Failure
from fieldreport.web.request_body import ScratchRequest

# Fields in which people write; everything else in a form is technical, or secret.
_WRITTEN: Final[Mapping[str, LazyString]] = {
    "text": later("What you wrote"),
    "facts": later("Fact sheet"),
    "protected": later("Protected terms"),
    "title": later("Title"),
    "standfirst": later("Standfirst"),
    "body": later("Body"),
    "correction": later("Correction"),
    "phrases": later("Phrases of junk"),
    "passages": later("Words that go everywhere"),
    "word": later("A word with it"),
    "label": later("Label"),
    "slug_words": later("Readable words for the address"),
    "addressees": later("Whom sources may address"),
}
_BEGINNINGS: Final = (
    ("reason-", later("Reason")),
    ("question.", later("Answers before the sign-off")),
    ("transcript.", later("What is said")),
    ("caption.", later("Captions")),
    ("alternative.", later("Descriptions of pictures")),
)

_BROKEN: Final = later("Something went wrong on our side")

# (heading, what to do); by code first, then by the code of the class, then by status. True whatever was stored before:
# the answer to an earlier post of the same form may have been lost.
_TEXTS: Final[Mapping[str, tuple[LazyString, LazyString]]] = {
    "http-400": (
        later("This request cannot be answered"),
        later("Nothing was done this time. Check the address, and open the page again."),
    ),
    "http-404": (later("There is no such page"), later("It may have been deleted, or the address is wrong.")),
    "not-found": (later("It no longer exists"), later("It was deleted or withdrawn, or the address is wrong.")),
    "http-405": (
        later("This page cannot be opened this way"),
        later("Go back and use the button or link on the page."),
    ),
    "http-429": (later("Too many tries"), later("Wait a minute and try again.")),
    "conflict": (
        later("It was changed meanwhile"),
        later(
            "What you sent was not stored this time. Open the page again: it may hold a colleague's change, or your "
            "own."
        ),
    ),
    "case-changed": (
        later("A colleague was faster"),
        later("Nothing was changed this time. Open the page again and look."),
    ),
    "letter-came": (
        later("A letter came meanwhile"),
        later("Nothing was changed this time. Open the page again and read it first."),
    ),
    "form-used": (
        later("This form was sent before"),
        later("With other words, and those are stored. What you sent now is not. Open the page again and look."),
    ),
    "roster": (
        later("No valid list of staff"),
        later("It has expired or cannot be verified, so nothing can be sealed. The admin must sign a new one."),
    ),
    "token-expired": (
        later("This page was open for too long"),
        later("Nothing was done this time. What you typed is below."),
    ),
    "not-a-recipient": (
        later("Your key does not open this"),
        later(
            "It was sealed before you had a key, or after yours changed. Ask a colleague to re-wrap it, or unlock "
            "again."
        ),
    ),
    "limited": (
        later("You may not read this case"),
        later("A colleague, or its source, has limited who reads it. Ask one of its readers."),
    ),
    "article-limited": (
        later("This article is for others to work on"),
        later("Nothing was done this time. You may not read all of its cases, so you cannot compare it with them."),
    ),
    "undescribed": (
        later("A description or a caption is missing"),
        later(
            "Nothing was done this time. Some readers cannot see or hear an attachment. Open the article and write "
            "both."
        ),
    ),
    "case-unread": (
        later("Somebody else has to decide this"),
        later("Nothing was done this time. It cannot be overridden: ask a colleague whose key opens all of the case."),
    ),
    "case-unreadable": (
        later("A letter could not be read from the disk"),
        later("Nothing was done this time. It cannot be overridden: try again, and tell the admin if it stays."),
    ),
    "no-letter": (
        later("The source cannot be answered"),
        later("No letter of this case can be opened, and the key for answers is inside the letter."),
    ),
    "other-source": (
        later("This case holds letters of two sources"),
        later(
            "Nothing was sent this time, because it could reach the wrong person. Tell the admin; do not answer here."
        ),
    ),
    "unsigned": (
        later("This is not signed by anyone"),
        later("Nothing was done with it. Do not trust it, and tell the admin: the database may be changed."),
    ),
    "forged": (
        later("This is not signed by who it claims to be"),
        later("Nothing was done with it. Do not trust it, and tell the admin: the database was changed."),
    ),
    "replayed": (
        later("An older version was put back"),
        later("Nothing was done with it. Do not trust it, and tell the admin: the log knows a newer one."),
    ),
    "row-key": (
        later("This cannot be opened"),
        later(
            "Nothing was done with it. Its key beside the database is missing or another's. Tell the admin: the "
            "database was changed, or restored without the keys that belong to it."
        ),
    ),
    "cross-site": (
        later("This came from another site"),
        later("Nothing was done this time. Open the desk in its own window."),
    ),
    "audit-head": (
        later("The audit log was changed"),
        later(
            "An entry that was in it before is missing. Either an older copy of the desk's database was put back, "
            "or someone who can write to it has removed what was done there. You were not signed in. Do not try again. "
            "Call the admin: on this machine 'fieldreport doctor' says what is missing."
        ),
    ),
    "internal": (_BROKEN, later("It was not your fault. Tell the admin if it happens again.")),
}
_MAY_BE_DONE: Final = later(
    "It may have been done, or a part of it. Open the page again and look before you repeat it."
)
_POSTED: Final[Mapping[str, tuple[LazyString, LazyString]]] = {
    "internal": (
        _BROKEN,
        later(
            "It was not your fault. It may have been done, or a part of it. Open the page again and look before you "
            "repeat it. Tell the admin if it happens again."
        ),
    ),
}
_BY_STATUS: Final[Mapping[int, tuple[LazyString, LazyString]]] = {
    400: (
        later("This form has expired"),
        later("Nothing was done this time. Open the page again; what you typed is below."),
    ),
    403: (later("You may not do this"), later("Nothing was done this time.")),
    409: _TEXTS["conflict"],
    413: (later("Too large"), later("Nothing was stored this time.")),
    422: (later("This cannot be done"), later("Nothing was stored this time.")),
    429: _TEXTS["http-429"],
    503: (later("Not now"), later("Try again in a moment.")),
}
_POSTED_BY_STATUS: Final[Mapping[int, tuple[LazyString, LazyString]]] = {503: (later("Not now"), _MAY_BE_DONE)}


def error_page(failure: Failure) -> ResponseReturnValue:
    """The page of one error. It gives back what was typed, but no passphrase and no code."""
    request = flask.request
    posted = request.method not in {"GET", "HEAD"}
    typed = written(request.typed()) if posted and isinstance(request, ScratchRequest) else {}
    heading, advice = words_for(failure, posted=posted)
    error = failure.error
    own = isinstance(error, FieldreportError) and failure.status < HTTPStatus.INTERNAL_SERVER_ERROR
    if typed:
        presentation.stay_on_screen()
    return flask.render_template(
        "error.html",
        heading=heading,
        advice=advice,
        reason=error.text if own and isinstance(error, FieldreportError) else "",
        status=failure.status,
        typed=typed,
        kept_at=flask.g.get("desk_kept_at", ""),
        again=_again(failure) if typed else (),
        path=request.full_path.rstrip("?"),
        label=label,
        signed_in=context.session_or_none() is not None,
    )


def _again(failure: Failure) -> tuple[tuple[str, str], ...]:
    """The form to send again, where what failed may work in a moment and the session's own page has sent it."""
    may_work = failure.status >= HTTPStatus.INTERNAL_SERVER_ERROR or failure.code == "token-expired"
    if not may_work or context.session_or_none() is None:
        return ()
    return tuple((name, text) for name, text in flask.request.form.items(multi=True) if name != csrf.FIELD)


def words_for(failure: Failure, *, posted: bool) -> tuple[LazyString, LazyString]:
    """The heading and the advice of one failure. ``posted``: something was to be done, perhaps with success."""
    codes = {**_TEXTS, **(_POSTED if posted else {})}
    statuses = {**_BY_STATUS, **(_POSTED_BY_STATUS if posted else {})}
    by_code = codes.get(failure.code) or codes.get(failure.kind)
    return by_code or statuses.get(failure.status) or codes["internal"]


def written(typed: Mapping[str, str]) -> dict[str, str]:
    """The texts that somebody wrote, by label, out of everything that a form sent."""
    found: dict[str, str] = {}
    for name, text in typed.items():
        said = label(name)
        if said and text.strip():
            found[said] = f"{found[said]}\n{text}" if said in found else text
    return found


def label(name: str) -> str:
    """What people write in the field of this name; empty for one that is technical, or secret."""
    word = _WRITTEN.get(name) or next((word for start, word in _BEGINNINGS if name.startswith(start)), "")
    return str(word)
