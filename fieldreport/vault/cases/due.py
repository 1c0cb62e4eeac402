"""Due dates: until when a source is to be acknowledged, and answered, where the newsroom's law or promise says so.

EU directive 2019/1937, article 9: seven days, and three months. The first reply of a case acknowledges it. A later
reply answers it, and so does closing the case or publishing. A case that a source writes to again keeps its dates.

What is due is counted from rows that anybody with the database can change: it reminds, and decides nothing.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, false, func, or_, select

from fieldreport.config import Desk
from fieldreport.seal import Kind
from fieldreport.vault.archive.tables import Case, CaseState, Item
from fieldreport.vault.archive.vault import Vault

_DAY = 24  # hours
_DONE = (CaseState.PUBLISHED, CaseState.CLOSED)


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """What is to be done next for a case, ``acknowledge`` or ``answer``, and the hour until which."""

    what: str
    hour: int


def next_due(days: DueDays, *, opened: int, replies: int, state: CaseState) -> Due | None:
    """What is due next; nothing where all is done, or no date is set. ``opened``: the hour of the first letter."""
    if state in _DONE or replies > 1:
        return None
    if replies == 0 and days.acknowledge:
        return Due(what="acknowledge", hour=opened + days.acknowledge * _DAY)
    return Due(what="answer", hour=opened + days.answer * _DAY) if days.answer else None


def count_overdue(vault: Vault, days: DueDays) -> int:
    """Count the cases with something that should have been done by now, whoever may read them."""
    now = vault.hour()
    with vault.reading() as session:
        wanted = select(func.count()).select_from(Case).where(_overdue(days, now))
        return session.scalar(wanted) or 0


def _overdue(days: DueDays, now: int) -> ColumnElement[bool]:
    sent = (
        select(func.count())
        .where(Item.case_id == Case.id, Item.kind == Kind.SENT.value)
        .correlate(Case)
        .scalar_subquery()
    )
    late: list[ColumnElement[bool]] = [false()]
    for replies, each in ((0, days.acknowledge), (1, days.answer)):
        if each:
            late.append(and_(sent <= replies, Case.opened < now - each * _DAY))
    return and_(Case.ended.is_(None), Case.state.not_in([state.value for state in _DONE]), or_(*late))
