"""The acts that replace one person's key, and the conditions under which the old one may go.

The order matters, because a key that is destroyed too early takes letters with it: the mailbox must have closed the
epochs before the new key, then everything in it must be collected, then everything openable re-wrapped; only when no
object names the old key is it safe to forget it. ``finish`` checks all of that and may be called any number of times.
"""

from __future__ import annotations

from sqlalchemy import select

from fieldreport.errors import Conflict, NotAllowed, NotFound
from fieldreport.mailbox import DeskMailbox
from fieldreport.seal import KeyState, Role
from fieldreport.sentence import Sentence
from fieldreport.vault.archive import objects
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.change import Change
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Rotation, RotationState
from fieldreport.vault.cases import shown_sheets, sort, unsent
from fieldreport.vault.cases.collect import collect
from fieldreport.vault.keys.rotation_state import RotationOrder, advance, as_order, open_rotation_of, order_new


def order(seat: Seat, handle: str) -> RotationOrder:
    """Order a new key for the person who holds the active key under ``handle``.

    Raises:
        NotFound: no active entry has this handle. Conflict: a rotation is under way (code "rotation-under-way").
        NotAllowed: an admin's key reads nothing; it is replaced by a new roster alone.
    """
    seat.must_be(Role.ADMIN)
    entry = seat.roster().entry(handle)
    if entry.recipient is None:
        raise NotAllowed(Sentence("only keys that read are rotated this way"), code="reads-nothing")
    old_key_id = entry.key_id
    with seat.change() as change:
        row = order_new(change.session, handle=handle, old_key_id=old_key_id, hour=change.hour)
        change.record(Act.ROTATION_ORDERED, handle)
        return as_order(row)


def own(seat: Seat) -> RotationOrder | None:
    """Return the rotation of this person's own key, if one is under way."""
    return open_rotation_of(seat.vault, seat.handle)


def request(seat: Seat, text: str, new_key_id: str) -> RotationOrder:
    """Hand in a request; handing in again replaces it, as long as it was not approved.

    Raises:
        NotFound: no rotation of this person's key was ordered. Conflict: it is further on.
    """
    with seat.change() as change:
        row = _own(change, seat)
        if row.state != RotationState.REQUESTED.value:
            row = advance(change.session, row.id, expected=RotationState.ORDERED, to=RotationState.REQUESTED)
        row.request, row.new_key_id = text, new_key_id
        change.record(Act.ROTATION_REQUESTED, new_key_id)
        return as_order(row)


def approve(seat: Seat, order_id: int, *, new_key_id: str, epoch: int) -> RotationOrder:
    """Note that the roster with the new key was published.

    Raises:
        NotFound: no such rotation, or the roster does not name this key. Conflict: another key was requested, it is
            further on, or the published roster is older than ``epoch`` or does not have this key as active.
    """
    seat.must_be(Role.ADMIN)
    roster = seat.roster()
    if roster.epoch < epoch or roster.by_key(new_key_id).state is not KeyState.ACTIVE:
        raise Conflict(Sentence("publish the roster with the new key first"), code="roster-not-published")
    with seat.change() as change:
        row = advance(change.session, order_id, expected=RotationState.REQUESTED, to=RotationState.APPROVED)
        if row.new_key_id != new_key_id:
            raise Conflict(Sentence("another key was requested"), code="other-key")
        row.epoch = epoch
        change.record(Act.ROTATION_APPROVED, new_key_id)
        return as_order(row)


def finish(seat: Seat, mailbox: DeskMailbox) -> RotationOrder:
    """Establish that nothing depends on the old key; when this returns, it may be destroyed.

    Raises:
        NotFound: no rotation of this person's key is under way.
        Conflict: not yet; the text says what is missing: (code "rotation-state") the admin has not approved;
            ("key-active") the roster still lists the old key as active; ("epoch-open") letters can still come sealed
            to the old key; ("mailbox-damaged", "letter-unjudged") a letter that cannot be read may depend on it;
            ("still-named") objects name it: re-wrap.
        StoreError: a store is away, or (code "busy") headers that name the old key could not be erased from a store's
            files yet.
    """
    row = own(seat)
    if row is None:
        raise NotFound(Sentence("no rotation of this key is under way"))
    if row.epoch is None or row.state not in {RotationState.APPROVED, RotationState.REWRAPPED}:
        raise Conflict(
            Sentence("this rotation is %(state)s, not %(expected)s", state=row.state, expected="approved"),
            code="rotation-state",
        )
    _check_roster(seat, row)
    if mailbox.highest_epoch() < row.epoch:
        raise Conflict(Sentence("the intake has not taken over the new roster yet"), code="epoch-open")
    # From here on no letter to the old key can enter the mailbox; what is in it now is all there will ever be.
    collect(seat.vault, mailbox, seat.rosters).must_be_all()
    result = sort.sort(seat)
    if result.unreadable:
        what = "1 collected letter" if result.unreadable == 1 else f"{result.unreadable} collected letters"
        raise Conflict(f"{what} cannot be read, so nobody knows which keys they need", code="letter-unjudged")
    if result.unknown_roster:
        raise Conflict(Sentence("a letter waits that cannot be judged yet"), code="letter-unjudged")
    unsent.reseal(seat)  # it is sealed to this person alone, and so no object that is re-wrapped
    shown_sheets.reseal(seat)
    with seat.change() as change:
        left = objects.count_naming(change.session, [row.old_key_id])
        if left:
            raise Conflict(
                Sentence("%(number)s objects are still sealed to the old key", number=left), code="still-named"
            )
        if row.state is RotationState.APPROVED:
            advance(change.session, row.id, expected=RotationState.APPROVED, to=RotationState.REWRAPPED)
            change.record(Act.ROTATION_REWRAPPED, row.old_key_id)
        finished = as_order(_own(change, seat))
    mailbox.erase_deleted()
    seat.vault.erase_deleted()
    return finished


def confirm_destroyed(seat: Seat, key_id: str) -> RotationOrder:
    """Note that the old key was destroyed.

    Raises:
        NotFound: no rotation is under way. Conflict: it is about another key, or ``finish`` has not passed.
    """
    with seat.change() as change:
        row = _own(change, seat)
        if row.old_key_id != key_id:
            raise Conflict(Sentence("the rotation under way is about another key"), code="other-key")
        advance(change.session, row.id, expected=RotationState.REWRAPPED, to=RotationState.DESTROYED)
        change.record(Act.KEY_DESTROYED, key_id)
        return as_order(row)


def _check_roster(seat: Seat, row: RotationOrder) -> None:
    roster = seat.roster()
    if row.old_key_id in roster.key_ids():
        raise Conflict(Sentence("the roster still lists the old key as active"), code="key-active")
    if row.new_key_id not in roster.key_ids():
        raise Conflict(Sentence("the roster does not list the new key as active"), code="key-active")
    if row.new_key_id not in {identity.key_id for identity in seat.staff.identities}:
        raise Conflict(Sentence("the new key is not in this key file"), code="other-key")


def _own(change: Change, seat: Seat) -> Rotation:
    row = change.session.scalar(
        select(Rotation).where(Rotation.handle == seat.handle, Rotation.state != RotationState.DESTROYED.value)
    )
    if row is None:
        raise NotFound(Sentence("no rotation of this key is under way"))
    return row
