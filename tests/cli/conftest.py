"""One installation, made once by the command itself, and copied for every test that changes it."""

from __future__ import annotations

import io
import json
import os
import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click.testing
import pytest
from sqlalchemy import select

from fieldreport import config
from fieldreport.cli import main, zones
from fieldreport.errors import UsageError
from fieldreport.seal import Kind, PartSource, open_rosters
from fieldreport.unseal import key_file
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Case
from fieldreport.vault.archive.vault import open_vault
from tests.cast import cheap_keys

PORT = 18610
OBJECTS = 5  # sealed ones in the vault of a newsroom whose shares are on paper


@dataclass(frozen=True, slots=True, kw_only=True)
class House:
    """An installation directory, what ``init`` printed, and the commands run on it."""

    directory: Path
    printed: str = field(repr=False)
    passphrase_file: Path

    @property
    def settings(self) -> config.Settings:
        return config.load(self.directory / "fieldreport.toml", {})

    @property
    def shares(self) -> list[str]:
        return [line.strip() for line in re.findall(r"share \d:\n(.+)\n", self.printed)]

    def run(self, *arguments: str | Path) -> click.testing.Result:
        return run("--settings", self.directory / "fieldreport.toml", *arguments)

    def as_admin(self, *arguments: str) -> click.testing.Result:
        return self.run(*arguments, "--passphrase-file", self.passphrase_file)

    def facts(self, *arguments: str) -> Any:
        """What a command says to scripts."""
        done = self.run(*arguments, "--json")
        assert done.exit_code == 0, done.stderr
        return json.loads(done.stdout)


def run(*arguments: str | Path) -> click.testing.Result:
    return click.testing.CliRunner().invoke(main, [str(argument) for argument in arguments])


def refused(done: click.testing.Result, status: int) -> str:
    """The one line that a refusal is, after its status was checked."""
    assert done.exit_code == status, (done.exit_code, done.stderr)
    assert isinstance(done.exception, SystemExit)
    assert done.stderr.count("\n") == 1, done.stderr
    assert done.stderr.startswith("fieldreport: ")
    return done.stderr


@pytest.fixture(scope="module", autouse=True)
def _cheap_keys() -> Iterator[None]:
    """What is tried here comes after a key file was opened."""
    with cheap_keys():
        yield


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> House:
    """A fresh installation, to be looked at and never changed."""
    base = tmp_path_factory.mktemp("made")
    with cheap_keys():
        done = run("init", base / "newsroom", "--name", 'The "Border" Post', "--port", str(PORT))
    assert done.exit_code == 0, done.stderr
    found = re.search(r"passphrase +(.+)\n", done.stdout)
    assert found is not None
    passphrase_file = base / "passphrase"
    passphrase_file.write_text(found[1] + "\n")
    return House(directory=base / "newsroom", printed=done.stdout, passphrase_file=passphrase_file)


@pytest.fixture(scope="session")
def admin_key(made: House) -> key_file.StaffKey:
    """The admin's key file, unlocked once with the passphrase that was printed."""
    return key_file.unlock(made.settings.desk.keyfiles / "admin.key", made.passphrase_file.read_text().strip())


@pytest.fixture
def house(made: House, tmp_path: Path) -> House:
    """A copy of it that the test may change."""
    shutil.copytree(made.directory, tmp_path / "newsroom")
    return replace(made, directory=tmp_path / "newsroom")


@pytest.fixture(scope="session")
def staffed(made: House, tmp_path_factory: pytest.TempPathFactory) -> House:
    """An installation with an editor, to be looked at and never changed."""
    directory = tmp_path_factory.mktemp("staffed") / "newsroom"
    shutil.copytree(made.directory, directory)
    house = replace(made, directory=directory)
    with cheap_keys():
        done = house.as_admin("staff", "add", "amira")
    assert done.exit_code == 0, done.stderr
    return replace(house, printed=done.stdout)


@pytest.fixture
def staffed_house(staffed: House, tmp_path: Path) -> House:
    """A copy of it that the test may change."""
    shutil.copytree(staffed.directory, tmp_path / "newsroom")
    return replace(staffed, directory=tmp_path / "newsroom")


# --- a newsroom whose recovery shares are on paper ---


@dataclass(frozen=True, slots=True, kw_only=True)
class Printed:
    """An installation whose shares went to sheets."""

    house: House
    files: tuple[Path, ...]


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> Printed:
    """Three of four shares, as text; an editor, whose vault holds sealed objects."""
    base = tmp_path_factory.mktemp("printed")
    shares = ("--name", "국경 소식", "--shares", "3", "4")
    done = run("init", base / "newsroom", *shares, "--print", base / "paper", "--print-as", "text")
    assert done.exit_code == 0, done.stderr
    found = re.search(r"passphrase +(.+)\n", done.stdout)
    assert found is not None
    (base / "passphrase").write_text(found[1])
    house = House(directory=base / "newsroom", printed=done.stdout, passphrase_file=base / "passphrase")
    enrol(house, "amira")
    fill(house, "amira")
    return Printed(house=house, files=tuple(sorted((base / "paper").iterdir())))


def enrol(house: House, handle: str) -> None:
    done = house.as_admin("staff", "add", handle)
    assert done.exit_code == 0, done.stderr
    found = re.search(r"passphrase +(.+)\n", done.stdout)
    assert found is not None
    (house.directory / handle).write_text(found[1])


def staff_of(house: House, handle: str) -> key_file.StaffKey:
    path = house.settings.desk.keyfiles / f"{handle}.key"
    return key_file.unlock(path, (house.directory / handle).read_text())


def fill(house: House, handle: str) -> None:
    vault = open_vault(house.settings)
    seat = Seat(vault, staff_of(house, handle), RosterWatch.of(house.settings, vault))
    for _ in range(OBJECTS):
        part = PartSource(name="text.txt", media_type="text/plain", source=io.BytesIO(b"a draft"), length=7)
        with seat.stage(kind=Kind.DRAFT, thread=os.urandom(16), parts=[part]) as staged, seat.change() as change:
            change.add(staged)
    vault.close()


def acts(house: House) -> list[tuple[str, str]]:
    vault = open_vault(house.settings)
    log = [(entry.actor, entry.act) for entry in vault.audit.page()]
    vault.close()
    return log


def recover(house: House, *arguments: str | Path, typed: Sequence[str] = ()) -> click.testing.Result:
    command = ["--settings", str(house.settings.path), "recover", *(str(argument) for argument in arguments)]
    return click.testing.CliRunner().invoke(main, command, input="".join(f"{line}\n" for line in typed))


def words_of(sheet_file: Path) -> str:
    numbered = re.findall(r"(\d+)\) ([a-z]+)", sheet_file.read_text())
    return " ".join(word for _, word in sorted((int(at), word) for at, word in numbered))


def verified_acts(house: House) -> list[tuple[str, str]]:
    """The audit log, newest first, after it was verified: what was done, about what."""
    vault = open_vault(house.settings)
    entries = [(entry.act, entry.subject) for entry in vault.audit.page()]
    vault.audit.verify(open_rosters(house.settings).all_here())
    vault.close()
    return entries


def roles(house: House) -> dict[str, str]:
    roster = open_rosters(house.settings).load(now=datetime.now(UTC), at_least=0)
    return {entry.handle: f"{entry.role} {entry.state}" for entry in roster.entries}


def answering(house: House, answer: str, *arguments: str | Path) -> click.testing.Result:
    command = ["--settings", house.directory / "fieldreport.toml", *arguments, "--passphrase-file"]
    return click.testing.CliRunner().invoke(
        main, [str(part) for part in (*command, house.passphrase_file)], input=answer
    )


def free_ports() -> int:
    """A port with two free ones after it, now."""
    # Below the ports that the kernel gives out, and not where another run on this machine looks first.
    for port in range(20000 + os.getpid() % 3000 * 4, 32760, 3):
        try:
            for one in (port, port + 1, port + 2):
                zones.check_port(f"127.0.0.1:{one}", where="test")
        except UsageError:
            continue
        return port
    raise AssertionError("no free ports")


def cases_of(house: House) -> list[str]:
    """The names of the cases in the vault."""
    with closing(open_vault(house.settings)) as vault, vault.reading() as session:
        return list(session.scalars(select(Case.name).order_by(Case.name)))
