"""Starting a session's re-wrap job: after unlocking, when its editor asks, and when the roster has changed."""

from __future__ import annotations

from flask_babel import gettext as _
from flask_babel import ngettext

from fieldreport.desk import context
from fieldreport.desk.rewrap_job import RewrapJob
from fieldreport.desk.sessions import Session, Sessions
from fieldreport.desk.translation import said
from fieldreport.errors import RosterError, SealError
from fieldreport.mailbox import DeskMailbox
from fieldreport.seal import Role
from fieldreport.vault.archive import rewrap
from fieldreport.vault.archive.tables import RotationState
from fieldreport.vault.keys import rotation


def start_if_needed() -> None:
    """After unlocking: re-wrap what is left, or find out whether the old key can be destroyed."""
    seat = context.seat()
    try:
        pending = rewrap.pending(seat)
    except RosterError:
        return  # nothing can be sealed now; the pages say so
    except SealError as error:
        context.say(_("Nothing is re-wrapped: %(reason)s Tell the admin.", reason=said(error.text)))
        return
    order = rotation.own(seat)
    if pending or (order is not None and order.state is RotationState.APPROVED):
        start(pending)
        if pending:
            context.say(
                ngettext(
                    "%(num)s object is being re-wrapped for the current staff. See the page of your key.",
                    "%(num)s objects are being re-wrapped for the current staff. See the page of your key.",
                    pending,
                )
            )


def start(total: int) -> None:
    """Start the job of this session unless one is running."""
    _start(context.session(), context.desk().mailbox, total)


def _start(session: Session, mailbox: DeskMailbox, total: int) -> None:
    session.rewrap.start(lambda: RewrapJob(session.seat, mailbox, total=total))


def start_for_colleagues(sessions: Sessions, mailbox: DeskMailbox) -> None:
    """Start the job of one unlocked editor where the roster has changed since; once for each roster and what is left.

    One at a time: what an editor can open, most others can open, too.

    Raises:
        RosterError, StoreError: nothing can be sealed now.
    """
    editors = sessions.of_role(Role.EDITOR)
    if any(session.rewrap.is_busy for session in editors):
        return
    for session in editors:
        pending = rewrap.pending(session.seat)
        now = (session.seat.roster().epoch, pending)
        if pending and now != session.rewrapped_for:
            session.rewrapped_for = now
            _start(session, mailbox, pending)
            return
