"""Which roster is in force: what was seen is remembered, and nothing in the product asks past the watch."""

from __future__ import annotations

from pathlib import Path

import pytest

import fieldreport
from fieldreport.errors import RosterError
from fieldreport.vault.archive.rosters import RosterWatch
from tests.cast import copy_first_keys, open_rosters
from tests.vault.newsroom import Newsroom


def test_what_one_memory_has_seen_counts_for_all(newsroom: Newsroom) -> None:
    newsroom.mailbox.saw_epoch(5)
    assert newsroom.watch.in_force().epoch == 1
    both = RosterWatch(newsroom.rosters, newsroom.vault, newsroom.mailbox, clock=newsroom.clock)
    for ask in (both.in_force, both.newest):
        with pytest.raises(RosterError, match="epoch 1, but 5") as refused:
            ask()
        assert refused.value.code == "roster-rolled-back"


def test_every_memory_learns_of_what_is_in_force_and_of_nothing_else(newsroom: Newsroom) -> None:
    both = RosterWatch(newsroom.rosters, newsroom.vault, newsroom.mailbox, clock=newsroom.clock)
    newsroom.next_roster(newsroom.amira)
    assert both.newest().epoch == 2
    assert newsroom.vault.highest_epoch() < 2
    newsroom.clock.pass_hours(24 * 365)
    with pytest.raises(RosterError, match="expired"):
        both.in_force()
    assert newsroom.vault.highest_epoch() < 2
    newsroom.clock.pass_hours(-24 * 365)
    assert both.in_force().epoch == 2
    assert (newsroom.vault.highest_epoch(), newsroom.mailbox.highest_epoch()) == (2, 2)


def test_a_directory_put_back_is_refused_by_a_new_process_too(newsroom: Newsroom, tmp_path: Path) -> None:
    newsroom.next_roster(newsroom.amira)
    assert newsroom.watch.in_force().epoch == 2
    copy_first_keys(tmp_path / "old")
    again = RosterWatch(open_rosters(tmp_path / "old"), newsroom.vault, clock=newsroom.clock)
    with pytest.raises(RosterError, match="epoch 1, but 2"):
        again.newest()


def test_where_there_is_a_vault_only_the_watch_says_from_which_epoch_on_a_roster_counts() -> None:
    package = Path(fieldreport.__file__).parent
    files = [path for room in ("vault", "desk", "cli") for path in (package / room).rglob("*.py")]
    asking = [path for path in [*files, package / "installation.py"] if "at_least=" in path.read_text(encoding="utf-8")]
    # A report packed offline and another newsroom's roster have nothing to compare with: the person who carries the
    # directory answers for it.
    elsewhere = {"cli/pack.py", "cli/evidence.py"}
    assert {path.relative_to(package).as_posix() for path in asking} == {"vault/archive/rosters.py", *elsewhere}
