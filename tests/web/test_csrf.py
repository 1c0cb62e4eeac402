"""Tokens of sessions: a form counts only from the session and the page it was made for."""

from __future__ import annotations

import pytest
from werkzeug.test import EnvironBuilder

from fieldreport import limits
from fieldreport.errors import (
    NotAllowed,
    TokenError,
    TokenExpired,
)
from fieldreport.seal import TokenKey
from fieldreport.web.application import Application
from fieldreport.web.csrf import CsrfGuard
from fieldreport.web.request_body import ScratchRequest
from tests.cast import Clock

DAY = 86_400.0


def application() -> Application:
    return Application("fieldreport.web", trusted_hosts=("localhost",))


def posted(token: str | None, **headers_: str) -> ScratchRequest:
    builder = EnvironBuilder(
        method="POST", data={"token": token} if token is not None else {}, headers=list(headers_.items())
    )
    return ScratchRequest(builder.get_environ())


@pytest.fixture
def guard() -> tuple[CsrfGuard, Clock]:
    clock = Clock(20_000 * DAY)
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
