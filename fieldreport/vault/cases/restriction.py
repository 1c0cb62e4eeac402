"""Cases that only named editors may read, because a colleague has a conflict of interest or a secret must stay small.

Everything of such a case is sealed to its readers and the recovery key. A letter comes sealed to every editor, since
the intake knows nothing of cases; it is sealed to the readers alone as soon as it is sorted.

Rules: only a reader of a case can limit it; only readers open it, answer in it or are assigned to it. When all of them
have left, only the recovery key opens it, and the person who brings its shares names new readers. The handbook says
what this cannot do: unread what was read before, or limit an article to the readers who write it. The fact sheet can be
shown to others; see ``shown_sheets``.
"""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from fieldreport import limits
from fieldreport.errors import NotFound, UsageError
from fieldreport.seal import KeyState, Role, Roster
from fieldreport.sentence import Sentence
from fieldreport.vault.archive import readers, rewrap
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.readers import Place, Setter
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Case, Item, Rendition, SealedObject
from fieldreport.vault.cases import shown_sheets
from fieldreport.vault.cases.inbox import living


def limit(seat: Seat, case_id: bytes, only: Collection[str] | None) -> None:
    """Limit a case to the editors with these handles, or open it to all.

    What is limited is re-wrapped at once; a crash in between leaves objects that the next re-wrapping finds, and until
    then the desk shows them to the readers alone. What is opened is re-wrapped by the next re-wrapping, not here.

    Raises:
        NotFound: no such case. NotAllowed: it is limited to others (code "limited").
        UsageError: fewer than two readers, not an active editor among them, or not oneself.
        SealError: who reads it now is not signed; see ``readers``.
        RosterError: there is no roster to seal to. StaleRoster, StoreError: see ``Rewrapper.run``.
    """
    seat.must_be(Role.EDITOR)
    if only is not None:
        _check(seat, only)
    with seat.change() as change:
        case = living(change.session, case_id)
        now = readers.readers_in(change.session, seat, case_id)
        readers.must_be_among(now, seat.handle)
        if now == (None if only is None else frozenset(only)):
            return
        setter = Setter(handle=seat.handle, key=seat.staff.signing, epoch=seat.roster().epoch)
        _set_readers(change, case, only, setter=setter, instance=seat.vault.instance)
    if only is not None:
        rewrap.rewrap_limited(seat)


def orphaned_cases(session: Session, roster: Roster) -> list[tuple[str, frozenset[str]]]:
    """The limited cases none of whose readers is an active editor any more: name and readers, by name."""
    editors = _editors(roster)
    rows = session.execute(select(Case.name, Case.readers).where(Case.readers.is_not(None)).order_by(Case.name))
    named = ((row.name, frozenset(row.readers.split(","))) for row in rows)
    return [(name, only) for name, only in named if not readers.people(only, roster.entries) & editors]


def assign_readers(
    change: Change, place: Place, name: str, only: Collection[str], *, roster: Roster, setter: Setter
) -> None:
    """Name new readers for an orphaned case, with the authority of the recovery key; re-wrap afterwards.

    Raises:
        SealError: who read it is not signed; see ``readers``.
        NotFound: no case of this name, or (code "case-has-readers") one that still has a reader, who decides.
        UsageError: fewer than two active editors, unless there is only one.
    """
    if name not in {each for each, _ in orphaned_cases(change.session, roster)}:
        raise NotFound(f"no limited case {name} whose readers have all left", code="case-has-readers")
    editors = _editors(roster)
    if not set(only) <= editors or len(set(only)) < min(2, len(editors)):
        raise UsageError(Sentence("name at least two active editors for the case"), code="case-readers")
    case = change.session.scalars(select(Case).where(Case.name == name)).one()
    readers.readers_in(change.session, place, case.id)
    _set_readers(change, case, only, setter=setter, instance=place.vault.instance)


def _editors(roster: Roster) -> set[str]:
    return {entry.handle for entry in roster.entries if entry.role is Role.EDITOR and entry.state is KeyState.ACTIVE}


def _set_readers(change: Change, case: Case, only: Collection[str] | None, *, setter: Setter, instance: bytes) -> None:
    readers.set_readers(change, case, only, setter=setter, instance=instance)
    shown_sheets.take_back(change, case)  # it is sealed to those who read the case until now
    if only is not None and case.assignee not in only:
        case.assignee = None
    of_case = select(Item.id).where(Item.case_id == case.id)
    made = select(Rendition.object_id).where(Rendition.item_id.in_(of_case))
    change.session.execute(
        update(SealedObject)
        .where(SealedObject.id.in_(of_case) | SealedObject.id.in_(made) | (SealedObject.id == case.card))
        .values(limited=None if only is None else case.id)
    )
    for handle in sorted(set(only or "-")):
        change.record(Act.CASE_LIMITED, f"{case.name} {handle}")


def _check(seat: Seat, only: Collection[str]) -> None:
    if len(set(only)) < limits.CASE_READERS or seat.handle not in only:
        raise UsageError(Sentence("a case is limited to yourself and at least one more editor"), code="case-readers")
    roster = seat.roster()
    if any(roster.entry(handle).role is not Role.EDITOR for handle in only):
        raise UsageError(Sentence("a case is limited to editors"), code="case-readers")
