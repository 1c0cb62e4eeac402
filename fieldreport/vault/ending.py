"""Ending a case: what is left is a tombstone that says when, and which letters must not come back.

Deleting headers deletes every wrapped copy of the file keys; that, not overwriting, is what makes payloads unreadable
in whatever copies of them exist.
"""

from __future__ import annotations

from sqlalchemy import delete, select

from fieldreport.seal.binding import Kind
from fieldreport.vault.changing import Change
from fieldreport.vault.models import Case, Ending, Item, Mark, Outgoing


def end_case(change: Change, case: Case, ending: Ending) -> None:
    """Shred all of a case: letters, replies, notes and card; keep its name, its hours and its letters' ids."""
    items = list(change.session.scalars(select(Item).where(Item.case_id == case.id)))
    _shred_items(change, case, items)
    change.session.execute(delete(Mark).where(Mark.case_id == case.id))
    case.ended = ending.value
    case.source = None
    case.assignee = None
    case.letters = case.damaged = case.last_letter = 0


def withdraw_until(change: Change, case: Case, *, batch: int, hour: int) -> None:
    """Do what a source's withdrawal asks for.

    Everything in the case goes but letters that came after the withdrawal: in a later round of collecting, or in the
    same round with a later hour. When none is left, the case has ended.
    """
    items = list(change.session.scalars(select(Item).where(Item.case_id == case.id, ~Item.gone)))
    later = [item for item in items if item.kind == Kind.LETTER.value and (item.batch, item.hour) > (batch, hour)]
    if not later:
        end_case(change, case, Ending.WITHDRAWN)
        return
    _shred_items(change, case, [item for item in items if item not in later])
    case.letters = len(later)
    case.damaged = sum(item.damage is not None for item in later)
    case.last_letter = max(item.sequence for item in later)


def _shred_items(change: Change, case: Case, items: list[Item]) -> None:
    change.shred([item.id for item in items])
    if case.card is not None:
        change.shred([case.card])
        case.card = None
    for item in items:
        change.session.execute(delete(Outgoing).where(Outgoing.item_id == item.id))
        if item.kind == Kind.LETTER.value:
            item.gone, item.damage = True, None
        else:
            change.session.delete(item)
