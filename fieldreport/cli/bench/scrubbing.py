"""Cleaning one file of each type behind the lock, beside mat2 and exiftool where they are installed.

mat2 runs inside a process of its own that stays warm, as our cleaner does, so that neither is charged for starting;
exiftool runs as it is used, a process a file. What mat2 refuses has no floor and says so.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from fieldreport.cli.bench.measuring import Sheet, in_turn
from fieldreport.cli.bench.samples import samples
from fieldreport.scratch import Scratch
from fieldreport.scrub.scrubber import Scrubber

_ROUNDS: Final = 15
# Where a distribution puts the Python that its mat2 belongs to.
_SYSTEM_PYTHON: Final = "/usr/bin/python3"
_DRIVER: Final = """
import json, sys
from libmat2 import parser_factory
for line in sys.stdin:
    source, target = json.loads(line)
    try:
        parser, _ = parser_factory.get_parser(source)
        parser.output_filename = target
        done = bool(parser.remove_all())
    except Exception:
        done = False
    print(json.dumps(done), flush=True)
"""


def measure(sheet: Sheet) -> None:
    """Write, for each type, cleaning beside mat2 and beside exiftool, and the largest process of one cleaning."""
    with (
        tempfile.TemporaryDirectory() as name,
        Scrubber.start(directory=Path(name), require_sandbox=False) as scrubber,
        _Mat2() as mat2,
    ):
        if mat2.missing:
            sheet.note("mat2 is not installed here: no floor")
        if shutil.which("exiftool") is None:
            sheet.note("exiftool is not installed here: not compared")
        for kind, make in samples().items():
            path = Path(name, f"sample.{kind}")
            path.write_bytes(make())
            _one(sheet, kind, path, scrubber, mat2)


def _one(sheet: Sheet, kind: str, path: Path, scrubber: Scrubber, mat2: _Mat2) -> None:
    target = path.with_name(f"clean.{kind}")
    with Scratch(path.parent) as source:
        source.write(path.read_bytes())

        def ours() -> None:
            with scrubber.clean(source).output:
                pass

        label = f"clean {kind}, {path.stat().st_size / 1000:.0f} kB"
        if mat2.cleans(path, target):
            pair = in_turn(ours, lambda: mat2.cleans(path, target), rounds=_ROUNDS)
            sheet.pair(label, pair, "mat2", at_most=1.0)
        else:
            pair = in_turn(ours, ours, rounds=_ROUNDS)
            sheet.figure(f"{label}, which mat2 does not clean", pair.seconds * 1000, "ms")
        exiftool = _exiftool(path, target)
        if exiftool is not None:
            sheet.pair(label, in_turn(ours, exiftool, rounds=3), "exiftool")
    sheet.figure(f"{label}, largest process", _largest_process(path) / 1024, "MiB")


def _exiftool(path: Path, target: Path) -> Callable[[], object] | None:
    """A call that lets exiftool clean the file; nothing where it is missing or does not write this type."""
    program = shutil.which("exiftool")
    if program is None:
        return None

    def run() -> int:
        target.unlink(missing_ok=True)
        command = [program, "-q", "-all=", "-o", str(target), str(path)]
        return subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode

    return run if run() == 0 else None


def _largest_process(path: Path) -> int:
    """Kibibytes that the largest process held at its peak while a command of its own cleaned the file."""
    command = [sys.executable, "-m", "fieldreport.cli", "scrub", "--check", "--without-sandbox", str(path)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
    return usage.ru_maxrss


class _Mat2:
    """mat2 in a warm process, where the machine has it."""

    def __init__(self) -> None:
        self._process: subprocess.Popen[str] | None = None
        there = shutil.which(_SYSTEM_PYTHON) is not None and _succeeds([_SYSTEM_PYTHON, "-c", "import libmat2"])
        self.missing = not there
        if there:
            self._process = subprocess.Popen(
                [_SYSTEM_PYTHON, "-c", _DRIVER],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                text=True,
            )

    def cleans(self, path: Path, target: Path) -> bool:
        """Let it clean one file; whether it did."""
        if self._process is None or self._process.stdin is None or self._process.stdout is None:
            return False
        self._process.stdin.write(json.dumps([str(path), str(target)]) + "\n")
        self._process.stdin.flush()
        return bool(json.loads(self._process.stdout.readline()))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if self._process is not None:
            self._process.communicate()


def _succeeds(command: list[str]) -> bool:
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    return done.returncode == 0
