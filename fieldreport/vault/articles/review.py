"""From a draft to the safety sign-off: handing it in, the leak check, the answers to what it found, clearing.

Rules: a warning is answered by any editor. A block is answered only by an editor who did not write the article, and the
answer counts only for that person's own sign-off: no one clears on another's judgement. That a case could not be read
is not answered by anyone, and only those who read every case answer and clear.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from sqlalchemy import select

from fieldreport import limits
from fieldreport.config import Press
from fieldreport.errors import LimitExceeded, NotAllowed, NotFound, SealError, UsageError
from fieldreport.press.article import Article
from fieldreport.press.leakcheck import Finding, Severity
from fieldreport.press.leakcheck import check as check_words
from fieldreport.press.leakcheck.findings import Rule
from fieldreport.press.proof import empty, undescribed
from fieldreport.seal import Kind, Role
from fieldreport.sentence import Sentence
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.objects import Staged
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.articles import drafts, overview, questions
from fieldreport.vault.articles.materials import Background, background
from fieldreport.vault.articles.overview import ArticleHead, row_of
from fieldreport.vault.articles.questions import Question
from fieldreport.vault.articles.readers import must_read_all
from fieldreport.vault.articles.records import fresh_hashes
from fieldreport.vault.articles.signatures import (
    Answer,
    SignOff,
    add_sign_off,
    answer_parts,
    open_answers,
    questions_answered,
    sign,
)
from fieldreport.vault.articles.state import OPEN_STATES, in_state, must_be, unchanged, void
from fieldreport.vault.articles.tables import ArticleAnswer, ArticleFile, ArticleState
from fieldreport.vault.cases.readings import Reader

NEVER_ANSWERED: Final = frozenset({Rule.CASE_UNREAD, Rule.CASE_UNREADABLE})
"""Findings that no reason overrides: somebody else, or the same person later, reads what was not compared."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """A finding and the answer that counts, if there is one."""

    finding: Finding
    answer: Answer | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One run of the leak check with all answers that were given so far."""

    findings: tuple[Finding, ...]
    answers: Mapping[str, list[Answer]] = field(repr=False)
    behind: Background = field(repr=False)
    writers: frozenset[str]

    def finding(self, key: str) -> Finding:
        """The finding of that key. Raises ``NotFound``: it was fixed, or the text around it changed."""
        for finding in self.findings:
            if finding.key == key:
                return finding
        raise NotFound(Sentence("there is no such finding any more"), code="finding-gone")

    def seen_by(self, handle: str, cleared_by: str | None) -> tuple[Checked, ...]:
        """Every finding with the answer that counts for the person who cleared, or could clear, the article.

        A colleague who may clear sees a block as open until they have answered it themselves; a writer, who cannot,
        sees the latest answer.
        """
        clearer = cleared_by or (None if handle in self.writers else handle)
        return tuple(Checked(finding=finding, answer=self._answer(finding, clearer)) for finding in self.findings)

    def must_be_answered_for(self, clearer: str) -> Literal[True]:
        """Check that nothing is open for a safety sign-off by ``clearer``.

        Raises:
            NotAllowed: code "case-unread", "case-unreadable" or "unanswered-findings".
        """
        for finding in self.findings:
            must_have_read(finding)
        unanswered = sum(self._answer(finding, clearer) is None for finding in self.findings)
        if unanswered:
            what = "finding of the leak check has" if unanswered == 1 else "findings of the leak check have"
            raise NotAllowed(f"{unanswered} {what} no answer yet", code="unanswered-findings")
        return True

    def _answer(self, finding: Finding, clearer: str | None) -> Answer | None:
        if finding.rule in NEVER_ANSWERED:
            return None
        given = self.answers.get(finding.key, [])
        if finding.severity is Severity.BLOCK:
            given = [answer for answer in given if answer.by not in self.writers and clearer in {None, answer.by}]
        return given[-1] if given else None


def leak_check(seat: Seat, head: ArticleHead, article: Article, press: Press, reader: Reader) -> Review:
    """Check what would be published of an article against the letters and cards of its cases, now."""
    with seat.vault.reading() as session:
        files = session.scalars(select(ArticleFile.object_id).where(ArticleFile.article_id == head.id)).all()
    behind = background(seat, head.id, reader)
    findings = check_words(
        article.for_readers(),
        behind.materials,
        phone_regions=press.phone_regions,
        public_sites=press.public_sites,
        fresh_media=fresh_hashes(seat, head.id, files),
    )
    return Review(
        findings=findings, answers=answers_given(seat, head.id), behind=behind, writers=frozenset(head.writers)
    )


def check(seat: Seat, article_id: bytes, *, press: Press, reader: Reader) -> tuple[Checked, ...]:
    """Run the leak check on the current revision against the letters and cards of its cases."""
    head, record = drafts.open_current(seat, article_id)
    return leak_check(seat, head, record.article, press, reader).seen_by(seat.handle, head.cleared_by)


def check_typed(seat: Seat, article_id: bytes, typed: Article, *, press: Press, reader: Reader) -> tuple[Checked, ...]:
    """As ``check``, of an article that is typed and not saved: every language of it, also those that are drafts."""
    head, _ = drafts.open_current(seat, article_id)
    return leak_check(seat, head, typed.all_ready(), press, reader).seen_by(seat.handle, head.cleared_by)


def answer(seat: Seat, article_id: bytes, key: str, reason: str, *, press: Press, reader: Reader) -> None:
    """Say why one finding may stay. The reason is sealed; the log says only that there is one.

    Raises:
        NotFound: (code "finding-gone") nothing is found there any more. UsageError: no reason.
        LimitExceeded: too long a reason. NotAllowed: a block, and this person wrote the article; or (code
            "case-unread", "case-unreadable", "article-limited") not all of its cases is read.
    """
    reason = reason.strip()
    if not reason:
        raise UsageError(Sentence("a finding is answered with a reason"), code="no-reason")
    if len(reason) > limits.ANSWER_CHARACTERS:
        raise LimitExceeded(Sentence("this reason is too long"), code="reason-size")
    head, record = drafts.open_current(seat, article_id)
    finding = leak_check(seat, head, record.article, press, reader).finding(key)
    must_have_read(finding)
    blocks = finding.severity is Severity.BLOCK
    if blocks:
        must_not_have_written(seat, head)
    parts, fields = answer_parts(seat, article_id, key, reason)
    with (
        seat.stage(kind=Kind.NOTE, thread=article_id, parts=parts, fields=fields) as staged,
        seat.change() as change,
    ):
        in_state(row_of(change.session, article_id), *OPEN_STATES)
        must_read_all(change.session, seat, article_id)
        _add_answer(change, article_id, staged)
        change.record(Act.ARTICLE_OVERRIDDEN if blocks else Act.ARTICLE_ANSWERED, article_id.hex())


def submit(seat: Seat, article_id: bytes) -> ArticleHead:
    """Hand a draft to colleagues for review.

    Raises:
        NotAllowed: it is no draft, has no title or text, or an attachment lacks a description or a caption (code
            "undescribed").
    """
    _, record = drafts.open_current(seat, article_id)
    without = empty(record.article)
    if without:
        raise NotAllowed(
            Sentence(
                "an article needs a title and a text before it is reviewed, in each language: %(codes)s",
                codes=", ".join(without),
            ),
            code="empty-article",
        )
    must_be_described(record.article)
    with seat.change() as change:
        row = in_state(row_of(change.session, article_id), ArticleState.DRAFT)
        must_read_all(change.session, seat, article_id)
        unchanged(row, record)
        row.state = ArticleState.REVIEW.value
        change.record(Act.ARTICLE_SUBMITTED, article_id.hex())
    return overview.get(seat.vault, article_id)


def return_to_draft(seat: Seat, article_id: bytes) -> ArticleHead:
    """Take an article back to writing, also when it is scheduled; sign-offs are void. Raises ``NotAllowed``."""
    seat.must_be(Role.EDITOR)
    with seat.change() as change:
        row = in_state(row_of(change.session, article_id), *(OPEN_STATES - {ArticleState.DRAFT}))
        void(change, row, ArticleState.DRAFT)
        change.record(Act.ARTICLE_RETURNED, article_id.hex())
    return overview.get(seat.vault, article_id)


def clear(
    seat: Seat, article_id: bytes, answers: Mapping[Question, str], *, press: Press, reader: Reader
) -> ArticleHead:
    """Sign off that an article puts no one at risk, with ``answers`` to the questions that it asks.

    Raises:
        NotAllowed: code "own-article", "article-limited", "case-unread", "case-unreadable", "unanswered-findings",
            "undescribed", "unanswered-questions" or "article-state".
        Conflict: it changed meanwhile. LimitExceeded: too long an answer.
    """
    head, record = drafts.open_current(seat, article_id)
    must_not_have_written(seat, head)
    must_be(head.state, ArticleState.REVIEW)
    with seat.vault.reading() as session:
        must_read_all(session, seat, article_id)
    must_be_described(record.article)
    leak_check(seat, head, record.article, press, reader).must_be_answered_for(seat.handle)
    content = record.article.content_hash()
    answered = questions.encode(record.article, answers)
    signature = sign(seat, SignOff.SAFETY, article_id, content, answered=answered)
    parts, fields = answer_parts(seat, article_id, questions.key(content), answered)
    with (
        seat.stage(kind=Kind.NOTE, thread=article_id, parts=parts, fields=fields) as staged,
        seat.change() as change,
    ):
        row = in_state(row_of(change.session, article_id), ArticleState.REVIEW)
        must_read_all(change.session, seat, article_id)
        unchanged(row, record)
        _add_answer(change, article_id, staged)
        add_sign_off(seat, change, row, SignOff.SAFETY, signature)
        row.state = ArticleState.CLEARED.value
        count = len(questions.asked(record.article))
        change.record(Act.ARTICLE_SIGNED_OFF, f"{article_id.hex()} safety {count} answers")
    return overview.get(seat.vault, article_id)


def answers_given(seat: Seat, article_id: bytes) -> dict[str, list[Answer]]:
    """Every genuine answer so far, to findings and before sign-offs, oldest first."""
    with seat.vault.reading() as session:
        notes = session.scalars(
            select(ArticleAnswer.object_id).where(ArticleAnswer.article_id == article_id).order_by(ArticleAnswer.number)
        ).all()
    return open_answers(seat, article_id, notes)


def safety_answers(seat: Seat, article_id: bytes) -> dict[Question, str]:
    """What who signed the current revision off for safety had answered; empty where nobody did, or it does not fit.

    Raises:
        As ``drafts.load``.
    """
    _, record = drafts.open_current(seat, article_id)
    with seat.vault.reading() as session:
        row = overview.sign_offs_of(session, article_id).get(SignOff.SAFETY)
    if row is None:
        return {}
    try:
        return questions_answered(seat, article_id, record.article.content_hash(), row, answers_given(seat, article_id))
    except SealError:  # then it does not count, and publishing says so
        return {}


def _add_answer(change: Change, article_id: bytes, staged: Staged) -> None:
    change.add(staged)
    number = drafts.next_answer(change.session, article_id)
    change.session.add(ArticleAnswer(article_id=article_id, number=number, object_id=staged.id))


def must_be_described(article: Article) -> Literal[True]:
    """Check that every attachment has a description and a caption. Raises ``NotAllowed`` (code "undescribed")."""
    missing = undescribed(article)
    if missing:
        raise NotAllowed(
            f"every attachment needs a description and a caption: {'; '.join(missing)}", code="undescribed"
        )
    return True


def must_have_read(finding: Finding) -> Literal[True]:
    """Check that a finding is not about what this person's key, or the disk, does not open. Raises ``NotAllowed``."""
    if finding.rule is Rule.CASE_UNREADABLE:
        raise NotAllowed(Sentence("part of a case could not be read from the disk"), code="case-unreadable")
    if finding.rule is Rule.CASE_UNREAD:
        raise NotAllowed(
            Sentence("part of a case cannot be opened with your key; somebody who can signs off"), code="case-unread"
        )
    return True


def must_not_have_written(seat: Seat, head: ArticleHead) -> Literal[True]:
    """Check that this person did not write an article. Raises ``NotAllowed`` (code "own-article")."""
    if seat.handle in head.writers:
        raise NotAllowed(Sentence("a writer of an article cannot sign it off"), code="own-article")
    return True
