"""Headers that every answer has."""

from __future__ import annotations

import flask
import pytest

from fieldreport.web import headers
from fieldreport.web.application import Application


def application() -> Application:
    return Application("fieldreport.web", trusted_hosts=("localhost",))


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
