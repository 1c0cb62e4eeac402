"""Loaded into the warm parent by the tests: a file that begins with HOSTILE takes over its child and does as it says.

This is what a decoder's bug would give an attacker: any code, inside the child. What it achieves comes back as the
cleaned text, so a test that reads "reached" has found a hole.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Callable
from typing import cast

from fieldreport.scrub import pipeline
from fieldreport.scrub.format import Clean, Cleaning, Sink, Source
from fieldreport.scrub.sandbox import child, wire
from fieldreport.scrub.sandbox.wire import Cleaned
from fieldreport.scrub.verdicts import Residue, View

_PREFIX = b"HOSTILE "
_DESCRIPTORS = range(3, 256)  # all that a child may hold: with many children alive, a channel has a high number
_honest = pipeline.clean
_PTRACE_ATTACH = 16
_libc = ctypes.CDLL(None, use_errno=True)


def _open() -> None:
    os.close(os.open("/etc/passwd", os.O_RDONLY))


def _open_by_descriptor() -> None:
    os.close(os.open("/proc/self/fd/0", os.O_RDWR))


def _list() -> None:
    os.listdir("/")  # noqa: PTH208 - one system call, not a generator


def _create() -> None:
    os.close(os.open("/tmp/fieldreport-was-here", os.O_CREAT | os.O_WRONLY))  # noqa: S108 - a place all can write


def _socket() -> None:
    socket.socket(socket.AF_INET, socket.SOCK_STREAM)


def _execute() -> None:
    os.execv("/bin/sh", ["sh", "-c", "true"])  # noqa: S606 - the attack


def _fork() -> None:
    if os.fork() == 0:
        os._exit(0)


def _fork_bomb() -> None:
    for _ in range(1000):
        if os.fork() == 0:
            time.sleep(60)


def _thread_bomb() -> None:
    for _ in range(100_000):
        threading.Thread(target=time.sleep, args=(60,), daemon=True).start()


def _kill_parent() -> None:
    os.kill(os.getppid(), signal.SIGKILL)


def _trace_parent() -> None:
    if _libc.ptrace(_PTRACE_ATTACH, 1, 0, 0) != 0:
        raise PermissionError


def _allocate() -> None:
    if len(bytearray(4 << 30)) == 0:
        raise MemoryError


def _spin() -> None:
    while True:
        pass


def _sleep() -> None:
    time.sleep(3)


def _write_for_ever(sink: Sink) -> None:
    while True:
        sink.write(bytes(1 << 20))


def _write_around_the_sink() -> None:
    refused = 0
    for descriptor in _DESCRIPTORS:
        try:
            os.pwrite(descriptor, b"x", 2 << 30)
        except OSError as error:
            refused += error.errno == errno.EFBIG
    if refused:
        raise PermissionError


def _is_open(number: int) -> bool:
    try:
        os.lseek(number, 0, os.SEEK_CUR)
    except OSError as error:
        return error.errno != errno.EBADF
    return True


def _make_executable() -> None:
    mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)


def _make_executable_later() -> None:
    memory = mmap.mmap(-1, 4096)
    address = ctypes.addressof(ctypes.c_char.from_buffer(memory))
    if _libc.mprotect(ctypes.c_void_p(address), 4096, 5) != 0:
        raise PermissionError


def _raise_limits() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_CPU, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


def _import_late() -> None:
    import sqlite3

    del sqlite3


def _segfault() -> None:
    ctypes.string_at(0)


def _residue() -> None:
    raise Residue


def _secret_in_exception() -> None:
    raise type("Kim_Chol_su_lives_in_Hyesan", (Exception,), {})("in the message, too")


def _chatter() -> None:
    print("Kim Chol-su")  # noqa: T201 - a decoder's warning
    sys.stderr.write("Kim Chol-su\n")
    os.write(2, b"Kim Chol-su\n")


def _answer_nonsense() -> None:
    for descriptor in _DESCRIPTORS:
        try:
            os.write(descriptor, b'{"media_type": "application/x-evil", "length": 1, "removed": []}')
        except OSError:
            continue
    os._exit(0)


def _answer_a_made_up_length() -> None:
    forged = wire.encode(Cleaned(media_type="text/plain", length=1 << 20, removed=()))
    for descriptor in _DESCRIPTORS:
        try:
            os.write(descriptor, forged)
        except OSError:
            continue
    os._exit(0)


def _rewrite_the_source() -> None:
    for descriptor in _DESCRIPTORS:
        try:
            os.pwrite(descriptor, bytes(100), 0)
        except OSError as error:
            if error.errno not in {errno.EBADF, errno.ESPIPE}:
                raise


def _answer_elsewhere_and_stay() -> None:
    _say_elsewhere()
    time.sleep(60)


def _answer_elsewhere() -> None:
    _say_elsewhere()
    os._exit(0)


def _say_elsewhere() -> None:
    for descriptor in _DESCRIPTORS:
        try:
            os.lseek(descriptor, 0, os.SEEK_CUR)
        except OSError as error:
            if error.errno == errno.ESPIPE:  # of all that is open only the channel cannot be wound
                os.write(descriptor, wire.encode(wire.NotHere()))


def _look_around() -> bytes:
    return ",".join(str(number) for number in range(64) if _is_open(number)).encode()


_DEEDS: dict[str, Callable[[], None]] = {
    "open": _open,
    "open-by-descriptor": _open_by_descriptor,
    "list": _list,
    "create": _create,
    "socket": _socket,
    "execute": _execute,
    "fork": _fork,
    "fork-bomb": _fork_bomb,
    "thread-bomb": _thread_bomb,
    "kill-parent": _kill_parent,
    "trace": _trace_parent,
    "allocate": _allocate,
    "spin": _spin,
    "sleep": _sleep,
    "write-around": _write_around_the_sink,
    "executable": _make_executable,
    "executable-later": _make_executable_later,
    "raise-limits": _raise_limits,
    "import-late": _import_late,
    "segfault": _segfault,
    "residue": _residue,
    "secret-in-exception": _secret_in_exception,
    "chatter": _chatter,
    "answer-nonsense": _answer_nonsense,
    "answer-length": _answer_a_made_up_length,
    "answer-elsewhere": _answer_elsewhere,
    "answer-elsewhere-and-stay": _answer_elsewhere_and_stay,
    "rewrite-the-source": _rewrite_the_source,
}


def _clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    head = untrusted_source.read_at(0, 100)
    if not head.startswith(_PREFIX):
        return _honest(untrusted_source, sink, cleaning)
    deed = head[len(_PREFIX) :].decode()
    if deed == "write-for-ever":
        _write_for_ever(sink)
    elif deed == "look-around":
        sink.write(_look_around())
    else:
        _DEEDS[deed]()
        sink.write(b"reached")
    return "text/plain"


pipeline.clean = _clean
cast("dict[View, Clean]", child._MAKERS)[View.COPY] = _clean  # which took the honest one when it was imported
