"""Dangerous acts: the page that says what will happen and asks for the passphrase, one for all of them.

A view under ``@asks(question)`` runs only when its form came with the passphrase of who asks. Everything else that
reaches its address, a link or a button of another page, is answered with the question, and the fields of a form come
with it.

Rules: a wrong passphrase counts and waits as at sign-in; it never comes back in a page. An act that cannot be done says
why instead of asking.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Final

import flask
from flask.typing import ResponseReturnValue
from flask_babel import lazy_gettext as later
from flask_babel import ngettext

from fieldreport.desk import own_key
from fieldreport.desk.turns import TooManyTries
from fieldreport.errors import UnlockRefused
from fieldreport.web import csrf
from fieldreport.web.forms import Problem

_REFUSED: Final = later("This is not the passphrase of your key. Nothing was done.")
View = Callable[..., ResponseReturnValue]


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """What is asked before an act.

    ``will_happen``: a sentence each. ``spoken``: what to compare, by its name, in words that a person reads aloud;
    ``digits``: the same in digits. ``fields`` are sent with the form, over what came with it. ``button`` says what it
    does; ``back`` is where one leads who does not want to. ``refusal``: why it cannot be done; then nothing is asked.
    ``other``: another button beside it, its address and fields.
    """

    title: str
    will_happen: tuple[str, ...]
    button: str
    back: str
    spoken: Mapping[str, str] = field(default_factory=dict)
    digits: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    refusal: str = ""
    other: tuple[str, str, Mapping[str, str]] | None = None
    danger: bool = True


def asks(question: Callable[..., Question]) -> Callable[[View], View]:
    """Let a view run only with the passphrase.

    ``question`` is given the view's arguments, and is asked for only when there is a page to show: an act that was cut
    off in between can be repeated from the page before.
    """

    def guard(view: View) -> View:
        @wraps(view)
        def guarded(**arguments: Any) -> ResponseReturnValue:
            if flask.request.method != "POST" or own_key.FIELD not in flask.request.form:
                return _page(question(**arguments))
            try:
                own_key.check_passphrase()
            except UnlockRefused:
                return _page(question(**arguments), problem=_REFUSED, status=403)
            except TooManyTries as error:
                words = ngettext(
                    "Too many tries. Nothing was done; try again in %(num)s second.",
                    "Too many tries. Nothing was done; try again in %(num)s seconds.",
                    error.seconds,
                )
                return _page(question(**arguments), problem=words, status=429)
            return view(**arguments)

        return guarded

    return guard


def _page(asked: Question, *, problem: str = "", status: int = 200) -> ResponseReturnValue:
    # Of a form only: a link that somebody else wrote fills in nothing.
    fields = {name: text for name, text in flask.request.form.items() if name not in {own_key.FIELD, csrf.FIELD}}
    page = flask.render_template(
        "confirm.html",
        asked=asked,
        fields={**fields, **asked.fields},
        action=flask.request.path,
        problems=(Problem(text=problem, field=own_key.FIELD),) if problem else (),
    )
    return page, status
