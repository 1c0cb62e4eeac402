"""Clears away what changes leave behind: the write-ahead log, the order of pages, keys without a row, and times.

SQLite's log holds what rows were before, commit by commit. An act that removes something empties it before it returns;
this thread does it for all other changes, so that nobody has to wait for it when a letter comes. Where rows lie in the
database shows in which order they came, too: a mailbox is therefore rebuilt in the order of its random ids. A file's
times show when it was changed: all are touched every minute, whether something happened or not.

Rules: one process does it for all that have the database open (a lock that the kernel frees); every round may fail
and is repeated by the next one.
"""

from __future__ import annotations

import atexit
import fcntl
import logging
import os
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from pathlib import Path

from sqlalchemy import Engine, MetaData

from fieldreport import blanks, limits
from fieldreport.errors import StoreError
from fieldreport.store.blob_store import BlobStore
from fieldreport.store.engine import serialized, truncate_log
from fieldreport.store.reserve import Reserve
from fieldreport.store.row_keys import sweep
from fieldreport.store.sqlite import SerializedConnection

_log = logging.getLogger(__name__)


class Upkeep:
    """The upkeep of one database and of what lies beside it.

    Args:
        engine: the database. The log and the order of rows are those of SQLite.
        blobs: the payloads that its rows name, and the keys of its rows.
        metadata: its tables.
        hours: how exactly a blob may show when it was written.
        rebuild: whether the order of rows must not show; costs a copy of the database after changes.
        expire: removes what has waited for too long; called in every round.

    """

    def __init__(
        self,
        engine: Engine,
        blobs: BlobStore,
        metadata: MetaData,
        *,
        hours: int,
        rebuild: bool,
        expire: Callable[[], None] = lambda: None,
    ) -> None:
        self._engine = engine
        self._blobs = blobs
        self._metadata = metadata
        self._hours = hours
        self._rebuild = rebuild
        self._expire = expire
        self._path = Path(str(engine.url.database)) if engine.dialect.name == "sqlite" else None
        self._stack = ExitStack()
        self._connection: SerializedConnection | None = None
        self._seen: int | None = None
        self._rebuild_at = 0.0
        self._touch_at = 0.0
        self._beside: tuple[Path, ...] = ()
        self._filled: int | None = None
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Start the thread; only after the process has forked. It ends with the process, after a last round."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._work, name="store-upkeep", daemon=True)
            self._thread.start()
            atexit.register(self.stop)

    def level_also(self, *directories: Path) -> None:
        """Let the files of these directories tell no more than a payload: each holds empty ones ready (``blanks``)."""
        self._beside = directories

    def stop(self) -> None:
        """Stop the thread and empty the log a last time."""
        if self._thread is not None:
            atexit.unregister(self.stop)
            self._stop.set()
            self._thread.join()
            self._thread = None
        self._stack.close()
        self._connection = None
        with suppress(StoreError):  # a reader in another process: that process does it
            truncate_log(self._engine)

    def run(self) -> None:
        """Do one round.

        Raises:
            StoreError: a store is away, or a reader kept the log in use (code "busy").
        """
        try:
            if self._path is not None and self._is_ours(self._path):
                self._clear_log()
                if self._thread is not None:
                    with suppress(OSError):  # the next round takes the room
                        Reserve(self._path).fill()
        finally:
            if time.monotonic() >= self._touch_at:
                self._touch_at = time.monotonic() + limits.TIMES_SECONDS
                self._level_times()
        sweep(self._engine, self._blobs.row_keys, self._metadata)
        self._expire()

    def _clear_log(self) -> None:
        if self._connection is None:
            self._connection = self._stack.enter_context(serialized(self._engine))
        self._connection.truncate_log()
        if self._rebuild:
            self._rebuild_after_changes(self._connection)

    def _rebuild_after_changes(self, connection: SerializedConnection) -> None:
        # It counts the commits of all other connections, in this process and in others.
        version = connection.execute("PRAGMA data_version").fetchone()[0]
        if version == self._seen or time.monotonic() < self._rebuild_at:
            return
        begun = time.monotonic()
        connection.rebuild()
        connection.truncate_log()
        self._seen = version
        self._rebuild_at = time.monotonic() + limits.REBUILD_PAUSE * (time.monotonic() - begun)

    def _level_times(self) -> None:
        if self._path is not None:
            for path in (*self._path.parent.glob(f"{self._path.name}*"), self._path.parent):
                with suppress(OSError):  # another user's, or gone meanwhile
                    os.utime(path)
        hour = int(time.time() // 3600)
        for directory in self._beside:
            with suppress(OSError):
                empty = directory / blanks.NAME
                empty.mkdir(mode=0o700, exist_ok=True)
                if hour != self._filled:
                    blanks.fill(empty, limits.BLANK_KEY_FILES)
                for path in (*filter(Path.is_file, directory.iterdir()), empty, directory):
                    os.utime(path)
        self._filled = hour
        self._blobs.level_times(hours=self._hours)
        self._blobs.row_keys.level_times()

    def _is_ours(self, path: Path) -> bool:
        if self._connection is not None:
            return True
        try:
            descriptor = os.open(path.with_name(f"{path.name}.upkeep"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError:  # the files of another user, whose process does it
            return False
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._stack.callback(os.close, descriptor)
        return True

    def _work(self) -> None:
        while True:
            try:
                self.run()
            except Exception as error:  # noqa: BLE001 - the thread must live: what fails now may work in the next round
                _log.warning("the upkeep of a database has to wait: %s", type(error).__name__)
            if self._stop.wait(limits.UPKEEP_SECONDS):
                return
