"""The desk's background jobs: it collects and sorts letters, publishes, re-wraps, purges, and locks sessions.

The audit log is verified here as well, once a day.

Rules: a session is locked when it is idle, and when a roster that another process published does not list its owner any
more or lists another key: the keys of somebody who was removed do not wait in memory for their next click. Collecting
needs no key; sorting is done with the keys of those who are unlocked. Publishing happens only while an editor is
unlocked, in that editor's name, because nothing unpublished lies in the clear; so with purging, and with re-wrapping,
by which a new colleague can read without another sign-in of those who are here. What dials the intake has a thread of
its own: one that answers a byte a minute holds up no lock. A failure is logged by its code, and the next run tries
again.
"""

from __future__ import annotations

import logging
import random
import threading
from collections.abc import Callable
from dataclasses import dataclass

from fieldreport import limits
from fieldreport.desk.sessions import Sessions
from fieldreport.errors import FieldreportError
from fieldreport.vault.cases.collect import Collected
from fieldreport.web.fault_log import log_fault

_log = logging.getLogger(__name__)

_SWEEP_SECONDS = 10  # how long a key may outlive its time


@dataclass(frozen=True, slots=True, kw_only=True)
class LastCollection:
    """How the latest attempt to collect ended. ``failure`` is an error code, empty when it succeeded.

    ``damaged`` letters could not be read and stay in the mailbox.
    """

    at: float
    letters: int = 0
    damaged: int = 0
    failure: str = ""


class BackgroundJobs:
    """The threads that run the jobs. ``collect`` may be called from any thread; two never run at once."""

    def __init__(
        self,
        *,
        collect: Callable[[], Collected],
        deliveries: Callable[[], None],
        push_rosters: Callable[[], None],
        publish: Callable[[], None],
        lock_unlisted: Callable[[], None],
        index: Callable[[], object],
        sort: Callable[[], None],
        purge: Callable[[], None],
        verify_log: Callable[[], None],
        rewrap: Callable[[], None],
        sessions: Sessions,
        collect_seconds: int,
        clock: Callable[[], float],
    ) -> None:
        self._collect = collect
        self._deliveries = deliveries
        self._push_rosters = push_rosters
        self._publish = publish
        self._lock_unlisted = lock_unlisted
        self._index = index
        self._sort = sort
        self._purge = purge
        self._verify_log = verify_log
        self._rewrap = rewrap
        self._sessions = sessions
        self._collect_seconds = collect_seconds
        self._clock = clock
        self._one_at_a_time = threading.Lock()
        self._start_lock = threading.Lock()
        self._threads: tuple[threading.Thread, ...] = ()
        self._stop = threading.Event()
        self._fetching: _Fetch | None = None
        self._failures = 0  # of collecting, in a row
        self._said: dict[str, str] = {}  # job → why it failed, when that was logged last
        self.last: LastCollection | None = None

    def start(self) -> None:
        """Start the threads; only after the server has forked. A second call does nothing."""
        with self._start_lock:
            if not self._threads:
                self._threads = (
                    threading.Thread(target=self._run, name="desk-background", daemon=True),
                    threading.Thread(target=self._run_link, name="desk-link", daemon=True),
                )
                for thread in self._threads:
                    thread.start()

    def stop(self) -> None:
        """Stop the threads and wait for the jobs that are running."""
        self._stop.set()
        for thread in self._threads:
            thread.join()

    def collect(self) -> LastCollection:
        """Fetch what waits in the mailbox.

        Raises:
            FieldreportError: the mailbox is away or the vault refused; nothing was lost, the letters still wait.
        """
        with self._one_at_a_time:
            try:
                collected = self._collect()
            except FieldreportError as error:
                self._failures += 1
                self.last = LastCollection(at=self._clock(), failure=error.code)
                raise
            self._failures = 0
            letters, damaged = collected.letters, len(collected.damaged)
            self.last = LastCollection(at=self._clock(), letters=letters, damaged=damaged)
            return self.last

    def collect_for_page(self) -> LastCollection | None:
        """As ``collect``, but wait for it only as long as a page may; nothing: it goes on without the page."""
        with self._start_lock:
            if self._fetching is None or self._fetching.is_over.is_set():
                self._fetching = _Fetch(self.collect)
            fetching = self._fetching
        return fetching.result(limits.FETCH_PAGE_SECONDS)

    def _run(self) -> None:
        waited = due = 0
        step = min(_SWEEP_SECONDS, self._collect_seconds)
        while True:
            self._sessions.sweep()
            self._try("locking sessions", self._lock_unlisted)
            self._try("re-wrapping", self._rewrap)
            if waited >= due:
                waited, due = 0, self._collect_seconds
                self._try("publishing", self._publish)
                self._try("deleting cases past their time", self._purge)
                self._try("verifying the audit log", self._verify_log)
            self._try("sorting", self._sort)
            self._try("indexing", self._index)
            if self._stop.wait(step):
                return
            waited += step

    def _run_link(self) -> None:
        while True:
            self._try("collecting", self.collect)
            self._try("asking which replies wait", self._deliveries)
            self._try("bringing rosters to the intake", self._push_rosters)
            if self._stop.wait(self._next_round()):
                return

    def _next_round(self) -> float:
        """Seconds until the next round: never the same, and longer each time while the mailbox is away."""
        latest = max(self._collect_seconds, limits.COLLECT_LATEST_SECONDS)
        seconds = float(min(self._collect_seconds << min(self._failures, 10), latest))
        return seconds * random.uniform(0.8, 1.2)  # noqa: S311 - a pause

    def _try(self, job: str, work: Callable[[], object]) -> None:
        try:
            work()
        except FieldreportError as error:
            is_said = error.detail in self._said.values()  # by this job or another: once, not each round
            self._said[job] = error.detail
            if not is_said:
                _log.warning("%s failed: %s (%s)", job, error.detail, error.code)
        except Exception as error:  # noqa: BLE001 - the thread must live: what fails now may work in the next run
            log_fault(error)
        else:
            if self._said.pop(job, None) is not None:
                _log.warning("%s works again", job)


class _Fetch:
    """Collecting in a thread of its own, and how it ended."""

    def __init__(self, collect: Callable[[], LastCollection]) -> None:
        self.is_over = threading.Event()
        self._collect = collect
        self._collected: LastCollection | None = None
        self._error: FieldreportError | None = None
        threading.Thread(target=self._run, name="desk-fetch", daemon=True).start()

    def _run(self) -> None:
        try:
            self._collected = self._collect()
        except FieldreportError as error:
            self._error = error
        except Exception as error:  # noqa: BLE001 - the page must hear of an end
            log_fault(error)
            self._error = FieldreportError("collecting stopped early")
        finally:
            self.is_over.set()

    def result(self, seconds: float) -> LastCollection | None:
        """How it ended, or nothing while it goes on. Raises what collecting raised."""
        self.is_over.wait(seconds)
        if self._error is not None:
            raise self._error
        return self._collected
