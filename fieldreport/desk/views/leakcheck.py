"""The leak check next to the article, the answers to its findings, and the two sign-offs.

Rules: there is no way to answer two findings at once; a pass is never called safe; who may answer, clear and publish is
decided in the vault; the page shows it before somebody presses a button that would be refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from typing import Final

import flask
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fieldreport import limits
from fieldreport.desk import access, context, presentation
from fieldreport.desk.article_fields import label, left_out, unfaithful
from fieldreport.desk.article_readers import signer_shown, too_few
from fieldreport.desk.findings import excerpts, rule_label, shown
from fieldreport.desk.forms import typed_text
from fieldreport.desk.translation import said
from fieldreport.errors import UsageError
from fieldreport.press import proof
from fieldreport.press.leakcheck.findings import Rule, Severity
from fieldreport.vault.articles import drafts, questions, redactions, release, review, slots
from fieldreport.vault.articles.drafts import Draft
from fieldreport.vault.articles.overview import ArticleHead
from fieldreport.vault.articles.questions import Question
from fieldreport.vault.articles.readers import active_editors, readers_behind
from fieldreport.vault.articles.review import Checked
from fieldreport.vault.articles.slots import Slot
from fieldreport.vault.articles.tables import ArticleState
from fieldreport.vault.cases import inbox
from fieldreport.web.forms import Problem

blueprint = flask.Blueprint("leakcheck", __name__)

_REASON_CHARACTERS: Final = 3
_FIELDS: Final = ("reason-", "question.", "not_before")  # how the names of the page's fields begin


@access.editor
@blueprint.get("/articles/<id:article_id>/check")
def show(article_id: bytes) -> ResponseReturnValue:
    """Every finding, next to the text."""
    return _page(article_id)


@access.editor
@blueprint.post("/articles/<id:article_id>/check")
def keep(article_id: bytes) -> ResponseReturnValue:
    """The page again with what is typed in its fields: after a lock, or where Enter was pressed in one of them."""
    return _page(article_id, typed=_typed())


def _typed(*, without: str = "") -> dict[str, str]:
    """What stands in the fields of the page, by their names; ``without`` the one that was dealt with."""
    form = flask.request.form
    return {
        name: typed_text(name) for name in form if name.startswith(_FIELDS) and name != without and form[name].strip()
    }


def _done(article_id: bytes, *, without: str = "", place: str = "") -> ResponseReturnValue:
    """The page after an act: at once where something else is typed in it, which a redirection would lose."""
    typed = _typed(without=without)
    if typed:
        return _page(article_id, typed=typed)
    return flask.redirect(flask.url_for(".show", article_id=article_id) + place, code=303)


def _page(
    article_id: bytes, *, typed: Mapping[str, str] | None = None, problems: Sequence[Problem] = (), status: int = 200
) -> ResponseReturnValue:
    seat, press = context.seat(), context.desk().settings.press
    draft = drafts.load(seat, article_id)
    with context.desk().vault.reading() as session:
        only = readers_behind(session, seat, article_id)
    found = review.check(seat, article_id, press=press, reader=context.desk().site.reader)
    checked = sorted(found, key=_rank)
    article = draft.article.for_readers()
    open_blocks = [c for c in checked if c.answer is None and c.finding.severity is Severity.BLOCK]
    open_warnings = [c for c in checked if c.answer is None and c.finding.severity is Severity.WARN]
    if open_blocks or open_warnings:
        presentation.stay_on_screen()
    page = flask.render_template(
        "leakcheck.html",
        head=draft.head,
        article=draft.article,
        undescribed=proof.undescribed(draft.article),
        left_out=left_out(article),
        states=ArticleState,
        checked=checked,
        excerpts=excerpts(article, checked),
        shown=shown(article_id, article, checked),
        unfaithful=unfaithful(article),
        field_label=label,
        rule_label=rule_label,
        open_blocks=len(open_blocks),
        open_warnings=len(open_warnings),
        writer=seat.handle in draft.head.writers,
        only=only,
        reads_all=only is None or seat.handle in only,
        too_few=too_few(draft.head, only),
        signer_shown=signer_shown,
        unread=Rule.CASE_UNREAD,
        unreadable=Rule.CASE_UNREADABLE,
        may_sign=_may_sign(draft, seat.handle),
        sign_offs=press.sign_offs,
        press=press,
        case_names=_case_names(draft),
        redacted=redactions.histories(seat, article_id),
        slot=_slot(draft.head),
        due_with=sorted(active_editors(seat) if only is None else active_editors(seat) & only),
        questions=questions.asked(draft.article),
        typed=typed or {},
        answered=review.safety_answers(seat, article_id),
        problems=problems,
    )
    return page, status


def _rank(found: Checked) -> tuple[bool, bool]:
    """What blocks comes first, what is answered last; each in the order of the text."""
    return found.answer is not None, found.finding.severity is not Severity.BLOCK


def _may_sign(draft: Draft, handle: str) -> bool:
    head = draft.head
    if handle in head.writers:
        return False
    two = context.desk().settings.press.sign_offs > 1
    return not (two and head.state is ArticleState.CLEARED and head.cleared_by == handle)


def _case_names(draft: Draft) -> dict[str, tuple[bytes, str]]:
    """The article's cases that still exist, by the id that findings name."""
    rows = inbox.rows(context.desk().vault, draft.head.cases, viewer=context.session().handle)
    return {row.id.hex(): (row.id, row.name) for row in rows if row.ended is None}


@access.editor
@blueprint.post("/articles/<id:article_id>/check/<key>")
def answer(article_id: bytes, key: str) -> ResponseReturnValue:
    """Answer one finding with its own reason."""
    reason = typed_text(f"reason-{key}")
    if len(reason) < _REASON_CHARACTERS:
        problem = Problem(text=_("Say why, in a few words. It is logged with your name."), field=f"reason-{key}")
        return _page(article_id, typed=_typed(), problems=[problem], status=422)
    if len(reason) > limits.ANSWER_CHARACTERS:
        text = _("A reason has at most %(most)s characters.", most=limits.ANSWER_CHARACTERS)
        return _page(article_id, typed=_typed(), problems=[Problem(text=text, field=f"reason-{key}")], status=422)
    site = context.desk().site
    review.answer(context.seat(), article_id, key, reason, press=site.press, reader=site.reader)
    context.say(_("Answered."))
    return _done(article_id, without=f"reason-{key}", place=f"#f-{key}")


@access.editor
@blueprint.post("/articles/<id:article_id>/submit")
def submit(article_id: bytes) -> ResponseReturnValue:
    """Ask colleagues to review."""
    review.submit(context.seat(), article_id)
    context.say(_("Submitted. Somebody who did not write it must now sign it off."))
    return _done(article_id)


@access.editor
@blueprint.post("/articles/<id:article_id>/clear")
def clear(article_id: bytes) -> ResponseReturnValue:
    """The safety sign-off, with an answer to each question."""
    site, article = context.desk().site, drafts.load(context.seat(), article_id).article
    answers = {question: typed_text(f"question.{question}") for question in questions.asked(article)}
    problems = [_unanswered(question) for question in questions.missing(article, answers)]
    problems += [_too_long(each) for each, text in answers.items() if len(text) > limits.SIGN_OFF_ANSWER_CHARACTERS]
    if problems:
        return _page(article_id, typed=_typed(), problems=problems, status=422)
    review.clear(context.seat(), article_id, answers, press=site.press, reader=site.reader)
    context.say(_("Your safety sign-off is on record, over exactly this text and these pictures."))
    return flask.redirect(flask.url_for(".show", article_id=article_id), code=303)


def _unanswered(question: Question) -> Problem:
    text = _("%(question)s A word is enough, but there must be one.", question=said(question.text))
    return Problem(text=text, field=f"question.{question}")


def _too_long(question: Question) -> Problem:
    most = limits.SIGN_OFF_ANSWER_CHARACTERS
    text = _("%(question)s An answer has at most %(most)s characters.", question=said(question.text), most=most)
    return Problem(text=text, field=f"question.{question}")


@access.editor
@blueprint.post("/articles/<id:article_id>/publish")
def publish(article_id: bytes) -> ResponseReturnValue:
    """The publishing sign-off; the article goes out at once or at its slot."""
    typed = flask.request.form.get("not_before", "").strip()
    try:
        not_before = date.fromisoformat(typed) if typed else None
        head = release.publish(context.seat(), article_id, site=context.desk().site, not_before=not_before)
    except (ValueError, UsageError) as error:
        text = said(error.text) if isinstance(error, UsageError) else _("Write the day as year-month-day: 2027-03-31.")
        return _page(article_id, typed=_typed(), problems=[Problem(text=text, field="not_before")], status=422)
    if head.state is ArticleState.SCHEDULED:
        context.say(_("Signed off and scheduled."))
    else:
        context.say(_("Signed off and published."))
    return flask.redirect(flask.url_for(".show", article_id=article_id), code=303)


@access.editor
@blueprint.post("/articles/<id:article_id>/hold")
def hold(article_id: bytes) -> ResponseReturnValue:
    """Keep a scheduled article back, or let it go again."""
    if flask.request.form.get("hold") == "no":
        release.let_go(context.seat(), article_id)
        context.say(_("It goes out at its slot."))
    else:
        release.hold(context.seat(), article_id)
        context.say(_("It is held back until somebody lets it go. The sign-offs stay."))
    return _done(article_id)


def _slot(head: ArticleHead) -> Slot | None:
    """When a scheduled article goes out, as it was signed."""
    if head.state is not ArticleState.SCHEDULED:
        return None
    with context.desk().vault.reading() as session:
        return slots.slot_of(session, context.seat(), head.id)
