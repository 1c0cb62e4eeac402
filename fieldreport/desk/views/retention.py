"""Cases past their time: the rules, what they apply to, and their deletion before the day's own run.

Rules: an editor sees the names of the cases that they may read; an admin sees numbers, and deletes nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import flask
from flask.typing import ResponseReturnValue

from fieldreport.desk import access, context
from fieldreport.desk.confirm import Question, asks
from fieldreport.seal import Role
from fieldreport.vault.articles import retention
from fieldreport.vault.articles.retention import Due, Rules

blueprint = flask.Blueprint("retention", __name__)

_AHEAD_DAYS: Final = 30
_NAMED: Final = 100  # of a longer list the rest is counted


@access.signed_in
@blueprint.get("/retention")
def show() -> ResponseReturnValue:
    """The rules, and what is past its time or will be within a month."""
    rules, is_editor = _rules(), context.session().role is Role.EDITOR
    found = _found(ahead_days=_AHEAD_DAYS)
    now_hour = context.desk().vault.hour()
    past = [due for due in found if due.due <= now_hour and not due.kept]
    kept = [due for due in found if due.kept]
    soon = [due for due in found if due.due > now_hour and not due.kept]
    return flask.render_template(
        "retention.html",
        rules=rules,
        ahead_days=_AHEAD_DAYS,
        lists=[
            ("past", "Past their time", past),
            ("soon", f"Within {_AHEAD_DAYS} days", soon),
            ("kept", "Stay, although a rule is about them", kept),
        ],
        reasons=Counter(due.kept for due in kept).most_common(),
        is_editor=is_editor,
        most=_NAMED,
    )


def _rules() -> Rules:
    return Rules.of(context.desk().settings.desk)


def _found(*, ahead_days: int = 0) -> tuple[Due, ...]:
    seat = context.seat()
    reader = seat.handle if seat.role is Role.EDITOR else None
    return retention.preview(seat, _rules(), reader=reader, ahead_days=ahead_days)


def _ask_purge() -> Question:
    names = [due.name for due in _found() if not due.kept]
    listed = ", ".join(names[:_NAMED]) + (f" and {len(names) - _NAMED} more" if len(names) > _NAMED else "")
    count = f"{len(names)} {'case' if len(names) == 1 else 'cases'}"
    return Question(
        title=f"Delete {count} past their time?",
        will_happen=(
            f"Their letters, files, answers, notes and fact sheets are shredded: {listed}.",
            "Nobody can open them any more, from the archive or with the recovery shares. It cannot be undone.",
            "A case that does not hold when its letters are opened and the whole audit log is verified stays.",
        ),
        button=f"Delete {count}",
        back=flask.url_for(".show"),
        refusal="" if names else "No case that you may read is past its time.",
    )


@access.editor
@blueprint.post("/retention/purge")
@asks(_ask_purge)
def purge() -> ResponseReturnValue:
    """Delete what is past its time now."""
    found = retention.purge(context.seat(), _rules(), keyfiles=context.desk().settings.desk.keyfiles)
    gone = sum(not due.kept for due in found)
    context.say(f"{gone} {'case was' if gone == 1 else 'cases were'} deleted; {len(found) - gone} stay.")
    return flask.redirect(flask.url_for(".show"), code=303)
