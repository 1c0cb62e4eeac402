"""How far an article has come, and what can be done with it then.

draft → review → cleared → scheduled → published → corrected
                                                 ↘ withdrawn
"""

from __future__ import annotations

from typing import Final, Literal

from sqlalchemy import delete

from fieldreport.errors import Conflict, NotAllowed
from fieldreport.sentence import Sentence
from fieldreport.vault.archive.change import Change
from fieldreport.vault.articles.records import Record
from fieldreport.vault.articles.tables import ArticleRow, ArticleSignOff, ArticleState

OPEN_STATES: Final = frozenset({ArticleState.DRAFT, ArticleState.REVIEW, ArticleState.CLEARED, ArticleState.SCHEDULED})
"""States in which there is a revision on its way to readers."""
OUT_STATES: Final = frozenset({ArticleState.PUBLISHED, ArticleState.CORRECTED})
"""States in which readers have the current revision."""


def must_be(state: ArticleState, *states: ArticleState) -> Literal[True]:
    """Check a state. Raises ``NotAllowed`` (code "article-state")."""
    if state not in states:
        raise NotAllowed(
            Sentence("this cannot be done while an article is in the state '%(state)s'", state=state),
            code="article-state",
        )
    return True


def in_state(row: ArticleRow, *states: ArticleState) -> ArticleRow:
    """Return the row of an article in one of these states. Raises as ``must_be``."""
    must_be(ArticleState(row.state), *states)
    return row


def unchanged(row: ArticleRow, record: Record) -> Literal[True]:
    """Check that what was opened is still the current revision. Raises ``Conflict``."""
    if row.draft != record.object_id:
        raise Conflict(Sentence("a colleague has saved this article meanwhile"), code="article-changed")
    return True


def void(change: Change, row: ArticleRow, state: ArticleState) -> None:
    """Move an article to a state in which no sign-off counts."""
    change.session.execute(delete(ArticleSignOff).where(ArticleSignOff.article_id == row.id))
    row.state, row.scheduled_for, row.changed = state.value, None, change.hour
