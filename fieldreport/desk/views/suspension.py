"""For the admin: keep an editor out for a time, and let them in again."""

from __future__ import annotations

from typing import Final

import flask
from flask.typing import ResponseReturnValue
from flask_babel import LazyString, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from fieldreport.desk import access, context
from fieldreport.desk.confirm import Question, asks
from fieldreport.desk.translation import listed
from fieldreport.errors import NotFound
from fieldreport.seal import Entry, KeyState, Role
from fieldreport.sentence import Sentence
from fieldreport.vault.staff import roster_changes

blueprint = flask.Blueprint("suspension", __name__)

_STAYS: Final[LazyString] = later(
    "Cases that are limited to them, by name or by a desk that they are in, stay sealed to them: perhaps nobody else"
    " could open these when they return."
)
_RETURN: Final[LazyString] = later(
    "When you let them in again, they have the same key, passphrase and second factor. What came meanwhile is"
    " re-wrapped to them as soon as another editor is unlocked: no letter is lost."
)


def _ask_suspend(handle: str) -> Question:
    """What suspending does and what it cannot do."""
    who, roster = _editor(handle, KeyState.ACTIVE).handle, context.desk().rosters.newest()
    editors = {e.handle for e in roster.entries if e.role is Role.EDITOR and e.state is KeyState.ACTIVE}
    alone = [name for name, handles in roster.addressees.items() if handles == {who}]
    closes = _(
        "At once: the letterbox closes, because %(handle)s is the only active editor and nobody else could read.",
        handle=who,
    )
    unaddressed = _("Sources cannot address %(names)s meanwhile: nobody else is meant by that.", names=listed(alone))
    return Question(
        title=_("Suspend %(handle)s?", handle=who),
        will_happen=(
            _(
                "At once: %(handle)s cannot sign in. Their sessions on this desk are locked and their devices"
                " forgotten.",
                handle=who,
            ),
            _("At once: new letters are not sealed to them, and their sign-offs of articles do not count."),
            *([closes] if editors == {who} else []),
            _("As soon as another editor is unlocked: what every editor may read is re-wrapped without their key."),
            str(_STAYS),
            *([unaddressed] if alone else []),
            str(_RETURN),
            _(
                "Not possible: undoing what %(handle)s has read, or taking back a copy they made. Their key still opens"
                " what was sealed to it before: if somebody may have their passphrase and this machine, remove them"
                " instead.",
                handle=who,
            ),
        ),
        button=_("Suspend %(handle)s", handle=who),
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
        ngettext(
            "Roster %(number)s is in force; %(handle)s is suspended. %(num)s of their sessions was locked.",
            "Roster %(number)s is in force; %(handle)s is suspended. %(num)s of their sessions were locked.",
            locked,
            number=roster.epoch,
            handle=who,
        )
    )
    return flask.redirect(flask.url_for("staff.show"), code=303)


def _ask_resume(handle: str) -> Question:
    who = _editor(handle, KeyState.SUSPENDED).handle
    return Question(
        title=_("Let %(handle)s in again?", handle=who),
        will_happen=(
            _("At once: they can sign in as before, and new letters are sealed to them."),
            _("As soon as another editor is unlocked: what came meanwhile is re-wrapped, and they read all of it."),
        ),
        button=_("Let %(handle)s in again", handle=who),
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
    context.say(_("Roster %(number)s is in force; %(handle)s can sign in again.", number=roster.epoch, handle=who))
    return flask.redirect(flask.url_for("staff.show"), code=303)


def _editor(handle: str, state: KeyState) -> Entry:
    for entry in context.desk().rosters.newest().entries:
        if (entry.handle, entry.role, entry.state) == (handle, Role.EDITOR, state):
            return entry
    raise NotFound(Sentence("There is no editor of that handle who is %(state)s.", state=state))
