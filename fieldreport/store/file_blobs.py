"""Blobs as files in one directory: durable before they have a name.

A file's times of birth and of change cannot be set. So a blob is written into one of many empty files that were made
together (``blanks``), and ``level_times`` touches all blobs of the same day or hour together until it is over.

A volume that is not mounted leaves an empty directory. So the directory carries a mark, and without it the store is
away: nothing is missing, and nothing is written where the volume would hide it.
"""

from __future__ import annotations

import io
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Final, Literal, Self

from typing_extensions import Buffer, override

from fieldreport import blanks, limits
from fieldreport.errors import NotFound, StoreError
from fieldreport.hardening import open_without_access_time
from fieldreport.store.blob_store import BlobWriter, check_name, is_name, new_name
from fieldreport.store.file_row_keys import FileRowKeys
from fieldreport.store.outage import FileErrors
from fieldreport.store.row_keys import RowKeys

_MARK: Final = ".instance"


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """What tells a directory from the empty one below a volume that is not mounted.

    ``instance``: whose payloads are in it. ``known``: a file elsewhere, beside the database, that is there once the
    directory was marked.
    """

    instance: bytes
    known: Path


class FileBlobs:
    """Blobs as files in one directory that no other user may read. Without ``mark``, any directory will do."""

    def __init__(self, directory: Path, *, mark: Mark | None = None) -> None:
        self._directory = directory
        self._blanks = directory / blanks.NAME
        self._mark = mark
        self._as_store_error = FileErrors("the payload store", directory)
        self._filled: int | None = None
        self._row_keys: RowKeys | None = None
        with self._as_store_error():
            if mark is not None and mark.known.exists() and not (directory / _MARK).exists():
                return  # away: every use says so, until it is back
            # The database lies in the first, and `parents` sets no mode.
            for each in (directory.parent, directory, self._blanks):
                each.mkdir(mode=0o700, parents=True, exist_ok=True)
            if mark is not None:
                self._set_mark(mark)
        self._row_keys = FileRowKeys(directory)

    @property
    def row_keys(self) -> RowKeys:
        """The keys of rows; see ``BlobStore``. Raises ``StoreError``: the store is away."""
        self._must_be_here()
        if self._row_keys is None:
            self._row_keys = FileRowKeys(self._directory)
        return self._row_keys

    def create(self, name: str | None = None) -> BlobWriter:
        """Start a new blob; see ``BlobStore``."""
        self._must_be_here()
        return _FileWriter(self._directory, self._blanks, self._as_store_error, check_name(name or new_name()))

    def open(self, name: str) -> BinaryIO:
        """Open a blob; see ``BlobStore``."""
        with self._as_store_error(), self._as_missing():
            return io.BufferedReader(_FileReader(self._path(name), self._as_store_error))

    def size(self, name: str) -> int:
        """Return a blob's length; see ``BlobStore``."""
        with self._as_store_error(), self._as_missing():
            return self._path(name).stat().st_size

    def delete(self, name: str) -> None:
        """Delete a blob; see ``BlobStore``."""
        self._must_be_here()
        with self._as_store_error():
            self._path(name).unlink(missing_ok=True)

    def names(self, *, older_than_seconds: float = 0.0) -> Iterator[str]:
        """Iterate over names; see ``BlobStore``."""
        before = time.time() - older_than_seconds
        self._must_be_here()
        with self._as_store_error(), os.scandir(self._directory) as entries:
            for entry in entries:
                # The change time, because ``commit`` sets the modification time to zero.
                if is_name(entry.name) and _changed_at(entry) <= before:
                    yield entry.name

    def level_times(self, *, hours: int) -> None:
        """Touch every blob of this period, and hold empty files for the next ones ready; see ``BlobStore``."""
        period = int(time.time() // (3600 * hours))
        self._must_be_here()
        with self._as_store_error():
            if period != self._filled:
                blanks.fill(self._blanks, limits.BLANK_FILES)
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
            self._must_be_here()
            raise NotFound("no such payload", detail="blob file is missing") from None

    def _set_mark(self, mark: Mark) -> None:
        for path in (self._directory / _MARK, mark.known):
            if not path.exists():  # those of another user cannot be written, and are there
                with path.open("w", encoding="ascii") as file:
                    file.write(f"{mark.instance.hex()}\n")
                    file.flush()
                    os.fsync(file.fileno())
                path.chmod(0o644)

    def _must_be_here(self) -> Literal[True]:
        """Check that the directory is the one that was marked. Raises ``StoreError``."""
        if self._mark is None:
            return True
        path, wanted = self._directory / _MARK, self._mark.instance.hex()
        with self._as_store_error(), suppress(FileNotFoundError):
            if path.read_bytes().strip() == wanted.encode():
                return True
        raise StoreError(
            "the payload store is away",
            detail=f"{self._directory} is not the directory of this newsroom's payloads, or its volume is not mounted: "
            f"{_MARK} in it does not say {wanted}. If it is the right one, write that there",
        )

    def _path(self, name: str) -> Path:
        return self._directory / check_name(name)


class _FileReader(io.FileIO):
    """A disk that fails in the middle of a file fails like a store that does."""

    def __init__(self, path: Path, as_store_error: FileErrors) -> None:
        super().__init__(path, opener=open_without_access_time)
        self._as_store_error = as_store_error

    @override
    def readinto(self, buffer: Buffer, /) -> int | None:
        with self._as_store_error():
            return super().readinto(buffer)

    @override
    def readall(self) -> bytes:
        with self._as_store_error():
            return super().readall()


class _FileWriter:
    """write, fdatasync every 16 MiB, fsync, rename, fsync the directory."""

    def __init__(self, directory: Path, empty: Path, as_store_error: FileErrors, name: str) -> None:
        self._as_store_error = as_store_error
        self._directory = directory
        self._name = name
        self._part = directory / f"{self._name}.part"
        self._unsynced = 0
        self._done = False
        with self._as_store_error():
            self._descriptor = blanks.take(empty, self._part)

    def write(self, data: bytes | bytearray | memoryview, /) -> int:
        view = memoryview(data).cast("B")
        with self._as_store_error():
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
        with self._as_store_error(wrote=True):
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


def _changed_at(entry: os.DirEntry[str]) -> float:
    try:
        return entry.stat(follow_symlinks=False).st_ctime
    except FileNotFoundError:  # deleted between listing and looking
        return float("inf")
