"""The steps of a rotation that only an unlock can take, because only then the passphrase is known.

    ordered     the new key is made, added to the key file, and requested under its owner's signature
    rewrapped   nothing depends on the old key any more: it is destroyed

Rules: a step that fails locks no one out; the person is shown why, and the next unlock tries again. The caller has
checked the passphrase, or bounds how often it may be tried.
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import assert_never

from fieldreport.errors import Conflict, FieldreportError
from fieldreport.mailbox import DeskMailbox
from fieldreport.seal import Role
from fieldreport.sentence import Sentence
from fieldreport.unseal import key_file, rotation
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import RotationState
from fieldreport.vault.keys import rotation as steps
from fieldreport.vault.keys.rotation_state import RotationOrder

_log = logging.getLogger(__name__)


def at_unlock(seat: Seat, path: Path, passphrase: str, mailbox: DeskMailbox) -> tuple[Seat, tuple[str, ...]]:
    """Take the step that is due, if any.

    Returns the seat to go on with (its keys are those of the file now) and what its owner should hear.
    """
    if seat.role is not Role.EDITOR:
        return seat, ()
    notices: tuple[str, ...] = ()
    while (order := steps.own(seat)) is not None:
        try:
            seat, notices = _step(seat, order, path, passphrase, mailbox)
        except FieldreportError as error:
            if steps.own(seat) != order:
                # A terminal or another window took this step at the same time: go on from where it has come.
                seat = _unlocked(seat, path, passphrase)
                continue
            _log.warning("a step of a rotation has to wait: %s", error.code)
            return seat, (f"The replacement of your key has to wait: {error}",)
        break
    if seat.rosters.newest().entry(seat.handle).key_id not in _held(seat):
        seat = _unlocked(seat, path, passphrase)
    return seat, notices


def _step(
    seat: Seat, order: RotationOrder, path: Path, passphrase: str, mailbox: DeskMailbox
) -> tuple[Seat, tuple[str, ...]]:
    held = _held(seat)
    match order.state:
        case RotationState.ORDERED:
            return _request(seat, order, path, passphrase)
        case RotationState.REQUESTED if order.new_key_id not in held:
            # Key file and secret were restored from before the request: ask again.
            return _request(seat, order, path, passphrase)
        case RotationState.REQUESTED:
            return seat, (
                Sentence("Your new key waits for the admin. The words to compare are on the page of your key."),
            )
        case RotationState.REWRAPPED:
            return destroy_old(seat, path, passphrase, mailbox), (
                Sentence("Your old key is destroyed. The log says so."),
            )
        case RotationState.APPROVED | RotationState.DESTROYED:
            return seat, ()
        case _:
            assert_never(order.state)


def _request(seat: Seat, order: RotationOrder, path: Path, passphrase: str) -> tuple[Seat, tuple[str, ...]]:
    entry = seat.roster().entry(seat.handle)
    if entry.key_id != order.old_key_id:
        raise Conflict(Sentence("the key that was to be replaced is not in force any more"), code="rotation-state")
    staff, request = rotation.begin_rotation(path, passphrase, entry=entry, opener=seat.staff.part)
    # With the new key at hand before anything can be sealed to it: the admin may approve in the middle of this session.
    renewed = Seat(seat.vault, staff, seat.rosters)
    steps.request(renewed, request.encode(), request.recipient.key_id)
    return renewed, (
        Sentence("A new key was made for you and waits for the admin. Its words are on the page of your key."),
    )


def _unlocked(seat: Seat, path: Path, passphrase: str) -> Seat:
    return Seat(seat.vault, key_file.unlock(path, passphrase, opener=seat.staff.part), seat.rosters)


def _held(seat: Seat) -> set[str]:
    return {identity.key_id for identity in seat.staff.identities}


def destroy_old(seat: Seat, path: Path, passphrase: str, mailbox: DeskMailbox) -> Seat:
    """Destroy the old key of a rotation that has come to its end; returns the seat without it.

    Raises:
        NotFound: no rotation is under way. Conflict: something still depends on the old key.
        UnlockRefused: another passphrase. KeyFileDamaged, UsageError: see ``rotation.remove_old_identity``.
    """
    order = steps.finish(seat, mailbox)  # asked once more, because what follows cannot be taken back
    entry = seat.roster().entry(seat.handle)
    staff = rotation.remove_old_identity(path, passphrase, order.old_key_id, entry=entry, opener=seat.staff.part)
    renewed = Seat(seat.vault, staff, seat.rosters)
    steps.confirm_destroyed(renewed, order.old_key_id)
    return renewed
