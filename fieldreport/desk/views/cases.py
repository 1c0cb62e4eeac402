"""One case: the conversation, the editors' notes, and everything that can be done with a case."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import flask
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fieldreport import limits
from fieldreport.desk import access, composer, context, sort
from fieldreport.desk.case_page import case_page, in_address
from fieldreport.desk.cases import editors, readable_case
from fieldreport.desk.forms import typed_text
from fieldreport.desk.rewrap import start_if_needed
from fieldreport.desk.translation import listed, said, state_name
from fieldreport.errors import Conflict, UsageError
from fieldreport.sentence import Sentence
from fieldreport.vault.archive import readers
from fieldreport.vault.archive.tables import CaseState
from fieldreport.vault.articles.overview import list_articles
from fieldreport.vault.cases import notes, restriction, summary, unsent, workflow
from fieldreport.vault.cases.inbox import CaseRow
from fieldreport.vault.cases.notes import Heading
from fieldreport.web.forms import Problem

blueprint = flask.Blueprint("cases", __name__)


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
    # Before its letters are looked for: one that comes later stays unread, and so a note for this person.
    upto = readable_case(case_id).stored.case.sequence
    response = case_page(case_id, write=_writing())
    if not summary.closed_letters(session.seat, case_id):
        desk.cases.mark(case_id, session.handle, read=True, upto=upto)
    return response


@access.editor
@blueprint.post("/cases/<id:case_id>/state")
def state(case_id: bytes) -> ResponseReturnValue:
    """Set a case's state and whom it is assigned to: what differs from what the page showed."""
    case = readable_case(case_id)
    seat, form = context.seat(), flask.request.form
    was, held = form.get("was_state", case.state), form.get("was_assignee", case.assignee or "")
    wanted, assignee = form.get("state", was), form.get("assignee", held)
    if wanted not in set(CaseState):
        raise UsageError(Sentence("There is no such state."))
    if assignee and assignee != held and assignee not in editors():
        raise UsageError(Sentence("There is no such editor."))
    done = []
    try:
        if wanted != was:
            workflow.set_state(seat, case_id, CaseState(wanted), was=was)
            done.append(_("Status: %(state)s.", state=state_name(wanted)))
        if assignee != held:
            workflow.assign(seat, case_id, assignee or None, was=held or None)
            done.append(_("Assigned to %(handle)s.", handle=assignee) if assignee else _("Not assigned."))
    except Conflict as error:
        done.append(_("%(reason)s. That was not changed.", reason=said(error.text)))
    else:
        if word := typed_text(composer.WORD):
            reads = readers.readers_of(seat, case_id) or editors()
            to = assignee if assignee in reads and assignee != seat.handle else ""
            notes.write(seat, case_id, word, Heading(to=to))
            unsent.drop(seat, case_id, composer.WORD)
            done.append(
                _("Your word with it is stored as a note for %(handle)s.", handle=to)
                if to
                else _("Your word with it is stored as a note.")
            )
    context.say(" ".join(done) or _("Nothing has changed."))
    return _back_to(case_id)


@access.editor
@blueprint.post("/cases/<id:case_id>/readers")
def limit(case_id: bytes) -> ResponseReturnValue:
    """Limit a case to the editors who are ticked, or open it to all."""
    case = readable_case(case_id)
    form, own = flask.request.form, context.session().handle
    only = None if "everybody" in form else {own, *form.getlist("reader")}
    if only is not None and not only <= set(editors()):
        raise UsageError(Sentence("There is no such editor."))
    if only is not None and len(only) < limits.CASE_READERS:
        problem = Problem(text=_("Tick at least one colleague: a case needs two readers."), field="readers")
        return case_page(case_id, write=_writing(), problems=[problem], status=422)
    restriction.limit(context.seat(), case_id, only)
    if only is None:
        start_if_needed()
        context.say(_("%(case)s is open to every editor.", case=case.name))
    else:
        context.say(_("%(case)s is limited to %(handles)s.", case=case.name, handles=listed(sorted(only))))
    return _back_to(case_id)


@access.editor
@blueprint.post("/cases/<id:case_id>/unread")
def unread(case_id: bytes) -> ResponseReturnValue:
    """Mark a case as unread for this editor."""
    readable_case(case_id)
    context.desk().cases.mark(case_id, context.session().handle, read=False)
    return flask.redirect(flask.url_for("inbox.show", **in_address()), code=303)


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
        return _delete_page(
            case, problems=[Problem(text=_("Type %(name)s to delete it.", name=case.name), field="name")], status=422
        )
    workflow.delete(context.seat(), case_id)
    context.say(_("%(case)s is deleted.", case=case.name))
    return flask.redirect(flask.url_for("inbox.show"), code=303)


def _delete_page(case: CaseRow, *, problems: Sequence[Problem] = (), status: int = 200) -> ResponseReturnValue:
    articles = list_articles(context.desk().vault, case_id=case.id)
    return flask.render_template("case-delete.html", case=case, articles=articles, problems=problems), status


def _back_to(case_id: bytes) -> ResponseReturnValue:
    wanted: dict[str, Any] = {**in_address(), "write": _writing() or None}
    return flask.redirect(flask.url_for(".show", case_id=case_id, **wanted), code=303)


def _writing() -> str:
    write = flask.request.args.get("write", "")
    return write if composer.is_form(write) else ""
