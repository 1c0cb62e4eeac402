"""Redacted files of an article: made of another file, sealed as new ones that know what they are made of.

Rules: the file that was redacted is never changed; what its redaction took, and from what, is sealed and signed with
the result by who did it. Once a file is redacted, no earlier version of the text brings back what was taken.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import astuple, dataclass, field, replace
from pathlib import Path
from typing import Any, Final

from fieldreport.errors import FieldreportError, ScrubRefused, SealError, Unavailable
from fieldreport.press.article import Article, Media
from fieldreport.scratch import Scratch
from fieldreport.scrub import Area, Redaction, Scrubbed, Scrubber
from fieldreport.scrub.views.covered import Covered
from fieldreport.seal import Kind, decode_canonical, encode_canonical
from fieldreport.sentence import Sentence
from fieldreport.vault.archive import authors
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.articles import drafts, records
from fieldreport.vault.articles.drafts import Draft

_BYTES: Final = 64 * 1024  # limits.REDACTION_AREAS areas and pages, in digits


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a file was redacted from: an attachment of the article by its name, or part ``number`` of a case's item.

    ``item``: the sealed object, of the attachment too.
    """

    item: bytes = field(repr=False)
    number: int
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Redacted:
    """How a file came to be; ``media``: as an attachment without words.

    ``covered``: of a text, how many marks stand for words; what they were is told to nobody, for every editor opens
    this, also those who do not read the case.
    """

    by: str
    hour: int
    origin: Origin
    redaction: Redaction
    media: Media
    covered: int = 0


def redact(
    seat: Seat,
    article_id: bytes,
    source: Scratch,
    redaction: Redaction,
    *,
    origin: Origin,
    scrubber: Scrubber,
    based_on: int,
) -> Draft:
    """Redact a file, seal the result, and put it in the place of the attachment ``origin`` names, or append it.

    ``source``: what ``origin`` names, opened by the caller.

    Raises:
        ScrubRefused: it has no pages that can be drawn. LimitExceeded: too many attachments. And as ``drafts.save``.
    """
    made = scrubber.redact(source, redaction)
    return _put(seat, article_id, made, _encoded(origin, redaction), origin=origin, based_on=based_on)


def redact_words(
    seat: Seat, article_id: bytes, words: Covered, *, origin: Origin, scratch: Path, based_on: int
) -> Draft:
    """As ``redact``, of a file of which the words are the file: seal what is left of them, as a plain text.

    It is not cleaned as a file: nothing of one is in it, and a text that begins like a mail or a page stays a text.
    ``scratch``: where the encrypted copy may lie.

    Raises:
        ScrubRefused: (code "empty") nothing is left. LimitExceeded: too many attachments. And as ``drafts.save``.
    """
    if not words.text:
        raise ScrubRefused(Sentence("No words are left."), code="empty")
    text = words.text.encode()
    with Scratch(scratch) as output:
        output.write(text)
        made = Scrubbed(media_type="text/plain", extension="txt", output=output, length=len(text), removed=(), noted=())
        history = _encoded(origin, Redaction(), covered=words.marks)
        return _put(seat, article_id, made, history, origin=origin, based_on=based_on)


def _put(seat: Seat, article_id: bytes, made: Scrubbed, encoded: bytes, *, origin: Origin, based_on: int) -> Draft:
    with records.hashed(made) as (scrubbed, sha256):
        head, record = drafts.open_current(seat, article_id)
        article = record.article
        old = article.media_named(origin.name) if origin.name else None
        alternative, caption = (old.alternative, old.caption) if old else ("", "")
        media = records.described(article, record.files, scrubbed, sha256, alternative=alternative, caption=caption)
        history = records.json_part("redaction.json", encoded)
        with records.stage_file(seat, article_id, media, scrubbed, history) as staged:
            changed = replace(article, media=(*article.media, media)) if old is None else _with(article, {old: media})
            files = {**record.files, media.name: staged.id}
            drafts.save_with(
                seat,
                article_id,
                changed,
                files,
                cases=head.cases,
                based_on=based_on,
                file=staged,
                act=Act.ARTICLE_REDACTED,
            )
    return drafts.load(seat, article_id)


def attachment(seat: Seat, article_id: bytes, name: str) -> Origin:
    """The attachment of the current revision of that name. Raises ``NotFound``."""
    _, record = drafts.open_current(seat, article_id)
    records.must_have(record.article, name)
    return Origin(item=record.files[name], number=0, name=name)


def histories(seat: Seat, article_id: bytes) -> dict[str, Redacted]:
    """Every redacted file that the article ever had, by its name, how it came to be; what does not open is left out.

    Raises:
        Unavailable: the store is away. And as ``drafts.load``.
    """
    _, record = drafts.open_current(seat, article_id)
    found = {}
    for name, object_id in record.files.items():
        try:
            redacted = _history(seat, article_id, name, object_id)
        except Unavailable:
            raise
        except FieldreportError:  # the article's own check says that a file is damaged
            continue
        if redacted is not None:
            found[name] = redacted
    return found


def restore(seat: Seat, article_id: bytes, number: int, *, based_on: int) -> Draft:
    """Save an earlier version again, at the addresses of now, with every file as redacted as it is now.

    Raises:
        NotFound, NotARecipient, SealError: it cannot be opened. And as ``drafts.save``.
    """
    article = drafts.load_revision(seat, article_id, number).with_slugs_of(drafts.load(seat, article_id).article)
    later = {each.origin.name: each.media for each in histories(seat, article_id).values() if each.origin.name}
    for _ in later:  # no chain is longer; a circle, which only a forger signs, ends
        article = _with(article, {media: later[media.name] for media in article.media if media.name in later})
    return drafts.save(seat, article_id, article, based_on=based_on)


def _with(article: Article, replaced: Mapping[Media, Media]) -> Article:
    """The article with other files under the same words in every language, also where a body names them."""
    names = {media.name: new for media, new in replaced.items()}
    translations = tuple(replace(each, article=_in_one_language(each.article, names)) for each in article.translations)
    # At once: a translation has the words of the files that its original has.
    original = _in_one_language(article.alone(), names)
    return replace(original, translations=translations)


def _in_one_language(article: Article, replaced: Mapping[str, Media]) -> Article:
    """As ``_with``, of one language; no file is there twice."""
    media: dict[str, Media] = {}
    body = article.body
    for each in article.media:
        new = replaced.get(each.name)
        if new is None:
            media[each.name] = each
            continue
        media[new.name] = replace(new, alternative=each.alternative, caption=each.caption)
        body = re.sub(rf"(?<![\w.-]){re.escape(each.name)}(?![\w-])", new.name, body)
    return replace(article, media=tuple(media.values()), body=body)


def _encoded(origin: Origin, redaction: Redaction, *, covered: int = 0) -> bytes:
    return encode_canonical(
        {
            "areas": [list(astuple(area)) for area in redaction.areas],
            "covered": covered,
            "item": origin.item.hex(),
            "left_out": list(redaction.left_out),
            "name": origin.name,
            "number": origin.number,
            "silent": redaction.silent,
        }
    )


def _history(seat: Seat, article_id: bytes, name: str, object_id: bytes) -> Redacted | None:
    with seat.open_object(object_id, kind=Kind.MEDIA, thread=article_id) as envelope:
        if len(envelope.manifest.parts) == 1:
            return None
        untrusted, part = envelope.read_part(1, _BYTES), envelope.manifest.parts[0]
        by, hour = (
            envelope.author(authors.signers_at(seat.rosters, envelope.binding.epoch)),
            envelope.manifest.hour,
        )
    try:
        document: Any = decode_canonical(untrusted)
        origin = Origin(
            item=bytes.fromhex(document["item"]), number=int(document["number"]), name=str(document["name"])
        )
        areas = tuple(Area(*map(int, numbers)) for numbers in document["areas"])
        left_out = tuple(map(int, document["left_out"]))
        redaction = Redaction(areas=areas, left_out=left_out, silent=document.get("silent") is True)
        covered = int(document.get("covered", 0))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise SealError("this file is damaged", code="article", detail="redaction: not what is written") from None
    media = Media(name=name, media_type=part.media_type, sha256=part.sha256.hex(), length=part.length)
    return Redacted(by=by, hour=hour, origin=origin, redaction=redaction, media=media, covered=covered)
