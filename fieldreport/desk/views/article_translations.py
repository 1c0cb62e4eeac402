"""Translations of an article: adding one, writing it beside the original, its state, taking it out.

Rules: a translation is saved with the article, as a new revision that voids every sign-off; it is published with it,
and only once somebody has said that it is ready.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import flask
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from fieldreport.desk import access, article_form, article_page, context, presentation
from fieldreport.desk.article_fields import Changed, compared, differences, label, unfaithful
from fieldreport.desk.findings import excerpts, rule_label
from fieldreport.errors import Conflict, NotFound, UsageError
from fieldreport.press import proof
from fieldreport.press.article import Article, Translation, new_slug
from fieldreport.sentence import Sentence
from fieldreport.vault.articles import drafts, review
from fieldreport.vault.articles.drafts import Draft
from fieldreport.vault.articles.review import Checked

blueprint = flask.Blueprint("article_translations", __name__)


@access.editor
@blueprint.post("/articles/<id:article_id>/translations")
def add(article_id: bytes) -> ResponseReturnValue:
    """Save what is typed of the original, and begin a translation with no words in it."""
    draft = drafts.load(context.seat(), article_id)
    language = flask.request.form.get("translate", "")
    if language not in presentation.LANGUAGES:
        raise UsageError(Sentence("Choose a language first."))
    typed = article_form.typed(draft.article)
    if typed.translation(language) is None:
        empty = Article(language=language, slug=new_slug(language=language))
        typed = typed.with_translation(Translation(article=empty))
    try:
        article_form.save(draft, typed)
    except Conflict:
        return article_page.conflict(article_id)
    return _to(".edit", article_id, language)


@access.editor
@blueprint.get("/articles/<id:article_id>/translations/<code>")
def edit(article_id: bytes, code: str) -> ResponseReturnValue:
    """A translation beside the original."""
    draft = drafts.load(context.seat(), article_id)
    return _page(draft, _in(draft.article, code))


@access.editor
@blueprint.post("/articles/<id:article_id>/translations/<code>")
def save(article_id: bytes, code: str) -> ResponseReturnValue:
    """Save a translation, or preview or check what is typed of it."""
    draft = drafts.load(context.seat(), article_id)
    then = flask.request.form.get("then", "")
    typed = article_form.typed_translation(draft.article, _in(draft.article, code))
    try:
        if then in {"preview", "look"}:
            return _unsaved(draft, typed, code, then)
        saved = article_form.save(draft, typed)
    except Conflict:
        return _conflict(article_id, code)
    context.say(_("Nothing has changed.") if saved is draft else _("Saved and sealed."))
    if then == "check":
        return flask.redirect(flask.url_for("leakcheck.show", article_id=article_id), code=303)
    return _to(".edit", article_id, code)


@access.editor
@blueprint.post("/articles/<id:article_id>/translations/<code>/remove")
def remove(article_id: bytes, code: str) -> ResponseReturnValue:
    """Take a translation out of the article; earlier revisions keep it."""
    draft = drafts.load(context.seat(), article_id)
    _in(draft.article, code)
    article_form.save(draft, draft.article.without_translation(code))
    context.say(_("The translation is taken out. Earlier revisions still have it."))
    return flask.redirect(flask.url_for("articles.edit", article_id=article_id), code=303)


def _in(article: Article, code: str) -> Translation:
    found = article.translation(code)
    if found is None:
        raise NotFound(Sentence("The article is not there in this language."))
    return found


def _to(endpoint: str, article_id: bytes, code: str) -> ResponseReturnValue:
    return flask.redirect(flask.url_for(endpoint, article_id=article_id, code=code), code=303)


def _unsaved(draft: Draft, typed: Article, code: str, then: str) -> str:
    """The page with what is typed, previewed or checked. Raises ``Conflict``."""
    article_page.must_stand(draft.head, revision=article_form.based_on())
    translation = _in(typed, code)
    if then == "preview":
        return _page(draft, translation, preview=True)
    site = context.desk().site
    found = review.check_typed(context.seat(), draft.head.id, translation.article, press=site.press, reader=site.reader)
    return _page(draft, translation, checked=found)


def _conflict(article_id: bytes, code: str) -> ResponseReturnValue:
    """The page again with what was typed, and beside it what a colleague saved meanwhile."""
    newest = drafts.load(context.seat(), article_id)
    article_page.must_stand(newest.head, revision=newest.head.revision)
    typed = article_form.typed_translation(newest.article, _in(newest.article, code))
    changed = differences(compared(newest.article), compared(typed))
    return _page(newest, _in(typed, code), changed=changed), 409


def _page(
    draft: Draft,
    translation: Translation,
    *,
    changed: Collection[Changed] = (),
    preview: bool = False,
    checked: Sequence[Checked] | None = None,
) -> str:
    if article_page.editable(draft.head):
        presentation.stay_on_screen()
    article = translation.article
    original = draft.article.alone()
    return flask.render_template(
        "article-translation.html",
        head=draft.head,
        original=original,
        original_body=article_page.body(draft.head.id, original),
        article=article,
        ready=translation.ready,
        editable=article_page.editable(draft.head),
        changed=changed,
        typed_now=flask.request.form if flask.request.method == "POST" else {},
        left_out=proof.left_out(article),
        length=proof.length(article),
        unfaithful=unfaithful(original.with_translation(translation)) if article.body.strip() else (),
        preview=article_page.body(draft.head.id, article) if preview else None,
        checked=checked,
        excerpts=excerpts(article, checked or ()),
        rule_label=rule_label,
        field_label=label,
        base_url=context.desk().settings.press.base_url,
    )
