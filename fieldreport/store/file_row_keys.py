"""Row keys in one file of fixed slots, which is overwritten in place: what is destroyed is not left anywhere else.

Several processes use the file at once. A lock on the file itself is shared by all changes under way, so that who
gets it alone knows that a note in a slot is left over; a lock on a second file is the turn to take empty slots.
Locks are taken on descriptors of their own, because threads would share one.

A new key goes into an empty slot that is drawn at random: where it lies does not show when it came.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Final

from fieldreport import limits
from fieldreport.errors import StoreError
from fieldreport.store.outage import FileErrors

_RECORD: Final = 64  # divides a sector: a power cut leaves the old one or the new one
_MAGIC: Final = b"fieldreport row keys v1\n".ljust(_RECORD, b"\0")  # in the place of slot 0
_EMPTY: Final = bytes(_RECORD)
_NEW, _USED, _DOOMED = b"n", b"u", b"d"
_NOTED: Final = re.compile(rb"[nd]")
_KEY_AT: Final = _RECORD - limits.ROW_KEY_BYTES


class FileRowKeys:
    """See ``RowKeys``. The file is ``.keys`` in the directory of the payloads, for its owner alone."""

    def __init__(self, directory: Path) -> None:
        self._path = directory / ".keys"
        self._as_store_error = FileErrors("the file of row keys", self._path)
        self._turn = directory / ".keys.lock"
        with (
            self._as_store_error(),
            _opened(self._path, os.O_CREAT) as descriptor,
            _opened(self._turn, os.O_CREAT) as turn,
        ):
            fcntl.flock(turn, fcntl.LOCK_EX)
            if _slots(descriptor) == 0:
                self._enlarge(descriptor)
            if os.pread(descriptor, _RECORD, 0) != _MAGIC:
                raise StoreError("the row keys are damaged", detail=f"{self._path} does not begin as row keys do")

    def put(self, keys: Sequence[bytes]) -> list[int]:
        """Store new keys; see ``RowKeys``."""
        slots = []
        with self._as_store_error(), _opened(self._path) as descriptor:
            with _opened(self._turn) as turn:
                fcntl.flock(turn, fcntl.LOCK_EX)
                for key in keys:
                    slots.append(self._free(descriptor))
                    os.pwrite(descriptor, _NEW.ljust(_KEY_AT, b"\0") + key, slots[-1] * _RECORD)
            os.fdatasync(descriptor)  # others may take theirs meanwhile
        return slots

    def get(self, slots: Sequence[int]) -> list[bytes | None]:
        """Return keys; see ``RowKeys``."""
        with self._as_store_error(), _opened(self._path) as descriptor:
            records = [os.pread(descriptor, _RECORD, slot * _RECORD) if slot > 0 else b"" for slot in slots]
        return [None if record in {_EMPTY, b""} else record[_KEY_AT:] for record in records]

    def doom(self, slots: Sequence[int]) -> None:
        """Note what is about to go; see ``RowKeys``."""
        self._write(slots, _DOOMED)

    def settle(self, slots: Sequence[int]) -> None:
        """Take the notes back; see ``RowKeys``."""
        self._write(slots, _USED, durable=False)

    def destroy(self, slots: Sequence[int]) -> None:
        """Overwrite keys; see ``RowKeys``."""
        self._write(slots, _EMPTY)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Share the file with other changes; see ``RowKeys``."""
        with ExitStack() as stack:
            with self._as_store_error():
                fcntl.flock(stack.enter_context(_opened(self._path)), fcntl.LOCK_SH)
            yield

    def noted(self) -> bool:
        """Whether any slot has a note; see ``RowKeys``."""
        return bool(self._noted())

    @contextmanager
    def left_over(self) -> Iterator[list[int]]:
        """Return the slots that have a note while no change is under way; see ``RowKeys``."""
        with ExitStack() as stack:
            with self._as_store_error():
                descriptor = stack.enter_context(_opened(self._path))
                try:
                    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise StoreError("the database is busy", detail="a change uses row keys", code="busy") from None
            yield self._noted()

    def level_times(self) -> None:
        """Touch the files; see ``RowKeys``."""
        for path in (self._path, self._turn):
            with suppress(OSError):  # another user's
                os.utime(path)

    def _write(self, slots: Sequence[int], start: bytes, *, durable: bool = True) -> None:
        with self._as_store_error(), _opened(self._path) as descriptor:
            for slot in slots:
                os.pwrite(descriptor, start, slot * _RECORD)
            if durable:
                os.fdatasync(descriptor)

    def _noted(self) -> list[int]:
        with self._as_store_error(), _opened(self._path) as descriptor:
            content = os.pread(descriptor, os.fstat(descriptor).st_size, 0)
        return [found.start() for found in _NOTED.finditer(content[::_RECORD], 1)]

    def _free(self, descriptor: int) -> int:
        while True:
            slots = _slots(descriptor)
            for _ in range(limits.ROW_KEY_TRIES):
                slot = 1 + secrets.randbelow(slots)
                if os.pread(descriptor, _RECORD, slot * _RECORD) == _EMPTY:
                    return slot
            self._enlarge(descriptor)

    def _enlarge(self, descriptor: int) -> None:
        """Double the file; with zeros that are written, so that later writes change no block but the slot's own."""
        size = os.fstat(descriptor).st_size // _RECORD * _RECORD
        if size == 0:
            os.pwrite(descriptor, _MAGIC, 0)
            size = _RECORD
        more = max(limits.ROW_KEY_SLOTS, size // _RECORD - 1)
        os.pwrite(descriptor, bytes(more * _RECORD), size)
        os.fsync(descriptor)
        with _opened(self._path.parent, os.O_DIRECTORY, os.O_RDONLY) as directory:
            os.fsync(directory)


def _slots(descriptor: int) -> int:
    return max(0, os.fstat(descriptor).st_size // _RECORD - 1)


@contextmanager
def _opened(path: Path, flags: int = 0, access: int = os.O_RDWR) -> Iterator[int]:
    descriptor = os.open(path, access | flags | os.O_CLOEXEC, 0o600)
    try:
        yield descriptor
    finally:
        # A child that was forked meanwhile has the descriptor, too, and a lock lasts until the last one is closed.
        if not flags & os.O_DIRECTORY:
            fcntl.flock(descriptor, fcntl.LOCK_UN)
        os.close(descriptor)
