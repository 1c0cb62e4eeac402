"""How far the replacement of each person's key has come. No keys here; the acts are in ``rotation``.

    ordered     the admin wants a new key for this person
    requested   the person's next unlock made one; the request, signed by them, waits for the admin
    approved    the roster of ``epoch`` lists the new key as active and the old one as decrypt-only
    rewrapped   nothing that can be opened is sealed to the old key, and nothing can come any more
    destroyed   the old key is out of the key file

An admin cannot make an editor's key without being able to read, which is why it takes both.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from fieldreport.errors import Conflict, NotFound
from fieldreport.sentence import Sentence
from fieldreport.vault.archive.tables import Rotation, RotationState
from fieldreport.vault.archive.vault import Vault


@dataclass(frozen=True, slots=True, kw_only=True)
class RotationOrder:
    """One rotation. ``hour``: when it was ordered; ``epoch``: of the roster that made the new key active."""

    id: int
    handle: str
    old_key_id: str
    new_key_id: str | None
    state: RotationState
    request: str | None
    epoch: int | None
    hour: int


def all_rotations(vault: Vault) -> tuple[RotationOrder, ...]:
    """Return every rotation, newest first."""
    with vault.reading() as session:
        return tuple(as_order(row) for row in session.scalars(select(Rotation).order_by(Rotation.id.desc())))


def open_rotations(vault: Vault) -> tuple[RotationOrder, ...]:
    """Return the rotations that are not finished, newest first."""
    return tuple(order for order in all_rotations(vault) if order.state is not RotationState.DESTROYED)


def open_rotation_of(vault: Vault, handle: str) -> RotationOrder | None:
    """Return one person's unfinished rotation, if there is one."""
    return next((order for order in open_rotations(vault) if order.handle == handle), None)


def order_new(session: Session, *, handle: str, old_key_id: str, hour: int) -> Rotation:
    """Start a rotation.

    Raises:
        Conflict: one is under way for this person.
    """
    under_way = session.scalar(
        select(Rotation.id).where(Rotation.handle == handle, Rotation.state != RotationState.DESTROYED.value)
    )
    if under_way is not None:
        raise Conflict(Sentence("a rotation of this key is under way"), code="rotation-under-way")
    row = Rotation(handle=handle, old_key_id=old_key_id, hour=hour)
    session.add(row)
    session.flush()
    return row


def advance(session: Session, order_id: int, *, expected: RotationState, to: RotationState) -> Rotation:
    """Move a rotation one step on.

    Raises:
        NotFound: no such rotation.
        Conflict: it is not in the state expected.
    """
    row = session.get(Rotation, order_id)
    if row is None:
        raise NotFound(Sentence("no such rotation"))
    if row.state != expected.value:
        raise Conflict(
            Sentence("this rotation is %(state)s, not %(expected)s", state=row.state, expected=str(expected)),
            code="rotation-state",
        )
    row.state = to.value
    return row


def as_order(row: Rotation) -> RotationOrder:
    """Return the row as a value."""
    return RotationOrder(
        id=row.id,
        handle=row.handle,
        old_key_id=row.old_key_id,
        new_key_id=row.new_key_id,
        state=RotationState(row.state),
        request=row.request,
        epoch=row.epoch,
        hour=row.hour,
    )
