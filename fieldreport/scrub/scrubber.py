"""The service's side of the sandbox: hand a file to the warm parent, wait, believe little.

Rules: no decoder is ever imported here. The warm parent is a fresh interpreter that inherits nothing but one socket;
it is started again when it dies. Any number of threads may call ``clean``; ``limits.SCRUBS_AT_ONCE`` of them work at
a time. The keys of a file go to its child through a channel that the warm parent cannot read; a result is adopted
only after the child is gone, so nobody can change it while it is read.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import select
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import fieldreport
from fieldreport import limits
from fieldreport.errors import PlatformError, ScrubRefused
from fieldreport.scratch import Scratch, ScratchShare
from fieldreport.scrub import registry, wire
from fieldreport.scrub.lockdown import SandboxStatus
from fieldreport.scrub.plaintext import clean_typed
from fieldreport.scrub.vocabulary import Mode, Refusal, Removed
from fieldreport.scrub.wire import EXIT_REPORT, HAND_OVER, Cleaned, NotCleaned, Order

_log = logging.getLogger(__name__)
_START_SECONDS: Final = 60.0
_GRACE_SECONDS: Final = 10.0  # beyond the wall clock, for the warm parent to kill and report

_TEXTS: Final = {
    Refusal.UNSUPPORTED: "this type of file cannot be cleaned",
    Refusal.OLD_OFFICE: "an old Office file cannot be cleaned; save it as .docx, .xlsx, .pptx or PDF",
    Refusal.RAW_PHOTO: "a camera's raw file cannot be cleaned; export it as JPEG",
    Refusal.ENCRYPTED: "the file is locked with a password; send it without",
    Refusal.ACTIVE_CONTENT: "the file is a program",
    Refusal.EMPTY: "the file is empty",
    Refusal.DAMAGED: "the file is damaged",
    Refusal.TOO_LARGE: "the file is too large",
    Refusal.BOMB: "the file unpacks to more than can be handled",
    Refusal.RESIDUE: "the file could not be cleaned completely",
    Refusal.TIMEOUT: "cleaning the file took too long",
    Refusal.MEMORY: "cleaning the file took too much memory",
    Refusal.CRASHED: "the file made the cleaner fail",
    Refusal.BUSY: "too many files are being cleaned; try again",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Scrubbed:
    """A clean copy. ``output`` is the caller's to close; ``removed`` are categories, in the vocabulary's order."""

    media_type: str
    extension: str
    output: Scratch
    length: int
    removed: tuple[Removed, ...]


class Scrubber:
    """Owns the warm parent. Start it before threads; close it, or use it as a context manager."""

    def __init__(self, *, directory: Path, require_sandbox: bool, zygote_arguments: Sequence[str] = ()) -> None:
        self._directory = directory
        self._require_sandbox = require_sandbox
        self._zygote_arguments = tuple(zygote_arguments)
        self._places = threading.BoundedSemaphore(limits.SCRUBS_AT_ONCE)
        self._starting = threading.Lock()
        self._closed = False
        self._zygote = self._start_zygote()

    @classmethod
    def start(cls, *, directory: Path, require_sandbox: bool) -> Self:
        """Start the warm parent and wait until it is ready (a second or two).

        ``directory`` takes the encrypted scratch files.

        Raises:
            PlatformError: it does not come up, or the kernel lacks Landlock or seccomp and ``require_sandbox`` is set.
        """
        return cls(directory=directory, require_sandbox=require_sandbox)

    @property
    def status(self) -> SandboxStatus:
        """What the running warm parent found and uses."""
        return self._zygote.status

    def clean(self, source: Scratch, *, mode: Mode = Mode.LOSSLESS) -> Scrubbed:
        """Clean one file in a child of its own. ``source`` stays the caller's and is read only.

        Raises:
            ScrubRefused: ``code`` is a ``Refusal``; nothing of a half-made result is left.
            PlatformError: the warm parent died and cannot be started again.
        """
        if source.size > limits.SCRUB_INPUT_BYTES:
            raise _refused(NotCleaned(refusal=Refusal.TOO_LARGE))
        if not self._places.acquire(timeout=limits.SCRUB_WAIT_SECONDS):
            raise _refused(NotCleaned(refusal=Refusal.BUSY))
        try:
            return self._clean(source.share(), mode)
        finally:
            self._places.release()

    def clean_text(self, text: str) -> tuple[str, tuple[Removed, ...]]:
        """The typed report text: Unicode form C, newlines as line feeds, copy marks dropped. No child is needed."""
        return clean_typed(text)

    def close(self) -> None:
        """End the warm parent, and with it any child still at work."""
        with self._starting:
            self._closed = True
            self._zygote.end()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self.close()

    def _clean(self, share: ScratchShare, mode: Mode) -> Scrubbed:
        for last_try in (False, True):
            output = Scratch(self._directory)
            keep = False
            zygote = self._living_zygote()
            try:
                answer = zygote.clean(share, output.share(), mode)
                if isinstance(answer, Cleaned):
                    scrubbed = _adopt(output, answer)
                    keep = True
                    return scrubbed
                raise _refused(answer)
            except _ZygoteGone:
                # Not the file's doing: a file has no way to reach the warm parent. One more try with a new one.
                zygote.end()
                if last_try:
                    raise _refused(NotCleaned(refusal=Refusal.CRASHED)) from None
            finally:
                if not keep:
                    output.close()
        raise AssertionError  # the loop returns or raises

    def _living_zygote(self) -> _Zygote:
        with self._starting:
            if self._closed:
                raise PlatformError("the cleaner has been closed")
            if self._zygote.ended():
                self._zygote.end()
                _log.warning("the process that cleans files died and is started again")
                self._zygote = self._start_zygote()
            return self._zygote

    def _start_zygote(self) -> _Zygote:
        zygote = _Zygote(self._zygote_arguments)
        problems = zygote.status.problems
        if problems and self._require_sandbox:
            zygote.end()
            raise PlatformError("this machine cannot lock up the cleaner: " + "; ".join(problems))
        for problem in problems:
            _log.warning("files are cleaned with a weaker lock: %s", problem)
        return zygote


class _ZygoteGone(Exception):
    """The warm parent closed its socket."""


class _Zygote:
    """One running warm parent and the socket to it."""

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

    def ended(self) -> bool:
        """Its end of the socket is closed. It never speaks after its start, so anything readable is the end."""
        return self._socket.fileno() < 0 or _readable(self._socket.fileno(), 0)

    def end(self) -> None:
        self._socket.close()
        if os.getpid() == self._owner and self._process.poll() is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                self._process.send_signal(signal.SIGKILL)  # its children die with it
            self._process.wait()

    def clean(self, share: ScratchShare, output: ScratchShare, mode: Mode) -> wire.Answer:
        """One file through one child.

        Raises:
            _ZygoteGone: no child was reported dead; the caller may try again.
        """
        order = Order(mode=mode, input_key=share.key, input_size=share.size, output_key=output.key)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        exit_read, exit_write = os.pipe2(os.O_CLOEXEC)
        with ours:
            try:
                with theirs:
                    ours.send(order.encode())
                    descriptors = [share.fd, output.fd, theirs.fileno(), exit_write]
                    socket.send_fds(self._socket, [HAND_OVER], descriptors)
            except OSError:
                os.close(exit_read)
                raise _ZygoteGone from None
            finally:
                os.close(exit_write)
            report = _wait_for_exit(exit_read)
            ours.setblocking(False)
            try:
                untrusted_answer = ours.recv(wire.ANSWER_BYTES)
            except OSError:
                untrusted_answer = b""
        return _judge(report, untrusted_answer)


def _environment() -> dict[str, str]:
    """What the warm parent gets instead of the service's environment, which may name secrets."""
    return {
        "PYTHONPATH": str(Path(fieldreport.__file__).parent.parent),
        "LC_ALL": "C.UTF-8",
        "MALLOC_ARENA_MAX": "1",  # one thread: one arena to copy at every fork
        "PATH": os.defpath,
    }


def _readable(descriptor: int, seconds: float) -> bool:
    poll = select.poll()  # select(2) fails beyond 1,024 descriptors, and a busy intake has more
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(int(seconds * 1000)))


def _wait_for_exit(exit_read: int) -> bytes:
    try:
        patience = limits.SCRUB_WALL_SECONDS + _GRACE_SECONDS
        report = os.read(exit_read, EXIT_REPORT.size) if _readable(exit_read, patience) else b""
    finally:
        os.close(exit_read)
    if len(report) != EXIT_REPORT.size:
        raise _ZygoteGone
    return report


def _judge(report: bytes, untrusted_answer: bytes) -> wire.Answer:
    """How the child ended decides first; only a child that ended by itself is listened to."""
    status, timed_out = EXIT_REPORT.unpack(report)
    if timed_out or (os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGXCPU):
        return NotCleaned(refusal=Refusal.TIMEOUT)
    if os.WIFSIGNALED(status) or not untrusted_answer:
        return NotCleaned(refusal=Refusal.CRASHED)
    return wire.parse(untrusted_answer)


def _adopt(output: Scratch, answer: Cleaned) -> Scrubbed:
    """Read side of what the child wrote. The descriptor is duplicated; the caller closes only the result."""
    share = output.share()
    descriptor = os.dup(share.fd)
    adopted = Scratch.adopt(ScratchShare(fd=descriptor, key=share.key, size=answer.length))
    output.close()
    extension, _ = registry.OUTPUTS[answer.media_type]
    return Scrubbed(
        media_type=answer.media_type,
        extension=extension,
        output=adopted,
        length=answer.length,
        removed=answer.removed,
    )


def _refused(answer: NotCleaned) -> ScrubRefused:
    detail = f"scrub: {answer.refusal.value}" + (f" ({answer.kind})" if answer.kind else "")
    return ScrubRefused(_TEXTS[answer.refusal], detail=detail, code=answer.refusal.value)
