"""``keys status`` says what is due before it is too late; the recovery key is renewed in two acts, days apart."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fieldreport.seal import open_rosters
from fieldreport.unseal import key_file, roster_changes
from fieldreport.vault.archive import rewrap
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.vault import open_vault
from tests.cli.conftest import OBJECTS, House, Printed, acts, fill, recover, refused, staff_of, words_of


class Later:
    """A clock that is some days ahead."""

    ahead = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


@pytest.fixture
def ahead(monkeypatch: pytest.MonkeyPatch) -> Later:
    """Set ``ahead.ahead`` to move the clock of ``keys status`` and ``doctor``."""
    clock = Later()
    monkeypatch.setattr(RosterWatch, "now", lambda _watch: clock.now())
    return clock


def test_a_fresh_newsroom_has_nothing_due(staffed: House) -> None:
    facts = staffed.facts("keys", "status")
    assert facts["reminders"] == []
    assert (facts["days_left"], facts["alarm"], facts["rotate_days"]) == (89, False, 180)
    assert {(key["handle"], key["role"], key["due"]) for key in facts["keys"]} == {
        ("admin", "admin", False),
        ("amira", "editor", False),
        ("recovery", "recovery", False),
    }
    made = open_rosters(staffed.settings).newest(at_least=0).not_before
    days = {made.date(), (made - timedelta(hours=1)).date()}  # the first keys are older than this roster by a minute
    assert {key["since"] for key in facts["keys"]} <= {day.isoformat() for day in days}
    assert "No rotation is under way." in staffed.run("keys", "status").stdout


@pytest.mark.parametrize(
    ("days", "said"), [(58, None), (60, "ends in 29 days"), (88, "ends in 1 day;"), (91, "closed")]
)
def test_the_rosters_end_is_announced_a_month_ahead(staffed: House, ahead: Later, days: int, said: str | None) -> None:
    ahead.ahead = timedelta(days=days)
    facts = staffed.facts("keys", "status")
    assert facts["alarm"] == (said is not None)
    assert [said in reminder for reminder in facts["reminders"]] == ([True] if said else [])


def test_a_key_is_due_when_it_is_older_than_the_newsroom_wants(staffed: House, ahead: Later) -> None:
    ahead.ahead = timedelta(days=179)
    assert not any(key["due"] for key in staffed.facts("keys", "status")["keys"])
    ahead.ahead = timedelta(days=180, minutes=6)
    facts = staffed.facts("keys", "status")
    assert all(key["due"] for key in facts["keys"])
    said = "\n".join(facts["reminders"])
    for whose in ("The key of amira", "The admin key of admin", "The recovery key"):
        assert f"{whose} is 180 days old" in said
    assert re.search(r"amira +active +0 objects +180 days +due", staffed.run("keys", "status").stdout)
    assert "warns  keys" in staffed.run("doctor").stdout


def test_the_interval_is_the_newsrooms(staffed_house: House, ahead: Later) -> None:
    text = staffed_house.settings.path.read_text().replace("[keys]\n", "[keys]\nrotate_days = 10\n")
    staffed_house.settings.path.write_text(text)
    ahead.ahead = timedelta(days=11)
    assert all(key["due"] for key in staffed_house.facts("keys", "status")["keys"])
    staffed_house.settings.path.write_text(text.replace("rotate_days = 10", "rotate_days = 0"))
    assert "rotate_days" in refused(staffed_house.run("keys", "status"), 78)


def test_a_key_that_is_being_replaced_is_not_due(staffed_house: House, ahead: Later) -> None:
    assert staffed_house.as_admin("keys", "rotate", "amira", "--order-only").exit_code == 0
    ahead.ahead = timedelta(days=400)
    facts = staffed_house.facts("keys", "status")
    assert {key["handle"] for key in facts["keys"] if key["due"]} == {"admin", "recovery"}
    assert [(order["handle"], order["state"]) for order in facts["rotations"]] == [("amira", "ordered")]


def test_the_age_of_a_key_comes_from_the_first_roster_that_lists_it(
    staffed_house: House, admin_key: key_file.StaffKey
) -> None:
    published = open_rosters(staffed_house.settings)
    before, current = published.first_listed(), published.newest(at_least=0)
    assert admin_key.admin is not None
    raw = roster_changes.next_roster(current, current.entries, now=datetime.now(UTC) + timedelta(days=10))
    later = published.publish(raw, admin_key.admin.sign_roster(raw))
    assert later.not_before > max(before.values()) + timedelta(days=9)
    assert open_rosters(staffed_house.settings).first_listed() == before


# --- the recovery key ---


def editor_unlocks(house: House, handle: str) -> None:
    vault = open_vault(house.settings)
    rewrap.rewrap(Seat(vault, staff_of(house, handle), RosterWatch.of(house.settings, vault)))
    vault.close()


def test_the_recovery_key_is_renewed_and_the_old_one_retired_when_nothing_names_it(
    printed: Printed, tmp_path: Path
) -> None:
    house = printed.house
    (old,) = [key["key"] for key in house.facts("keys", "status")["keys"] if key["role"] == "recovery"]
    renewed = house.as_admin(
        "keys", "renew-recovery", "--yes", "--print", str(tmp_path / "paper"), "--print-as", "text"
    )
    assert renewed.exit_code == 0, renewed.stderr
    files = sorted((tmp_path / "paper").iterdir())
    assert len(files) == 3
    states = {key["key"]: key for key in house.facts("keys", "status")["keys"] if key["role"] == "recovery"}
    assert states.pop(old)["state"] == "decrypt-only"
    ((new, facts),) = states.items()
    assert (facts["state"], facts["objects"]) == ("active", 0)

    # Until an editor unlocks, everything depends on the old sheets, which still work and say so.
    stale = recover(house, "--rehearse", *printed.files[:3])
    assert "A newer recovery key has replaced it" in stale.stdout
    assert f"{OBJECTS} objects are still sealed" in refused(house.as_admin("keys", "retire-recovery", "--yes"), 75)
    editor_unlocks(house, "amira")
    fill(house, "amira")
    shown = house.facts("keys", "status")
    assert {key["key"]: key["objects"] for key in shown["keys"]}[new] == 2 * OBJECTS
    assert shown["by_state"]["decrypt-only"] == 0
    assert any("sheets can be destroyed" in reminder for reminder in shown["reminders"])
    assert house.as_admin("keys", "retire-recovery", "--yes").exit_code == 0
    assert ("admin", "key-destroyed") in acts(house)
    assert "no earlier recovery key" in refused(house.as_admin("keys", "retire-recovery", "--yes"), 66)
    assert "was retired" in refused(recover(house, "--rehearse", *printed.files[:3]), 65)
    done = recover(house, "--rehearse", typed=[words_of(path) for path in files[1:]])
    assert f"{2 * OBJECTS} of {2 * OBJECTS} objects" in done.stdout
    assert house.run("audit", "verify").exit_code == 0


def test_nothing_is_put_in_force_until_the_shares_are_on_paper(house: House) -> None:
    epoch = house.facts("roster", "show")["epoch"]
    done = house.as_admin("keys", "renew-recovery")  # nobody answers
    assert done.exit_code == 1
    assert "share 3:" in done.stdout
    assert house.facts("roster", "show")["epoch"] == epoch


def test_a_destroyed_key_is_in_the_signed_log_and_the_log_shows_if_that_is_changed(
    house: House, admin_key: key_file.StaffKey
) -> None:
    vault = open_vault(house.settings)
    seat = Seat(vault, admin_key, RosterWatch.of(house.settings, vault))
    seat.record(Act.KEY_DESTROYED, "ab" * 16)
    assert house.run("audit", "verify").exit_code == 0
    with vault.engine.begin() as connection:
        connection.exec_driver_sql("UPDATE audit SET subject = ? WHERE act = 'key-destroyed'", ("cd" * 16,))
    vault.close()
    assert "it was altered" in refused(house.run("audit", "verify"), 65)
