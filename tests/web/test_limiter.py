"""Pseudonyms for addresses, and budgets that are counted by them."""

from __future__ import annotations

import threading
import time

import flask
import pytest
from flask_limiter import RateLimitExceeded

from fieldreport.web import error_pages, limiter
from fieldreport.web.application import Application
from fieldreport.web.error_pages import Failure
from fieldreport.web.limiter import AddressKey, Budget, SweptMemory
from fieldreport.web.request_body import ScratchRequest
from tests.cast import Clock

DAY = 86_400.0


def application() -> Application:
    return Application("fieldreport.web", trusted_hosts=("localhost",))


def test_a_pseudonym_is_stable_within_a_day_and_tells_addresses_apart() -> None:
    clock = Clock(20_000 * DAY)
    key = AddressKey(clock)
    first = key.pseudonym("203.0.113.5")
    clock.now += DAY - 1
    assert key.pseudonym("203.0.113.5") == first
    assert key.pseudonym("203.0.113.6") != first
    assert "203" not in first


def test_a_pseudonym_means_nothing_the_next_day_or_elsewhere() -> None:
    clock = Clock(20_000 * DAY)
    key, elsewhere = AddressKey(clock), AddressKey(clock)
    first = key.pseudonym("203.0.113.5")
    assert elsewhere.pseudonym("203.0.113.5") != first
    clock.now += DAY
    assert key.pseudonym("203.0.113.5") != first


def test_yesterdays_key_is_gone() -> None:
    clock = Clock(20_000 * DAY)
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


def test_a_budget_is_decided_before_the_body_is_touched() -> None:
    app = application()
    limiter.install(
        app,
        storage="memory://",
        key=AddressKey(),
        budget=lambda _: Budget(name="all", rate="1 per hour"),
    )
    seen: list[bool] = []

    def page(failure: Failure) -> str:
        assert isinstance(failure.error, RateLimitExceeded)
        request = flask.request
        assert isinstance(request, ScratchRequest)
        seen.append("fieldreport.form" not in request.environ)
        return request.typed()["report"]

    error_pages.install(app, page, written=dict)
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
