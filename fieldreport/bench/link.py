"""Collecting letters over the link, next to collecting them by a direct call on the same kind of mailbox.

Both ends are real: ``fieldreport link`` in a process of its own, and the desk's collecting in this one, each with a
database and a directory on the disk of this machine. Letters are random bytes of the length that short reports have:
collecting opens none.
"""

from __future__ import annotations

import os
import secrets
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO, Final

from sqlalchemy import Engine

from fieldreport import config, installation
from fieldreport.bench.letterbox import free_port, served, workers_of
from fieldreport.bench.letters import HEADER_BYTES, fill
from fieldreport.bench.measure import Pair, Sheet
from fieldreport.bench.upload import watched
from fieldreport.errors import UsageError
from fieldreport.limits import MIB
from fieldreport.mailbox import DeskMailbox, LocalMailbox, open_mailbox
from fieldreport.mailbox.link import open_link
from fieldreport.store import BlobStore, open_blobs, open_engine
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.vault import Vault, open_vault
from fieldreport.vault.cases.collect import collect

_ROUNDS: Final = 5
_LETTERS: Final = 2000  # of a round
_LARGE: Final = 400 * MIB
_FLAT: Final = 16  # MiB


@dataclass(frozen=True, slots=True, kw_only=True)
class _Way:
    """A newsroom whose letters are collected in one way."""

    inside: LocalMailbox
    engine: Engine
    blobs: BlobStore
    mailbox: DeskMailbox
    vault: Vault
    rosters: RosterWatch

    def fill(self, letters: int) -> None:
        """Let so many short letters wait."""
        fill(self.engine, self.blobs, letters)

    def seconds(self, letters: int) -> float:
        start = time.perf_counter()
        if collect(self.vault, self.mailbox, self.rosters).letters != letters:
            raise UsageError("the bench's letters did not arrive")
        return time.perf_counter() - start


def measure(sheet: Sheet) -> None:
    """Write letters a second, and what a large letter takes and costs in memory at both ends."""
    with tempfile.TemporaryDirectory(prefix="fieldreport-bench-") as name:
        near = _made(Path(name) / "near")
        far = _made(Path(name) / "far")
        with _serving(far, Path(name)) as (settings, workers), _way(near, None) as direct, _way(far, settings) as link:
            took = []
            for _ in range(_ROUNDS):
                for way in (direct, link):
                    way.fill(_LETTERS)
                took.append((link.seconds(_LETTERS), direct.seconds(_LETTERS)))
            pair = Pair(
                seconds=statistics.median(each[0] for each in took),
                floor_seconds=statistics.median(each[1] for each in took),
                ratio=statistics.median(each[0] / each[1] for each in took),
            )
            sheet.pair("letters over the link", pair, "by a direct call", per_second=_LETTERS)
            everything = _ROUNDS * _LETTERS
            rate = everything / sum(each[0] for each in took)
            sheet.figure(f"all {everything:,} of them, over the link", rate, "/s", at_least=500)
            for way in (direct, link):
                way.inside.deposit(secrets.token_bytes(16), 1, _seal_large)
            with watched((os.getpid(), *workers)) as growth:
                seconds = link.seconds(1)
            floor = direct.seconds(1)
            large = Pair(seconds=seconds, floor_seconds=floor, ratio=seconds / floor)
            sheet.pair(f"one letter of {_LARGE // MIB} MiB over the link", large, "by a direct call")
            sheet.figure("growth of unique memory meanwhile, both ends", max(growth) / MIB, "MiB", at_most=_FLAT)


def _seal_large(destination: BinaryIO) -> bytes:
    destination.writelines(os.urandom(MIB) for _ in range(_LARGE // MIB))
    return os.urandom(HEADER_BYTES)


def _made(directory: Path) -> config.Settings:
    return installation.make(directory, name="The Border Post").settings


@contextmanager
def _serving(settings: config.Settings, directory: Path) -> Iterator[tuple[config.Settings, tuple[int, ...]]]:
    """The link of an installation, the desk's settings for it, and its worker's process."""
    port, token = free_port(), directory / "token"
    token.write_text(secrets.token_hex(32), encoding="ascii")
    token.chmod(0o600)
    environment = {
        **os.environ,
        "FIELDREPORT_INTAKE_LINK": f"127.0.0.1:{port}",
        "FIELDREPORT_INTAKE_LINK_TOKEN": str(token),
    }
    command = [sys.executable, "-m", "fieldreport.cli", "--settings", str(settings.path), "link"]
    with served(command, port, environment=environment, log=directory / "log"):
        desk = replace(settings.desk, link=f"http://127.0.0.1:{port}", link_token=token)
        yield replace(settings, desk=desk), workers_of(directory / "log", 1)


@contextmanager
def _way(settings: config.Settings, over_link: config.Settings | None) -> Iterator[_Way]:
    with closing(open_mailbox(settings)) as inside, closing(open_vault(settings)) as vault:
        mailbox: DeskMailbox = inside if over_link is None else open_link(over_link)
        data = settings.intake.data
        yield _Way(
            inside=inside,
            engine=open_engine(f"sqlite:///{data / 'mailbox.db'}"),
            blobs=open_blobs(data / "blobs"),
            mailbox=mailbox,
            vault=vault,
            rosters=RosterWatch.of(settings, vault),
        )
        mailbox.close()
