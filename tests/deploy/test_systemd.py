"""The systemd files: each read by systemd's own programs, and the sandbox at work under the units' filters."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.under_unit import UNITS, directives, under

ROOT: Final = Path(__file__).resolve().parents[2]
ZONES: Final = {"intake": "intake", "link": "intake", "desk": "desk", "press": "press"}  # service: zone
_SAMPLES: Final = ROOT / "fieldreport" / "bench" / "sample_files"
_KINDS: Final = ("photo.jpg", "voice.m4a", "en/statement.docx", "en/rota.pdf")
_MOST_EXPOSED: Final = 2.0  # of 10

pytestmark = pytest.mark.deployment
each_service = pytest.mark.parametrize("service", ZONES)


def said(*command: str | Path) -> str:
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


def test_systemd_finds_nothing_wrong_with_the_units(tmp_path: Path) -> None:
    """It wants to see the program, so the copies that it reads name one that is here."""
    units = shutil.copytree(UNITS, tmp_path / "units")
    for unit in units.glob("*.service"):
        unit.write_text(unit.read_text().replace("/opt/fieldreport/bin/fieldreport", sys.executable))
    assert said("systemd-analyze", "verify", "--man=no", *units.glob("*.service")) == ""


@each_service
def test_a_unit_leaves_little_exposed(service: str) -> None:
    printed = said(
        "systemd-analyze", "security", "--offline=yes", "--no-pager", UNITS / f"fieldreport-{service}.service"
    )
    found = re.search(r"Overall exposure level for (.+): (\d+\.\d)", printed)
    assert found is not None, printed
    sys.stdout.write(f"exposure of {found[1]}: {found[2]}\n")
    assert float(found[2]) <= _MOST_EXPOSED


@each_service
def test_a_unit_runs_its_zone_as_its_own_user_with_no_core_and_no_swap(service: str) -> None:
    wanted = dict(directives(UNITS / f"fieldreport-{service}.service"))
    zone = ZONES[service]
    command = f"/opt/fieldreport/bin/fieldreport --settings /srv/fieldreport/{zone}.toml {service}"
    assert (wanted["ExecStart"], wanted["User"], wanted["Group"]) == (command, *[f"fieldreport-{zone}"] * 2)
    assert (wanted["LimitCORE"], wanted["MemorySwapMax"]) == ("0", "0")


@pytest.mark.parametrize("unit", [unit.stem for unit in UNITS.glob("*.service")])
def test_what_a_timer_begins_runs_once_and_every_other_unit_comes_back(unit: str) -> None:
    """What all units share is read after a unit's own file, and would win."""
    wanted = list(directives(UNITS / f"{unit}.service"))
    is_served = unit.removeprefix("fieldreport-") in {*ZONES, "notice"}  # the notice tries until it is taken
    types, restarts = ([value for name, value in wanted if name == each] for each in ("Type", "Restart"))
    assert (types, restarts) == ((["exec"], ["on-failure"]) if is_served else (["oneshot"], []))


@pytest.mark.parametrize("zone", ["intake", "desk"])
def test_a_zone_is_backed_up_as_its_own_user_into_a_directory_of_its_own(zone: str) -> None:
    wanted = dict(directives(UNITS / f"fieldreport-backup-{zone}.service"))
    settings, own = f"/srv/fieldreport/{zone}.toml", f"/backup/{zone}"
    assert wanted["ExecStart"] == f"/opt/fieldreport/bin/fieldreport --settings {settings} backup {own}"
    assert (wanted["User"], wanted["ReadWritePaths"]) == (f"fieldreport-{zone}", f"/srv/fieldreport/{zone} {own}")
    assert wanted["ConditionPathExists"] == settings


def test_a_backup_is_made_under_a_units_filters(tmp_path: Path) -> None:
    program = (sys.executable, "-m", "fieldreport.cli")
    said(*program, "init", tmp_path / "newsroom")
    settings = tmp_path / "newsroom" / "fieldreport.toml"
    said(*under("fieldreport-backup-desk"), *program, "--settings", settings, "backup", tmp_path / "backup")
    assert [path.parent.name[:4] for path in (tmp_path / "backup").glob("*/manifest.json")] == ["0001"]


@pytest.mark.parametrize("zone", ["intake", "desk", "press"])
def test_a_zones_units_may_write_to_the_directories_that_are_its_own_and_no_others(zone: str) -> None:
    rows = [line.split() for line in (UNITS / "tmpfiles.conf").read_text().splitlines() if line.startswith("z ")]
    own = {path for _, path, _, user, _ in rows if user == f"fieldreport-{zone}"}
    units = [UNITS / f"fieldreport-{service}.service" for service, of in ZONES.items() if of == zone]
    allowed = [value for unit in units for name, value in directives(unit) if name == "ReadWritePaths"]
    assert {path.removeprefix("-") for value in allowed for path in value.split()} == own


def test_systemd_makes_the_users_and_knows_every_owner(tmp_path: Path) -> None:
    (tmp_path / "etc").mkdir()
    said("systemd-sysusers", f"--root={tmp_path}", UNITS / "sysusers.conf")
    made = [line.split(":") for line in (tmp_path / "etc" / "passwd").read_text().splitlines()]
    assert {row[0]: row[-1] for row in made} == {
        f"fieldreport-{zone}": "/usr/sbin/nologin" for zone in ("intake", "desk", "press")
    }
    assert said("systemd-tmpfiles", f"--root={tmp_path}", "--create", UNITS / "tmpfiles.conf") == ""


def test_files_of_every_kind_are_cleaned_in_the_sandbox_under_a_units_filters(tmp_path: Path) -> None:
    """With every decoder that the product has: also those that code pictures, sound and pages again."""
    scrub = (sys.executable, "-m", "fieldreport.cli", "scrub", "--strong", "--output", tmp_path)
    said(*under("fieldreport-intake"), *scrub, *(_SAMPLES / name for name in _KINDS))
    assert {path.suffix for path in tmp_path.iterdir()} == {".jpg", ".opus", ".txt", ".pdf"}


def test_under_a_units_filters_nobody_claims_to_know_the_clock() -> None:
    act = "from fieldreport.checks.machine import clock; print(clock().verdict)"
    assert said(*under("fieldreport-desk"), sys.executable, "-c", act).strip() == "unseen"


@pytest.mark.parametrize(
    ("act", "error"),
    [
        ("import mmap; mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC)", "Operation not permitted"),
        ("import os; os.setuid(os.getuid())", "Operation not permitted"),
        ("import os; os.mkdir('made', 0o2700)", "Operation not permitted"),
        ("import socket; socket.socket(socket.AF_PACKET, socket.SOCK_RAW)", "Address family not supported"),
    ],
)
def test_the_filters_of_these_tests_refuse_what_systemds_would(act: str, error: str, tmp_path: Path) -> None:
    command = [*under("fieldreport-intake"), sys.executable, "-c", act]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=tmp_path)
    assert error in done.stderr
