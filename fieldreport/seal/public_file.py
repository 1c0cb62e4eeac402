"""The files of the roster's directory: read up to a bound, replaced whole or not at all, watched for changes.

Everything here is public. That a file lies here does not make it trusted.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from fieldreport import blanks
from fieldreport.errors import RosterError

SIGNATURE_FILE_BYTES: Final = 8192
"""More than a pair of signatures, or an admin's public key, takes."""

Stamp = tuple[tuple[int, int, int], ...]


def stamps(directory: Path, names: Iterable[str]) -> Stamp:
    """A value that differs as soon as one of the files was changed."""
    found = []
    for name in names:
        try:
            status = (directory / name).stat()
        except OSError:
            found.append((0, 0, 0))  # no file has this; reading it reports what is missing
        else:
            found.append((status.st_mtime_ns, status.st_size, status.st_ino))
    return tuple(found)


def read_public(path: Path, at_most: int) -> bytes:
    """The untrusted content of a file of at most that many bytes.

    Raises:
        RosterError: ``roster-missing``: it cannot be read; ``roster-malformed``: it is longer.
    """
    try:
        with path.open("rb") as file:
            untrusted_raw = file.read(at_most + 1)
    except OSError as error:
        raise RosterError(
            f"cannot read {path.name}", detail=f"{path}: {error.strerror}", code="roster-missing"
        ) from None
    if len(untrusted_raw) > at_most:
        raise RosterError(f"{path.name} is too long", code="roster-malformed")
    return untrusted_raw


def write_public(path: Path, content: bytes) -> None:
    """Write, sync, rename, sync the directory: after a crash the old content or the new, never a part.

    Where empty files lie ready beside it (``blanks``), one of them is written, so that its birth does not tell when.
    """
    unfinished = path.with_name(f".{path.name}.new")
    descriptor = blanks.start(unfinished)
    with os.fdopen(descriptor, "wb") as file:
        os.fchmod(descriptor, 0o644)
        file.write(content)
        file.flush()
        os.fsync(descriptor)
    unfinished.replace(path)
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)


def make_public(directory: Path) -> None:
    """Create a directory that all users may read, whatever the umask is; an existing one stays as it is."""
    try:
        directory.mkdir()
    except FileExistsError:
        return
    directory.chmod(0o755)
