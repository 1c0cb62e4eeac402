"""The signed-in person's own key file: for what asks for the passphrase again.

Rules: a passphrase is tried in turn with everybody's, and counted under a name that strangers do not reach.
"""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Final, Literal

import flask
from flask_babel import gettext as _
from flask_babel import ngettext

from fieldreport import limits
from fieldreport.desk import context
from fieldreport.desk.turns import TooManyTries
from fieldreport.errors import NotAllowed, UnlockRefused
from fieldreport.sentence import Sentence
from fieldreport.unseal import key_file
from fieldreport.web.forms import Problem

FIELD: Final = "passphrase"
REFUSALS: Final = (UnlockRefused, TooManyTries)
"""What ``attempt`` and ``check_passphrase`` raise; ``problem_of`` makes a line of it, ``status_of`` a status."""
_MAXIMUM: Final = 500  # characters of a field


def path() -> Path:
    """Where it lies."""
    return context.desk().settings.desk.keyfiles / f"{context.seat().handle}.key"


def typed_passphrase() -> str:
    """What was typed in the form's field for it."""
    return flask.request.form.get(FIELD, "")[:_MAXIMUM]


def attempt() -> AbstractContextManager[None]:
    """Where one passphrase is tried; raises as ``SignIn.attempt``."""
    return context.desk().sign_in.attempt(f"key of {context.seat().handle}")


def check_passphrase() -> Literal[True]:
    """Check that the form's passphrase opens the key file.

    Raises:
        UnlockRefused: it does not. TooManyTries: not looked at. KeyFileDamaged, Conflict: as ``unlock``.
    """
    with attempt():
        staff = context.seat().staff
        key_file.unlock(path(), typed_passphrase(), handle=staff.handle, opener=staff.part)
    return True


def remember(purpose: str, **drawn: str) -> str:
    """Seal what was just drawn for this person into a token, for the field ``remembered`` of the form that tries it."""
    desk = context.desk()
    return desk.token_key.seal(purpose, {"handle": context.seat().handle, **drawn}, now=desk.clock())


def remembered(purpose: str) -> Mapping[str, str]:
    """What ``remember`` has sealed, from the form.

    Raises:
        TokenError: it is not ours, not for this, or too old. NotAllowed: it was drawn for somebody else.
    """
    desk, untrusted = context.desk(), flask.request.form.get("remembered", "")
    state = desk.token_key.open(untrusted, purpose, now=desk.clock(), max_age_seconds=limits.DESK_SESSION_SECONDS)
    if state["handle"] != context.seat().handle:
        raise NotAllowed(Sentence("This page was made for somebody else."))
    return state


def problem_of(error: UnlockRefused | TooManyTries) -> Problem:
    """What to say beside the field."""
    if isinstance(error, TooManyTries):
        words = ngettext(
            "Too many tries. Try again in %(num)s second.",
            "Too many tries. Try again in %(num)s seconds.",
            error.seconds,
        )
        return Problem(text=words, field=FIELD)
    return Problem(text=_("This is not the passphrase of your key."), field=FIELD)


def status_of(error: UnlockRefused | TooManyTries) -> int:
    """The status of the page that says so."""
    return 429 if isinstance(error, TooManyTries) else 403
