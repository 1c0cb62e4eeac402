"""Redacting a file for an article: marking areas of its pages, leaving pages out, making the file without them.

Rules: marking works with two clicks, with numbers, and, where scripts run, by dragging; it changes nothing. What is
made is a new file of the article; see ``vault.articles.redactions``.
"""

from __future__ import annotations

from typing import Final

import flask
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fieldreport.desk import access, article_page, context, presentation
from fieldreport.desk.article_form import to_redact
from fieldreport.desk.marks import SHOWN, Marks
from fieldreport.desk.previews import confined
from fieldreport.desk.translation import said
from fieldreport.errors import Conflict, ScrubRefused, UsageError
from fieldreport.scratch import Scratch
from fieldreport.scrub.views.document import Block
from fieldreport.sentence import Sentence
from fieldreport.vault.articles import drafts, redactions
from fieldreport.vault.articles.drafts import Draft
from fieldreport.web.forms import Problem

blueprint = flask.Blueprint("redaction", __name__)

_DENSER: Final = 2  # of pixels that are drawn, for one that is shown: on sharp screens, and to read small print


@access.editor
@blueprint.get("/articles/<id:article_id>/redaction/<source>")
def show(article_id: bytes, source: str) -> ResponseReturnValue:
    """The first page of a file, nothing marked."""
    draft = drafts.load(context.seat(), article_id)
    with to_redact(draft, source) as (_origin, copy):
        pages = _pages(copy)
    return _page(draft, source, Marks(pages=pages), based_on=draft.head.revision)


@access.editor
@blueprint.get("/articles/<id:article_id>/redaction/<source>/<int:page>")
def picture(article_id: bytes, source: str, page: int) -> ResponseReturnValue:
    """One page, drawn in the sandbox."""
    with to_redact(drafts.load(context.seat(), article_id), source) as (_origin, copy):
        body = context.desk().scrubber.picture(copy, place=(page,), side=SHOWN * _DENSER)
    return confined(flask.Response(body, mimetype="image/png" if body.startswith(b"\x89PNG") else "image/jpeg"))


@access.editor
@blueprint.post("/articles/<id:article_id>/redaction/<source>")
def mark(article_id: bytes, source: str) -> ResponseReturnValue:
    """Mark, remove, turn a page; or make the redacted file."""
    form = flask.request.form
    marks = Marks.of(form)
    based_on = form.get("based_on", 0, type=int)
    draft = drafts.load(context.seat(), article_id)
    try:
        if form.get("act") == "save":
            return _make(draft, source, marks, based_on)
        if form.get("act") == "faces":
            with to_redact(draft, source) as (_origin, copy):
                marks = marks.suggesting(context.desk().scrubber.faces(copy, page=marks.page))
        marks = marks.after(form)
    except (UsageError, ScrubRefused) as error:
        problem = Problem(text=said(error.text), field="left")
        return _page(draft, source, marks, based_on=based_on, problems=[problem]), 422
    except Conflict:
        now, problems = draft.head.revision, [article_page.saved_meanwhile()]
        return _page(draft, source, marks, based_on=now, problems=problems), 409
    return _page(draft, source, marks, based_on=based_on)


def _make(draft: Draft, source: str, marks: Marks, based_on: int) -> ResponseReturnValue:
    if not marks.redaction:
        raise UsageError(Sentence("Mark at least one area, or leave a page out."))
    with to_redact(draft, source) as (origin, copy):
        redactions.redact(
            context.seat(),
            draft.head.id,
            copy,
            marks.redaction,
            origin=origin,
            scrubber=context.desk().scrubber,
            based_on=based_on,
        )
    context.say(_("Redacted: a new file of pixels is in the article. Look at it once more before you hand it in."))
    return flask.redirect(flask.url_for("articles.edit", article_id=draft.head.id) + "#files", code=303)


def _page(draft: Draft, source: str, marks: Marks, *, based_on: int, problems: list[Problem] | None = None) -> str:
    presentation.stay_on_screen()
    return flask.render_template(
        "redaction.html",
        head=draft.head,
        article=draft.article,
        source=source,
        replaces=draft.article.media_named(source) is not None,
        marks=marks,
        based_on=based_on,
        shown=SHOWN,
        finds_faces=context.desk().scrubber.finds_faces,
        problems=problems or [],
    )


def _pages(copy: Scratch) -> int:
    """Of a PDF or a scan how many there are; of every other picture one."""
    try:
        pieces = context.desk().scrubber.read(copy).pieces
    except ScrubRefused:
        return 1
    return max(1, sum(piece.block is Block.PAGE for piece in pieces))
