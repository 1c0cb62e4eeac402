"""Cleaning one file of each type in the locked child, next to mat2 and exiftool where they are installed.

mat2 runs inside a process of its own that stays warm, as our cleaner does, so that neither is charged for starting, and
both find the machine at rest; exiftool runs as it is used, a process a file. What mat2 refuses has no floor and says
so.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, Self

from fieldreport.bench import fidelity
from fieldreport.bench.measure import Sheet, in_turn
from fieldreport.bench.samples import samples
from fieldreport.scratch import Scratch
from fieldreport.scrub.sandbox.service import Scrubber

_ROUNDS: Final = 25
_IN_A_ROW: Final = 40
# Before each file, so that the next child is ready: forking one takes longer than cleaning many a file. Without it, as
# "one right after the other", what is measured is the forking.
_REST_SECONDS: Final = 0.02
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
    """Write for each type: cleaning next to mat2 and exiftool, whether the content survived, the child's memory."""
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
            pair = in_turn(ours, lambda: mat2.cleans(path, target), rounds=_ROUNDS, rest=_REST_SECONDS)
            sheet.pair(label, pair, "mat2", at_most=1.0)
        else:
            pair = in_turn(ours, ours, rounds=_ROUNDS, rest=_REST_SECONDS)
            sheet.figure(f"{label}, which mat2 does not clean", pair.seconds * 1000, "ms")
        exiftool = _exiftool(path, target)
        if exiftool is not None:
            sheet.pair(label, in_turn(ours, exiftool, rounds=3, rest=_REST_SECONDS), "exiftool")
        in_a_row = in_turn(lambda: None, ours, rounds=_IN_A_ROW)
        sheet.figure(f"{label}, one right after the other", in_a_row.floor_seconds * 1000, "ms")
        with scrubber.clean(source).output as cleaned:
            kept = fidelity.content_of(kind, cleaned.read())
    if kept is not None:
        same = kept == fidelity.content_of(kind, path.read_bytes())
        sheet.figure(f"{label}, still shows, says or plays the same", int(same), "of 1", at_least=1)
    sheet.figure(f"{label}, memory of its child", _peak_memory(path) / 1024, "MiB")


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


def _peak_memory(path: Path) -> int:
    """KiB by which a child grows at its peak."""
    command = [sys.executable, "-m", "fieldreport.bench.memory", str(path)]
    return int(subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout)


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
