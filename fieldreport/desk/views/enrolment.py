"""Enrolling: the person makes their keys with an invitation; the admin invites, compares words and approves.

Rules: an invitation's code is on the one page that answers the order, and nowhere else; nobody is approved before their
words were compared on the page before.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import flask
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fieldreport import limits
from fieldreport.desk import access, authenticator, context, enrolment, presentation
from fieldreport.desk.confirm import Question, asks
from fieldreport.desk.translation import said
from fieldreport.desk.turns import TooManyTries
from fieldreport.errors import NotFound, SealError, UnlockRefused, UsageError
from fieldreport.seal import fingerprint_words, fold_handle
from fieldreport.sentence import Sentence
from fieldreport.vault.staff import enrolment as vault_enrolment
from fieldreport.web.forms import Problem

blueprint = flask.Blueprint("enrolment", __name__)

_MAXIMUM: Final = 500  # characters of a field; an invitation has sixty


@access.public
@blueprint.get("/enrol")
def show() -> ResponseReturnValue:
    """Where the invitation is typed."""
    return _invitation_page()


def _invitation_page(*, problems: Sequence[Problem] = (), handle: str = "", status: int = 200) -> ResponseReturnValue:
    return flask.render_template("enrolment.html", problems=problems, handle=handle), status


@access.public
@blueprint.post("/enrol")
def begin() -> ResponseReturnValue:
    """Make the keys, and show once what only their owner may have."""
    form = flask.request.form
    untrusted_handle = form.get("handle", "")[:_MAXIMUM].strip()
    try:
        started = enrolment.begin(context.desk(), untrusted_handle, form.get("invitation", "")[:_MAXIMUM])
    except UnlockRefused:
        return _invitation_page(problems=[_refused()], handle=untrusted_handle, status=403)
    except TooManyTries as error:
        return _invitation_page(problems=[_throttled(error)], handle=untrusted_handle, status=429)
    return _keys_page(started)


def _refused() -> Problem:
    text = _("Handle and invitation do not match, or the invitation has expired. Ask the admin for a new one.")
    return Problem(text=text, field="handle")


def _throttled(error: TooManyTries) -> Problem:
    text = _(
        "This is being done in another window, or many people are. Try again in %(seconds)s seconds.",
        seconds=error.seconds,
    )
    return Problem(text=text)


def _keys_page(
    started: enrolment.StartedEnrolment, *, typed: str = "", problems: Sequence[Problem] = (), status: int = 200
) -> ResponseReturnValue:
    desk = context.desk()
    page = flask.render_template(
        "enrolment-keys.html",
        started=started,
        typed=typed,
        remembered=started.seal(desk),
        qr=authenticator.qr_code(started.totp, started.handle, desk.settings.instance.name),
        secret=authenticator.typed_secret(started.totp),
        problems=problems,
    )
    return page, status


@access.public
@blueprint.post("/enrol/keys")
def finish() -> ResponseReturnValue:
    """Check the practised passphrase and code, then show the words to read to the admin."""
    desk, form = context.desk(), flask.request.form
    started = enrolment.StartedEnrolment.open(desk, form.get("remembered", ""))
    typed = form.get("passphrase", "")[:_MAXIMUM]
    if not enrolment.is_same_passphrase(started, typed):
        problem = Problem(text=_("This is not the passphrase above. Copy it from your paper."), field="passphrase")
        return _keys_page(started, typed=typed, problems=[problem], status=422)
    try:
        request = enrolment.finish(desk, started, form.get("code", "")[:_MAXIMUM])
    except enrolment.WrongCode:
        text = _("This code is wrong. Wait for the next one, and check that your phone's clock is right.")
        return _keys_page(started, typed=typed, problems=[Problem(text=text, field="code")], status=422)
    except TooManyTries as error:
        return _keys_page(started, typed=typed, problems=[_throttled(error)], status=429)
    except UnlockRefused:
        return _invitation_page(problems=[_refused()], handle=started.handle, status=403)
    return flask.render_template("enrolment-words.html", asked=request)


@access.admin
@blueprint.post("/staff/invite")
def invite() -> ResponseReturnValue:
    """Invite somebody and show the code."""
    handle = fold_handle(flask.request.form.get("handle", ""))
    code = vault_enrolment.invite(context.seat(), handle)
    return flask.render_template("enrolment-invite.html", handle=handle, code=code, hours=limits.INVITATION_HOURS)


@access.admin
@blueprint.post("/staff/take-back")
def revoke_invitation() -> ResponseReturnValue:
    """Revoke an invitation, or reject a request that waits."""
    handle = flask.request.form.get("handle", "")
    vault_enrolment.reject(context.seat(), handle)
    context.say(_("Revoked: that handle can neither enrol nor be approved. Invite again if that was a mistake."))
    return flask.redirect(flask.url_for("staff.show"), code=303)


def _ask_approve(handle: str) -> Question:
    """The words to compare on the phone; or why there is nothing to approve."""
    request, refusal = vault_enrolment.request_of(context.desk().vault, handle), ""
    try:
        vault_enrolment.check(context.seat(), request)
    except (SealError, UsageError) as error:
        refusal = _(
            "%(reason)s. Reject it; then %(handle)s can be invited again.", reason=said(error.detail), handle=handle
        )
    return Question(
        title=_("Approve %(handle)s?", handle=handle),
        will_happen=(
            _(
                "Nothing proves yet that these keys are %(handle)s’s: anybody who had the invitation could have made"
                " them. Ask %(handle)s, in person or by phone, to read you the words on their page, and compare every"
                " word. You must know their voice. Do not read them out yourself.",
                handle=handle,
            ),
            _(
                "Approving signs and publishes a new roster: from that moment %(handle)s can read every new letter, and"
                " earlier ones after another editor has unlocked.",
                handle=handle,
            ),
        ),
        spoken={} if refusal else {_("In words"): fingerprint_words(request.fingerprint)},
        digits={}
        if refusal
        else {
            _("Fingerprint"): presentation.grouped(request.fingerprint),
            _("Approve before"): f"{request.expires:%Y-%m-%d}",
        },
        fields={"fingerprint": flask.request.form.get("fingerprint", request.fingerprint)},
        button=_("The words are the same: approve"),
        back=flask.url_for("staff.show"),
        refusal=refusal,
        other=(
            flask.url_for(".revoke_invitation"),
            _("Reject") if refusal else _("They differ: reject"),
            {"handle": handle},
        ),
        danger=False,
    )


@access.admin
@blueprint.route("/staff/waiting/<handle>", methods=["GET", "POST"])
@asks(_ask_approve)
def approve(handle: str) -> ResponseReturnValue:
    """Publish a roster that names them."""
    desk = context.desk()
    request = vault_enrolment.request_of(desk.vault, handle)
    if not (desk.settings.desk.keyfiles / f"{request.handle}.key").is_file():
        raise NotFound(Sentence("Their key file is not on the desk. Invite them again."))
    compared = flask.request.form.get("fingerprint", "")
    try:
        roster = vault_enrolment.approve(context.seat(), request, compared, desk.mailbox)
    except SealError as error:
        raise UsageError(
            error.detail
        ) from None  # for example expired: the admin can act on it, and it is no fault of ours
    context.say(
        _(
            "Roster %(number)s is in force. %(handle)s can sign in now, and reads earlier letters as soon as another"
            " editor is unlocked.",
            number=roster.epoch,
            handle=handle,
        )
    )
    return flask.redirect(flask.url_for("staff.show"), code=303)
