"""A 500 MB upload to a durable sealed blob, next to loopback, AEAD and fsync alone; its memory; hostile bodies.

Every type of file that we take is parsed in a locked child and needs to be read more than once, so there is no way
through in one pass; what is measured is the way through the scratch file, without the cleaning.
"""

from __future__ import annotations

import multiprocessing
import os
import socket
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from fieldreport.bench.letterbox import Client, free_port, near_boundary, served, unique_memory, workers_of
from fieldreport.bench.measure import Sheet, in_turn
from fieldreport.limits import MIB
from fieldreport.seal.stream import PayloadWriter

_BYTES: Final = 500_000_000
_PIECE: Final = 100_000
_HOSTILE_BYTES: Final = 100_000_000
_ROUNDS: Final = 3
_LOOK_SECONDS: Final = 0.05


def measure(sheet: Sheet) -> None:
    """Write three rows: the rate, the growth of memory, and the rate of hostile bodies."""
    with tempfile.TemporaryDirectory(prefix="fieldreport-bench-") as name:
        port, log = free_port(), Path(name) / "log"
        command = [sys.executable, "-m", "fieldreport.bench.plain_server", str(port), name]
        with served(command, port, log=log), _sink(Path(name)) as sink:
            random = [os.urandom(_PIECE)]

            def upload() -> None:
                with Client(port) as client:
                    client.upload("/seal", random * (_BYTES // _PIECE), _BYTES)

            def floor() -> None:
                with socket.create_connection(("127.0.0.1", sink)) as sock:
                    for _ in range(_BYTES // _PIECE):
                        sock.sendall(random[0])
                    sock.shutdown(socket.SHUT_WR)
                    sock.recv(1)

            with watched(workers_of(log, 1)) as growth:
                pair = in_turn(upload, floor, rounds=_ROUNDS)
            sheet.pair(
                "500 MB through the scratch file, bytes",
                pair,
                "loopback + AEAD + fsync",
                per_second=_BYTES,
                at_least=0.3,
            )
            sheet.figure("growth of unique memory meanwhile", max(growth) / MIB, "MiB", at_most=16)
            hostile = [near_boundary(_PIECE)]

            def post(pieces: list[bytes]) -> None:
                with Client(port) as client:
                    client.upload("/nothing", pieces * (_HOSTILE_BYTES // _PIECE), _HOSTILE_BYTES)

            sheet.pair(
                "hostile multipart body, bytes",
                in_turn(lambda: post(hostile), lambda: post(random), rounds=_ROUNDS),
                "random data",
                per_second=_HOSTILE_BYTES,
                at_least=0.2,
            )


@contextmanager
def watched(processes: tuple[int, ...]) -> Iterator[list[int]]:
    """The highest growth of the processes' own memory from now on."""
    ended, growth, before = threading.Event(), [0], unique_memory(processes)

    def look() -> None:
        while not ended.wait(_LOOK_SECONDS):
            growth.append(unique_memory(processes) - before)

    watcher = threading.Thread(target=look)
    watcher.start()
    try:
        yield growth
    finally:
        ended.set()
        watcher.join()


@contextmanager
def _sink(directory: Path) -> Iterator[int]:
    """A process that seals what arrives on a port into a file, makes it durable, and says so."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        # Forked while this process has one thread.
        process = multiprocessing.get_context("fork").Process(target=_receive, args=(listener, directory), daemon=True)
        process.start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            process.terminate()
            process.join()


def _receive(listener: socket.socket, directory: Path) -> None:
    while True:
        sock, _ = listener.accept()
        with sock, (directory / "floor").open("wb") as file:
            writer = PayloadWriter(os.urandom(16), file)
            while count := sock.recv_into(writer.space()):
                writer.advance(count)
            writer.close()
            file.flush()
            os.fsync(file.fileno())
            sock.sendall(b"d")
