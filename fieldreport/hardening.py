"""What a process does before it holds a secret: no core dumps, memory closed to others, private files.

Every command begins here, the zones included; their workers are forks and inherit it. A new program inherits the limit
but not the second switch, so each one sets its own. The sandboxed children of ``scrub`` have rules of their own.

A zone runs for months, so it also overwrites what it frees: Python's own allocator keeps freed memory as it was, and so
does glibc's cache of each thread.

Not done, because Python cannot: keeping pages from being swapped (``mlockall`` would need every library's consent, and
``ulimit -l`` is small). The operator's handbook says what to do about swap.
"""

from __future__ import annotations

import ctypes
import os
import resource
import stat
import sys
from pathlib import Path
from typing import Final

from fieldreport.errors import PlatformError, SettingsError

_PR_SET_DUMPABLE: Final = 4  # linux/prctl.h
# glibc manual, "Memory Allocation Tunables". Freed memory is filled with a byte, except in the cache of each thread.
_TUNABLES: Final = "glibc.malloc.perturb=165:glibc.malloc.tcache_count=0"


def harden_process() -> None:
    """Keep the memory of this process and its forks off the disk and away from debuggers.

    The limit alone is not enough: it does not apply where the kernel pipes cores to a program (core(5)). A process that
    is not dumpable has no core at all, and its memory is closed to others of the same user (prctl(2)).

    Raises:
        PlatformError: this is not Linux.
    """
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    zero = ctypes.c_ulong(0)
    try:
        refused = ctypes.CDLL(None, use_errno=True).prctl(ctypes.c_int(_PR_SET_DUMPABLE), zero, zero, zero, zero)
    except AttributeError:
        raise PlatformError("core dumps cannot be prevented here: this is not Linux") from None
    if refused:
        raise PlatformError(f"core dumps cannot be prevented here: {os.strerror(ctypes.get_errno())}")


def overwrite_freed_memory() -> None:
    """Start this program again, once, so that memory is overwritten when it is freed; its children inherit that.

    Allocators read their settings when a process starts, so a running one cannot change them. To be called by the main
    program before it holds a secret, with no file open that matters.
    """
    wanted = {"PYTHONMALLOC": "malloc", "GLIBC_TUNABLES": _TUNABLES}
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **wanted})  # noqa: S606 - ourselves


def private_directory(path: Path, *, to_group: bool = True) -> None:
    """Create a zone's directory, or refuse one that exists and is open to others; see ``check_private``."""
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise SettingsError(f"cannot make {path}: {error.strerror}") from None
    check_private(path, to_group=to_group)


def check_private(path: Path, *, to_group: bool = True) -> None:
    """Refuse a directory or file that other users can look into; a missing one is accepted.

    Args:
        path: what must be closed to other users of the machine.
        to_group: it must be closed to its group as well.

    Raises:
        SettingsError: it is not; the text says what to run.
    """
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
    except FileNotFoundError:
        return
    except OSError as error:
        raise SettingsError(f"cannot look at {path}: {error.strerror}") from None
    others = 0o077 if to_group else 0o007
    if mode & others:
        raise SettingsError(f"others can look into {path}; run: chmod {mode & ~others:o} {path}")


def open_without_access_time(path: str, flags: int) -> int:
    """An opener that leaves no time of reading on the disk, where that is permitted: to a file's owner and to root."""
    try:
        return os.open(path, flags | os.O_NOATIME)
    except PermissionError:
        return os.open(path, flags)
