"""For the admin: whether the letterbox takes reports, what waits in it, and its limits.

Rules: it is switched first and logged then, because closing must work while the desk's disk is full; what could not be
logged is said.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

import flask
from flask.typing import ResponseReturnValue
from flask_babel import LazyString
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from fieldreport import limits
from fieldreport.desk import access, context
from fieldreport.desk.confirm import Question, asks
from fieldreport.desk.translation import said
from fieldreport.errors import FieldreportError, StoreError, UsageError
from fieldreport.mailbox.letterbox import MEANINGS, LetterboxState
from fieldreport.sentence import Sentence
from fieldreport.vault.archive.audit import Act

blueprint = flask.Blueprint("letterbox", __name__)

_WILL_HAPPEN: Final[Mapping[LetterboxState, LazyString]] = {
    LetterboxState.OPEN: later("From the next request on, sources can send reports and files."),
    LetterboxState.NO_FILES: later(
        "From the next request on, sources can send words and no files. Files whose report was not sent yet are not"
        " taken either."
    ),
    LetterboxState.CLOSED: later(
        "From the next request on, nothing new is taken, additions neither. Sources read that it is closed before they"
        " type. Who has a codename can come back, read answers and withdraw."
    ),
}
_BUTTONS: Final[Mapping[LetterboxState, LazyString]] = {
    LetterboxState.OPEN: later("Open the letterbox"),
    LetterboxState.NO_FILES: later("Take words only"),
    LetterboxState.CLOSED: later("Close the letterbox"),
}


@access.admin
@blueprint.get("/letterbox")
def show() -> ResponseReturnValue:
    """How it stands."""
    desk = context.desk()
    problem, switches, waiting = "", None, None
    try:
        switches = desk.letterbox.letterbox()
    except FieldreportError as error:
        problem = error.detail
    try:
        waiting = desk.mailbox.totals()
    except FieldreportError as error:
        problem = problem or error.detail
    return flask.render_template(
        "letterbox.html",
        switches=switches,
        meanings=MEANINGS,
        buttons=_BUTTONS,
        waiting=waiting,
        problem=problem,
        most_letters=limits.LETTERS_WAITING,
        most_bytes=limits.BYTES_WAITING,
    )


def _wanted() -> LetterboxState:
    try:
        return LetterboxState(flask.request.form.get("state", ""))
    except ValueError:
        raise UsageError(Sentence("There is no such state of the letterbox.")) from None


def _ask_set_state() -> Question:
    state = _wanted()
    return Question(
        title=_("%(act)s?", act=_BUTTONS[state]),
        will_happen=(
            str(_WILL_HAPPEN[state]),
            _(
                "It takes effect at once, for every process of this letterbox, and holds across restarts. A letterbox"
                " on several machines follows on each within a minute."
            ),
        ),
        button=str(_BUTTONS[state]),
        back=flask.url_for(".show"),
        danger=state is not LetterboxState.OPEN,
    )


@access.admin
@blueprint.post("/letterbox/state")
@asks(_ask_set_state)
def set_state() -> ResponseReturnValue:
    """Open it, close it for files, or close it."""
    now = context.desk().letterbox.set_letterbox(state=_wanted())
    return _logged(Act.LETTERBOX_SET, str(now.state), said(MEANINGS[now.state]))


def _ask_set_invitation() -> Question:
    word = flask.request.form.get("invitation", "").strip()
    if not word:
        return Question(
            title=_("Ask for no invitation word?"),
            will_happen=(_("From the next request on, everybody can send a first report without a word."),),
            button=_("Ask for no word"),
            back=flask.url_for(".show"),
            danger=False,
        )
    return Question(
        title=_("Ask for an invitation word?"),
        will_happen=(
            _(
                "From the next request on, a first report, and a packed one, needs the word “%(word)s”. Capital letters"
                " and spaces around it do not matter.",
                word=word,
            ),
            _(
                "A source who has written before and adds to it needs no word while the letterbox remembers that: up to"
                " a day, until a restart."
            ),
            _("The word that was asked for until now opens nothing any more."),
        ),
        button=_("Ask for this word"),
        back=flask.url_for(".show"),
    )


@access.admin
@blueprint.post("/letterbox/invitation")
@asks(_ask_set_invitation)
def set_invitation() -> ResponseReturnValue:
    """Ask for an invitation word with first reports, or for none."""
    now = context.desk().letterbox.set_letterbox(invitation=flask.request.form.get("invitation", "").strip())
    asked = bool(now.invitation)
    text = _("A first report needs the invitation word now.") if asked else _("No invitation word is asked for now.")
    return _logged(Act.INVITATION_SET, "asked" if asked else "not-asked", text)


def _letters() -> int:
    """How many reports an hour are wanted; 0 for as many as the letterbox's settings allow."""
    typed = flask.request.form.get("letters", "").strip()
    if not re.fullmatch("[0-9]{0,7}", typed):
        raise UsageError(Sentence("Reports an hour are a whole number."))
    return min(int(typed or 0), limits.LETTERS_HOUR_MOST)


def _ask_set_letters() -> Question:
    number = _letters()
    shown = f"{number:,}"
    return Question(
        title=_("Take at most %(number)s reports an hour?", number=shown)
        if number
        else _("Take as many reports an hour as the settings allow?"),
        will_happen=(
            _("It counts from the next request on, also what came in this hour before."),
            _(
                "Over this number, sources read that no more can be received at the moment, and come back later. Some"
                " room is kept for those who have written before."
            ),
            _("The settings of the letterbox stay the upper bound."),
        ),
        button=_("Set it"),
        back=flask.url_for(".show"),
        fields={"letters": str(number)},
        danger=bool(number),
    )


@access.admin
@blueprint.post("/letterbox/letters")
@asks(_ask_set_letters)
def set_letters() -> ResponseReturnValue:
    """Take fewer reports an hour than the settings allow, or as many again."""
    number = _letters()
    now = context.desk().letterbox.set_letterbox(letters_per_hour=number)
    most = now.letters_per_hour or 0
    shown = f"{most:,}"
    return _logged(
        Act.LETTERBOX_SET, f"letters-per-hour {most}", _("At most %(number)s reports an hour now.", number=shown)
    )


def _logged(act: Act, subject: str, done: str) -> ResponseReturnValue:
    try:
        context.seat().record(act, subject)
    except StoreError as error:
        context.say(
            _(
                "%(done)s The audit log could not be written (%(code)s): note elsewhere that you did this.",
                done=done,
                code=error.code,
            )
        )
    else:
        context.say(done)
    return flask.redirect(flask.url_for(".show"), code=303)
