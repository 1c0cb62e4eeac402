"""Fixtures of all tests: servers of their own that may be killed and frozen."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.eventually import eventually
from tests.store.throwaway_postgres import Faulty
from tests.store.throwaway_s3 import CREDENTIALS, S3Server, moto, swift

NAMESPACE = ("unshare", "--user", "--map-root-user", "--mount")
"""In which somebody who is not root may mount."""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """``tmp_path``, on a file system of its own with 96 MiB. Name it before the fixtures that put something there."""
    if os.geteuid() == 0:
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=96m,mode=0700", "none", str(tmp_path)], check=True)
    yield tmp_path
    if os.geteuid() == 0:
        subprocess.run(["umount", "--lazy", str(tmp_path)], check=True)


def runs_again_as_root(item: pytest.Function) -> bool:
    """Whether a test needs to mount and may not, and has therefore been run once more, and passed, where it may."""
    if "small_disk" not in item.fixturenames or os.geteuid() == 0:
        return False
    again = [*NAMESPACE, sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", item.nodeid]
    done = subprocess.run(again, check=False, capture_output=True, text=True, cwd=item.config.rootpath)
    assert done.returncode == 0, done.stdout
    return True


def fill(directory: Path) -> Path:
    """Take everything that is left of a file system; return the file that takes it."""
    path = directory / "fills-the-disk"
    with path.open("wb", buffering=0) as file:
        for piece in (1 << 20, 1 << 12, 1):
            with suppress(OSError):
                while file.write(bytes(piece)):
                    pass
    return path


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
def s3_credentials() -> Iterator[None]:
    """What the client needs, in the environment."""
    with pytest.MonkeyPatch.context() as environment:
        for name, value in CREDENTIALS.items():
            environment.setenv(name, value)
        yield


@pytest.fixture(scope="session")
def moto_server(s3_credentials: None) -> Iterator[S3Server]:
    """An imitation of S3."""
    pytest.importorskip("moto", reason="needs moto, which imitates S3")
    server = moto()
    yield server
    server.stop()


@pytest.fixture(scope="session")
def swift_server(s3_credentials: None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real S3 server; ask for it with the marker ``swift``."""
    server = swift(tmp_path_factory.mktemp("swift"))
    yield server
    server.stop()


@pytest.fixture(params=["moto", pytest.param("swift", marks=pytest.mark.swift)])
def s3_server(request: pytest.FixtureRequest) -> S3Server:
    """An S3 server, once of each kind."""
    server: S3Server = request.getfixturevalue(f"{request.param}_server")
    return server


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
