"""What the form of an article holds, and the file of a case that a button of it names."""

from __future__ import annotations

import dataclasses
import io
import re
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import flask

from fieldreport.desk import context
from fieldreport.desk.cases import readable_item
from fieldreport.desk.forms import incomplete, parsed_id, typed_text
from fieldreport.desk.previews import copied
from fieldreport.errors import NotFound
from fieldreport.press.article import Article, Media, Translation, new_slug
from fieldreport.scratch import Scratch
from fieldreport.seal import Kind
from fieldreport.sentence import Sentence
from fieldreport.vault.articles import drafts, redactions
from fieldreport.vault.articles.drafts import Draft
from fieldreport.vault.articles.overview import ArticleHead
from fieldreport.vault.articles.redactions import Origin
from fieldreport.vault.cases.readings import must_be_clean


def typed(article: Article) -> Article:
    """The article as the form has it."""
    changed = _words(article, media=_media(article), slug=_slug(article))
    return dataclasses.replace(changed, language=flask.request.form.get("language", article.language))


def typed_translation(article: Article, translation: Translation) -> Article:
    """The article with this translation as its form has it."""
    there = translation.article
    words = _words(there, media=_media(there), slug=_slug(there, language=there.language))
    return article.with_translation(Translation(article=words, ready="ready" in flask.request.form))


def _words(article: Article, *, media: tuple[Media, ...], slug: str) -> Article:
    return dataclasses.replace(
        article,
        title=" ".join(typed_text("title").split()),
        standfirst=typed_text("standfirst"),
        body=typed_text("body"),
        correction=typed_text("correction"),
        slug=slug,
        media=media,
    )


def save(draft: Draft, article: Article) -> Draft:
    """Save the article; the same draft is returned where nothing differs from it. Raises ``Conflict``."""
    if article == draft.article:
        return draft
    return drafts.save(context.seat(), draft.head.id, article, based_on=based_on())


def _slug(article: Article, *, language: str = "") -> str:
    words = flask.request.form.get("slug_words", "").strip()
    return new_slug(words, language=language) if words else article.slug


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


def with_transcript(article: Article, name: str, *, instead: bool) -> Article:
    """The article with what is typed as the words of a recording or film, as a quotation, where its body names it.

    ``instead``: the file goes. Nothing changes where nothing is typed.
    """
    words = typed_text(f"transcript.{name}")
    if not words:
        return article
    quoted = "\n".join(f"> {line}".rstrip() for line in words.split("\n"))
    shown = re.search(rf"!\[[^\]\n]*\]\({re.escape(name)}\)", article.body)
    if shown is None:
        body = f"{article.body}\n\n{quoted}"
    else:
        before, after = article.body[: shown.start()] if instead else article.body[: shown.end()], shown.end()
        body = f"{before.rstrip()}\n\n{quoted}\n\n{article.body[after:].lstrip()}"
    media = tuple(each for each in article.media if not (instead and each.name == name))
    return dataclasses.replace(article, body=body.strip(), media=media)


def still_with_removed(typed: Article, stored: Article) -> Article:
    """What is typed, unsaved: a file to be removed stays in the form with its tick, and the address as it is."""
    described = {media.name: media for media in typed.media}
    kept = tuple(described.get(media.name, media) for media in stored.media)
    return dataclasses.replace(typed, slug=stored.slug, media=kept)


@contextmanager
def to_redact(draft: Draft, untrusted: str) -> Iterator[tuple[Origin, Scratch]]:
    """An attachment of the article by its name, or a file of one of its cases, as an encrypted copy.

    Raises:
        NotFound: there is no such file. And as ``case_file``.
    """
    seat = context.seat()
    with ExitStack() as stack:
        if draft.article.media_named(untrusted) is not None:
            origin = redactions.attachment(seat, draft.head.id, untrusted)
            stream = stack.enter_context(drafts.open_media(seat, draft.head.id, untrusted))
        else:
            item_id, number, stream = stack.enter_context(case_file(draft.head, untrusted))
            origin = Origin(item=item_id, number=number)
        yield origin, stack.enter_context(copied(stream, context.desk().settings.desk.data / "scratch"))


def based_on() -> int:
    """The revision that was edited. Raises ``UsageError``: the form does not say."""
    revision = flask.request.form.get("based_on", type=int)
    if revision is None:
        raise incomplete()
    return revision


@contextmanager
def case_file(head: ArticleHead, untrusted: str) -> Iterator[tuple[bytes, int, io.RawIOBase]]:
    """A file of one of the article's cases, as a page names it: its item, its number there, and its bytes.

    Raises:
        NotFound: there is none, or it is of another case. NotAllowed: its case is limited to others (code "limited").
    """
    untrusted_id, _, untrusted_number = untrusted.partition("-")
    item_id = parsed_id(untrusted_id)
    if item_id is None:
        raise NotFound(Sentence("There is no such file."))
    item = readable_item(item_id)
    if item.case_id not in head.cases:
        raise NotFound(Sentence("This file belongs to another case."))
    number = int(untrusted_number) if untrusted_number.isascii() and untrusted_number.isdecimal() else 0
    with context.seat().open_item(item_id) as envelope:
        first = 0 if item.kind is Kind.OPENED else 1  # of a letter, the first part is its text
        if not first <= number < len(envelope.manifest.parts):
            raise NotFound(Sentence("this letter has no such attachment"))
        must_be_clean(envelope, number)
        yield item_id, number, envelope.open_part(number)
