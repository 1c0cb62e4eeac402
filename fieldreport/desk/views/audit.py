"""For the admin: the audit log by who, what, when and about what; its verification; and the file of it."""

from __future__ import annotations

from datetime import date
from typing import Final

import flask
from flask.typing import ResponseReturnValue

from fieldreport import limits
from fieldreport.desk import access, act_names, context
from fieldreport.errors import FieldreportError, UsageError
from fieldreport.sentence import Sentence
from fieldreport.vault.archive import audit_export, audit_heads
from fieldreport.vault.archive.audit import NOBODY, Act
from fieldreport.vault.archive.audit_filter import AuditFilter

blueprint = flask.Blueprint("audit", __name__)

_FIELDS: Final = ("actor", "act", "subject", "since", "until")
_SUBJECT_CHARACTERS: Final = 80  # as the log has them


@access.admin
@blueprint.get("/audit")
def show() -> ResponseReturnValue:
    """One page of the log, newest first."""
    desk = context.desk()
    unknown = sorted(set(flask.request.args) - {*_FIELDS, "after"})
    if unknown:
        raise UsageError(Sentence("There is no filter called '%(name)s'.", name=unknown[0][:_SUBJECT_CHARACTERS]))
    chosen = {name: text for name in _FIELDS if (text := flask.request.args.get(name, "").strip())}
    after = flask.request.args.get("after", type=int)
    entries = desk.vault.audit.page(after=after, limit=limits.PAGE_ROWS + 1, where=_wanted(chosen).conditions())
    more = len(entries) > limits.PAGE_ROWS
    entries = entries[: limits.PAGE_ROWS]
    lacking = ""
    try:
        audit_heads.check(desk.vault, desk.rosters, desk.settings.desk.keyfiles)
    except FieldreportError as error:
        lacking = error.detail
    return flask.render_template(
        "audit.html",
        entries=entries,
        chosen=chosen,
        after=after,
        older=entries[-1].sequence if more else None,
        lacking=lacking,
        checked=desk.audit_check.last,
        now=desk.clock(),
        acts=sorted(act_names.NAMES.items(), key=lambda item: item[1]),
        actors=sorted({NOBODY, *(entry.handle for entry in desk.rosters.newest().entries)}),
        name_of=act_names.name_of,
    )


def _wanted(chosen: dict[str, str]) -> AuditFilter:
    act = chosen.get("act")
    if act is not None and act not in set(Act):
        raise UsageError(Sentence("There is no act called '%(name)s'.", name=act[:_SUBJECT_CHARACTERS]))
    return AuditFilter(
        actor=chosen.get("actor", ""),
        act=None if act is None else Act(act),
        subject=chosen.get("subject", "")[:_SUBJECT_CHARACTERS],
        since=_day(chosen.get("since")),
        until=_day(chosen.get("until")),
    )


def _day(untrusted: str | None) -> date | None:
    if untrusted is None:
        return None
    try:
        return date.fromisoformat(untrusted)
    except ValueError:
        raise UsageError(Sentence("A day is written as 2026-11-23.")) from None


@access.admin
@blueprint.post("/audit/verify")
def verify() -> ResponseReturnValue:
    """Check every hash and every signature; the page says how it ended."""
    context.desk().audit_check.run()
    return flask.redirect(flask.url_for(".show"), code=303)


@access.admin
@blueprint.post("/audit/export")
def export() -> ResponseReturnValue:
    """The whole log as a file that ``fieldreport audit verify --file`` checks."""
    context.seat().record(Act.AUDIT_EXPORTED)
    lines = audit_export.lines(context.desk().vault.audit)
    response = flask.Response(lines, mimetype="application/jsonl")
    response.headers["Content-Disposition"] = "attachment; filename=audit-log.jsonl"
    return response
