"""Sessions: unlocked keys in this process's memory, and nowhere else.

Rules: the cookie is 32 random bytes and this table is keyed by their SHA-256, so that no comparison of secrets depends
on their content. A session ends when its owner locks it, when the admin locks everybody, when it has been idle, when it
is a working day old, when the roster no longer lists its owner or lists another key of theirs, and when the process
ends. Of an ended session the desk keeps its owner's handle and its form token, never a key: a form that was typed
before the lock and posted after it can then be given back to the same person, and only to them.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from fieldreport import limits
from fieldreport.desk.job import Job, JobSlot
from fieldreport.desk.rewrap_job import RewrapJob
from fieldreport.seal import Role
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.cases.contents import ContentsReader
from fieldreport.vault.cases.search import SearchReader
from fieldreport.vault.cases.summary import Opened


@dataclass(slots=True, kw_only=True, eq=False)
class Session:
    """One signed-in person at one browser. ``seat`` holds the unlocked keys."""

    handle: str
    role: Role
    seat: Seat = field(repr=False)
    csrf: str = field(repr=False)
    began: float
    last_seen: float
    notices: list[str] = field(default_factory=list, repr=False)
    rewrap: JobSlot[RewrapJob] = field(default_factory=JobSlot, repr=False)
    rewrapped_for: tuple[int, int] = (0, 0)  # roster's epoch and objects left when the desk last began one by itself
    sorting: JobSlot[Job] = field(default_factory=JobSlot, repr=False)
    unsorted_left: int = 0  # letters that these keys did not open when they were last tried
    looking: JobSlot[Job] = field(default_factory=JobSlot, repr=False)  # into the cases, for what filters ask about
    reader: ContentsReader | None = field(default=None, repr=False)
    search: SearchReader | None = field(default=None, repr=False)
    searching: JobSlot[Job] = field(default_factory=JobSlot, repr=False)  # what fills it
    searched: str = field(default="", repr=False)  # what was typed last: in no address, so in no history of a browser
    opened: Opened = field(default_factory=dict, repr=False)  # what lists have shown of letters and cards
    shortcuts: bool = True  # whether single keys do something

    def take_notices(self) -> list[str]:
        """What the last act did, to be shown once."""
        taken, self.notices = self.notices, []
        return taken


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """What is remembered of a session that was locked: no key. ``key_replaced``: it was locked because of that."""

    handle: str
    csrf: str = field(repr=False)
    at: float
    key_replaced: bool = False


class Sessions:
    """The table of open sessions. Safe to use from every thread of the one process that the desk is."""

    def __init__(self, *, idle_seconds: int, clock: Callable[[], float]) -> None:
        self._idle_seconds = idle_seconds
        self._clock = clock
        self._open: dict[bytes, Session] = {}
        self._ended: dict[bytes, Ended] = {}
        self._lock = threading.Lock()

    def begin(self, *, handle: str, role: Role, seat: Seat, after: str = "") -> tuple[str, Session]:
        """Open a session and return the cookie's value with it; the value is never the one a visitor came with.

        ``after``: the cookie that this browser had. If it was the same person's, pages that are still open in other
        windows of it go on: their forms count for the new session.
        """
        value = secrets.token_urlsafe(32)
        now = self._clock()
        former = self.ended(after)
        csrf = former.csrf if former is not None and former.handle == handle else secrets.token_urlsafe(32)
        session = Session(handle=handle, role=role, seat=seat, csrf=csrf, began=now, last_seen=now)
        with self._lock:
            self._open[_key(value)] = session
        return value, session

    def find(self, untrusted_cookie: str, *, touch: bool = True) -> Session | None:
        """The open session that a cookie names, or nothing. ``touch`` counts as work and puts off the auto-lock."""
        now = self._clock()
        key = _key(untrusted_cookie)
        with self._lock:
            session = self._open.get(key)
            if session is None:
                return None
            if self._is_over(session, now):
                self._end(key, now)
                return None
            if touch:
                session.last_seen = now
            return session

    def ended(self, untrusted_cookie: str) -> Ended | None:
        """What is remembered of a session that was locked, if this cookie was its own."""
        with self._lock:
            return self._ended.get(_key(untrusted_cookie))

    def end(self, untrusted_cookie: str, *, key_replaced: bool = False) -> None:
        """Lock one session; a cookie that names none is no error."""
        with self._lock:
            self._end(_key(untrusted_cookie), self._clock(), key_replaced=key_replaced)

    def end_where(self, condition: Callable[[Session], bool], *, key_replaced: bool = False) -> int:
        """Lock every session that meets the condition; returns how many."""
        now = self._clock()
        with self._lock:
            keys = [key for key, session in self._open.items() if condition(session)]
            for key in keys:
                self._end(key, now, key_replaced=key_replaced)
        return len(keys)

    def end_all(self) -> int:
        """Lock everybody; returns how many sessions there were."""
        return self.end_where(lambda _session: True)

    def sweep(self) -> int:
        """Lock what has been idle, so that keys do not stay in memory until somebody's next click."""
        now = self._clock()
        with self._lock:
            for key in [key for key, ended in self._ended.items() if now - ended.at > limits.DESK_SESSION_SECONDS]:
                del self._ended[key]
        return self.end_where(lambda session: self._is_over(session, now))

    def of_role(self, role: Role) -> list[Session]:
        """One open session of each person with a role."""
        now = self._clock()
        with self._lock:
            found = {s.handle: s for s in self._open.values() if s.role is role and not self._is_over(s, now)}
        return list(found.values())

    def take_keys(self, seat: Seat) -> None:
        """Give every open session of a person the seat that has their key file's content of now."""
        with self._lock:
            for session in self._open.values():
                if session.handle == seat.handle:
                    session.seat = seat

    def open_by_handle(self) -> dict[str, int]:
        """How many sessions each person has open."""
        counts: dict[str, int] = {}
        with self._lock:
            for session in self._open.values():
                counts[session.handle] = counts.get(session.handle, 0) + 1
        return counts

    def _is_over(self, session: Session, now: float) -> bool:
        # abs(): a clock that was set back must lock rather than prolong. Wall time, because the monotonic clock of
        # Linux stands still while a laptop is suspended.
        idle = abs(now - session.last_seen) >= self._idle_seconds
        return idle or now - session.began >= limits.DESK_SESSION_SECONDS

    def _end(self, key: bytes, now: float, *, key_replaced: bool = False) -> None:
        session = self._open.pop(key, None)
        if session is None:
            return
        for slot in (session.rewrap, session.sorting, session.looking, session.searching):
            slot.lock()
        self._ended[key] = Ended(handle=session.handle, csrf=session.csrf, at=now, key_replaced=key_replaced)


def _key(cookie: str) -> bytes:
    return hashlib.sha256(cookie.encode("utf-8", "replace")).digest()
