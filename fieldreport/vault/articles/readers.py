"""Who may work on an article: where a case it came from is limited to named editors, only those who read all of them.

Others cannot compare the article with its cases, so what they answer or sign does not count, and they write only where
the fact sheets of these cases are shown to them. They can still stop it: take it back to draft, or off the site.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldreport.errors import NotAllowed, SealError
from fieldreport.seal import KeyState, Role
from fieldreport.sentence import Sentence
from fieldreport.vault.archive.readers import readers_in, readers_in_each
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.articles.overview import ArticleHead
from fieldreport.vault.articles.tables import ArticleCase
from fieldreport.vault.cases import shown_sheets


def readers_behind(session: Session, seat: Seat, article_id: bytes) -> frozenset[str] | None:
    """The handles of those who read every case of an article; nothing where no case is limited.

    Raises:
        SealError: as ``readers_in``, for any of its cases.
    """
    limited = []
    for only in readers_in_each(session, seat, _cases(session, article_id)):
        if isinstance(only, SealError):
            raise only
        if only is not None:
            limited.append(only)
    return frozenset.intersection(*limited) if limited else None


def must_read_all(session: Session, seat: Seat, article_id: bytes) -> Literal[True]:
    """Check that a person reads every case of an article.

    Raises:
        NotAllowed: (code "article-limited") they do not. SealError: as ``readers_behind``.
    """
    only = readers_behind(session, seat, article_id)
    if only is not None and seat.handle not in only:
        raise NotAllowed(
            Sentence("Only those who read all its cases may do this: %(handles)s.", handles=_named(only)),
            code="article-limited",
        )
    return True


def must_write(session: Session, seat: Seat, article_id: bytes) -> Literal[True]:
    """Check that a person reads every case of an article, or is shown the fact sheets of those they do not read.

    Raises as ``must_read_all``.
    """
    for case_id in _cases(session, article_id):
        only = readers_in(session, seat, case_id)
        if only is not None and seat.handle not in only and not shown_sheets.is_shown(session, seat, case_id):
            return must_read_all(session, seat, article_id)
    return True


def signers_missing(seat: Seat, head: ArticleHead, only: frozenset[str] | None, *, sign_offs: int) -> int:
    """How many people there are too few for an article to be published; ``only``: the ``readers_behind`` it now.

    Raises:
        RosterError: no roster is in force.
    """
    if only is None:
        return 0
    return max(0, sign_offs - len((only & active_editors(seat)) - set(head.writers)))


def active_editors(seat: Seat) -> frozenset[str]:
    """The handles of all who can sign an article off. Raises ``RosterError``: no roster is in force."""
    return frozenset(
        entry.handle for entry in seat.roster().entries if entry.role is Role.EDITOR and entry.state is KeyState.ACTIVE
    )


def _cases(session: Session, article_id: bytes) -> Sequence[bytes]:
    return session.scalars(select(ArticleCase.case_id).where(ArticleCase.article_id == article_id)).all()


def _named(only: frozenset[str]) -> str:
    return ", ".join(sorted(only)) or "there is nobody"
