"""The warm parent: imports every decoder once, gives up what it does not need, and forks one locked child per file.

``python -m fieldreport.scrub.sandbox.zygote --socket FD``, started by ``Scrubber`` in a new interpreter: nothing of the
service's memory (keys, texts, connections) is in it or in its children. It has one thread, never reads a byte of a
file, never learns a file's key, and speaks to the service through one socket:

    zygote → service   once, on start: its SandboxStatus
    service → zygote   PREPARE, with two descriptors: the child's end of a channel, an exit pipe
    exit pipe          one report when the child is gone: its wait status

Rules: a child is forked *before* its file arrives and waits, locked; so the cost of forking and locking is paid while
nobody waits, and still no child ever sees two files. Only the zygote holds the exit pipe's writing end: a child cannot
forge its own death. When the service closes the reading end, nobody waits for that child any more, and it is killed.
When the socket closes the zygote ends, and the kernel kills its children with it.
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
from dataclasses import asdict, dataclass
from typing import Final, NoReturn

from fieldreport import limits
from fieldreport.scrub import registry
from fieldreport.scrub.sandbox import child
from fieldreport.scrub.sandbox.lockdown import Lock
from fieldreport.scrub.sandbox.warmup import WarmUp
from fieldreport.scrub.sandbox.wire import EXIT_REPORT, PREPARE, PREPARE_DESCRIPTORS
from fieldreport.scrub.views import faces, words

_DESCRIPTORS: Final = 256  # each file at work takes two here; a low number makes closing all others quick
_OOM_SCORE: Final = b"500"


@dataclass(slots=True)
class _Child:
    pidfd: int
    exit_pipe: int
    abandoned: bool = False


class Zygote:
    """The loop: fork a child that waits for its file, report one that has ended, kill one that nobody waits for."""

    def __init__(self, service: socket.socket, lock: Lock, warm_up: WarmUp) -> None:
        self._service = service
        self._lock = lock
        self._warm_up = warm_up
        self._pid = os.getpid()
        self._children: dict[int, _Child] = {}  # by pid

    def serve(self) -> None:
        """Until the service closes its end."""
        poll = select.poll()
        poll.register(self._service, select.POLLIN)
        while True:
            ready = [descriptor for descriptor, _ in poll.poll()]
            for descriptor in ready:
                if descriptor != self._service.fileno():
                    self._attend(descriptor, poll)
            if self._service.fileno() in ready and not self._receive(poll):
                return

    def _receive(self, poll: select.poll) -> bool:
        message, descriptors, _, _ = socket.recv_fds(self._service, 16, PREPARE_DESCRIPTORS)
        if not message:
            return False
        if message != PREPARE or len(descriptors) != PREPARE_DESCRIPTORS:
            for descriptor in descriptors:
                os.close(descriptor)
            return True
        channel, exit_pipe = descriptors
        pid = os.fork()
        if pid == 0:
            self._become_child(channel)
        os.close(channel)
        pidfd = os.pidfd_open(pid)
        self._children[pid] = _Child(pidfd, exit_pipe)
        poll.register(pidfd, select.POLLIN)
        poll.register(exit_pipe, 0)  # tells when its reading end is closed
        return True

    def _become_child(self, channel: int) -> NoReturn:
        try:
            arrived = select.poll()
            arrived.register(channel, select.POLLIN)
            self._warm_up.perform(until=lambda: bool(arrived.poll(0)))
            # Everything but the channel and the ruleset: other children's pipes, the service's socket.
            kept = self._lock.descriptor
            low, high = sorted((channel, kept)) if kept >= 0 else (channel, channel)
            os.closerange(3, low)
            os.closerange(low + 1, high)
            os.closerange(high + 1, _DESCRIPTORS)
            with socket.socket(fileno=channel) as line:
                self._lock.close(self._pid)
                child.run(line)
        finally:
            os._exit(0)  # no handlers, no flushing: whatever they hold belongs to the parent

    def _attend(self, descriptor: int, poll: select.poll) -> None:
        """A child has ended, or nobody waits for it any more."""
        for pid, run in list(self._children.items()):
            if descriptor == run.pidfd:
                _, status = os.waitpid(pid, 0)
                with contextlib.suppress(BrokenPipeError):
                    os.write(run.exit_pipe, EXIT_REPORT.pack(status))
                if not run.abandoned:
                    poll.unregister(run.exit_pipe)
                poll.unregister(run.pidfd)
                os.close(run.pidfd)
                os.close(run.exit_pipe)
                del self._children[pid]
            elif descriptor == run.exit_pipe and not run.abandoned:
                # It has answered and been believed, or has had its time. An honest child is ending by itself.
                run.abandoned = True
                poll.unregister(run.exit_pipe)
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


def settle() -> None:
    """What is here now will never be freed: keep the collector and the allocator from touching it, page by page."""
    gc.collect()
    gc.freeze()
    ctypes.CDLL(None).malloc_trim(0)


def main(arguments: list[str]) -> int:
    """Run until the service closes the socket."""
    parser = argparse.ArgumentParser(prog="fieldreport.scrub.sandbox.zygote")
    parser.add_argument("--socket", type=int, required=True)
    parser.add_argument("--codecs", action="store_true")
    parser.add_argument("--faces", action="store_true")
    # What a test adds. Only the process that starts this one writes its command line, and `Scrubber.start` never does.
    parser.add_argument("--also", action="append", default=[], help=argparse.SUPPRESS)
    options = parser.parse_args(arguments)
    service = socket.socket(fileno=os.dup(options.socket))  # at a low number, whatever the service had it at
    os.close(options.socket)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_DESCRIPTORS, _DESCRIPTORS))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the service decides when this ends, by closing the socket
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    registry.load_all(codecs=options.codecs)
    words.warm()
    if options.faces:
        faces.load()
    for path in options.also:
        _load_module(path)
    warm_up = WarmUp()
    warm_up.perform(lambda: False)
    _quiet()
    _expendable()
    lock = Lock.prepare(cpu_seconds=limits.SCRUB_CODECS_CPU_SECONDS if options.codecs else limits.SCRUB_CPU_SECONDS)
    lock.prove()
    settle()
    service.send(json.dumps(asdict(lock.status)).encode())
    Zygote(service, lock, warm_up).serve()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
