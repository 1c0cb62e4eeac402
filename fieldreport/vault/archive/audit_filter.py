"""Which entries of the audit log somebody wants to see."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

from sqlalchemy import ColumnElement

from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.tables import AuditRow


@dataclass(frozen=True, slots=True, kw_only=True)
class AuditFilter:
    """Each field narrows the others; nothing wanted is everything.

    ``subject``: a case, article, key or person, as the log names it; entries that begin with it and a space are about
    it, too. ``since`` and ``until`` are days in UTC, both included.
    """

    actor: str = ""
    act: Act | None = None
    subject: str = ""
    since: date | None = None
    until: date | None = None

    def conditions(self) -> tuple[ColumnElement[bool], ...]:
        """The same for ``AuditLog.page``."""
        found: list[ColumnElement[bool]] = []
        if self.actor:
            found.append(AuditRow.actor == self.actor)
        if self.act is not None:
            found.append(AuditRow.act == self.act.value)
        if self.subject:
            about = (AuditRow.subject == self.subject) | AuditRow.subject.startswith(
                f"{self.subject} ", autoescape=True
            )
            found.append(about)
        if self.since is not None:
            found.append(AuditRow.hour >= _hour(self.since))
        if self.until is not None and self.until < date.max:
            found.append(AuditRow.hour < _hour(self.until + timedelta(days=1)))
        return tuple(found)


def _hour(day: date) -> int:
    return int(datetime(day.year, day.month, day.day, tzinfo=UTC).timestamp() // 3600)
