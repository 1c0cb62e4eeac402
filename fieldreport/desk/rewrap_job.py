"""Re-wrapping in the background of one editor's session, with progress that a page can show.

Rules: the job holds the seat only while it runs and stops when its session is locked. Stopping loses nothing: headers
are rebuilt in small transactions, and the next unlock continues where this one stopped. At the end of a rotation the
job also finds out whether anything still depends on the old key; destroying it takes the passphrase, so not here.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass, replace

from fieldreport.errors import Conflict, FieldreportError, NotAllowed, StaleRoster
from fieldreport.mailbox import DeskMailbox
from fieldreport.vault.archive import rewrap
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import RotationState
from fieldreport.vault.cases import sort
from fieldreport.vault.keys import rotation
from fieldreport.web.fault_log import log_fault

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """``done`` of ``total`` objects after ``seconds``.

    ``failure`` is an error code, or empty; ``missing`` is why the old key cannot be destroyed yet.
    """

    done: int
    total: int
    running: bool
    seconds: float = 0.0
    failure: str = ""
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


class RewrapJob:
    """One run over everything that is still sealed to earlier recipients."""

    def __init__(self, seat: Seat, mailbox: DeskMailbox, *, total: int) -> None:
        self._seat: Seat | None = seat
        self._mailbox = mailbox
        self._stop = threading.Event()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._progress = Progress(done=0, total=total, running=True)
        self._began = 0.0
        self._thread = threading.Thread(target=self._run, name="rewrap", daemon=True)

    def start(self) -> None:
        """Begin; returns at once."""
        self._thread.start()

    def stop(self) -> None:
        """Ask the job to stop after its current objects. Does not wait: the caller may hold a lock."""
        self._stop.set()

    def wait(self, seconds: float) -> None:
        """Wait until the job has ended, for at most ``seconds``; also one that another request is about to start."""
        self._over.wait(seconds)

    @property
    def progress(self) -> Progress:
        """How far the job is."""
        with self._lock:
            return self._progress

    def _run(self) -> None:
        seat, self._seat = self._seat, None
        self._began = time.monotonic()
        failure = missing = ""
        try:
            if seat is not None:
                self._rewrap(seat)
                missing = self._finish(seat)
        except FieldreportError as error:
            failure = error.code
            _log.warning("re-wrapping stopped early: %s", error.code)
        except Exception as error:  # noqa: BLE001 - nothing above this thread reports it, and the page must not say "running" without end
            failure = "internal"
            log_fault(error)
        with self._lock:
            self._progress = replace(self._progress, running=False, failure=failure, missing=missing)
        self._over.set()

    def _rewrap(self, seat: Seat) -> None:
        for last_try in (False, False, True):
            try:
                sort.sort(seat)
                rewrap.rewrap(seat, self._report)
            except StaleRoster:
                if last_try:
                    raise
            else:
                return

    def _finish(self, seat: Seat) -> str:
        order = rotation.own(seat)
        if order is None or order.state is not RotationState.APPROVED:
            return ""
        try:
            rotation.finish(seat, self._mailbox)
        except Conflict as error:
            return str(error)
        return ""

    def _report(self, done: int, total: int) -> None:
        if self._stop.is_set():
            raise NotAllowed("The session was locked.", code="locked")
        with self._lock:
            self._progress = Progress(done=done, total=total, running=True, seconds=time.monotonic() - self._began)
