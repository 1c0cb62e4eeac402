"""Re-wrapping in the background of one editor's session, with progress that a page can show.

Rules: the job holds the seat only while it runs and stops when its session is locked. Stopping loses nothing: headers
are rebuilt in small transactions, and the next unlock continues where this one stopped. At the end of a rotation the
job also finds out whether anything still depends on the old key; destroying it takes the passphrase, so not here.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from typing_extensions import override

from fieldreport.desk import job
from fieldreport.desk.job import Job, Report
from fieldreport.errors import Conflict, StaleRoster
from fieldreport.mailbox import DeskMailbox
from fieldreport.vault.archive import rewrap
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import RotationState
from fieldreport.vault.cases import shown_sheets, sort
from fieldreport.vault.keys import rotation


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress(job.Progress):
    """Of objects: besides, ``seconds`` of work so far, and ``missing``: why the old key cannot be destroyed yet."""

    seconds: float = 0.0
    missing: str = ""

    @property
    def left(self) -> int:
        """How many objects are not yet sealed to the roster's readers."""
        return max(self.total - self.done, 0)

    @property
    def rate(self) -> float:
        """Objects per second so far; 0 while unknown."""
        return self.done / self.seconds if self.seconds else 0.0

    @property
    def remaining_seconds(self) -> float | None:
        """Seconds left at that rate; None while unknown."""
        return self.left / self.rate if self.rate else None


class RewrapJob(Job):
    """One run over everything that is still sealed to earlier recipients."""

    def __init__(self, seat: Seat, mailbox: DeskMailbox, *, total: int) -> None:
        self._seconds = 0.0
        self._missing = ""

        # The seat is held by this function alone, which goes when it has run.
        def work(report: Report) -> None:
            began = time.monotonic()

            def timed(done: int, total: int) -> None:
                report(done, total)
                self._seconds = time.monotonic() - began

            _rewrap(seat, timed)
            self._missing = _finish(seat, mailbox)

        super().__init__("re-wrapping", work, total=total)

    @property
    @override
    def progress(self) -> Progress:
        """How far the job is."""
        now = super().progress
        return Progress(
            done=now.done,
            total=now.total,
            running=now.running,
            failure=now.failure,
            seconds=self._seconds,
            missing=self._missing,
        )


def _rewrap(seat: Seat, report: Report) -> None:
    for last_try in (False, False, True):
        try:
            sort.sort(seat)
            rewrap.rewrap(seat, report)
            shown_sheets.reseal(seat)
        except StaleRoster:
            if last_try:
                raise
        else:
            return


def _finish(seat: Seat, mailbox: DeskMailbox) -> str:
    order = rotation.own(seat)
    if order is None or order.state is not RotationState.APPROVED:
        return ""
    try:
        rotation.finish(seat, mailbox)
    except Conflict as error:
        return error.text
    return ""
