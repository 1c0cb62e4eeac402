"""People make their own keys and the admin approves what a voice confirms; the admin's key goes to the next admin."""

from __future__ import annotations

import contextlib
import re
import shutil
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from unittest import mock

import click.testing
import pytest

from fieldreport import installation
from fieldreport.cli import main
from fieldreport.errors import FieldreportError, RosterError
from fieldreport.seal import KeyState, Role, fingerprint_words, open_rosters, public_file
from fieldreport.unseal import key_file
from fieldreport.unseal import roster_changes as rosters
from fieldreport.unseal.enrolment import EnrolmentRequest
from fieldreport.vault.archive.audit import signers_of
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.vault import Vault, open_vault
from fieldreport.vault.staff import roster_changes
from tests.cli.conftest import House, refused, run


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


@pytest.fixture
def house(house: House, admin_key: key_file.StaffKey) -> House:
    """With an admin's key file that opens at once: what is tried here is what happens after that."""
    return _cheap(house, admin_key)


@pytest.fixture
def staffed_house(staffed_house: House, admin_key: key_file.StaffKey) -> House:
    return _cheap(staffed_house, admin_key)


def _cheap(house: House, staff: key_file.StaffKey) -> House:
    path, passphrase = house.settings.desk.keyfiles / f"{staff.handle}.key", house.passphrase_file.read_text().strip()
    key_file.write_key_file(path, staff, passphrase, cost=key_file.Cost(kib=64, passes=1, lanes=1))
    return house


@pytest.fixture(scope="module")
def boris(made: House) -> key_file.StaffKey:
    return key_file.new_staff_key("boris", Role.ADMIN)


def roles(house: House) -> dict[str, str]:
    roster = open_rosters(house.settings).load(now=datetime.now(UTC), at_least=0)
    return {entry.handle: f"{entry.role} {entry.state}" for entry in roster.entries}


def acts(house: House) -> list[tuple[str, str]]:
    vault = open_vault(house.settings)
    entries = [(entry.act, entry.subject) for entry in vault.audit.page()]
    vault.audit.verify(signers_of(open_rosters(house.settings).newest(at_least=0)))
    vault.close()
    return entries


def answering(house: House, answer: str, *arguments: str | Path) -> click.testing.Result:
    command = ["--settings", house.directory / "fieldreport.toml", *arguments, "--passphrase-file"]
    return click.testing.CliRunner().invoke(
        main, [str(part) for part in (*command, house.passphrase_file)], input=answer
    )


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
    assert brought.read_bytes() == (dana.directory / "dana.key").read_bytes()
    assert stat.S_IMODE(brought.stat().st_mode) == 0o600
    assert ("staff-added", "dana") in acts(house)


def test_other_words_change_nothing(house: House, dana: Made) -> None:
    before = roles(house)
    request, key = dana.directory / "dana.request", dana.directory / "dana.key"
    done = answering(house, "n\n", "staff", "approve", request, "--keyfile", key)
    assert done.exit_code == 64
    wrong = house.as_admin("staff", "approve", str(request), "--keyfile", str(key), "--fingerprint", "00" * 16)
    refused(wrong, 75)
    assert roles(house) == before
    assert acts(house) == []


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
    assert [act for act, _ in acts(house)].count("staff-added") == 1
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
    request, staff = tmp_path / "dana.request", key_file.new_staff_key("dana", Role.EDITOR)
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
    assert acts(house) == [("staff-invited", "dana")]
    assert "dana" not in roles(house)


@pytest.mark.parametrize("handle", ["admin", "recovery", "Dana", "a b", "amira"])
def test_nobody_is_invited_under_a_handle_that_cannot_be_theirs(staffed_house: House, handle: str) -> None:
    refused(staffed_house.as_admin("staff", "invite", handle), 64)


# --- staff remove ---


def test_removing_twice_changes_nothing_and_the_admin_cannot_be_removed(staffed_house: House) -> None:
    for _ in range(2):
        assert staffed_house.as_admin("staff", "remove", "amira").exit_code == 0
        assert open_rosters(staffed_house.settings).newest(at_least=0).epoch == 3
    assert [act for act, _ in acts(staffed_house)].count("staff-removed") == 1
    assert "hand-over" in refused(staffed_house.as_admin("staff", "remove", "admin"), 64)


# --- keys hand-over ---


def test_the_key_goes_to_the_next_admin_and_intakes_follow(staffed_house: House, tmp_path: Path) -> None:
    house = staffed_house
    done = house.run("keys", "new", "boris", "--role", "admin", "--to", house.settings.desk.keyfiles)
    assert done.exit_code == 0, done.stderr
    assert not list(house.directory.rglob("boris.request"))
    found = re.search(r"passphrase +(.+)\n", done.stdout)
    assert found is not None
    successor = tmp_path / "passphrase"
    successor.write_text(found[1])
    before = roles(house)
    for _ in range(2):
        done = house.as_admin("keys", "hand-over", "boris", "--successor-passphrase-file", str(successor))
        assert done.exit_code == 0, done.stderr
        assert open_rosters(house.settings).newest(at_least=0).epoch == 3
    assert roles(house) == before | {"admin": "admin revoked", "boris": "admin active"}
    entries = acts(house)
    assert [act for act, _ in entries].count("admin-handed-over") == 1
    assert [subject for act, subject in entries if act == "roster-published"] == ["3", "2"]

    # The settings pin the old key, and everything still holds; the old key signs nothing any more.
    assert house.run("roster", "verify").exit_code == 0
    refused(house.as_admin("roster", "sign"), 77)
    signed = house.run("roster", "sign", "--admin", "boris", "--passphrase-file", successor)
    assert signed.exit_code == 0, signed.stderr

    warned = {finding["check"]: finding for finding in house.facts("doctor")}
    assert warned["admin key"]["verdict"] == "warns"
    shown = re.search(r'^admin_fingerprint = "[0-9a-f]{64}"$', done.stdout, re.MULTILINE)
    assert shown is not None
    path = house.directory / "fieldreport.toml"
    path.write_text(re.sub(r"admin_fingerprint = .*", shown[0], path.read_text()))
    assert house.run("roster", "verify").exit_code == 0
    held = {finding["check"]: finding for finding in house.facts("doctor")}
    assert held["admin key"]["verdict"] == "holds"


def test_nobody_hands_over_what_they_do_not_have(
    house: House, admin_key: key_file.StaffKey, boris: key_file.StaffKey
) -> None:
    stranger = key_file.new_staff_key("stranger", Role.ADMIN)
    editor = key_file.new_staff_key("dana", Role.EDITOR)

    def give(giver: key_file.StaffKey, taker: key_file.StaffKey) -> None:
        with installation.admin_at_work(house.settings, giver) as (seat, mailbox):
            roster_changes.hand_over(seat, taker, mailbox)

    for giver, taker in ((stranger, boris), (admin_key, editor), (editor, boris), (admin_key, admin_key)):
        with pytest.raises(FieldreportError):
            give(giver, taker)
    assert open_rosters(house.settings).hand_overs() == ()
    give(admin_key, boris)
    for giver, taker in ((admin_key, stranger), (boris, admin_key), (stranger, boris)):
        with pytest.raises(FieldreportError):
            give(giver, taker)
    assert len(open_rosters(house.settings).hand_overs()) == 1


class PowerOff(BaseException):
    """The machine is gone; nothing of ours may catch it."""


@contextlib.contextmanager
def cut_after(steps: int) -> Iterator[Callable[[], int]]:
    """Let that many durable steps happen (a file put in place, a change of the vault) and none after them."""
    done, write, unchanged = [0], public_file.write_public, Vault.change

    def step() -> None:
        if done[0] == steps:
            raise PowerOff
        done[0] += 1

    def written(path: Path, content: bytes) -> None:
        step()
        write(path, content)

    @contextlib.contextmanager
    def changed(vault: Vault, **who: Any) -> Iterator[Any]:
        step()
        with unchanged(vault, **who) as change:
            yield change

    with (
        mock.patch("fieldreport.seal.admin.write_public", written),
        mock.patch("fieldreport.seal.roster_directory.write_public", written),
        mock.patch.object(Vault, "change", changed),
    ):
        yield lambda: done[0]


def test_a_hand_over_cut_off_anywhere_goes_on(
    made: House, tmp_path: Path, admin_key: key_file.StaffKey, boris: key_file.StaffKey
) -> None:
    for steps in range(30):
        shutil.copytree(made.directory, tmp_path / str(steps) / "newsroom")
        house = replace(made, directory=tmp_path / str(steps) / "newsroom")
        with installation.admin_at_work(house.settings, admin_key) as (seat, mailbox):
            with cut_after(steps) as done, contextlib.suppress(PowerOff):
                roster_changes.hand_over(seat, boris, mailbox)
            # At no moment is there no roster in force, or a next one that two keys could sign, or none.
            epoch = open_rosters(house.settings).load(now=datetime.now(UTC), at_least=0).epoch
            assert [_could_sign(house, key) for key in (admin_key, boris)].count(True) == 1
            for _ in range(2):
                again = Seat(seat.vault, admin_key, RosterWatch.of(house.settings, seat.vault))
                roster_changes.hand_over(again, boris, mailbox)
            roster = open_rosters(house.settings).newest(at_least=epoch)
            assert roster.epoch == 2
            assert {entry.handle: entry.state for entry in roster.entries if entry.role is Role.ADMIN} == {
                "admin": KeyState.REVOKED,
                "boris": KeyState.ACTIVE,
            }
            assert sorted(entry.act for entry in seat.vault.audit.page()) == ["admin-handed-over", "roster-published"]
            seat.vault.audit.verify(signers_of(roster))
        if done() < steps:
            break
    else:
        raise AssertionError("more steps than expected")
    assert steps > 9


def _could_sign(house: House, key: key_file.StaffKey) -> bool:
    """Try it, on a copy."""
    assert key.admin is not None
    copy = house.directory.with_name(f"keys-of-{key.handle}")
    shutil.copytree(house.settings.keys.directory, copy)
    settings = replace(house.settings, keys=replace(house.settings.keys, directory=copy))
    current = open_rosters(settings).newest(at_least=0)
    raw = rosters.next_roster(current, current.entries, now=datetime.now(UTC))
    try:
        open_rosters(settings).publish(raw, key.admin.sign_roster(raw))
    except RosterError:
        return False
    return True
