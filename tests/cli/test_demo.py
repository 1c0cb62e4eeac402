"""The demo's command: what it prints while it starts, a second start beside it, and its reload for developers."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import fieldreport
from fieldreport.cli.demo_run import _watch
from fieldreport.unseal import machine_secret
from tests.cli.conftest import free_ports, refused, run
from tests.eventually import answers, eventually

PACKAGE = Path(fieldreport.__file__).parent


class RunningDemo:
    """A demo in a process of its own, and the lines it has printed."""

    def __init__(self, directory: Path, port: int) -> None:
        self.directory = directory
        self.port = port
        self._output = directory.with_suffix(".out")
        command = [sys.executable, "-m", "fieldreport.cli", "demo", "--reload"]
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, "--dir", str(directory), "--port", str(port)], stdout=output, stderr=output
            )

    def lines(self) -> list[str]:
        return self._output.read_text(encoding="utf-8").splitlines()

    def await_line(self, beginning: str) -> None:
        def printed() -> bool:
            assert self.process.poll() is None, self.lines()
            return any(line.strip().startswith(beginning) for line in self.lines())

        eventually(printed)

    def await_page(self) -> None:
        address = f"http://127.0.0.1:{self.port + 1}/sign-in"
        eventually(lambda: answers(address, self.process))
        assert httpx.get(address).status_code == 200


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RunningDemo]:
    started = RunningDemo(tmp_path_factory.mktemp("running") / "demo", free_ports())
    try:
        started.await_line("Stop with Ctrl-C")
        yield started
    finally:
        started.process.terminate()
        started.process.wait(60)


def test_it_says_what_it_does_while_it_starts_and_keeps_the_servers_lines_to_a_file(running: RunningDemo) -> None:
    lines = running.lines()
    assert lines[0] == f"Starting a demonstration newsroom in {running.directory}."
    assert [line.strip() for line in lines[1:3]] == [
        "Making keys for an admin and two editors.",
        "Starting the intake, the desk and the press.",
    ]
    assert not any(re.search(r"Listening at|\bpid\b", line) for line in lines)  # "rapid" is a word of codenames
    assert "Listening at" in (running.directory / "zones.log").read_text(encoding="utf-8")


def test_its_key_files_cost_what_every_newsrooms_do(running: RunningDemo) -> None:
    files = list((running.directory / "desk" / "keyfiles").glob("*.key"))
    assert {file.stem for file in files} == {"lena", "amira", "jonas"}
    inside = [machine_secret.open_(file, file.read_bytes()) for file in files]
    assert all(b"\nargon2id 262144 3 4\n" in each for each in inside)


def test_a_second_start_in_the_same_directory_says_who_runs_there_and_what_to_do(running: RunningDemo) -> None:
    settings = (running.directory / "fieldreport.toml").read_bytes()
    line = refused(run("demo", "--dir", running.directory, "--port", str(free_ports())), 64)
    assert f"process {running.process.pid}" in line
    assert f"'kill {running.process.pid}'" in line
    assert "--port" in line
    assert (running.directory / "fieldreport.toml").read_bytes() == settings


def test_a_second_start_on_the_same_ports_says_what_to_do(running: RunningDemo, tmp_path: Path) -> None:
    line = refused(run("demo", "--dir", tmp_path / "other", "--port", str(running.port)), 64)
    assert f"port {running.port} of 127.0.0.1 is in use" in line
    assert "--port" in line


def test_reload_starts_the_zones_again_when_a_file_has_changed(running: RunningDemo) -> None:
    style = PACKAGE / "desk" / "static" / "desk.css"
    before = style.stat()
    try:
        os.utime(style, ns=(before.st_atime_ns, before.st_mtime_ns + 10**9))
        running.await_line("A file has changed: restarting.")
        running.await_page()
    finally:
        os.utime(style, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert running.process.poll() is None


@pytest.mark.parametrize("name", ["module.py", "page.html", "style.css"])
def test_a_changed_new_or_removed_source_file_is_noticed_once(tmp_path: Path, name: str) -> None:
    changed, path = _watch(tmp_path), tmp_path / "room" / name
    path.parent.mkdir()
    assert not changed()
    path.write_text("1")
    assert changed()
    assert not changed()
    os.utime(path, ns=(0, 0))
    assert changed()
    path.unlink()
    assert changed()
    (tmp_path / "module.pyc").write_text("no source")
    assert not changed()
