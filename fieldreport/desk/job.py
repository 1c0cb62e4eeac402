"""Work in the background of one session, with progress that a page can show.

Rules: the job holds the seat only while it runs and stops when its session is locked. What it has done stays done.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

from fieldreport.errors import FieldreportError, NotAllowed
from fieldreport.web.fault_log import log_fault

_log = logging.getLogger(__name__)

Report = Callable[[int, int], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """``done`` of ``total``. ``failure`` is an error code, or empty."""

    done: int = 0
    total: int = 0
    running: bool = True
    failure: str = ""


class Job:
    """One run of ``work``, which reports (done, total) and is stopped by an error that the report raises.

    ``total``: what is known of it before the first report.
    """

    def __init__(self, name: str, work: Callable[[Report], None], *, total: int = 0) -> None:
        self._name = name
        self._work: Callable[[Report], None] | None = work
        self._stop = threading.Event()
        self._over = threading.Event()
        self._lock = threading.Lock()
        self._progress = Progress(total=total)
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> Job:
        """Begin; returns at once."""
        self._thread.start()
        return self

    def stop(self) -> None:
        """Ask the job to stop at its next report. Does not wait: the caller may hold a lock."""
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
        work, self._work = self._work, None
        failure = ""
        try:
            if work is not None:
                work(self._report)
        except FieldreportError as error:
            failure = error.code
            _log.warning("%s stopped early: %s", self._name, error.code)
        except Exception as error:  # noqa: BLE001 - nothing above this thread reports it, and the page must not say "running" without end
            failure = "internal"
            log_fault(error)
        with self._lock:
            self._progress = replace(self._progress, running=False, failure=failure)
        self._over.set()

    def _report(self, done: int, total: int) -> None:
        if self._stop.is_set():
            raise NotAllowed("The session was locked.", code="locked")
        with self._lock:
            self._progress = Progress(done=done, total=total)


_J = TypeVar("_J", bound=Job)


class JobSlot(Generic[_J]):
    """One kind of work of a session: one job at a time, and none that keeps its keys when the session is locked.

    ``job``: the one that runs, or the last one.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._locked = False
        self.job: _J | None = None

    @property
    def is_busy(self) -> bool:
        """Whether a job runs."""
        return self.job is not None and self.job.progress.running

    def start(self, make: Callable[[], _J]) -> _J:
        """Return the job that runs; where none does, make one and begin it."""
        with self._lock:
            if self.job is None or not self.job.progress.running:
                self.job = make()
                if self._locked:
                    self.job.stop()
                self.job.start()
            return self.job

    def lock(self) -> None:
        """The session has ended: stop the job, and every later one at its first report. Does not wait."""
        with self._lock:
            self._locked = True
            if self.job is not None:
                self.job.stop()
