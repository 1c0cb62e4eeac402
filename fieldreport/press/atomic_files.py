"""Writes files so that a crash leaves the old one or the new one, with the slot as the only time on them."""

from __future__ import annotations

import os
import secrets
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from pathlib import Path
from typing import Final

_SYNCED_AT_ONCE: Final = 8


def write_file(path: Path, content: bytes, slot: datetime) -> None:
    """Write ``content`` under a temporary name, sync it, date it to ``slot``, and rename it to ``path``."""
    temporary = path.with_name(f".{secrets.token_hex(8)}")
    try:
        with temporary.open("xb") as stream:
            stream.write(content)
            stream.flush()
            os.fsync(stream.fileno())
        set_times(temporary, slot)
        temporary.replace(path)
    finally:
        temporary.unlink(missing_ok=True)
    sync_path(path.parent)


def set_times(path: Path, slot: datetime) -> None:
    """Set access and modification time to ``slot``; of a symbolic link its own."""
    os.utime(path, (slot.timestamp(), slot.timestamp()), follow_symlinks=False)


def sync(paths: Sequence[Path]) -> None:
    """Sync many files and directories: several at a time, because a journal writes what waits together at once."""
    with ThreadPoolExecutor(_SYNCED_AT_ONCE) as pool:
        list(pool.map(sync_path, paths))


def sync_path(path: Path) -> None:
    """Sync a file, or the names in a directory, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
