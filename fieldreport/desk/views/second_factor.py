"""A person's own second factor: another authenticator app, new recovery codes, passkeys, and what is bound to them.

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
from fieldreport.desk.sign_in import PasskeyAnswer
from fieldreport.desk.translation import said
from fieldreport.desk.turns import TooManyTries
from fieldreport.errors import NotFound, TokenError, UnlockRefused, UsageError
from fieldreport.sentence import Sentence
from fieldreport.unseal import totp
from fieldreport.unseal.passkey import Passkey, made
from fieldreport.unseal.passkey import opener as opener_of
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
    staff = context.seat().staff
    page = flask.render_template(
        "second-factor.html",
        left=second_factor.recovery_codes_left(context.seat()),
        made=limits.RECOVERY_CODES,
        passkeys=staff.passkeys,
        holders={each.name for each in staff.holders},
        bound=staff.is_bound_to_passkeys,
        can_bind=bool(_can_hold()),
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
    context.desk().sessions.take_keys(seat)
    return _codes_page(codes)


def _codes_page(codes: Sequence[str]) -> ResponseReturnValue:
    desk = context.desk()
    # Not a page that a browser can ask for again, so it says itself where to go when the desk locks.
    presentation.reload_after(
        desk.settings.desk.idle_seconds + 1, flask.url_for("sign_in.away", next=flask.url_for(".show"))
    )
    bound = context.seat().staff.is_bound_to_passkeys
    return flask.render_template("recovery-codes.html", codes=codes, bound=bound)


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
    if seat.staff.is_bound_to_passkeys:
        context.say(
            _("The passkey %(name)s is kept. It does not open your key file until that is bound to it.", name=name)
        )
    else:
        context.say(_("The passkey %(name)s lets you in from now on, beside the app.", name=name))
    return flask.redirect(flask.url_for(".show"), code=303)


def _can_hold() -> list[Passkey]:
    """The passkeys that the key file can be bound to here and is not."""
    staff, here = context.seat().staff, passkey.host()
    held = {each.name for each in staff.holders}
    return [each for each in staff.passkeys if each.prf and each.host == here and each.id not in held]


@access.signed_in
@blueprint.get("/second-factor/key-file")
def show_binding() -> ResponseReturnValue:
    """What binding the key file to a passkey does, and where the browser is asked for one."""
    return _binding_page()


def _binding_page(*, problems: Sequence[Problem] = (), status: int = 200) -> ResponseReturnValue:
    staff, usable = context.seat().staff, _can_hold()
    page = flask.render_template(
        "key-file.html",
        question=passkey.to_bind(staff.handle, usable) if usable else None,
        bound=staff.is_bound_to_passkeys,
        usable=usable,
        problems=problems,
    )
    return page, status


@access.signed_in
@blueprint.post("/second-factor/key-file")
def bind() -> ResponseReturnValue:
    """Bind the key file to the passkey that answered, and show the recovery codes that this makes, once."""
    desk, seat, form = context.desk(), context.seat(), flask.request.form
    try:
        page = passkey.page_of(form.get("challenge", ""), handle=seat.handle)
        answer = form.get("passkey", "")
        opener = opener_of(answer)
        if opener is None:
            words = _("This passkey did not answer with what a key file can be bound to. Nothing was changed.")
            return _binding_page(problems=[Problem(text=words, field=own_key.FIELD)], status=422)
        with own_key.attempt():
            which, counter = desk.sign_in.check_passkey(seat.staff, PasskeyAnswer(answer=answer, page=page))
            seat, codes = second_factor.bind(
                seat, own_key.path(), own_key.typed_passphrase(), opener, passkey=which, counter=counter
            )
    except TooManyTries as error:
        return _binding_page(problems=[own_key.problem_of(error)], status=own_key.status_of(error))
    except UnlockRefused as error:
        words = _("The passphrase or the passkey did not match. Nothing was changed.")
        return _binding_page(problems=[Problem(text=words, field=own_key.FIELD)], status=own_key.status_of(error))
    except (UsageError, TokenError) as error:
        words = _("Nothing was changed: %(reason)s.", reason=said(error.text))
        return _binding_page(problems=[Problem(text=words, field=own_key.FIELD)], status=422)
    desk.sessions.take_keys(seat)
    if codes:
        return _codes_page(codes)
    context.say(_("Your key file opens with the passkey %(name)s, too.", name=which.name))
    return flask.redirect(flask.url_for(".show"), code=303)


def _ask_unbind() -> Question:
    if not context.seat().staff.is_bound_to_passkeys:
        raise NotFound(Sentence("Your key file is not bound to a passkey."))
    return Question(
        title=_("End the binding of your key file?"),
        will_happen=(
            _("At once: the passphrase opens it with the app's code, a recovery code or any of your passkeys."),
            _("Who takes this machine's disk and knows your passphrase opens your key then."),
            _("Your recovery codes stay valid. Without the app, set it up again first."),
        ),
        button=_("End the binding"),
        back=flask.url_for(".show"),
    )


@access.signed_in
@blueprint.route("/second-factor/key-file/unbind", methods=["GET", "POST"])
@asks(_ask_unbind)
def unbind() -> ResponseReturnValue:
    """Write the key file so that no passkey is needed to open it."""
    with own_key.attempt():
        seat = second_factor.unbind(context.seat(), own_key.path(), own_key.typed_passphrase())
    context.desk().sessions.take_keys(seat)
    context.say(_("Your key file is not bound to a passkey any more."))
    return flask.redirect(flask.url_for(".show"), code=303)


def _ask_remove_passkey(passkey_id: str) -> Question:
    which, staff = _passkey(passkey_id), context.seat().staff
    after = staff.without_passkey(which.id)
    of_key_file: tuple[str, ...] = ()
    if which.id in {each.name for each in staff.holders}:
        of_key_file = (
            _("Your key file gets a new secret, which this passkey does not open."),
            _(
                "A copy of the key file and of the machine's secrets from before still opens with this passkey and "
                "your passphrase. If both may be in other hands, have the admin replace your key, too."
            ),
        )
        if not after.is_bound_to_passkeys:
            of_key_file += (
                _("It is the last one that your key file is bound to: after that, the app's code opens it again."),
            )
    return Question(
        title=_("Remove the passkey %(name)s?", name=which.name),
        will_happen=(
            _("At once: it does not let you in any more."),
            *of_key_file,
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
