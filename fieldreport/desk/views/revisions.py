"""Earlier versions of an article: where one differs from what is stored now, and putting it back."""

from __future__ import annotations

import flask
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fieldreport.desk import access, context
from fieldreport.desk.article_fields import compared, differences
from fieldreport.desk.article_form import based_on
from fieldreport.desk.article_page import editable
from fieldreport.vault.articles import drafts, overview, redactions

blueprint = flask.Blueprint("revisions", __name__)


@access.editor
@blueprint.get("/articles/<id:article_id>/revisions/<int:number>")
def show(article_id: bytes, number: int) -> ResponseReturnValue:
    """One earlier version beside the current one."""
    seat = context.seat()
    draft = drafts.load(seat, article_id)
    earlier = drafts.load_revision(seat, article_id, number)
    return flask.render_template(
        "revision.html",
        head=draft.head,
        number=number,
        revision=next(each for each in overview.revisions(context.desk().vault, article_id) if each.number == number),
        changed=differences(compared(earlier), compared(draft.article)),
        editable=editable(draft.head),
    )


@access.editor
@blueprint.post("/articles/<id:article_id>/revisions/<int:number>/restore")
def restore(article_id: bytes, number: int) -> ResponseReturnValue:
    """Save an earlier version as a new revision, under the address that the article has now."""
    redactions.restore(context.seat(), article_id, number, based_on=based_on())
    context.say(_("Revision %(number)s is the text again, saved as a new revision.", number=number))
    return flask.redirect(flask.url_for("articles.edit", article_id=article_id), code=303)
