"""The newsroom's work on a case: its state, its assignee, its deletion.

Rules: a case that is limited to others can be neither changed nor deleted; every act is logged in its own transaction.
"""

from __future__ import annotations

from typing import Final

from fieldreport.errors import Conflict
from fieldreport.seal import Role
from fieldreport.sentence import Sentence
from fieldreport.vault.archive import readers
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import CaseState, Ending
from fieldreport.vault.cases.file import end_case
from fieldreport.vault.cases.inbox import living

_ANYBODY: Final = "*"  # no handle


def set_state(
    seat: Seat, case_id: bytes, state: CaseState, *, was: str | None = None, last_letter: int | None = None
) -> None:
    """Move a case to another state.

    ``was``: the state that the person saw; ``last_letter``: the sequence of the newest letter that was there then.

    Raises:
        NotFound: no such case. NotAllowed: it is limited to others (code "limited").
        Conflict: it is in another state than the person saw (code "case-changed"), or a letter came meanwhile
            ("letter-came").
    """
    readers.must_read(seat, case_id, seat.handle)
    with seat.change() as change:
        case = living(change.session, case_id)
        if was is not None and case.state not in {was, state.value}:
            raise Conflict(
                Sentence("%(case)s was set to '%(state)s' meanwhile", case=case.name, state=CaseState(case.state)),
                code="case-changed",
            )
        if last_letter is not None and case.last_letter > last_letter:
            raise Conflict(
                Sentence("a letter came to %(case)s meanwhile: read it first", case=case.name), code="letter-came"
            )
        if case.state != state.value:
            case.state = state.value
            change.record(Act.CASE_STATE, f"{case.name} {state}")


def assign(seat: Seat, case_id: bytes, handle: str | None, *, was: str | None = _ANYBODY) -> None:
    """Assign a case to an editor, or with ``None`` to no one. ``was``: to whom it was as the person saw it.

    Raises:
        NotFound: no such case, or no active entry has this handle. NotAllowed: the case is limited to
            others (code "limited"). Conflict: it is assigned to another than the person saw (code "case-changed").
    """
    readers.must_read(seat, case_id, seat.handle)
    if handle is not None:
        seat.roster().entry(handle)
        readers.must_read(seat, case_id, handle)
    with seat.change() as change:
        case = living(change.session, case_id)
        if was != _ANYBODY and case.assignee not in {was, handle}:
            held = Sentence("%(case)s was assigned to %(handle)s meanwhile", case=case.name, handle=case.assignee)
            nobody = Sentence("%(case)s was assigned to nobody meanwhile", case=case.name)
            raise Conflict(held if case.assignee else nobody, code="case-changed")
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
