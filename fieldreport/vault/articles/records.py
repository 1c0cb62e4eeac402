"""Drafts and files of articles as sealed objects: writing a revision, opening one, cleaning and storing a file.

A draft object holds two parts. ``article.json`` is what will be public. ``desk.json`` stays here: which cases it is
from, and which sealed object each file of the article is. Its manifest names the author and carries their signature
over the content, so that a revision cannot be passed off as another person's.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, cast

from fieldreport import limits
from fieldreport.errors import (
    FieldreportError,
    LimitExceeded,
    NotFound,
    ScrubRefused,
    SealError,
    Unavailable,
    UsageError,
)
from fieldreport.press.article import Article, Media
from fieldreport.scratch import Scratch
from fieldreport.scrub import Mode
from fieldreport.scrub.registry import neutral_name
from fieldreport.scrub.sandbox.service import Scrubbed, Scrubber
from fieldreport.seal import Kind, PartSource, Roster, decode_canonical, encode_canonical
from fieldreport.sentence import Sentence
from fieldreport.vault.archive.objects import Staged, StoredObject
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.articles.signatures import SignOff, author_is, sign
from fieldreport.vault.articles.tables import ArticleRevision

_NAMES: Final = 10_000  # files that an article ever had; numbers are not used twice


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One revision, opened.

    ``files``: name of every attachment the article ever had → id of its sealed object. ``object_id``: its own.
    ``cases``: those that it came from; ``None`` in a revision from before signing.
    """

    object_id: bytes
    article: Article
    files: Mapping[str, bytes]
    author: str
    cases: frozenset[bytes] | None


@contextmanager
def stage_revision(
    seat: Seat,
    article_id: bytes,
    article: Article,
    files: Mapping[str, bytes],
    *,
    cases: Collection[bytes],
    number: int,
) -> Iterator[Staged]:
    """Seal revision ``number`` in this person's name; add it to a change inside the block."""
    private = encode_canonical(
        {
            "cases": sorted(identifier.hex() for identifier in cases),
            "files": {name: identifier.hex() for name, identifier in files.items()},
        }
    )
    signature = sign(seat, SignOff.WRITING, article_id, article.revision_hash())
    parts = [json_part("article.json", article.to_json()), json_part("desk.json", private)]
    fields = {"author": seat.handle, "signature": signature.hex()}
    with seat.stage(kind=Kind.DRAFT, thread=article_id, parts=parts, fields=fields, version=number) as staged:
        yield staged


def open_revision(seat: Seat, article_id: bytes, row: ArticleRevision) -> Record:
    """Open a revision and check who wrote it. Raises as ``open_stored``, and NotFound: it is gone."""
    return open_stored(seat, article_id, row, seat.vault.objects.open(row.object_id), roster=seat.rosters.newest())


def open_stored(seat: Seat, article_id: bytes, row: ArticleRevision, stored: StoredObject, *, roster: Roster) -> Record:
    """As ``open_revision``, what ``vault.objects`` returned. ``roster``: the newest one.

    Raises:
        NotARecipient, SealError: see ``Seat.open_object``; SealError (code "article") for one that this program did
            not write, or whose author did not sign it.
    """
    opened = seat.open_stored(stored, kind=Kind.DRAFT, thread=article_id, author=row.author, version=row.number)
    with opened as envelope:
        untrusted_article = envelope.read_part(0, limits.ARTICLE_JSON_BYTES)
        untrusted_private = envelope.read_part(1, limits.ARTICLE_JSON_BYTES)
        fields = envelope.manifest.fields
    try:
        article = Article.from_json(untrusted_article)
        document: Any = decode_canonical(untrusted_private)
        files = {str(name): bytes.fromhex(identifier) for name, identifier in document["files"].items()}
        listed = document.get("cases")
        cases = None if listed is None else frozenset(bytes.fromhex(identifier) for identifier in listed)
        signature = bytes.fromhex(fields["signature"])
        author = fields["author"]
    except (UsageError, LimitExceeded, ValueError, KeyError, TypeError, AttributeError):
        raise _damaged("not what this program writes") from None
    if any(media.name not in files for media in article.media):
        raise _damaged("an attachment has no file")
    author_is(seat, author, article_id, article.revision_hash(), signature, roster=roster)
    return Record(object_id=row.object_id, article=article, files=files, author=author, cases=cases)


@contextmanager
def cleaned(source: Scratch, scrubber: Scrubber) -> Iterator[tuple[Scrubbed, str]]:
    """Clean a file again for publication; yields the result and its SHA-256 in hexadecimal.

    Pictures are re-encoded: what their compressed data can hide next to the pixels must not reach readers.

    Raises:
        ScrubRefused: it cannot be cleaned.
    """
    with hashed(scrubber.clean(source, mode=Mode.STRONG)) as made:
        yield made


@contextmanager
def hashed(scrubbed: Scrubbed) -> Iterator[tuple[Scrubbed, str]]:
    """A cleaned file and its SHA-256 in hexadecimal; it is closed at the end of the block."""
    with scrubbed.output:
        digest = hashlib.sha256()
        scrubbed.output.seek(0)
        while data := scrubbed.output.read(limits.READ_BYTES):
            digest.update(data)
        yield scrubbed, digest.hexdigest()


def described(
    article: Article, files: Mapping[str, bytes], scrubbed: Scrubbed, sha256: str, *, alternative: str, caption: str
) -> Media:
    """A cleaned file as the article's next attachment, under a neutral name that it never used before."""
    try:
        names = (neutral_name(scrubbed.media_type, number) for number in range(1, _NAMES))
        name = next(name for name in names if name not in files and article.media_named(name) is None)
    except (KeyError, StopIteration):
        raise ScrubRefused(Sentence("this file cannot be attached to an article"), code="unsupported") from None
    return Media(
        name=name,
        media_type=scrubbed.media_type,
        sha256=sha256,
        length=scrubbed.length,
        alternative=alternative,
        caption=caption,
    )


@contextmanager
def stage_file(
    seat: Seat, article_id: bytes, media: Media, scrubbed: Scrubbed, *others: PartSource
) -> Iterator[Staged]:
    """Seal a cleaned file, with ``others`` behind it; add it to a change inside the block."""
    scrubbed.output.seek(0)
    part = PartSource(
        name=media.name,
        media_type=media.media_type,
        source=cast("BinaryIO", scrubbed.output),
        length=scrubbed.length,
        sha256=bytes.fromhex(media.sha256),
        removed=scrubbed.codes,
    )
    with seat.stage(kind=Kind.MEDIA, thread=article_id, parts=[part, *others]) as staged:
        yield staged


def must_have(article: Article, name: str) -> Media:
    """The attachment of that name. Raises ``NotFound``."""
    media = article.media_named(name)
    if media is None:
        raise NotFound(Sentence("the article has no such attachment"))
    return media


@contextmanager
def opened_file(seat: Seat, article_id: bytes, record: Record, name: str) -> Iterator[io.RawIOBase]:
    """Open an attachment for reading at any position.

    Raises:
        NotFound: the article has none of that name. SealError: the sealed file is not the one the article means.
    """
    media = must_have(record.article, name)
    with seat.open_object(record.files[name], kind=Kind.MEDIA, thread=article_id) as envelope:
        if envelope.manifest.parts[0].sha256.hex() != media.sha256:
            raise _damaged("an attachment is another file than the article says")
        envelope.verify()  # reading at any position does not check the hash that the author signed
        with envelope.open_part(0) as stream:
            yield stream


def fresh_hashes(seat: Seat, article_id: bytes, object_ids: Sequence[bytes]) -> frozenset[str]:
    """The SHA-256 of every file that was cleaned here for this article and can still be opened."""
    found = set()
    for object_id in object_ids:
        try:
            with seat.open_object(object_id, kind=Kind.MEDIA, thread=article_id) as envelope:
                found.add(envelope.manifest.parts[0].sha256.hex())
        except Unavailable:
            raise
        except FieldreportError:  # what cannot be opened counts as not cleaned, and the leak check says so
            continue
    return frozenset(found)


def json_part(name: str, data: bytes) -> PartSource:
    """A part of an object that holds JSON."""
    return PartSource(name=name, media_type="application/json", source=io.BytesIO(data), length=len(data))


def _damaged(detail: str) -> SealError:
    return SealError("this draft is damaged", code="article", detail=f"draft: {detail}")
