"""``fieldreport letterbox``: what it says, what it writes, and for whom."""

from __future__ import annotations

import os
import subprocess
import sys

import click.testing
import pytest

from fieldreport.cli import main
from fieldreport.mailbox.letterbox import LetterboxState, asks_for_invitation, is_invited, letterbox_state
from tests.cli.conftest import House


def test_it_closes_and_opens_and_says_how_it_stands(house: House) -> None:
    data = house.settings.intake.data
    assert house.run("letterbox").stdout == "The letterbox is open.\n"
    assert "no files" in house.run("letterbox", "no-files").stdout
    assert letterbox_state(data) is LetterboxState.NO_FILES
    assert "is closed" in house.run("letterbox", "closed").stdout
    assert "is closed" in house.run("letterbox").stdout
    assert house.run("letterbox", "open").stdout == "The letterbox is open.\n"
    assert letterbox_state(data) is LetterboxState.OPEN
    assert house.run("letterbox", "ajar").exit_code == 2
    assert "At most 40 reports from forms an hour" in house.run("letterbox", "--letters-per-hour", "40").stdout
    (house.settings.intake.data / "letters-per-hour").write_text("many")
    assert "No report from a form is taken" in house.run("letterbox").stdout
    failing = [line for line in house.run("doctor").stdout.splitlines() if "letters-per-hour" in line]
    assert "fails" in failing[0]
    assert "set them again" in failing[0]
    assert house.run("letterbox", "--letters-per-hour", "0").stdout == "The letterbox is open.\n"


def test_the_word_is_typed_and_not_an_argument(house: House) -> None:
    data = house.settings.intake.data
    arguments = ["--settings", str(house.settings.path), "letterbox", "--invitation"]
    done = click.testing.CliRunner().invoke(main, arguments, input="Blue Heron\n")
    assert done.exit_code == 0, done.output
    assert "needs the invitation word" in done.stdout
    assert is_invited(data, "blue heron")
    assert not is_invited(data, "grey heron")
    assert "invitation" not in house.run("letterbox", "--no-invitation").stdout
    assert not asks_for_invitation(data)
    assert click.testing.CliRunner().invoke(main, arguments, input=" \n").exit_code == 64
    assert not asks_for_invitation(data), "a word of nothing would keep everybody out"


def test_what_root_writes_is_given_to_whom_the_intake_runs_as(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    given: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    monkeypatch.setattr(os, "fchown", lambda _file, user, group: given.append((user, group)))
    (house.settings.intake.data / "letterbox").unlink(missing_ok=True)
    house.run("letterbox", "no-files")
    owner = house.settings.intake.data.stat()
    assert given == [(owner.st_uid, owner.st_gid)]
    assert (house.settings.intake.data / "letterbox").stat().st_mode & 0o777 == 0o600


def test_who_may_not_look_is_told_so_in_one_line_and_not_that_it_is_closed(house: House) -> None:
    house.run("letterbox", "open")
    powers = "-dac_override,-dac_read_search"  # with which root looks nevertheless
    command = ["setpriv", "--bounding-set", powers, "--"] if os.geteuid() == 0 else []
    data = house.settings.intake.data
    mode = data.stat().st_mode
    data.chmod(0o000)
    try:
        done = subprocess.run(
            [*command, sys.executable, "-m", "fieldreport.cli", "--settings", str(house.settings.path), "letterbox"],
            capture_output=True,
            text=True,
            check=False,
            cwd="/",
        )
    finally:
        data.chmod(mode)
    assert done.returncode == 74
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert line.startswith("fieldreport: cannot look at ")
    assert line.endswith("Permission denied; run it as the letterbox's user, or with the desk's settings")
