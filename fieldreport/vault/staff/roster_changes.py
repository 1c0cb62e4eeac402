"""What the admin does to the roster: enrol, address, suspend and revoke people, renew it, put in keys, hand it over.

Rules: every new roster follows the one in force and is signed with the admin key of the session that asks; what is
published is verified by the reader's own code. The intake learns the new epoch at once, so that no letter is sealed to
the old one afterwards.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection, Iterable

from sqlalchemy import delete, select

from fieldreport.errors import Conflict, NotAllowed, NotFound, Unavailable
from fieldreport.mailbox import DeskMailbox
from fieldreport.seal import Entry, HybridIdentity, KeyState, Role, Roster
from fieldreport.sentence import Sentence
from fieldreport.unseal import roster_changes as making
from fieldreport.unseal import rotation
from fieldreport.unseal.key_file import StaffKey
from fieldreport.unseal.signing_keys import sign_hand_over
from fieldreport.vault.archive.audit import Act, Remembered
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import AuditRow, Rotation, RotationState
from fieldreport.vault.cases import inbox
from fieldreport.vault.cases.collect import collect
from fieldreport.vault.keys import rotation as steps
from fieldreport.vault.keys.rotation_state import RotationOrder, all_rotations

_log = logging.getLogger(__name__)


def enrol(seat: Seat, entry: Entry, mailbox: DeskMailbox) -> Roster:
    """Add a new person's key. The caller has made sure that its private half is kept.

    Raises:
        NotAllowed: not an admin's seat. UsageError: the handle is taken. RosterError: the roster is not in force.
    """
    seat.roster()
    roster = _publish(seat, mailbox, lambda entries: making.with_added(entries, entry))
    with seat.change() as change:
        change.record_once(Act.STAFF_ADDED, entry.handle)
    return roster


def revoke(seat: Seat, handle: str, mailbox: DeskMailbox) -> Roster:
    """Take every key of a person out of use. It cannot unread what was read. Repeated, it changes nothing.

    From the moment the roster is published nothing is sealed to them and every desk locks their sessions; a rotation
    of theirs that was under way has no end any more and is forgotten.

    Raises:
        NotAllowed: not an admin's seat. UsageError: no one has that handle, or it is the admin's. RosterError: the
            roster is not in force.
    """
    if seat.staff.admin is None:
        raise NotAllowed(Sentence("Only an admin signs rosters."), code="other-role")
    roster = seat.roster()
    if making.with_revoked(roster.entries, handle) != roster.entries:
        roster = _publish(seat, mailbox, lambda entries: making.with_revoked(entries, handle))
    with seat.change() as change:
        change.session.execute(
            delete(Rotation).where(Rotation.handle == handle, Rotation.state != RotationState.DESTROYED.value)
        )
        change.record_once(Act.STAFF_REMOVED, handle)
    return roster


def suspend(seat: Seat, handle: str, mailbox: DeskMailbox) -> Roster:
    """Keep an editor out until ``resume``. Repeated, it changes nothing.

    From the moment the roster is published every desk locks their sessions, nothing they sign counts, and nothing new
    is sealed to them but what belongs to cases that name them as a reader. A rotation of theirs waits.

    Raises:
        NotAllowed: not an admin's seat. UsageError: there is no such editor. RosterError: the roster is not in force.
    """
    return _set_state(seat, handle, mailbox, making.with_suspended, KeyState.SUSPENDED, Act.STAFF_SUSPENDED)


def resume(seat: Seat, handle: str, mailbox: DeskMailbox) -> Roster:
    """Let an editor in again who was suspended, with the same key; raises as ``suspend``. Repeated, changes nothing.

    What came meanwhile is re-wrapped to them as soon as a colleague is unlocked.
    """
    return _set_state(seat, handle, mailbox, making.with_resumed, KeyState.ACTIVE, Act.STAFF_RESUMED)


def _set_state(
    seat: Seat,
    handle: str,
    mailbox: DeskMailbox,
    change_to: Callable[[Iterable[Entry], str], tuple[Entry, ...]],
    state: KeyState,
    act: Act,
) -> Roster:
    seat.must_be(Role.ADMIN)
    roster = seat.roster()
    if not any((e.handle, e.role, e.state) == (handle, Role.EDITOR, state) for e in roster.entries):
        roster = _publish(seat, mailbox, lambda entries: change_to(entries, handle))
    with seat.change() as change:
        # The newest of the two says what the log knows: an earlier run may have been cut off before this line.
        known = select(AuditRow.act).where(
            AuditRow.subject == handle, AuditRow.act.in_([Act.STAFF_SUSPENDED.value, Act.STAFF_RESUMED.value])
        )
        last = change.session.scalar(known.order_by(AuditRow.sequence.desc()).limit(1))
        if last != act.value and (last is not None or act is Act.STAFF_SUSPENDED):
            change.record(act, handle)
    return roster


def address(seat: Seat, handle: str, names: Collection[str], mailbox: DeskMailbox) -> Roster:
    """Say under which names sources may address an editor: desks, and their own handle. Repeated, it changes nothing.

    Raises:
        NotAllowed: not an admin's seat. UsageError: as ``with_addressees``. RosterError: the roster is not in force.
    """
    roster = seat.roster()
    if making.with_addressees(roster.entries, handle, names) == roster.entries:
        return roster
    roster = _publish(seat, mailbox, lambda entries: making.with_addressees(entries, handle, names))
    seat.record(Act.STAFF_ADDRESSED, " ".join([handle, *sorted(set(names))]))
    return roster


def renew(seat: Seat, mailbox: DeskMailbox) -> Roster:
    """Sign the same entries for another ninety days.

    Raises:
        NotAllowed: not an admin's seat. RosterError: the one in force cannot be verified.
    """
    return _publish(seat, mailbox, lambda entries: entries)


def requested_entry(order: RotationOrder, roster: Roster) -> Entry:
    """The entry that a person asked for, its signature checked against the key they have.

    Raises:
        NotAllowed: nothing was asked for. SealError: it was not signed by them.
    """
    if order.request is None:
        raise NotAllowed(Sentence("No new key was asked for yet."), code="no-request")
    return rotation.verify_request(order.request, roster.entry(order.handle))


def approve(seat: Seat, order: RotationOrder, mailbox: DeskMailbox) -> Roster:
    """Put the requested key into force: it becomes active and the one before decrypt-only. May be repeated.

    Raises:
        NotAllowed: not an admin's seat, or nothing was asked for. SealError: the request is not the person's.
        Conflict: the rotation is further on. RosterError: the roster in force cannot be verified.
    """
    newest = seat.rosters.newest()
    asked = [entry for entry in newest.entries if entry.key_id == order.new_key_id]
    if asked and asked[0].state is KeyState.ACTIVE:
        roster, entry = newest, asked[0]  # an earlier approval was cut off between publishing and noting it
        _tell(mailbox, seat)
    else:
        entry = requested_entry(order, newest)
        roster = _publish(seat, mailbox, lambda entries: making.with_rotated(entries, entry))
    steps.approve(seat, order.id, new_key_id=entry.key_id, epoch=roster.epoch)
    return roster


def check_recovery(seat: Seat) -> Entry:
    """The active entry of the recovery key in the roster in force.

    Raises:
        RosterError: no roster is in force. NotFound: it names no recovery key.
    """
    for entry in seat.roster().entries:
        if entry.role is Role.RECOVERY and entry.state is KeyState.ACTIVE:
            return entry
    raise NotFound(Sentence("the roster names no recovery key that is in use"))


def renew_recovery(seat: Seat, identity: HybridIdentity, mailbox: DeskMailbox) -> Roster:
    """Put another recovery key in force; the one before opens what it opened. The caller has its shares on paper.

    Raises:
        NotAllowed: not an admin's seat. NotFound, RosterError: as ``check_recovery``.
    """
    entry = making.recovery_entry(identity, handle=check_recovery(seat).handle)
    return _publish(seat, mailbox, lambda entries: making.with_rotated(entries, entry))


def idle_recovery(seat: Seat, mailbox: DeskMailbox) -> Entry:
    """An earlier recovery key that nothing is sealed to and nothing can be any more.

    Raises:
        NotFound: there is no earlier one.
        Conflict: not yet; the text says what is missing: (code "epoch-open") letters can still come sealed to it;
            ("mailbox-damaged", "letter-unjudged") a letter may name it; ("still-named") objects do.
        StoreError: a store is away. RosterError: no roster is in force.
    """
    roster = seat.roster()
    earlier = [e for e in roster.entries if e.role is Role.RECOVERY and e.state is KeyState.DECRYPT_ONLY]
    if not earlier:
        raise NotFound(Sentence("there is no earlier recovery key to retire"))
    if mailbox.highest_epoch() < roster.epoch:
        raise Conflict(Sentence("the intake has not taken over the new roster yet"), code="epoch-open")
    # From here on no letter to an earlier key can enter the mailbox; what is in it now is all there will ever be.
    collect(seat.vault, mailbox, seat.rosters).must_be_all()
    if inbox.unsorted(seat.vault):
        raise Conflict(Sentence("letters wait to be sorted; an editor unlocks first"), code="letter-unjudged")
    named = {entry.key_id: seat.vault.objects.named_by(entry.key_id) for entry in earlier}
    for entry in earlier:
        if not named[entry.key_id]:
            return entry
    left = min(named.values())
    raise Conflict(
        Sentence("%(number)s objects are still sealed to it; an editor unlocks first", number=left), code="still-named"
    )


def retire_recovery(seat: Seat, old: Entry, mailbox: DeskMailbox) -> Roster:
    """Remove what ``idle_recovery`` found; the caller has seen that its sheets are destroyed.

    Raises:
        NotAllowed: not an admin's seat. RosterError: the roster in force cannot be verified.
    """
    seat.record(Act.KEY_DESTROYED, old.key_id)
    return _publish(seat, mailbox, lambda entries: making.with_retired(entries, old.key_id))


def hand_over(seat: Seat, successor: StaffKey, mailbox: DeskMailbox) -> Roster:
    """Let ``successor`` sign rosters from the next one on, and publish that one, with them and without the old admin.

    Both keys are needed every time. It may be repeated: after an interruption it goes on, and when done it changes
    nothing.

    Raises:
        NotAllowed: either is not an admin's, or the seat's key is not the one in force. UsageError: the handle is
            taken. RosterError: the roster in force cannot be verified.
    """
    old, new = seat.staff.admin, successor.admin
    if old is None or new is None:
        raise NotAllowed(Sentence("An admin's key goes to an admin's key."), code="other-role")
    current, published = seat.rosters.newest(), seat.rosters.published
    if published.admin() == old.public:
        # Tried first, because after the hand-over there must be a roster that can be made.
        making.next_roster(
            current,
            making.with_handed_over(_without_destroyed(seat, current), successor.public_entry()),
            now=seat.rosters.now(),
        )
        number = len(published.hand_overs()) + 1
        published.hand_over(
            *sign_hand_over(old, new, instance=current.instance, number=number, epoch=current.epoch + 1)
        )
    line = published.hand_overs()
    if not line or (line[-1].old, line[-1].new) != (old.public, new.public):
        raise NotAllowed(Sentence("This is not the admin key in force."), code="handed-over")
    taken = Seat(seat.vault, successor, seat.rosters)
    if current.epoch < line[-1].epoch:
        entry = successor.public_entry()
        roster = _publish(taken, mailbox, lambda entries: making.with_handed_over(entries, entry))
    else:
        roster = current
        taken.roster()
        with taken.change() as change:  # an earlier run was cut off between publishing and noting it
            change.record_once(Act.ROSTER_PUBLISHED, str(line[-1].epoch))
        _tell(mailbox, seat)
    with seat.change() as change:
        change.record_once(Act.ADMIN_HANDED_OVER, f"{line[-1].number} {new.public.fingerprint[:32]}")
    return roster


def _publish(seat: Seat, mailbox: DeskMailbox, change: Callable[[Iterable[Entry]], Iterable[Entry]]) -> Roster:
    if seat.staff.admin is None:
        raise NotAllowed(Sentence("Only an admin signs rosters."), code="other-role")
    current = seat.rosters.newest()
    if current.audit is not None:  # what this roster remembers instead must not be less
        seat.vault.audit.check_heads([Remembered(by=f"roster {current.epoch}", head=current.audit)], current)
    entries = change(_without_destroyed(seat, current))
    raw = making.next_roster(current, entries, audit=seat.vault.audit.head(), now=seat.rosters.now())
    roster = seat.rosters.published.publish(raw, seat.staff.admin.sign_roster(raw))
    seat.roster()  # the vault remembers the epoch
    seat.record(Act.ROSTER_PUBLISHED, str(roster.epoch))
    _tell(mailbox, seat)
    return roster


def _tell(mailbox: DeskMailbox, seat: Seat) -> None:
    try:
        mailbox.take_rosters(seat.rosters.published)
    except Unavailable as error:
        # The roster is in force here; the desk's rounds bring it to the intake.
        _log.warning(
            "the intake has not taken over the new roster yet (%s); the desk's next round, or 'fieldreport collect',"
            " brings it",
            error.code,
        )


def _without_destroyed(seat: Seat, current: Roster) -> tuple[Entry, ...]:
    """Keys that were destroyed since the last roster become a record."""
    destroyed = {o.old_key_id for o in all_rotations(seat.vault) if o.state is RotationState.DESTROYED}
    entries = current.entries
    for entry in current.entries:
        if entry.key_id in destroyed and entry.state is KeyState.DECRYPT_ONLY:
            entries = making.with_retired(entries, entry.key_id)
    return entries
