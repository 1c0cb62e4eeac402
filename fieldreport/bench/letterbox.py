"""A letterbox for a bench: a temporary installation, the real command, and a client that costs little.

Rules: everything happens on 127.0.0.1 and ends with the block; budgets are raised by the environment, nothing else of
the installation differs from one that ``fieldreport init`` makes.
"""

from __future__ import annotations

import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from fieldreport import config, installation
from fieldreport.errors import UsageError
from fieldreport.seal import Role
from fieldreport.unseal import key_file

EDITORS: Final = ("amira", "jonas", "mina", "tariq", "vera")
_START_SECONDS: Final = 60.0
_BOUNDARY: Final = "----FieldreportBench"
RAISED_RATES: Final = {
    **{f"{name}_RATE": "1000000000 per hour" for name in ("REPORT", "RETURN", "PAGE")},
    "LETTERS_PER_HOUR": "1000000000",
}
"""Settings of an intake that never says that somebody is too fast."""


class Client:
    """One connection that stays open. Speaks as much HTTP as our own answers need."""

    def __init__(self, port: int) -> None:
        self._sock = socket.create_connection(("127.0.0.1", port), timeout=120)
        self._sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._host = f"127.0.0.1:{port}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._sock.close()

    def get(self, path: str) -> bytes:
        """The body of a page; raises ``UsageError`` unless it is one: 200, or 403 of a desk that is locked."""
        self._sock.sendall(get_request(self._host, path))
        return self._answer()

    def post(self, path: str, body: bytes) -> bytes:
        """Post a form made by ``form_body``; raises as ``get``."""
        self._sock.sendall(post_head(self._host, path, len(body)) + body)
        return self._answer()

    def upload(self, path: str, pieces: Iterable[bytes], length: int) -> bytes:
        """Post a form with one file of ``length`` bytes, piece by piece; raises as ``get``."""
        before, after = file_frame()
        self._sock.sendall(post_head(self._host, path, len(before) + length + len(after)) + before)
        for piece in pieces:
            self._sock.sendall(piece)
        self._sock.sendall(after)
        return self._answer()

    def _answer(self) -> bytes:
        received = b""
        while (end := received.find(b"\r\n\r\n")) < 0:
            received += self._piece()
        need = end + 4 + content_length(received[:end])
        while len(received) < need:
            received += self._piece()
        if not received.startswith((b"HTTP/1.1 200 ", b"HTTP/1.1 403 ")):
            raise UsageError(f"the bench's own server answered {received[9:12].decode('latin-1')}")
        return received[end + 4 :]

    def _piece(self) -> bytes:
        piece = self._sock.recv(262_144)
        if not piece:
            raise UsageError("the bench's own server closed the connection")
        return piece


def get_request(host: str, path: str) -> bytes:
    """A GET on a connection that stays open."""
    return f"GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n".encode()


def post_head(host: str, path: str, length: int) -> bytes:
    """The head of a form's POST."""
    return (
        f"POST {path} HTTP/1.1\r\nHost: {host}\r\nContent-Type: multipart/form-data; boundary={_BOUNDARY}\r\n"
        f"Content-Length: {length}\r\n\r\n"
    ).encode()


def content_length(head: bytes) -> int:
    """What an answer's head says about its body."""
    return int(head.lower().partition(b"content-length:")[2].split(b"\r\n")[0])


def form_body(fields: Mapping[str, str]) -> bytes:
    """A form as a browser encodes it, without files."""
    parts = [
        f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return ("".join(parts) + f"--{_BOUNDARY}--\r\n").encode()


def file_frame() -> tuple[bytes, bytes]:
    """What stands before and after a file's content in a form with nothing else."""
    head = f'--{_BOUNDARY}\r\nContent-Disposition: form-data; name="files"; filename="a"\r\n\r\n'
    return head.encode(), f"\r\n--{_BOUNDARY}--\r\n".encode()


def near_boundary(length: int) -> bytes:
    """Content that is the start of the boundary over and over."""
    unit = f"\r\n--{_BOUNDARY[:-1]}".encode()
    return (unit * (length // len(unit) + 1))[:length]


def report_form(page: bytes) -> dict[str, str]:
    """The hidden fields of the report's page."""
    fields = dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)">', page.decode()))
    if not {"token", "codename", "form"} <= fields.keys():
        raise UsageError("the bench does not know the report's page any more")
    return fields


@dataclass(frozen=True, slots=True, kw_only=True)
class Zone:
    """A running intake or desk. ``workers``: the processes that answer requests."""

    settings: config.Settings
    port: int
    workers: tuple[int, ...]


@contextlib.contextmanager
def running_letterbox(*, workers: int, editors: Sequence[str] = ()) -> Iterator[Zone]:
    """Make an installation with an admin and editors, serve its intake, and remove both at the end."""
    rates = {f"FIELDREPORT_INTAKE_{name}": value for name, value in RAISED_RATES.items()}
    with _running("intake", {**rates, "FIELDREPORT_INTAKE_WORKERS": str(workers)}, workers, editors) as zone:
        yield zone


@contextlib.contextmanager
def running_desk() -> Iterator[Zone]:
    """Make an installation with an admin, serve its desk, and remove both at the end."""
    with _running("desk", {}, 1, ()) as zone:
        yield zone


@contextlib.contextmanager
def _running(zone: str, changes: Mapping[str, str], workers: int, editors: Sequence[str]) -> Iterator[Zone]:
    with tempfile.TemporaryDirectory(prefix="fieldreport-bench-") as name:
        port = free_port()
        made = installation.make(Path(name) / "newsroom", name="The Border Post", port=min(port, 65_533))
        admin = key_file.unlock(made.settings.desk.keyfiles / f"{made.admin.handle}.key", made.admin.passphrase)
        for handle in editors:
            installation.add_member(made.settings, handle=handle, role=Role.EDITOR, admin_key=admin)
        command = [sys.executable, "-m", "fieldreport.cli", "--settings", str(made.settings.path), zone]
        environment = {
            **os.environ,
            **changes,
            f"FIELDREPORT_{zone.upper()}_LISTEN": f"127.0.0.1:{port}",
            "FIELDREPORT_SCRUB_REQUIRE_SANDBOX": "false",
        }
        with served(command, port, environment=environment, log=Path(name) / "log"):
            yield Zone(settings=made.settings, port=port, workers=workers_of(Path(name) / "log", workers))


@contextlib.contextmanager
def served(
    command: Sequence[str], port: int, *, log: Path, environment: Mapping[str, str] | None = None
) -> Iterator[None]:
    """A server process, from when it answers on its port until the end of the block.

    Raises:
        UsageError: it ended, or does not come up.

    """
    with log.open("wb") as errors:
        process = subprocess.Popen(command, stderr=errors, env=environment)
    try:
        deadline = time.monotonic() + _START_SECONDS
        while b"Booting worker" not in log.read_bytes():
            if process.poll() is not None or time.monotonic() > deadline:
                raise UsageError(f"the bench's own server did not start: {log.read_text()[-300:]}")
            time.sleep(0.02)
        with socket.create_connection(("127.0.0.1", port), timeout=_START_SECONDS):
            pass
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait()


def free_port() -> int:
    """A port of 127.0.0.1 that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def workers_of(log: Path, count: int) -> tuple[int, ...]:
    """The processes that answer, once all have started."""
    booted: list[str] = []
    while len(booted) < count:
        booted = re.findall(r"Booting worker with pid: (\d+)", log.read_text())
        time.sleep(0.02)
    return tuple(int(each) for each in booted)


def unique_memory(processes: Sequence[int]) -> int:
    """Bytes of memory that only these processes hold, each for itself."""
    total = 0
    for process in processes:
        text = Path(f"/proc/{process}/smaps_rollup").read_text(encoding="ascii")
        total += sum(int(size) for size in re.findall(r"^Private_(?:Clean|Dirty): +(\d+) kB", text, re.MULTILINE))
    return total * 1024
