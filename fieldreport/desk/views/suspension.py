"""For the admin: keep an editor out for a time, and let them in again."""

from __future__ import annotations

from typing import Final

import flask
from flask.typing import ResponseReturnValue

from fieldreport.desk import access, context
from fieldreport.desk.confirm import Question, asks
from fieldreport.errors import NotFound
from fieldreport.seal import Entry, KeyState, Role
from fieldreport.vault.staff import roster_changes

blueprint = flask.Blueprint("suspension", __name__)

_STAYS: Final = (
    "Cases that are limited to them, by name or by a desk that they are in, stay sealed to them: perhaps nobody else"
    " could open these when they return."
)
_RETURN: Final = (
    "When you let them in again, they have the same key, passphrase and second factor. What came meanwhile is"
    " re-wrapped to them as soon as another editor is unlocked: no letter is lost."
)
_STILL: Final = (
    "Their key still opens what was sealed to it before: if somebody may have their passphrase and this machine, remove"
    " them instead."
)


def _ask_suspend(handle: str) -> Question:
    """What suspending does and what it cannot do."""
    who, roster = _editor(handle, KeyState.ACTIVE).handle, context.desk().rosters.newest()
    editors = {e.handle for e in roster.entries if e.role is Role.EDITOR and e.state is KeyState.ACTIVE}
    alone = [name for name, handles in roster.addressees.items() if handles == {who}]
    closes = f"At once: the letterbox closes, because {who} is the only active editor and nobody else could read."
    unaddressed = f"Sources cannot address {', '.join(alone)} meanwhile: nobody else is meant by that."
    return Question(
        title=f"Suspend {who}?",
        will_happen=(
            f"At once: {who} cannot sign in. Their sessions on this desk are locked and their devices forgotten.",
            "At once: new letters are not sealed to them, and their sign-offs of articles do not count.",
            *([closes] if editors == {who} else []),
            "As soon as another editor is unlocked: what every editor may read is re-wrapped without their key.",
            _STAYS,
            *([unaddressed] if alone else []),
            _RETURN,
            f"Not possible: undoing what {who} has read, or taking back a copy they made. {_STILL}",
        ),
        button=f"Suspend {who}",
        back=flask.url_for("staff.show"),
    )


@access.admin
@blueprint.route("/staff/suspend/<handle>", methods=["GET", "POST"])
@asks(_ask_suspend)
def suspend(handle: str) -> ResponseReturnValue:
    """Suspend an editor and lock their sessions."""
    desk, who = context.desk(), _editor(handle, KeyState.ACTIVE).handle
    # Counted first: as soon as the roster is out, the background locks who is not listed.
    locked = desk.sessions.open_by_handle().get(who, 0)
    roster = roster_changes.suspend(context.seat(), who, desk.mailbox)
    desk.sessions.end_where(lambda session: session.handle == who)
    desk.sign_in.devices.forget(who)
    context.say(
        f"Roster {roster.epoch} is in force; {who} is suspended. {locked} of their sessions"
        f" {'was' if locked == 1 else 'were'} locked."
    )
    return flask.redirect(flask.url_for("staff.show"), code=303)


def _ask_resume(handle: str) -> Question:
    who = _editor(handle, KeyState.SUSPENDED).handle
    return Question(
        title=f"Let {who} in again?",
        will_happen=(
            "At once: they can sign in as before, and new letters are sealed to them.",
            "As soon as another editor is unlocked: what came meanwhile is re-wrapped, and they read all of it.",
        ),
        button=f"Let {who} in again",
        back=flask.url_for("staff.show"),
        danger=False,
    )


@access.admin
@blueprint.route("/staff/resume/<handle>", methods=["GET", "POST"])
@asks(_ask_resume)
def resume(handle: str) -> ResponseReturnValue:
    """Let a suspended editor in again."""
    desk, who = context.desk(), _editor(handle, KeyState.SUSPENDED).handle
    roster = roster_changes.resume(context.seat(), who, desk.mailbox)
    context.say(f"Roster {roster.epoch} is in force; {who} can sign in again.")
    return flask.redirect(flask.url_for("staff.show"), code=303)


def _editor(handle: str, state: KeyState) -> Entry:
    for entry in context.desk().rosters.newest().entries:
        if (entry.handle, entry.role, entry.state) == (handle, Role.EDITOR, state):
            return entry
    raise NotFound(f"There is no editor of that handle who is {state}.")
