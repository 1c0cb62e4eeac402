"""The leak check of an article as it stands: what was found, who answered it, and whether that is enough.

Rules: a warning is answered by any editor. A block is answered only by somebody who did not write the article, and it
counts only for a sign-off by that same person: nobody clears on somebody else's judgement.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from sqlalchemy import select

from fieldreport.config import Press
from fieldreport.errors import NotAllowed, NotFound
from fieldreport.press.leakcheck import Finding, Severity, check
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.articles.materials import Background, background
from fieldreport.vault.articles.records import Record, fresh_hashes
from fieldreport.vault.articles.signatures import Answer, open_answers
from fieldreport.vault.articles.tables import ArticleAnswer, ArticleFile


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
        """The finding of that key. Raises ``NotFound``: it is mended, or the text around it changed."""
        for finding in self.findings:
            if finding.key == key:
                return finding
        raise NotFound("there is no such finding any more", code="finding-gone")

    def seen_by(self, handle: str, cleared_by: str | None) -> tuple[Checked, ...]:
        """Every finding with the answer that counts for whoever cleared, or could clear, the article.

        A colleague who may clear sees a block as open until they have answered it themselves; a writer, who cannot,
        sees the latest answer.
        """
        clearer = cleared_by or (None if handle in self.writers else handle)
        return tuple(Checked(finding=finding, answer=self._answer(finding, clearer)) for finding in self.findings)

    def must_be_answered_for(self, clearer: str) -> Literal[True]:
        """Check that nothing is open for a safety sign-off by ``clearer``.

        Raises:
            NotAllowed: code "unanswered-findings".
        """
        unanswered = sum(self._answer(finding, clearer) is None for finding in self.findings)
        if unanswered:
            what = "finding of the leak check has" if unanswered == 1 else "findings of the leak check have"
            raise NotAllowed(f"{unanswered} {what} no answer yet", code="unanswered-findings")
        return True

    def _answer(self, finding: Finding, clearer: str | None) -> Answer | None:
        given = self.answers.get(finding.key, [])
        if finding.severity is Severity.BLOCK:
            given = [answer for answer in given if answer.by not in self.writers and clearer in {None, answer.by}]
        return given[-1] if given else None


def review(seat: Seat, article_id: bytes, record: Record, *, writers: frozenset[str], press: Press) -> Review:
    """Check one revision against everything behind the article, now."""
    with seat.vault.reading() as session:
        files = session.scalars(select(ArticleFile.object_id).where(ArticleFile.article_id == article_id)).all()
        notes = session.scalars(
            select(ArticleAnswer.object_id).where(ArticleAnswer.article_id == article_id).order_by(ArticleAnswer.number)
        ).all()
    behind = background(seat, article_id)
    findings = check(
        record.article,
        behind.materials,
        phone_regions=press.phone_regions,
        fresh_media=fresh_hashes(seat, article_id, files),
    )
    return Review(findings=findings, answers=open_answers(seat, article_id, notes), behind=behind, writers=writers)
