"""For the admin: inviting people, comparing words with those who wait, and taking people out again.

Rules: an invitation's code is on the one page that answers the order, and nowhere else; nobody is approved whose words
were not compared on the page before; who is removed is locked out in the same moment.
"""

from __future__ import annotations

import flask
from flask.typing import ResponseReturnValue

from fieldreport import limits
from fieldreport.desk import access, context
from fieldreport.errors import NotFound, SealError, UsageError
from fieldreport.seal.roster_directory import Entry, KeyState, Role
from fieldreport.vault.staff import enrolment, roster_changes

pages = flask.Blueprint("enrolments", __name__)


@access.admin
@pages.post("/staff/invite")
def invite() -> ResponseReturnValue:
    """Invite somebody and show the code."""
    handle = flask.request.form.get("handle", "").strip()
    code = enrolment.invite(context.seat(), handle)
    return flask.render_template("invitation.html", handle=handle, code=code, hours=limits.INVITATION_HOURS)


@access.admin
@pages.post("/staff/take-back")
def take_back() -> ResponseReturnValue:
    """Make an invitation worthless, or turn away somebody who waits."""
    handle = flask.request.form.get("handle", "")
    enrolment.take_back(context.seat(), handle)
    context.say("Done: nobody can enrol or be approved under that handle now. Invite again if that was a mistake.")
    return flask.redirect(flask.url_for("staff.show"), code=303)


@access.admin
@pages.get("/staff/waiting/<handle>")
def ask_approve(handle: str) -> ResponseReturnValue:
    """The words to be compared with the person's voice, then the button; or why there is none."""
    desk, refusal = context.desk(), ""
    request = enrolment.request_of(desk.vault, handle)
    try:
        enrolment.check(context.seat(), request, now=desk.clock())
    except (SealError, UsageError) as error:
        refusal = error.detail
    return flask.render_template("enrolment.html", asked=request, refusal=refusal)


@access.admin
@pages.post("/staff/waiting/<handle>")
def approve(handle: str) -> ResponseReturnValue:
    """Publish a roster that names them."""
    desk = context.desk()
    request = enrolment.request_of(desk.vault, handle)
    if not (desk.settings.desk.keyfiles / f"{request.handle}.key").is_file():
        raise NotFound("Their key file is not on the desk. Invite them again.")
    compared = flask.request.form.get("fingerprint", "")
    try:
        roster = enrolment.approve(context.seat(), request, compared, desk.mailbox, now=desk.clock())
    except SealError as error:
        raise UsageError(error.detail) from None  # it ran out, say: the admin's to know, and no fault of ours
    context.say(
        f"Roster {roster.epoch} is in force. {handle} can sign in now, and reads earlier letters after the next unlock"
        " of another editor."
    )
    return flask.redirect(flask.url_for("staff.show"), code=303)


@access.admin
@pages.get("/staff/remove/<handle>")
def ask_remove(handle: str) -> ResponseReturnValue:
    """What removing does and what it cannot do, then the button."""
    return flask.render_template("remove.html", entry=_removable(handle))


@access.admin
@pages.post("/staff/remove/<handle>")
def remove(handle: str) -> ResponseReturnValue:
    """Out of the roster, and out of this desk."""
    desk = context.desk()
    roster = roster_changes.revoke(
        context.seat(), _removable(handle).handle, desk.rosters, desk.mailbox, now=desk.clock()
    )
    locked = desk.sessions.end_where(lambda session: session.handle == handle)
    context.say(
        f"Roster {roster.epoch} is in force without {handle}. {locked} of their sessions"
        f" {'was' if locked == 1 else 'were'} locked. Headers are rebuilt without their keys at the next unlock."
    )
    return flask.redirect(flask.url_for("staff.show"), code=303)


def _removable(handle: str) -> Entry:
    """An editor who is in the roster; the admin hands over instead, and the recovery key is nobody's to remove here."""
    desk = context.desk()
    for entry in desk.rosters.newest(at_least=desk.vault.highest_epoch()).entries:
        if (entry.handle, entry.role, entry.state) == (handle, Role.EDITOR, KeyState.ACTIVE):
            return entry
    raise NotFound("There is no such editor.")
