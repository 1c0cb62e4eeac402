"""Zones with directories, settings and rosters of their own, and the link between them as it is run.

Users of their own need root: here one user is all three, and everything else is as on a server.
"""

from __future__ import annotations

import grp
import json
import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from fieldreport import config
from fieldreport.cli.split import Owner, split
from fieldreport.errors import SettingsError, StoreError, UsageError
from fieldreport.intake.link import gate_of, listen_of, peer_gate
from fieldreport.mailbox import open_mailbox
from fieldreport.mailbox.link import open_link
from fieldreport.seal import open_rosters
from fieldreport.vault.archive.tables import Item
from fieldreport.vault.archive.vault import open_vault
from tests.cli.conftest import House, refused, run
from tests.eventually import PATIENCE_SECONDS, eventually
from tests.mailbox.test_letters import sealing

ME = Owner(name=pwd.getpwuid(os.getuid()).pw_name, user=os.getuid(), group=os.getgid())
ZONES = ("intake", "desk", "press")


@pytest.fixture
def parted(house: House) -> Path:
    shutil.copytree(house.directory / "keys", house.directory.parent / "first")
    split(house.directory, dict.fromkeys(ZONES, ME))
    return house.directory


def settings_of(directory: Path, zone: str) -> config.Settings:
    return config.load(directory / f"{zone}.toml", {})


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_each_zones_settings_hold_its_own_part_and_no_more(house: House) -> None:
    before = house.settings
    split(house.directory, dict.fromkeys(ZONES, ME))
    assert not (house.directory / "fieldreport.toml").exists()
    held = {zone: {part for part in ("keys", *ZONES) if settings_of(house.directory, zone).has(part)} for zone in ZONES}
    assert held == {"intake": {"keys", "intake"}, "desk": {"keys", "desk", "press"}, "press": {"press"}}
    intake, desk, press = (settings_of(house.directory, zone) for zone in ZONES)
    assert intake.instance == desk.instance == press.instance == before.instance
    assert (intake.intake.data, intake.intake.listen) == (before.intake.data, before.intake.listen)
    assert (desk.desk.keyfiles, desk.press.site) == (before.desk.keyfiles, before.press.site)
    assert intake.intake.link_users == (ME.name,)
    with pytest.raises(SettingsError, match=r"has no \[desk\]"):
        _ = intake.desk.keyfiles


def test_modes_let_nobody_else_in(parted: Path) -> None:
    assert [mode(parted / name) for name in ("intake", "desk", "link", "site")] == [0o700, 0o700, 0o2750, 0o2750]
    assert {mode(parted / f"{zone}.toml") for zone in ZONES} == {0o640}
    group = grp.getgrgid(ME.group)
    assert (parted / "link").stat().st_gid == group.gr_gid


def test_both_zones_have_the_rosters_and_nothing_lies_between_them(parted: Path) -> None:
    assert not (parted / "keys").exists()
    rosters = [open_rosters(settings_of(parted, zone)).newest(at_least=0) for zone in ("intake", "desk")]
    assert rosters[0] == rosters[1]


def test_what_is_set_at_every_boot_is_what_split_sets(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    """``deploy/systemd/tmpfiles.conf``. Only root can give files away, so what would be given is written down."""
    owners = {zone: Owner(name=f"fieldreport-{zone}", user=70 + n, group=70 + n) for n, zone in enumerate(ZONES)}
    names = {os.geteuid(): "root", **{owner.user: owner.name for owner in owners.values()}}
    given: dict[Path, tuple[str, str]] = {}

    def give(path: Path, user: int, group: int, **_more: object) -> None:
        given[path] = (names[user], names[group])

    monkeypatch.setattr(os, "chown", give)
    split(house.directory, owners)
    lines = (Path(__file__).parents[2] / "deploy" / "systemd" / "tmpfiles.conf").read_text().splitlines()
    rows = [line.split()[1:] for line in lines if line.startswith("z ")]
    there = {Path(path.replace("/srv/fieldreport", str(house.directory))): rest for path, *rest in rows}
    assert {path: tuple(rest[1:]) for path, rest in there.items()} == {
        house.directory: ("root", "root"),
        **{path: owner for path, owner in given.items() if path.parent == house.directory},
    }
    assert {path: int(rest[0], 8) for path, rest in there.items()} == {path: mode(path) for path in there}


def test_split_again_it_sets_modes_and_changes_nothing_else(parted: Path) -> None:
    texts = [(parted / f"{zone}.toml").read_text() for zone in ZONES]
    (parted / "desk").chmod(0o755)
    split(parted, dict.fromkeys(ZONES, ME))
    assert mode(parted / "desk") == 0o700
    assert [(parted / f"{zone}.toml").read_text() for zone in ZONES] == texts


def test_a_machine_with_one_zone_is_given_to_it_and_what_no_backup_holds_is_made(parted: Path) -> None:
    press = (parted / "press.toml").read_text()
    for path in (parted / "press.toml", parted / "link"):
        path.unlink() if path.is_file() else path.rmdir()
    split(parted, dict.fromkeys(ZONES, ME))
    assert (parted / "press.toml").read_text().split() == press.split()
    assert mode(parted / "link") == 0o2750
    for name in ("desk", "site", "link"):
        shutil.rmtree(parted / name)
    for zone in ("desk", "press"):
        (parted / f"{zone}.toml").unlink()
    (parted / "intake").chmod(0o755)
    split(parted, dict.fromkeys(ZONES, ME))
    assert sorted(path.name for path in parted.iterdir() if path.suffix == ".toml" or path.is_dir()) == [
        "intake",
        "intake.toml",
    ]
    assert mode(parted / "intake") == 0o700
    (parted / "intake.toml").unlink()
    with pytest.raises(UsageError, match="holds neither"):
        split(parted, dict.fromkeys(ZONES, ME))


def test_backups_of_zones_are_restored_into_one_directory_and_over_nothing(parted: Path, tmp_path: Path) -> None:
    backups = {}
    for zone in ("intake", "desk"):
        done = run("--settings", parted / f"{zone}.toml", "backup", tmp_path / zone)
        assert done.exit_code == 0, done.stderr
        backups[zone] = done.stdout.partition(":")[0]
    again = tmp_path / "again"
    for zone in ("intake", "desk"):
        assert run("restore", backups[zone], again).exit_code == 0
        assert "is not empty" in refused(run("restore", backups[zone], again), 64)
    split(again, dict.fromkeys(ZONES, ME))
    for zone in ZONES:
        assert settings_of(again, zone).instance == settings_of(parted, zone).instance


def test_an_installation_that_was_arranged_otherwise_is_left_alone(house: House) -> None:
    house.settings.path.write_text(house.settings.path.read_text().replace('site = "site"', 'site = "elsewhere"'))
    with pytest.raises(UsageError, match="name other directories"):
        split(house.directory, dict.fromkeys(ZONES, ME))
    assert house.settings.path.exists()
    assert (house.directory / "keys").is_dir()


@contextmanager
def link_server(directory: Path) -> Iterator[subprocess.Popen[bytes]]:
    """``fieldreport link`` as the intake's user would run it."""
    settings = directory / "intake.toml"
    process = subprocess.Popen([sys.executable, "-m", "fieldreport.cli", "--settings", str(settings), "link"])
    try:
        with closing(open_link(settings_of(directory, "desk"))) as link:
            eventually(lambda: answers(link, process))
        yield process
    finally:
        process.terminate()
        process.wait(PATIENCE_SECONDS)


def answers(link: Any, process: subprocess.Popen[bytes]) -> bool:
    assert process.poll() is None
    try:
        link.totals()
    except StoreError:
        return False
    return True


def collected(directory: Path) -> list[bytes]:
    vault = open_vault(settings_of(directory, "desk"))
    with vault.reading() as session:
        found = sorted(row.id for row in session.query(Item))
    vault.close()
    return found


def test_the_desk_collects_pushes_rosters_and_closes_the_letterbox_over_the_link(parted: Path, house: House) -> None:
    mailbox = open_mailbox(settings_of(parted, "intake"))
    letters = sorted(os.urandom(16) for _ in range(60))
    for number, letter_id in enumerate(letters):
        mailbox.deposit(letter_id, 1, sealing(os.urandom(300_000 if number % 20 == 0 else 20_000)))
    as_desk = ("--settings", parted / "desk.toml")
    assert "does not answer" in refused(run(*as_desk, "collect"), 74)
    # Anybody who signs rosters needs no intake; it hears of them later.
    signed = run(*as_desk, "roster", "sign", "--passphrase-file", house.passphrase_file)
    assert signed.exit_code == 0, signed.stderr
    assert open_rosters(settings_of(parted, "intake")).newest(at_least=0).epoch == 1
    with link_server(parted) as server:
        assert mode(parted / "link" / "socket") == 0o660
        assert run(*as_desk, "collect").stdout == "60 letters collected, 0 replies delivered.\n"
        assert run(*as_desk, "collect").stdout == "0 letters collected, 0 replies delivered.\n"
        assert "is closed" in run(*as_desk, "letterbox", "closed").stdout
        assert "is closed" in run("--settings", parted / "intake.toml", "letterbox").stdout
        second = subprocess.run(
            [sys.executable, "-m", "fieldreport.cli", "--settings", str(parted / "intake.toml"), "link"],
            capture_output=True,
            check=False,
        )
        assert second.returncode == 64, "the first is in its place"
        assert server.poll() is None
    assert not (parted / "link" / "socket").exists()
    assert collected(parted) == letters
    assert open_rosters(settings_of(parted, "intake")).newest(at_least=0).epoch == 2
    assert (mailbox.totals().letters, mailbox.highest_epoch()) == (0, 2)
    mailbox.close()


def test_a_server_killed_in_the_middle_of_a_letter_loses_and_doubles_nothing(parted: Path) -> None:
    mailbox = open_mailbox(settings_of(parted, "intake"))
    payload = os.urandom(24_000_000)
    letter_id = os.urandom(16)
    mailbox.deposit(letter_id, 1, sealing(payload))
    with closing(open_link(settings_of(parted, "desk"))) as link:
        with link_server(parted) as server:
            arriving = link.fetch(letter_id).payload
            begin = arriving.read(1_000_000)
            for child in Path(f"/proc/{server.pid}/task/{server.pid}/children").read_text().split():
                os.kill(int(child), signal.SIGKILL)
            server.kill()
            server.wait(PATIENCE_SECONDS)
        with link_server(parted):  # over the socket that the killed one left
            with arriving:
                rest = arriving.read()
            assert begin + rest == payload
            assert run("--settings", parted / "desk.toml", "collect").stdout.startswith("1 letters")
    assert collected(parted) == [letter_id]
    assert mailbox.totals().letters == 0
    mailbox.close()


def test_over_a_socket_the_kernel_says_who_asks() -> None:
    def asks(user: int) -> bool:
        sock = SimpleNamespace(getsockopt=lambda *_: b"".join(n.to_bytes(4, sys.byteorder) for n in (9, user, 9)))
        return peer_gate({61_001})(cast("Any", SimpleNamespace(environ={"gunicorn.socket": sock})))

    assert [user for user in (0, 61_000, 61_001, 61_002) if asks(user)] == [0, 61_001]


def test_a_link_that_anybody_could_use_is_not_served(parted: Path) -> None:
    path = parted / "intake.toml"
    text = path.read_text()
    for line, why in (
        ('link_users = ["nobody-of-that-name"]', "no user nobody-of-that-name"),
        ('link = "127.0.0.1:18699"', "must name a file with a token"),
        ('link = "127.0.0.1:18699"\nlink_token = "token"', "others can read"),
        ("", "nothing to serve"),
    ):
        kept = "".join(each for each in text.splitlines(keepends=True) if not each.startswith("link"))
        (parted / "token").write_text("x" * 40)
        (parted / "token").chmod(0o644)
        unix = 'link = "unix:link/socket"\n' if "users" in line else ""
        path.write_text(kept.replace("[intake]\n", f"[intake]\n{unix}{line}\n"))
        with pytest.raises(SettingsError, match=why):
            listen_of(settings_of(parted, "intake")) and gate_of(settings_of(parted, "intake"))


def doctored(directory: Path, zone: str) -> dict[str, list[tuple[str, str]]]:
    done = run("--settings", directory / f"{zone}.toml", "doctor", "--json")
    assert done.exit_code in {0, 69}, done.exception
    found: dict[str, list[tuple[str, str]]] = {}
    for each in json.loads(done.stdout):
        found.setdefault(each["check"], []).append((each["verdict"], each["seen"]))
    return found


def test_doctor_says_what_it_could_not_look_at_in_each_zone(staffed: House, tmp_path: Path) -> None:
    shutil.copytree(staffed.directory, tmp_path / "newsroom")
    parted = tmp_path / "newsroom"
    split(parted, dict.fromkeys(ZONES, ME))
    with link_server(parted):
        intake, desk, press = (doctored(parted, zone) for zone in ZONES)
    assert [zone["link"][0][0] for zone in (intake, desk)] == ["holds", "holds"]
    assert (intake["desk"][0][0], desk["intake"][0][0]) == ("unseen", "unseen")
    assert {press["intake"][0][0], press["desk"][0][0]} == {"unseen"}
    assert "vault" not in intake
    assert "audit log" not in intake
    assert not {"mailbox", "letterbox"} & set(desk), "of what it cannot see it says nothing"
    assert not {"roster", "mailbox", "vault", "link", "key files"} & set(press)
    assert {desk[check][0][0] for check in ("roster", "vault", "audit log", "keys", "key files")} == {"holds"}
    assert {intake[check][0][0] for check in ("roster", "mailbox", "letterbox")} == {"holds"}
    away = {zone: doctored(parted, zone)["link"][0] for zone in ("intake", "desk")}
    assert {verdict for verdict, _ in away.values()} == {"fails"}
    assert "'fieldreport link' serves it" in away["intake"][1]


def test_doctor_says_when_the_intake_lacks_the_newest_roster(parted: Path, house: House) -> None:
    signed = run("--settings", parted / "desk.toml", "roster", "sign", "--passphrase-file", house.passphrase_file)
    assert signed.exit_code == 0, signed.stderr
    with link_server(parted):
        assert doctored(parted, "desk")["link"][0][0] == "warns"
        assert run("--settings", parted / "desk.toml", "collect").exit_code == 0
        assert doctored(parted, "desk")["link"][0][0] == "holds"
        shutil.rmtree(parted / "desk" / "keys")
        shutil.copytree(house.directory.parent / "first", parted / "desk" / "keys")
        verdict, seen = doctored(parted, "desk")["link"][0]
    assert (verdict, "an older copy" in seen) == ("fails", True)


def test_a_zone_of_another_user_is_not_looked_at(parted: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Who is neither root nor the owner sees nothing; root would leave files behind that shut the owner out."""
    real, closed = os.access, {parted / "desk", parted / "intake"}
    monkeypatch.setattr(os, "geteuid", lambda: 61_001)
    monkeypatch.setattr(os, "access", lambda path, *rest: path not in closed and real(path, *rest))
    found = doctored(parted, "desk")
    assert found["desk"][0][0] == "unseen"
    assert "vault" not in found
    assert not {"link", "key files"} & set(found)
