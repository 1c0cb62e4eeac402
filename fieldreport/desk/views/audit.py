"""For the admin: the audit log, and its verification."""

from __future__ import annotations

import flask
from flask.typing import ResponseReturnValue

from fieldreport import limits
from fieldreport.desk import access, context
from fieldreport.errors import SealError
from fieldreport.vault.archive import audit_heads
from fieldreport.vault.archive.audit import AuditReport, Remembered

blueprint = flask.Blueprint("audit", __name__)


@access.admin
@blueprint.get("/audit")
def show() -> ResponseReturnValue:
    """One page of the log, newest first."""
    return _page()


@access.admin
@blueprint.post("/audit/verify")
def verify() -> ResponseReturnValue:
    """Check every hash and every signature."""
    desk = context.desk()
    try:
        report = desk.vault.audit.verify(desk.rosters.all_here(), _remembered())
    except SealError as error:
        return _page(broken=error.detail)
    return _page(report=report)


def _remembered() -> tuple[Remembered, ...]:
    desk = context.desk()
    return audit_heads.remembered(desk.rosters, desk.vault.instance, desk.settings.desk.keyfiles)


def _page(*, report: AuditReport | None = None, broken: str = "") -> ResponseReturnValue:
    after = flask.request.args.get("after", type=int)
    entries = context.desk().vault.audit.page(after=after)
    return flask.render_template(
        "audit.html",
        entries=entries,
        older=entries[-1].sequence if len(entries) == limits.PAGE_ROWS and entries[-1].sequence > 1 else None,
        report=report,
        broken=broken,
    )
