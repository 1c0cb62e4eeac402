"""Due dates: until when a source is to be acknowledged, and answered, where the newsroom's law or promise says so.

EU directive 2019/1937, article 9: seven days, and three months. The first reply of a case acknowledges it. A later
reply answers it, and so does closing the case or publishing. A case that a source writes to again keeps its dates.
Where nobody can be answered, nothing is due.

What is due is counted from rows that anybody with the database can change: it reminds, and decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sqlalchemy import ColumnElement, ScalarSelect, and_, false, func, or_, select

from fieldreport.config import Desk
from fieldreport.seal import Kind
from fieldreport.vault.archive.tables import Case, CaseState, Item
from fieldreport.vault.archive.vault import Vault

_DAY: Final = 24  # hours
DONE: Final = (CaseState.PUBLISHED, CaseState.CLOSED)
"""States in which nothing is due any more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDays:
    """Days after the first letter; 0: nothing is due."""

    acknowledge: int
    answer: int

    @classmethod
    def of(cls, desk: Desk) -> DueDays:
        """What the settings say."""
        return cls(acknowledge=desk.acknowledge_days, answer=desk.answer_days)

    def __bool__(self) -> bool:
        return bool(self.acknowledge or self.answer)


NO_DUE_DAYS: Final = DueDays(acknowledge=0, answer=0)


@dataclass(frozen=True, slots=True, kw_only=True)
class DueDate:
    """What is to be done next for a case, ``acknowledge`` or ``answer``, and the hour until which."""

    what: str
    hour: int


def next_due(days: DueDays, *, opened: int, sent: int, state: CaseState) -> DueDate | None:
    """What is due next; nothing where all is done, or no date is set. ``opened``: the hour of the first letter.

    ``sent``: how many replies the case has.
    """
    if state in DONE or sent > 1:
        return None
    if sent == 0 and days.acknowledge:
        return DueDate(what="acknowledge", hour=opened + days.acknowledge * _DAY)
    return DueDate(what="answer", hour=opened + days.answer * _DAY) if days.answer else None


def count_overdue(vault: Vault, days: DueDays) -> int:
    """Count the cases with something that should have been done by now, those that are limited included."""
    now = vault.hour()
    with vault.reading() as session:
        wanted = select(func.count()).select_from(Case).where(_overdue(days, now))
        return session.scalar(wanted) or 0


def replies() -> ScalarSelect[int]:
    """How many replies a case has: for a question about cases."""
    sent = select(func.count()).select_from(Item).where(Item.case_id == Case.id, Item.kind == Kind.SENT.value)
    return sent.correlate(Case).scalar_subquery()


def _overdue(days: DueDays, now: int) -> ColumnElement[bool]:
    late: list[ColumnElement[bool]] = [false()]
    for most, each in ((0, days.acknowledge), (1, days.answer)):
        if each:
            late.append(and_(replies() <= most, Case.opened < now - each * _DAY))
    return and_(
        Case.ended.is_(None), Case.source.is_not(None), Case.state.not_in([state.value for state in DONE]), or_(*late)
    )
