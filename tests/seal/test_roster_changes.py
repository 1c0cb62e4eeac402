"""Adding, rotating, retiring and revoking keep every key on record and never leave a person with two active ones."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

from fieldreport.errors import RosterError, UsageError
from fieldreport.seal.roster import Entry, KeyState
from fieldreport.unseal import roster_changes
from tests.cast import INSTANCE, NOON
from tests.seal.conftest import Newsroom, admin_entry, editor

State = KeyState


def states(entries: tuple[Entry, ...], handle: str) -> set[State]:
    return {entry.state for entry in entries if entry.handle == handle}


def test_the_next_roster_names_the_one_before(newsroom: Newsroom, raw: bytes) -> None:
    first = newsroom.verify(raw)
    second = newsroom.verify(roster_changes.next_roster(first, first.entries, now=NOON))
    assert second.epoch == 2
    assert second.previous == first.sha256
    assert second.entries == first.entries


def test_an_added_person_is_sealed_to(newsroom: Newsroom, raw: bytes) -> None:
    first = newsroom.verify(raw)
    ines = editor("ines")
    second = newsroom.verify(
        roster_changes.next_roster(first, roster_changes.with_added(first.entries, ines), now=NOON)
    )
    assert ines.key_id in second.key_ids()
    assert set(second.key_ids()) > set(first.key_ids())


def test_a_handle_is_never_given_twice(entries: tuple[Entry, ...]) -> None:
    with pytest.raises(UsageError):
        roster_changes.with_added(entries, editor("amira"))
    with pytest.raises(UsageError):
        roster_changes.with_added(roster_changes.with_revoked(entries, "amira"), editor("amira"))


def test_after_a_rotation_the_old_key_only_decrypts(entries: tuple[Entry, ...]) -> None:
    old = entries[1]
    fresh = editor("amira")
    new = dataclasses.replace(fresh, signing=old.signing)
    after = roster_changes.with_rotated(entries, new)
    assert {entry.key_id: entry.state for entry in after if entry.handle == "amira"} == {
        old.key_id: State.DECRYPT_ONLY,
        new.key_id: State.ACTIVE,
    }
    assert roster_changes.with_rotated(after, new) == after
    assert roster_changes.first_roster(instance=INSTANCE, entries=after, now=NOON)


def test_a_key_that_was_given_up_does_not_come_back(entries: tuple[Entry, ...]) -> None:
    after = roster_changes.with_rotated(entries, editor("amira"))
    with pytest.raises(UsageError):
        roster_changes.with_rotated(after, entries[1])


def test_nobody_can_be_rotated_in(entries: tuple[Entry, ...]) -> None:
    with pytest.raises(UsageError):
        roster_changes.with_rotated(entries, editor("ines"))
    with pytest.raises(UsageError):
        roster_changes.with_rotated(roster_changes.with_revoked(entries, "amira"), editor("amira"))


def test_an_admins_old_key_is_revoked(entries: tuple[Entry, ...]) -> None:
    assert states(roster_changes.with_rotated(entries, admin_entry()), "admin") == {State.ACTIVE, State.REVOKED}


def test_a_destroyed_key_becomes_a_record_and_an_active_one_cannot_be_destroyed(entries: tuple[Entry, ...]) -> None:
    after = roster_changes.with_rotated(entries, editor("amira"))
    retired = roster_changes.with_retired(after, entries[1].key_id)
    assert states(retired, "amira") == {State.ACTIVE, State.REVOKED}
    for key in (roster_changes.with_rotated(entries, editor("amira"))[0].key_id, "00" * 16):
        with pytest.raises(UsageError):
            roster_changes.with_retired(entries, key)


def test_a_revoked_person_has_no_key_in_use(entries: tuple[Entry, ...]) -> None:
    after = roster_changes.with_revoked(roster_changes.with_rotated(entries, editor("amira")), "amira")
    assert states(after, "amira") == {State.REVOKED}
    assert len(after) == len(entries) + 1
    with pytest.raises(UsageError):
        roster_changes.with_revoked(entries, "nobody")


def test_who_is_addressed_by_a_desk_or_by_name_is_in_the_roster_from_then_on(
    newsroom: Newsroom, raw: bytes, entries: tuple[Entry, ...]
) -> None:
    first = newsroom.verify(raw)
    assert not first.addressed
    listed = roster_changes.with_addressees(first.entries, "amira", ["borders", "amira"])
    listed = roster_changes.with_addressees(listed, "jonas", ["borders"])
    second = newsroom.verify(roster_changes.next_roster(first, listed, now=NOON))
    assert second.addressed
    assert second.addressees == {"amira": {"amira"}, "borders": {"amira", "jonas"}}
    with pytest.raises(RosterError) as refused:
        second.meant_by("ports")
    assert refused.value.code == "roster-no-addressee"
    # A renewal keeps who is addressed, and a roster that addresses nobody any more still says that some once were.
    assert newsroom.verify(roster_changes.next_roster(second, second.entries, now=NOON)).addressees == second.addressees
    third = newsroom.verify(roster_changes.next_roster(second, entries, now=NOON))
    assert (third.addressed, third.addressees) == (True, {})


def test_a_new_key_is_addressed_as_the_old_one_was_and_who_has_left_is_not(newsroom: Newsroom, raw: bytes) -> None:
    first = newsroom.verify(raw)
    listed = roster_changes.with_addressees(first.entries, "amira", ["borders"])
    old = next(entry for entry in listed if entry.handle == "amira")
    fresh = editor("amira")
    assert fresh.recipient is not None
    new = dataclasses.replace(old, key_id=fresh.key_id, recipient=fresh.recipient)
    listed = roster_changes.with_rotated(listed, new)
    second = newsroom.verify(roster_changes.next_roster(first, listed, now=NOON))
    assert second.recipients(only=second.meant_by("borders"))[0] == fresh.recipient
    third = newsroom.verify(
        roster_changes.next_roster(second, roster_changes.with_revoked(second.entries, "amira"), now=NOON)
    )
    assert third.addressees == {}


def test_a_name_never_comes_to_mean_others(entries: tuple[Entry, ...]) -> None:
    listed = roster_changes.with_addressees(entries, "amira", ["borders"])
    refused: list[Callable[[], object]] = [
        lambda: roster_changes.with_addressees(listed, "amira", []),  # its last member
        lambda: roster_changes.with_addressees(listed, "amira", ["jonas", "borders"]),  # a colleague's handle
        lambda: roster_changes.with_addressees(listed, "amira", ["Borders", "borders"]),
        lambda: roster_changes.with_addressees(listed, "admin", ["borders"]),
        lambda: roster_changes.with_added(listed, editor("borders")),
        lambda: roster_changes.with_added(roster_changes.with_revoked(listed, "amira"), editor("borders")),
    ]
    for change in refused:
        with pytest.raises(UsageError):
            change()
    both = roster_changes.with_addressees(listed, "jonas", ["borders"])
    assert roster_changes.with_addressees(both, "amira", ["amira"])[1].addressees == ("amira",)
    named = roster_changes.with_addressees(entries, "amira", ["amira"])
    assert roster_changes.with_addressees(named, "amira", []) == entries  # one person's own name means nobody else
