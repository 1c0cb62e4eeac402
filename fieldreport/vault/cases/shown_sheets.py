"""The fact sheet of a limited case, shown to colleagues who do not read the case: its text at one hour.

It is a copy, sealed to the case's readers, those it is shown to and the recovery key, signed by the reader who made it
with their names inside. It lies under a row key, so that what was taken back opens from nothing that is left.

Rules: only a reader shows it; what is written later is shown when a reader shows it again. Whom it is shown to is what
a reader signed, never what the database says; the log counts the copies, so that none comes back. It goes when the
case's readers change, and with the case.
"""

from __future__ import annotations

import io
import secrets
import struct
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import Final

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldreport import limits
from fieldreport.errors import Conflict, FieldreportError, NotAllowed, SealError, StaleRoster, Unavailable, UsageError
from fieldreport.seal import (
    Author,
    Expected,
    KeyState,
    Kind,
    OpenEnvelope,
    PartSource,
    Role,
    Roster,
    forged,
    open_envelope,
    seal_envelope,
)
from fieldreport.sentence import Sentence
from fieldreport.store import reveal_all
from fieldreport.unseal.rewrap import rewrap
from fieldreport.vault.archive import authors, origin, readers
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Case, ShownSheet
from fieldreport.vault.cases import conversation
from fieldreport.vault.cases.inbox import living

_NAMES: Final = "shown_to"
_LENGTH: Final = struct.Struct(">I")  # of the header; then header and payload


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """What is shown. ``to``: the handles; ``by`` and ``hour``: who showed it, and when (hours since 1970)."""

    text: str = field(repr=False)
    to: frozenset[str]
    by: str
    hour: int


def show(seat: Seat, case_id: bytes, to: Collection[str], *, version: bytes | None) -> None:
    """Show a case's fact sheet, as it is now, to exactly these colleagues; with none, take it back from all.

    ``version``: of the card that the person has seen.

    Raises:
        NotFound: no such case. NotAllowed: it is limited to others (code "limited"), or an admin's seat.
        UsageError: every editor reads the case (code "not-limited"), there is nothing to show ("no-facts"), or somebody
            named is no active editor or reads the case ("case-readers").
        Conflict: the fact sheet was saved meanwhile (code "card-changed").
        SealError: the fact sheet, or who reads the case, does not hold. RosterError, StaleRoster: as ``Seat.stage``.
    """
    seat.must_be(Role.EDITOR)
    readers.must_read(seat, case_id, seat.handle)
    text = ""
    if to:
        card = conversation.card(seat, case_id)
        if card.version != version:
            raise _card_changed()
        text = card.facts
        if not text.strip():
            raise UsageError(Sentence("the fact sheet is empty"), code="no-facts")
    roster = seat.must_be_listed()  # before the change: it may have to write that the vault has seen it
    with seat.change() as change:
        case = living(change.session, case_id)
        only = readers.readers_in(change.session, seat, case_id)
        readers.must_be_among(only, seat.handle)
        if not to:
            take_back(change, case)
            return
        if only is None:
            raise UsageError(Sentence("every editor reads this case"), code="not-limited")
        if case.card != version:
            raise _card_changed()
        _must_be_colleagues(roster, set(to), only)
        before = _shown_before(change.session, seat, case_id)
        _replace(change, seat, case, text, roster=roster, to=frozenset(to), only=only)
        for handle in sorted(set(to) - before):
            change.record(Act.SHEET_SHOWN, f"{case.name} {handle}")


def shown(seat: Seat, case_id: bytes) -> Sheet | None:
    """The sheet that is shown of a case, to a reader or somebody it is shown to; nothing where there is none.

    Raises:
        NotARecipient, NotAllowed: it is shown to others. SealError: it is not what a reader of the case showed last.
    """
    with suppress(SealError), seat.vault.reading() as session:
        return _sheet(session, seat, case_id)
    with seat.vault.reading() as session:  # looked at again: it may have been shown once more between row and key
        return _sheet(session, seat, case_id)


def is_shown(session: Session, seat: Seat, case_id: bytes) -> bool:
    """Whether the sheet of a case is shown to this person, as a transaction sees it; not where it does not hold."""
    sheet = _sheet_that_holds(session, seat, case_id)
    return sheet is not None and seat.handle in sheet.to


def reseal(seat: Seat) -> int:
    """Rebuild the headers of all that this person opens for the keys that the roster names now; return how many.

    What does not hold is left as it is. Raises as ``Seat.stage``.
    """
    with seat.vault.reading() as session:
        case_ids = session.scalars(select(ShownSheet.case_id)).all()
    if not case_ids:
        return 0
    done, roster = 0, seat.roster()
    for case_id in case_ids:
        with seat.change() as change:
            row = change.session.get(ShownSheet, case_id)
            if row is None:
                continue
            sheet = _sheet_that_holds(change.session, seat, case_id)
            if sheet is None:
                continue
            header, payload = _split(_content(seat, row))
            only = readers.readers_in(change.session, seat, case_id)
            if change.state.highest_epoch > roster.epoch:
                raise _stale()
            recipients = roster.recipients(only=sheet.to | (only or frozenset()))
            fresh = rewrap(header, identities=seat.staff.identities, recipients=recipients)
            change.keys.doom([row.slot])
            (hidden,) = change.keys.hide([_joined(fresh, payload)])
            row.slot, row.hidden = hidden.slot, hidden.hidden
            done += 1
    return done


def take_back(change: Change, case: Case) -> None:
    """Destroy what is shown of a case, if anything is, and log it. The caller checks who may."""
    if forget(change, case):
        change.record(Act.SHEET_TAKEN_BACK, case.name)


def forget(change: Change, case: Case) -> bool:
    """Destroy what is shown of a case; whether anything was."""
    row = change.session.get(ShownSheet, case.id)
    if row is None:
        return False
    change.session.delete(row)
    change.session.flush()
    change.keys.doom([row.slot])
    return True


def _replace(
    change: Change, seat: Seat, case: Case, text: str, *, roster: Roster, to: frozenset[str], only: Collection[str]
) -> None:
    forget(change, case)
    if change.state.highest_epoch > roster.epoch:
        raise _stale()
    version = change.session.scalar(authors.count_of(case.name, Act.SHEET_SEALED)) or 0
    data, object_id, payload = text.encode("utf-8", "replace"), secrets.token_bytes(limits.ID_BYTES), io.BytesIO()
    header = seal_envelope(
        roster.binding(Kind.SHEET, thread=case.id, object_id=object_id),
        hour=change.hour,
        fields={_NAMES: ",".join(sorted(to)), authors.VERSION: str(version + 1)},
        parts=[PartSource(name="sheet.txt", media_type="text/plain", source=io.BytesIO(data), length=len(data))],
        recipients=roster.recipients(only=to | set(only)),
        payload_to=payload,
        author=Author(handle=seat.handle, key=seat.staff.signing),
    )
    (hidden,) = change.keys.hide([_joined(header, payload.getvalue())])
    change.session.add(ShownSheet(case_id=case.id, id=object_id, slot=hidden.slot, hidden=hidden.hidden))
    change.record(Act.SHEET_SEALED, case.name)


def _joined(header: bytes, payload: bytes) -> bytes:
    return _LENGTH.pack(len(header)) + header + payload


def _sheet(session: Session, seat: Seat, case_id: bytes) -> Sheet | None:
    row, case = session.get(ShownSheet, case_id), session.get(Case, case_id)
    if row is None or case is None or case.ended is not None:
        return None
    origin.check_case(seat.vault, seat.rosters, case)
    only = readers.readers_in(session, seat, case_id)
    version = session.scalar(authors.count_of(case.name, Act.SHEET_SEALED)) or 0
    with _opened(seat, row, version) as envelope:
        by = envelope.author(authors.signers_at(seat.rosters, envelope.binding.epoch))
        to = frozenset(envelope.manifest.fields.get(_NAMES, "").split(","))
        if only is None or by not in only:
            raise forged("no reader of the case has shown this")
        if seat.handle not in to | only:
            raise NotAllowed(Sentence("this is not shown to you"), code="limited")
        text = envelope.read_part(0, limits.CARD_BYTES).decode("utf-8", "replace")
        return Sheet(text=text, to=to, by=by, hour=envelope.manifest.hour)


def _sheet_that_holds(session: Session, seat: Seat, case_id: bytes) -> Sheet | None:
    """The same; nothing as well where it is not for this person, or does not hold. Raises ``Unavailable``."""
    try:
        return _sheet(session, seat, case_id)
    except Unavailable:
        raise
    except FieldreportError:
        return None


@contextmanager
def _opened(seat: Seat, row: ShownSheet, version: int) -> Iterator[OpenEnvelope]:
    header, payload = _split(_content(seat, row))
    expected = Expected(
        kind=Kind.SHEET,
        instance=seat.vault.instance,
        thread=row.case_id,
        object=row.id,
        rosters=seat.rosters.published.history(),
    )
    with open_envelope(header, io.BytesIO(payload), identities=seat.staff.identities, expected=expected) as envelope:
        if envelope.manifest.fields.get(authors.VERSION) != str(version):
            raise authors.replayed()
        envelope.verify()
        yield envelope


def _content(seat: Seat, row: ShownSheet) -> bytes:
    (content,) = reveal_all(seat.vault.blobs.row_keys, [(row.slot, row.hidden)])
    if content is None:
        raise authors.replayed()
    return content


def _split(content: bytes) -> tuple[bytes, bytes]:
    end = _LENGTH.size + _LENGTH.unpack_from(content)[0]
    return content[_LENGTH.size : end], content[end:]


def _shown_before(session: Session, seat: Seat, case_id: bytes) -> frozenset[str]:
    """Whom it was shown to until now; nobody where what is there does not hold, which is replaced."""
    sheet = _sheet_that_holds(session, seat, case_id)
    return frozenset() if sheet is None else sheet.to


def _must_be_colleagues(roster: Roster, to: Collection[str], only: Collection[str]) -> None:
    active = {e.handle for e in roster.entries if e.role is Role.EDITOR and e.state is KeyState.ACTIVE}
    if not set(to) <= active - set(only):
        raise UsageError(Sentence("a fact sheet is shown to editors who do not read the case"), code="case-readers")


def _card_changed() -> Conflict:
    return Conflict(Sentence("this card was saved meanwhile, or its labels were changed"), code="card-changed")


def _stale() -> StaleRoster:
    return StaleRoster("the keys have changed; try again", detail="a sheet for a closed epoch")
