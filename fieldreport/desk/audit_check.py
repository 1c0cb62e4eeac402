"""Verifying the whole audit log: once a day by itself, and when the admin asks. It needs no key."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fieldreport.errors import SealError
from fieldreport.vault.archive import audit_heads
from fieldreport.vault.archive.audit import AuditReport
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.vault import Vault

_log = logging.getLogger(__name__)
_DAY_SECONDS: Final = 24 * 3600


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """How the log was when it was verified last: ``report``, or in ``broken`` where it does not hold."""

    at: float
    report: AuditReport | None
    broken: str


class AuditCheck:
    """Verifies, and remembers how it ended until the process ends."""

    def __init__(self, vault: Vault, rosters: RosterWatch, keyfiles: Path, *, clock: Callable[[], float]) -> None:
        self._vault = vault
        self._rosters = rosters
        self._keyfiles = keyfiles
        self._clock = clock
        self._one_at_a_time = threading.Lock()
        self.last: Checked | None = None

    def run(self) -> Checked:
        """Verify now. Raises ``RosterError``, ``StoreError``: that it could not be done says nothing of the log."""
        with self._one_at_a_time:
            report, broken = None, ""
            try:
                remembered = audit_heads.remembered(self._rosters, self._vault.instance, self._keyfiles)
                report = self._vault.audit.verify(self._rosters.all_here(), remembered)
            except SealError as error:
                broken = error.detail
                _log.error("the audit log does not hold: %s", broken)
            self.last = Checked(at=self._clock(), report=report, broken=broken)
            return self.last

    def run_daily(self) -> None:
        """Verify if that was not done within a day."""
        if self.last is None or self._clock() - self.last.at >= _DAY_SECONDS:
            self.run()
