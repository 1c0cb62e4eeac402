"""What a command says when something happens of which nobody has thought: one line, without what it was working on."""

from __future__ import annotations

import json
from unittest import mock

import pytest
from click.testing import CliRunner

from fieldreport import config
from fieldreport.cli import main
from tests.cli.conftest import House

SECRET = "the guard at the second post"


@pytest.mark.parametrize(
    ("error", "status", "said"),
    [
        (ValueError(SECRET), 70, "fieldreport: this is a fault of the program: ValueError at "),
        (PermissionError(13, "Permission denied", "/srv/x"), 74, "fieldreport: /srv/x: Permission denied\n"),
    ],
)
def test_it_is_one_line_without_a_word_of_what_was_worked_on(error: Exception, status: int, said: str) -> None:
    with mock.patch.object(config, "load", side_effect=error):
        done = CliRunner().invoke(main, ["roster", "show"])
    assert done.exit_code == status
    assert done.stderr.startswith(said)
    assert done.stderr.count("\n") == 1
    assert SECRET not in done.stderr


def test_a_check_that_breaks_is_a_finding_and_the_others_are_made(house: House) -> None:
    with mock.patch("fieldreport.cli.doctor.roster_age", side_effect=KeyError(SECRET)):
        done = house.run("doctor", "--json")
    assert done.exit_code == 69
    assert SECRET not in done.stdout
    found = json.loads(done.stdout)
    (broken,) = [each for each in found if "a fault of the program: KeyError" in each["seen"]]
    assert broken["check"] == "roster"
    assert {"mailbox", "audit log", "cases"} <= {each["check"] for each in found}
