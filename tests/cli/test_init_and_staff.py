"""``init`` makes an installation that can be used at once, or nothing; ``staff`` changes who is in its roster."""

from __future__ import annotations

import codecs
import contextlib
import io
import os
import pty
import re
import stat
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import segno

from fieldreport import installation
from fieldreport.cli import init
from fieldreport.seal import Role, open_rosters
from fieldreport.unseal import key_file as keyfile
from fieldreport.unseal import recovery
from tests.cli.conftest import PORT, House, refused, run


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# --- init ---


def test_what_others_must_not_see_is_closed_to_them(made: House) -> None:
    for folder in (".", "intake", "desk", "desk/keyfiles", "keys", "site"):
        assert mode(made.directory / folder) == 0o700, folder
    assert mode(made.directory / "desk" / "keyfiles" / "admin.key") == 0o600


def test_the_settings_say_what_was_asked_for(made: House) -> None:
    settings = made.settings
    assert settings.instance.name == 'The "Border" Post'
    assert not settings.instance.demo
    listens = [settings.intake.listen, settings.desk.listen, settings.press.listen]
    assert listens == [f"127.0.0.1:{port}" for port in (PORT, PORT + 1, PORT + 2)]
    assert (settings.press.sign_offs, settings.press.minimum_age_hours) == (2, 72)


def test_the_first_roster_verifies_and_names_the_admin_and_the_recovery_key(made: House) -> None:
    roster = open_rosters(made.settings).load(now=datetime.now(UTC), at_least=1)
    assert roster.epoch == 1
    assert {entry.handle: entry.role for entry in roster.entries} == {"admin": Role.ADMIN, "recovery": Role.RECOVERY}


@pytest.mark.parametrize("pair", [(0, 1), (0, 2), (2, 1)])
def test_any_two_printed_shares_make_the_recovery_key_of_the_roster(made: House, pair: tuple[int, int]) -> None:
    assert len(made.shares) == 3
    roster = open_rosters(made.settings).load(now=datetime.now(UTC), at_least=0)
    expected = roster.entry("recovery").recipient
    assert expected is not None
    identity = recovery.combine([made.shares[number] for number in pair], expected=expected)
    assert identity.recipient == expected


def test_the_printed_passphrase_opens_the_admins_key_whose_fingerprint_is_pinned(
    made: House, admin_key: keyfile.StaffKey
) -> None:
    assert admin_key.admin is not None
    assert admin_key.admin.public.fingerprint == made.settings.keys.admin_fingerprint
    assert made.settings.keys.admin_fingerprint in made.printed
    assert "otpauth://totp/" in made.printed


def test_what_is_shown_once_is_written_nowhere(made: House) -> None:
    passphrase = made.passphrase_file.read_bytes().strip()
    for path in (file for file in made.directory.rglob("*") if file.is_file()):
        content = path.read_bytes()
        assert passphrase not in content
        assert not any(share.encode() in content for share in made.shares)


def test_a_directory_that_is_not_empty_is_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "there").mkdir()
    (tmp_path / "there" / "letter.txt").write_text("mine")
    assert "not empty" in refused(run("init", tmp_path / "there"), 64)
    assert [path.name for path in tmp_path.rglob("*")] == ["there", "letter.txt"]


def test_a_place_that_cannot_be_written_is_one_line_and_nothing_is_left(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("a file, not a folder")
    assert "cannot write" in refused(run("init", tmp_path / "file" / "newsroom"), 64)
    assert [path.name for path in tmp_path.rglob("*")] == ["file"]


@pytest.mark.parametrize("handle", ["../outside", "9admin", "a b", ""])
def test_a_handle_that_could_be_a_path_is_refused_and_nothing_is_left(tmp_path: Path, handle: str) -> None:
    refused(run("init", tmp_path / "newsroom", "--admin", handle), 64)
    assert list(tmp_path.rglob("*")) == []


def test_a_handle_in_capitals_is_taken_in_lower_case(tmp_path: Path) -> None:
    assert run("init", tmp_path / "newsroom", "--admin", " Admin ").exit_code == 0
    assert [path.name for path in (tmp_path / "newsroom" / "desk" / "keyfiles").glob("*.key")] == ["admin.key"]


@pytest.mark.parametrize("port", ["0", "65534", "many"])
def test_a_port_without_room_for_three_zones_is_refused(tmp_path: Path, port: str) -> None:
    assert run("init", tmp_path / "newsroom", "--port", port).exit_code == 2
    assert list(tmp_path.rglob("*")) == []


# --- staff ---


def entry_of(house: House, handle: str) -> dict[str, str]:
    (entry,) = [entry for entry in house.facts("staff", "list")["entries"] if entry["handle"] == handle]
    return {**entry}


def test_an_added_editor_is_in_the_roster_and_can_unlock_what_was_printed(staffed: House) -> None:
    shown = re.search(r"passphrase +(.+)\n", staffed.printed)
    assert shown is not None
    key_file = staffed.settings.desk.keyfiles / "amira.key"
    assert mode(key_file) == 0o600
    assert keyfile.unlock(key_file, shown[1]).role is Role.EDITOR
    assert (staffed.directory / "keys" / "amira.pub").exists()
    amira = entry_of(staffed, "amira")
    assert (amira["role"], amira["state"]) == ("editor", "active")
    assert amira["key"] in staffed.facts("roster", "show")["recipients"]
    assert staffed.facts("staff", "list")["epoch"] == 2
    assert "amira            editor    active" in staffed.run("staff", "list").stdout


def test_a_removed_editor_is_no_recipient_and_the_handle_stays_theirs(staffed_house: House) -> None:
    assert staffed_house.as_admin("staff", "remove", "amira").exit_code == 0
    amira = entry_of(staffed_house, "amira")
    assert amira["state"] == "revoked"
    assert amira["key"] not in staffed_house.facts("roster", "show")["recipients"]
    assert not (staffed_house.directory / "keys" / "amira.pub").exists()
    # Old signatures stay attributable, so the name is not given again.
    assert "taken" in refused(staffed_house.as_admin("staff", "add", "amira"), 64)
    assert staffed_house.facts("staff", "list")["epoch"] == 3


def test_a_suspended_editor_is_no_recipient_until_they_resume_with_the_same_key(staffed_house: House) -> None:
    before = entry_of(staffed_house, "amira")
    assert "amira is suspended" in staffed_house.as_admin("staff", "suspend", "amira").stdout
    assert entry_of(staffed_house, "amira") == {**before, "state": "suspended"}
    assert before["key"] not in staffed_house.facts("roster", "show")["recipients"]
    assert "amira is active" in staffed_house.as_admin("staff", "resume", "amira").stdout
    assert entry_of(staffed_house, "amira") == before
    assert "not an editor" in refused(staffed_house.as_admin("staff", "suspend", "nobody"), 64)


def test_a_handle_without_a_key_file_is_given_once_too(house: House) -> None:
    assert "taken" in refused(house.as_admin("staff", "add", "recovery"), 64)
    assert house.facts("staff", "list")["epoch"] == 1


def test_a_handle_that_is_a_path_makes_no_file(house: House) -> None:
    before = sorted(house.directory.parent.rglob("*"))
    refused(house.as_admin("staff", "add", "../../amira"), 64)
    assert sorted(house.directory.parent.rglob("*")) == before


def test_nobody_is_removed_who_is_not_there(house: House) -> None:
    refused(house.as_admin("staff", "remove", "nobody"), 66)


def test_a_wrong_passphrase_is_one_line_and_changes_nothing(house: House, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("not the passphrase at all")
    refused(house.run("staff", "add", "amira", "--passphrase-file", wrong), 77)
    assert house.facts("staff", "list")["epoch"] == 1
    assert not (house.directory / "desk" / "keyfiles" / "amira.key").exists()


def test_a_passphrase_file_that_is_not_text_is_one_line(house: House, tmp_path: Path) -> None:
    (tmp_path / "noise").write_bytes(b"\xff\xfe\x00\xd8")
    refused(house.run("staff", "add", "amira", "--passphrase-file", tmp_path / "noise"), 64)


def test_a_damaged_key_file_is_told_from_a_wrong_passphrase(house: House) -> None:
    key_file = house.directory / "desk" / "keyfiles" / "admin.key"
    key_file.write_bytes(key_file.read_bytes()[:-40])
    refused(house.as_admin("staff", "add", "amira"), 65)


def test_an_admin_without_a_key_file_is_not_found(house: House) -> None:
    refused(house.as_admin("staff", "add", "amira", "--admin", "nobody"), 66)


def test_a_refusal_of_the_real_command_is_one_line_without_a_traceback(house: House, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("not the passphrase at all")
    command = [sys.executable, "-m", "fieldreport.cli", "--settings", str(house.directory / "fieldreport.toml")]
    command += ["roster", "sign", "--passphrase-file", str(wrong)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False, env=dict(os.environ))
    assert done.returncode == 77
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr


def read_all(terminal: int) -> Iterator[str]:
    """What was written to a terminal, closed at its other end: it comes in pieces, and Linux ends it with EIO."""
    with open(terminal, "rb", buffering=0) as file, contextlib.suppress(OSError):
        decoder = codecs.getincrementaldecoder("utf-8")()
        while piece := file.read(4096):
            yield decoder.decode(piece)


def test_at_a_terminal_the_second_factor_is_also_a_picture_to_scan(monkeypatch: pytest.MonkeyPatch) -> None:
    member = installation.Member(handle="amira", role=Role.EDITOR, passphrase="eight words", totp=bytes(20))
    reads, shows = pty.openpty()
    with os.fdopen(shows, "w") as terminal:
        monkeypatch.setattr(sys, "stdout", terminal)
        init.show_member(member, "The Border Post")
    shown = "".join(read_all(reads)).replace("\r\n", "\n")
    found = re.search(r"second factor +(\S+)", shown)
    assert found is not None
    picture = io.StringIO()
    segno.make_qr(found[1]).terminal(out=picture, compact=True)
    assert picture.getvalue() in shown
