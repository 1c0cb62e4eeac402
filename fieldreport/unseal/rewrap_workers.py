"""Re-wrapping on every core: processes that take headers and return them for other readers.

HPKE holds the interpreter's lock, so threads do not help. A worker is a fresh interpreter, not a fork: the desk has
threads, and a fork would inherit a lock that one of them holds. It gets the private keys through a pipe that no other
process can open, keeps them in memory only, and ends when its pipe is closed.

Rules: nothing is stored here; a worker returns what ``rewrap`` returns, in the order of what it was given; if a worker
dies, the whole run fails, and what was not returned was not done.

On the pipe, everything big endian: first a count and that many seeds of 32 bytes; then for each batch a count and that
many public keys of 1,216 bytes, a count and that many headers, each after its length. The answer to a batch is, for
each header, a length and a new header, or a length with its top bit set and an error's code.
"""

from __future__ import annotations

import os
import struct
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from queue import SimpleQueue
from types import TracebackType
from typing import IO, Final, Generic, Self, TypeVar

from fieldreport import hardening
from fieldreport.errors import NotARecipient, PlatformError, SealError
from fieldreport.seal.hybrid import PUBLIC_BYTES, SEED_BYTES, HybridIdentity, HybridRecipient
from fieldreport.unseal.rewrap import rewrap

_NUMBER: Final = struct.Struct(">I")
_REFUSED: Final = 1 << 31
Tag = TypeVar("Tag")


@dataclass(frozen=True, slots=True, kw_only=True)
class Batch(Generic[Tag]):
    """Headers for the same readers; the caller gets its ``tag`` back with the result."""

    tag: Tag
    headers: Sequence[bytes] = field(repr=False)
    recipients: Sequence[HybridRecipient]


class RewrapWorkers:
    """One worker a core. A context manager; for one caller at a time.

    Raises:
        PlatformError: a worker cannot be started, or died.
    """

    def __init__(self, identities: Sequence[HybridIdentity]) -> None:
        self._idle: SimpleQueue[_Worker] = SimpleQueue()
        self._workers: list[_Worker] = []
        seeds = [identity.seed for identity in identities]
        try:
            for _ in range(len(os.sched_getaffinity(0))):
                self._workers.append(_Worker(seeds))
        except BaseException:
            self._end()
            raise
        for worker in self._workers:
            self._idle.put(worker)
        self._threads = ThreadPoolExecutor(len(self._workers), thread_name_prefix="rewrap")

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._end()
        self._threads.shutdown(cancel_futures=True)

    def rewrap(self, batches: Iterable[Batch[Tag]]) -> Iterator[tuple[Tag, list[bytes | SealError]]]:
        """Re-wrap every batch, in their order, working a few batches ahead."""
        ahead: deque[tuple[Tag, Future[list[bytes | SealError]]]] = deque()
        for batch in batches:
            ahead.append((batch.tag, self._threads.submit(self._one, batch.headers, batch.recipients)))
            if len(ahead) > 2 * len(self._workers):
                tag, done = ahead.popleft()
                yield tag, done.result()
        while ahead:
            tag, done = ahead.popleft()
            yield tag, done.result()

    def _one(self, headers: Sequence[bytes], recipients: Sequence[HybridRecipient]) -> list[bytes | SealError]:
        worker = self._idle.get()
        try:
            return worker.rewrap(headers, recipients)
        finally:
            self._idle.put(worker)

    def _end(self) -> None:
        for worker in self._workers:
            worker.end()


class _Worker:
    """One process, as its parent sees it."""

    def __init__(self, seeds: Sequence[bytes]) -> None:
        self._lock = threading.Lock()
        # -P: nothing is imported from the directory that this happens to run in.
        command = [sys.executable, "-P", "-m", "fieldreport.unseal.rewrap_workers"]
        try:
            self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        except OSError:
            raise _worker_ended() from None
        try:
            self._send([_NUMBER.pack(len(seeds)), *seeds])
        except BaseException as error:
            self.end()
            if isinstance(error, OSError):
                raise _worker_ended() from None
            raise

    def rewrap(self, headers: Sequence[bytes], recipients: Sequence[HybridRecipient]) -> list[bytes | SealError]:
        """Do one batch."""
        pieces = [_NUMBER.pack(len(recipients)), *(recipient.public for recipient in recipients)]
        pieces.append(_NUMBER.pack(len(headers)))
        for header in headers:
            pieces += (_NUMBER.pack(len(header)), header)
        with self._lock:
            try:
                # The worker reads a batch whole before it answers, so neither end waits for the other to read.
                self._send(pieces)
                return [self._answer() for _ in headers]
            except (OSError, EOFError):
                raise _worker_ended() from None

    def end(self) -> None:
        """End the process; it holds nothing that could be lost."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:
                    continue  # it ended before it had read everything

    def _answer(self) -> bytes | SealError:
        length = _number(self._process.stdout)
        raw = _read(self._process.stdout, length & ~_REFUSED)
        if not length & _REFUSED:
            return raw
        kind = NotARecipient if raw == NotARecipient.code.encode() else SealError
        return kind("this sealed object cannot be re-wrapped", code=raw.decode("ascii"))

    def _send(self, pieces: Sequence[bytes]) -> None:
        if self._process.stdin is None:  # pragma: no cover - it was asked for
            raise _worker_ended()
        self._process.stdin.write(b"".join(pieces))
        self._process.stdin.flush()


def _worker_ended() -> PlatformError:
    return PlatformError("a process that re-wraps ended; what is left is done at the next unlock", code="rewrap-worker")


def _number(pipe: IO[bytes] | None) -> int:
    (number,) = _NUMBER.unpack(_read(pipe, _NUMBER.size))
    return int(number)


def _read(pipe: IO[bytes] | None, length: int) -> bytes:
    data = b"" if pipe is None else pipe.read(length)
    if len(data) != length:
        raise EOFError
    return data


def _work(orders: IO[bytes], answers: IO[bytes]) -> None:
    """The loop of a worker, until its input ends."""
    identities = [HybridIdentity(_read(orders, SEED_BYTES)) for _ in range(_number(orders))]
    known: dict[bytes, HybridRecipient] = {}
    while True:
        try:
            count = _number(orders)
        except EOFError:
            return
        publics = [_read(orders, PUBLIC_BYTES) for _ in range(count)]
        for public in publics:
            if public not in known:
                known[public] = HybridRecipient(public)
        recipients = [known[public] for public in publics]
        headers = [_read(orders, _number(orders)) for _ in range(_number(orders))]
        for header in headers:
            answers.write(_answer_for(header, identities, recipients))
        answers.flush()


def _answer_for(header: bytes, identities: Sequence[HybridIdentity], recipients: Sequence[HybridRecipient]) -> bytes:
    try:
        new = rewrap(header, identities=identities, recipients=recipients)
    except SealError as error:
        code = error.code.encode("ascii")
        return _NUMBER.pack(len(code) | _REFUSED) + code
    return _NUMBER.pack(len(new)) + new


if __name__ == "__main__":
    hardening.harden_process()  # before the keys are read: a new program inherits only the limit
    _work(sys.stdin.buffer, sys.stdout.buffer)
