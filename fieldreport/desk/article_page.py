"""The page on which an article is written, as several views show it."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Literal

import flask
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from markupsafe import Markup

from fieldreport.desk import article_form, beside, context, presentation
from fieldreport.desk.article_fields import Changed, compared, differences, label, left_out
from fieldreport.desk.article_readers import signer_shown, too_few
from fieldreport.desk.attribution import attribution
from fieldreport.desk.findings import excerpts, rule_label
from fieldreport.errors import Conflict
from fieldreport.press import proof
from fieldreport.press.article import Article
from fieldreport.press.render import body_html
from fieldreport.sentence import Sentence
from fieldreport.vault.articles import drafts, overview, redactions
from fieldreport.vault.articles.drafts import Draft
from fieldreport.vault.articles.overview import ArticleHead
from fieldreport.vault.articles.readers import readers_behind
from fieldreport.vault.articles.review import Checked
from fieldreport.vault.articles.state import OPEN_STATES
from fieldreport.vault.articles.tables import ArticleState
from fieldreport.web.forms import Problem
from fieldreport.web.i18n import NAMES


def page(
    draft: Draft,
    typed: Article | None = None,
    *,
    changed: Collection[Changed] = (),
    preview: bool = False,
    checked: Sequence[Checked] | None = None,
) -> str:
    """The page of an article; ``typed`` stands in its form: it is not saved, perhaps because something ``changed``.

    ``checked``: what the leak check found in it, where somebody asked.
    """
    cases, sheets = beside.beside(draft.head)
    with context.desk().vault.reading() as session:
        only = readers_behind(session, context.seat(), draft.head.id)
    if editable(draft.head):
        presentation.stay_on_screen()
    article = typed or draft.article
    return flask.render_template(
        "article.html",
        head=draft.head,
        article=article,
        editable=editable(draft.head),
        changed=changed,
        typed_now=flask.request.form if typed else {},
        undescribed=proof.undescribed(article),
        left_out=left_out(article),
        length=proof.length(article),
        only=only,
        too_few=too_few(draft.head, only),
        signer_shown=signer_shown,
        cases=cases,
        sheets=sheets,
        hidden=len(draft.head.cases) - len(cases) - len(sheets),
        attributions=attributions(cases, article.language),
        preview=body(draft.head.id, article.alone()) if preview else None,
        checked=checked,
        excerpts=excerpts(article, checked or ()),
        rule_label=rule_label,
        field_label=label,
        untranslated=[
            code for code in presentation.LANGUAGES if code != article.language and article.translation(code) is None
        ],
        redacted=redactions.histories(context.seat(), draft.head.id),
        pages=beside.PAGES,
        revisions=overview.revisions(context.desk().vault, draft.head.id),
        states=ArticleState,
        sign_offs=context.desk().settings.press.sign_offs,
        base_url=context.desk().settings.press.base_url,
        languages=NAMES,
    )


def attributions(cases: Collection[beside.Beside], language: str) -> list[str]:
    """How the article may name its sources, in a language."""
    asked = [words for case in cases for words in case.attributions(language)]
    return list(dict.fromkeys(asked)) or [attribution(language)]


def body(article_id: bytes, article: Article) -> Markup:
    """What readers get of the body, with the article's files from here."""
    return body_html(article, media_url=lambda name: flask.url_for("articles.media", article_id=article_id, name=name))


def editable(head: ArticleHead) -> bool:
    """Whether saving makes sense in this state; the vault decides again."""
    return head.state in OPEN_STATES


def must_stand(head: ArticleHead, *, revision: int) -> Literal[True]:
    """Check that what was typed can still be saved, on top of that revision. Raises ``Conflict``."""
    if revision != head.revision or not editable(head):
        raise Conflict(Sentence("a colleague has changed this article meanwhile"), code="article-changed")
    return True


def saved_meanwhile() -> Problem:
    """What the page of a redaction says where the article changed under it."""
    return Problem(text=_("A colleague has saved this article meanwhile. Look at it, and press again."), field="")


def conflict(article_id: bytes) -> ResponseReturnValue:
    """The page again with what was typed, and beside it what a colleague saved meanwhile."""
    newest = drafts.load(context.seat(), article_id)
    must_stand(newest.head, revision=newest.head.revision)
    typed = article_form.still_with_removed(article_form.typed(newest.article), newest.article)
    return page(newest, typed, changed=differences(compared(newest.article), compared(typed))), 409
