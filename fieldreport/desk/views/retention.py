"""Cases past their time: the rules, what they apply to, and their deletion before the day's own run.

Rules: an editor sees the names of the cases that they may read; an admin sees numbers, and deletes nothing.
"""

from __future__ import annotations

from collections import Counter
from typing import Final

import flask
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from fieldreport.desk import access, context
from fieldreport.desk.confirm import Question, asks
from fieldreport.desk.translation import listed
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
            ("past", _("Past their time: %(number)s", number=len(past)), past),
            ("soon", _("Within %(days)s days: %(number)s", days=_AHEAD_DAYS, number=len(soon)), soon),
            ("kept", _("Stay, although a rule is about them: %(number)s", number=len(kept)), kept),
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
    shown = listed(names[:_NAMED])
    if len(names) > _NAMED:
        shown = _("%(names)s and %(number)s more", names=shown, number=len(names) - _NAMED)
    return Question(
        title=ngettext("Delete %(num)s case past its time?", "Delete %(num)s cases past their time?", len(names)),
        will_happen=(
            _("Their letters, files, answers, notes and fact sheets are shredded: %(names)s.", names=shown),
            _("Nobody can open them any more, from the archive or with the recovery shares. It cannot be undone."),
            _("A case that does not hold when its letters are opened and the whole audit log is verified stays."),
        ),
        button=ngettext("Delete %(num)s case", "Delete %(num)s cases", len(names)),
        back=flask.url_for(".show"),
        refusal="" if names else _("No case that you may read is past its time."),
    )


@access.editor
@blueprint.post("/retention/purge")
@asks(_ask_purge)
def purge() -> ResponseReturnValue:
    """Delete what is past its time now."""
    found = retention.purge(context.seat(), _rules(), keyfiles=context.desk().settings.desk.keyfiles)
    gone = sum(not due.kept for due in found)
    context.say(
        ngettext(
            "%(num)s case was deleted; %(stay)s stay.",
            "%(num)s cases were deleted; %(stay)s stay.",
            gone,
            stay=len(found) - gone,
        )
    )
    return flask.redirect(flask.url_for(".show"), code=303)
