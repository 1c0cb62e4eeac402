"""A PostgreSQL server of our own for as long as the test run lasts: temporary directory, Unix socket, no network.

Loaded by the conftest files that need PostgreSQL; one server serves them all. PostgreSQL refuses to run as
root, so root starts it as an unprivileged user.
"""

from __future__ import annotations

import atexit
import contextlib
import functools
import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

import psycopg
import pytest

_OWNER = "fieldreport"
_START_SECONDS = 60
_SETTINGS = ["-c", "listen_addresses=", "-c", "fsync=off", "-c", "full_page_writes=off"]


def _programs() -> Path:
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"))
    on_path = shutil.which("initdb")
    if not found and on_path is None:
        pytest.skip("needs a PostgreSQL server")
    return found[-1].parent if found else Path(str(on_path)).resolve().parent


def _as_nobody_special() -> tuple[list[str], int]:
    """Return the words that put a command under an unprivileged user, and that user's id."""
    if os.geteuid() != 0:
        return [], os.geteuid()
    for name in ("postgres", "nobody"):
        with contextlib.suppress(KeyError):
            user = pwd.getpwnam(name)
            # The server dies with the test run, however that ends.
            words = ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups"]
            return [*words, "--pdeathsig=INT", "--"], user.pw_uid
    pytest.skip("needs an unprivileged user to run PostgreSQL as")


@functools.cache
def start(*settings: str) -> Path:
    """Start a server with these settings (``NAME=VALUE``), if it does not run yet; return the directory of its socket.

    Its cluster is ``data`` in there.
    """
    programs = _programs()
    words, user = _as_nobody_special()
    home = Path(tempfile.mkdtemp(prefix="fieldreport-pg-"))
    os.chown(home, user, -1)
    home.chmod(0o755)
    data = home / "data"
    # No sync and no host authentication: nothing here outlives the run, and the directory is its owner's alone.
    subprocess.run(
        [*words, programs / "initdb", "-D", data, "-A", "trust", "-U", _OWNER, "-E", "UTF8", "--locale=C", "--no-sync"],
        check=True,
        capture_output=True,
        cwd="/",
    )
    server = _run(home, *settings)
    atexit.register(_stop, server, home)
    return home


def _run(home: Path, *settings: str) -> subprocess.Popen[bytes]:
    words, _ = _as_nobody_special()
    options = [word for setting in settings for word in ("-c", setting)]
    server = subprocess.Popen(
        [*words, str(_programs() / "postgres"), "-D", str(home / "data"), "-k", str(home), *_SETTINGS, *options],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd="/",
    )
    _wait_for(home)
    return server


class Faulty:
    """A server of its own that can be killed, started again, and stopped like a machine that hangs."""

    _SETTING = "log_statement=none"  # tells it from the one that all tests share

    def __init__(self) -> None:
        self.home = start(self._SETTING)

    def freeze(self) -> None:
        """Stop the server and its children where they are: lines stay open, and nobody answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        """Let them go on."""
        self._signal(signal.SIGCONT)

    def kill(self) -> None:
        """As ``pg_ctl stop -m immediate``: no connection is told, and the next start recovers."""
        pid = self._pid()
        os.kill(pid, signal.SIGQUIT)
        deadline = time.monotonic() + _START_SECONDS
        while self.runs() and time.monotonic() < deadline:
            with contextlib.suppress(ChildProcessError):
                os.waitpid(pid, os.WNOHANG)
            time.sleep(0.02)

    def runs(self) -> bool:
        """Whether it was not killed."""
        return (self.home / "data" / "postmaster.pid").exists()

    def restart(self) -> None:
        """Start it again after ``kill``."""
        atexit.register(_stop, _run(self.home, self._SETTING), self.home)

    def _pid(self) -> int:
        return int((self.home / "data" / "postmaster.pid").read_text().split()[0])

    def _signal(self, number: int) -> None:
        pid = self._pid()
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in (pid, *map(int, children)):
            with contextlib.suppress(ProcessLookupError):
                os.kill(each, number)


def _wait_for(home: Path) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        try:
            psycopg.connect(host=str(home), user=_OWNER, dbname="postgres").close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                raise
            time.sleep(0.05)
        else:
            return


def _stop(server: subprocess.Popen[bytes], home: Path) -> None:
    if server.poll() is None:
        server.send_signal(signal.SIGINT)
        server.wait(30)
    shutil.rmtree(home, ignore_errors=True)


def execute(statement: str, *, home: Path | None = None) -> None:
    """Run one statement as the server's owner, outside transactions."""
    with psycopg.connect(host=str(home or start()), user=_OWNER, dbname="postgres", autocommit=True) as connection:
        connection.execute(statement.encode())


def fresh_database(*, like: str = "template1", home: Path | None = None) -> str:
    """Create a database of a random name, as a copy of another one, and return its SQLAlchemy URL.

    ``home``: of one of the servers that ``start`` started; the one without settings unless given.
    """
    home = home or start()
    name = f"t{secrets.token_hex(8)}"
    # Not through the log, which the tests of forgetting read.
    execute(f'CREATE DATABASE "{name}" TEMPLATE "{like}" STRATEGY file_copy', home=home)
    return f"postgresql://{_OWNER}@/{name}?host={home}"
