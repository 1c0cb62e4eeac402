"""A person's own second factor: another authenticator app, new recovery codes, and passkeys.

Rules: what changes a second factor asks for the passphrase, because the key file is written again; a secret is on the
one page that answers, and in no log.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Final

import flask
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from fieldreport import limits
from fieldreport.desk import access, authenticator, context, own_key, passkey, presentation
from fieldreport.desk.confirm import Question, asks
from fieldreport.desk.translation import said
from fieldreport.errors import NotFound, TokenError, UnlockRefused, UsageError
from fieldreport.sentence import Sentence
from fieldreport.unseal import totp
from fieldreport.unseal.passkey import Passkey, made
from fieldreport.unseal.staff_key import TOTP_SECRET_BYTES
from fieldreport.vault.staff import second_factor
from fieldreport.web.forms import Problem

blueprint = flask.Blueprint("second_factor", __name__)

_PURPOSE: Final = "authenticator"
_MAXIMUM: Final = 500  # characters of a field
_WRONG_CODE: Final = Problem(
    text=later("This code is wrong. Wait for the next one, and check that your phone's clock is right."), field="code"
)


@access.signed_in
@blueprint.get("/second-factor")
def show() -> ResponseReturnValue:
    """What there is beside the passphrase."""
    return _page()


def _page(*, problems: Sequence[Problem] = (), status: int = 200) -> ResponseReturnValue:
    page = flask.render_template(
        "second-factor.html",
        left=second_factor.recovery_codes_left(context.seat()),
        made=limits.RECOVERY_CODES,
        passkeys=context.seat().staff.passkeys,
        problems=problems,
    )
    return page, status


@access.signed_in
@blueprint.post("/second-factor/codes")
def make_codes() -> ResponseReturnValue:
    """Replace the recovery codes and show the new ones, once."""
    seat = context.seat()
    try:
        with own_key.attempt():
            seat, codes = second_factor.make_recovery_codes(seat, own_key.path(), own_key.typed_passphrase())
    except own_key.REFUSALS as error:
        return _page(problems=[own_key.problem_of(error)], status=own_key.status_of(error))
    desk = context.desk()
    desk.sessions.take_keys(seat)
    # Not a page that a browser can ask for again, so it says itself where to go when the desk locks.
    presentation.reload_after(
        desk.settings.desk.idle_seconds + 1, flask.url_for("sign_in.away", next=flask.url_for(".show"))
    )
    return flask.render_template("recovery-codes.html", codes=codes)


@access.signed_in
@blueprint.get("/second-factor/authenticator")
def show_authenticator() -> ResponseReturnValue:
    """A secret that was just drawn, to be scanned and tried out."""
    return _authenticator_page(secrets.token_bytes(TOTP_SECRET_BYTES))


def _authenticator_page(secret: bytes, *, problems: Sequence[Problem] = (), status: int = 200) -> ResponseReturnValue:
    desk, seat = context.desk(), context.seat()
    page = flask.render_template(
        "authenticator.html",
        qr=authenticator.qr_code(secret, seat.handle, desk.settings.instance.name),
        secret=authenticator.typed_secret(secret),
        remembered=own_key.remember(_PURPOSE, secret=secret.hex()),
        problems=problems,
    )
    return page, status


@access.signed_in
@blueprint.post("/second-factor/authenticator")
def set_authenticator() -> ResponseReturnValue:
    """Put the new secret into force, once the app has shown that it has it."""
    desk, seat, form = context.desk(), context.seat(), flask.request.form
    secret = bytes.fromhex(own_key.remembered(_PURPOSE)["secret"])
    try:
        counter = totp.verify_code(secret, form.get("code", "")[:_MAXIMUM], now=desk.clock(), last_counter=-1)
    except UnlockRefused:
        return _authenticator_page(secret, problems=[_WRONG_CODE], status=422)
    try:
        with own_key.attempt():
            seat = second_factor.replace_authenticator(
                seat, own_key.path(), own_key.typed_passphrase(), secret, counter=counter
            )
    except own_key.REFUSALS as error:
        return _authenticator_page(secret, problems=[own_key.problem_of(error)], status=own_key.status_of(error))
    desk.sessions.take_keys(seat)
    context.say(_("From now on the codes of the new app count, and no others."))
    return flask.redirect(flask.url_for(".show"), code=303)


@access.signed_in
@blueprint.get("/second-factor/passkeys")
def show_passkey() -> ResponseReturnValue:
    """Where a browser is asked to make a passkey."""
    return _passkey_page()


def _passkey_page(*, name: str = "", problems: Sequence[Problem] = (), status: int = 200) -> ResponseReturnValue:
    staff = context.seat().staff
    page = flask.render_template(
        "passkey.html",
        question=passkey.to_make(staff.handle, staff.passkeys),
        host=passkey.host(),
        name=name,
        longest=limits.PASSKEY_NAME_CHARACTERS,
        problems=problems,
    )
    return page, status


@access.signed_in
@blueprint.post("/second-factor/passkeys")
def add_passkey() -> ResponseReturnValue:
    """Keep the passkey that the browser has made."""
    seat, form = context.seat(), flask.request.form
    name = " ".join(form.get("name", "")[:_MAXIMUM].split())
    try:
        page = passkey.page_of(form.get("challenge", ""), handle=seat.handle)
        new = made(form.get("passkey", ""), page, name=name)
        with own_key.attempt():
            seat = second_factor.add_passkey(seat, own_key.path(), own_key.typed_passphrase(), new)
    except own_key.REFUSALS as error:
        problem, status = own_key.problem_of(error), own_key.status_of(error)
        return _passkey_page(name=name, problems=[problem], status=status)
    except (UsageError, TokenError) as error:
        words = _("Not added: %(reason)s.", reason=said(error.text))
        return _passkey_page(name=name, problems=[Problem(text=words, field="name")], status=422)
    context.desk().sessions.take_keys(seat)
    context.say(_("The passkey %(name)s lets you in from now on, beside the app.", name=name))
    return flask.redirect(flask.url_for(".show"), code=303)


def _ask_remove_passkey(passkey_id: str) -> Question:
    which = _passkey(passkey_id)
    return Question(
        title=_("Remove the passkey %(name)s?", name=which.name),
        will_happen=(
            _("At once: it does not let you in any more."),
            _("Delete it in the authenticator, too: that does not happen by itself."),
        ),
        button=_("Remove this passkey"),
        back=flask.url_for(".show"),
    )


@access.signed_in
@blueprint.route("/second-factor/passkeys/<passkey_id>", methods=["GET", "POST"])
@asks(_ask_remove_passkey)
def remove_passkey(passkey_id: str) -> ResponseReturnValue:
    """Remove one."""
    which = _passkey(passkey_id)
    with own_key.attempt():
        seat = second_factor.remove_passkey(context.seat(), own_key.path(), own_key.typed_passphrase(), which.id)
    context.desk().sessions.take_keys(seat)
    context.say(_("The passkey %(name)s is removed.", name=which.name))
    return flask.redirect(flask.url_for(".show"), code=303)


def _passkey(passkey_id: str) -> Passkey:
    for each in context.seat().staff.passkeys:
        if each.id == passkey_id:
            return each
    raise NotFound(Sentence("You have no such passkey."))
