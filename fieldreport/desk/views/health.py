"""For the admin: the state of every part. Counts and states, never content."""

from __future__ import annotations

from typing import Final

import flask
from flask.typing import ResponseReturnValue

from fieldreport.checks import machine, newsroom
from fieldreport.checks.findings import Finding, Verdict, failing_as
from fieldreport.desk import access, context
from fieldreport.errors import FieldreportError
from fieldreport.sentence import Sentence
from fieldreport.vault.archive import audit_heads
from fieldreport.vault.cases import inbox

blueprint = flask.Blueprint("health", __name__)

_WORST_FIRST: Final = (Verdict.FAILS, Verdict.WARNS, Verdict.UNSEEN, Verdict.HOLDS)


@access.admin
@blueprint.get("/health")
def show() -> ResponseReturnValue:
    """The state of the zone."""
    desk = context.desk()
    try:
        waiting, mailbox_problem = desk.mailbox.totals(), ""
    except FieldreportError as error:
        waiting, mailbox_problem = None, error.code
    return flask.render_template(
        "health.html",
        findings=sorted(_findings(), key=lambda finding: _WORST_FIRST.index(finding.verdict)),
        waiting=waiting,
        mailbox_problem=mailbox_problem,
        last=desk.background.last,
        now=desk.clock(),
        standing=context.standing(),
        counts=inbox.counts(desk.vault),
        unsorted=inbox.unsorted(desk.vault),
        settings=desk.settings,
    )


def _findings() -> list[Finding]:
    """What ``doctor`` says of the same, as far as it is quick: signatures of cases and payloads one by one are not."""
    desk, settings = context.desk(), context.desk().settings
    found = [machine.clock(), machine.sandbox(desk.scrubber.status)]
    with failing_as(Sentence("surroundings"), found):
        # A letterbox on another machine looks at its own.
        found += machine.surroundings(settings, ["desk"] if settings.desk.link else ["desk", "intake"])
    with failing_as(Sentence("roster"), found):
        context.seat().roster()
        found.append(newsroom.roster_age(desk.rosters))
    found.append(newsroom.admin_key(settings, desk.rosters))
    with failing_as(Sentence("keys"), found):
        found += newsroom.keys_due(settings, desk.vault, desk.rosters)
    found.append(newsroom.link_of(desk.mailbox, desk.rosters))
    with failing_as(Sentence("database and storage"), found):
        desk.vault.must_work()
        orphans = len(desk.vault.orphans())
        seen = (
            Sentence("%(number)s payloads without a row; run 'fieldreport doctor'", number=orphans)
            if orphans
            else Sentence("they store and read")
        )
        verdict = Verdict.WARNS if orphans else Verdict.HOLDS
        found.append(Finding(check=Sentence("database and storage"), verdict=verdict, seen=seen))
    found.append(_audit_log())
    return found


def _audit_log() -> Finding:
    desk = context.desk()
    try:
        audit_heads.check(desk.vault, desk.rosters, desk.settings.desk.keyfiles)
    except FieldreportError as error:
        return Finding(check=Sentence("audit log"), verdict=Verdict.FAILS, seen=error.detail)
    checked = desk.audit_check.last
    if checked is not None and checked.broken:
        return Finding(check=Sentence("audit log"), verdict=Verdict.FAILS, seen=checked.broken)
    if checked is None or checked.report is None:
        seen = Sentence("it holds every remembered entry; the whole was not verified since this desk started")
        return Finding(check=Sentence("audit log"), verdict=Verdict.HOLDS, seen=seen)
    hours = int(desk.clock() - checked.at) // 3600
    seen = Sentence("%(entries)s entries verified, %(hours)s hours ago", entries=checked.report.entries, hours=hours)
    return Finding(check=Sentence("audit log"), verdict=Verdict.HOLDS, seen=seen)
