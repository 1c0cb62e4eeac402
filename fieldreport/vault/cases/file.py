"""Letters into cases and out of them: opening a case, filing a letter, ending a case, carrying out a withdrawal.

When a case ends, a tombstone is left that says when, and which letters must not come back. Deleting headers deletes
every wrapped copy of the file keys; that, not overwriting, is what makes every copy of a payload unreadable.
"""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from itertools import count
from typing import Final

from sqlalchemy import delete, select, update

from fieldreport.seal import Kind
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.origin import Opener, Origin
from fieldreport.vault.archive.tables import Case, CaseReaders, CaseState, Ending, Item, Mark, Rendition, SealedObject
from fieldreport.vault.cases import outbox, shown_sheets, unsent

_NAME_LETTERS: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: none is mistaken for another


def open_case(change: Change, origin: Origin | None, opener: Opener) -> Case:
    """Open a case for a source, or without one if the letter's manifest is unreadable."""
    case = Case(
        id=secrets.token_bytes(16),
        name=_fresh_name(change),
        source=None if origin is None else origin.source,
        reply_tag=None if origin is None else origin.reply_tag,
        opened=change.hour,
        active=change.hour,
    )
    opener.sign(case)
    change.session.add(case)
    change.session.flush()
    return case


def file_letter(change: Change, case: Case, item: Item) -> None:
    """Append a letter to a case; its ``hour`` and ``damage`` are set already."""
    case.sequence += 1
    case.last_letter = case.sequence
    case.active = max(case.active, change.hour)
    case.letters += 1
    case.damaged += item.damage is not None
    if case.state == CaseState.CLOSED.value:
        case.state = CaseState.NEW.value
    item.case_id = case.id
    item.sequence = case.sequence


def end_case(change: Change, case: Case, ending: Ending) -> None:
    """Shred all of a case: letters, replies, notes and card; keep its name, its hours and its letters' ids."""
    items = change.session.scalars(select(Item).where(Item.case_id == case.id)).all()
    shred_items(change, [item.id for item in items])
    if case.card is not None:
        change.shred([case.card])
        case.card = None
    for item in items:
        outbox.forget(change, item.id)
        if item.kind == Kind.LETTER.value:
            item.gone, item.damage = True, None
        else:
            change.session.delete(item)
    unsent.forget(change, case)
    shown_sheets.forget(change, case)
    for of_case in (Mark, CaseReaders):
        change.session.execute(delete(of_case).where(of_case.case_id == case.id))
    case.ended = ending.value
    case.source = case.reply_tag = case.opener = case.opener_epoch = case.opener_signature = None
    case.assignee = None
    case.readers = None
    case.letters = case.damaged = case.last_letter = 0
    change.session.flush()


def shred_items(change: Change, item_ids: Sequence[bytes]) -> None:
    """Shred items, and with them all that was made of their attachments."""
    _shred_renditions(change, item_ids)
    change.shred(item_ids)


def _shred_renditions(change: Change, item_ids: Sequence[bytes]) -> None:
    gone = delete(Rendition).where(Rendition.item_id.in_(item_ids)).returning(Rendition.object_id)
    change.shred(change.session.scalars(gone).all())


def withdraw_until(change: Change, case: Case, *, origin: Origin, opener: Opener | None, batch: int, hour: int) -> None:
    """Do what a source's withdrawal asks for: end the case, and with it everything sent before.

    Letters that came after the withdrawal (in a later round of collecting, or in the same round with a later hour)
    move to a new case. Without an ``opener`` they wait for the next sorting.
    """
    letters = select(Item).where(Item.case_id == case.id, Item.kind == Kind.LETTER.value, ~Item.gone)
    later = [
        item
        for item in change.session.scalars(letters.order_by(Item.sequence))
        if (item.batch, item.hour) > (batch, hour)
    ]
    for item in later:
        item.case_id = None
    _shred_renditions(change, [item.id for item in later])  # which are sealed as parts of the old case
    moved = update(SealedObject).where(SealedObject.id.in_([item.id for item in later]))
    change.session.execute(moved.values(limited=None))
    end_case(change, case, Ending.WITHDRAWN)
    if later and opener is not None:
        fresh = open_case(change, origin, opener)
        for item in later:
            file_letter(change, fresh, item)


def _fresh_name(change: Change) -> str:
    for tries in count():
        length = 4 + tries // 20  # one more letter once four are getting crowded
        name = "C-" + "".join(secrets.choice(_NAME_LETTERS) for _ in range(length))
        if change.session.scalar(select(Case.id).where(Case.name == name)) is None:
            return name
    raise AssertionError  # count() has no end; the type checker does not know
