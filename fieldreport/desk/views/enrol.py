"""For somebody who was invited and has no keys yet: making them, and the words to read to the admin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import flask
from flask.typing import ResponseReturnValue

from fieldreport.desk import access, context, enrolment
from fieldreport.desk.sign_in import TooManyTries
from fieldreport.errors import UnlockRefused
from fieldreport.web.forms import Problem

pages = flask.Blueprint("enrol", __name__)

_MAXIMUM: Final = 500  # characters of a field; an invitation has sixty
_REFUSED: Final = "Handle and invitation do not fit, or the invitation has run out. Ask the admin for another."
_THROTTLED: Final = "Too many tries. Wait a quarter of an hour, then try again."


@access.public
@pages.get("/enrol")
def show() -> ResponseReturnValue:
    """Where the invitation is typed."""
    return _door()


def _door(*, problems: Sequence[Problem] = (), handle: str = "", status: int = 200) -> ResponseReturnValue:
    return flask.render_template("enrol.html", problems=problems, handle=handle), status


@access.public
@pages.post("/enrol")
def begin() -> ResponseReturnValue:
    """Make the keys and show, once, what only their owner may have."""
    form = flask.request.form
    untrusted_handle = form.get("handle", "")[:_MAXIMUM].strip()
    try:
        begun = enrolment.begin(context.desk(), untrusted_handle, form.get("invitation", "")[:_MAXIMUM])
    except UnlockRefused:
        return _door(problems=[Problem(text=_REFUSED, field="handle")], handle=untrusted_handle, status=403)
    except TooManyTries:
        return _door(problems=[Problem(text=_THROTTLED)], handle=untrusted_handle, status=429)
    return _keys(begun)


def _keys(
    begun: enrolment.Begun, *, typed: str = "", problems: Sequence[Problem] = (), status: int = 200
) -> ResponseReturnValue:
    desk = context.desk()
    page = flask.render_template(
        "enrol-keys.html",
        begun=begun,
        typed=typed,
        remembered=begun.seal(desk),
        qr=enrolment.qr_code(begun, desk.settings.instance.name),
        secret=enrolment.typed_secret(begun),
        problems=problems,
    )
    return page, status


@access.public
@pages.post("/enrol/keys")
def finish() -> ResponseReturnValue:
    """Take the practised passphrase and code, and show the words to read to the admin."""
    desk, form = context.desk(), flask.request.form
    begun = enrolment.Begun.open(desk, form.get("remembered", ""))
    typed = form.get("passphrase", "")[:_MAXIMUM]
    if not enrolment.is_same_passphrase(begun, typed):
        problem = Problem(text="This is not the passphrase above. Copy it from your paper.", field="passphrase")
        return _keys(begun, typed=typed, problems=[problem], status=422)
    try:
        request = enrolment.finish(desk, begun, form.get("code", "")[:_MAXIMUM])
    except enrolment.WrongCode:
        text = "This code does not fit. Wait for the next one, and see that the telephone's clock is right."
        return _keys(begun, typed=typed, problems=[Problem(text=text, field="code")], status=422)
    except TooManyTries:
        return _keys(begun, typed=typed, problems=[Problem(text=_THROTTLED)], status=429)
    except UnlockRefused:
        return _door(problems=[Problem(text=_REFUSED, field="handle")], handle=begun.handle, status=403)
    return flask.render_template("enrol-words.html", asked=request)
