"""Whose turn it is to have a passphrase checked: one at a time, and nobody can take all the places.

Rules: somebody with a claim of their own (a known device, an invitation, an open session) goes first, and has one place
a name; strangers who came back as they were asked to and strangers who are new take turns. Every line is short, because
waiting holds a thread: who finds it full is asked to come back.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from enum import StrEnum
from typing import Final

from fieldreport import limits
from fieldreport.errors import LimitExceeded

_SOON: Final = 5  # seconds after which a place in a full line is likely free


class TooManyTries(LimitExceeded):
    """This attempt is refused before anything typed was looked at. ``seconds``: when to try again; ``ticket``: with."""

    code = "too-many-tries"
    http_status = 429

    def __init__(self, seconds: float) -> None:
        super().__init__("Too many tries.")
        self.seconds = max(1, int(seconds + 0.999))
        self.ticket = ""


class Lane(StrEnum):
    """The lines."""

    OWN = "own"
    RETURNING = "returning"
    NEW = "new"


class Turns:
    """``limits.UNLOCKS_AT_ONCE`` turns at a time, for a server that answers ``threads`` requests at once."""

    def __init__(self, *, threads: int) -> None:
        self._changed = threading.Condition()
        self._running = 0
        self._last = Lane.NEW
        self._lines: dict[Lane, list[str]] = {lane: [] for lane in Lane}
        # A quarter of the threads for those with a claim and a quarter for strangers: half stay for people at work.
        self._most = {
            Lane.OWN: max(1, threads // 4),
            Lane.RETURNING: max(1, threads // 8),
            Lane.NEW: max(1, threads // 8),
        }

    @contextmanager
    def turn(self, lane: Lane, name: str) -> Iterator[None]:
        """Wait for a turn and hold it inside the block. ``name`` tells places apart; in ``OWN`` it is whose they are.

        Raises:
            TooManyTries: the line is full, or the turn did not come in ``limits.SIGN_IN_WAIT_SECONDS``.
        """
        with self._changed:
            line = self._lines[lane]
            if len(line) >= self._most[lane] or name in line:
                raise TooManyTries(_SOON)
            line.append(name)
            try:
                came = self._changed.wait_for(lambda: self._is_next(lane, name), limits.SIGN_IN_WAIT_SECONDS)
            finally:
                line.remove(name)
                self._changed.notify_all()
            if not came:
                raise TooManyTries(_SOON)
            self._running += 1
            if lane is not Lane.OWN:
                self._last = lane
        try:
            yield
        finally:
            with self._changed:
                self._running -= 1
                self._changed.notify_all()

    def _is_next(self, lane: Lane, name: str) -> bool:
        if self._running >= limits.UNLOCKS_AT_ONCE or self._lines[lane][0] != name:
            return False
        other = Lane.NEW if self._last is Lane.RETURNING else Lane.RETURNING
        order = (Lane.OWN, other, self._last)
        return lane is next(each for each in order if self._lines[each])
