"""The AppArmor profiles: read by its parser, and naming the paths of the units. No kernel enforces them in a test."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from tests.deploy.under_unit import UNITS, directives

PROFILES: Final = UNITS.parent / "apparmor"
UNITS_WITH_ONE: Final = ("intake", "link", "desk", "press")

pytestmark = pytest.mark.deployment


def bodies() -> dict[str, str]:
    text = (PROFILES / "fieldreport").read_text(encoding="ascii")
    return dict(re.findall(r"^profile (\S+) [^{]*\{\n(.*?)^\}", text, re.MULTILINE | re.DOTALL))


def test_apparmors_own_parser_compiles_the_profiles(tmp_path: Path) -> None:
    base = Path(shutil.copytree("/etc/apparmor.d", tmp_path / "apparmor.d", symlinks=True))
    shutil.copytree(PROFILES / "abstractions", base / "abstractions", dirs_exist_ok=True)
    shutil.copy(PROFILES / "fieldreport", base)
    command = ["apparmor_parser", "--skip-kernel-load", "--skip-cache", "--base", str(base), "--Include", str(base)]
    done = subprocess.run([*command, str(base / "fieldreport")], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "error" not in done.stderr.lower()
    named = subprocess.run([*command, "--names", str(base / "fieldreport")], capture_output=True, text=True, check=True)
    assert set(named.stdout.split()) == {f"fieldreport-{name}" for name in UNITS_WITH_ONE}


@pytest.mark.parametrize("name", UNITS_WITH_ONE)
def test_a_profile_opens_what_its_unit_does_and_no_other_zones_directory(name: str) -> None:
    unit = UNITS / f"fieldreport-{name}.service"
    said = dict(directives(unit))
    body = bodies()[said["AppArmorProfile"].removeprefix("-")]
    assert said["AppArmorProfile"] == f"-fieldreport-{name}", "without it, where the kernel has none"
    settings = said["ExecStart"].split()[2]
    assert f"  {settings} r,\n" in body
    wanted = {
        path.removeprefix("-") for key, value in directives(unit) if key == "ReadWritePaths" for path in value.split()
    }
    assert set(re.findall(r"owner (/srv/fieldreport/\w+)/\{,\*\*\} rwkl,", body)) == wanted
    read = set(re.findall(r"^  (/srv/fieldreport/\w+)/", body, re.MULTILINE))
    assert read == {"desk": {"/srv/fieldreport/link"}, "press": {"/srv/fieldreport/site"}}.get(name, set())
