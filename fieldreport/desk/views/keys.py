"""The editor's own key: its fingerprint, how far its rotation is, and what still has to be re-wrapped."""

from __future__ import annotations

import flask
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fieldreport import limits
from fieldreport.desk import access, context, own_key, presentation, time_zone
from fieldreport.desk.rewrap import start
from fieldreport.errors import RosterError, SealError, UsageError
from fieldreport.seal import Entry, Role
from fieldreport.sentence import Sentence
from fieldreport.vault.archive import rewrap
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.tables import RotationState
from fieldreport.vault.keys import rotation, rotation_at_unlock
from fieldreport.vault.staff import second_factor
from fieldreport.web.forms import Problem

blueprint = flask.Blueprint("keys", __name__)

_RELOAD_SECONDS = 2


@access.signed_in
@blueprint.get("/keys")
def show() -> ResponseReturnValue:
    """The key, its rotation, and what is left to do."""
    return _page()


def _page(*, problems: tuple[Problem, ...] = (), status: int = 200) -> ResponseReturnValue:
    seat, session = context.seat(), context.session()
    pending, roster_problem = 0, ""
    if session.role is Role.EDITOR:
        try:
            pending = rewrap.pending(seat)
        except (RosterError, SealError) as error:
            roster_problem = error.text
    page = flask.render_template(
        "keys.html",
        entry=_entry(),
        order=rotation.own(seat),
        steps=RotationState,
        pending=pending,
        codes_left=second_factor.recovery_codes_left(seat),
        roster_problem=roster_problem,
        job=None if session.rewrap.job is None else session.rewrap.job.progress,
        problems=problems,
        zones=[("", "UTC"), *((name, name) for name in time_zone.names())],
        zone=time_zone.chosen(),
    )
    return page, status


@access.signed_in
@blueprint.post("/keys/zone")
def zone() -> ResponseReturnValue:
    """Show hours in another time zone, in this browser."""
    desk, name = context.desk(), flask.request.form.get("zone", "")
    if name and name not in time_zone.names():
        raise UsageError(Sentence("There is no such time zone."))
    context.say(_("This browser shows hours in %(zone)s now.", zone=name or "UTC"))
    response = flask.make_response(flask.redirect(flask.url_for(".show"), code=303))
    presentation.keep_cookie(response, desk.zone_cookie_name, name, seconds=limits.DEVICE_DAYS * 24 * 3600)
    return response


def _entry() -> Entry:
    """The key that letters are sealed to now; one that waits for approval is shown with the rotation."""
    desk = context.desk()
    return desk.rosters.newest().entry(context.session().handle)


@access.editor
@blueprint.post("/keys/rewrap")
def begin() -> ResponseReturnValue:
    """Start re-wrapping in the background, or continue it."""
    start(rewrap.pending(context.seat()))
    return flask.redirect(flask.url_for(".progress"), code=303)


@access.editor
@blueprint.get("/keys/progress")
def progress() -> ResponseReturnValue:
    """How far re-wrapping is. The page reloads itself until it is done; ``?still`` stops that."""
    job = context.session().rewrap.job
    if job is None:
        return flask.redirect(flask.url_for(".show"), code=303)
    now, still = job.progress, "still" in flask.request.args
    if now.running and not still:
        presentation.reload_after(_RELOAD_SECONDS)
    return flask.render_template("rewrap.html", job=now, still=still)


@access.editor
@blueprint.post("/keys/destroy")
def destroy() -> ResponseReturnValue:
    """Destroy the old key now rather than at the next unlock; the key file needs the passphrase to be written."""
    seat, mailbox = context.seat(), context.desk().mailbox
    try:
        with own_key.attempt():
            passphrase = own_key.typed_passphrase()
            context.session().seat = rotation_at_unlock.destroy_old(seat, own_key.path(), passphrase, mailbox)
    except own_key.REFUSALS as error:
        return _page(problems=(own_key.problem_of(error),), status=own_key.status_of(error))
    context.say(_("The old key is destroyed. The audit log has an entry for it."))
    return flask.redirect(flask.url_for(".show"), code=303)


@access.signed_in
@blueprint.post("/keys/forget-devices")
def forget_devices() -> ResponseReturnValue:
    """Forget every device on which this person signed in, such as one that was lost."""
    context.seat().record(Act.DEVICES_FORGOTTEN)
    context.desk().sign_in.devices.forget(context.seat().handle)
    context.say(_("Your devices are forgotten. Each is remembered again when you sign in on it."))
    return flask.redirect(flask.url_for(".show"), code=303)
