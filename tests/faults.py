"""Fixtures of all tests: servers of their own that may be killed and frozen."""

from __future__ import annotations

import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.eventually import eventually
from tests.store.throwaway_postgres import Faulty
from tests.store.throwaway_s3 import S3Server


@pytest.fixture
def faulty() -> Iterator[Faulty]:
    """A PostgreSQL server that runs when a test begins."""
    server = Faulty()
    yield server
    if server.runs():
        server.thaw()
    else:
        server.restart()


@pytest.fixture(scope="session")
def s3_server() -> Iterator[S3Server]:
    """An S3 server, and credentials for it in the environment."""
    pytest.importorskip("moto", reason="needs moto, which imitates S3")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("AWS_ACCESS_KEY_ID", "test")
        environment.setenv("AWS_SECRET_ACCESS_KEY", "test")
        server = S3Server()
        yield server
        server.stop()


@pytest.fixture
def redis_server(tmp_path: Path) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A real Redis, and its URL."""
    import redis

    program = shutil.which("redis-server")
    assert program is not None
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen(
        [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(tmp_path)],
        stdout=subprocess.DEVNULL,
    )
    try:
        with redis.Redis(port=port) as client:

            def answers() -> bool:
                with suppress(redis.ConnectionError):
                    return bool(client.ping())
                return False

            eventually(answers)
        yield f"redis://127.0.0.1:{port}/0", process
    finally:
        process.kill()
        process.wait()
