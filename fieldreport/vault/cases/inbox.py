"""The inbox and what an editor marks in it: cases, their items, stars and what was read. No keys.

Pages are keyset pages over an index, so the hundred-thousandth case costs what the first does. Every time is a whole
hour; cases with the same hour are in the order of their random ids.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, Select, and_, func, or_, select, tuple_
from sqlalchemy.orm import Session

from fieldreport import limits
from fieldreport.errors import NotFound
from fieldreport.seal import Kind
from fieldreport.vault.archive.tables import Case, CaseState, Ending, Item, Mark, Outgoing
from fieldreport.vault.archive.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFilter:
    """Which cases to show; everything given must hold. ``ended`` shows the tombstones instead of the cases."""

    states: tuple[CaseState, ...] = ()
    assignee: str | None = None
    starred: bool = False
    unread: bool = False
    ended: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """A case as one editor sees it.

    ``opened`` and ``active`` are hours since the Unix epoch; ``card`` is the id of the sealed card, so that who has
    opened it once knows whether it is still the same; ``readers`` are the only ones who may read it, empty where every
    editor may.
    """

    id: bytes
    name: str
    state: CaseState
    assignee: str | None
    opened: int
    active: int
    letters: int
    damaged: int
    starred: bool
    unread: bool
    ended: Ending | None
    card: bytes | None
    readers: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class CasePage:
    """``next`` names the page after this one, and is empty on the last."""

    rows: tuple[CaseRow, ...]
    next: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemRow:
    """One entry of a conversation. ``damage``: what is damaged, such as ``part-2``; ``pending``: not delivered yet."""

    id: bytes
    case_id: bytes | None
    kind: Kind
    hour: int
    author: str | None
    damage: str | None
    exists: bool
    pending: bool


def page(
    vault: Vault, wanted: CaseFilter, *, viewer: str, after: str | None = None, limit: int = limits.PAGE_ROWS
) -> CasePage:
    """Return one page, newest activity first; ``after`` is the ``next`` of the page before.

    Raises:
        NotFound: ``after`` is not what a page gave.
    """
    place = _place(after) if after is not None else None
    rows: list[CaseRow] = []
    with vault.reading() as session:
        # One state at a time is one walk along an index; several at once would sort all that match.
        for state in wanted.states or (None,):
            query = _filtered(_as_seen_by(viewer), wanted)
            if state is not None:
                query = query.where(Case.state == state.value)
            if place is not None:
                query = query.where(tuple_(Case.active, Case.id) < place)
            query = query.order_by(Case.active.desc(), Case.id.desc()).limit(limit + 1)
            rows += [_case_row(row) for row in session.execute(query)]
    rows.sort(key=lambda row: (row.active, row.id), reverse=True)
    more = len(rows) > limit
    return CasePage(
        rows=tuple(rows[:limit]), next=f"{rows[limit - 1].active}.{rows[limit - 1].id.hex()}" if more else None
    )


def get(vault: Vault, case_id: bytes, *, viewer: str) -> CaseRow:
    """Return one case. Raises ``NotFound``."""
    with vault.reading() as session:
        row = session.execute(_as_seen_by(viewer).where(Case.id == case_id)).first()
    if row is None:
        raise NotFound("no such case")
    return _case_row(row)


def counts(vault: Vault) -> Mapping[CaseState, int]:
    """Count the cases in each state, ended ones left out."""
    with vault.reading() as session:
        rows = session.execute(select(Case.state, func.count()).where(Case.ended.is_(None)).group_by(Case.state))
        found = {CaseState(state): number for state, number in rows}
    return {state: found.get(state, 0) for state in CaseState}


def unsorted(vault: Vault) -> int:
    """Count the letters that were collected and not opened by any editor yet."""
    with vault.reading() as session:
        return session.scalar(select(func.count()).select_from(Item).where(Item.case_id.is_(None), ~Item.gone)) or 0


def items(vault: Vault, case_id: bytes) -> tuple[ItemRow, ...]:
    """Return a case's letters, sent replies and notes in the order of the conversation. Raises ``NotFound``.

    What was made of a letter's sealed file is no entry of its own; see ``source_sealed``.
    """
    with vault.reading() as session:
        if session.get(Case, case_id) is None:
            raise NotFound("no such case")
        shown = _items().where(Item.case_id == case_id, Item.kind != Kind.OPENED.value)
        rows = session.execute(shown.order_by(Item.sequence, Item.id))
        return tuple(_item_row(row) for row in rows)


def item(vault: Vault, item_id: bytes) -> ItemRow:
    """Return one item. Raises ``NotFound``."""
    with vault.reading() as session:
        row = session.execute(_items().where(Item.id == item_id)).first()
    if row is None:
        raise NotFound("no such item")
    return _item_row(row)


def star(vault: Vault, case_id: bytes, handle: str, *, starred: bool) -> None:
    """Set or take away one editor's star. Raises ``NotFound``."""
    with vault.change() as change:
        living(change.session, case_id)
        _mark(change.session, case_id, handle).starred = starred


def mark_read(vault: Vault, case_id: bytes, handle: str) -> None:
    """Remember that one editor has read every letter of a case that is there now. Raises ``NotFound``."""
    with vault.change() as change:
        case = living(change.session, case_id)
        _mark(change.session, case_id, handle).read_sequence = case.last_letter


def mark_unread(vault: Vault, case_id: bytes, handle: str) -> None:
    """Make a case unread again for one editor. Raises ``NotFound``."""
    with vault.change() as change:
        living(change.session, case_id)
        _mark(change.session, case_id, handle).read_sequence = 0


def living(session: Session, case_id: bytes) -> Case:
    """Return a case that has not ended. Raises ``NotFound``."""
    case = session.get(Case, case_id)
    if case is None or case.ended is not None:
        raise NotFound("no such case", detail="case is unknown or has ended")
    return case


def _mark(session: Session, case_id: bytes, handle: str) -> Mark:
    mark = session.get(Mark, (case_id, handle))
    if mark is None:
        mark = Mark(case_id=case_id, handle=handle)
        session.add(mark)
    return mark


def _as_seen_by(viewer: str) -> Select[*tuple[Any, ...]]:
    return select(
        Case, func.coalesce(Mark.read_sequence, 0).label("read"), func.coalesce(Mark.starred, False).label("starred")
    ).outerjoin(Mark, and_(Mark.case_id == Case.id, Mark.handle == viewer))


def _filtered(query: Select[*tuple[Any, ...]], wanted: CaseFilter) -> Select[*tuple[Any, ...]]:
    query = query.where(Case.ended.is_not(None) if wanted.ended else Case.ended.is_(None))
    if wanted.assignee is not None:
        query = query.where(Case.assignee == wanted.assignee)
    if wanted.starred:
        query = query.where(Mark.starred)
    if wanted.unread:
        query = query.where(or_(Mark.read_sequence.is_(None), Mark.read_sequence < Case.last_letter))
    return query


def _place(untrusted_after: str) -> tuple[int, bytes]:
    hour, dot, identifier = untrusted_after.partition(".")
    try:
        place = int(hour), bytes.fromhex(identifier)
    except ValueError:
        raise NotFound("no such page") from None
    if not dot or len(place[1]) != limits.ID_BYTES or not hour.isascii() or not 0 <= place[0] < 2**31:
        raise NotFound("no such page")
    return place


def _case_row(row: Row[Any]) -> CaseRow:
    case: Case = row.Case
    return CaseRow(
        id=case.id,
        name=case.name,
        state=CaseState(case.state),
        assignee=case.assignee,
        opened=case.opened,
        active=case.active,
        letters=case.letters,
        damaged=case.damaged,
        starred=bool(row.starred),
        unread=row.read < case.last_letter,
        ended=Ending(case.ended) if case.ended is not None else None,
        card=case.card,
        readers=tuple(case.readers.split(",")) if case.readers is not None else (),
    )


def _items() -> Select[*tuple[Any, ...]]:
    return select(Item, Outgoing.item_id.is_not(None).label("pending")).outerjoin(Outgoing, Outgoing.item_id == Item.id)


def _item_row(row: Row[Any]) -> ItemRow:
    item: Item = row.Item
    return ItemRow(
        id=item.id,
        case_id=item.case_id,
        kind=Kind(item.kind),
        hour=item.hour,
        author=item.author,
        damage=item.damage,
        exists=not item.gone,
        pending=bool(row.pending),
    )
