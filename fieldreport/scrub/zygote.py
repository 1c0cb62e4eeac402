"""The warm parent: imports every decoder once, gives up what it does not need, and forks one locked child per file.

``python -m fieldreport.scrub.zygote --socket FD``, started by ``Scrubber`` as a fresh interpreter, so nothing of the
service's memory (keys, texts, connections) is in it or in its children. It has one thread, never reads a byte of a
file, never learns a file's key, and speaks to the service through one socket:

    service → zygote   one byte, with four descriptors: input, output, the child's end of a channel, an exit pipe
    zygote → service   once, on start: its SandboxStatus
    exit pipe          one report when the child is gone: wait status and whether it was killed on the wall clock

Rules: a child is forked *before* its file arrives and waits, confined; so the cost of forking is paid while nobody
waits, and still no child ever sees two files. Only the zygote holds the exit pipe's writing end: a child cannot forge
its own death. When the socket closes the zygote ends, and the kernel kills its children with it.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import gc
import importlib.util
import json
import os
import resource
import select
import signal
import socket
import sys
import time
from dataclasses import asdict, dataclass
from typing import Final, NoReturn

from fieldreport import limits
from fieldreport.scrub import child, registry
from fieldreport.scrub.lockdown import Lock
from fieldreport.scrub.wire import DESCRIPTORS, EXIT_REPORT, HAND_OVER

_SPARES: Final = 2  # children that wait for a file: two come at once often enough
_DESCRIPTORS: Final = 256  # each file at work takes two here; a low number makes closing all others quick
_OOM_SCORE: Final = b"500"


@dataclass(slots=True)
class _Running:
    pidfd: int
    exit_pipe: int
    deadline: float
    timed_out: bool = False
    abandoned: bool = False


@dataclass(slots=True)
class _Spare:
    pid: int
    channel: socket.socket


class Zygote:
    """The loop: hand a file to a waiting child, fork the next one, bury the dead, kill the late."""

    def __init__(self, service: socket.socket, lock: Lock, rehearsal: child.Rehearsal, wall_seconds: float) -> None:
        self._service = service
        self._lock = lock
        self._rehearsal = rehearsal
        self._wall_seconds = wall_seconds
        self._pid = os.getpid()
        self._running: dict[int, _Running] = {}  # by pid
        self._spares: list[_Spare] = []

    def serve(self) -> None:
        """Until the service closes its end."""
        poll = select.poll()
        poll.register(self._service, select.POLLIN)
        while True:
            ready = [descriptor for descriptor, _ in poll.poll(self._patience())]
            for descriptor in ready:
                if descriptor != self._service.fileno():
                    self._attend(descriptor, poll)
            if self._service.fileno() in ready and not self._receive(poll):
                return
            self._kill_the_late()
            if not ready and len(self._spares) < _SPARES:
                self._fork()  # one, and then a look whether somebody waits: it takes milliseconds

    def _patience(self) -> int | None:
        """Milliseconds until something is due: a child to be killed, a waiting child to be forked."""
        due = [run.deadline for run in self._running.values() if not run.timed_out]
        if len(self._spares) < _SPARES:
            return 0
        return max(0, int((min(due) - time.monotonic()) * 1000) + 1) if due else None

    def _receive(self, poll: select.poll) -> bool:
        message, descriptors, _, _ = socket.recv_fds(self._service, 16, DESCRIPTORS)
        if not message:
            return False
        if message != HAND_OVER or len(descriptors) != DESCRIPTORS:
            for descriptor in descriptors:
                os.close(descriptor)
            return True
        *for_child, exit_pipe = descriptors
        pid = self._hand_over(for_child)
        for descriptor in for_child:
            os.close(descriptor)
        pidfd = os.pidfd_open(pid)
        self._running[pid] = _Running(pidfd, exit_pipe, time.monotonic() + self._wall_seconds)
        poll.register(pidfd, select.POLLIN)
        poll.register(exit_pipe, 0)  # tells when its reading end is closed
        return True

    def _hand_over(self, descriptors: list[int]) -> int:
        while True:
            if not self._spares:
                self._fork()
            spare = self._spares.pop(0)
            with spare.channel:
                try:
                    socket.send_fds(spare.channel, [HAND_OVER], descriptors)
                except OSError:  # it died waiting, perhaps for want of memory
                    os.waitpid(spare.pid, 0)
                    continue
            return spare.pid

    def _fork(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        pid = os.fork()
        if pid == 0:
            self._become_child(theirs)
        theirs.close()
        self._spares.append(_Spare(pid, ours))

    def _become_child(self, channel: socket.socket) -> NoReturn:
        try:
            self._rehearsal.perform()
            descriptor = channel.fileno()
            # Everything but the channel and the ruleset: other children's pipes, the service's socket.
            kept = self._lock.descriptor
            low, high = sorted((descriptor, kept)) if kept >= 0 else (descriptor, descriptor)
            os.closerange(3, low)
            os.closerange(low + 1, high)
            os.closerange(high + 1, _DESCRIPTORS)
            self._lock.confine(self._pid)
            message, descriptors, _, _ = socket.recv_fds(channel, 16, DESCRIPTORS - 1)
            if message == HAND_OVER and len(descriptors) == DESCRIPTORS - 1:
                os.close(descriptor)
                child.run(self._lock, *descriptors)
        finally:
            os._exit(0)  # no handlers, no flushing: whatever they hold belongs to the parent

    def _attend(self, descriptor: int, poll: select.poll) -> None:
        """A child has ended, or nobody waits for it any more."""
        for pid, run in list(self._running.items()):
            if descriptor == run.pidfd:
                _, status = os.waitpid(pid, 0)
                with contextlib.suppress(BrokenPipeError):
                    os.write(run.exit_pipe, EXIT_REPORT.pack(status, run.timed_out))
                if not run.abandoned:
                    poll.unregister(run.exit_pipe)
                poll.unregister(run.pidfd)
                os.close(run.pidfd)
                os.close(run.exit_pipe)
                del self._running[pid]
            elif descriptor == run.exit_pipe and not run.abandoned:
                # It has answered and been believed, or the service is gone. An honest child is ending by itself.
                run.abandoned = True
                poll.unregister(run.exit_pipe)
                os.kill(pid, signal.SIGKILL)

    def _kill_the_late(self) -> None:
        now = time.monotonic()
        for pid, run in self._running.items():
            if now >= run.deadline and not run.timed_out:
                run.timed_out = True
                os.kill(pid, signal.SIGKILL)


def _load_module(path: str) -> None:
    spec = importlib.util.spec_from_file_location("also", path)
    if spec is None or spec.loader is None:
        raise ImportError(path)
    module = importlib.util.module_from_spec(spec)
    sys.modules["also"] = module
    spec.loader.exec_module(module)


def _quiet() -> None:
    """Decoders print warnings, and warnings quote content: nothing of it reaches the service's log."""
    null = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(null, descriptor)
    os.close(null)


def _expendable() -> None:
    """When memory runs out the kernel takes a decoder, not the service."""
    with contextlib.suppress(OSError):
        descriptor = os.open("/proc/self/oom_score_adj", os.O_WRONLY)
        os.write(descriptor, _OOM_SCORE)
        os.close(descriptor)


def _settle() -> None:
    """What is here now will never be freed: keep the collector and the allocator from touching it, page by page."""
    gc.collect()
    gc.freeze()
    ctypes.CDLL(None).malloc_trim(0)


def main(arguments: list[str]) -> int:
    """Run until the service closes the socket."""
    parser = argparse.ArgumentParser(prog="fieldreport.scrub.zygote")
    parser.add_argument("--socket", type=int, required=True)
    parser.add_argument("--wall-seconds", type=float, default=limits.SCRUB_WALL_SECONDS)
    # Families that a test adds. Only who starts this process writes its command line, and `Scrubber.start` never does.
    parser.add_argument("--also", action="append", default=[], help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    service = socket.socket(fileno=os.dup(options.socket))  # at a low number, whatever the service had it at
    os.close(options.socket)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS, _DESCRIPTORS))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the service decides when this ends, by closing the socket
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    registry.load_all()
    for path in options.also:
        _load_module(path)
    rehearsal = child.Rehearsal()
    rehearsal.perform()
    _quiet()
    _expendable()
    lock = Lock.prepare()
    lock.prove()
    _settle()
    zygote = Zygote(service, lock, rehearsal, options.wall_seconds)
    service.send(json.dumps(asdict(lock.status)).encode())
    zygote.serve()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
