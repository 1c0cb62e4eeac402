"""People on their way into the roster: invited, then waiting with keys of their own, then approved or refused.

    invited     the admin gave a person a one-time code; only its hash is here, and it runs out
    waiting     they made their keys at the desk and practised the one-time code; the invitation is used up
    approved    the admin has compared the words with their voice; the roster names them, and the row is gone

Rules: all that an invitation allows is making a key file that no roster names; someone who intercepts one still has to
sound like the admin's colleague on the telephone. Until the approval nothing is sealed to the new keys.
"""

from __future__ import annotations

import hashlib
import hmac
from dataclasses import dataclass
from typing import Final

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from fieldreport import limits
from fieldreport.errors import Conflict, NotAllowed, NotFound, UnlockRefused, UsageError
from fieldreport.mailbox import DeskMailbox
from fieldreport.seal import Entry, KeyState, Role, Roster, is_handle
from fieldreport.sentence import Sentence
from fieldreport.unseal.enrolment import EnrolmentRequest
from fieldreport.unseal.key_file import generate_passphrase
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Enrolment, Invitation
from fieldreport.vault.archive.vault import Vault
from fieldreport.vault.staff import roster_changes

_DOMAIN: Final = b"fieldreport/v1/invitation\n"


@dataclass(frozen=True, slots=True, kw_only=True)
class Invited:
    """A person who was given a code; ``until``: the hour since the epoch from which it is no longer valid."""

    handle: str
    until: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """A person whose request waits; ``hour``: when they made it."""

    handle: str
    request: str
    hour: int


def invited(vault: Vault) -> tuple[Invited, ...]:
    """Every invitation that was not used yet, run out or not, by handle."""
    with vault.reading() as session:
        rows = session.scalars(select(Invitation).order_by(Invitation.handle)).all()
    return tuple(Invited(handle=row.handle, until=row.until) for row in rows)


def waiting(vault: Vault) -> tuple[Waiting, ...]:
    """Everyone who waits for the admin, by handle."""
    with vault.reading() as session:
        rows = session.scalars(select(Enrolment).order_by(Enrolment.handle)).all()
    return tuple(Waiting(handle=row.handle, request=row.request, hour=row.hour) for row in rows)


def request_of(vault: Vault, handle: str) -> EnrolmentRequest:
    """The request of a person who waits.

    Raises:
        NotFound: no one of that handle does. SealError: what lies in the vault is not a request.
    """
    for row in waiting(vault):
        if row.handle == handle:
            return EnrolmentRequest.parse(row.request)
    raise NotFound(Sentence("No request waits for approval under the handle %(handle)s.", handle=handle))


def invite(seat: Seat, handle: str) -> str:
    """Invite a person and return the code, which is not kept; an earlier code of theirs stops being valid.

    Raises:
        NotAllowed: not an admin's seat. UsageError: not a handle, or it is taken, now or by a person who left.
        Conflict: a person waits for approval under it.
    """
    _check_admin(seat)
    if not is_handle(handle) or handle == "admin":
        raise UsageError(Sentence("A handle is lower-case letters, digits and hyphens, 32 at most, and not 'admin'."))
    if any(entry.handle == handle for entry in seat.roster().entries):
        raise UsageError(Sentence("%(handle)s is taken.", handle=handle))
    code = generate_passphrase()
    with seat.change() as change:
        if change.session.get(Enrolment, handle) is not None:
            raise Conflict(Sentence("%(handle)s waits for approval already.", handle=handle), code="enrolment-waits")
        until = change.hour + limits.INVITATION_HOURS
        change.session.merge(Invitation(handle=handle, code_hash=_hash(seat.vault, handle, code), until=until))
        change.record(Act.STAFF_INVITED, handle)
    return code


def reject(seat: Seat, handle: str) -> None:
    """Revoke an invitation, or reject a request that waits; where there is neither, nothing happens.

    Raises:
        NotAllowed: not an admin's seat.
    """
    _check_admin(seat)
    with seat.change() as change:
        if _drop(change.session, Enrolment, handle):
            change.record(Act.ENROLMENT_REFUSED, handle)
        if _drop(change.session, Invitation, handle):
            change.record(Act.INVITATION_REVOKED, handle)


def check_invitation(vault: Vault, untrusted_handle: str, untrusted_code: str) -> None:
    """Check that a person was invited with that code, and in time. The code stays valid until ``hand_in``.

    Raises:
        UnlockRefused: no; always the same.
    """
    with vault.reading() as session:
        _check(vault, session, untrusted_handle, untrusted_code)


def hand_in(vault: Vault, request: EnrolmentRequest, untrusted_code: str) -> None:
    """Use the invitation up and let the request wait for the admin.

    Raises:
        UnlockRefused: as ``check_invitation``; it may have been used in another window.
    """
    with vault.change() as change:
        _check(vault, change.session, request.handle, untrusted_code)
        _drop(change.session, Invitation, request.handle)
        change.session.add(Enrolment(handle=request.handle, request=request.encode(), hour=change.hour))
        change.record(Act.ENROLMENT_REQUESTED, request.handle)


def check(seat: Seat, request: EnrolmentRequest) -> Entry | None:
    """The entry that a request asks for; nothing, if an earlier approval of it was cut off after publishing.

    Raises:
        SealError, UsageError: see ``EnrolmentRequest.check``. RosterError: the roster in force cannot be verified.
    """
    entries = seat.roster().entries
    wanted = (request.handle, request.recipient, request.signing, KeyState.ACTIVE)
    if any((known.handle, known.recipient, known.signing, known.state) == wanted for known in entries):
        return None
    return request.check(entries, instance=seat.vault.instance, now=seat.rosters.now())


def approve(seat: Seat, request: EnrolmentRequest, compared: str, mailbox: DeskMailbox) -> Roster:
    """Put a person into the roster who has read out the fingerprint ``compared``. May be repeated.

    The caller has made sure that their key file is on the desk.

    Raises:
        NotAllowed: not an admin's seat. Conflict: (code "other-request") this is not the request that was compared.
        SealError, UsageError: see ``EnrolmentRequest.check``. RosterError: the roster in force cannot be verified.
    """
    _check_admin(seat)
    if not hmac.compare_digest(request.fingerprint, compared):
        raise Conflict(Sentence("This is not the request that was compared. Compare again."), code="other-request")
    entry, roster = check(seat, request), seat.roster()
    if entry is not None:
        roster = roster_changes.enrol(seat, entry, mailbox)
    with seat.change() as change:
        _drop(change.session, Enrolment, request.handle)
        _drop(change.session, Invitation, request.handle)
        change.record_once(Act.STAFF_ADDED, request.handle)
    return roster


def _check(vault: Vault, session: Session, untrusted_handle: str, untrusted_code: str) -> None:
    row = session.get(Invitation, untrusted_handle) if is_handle(untrusted_handle) else None
    given = _hash(vault, untrusted_handle, untrusted_code)
    # Compared even where there is nothing to compare with: the time says no more than the answer.
    fits = hmac.compare_digest(given, row.code_hash if row is not None else bytes(32))
    if row is None or not fits or vault.hour() >= row.until:
        raise UnlockRefused("Handle and invitation do not fit, or the invitation has run out.")


def _hash(vault: Vault, handle: str, code: str) -> bytes:
    # Seven random words are 77 bits: they cannot all be tried within three days, however fast the hash.
    normal = " ".join(code[: limits.PASSPHRASE_CHARACTERS].casefold().split())
    text = f"{handle}\n{normal}".encode("utf-8", "replace")
    return hashlib.sha256(_DOMAIN + vault.instance + text).digest()


def _drop(session: Session, table: type[Invitation | Enrolment], handle: str) -> bool:
    return session.execute(delete(table).where(table.handle == handle).returning(table.handle)).first() is not None


def _check_admin(seat: Seat) -> None:
    if seat.role is not Role.ADMIN:
        raise NotAllowed(Sentence("Only an admin enrols people."), code="other-role")
