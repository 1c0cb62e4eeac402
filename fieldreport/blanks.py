"""Empty files that were made together, to be written later: so that a file's birth does not tell when it was written.

A file's time of birth cannot be set, and inodes are numbered in the order in which files are made. Who fills the
directory does so once in a while, whether anything is written or not.
"""

from __future__ import annotations

import os
import secrets
from pathlib import Path
from typing import Final

NAME: Final = ".blank"
"""Of the directory of empty files, within the one whose files are taken from it."""
_TOGETHER: Final = 64  # made at once when none is left: then the birth of these tells when


def fill(blanks: Path, wanted: int) -> None:
    """Make empty files until there are so many. Raises ``OSError``."""
    for _ in range(wanted - len(os.listdir(blanks))):  # noqa: PTH208 - names are all that is wanted
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        os.close(os.open(blanks / secrets.token_hex(16), flags, 0o600))


def start(part: Path) -> int:
    """Open a file for writing, for its owner alone: one of the empty files beside it, if there are such, or a new one.

    Raises:
        OSError: as of files.
    """
    blanks = part.with_name(NAME)
    if blanks.is_dir():
        return take(blanks, part)
    return os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)


def take(blanks: Path, part: Path) -> int:
    """Move a random empty file to ``part``, in the place of what was there, and open it for writing.

    Raises:
        OSError: as of files.
    """
    while True:
        names = os.listdir(blanks)  # noqa: PTH208 - names are all that is wanted
        if not names:
            fill(blanks, _TOGETHER)
            continue
        try:
            os.rename(blanks / secrets.choice(names), part)  # noqa: PTH104 - the two arguments say what moves where
        except FileNotFoundError:  # another thread or process was faster
            continue
        descriptor = os.open(part, os.O_WRONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
        found = os.fstat(descriptor)
        if found.st_size == 0 and found.st_nlink == 1:
            return descriptor
        # A power cut may have kept the new name of a file and the old one, too: it is not ours to write.
        os.close(descriptor)
        part.unlink()
