"""The inbox: the list of cases with filters, fetching letters now, and stars."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import flask
from flask.typing import ResponseReturnValue

from fieldreport.desk import access, context, presentation
from fieldreport.desk.cases import sort_new, title_of
from fieldreport.vault.archive.tables import CaseState
from fieldreport.vault.cases import inbox
from fieldreport.vault.cases.inbox import CaseFilter

blueprint = flask.Blueprint("inbox", __name__)

# What "open" means: cases that still need work.
OPEN: Final = (CaseState.NEW, CaseState.READING, CaseState.VERIFYING, CaseState.WRITING)
_CHOICES: Final = ("state", "mine", "unread", "starred")


@access.editor
@blueprint.get("/inbox")
def show() -> ResponseReturnValue:
    """One page of cases. This GET writes: it sorts new letters into cases first, which takes an unlocked key."""
    desk, seat = context.desk(), context.seat()
    sort_new(seat)
    arguments = flask.request.args
    wanted = _wanted(arguments.get("state", "open"), mine="mine" in arguments)
    page = inbox.page(desk.vault, wanted, viewer=seat.handle, after=arguments.get("after"))
    chosen: dict[str, Any] = {name: value for name, value in arguments.items() if name in _CHOICES and value}
    return flask.render_template(
        "inbox.html",
        cases=page.rows,
        titles={row.id: title_of(context.session(), row) for row in page.rows},
        next_url=flask.url_for(".show", **chosen, after=page.next) if page.next else None,
        first_url=flask.url_for(".show", **chosen) if "after" in arguments else None,
        state_options=_state_options(inbox.counts(desk.vault)),
        chosen=chosen,
        here=presentation.own_path(flask.request.full_path),
        unsorted=inbox.unsorted(desk.vault),
        last=desk.background.last,
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
    """The inbox's filter of states, with the number of cases in each."""
    opened = sum(counts[state] for state in OPEN)
    each = [(state.value, f"{state} ({counts[state]})") for state in CaseState]
    return [("open", f"open ({opened})"), *each, ("all", "all"), ("ended", "deleted or withdrawn")]


@access.editor
@blueprint.post("/inbox/fetch")
def fetch() -> ResponseReturnValue:
    """Collect now, and sort what came."""
    collected = context.desk().background.collect()
    if not collected.letters and not collected.damaged:
        context.say("Nothing new was waiting.")
    return flask.redirect(flask.url_for(".show"), code=303)


@access.editor
@blueprint.post("/cases/<id:case_id>/star")
def star(case_id: bytes) -> ResponseReturnValue:
    """Set or remove one's own star."""
    form = flask.request.form
    inbox.star(context.desk().vault, case_id, context.session().handle, starred=form.get("starred") == "yes")
    return flask.redirect(presentation.own_path(form.get("next", "/")), code=303)
