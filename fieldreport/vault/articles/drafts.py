"""The folder of drafts: beginning an article, opening it, saving revisions and files, shredding it.

Rules: every save is a new sealed revision and leads back to draft, with every sign-off void; nobody saves over what
they have not seen; an address that was public does not change.
"""

from __future__ import annotations

import io
import secrets
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Final

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from fieldreport.errors import Conflict, NotAllowed, NotFound, UsageError
from fieldreport.press.article import Article, new_slug
from fieldreport.scratch import Scratch
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.seal import Kind, Role
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.objects import Staged
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Item
from fieldreport.vault.articles import records
from fieldreport.vault.articles.listing import ArticleHead, Revision, head_of, row_of
from fieldreport.vault.articles.materials import gone_letters
from fieldreport.vault.articles.records import Record
from fieldreport.vault.articles.tables import (
    ArticleAnswer,
    ArticleCase,
    ArticleFile,
    ArticleRevision,
    ArticleRow,
    ArticleSignOff,
    ArticleState,
)
from fieldreport.vault.cases.inbox import living

OPEN_STATES: Final = frozenset({ArticleState.DRAFT, ArticleState.REVIEW, ArticleState.CLEARED, ArticleState.SCHEDULED})
"""States in which there is a revision on its way to readers."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An article as it stands now."""

    head: ArticleHead
    article: Article


class DraftFolder:
    """One unlocked editor at the drafts; ``Newsdesk`` adds what leads to the site."""

    def __init__(self, seat: Seat) -> None:
        """Take a seat at the drafts. Raises ``NotAllowed``: an admin reads nothing."""
        if seat.role is not Role.EDITOR:
            raise NotAllowed("articles are for editors", code="other-role")
        self._seat = seat

    def create(self, case_ids: Sequence[bytes], language: str) -> Draft:
        """Begin an article from at least one case, in one language.

        Raises:
            UsageError: no case, or a malformed language. NotFound: a case that is unknown or has ended.
        """
        if not case_ids:
            raise UsageError("an article begins with a case", code="no-case")
        article_id = secrets.token_bytes(16)
        article = Article(language=language, slug=new_slug())
        with (
            records.stage_revision(self._seat, article_id, article, {}) as staged,
            self._seat.change() as change,
        ):
            change.session.add(
                ArticleRow(
                    id=article_id,
                    state=ArticleState.DRAFT.value,
                    revision=0,
                    draft=staged.id,
                    created=change.hour,
                    changed=change.hour,
                )
            )
            change.session.flush()
            for case_id in dict.fromkeys(case_ids):
                living(change.session, case_id)
                letters = change.session.scalars(
                    select(Item).where(Item.case_id == case_id, Item.kind == Kind.LETTER.value)
                ).all()
                change.session.add(ArticleCase(article_id=article_id, case_id=case_id, gone=gone_letters(letters)))
            self._add_revision(change, row_of(change.session, article_id), staged)
            change.record(Act.ARTICLE_CREATED, article_id.hex())
        return self.load(article_id)

    def load(self, article_id: bytes) -> Draft:
        """Open an article. Raises ``NotFound``, ``NotARecipient`` or ``SealError``."""
        head, record = self._open(article_id)
        return Draft(head=head, article=record.article)

    def revisions(self, article_id: bytes) -> tuple[Revision, ...]:
        """Every saved version, oldest first. Raises ``NotFound``."""
        with self._seat.vault.reading() as session:
            row_of(session, article_id)
            rows = session.scalars(
                select(ArticleRevision).where(ArticleRevision.article_id == article_id).order_by(ArticleRevision.number)
            ).all()
        return tuple(Revision(number=row.number, by=row.author, hour=row.hour) for row in rows)

    def load_revision(self, article_id: bytes, number: int) -> Article:
        """Open an earlier version. Raises ``NotFound``, ``NotARecipient`` or ``SealError``."""
        with self._seat.vault.reading() as session:
            row = session.get(ArticleRevision, (article_id, number))
        if row is None:
            raise NotFound("no such revision")
        return records.open_revision(self._seat, article_id, row.object_id).article

    def save(self, article_id: bytes, article: Article, *, based_on: int) -> Draft:
        """Save a new revision of everything public; whatever was signed off is void.

        ``based_on`` is the ``revision`` of the head that was edited.

        Raises:
            Conflict: (code "article-changed") somebody saved meanwhile. NotAllowed: it is published (open a correction
            first) or withdrawn, or its address is public already. UsageError: an attachment it never had.
        """
        _, record = self._open(article_id)
        self._save(article_id, article, record.files, based_on=based_on)
        return self.load(article_id)

    def add_media(
        self,
        article_id: bytes,
        source: Scratch,
        *,
        scrubber: Scrubber,
        based_on: int,
        alternative: str = "",
        caption: str = "",
    ) -> Draft:
        """Clean a file anew, seal the rendition, and append it to the article under a neutral name.

        Raises:
            ScrubRefused: it cannot be cleaned. LimitExceeded: too many attachments. And as ``save``.
        """
        _, record = self._open(article_id)
        with records.cleaned(source, scrubber) as (scrubbed, sha256):
            article = record.article
            media = records.described(article, record.files, scrubbed, sha256, alternative=alternative, caption=caption)
            with records.stage_file(self._seat, article_id, media, scrubbed) as staged:
                files = {**record.files, media.name: staged.id}
                article = replace(article, media=(*article.media, media))
                self._save(article_id, article, files, based_on=based_on, file=staged)
        return self.load(article_id)

    def open_media(self, article_id: bytes, name: str) -> AbstractContextManager[io.RawIOBase]:
        """Open an attachment of the current revision, seekable, for the length of a ``with`` block.

        Raises:
            NotFound: no such article or attachment. SealError: the file is not the one the article means.
        """
        _, record = self._open(article_id)
        return records.opened_file(self._seat, article_id, record, name)

    def discard(self, article_id: bytes) -> None:
        """Shred an article that was never published: drafts, files and answers can be opened by nobody any more.

        Raises:
            NotAllowed: it is or was published.
        """
        with self._seat.change() as change:
            row = row_of(change.session, article_id)
            if row.published is not None:
                raise NotAllowed("what was published is withdrawn, not discarded", code="article-state")
            for table in (ArticleRevision, ArticleFile, ArticleAnswer):
                of_this = table.article_id == article_id
                change.shred(change.session.scalars(select(table.object_id).where(of_this)).all())
                change.session.execute(delete(table).where(of_this))
            for other in (ArticleCase, ArticleSignOff):
                change.session.execute(delete(other).where(other.article_id == article_id))
            change.session.delete(row)
            change.record(Act.ARTICLE_DELETED, article_id.hex())
        self._seat.vault.scour()

    def _open(self, article_id: bytes) -> tuple[ArticleHead, Record]:
        with self._seat.vault.reading() as session:
            head, draft = head_of(session, article_id), row_of(session, article_id).draft
        record = records.open_revision(self._seat, article_id, draft)
        # The table says who wrote; the sealed revision says it under a signature. Whoever either names is a writer.
        return replace(head, writers=tuple(sorted({*head.writers, record.author}))), record

    def _save(
        self,
        article_id: bytes,
        article: Article,
        files: Mapping[str, bytes],
        *,
        based_on: int,
        file: Staged | None = None,
    ) -> None:
        if any(media.name not in files for media in article.media):
            raise UsageError("attachments are added from a case", code="article-media")
        with (
            records.stage_revision(self._seat, article_id, article, files) as staged,
            self._seat.change() as change,
        ):
            row = in_state(row_of(change.session, article_id), *OPEN_STATES)
            if row.revision != based_on:
                raise Conflict("a colleague has saved this article meanwhile", code="article-changed")
            if row.slug is not None and row.slug != article.slug:
                raise NotAllowed("the address of a published article stays what it is", code="slug-fixed")
            if file is not None:
                change.add(file)
                change.session.add(ArticleFile(article_id=article_id, object_id=file.id))
            self._add_revision(change, row, staged)
            void(change, row, ArticleState.DRAFT)
            change.record(Act.ARTICLE_SAVED, article_id.hex())

    def _add_revision(self, change: Change, row: ArticleRow, staged: Staged) -> None:
        change.add(staged)
        number = next_number(change.session, ArticleRevision, row.id)
        change.session.add(
            ArticleRevision(
                article_id=row.id, number=number, object_id=staged.id, author=self._seat.handle, hour=change.hour
            )
        )
        row.revision, row.draft, row.changed = number, staged.id, change.hour


def void(change: Change, row: ArticleRow, state: ArticleState) -> None:
    """Move an article to a state in which no sign-off counts."""
    change.session.execute(delete(ArticleSignOff).where(ArticleSignOff.article_id == row.id))
    row.state, row.scheduled_for, row.changed = state.value, None, change.hour


def in_state(row: ArticleRow, *states: ArticleState) -> ArticleRow:
    """Return the row of an article in one of these states. Raises ``NotAllowed``."""
    must_be(ArticleState(row.state), *states)
    return row


def must_be(state: ArticleState, *states: ArticleState) -> None:
    """Check a state. Raises ``NotAllowed`` (code "article-state")."""
    if state not in states:
        raise NotAllowed(f"this cannot be done while an article is in the state '{state}'", code="article-state")


def unchanged(row: ArticleRow, record: Record) -> None:
    """Check that what was opened is still the current revision. Raises ``Conflict``."""
    if row.draft != record.object_id:
        raise Conflict("a colleague has saved this article meanwhile", code="article-changed")


def next_number(session: Session, table: type[ArticleRevision | ArticleAnswer], article_id: bytes) -> int:
    """The number of an article's next revision or answer."""
    return (session.scalar(select(func.max(table.number)).where(table.article_id == article_id)) or 0) + 1
