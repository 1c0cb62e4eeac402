"""Storing a letter durably: with many letters waiting next to few, and how many a second one process stores."""

from __future__ import annotations

import secrets
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from fieldreport import installation
from fieldreport.bench.letters import fill, short_letter
from fieldreport.bench.measure import Sheet, in_turn
from fieldreport.mailbox import LocalMailbox, open_mailbox
from fieldreport.store import open_blobs, open_engine

_FEW: Final = 100
_MANY: Final = 20_000
_AT_ONCE: Final = 5_000
_ROUNDS: Final = 500
_WARM: Final = 50


def measure(sheet: Sheet) -> None:
    """Write two rows, on SQLite and the disk of this machine."""
    with (
        tempfile.TemporaryDirectory(prefix="fieldreport-bench-") as name,
        _waiting(Path(name) / "many", _MANY) as many,
        _waiting(Path(name) / "few", _FEW) as few,
    ):
        pair = in_turn(lambda: _deposit(many), lambda: _deposit(few), rounds=_ROUNDS, warm=_WARM)
        sheet.pair(f"a letter stored with {_MANY:,} waiting", pair, f"with {_FEW}", at_most=1.2)
        began = time.perf_counter()
        for _ in range(_ROUNDS):
            _deposit(few)
        sheet.figure("letters stored by one thread", _ROUNDS / (time.perf_counter() - began), "/s")


def _deposit(mailbox: LocalMailbox) -> None:
    mailbox.deposit(secrets.token_bytes(16), 1, short_letter)


@contextmanager
def _waiting(directory: Path, letters: int) -> Iterator[LocalMailbox]:
    """The mailbox of a new installation, in which so many letters wait."""
    settings = installation.make(directory, name="The Border Post").settings
    with closing(open_mailbox(settings)) as mailbox:
        data = settings.intake.data
        engine, blobs = open_engine(f"sqlite:///{data / 'mailbox.db'}"), open_blobs(data / "blobs")
        for _ in range(0, letters, _AT_ONCE):
            fill(engine, blobs, min(letters, _AT_ONCE))
        engine.dispose()
        mailbox.erase_deleted()
        yield mailbox
