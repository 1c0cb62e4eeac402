"""The newsroom's work on a case: its state, its assignee, its deletion.

Rules: a case that is limited to others can be neither changed nor deleted; every act is logged in its own transaction.
"""

from __future__ import annotations

from fieldreport.seal import Role
from fieldreport.vault.archive import readers
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import CaseState, Ending
from fieldreport.vault.cases.file import end_case
from fieldreport.vault.cases.inbox import living


def set_state(seat: Seat, case_id: bytes, state: CaseState) -> None:
    """Move a case to another state. Raises ``NotFound``; ``NotAllowed`` where it is limited to others."""
    readers.must_read(seat, case_id, seat.handle)
    with seat.change() as change:
        case = living(change.session, case_id)
        if case.state != state.value:
            case.state = state.value
            change.record(Act.CASE_STATE, f"{case.name} {state}")


def assign(seat: Seat, case_id: bytes, handle: str | None) -> None:
    """Assign a case to an editor, or with ``None`` to no one.

    Raises:
        NotFound: no such case, or no active entry has this handle. NotAllowed: the case is limited to
            others (code "limited").
    """
    readers.must_read(seat, case_id, seat.handle)
    if handle is not None:
        seat.roster().entry(handle)
        readers.must_read(seat, case_id, handle)
    with seat.change() as change:
        case = living(change.session, case_id)
        if case.assignee != handle:
            case.assignee = handle
            change.record(Act.CASE_ASSIGNED, f"{case.name} {handle or '-'}")


def delete(seat: Seat, case_id: bytes) -> None:
    """Shred a case: nobody can open its letters, replies, notes and card any more. A tombstone stays.

    Raises:
        NotFound: no such case. NotAllowed: an admin's seat, or the case is limited to others (code "limited").
    """
    seat.must_be(Role.EDITOR)
    readers.must_read(seat, case_id, seat.handle)
    with seat.change() as change:
        case = living(change.session, case_id)
        end_case(change, case, Ending.DELETED)
        change.record(Act.CASE_DELETED, case.name)
