"""S3 servers of our own, in processes of their own so that they can be frozen: OpenStack Swift, and moto.

Swift is a real one, and of a package. moto imitates the API, and comes as a wheel wherever the tests do.
"""

from __future__ import annotations

import os
import secrets
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.eventually import eventually

CREDENTIALS = {"AWS_ACCESS_KEY_ID": "newsroom:test", "AWS_SECRET_ACCESS_KEY": "secret"}
"""Of both servers, for the client's environment."""

_MOTO = "from moto.server import main; import sys; main(['-H', '127.0.0.1', '-p', sys.argv[1]])"
_SWIFT = Path(__file__).with_name("swift_servers.py")
_DISTRIBUTION_PYTHON = "/usr/bin/python3"
_REGION = "us-east-1"


class S3Server:
    """A server at the first of the ports; ``stop`` ends it. ``CREDENTIALS`` must be in the environment."""

    def __init__(self, command: list[str], ports: list[int]) -> None:
        self.endpoint = f"http://127.0.0.1:{ports[0]}"
        self._process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        eventually(lambda: all(map(_listens, ports)))

    def client(self) -> Any:
        """A client of our own."""
        import boto3  # takes a moment, which only these tests should cost

        return boto3.client("s3", endpoint_url=self.endpoint, region_name=_REGION)

    def bucket(self) -> str:
        """The URL of a payload store in a new bucket."""
        name = f"newsroom-{secrets.token_hex(4)}"
        self.client().create_bucket(Bucket=name)
        return f"s3://{name}/desk?endpoint={self.endpoint}&region={_REGION}"

    def freeze(self) -> None:
        """Stop it where it is: it takes connections, and does not answer."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it."""
        self._signal(signal.SIGKILL)
        self._process.wait()

    def _signal(self, number: int) -> None:
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in (pid, *map(int, children)):
            os.kill(each, number)


def moto() -> S3Server:
    """Start moto's server."""
    (port,) = _free_ports(1)
    return S3Server([sys.executable, "-c", _MOTO, str(port)], [port])


def swift(home: Path) -> S3Server:
    """Start Swift in an empty directory, whose file system must keep extended attributes."""
    ports = _free_ports(5)
    return S3Server([_DISTRIBUTION_PYTHON, str(_SWIFT), str(home), *map(str, ports)], ports)


def _free_ports(count: int) -> list[int]:
    with ExitStack() as stack:
        probes = [stack.enter_context(socket.socket()) for _ in range(count)]
        for probe in probes:
            probe.bind(("127.0.0.1", 0))
        return [probe.getsockname()[1] for probe in probes]


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
