"""Writes files so that a crash leaves the old one or the new one, with the slot as the only time on them."""

from __future__ import annotations

import os
import secrets
from datetime import datetime
from pathlib import Path


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
    sync_directory(path.parent)


def create_file(path: Path, content: bytes, slot: datetime) -> None:
    """Write a file into a directory that is not public yet, sync it, and date it to ``slot``."""
    with path.open("xb") as stream:
        stream.write(content)
        stream.flush()
        os.fsync(stream.fileno())
    set_times(path, slot)


def set_times(path: Path, slot: datetime) -> None:
    """Set access and modification time to ``slot``; of a symbolic link its own."""
    os.utime(path, (slot.timestamp(), slot.timestamp()), follow_symlinks=False)


def sync_directory(path: Path) -> None:
    """Sync the names in a directory to the disk."""
    descriptor = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
