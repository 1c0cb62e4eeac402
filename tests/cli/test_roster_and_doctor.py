"""Commands that look whether an installation is sound: the roster, the audit log, the mailbox, ``doctor``."""

from __future__ import annotations

import errno
import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fieldreport import config, limits
from fieldreport.checks.findings import Verdict
from fieldreport.checks.machine import swap
from fieldreport.cli.doctor import _REMEDIES
from fieldreport.mailbox import LocalMailbox, open_mailbox
from fieldreport.scrub.sandbox.lockdown import sandbox_status
from fieldreport.seal import Role, open_rosters
from fieldreport.unseal import key_file, machine_secret, roster_changes
from fieldreport.vault.archive.vault import Vault, open_vault
from tests.cast import CHEAP
from tests.cli.conftest import House, enrol, refused, run

# Of a command that reads the roster, which every damage to it must stop.
READERS = [("roster", "show"), ("roster", "verify"), ("staff", "list"), ("audit", "verify")]


def test_the_roster_is_shown_and_verified(made: House) -> None:
    shown = made.facts("roster", "show")
    assert shown["epoch"] == 1
    assert len(shown["recipients"]) == 1  # recovery; an admin reads nothing
    assert re.fullmatch(r"[0-9a-f]{64}", shown["sha256"])
    verified = made.run("roster", "verify")
    assert verified.exit_code == 0
    assert "Epoch 1 is valid for 89 more days" in verified.stdout


def test_signing_again_makes_the_next_epoch_with_the_same_people(house: House) -> None:
    before = house.facts("roster", "show")
    assert house.as_admin("roster", "sign").exit_code == 0
    after = house.facts("roster", "show")
    assert after["epoch"] == before["epoch"] + 1
    assert after["recipients"] == before["recipients"]
    assert "2 rosters of the history are valid" in house.run("roster", "verify").stdout


def flip_roster(keys: Path) -> None:
    path = keys / "roster.json"
    path.write_bytes(path.read_bytes().replace(b'"epoch":1', b'"epoch":7'))


def drop_signature(keys: Path) -> None:
    (keys / "roster.json.sig").unlink()


def swap_admin(keys: Path) -> None:
    staff = key_file.StaffKey.generate("mallory", Role.ADMIN)
    assert staff.admin is not None
    (keys / "admin.pub").write_text(staff.admin.public.encode())


def empty(keys: Path) -> None:
    shutil.rmtree(keys)


@pytest.mark.parametrize("command", READERS, ids=" ".join)
@pytest.mark.parametrize("damage", [flip_roster, drop_signature, swap_admin, empty])
def test_a_roster_that_the_admin_did_not_sign_is_refused(
    house: House, damage: Callable[[Path], None], command: tuple[str, str]
) -> None:
    before = (house.directory / "keys" / "roster.json").read_bytes()
    damage(house.directory / "keys")
    assert damage is not flip_roster or (house.directory / "keys" / "roster.json").read_bytes() != before
    refused(house.run(*command), 77)


def sign_next(house: House, admin_key: key_file.StaffKey, *, days_ago: int = 0) -> None:
    """Put the next roster in force, signed by the admin as of some days ago."""
    assert admin_key.admin is not None
    published = open_rosters(house.settings)
    current = published.newest(at_least=0)
    raw = roster_changes.next_roster(current, current.entries, now=datetime.now(UTC) - timedelta(days=days_ago))
    published.publish(raw, admin_key.admin.sign_roster(raw))


def test_an_expired_roster_is_refused_until_the_admin_signs_again(house: House, admin_key: key_file.StaffKey) -> None:
    sign_next(house, admin_key, days_ago=100)
    assert "expired" in refused(house.run("roster", "verify"), 77)
    refused(house.run("staff", "list"), 77)
    assert house.run("audit", "verify").exit_code == 0  # the log stays checkable
    assert house.as_admin("roster", "sign").exit_code == 0
    assert "Epoch 3 is valid" in house.run("roster", "verify").stdout


def roll_back(
    house: House,
    admin_key: key_file.StaffKey,
    seen_by: Callable[[config.Settings], Vault | LocalMailbox] = open_vault,
) -> None:
    """Sign another, let one store see it, and put the first roster back with everything that came with it."""
    keys = house.directory / "keys"
    old = shutil.copytree(keys, house.directory / "old")
    sign_next(house, admin_key)
    store = seen_by(house.settings)
    store.saw_epoch(2)
    store.close()
    shutil.rmtree(keys)
    old.rename(keys)


def test_a_roster_older_than_the_vault_has_seen_is_told(house: House, admin_key: key_file.StaffKey) -> None:
    roll_back(house, admin_key)
    assert "epoch 1, but 2" in refused(house.run("audit", "verify"), 77)
    done = house.run("doctor")
    assert done.exit_code == 69
    assert re.search(r"^fails +roster +.*epoch 1, but 2", done.stdout, re.MULTILINE)


@pytest.mark.parametrize("command", [("roster", "show"), ("roster", "verify"), ("staff", "list")], ids=" ".join)
@pytest.mark.parametrize("seen_by", [open_vault, open_mailbox])
def test_commands_that_look_refuse_a_roster_older_than_any_store_here_has_seen(
    house: House,
    admin_key: key_file.StaffKey,
    seen_by: Callable[[config.Settings], Vault | LocalMailbox],
    command: tuple[str, ...],
) -> None:
    """An intake of its own has only the mailbox to compare with, and gets no vault by looking."""
    vault, mailbox = house.directory / "desk" / "vault.db", house.directory / "intake" / "mailbox.db"
    roll_back(house, admin_key, seen_by)
    assert (vault.exists(), mailbox.exists()) == (seen_by is open_vault, seen_by is open_mailbox)
    for arguments in (command, (*command, "--json")):
        if arguments != ("roster", "verify", "--json"):
            assert "epoch 1, but 2" in refused(house.run(*arguments), 77)
    assert (vault.exists(), mailbox.exists()) == (seen_by is open_vault, seen_by is open_mailbox)


def test_looking_at_a_roster_is_enough_to_refuse_an_older_one_later(house: House, admin_key: key_file.StaffKey) -> None:
    open_mailbox(house.settings).close()
    keys = house.directory / "keys"
    old = shutil.copytree(keys, house.directory / "old")
    sign_next(house, admin_key)
    assert house.run("roster", "show").exit_code == 0
    shutil.rmtree(keys)
    old.rename(keys)
    assert "epoch 1, but 2" in refused(house.run("roster", "show"), 77)


def test_doctor_and_a_rotation_of_everybody_refuse_what_the_mailbox_alone_knows_to_be_old(
    house: House, admin_key: key_file.StaffKey
) -> None:
    roll_back(house, admin_key, open_mailbox)
    assert "epoch 1, but 2" in refused(house.as_admin("keys", "rotate", "--all"), 77)
    assert findings(house, status=69)["roster"] == [("fails", "the roster has epoch 1, but 2 was seen before")]


@pytest.mark.parametrize("command", [("roster", "sign"), ("staff", "add", "nadia"), ("staff", "remove", "recovery")])
@pytest.mark.parametrize("seen_by", [open_vault, open_mailbox])
def test_nothing_is_signed_on_top_of_a_roster_that_was_put_back(
    house: House,
    admin_key: key_file.StaffKey,
    seen_by: Callable[[config.Settings], Vault | LocalMailbox],
    command: tuple[str, ...],
) -> None:
    roll_back(house, admin_key, seen_by)
    assert "epoch 1, but 2" in refused(house.as_admin(*command), 77)
    assert not (house.settings.desk.keyfiles / "nadia.key").exists()


def test_what_the_admin_signs_at_the_terminal_is_in_the_audit_log(house: House) -> None:
    entries = house.facts("audit", "verify")["entries"]
    assert house.as_admin("roster", "sign").exit_code == 0
    assert house.facts("audit", "verify")["entries"] == entries + 1


def test_the_audit_log_is_verified_with_the_rosters_keys(house: House) -> None:
    report = house.facts("audit", "verify")
    assert set(report) == {"entries", "unsigned", "head", "held", "accepted_as_lost"}
    done = house.run("audit", "verify")
    assert done.exit_code == 0
    assert report["head"] in done.stdout


def test_collecting_an_empty_mailbox_does_nothing_twice(house: House) -> None:
    for _ in range(2):
        assert house.facts("collect") == {"letters": 0, "replies": 0}
    assert house.run("collect").stdout == "0 letters collected, 0 replies delivered.\n"


# --- doctor ---


def findings(house: House, *, status: int) -> dict[str, list[tuple[str, str]]]:
    """Check → (verdict, what was seen) of each of its findings."""
    done = house.run("doctor", "--json")
    assert done.exit_code == status, done.stdout + done.stderr
    found: dict[str, list[tuple[str, str]]] = {}
    for finding in json.loads(done.stdout):
        found.setdefault(finding["check"], []).append((finding["verdict"], finding["seen"]))
    return found


WHOLE = 0 if sandbox_status().complete else 69


def test_doctor_is_content_with_a_good_installation(staffed: House) -> None:
    found = findings(staffed, status=WHOLE)
    verdicts = {check: {verdict for verdict, _ in seen} for check, seen in found.items()}
    assert verdicts.pop("sandbox") == {"holds" if WHOLE == 0 else "fails"}
    assert set(verdicts) == {
        "admin key",
        "audit log",
        "backup of the desk",
        "backup of the intake",
        "cases",
        "clock",
        "cryptography",
        "disk of the desk",
        "disk of the intake",
        "key files",
        "keys",
        "letterbox",
        "limited cases",
        "limiter of the desk",
        "limiter of the intake",
        "mailbox",
        "modes",
        "roster",
        "roster's age",
        "sqlite",
        "swap",
        "vault",
    }
    for machine in ("clock", "disk of the desk", "disk of the intake", "swap"):  # which is no test's business
        assert verdicts.pop(machine) <= {"holds", "warns", "unseen"}
    for zone in ("intake", "desk"):
        assert verdicts.pop(f"backup of the {zone}") == {"warns"}
    assert all(verdict == {"holds"} for verdict in verdicts.values()), found


def test_doctor_names_a_limited_case_whose_readers_have_left(staffed: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        "fieldreport.vault.cases.restriction.orphaned_cases", lambda *_: [("quiet harbour", frozenset({"bo"}))]
    )
    ((verdict, seen),) = findings(staffed, status=WHOLE)["limited cases"]
    assert verdict == "warns"
    assert "all readers of quiet harbour have left" in seen


def test_doctor_names_a_case_whose_source_no_editor_signed(staffed: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fieldreport.vault.archive.origin.refused_cases", lambda *_: [("C-7Q2M", "forged")])
    ((verdict, seen),) = findings(staffed, status=69)["cases"]
    assert verdict == "fails"
    assert "C-7Q2M (forged)" in seen


def test_doctor_says_that_nobody_could_read_a_letter_yet(house: House) -> None:
    ((verdict, seen),) = findings(house, status=69)["roster"]
    assert verdict == "fails"
    assert seen.startswith("the roster names no active editor; add one with the desk's settings")


def test_doctor_says_what_to_do_about_a_roster_or_a_database_that_cannot_be_read(staffed_house: House) -> None:
    keys, desk = staffed_house.settings.keys.directory, staffed_house.settings.desk.data
    (keys / "roster.json").rename(keys / "elsewhere")
    (seen,) = {seen for verdict, seen in findings(staffed_house, status=69)["roster"]}
    assert "put it back from a backup" in seen
    (keys / "elsewhere").rename(keys / "roster.json")
    (desk / "vault.db").unlink()
    (desk / "vault.db").mkdir()
    (seen,) = {seen for verdict, seen in findings(staffed_house, status=69)["vault"]}
    assert f"{desk / 'vault.db'}: " in seen
    assert "see that its disk has room" in seen


@pytest.mark.parametrize(
    ("swaps", "verdict", "named"),
    [
        ("", Verdict.HOLDS, ""),
        ("/dev/zram0 partition 8 0 100\n", Verdict.HOLDS, ""),
        ("/dev/dm-1 p 8 0 -2\n/dev/dm-2 p 8 0 -2\n/swapfile file 8 0 -3\n", Verdict.WARNS, "dm-2, /swap"),
        (None, Verdict.UNSEEN, "swapon"),
    ],
)
def test_doctor_warns_of_swap_in_the_clear(tmp_path: Path, swaps: str | None, verdict: Verdict, named: str) -> None:
    if swaps is not None:
        (tmp_path / "swaps").write_text(f"Filename Type Size Used Priority\n{swaps}")
    for name, uuid in (("dm-1", "CRYPT-PLAIN-swap"), ("dm-2", "LVM-0123")):
        (tmp_path / name / "dm").mkdir(parents=True)
        (tmp_path / name / "dm" / "uuid").write_text(uuid)
    found = swap(tmp_path / "swaps", tmp_path)
    assert found.verdict is verdict
    assert named in str(found.seen)
    assert "dm-1" not in str(found.seen)


@pytest.mark.parametrize("path", ["desk/keyfiles/admin.key", "desk/keyfiles", "intake"])
def test_doctor_fails_where_others_can_look_in(house: House, path: str) -> None:
    (house.directory / path).chmod(0o755)
    failed = [seen for verdict, seen in findings(house, status=69)["modes"] if verdict == "fails"]
    assert failed == [f"{Path(path).name} has mode 755, others can look in; 'fieldreport doctor --fix' closes it"]
    done = house.run("doctor", "--fix")
    assert f"{Path(path).name} had mode 755, and has now 7" in done.stdout
    assert not any(verdict == "fails" for verdict, _ in findings(house, status=69)["modes"])


def test_doctor_names_key_files_without_their_secrets_and_secrets_without_theirs(house: House) -> None:
    keyfiles = house.settings.desk.keyfiles
    place = machine_secret.directory(keyfiles)
    (secret,) = place.iterdir()
    key_file.write_key_file(
        keyfiles / "amira.key", key_file.StaffKey.generate("amira", Role.EDITOR), "x", cost=CHEAP, portable=True
    )
    assert findings(house, status=69)["key files"] == [
        ("warns", "the passphrase alone opens amira.key; the start of the desk binds it to this machine")
    ]
    left = "keyfiles.machine/admin.0000000000000000"
    secret.rename(keyfiles.parent / left)
    before = {path: path.read_bytes() for path in (*keyfiles.iterdir(), *place.iterdir())}
    assert findings(house, status=69)["key files"] == [
        (
            "fails",
            f"admin.key needs the secret {secret.name}, which is not in {place}; {_REMEDIES['key-file-secret']}",
        ),
        ("warns", "the passphrase alone opens amira.key; the start of the desk binds it to this machine"),
        ("warns", f"no key file here needs {left}; an older copy opens with it, until shred -u destroys it"),
    ]
    assert {path: path.read_bytes() for path in (*keyfiles.iterdir(), *place.iterdir())} == before
    secret.write_bytes(bytes(32))
    secret.chmod(0o600)
    assert findings(house, status=69)["key files"][0] == (
        "fails", f"admin.key and its secret {secret.name} do not fit together",
    )  # fmt: skip
    place.chmod(0o750)
    assert (
        "fails",
        "keyfiles.machine has mode 750, others can look in; 'fieldreport doctor --fix' closes it",
    ) in findings(house, status=69)["modes"]


def test_doctor_lets_the_desk_into_the_intakes_directory_by_its_group(house: House) -> None:
    (house.directory / "intake").chmod(0o770)
    assert ("holds", "intake has mode 770") in findings(house, status=69)["modes"]


def test_doctor_warns_of_settings_that_a_group_may_write(house: House) -> None:
    house.settings.path.chmod(0o664)
    assert (
        "warns",
        f"fieldreport.toml has mode 664, others can write to it; run: chmod go-w {house.settings.path}",
    ) in findings(house, status=69)["modes"]


@pytest.mark.parametrize(
    ("zone", "path"),
    [
        ("intake", "intake"),
        ("desk", "desk"),
        ("desk", "desk/keyfiles"),
        ("desk", "desk/keyfiles/admin.key"),
        ("desk", "desk/keyfiles.machine"),
    ],
)
def test_a_zone_whose_files_others_can_look_into_does_not_start(house: House, zone: str, path: str) -> None:
    (house.directory / path).chmod(0o705)
    # A process of its own: a zone starts itself again before it looks, and would replace this one.
    command = [sys.executable, "-m", "fieldreport.cli", "--settings", str(house.settings.path), zone]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=120)
    assert (done.returncode, done.stderr.count("\n")) == (78, 1), done.stderr
    assert "others can look into" in done.stderr


def test_no_passphrase_is_asked_for_where_others_can_look_at_key_files(house: House) -> None:
    (house.directory / "desk" / "keyfiles").chmod(0o755)
    assert "chmod 700" in refused(house.as_admin("roster", "sign"), 78)


def test_doctor_fails_without_a_roster_and_still_looks_at_the_rest(house: House) -> None:
    drop_signature(house.directory / "keys")
    found = findings(house, status=69)
    assert found["roster"][0][0] == found["roster's age"][0][0] == "fails"
    assert found["vault"][0][0] == "holds"


def test_doctor_names_the_letters_that_cannot_be_read(staffed_house: House) -> None:
    settings = staffed_house.settings
    with closing(open_mailbox(settings)) as mailbox:
        mailbox.deposit(b"m" * 16, mailbox.highest_epoch(), lambda file: (file.write(bytes(300_000)), b"header")[1])
        path = next((settings.intake.data / "blobs").glob("[0-9a-f]*"))
        path.write_bytes(b"")
        assert findings(staffed_house, status=69)["mailbox"][1] == (
            "fails",
            f"payloads that cannot be read: 1 ({b'm'.hex() * 16}); put them back from a backup",
        )
        answer = staffed_house.run("collect", "--json")
        assert (answer.exit_code, json.loads(answer.stdout)) == (74, {"letters": 0, "replies": 0})
        assert b"m".hex() * 16 in answer.stderr
        path.write_bytes(bytes(300_000))
    assert staffed_house.run("collect").exit_code == WHOLE
    next((settings.desk.data / "blobs").glob("[0-9a-f]*")).write_bytes(b"")
    assert findings(staffed_house, status=69)["vault"][1][0] == "fails"


def test_doctor_mends_what_a_crash_left_and_spares_what_is_being_written(
    staffed_house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_vault(staffed_house.settings).close()
    left = staffed_house.settings.desk.data / "blobs" / ("ab" * 16)
    left.write_bytes(b"sealed")
    assert staffed_house.run("doctor", "--fix").exit_code == WHOLE
    assert left.exists()  # younger than an hour: its row may be on its way

    later = time.time() + limits.ORPHAN_SECONDS + 60
    monkeypatch.setattr("fieldreport.store.file_blobs.time.time", lambda: later)
    assert findings(staffed_house, status=WHOLE)["vault"] == [
        ("warns", "1 payloads without a row found; 'fieldreport doctor --fix' removes them")
    ]
    assert left.exists()
    assert staffed_house.run("doctor", "--fix").exit_code == WHOLE
    assert not left.exists()


def test_doctor_names_what_is_away_with_its_place_and_what_to_do_and_looks_at_the_rest(house: House) -> None:
    text = (house.directory / "fieldreport.toml").read_text()
    text = text.replace("[desk]\n", '[desk]\nvault = "postgresql://desk:hunter@127.0.0.1:1/vault"\n')
    text = text.replace("[intake]\n", '[intake]\nlimiter = "redis://:hunter@127.0.0.1:1/0"\n')
    (house.directory / "fieldreport.toml").write_text(text)
    found = findings(house, status=69)
    ((verdict, seen),) = found["vault"]
    assert verdict == "fails"
    assert seen.startswith("postgresql://desk:***@127.0.0.1:1/vault: OperationalError; see that")
    ((verdict, seen),) = found["limiter of the intake"]
    assert verdict == "fails"
    assert seen.startswith("redis://127.0.0.1:1/0 does not answer")
    assert seen.endswith("start Redis there, or correct [intake] limiter")
    assert found["mailbox"] == [("holds", "0 payloads without a row")]
    assert "hunter" not in str(found)


def test_doctor_says_of_a_zone_that_it_may_not_look_at_it(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(path: Path, **_: object) -> bytes:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    monkeypatch.setattr(Path, "read_bytes", refused)
    ((verdict, seen),) = findings(house, status=69)["letterbox"]
    assert verdict == "fails"
    assert seen.endswith("letterbox: Permission denied; run it as the letterbox's user, or with the desk's settings")


def test_doctor_says_from_a_tenth_of_free_disk_on_and_when_letters_are_not_taken_any_more(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.statvfs("/")

    def of(free: int) -> Callable[[object], os.statvfs_result]:
        blocks = 100_000 * limits.MIB // real.f_frsize
        return lambda _: os.statvfs_result((*real[:2], blocks, free, free * limits.MIB // real.f_frsize, *real[5:]))

    for free, verdict in ((50_000, "holds"), (9_000, "warns"), (100, "fails")):
        monkeypatch.setattr("fieldreport.store.reserve.os.statvfs", of(free))
        ((seen_verdict, seen),) = findings(house, status=69)["disk of the intake"]
        assert seen_verdict == verdict
        assert f"has {free} MiB left" in seen
        assert ("the letterbox takes nothing: make room" in seen) == (verdict == "fails")


# --- settings ---


@pytest.mark.parametrize("command", [*READERS, ("collect",), ("doctor",), ("intake",), ("desk",), ("press",), ("up",)])
def test_without_settings_every_command_says_so_in_one_line(tmp_path: Path, command: tuple[str, ...]) -> None:
    assert "no settings file" in refused(run("--settings", tmp_path / "fieldreport.toml", *command), 78)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("line", ["[unknown]", "not = [toml", "[press]\nsign_offs = 9"])
def test_wrong_settings_are_one_line(house: House, line: str) -> None:
    text = house.settings.path.read_text() if not line.startswith("[press]") else ""
    (house.directory / "fieldreport.toml").write_text(f"{text}\n{line}\n")
    refused(house.run("roster", "show"), 78)


def test_doctor_says_who_could_open_an_original(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    enrol(house, "amira")

    def said(named: str) -> tuple[str, str]:
        monkeypatch.setenv("FIELDREPORT_INTAKE_ORIGINALS", named)
        done = json.loads(house.run("doctor", "--json").stdout)
        (found,) = [each for each in done if each["check"] == "originals"]
        return found["verdict"], found["seen"]

    assert said("amira") == ("holds", "opened by amira, recovery")
    assert said("amira,jonas,recovery")[0] == "warns"
