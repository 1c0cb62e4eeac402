"""Blobs as files in one directory: durable before they have a name.

A file's time of birth and of change cannot be set, and inodes are numbered in the order in which files are made. So a
blob is written into one of many empty files that were made together, drawn at random, and ``level_times`` touches all
blobs of the same day or hour together until it is over.
"""

from __future__ import annotations

import io
import os
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from typing_extensions import Buffer, override

from fieldreport import limits
from fieldreport.errors import NotFound, StoreError
from fieldreport.store.blob_store import BlobWriter, check_name, is_name, new_name
from fieldreport.store.file_row_keys import FileRowKeys
from fieldreport.store.row_keys import RowKeys


class FileBlobs:
    """Blobs as files in one directory that no other user may read."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._blanks = directory / ".blank"
        self._filled: int | None = None
        with _as_store_error():
            # The database lies in the first, and `parents` sets no mode.
            for each in (directory.parent, directory, self._blanks):
                each.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.row_keys: RowKeys = FileRowKeys(directory)

    def create(self) -> BlobWriter:
        """Start a new blob; see ``BlobStore``."""
        return _FileWriter(self._directory, self._blanks)

    def open(self, name: str) -> BinaryIO:
        """Open a blob; see ``BlobStore``."""
        with _as_store_error(), self._as_missing():
            return io.BufferedReader(_FileReader(self._path(name), opener=_without_access_time))

    def size(self, name: str) -> int:
        """Return a blob's length; see ``BlobStore``."""
        with _as_store_error(), self._as_missing():
            return self._path(name).stat().st_size

    def delete(self, name: str) -> None:
        """Delete a blob; see ``BlobStore``."""
        with _as_store_error():
            self._path(name).unlink(missing_ok=True)

    def names(self, *, older_than_seconds: float = 0.0) -> Iterator[str]:
        """Iterate over names; see ``BlobStore``."""
        before = time.time() - older_than_seconds
        with _as_store_error(), os.scandir(self._directory) as entries:
            for entry in entries:
                # The change time, because ``commit`` sets the modification time to zero.
                if is_name(entry.name) and _changed_at(entry) <= before:
                    yield entry.name

    def level_times(self, *, hours: int) -> None:
        """Touch every blob of this period, and hold empty files for the next ones ready; see ``BlobStore``."""
        period = int(time.time() // (3600 * hours))
        with _as_store_error():
            if period != self._filled:
                _fill(self._blanks, limits.BLANK_FILES)
                self._filled = period
            with os.scandir(self._directory) as entries:
                for entry in entries:
                    if is_name(entry.name) and _changed_at(entry) >= period * 3600 * hours:
                        with suppress(FileNotFoundError):
                            os.utime(entry.path, ns=(0, 0))
            for directory in (self._blanks, self._directory):
                os.utime(directory)

    @contextmanager
    def _as_missing(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            # Without its directory the store is away, and nothing can be said about the payload.
            if not self._directory.is_dir():
                raise
            raise NotFound("no such payload", detail="blob file is missing") from None

    def _path(self, name: str) -> Path:
        return self._directory / check_name(name)


class _FileReader(io.FileIO):
    """A disk that fails in the middle of a file fails like a store that does."""

    @override
    def readinto(self, buffer: Buffer, /) -> int | None:
        with _as_store_error():
            return super().readinto(buffer)

    @override
    def readall(self) -> bytes:
        with _as_store_error():
            return super().readall()


class _FileWriter:
    """write, fdatasync every 16 MiB, fsync, rename, fsync the directory."""

    def __init__(self, directory: Path, blanks: Path) -> None:
        self._directory = directory
        self._name = new_name()
        self._part = directory / f"{self._name}.part"
        self._unsynced = 0
        self._done = False
        with _as_store_error():
            self._descriptor = _take(blanks, self._part)

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        view = memoryview(data).cast("B")
        with _as_store_error():
            written = 0
            while written < len(view):
                written += os.write(self._descriptor, view[written:])
            self._unsynced += written
            if self._unsynced >= limits.BLOB_SYNC_BYTES:
                # Spreads the work: one fsync after 500 MB was measured at 252 ms, with this at 97.
                os.fdatasync(self._descriptor)
                self._unsynced = 0
        return written

    def commit(self) -> str:
        with _as_store_error():
            # A file's times would show when a letter came; ``level_times`` sees to the one that cannot be set.
            os.utime(self._descriptor, ns=(0, 0))
            os.fsync(self._descriptor)
            self._part.rename(self._directory / self._name)
            self._done = True
            directory = os.open(self._directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        return self._name

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None, /
    ) -> None:
        os.close(self._descriptor)
        if not self._done:
            self._part.unlink(missing_ok=True)


def _fill(blanks: Path, wanted: int) -> None:
    for _ in range(wanted - len(os.listdir(blanks))):  # noqa: PTH208 - names are all that is wanted
        os.close(os.open(blanks / new_name(), os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))


def _take(blanks: Path, part: Path) -> int:
    """Move a random empty file to ``part`` and open it for writing."""
    while True:
        names = os.listdir(blanks)  # noqa: PTH208 - names are all that is wanted
        if not names:
            _fill(blanks, limits.BLANK_FILES // 4)
            continue
        try:
            os.rename(blanks / secrets.choice(names), part)  # noqa: PTH104 - the two arguments say what moves where
        except FileNotFoundError:  # another thread or process was faster
            continue
        descriptor = os.open(part, os.O_WRONLY | os.O_CLOEXEC)
        found = os.fstat(descriptor)
        if found.st_size == 0 and found.st_nlink == 1:
            return descriptor
        # A power cut may have kept the new name of a blob and the old one, too: the blob is not ours to write.
        os.close(descriptor)
        part.unlink()


def _without_access_time(path: str, flags: int) -> int:
    try:
        return os.open(path, flags | os.O_NOATIME)
    except PermissionError:  # the file of another user: the desk fetches from the intake
        return os.open(path, flags)


def _changed_at(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat(follow_symlinks=False).st_ctime
    except FileNotFoundError:  # deleted between listing and looking
        return float("inf")


@contextmanager
def _as_store_error() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise StoreError(
            "the payload store refused", detail=f"blob directory: {os.strerror(error.errno or 0)}"
        ) from None
