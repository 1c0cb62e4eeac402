"""What other visitors notice while thousands of clients are slow, and what each slow client costs.

Some have sent the head of a form and one byte of its body, some a part of a head, some upload at a telephone's pace,
and some never close. Anybody who is cut off comes again.
"""

from __future__ import annotations

import multiprocessing
import resource
import socket
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from multiprocessing.sharedctypes import Synchronized
from typing import Final

from fieldreport.bench.letterbox import (
    Client,
    Zone,
    file_frame,
    form_body,
    post_head,
    report_form,
    running_desk,
    running_letterbox,
    unique_memory,
)
from fieldreport.bench.measure import Sheet
from fieldreport.errors import UsageError
from fieldreport.limits import MIB

_UPLOAD_RATE: Final = 20_000  # bytes a second, each
_NEVER_CLOSED: Final = 10  # new ones a second
_TICK_SECONDS: Final = 0.1
_SECONDS: Final = 15.0
_PAUSE_SECONDS: Final = 0.03
_POSTS: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class _Crowd:
    """How many are slow in which way, and at which page. ``upload_bytes``: what an upload announces."""

    bodies: int
    heads: int
    uploads: int
    upload_bytes: int
    path: str

    @property
    def size(self) -> int:
        return self.bodies + self.heads + self.uploads


_AT_THE_LETTERBOX: Final = _Crowd(bodies=2000, heads=500, uploads=200, upload_bytes=100 * MIB, path="/en/report")
_AT_THE_DESK: Final = _Crowd(bodies=200, heads=50, uploads=20, upload_bytes=7 * MIB, path="/sign-in")


def measure(sheet: Sheet) -> None:
    """Write six rows for the letterbox and six for the desk: pages, forms, memory, and whether the crowd was there."""
    with running_letterbox(workers=2, editors=("amira",)) as letterbox:
        _compare(sheet, "letterbox", letterbox, _AT_THE_LETTERBOX, _send_report)
    with running_desk() as desk:
        _compare(sheet, "desk", desk, _AT_THE_DESK, lambda client, _: client.post("/lock", form_body({})))


def _send_report(client: Client, page: bytes) -> object:
    return client.post(_AT_THE_LETTERBOX.path, form_body({**report_form(page), "report": "Nine trucks."}))


def _compare(sheet: Sheet, name: str, zone: Zone, crowd: _Crowd, post: Callable[[Client, bytes], object]) -> None:
    _visit(zone.port, crowd.path, post, _SECONDS / 5)
    idle, _ = _visit(zone.port, crowd.path, post, _SECONDS / 3)
    before = unique_memory(zone.workers)
    with _slow_clients(zone.port, crowd) as waiting:
        time.sleep(_SECONDS / 3)  # until all of them are there
        busy, slowest = _visit(zone.port, crowd.path, post, _SECONDS)
        each = (unique_memory(zone.workers) - before) / crowd.size
        held = waiting.value
    sheet.figure(f"{name}: page, p50, nobody else there", idle * 1000, "ms")
    sheet.figure(f"{name}: page, p50, among {crowd.size} slow clients", busy * 1000, "ms")
    sheet.figure("the second over the first", busy / idle, "times", at_most=1.5)
    sheet.figure("slowest text form among them", slowest, "s", at_most=1)
    sheet.figure("unique memory of a slow client", each / MIB, "MiB", at_most=0.1)
    sheet.figure(f"of {crowd.bodies} idle bodies, still held at the end", held, "", at_least=crowd.bodies * 0.95)


def _visit(port: int, path: str, post: Callable[[Client, bytes], object], seconds: float) -> tuple[float, float]:
    """The median time of a page and the longest of a form, at a reader's pace."""
    pages: list[float] = []
    posts: list[float] = []
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        with Client(port) as client:  # a fresh connection each time has to be accepted, too
            began = time.perf_counter()
            page = client.get(path)
            pages.append(time.perf_counter() - began)
            if len(pages) % 20 == 0 and len(posts) < _POSTS:
                began = time.perf_counter()
                post(client, page)
                posts.append(time.perf_counter() - began)
        time.sleep(_PAUSE_SECONDS)
    return statistics.median(pages), max(posts, default=0.0)


@contextmanager
def _slow_clients(port: int, crowd: _Crowd) -> Iterator[Synchronized[int]]:
    """The crowd, in a process of its own, for as long as the block runs; how many idle bodies the server holds."""
    context = multiprocessing.get_context("fork")
    waiting = context.Value("i", 0)
    process = context.Process(target=_be_slow, args=(port, crowd, waiting), daemon=True)
    process.start()
    try:
        yield waiting
        if not process.is_alive():
            raise UsageError("the crowd was cut off by the server before the measuring was done")
    finally:
        process.terminate()
        process.join()


def _be_slow(port: int, crowd: _Crowd, waiting: Synchronized[int]) -> None:
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(8192, hard), hard))
    host = f"127.0.0.1:{port}"
    before, _ = file_frame()
    last = f"GET {crowd.path} HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n".encode()

    def body() -> socket.socket:
        return _connected(port, post_head(host, crowd.path, 1000) + b"-")

    def upload() -> socket.socket:
        return _connected(port, post_head(host, crowd.path, crowd.upload_bytes) + before)

    uploads = [upload() for _ in range(crowd.uploads)]
    bodies = [body() for _ in range(crowd.bodies)]
    heads = [_connected(port, b"G") for _ in range(crowd.heads)]
    unclosed: list[socket.socket] = []
    piece = bytes(int(_UPLOAD_RATE * _TICK_SECONDS))
    begin = time.monotonic()
    # Three times as long as anybody measures: the process ends by itself, too.
    for tick in range(int(3 * _SECONDS / _TICK_SECONDS)):
        for sock in uploads:
            with suppress(BlockingIOError):
                sock.send(piece)
        if tick % 10 == 0:
            heads = [sock if _is_held(sock, b"E") else _connected(port, b"G") for sock in heads]
            held = [_is_held(sock, b"") for sock in bodies]
            waiting.value = sum(held)
            bodies = [sock if is_held else body() for sock, is_held in zip(bodies, held, strict=True)]
        unclosed.extend(_connected(port, last) for _ in range(round(_NEVER_CLOSED * _TICK_SECONDS)))
        time.sleep(max(0.0, begin + (tick + 1) * _TICK_SECONDS - time.monotonic()))


def _is_held(sock: socket.socket, more: bytes) -> bool:
    """Send this, and see whether the server still waits for more: it has neither answered nor closed."""
    try:
        sock.send(more)
        sock.recv(1)
    except BlockingIOError:
        return True
    except OSError:
        pass
    sock.close()
    return False


def _connected(port: int, beginning: bytes) -> socket.socket:
    sock = socket.create_connection(("127.0.0.1", port))
    sock.sendall(beginning)
    sock.setblocking(False)
    return sock
