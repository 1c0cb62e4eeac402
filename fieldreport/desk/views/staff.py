"""For the admin: people, keys, rotations, whom sources may address, renewing, removing people, locking everybody.

Rules: nothing on these pages comes from a case; an admin sees counts, handles, keys and states.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import flask
from flask.typing import ResponseReturnValue

from fieldreport import limits
from fieldreport.desk import access, context
from fieldreport.errors import Conflict, NotFound, UsageError
from fieldreport.seal import Entry, KeyState, Role, Roster
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.tables import RotationState
from fieldreport.vault.keys import rotation, rotation_state
from fieldreport.vault.keys.rotation_state import RotationOrder
from fieldreport.vault.staff import enrolment, roster_changes

blueprint = flask.Blueprint("staff", __name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class StaffRow:
    """One key of the roster, what depends on it, and what is under way."""

    entry: Entry
    objects: int
    order: RotationOrder | None
    sessions: int


@access.admin
@blueprint.get("/staff")
def show() -> ResponseReturnValue:
    """All people and keys, and the roster's dates."""
    desk = context.desk()
    roster = _roster()
    orders = {order.handle: order for order in rotation_state.open_rotations(desk.vault)}
    signed_in = desk.sessions.open_by_handle()
    rows = [
        StaffRow(
            entry=entry,
            objects=desk.vault.objects.named_by(entry.key_id) if entry.role is not Role.ADMIN else 0,
            order=orders.get(entry.handle) if entry.state is KeyState.ACTIVE else None,
            sessions=signed_in.get(entry.handle, 0) if entry.state is KeyState.ACTIVE else 0,
        )
        for entry in roster.entries
    ]
    days_left = (roster.not_after - datetime.fromtimestamp(desk.clock(), UTC)).days
    return flask.render_template(
        "staff.html",
        roster=roster,
        rows=rows,
        days_left=days_left,
        alarm=days_left < limits.ROSTER_ALARM_DAYS,
        steps=RotationState,
        roles=Role,
        key_states=KeyState,
        sessions=sum(signed_in.values()),
        invited=enrolment.invited(desk.vault),
        waiting=enrolment.waiting(desk.vault),
        admin_key=desk.rosters.published.admin().fingerprint,
        pinned_key=desk.settings.keys.admin_fingerprint,
        hand_overs=desk.rosters.published.hand_overs(),
    )


def _roster() -> Roster:
    desk = context.desk()
    return desk.rosters.newest()


@access.admin
@blueprint.get("/staff/remove/<handle>")
def ask_remove(handle: str) -> ResponseReturnValue:
    """What removing does and what it cannot do, then the button."""
    entry = _removable(handle)
    alone = [name for name, handles in _roster().addressees.items() if handles == {entry.handle}]
    return flask.render_template("staff-remove.html", entry=entry, alone=alone)


@access.admin
@blueprint.post("/staff/remove/<handle>")
def remove(handle: str) -> ResponseReturnValue:
    """Remove somebody from the roster and lock their sessions."""
    desk = context.desk()
    handle = _removable(handle).handle
    # Counted first: as soon as the roster is out, the background locks who is not listed.
    locked = desk.sessions.open_by_handle().get(handle, 0)
    roster = roster_changes.revoke(context.seat(), handle, desk.mailbox)
    desk.sessions.end_where(lambda session: session.handle == handle)
    context.say(
        f"Roster {roster.epoch} is in force without {handle}. {locked} of their sessions"
        f" {'was' if locked == 1 else 'were'} locked. Headers are rebuilt without their keys at the next unlock."
    )
    return flask.redirect(flask.url_for("staff.show"), code=303)


def _removable(handle: str) -> Entry:
    """An editor in the roster. The admin hands over instead, and the recovery key cannot be removed here."""
    desk = context.desk()
    for entry in desk.rosters.newest().entries:
        if (entry.handle, entry.role, entry.state) == (handle, Role.EDITOR, KeyState.ACTIVE):
            return entry
    raise NotFound("There is no such editor.")


@access.admin
@blueprint.post("/staff/rotate")
def rotate() -> ResponseReturnValue:
    """Order a new key for one editor, or for every editor without a rotation under way."""
    seat = context.seat()
    wanted = flask.request.form.get("handle", "")
    everybody = wanted == "everybody!"  # no handle holds an exclamation mark
    editors = sorted({e.handle for e in _roster().entries if e.role is Role.EDITOR and e.state is KeyState.ACTIVE})
    chosen = editors if everybody else [handle for handle in editors if handle == wanted]
    if not chosen:
        raise UsageError("There is no such editor.")
    ordered = []
    for handle in chosen:
        try:
            rotation.order(seat, handle)
        except Conflict:
            if not everybody:
                raise
        else:
            ordered.append(handle)
    context.say(
        f"Ordered for {', '.join(ordered)}. Each new key is made at the next unlock and then waits here for you."
        if ordered
        else "A rotation is already under way for everybody."
    )
    return flask.redirect(flask.url_for(".show"), code=303)


def _order(order_id: int) -> RotationOrder:
    order = next((order for order in rotation_state.open_rotations(context.desk().vault) if order.id == order_id), None)
    if order is None:
        raise NotFound("There is no such rotation.")
    return order


@access.admin
@blueprint.get("/staff/requests/<int:order_id>")
def ask_approve(order_id: int) -> ResponseReturnValue:
    """The fingerprint to compare with the person's own page, then the button."""
    order = _order(order_id)
    if order.state is not RotationState.REQUESTED:
        raise Conflict(f"This rotation is {order.state}, not requested.")
    entry = roster_changes.requested_entry(order, _roster())
    return flask.render_template("rotation-approve.html", order=order, entry=entry)


@access.admin
@blueprint.post("/staff/requests/<int:order_id>")
def approve(order_id: int) -> ResponseReturnValue:
    """Publish a roster with the new key."""
    desk, order = context.desk(), _order(order_id)
    if flask.request.form.get("key_id") != order.new_key_id:
        raise Conflict("A different key has been requested since. Compare again.")
    roster = roster_changes.approve(context.seat(), order, desk.mailbox)
    context.say(f"Roster {roster.epoch} is in force. {order.handle} re-wraps at the next unlock.")
    return flask.redirect(flask.url_for(".show"), code=303)


@access.admin
@blueprint.post("/staff/addressees")
def address() -> ResponseReturnValue:
    """Say under which names sources may write to one editor alone."""
    form = flask.request.form
    handle = _removable(form.get("handle", "")).handle
    names = form.get("addressees", "").replace(",", " ").split()
    roster = roster_changes.address(context.seat(), handle, names, context.desk().mailbox)
    context.say(
        f"Roster {roster.epoch} is in force. {handle} is addressed as {', '.join(sorted(set(names))) or 'nobody'}."
    )
    return flask.redirect(flask.url_for(".show"), code=303)


@access.admin
@blueprint.post("/staff/renew")
def renew() -> ResponseReturnValue:
    """Sign a roster of the same people with a new term."""
    desk = context.desk()
    roster = roster_changes.renew(context.seat(), desk.mailbox)
    context.say(f"Roster {roster.epoch} is in force until {roster.not_after:%Y-%m-%d}.")
    return flask.redirect(flask.url_for(".show"), code=303)


@access.admin
@blueprint.post("/staff/lock-all")
def lock_all() -> ResponseReturnValue:
    """Forget every unlocked key in this process, including the admin's own, and every device that was known."""
    context.seat().record(Act.LOCKED_ALL)
    context.desk().sessions.end_all()
    context.desk().sign_in.devices.forget_all()
    flask.g.desk_session = None
    return flask.redirect(flask.url_for("sign_in.show", locked=1), code=303)
