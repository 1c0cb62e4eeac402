"""Re-wrapping: headers for the current readers, payloads untouched, resumable, safe beside a colleague's."""

from __future__ import annotations

import os
import threading

import pytest
from sqlalchemy import update

from fieldreport import limits
from fieldreport.errors import NotAllowed, NotARecipient, StaleRoster
from fieldreport.unseal.rewrap import rewrap as rewrap_header
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive import rewrap
from fieldreport.vault.archive.tables import SealedObject
from fieldreport.vault.cases import conversation, inbox
from fieldreport.vault.cases.conversation import Card
from tests.cast import a_source, with_new_key
from tests.vault.newsroom import Newsroom, everywhere, hidden


def key_of(staff: StaffKey) -> str:
    return staff.identities[0].key_id


@pytest.fixture
def full(newsroom: Newsroom) -> Newsroom:
    """A newsroom with nine sealed objects of every kind that a case has."""
    for _ in range(3):
        case = newsroom.receive(a_source(), files=(os.urandom(100_000),))
        seat = newsroom.seat(newsroom.amira)
        conversation.note(seat, case.id, "a note")
        conversation.save_card(seat, case.id, Card(facts="facts"))
    return newsroom


@everywhere
def test_a_colleague_who_joined_reads_everything_once_it_is_re_wrapped(full: Newsroom) -> None:
    late = full.hire("late")
    assert full.vault.objects.named_by(key_of(late)) == 0
    amira = full.seat(full.amira)
    assert rewrap.pending(amira) == 9
    seen: list[tuple[int, int]] = []
    assert rewrap.rewrap(amira, lambda done, total: seen.append((done, total))).done == 9
    assert seen[0] == (0, 9)
    assert seen[-1] == (9, 9)
    assert rewrap.pending(amira) == 0
    for case in full.cases():
        conversation.card(full.seat(late), case.id)
        for item in inbox.items(full.vault, case.id):
            full.seat(late).text(item.id)


def test_somebody_who_was_revoked_cannot_open_anything_any_more(full: Newsroom) -> None:
    full.revoke("jonas")
    rewrap.rewrap(full.seat(full.amira))
    assert full.vault.objects.named_by(key_of(full.jonas)) == 0
    item = inbox.items(full.vault, full.cases()[0].id)[0]
    with pytest.raises(NotARecipient):
        full.seat(full.jonas).text(item.id)
    assert full.seat(full.amira).text(item.id) == "a report"


def test_payloads_are_not_touched(full: Newsroom) -> None:
    def payloads() -> dict[bytes, bytes]:
        found = {}
        for case in full.cases():
            for item in inbox.items(full.vault, case.id):
                with full.vault.objects.open(item.id).payload as file:
                    found[item.id] = file.read()
        return found

    before, blobs = payloads(), sorted(full.vault.blobs.names())
    full.hire("late")
    rewrap.rewrap(full.seat(full.amira))
    assert payloads() == before
    assert sorted(full.vault.blobs.names()) == blobs


def test_it_goes_on_where_it_was_stopped(full: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REWRAP_OBJECTS", 2)
    full.hire("late")

    def stop_in_the_middle(done: int, _total: int) -> None:
        if done >= 4:
            raise NotAllowed("locked")

    amira = full.seat(full.amira)
    with pytest.raises(NotAllowed):
        rewrap.rewrap(amira, stop_in_the_middle)
    assert rewrap.pending(amira) == 5
    seen: list[tuple[int, int]] = []
    rewrap.rewrap(amira, lambda done, total: seen.append((done, total)))
    assert seen == [(0, 5), (2, 5), (4, 5), (5, 5)]
    assert rewrap.pending(amira) == 0


def test_nothing_is_pending_when_nothing_changed_or_the_key_opens_nothing(full: Newsroom) -> None:
    assert rewrap.pending(full.seat(full.amira)) == 0
    full.hire("late")
    assert rewrap.pending(full.seat(full.lena)) == 0
    with pytest.raises(NotAllowed):
        rewrap.rewrap(full.seat(full.lena))


@everywhere
def test_two_people_at_once_leave_every_object_whole(full: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "REWRAP_OBJECTS", 1)
    late = full.hire("late")
    threads = [threading.Thread(target=rewrap.rewrap, args=(full.seat(staff),)) for staff in (full.amira, full.jonas)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert full.vault.objects.named_by(key_of(late)) == 9
    for case in full.cases():
        for item in inbox.items(full.vault, case.id):
            full.seat(late).text(item.id)


@everywhere
def test_a_header_that_changed_meanwhile_is_left_alone(full: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    """Compare and set: between reading and writing a colleague replaces everything."""
    late = full.hire("late")
    done_by_colleague: list[int] = []

    def colleague(done: int, _total: int) -> None:
        if done == 0 and not done_by_colleague:
            done_by_colleague.append(0)
            real = full.seat(full.jonas)
            done_by_colleague.append(rewrap.rewrap(real).done)

    done = rewrap.rewrap(full.seat(full.amira), colleague)
    assert done_by_colleague[-1] == 9
    assert done.done == 0
    assert full.vault.objects.named_by(key_of(late)) == 9


def test_a_desk_with_an_old_roster_stops_instead_of_undoing_the_new_one(full: Newsroom) -> None:
    full.hire("late")
    amira = full.seat(full.amira)

    def somebody_publishes(done: int, _total: int) -> None:
        if done == 0:
            full.hire("later")
            full.seat(full.jonas).roster()

    with pytest.raises(StaleRoster):
        rewrap.rewrap(amira, somebody_publishes)
    assert rewrap.rewrap(amira).done == 9


@everywhere
def test_a_damaged_header_is_marked_and_does_not_hold_up_the_others(full: Newsroom) -> None:
    letter = inbox.items(full.vault, full.cases()[0].id)[0]
    with full.vault.change() as change:
        stored = hidden(change, b"garbage")
        change.session.execute(update(SealedObject).where(SealedObject.id == letter.id).values(stored))
    full.hire("late")
    result = rewrap.rewrap(full.seat(full.amira))
    assert (result.done, result.skipped) == (8, 1)
    assert inbox.item(full.vault, letter.id).damage == "header"
    assert letter.case_id is not None
    assert inbox.get(full.vault, letter.case_id, viewer="amira").damaged == 1
    assert full.vault.objects.named_by(key_of(full.amira)) == 8
    assert rewrap.pending(full.seat(full.amira)) == 0


def test_a_set_that_claims_too_much_is_put_right(full: Newsroom) -> None:
    """A letter is filed under the keys that its sender named; who tries and fails corrects that."""
    late = full.hire("late")
    rewrap.rewrap(full.seat(full.amira))
    item = inbox.items(full.vault, full.cases()[0].id)[0]
    for_amira_alone = rewrap_header(
        full.vault.objects.header(item.id),
        identities=full.amira.identities,
        recipients=[full.amira.identities[0].recipient],
    )
    with full.vault.change() as change:
        stored = hidden(change, for_amira_alone)
        change.session.execute(update(SealedObject).where(SealedObject.id == item.id).values(stored))
    full.hire("later")
    assert rewrap.rewrap(full.seat(late)).skipped == 1
    assert full.vault.objects.named_by(key_of(late)) == 8
    assert rewrap.rewrap(full.seat(full.amira)).done == 1
    assert full.seat(late).text(item.id) == "a report"


def test_new_things_are_sealed_to_the_new_key_from_the_moment_it_is_active(full: Newsroom) -> None:
    full.amira = with_new_key(full.amira)
    full.next_roster(full.amira)
    full.receive(a_source())
    conversation.note(full.seat(full.amira), full.cases()[0].id, "new")
    new, old = full.amira.identities
    assert full.vault.objects.named_by(new.key_id) == 2
    assert full.vault.objects.named_by(old.key_id) == 9
