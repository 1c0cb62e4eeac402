"""Articles: starting one from cases, its text and files, the preview, correcting, withdrawing and discarding."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection
from typing import Final

import flask
from flask.typing import ResponseReturnValue

from fieldreport import limits
from fieldreport.desk import access, article_form, context, presentation
from fieldreport.desk.article_fields import Changed, differences
from fieldreport.desk.article_readers import signer_shown, too_few
from fieldreport.desk.cases import readable_case
from fieldreport.desk.forms import parsed_id
from fieldreport.desk.item_view import ReadPart, Shape, read_items
from fieldreport.desk.previews import confined, copied
from fieldreport.errors import Conflict, FieldreportError, NotAllowed, NotARecipient, NotFound, UsageError
from fieldreport.press import proof
from fieldreport.press.article import Article
from fieldreport.press.render import body_html
from fieldreport.seal import Kind
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.articles import drafts, overview, redactions, release, review
from fieldreport.vault.articles.drafts import Draft
from fieldreport.vault.articles.overview import ArticleHead, list_articles
from fieldreport.vault.articles.tables import ArticleState
from fieldreport.vault.cases import inbox
from fieldreport.web.i18n import NAMES

blueprint = flask.Blueprint("articles", __name__)

_SHOWN: Final = 100  # newest first: each title is a sealed draft to be opened


# What readers' browsers show or play, and documents whose words the leak check compares.
_ATTACHED: Final = frozenset({Shape.IMAGE, Shape.SOUND, Shape.FILM})
_DOCUMENT: Final = "application/pdf"
_PAGES: Final = frozenset({_DOCUMENT, "image/tiff"})  # of these, too, pages can be marked and taken as pixels


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class CaseFile:
    """A file of a case that can be attached to an article."""

    item_id: bytes
    case: str
    part: ReadPart

    @property
    def attaches(self) -> bool:
        """Whether readers' browsers show or play it as it is."""
        return self.part.shape in _ATTACHED or self.part.media_type == _DOCUMENT

    @property
    def redacts(self) -> bool:
        """Whether areas of it can be marked."""
        return self.part.shape is Shape.IMAGE or self.part.media_type in _PAGES


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
    return _page(drafts.load(context.seat(), article_id))


def _page(
    draft: Draft,
    typed: Article | None = None,
    *,
    changed: Collection[Changed] = (),
) -> str:
    """The page of an article; ``typed`` stands in its form, where it could not be saved over what is ``changed``."""
    cases, material = _material(draft.head)
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
        left_out=proof.left_out(article),
        length=proof.length(article),
        too_few=too_few(draft.head),
        signer_shown=signer_shown,
        cases=cases,
        material=material,
        redacted=redactions.histories(context.seat(), draft.head.id),
        pages=_PAGES,
        revisions=overview.revisions(context.desk().vault, draft.head.id),
        states=ArticleState,
        sign_offs=context.desk().settings.press.sign_offs,
        base_url=context.desk().settings.press.base_url,
        languages=NAMES,
    )


def editable(head: ArticleHead) -> bool:
    """Whether saving makes sense in this state; the vault decides again."""
    return head.state in {ArticleState.DRAFT, ArticleState.REVIEW, ArticleState.CLEARED, ArticleState.SCHEDULED}


def _material(head: ArticleHead) -> tuple[list[tuple[bytes, str]], list[CaseFile]]:
    """The article's cases that this editor may read, and the files of their sources that can be attached."""
    desk, seat = context.desk(), context.seat()
    cases: list[tuple[bytes, str]] = []
    material: list[CaseFile] = []
    for case_id in head.cases:
        try:
            case = readable_case(case_id)
        except (NotFound, NotAllowed):
            continue
        cases.append((case_id, case.name))
        letters = [row for row in inbox.items(desk.vault, case_id) if row.kind is Kind.LETTER and row.exists]
        for item in read_items(seat, case_id, letters, first=1):
            found = [(part.opened_item, part.opened) if part.opened else (item.row.id, part) for part in item.parts]
            files = [CaseFile(item_id=item_id, case=case.name, part=part) for item_id, part in found]
            material += [each for each in files if each.attaches or each.redacts]
    return cases, material


@access.editor
@blueprint.post("/articles/<id:article_id>")
def save(article_id: bytes) -> ResponseReturnValue:
    """Save everything that readers will see. Any change voids earlier sign-offs."""
    draft = drafts.load(context.seat(), article_id)
    try:
        saved = article_form.save(draft, article_form.typed(draft.article))
    except Conflict:
        return _conflict(article_id)
    context.say("Nothing has changed." if saved is None else "Saved and sealed.")
    return _to("leakcheck.show" if flask.request.form.get("then") == "check" else "articles.edit", article_id)


def _conflict(article_id: bytes) -> ResponseReturnValue:
    """The page again with what was typed, and beside it what a colleague saved meanwhile."""
    newest = drafts.load(context.seat(), article_id)
    if not editable(newest.head):
        raise Conflict("a colleague has changed this article meanwhile", code="article-changed")
    typed = dataclasses.replace(article_form.typed(newest.article), slug=newest.article.slug)
    described = {media.name: media for media in typed.media}
    # One that was to be removed stays in the form with its tick.
    kept = tuple(described.get(media.name, media) for media in newest.article.media)
    typed = dataclasses.replace(typed, media=kept)
    return _page(newest, typed, changed=differences(newest.article.public_fields(), typed.public_fields())), 409


@access.editor
@blueprint.post("/articles/<id:article_id>/media")
def attach(article_id: bytes) -> ResponseReturnValue:
    """Save what is typed, then attach a file of a case: a fresh copy, cleaned again for this article."""
    seat, desk = context.seat(), context.desk()
    draft = drafts.load(seat, article_id)
    with article_form.case_file(draft.head, flask.request.form.get("attach", "")) as (_, _, stream):
        try:
            revision = (article_form.save(draft, article_form.typed(draft.article)) or draft).head.revision
        except Conflict:
            return _conflict(article_id)
        try:
            with copied(stream, desk.settings.desk.data / "scratch") as source:
                drafts.add_media(seat, article_id, source, scrubber=desk.scrubber, based_on=revision)
        except FieldreportError as error:
            context.say(f"Your text is saved. The file was not attached: {str(error).rstrip('.')}.")
        else:
            context.say("Attached: a fresh copy, cleaned again. Write a description and a caption for it.")
    return _to("articles.edit", article_id)


@access.editor
@blueprint.post("/articles/<id:article_id>/redaction")
def redact(article_id: bytes) -> ResponseReturnValue:
    """Save what is typed, then mark what must not be seen in a file."""
    draft = drafts.load(context.seat(), article_id)
    try:
        article_form.save(draft, article_form.typed(draft.article))
    except Conflict:
        return _conflict(article_id)
    source = flask.request.form.get("redact", "")
    return flask.redirect(flask.url_for("redaction.show", article_id=article_id, source=source), code=303)


@access.editor
@blueprint.get("/articles/<id:article_id>/media/<name>")
def media(article_id: bytes, name: str) -> ResponseReturnValue:
    """A rendition as readers will get it."""
    seat = context.seat()
    wanted = drafts.load(seat, article_id).article.media_named(name)
    if wanted is None:
        raise NotFound("There is no such file.")
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
