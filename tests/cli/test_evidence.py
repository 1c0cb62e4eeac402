"""``fieldreport evidence``: exported with passphrase and code, verified by somebody who has only the folder."""

from __future__ import annotations

import json
import re
import time
from contextlib import closing
from pathlib import Path

import click.testing
import pytest

from fieldreport.cli import main
from fieldreport.mailbox import open_mailbox
from fieldreport.seal import open_rosters
from fieldreport.unseal import identity_file, totp
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.vault import open_vault
from fieldreport.vault.cases import sort
from fieldreport.vault.cases.collect import collect
from tests.cast import a_source, deposit_letter
from tests.cli.conftest import House, acts, cases_of, enrol, refused, run, staff_of


@pytest.fixture
def with_case(house: House) -> House:
    enrol(house, "amira")
    receive(house, "A report.\n\x1b[2J")
    return house


@pytest.fixture
def partner(tmp_path: Path) -> House:
    """Another newsroom, with its own admin and its own amira."""
    done = run("init", tmp_path / "partner", "--name", "국경 소식", "--port", "18620")
    assert done.exit_code == 0, done.stderr
    found = re.search(r"passphrase +(.+)\n", done.stdout)
    assert found is not None
    (tmp_path / "their-passphrase").write_text(found[1])
    house = House(directory=tmp_path / "partner", printed=done.stdout, passphrase_file=tmp_path / "their-passphrase")
    enrol(house, "amira")
    return house


def receive(house: House, text: str) -> None:
    with closing(open_vault(house.settings)) as vault, closing(open_mailbox(house.settings)) as mailbox:
        watch = RosterWatch.of(house.settings, vault)
        deposit_letter(mailbox, watch.in_force(), a_source(), hour=int(time.time() // 3600), text=text)
        collect(vault, mailbox, watch)
        sort.sort(Seat(vault, staff_of(house, "amira"), watch))


def at_the_terminal(house: House, *arguments: str | Path, code: str | None = None) -> click.testing.Result:
    """A command that asks for a one-time code."""
    typed = code or totp.current_code(staff_of(house, "amira").totp, time.time())
    command = ["--settings", house.directory / "fieldreport.toml", "evidence", *arguments]
    command += ["--editor", "amira", "--passphrase-file", house.directory / "amira"]
    return click.testing.CliRunner().invoke(main, [str(part) for part in command], input=f"{typed}\n")


def test_a_case_is_exported_and_verified_elsewhere(with_case: House, tmp_path: Path) -> None:
    (case,) = cases_of(with_case)
    folder = tmp_path / "evidence"
    done = at_the_terminal(with_case, "export", case, folder)
    assert done.exit_code == 0, done.stderr
    assert "1 letters and 1 acts" in done.stdout
    assert [act for _, act in acts(with_case)][:3] == ["locked", "case-exported", "unlocked"]
    fingerprint = open_rosters(with_case.settings).admin().fingerprint
    shown = run("evidence", "verify", folder, "--admin-fingerprint", fingerprint)
    assert shown.exit_code == 0, shown.stderr
    assert "(as you gave it)" in shown.stdout
    assert "as amira states" in shown.stdout
    assert "NOT CHECKED" in run("evidence", "verify", folder).stdout
    assert run("evidence", "verify", folder, "--admin-fingerprint", "ab" * 32).exit_code == 77
    identity_file.write(tmp_path / "identity.txt", staff_of(with_case, "amira").identities)
    found = json.loads(run("evidence", "verify", folder, "--key", tmp_path / "identity.txt", "--json").stdout)
    assert [letter["opened"] for letter in found["letters"]] == [True]
    (folder / "letters/0002.age").write_bytes(b"")
    assert "'letters/0002.age' was added" in refused(run("evidence", "verify", folder), 65)


def test_a_wrong_code_or_a_used_one_exports_nothing(with_case: House, tmp_path: Path) -> None:
    (case,) = cases_of(with_case)
    assert at_the_terminal(with_case, "export", case, tmp_path / "a", code="none").exit_code == 77
    code = totp.current_code(staff_of(with_case, "amira").totp, time.time())
    assert at_the_terminal(with_case, "export", case, tmp_path / "a", code=code).exit_code == 0
    assert at_the_terminal(with_case, "export", case, tmp_path / "b", code=code).exit_code == 77
    assert not (tmp_path / "b").exists()
    assert [act for _, act in acts(with_case)].count("unlock-refused") == 2


def test_a_case_is_handed_on_to_another_newsroom(with_case: House, partner: House, tmp_path: Path) -> None:
    (case,) = cases_of(with_case)
    folder = tmp_path / "sealed"
    admins = [open_rosters(house.settings).admin().fingerprint for house in (with_case, partner)]
    to = ("--to", partner.settings.keys.directory, "--to-fingerprint", admins[1])
    done = at_the_terminal(with_case, "export", case, folder, *to)
    assert done.exit_code == 0, done.stderr
    assert {path.name for path in folder.iterdir()} == {"README.txt", "evidence.age"}
    taken = at_the_terminal(partner, "import", folder, "--admin-fingerprint", admins[0])
    assert taken.exit_code == 0, taken.stderr
    (theirs,) = cases_of(partner)
    assert f'1 letters of The "Border" Post are the new case {theirs}.' in taken.stdout
    assert ("amira", "case-received") in acts(partner)


def test_evidence_of_somebody_else_is_not_taken_in(with_case: House, partner: House, tmp_path: Path) -> None:
    (case,) = cases_of(with_case)
    to = ("--to", partner.settings.keys.directory, "--to-fingerprint", "ab" * 32)
    assert at_the_terminal(with_case, "export", case, tmp_path / "a", *to).exit_code == 77
    assert at_the_terminal(partner, "import", tmp_path, "--admin-fingerprint", "ab" * 32).exit_code == 65
    assert cases_of(partner) == []
