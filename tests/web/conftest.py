"""A real server in a process of its own, with a small application whose answers show what the server told it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.eventually import PATIENCE_SECONDS, eventually

# Bounds are shortened so that a test need not wait for the real ones.
_PROGRAM: Final = """
import sys
from fieldreport import limits
from fieldreport.errors import SettingsError
from fieldreport.web.serve import serve
from werkzeug.exceptions import HTTPException

limits.HEAD_SECONDS = 600 if "patient" in sys.argv else 1
limits.BODY_PATIENCE_SECONDS = 1
limits.KEEPALIVE_SECONDS, limits.SHUTDOWN_SECONDS = 1, 2
if "patient" in sys.argv:
    limits.BODY_PATIENCE_SECONDS = 600
for each in sys.argv:
    name, _, value = each.partition("=")
    if name.isupper():
        setattr(limits, name, type(getattr(limits, name))(value))

def application(environ, start_response):
    path = environ["PATH_INFO"]
    if path == "/broken":
        raise ZeroDivisionError("a secret in a message")
    if path == "/large":
        start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(100 * 65_536))])
        return (bytes(65_536) for _ in range(100))
    received = 0
    if path != "/unread":
        try:
            while piece := environ["wsgi.input"].read(limits.READ_BYTES):
                received += len(piece)
        except HTTPException as error:
            return error.get_response()(environ, start_response)
    body = f"{environ.get('REMOTE_ADDR')} {received}\\n".encode()
    start_response("200 OK", [("Content-Type", "text/plain"), ("Content-Length", str(len(body)))])
    return [body]

def build():
    if "broken-build" in sys.argv:
        raise SettingsError("no settings here")
    return application

peers = [each.removeprefix("peers=").split(",") for each in sys.argv if each.startswith("peers=")]
options = {"proxy_peers": peers[0]} if peers else {}
serve(build, listen=sys.argv[1], threads=int(sys.argv[2]), proxy_protocol="proxy" in sys.argv, **options)
"""


@dataclass(frozen=True)
class Server:
    port: int
    log_file: Path
    process: subprocess.Popen[bytes]

    def connect(self, timeout: float = PATIENCE_SECONDS) -> socket.socket:
        return socket.create_connection(("127.0.0.1", self.port), timeout=timeout)

    def talk(self, request: bytes, *, timeout: float = PATIENCE_SECONDS) -> bytes:
        """Send these bytes and read until the server closes."""
        with self.connect(timeout) as sock:
            sock.sendall(request)
            return read_all(sock)

    def has_connections(self) -> bool:
        """Whether the server has any connection open, as the kernel counts them."""
        here = f":{self.port:04X}"
        rows = [line.split() for line in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        return any(row[1].endswith(here) and row[3] in {"01", "04", "05", "08"} for row in rows)

    @property
    def log(self) -> str:
        return self.log_file.read_text()


def read_all(sock: socket.socket) -> bytes:
    """What comes until the other side closes; a reset counts as a failure."""
    received = b""
    while piece := sock.recv(65_536):
        received += piece
    return received


def read_answer(sock: socket.socket) -> bytes:
    """One answer with a Content-Length, on a connection that stays open."""
    received = b""
    while b"\r\n\r\n" not in received:
        received += sock.recv(65_536)
    head, _, body = received.partition(b"\r\n\r\n")
    length = int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])
    while len(body) < length:
        body += sock.recv(65_536)
    return head + b"\r\n\r\n" + body


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def running(log_file: Path, *options: str, threads: int = 4) -> Iterator[Server]:
    port = free_port()
    with log_file.open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, f"127.0.0.1:{port}", str(threads), *options], stderr=log
        )
    server = Server(port, log_file, process)
    try:
        await_worker(log_file, process)
        yield server
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(PATIENCE_SECONDS)


def await_worker(log_file: Path, process: subprocess.Popen[bytes]) -> None:
    eventually(lambda: "Booting worker" in log_file.read_text() or process.poll() is not None)
    assert process.poll() is None, "the server did not start"


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("server") / "log") as started:
        yield started


@pytest.fixture(scope="module")
def behind_proxy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with running(tmp_path_factory.mktemp("proxied") / "log", "proxy") as started:
        yield started
