"""Room on the disk that only a database may use: on a full disk editors still sign in, and letters can be deleted.

A file beside the database takes the room while there is enough. Before a change is written on a disk that is nearly
full, a piece of it is given back, one at a time: what fills the disk gets no more than that.
"""

from __future__ import annotations

import os
from pathlib import Path

from fieldreport import limits


class Reserve:
    """The file ``NAME.reserve`` beside a database. Without it nothing is given back."""

    def __init__(self, database: Path) -> None:
        self._path = database.with_name(f"{database.name}.reserve")

    def fill(self) -> None:
        """Take the room, if so much more stays free. Raises ``OSError``."""
        size = self._size()
        wanted = limits.RESERVE_BYTES
        if size >= wanted or free_bytes(self._path.parent) < 2 * wanted:
            return
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            os.posix_fallocate(descriptor, 0, wanted)
        finally:
            os.close(descriptor)

    def make_room(self) -> None:
        """Give back a piece where less than one is free."""
        try:
            if free_bytes(self._path.parent) >= limits.RESERVE_PIECE_BYTES:
                return
            if size := self._size():
                os.truncate(self._path, max(0, size - limits.RESERVE_PIECE_BYTES))
        except OSError:  # another user's: their zone does it
            return

    def _size(self) -> int:
        try:
            return self._path.stat().st_size
        except FileNotFoundError:
            return 0


def free_bytes(directory: Path) -> int:
    """What an ordinary user may still write on the disk of a directory. Raises ``OSError``."""
    seen = os.statvfs(directory)
    return seen.f_bavail * seen.f_frsize


def free_share(directory: Path) -> float:
    """The same as a share of the whole, from 0 to 1. Raises ``OSError``."""
    seen = os.statvfs(directory)
    return seen.f_bavail / max(1, seen.f_blocks)
