"""A PostgreSQL and a Redis for a bench: the programs of the distribution, as they come, in a temporary directory.

PostgreSQL writes durably, as a newsroom's does. It refuses to run as root, so that root starts it as somebody else.
"""

from __future__ import annotations

import os
import pwd
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from fieldreport.bench.letterbox import free_port
from fieldreport.errors import UsageError

_START_SECONDS: Final = 60.0
_OWNER: Final = "fieldreport"


@contextmanager
def postgresql(directory: Path) -> Iterator[str]:
    """A server whose cluster is in ``directory``, until the end of the block; the SQLAlchemy URL of a database.

    Raises:
        UsageError: its programs are not installed, or it does not start.
    """
    programs = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not programs:
        raise UsageError("this part needs PostgreSQL: apt install postgresql")
    directory.mkdir()
    words: list[str] = []
    if os.geteuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(directory, user.pw_uid, user.pw_gid)
        words = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]
    data = directory / "data"
    made = ["-D", str(data), "-A", "trust", "-U", _OWNER, "-E", "UTF8", "--locale=C"]
    subprocess.run([*words, str(programs[-1] / "initdb"), *made], check=True, capture_output=True, cwd="/")
    run = [str(programs[-1] / "postgres"), "-D", str(data), "-k", str(directory), "-c", "listen_addresses="]
    with _running([*words, *run], (directory / ".s.PGSQL.5432").exists):
        yield f"postgresql://{_OWNER}@/postgres?host={directory}"


@contextmanager
def redis(directory: Path) -> Iterator[str]:
    """A server that writes nothing to a disk, until the end of the block; its URL.

    Raises:
        UsageError: it is not installed, or does not start.
    """
    if shutil.which("redis-server") is None:
        raise UsageError("this part needs Redis: apt install redis-server")
    port = free_port()
    command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--dir", str(directory)]
    with _running(command, lambda: _listens(port)):
        yield f"redis://127.0.0.1:{port}"


@contextmanager
def _running(command: list[str], is_up: Callable[[], bool]) -> Iterator[None]:
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd="/")
    try:
        deadline = time.monotonic() + _START_SECONDS
        while not is_up():
            if process.poll() is not None or time.monotonic() > deadline:
                raise UsageError(f"the bench's own {Path(command[0]).name} did not start")
            time.sleep(0.02)
        yield
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
