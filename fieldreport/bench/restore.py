"""Backing up and restoring an archive, with the commands that an operator types, next to copying the backup's files."""

from __future__ import annotations

import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import time
from contextlib import closing
from pathlib import Path
from typing import BinaryIO, Final

from fieldreport import config, installation
from fieldreport.bench.letters import HEADER_BYTES, fill
from fieldreport.bench.measure import Pair, Sheet
from fieldreport.errors import UsageError
from fieldreport.limits import MIB
from fieldreport.mailbox import open_mailbox
from fieldreport.store import open_blobs, open_engine
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.vault import open_vault
from fieldreport.vault.cases.collect import collect

_SHORT: Final = 9_000
_WITH_FILE: Final = 1_000
_FILE: Final = 300 * 1024
_SECONDS: Final = 60


def measure(sheet: Sheet) -> None:
    """Write what a backup of 10,000 letters takes to make and to restore."""
    with tempfile.TemporaryDirectory(prefix="fieldreport-bench-") as name:
        settings = installation.make(Path(name) / "newsroom", name="The Border Post").settings
        _collect_letters(settings)
        backups = Path(name) / "backups"
        sheet.figure(f"backup of {_SHORT + _WITH_FILE:,} letters", _run(settings, "backup", str(backups)), "s")
        (backup,) = backups.glob("0001-*")
        seconds = _run(settings, "restore", str(backup), str(Path(name) / "restored"))
        began = time.perf_counter()
        shutil.copytree(backups, Path(name) / "copied")
        os.sync()
        floor = time.perf_counter() - began
        size = sum(path.stat().st_size for path in backups.rglob("*") if path.is_file())
        pair = Pair(seconds=seconds, floor_seconds=floor, ratio=seconds / floor)
        sheet.pair(f"restore of {_SHORT + _WITH_FILE:,} letters, {size // MIB} MiB", pair, "copied with cp")
        sheet.figure("the same, restored", seconds, "s", at_most=_SECONDS)


def _collect_letters(settings: config.Settings) -> None:
    """Fill the vault, a tenth of it letters with a file."""
    data = settings.intake.data
    with closing(open_mailbox(settings)) as mailbox, closing(open_vault(settings)) as vault:
        engine = open_engine(f"sqlite:///{data / 'mailbox.db'}")
        fill(engine, open_blobs(data / "blobs"), _SHORT)
        engine.dispose()
        for _ in range(_WITH_FILE):
            mailbox.deposit(secrets.token_bytes(16), 1, _with_file)
        if collect(vault, mailbox, RosterWatch.of(settings, vault)).letters != _SHORT + _WITH_FILE:
            raise UsageError("the bench's letters did not arrive")


def _with_file(destination: BinaryIO) -> bytes:
    destination.write(os.urandom(_FILE))
    return os.urandom(HEADER_BYTES)


def _run(settings: config.Settings, *words: str) -> float:
    """Seconds that a command of ours takes, its start included."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "fieldreport.cli", "--settings", str(settings.path), *words]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise UsageError(f"the bench's {words[0]} failed: {done.stderr[-300:]}")
    return time.perf_counter() - began
