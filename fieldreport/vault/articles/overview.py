"""Articles as lists show them: states, people and slots, without any key and without a word of any of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from fieldreport.errors import NotFound
from fieldreport.sentence import Sentence
from fieldreport.vault.archive.vault import Vault
from fieldreport.vault.articles.signatures import SignOff
from fieldreport.vault.articles.tables import ArticleCase, ArticleRevision, ArticleRow, ArticleSignOff, ArticleState


@dataclass(frozen=True, slots=True, kw_only=True)
class ArticleHead:
    """What is known of an article without opening it.

    ``live``: a version is on the site, whatever the state of the next one. ``revision``: give it back to ``save``.
    ``writers``: everyone who saved a revision. ``scheduled_for`` and ``published`` are slots; ``slug`` is set once
    it is public. Hours are since the Unix epoch.
    """

    id: bytes
    state: ArticleState
    live: bool
    revision: int
    cases: tuple[bytes, ...]
    writers: tuple[str, ...]
    cleared_by: str | None
    approved_by: str | None
    scheduled_for: datetime | None
    published: datetime | None
    slug: str | None
    created_hour: int
    changed_hour: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Revision:
    """One saved version of an article."""

    number: int
    by: str
    hour: int


def list_articles(vault: Vault, *, case_id: bytes | None = None) -> tuple[ArticleHead, ...]:
    """Every article, or those that came from a case; changed last comes first."""
    wanted = select(ArticleRow).order_by(ArticleRow.changed.desc(), ArticleRow.id)
    if case_id is not None:
        wanted = wanted.join(ArticleCase, ArticleCase.article_id == ArticleRow.id).where(ArticleCase.case_id == case_id)
    with vault.reading() as session:
        return heads_of(session, session.scalars(wanted).all())


def count_due(vault: Vault, *, until: datetime) -> int:
    """How many articles have a slot by then, as the lists have it: also those that somebody holds back."""
    due = ArticleRow.state == ArticleState.SCHEDULED.value, ArticleRow.scheduled_for <= int(until.timestamp())
    with vault.reading() as session:
        return session.scalar(select(func.count()).select_from(ArticleRow).where(*due)) or 0


def get(vault: Vault, article_id: bytes) -> ArticleHead:
    """One article. Raises ``NotFound``."""
    with vault.reading() as session:
        return head_of(session, article_id)


def revisions(vault: Vault, article_id: bytes) -> tuple[Revision, ...]:
    """Every saved version, oldest first. Raises ``NotFound``."""
    with vault.reading() as session:
        row_of(session, article_id)
        rows = session.scalars(
            select(ArticleRevision).where(ArticleRevision.article_id == article_id).order_by(ArticleRevision.number)
        ).all()
    return tuple(Revision(number=row.number, by=row.author, hour=row.hour) for row in rows)


def head_of(session: Session, article_id: bytes) -> ArticleHead:
    """One article. Raises ``NotFound``."""
    return heads_of(session, [row_of(session, article_id)])[0]


def row_of(session: Session, article_id: bytes) -> ArticleRow:
    """The row of one article. Raises ``NotFound``."""
    row = session.get(ArticleRow, article_id)
    if row is None:
        raise NotFound(Sentence("no such article"))
    return row


def sign_offs_of(session: Session, article_id: bytes) -> dict[SignOff, ArticleSignOff]:
    """The sign-offs of an article's current revision."""
    rows = session.scalars(select(ArticleSignOff).where(ArticleSignOff.article_id == article_id))
    return {SignOff(row.role): row for row in rows}


def heads_of(session: Session, rows: Sequence[ArticleRow]) -> tuple[ArticleHead, ...]:
    """What is known of the articles of these rows, in their order; asked for in three questions for each 500."""
    # The tables are small compared with the sealed objects: a newsroom has thousands of articles, not millions.
    ids = [row.id for row in rows]
    cases: defaultdict[bytes, list[bytes]] = defaultdict(list)
    writers: defaultdict[bytes, list[str]] = defaultdict(list)
    signed: dict[tuple[bytes, str], str] = {}
    for start in range(0, len(ids), 500):
        some = ids[start : start + 500]
        for link in session.scalars(select(ArticleCase).where(ArticleCase.article_id.in_(some))):
            cases[link.article_id].append(link.case_id)
        for article_id, author in session.execute(
            select(ArticleRevision.article_id, ArticleRevision.author)
            .where(ArticleRevision.article_id.in_(some))
            .distinct()
        ):
            writers[article_id].append(author)
        for sign_off in session.scalars(select(ArticleSignOff).where(ArticleSignOff.article_id.in_(some))):
            signed[sign_off.article_id, sign_off.role] = sign_off.handle
    return tuple(
        ArticleHead(
            id=row.id,
            state=ArticleState(row.state),
            live=row.live,
            revision=row.revision,
            cases=tuple(sorted(cases[row.id])),
            writers=tuple(sorted(writers[row.id])),
            cleared_by=signed.get((row.id, SignOff.SAFETY.value)),
            approved_by=signed.get((row.id, SignOff.PUBLISHING.value)),
            scheduled_for=_moment(row.scheduled_for),
            published=_moment(row.published),
            slug=row.slug,
            created_hour=row.created,
            changed_hour=row.changed,
        )
        for row in rows
    )


def _moment(seconds: int | None) -> datetime | None:
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
