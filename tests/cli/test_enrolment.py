"""Editors make their own keys, and the admin approves what a voice confirms."""

from __future__ import annotations

import re
import shutil
import stat
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fieldreport.seal import Role, fingerprint_words, open_rosters
from fieldreport.unseal import key_file
from fieldreport.unseal.enrolment import EnrolmentRequest
from tests.cli.conftest import House, answering, refused, roles, run, verified_acts


@dataclass(frozen=True, kw_only=True)
class Made:
    """What ``keys new`` left on an editor's machine, and what it printed there."""

    directory: Path
    printed: str = field(repr=False)

    @property
    def request(self) -> EnrolmentRequest:
        return EnrolmentRequest.parse((self.directory / "dana.request").read_text())


@pytest.fixture(scope="module")
def dana(made: House, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """An editor's own machine: no settings, no database, no network; only the newsroom's public id."""
    directory = tmp_path_factory.mktemp("laptop")
    done = run("keys", "new", "dana", "--instance", made.settings.instance.id, "--to", directory)
    assert done.exit_code == 0, done.stderr
    return Made(directory=directory, printed=done.stdout)


# --- keys new ---


def test_an_editor_makes_their_own_key_and_sees_the_words_to_read(dana: Made) -> None:
    assert sorted(path.name for path in dana.directory.iterdir()) == ["dana.key", "dana.request"]
    assert stat.S_IMODE((dana.directory / "dana.key").stat().st_mode) == 0o600
    assert fingerprint_words(dana.request.fingerprint) in dana.printed
    assert "otpauth://totp/" in dana.printed
    found = re.search(r"passphrase +(.+)\n", dana.printed)
    assert found is not None
    staff = key_file.unlock(dana.directory / "dana.key", found[1])
    assert staff.public_entry().signing == dana.request.signing
    assert staff.identities[0].recipient == dana.request.recipient
    assert found[1] not in (dana.directory / "dana.request").read_text()


def test_a_key_is_never_overwritten(dana: Made) -> None:
    before = (dana.directory / "dana.key").read_bytes()
    done = run("keys", "new", "dana", "--instance", "00" * 16, "--to", dana.directory)
    assert "never overwritten" in refused(done, 64)
    assert (dana.directory / "dana.key").read_bytes() == before


@pytest.mark.parametrize("instance", ["", "00", "zz" * 16, "00" * 17])
def test_it_rejects_what_is_no_newsrooms_id(tmp_path: Path, instance: str) -> None:
    refused(run("keys", "new", "dana", "--instance", instance, "--to", tmp_path), 64)
    assert list(tmp_path.iterdir()) == []


# --- staff approve, with files ---


def test_files_from_a_memory_card_are_approved_by_the_words(house: House, dana: Made, tmp_path: Path) -> None:
    card = tmp_path / "card"
    shutil.copytree(dana.directory, card)
    (card / "dana.key").chmod(0o755)  # as FAT shows every file
    done = answering(house, "y\n", "staff", "approve", card / "dana.request", "--keyfile", card / "dana.key")
    assert done.exit_code == 0, done.stderr
    assert fingerprint_words(dana.request.fingerprint) in done.stdout
    assert roles(house)["dana"] == "editor active"
    brought = house.settings.desk.keyfiles / "dana.key"
    assert key_file.is_bound(brought), "on the card the passphrase alone opened it"
    assert not key_file.is_bound(dana.directory / "dana.key")
    found = re.search(r"passphrase +(.+)\n", dana.printed)
    assert found is not None
    assert key_file.unlock(brought, found[1]).public_entry().signing == dana.request.signing
    assert stat.S_IMODE(brought.stat().st_mode) == 0o600
    assert ("staff-added", "dana") in verified_acts(house)


def test_other_words_change_nothing(house: House, dana: Made) -> None:
    before = roles(house)
    request, key = dana.directory / "dana.request", dana.directory / "dana.key"
    done = answering(house, "n\n", "staff", "approve", request, "--keyfile", key)
    assert done.exit_code == 64
    wrong = house.as_admin("staff", "approve", str(request), "--keyfile", str(key), "--fingerprint", "00" * 16)
    refused(wrong, 75)
    assert roles(house) == before
    assert verified_acts(house) == []


def test_nobody_enters_the_roster_whose_key_file_is_not_on_the_desk(house: House, dana: Made) -> None:
    given = ["--fingerprint", dana.request.fingerprint]
    done = house.as_admin("staff", "approve", str(dana.directory / "dana.request"), *given)
    assert "--keyfile" in refused(done, 66)
    assert "dana" not in roles(house)


def test_a_request_counts_once_and_approving_twice_changes_nothing(house: House, dana: Made) -> None:
    given = [str(dana.directory / "dana.request"), "--keyfile", str(dana.directory / "dana.key")]
    for _ in range(2):
        done = house.as_admin("staff", "approve", *given, "--fingerprint", dana.request.fingerprint)
        assert done.exit_code == 0, done.stderr
        assert open_rosters(house.settings).newest(at_least=0).epoch == 2
    assert [act for act, _ in verified_acts(house)].count("staff-added") == 1
    assert house.as_admin("staff", "remove", "dana").exit_code == 0
    done = house.as_admin("staff", "approve", *given, "--fingerprint", dana.request.fingerprint)
    assert "taken" in refused(done, 64)
    assert roles(house)["dana"] == "editor revoked"


def test_somebody_elses_key_file_is_not_taken(house: House, dana: Made, made: House) -> None:
    given = ["--fingerprint", dana.request.fingerprint]
    other = made.settings.desk.keyfiles / "admin.key"
    done = house.as_admin("staff", "approve", str(dana.directory / "dana.request"), "--keyfile", str(other), *given)
    refused(done, 65)
    done = house.as_admin(
        "staff", "approve", str(dana.directory / "dana.request"), "--keyfile", str(house.passphrase_file), *given
    )
    refused(done, 65)
    assert not (house.settings.desk.keyfiles / "dana.key").exists()
    assert "dana" not in roles(house)


def test_a_request_for_another_newsroom_or_that_is_none_is_refused(house: House, tmp_path: Path) -> None:
    request, staff = tmp_path / "dana.request", key_file.StaffKey.generate("dana", Role.EDITOR)
    request.write_text(EnrolmentRequest.sign(staff, instance=bytes(16), now=datetime.now(UTC)).encode())
    given = ["--fingerprint", "00" * 16]
    assert "another newsroom" in refused(house.as_admin("staff", "approve", str(request), *given), 65)
    request.write_text("hello\n")
    refused(house.as_admin("staff", "approve", str(request), *given), 65)
    refused(house.as_admin("staff", "approve", "nobody", *given), 66)


# --- staff invite ---


def test_an_invitation_is_shown_once_and_kept_only_as_a_hash(house: House) -> None:
    done = house.as_admin("staff", "invite", "dana")
    assert done.exit_code == 0, done.stderr
    code = done.stdout.splitlines()[2].strip()
    assert len(code.split()) == 7
    for path in (file for file in house.directory.rglob("*") if file.is_file()):
        assert code.encode() not in path.read_bytes()
    assert verified_acts(house) == [("staff-invited", "dana")]
    assert "dana" not in roles(house)


@pytest.mark.parametrize("handle", ["admin", "recovery", "Admin", "a b", "amira", "Amira "])
def test_nobody_is_invited_under_a_handle_that_cannot_be_theirs(staffed_house: House, handle: str) -> None:
    refused(staffed_house.as_admin("staff", "invite", handle), 64)


# --- staff remove ---


def test_removing_twice_changes_nothing_and_the_admin_cannot_be_removed(staffed_house: House) -> None:
    for _ in range(2):
        assert staffed_house.as_admin("staff", "remove", "amira").exit_code == 0
        assert open_rosters(staffed_house.settings).newest(at_least=0).epoch == 3
    assert [act for act, _ in verified_acts(staffed_house)].count("staff-removed") == 1
    assert "hand-over" in refused(staffed_house.as_admin("staff", "remove", "admin"), 64)
