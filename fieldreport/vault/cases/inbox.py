"""Cases and their items as the database has them, and what an editor marks: stars and what was read. No keys.

Which cases a list shows is decided by ``case_index``, which also has to know of every mark: on the desk marks are
changed there. Every time is a whole hour.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from sqlalchemy import Row, Select, and_, func, select
from sqlalchemy.orm import Session

from fieldreport.errors import NotFound
from fieldreport.seal import Kind
from fieldreport.sentence import Sentence
from fieldreport.vault.archive import authors
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.tables import Case, CaseState, Ending, Item, Mark, Outgoing
from fieldreport.vault.archive.vault import Vault
from fieldreport.vault.cases import due


@dataclass(frozen=True, slots=True)
class StoredCase:
    """What a case's row was made of, its newest letter, and how often the log says that its card was saved."""

    case: Case
    letter: Item | None
    card_saves: int


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseRow:
    """A case as one editor sees it.

    ``opened`` and ``active`` are hours since the Unix epoch; ``card`` is the id of the sealed card, so that who has
    opened it once knows whether it is still the same; ``readers`` are the only ones who may read it, empty where every
    editor may. ``stored`` is for ``summary``, which opens what it names.
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
    replies: int
    readers: tuple[str, ...]
    stored: StoredCase = field(repr=False, compare=False)


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


def rows(vault: Vault, case_ids: Sequence[bytes], *, viewer: str) -> tuple[CaseRow, ...]:
    """Return cases in the order in which they are named, without those that are not here."""
    with vault.reading() as session:
        found = {row.Case.id: row for row in session.execute(_as_seen_by(viewer).where(Case.id.in_(case_ids)))}
    return tuple(_case_row(found[case_id]) for case_id in case_ids if case_id in found)


def get(vault: Vault, case_id: bytes, *, viewer: str) -> CaseRow:
    """Return one case. Raises ``NotFound``."""
    with vault.reading() as session:
        row = session.execute(_as_seen_by(viewer).where(Case.id == case_id)).first()
    if row is None:
        raise NotFound(Sentence("no such case"))
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


def is_anything_unread(vault: Vault) -> bool:
    """Whether the newest letter of some case was read by no editor."""
    read = select(func.max(Mark.read_sequence)).where(Mark.case_id == Case.id).correlate(Case).scalar_subquery()
    wanted = select(Case.id).where(Case.ended.is_(None), Case.last_letter > func.coalesce(read, 0)).limit(1)
    with vault.reading() as session:
        return session.scalar(wanted) is not None


def items(vault: Vault, case_id: bytes) -> tuple[ItemRow, ...]:
    """Return a case's letters, sent replies and notes in the order of the conversation. Raises ``NotFound``.

    What was made of a letter's sealed file is no entry of its own; see ``source_sealed``.
    """
    with vault.reading() as session:
        if session.get(Case, case_id) is None:
            raise NotFound(Sentence("no such case"))
        shown = _items().where(Item.case_id == case_id, Item.kind != Kind.OPENED.value)
        rows = session.execute(shown.order_by(Item.sequence, Item.id))
        return tuple(_item_row(row) for row in rows)


def item(vault: Vault, item_id: bytes) -> ItemRow:
    """Return one item. Raises ``NotFound``."""
    with vault.reading() as session:
        row = session.execute(_items().where(Item.id == item_id)).first()
    if row is None:
        raise NotFound(Sentence("no such item"))
    return _item_row(row)


def star(vault: Vault, case_id: bytes, handle: str, *, starred: bool) -> None:
    """Set or take away one editor's star. Raises ``NotFound``."""
    with vault.change() as change:
        living(change.session, case_id)
        _mark(change.session, case_id, handle).starred = starred


def mark_read(vault: Vault, case_id: bytes, handle: str, *, upto: int | None = None) -> int:
    """Remember that one editor has read every letter of a case that is there now; return the last one's sequence.

    ``upto``: the sequence of the last letter or note that was shown to them, where a newer one may have come since.

    Raises:
        NotFound: there is no such case.
    """
    with vault.change() as change:
        case = living(change.session, case_id)
        last = case.last_letter if upto is None else min(upto, case.sequence)
        _mark(change.session, case_id, handle).read_sequence = last
        return last


def mark_unread(vault: Vault, case_id: bytes, handle: str) -> Literal[0]:
    """Make a case unread again for one editor; return that they have read none. Raises as ``mark_read``."""
    with vault.change() as change:
        living(change.session, case_id)
        _mark(change.session, case_id, handle).read_sequence = 0
        return 0


def living(session: Session, case_id: bytes) -> Case:
    """Return a case that has not ended. Raises ``NotFound``."""
    case = session.get(Case, case_id)
    if case is None or case.ended is not None:
        raise NotFound(Sentence("no such case"), detail="case is unknown or has ended")
    return case


def _mark(session: Session, case_id: bytes, handle: str) -> Mark:
    mark = session.get(Mark, (case_id, handle))
    if mark is None:
        mark = Mark(case_id=case_id, handle=handle)
        session.add(mark)
    return mark


def _as_seen_by(viewer: str) -> Select[*tuple[Any, ...]]:
    newest = and_(Item.case_id == Case.id, Item.sequence == Case.last_letter, Item.kind == Kind.LETTER.value)
    return (
        select(
            Case,
            Item,
            authors.count_of(Case.name, Act.CARD_SAVED).scalar_subquery().label("saves"),
            due.replies().label("replies"),
            func.coalesce(Mark.read_sequence, 0).label("read"),
            func.coalesce(Mark.starred, False).label("starred"),
        )
        .outerjoin(Mark, and_(Mark.case_id == Case.id, Mark.handle == viewer))
        .outerjoin(Item, newest)
    )


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
        replies=row.replies,
        readers=tuple(case.readers.split(",")) if case.readers is not None else (),
        stored=StoredCase(case, row.Item, row.saves),
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
