"""The service's end of the line to the warm parent: starting it, handing it a file, learning how its child ended.

Rules: the warm parent is a fresh interpreter that inherits one socket and an environment of ours. Children are made
ready ahead of their files; a file and its keys go straight to one of them, through a channel that the warm parent
cannot read. The kernel counts a child's processor time; the long stop by the wall clock is kept here. A result counts
only when nobody can change it any more: when the child is gone or, sooner, when the kernel has sealed the memory the
result lies in.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import select
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import fieldreport
from fieldreport import limits
from fieldreport.errors import PlatformError
from fieldreport.scratch import ScratchShare
from fieldreport.scrub.sandbox import wire
from fieldreport.scrub.sandbox.lockdown import SandboxStatus
from fieldreport.scrub.sandbox.wire import EXIT_REPORT, PREPARE, Answer, Cleaned, NotCleaned, Order
from fieldreport.scrub.verdicts import Options, Refusal

_START_SECONDS: Final = 300.0  # importing takes two, with a processor to itself
_SEND_SECONDS: Final = 60.0  # on a busy machine; a warm parent that takes nothing for so long is as good as gone
_READY: Final = 2  # children that wait for a file: two come at once often enough
_NEVER_AGAIN: Final = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE


@dataclass(frozen=True, slots=True, kw_only=True)
class Output:
    """Where a child writes: a descriptor, the key it encrypts with, and how many bytes of result there may be."""

    fd: int
    key: bytes = field(repr=False)
    limit: int
    in_memory: bool

    def is_final(self) -> bool:
        """Whether even a living child can no longer change it. A file on a disk cannot be sealed: wait for the end."""
        if not self.in_memory:
            return False
        try:
            fcntl.fcntl(self.fd, fcntl.F_ADD_SEALS, _NEVER_AGAIN)
        except OSError:  # the child has mapped it, which no honest one does
            return False
        return True


class WarmParentGone(Exception):
    """It closed its socket or fell silent. Says nothing about the file, which has no way to reach it."""


@dataclass(frozen=True, slots=True)
class _Child:
    """A child that is ready or will be: the way to it, and the pipe that tells its end (the reading end)."""

    channel: socket.socket
    exit_pipe: int

    def close(self) -> None:
        """And the warm parent ends it, if it has not ended by itself."""
        _open.discard(self)
        self.channel.close()
        os.close(self.exit_pipe)


_open: set[_Child] = set()


def _close_inherited() -> None:
    # A copy of a pipe in a process that was forked from this one would keep alive a child that nobody waits for.
    for child in list(_open):
        child.close()


os.register_at_fork(after_in_child=_close_inherited)


class WarmParent:
    """One running warm parent and the socket to it. For any number of threads."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._owner = os.getpid()
        self._ready: list[_Child] = []
        self._guard = threading.Lock()  # of the list above and of its end
        self._ended = False
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-s",
                    "-m",
                    "fieldreport.scrub.sandbox.zygote",
                    f"--socket={theirs.fileno()}",
                    *arguments,
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # Until it falls silent itself, before the first file: an error about a missing library must be seen.
                stderr=None,
                env=_environment(),
                cwd="/",
            )
        self._socket = ours
        self._socket.settimeout(_START_SECONDS)
        try:
            ready = self._socket.recv(4096)
        except TimeoutError:
            ready = b""
        if not ready:
            self.end()
            raise PlatformError("the process that cleans files does not start")
        self.status = SandboxStatus(**json.loads(ready))
        self._socket.settimeout(_SEND_SECONDS)
        self._refill()

    def has_ended(self) -> bool:
        """Its end of the socket is closed. It never speaks after its start, so anything readable is the end."""
        return self._socket.fileno() < 0 or _is_readable(self._socket)

    def end(self) -> None:
        """Close the line and end the process, if it is ours."""
        self._socket.close()
        if os.getpid() != self._owner:
            return
        with self._guard:
            self._ended = True
            while self._ready:
                self._ready.pop().close()
        if self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                self._process.send_signal(signal.SIGKILL)  # its children die with it
            self._process.wait()

    def clean(self, source: ScratchShare, output: Output, options: Options) -> Answer:
        """One file through one child.

        Raises:
            WarmParentGone: no end of the child was reported; the caller may try again elsewhere.
        """
        order = Order(
            options=options,
            input_key=source.key,
            input_size=source.size,
            output_key=output.key,
            output_limit=output.limit,
        )
        try:
            # Opened once more: a child that a file has taken over must not write another file in its place.
            read_only = os.open(f"/proc/self/fd/{source.fd}", os.O_RDONLY | os.O_CLOEXEC)
            try:
                child = self._given(order, [read_only, output.fd])
            finally:
                os.close(read_only)
        except OSError:  # no descriptor is left
            return NotCleaned(refusal=Refusal.BUSY)
        with contextlib.closing(child):
            self._refill()  # while this one works
            answer = _answer(child, output)
        if answer is None:
            self._prove_alive()
            return NotCleaned(refusal=Refusal.TIMEOUT)
        return answer

    def _given(self, order: Order, descriptors: list[int]) -> _Child:
        """The child that took the order."""
        for _ in range(_READY + 1):
            child = self._take()
            try:
                socket.send_fds(child.channel, [order.encode()], descriptors)
            except OSError:  # it has just died waiting, and says nothing about the others
                child.close()
            else:
                return child
        raise WarmParentGone

    def _take(self) -> _Child:
        """A child that waits, or one that will soon read what it is sent."""
        while True:
            with self._guard:
                child = self._ready.pop(0) if self._ready and os.getpid() == self._owner else None
            if child is None:
                return self._prepare()
            if not _is_readable(child.exit_pipe):
                return child
            child.close()  # it died waiting, perhaps for want of memory

    def _refill(self) -> None:
        """Have children made ready, as far as can be: a file that is being cleaned must not fail for the next one's."""
        # A process that was forked from ours shares the line, and must not share children with us.
        while os.getpid() == self._owner and len(self._ready) < _READY:
            try:
                child = self._prepare()
            except (OSError, WarmParentGone):
                return
            with self._guard:
                if self._ended:
                    child.close()
                    return
                self._ready.append(child)

    def _prove_alive(self) -> None:
        """A child had its time. Let the warm parent show that it was not its own fault.

        Raises:
            WarmParentGone: it makes no child, and buries none.
        """
        with contextlib.suppress(OSError), contextlib.closing(self._prepare()) as probe:
            probe.channel.shutdown(socket.SHUT_RDWR)  # there will be no order, so it ends
            if not _is_readable(probe.exit_pipe, _SEND_SECONDS):
                raise WarmParentGone

    def _prepare(self) -> _Child:
        exit_read, exit_write = os.pipe2(os.O_CLOEXEC)
        try:
            ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        except OSError:
            os.close(exit_read)
            os.close(exit_write)
            raise
        child = _Child(ours, exit_read)
        _open.add(child)
        try:
            with theirs:
                socket.send_fds(self._socket, [PREPARE], [theirs.fileno(), exit_write])
        except OSError:
            child.close()
            raise WarmParentGone from None
        finally:
            os.close(exit_write)
        return child


def _answer(child: _Child, output: Output) -> Answer | None:
    """What the child said if that is final, or how it ended; nothing when its time is over."""
    poll = select.poll()  # select(2) fails beyond 1,024 descriptors, and a busy intake has more
    poll.register(child.channel, select.POLLIN)
    poll.register(child.exit_pipe, select.POLLIN)
    deadline = time.monotonic() + limits.SCRUB_WALL_SECONDS
    untrusted_answer = b""
    while ready := [number for number, _ in poll.poll(max(0, (deadline - time.monotonic()) * 1000))]:
        if child.channel.fileno() in ready:
            poll.unregister(child.channel)
            if untrusted_answer := _heard(child):
                answer = wire.parse(untrusted_answer)
                # Of one that sends the file elsewhere the end is waited for: there the same output is written.
                if isinstance(answer, NotCleaned) or (isinstance(answer, Cleaned) and output.is_final()):
                    return answer
        elif child.exit_pipe in ready:
            # poll looks at one after the other: child may have answered and ended between the two.
            return _judge(os.read(child.exit_pipe, EXIT_REPORT.size), untrusted_answer or _heard(child))
    return None


def _heard(child: _Child) -> bytes:
    """What the child has said; nothing if it has said nothing."""
    try:
        return child.channel.recv(wire.ANSWER_BYTES, socket.MSG_DONTWAIT)
    except OSError:
        return b""


def _judge(report: bytes, untrusted_answer: bytes) -> Answer:
    """How the child ended decides first; only a child that ended by itself is listened to."""
    if len(report) != EXIT_REPORT.size:
        raise WarmParentGone
    (status,) = EXIT_REPORT.unpack(report)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU:
        return NotCleaned(refusal=Refusal.TIMEOUT)
    if os.WIFSIGNALED(status) or not untrusted_answer:
        return NotCleaned(refusal=Refusal.CRASHED)
    return wire.parse(untrusted_answer)


def _environment() -> dict[str, str]:
    """What the warm parent gets instead of the service's environment, which may name secrets."""
    return {
        "PYTHONPATH": str(Path(fieldreport.__file__).parent.parent),
        "LC_ALL": "C.UTF-8",
        "MALLOC_ARENA_MAX": "1",  # one thread: one arena to copy at every fork
        # What a child frees it uses again: memory from the kernel is slow to touch for the first time.
        "MALLOC_MMAP_THRESHOLD_": str(32 * limits.MIB),
        "MALLOC_TRIM_THRESHOLD_": str(64 * limits.MIB),
        "PATH": os.defpath,
    }


def _is_readable(line: socket.socket | int, seconds: float = 0) -> bool:
    poll = select.poll()
    poll.register(line, select.POLLIN)
    return bool(poll.poll(seconds * 1000))
