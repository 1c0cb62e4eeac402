"""The small shared parts: pseudonyms for addresses, budgets, languages, tokens of sessions, headers, errors."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

import flask
import pytest
from flask_limiter import RateLimitExceeded
from werkzeug.test import EnvironBuilder

from fieldreport import limits
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
    TokenExpired,
)
from fieldreport.seal import TokenKey
from fieldreport.web import error_pages, headers, limiter
from fieldreport.web.application import Application
from fieldreport.web.csrf import CsrfGuard
from fieldreport.web.error_pages import Failure, failure_of, last_resort
from fieldreport.web.fault_log import describe
from fieldreport.web.i18n import NAMES, negotiate
from fieldreport.web.limiter import AddressKey, Budget, OnOutage, SweptMemory
from fieldreport.web.request_body import ScratchRequest

DAY = 86_400.0


class Clock:
    def __init__(self, now: float = 20_000 * DAY) -> None:
        self.now = now

    def __call__(self) -> float:
        return self.now


def application() -> Application:
    return Application("fieldreport.web", trusted_hosts=("localhost",))


# --- pseudonyms ---


def test_a_pseudonym_is_stable_within_a_day_and_tells_addresses_apart() -> None:
    clock = Clock()
    key = AddressKey(clock)
    first = key.pseudonym("203.0.113.5")
    clock.now += DAY - 1
    assert key.pseudonym("203.0.113.5") == first
    assert key.pseudonym("203.0.113.6") != first
    assert "203" not in first


def test_a_pseudonym_means_nothing_the_next_day_or_elsewhere() -> None:
    clock = Clock()
    key, elsewhere = AddressKey(clock), AddressKey(clock)
    first = key.pseudonym("203.0.113.5")
    assert elsewhere.pseudonym("203.0.113.5") != first
    clock.now += DAY
    assert key.pseudonym("203.0.113.5") != first


def test_yesterdays_key_is_gone() -> None:
    clock = Clock()
    key = AddressKey(clock)
    key.pseudonym("x")
    yesterday = key._key
    clock.now += DAY
    key.pseudonym("x")
    assert key._key != yesterday
    assert yesterday not in vars(key).values()


def test_a_clock_that_jumps_years_does_not_hang() -> None:
    clock = Clock(0)
    key = AddressKey(clock)
    clock.now = 10**12
    assert key.pseudonym("x")


# --- budgets ---


def test_a_store_that_is_away_closes_the_door_where_that_was_chosen() -> None:
    app = application()
    limiter.install(
        app,
        storage="redis://127.0.0.1:1/0",
        key=AddressKey(),
        budget=lambda _: Budget(name="sign-in", rate="5 per hour"),
        on_outage=OnOutage.STAY_CLOSED,
    )
    error_pages.install(app, lambda failure: f"sorry {failure.status}")
    app.add_url_rule("/", view_func=lambda: "in", endpoint="index")
    response = app.test_client().get("/")
    assert (response.status_code, response.text) == (500, "sorry 500")


def test_a_budget_is_decided_before_the_body_is_touched() -> None:
    app = application()
    limiter.install(
        app,
        storage="memory://",
        key=AddressKey(),
        budget=lambda _: Budget(name="all", rate="1 per hour"),
        on_outage=OnOutage.COUNT_IN_MEMORY,
    )
    seen: list[bool] = []

    def page(failure: Failure) -> str:
        assert isinstance(failure.error, RateLimitExceeded)
        request = flask.request
        assert isinstance(request, ScratchRequest)
        seen.append(request._reader is None)
        return request.typed()["report"]

    error_pages.install(app, page)
    app.add_url_rule("/", view_func=lambda: "in", endpoint="index", methods=["POST"])
    client = app.test_client()
    assert client.post("/", data={"report": "one"}).status_code == 200
    refused = client.post("/", data={"report": "two"})
    assert (refused.status_code, refused.text) == (429, "two")
    assert seen == [True]


def test_counters_that_ran_out_are_forgotten_without_a_thread_for_each_request(monkeypatch: pytest.MonkeyPatch) -> None:
    counters = SweptMemory()
    threads = threading.active_count()
    for number in range(50):
        counters.incr(f"visitor {number}", 0.001)
    assert counters.incr("another", 60) == 1
    assert threading.active_count() == threads
    assert len(counters.storage) == 51
    monkeypatch.setattr(counters, "_next_sweep", 0.0)
    time.sleep(0.01)
    assert counters.incr("another", 60) == 2
    assert list(counters.storage) == ["another"]
    assert list(counters.expirations) == ["another"]


# --- languages ---


@pytest.mark.parametrize(
    ("wishes", "offered", "expected"),
    [
        (["ko-KP"], ["en", "ko"], "ko"),
        (["KO"], ["en", "ko"], "ko"),
        (["zh"], ["en", "zh-Hans", "zh-Hant"], "zh-Hans"),
        (["zh-SG"], ["en", "zh-Hans", "zh-Hant"], "zh-Hans"),
        (["zh-HK"], ["en", "zh-Hans", "zh-Hant"], "zh-Hant"),
        (["zh-Hant-CN"], ["en", "zh-Hans", "zh-Hant"], "zh-Hant"),
        (["zh-Hans-TW"], ["en", "zh-Hans", "zh-Hant"], "zh-Hans"),
        (["zh-TW"], ["en", "zh-Hans"], "zh-Hans"),
        (["de", "ru-RU"], ["en", "ru"], "ru"),
        (["de", "*"], ["ko", "en"], "ko"),
        ([], ["ko"], "ko"),
    ],
)
def test_the_language_is_the_best_that_is_offered(wishes: list[str], offered: list[str], expected: str) -> None:
    assert negotiate(wishes, offered) == expected


def test_every_language_has_its_own_name() -> None:
    assert len(set(NAMES.values())) == len(NAMES) == 12


# --- form tokens of sessions ---


def posted(token: str | None, **headers_: str) -> ScratchRequest:
    builder = EnvironBuilder(
        method="POST", data={"token": token} if token is not None else {}, headers=list(headers_.items())
    )
    return ScratchRequest(builder.get_environ())


@pytest.fixture
def guard() -> tuple[CsrfGuard, Clock]:
    clock = Clock()
    return CsrfGuard(TokenKey.generate(), clock), clock


def test_a_token_of_this_session_is_taken(guard: tuple[CsrfGuard, Clock]) -> None:
    check, _ = guard
    with application().app_context():
        assert check.check(posted(check.token("amira's")), "amira's")


def test_a_token_of_another_session_or_none_is_refused(guard: tuple[CsrfGuard, Clock]) -> None:
    check, _ = guard
    with application().app_context():
        for token in (check.token("jonas's"), None, "", check.token("amira's")[:-4]):
            with pytest.raises(TokenError):
                check.check(posted(token), "amira's")


def test_an_old_token_is_refused(guard: tuple[CsrfGuard, Clock]) -> None:
    check, clock = guard
    token = check.token("amira's")
    clock.now += limits.TOKEN_IDLE_SECONDS + 120
    with application().app_context(), pytest.raises(TokenExpired):
        check.check(posted(token), "amira's")


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_a_request_that_another_site_sent_is_refused_whatever_it_carries(
    guard: tuple[CsrfGuard, Clock], site: str
) -> None:
    check, _ = guard
    with application().app_context(), pytest.raises(NotAllowed):
        check.check(posted(check.token("amira's"), **{"Sec-Fetch-Site": site}), "amira's")


# --- headers ---


def test_the_policy_cannot_be_loosened_where_it_counts() -> None:
    for name in ("default-src", "base-uri", "frame-ancestors"):
        with pytest.raises(ValueError, match="stay 'none'"):
            headers.security_headers({name: "*"})


def test_one_answer_may_have_a_stricter_policy() -> None:
    app = application()
    headers.apply(app, {"style-src": "'self'"})
    app.add_url_rule(
        "/",
        endpoint="index",
        view_func=lambda: headers.own_policy(flask.Response("x"), {"sandbox": "", "img-src": "data:"}),
    )
    policy = app.test_client().get("/").headers["Content-Security-Policy"]
    assert policy == (
        "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; sandbox ; img-src data:"
    )


def test_features_are_off_unless_they_are_named() -> None:
    policy = headers.security_headers(features={"publickey-credentials-get": "(self)"})["Permissions-Policy"]
    assert "publickey-credentials-get=(self)" in policy
    assert "camera=()" in policy


# --- errors ---


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


def test_the_last_resort_gives_back_what_was_typed_and_nothing_hidden() -> None:
    page = last_resort({"report": "<script>my words</script>", "token": "sealed", "form": "00", "when": " "})
    assert "&lt;script&gt;my words&lt;/script&gt;" in page
    assert "<script>" not in page
    assert "sealed" not in page
    assert page.count("<textarea") == 1


def test_the_last_resort_without_words_asks_for_no_copying() -> None:
    assert "Copy" not in last_resort({})


@pytest.mark.parametrize("broken", [lambda _: 1 / 0, lambda _: "drawn"], ids=["page-breaks-too", "page-drawn"])
def test_a_fault_is_logged_without_what_the_visitor_sent(
    broken: Callable[[Failure], str], caplog: pytest.LogCaptureFixture
) -> None:
    app = application()
    error_pages.install(app, broken)

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
