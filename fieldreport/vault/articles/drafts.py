"""Drafts of articles: beginning one, opening it, saving revisions and files, shredding it.

Rules: every save is a new sealed revision and leads back to draft, with every sign-off void; no one overwrites what
they have not seen; an address that was public does not change.
"""

from __future__ import annotations

import io
import secrets
from collections.abc import Collection, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace

from sqlalchemy import and_, delete, func, select
from sqlalchemy.orm import Session

from fieldreport.errors import Conflict, FieldreportError, NotAllowed, NotFound, UsageError
from fieldreport.press.article import Article, new_slug
from fieldreport.scratch import Scratch
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.seal import Kind, Role, forged
from fieldreport.sentence import Sentence
from fieldreport.vault.archive import authors
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.objects import Staged
from fieldreport.vault.archive.readers import must_be_among, readers_in
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import AuditRow, Item
from fieldreport.vault.articles import records
from fieldreport.vault.articles.materials import gone_letters
from fieldreport.vault.articles.overview import ArticleHead, heads_of, row_of
from fieldreport.vault.articles.readers import must_read_all, must_write
from fieldreport.vault.articles.records import Record
from fieldreport.vault.articles.state import OPEN_STATES, in_state, void
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An article as it stands now."""

    head: ArticleHead
    article: Article


def create(seat: Seat, case_ids: Sequence[bytes], language: str) -> Draft:
    """Begin an article from at least one case, in one language.

    Raises:
        UsageError: no case, or a malformed language. NotFound: a case that is unknown or has ended.
        NotAllowed: a case is limited to others (code "limited").
    """
    seat.must_be(Role.EDITOR)
    if not case_ids:
        raise UsageError(Sentence("an article begins with a case"), code="no-case")
    article_id = secrets.token_bytes(16)
    article = Article(language=language, slug=new_slug())
    with (
        records.stage_revision(seat, article_id, article, {}, cases=case_ids, number=1) as staged,
        seat.change() as change,
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
            must_be_among(readers_in(change.session, seat, case_id), seat.handle)
            letters = change.session.scalars(
                select(Item).where(Item.case_id == case_id, Item.kind == Kind.LETTER.value)
            ).all()
            change.session.add(ArticleCase(article_id=article_id, case_id=case_id, gone=gone_letters(letters)))
        _add_revision(seat, change, row_of(change.session, article_id), staged, number=1)
        change.record(Act.ARTICLE_CREATED, article_id.hex())
    return load(seat, article_id)


def load(seat: Seat, article_id: bytes) -> Draft:
    """Open an article. Raises ``NotFound``, ``NotARecipient`` or ``SealError``."""
    head, record = open_current(seat, article_id)
    return Draft(head=head, article=record.article)


def load_each(seat: Seat, article_ids: Sequence[bytes]) -> dict[bytes, Draft | FieldreportError]:
    """Open several articles, at most a page of them; in the place of one that does not open is why, as ``load`` says.

    Raises:
        NotAllowed: an admin reads nothing. StoreError: the database is away.
    """
    seat.must_be(Role.EDITOR)
    with seat.vault.reading() as session:
        rows = session.scalars(select(ArticleRow).where(ArticleRow.id.in_(article_ids))).all()
        stored = {each.row.draft: each for each in _stored(session, rows)}
    roster = seat.rosters.newest()
    found: dict[bytes, Draft | FieldreportError] = {}
    for object_id, sealed in seat.vault.objects.open_each(stored):
        each = stored[object_id]
        try:
            if isinstance(sealed, FieldreportError):
                raise sealed
            with sealed.payload:
                revision = each.must_be_newest()
                record = records.open_stored(seat, each.head.id, revision, sealed, roster=roster)
            head, record = each.opened(record)
            found[head.id] = Draft(head=head, article=record.article)
        except FieldreportError as error:
            found[each.head.id] = error
    return found


def load_revision(seat: Seat, article_id: bytes, number: int) -> Article:
    """Open an earlier version. Raises ``NotFound``, ``NotARecipient`` or ``SealError``."""
    seat.must_be(Role.EDITOR)
    with seat.vault.reading() as session:
        row = session.get(ArticleRevision, (article_id, number))
    if row is None:
        raise NotFound(Sentence("no such revision"))
    return records.open_revision(seat, article_id, row).article


def save(seat: Seat, article_id: bytes, article: Article, *, based_on: int) -> Draft:
    """Save a new revision of everything public; whatever was signed off is void.

    ``based_on`` is the ``revision`` of the head that was edited.

    Raises:
        Conflict: (code "article-changed") a colleague saved meanwhile.
        NotAllowed: it is published (open a correction first) or withdrawn, its address is public already, or a case of
            it is limited to others, its fact sheet not shown. UsageError: an attachment it never had.
    """
    head, record = open_current(seat, article_id)
    if head.slug is not None:
        before = {each.language: each.slug for each in record.article.each_language()}
        if any(before.get(each.language, each.slug) != each.slug for each in article.each_language()):
            raise _fixed()
    save_with(seat, article_id, article, record.files, cases=head.cases, based_on=based_on)
    return load(seat, article_id)


def add_media(
    seat: Seat,
    article_id: bytes,
    source: Scratch,
    *,
    scrubber: Scrubber,
    based_on: int,
    alternative: str = "",
    caption: str = "",
) -> Draft:
    """Clean a file again, seal the rendition, and append it to the article under a neutral name.

    Raises:
        ScrubRefused: it cannot be cleaned. LimitExceeded: too many attachments. And as ``save``.
    """
    head, record = open_current(seat, article_id)
    with records.cleaned(source, scrubber) as (scrubbed, sha256):
        article = record.article
        media = records.described(article, record.files, scrubbed, sha256, alternative=alternative, caption=caption)
        with records.stage_file(seat, article_id, media, scrubbed) as staged:
            files = {**record.files, media.name: staged.id}
            article = replace(article, media=(*article.media, media))
            save_with(seat, article_id, article, files, cases=head.cases, based_on=based_on, file=staged)
    return load(seat, article_id)


def open_media(seat: Seat, article_id: bytes, name: str) -> AbstractContextManager[io.RawIOBase]:
    """Open an attachment of the current revision, seekable, for the length of a ``with`` block.

    Raises:
        NotFound: no such article or attachment. SealError: the file is not the one the article means.
    """
    _, record = open_current(seat, article_id)
    return records.opened_file(seat, article_id, record, name)


def discard(seat: Seat, article_id: bytes) -> None:
    """Shred an article that was never published: nobody can open its drafts, files and answers any more.

    Raises:
        NotAllowed: it is or was published, or a case of it is limited to others.
    """
    seat.must_be(Role.EDITOR)
    with seat.change() as change:
        row = row_of(change.session, article_id)
        must_read_all(change.session, seat, article_id)
        if row.published is not None:
            raise NotAllowed(Sentence("what was published is withdrawn, not discarded"), code="article-state")
        for table in (ArticleRevision, ArticleFile, ArticleAnswer):
            of_this = table.article_id == article_id
            change.shred(change.session.scalars(select(table.object_id).where(of_this)).all())
            change.session.execute(delete(table).where(of_this))
        for other in (ArticleCase, ArticleSignOff):
            change.session.execute(delete(other).where(other.article_id == article_id))
        change.session.delete(row)
        change.record(Act.ARTICLE_DELETED, article_id.hex())


def open_current(seat: Seat, article_id: bytes) -> tuple[ArticleHead, Record]:
    """Open the current revision. Raises ``NotAllowed``: an admin reads nothing; and as ``load``."""
    seat.must_be(Role.EDITOR)
    with seat.vault.reading() as session:
        stored = _stored(session, [row_of(session, article_id)])[0]
    revision = stored.must_be_newest()
    return stored.opened(records.open_revision(seat, article_id, revision))


@dataclass(frozen=True, slots=True, kw_only=True)
class _Stored:
    """What the tables and the log say of an article; ``saved``: who saved each revision, by the log."""

    head: ArticleHead
    row: ArticleRow
    revision: ArticleRevision | None
    saved: Sequence[str]

    def must_be_newest(self) -> ArticleRevision:
        """Return the current revision. Raises ``SealError`` (code ``replayed``): an older one was put in its place."""
        # The newest is the one that the signed log counts. Only giving up a correction goes back to what readers have.
        kept = self.row.live_revision if self.row.live else None
        revision = self.revision
        if revision is None or revision.object_id != self.row.draft or revision.number not in {len(self.saved), kept}:
            raise authors.replayed()
        return revision

    def opened(self, record: Record) -> tuple[ArticleHead, Record]:
        """The article with all who wrote it. Raises ``SealError``: the revision is of other cases."""
        if record.cases is not None and record.cases != frozenset(self.head.cases):
            # The leak check compares with the cases that the table names: none may go missing.
            raise forged("the store names other cases than the revision")
        # The table says who wrote; the log and the sealed revision say it under a signature. All count.
        writers = tuple(sorted({*self.head.writers, *self.saved, record.author}))
        return replace(self.head, writers=writers), record


def _stored(session: Session, rows: Sequence[ArticleRow]) -> list[_Stored]:
    """Of each of these articles, at most a page of them, asked for together."""
    ids = [row.id for row in rows]
    current = and_(ArticleRow.id == ArticleRevision.article_id, ArticleRow.revision == ArticleRevision.number)
    wanted = select(ArticleRevision).join(ArticleRow, current).where(ArticleRow.id.in_(ids))
    revisions = {revision.article_id: revision for revision in session.scalars(wanted)}
    saves = _saves(session, ids)
    return [
        _Stored(head=head, row=row, revision=revisions.get(row.id), saved=saves[row.id])
        for row, head in zip(rows, heads_of(session, rows), strict=True)
    ]


def save_with(
    seat: Seat,
    article_id: bytes,
    article: Article,
    files: Mapping[str, bytes],
    *,
    cases: Collection[bytes],
    based_on: int,
    file: Staged | None = None,
    act: Act | None = None,
) -> None:
    """Save a new revision with ``files``, all that the article ever had; ``file``: a new one among them.

    ``act``: what else is logged of it. Raises as ``save``.
    """
    if any(media.name not in files for media in article.media):
        raise UsageError(Sentence("attachments are added from a case"), code="article-media")
    with seat.vault.reading() as session:
        number = len(_saves(session, [article_id])[article_id]) + 1
    with (
        records.stage_revision(seat, article_id, article, files, cases=cases, number=number) as staged,
        seat.change() as change,
    ):
        row = in_state(row_of(change.session, article_id), *OPEN_STATES)
        must_write(change.session, seat, article_id)
        if row.revision != based_on or len(_saves(change.session, [article_id])[article_id]) != number - 1:
            raise Conflict(Sentence("a colleague has saved this article meanwhile"), code="article-changed")
        if row.slug is not None and row.slug != article.slug:
            raise _fixed()
        if file is not None:
            change.add(file)
            change.session.add(ArticleFile(article_id=article_id, object_id=file.id))
        _add_revision(seat, change, row, staged, number=number)
        void(change, row, ArticleState.DRAFT)
        change.record(Act.ARTICLE_SAVED, article_id.hex())
        if act is not None:
            change.record(act, article_id.hex())


def _fixed() -> NotAllowed:
    return NotAllowed("the address of a published article stays what it is", code="slug-fixed")


def _saves(session: Session, article_ids: Collection[bytes]) -> dict[bytes, list[str]]:
    """Who saved each revision of these articles, by the log."""
    acts = [Act.ARTICLE_CREATED.value, Act.ARTICLE_SAVED.value]
    found: dict[bytes, list[str]] = {article_id: [] for article_id in article_ids}
    wanted = select(AuditRow.subject, AuditRow.actor).where(
        AuditRow.subject.in_([article_id.hex() for article_id in found]), AuditRow.act.in_(acts)
    )
    for subject, actor in session.execute(wanted.order_by(AuditRow.sequence)):
        found[bytes.fromhex(subject)].append(actor)
    return found


def _add_revision(seat: Seat, change: Change, row: ArticleRow, staged: Staged, *, number: int) -> None:
    change.add(staged)
    change.session.add(
        ArticleRevision(article_id=row.id, number=number, object_id=staged.id, author=seat.handle, hour=change.hour)
    )
    row.revision, row.draft, row.changed = number, staged.id, change.hour


def next_answer(session: Session, article_id: bytes) -> int:
    """The number of an article's next answer."""
    answers = ArticleAnswer.article_id == article_id
    return (session.scalar(select(func.max(ArticleAnswer.number)).where(answers)) or 0) + 1
