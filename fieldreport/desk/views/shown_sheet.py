"""Showing the fact sheet of a limited case to colleagues who do not read the case."""

from __future__ import annotations

import flask
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fieldreport.desk import access, context
from fieldreport.desk.cases import editors, readable_case
from fieldreport.desk.forms import parsed_id
from fieldreport.desk.shown_sheet import shown_sheet
from fieldreport.desk.translation import listed
from fieldreport.vault.archive import readers
from fieldreport.vault.cases import conversation, shown_sheets

blueprint = flask.Blueprint("shown_sheet", __name__)


@access.editor
@blueprint.get("/cases/<id:case_id>/sheet")
def ask(case_id: bytes) -> ResponseReturnValue:
    """Exactly what colleagues will see, and whom it is shown to."""
    case, seat = readable_case(case_id), context.seat()
    only = readers.readers_of(seat, case_id)
    card = conversation.card(seat, case_id)
    facts = card.facts.casefold()
    return flask.render_template(
        "shown-sheet.html",
        case=case,
        card=card,
        named=[term for term in card.protected if term.casefold() in facts],
        shown=shown_sheet(case_id),
        others=[] if only is None else [handle for handle in editors() if handle not in only],
    )


@access.editor
@blueprint.post("/cases/<id:case_id>/sheet")
def show(case_id: bytes) -> ResponseReturnValue:
    """Show it as it is now to those who are ticked and to nobody else."""
    case, form = readable_case(case_id), flask.request.form
    to = [] if "nobody" in form else sorted(set(form.getlist("to")))
    shown_sheets.show(context.seat(), case_id, to, version=parsed_id(form.get("version", "")))
    context.say(
        _("The fact sheet of %(case)s is shown to %(handles)s.", case=case.name, handles=listed(to))
        if to
        else _("The fact sheet of %(case)s is shown to nobody.", case=case.name)
    )
    return flask.redirect(flask.url_for("cases.show", case_id=case_id), code=303)
