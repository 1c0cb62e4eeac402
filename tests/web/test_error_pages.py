"""Errors: which page a visitor gets, and what the log holds."""

from __future__ import annotations

import logging
from collections.abc import Callable

import flask
import pytest

from fieldreport.errors import (
    Conflict,
    FieldreportError,
    LimitExceeded,
    MailboxFull,
    NotAllowed,
    NotFound,
    RosterError,
    StoreError,
    TokenError,
)
from fieldreport.web import error_pages, headers
from fieldreport.web.application import Application
from fieldreport.web.error_pages import Failure, failure_of, last_resort
from fieldreport.web.fault_log import describe


def application() -> Application:
    return Application("fieldreport.web", trusted_hosts=("localhost",))


@pytest.mark.parametrize(
    ("error", "status", "code"),
    [
        (NotFound("x"), 404, "not-found"),
        (Conflict("x"), 409, "conflict"),
        (StoreError("x"), 503, "store"),
        (RosterError("x", code="roster-expired"), 503, "roster-expired"),
        (LimitExceeded("x", code="request-bytes"), 413, "request-bytes"),
        (MailboxFull("x"), 503, "mailbox-full"),
        (TokenError("x"), 400, "token"),
        (NotAllowed("x"), 403, "not-allowed"),
        (ValueError("x"), 500, "internal"),
        (FieldreportError("x"), 500, "internal"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else str(value),
)
def test_every_error_has_a_status_and_a_code(error: Exception, status: int, code: str) -> None:
    failure = failure_of(error)
    assert (failure.status, failure.code) == (status, code)


def test_the_last_resort_gives_back_only_the_fields_that_the_application_lists() -> None:
    app = application()
    error_pages.install(app, lambda _: str(1 / 0), written=lambda typed: {"Report": typed["report"], "When": " "})
    page = app.test_client().post(
        "/", data={"report": "<script>my words</script>", "token": "sealed", "passphrase": "seven", "code": "123456"}
    )
    assert "&lt;script&gt;my words&lt;/script&gt;" in page.text
    assert not any(word in page.text for word in ("<script>", "sealed", "passphrase", "seven", "123456"))
    assert page.text.count("<textarea") == 1


def test_the_last_resort_without_words_asks_for_no_copying() -> None:
    assert "Copy" not in last_resort({})


@pytest.mark.parametrize("broken", [lambda _: 1 / 0, lambda _: "drawn"], ids=["page-breaks-too", "page-drawn"])
def test_a_fault_is_logged_without_what_the_visitor_sent(
    broken: Callable[[Failure], str], caplog: pytest.LogCaptureFixture
) -> None:
    app = application()
    error_pages.install(app, broken, written=dict)

    def view() -> str:
        raise LookupError(flask.request.form["report"])

    app.add_url_rule("/a-path", view_func=view, methods=["POST"])
    with caplog.at_level(logging.DEBUG):
        response = app.test_client().post("/a-path?query=1", data={"report": "my secret"})
    assert response.status_code == 500
    assert "LookupError" in caplog.text
    assert not any(word in caplog.text for word in ("my secret", "a-path", "query", "127.0.0.1"))


def test_an_exception_is_described_by_its_class_and_our_places() -> None:
    with pytest.raises(ValueError, match="stay") as caught:
        headers.security_headers({"default-src": "secret"})
    described = describe(caught.value)
    assert described.startswith("ValueError at fieldreport.web.headers:")
    assert "stay" not in described


def test_our_own_errors_add_their_code_and_detail() -> None:
    assert "(roster: it has expired)" in describe(RosterError("come back later", detail="it has expired"))
