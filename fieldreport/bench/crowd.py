"""What other visitors notice while hundreds of clients are slow, and what each slow client costs."""

from __future__ import annotations

import multiprocessing
import resource
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

from fieldreport.bench.letterbox import (
    Client,
    file_frame,
    form_body,
    post_head,
    report_form,
    running_letterbox,
    unique_memory,
)
from fieldreport.bench.measure import Sheet
from fieldreport.errors import UsageError
from fieldreport.limits import MIB

_UPLOADS: Final = 200
_HEADS: Final = 200
_UPLOAD_RATE: Final = 20_000  # bytes a second, each
_NEVER_CLOSED: Final = 10  # new ones a second
_TICK_SECONDS: Final = 0.1
_SECONDS: Final = 15.0
_PAUSE_SECONDS: Final = 0.03
_REPORTS: Final = 5
_PATH: Final = "/en/report"


def measure(sheet: Sheet) -> None:
    """Write three rows: the page, the report and the memory of a slow client."""
    with running_letterbox(workers=2, editors=("amira",)) as letterbox:
        _visit(letterbox.port, _SECONDS / 5)
        idle, _ = _visit(letterbox.port, _SECONDS / 3)
        before = unique_memory(letterbox.workers)
        with _slow_clients(letterbox.port):
            time.sleep(_SECONDS / 3)  # until all of them are there
            busy, slowest = _visit(letterbox.port, _SECONDS)
            each = (unique_memory(letterbox.workers) - before) / (_UPLOADS + _HEADS)
    sheet.figure("form, p50, nobody else there", idle * 1000, "ms")
    sheet.figure("form, p50, among 400 slow clients", busy * 1000, "ms")
    sheet.figure("the second over the first", busy / idle, "times", at_most=1.5)
    sheet.figure("slowest text report among them", slowest, "s", at_most=1)
    sheet.figure("unique memory of a slow client", each / MIB, "MiB", at_most=0.75)


def _visit(port: int, seconds: float) -> tuple[float, float]:
    """The median time of a page and the longest of a report, at a reader's pace."""
    pages: list[float] = []
    reports: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with Client(port) as client:  # a fresh connection each time has to be accepted, too
            began = time.perf_counter()
            page = client.get(_PATH)
            pages.append(time.perf_counter() - began)
            if len(pages) % 20 == 0 and len(reports) < _REPORTS:
                body = form_body({**report_form(page), "report": "Nine trucks."})
                began = time.perf_counter()
                client.post(_PATH, body)
                reports.append(time.perf_counter() - began)
        time.sleep(_PAUSE_SECONDS)
    return statistics.median(pages), max(reports, default=0.0)


@contextmanager
def _slow_clients(port: int) -> Iterator[None]:
    """The crowd, in a process of its own, for as long as the block runs."""
    process = multiprocessing.get_context("fork").Process(target=_be_slow, args=(port,), daemon=True)
    process.start()
    try:
        yield
        if not process.is_alive():
            raise UsageError("the crowd was cut off by the server before the measuring was done")
    finally:
        process.terminate()
        process.join()


def _be_slow(port: int) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, hard), hard))
    host = f"127.0.0.1:{port}"
    before, _ = file_frame()
    uploads = [_connected(port) for _ in range(_UPLOADS)]
    for sock in uploads:
        sock.sendall(post_head(host, _PATH, 100 * MIB) + before)
    heads = {_connected(port): time.monotonic() for _ in range(_HEADS)}
    idle: list[socket.socket] = []
    piece = bytes(int(_UPLOAD_RATE * _TICK_SECONDS))
    begin = time.monotonic()
    # Three times as long as anybody measures: the process ends by itself, too.
    for tick in range(int(3 * _SECONDS / _TICK_SECONDS)):
        for sock in uploads:
            with suppress(BlockingIOError):
                sock.send(piece)
        if tick % 10 == 0:
            _one_byte_each(heads, lambda: _connected(port))
        for _ in range(round(_NEVER_CLOSED * _TICK_SECONDS)):
            idle.append(_connected(port))
            idle[-1].send(f"GET /en/ HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode())
        time.sleep(max(0.0, begin + (tick + 1) * _TICK_SECONDS - time.monotonic()))


def _one_byte_each(heads: dict[socket.socket, float], connect: Callable[[], socket.socket]) -> None:
    """Send one more byte of every slow head; reconnect those that were cut off."""
    for sock in list(heads):
        try:
            sock.send(b"G")
        except OSError:
            sock.close()
            del heads[sock]
            heads[connect()] = time.monotonic()


def _connected(port: int) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port))
    sock.setblocking(False)
    return sock
