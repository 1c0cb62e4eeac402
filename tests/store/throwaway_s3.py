"""An S3 server of our own, in a process of its own so that it can be frozen: moto's, which imitates the API."""

from __future__ import annotations

import secrets
import signal
import socket
import subprocess
import sys
from typing import Any

from tests.eventually import eventually

_PROGRAM = "from moto.server import main; import sys; main(['-H', '127.0.0.1', '-p', sys.argv[1]])"
_REGION = "us-east-1"


class S3Server:
    """The server; ``stop`` ends it. The client's credentials must be in the environment."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]
        self.endpoint = f"http://127.0.0.1:{self._port}"
        self._process = subprocess.Popen(
            [sys.executable, "-c", _PROGRAM, str(self._port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        eventually(self._listens)

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
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        self._process.send_signal(signal.SIGCONT)

    def stop(self) -> None:
        """End it."""
        self.thaw()
        self._process.kill()
        self._process.wait()

    def _listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0
