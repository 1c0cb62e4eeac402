"""Signing in, forms that arrived after the auto-lock, and locking."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import flask
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later
from flask_babel import ngettext

from fieldreport import limits
from fieldreport.desk import access, context, error_pages, held_forms, passkey, presentation, request_guards, unsaved
from fieldreport.desk.rewrap import start_if_needed
from fieldreport.desk.sessions import Session
from fieldreport.desk.sign_in import ClockOff, PasskeyAnswer
from fieldreport.desk.turns import TooManyTries
from fieldreport.errors import FieldreportError, TokenError, UnlockRefused
from fieldreport.seal import Role
from fieldreport.vault.archive.audit import Act
from fieldreport.web.forms import Problem

blueprint = flask.Blueprint("sign_in", __name__)

_REFUSED: Final = later(
    "Handle, passphrase or code did not match. For safety, we do not say which. A key file that is bound to a passkey "
    "opens with that or with a recovery code, and with no code of the app."
)
_MAXIMUM: Final = 500  # characters of a field; a passphrase has sixty


@access.signed_in
@blueprint.get("/")
def front() -> ResponseReturnValue:
    """Redirect to the first page of the person's role."""
    home = "staff.show" if context.session().role is Role.ADMIN else "inbox.show"
    return flask.redirect(flask.url_for(home), code=303)


@access.public
@blueprint.get("/sign-in")
def show() -> ResponseReturnValue:
    """The sign-in page; somebody who is signed in is sent on."""
    next_path = presentation.own_path(flask.request.args.get("next", "/"))
    if context.session_or_none() is not None:
        return flask.redirect(next_path, code=303)
    arguments = flask.request.args
    return page(next_path=next_path, locked="locked" in arguments, cookie_lost="cookie" in arguments)


@access.public
@blueprint.get("/away")
def away() -> ResponseReturnValue:
    """Where an idle page goes: a blank page, also if the person is still active in another window."""
    next_path = presentation.own_path(flask.request.args.get("next", "/"))
    if context.session_or_none() is None:
        return flask.redirect(flask.url_for(".show", next=next_path, locked=1), code=303)
    presentation.stay_on_screen()  # this page shows nothing that must be hidden
    return flask.render_template("away.html", next=next_path)


def page(
    *,
    held_form: Sequence[str] = (),
    lost_form: Mapping[str, str] | None = None,
    problems: Sequence[Problem] = (),
    handle: str = "",
    next_path: str = "/",
    locked: bool = False,
    cookie_lost: bool = False,
    ticket: str = "",
    status: int = 200,
) -> ResponseReturnValue:
    """The sign-in page.

    ``held_form`` is offered again after unlocking, ``lost_form`` can only be copied; ``ticket`` is for coming back.
    """
    desk = context.desk()
    ended = desk.sessions.ended(flask.request.cookies.get(desk.cookie_name, ""))
    lost = error_pages.written(lost_form) if lost_form and not held_form else {}
    text = flask.render_template(
        "sign-in.html",
        held=held_form,
        lost=lost,
        problems=problems,
        handle=handle,
        next=next_path,
        locked=locked,
        cookie_lost=cookie_lost,
        key_replaced=ended is not None and ended.key_replaced,
        ticket=ticket,
        passkey=passkey.to_use(),
    )
    return text, status


@access.public
@blueprint.post("/sign-in")
def submit() -> ResponseReturnValue:
    """Unlock. Every mismatch gets the same answer."""
    desk, form = context.desk(), flask.request.form
    untrusted_handle = form.get("handle", "")[:_MAXIMUM].strip()
    next_path = presentation.own_path(form.get("next", "/"))
    untrusted_held = form.getlist("held")
    try:
        admitted = desk.sign_in.admit(
            untrusted_handle,
            form.get("passphrase", "")[:_MAXIMUM],
            form.get("code", "")[:_MAXIMUM],
            untrusted_passkey=_passkey_answer(),
            untrusted_device=flask.request.cookies.get(desk.device_cookie_name, ""),
            untrusted_ticket=form.get("ticket", ""),
        )
    except (UnlockRefused, TooManyTries, TokenError) as error:
        ticket = error.ticket if isinstance(error, TooManyTries) else ""
        response = flask.make_response(
            page(
                held_form=untrusted_held,
                problems=[_problem_of(error)],
                handle=untrusted_handle,
                next_path=next_path,
                ticket=ticket,
                status=429 if ticket else 403,
            )
        )
        if isinstance(error, TooManyTries):
            response.headers["Retry-After"] = str(error.seconds)
        return response
    former = flask.request.cookies.get(desk.cookie_name, "")
    desk.sessions.end(former)
    cookie, session = desk.sessions.begin(
        handle=admitted.seat.handle, role=admitted.seat.role, seat=admitted.seat, after=former
    )
    flask.g.desk_session = session
    if admitted.seat.staff.part is not None:
        desk.sessions.take_keys(admitted.seat)  # a recovery code was used up: the part of the other windows is old
    session.notices.extend(admitted.notices)
    if session.role is Role.EDITOR:
        start_if_needed()
    else:
        session.notices.extend(context.standing().reminders())
    response = flask.make_response(_after(session, untrusted_held, next_path))
    presentation.keep_cookie(response, desk.cookie_name, cookie)
    presentation.keep_cookie(response, desk.device_cookie_name, admitted.device, seconds=limits.DEVICE_DAYS * 24 * 3600)
    return response


def _passkey_answer() -> PasskeyAnswer | None:
    """The answer of a passkey, if there is one. Raises ``TokenError`` before anything is tried: as ``page_of``."""
    form = flask.request.form
    if not form.get("passkey"):
        return None
    return PasskeyAnswer(answer=form["passkey"], page=passkey.page_of(form.get("challenge", "")))


def _problem_of(error: UnlockRefused | TooManyTries | TokenError) -> Problem:
    if isinstance(error, TokenError):
        return Problem(text=_("This page was open for too long to ask for a passkey. Try again on this one."))
    if isinstance(error, TooManyTries):
        return Problem(
            text=ngettext(
                "Others are trying passphrases. Try again in a second, on this page: it keeps your place.",
                "Others are trying passphrases. Try again in %(num)s seconds, on this page: it keeps your place.",
                error.seconds,
            )
        )
    if isinstance(error, ClockOff):
        return Problem(text=_clock_off(error.minutes), field="code")
    return Problem(text=_REFUSED, field="handle")


def _clock_off(minutes: int) -> str:
    """What to say to somebody whose clock is so many minutes ahead of ours."""
    off = (
        ngettext(
            "The passphrase is right, but the code is from a clock that is %(num)s minute ahead of this machine's.",
            "The passphrase is right, but the code is from a clock that is %(num)s minutes ahead of this machine's.",
            minutes,
        )
        if minutes > 0
        else ngettext(
            "The passphrase is right, but the code is from a clock that is %(num)s minute behind this machine's.",
            "The passphrase is right, but the code is from a clock that is %(num)s minutes behind this machine's.",
            -minutes,
        )
    )
    what = _("Set the clock of your phone, or have this machine's set, and wait for the next code.")
    return f"{off} {what}"


def _after(session: Session, untrusted_held: Sequence[str], next_path: str) -> ResponseReturnValue:
    if not untrusted_held:
        return flask.redirect(next_path, code=303)
    desk = context.desk()
    try:
        form = held_forms.open_form(desk.token_key, untrusted_held, now=desk.clock())
    except FieldreportError:
        context.say(_("The form you had sent could not be opened again."))
        return flask.redirect("/", code=303)
    if form.handle != session.handle:
        return flask.redirect("/", code=303)
    presentation.stay_on_screen()
    return flask.render_template("held-form.html", path=form.path, fields=form.fields, label=error_pages.label)


@access.signed_in
@blueprint.post("/lock")
def lock() -> ResponseReturnValue:
    """Forget the unlocked keys of this session."""
    desk = context.desk()
    not_stored = flask.g.get("desk_not_kept") or unsaved.is_there()
    context.seat().record(Act.LOCKED)
    desk.sessions.end(flask.request.cookies.get(desk.cookie_name, ""))
    flask.g.desk_session = None
    # The cookie stays: it opens nothing now, and tells whose form it is that another window sends after the lock.
    if not_stored:
        response = flask.make_response(page(held_form=request_guards.hold_form(flask.request), locked=True))
    else:
        response = flask.make_response(flask.redirect(flask.url_for("sign_in.show", locked=1), code=303))
    response.headers["Clear-Site-Data"] = '"cache"'
    return response
