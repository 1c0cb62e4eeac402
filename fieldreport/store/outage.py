"""Whether a store answers. The log says once that it does not, where, and what to do; and once that it does again.

Rules: nobody waits for a silent store while another has just done so in vain: for a second the answer is "away" at
once, then somebody tries again. No path of a payload, no row and no password is in a line.
"""

from __future__ import annotations

import errno
import logging
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal

from fieldreport import limits
from fieldreport.errors import StoreAway

_log = logging.getLogger(__name__)

_FULL: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_REMEDIES: Final = {
    errno.EACCES: "it must belong to the user of this zone: look with ls -l, change with chown",
    errno.EPERM: "it must belong to the user of this zone: look with ls -l, change with chown",
    errno.EROFS: "its file system is mounted read-only: look into the kernel's log (dmesg), then mount it again",
    errno.EIO: "the disk fails: look into the kernel's log (dmesg) and restore a backup on another one",
}
MAKE_ROOM: Final = "make room on its disk ('fieldreport doctor' says how much is left)"


class Outage:
    """The state of one store as this process sees it.

    Args:
        what: the store's name for people, such as "the database".
        where: its address, without a password.
    """

    def __init__(self, what: str, where: str) -> None:
        self._what = what
        self._where = where
        self._lock = threading.Lock()
        self._failing = False
        self._needs_write = False
        self._silent_until = 0.0

    def must_answer(self) -> Literal[True]:
        """Raises ``StoreAway``: it was silent a moment ago."""
        if time.monotonic() < self._silent_until:
            raise StoreAway(f"{self._what} is away", detail=f"{self._where} gave no answer in time")
        return True

    def failed(self, why: str, remedy: str, *, silent: bool = False, full: bool = False) -> StoreAway:
        """Note a failure, and return the error to raise.

        Args:
            why: what was seen.
            remedy: what the operator does about it.
            silent: it let us wait: nobody else shall, for ``limits.AWAY_SECONDS``.
            full: reading works nevertheless, so only a change shows that it is over.
        """
        with self._lock:
            first, self._failing = not self._failing, True
            self._needs_write = full
            if silent:
                self._silent_until = time.monotonic() + limits.AWAY_SECONDS
        if first:
            _log.error("%s does not work: %s: %s. To do: %s", self._what, self._where, why, remedy)
        return StoreAway(f"{self._what} is away", detail=f"{self._where}: {why}; {remedy}")

    def answered(self, *, wrote: bool = False) -> None:
        """Note that it works."""
        if not self._failing or (self._needs_write and not wrote):
            return
        with self._lock:
            over, self._failing = self._failing, False
            self._silent_until = 0.0
        if over:
            _log.warning("%s works again: %s", self._what, self._where)


class FileErrors:
    """Turns the system's errors into ours, about one file or directory: a call opens a block in which that holds."""

    def __init__(self, what: str, where: Path) -> None:
        self._outage = Outage(what, str(where))

    @contextmanager
    def __call__(self, *, wrote: bool = False) -> Iterator[None]:
        """Run a block. ``wrote``: when it ends well, there is room again. Raises ``StoreAway``."""
        try:
            yield
        except OSError as error:
            number = error.errno or 0
            remedy = MAKE_ROOM if number in _FULL else _REMEDIES.get(number, "see that it is there, and mounted")
            raise self._outage.failed(os.strerror(number), remedy, full=number in _FULL) from None
        self._outage.answered(wrote=wrote)
