"""One case: the conversation, the editors' notes, and everything that can be done with a case."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from typing import Any, Final

import flask
from flask.typing import ResponseReturnValue

from fieldreport import limits
from fieldreport.desk import access, contents, context, inbox_filter, presentation, search_job, sort
from fieldreport.desk.article_readers import too_few_for_an_article
from fieldreport.desk.cases import editors, readable_case
from fieldreport.desk.forms import parsed_id, typed_text
from fieldreport.desk.item_view import NOT_YET, read_items
from fieldreport.desk.rewrap import start_if_needed
from fieldreport.errors import NotARecipient, SealError, UsageError
from fieldreport.press.leakcheck.spellings import spellings
from fieldreport.vault.archive import readers
from fieldreport.vault.archive.tables import CaseState
from fieldreport.vault.articles.overview import list_articles
from fieldreport.vault.cases import conversation, inbox, restriction, summary, workflow
from fieldreport.vault.cases.conversation import Card
from fieldreport.vault.cases.evidence_import import was_received
from fieldreport.vault.cases.inbox import CaseRow
from fieldreport.vault.cases.similar import Similar, similar
from fieldreport.web.forms import Problem

blueprint = flask.Blueprint("cases", __name__)

_REFUSED_CARD: Final = {
    "unsigned": "is not signed by anyone: do not trust it",
    "forged": "is not signed by who it claims to be: do not trust it",
    "replayed": "is not the newest that the log knows: an older one was put back, or it was taken away",
    "row-key": "lacks its key beside the database, which was changed, or restored without the keys that belong to it",
}
_CHARACTERS: Final = 100_000  # of a reply or a note: REPLY_BYTES in any script


@access.editor
@blueprint.get("/cases/<id:case_id>")
def show(case_id: bytes) -> ResponseReturnValue:
    """The case. ``?write=reply``, ``note`` or ``facts`` opens the form for it; filters say in which list it stands.

    This GET writes: it begins to sort new letters, so that none of this case is missing, and marks the case as read,
    unless something of it is not sealed to this person's key.
    """
    desk, session = context.desk(), context.session()
    if desk.cases.refresh():
        sort.sort_new(desk.sessions, session)
    # Before its letters are looked for: one that comes later stays unread.
    upto = readable_case(case_id).stored.case.last_letter
    write = flask.request.args.get("write", "")
    response = _page(case_id, write=write if write in {"reply", "note", "facts"} else "")
    if not summary.closed_letters(session.seat, case_id):
        desk.cases.mark(case_id, session.handle, read=True, upto=upto)
    return response


def _page(
    case_id: bytes, *, write: str = "", text: str = "", problems: Sequence[Problem] = (), status: int = 200
) -> ResponseReturnValue:
    desk, seat = context.desk(), context.seat()
    case = readable_case(case_id)
    rows = inbox.items(desk.vault, case_id)
    before = flask.request.args.get("before", type=int)
    end = before if before is not None and 0 < before < len(rows) else len(rows)
    start = max(0, end - limits.CASE_ITEMS)
    card, card_problem = _card(case_id)
    with desk.vault.reading() as stored:
        received = was_received(stored, case.name)
    reads = sorted(readers.readers_of(seat, case_id) or ())
    write = "" if received and write == "reply" else write  # there is nobody to answer
    if write:
        presentation.stay_on_screen()
    page = flask.render_template(
        "case.html",
        case=case,
        received=received,
        items=read_items(seat, case_id, rows[start:end], first=start + 1),
        total=len(rows),
        earlier=start if start > 0 else None,
        later=end < len(rows),
        reads=reads,
        too_few=too_few_for_an_article(reads),
        card=card,
        card_problem=card_problem,
        spellings={term: spellings(term) for term in card.protected},
        title=summary.title_in(card.facts),
        articles=list_articles(desk.vault, case_id=case_id),
        editor_options=[(handle, handle) for handle in reads or editors()],
        others=[handle for handle in editors() if handle != context.session().handle],
        state_options=[(state.value, state.value) for state in CaseState],
        write=write,
        text=text,
        problems=problems,
        fresh_id=secrets.token_hex(16),
        similar=_similar(case_id),
        **_in_list(case_id),
    )
    return page, status


def _in_list(case_id: bytes) -> dict[str, object]:
    """The list that the case was opened from, and its neighbours there."""
    desk, session = context.desk(), context.session()
    arguments = {name: value for name, value in flask.request.args.items() if name in inbox_filter.NAMES}
    chosen = inbox_filter.chosen(arguments)
    wanted = inbox_filter.wanted(chosen, handles=frozenset(editors()) | desk.cases.handles())
    known, _ = contents.known(session, desk.cases)
    beside = desk.cases.neighbours(wanted, case_id, viewer=session.handle, contents=known)
    return {"chosen": chosen, "before": beside.before, "after": beside.after, "shortcuts": session.shortcuts}


def _similar(case_id: bytes) -> tuple[Similar, ...]:
    """Cases that tell the same, as far as the session's search knows."""
    desk, session = context.desk(), context.session()
    reader, _ = search_job.known(session, desk.cases, desk.site.reader)
    return similar(session.seat, reader, case_id)


def _card(case_id: bytes) -> tuple[Card, str]:
    """The card; if it is damaged, an empty one and what is wrong with it, because the letters must stay readable."""
    try:
        return conversation.card(context.seat(), case_id), ""
    except NotARecipient:
        return Card(), f"The fact sheet is {NOT_YET} Nobody can save a new one for you until then."
    except SealError as error:
        what = _REFUSED_CARD.get(error.code, "is damaged and was refused")
        return Card(), f"The fact sheet {what}. Saving a new one is not possible."


def _drawn_id() -> bytes | None:
    """The id that was drawn with the form, so that a form sent twice is stored once."""
    return parsed_id(flask.request.form.get("item", ""))


def _problem_with(text: str, what: str) -> Problem | None:
    if not text:
        return Problem(text=f"The {what} is empty.", field="text")
    if len(text) > _CHARACTERS or len(text.encode()) > limits.REPLY_BYTES // 2:
        return Problem(text=f"The {what} is too long: at most {_CHARACTERS:,} characters.", field="text")
    return None


@access.editor
@blueprint.post("/cases/<id:case_id>/reply")
def reply(case_id: bytes) -> ResponseReturnValue:
    """Answer the source: sealed to the codename's key for them, and to the editors for the record."""
    readable_case(case_id)
    text = typed_text()
    problem = _problem_with(text, "reply")
    if problem is not None:
        return _page(case_id, write="reply", text=text, problems=[problem], status=422)
    item_id = conversation.reply(context.seat(), case_id, text, context.desk().mailbox, item_id=_drawn_id())
    pending = inbox.item(context.desk().vault, item_id).pending
    context.say(
        "The reply is sealed and stored here. The letterbox cannot be reached; the reply is sent as soon as it can be."
        if pending
        else "The reply is sealed and waits for the source."
    )
    return _back_to(case_id)


@access.editor
@blueprint.post("/cases/<id:case_id>/note")
def note(case_id: bytes) -> ResponseReturnValue:
    """Store a note for colleagues; the source never sees it."""
    readable_case(case_id)
    text = typed_text()
    problem = _problem_with(text, "note")
    if problem is not None:
        return _page(case_id, write="note", text=text, problems=[problem], status=422)
    conversation.note(context.seat(), case_id, text, item_id=_drawn_id())
    context.say("The note is sealed and stored.")
    return _back_to(case_id)


@access.editor
@blueprint.post("/cases/<id:case_id>/facts")
def facts(case_id: bytes) -> ResponseReturnValue:
    """Save the fact sheet and the protected terms, unless a colleague has saved a newer version."""
    readable_case(case_id)
    seat, form = context.seat(), flask.request.form
    untrusted_version = form.get("version", "")
    try:
        version = bytes.fromhex(untrusted_version) or None
    except ValueError:
        raise UsageError("This form is not complete. Open the page again.") from None
    labels = conversation.card(seat, case_id).labels
    terms = tuple(dict.fromkeys(line.strip() for line in typed_text("protected").splitlines() if line.strip()))
    card = Card(facts=typed_text("facts"), protected=terms, labels=labels, version=version)
    conversation.save_card(seat, case_id, card)
    context.say("Fact sheet and protected terms are sealed and stored.")
    return _back_to(case_id)


@access.editor
@blueprint.post("/cases/<id:case_id>/state")
def state(case_id: bytes) -> ResponseReturnValue:
    """Set a case's state and whom it is assigned to."""
    case = readable_case(case_id)
    seat, form = context.seat(), flask.request.form
    wanted = form.get("state", case.state)
    if wanted not in set(CaseState):
        raise UsageError("There is no such state.")
    assignee = form.get("assignee", case.assignee or "") or None
    if assignee is not None and assignee not in editors():
        raise UsageError("There is no such editor.")
    if wanted != case.state:
        workflow.set_state(seat, case_id, CaseState(wanted))
    if assignee != case.assignee:
        workflow.assign(seat, case_id, assignee)
    context.say(f"Status: {wanted}. {'Assigned to ' + assignee if assignee else 'Not assigned'}.")
    return _back_to(case_id)


@access.editor
@blueprint.post("/cases/<id:case_id>/readers")
def limit(case_id: bytes) -> ResponseReturnValue:
    """Limit a case to the editors who are ticked, or open it to all."""
    case = readable_case(case_id)
    form, own = flask.request.form, context.session().handle
    only = None if "everybody" in form else {own, *form.getlist("reader")}
    if only is not None and not only <= set(editors()):
        raise UsageError("There is no such editor.")
    if only is not None and len(only) < limits.CASE_READERS:
        problem = Problem(text="Tick at least one colleague: a case needs two readers.", field="readers")
        return _page(case_id, problems=[problem], status=422)
    restriction.limit(context.seat(), case_id, only)
    if only is None:
        start_if_needed()
        context.say(f"{case.name} is open to every editor.")
    else:
        context.say(f"{case.name} is limited to {', '.join(sorted(only))}.")
    return _back_to(case_id)


@access.editor
@blueprint.post("/cases/<id:case_id>/unread")
def unread(case_id: bytes) -> ResponseReturnValue:
    """Mark a case as unread for this editor."""
    readable_case(case_id)
    context.desk().cases.mark(case_id, context.session().handle, read=False)
    chosen: dict[str, Any] = {name: value for name, value in flask.request.args.items() if name in inbox_filter.NAMES}
    return flask.redirect(flask.url_for("inbox.show", **chosen), code=303)


@access.editor
@blueprint.get("/cases/<id:case_id>/delete")
def ask_delete(case_id: bytes) -> ResponseReturnValue:
    """Say what deleting does, and ask."""
    return _delete_page(readable_case(case_id))


@access.editor
@blueprint.post("/cases/<id:case_id>/delete")
def delete(case_id: bytes) -> ResponseReturnValue:
    """Permanently delete a case by destroying every key to it. Its name must be typed."""
    case = readable_case(case_id)
    if flask.request.form.get("name", "").strip().upper() != case.name.upper():
        return _delete_page(case, problems=[Problem(text=f"Type {case.name} to delete it.", field="name")], status=422)
    workflow.delete(context.seat(), case_id)
    context.say(f"{case.name} is deleted.")
    return flask.redirect(flask.url_for("inbox.show"), code=303)


def _delete_page(case: CaseRow, *, problems: Sequence[Problem] = (), status: int = 200) -> ResponseReturnValue:
    articles = list_articles(context.desk().vault, case_id=case.id)
    return flask.render_template("case-delete.html", case=case, articles=articles, problems=problems), status


def _back_to(case_id: bytes) -> ResponseReturnValue:
    chosen: dict[str, Any] = {name: value for name, value in flask.request.args.items() if name in inbox_filter.NAMES}
    return flask.redirect(flask.url_for(".show", case_id=case_id, **chosen), code=303)
