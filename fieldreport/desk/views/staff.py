"""For the admin: people, keys, rotations, whom sources may address, renewing, removing people, locking everybody.

Rules: nothing on these pages comes from a case; an admin sees counts, handles, keys and states.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import flask
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext

from fieldreport import limits
from fieldreport.desk import access, context, presentation
from fieldreport.desk.confirm import Question, asks
from fieldreport.desk.translation import listed
from fieldreport.errors import Conflict, NotFound, UsageError
from fieldreport.seal import Entry, KeyState, Role, Roster, fingerprint_words
from fieldreport.sentence import Sentence
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


def _ask_remove(handle: str) -> Question:
    """What removing does and what it cannot do."""
    entry = _removable(handle)
    alone = [name for name, handles in _roster().addressees.items() if handles == {entry.handle}]
    only_with_shares = _(
        "Only with the recovery shares: opening what sources addressed to %(names)s, because nobody else is meant by"
        " that. To keep it readable, put somebody else into a desk first.",
        names=listed(alone),
    )
    return Question(
        title=_("Remove %(handle)s?", handle=entry.handle),
        will_happen=(
            _(
                "At once: no new letter is sealed to %(handle)s, and their sessions on this desk are locked.",
                handle=entry.handle,
            ),
            _("As soon as another editor is unlocked: the archive is re-wrapped without their keys."),
            *([only_with_shares] if alone else []),
            _("Not possible: undoing what %(handle)s has read, or taking back a copy they made.", handle=entry.handle),
            _(
                "Their handle is never given to anybody else, so that old sign-offs stay clear. To come back, they need"
                " a new one."
            ),
        ),
        button=_("Remove %(handle)s", handle=entry.handle),
        back=flask.url_for("staff.show"),
    )


@access.admin
@blueprint.route("/staff/remove/<handle>", methods=["GET", "POST"])
@asks(_ask_remove)
def remove(handle: str) -> ResponseReturnValue:
    """Remove somebody from the roster and lock their sessions."""
    desk = context.desk()
    handle = _removable(handle).handle
    # Counted first: as soon as the roster is out, the background locks who is not listed.
    locked = desk.sessions.open_by_handle().get(handle, 0)
    roster = roster_changes.revoke(context.seat(), handle, desk.mailbox)
    desk.sessions.end_where(lambda session: session.handle == handle)
    context.say(
        ngettext(
            "Roster %(number)s is in force without %(handle)s. %(num)s of their sessions was locked. Headers are"
            " rebuilt without their keys at the next unlock.",
            "Roster %(number)s is in force without %(handle)s. %(num)s of their sessions were locked. Headers are"
            " rebuilt without their keys at the next unlock.",
            locked,
            number=roster.epoch,
            handle=handle,
        )
    )
    return flask.redirect(flask.url_for("staff.show"), code=303)


def _removable(handle: str) -> Entry:
    """An editor in the roster. The admin hands over instead, and the recovery key cannot be removed here."""
    desk = context.desk()
    for entry in desk.rosters.newest().entries:
        current = entry.state in {KeyState.ACTIVE, KeyState.SUSPENDED}
        if current and (entry.handle, entry.role) == (handle, Role.EDITOR):
            return entry
    raise NotFound(Sentence("There is no such editor."))


_EVERYBODY: Final = "everybody!"  # no handle holds an exclamation mark


def _chosen() -> list[str]:
    """The editors whom the form names."""
    wanted = flask.request.form.get("handle", "")
    editors = sorted({e.handle for e in _roster().entries if e.role is Role.EDITOR and e.state is KeyState.ACTIVE})
    chosen = editors if wanted == _EVERYBODY else [handle for handle in editors if handle == wanted]
    if not chosen:
        raise UsageError(Sentence("There is no such editor."))
    return chosen


def _is_for_everybody() -> bool:
    return flask.request.form.get("handle") == _EVERYBODY


def _ask_rotate() -> Question:
    chosen = _chosen()
    everybody = _is_for_everybody()
    button = _("Order new keys for everybody") if everybody else _("Order a new key for %(handle)s", handle=chosen[0])
    return Question(
        title=_("Order new keys for everybody?")
        if everybody
        else _("Order a new key for %(handle)s?", handle=chosen[0]),
        will_happen=(
            _("%(handles)s: each new key is made at their next unlock.", handles=listed(chosen)),
            _("Each waits for you to compare its words with its owner before it is used."),
            _("An editor whose new key was approved has the archive re-wrapped; then the old key is destroyed."),
            _("An order cannot be taken back."),
        ),
        button=button,
        back=flask.url_for(".show"),
    )


@access.admin
@blueprint.post("/staff/rotate")
@asks(_ask_rotate)
def rotate() -> ResponseReturnValue:
    """Order a new key for one editor, or for every editor without a rotation under way."""
    seat = context.seat()
    chosen = _chosen()
    everybody = _is_for_everybody()
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
        _(
            "Ordered for %(handles)s. Each new key is made at the next unlock and then waits here for you.",
            handles=listed(ordered),
        )
        if ordered
        else _("A rotation is already under way for everybody.")
    )
    return flask.redirect(flask.url_for(".show"), code=303)


def _order(order_id: int) -> RotationOrder:
    order = next((order for order in rotation_state.open_rotations(context.desk().vault) if order.id == order_id), None)
    if order is None:
        raise NotFound(Sentence("There is no such rotation."))
    return order


def _ask_approve(order_id: int) -> Question:
    """The fingerprint to compare with the person's own page."""
    order = _order(order_id)
    if order.state is not RotationState.REQUESTED:
        raise Conflict(Sentence("This rotation is %(state)s, not requested.", state=order.state))
    entry = roster_changes.requested_entry(order, _roster())
    return Question(
        title=_("Approve the new key of %(handle)s?", handle=order.handle),
        will_happen=(
            _(
                "The request is signed with the key %(handle)s has now. Ask %(handle)s, in person or by phone, to read"
                " you the words on their page “Your key”, and compare every word.",
                handle=order.handle,
            ),
            _(
                "Approving signs and publishes a new roster: from that moment letters are sealed to the new key, and"
                " the old key only decrypts."
            ),
        ),
        spoken={_("In words"): fingerprint_words(entry.key_id)},
        digits={
            _("Fingerprint"): presentation.grouped(entry.key_id),
            _("Replaces"): presentation.grouped(order.old_key_id),
        },
        fields={"key_id": flask.request.form.get("key_id", entry.key_id)},
        button=_("The words are the same: approve"),
        back=flask.url_for(".show"),
        danger=False,
    )


@access.admin
@blueprint.route("/staff/requests/<int:order_id>", methods=["GET", "POST"])
@asks(_ask_approve)
def approve(order_id: int) -> ResponseReturnValue:
    """Publish a roster with the new key."""
    desk, order = context.desk(), _order(order_id)
    if flask.request.form.get("key_id") != order.new_key_id:
        raise Conflict(Sentence("A different key has been requested since. Compare again."))
    roster = roster_changes.approve(context.seat(), order, desk.mailbox)
    context.say(
        _(
            "Roster %(number)s is in force. %(handle)s re-wraps at the next unlock.",
            number=roster.epoch,
            handle=order.handle,
        )
    )
    return flask.redirect(flask.url_for(".show"), code=303)


def _addressed() -> tuple[str, list[str]]:
    """The editor whom the form names, and under which names sources may write to them."""
    form = flask.request.form
    return _removable(form.get("handle", "")).handle, sorted(set(form.get("addressees", "").replace(",", " ").split()))


def _ask_address() -> Question:
    handle, names = _addressed()
    before = sorted(name for name, handles in _roster().addressees.items() if handle in handles)
    return Question(
        title=_("Let sources write to %(handle)s?", handle=handle)
        if names
        else _("Let sources not write to %(handle)s alone?", handle=handle),
        will_happen=(
            _("%(handle)s is addressed as %(names)s.", handle=handle, names=listed(names) or _("nobody")),
            _("Until now: %(names)s.", names=listed(before) or _("nobody")),
            _(
                "You sign a new roster. A report that is addressed from then on is sealed to those whom its source"
                " chose, and to no other editor. What was sent before stays as it is."
            ),
        ),
        button=_("Set it"),
        back=flask.url_for(".show"),
    )


@access.admin
@blueprint.post("/staff/addressees")
@asks(_ask_address)
def address() -> ResponseReturnValue:
    """Say under which names sources may write to one editor alone."""
    handle, names = _addressed()
    roster = roster_changes.address(context.seat(), handle, names, context.desk().mailbox)
    context.say(
        _(
            "Roster %(number)s is in force. %(handle)s is addressed as %(names)s.",
            number=roster.epoch,
            handle=handle,
            names=listed(names) or _("nobody"),
        )
    )
    return flask.redirect(flask.url_for(".show"), code=303)


def _ask_renew() -> Question:
    roster = _roster()
    people = listed(sorted({e.handle for e in roster.entries if e.state is KeyState.ACTIVE}))
    return Question(
        title=_("Renew the roster?"),
        will_happen=(
            _(
                "You sign roster %(number)s: the same people, the same keys, for 90 days from now.",
                number=roster.epoch + 1,
            ),
            _("It names %(handles)s. Is somebody among them who has left? Remove them first.", handles=people),
        ),
        button=_("Renew the roster"),
        back=flask.url_for(".show"),
        danger=False,
    )


@access.admin
@blueprint.route("/staff/renew", methods=["GET", "POST"])
@asks(_ask_renew)
def renew() -> ResponseReturnValue:
    """Sign a roster of the same people with a new term."""
    desk = context.desk()
    roster = roster_changes.renew(context.seat(), desk.mailbox)
    context.say(
        _(
            "Roster %(number)s is in force until %(day)s.",
            number=roster.epoch,
            day=roster.not_after.strftime("%Y-%m-%d"),
        )
    )
    return flask.redirect(flask.url_for(".show"), code=303)


def _ask_lock_all() -> Question:
    sessions = sum(context.desk().sessions.open_by_handle().values())
    return Question(
        title=_("Lock everybody?"),
        will_happen=(
            ngettext(
                "%(num)s session is open, including yours. Every unlocked key leaves this machine's memory at once.",
                "%(num)s sessions are open, including yours. Every unlocked key leaves this machine's memory at once.",
                sessions,
            ),
            _("What people are typing comes back after they unlock."),
            _("Every device that was known is forgotten: nobody is let in before strangers until they sign in again."),
        ),
        button=_("Lock everybody now"),
        back=flask.url_for(".show"),
    )


@access.admin
@blueprint.route("/staff/lock-all", methods=["GET", "POST"])
@asks(_ask_lock_all)
def lock_all() -> ResponseReturnValue:
    """Forget every unlocked key in this process, including the admin's own, and every device that was known."""
    context.seat().record(Act.LOCKED_ALL)
    context.desk().sessions.end_all()
    context.desk().sign_in.devices.forget_all()
    flask.g.desk_session = None
    return flask.redirect(flask.url_for("sign_in.show", locked=1), code=303)
