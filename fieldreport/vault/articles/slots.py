"""When a scheduled article goes out, and whether somebody holds it back: as the log has it, signed.

The database's own column is for lists. Who changes it, or takes a hold away, brings nothing out earlier and nothing out
at all: what counts is the newest entry of the log about the article, signed by an editor.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from fieldreport.errors import NotAllowed
from fieldreport.seal import editors_of, forged
from fieldreport.sentence import Sentence
from fieldreport.vault.archive import audit
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import AuditRow

_ACTS: Final = (Act.ARTICLE_SCHEDULED.value, Act.ARTICLE_HELD.value, Act.ARTICLE_LET_GO.value)


@dataclass(frozen=True, slots=True, kw_only=True)
class Slot:
    """``at``: when it is due. ``held_by``: who holds it back, empty where nobody does."""

    at: datetime
    held_by: str = ""


def record_slot(change: Change, article_id: bytes, at: datetime) -> None:
    """Write down, signed by the person who makes this change, when an article is due."""
    change.record(Act.ARTICLE_SCHEDULED, f"{article_id.hex()} {int(at.timestamp())}")


def slot_of(session: Session, seat: Seat, article_id: bytes) -> Slot | None:
    """When an article is due, as it was scheduled last; nothing if it never was.

    Raises:
        SealError: (code ``forged``) an entry of the log about it is not signed by an editor.
    """
    subject = article_id.hex()
    rows = session.scalars(
        select(AuditRow)
        .where(AuditRow.act.in_(_ACTS), or_(AuditRow.subject == subject, AuditRow.subject.like(f"{subject} %")))
        .order_by(AuditRow.sequence.desc())
    )
    editors = editors_of(seat.rosters.newest(), ever=True)
    held_by, decided = "", False
    for row in rows:
        if not audit.is_signed_by(row, editors):
            raise forged("an entry about this article's publication")
        if row.act == Act.ARTICLE_SCHEDULED.value:
            return Slot(at=datetime.fromtimestamp(int(row.subject.partition(" ")[2]), UTC), held_by=held_by)
        if not decided:
            held_by, decided = row.actor if row.act == Act.ARTICLE_HELD.value else "", True
    return None


def must_be_due(session: Session, seat: Seat, article_id: bytes, now: datetime) -> None:
    """Check that an article may go out now.

    Raises:
        NotAllowed: its slot has not come (code ``article-not-due``), or somebody holds it back (code
            ``article-held``). SealError: as ``slot_of``.
    """
    slot = slot_of(session, seat, article_id)
    if slot is None or slot.at > now:
        raise NotAllowed(Sentence("the slot of this article has not come"), code="article-not-due")
    if slot.held_by:
        raise NotAllowed(Sentence("%(handle)s holds this article back", handle=slot.held_by), code="article-held")
