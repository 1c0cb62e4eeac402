"""Articles: starting one from cases, its text and pictures, the preview, correcting, withdrawing and discarding."""

from __future__ import annotations

import dataclasses
from typing import Final

import flask
from flask.typing import ResponseReturnValue

from fieldreport import limits
from fieldreport.desk import access, context, presentation
from fieldreport.desk.article_readers import signer_shown, too_few
from fieldreport.desk.cases import readable_case, readable_item
from fieldreport.desk.forms import parsed_id, typed_text
from fieldreport.desk.item_view import ReadPart, Shape, read_items
from fieldreport.desk.previews import confined, copied
from fieldreport.errors import FieldreportError, NotAllowed, NotARecipient, NotFound, UsageError
from fieldreport.press.article import Article, Media, new_slug
from fieldreport.press.render import body_html
from fieldreport.seal import Kind
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.articles import drafts, overview, release, review
from fieldreport.vault.articles.overview import ArticleHead, list_articles
from fieldreport.vault.articles.tables import ArticleState
from fieldreport.vault.cases import inbox
from fieldreport.web.i18n import NAMES

blueprint = flask.Blueprint("articles", __name__)

_SHOWN: Final = 100  # newest first: each title is a sealed draft to be opened


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CasePicture:
    """A picture of a case that can be attached to an article."""

    item_id: bytes
    case: str
    part: ReadPart


@access.editor
@blueprint.get("/articles")
def index() -> ResponseReturnValue:
    """All articles, newest first, with what each waits for."""
    seat = context.seat()
    _publish_due(seat)
    heads = sorted(list_articles(context.desk().vault), key=lambda head: head.changed_hour, reverse=True)
    shown = heads[:_SHOWN]
    return flask.render_template(
        "articles.html", articles=[(head, title_of(seat, head)) for head in shown], hidden=len(heads) - len(shown)
    )


def _publish_due(seat: Seat) -> None:
    published = len(release.publish_due(seat, site=context.desk().site).published)
    if published:
        context.say(f"{published} scheduled {'article is' if published == 1 else 'articles are'} now published.")


def title_of(seat: Seat, head: ArticleHead) -> str:
    """The working title, or a placeholder."""
    try:
        return drafts.load(seat, head.id).article.title or "(no title yet)"
    except NotARecipient:
        return "(cannot be opened with your key)"
    except FieldreportError:
        return "(cannot be read now)"


@access.editor
@blueprint.post("/articles")
def create() -> ResponseReturnValue:
    """Begin an article from one or more cases."""
    form = flask.request.form
    case_ids = [_id(text) for text in form.getlist("case")]
    if not case_ids:
        raise UsageError("Tick at least one case first.")
    for case_id in case_ids:
        readable_case(case_id)
    language = form.get("language", "en")
    draft = drafts.create(context.seat(), list(dict.fromkeys(case_ids)), language)
    context.say("The draft is sealed. Readers see nothing of it until colleagues have signed it off.")
    return _to("articles.edit", draft.head.id)


def _id(untrusted: str) -> bytes:
    found = parsed_id(untrusted)
    if found is None:
        raise NotFound("There is no such case.")
    return found


@access.editor
@blueprint.get("/articles/<id:article_id>")
def edit(article_id: bytes) -> ResponseReturnValue:
    """The article and the form to write it."""
    seat = context.seat()
    draft = drafts.load(seat, article_id)
    cases, pictures = _material(draft.head)
    if editable(draft.head):
        presentation.stay_on_screen()
    return flask.render_template(
        "article.html",
        head=draft.head,
        article=draft.article,
        editable=editable(draft.head),
        too_few=too_few(draft.head),
        signer_shown=signer_shown,
        cases=cases,
        pictures=pictures,
        revisions=overview.revisions(context.desk().vault, article_id),
        states=ArticleState,
        sign_offs=context.desk().settings.press.sign_offs,
        base_url=context.desk().settings.press.base_url,
        languages=NAMES,
    )


def editable(head: ArticleHead) -> bool:
    """Whether saving makes sense in this state; the vault decides again."""
    return head.state in {ArticleState.DRAFT, ArticleState.REVIEW, ArticleState.CLEARED, ArticleState.SCHEDULED}


def _material(head: ArticleHead) -> tuple[list[tuple[bytes, str]], list[CasePicture]]:
    """The article's cases that this editor may read, and the pictures their sources sent."""
    desk, seat = context.desk(), context.seat()
    cases: list[tuple[bytes, str]] = []
    pictures: list[CasePicture] = []
    for case_id in head.cases:
        try:
            case = readable_case(case_id)
        except (NotFound, NotAllowed):
            continue
        cases.append((case_id, case.name))
        letters = [row for row in inbox.items(desk.vault, case_id) if row.kind is Kind.LETTER and row.exists]
        for item in read_items(seat, case_id, letters, first=1):
            found = [(part.opened_item, part.opened) if part.opened else (item.row.id, part) for part in item.parts]
            pictures += [
                CasePicture(item_id=item_id, case=case.name, part=part)
                for item_id, part in found
                if part.shape is Shape.IMAGE
            ]
    return cases, pictures


@access.editor
@blueprint.post("/articles/<id:article_id>")
def save(article_id: bytes) -> ResponseReturnValue:
    """Save everything that readers will see. Any change voids earlier sign-offs."""
    seat = context.seat()
    draft = drafts.load(seat, article_id)
    form = flask.request.form
    article = dataclasses.replace(
        draft.article,
        title=" ".join(typed_text("title").split()),
        standfirst=typed_text("standfirst"),
        body=typed_text("body"),
        correction=typed_text("correction"),
        language=form.get("language", draft.article.language),
        slug=_slug(draft.article),
        media=_media(draft.article),
    )
    if article == draft.article:
        context.say("Nothing has changed.")
    else:
        drafts.save(seat, article_id, article, based_on=_based_on())
        context.say("Saved and sealed.")
    return _to("leakcheck.show" if form.get("then") == "check" else "articles.edit", article_id)


def _slug(article: Article) -> str:
    words = flask.request.form.get("slug_words", "").strip()
    return new_slug(words) if words else article.slug


def _media(article: Article) -> tuple[Media, ...]:
    form = flask.request.form
    return tuple(
        dataclasses.replace(
            media,
            alternative=form.get(f"alternative.{media.name}", media.alternative).replace("\r\n", "\n").strip(),
            caption=form.get(f"caption.{media.name}", media.caption).replace("\r\n", "\n").strip(),
        )
        for media in article.media
        if f"remove.{media.name}" not in form
    )


def _based_on() -> int:
    revision = flask.request.form.get("based_on", type=int)
    if revision is None:
        raise UsageError("This form is not complete. Open the page again.")
    return revision


@access.editor
@blueprint.post("/articles/<id:article_id>/media")
def attach(article_id: bytes) -> ResponseReturnValue:
    """Attach a picture of a case: a fresh copy, cleaned again for this article."""
    desk, seat, form = context.desk(), context.seat(), flask.request.form
    draft = drafts.load(seat, article_id)
    item = readable_item(_id(form.get("item", "")))
    if item.case_id not in draft.head.cases:
        raise NotFound("This picture belongs to another case.")
    number = form.get("number", type=int, default=0)
    with seat.open_item(item.id) as envelope:
        first = 0 if item.kind is Kind.OPENED else 1  # of a letter, the first part is its text
        if not first <= number < len(envelope.manifest.parts):
            raise NotFound("This letter has no such attachment.")
        with copied(envelope.open_part(number), desk.settings.desk.data / "scratch") as source:
            drafts.add_media(seat, article_id, source, scrubber=desk.scrubber, based_on=_based_on())
    context.say("Attached: a fresh copy, cleaned again. Write a description of it for people who cannot see it.")
    return _to("articles.edit", article_id)


@access.editor
@blueprint.get("/articles/<id:article_id>/media/<name>")
def media(article_id: bytes, name: str) -> ResponseReturnValue:
    """A rendition as readers will get it."""
    seat = context.seat()
    wanted = drafts.load(seat, article_id).article.media_named(name)
    if wanted is None:
        raise NotFound("There is no such picture.")
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
    body = body_html(
        draft.article, media_url=lambda name: flask.url_for("articles.media", article_id=article_id, name=name)
    )
    return flask.render_template("article-preview.html", head=draft.head, article=draft.article, body=body)


@access.editor
@blueprint.post("/articles/<id:article_id>/return")
def back_to_draft(article_id: bytes) -> ResponseReturnValue:
    """Take an article back to writing; earlier sign-offs are void."""
    review.return_to_draft(context.seat(), article_id)
    context.say("Back to draft. Earlier sign-offs are void.")
    return _to("articles.edit", article_id)


@access.editor
@blueprint.post("/articles/<id:article_id>/correct")
def correct(article_id: bytes) -> ResponseReturnValue:
    """Open a published article for correction; readers see the old version until the new one is signed off."""
    release.correct(context.seat(), article_id)
    context.say("A draft of the correction is open. Readers see the published version until the new one is signed off.")
    return _to("articles.edit", article_id)


@access.editor
@blueprint.post("/articles/<id:article_id>/cancel-correction")
def cancel_correction(article_id: bytes) -> ResponseReturnValue:
    """Give up a correction: the published version stays."""
    release.cancel_correction(context.seat(), article_id)
    context.say("The correction is discarded. The published version stays.")
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
    context.say("Withdrawn. The site now says only that the page is gone.")
    return _to("articles.edit", article_id)


@access.editor
@blueprint.post("/articles/<id:article_id>/discard")
def discard(article_id: bytes) -> ResponseReturnValue:
    """Permanently delete an article that was never published."""
    drafts.discard(context.seat(), article_id)
    context.say("The draft and its revisions are permanently deleted.")
    return flask.redirect(flask.url_for(".index"), code=303)


def _to(endpoint: str, article_id: bytes) -> ResponseReturnValue:
    return flask.redirect(flask.url_for(endpoint, article_id=article_id), code=303)
