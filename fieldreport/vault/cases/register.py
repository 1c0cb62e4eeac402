"""The register of due dates: for each case when it was received, acknowledged and answered; sealed when it leaves.

What was done and when is taken from the audit log, which is verified as a whole first, so that the register says what
editors signed. It names no source and holds no word of a report.

Rule: it has the cases that its editor may read, and is sealed to that editor and the recovery key.
"""

from __future__ import annotations

import csv
import io
import secrets
from collections import defaultdict
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from sqlalchemy import select

from fieldreport.errors import SealError
from fieldreport.seal import Author, Kind, PartSource, Role, seal_envelope
from fieldreport.vault.archive import audit_heads, readers
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import AuditRow, Case, CaseState
from fieldreport.vault.cases.due import DONE, DueDays

_DAY: Final = 24  # hours
_COLUMNS: Final = ("case", "received", "acknowledge_by", "acknowledged", "answer_by", "answered", "state")


@dataclass(slots=True)
class _Done:
    """What the log says was done in a case: the hours of its replies, and of the last time it was done with."""

    replies: list[int]
    done: int | None = None


def sealed(seat: Seat, days: DueDays, *, keyfiles: Path) -> bytes:
    """The register as a sealed file with one part, ``register.csv``, in UTC; the export is logged.

    Raises:
        NotAllowed: an admin's seat, or that of somebody whom the roster does not list.
        SealError: the audit log does not hold. RosterError: no roster is in force.
    """
    seat.must_be(Role.EDITOR)
    roster = seat.must_be_listed()
    content = _table(seat, days, _log(seat, keyfiles)).encode()
    seat.record(Act.REGISTER_EXPORTED)
    payload = io.BytesIO()
    header = seal_envelope(
        roster.binding(Kind.REGISTER, thread=seat.vault.instance, object_id=secrets.token_bytes(16)),
        hour=seat.vault.hour(),
        fields={},
        parts=[PartSource(name="register.csv", media_type="text/csv", source=io.BytesIO(content), length=len(content))],
        recipients=roster.recipients(only={seat.handle}),
        payload_to=payload,
        author=Author(handle=seat.handle, key=seat.staff.signing),
    )
    return header + payload.getvalue()


def _log(seat: Seat, keyfiles: Path) -> dict[str, _Done]:
    done: dict[str, _Done] = defaultdict(lambda: _Done([]))

    def note(row: AuditRow) -> None:
        name, _, state = row.subject.partition(" ")
        if row.act == Act.REPLIED:
            done[name].replies.append(row.hour)
        elif row.act == Act.CASE_STATE:
            done[name].done = row.hour if state in DONE else None

    remembered = audit_heads.remembered(seat.rosters, seat.vault.instance, keyfiles)
    seat.vault.audit.verify(seat.rosters.all_here(), remembered, each=note)
    return done


def _table(seat: Seat, days: DueDays, log: dict[str, _Done]) -> str:
    text = io.StringIO()
    table = csv.writer(text)
    table.writerow(_COLUMNS)
    with seat.vault.reading() as session:
        cases = session.scalars(select(Case).order_by(Case.opened, Case.name)).all()
        for case, only in zip(cases, readers.readers_in_each(session, seat, [case.id for case in cases]), strict=True):
            # Of one whose readers do not hold, whose it is cannot be believed.
            if only is None or (not isinstance(only, SealError) and seat.handle in only):
                table.writerow(_row(case, days, log.get(case.name, _Done([]))))
    return text.getvalue()


def _row(case: Case, days: DueDays, done: _Done) -> tuple[str, ...]:
    answered = [*done.replies[1:2], *([] if done.done is None else [done.done])]
    return (
        case.name,
        _told(case.opened),
        _told(case.opened + days.acknowledge * _DAY) if days.acknowledge else "",
        _told(done.replies[0]) if done.replies else "",
        _told(case.opened + days.answer * _DAY) if days.answer else "",
        _told(min(answered)) if answered else "",
        case.ended or CaseState(case.state).value,
    )


def _told(hour: int) -> str:
    return f"{datetime.fromtimestamp(hour * 3600, UTC):%Y-%m-%dT%H:00Z}"
