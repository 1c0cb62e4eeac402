"""``fieldreport purge``: it shows what is past its time, and deletes only with an editor's passphrase."""

from __future__ import annotations

import time
from contextlib import closing
from functools import partial

import pytest

from fieldreport.cli import purge
from fieldreport.mailbox import open_mailbox
from fieldreport.seal import Codename, SourceKeys
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import CaseState
from fieldreport.vault.archive.vault import open_vault
from fieldreport.vault.cases import inbox, sort, workflow
from fieldreport.vault.cases.collect import collect
from tests.cast import deposit_letter
from tests.cli.conftest import House, enrol, refused, staff_of


@pytest.fixture
def old(house: House, monkeypatch: pytest.MonkeyPatch) -> House:
    """A newsroom whose rule is a day, and in which amira closed a case 25 hours ago by the command's clock."""
    enrol(house, "amira")
    path = house.settings.path
    path.write_text(path.read_text(encoding="utf-8") + "\n[desk.retention]\nclosed = 1\n", encoding="utf-8")

    monkeypatch.setattr(purge, "open_vault", partial(open_vault, clock=lambda: time.time() + 25 * 3600))
    settings = house.settings
    with closing(open_mailbox(settings)) as mailbox, closing(open_vault(settings)) as vault:
        rosters = RosterWatch.of(settings, vault)
        source = SourceKeys.derive(Codename.generate("en"), instance=settings.instance_id)
        letter = deposit_letter(mailbox, rosters.newest(), source, hour=vault.hour(), text="a report")
        collect(vault, mailbox, rosters)
        seat = Seat(vault, staff_of(house, "amira"), rosters)
        sort.sort(seat)
        case_id = inbox.item(vault, letter).case_id
        assert case_id is not None
        inbox.mark_read(vault, case_id, "amira")
        workflow.set_state(seat, case_id, CaseState.CLOSED)
    return house


def living_cases(house: House) -> int:
    with closing(open_vault(house.settings)) as vault:
        return sum(inbox.counts(vault).values())


def test_it_shows_what_it_would_delete_and_deletes_with_a_passphrase(old: House) -> None:
    done = old.run("purge")
    assert done.exit_code == 0, done.stderr
    assert "1 case would be deleted, 0 past their time stay." in done.stdout
    (due,) = old.facts("purge")
    assert (due["state"], due["kept"], due["deleted"]) == ("closed", "", False)
    assert living_cases(old) == 1
    assert old.run("purge", "--delete").exit_code == 64
    wrong = old.directory / "wrong"
    wrong.write_text("not hers")
    as_amira = ("purge", "--delete", "--editor", "amira", "--passphrase-file")
    refused(old.run(*as_amira, wrong), 77)
    admins = ("purge", "--delete", "--editor", "admin", "--passphrase-file", old.passphrase_file)
    assert "is not an editor" in refused(old.run(*admins), 64)
    assert living_cases(old) == 1
    done = old.run(*as_amira, old.directory / "amira")
    assert "1 case deleted" in done.stdout, done.stderr
    assert living_cases(old) == 0
    assert old.run("audit", "verify").exit_code == 0
    assert "0 cases would be deleted" in old.run("purge").stdout


def test_without_a_rule_it_says_where_one_is_written(house: House) -> None:
    assert "[desk.retention]" in refused(house.run("purge"), 64)
