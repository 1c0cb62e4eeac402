"""Putting an article on the site and taking it off.

Rules: nothing goes out unless everything holds at that moment: both sign-offs over exactly this content, every finding
answered, every file the one that was signed. The site is changed inside the transaction that says so, and both steps
may be repeated: a crash in between leaves an article that is still scheduled and is put out again, the same.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from functools import partial

from fieldreport.errors import Conflict, NotFound
from fieldreport.press.archive import Archive, MediaSource
from fieldreport.press.site import Newsroom, Published
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.articles.records import Record, opened_file
from fieldreport.vault.articles.tables import ArticleRow, ArticleState


def release(
    seat: Seat, article_id: bytes, record: Record, archive: Archive, newsroom: Newsroom, *, slot: datetime
) -> None:
    """Put a scheduled article on the site, dated to ``slot``. The caller has checked that it may go out.

    Raises:
        Conflict: it changed since it was checked. StoreError: the site cannot be written; the article stays scheduled.
    """
    article = record.article
    sources: dict[str, MediaSource] = {
        media.sha256: partial(opened_file, seat, article_id, record, media.name) for media in article.media
    }
    archive.keep(sources, slot)
    with seat.change() as change:
        row = change.session.get_one(ArticleRow, article_id)
        if row.state != ArticleState.SCHEDULED.value or row.draft != record.object_id:
            raise Conflict("the article changed meanwhile", code="article-changed")
        first = slot if row.published is None else datetime.fromtimestamp(row.published, UTC)
        archive.put(
            Published(slug=article.slug, language=article.language, published=first, updated=slot, article=article),
            sources,
        )
        archive.rebuild(newsroom, slot=slot)
        _note_release(change, row, record, slot)


def take_down(row: ArticleRow, archive: Archive, newsroom: Newsroom, *, slot: datetime) -> None:
    """Take a live article off the site; call it inside the transaction that says so.

    Raises:
        StoreError: the site cannot be written; the article is still on it.
    """
    if row.slug is not None:
        with suppress(NotFound):  # the site was made anew without it: it is off already
            archive.withdraw(row.slug, slot)
        archive.rebuild(newsroom, slot=slot)


def _note_release(change: Change, row: ArticleRow, record: Record, slot: datetime) -> None:
    row.corrected = row.published is not None
    seconds = int(slot.timestamp())
    row.state = (ArticleState.CORRECTED if row.corrected else ArticleState.PUBLISHED).value
    row.live, row.live_revision, row.slug = True, row.revision, record.article.slug
    row.published = row.published if row.corrected else seconds
    row.updated, row.scheduled_for = seconds, None
    change.record(Act.ARTICLE_CORRECTED if row.corrected else Act.ARTICLE_PUBLISHED, row.id.hex())
