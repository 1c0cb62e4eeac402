"""The inbox: which cases there are, which need somebody, and the two things one does from here (fetch, star)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import flask
from flask.typing import ResponseReturnValue

from fieldreport.desk import access, context, presentation
from fieldreport.desk.sessions import Session
from fieldreport.errors import FieldreportError
from fieldreport.vault import CaseFilter, CaseRow, CaseState, Seat, Sorted

pages = flask.Blueprint("inbox", __name__)

# What "open" means: everything somebody still has to do something about.
OPEN: Final = (CaseState.NEW, CaseState.READING, CaseState.VERIFYING, CaseState.WRITING)
_CHOICES: Final = ("state", "mine", "unread", "starred")
_TITLE_CHARACTERS: Final = 80


@access.editor
@pages.get("/inbox")
def show() -> ResponseReturnValue:
    """One page of cases. Letters that came in since the last look are sorted into cases first."""
    desk, seat = context.desk(), context.seat()
    sort_new(seat)
    arguments = flask.request.args
    wanted = _wanted(arguments.get("state", "open"), mine="mine" in arguments)
    page = desk.vault.cases.page(wanted, viewer=seat.handle, after=arguments.get("after"))
    chosen: dict[str, Any] = {name: value for name, value in arguments.items() if name in _CHOICES and value}
    return flask.render_template(
        "inbox.html",
        cases=page.rows,
        titles={row.id: title_of(context.session(), row) for row in page.rows},
        next_url=flask.url_for(".show", **chosen, after=page.next) if page.next else None,
        first_url=flask.url_for(".show", **chosen) if "after" in arguments else None,
        state_options=_state_options(desk.vault.cases.counts()),
        chosen=chosen,
        here=presentation.own_path(flask.request.full_path),
        unsorted=desk.vault.cases.unsorted(),
        last=desk.rounds.last,
    )


def _wanted(state: str, *, mine: bool) -> CaseFilter:
    arguments = flask.request.args
    if state == "open":
        states: tuple[CaseState, ...] = OPEN
    elif state in set(CaseState):
        states = (CaseState(state),)
    else:
        states = ()
    return CaseFilter(
        states=states,
        assignee=context.session().handle if mine else None,
        starred="starred" in arguments,
        unread="unread" in arguments,
        ended=state == "ended",
    )


def _state_options(counts: Mapping[CaseState, int]) -> list[tuple[str, str]]:
    """What the inbox can be narrowed to, with how many there are."""
    opened = sum(counts[state] for state in OPEN)
    each = [(state.value, f"{state} ({counts[state]})") for state in CaseState]
    return [("open", f"open ({opened})"), *each, ("all", "all"), ("ended", "deleted or withdrawn")]


def sort_new(seat: Seat) -> None:
    """Sort what was collected, and tell the person what came of it."""
    if not seat.vault.cases.unsorted():
        return
    text = _told(seat.sort())
    if text:
        context.say(text)


def _told(done: Sorted) -> str:
    parts = []
    if done.letters:
        letters, cases = _plural("letter", done.letters), _plural("case", done.new_cases)
        parts.append(f"{done.letters} new {letters}, {done.new_cases} new {cases}.")
    if done.damaged:
        parts.append(f"{done.damaged} {_plural('letter', done.damaged)} came damaged; the case names the damaged part.")
    if done.withdrawn:
        parts.append(f"{done.withdrawn} {_plural('report', done.withdrawn)} withdrawn by the source and deleted.")
    return " ".join(parts)


def _plural(word: str, number: int) -> str:
    return word if number == 1 else f"{word}s"


def title_of(session: Session, row: CaseRow) -> str:
    """The first line of the fact sheet: what editors call a case among themselves. Empty while nobody wrote one.

    A card is opened once a session; a new version of it has a new id. What was read goes with the keys.
    """
    if row.card is None or (row.readers and session.handle not in row.readers):
        return ""
    known = session.titles.get(row.card)
    if known is None:
        try:
            known = title_in(session.seat.card(row.id).facts)
        except FieldreportError:
            known = ""  # a damaged card is named on the case's own page
        session.titles[row.card] = known
    return known


def title_in(facts: str) -> str:
    """The first line of a fact sheet, cut to a line of the inbox."""
    lines = facts.strip().splitlines()
    return lines[0].strip("# ")[:_TITLE_CHARACTERS] if lines else ""


@access.editor
@pages.post("/inbox/fetch")
def fetch() -> ResponseReturnValue:
    """Collect now, and sort what came."""
    letters = context.desk().rounds.collect()
    if not letters:
        context.say("Nothing new was waiting.")
    return flask.redirect(flask.url_for(".show"), code=303)


@access.editor
@pages.post("/cases/<id:case_id>/star")
def star(case_id: bytes) -> ResponseReturnValue:
    """Set or take away one's own star."""
    form = flask.request.form
    context.desk().vault.cases.star(case_id, context.session().handle, starred=form.get("starred") == "yes")
    return flask.redirect(presentation.own_path(form.get("next", "/")), code=303)
