"""For the admin: the state of every part. Counts and states, never content."""

from __future__ import annotations

import flask
from flask.typing import ResponseReturnValue

from fieldreport import limits
from fieldreport.desk import access, context
from fieldreport.errors import FieldreportError
from fieldreport.store import free_bytes, free_share
from fieldreport.vault.archive import audit_heads
from fieldreport.vault.cases import inbox

blueprint = flask.Blueprint("health", __name__)


@access.admin
@blueprint.get("/health")
def show() -> ResponseReturnValue:
    """The state of the zone."""
    desk = context.desk()
    try:
        waiting, mailbox_epoch, mailbox_problem = desk.mailbox.totals(), desk.mailbox.highest_epoch(), ""
    except FieldreportError as error:
        waiting, mailbox_epoch, mailbox_problem = None, None, error.code
    try:
        roster, roster_problem = context.seat().roster(), ""
    except FieldreportError as error:
        roster, roster_problem = None, str(error)
    try:
        audit_heads.check(desk.vault, desk.rosters, desk.settings.desk.keyfiles)
        audit_problem = ""
    except FieldreportError as error:
        audit_problem = error.detail
    return flask.render_template(
        "health.html",
        audit_problem=audit_problem,
        waiting=waiting,
        mailbox_epoch=mailbox_epoch,
        mailbox_problem=mailbox_problem,
        last=desk.background.last,
        now=desk.clock(),
        sandbox=desk.scrubber.status,
        roster=roster,
        roster_problem=roster_problem,
        standing=context.standing(),
        counts=inbox.counts(desk.vault),
        unsorted=inbox.unsorted(desk.vault),
        orphans=len(desk.vault.orphans()),
        settings=desk.settings,
        free=free_bytes(desk.settings.desk.data),
        is_nearly_full=free_share(desk.settings.desk.data) < limits.FREE_SHARE_ALARM,
    )
