"""Every error becomes a page that gives back what was typed and shows nothing of the inside.

Rules: one handler for everything that a view or the framework raises. The application draws the page; if that fails,
the last resort still gives back, in plain HTML, the fields that the application lists: texts, never a passphrase, a
code or a codename. Only faults of the program are logged, without content; an outage was, when it was noticed.
Expected refusals (a typo, a limit, a closed letterbox) are not logged at all: a log of them would be a log of visitors.
"""

from __future__ import annotations

import html
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

import flask
from flask.globals import request_ctx
from flask.typing import ResponseReturnValue
from werkzeug.exceptions import HTTPException

from fieldreport.errors import FieldreportError, LetterboxClosed, StoreAway
from fieldreport.web.fault_log import log_fault
from fieldreport.web.request_body import ScratchRequest

_BROKEN: Final = HTTPStatus.INTERNAL_SERVER_ERROR


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """What went wrong: an HTTP status, a stable code for the tables of messages, and the error itself."""

    status: int
    code: str
    error: BaseException

    @property
    def kind(self) -> str:
        """The code of the error's class, for the message of all its kind where ``code`` has none of its own."""
        return type(self.error).code if isinstance(self.error, FieldreportError) else self.code


def failure_of(error: BaseException) -> Failure:
    """Classify an error. One that is neither ours nor the framework's is a 500 with the code ``internal``."""
    if isinstance(error, HTTPException):
        status = error.code or _BROKEN
        return Failure(status=status, code=f"http-{status}" if status != _BROKEN else "internal", error=error)
    if isinstance(error, FieldreportError):
        return Failure(status=error.http_status, code=error.code, error=error)
    return Failure(status=_BROKEN, code="internal", error=error)


def install(
    app: flask.Flask,
    page: Callable[[Failure], ResponseReturnValue],
    *,
    written: Callable[[Mapping[str, str]], Mapping[str, str]],
) -> None:
    """Answer every error of ``app``.

    Args:
        app: the application.
        page: draws the page; the status of the answer is set here.
        written: chooses, out of all fields of a form, the texts that the last resort gives back, by their label.
    """

    def handle(error: Exception) -> ResponseReturnValue:
        failure = failure_of(error)
        if failure.status >= _BROKEN and not isinstance(error, LetterboxClosed | StoreAway):
            log_fault(error)
        if request_ctx.url_adapter is None:
            # The host is not ours. Links between our pages name no host.
            request_ctx.url_adapter = app.url_map.bind("localhost")
        try:
            response = flask.make_response(page(failure))
        except Exception as second:  # noqa: BLE001 - whatever fails here, what was typed must come back
            log_fault(second)
            response = flask.make_response(last_resort(written(_typed())))
        response.status_code = failure.status
        if isinstance(error, HTTPException):
            for name, value in error.get_headers():
                if name in {"Allow", "Retry-After"}:
                    response.headers[name] = value
        return response

    app.register_error_handler(Exception, handle)


def _typed() -> Mapping[str, str]:
    request = flask.request
    return request.typed() if isinstance(request, ScratchRequest) else {}


def last_resort(written: Mapping[str, str]) -> str:
    """A page without templates, catalogues or styles that gives back texts, each under its label."""
    kept = "".join(
        f"<p><label>{html.escape(label)}<br><textarea rows=12 cols=60>{html.escape(text)}</textarea></label>"
        for label, text in written.items()
        if text.strip()
    )
    advice = (
        "<p>What you wrote is below. Copy it. Before you send it again, look whether it has arrived.</p>"
        if kept
        else ""
    )
    return (
        '<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content="width=device-width">'
        "<title>Something broke on our side</title><h1>Something broke on our side</h1>"
        f"<p>It was not your fault. What you sent may have arrived or not.</p>{advice}{kept}</html>"
    )
