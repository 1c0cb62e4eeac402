"""SQLite connections with one writer at a time, over all threads and processes; checkpoints count as writing.

Why not leave it to SQLite:

- Its busy handler sleeps up to 100 ms between tries, so with two processes the slowest write was measured at 431 ms;
  with a lock a process and tries every 0.3 ms it is 49.
- Before 3.51.3 a checkpoint that runs while another connection commits and resets the log can lose committed pages
  (https://sqlite.org/wal.html#walresetbug). Here only the holder of the write lock checkpoints: automatic
  checkpoints are off, and closing a connection, which may checkpoint too, takes the lock first.

The lock is a ``flock`` on ``<database>.lock`` (freed by the kernel when a process dies), taken after a thread lock.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import threading
import time
import weakref
from pathlib import Path
from typing import Any, Final

from typing_extensions import override

from fieldreport import limits
from fieldreport.errors import StoreError
from fieldreport.store.reserve import Reserve

_RETRY_SECONDS: Final = 0.0003  # measured: shorter burns a core, longer starves the other process
_CHECKPOINT_WAIT_MS: Final = 200  # the pages of a slow reader; the lock is held meanwhile
_CHECKPOINT_RETRY_SECONDS: Final = 0.05  # between two tries others may write
_PRAGMAS: Final = (
    "PRAGMA synchronous=FULL",  # a source gets a receipt only once the commit is on the disk
    "PRAGMA secure_delete=ON",  # what is deleted is overwritten
    "PRAGMA foreign_keys=ON",
    "PRAGMA wal_autocheckpoint=0",  # we checkpoint, under the lock
    "PRAGMA trusted_schema=OFF",
    "PRAGMA cell_size_check=ON",
    "PRAGMA temp_store=MEMORY",  # no temporary files
)


class WriteLock:
    """The right to write to one database file, held by one thread of one process at a time."""

    def __init__(self, path: Path, *, timeout_seconds: float = limits.WRITE_WAIT_SECONDS) -> None:
        self._thread = threading.Lock()
        self._timeout = timeout_seconds
        self._pid = os.getpid()
        self._owner: int | None = None
        try:
            self._descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise StoreError(
                "the database's directory cannot be written", detail=f"lock file: {error.strerror}"
            ) from None
        # An engine is never closed explicitly: the descriptor goes with the last connection that refers to the lock.
        weakref.finalize(self, os.close, self._descriptor).atexit = False

    def acquire(self) -> None:
        """Wait for the lock.

        Raises:
            StoreError: not within the time allowed (code "busy"), this thread has it already (code "nested"), or the
                engine was opened before a fork.
        """
        if os.getpid() != self._pid:
            raise StoreError("the database is not available", detail="engine opened before a fork; open it after")
        if self._owner == threading.get_ident():
            # It would wait for itself. Do what needs a change of its own (sealing reads the roster) before.
            raise StoreError("the database is not available", detail="this thread is writing already", code="nested")
        deadline = time.monotonic() + self._timeout
        if not self._thread.acquire(timeout=self._timeout):
            raise StoreError("the database is busy", detail="no turn to write in time (thread)", code="busy")
        try:
            self._flock(deadline)
        except BaseException:
            self._thread.release()
            raise
        self._owner = threading.get_ident()

    def _flock(self, deadline: float) -> None:
        while True:
            try:
                fcntl.flock(self._descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise StoreError(
                        "the database is busy", detail="no turn to write in time (process)", code="busy"
                    ) from None
                time.sleep(_RETRY_SECONDS)
            else:
                return

    def release(self) -> None:
        """Let the next writer go on."""
        self._owner = None
        fcntl.flock(self._descriptor, fcntl.LOCK_UN)
        self._thread.release()


class SerializedConnection(sqlite3.Connection):
    """A connection whose write transactions hold a ``WriteLock`` from BEGIN IMMEDIATE until they have ended."""

    _lock: WriteLock
    _path: Path
    _reserve: Reserve
    _wal: Path
    _holding: bool = False

    def prepare(self, lock: WriteLock, path: Path) -> None:
        """Attach the lock and set the pragmas; called once for a new connection."""
        self._lock = lock
        self._path = path
        self._reserve = Reserve(path)
        self._wal = path.with_name(f"{path.name}-wal")
        self.isolation_level = None  # BEGIN is ours; sqlite3 adds none of its own
        for pragma in _PRAGMAS:
            self.execute(pragma)

    def begin_writing(self) -> None:
        """Wait for the lock, then BEGIN IMMEDIATE: no transaction is ever upgraded half-way."""
        self._lock.acquire()
        self._holding = True
        self._reserve.make_room()
        try:
            self.execute("PRAGMA query_only=OFF")
            self.execute("BEGIN IMMEDIATE")
        except BaseException:
            self._release_lock()
            raise

    def begin_reading(self) -> None:
        """BEGIN a snapshot in which every write is refused."""
        self.execute("PRAGMA query_only=ON")
        self.execute("BEGIN")

    @override
    def commit(self) -> None:
        # When COMMIT fails the transaction is still open: the lock stays until the rollback that must follow.
        super().commit()
        if self._holding:
            try:
                self._checkpoint_when_long()
            finally:
                self._release_lock()

    @override
    def rollback(self) -> None:
        try:
            super().rollback()
        finally:
            if self._holding:
                self._release_lock()

    @override
    def close(self) -> None:
        if self._holding:
            try:
                super().close()
            finally:
                self._release_lock()
            return
        self._lock.acquire()
        try:
            super().close()
        finally:
            self._lock.release()

    def truncate_log(self) -> None:
        """Move everything from the log into the database and cut the log to nothing.

        Raises:
            StoreError: readers kept the log in use all the time (code "busy"); writers did not wait for them.
        """
        deadline = time.monotonic() + limits.LOG_WAIT_SECONDS
        while not self._checkpoint():
            if time.monotonic() > deadline:
                raise StoreError("the database is busy", detail="the log is in use by a reader", code="busy")
            time.sleep(_CHECKPOINT_RETRY_SECONDS)

    def rebuild(self) -> None:
        """Write every page again in the order of the keys: where a row lies does not show when it came."""
        self._lock.acquire()
        try:
            large = self._path.stat().st_size > limits.REBUILD_MEMORY_BYTES
            self.execute(f"PRAGMA temp_store={'FILE' if large else 'MEMORY'}")  # a file without a name, in /var/tmp
            self.execute("PRAGMA query_only=OFF")
            self.execute("VACUUM")
        finally:
            self.execute("PRAGMA temp_store=MEMORY")
            self._lock.release()

    def _checkpoint(self) -> bool:
        self._lock.acquire()
        try:
            self.execute(f"PRAGMA busy_timeout={_CHECKPOINT_WAIT_MS}")
            row = self.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
        finally:
            self.execute(f"PRAGMA busy_timeout={int(limits.WRITE_WAIT_SECONDS * 1000)}")
            self._lock.release()
        return bool(row[0] == 0)

    def _checkpoint_when_long(self) -> None:
        try:
            length = self._wal.stat().st_size
        except FileNotFoundError:
            return
        if length > limits.WAL_BYTES:
            # PASSIVE never waits for readers. Its result does not matter: the commit before it is durable already.
            self.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchall()

    def _release_lock(self) -> None:
        self._holding = False
        self._lock.release()


def connection_factory(path: Path) -> Any:
    """Return a ``creator`` for ``create_engine`` that opens serialized connections to the database at ``path``.

    The first call creates the file with mode 0600 and switches it to WAL.
    """
    lock = WriteLock(path.with_name(path.name + ".lock"))
    lock.acquire()
    try:
        os.close(os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600))
        first = sqlite3.connect(path, timeout=limits.WRITE_WAIT_SECONDS)
        try:
            mode = first.execute("PRAGMA journal_mode=WAL").fetchone()[0]
        finally:
            first.close()
    except (OSError, sqlite3.Error) as error:
        why = error.strerror if isinstance(error, OSError) else f"{error}"
        remedy = "see that its disk has room, and that it belongs to the user of this zone"
        raise StoreError("the database cannot be opened", detail=f"{path}: {why}; {remedy}") from None
    finally:
        lock.release()
    if mode != "wal":
        raise StoreError("the database cannot be opened", detail="this file system allows no write-ahead log")

    def connect() -> SerializedConnection:
        connection = sqlite3.connect(
            path,
            timeout=limits.WRITE_WAIT_SECONDS,
            check_same_thread=False,  # the pool hands a connection to one thread at a time
            factory=SerializedConnection,
        )
        connection.prepare(lock, path)
        return connection

    return connect
