"""The service's end of the line to the warm parent: starting it, handing it a file, learning how its child ended.

Rules: the warm parent is a fresh interpreter that inherits one socket and an environment of ours. The keys of a file
go to its child through a channel that the warm parent cannot read. A result counts only when nobody can change it any
more: when the child is gone or, sooner, when the kernel has sealed the memory the result lies in.
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
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import fieldreport
from fieldreport import limits
from fieldreport.errors import PlatformError
from fieldreport.scratch import ScratchShare
from fieldreport.scrub import wire
from fieldreport.scrub.lockdown import SandboxStatus
from fieldreport.scrub.vocabulary import Mode, Refusal
from fieldreport.scrub.wire import EXIT_REPORT, HAND_OVER, Answer, NotCleaned, Order

_START_SECONDS: Final = 60.0
_GRACE_SECONDS: Final = 10.0  # beyond the wall clock, for the warm parent to kill and report
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


class WarmParent:
    """One running warm parent and the socket to it. For any number of threads."""

    def __init__(self, arguments: Sequence[str]) -> None:
        self._owner = os.getpid()
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",
                    "-s",
                    "-m",
                    "fieldreport.scrub.zygote",
                    f"--socket={theirs.fileno()}",
                    *arguments,
                ],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # Until it falls silent itself, before the first file: a missing library must be told.
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
        self._socket.settimeout(_GRACE_SECONDS)

    def has_ended(self) -> bool:
        """Its end of the socket is closed. It never speaks after its start, so anything readable is the end."""
        return self._socket.fileno() < 0 or _is_readable(self._socket)

    def end(self) -> None:
        """Close the line and end the process, if it is ours."""
        self._socket.close()
        if os.getpid() == self._owner and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                self._process.send_signal(signal.SIGKILL)  # its children die with it
            self._process.wait()

    def clean(self, source: ScratchShare, output: Output, mode: Mode) -> Answer:
        """One file through one child.

        Raises:
            WarmParentGone: no end of the child was reported; the caller may try again elsewhere.
        """
        order = Order(
            mode=mode,
            input_key=source.key,
            input_size=source.size,
            output_key=output.key,
            output_limit=output.limit,
        )
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        exit_read, exit_write = os.pipe2(os.O_CLOEXEC)
        try:
            with ours:
                try:
                    with theirs:
                        ours.send(order.encode())
                        descriptors = [source.fd, output.fd, theirs.fileno(), exit_write]
                        socket.send_fds(self._socket, [HAND_OVER], descriptors)
                except OSError:
                    raise WarmParentGone from None
                finally:
                    os.close(exit_write)
                ours.setblocking(False)
                return _answer(ours, exit_read, output)
        finally:
            os.close(exit_read)  # and the warm parent ends a child that nobody waits for any more


def _answer(channel: socket.socket, exit_read: int, output: Output) -> Answer:
    """What the child said if that is final, or how it ended."""
    poll = select.poll()  # select(2) fails beyond 1,024 descriptors, and a busy intake has more
    poll.register(channel, select.POLLIN)
    poll.register(exit_read, select.POLLIN)
    patience = int((limits.SCRUB_WALL_SECONDS + _GRACE_SECONDS) * 1000)
    untrusted_answer = b""
    while ready := [descriptor for descriptor, _ in poll.poll(patience)]:
        if channel.fileno() in ready:
            poll.unregister(channel)
            with contextlib.suppress(OSError):
                untrusted_answer = channel.recv(wire.ANSWER_BYTES)
            if untrusted_answer:
                answer = wire.parse(untrusted_answer)
                if isinstance(answer, NotCleaned) or output.is_final():
                    return answer
        elif exit_read in ready:
            return _judge(os.read(exit_read, EXIT_REPORT.size), untrusted_answer)
    raise WarmParentGone


def _judge(report: bytes, untrusted_answer: bytes) -> Answer:
    """How the child ended decides first; only a child that ended by itself is listened to."""
    if len(report) != EXIT_REPORT.size:
        raise WarmParentGone
    status, timed_out = EXIT_REPORT.unpack(report)
    if timed_out or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
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
        "PATH": os.defpath,
    }


def _is_readable(line: socket.socket) -> bool:
    poll = select.poll()
    poll.register(line, select.POLLIN)
    return bool(poll.poll(0))
