"""Writing recovery sheets as files for the printer.

Rules: files are new and closed to others, in a directory that the operator names, because they must be deleted after
printing.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from fieldreport.cli.recovery_sheet import Sheet, as_text
from fieldreport.errors import UsageError

_IN_MEMORY: Final = frozenset({"tmpfs", "ramfs"})


class SheetForm(StrEnum):
    """File format of a sheet."""

    PDF = "pdf"
    TEXT = "text"


def prepare(directory: Path) -> None:
    """Make or check the directory for the sheets, before there are shares that could be lost.

    Raises:
        UsageError: it is not empty, others can look in, or it cannot be written.
    """
    try:
        directory.mkdir(mode=0o700, exist_ok=True)
        if any(directory.iterdir()):
            raise UsageError(f"{directory} is not empty")
        if directory.stat().st_mode & 0o077:
            raise UsageError(f"others can look into {directory}; run chmod 700 on it")
    except OSError as error:
        raise UsageError(f"cannot write {directory}: {error.strerror}") from None
    if not os.access(directory, os.W_OK | os.X_OK):
        raise UsageError(f"cannot write {directory}")


def write(directory: Path, of: Sequence[Sheet], form: SheetForm) -> tuple[Path, ...]:
    """Write one file a sheet, mode 0600; what was written before a failure is removed.

    Raises:
        UsageError: a file is there already, or cannot be written.
    """
    from fieldreport.cli.recovery_sheet_pdf import as_pdf  # few commands draw, and the library loads slowly

    written: list[Path] = []
    try:
        for sheet in of:
            path = directory / f"share-{sheet.number}-of-{sheet.made}.{'pdf' if form is SheetForm.PDF else 'txt'}"
            content = as_pdf(sheet) if form is SheetForm.PDF else as_text(sheet).encode()
            descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            written.append(path)
            with os.fdopen(descriptor, "wb") as file:
                os.fchmod(descriptor, 0o600)
                file.write(content)
    except OSError as error:
        for path in written:
            path.unlink(missing_ok=True)
        raise UsageError(f"cannot write the sheets into {directory}: {error.strerror}") from None
    return tuple(written)


def is_in_memory(directory: Path) -> bool:
    """Whether the directory is in memory and not on a disk, so that deleted files are gone."""
    place, best, kind = directory.resolve(), -1, ""
    for line in Path("/proc/self/mounts").read_text(encoding="utf-8", errors="replace").splitlines():
        _, mounted, system, *_ = line.split(" ")
        at = Path(mounted.encode().decode("unicode_escape"))
        if place.is_relative_to(at) and len(at.parts) > best:
            best, kind = len(at.parts), system
    return kind in _IN_MEMORY
