"""Before a process holds a key it gives up core dumps and debuggers, and refuses files that others can look into."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from fieldreport import config, hardening
from fieldreport.errors import SettingsError

# What a fresh process finds out about itself and about a fork: is it dumpable, and how large may a core be?
_LOOK = """
import ctypes, os, resource, sys

def look(who):
    dumpable = ctypes.CDLL(None).prctl(3, 0, 0, 0, 0)  # PR_GET_DUMPABLE
    print(who, dumpable, *resource.getrlimit(resource.RLIMIT_CORE), flush=True)

look("before")
from fieldreport.cli import main
main(["--settings", "none.toml", "collect"], standalone_mode=False)
look("after")
if os.fork() == 0:
    look("fork")
    os._exit(0)
os.wait()
"""


def test_every_command_gives_up_core_dumps_for_itself_and_its_forks(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", _LOOK], capture_output=True, text=True, timeout=60, check=False, cwd=tmp_path
    )
    lines = done.stdout.splitlines()
    assert lines[0].startswith("before 1 "), done.stdout + done.stderr
    assert lines[1:] == ["after 0 0 0", "fork 0 0 0"]


def test_a_process_that_is_ended_by_a_fault_leaves_no_core(tmp_path: Path) -> None:
    act = "from fieldreport import hardening; import os; hardening.harden_process(); os.abort()"
    with subprocess.Popen([sys.executable, "-c", act], cwd=tmp_path) as process:
        _, status = os.waitpid(process.pid, 0)
        process.returncode = status
    assert os.WTERMSIG(status) == signal.SIGABRT
    assert not os.WCOREDUMP(status)
    assert list(tmp_path.iterdir()) == []


# --- modes ---


@pytest.mark.parametrize(
    ("mode", "to_group", "advice"),
    [
        (0o700, True, None),
        (0o750, True, "chmod 700"),
        (0o701, True, "chmod 700"),
        (0o750, False, None),
        (0o770, False, None),
        (0o755, False, "chmod 750"),
        (0o600, True, None),
        (0o644, True, "chmod 600"),
    ],
)
def test_what_others_can_look_into_is_refused_with_what_to_run(
    tmp_path: Path, mode: int, *, to_group: bool, advice: str | None
) -> None:
    path = tmp_path / "data"
    path.mkdir()
    path.chmod(mode)
    if advice is None:
        hardening.check_private(path, to_group=to_group)
    else:
        with pytest.raises(SettingsError) as refused:
            hardening.check_private(path, to_group=to_group)
        assert refused.value.detail == f"others can look into {path}; run: {advice} {path}"


def test_what_is_not_there_yet_is_closed(tmp_path: Path) -> None:
    hardening.check_private(tmp_path / "later")


def test_a_directory_that_is_made_is_closed_whatever_the_mask(tmp_path: Path) -> None:
    before = os.umask(0)
    try:
        hardening.private_directory(tmp_path / "a" / "data")
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "a" / "data").stat().st_mode) == 0o700
    (tmp_path / "a" / "data").chmod(0o711)
    with pytest.raises(SettingsError):
        hardening.private_directory(tmp_path / "a" / "data")


def test_settings_that_anybody_may_write_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "fieldreport.toml"
    path.write_text("")
    path.chmod(0o666)
    with pytest.raises(SettingsError, match="anybody on this machine may write"):
        config.load(path, {})
    path.chmod(0o664)
    with pytest.raises(SettingsError, match="lacks a needed key"):
        config.load(path, {})
