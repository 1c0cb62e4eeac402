"""Once a day, at the seat of each editor who is unlocked: delete the cases past their time that they may read."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Final

from fieldreport.config import Desk
from fieldreport.desk.sessions import Sessions
from fieldreport.seal import Role
from fieldreport.vault.articles import retention
from fieldreport.vault.articles.retention import Rules

_log = logging.getLogger(__name__)
_DAY_SECONDS: Final = 24 * 3600


class DailyPurge:
    """Which editors' turn it was today. ``run`` is for the thread of the background jobs alone."""

    def __init__(self, sessions: Sessions, desk: Desk, *, clock: Callable[[], float]) -> None:
        self._sessions = sessions
        self._keyfiles = desk.keyfiles
        self._rules = Rules.of(desk)
        self._clock = clock
        self._day = 0
        self._done: set[str] = set()

    def run(self) -> None:
        """Purge at the seats that had no turn today; one that fails has its next turn tomorrow. Raises as ``purge``."""
        day = int(self._clock() // _DAY_SECONDS)
        if day != self._day:
            self._day, self._done = day, set()
        if not self._rules.days:
            return
        for session in self._sessions.of_role(Role.EDITOR):
            if session.handle not in self._done:
                self._done.add(session.handle)
                gone = sum(not due.kept for due in retention.purge(session.seat, self._rules, keyfiles=self._keyfiles))
                if gone:
                    _log.warning("%d cases past their time were deleted by [desk.retention]", gone)
