"""The inbox: the list of cases with filters, what can be done with several at once, fetching letters now, stars."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from typing import Any, Final

import flask
from flask.typing import ResponseReturnValue
from flask_babel import LazyString, ngettext
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from fieldreport import limits
from fieldreport.desk import access, contents, context, inbox_filter, presentation, sort
from fieldreport.desk.cases import editors, readable_case
from fieldreport.desk.forms import parsed_id, typed_labels
from fieldreport.desk.translation import said, state_name
from fieldreport.errors import Conflict, FieldreportError, UsageError
from fieldreport.seal import Role
from fieldreport.sentence import Sentence
from fieldreport.vault.archive import readers
from fieldreport.vault.archive.tables import CaseState
from fieldreport.vault.cases import conversation, inbox, summary, workflow
from fieldreport.vault.cases.case_index import CaseFilter, Counts, Limited, Order

blueprint = flask.Blueprint("inbox", __name__)

_PAGING: Final = frozenset({"after", presentation.RELOADED})
_RELOAD_SECONDS: Final = 5
_NOTES: Final = 10  # cases with a note for this person that are named before the list
_ORDERS: Final[Mapping[Order, LazyString]] = {
    Order.NEWEST: later("newest letter"),
    Order.WAITING: later("oldest unread"),
    Order.TOUCHED: later("last touched"),
}
_LIMITED: Final[Mapping[Limited, LazyString]] = {
    Limited.READABLE: later("all that you read"),
    Limited.OWN: later("limited, you read"),
    Limited.OTHERS: later("limited to others"),
}


@access.editor
@blueprint.get("/inbox")
def show() -> ResponseReturnValue:
    """One page of cases. This GET begins to sort new letters into cases, which takes an unlocked key."""
    desk, session = context.desk(), context.session()
    handle, index, arguments = session.handle, desk.cases, flask.request.args
    chosen = inbox_filter.chosen(arguments, besides=_PAGING)
    sorting = None
    if unsorted := index.refresh():
        sorting = sort.sort_new(desk.sessions, session)
        unsorted = index.refresh()
        if sorting is not None:
            again: dict[str, Any] = {**arguments, presentation.RELOADED: 1}
            presentation.reload_after(_RELOAD_SECONDS, flask.url_for(".show", **again))
    people = editors()
    wanted = inbox_filter.wanted(chosen, handles=frozenset(people) | index.handles())
    known, looking = contents.known(session, index, desk.site.reader)
    counts = index.counts(wanted, viewer=handle, contents=known)
    page = index.page(wanted, viewer=handle, contents=known, after=arguments.get("after"))
    ours = [row for row in page.rows if not row.ended and wanted.limited is not Limited.OTHERS]
    query: dict[str, Any] = dict(chosen)
    noted = index.with_notes(handle, known)
    return flask.render_template(
        "inbox.html",
        cases=page.rows,
        summaries=summary.of_rows(session.seat, ours, session.opened),
        counts=counts,
        notes=inbox.rows(desk.vault, noted[:_NOTES], viewer=handle) if noted else (),
        more_notes=len(noted[_NOTES:]),
        next_url=flask.url_for(".show", **query, after=page.next) if page.next else None,
        first_url=flask.url_for(".show", **query) if "after" in arguments else None,
        options=_options(counts, wanted),
        chosen=chosen,
        here=presentation.own_path(flask.request.full_path),
        editors=people,
        states=[state.value for state in CaseState],
        unsorted=unsorted,
        sorting=sorting,
        looking=looking,
        lacking=bool({"language", "label", "files", "junk"} & set(chosen)),
        rewrapping=any(each.rewrap.is_busy for each in desk.sessions.of_role(Role.EDITOR)),
        last=desk.background.last,
        reasons={row.id: reason for row in ours if session.reader and (reason := session.reader.reason(row.id))}
        if wanted.junk
        else {},
        distrusted=session.reader.distrusted if session.reader else "",
        shortcuts=session.shortcuts,
        has_due_days=bool(index.due_days),
    )


def _options(counts: Counts, wanted: CaseFilter) -> dict[str, list[tuple[str, str]]]:
    """The choices of each filter, with the number of cases that each leaves."""
    opened = sum(counts.states[state] for state in inbox_filter.OPEN)
    own = context.session().handle
    states = [(state.value, _counted(state_name(state), counts.states[state])) for state in CaseState]
    states = [
        ("open", _counted(_("open"), opened)),
        *states,
        ("all", _counted(_("all"), sum(counts.states.values()))),
    ]
    named = {own: counts.assignees.get(own, 0), **counts.assignees}
    if wanted.assignee:
        named.setdefault(wanted.assignee, 0)
    assignees = [
        (inbox_filter.assignee_value(each), _counted(_("me") if each == own else each or _("nobody"), number))
        for each, number in named.items()
    ]
    languages, labels = dict(counts.languages), dict(counts.labels)
    for chosen, choices in ((wanted.language, languages), (wanted.label, labels)):
        if chosen:
            choices.setdefault(chosen, 0)
    return {
        "state": [*states, ("ended", _counted(_("deleted or withdrawn"), counts.ended))],
        "assignee": [("", _("anybody")), *assignees],
        "label": [("", _("any")), *((each, _counted(each, number)) for each, number in labels.items())],
        "language": [
            ("", _("any")),
            *((each, _counted(presentation.language_name(each), number)) for each, number in languages.items()),
        ],
        "limited": [(each.value, _counted(str(text), counts.limited[each])) for each, text in _LIMITED.items()],
        "sort": [(order.value, text) for order, text in _ORDERS.items()],
    }


def _counted(words: str, number: int) -> str:
    return f"{words} ({number})"


@access.editor
@blueprint.post("/inbox/fetch")
def fetch() -> ResponseReturnValue:
    """Collect now, and sort what came."""
    collected = context.desk().background.collect_for_page()
    if collected is None:
        context.say(_("Fetching takes longer than a page may. It goes on; look again in a minute."))
    elif not collected.letters and not collected.damaged:
        context.say(_("Nothing new was waiting."))
    return flask.redirect(flask.url_for(".show"), code=303)


@access.editor
@blueprint.post("/inbox/ticked")
def ticked() -> ResponseReturnValue:
    """Do one thing with every ticked case: assign it, label it, move it to another state, mark it as read, close it."""
    form = flask.request.form
    case_ids = [case_id for each in form.getlist("case") if (case_id := parsed_id(each)) is not None]
    if not case_ids:
        context.say(_("Tick at least one case first."))
    elif len(case_ids) > limits.INBOX_ROWS:
        raise UsageError(Sentence("At most %(most)s cases at once.", most=limits.INBOX_ROWS))
    else:
        act, done = _act(form.get("act", ""))
        _each(case_ids, act, done)
    return _back()


def _act(name: str) -> tuple[Callable[[bytes], object], Callable[[int], str]]:
    """What a button does with a case, and how the page says that it was done with so many."""
    desk, seat, form = context.desk(), context.seat(), flask.request.form
    seen = _seen(form.getlist("seen"))
    if name == "assign":
        handle = form.get("assignee", "") or None
        if handle is not None and handle not in editors():
            raise UsageError(Sentence("There is no such editor."))
        return (
            lambda case_id: workflow.assign(seat, case_id, handle),
            lambda done: (
                ngettext(
                    "%(num)s case assigned to %(handle)s.", "%(num)s cases assigned to %(handle)s.", done, handle=handle
                )
                if handle
                else ngettext("%(num)s case assigned to nobody.", "%(num)s cases assigned to nobody.", done)
            ),
        )
    if name in {"state", "close"}:
        state = "closed" if name == "close" else form.get("state", "")
        if state not in set(CaseState):
            raise UsageError(Sentence("There is no such state."))
        return (
            lambda case_id: workflow.set_state(seat, case_id, CaseState(state), last_letter=seen.get(case_id)),
            lambda done: ngettext(
                "%(num)s case now %(state)s.", "%(num)s cases now %(state)s.", done, state=state_name(state)
            ),
        )
    if name in {"label", "unlabel"}:
        labels = typed_labels()
        if name == "label":
            return (
                lambda case_id: conversation.change_labels(seat, case_id, add=labels),
                lambda done: ngettext("%(num)s case labelled.", "%(num)s cases labelled.", done),
            )
        return (
            lambda case_id: conversation.change_labels(seat, case_id, remove=labels),
            lambda done: ngettext("%(num)s case without that label.", "%(num)s cases without that label.", done),
        )
    if name == "read":
        return (
            lambda case_id: desk.cases.mark(case_id, seat.handle, read=True, upto=seen.get(case_id)),
            lambda done: ngettext("%(num)s case marked as read.", "%(num)s cases marked as read.", done),
        )
    raise UsageError(Sentence("There is no such button."))


def _seen(untrusted: Iterable[str]) -> dict[bytes, int]:
    """The newest letter that the list showed of each case: one that came later is neither read nor done with."""
    pairs = (each.partition(".") for each in untrusted)
    return {
        case_id: int(number)
        for each, _, number in pairs
        if (case_id := parsed_id(each)) is not None and number.isascii() and number.isdecimal()
    }


def _each(case_ids: Iterable[bytes], act: Callable[[bytes], object], done: Callable[[int], str]) -> None:
    """Do it with each; one that cannot be changed is named, and the others are."""
    seat, number = context.seat(), 0
    for case_id in dict.fromkeys(case_ids):
        try:
            readers.must_read(seat, case_id, seat.handle)
            act(case_id)
            number += 1
        except FieldreportError as error:
            context.say(_("One case was left as it is: %(reason)s", reason=said(error.text)))
    if number:
        context.say(done(number))


@access.editor
@blueprint.post("/cases/<id:case_id>/take")
def take(case_id: bytes) -> ResponseReturnValue:
    """Assign a case to oneself; a new one is in reading then."""
    seat = context.seat()
    readers.must_read(seat, case_id, seat.handle)
    row = inbox.get(seat.vault, case_id, viewer=seat.handle)
    try:
        workflow.assign(seat, case_id, seat.handle, was=None)
    except Conflict as error:
        context.say(_("%(reason)s. Nothing was changed.", reason=said(error.text)))
        return _back()
    if row.state is CaseState.NEW:
        with suppress(Conflict):  # a colleague has moved it on in this moment
            workflow.set_state(seat, case_id, CaseState.READING, was=CaseState.NEW)
    context.say(_("%(case)s is yours.", case=row.name))
    return _back()


@access.editor
@blueprint.post("/cases/<id:case_id>/star")
def star(case_id: bytes) -> ResponseReturnValue:
    """Set or remove one's own star."""
    readable_case(case_id)
    starred = flask.request.form.get("starred") == "yes"
    context.desk().cases.star(case_id, context.session().handle, starred=starred)
    return _back()


@access.editor
@blueprint.post("/inbox/shortcuts")
def shortcuts() -> ResponseReturnValue:
    """Let single keys do something, or nothing, until this session ends."""
    context.session().shortcuts = flask.request.form.get("keys") == "on"
    return _back()


def _back() -> ResponseReturnValue:
    return flask.redirect(presentation.own_path(flask.request.form.get("next", "/")), code=303)
