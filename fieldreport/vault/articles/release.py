"""From the second sign-off to the site and off it again: publishing, corrections, withdrawal.

Rules: nothing goes out unless everything holds at that moment: both sign-offs over exactly this content, every finding
answered, every file the one that was signed. The site is changed inside the transaction that says so, and both steps
may be repeated: a crash in between leaves an article that is still scheduled and is put out again, the same. Until then
nothing of an article is in the clear anywhere, so publishing what is due needs an unlocked editor. When it is due, and
whether somebody holds it back, is signed; see ``slots``.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from typing import Final

from sqlalchemy import select

from fieldreport import limits
from fieldreport.config import Press, Settings
from fieldreport.errors import Conflict, NotAllowed, NotFound, RosterError, SealError, UsageError
from fieldreport.press.archive import Archive, MediaSource
from fieldreport.press.newsroom import Newsroom, Published
from fieldreport.press.schedule import Schedule
from fieldreport.press.trial import try_theme
from fieldreport.seal import Role, recipients_file
from fieldreport.sentence import Sentence
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.articles import drafts, overview, slots
from fieldreport.vault.articles.drafts import Draft
from fieldreport.vault.articles.overview import ArticleHead, row_of, sign_offs_of
from fieldreport.vault.articles.readers import must_read_all, readers_behind
from fieldreport.vault.articles.records import Record, opened_file
from fieldreport.vault.articles.review import (
    Review,
    answers_given,
    leak_check,
    must_be_described,
    must_not_have_written,
)
from fieldreport.vault.articles.signatures import SignOff, add_sign_off, check_sign_offs, sign
from fieldreport.vault.articles.state import OPEN_STATES, OUT_STATES, in_state, must_be, unchanged, void
from fieldreport.vault.articles.tables import ArticleRevision, ArticleRow, ArticleSignOff, ArticleState
from fieldreport.vault.cases.readings import Reader

# A colleague, a repaired disk, the slot, or somebody who holds it back.
_FOR_LATER: Final = frozenset({"article-limited", "case-unread", "case-unreadable", "article-not-due", "article-held"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """A newsroom's public site and its rules for what goes there; ``clock`` gives seconds since the Unix epoch.

    ``reader`` reads what the articles' cases have attached, for the leak check.
    """

    press: Press
    schedule: Schedule
    newsroom: Newsroom
    archive: Archive
    reader: Reader
    clock: Callable[[], float]

    @classmethod
    def of(cls, settings: Settings, *, reader: Reader, clock: Callable[[], float] = time.time) -> Site:
        """The site that the settings describe.

        Raises:
            SettingsError: the daily slot is no time of day; and as ``Newsroom.from_settings`` and ``try_theme``.
        """
        newsroom = Newsroom.from_settings(settings)
        try_theme(newsroom)
        return cls(
            press=settings.press,
            schedule=Schedule.from_settings(settings.press),
            newsroom=newsroom,
            archive=Archive(settings.press.site),
            reader=reader,
            clock=clock,
        )

    def now(self) -> datetime:
        """The time by which articles are due."""
        return datetime.fromtimestamp(self.clock(), UTC)

    def current_slot(self) -> datetime:
        """What everything that happens now is dated to."""
        return self.schedule.current_slot(self.now())


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishRun:
    """What was due: ``published`` went out; ``held`` went back to review, because something new was found.

    What this person cannot check is in neither and waits for somebody who can.
    """

    published: tuple[bytes, ...]
    held: tuple[bytes, ...]


def publish(seat: Seat, article_id: bytes, *, site: Site, not_before: date | None = None) -> ArticleHead:
    """Sign off the publication and schedule it; without any delay it is on the site when this returns.

    ``not_before``: the first day on which it may appear (UTC), besides what its sources asked for.

    Raises:
        UsageError: (code "embargo") a day that is past, or more than ``limits.EMBARGO_DAYS`` ahead.
        NotAllowed: code "own-article", "same-person", "sign-off-void", "article-limited", "case-unread",
        "unanswered-findings", "undescribed" or "article-state".
        Conflict: it changed meanwhile. StoreError: the site could not be written; it stays scheduled.
    """
    head, record = drafts.open_current(seat, article_id)
    must_not_have_written(seat, head)
    must_be(head.state, ArticleState.CLEARED)
    with seat.vault.reading() as session:
        must_read_all(session, seat, article_id)
    signature = sign(seat, SignOff.PUBLISHING, article_id, record.article.content_hash())
    behind = _must_be_ready(seat, head, record, site, publishing=signature).behind
    now = site.now()
    slot = site.schedule.publication_slot(
        now=now,
        newest_report=behind.newest_report,
        not_before=max(filter(None, (behind.not_before(), _embargo(not_before, now))), default=None),
    )
    with seat.change() as change:
        row = in_state(row_of(change.session, article_id), ArticleState.CLEARED)
        must_read_all(change.session, seat, article_id)
        unchanged(row, record)
        add_sign_off(seat, change, row, SignOff.PUBLISHING, signature)
        row.state, row.scheduled_for = ArticleState.SCHEDULED.value, int(slot.timestamp())
        change.record(Act.ARTICLE_SIGNED_OFF, f"{article_id.hex()} publishing")
        slots.record_slot(change, article_id, slot)
    if slot <= now:
        try:
            _release(seat, article_id, site)
        except Conflict:
            if overview.get(seat.vault, article_id).state is not ArticleState.PUBLISHED:
                raise
            # The desk's own round, which puts out what is due, was faster.
    return overview.get(seat.vault, article_id)


def publish_due(seat: Seat, *, site: Site) -> PublishRun:
    """Put out what is scheduled and due; call it after unlocking and now and then while an editor is unlocked.

    A site that names the letterbox gets the keys of today with it.

    What this person may not or cannot read waits for a colleague, or for the disk. What does not hold any more (a
    signer has left, a new letter brought a finding) goes back to review.

    Raises:
        StoreError: the site could not be written; what is due stays scheduled.
    """
    seat.must_be(Role.EDITOR)
    newsroom = _newsroom(seat, site)
    if newsroom.recipients != site.archive.recipients():
        site.archive.rebuild(newsroom, slot=site.current_slot())
    with seat.vault.reading() as session:
        scheduled = session.scalars(
            select(ArticleRow.id)
            .where(ArticleRow.state == ArticleState.SCHEDULED.value)
            .order_by(ArticleRow.scheduled_for, ArticleRow.id)
        ).all()
    published, held = [], []
    for article_id in scheduled:
        try:
            _release(seat, article_id, site)
            published.append(article_id)
        except NotAllowed as error:
            if error.code in _FOR_LATER:
                continue
            _to_review(seat, article_id)
            held.append(article_id)
        except (Conflict, NotFound, SealError):  # a colleague was faster or has the keys, or a file is missing
            continue
    return PublishRun(published=tuple(published), held=tuple(held))


def hold(seat: Seat, article_id: bytes) -> ArticleHead:
    """Keep a scheduled article from going out, until somebody lets it go; its sign-offs stay.

    Anybody may, also who does not read all of its cases, as with going back to draft.

    Raises:
        NotAllowed: it is not scheduled.
    """
    return _held(seat, article_id, Act.ARTICLE_HELD)


def let_go(seat: Seat, article_id: bytes) -> ArticleHead:
    """End a hold: it goes out at its slot, or in the next round where that has passed.

    Raises:
        NotAllowed: it is not scheduled, or a case is limited to others (code "article-limited").
    """
    with seat.vault.reading() as session:
        must_read_all(session, seat, article_id)
    return _held(seat, article_id, Act.ARTICLE_LET_GO)


def _held(seat: Seat, article_id: bytes, act: Act) -> ArticleHead:
    seat.must_be(Role.EDITOR)
    with seat.change() as change:
        in_state(row_of(change.session, article_id), ArticleState.SCHEDULED)
        change.record(act, article_id.hex())
    return overview.get(seat.vault, article_id)


def correct(seat: Seat, article_id: bytes) -> Draft:
    """Open a published article for a correction; readers keep the version they have until the next is published.

    Raises:
        NotAllowed: it is not published, or a case of it is limited to others (code "article-limited").
    """
    seat.must_be(Role.EDITOR)
    with seat.change() as change:
        row = in_state(row_of(change.session, article_id), *OUT_STATES)
        must_read_all(change.session, seat, article_id)
        void(change, row, ArticleState.DRAFT)
        change.record(Act.ARTICLE_RETURNED, article_id.hex())
    return drafts.load(seat, article_id)


def cancel_correction(seat: Seat, article_id: bytes) -> Draft:
    """Give up a correction: the article is again what readers have.

    Raises:
        NotAllowed: there is no correction under way, or a case is limited to others (code "article-limited").
    """
    seat.must_be(Role.EDITOR)
    with seat.change() as change:
        row = in_state(row_of(change.session, article_id), *OPEN_STATES)
        must_read_all(change.session, seat, article_id)
        if not row.live or row.live_revision is None:
            raise NotAllowed(Sentence("this article was never published"), code="article-state")
        void(change, row, ArticleState.CORRECTED if row.corrected else ArticleState.PUBLISHED)
        revision = change.session.get_one(ArticleRevision, (article_id, row.live_revision))
        row.revision, row.draft = revision.number, revision.object_id
        change.record(Act.ARTICLE_RETURNED, article_id.hex())
    return drafts.load(seat, article_id)


def withdraw(seat: Seat, article_id: bytes, *, site: Site) -> ArticleHead:
    """Take a published article off the site at once, by one person alone; a neutral page stays at its address.

    Raises:
        NotAllowed: it is not on the site. StoreError: the site could not be written; it is still there.
    """
    seat.must_be(Role.EDITOR)
    with seat.change() as change:
        row = row_of(change.session, article_id)
        if not row.live:
            raise NotAllowed(Sentence("this article is not on the site"), code="article-state")
        _take_down(seat, row, site)
        void(change, row, ArticleState.WITHDRAWN)
        row.live, row.live_revision = False, None
        change.record(Act.ARTICLE_WITHDRAWN, article_id.hex())
    return overview.get(seat.vault, article_id)


def _must_be_ready(
    seat: Seat, head: ArticleHead, record: Record, site: Site, *, publishing: bytes | None = None
) -> Review:
    """Check both sign-offs and every finding; ``publishing`` is this person's signature before it is stored."""
    with seat.vault.reading() as session:
        must_read_all(session, seat, head.id)
        sign_offs, readers = sign_offs_of(session, head.id), readers_behind(session, seat, head.id)
    if publishing is not None:
        sign_offs[SignOff.PUBLISHING] = ArticleSignOff(
            article_id=head.id, role=SignOff.PUBLISHING.value, handle=seat.handle, signature=publishing
        )
    check_sign_offs(
        seat,
        head.id,
        record.article.content_hash(),
        sign_offs,
        answers=answers_given(seat, head.id),
        writers=frozenset(head.writers),
        readers=readers,
        people=site.press.sign_offs,
    )
    must_be_described(record.article)
    found = leak_check(seat, head, record.article, site.press, site.reader)
    found.must_be_answered_for(sign_offs[SignOff.SAFETY].handle)
    return found


def _release(seat: Seat, article_id: bytes, site: Site) -> None:
    """Put a scheduled article on the site, dated to the current slot, if it may go out now.

    Raises:
        NotAllowed: it may not any more, or not yet. Conflict: it changed meanwhile.
        StoreError: the site cannot be written; the article stays scheduled.
    """
    now = site.now()
    with seat.vault.reading() as session:
        slots.must_be_due(session, seat, article_id, now)
    head, record = drafts.open_current(seat, article_id)
    _must_be_ready(seat, head, record, site)
    article, slot = record.article.for_readers(), site.current_slot()
    sources: dict[str, MediaSource] = {
        media.sha256: partial(opened_file, seat, article_id, record, media.name) for media in article.media
    }
    site.archive.add_media(sources, slot)
    with seat.change() as change:
        row = change.session.get_one(ArticleRow, article_id)
        must_read_all(change.session, seat, article_id)
        if row.state != ArticleState.SCHEDULED.value or row.draft != record.object_id:
            raise Conflict(Sentence("the article changed meanwhile"), code="article-changed")
        slots.must_be_due(change.session, seat, article_id, now)
        first = slot if row.published is None else datetime.fromtimestamp(row.published, UTC)
        site.archive.put(
            Published(slug=article.slug, language=article.language, published=first, updated=slot, article=article),
            sources,
        )
        site.archive.rebuild(_newsroom(seat, site), slot=slot)
        _note_release(change, row, record, slot)


def _embargo(not_before: date | None, now: datetime) -> date | None:
    if not_before is not None and not 0 <= (not_before - now.date()).days <= limits.EMBARGO_DAYS:
        raise UsageError(
            Sentence("The day is today or later, and at most %(days)s days ahead.", days=limits.EMBARGO_DAYS),
            code="embargo",
        )
    return not_before


def _newsroom(seat: Seat, site: Site) -> Newsroom:
    """The newsroom with the keys to which sources seal files, where the site names the letterbox.

    Without a roster in force it has none: nobody should seal to keys of which it is not known whether they still count.
    """
    if not site.newsroom.letterbox:
        return site.newsroom
    try:
        return replace(site.newsroom, recipients=recipients_file(seat.roster().recipients()))
    except RosterError:
        return site.newsroom


def _to_review(seat: Seat, article_id: bytes) -> None:
    with seat.change() as change:
        row = row_of(change.session, article_id)
        if row.state == ArticleState.SCHEDULED.value:
            void(change, row, ArticleState.REVIEW)
            change.record(Act.ARTICLE_RETURNED, article_id.hex())


def _take_down(seat: Seat, row: ArticleRow, site: Site) -> None:
    """Take a live article off the site, inside the transaction that says so."""
    slot = site.current_slot()
    if row.slug is not None:
        with suppress(NotFound):  # the site was rebuilt without it: it is off already
            site.archive.withdraw(row.slug, slot)
        site.archive.rebuild(_newsroom(seat, site), slot=slot)


def _note_release(change: Change, row: ArticleRow, record: Record, slot: datetime) -> None:
    row.corrected = row.published is not None
    seconds = int(slot.timestamp())
    row.state = (ArticleState.CORRECTED if row.corrected else ArticleState.PUBLISHED).value
    row.live, row.live_revision, row.slug = True, row.revision, record.article.slug
    row.published = row.published if row.corrected else seconds
    row.updated, row.scheduled_for = seconds, None
    change.record(Act.ARTICLE_CORRECTED if row.corrected else Act.ARTICLE_PUBLISHED, row.id.hex())
