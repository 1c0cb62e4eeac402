"""``fieldreport metrics``: what doctor says, for Prometheus, and nothing that tells when a letter came."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import time
from contextlib import closing
from pathlib import Path
from typing import BinaryIO

import pytest

from fieldreport.checks.findings import Finding, Verdict
from fieldreport.cli.metrics import lines_of
from fieldreport.mailbox import open_mailbox
from tests.cli.conftest import House

RULES = Path(__file__).resolve().parents[2] / "deploy" / "prometheus"
_LINE = re.compile(r"(\w+)\{([^}]*)\} ([0-9.]+)")


def _seal(payload: BinaryIO) -> bytes:
    payload.write(bytes(100))
    return b"any header"


def values(file: Path) -> dict[tuple[str, str], float]:
    lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
    found = [_LINE.fullmatch(line) for line in lines]
    assert all(found)
    return {(match[1], match[2]): float(match[3]) for match in found if match is not None}


def test_the_file_says_what_doctor_says_and_a_letter_changes_nothing_in_it(house: House, tmp_path: Path) -> None:
    file = tmp_path / "metrics" / "fieldreport.prom"
    file.parent.mkdir()
    assert house.run("metrics", str(file)).exit_code == 0
    before = values(file)
    assert file.stat().st_mode & 0o777 == 0o644
    for finding in json.loads(house.run("doctor", "--json").stdout):
        if ("fieldreport_check", f'zone="fieldreport",check="{finding["check"]}"') not in before:
            assert finding["check"] in {"audit log", "cases", "limited cases"}, "they read everything"
    written = before["fieldreport_written_seconds", 'zone="fieldreport"']
    assert written % 3600 == 0
    assert 0 <= time.time() - written < 7200
    with closing(open_mailbox(house.settings)) as mailbox:
        mailbox.deposit(os.urandom(16), 1, _seal)
    house.run("metrics", str(file))
    after = values(file)
    for each in (before, after):
        each.pop(("fieldreport_written_seconds", 'zone="fieldreport"'))
    assert after == before
    assert [path.name for path in file.parent.iterdir()] == [file.name]


def test_the_worst_of_a_check_counts_and_the_mailbox_is_told_in_tenths() -> None:
    findings = [
        Finding(check="modes", verdict=verdict, seen="") for verdict in (Verdict.HOLDS, Verdict.FAILS, Verdict.UNSEEN)
    ]
    lines = list(lines_of(findings, zone="intake", full=0.5999))
    assert 'fieldreport_check{zone="intake",check="modes"} 2' in lines
    assert 'fieldreport_mailbox_full_ratio{zone="intake"} 0.5' in lines


def test_a_file_that_cannot_be_written_is_one_line_and_a_status(house: House, tmp_path: Path) -> None:
    done = house.run("metrics", str(tmp_path / "nowhere" / "fieldreport.prom"))
    assert done.exit_code == 74
    assert "cannot write" in done.stderr


@pytest.mark.deployment
def test_prometheus_own_program_finds_that_the_rules_do_what_they_say(house: House, tmp_path: Path) -> None:
    shutil.copytree(RULES, tmp_path / "rules")
    for command in (("check", "rules", "fieldreport.rules.yml"), ("test", "rules", "fieldreport.rules.test.yml")):
        done = subprocess.run(
            ["promtool", *command], cwd=tmp_path / "rules", capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr
    file = tmp_path / "fieldreport.prom"
    house.run("metrics", str(file))
    with file.open() as content:
        said = subprocess.run(
            ["promtool", "check", "metrics"], stdin=content, capture_output=True, text=True, check=False
        )
    assert said.returncode == 0, said.stdout + said.stderr
