"""Articles at the desk: from a draft made of cases, through check and sign-offs, to the site and off it again.

    draft → review → cleared → scheduled → published → corrected
                                                     ↘ withdrawn

Rules: whoever saved any revision is a writer and can neither clear nor publish; any edit voids the sign-offs and leads
back to draft; a finding that blocks is mended or overridden by the person who clears, a warning is answered by anybody,
each with a reason of its own; publication checks everything again at the moment it happens. Until then nothing of an
article is in the clear anywhere, so publishing what is due needs somebody unlocked.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import select

from fieldreport import limits
from fieldreport.config import Settings
from fieldreport.errors import Conflict, LimitExceeded, NotAllowed, NotFound, SealError, UsageError
from fieldreport.press.archive import Archive
from fieldreport.press.leakcheck import Severity
from fieldreport.press.schedule import Schedule
from fieldreport.press.site import Newsroom
from fieldreport.seal import Kind
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.articles.drafts import (
    OPEN_STATES,
    Draft,
    DraftFolder,
    in_state,
    must_be,
    next_number,
    unchanged,
    void,
)
from fieldreport.vault.articles.listing import ArticleHead, Revision, head_of, list_articles, row_of, sign_offs_of
from fieldreport.vault.articles.records import Record
from fieldreport.vault.articles.release import release, take_down
from fieldreport.vault.articles.review import Checked, Review, review
from fieldreport.vault.articles.signatures import Answer, SignOff, answer_parts, check_sign_offs, sign
from fieldreport.vault.articles.tables import ArticleAnswer, ArticleRevision, ArticleRow, ArticleSignOff, ArticleState

__all__ = [
    "Answer",
    "ArticleHead",
    "ArticleState",
    "Checked",
    "Draft",
    "Newsdesk",
    "PublishRun",
    "Revision",
    "list_articles",
]

_OUT: Final = frozenset({ArticleState.PUBLISHED, ArticleState.CORRECTED})


@dataclass(frozen=True, slots=True, kw_only=True)
class PublishRun:
    """What was due: ``published`` went out; ``held`` went back to review, because something new was found."""

    published: tuple[bytes, ...]
    held: tuple[bytes, ...]


class Newsdesk(DraftFolder):
    """One unlocked editor at the articles."""

    def __init__(self, seat: Seat, settings: Settings, *, clock: Callable[[], float] = time.time) -> None:
        """Take a seat at the articles.

        Raises:
            NotAllowed: an admin reads nothing. SettingsError: the daily slot is no time of day.
        """
        super().__init__(seat)
        self._press = settings.press
        self._schedule = Schedule.from_settings(settings.press)
        self._newsroom = Newsroom.from_settings(settings)
        self._archive = Archive(settings.press.site)
        self._clock = clock

    # --- checking ---

    def check(self, article_id: bytes) -> tuple[Checked, ...]:
        """Run the leak check on the current revision against everything behind it."""
        head, record = self._open(article_id)
        return self._review(head, record).seen_by(self._seat.handle, head.cleared_by)

    def answer(self, article_id: bytes, key: str, reason: str) -> None:
        """Say why one finding may stay. The reason is sealed; the log says only that there is one.

        Raises:
            NotFound: (code "finding-gone") nothing is found there any more. UsageError: no reason.
            LimitExceeded: too long a reason. NotAllowed: a block, and this person wrote the article.
        """
        reason = reason.strip()
        if not reason:
            raise UsageError("a finding is answered with a reason", code="no-reason")
        if len(reason) > limits.ANSWER_CHARACTERS:
            raise LimitExceeded("this reason is too long", code="reason-size")
        head, record = self._open(article_id)
        finding = self._review(head, record).finding(key)
        blocks = finding.severity is Severity.BLOCK
        if blocks:
            self._must_not_have_written(head)
        parts, fields = answer_parts(self._seat, article_id, key, reason)
        with (
            self._seat.stage(kind=Kind.NOTE, thread=article_id, parts=parts, fields=fields) as staged,
            self._seat.change() as change,
        ):
            in_state(row_of(change.session, article_id), *OPEN_STATES)
            change.add(staged)
            number = next_number(change.session, ArticleAnswer, article_id)
            change.session.add(ArticleAnswer(article_id=article_id, number=number, object_id=staged.id))
            change.record(Act.ARTICLE_OVERRIDDEN if blocks else Act.ARTICLE_ANSWERED, article_id.hex())

    # --- sign-offs ---

    def submit(self, article_id: bytes) -> ArticleHead:
        """Hand a draft to colleagues for review. Raises ``NotAllowed`` where it is no draft or has no title or text."""
        _, record = self._open(article_id)
        if not record.article.title.strip() or not record.article.body.strip():
            raise NotAllowed("an article needs a title and a text before it is reviewed", code="empty-article")
        with self._seat.change() as change:
            row = in_state(row_of(change.session, article_id), ArticleState.DRAFT)
            unchanged(row, record)
            row.state = ArticleState.REVIEW.value
            change.record(Act.ARTICLE_SUBMITTED, article_id.hex())
        return self._head(article_id)

    def return_to_draft(self, article_id: bytes) -> ArticleHead:
        """Take an article back to writing, also when it is scheduled; sign-offs are void. Raises ``NotAllowed``."""
        with self._seat.change() as change:
            row = in_state(row_of(change.session, article_id), *(OPEN_STATES - {ArticleState.DRAFT}))
            void(change, row, ArticleState.DRAFT)
            change.record(Act.ARTICLE_RETURNED, article_id.hex())
        return self._head(article_id)

    def clear(self, article_id: bytes) -> ArticleHead:
        """Sign off that an article endangers nobody.

        Raises:
            NotAllowed: code "own-article", "unanswered-findings" or "article-state". Conflict: it changed meanwhile.
        """
        head, record = self._open(article_id)
        self._must_not_have_written(head)
        must_be(head.state, ArticleState.REVIEW)
        self._review(head, record).must_be_answered_for(self._seat.handle)
        signature = sign(self._seat, SignOff.SAFETY, article_id, record.article.content_hash())
        with self._seat.change() as change:
            row = in_state(row_of(change.session, article_id), ArticleState.REVIEW)
            unchanged(row, record)
            self._add_sign_off(change, row, SignOff.SAFETY, signature)
            row.state = ArticleState.CLEARED.value
            change.record(Act.ARTICLE_SIGNED_OFF, f"{article_id.hex()} safety")
        return self._head(article_id)

    def publish(self, article_id: bytes) -> ArticleHead:
        """Sign off the publication and schedule it; without any delay it is on the site when this returns.

        Raises:
            NotAllowed: code "own-article", "same-person", "sign-off-void", "unanswered-findings" or "article-state".
            Conflict: it changed meanwhile. StoreError: the site could not be written; it stays scheduled.
        """
        head, record = self._open(article_id)
        self._must_not_have_written(head)
        must_be(head.state, ArticleState.CLEARED)
        signature = sign(self._seat, SignOff.PUBLISHING, article_id, record.article.content_hash())
        behind = self._must_be_ready(head, record, publishing=signature).behind
        now = self._now()
        slot = self._schedule.appearance(now=now, newest_report=behind.newest_report, not_before=behind.not_before())
        with self._seat.change() as change:
            row = in_state(row_of(change.session, article_id), ArticleState.CLEARED)
            unchanged(row, record)
            self._add_sign_off(change, row, SignOff.PUBLISHING, signature)
            row.state, row.scheduled_for = ArticleState.SCHEDULED.value, int(slot.timestamp())
            change.record(Act.ARTICLE_SIGNED_OFF, f"{article_id.hex()} publishing")
            change.record(Act.ARTICLE_SCHEDULED, article_id.hex())
        if slot <= now:
            self._release(article_id)
        return self._head(article_id)

    # --- the site ---

    def publish_due(self) -> PublishRun:
        """Put out what is scheduled and due; call it after unlocking and now and then while somebody is unlocked.

        What cannot be opened with these keys waits for a colleague. What does not hold any more (a signer has left,
        a new letter brought a finding) goes back to review.

        Raises:
            StoreError: the site could not be written; what is due stays scheduled.
        """
        seconds = int(self._now().timestamp())
        with self._seat.vault.reading() as session:
            due = session.scalars(
                select(ArticleRow.id)
                .where(ArticleRow.state == ArticleState.SCHEDULED.value, ArticleRow.scheduled_for <= seconds)
                .order_by(ArticleRow.scheduled_for, ArticleRow.id)
            ).all()
        published, held = [], []
        for article_id in due:
            try:
                self._release(article_id)
                published.append(article_id)
            except NotAllowed:
                self._hold(article_id)
                held.append(article_id)
            except (
                Conflict,
                NotFound,
                SealError,
            ):  # a colleague was faster or has to do it, or a file is missing
                continue
        return PublishRun(published=tuple(published), held=tuple(held))

    def correct(self, article_id: bytes) -> Draft:
        """Open a published article for a correction; readers keep the version they have until the next is published.

        Raises:
            NotAllowed: it is not published.
        """
        with self._seat.change() as change:
            row = in_state(row_of(change.session, article_id), *_OUT)
            void(change, row, ArticleState.DRAFT)
            change.record(Act.ARTICLE_RETURNED, article_id.hex())
        return self.load(article_id)

    def cancel_correction(self, article_id: bytes) -> Draft:
        """Give up a correction: the article is again what readers have.

        Raises:
            NotAllowed: there is no correction under way.
        """
        with self._seat.change() as change:
            row = in_state(row_of(change.session, article_id), *OPEN_STATES)
            if not row.live or row.live_revision is None:
                raise NotAllowed("this article was never published", code="article-state")
            void(change, row, ArticleState.CORRECTED if row.corrected else ArticleState.PUBLISHED)
            revision = change.session.get_one(ArticleRevision, (article_id, row.live_revision))
            row.revision, row.draft = revision.number, revision.object_id
            change.record(Act.ARTICLE_RETURNED, article_id.hex())
        return self.load(article_id)

    def withdraw(self, article_id: bytes) -> ArticleHead:
        """Take a published article off the site at once, by one person alone; a neutral page stays at its address.

        Raises:
            NotAllowed: it is not on the site. StoreError: the site could not be written; it is still there.
        """
        with self._seat.change() as change:
            row = row_of(change.session, article_id)
            if not row.live:
                raise NotAllowed("this article is not on the site", code="article-state")
            take_down(row, self._archive, self._newsroom, slot=self._schedule.current_slot(self._now()))
            void(change, row, ArticleState.WITHDRAWN)
            row.live, row.live_revision = False, None
            change.record(Act.ARTICLE_WITHDRAWN, article_id.hex())
        return self._head(article_id)

    # --- inside ---

    def _now(self) -> datetime:
        return datetime.fromtimestamp(self._clock(), UTC)

    def _head(self, article_id: bytes) -> ArticleHead:
        with self._seat.vault.reading() as session:
            return head_of(session, article_id)

    def _review(self, head: ArticleHead, record: Record) -> Review:
        return review(self._seat, head.id, record, writers=frozenset(head.writers), press=self._press)

    def _must_not_have_written(self, head: ArticleHead) -> None:
        if self._seat.handle in head.writers:
            raise NotAllowed("whoever wrote an article cannot sign it off", code="own-article")

    def _must_be_ready(self, head: ArticleHead, record: Record, *, publishing: bytes | None = None) -> Review:
        """Check both sign-offs and every finding; ``publishing`` is this person's signature before it is stored."""
        with self._seat.vault.reading() as session:
            sign_offs = sign_offs_of(session, head.id)
        if publishing is not None:
            sign_offs[SignOff.PUBLISHING] = ArticleSignOff(
                article_id=head.id, role=SignOff.PUBLISHING.value, handle=self._seat.handle, signature=publishing
            )
        check_sign_offs(
            self._seat,
            head.id,
            record.article.content_hash(),
            sign_offs,
            writers=frozenset(head.writers),
            people=self._press.sign_offs,
        )
        found = self._review(head, record)
        found.must_be_answered_for(sign_offs[SignOff.SAFETY].handle)
        return found

    def _release(self, article_id: bytes) -> None:
        head, record = self._open(article_id)
        self._must_be_ready(head, record)
        slot = self._schedule.current_slot(self._now())
        release(self._seat, article_id, record, self._archive, self._newsroom, slot=slot)

    def _hold(self, article_id: bytes) -> None:
        with self._seat.change() as change:
            row = row_of(change.session, article_id)
            if row.state == ArticleState.SCHEDULED.value:
                void(change, row, ArticleState.REVIEW)
                change.record(Act.ARTICLE_RETURNED, article_id.hex())

    def _add_sign_off(self, change: Change, row: ArticleRow, role: SignOff, signature: bytes) -> None:
        row.changed = change.hour
        change.session.add(
            ArticleSignOff(article_id=row.id, role=role.value, handle=self._seat.handle, signature=signature)
        )
