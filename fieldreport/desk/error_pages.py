"""The page for everything that went wrong: what happened, whether anything was lost, what to do next."""

from __future__ import annotations

from collections.abc import Mapping
from http import HTTPStatus
from typing import Final

import flask
from flask.typing import ResponseReturnValue

from fieldreport.desk import context, presentation
from fieldreport.errors import FieldreportError
from fieldreport.web.error_pages import Failure
from fieldreport.web.request_body import ScratchRequest

# Fields in which somebody writes; everything else in a form is machinery, or secret.
_WRITTEN: Final[Mapping[str, str]] = {
    "text": "What you wrote",
    "facts": "Fact sheet",
    "protected": "Protected terms",
    "title": "Title",
    "standfirst": "Standfirst",
    "body": "Body",
    "correction": "Correction",
}
_BEGINNINGS: Final = (("reason-", "Reason"), ("caption.", "Captions"), ("alternative.", "Descriptions of pictures"))

# (heading, what to do); by code first, then by the code of the class, then by status.
_TEXTS: Final[Mapping[str, tuple[str, str]]] = {
    "http-404": ("There is no such page", "It may have been deleted, or the address was typed wrong."),
    "not-found": ("It is not there any more", "It was deleted or withdrawn, or the address was typed wrong."),
    "http-405": ("This page cannot be opened like that", "Go back and use the button or link on the page."),
    "http-429": ("Too many tries", "Wait a quarter of an hour and try again."),
    "conflict": ("Somebody else was faster", "Nothing of yours was stored. Open the page again and look first."),
    "roster": (
        "No valid list of staff",
        "It has run out or cannot be verified, so nothing can be sealed. The admin must sign a new one.",
    ),
    "token-expired": ("This page was open for too long", "Nothing was done. What you typed is below."),
    "not-a-recipient": (
        "Your key does not open this",
        "It was sealed before you had a key, or after yours was changed. Ask a colleague to re-wrap, or unlock again.",
    ),
    "limited": ("This case is for others", "A colleague has limited who reads it. Ask one of the readers about it."),
    "no-letter": (
        "There is no way to answer",
        "No letter of this case can be opened, and the way back to the source stands in the letter.",
    ),
    "cross-site": ("This came from another site", "Nothing was done. Open the desk in a window of its own."),
    "internal": ("Something broke on our side", "It was not your fault. Tell the admin if it happens again."),
}
_BY_STATUS: Final[Mapping[int, tuple[str, str]]] = {
    400: ("This form cannot be used any more", "Nothing was done. Open the page again; what you typed is below."),
    403: ("This is not for you to do", "Nothing was done."),
    409: _TEXTS["conflict"],
    413: ("Too large", "Nothing was stored."),
    422: ("This cannot be done", "Nothing was stored."),
    429: _TEXTS["http-429"],
    503: ("Not now", "Nothing was lost. Try again in a moment."),
}


def error_page(failure: Failure) -> ResponseReturnValue:
    """Draw the page of one failure. What was typed is given back; passphrases and codes are not."""
    request = flask.request
    typed: dict[str, str] = {}
    if isinstance(request, ScratchRequest) and request.method not in {"GET", "HEAD"}:
        typed = written(request.typed())
    heading, advice = words_for(failure)
    own = isinstance(failure.error, FieldreportError) and failure.status < HTTPStatus.INTERNAL_SERVER_ERROR
    if typed:
        presentation.stay_on_screen()
    return flask.render_template(
        "error.html",
        heading=heading,
        advice=advice,
        reason=str(failure.error) if own else "",
        status=failure.status,
        typed=typed,
        signed_in=context.session_or_none() is not None,
    )


def words_for(failure: Failure) -> tuple[str, str]:
    """The heading and the advice of one failure."""
    by_code = _TEXTS.get(failure.code) or _TEXTS.get(failure.kind)
    return by_code or _BY_STATUS.get(failure.status) or _TEXTS["internal"]


def written(typed: Mapping[str, str]) -> dict[str, str]:
    """What somebody wrote, by its label, out of everything a form sent."""
    found: dict[str, str] = {}
    for name, text in typed.items():
        label = _WRITTEN.get(name) or next((word for start, word in _BEGINNINGS if name.startswith(start)), "")
        if label and text.strip():
            found[label] = f"{found[label]}\n{text}" if label in found else text
    return found
