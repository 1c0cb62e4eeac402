"""One secret file: read only if no other user may read it, replaced as a whole, and the old content overwritten.

Rules: mode 0600; the directory's lock is held over reading and replacing together; the old content is overwritten in
place once nothing needs it. That reaches the blocks of an ordinary file system, not the spare ones of a flash disk, a
snapshot, or a copy: so what is replaced is encrypted. Reading leaves no time on the disk where that is permitted,
because it would tell when somebody signed in.
"""

from __future__ import annotations

import fcntl
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from fieldreport import blanks
from fieldreport.errors import KeyFileDamaged, UsageError
from fieldreport.hardening import open_without_access_time

_MODE: Final = 0o600
_OTHERS: Final = 0o077
_READ_TRIES: Final = 5


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the right to change ``path``, against other threads and processes. Not to be nested.

    Raises:
        UsageError: its directory cannot be opened or written.
    """
    try:
        directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            fcntl.flock(directory, fcntl.LOCK_EX)
            yield
        finally:
            os.close(directory)
    except OSError as error:
        raise UsageError(f"cannot write {path.name}: {error.strerror}") from None


def read(path: Path, *, at_most: int) -> bytes:
    """The content of a file of at most that many bytes that only its owner may read.

    Raises:
        FileNotFoundError: there is none.
        KeyFileDamaged: (code ``key-file-mode``) others may read it; (``key-file-damaged``) it cannot be read, is no
            regular file or is too long.
    """
    for _ in range(_READ_TRIES):
        try:
            with open(path, "rb", opener=open_without_access_time) as file:
                fcntl.flock(file, fcntl.LOCK_SH)
                status = os.fstat(file.fileno())
                content = file.read(at_most + 1)
        except FileNotFoundError:
            raise
        except OSError as error:
            raise KeyFileDamaged(f"cannot read {path.name}: {error.strerror}") from None
        if status.st_nlink == 0:
            continue  # replaced between opening and reading, so this may be what overwriting left
        if not stat.S_ISREG(status.st_mode) or len(content) > at_most:
            raise KeyFileDamaged(f"{path.name} is not a key file")
        if stat.S_IMODE(status.st_mode) & _OTHERS:
            raise KeyFileDamaged(f"{path.name} may be read by others; run chmod 600 on it", code="key-file-mode")
        return content
    raise KeyFileDamaged(f"{path.name} changes faster than it can be read")


def create(path: Path, content: bytes) -> None:
    """Write a new file, durably; what is there already is left alone.

    Raises:
        OSError: something of that name is there, or it cannot be written.
    """
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, _MODE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    sync_directory(path.parent)


def destroy(path: Path) -> None:
    """Overwrite a file and remove it, durably; a hard link to it is overwritten, too."""
    descriptor = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)  # until a reader who is in the middle has finished
        os.pwrite(descriptor, bytes(os.fstat(descriptor).st_size), 0)
        os.fsync(descriptor)
        path.unlink()  # before the lock ends: a reader must not take the zeros for the content
    finally:
        os.close(descriptor)
    sync_directory(path.parent)


def sync_directory(path: Path) -> None:
    """Make the names in a directory durable."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def replace(path: Path, content: bytes) -> None:
    """Put ``content`` at ``path``, durably, and overwrite what was there. The caller holds ``locked(path)``."""
    unfinished = path.with_name(f".{path.name}.new")
    # A fixed name: the next attempt replaces what a crash has left.
    descriptor = blanks.start(unfinished)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, _MODE)
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    try:
        old = os.open(path, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
    except FileNotFoundError:
        old = None
    try:
        unfinished.replace(path)
        sync_directory(path.parent)
        if old is not None:
            _overwrite(old)
    finally:
        if old is not None:
            os.close(old)


def _overwrite(descriptor: int) -> None:
    fcntl.flock(descriptor, fcntl.LOCK_EX)  # until a reader who is in the middle has finished
    status = os.fstat(descriptor)
    if status.st_nlink == 0:  # a second link is a backup, which must stay
        os.pwrite(descriptor, bytes(status.st_size), 0)
        os.fsync(descriptor)
