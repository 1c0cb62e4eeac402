"""Articles: starting one from cases, its text and files, the preview, correcting, withdrawing and discarding."""

from __future__ import annotations

import dataclasses
from typing import Final

import flask
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from fieldreport import limits
from fieldreport.desk import access, article_form, article_page, beside, context
from fieldreport.desk.cases import readable_case
from fieldreport.desk.forms import parsed_id
from fieldreport.desk.previews import confined, copied
from fieldreport.desk.translation import said
from fieldreport.errors import Conflict, FieldreportError, NotARecipient, NotFound, UsageError
from fieldreport.scrub import Redaction
from fieldreport.sentence import Sentence
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.articles import drafts, redactions, release, review
from fieldreport.vault.articles.drafts import Draft
from fieldreport.vault.articles.overview import list_articles

blueprint = flask.Blueprint("articles", __name__)

_SHOWN: Final = 100  # newest first: each title is a sealed draft to be opened


@access.editor
@blueprint.get("/articles")
def index() -> ResponseReturnValue:
    """All articles, newest first, with what each waits for."""
    seat = context.seat()
    _publish_due(seat)
    heads = list_articles(context.desk().vault)
    opened = drafts.load_each(seat, [head.id for head in heads[:_SHOWN]])
    articles = [(head, _title(opened.get(head.id))) for head in heads[:_SHOWN]]
    return flask.render_template("articles.html", articles=articles, hidden=len(heads) - len(articles))


def _publish_due(seat: Seat) -> None:
    published = len(release.publish_due(seat, site=context.desk().site).published)
    if published:
        context.say(
            ngettext(
                "%(num)s scheduled article is now published.",
                "%(num)s scheduled articles are now published.",
                published,
            )
        )


def _title(opened: Draft | FieldreportError | None) -> str:
    """The working title, or a placeholder."""
    match opened:
        case Draft():
            return opened.article.title or str(_("(no title yet)"))
        case NotARecipient():
            return str(_("(cannot be opened with your key)"))
        case _:
            return str(_("(cannot be read now)"))


@access.editor
@blueprint.post("/articles")
def create() -> ResponseReturnValue:
    """Begin an article from one or more cases."""
    form = flask.request.form
    case_ids = [_id(text) for text in form.getlist("case")]
    if not case_ids:
        raise UsageError(Sentence("Tick at least one case first."))
    for case_id in case_ids:
        readable_case(case_id)
    language = form.get("language", "en")
    draft = drafts.create(context.seat(), list(dict.fromkeys(case_ids)), language)
    context.say(_("The draft is sealed. Readers see nothing of it until colleagues have signed it off."))
    return _to("articles.edit", draft.head.id)


def _id(untrusted: str) -> bytes:
    found = parsed_id(untrusted)
    if found is None:
        raise NotFound(Sentence("There is no such case."))
    return found


@access.editor
@blueprint.get("/articles/<id:article_id>")
def edit(article_id: bytes) -> ResponseReturnValue:
    """The article and the form to write it."""
    return article_page.page(drafts.load(context.seat(), article_id))


@access.editor
@blueprint.post("/articles/<id:article_id>")
def save(article_id: bytes) -> ResponseReturnValue:
    """Save everything that readers will see. Any change voids earlier sign-offs."""
    draft = drafts.load(context.seat(), article_id)
    then, _dash, number = flask.request.form.get("then", "").partition("-")
    try:
        if then in {"preview", "attribute", "look"}:
            return _unsaved(draft, then, number)
        saved = article_form.save(draft, article_form.typed(draft.article))
    except Conflict:
        return article_page.conflict(article_id)
    context.say(_("Nothing has changed.") if saved is draft else _("Saved and sealed."))
    return _to("leakcheck.show" if then == "check" else "articles.edit", article_id)


def _unsaved(draft: Draft, then: str, number: str) -> str:
    """The page with what is typed, previewed, checked or with an attribution at the end. Raises ``Conflict``."""
    article_page.must_stand(draft.head, revision=article_form.based_on())
    typed = article_form.still_with_removed(article_form.typed(draft.article), draft.article)
    if then == "attribute":
        cases, _sheets = beside.beside(draft.head)
        words = article_page.attributions(cases, typed.language)
        chosen = words[int(number)] if number.isdecimal() and int(number) < len(words) else ""
        typed = dataclasses.replace(typed, body=f"{typed.body} {chosen}".strip())
    checked = None
    if then == "look":
        site = context.desk().site
        checked = review.check_typed(context.seat(), draft.head.id, typed.alone(), press=site.press, reader=site.reader)
    return article_page.page(draft, typed, preview=then == "preview", checked=checked)


@access.editor
@blueprint.post("/articles/<id:article_id>/media")
def attach(article_id: bytes) -> ResponseReturnValue:
    """Save what is typed, then attach a file of a case: a fresh copy, cleaned again for this article."""
    seat, desk = context.seat(), context.desk()
    draft = drafts.load(seat, article_id)
    with article_form.case_file(draft.head, flask.request.form.get("attach", "")) as (_id, _number, stream):
        try:
            revision = article_form.save(draft, article_form.typed(draft.article)).head.revision
        except Conflict:
            return article_page.conflict(article_id)
        try:
            with copied(stream, desk.settings.desk.data / "scratch") as source:
                drafts.add_media(seat, article_id, source, scrubber=desk.scrubber, based_on=revision)
        except FieldreportError as error:
            why = said(error.text).rstrip(".。")
            context.say(_("Your text is saved. The file was not attached: %(reason)s.", reason=why))
        else:
            context.say(_("Attached: a fresh copy, cleaned again. Write a description and a caption for it."))
    return _to("articles.edit", article_id)


@access.editor
@blueprint.post("/articles/<id:article_id>/redaction")
def redact(article_id: bytes) -> ResponseReturnValue:
    """Save what is typed, then mark what must not be seen in a file."""
    draft = drafts.load(context.seat(), article_id)
    try:
        article_form.save(draft, article_form.typed(draft.article))
    except Conflict:
        return article_page.conflict(article_id)
    pixels, words = flask.request.form.get("redact", ""), flask.request.form.get("words", "")
    page = "redacted_words.show" if words else "redaction.show"
    return flask.redirect(flask.url_for(page, article_id=article_id, source=words or pixels), code=303)


@access.editor
@blueprint.post("/articles/<id:article_id>/voice")
def take_voice(article_id: bytes) -> ResponseReturnValue:
    """Save what is typed with the words that are said; a film loses its sound, a recording goes."""
    seat, desk, name = context.seat(), context.desk(), flask.request.form.get("voice", "")
    draft = drafts.load(seat, article_id)
    wanted = draft.article.media_named(name)
    if wanted is None:
        raise NotFound(Sentence("There is no such file."))
    recording = wanted.media_type.startswith("audio/")
    typed = article_form.with_transcript(article_form.typed(draft.article), name, instead=recording)
    if recording and typed.media_named(name) is not None:
        context.say(_("Write down first what is said in the recording."))
        return article_page.page(draft, article_form.still_with_removed(typed, draft.article)), 422
    try:
        revision = article_form.save(draft, typed).head.revision
    except Conflict:
        return article_page.conflict(article_id)
    if recording:
        context.say(_("%(file)s is not in the article any more. Its words stand there instead.", file=name))
        return _to("articles.edit", article_id)
    try:
        with article_form.to_redact(draft, name) as (origin, source):
            redactions.redact(
                seat,
                article_id,
                source,
                Redaction(silent=True),
                origin=origin,
                scrubber=desk.scrubber,
                based_on=revision,
            )
    except FieldreportError as error:
        why = said(error.text).rstrip(".。")
        context.say(_("Your text is saved. The sound was not taken out: %(reason)s.", reason=why))
    else:
        context.say(_("The sound is taken out. The pictures are as they were: lips, gestures and places still show."))
    return _to("articles.edit", article_id)


@access.editor
@blueprint.get("/articles/<id:article_id>/media/<name>")
def media(article_id: bytes, name: str) -> ResponseReturnValue:
    """A rendition as readers will get it."""
    seat = context.seat()
    wanted = drafts.load(seat, article_id).article.media_named(name)
    if wanted is None:
        raise NotFound(Sentence("There is no such file."))
    with drafts.open_media(seat, article_id, name) as source:
        body = source.read(limits.SCRUB_OUTPUT_BYTES) or b""
    response = flask.Response(body, mimetype=wanted.media_type)
    response.headers["Content-Disposition"] = f'inline; filename="{wanted.name}"'
    return confined(response)


@access.editor
@blueprint.get("/articles/<id:article_id>/preview")
def preview(article_id: bytes) -> ResponseReturnValue:
    """The article as readers will see it."""
    draft = drafts.load(context.seat(), article_id)
    body = article_page.body(article_id, draft.article)
    return flask.render_template("article-preview.html", head=draft.head, article=draft.article, body=body)


@access.editor
@blueprint.post("/articles/<id:article_id>/return")
def back_to_draft(article_id: bytes) -> ResponseReturnValue:
    """Take an article back to writing; earlier sign-offs are void."""
    review.return_to_draft(context.seat(), article_id)
    context.say(_("Back to draft. Earlier sign-offs are void."))
    return _to("articles.edit", article_id)


@access.editor
@blueprint.post("/articles/<id:article_id>/correct")
def correct(article_id: bytes) -> ResponseReturnValue:
    """Open a published article for correction; readers see the old version until the new one is signed off."""
    release.correct(context.seat(), article_id)
    context.say(
        _("A draft of the correction is open. Readers see the published version until the new one is signed off.")
    )
    return _to("articles.edit", article_id)


@access.editor
@blueprint.post("/articles/<id:article_id>/cancel-correction")
def cancel_correction(article_id: bytes) -> ResponseReturnValue:
    """Give up a correction: the published version stays."""
    release.cancel_correction(context.seat(), article_id)
    context.say(_("The correction is discarded. The published version stays."))
    return _to("articles.edit", article_id)


@access.editor
@blueprint.get("/articles/<id:article_id>/end")
def ask_end(article_id: bytes) -> ResponseReturnValue:
    """Ask before withdrawing what is published, or discarding what is not."""
    draft = drafts.load(context.seat(), article_id)
    return flask.render_template("article-end.html", head=draft.head, article=draft.article)


@access.editor
@blueprint.post("/articles/<id:article_id>/withdraw")
def withdraw(article_id: bytes) -> ResponseReturnValue:
    """Take an article off the site at once."""
    release.withdraw(context.seat(), article_id, site=context.desk().site)
    context.say(_("Withdrawn. The site now says only that the page is gone."))
    return _to("articles.edit", article_id)


@access.editor
@blueprint.post("/articles/<id:article_id>/discard")
def discard(article_id: bytes) -> ResponseReturnValue:
    """Permanently delete an article that was never published."""
    drafts.discard(context.seat(), article_id)
    context.say(_("The draft and its revisions are permanently deleted."))
    return flask.redirect(flask.url_for(".index"), code=303)


def _to(endpoint: str, article_id: bytes) -> ResponseReturnValue:
    return flask.redirect(flask.url_for(endpoint, article_id=article_id), code=303)
