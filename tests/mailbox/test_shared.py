"""Machines of one letterbox: what is said on one holds on all; what a writer of the database says holds on none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
from sqlalchemy import text

from fieldreport import limits
from fieldreport.errors import StoreError
from fieldreport.mailbox.letterbox import LetterboxState, is_invited, letterbox_state
from fieldreport.mailbox.shared import SharedLetterbox
from fieldreport.seal import RosterDirectory
from fieldreport.store import open_engine, writing
from fieldreport.unseal import roster_changes
from tests.cast import NOON, Clock, admin_key, copy_first_keys, settings_in

TOKEN = "the-token-that-all-machines-have-in-a-file"
OPEN, CLOSED = LetterboxState.OPEN, LetterboxState.CLOSED


@dataclass
class Machine:
    """One machine: its directory, its rosters, and what it hears of the others."""

    data: Path
    rosters: RosterDirectory
    shared: SharedLetterbox

    @property
    def state(self) -> LetterboxState:
        return letterbox_state(self.data)


@dataclass
class Two:
    """Two machines at one database."""

    one: Machine
    two: Machine
    directory: Path
    database_url: str
    clock: Clock
    machines: list[Machine] = field(default_factory=list)

    def later(self) -> None:
        self.clock.forward(limits.FOLLOW_SECONDS)

    def another(self, name: str, token: str = TOKEN) -> Machine:
        data = self.directory / name
        data.mkdir(mode=0o700)
        rosters = copy_first_keys(self.directory / f"{name}-keys")
        intake = replace(settings_in(self.directory).intake, data=data)
        engine = open_engine(self.database_url)
        self.machines.append(Machine(data, rosters, SharedLetterbox(engine, intake, token, rosters, clock=self.clock)))
        return self.machines[-1]

    def execute(self, statement: str, **values: object) -> None:
        engine = open_engine(self.database_url)
        with writing(engine) as session:
            session.execute(text(statement), values)
        engine.dispose()

    def switches(self) -> tuple[int, str]:
        engine = open_engine(self.database_url)
        with writing(engine) as session:
            row = session.execute(text("SELECT version, sealed FROM shared_switches")).one()
        engine.dispose()
        return row.version, row.sealed


@pytest.fixture
def two(tmp_path: Path, database_url: str) -> Iterator[Two]:
    both = Two(None, None, tmp_path, database_url, Clock())  # type: ignore[arg-type] # set on the next line
    both.one, both.two = both.another("one"), both.another("two")
    yield both
    for each in both.machines:
        each.shared.close()


def test_what_is_said_on_one_machine_holds_on_the_other_within_a_minute(two: Two) -> None:
    two.two.shared.keep_up()
    assert two.two.state is OPEN, "while nobody has said anything"
    said = two.one.shared.set_letterbox(state=CLOSED, invitation=" Wild  Geese ")
    assert (said.state, said.invitation, two.one.state) == (CLOSED, True, CLOSED)
    two.two.shared.keep_up()
    assert two.two.state is OPEN, "it has just looked"
    two.later()
    two.two.shared.keep_up()
    assert two.two.state is CLOSED
    assert is_invited(two.two.data, "wild geese")
    assert not is_invited(two.two.data, "tame geese")
    # The other says one of the two; a machine that is new hears both.
    two.two.shared.set_letterbox(state=OPEN)
    third = two.another("three")
    assert third.shared.letterbox() == two.one.shared.letterbox() == two.two.shared.letterbox()
    assert (third.state, is_invited(third.data, "")) == (OPEN, False)
    third.shared.set_letterbox(letters_per_hour=9)
    assert two.one.shared.letterbox().letters_per_hour == two.two.shared.letterbox().letters_per_hour == 9
    two.one.shared.set_letterbox(state=CLOSED)
    assert two.two.shared.letterbox().letters_per_hour == 9, "the other switches stay"
    assert limits.FOLLOW_SECONDS <= limits.FOLLOW_MOST_SECONDS <= 60


def test_the_database_holds_the_word_sealed_and_an_older_state_is_refused_until_somebody_says_it_again(
    two: Two,
) -> None:
    two.one.shared.set_letterbox(state=OPEN, invitation="wild geese")
    version, sealed = two.switches()
    assert "geese" not in sealed
    two.two.shared.follow()
    two.one.shared.set_letterbox(state=CLOSED)
    two.later()
    two.two.shared.keep_up()
    older = "UPDATE shared_switches SET version = :version, sealed = :sealed"
    two.execute(older, version=version, sealed=sealed)
    for machine in (two.one, two.two):
        two.later()
        with pytest.raises(StoreError, match="letterbox") as caught:
            machine.shared.keep_up()
        assert "older than" in caught.value.detail
        assert machine.state is CLOSED
    # The same content under a version of its own is no better.
    two.execute(older, version=version + 7, sealed=sealed)
    two.later()
    with pytest.raises(StoreError, match="letterbox"):
        two.two.shared.keep_up()
    two.one.shared.set_letterbox(state=OPEN)
    two.later()
    two.two.shared.keep_up()
    assert two.two.state is OPEN
    assert is_invited(two.two.data, "Wild Geese"), "what was not said again is what the machine knew"


def test_a_machine_with_another_token_takes_nothing(two: Two) -> None:
    two.one.shared.set_letterbox(state=OPEN)
    stranger = two.another("stranger", token="the-token-of-another-letterbox-altogether")
    with pytest.raises(StoreError) as caught:
        stranger.shared.keep_up()
    assert "machines_token" in caught.value.detail


def test_while_the_database_is_away_nothing_is_taken_and_closed_closes_the_machine_on_which_it_is_said(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    two.one.shared.set_letterbox(state=OPEN)

    def away() -> None:
        raise StoreError("the database is away")

    monkeypatch.setattr(two.one.shared, "_said", away)
    two.later()
    for _ in range(2):
        with pytest.raises(StoreError):
            two.one.shared.keep_up()
    with pytest.raises(StoreError) as caught:
        two.one.shared.set_letterbox(state=CLOSED)
    assert "this machine is closed, and the others of the letterbox do not know: the database" in caught.value.detail
    assert two.one.state is CLOSED
    monkeypatch.undo()
    two.later()
    two.one.shared.set_letterbox(letters_per_hour=9)
    assert two.one.state is CLOSED, "who sets another switch opens nothing"
    two.two.shared.follow()
    assert two.two.state is CLOSED
    two.one.shared.set_letterbox(state=OPEN)
    assert (two.one.shared.keep_up(), two.one.state) == (True, OPEN)


def test_a_machine_that_was_closed_during_an_outage_stays_closed_and_closes_the_others_when_it_is_over(
    two: Two, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another switch that was set meanwhile on a machine that knew nothing of it opens nothing."""
    two.one.shared.set_letterbox(state=OPEN)
    two.two.shared.follow()

    def away() -> None:
        raise StoreError("the database is away")

    monkeypatch.setattr(two.one.shared, "_said", away)
    with pytest.raises(StoreError):
        two.one.shared.set_letterbox(state=CLOSED)
    monkeypatch.undo()
    two.two.shared.set_letterbox(letters_per_hour=9)
    assert two.two.state is OPEN
    two.later()
    two.one.shared.keep_up()
    assert two.one.state is CLOSED
    two.later()
    two.two.shared.keep_up()
    assert two.two.state is CLOSED
    assert two.one.shared.letterbox().letters_per_hour == 9, "what was set meanwhile holds as well"
    two.two.shared.set_letterbox(state=OPEN)
    two.later()
    two.one.shared.keep_up()
    assert (two.one.state, two.two.state) == (OPEN, OPEN), "told once"


@pytest.mark.parametrize("name", ["letterbox", "letters-per-hour", "invitation", "letterbox.version"])
def test_what_a_machine_cannot_read_is_written_over_when_the_letterbox_is_set_again(two: Two, name: str) -> None:
    two.one.shared.set_letterbox(state=OPEN, invitation="wild geese", letters_per_hour=9)
    two.two.shared.follow()
    (two.one.data / name).write_bytes(b"\xff many")
    two.one.shared.set_letterbox(state=OPEN)
    two.later()
    two.one.shared.keep_up()
    assert (two.one.state, two.one.shared.letterbox().letters_per_hour) == (OPEN, 9)
    assert is_invited(two.one.data, "wild geese")
    (two.two.data / name).write_bytes(b"\xff many")
    if name != "letterbox.version":  # who does not know how old what it hears may be follows nobody
        two.one.shared.set_letterbox(state=CLOSED)
        two.later()
        two.two.shared.keep_up()
        assert (two.two.state, is_invited(two.two.data, "wild geese")) == (CLOSED, True)
        assert two.two.shared.letterbox().letters_per_hour == 9


def test_a_roster_that_one_machine_got_is_verified_and_taken_by_the_other(two: Two) -> None:
    two.one.shared.keep_up()
    two.two.shared.keep_up()
    before = two.two.rosters.newest(at_least=0)
    # Somebody who can write to the database, and signs nothing.
    forged = "INSERT INTO shared_rosters (epoch, step) VALUES (:epoch, :step)"
    two.execute(forged, epoch=before.epoch + 1, step=b'[["e30=", "e30="], []]')
    two.later()
    two.two.shared.keep_up()
    assert two.two.rosters.newest(at_least=0) == before
    for _ in range(2):
        raw = roster_changes.next_roster(two.one.rosters.newest(at_least=0), before.entries, now=NOON)
        two.one.rosters.publish(raw, admin_key().sign_roster(raw))
    two.one.shared.follow()
    assert two.two.rosters.newest(at_least=0) == before
    two.later()
    two.two.shared.keep_up()
    now = two.two.rosters.newest(at_least=0)
    assert (now.epoch, now.sha256) == (before.epoch + 2, two.one.rosters.newest(at_least=0).sha256)
