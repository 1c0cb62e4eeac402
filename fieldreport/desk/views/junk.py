"""The rules by which the newsroom sets letters aside, and putting a case back that they caught."""

from __future__ import annotations

import contextlib
from dataclasses import replace
from typing import Final

import flask
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext as later

from fieldreport import limits
from fieldreport.desk import access, context, junk_form, presentation
from fieldreport.desk.cases import readable_case, readable_item
from fieldreport.desk.translation import said
from fieldreport.errors import Conflict, LimitExceeded, NotAllowed, NotARecipient, NotFound, SealError
from fieldreport.vault.archive import readers
from fieldreport.vault.archive.tables import CaseState
from fieldreport.vault.cases import inbox, junk, search, workflow
from fieldreport.vault.cases.junk import KnownPicture, Rules
from fieldreport.web.forms import Problem

blueprint = flask.Blueprint("junk", __name__)

_CHANGED: Final = later(
    "A colleague saved other rules while this page was open. Yours are in the form; theirs stand below it."
)


@access.editor
@blueprint.get("/junk")
def show() -> ResponseReturnValue:
    """The rules in force, in their form."""
    try:
        rules = junk.rules(context.seat())
    except NotARecipient:
        return flask.render_template("junk.html", rules=None)
    except (SealError, NotFound) as error:
        return _page(
            Rules(version=junk.stored(context.seat())),
            problems=[Problem(text=_distrusted(error.code), field="phrases")],
        )
    return _page(rules)


@access.editor
@blueprint.post("/junk")
def save() -> ResponseReturnValue:
    """Replace the rules. What is typed stays in the form where they cannot be."""
    seat = context.seat()
    try:
        stored = junk.rules(seat)
    except (SealError, NotFound):
        stored = Rules()
    wanted = junk_form.typed(stored)
    try:
        saved = junk.save_rules(seat, wanted)
    except LimitExceeded as error:
        return _page(wanted, problems=[Problem(text=said(error.text), field="phrases")], status=422)
    except Conflict:
        return _conflict(wanted)
    context.say(
        _("Saved. The desk looks at all letters by these rules now.") if saved.kinds else _("Nothing is set aside now.")
    )
    return flask.redirect(flask.url_for("inbox.show"), code=303)


@access.editor
@blueprint.post("/items/<id:item_id>/<int:number>/junk")
def name_picture(item_id: bytes, number: int) -> ResponseReturnValue:
    """Let letters with nothing but pictures like this one be set aside from now on."""
    desk, seat = context.desk(), context.seat()
    row = readable_item(item_id)
    likeness = search.likeness_of(seat, desk.site.reader, item_id, number)
    if likeness is None:
        context.say(_("This picture is too plain to be told from others, so it is not in the rules."))
    else:
        junk.name_picture(seat, KnownPicture(likeness, item_id, number))
        context.say(
            _("Letters with nothing but pictures like this one are set aside now. The page “Junk” takes that back.")
        )
    return flask.redirect(flask.url_for("cases.show", case_id=row.case_id), code=303)


@access.editor
@blueprint.post("/cases/<id:case_id>/not-junk")
def not_junk(case_id: bytes) -> ResponseReturnValue:
    """Put a case back among those that somebody should read."""
    seat = context.seat()
    readers.must_read(seat, case_id, seat.handle)
    row = inbox.get(seat.vault, case_id, viewer=seat.handle)
    if row.state is CaseState.NEW:
        workflow.set_state(seat, case_id, CaseState.READING)
    context.say(_("%(case)s is no junk: it is in the inbox, in the state 'reading'.", case=row.name))
    return flask.redirect(presentation.own_path(flask.request.form.get("next", "/")), code=303)


def _distrusted(code: str) -> str:
    return str(
        _(
            "The rules that were stored cannot be believed (%(code)s), so nothing is set aside. Save your own.",
            code=code,
        )
    )


def _conflict(wanted: Rules) -> ResponseReturnValue:
    try:
        theirs = junk.rules(context.seat())
    except (SealError, NotFound) as error:
        wanted = replace(wanted, version=junk.stored(context.seat()))
        return _page(wanted, problems=[Problem(text=_distrusted(error.code), field="phrases")], status=409)
    ours = replace(wanted, version=theirs.version)
    return _page(ours, theirs=theirs, problems=[Problem(text=_CHANGED, field="phrases")], status=409)


def _shown(picture: KnownPicture) -> dict[str, object]:
    """What the page says of a picture: where it came from, for those who read that."""
    found: dict[str, object] = {
        "name": junk_form.name_of(picture),
        "case": "",
        "item": picture.item,
        "number": picture.number,
    }
    with contextlib.suppress(NotFound, NotAllowed, SealError):
        row = readable_item(picture.item)
        if row.case_id is not None:
            found["case"] = readable_case(row.case_id).name
    return found


def _page(
    rules: Rules, *, theirs: Rules | None = None, problems: list[Problem] | None = None, status: int = 200
) -> ResponseReturnValue:
    text = flask.render_template(
        "junk.html",
        rules=rules,
        theirs=theirs,
        pictures=[_shown(each) for each in rules.pictures],
        version=rules.version.hex() if rules.version else "",
        problems=problems or [],
        most=limits.JUNK_PHRASES,
    )
    return text, status
