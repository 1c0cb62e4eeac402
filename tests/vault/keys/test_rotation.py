"""Replacing one person's key: five steps, and the old key goes only when nothing depends on it."""

from __future__ import annotations

import os

import pytest

from fieldreport.errors import Conflict, NotAllowed, NotFound
from fieldreport.seal import Roster
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive import rewrap
from fieldreport.vault.archive.tables import RotationState
from fieldreport.vault.cases import conversation, inbox, sort, unsent
from fieldreport.vault.keys import rotation, rotation_state
from fieldreport.vault.keys.rotation_state import RotationOrder
from tests.cast import a_source, with_new_key, without_old_keys
from tests.vault.newsroom import Newsroom, everywhere


def approved(newsroom: Newsroom) -> tuple[StaffKey, Roster]:
    """A rotation of Amira's key up to the roster that has her new key, but not yet known to the intake."""
    order = rotation.order(newsroom.seat(newsroom.lena), "amira")
    amira = with_new_key(newsroom.amira)
    rotation.request(newsroom.seat(amira), "the signed request", amira.identities[0].key_id)
    roster = newsroom.next_roster(amira)
    rotation.approve(newsroom.seat(newsroom.lena), order.id, new_key_id=amira.identities[0].key_id, epoch=roster.epoch)
    return amira, roster


def state(newsroom: Newsroom) -> RotationState:
    order = rotation_state.all_rotations(newsroom.vault)[0]
    assert isinstance(order, RotationOrder)
    return order.state


@everywhere
def test_from_order_to_destruction_everything_stays_readable(newsroom: Newsroom) -> None:
    source = a_source()
    case = newsroom.receive(source, "before")
    conversation.note(newsroom.seat(newsroom.amira), case.id, "a note")
    unsent.keep(newsroom.seat(newsroom.amira), case.id, "reply", {"text": "half a reply"}, seen="")
    old_key = newsroom.amira.identities[0].key_id
    amira, roster = approved(newsroom)
    newsroom.mailbox.saw_epoch(roster.epoch)
    seat = newsroom.seat(amira)
    assert rewrap.rewrap(seat).done == 2
    assert rotation.finish(seat, newsroom.mailbox).state is RotationState.REWRAPPED
    assert rotation.finish(seat, newsroom.mailbox).state is RotationState.REWRAPPED
    amira = without_old_keys(amira)
    assert rotation.confirm_destroyed(newsroom.seat(amira), old_key).state is RotationState.DESTROYED
    assert rotation.own(newsroom.seat(amira)) is None
    newsroom.send(source, "after")
    newsroom.collect()
    sort.sort(newsroom.seat(amira))
    assert unsent.kept(newsroom.seat(amira), case.id) == {"reply": {"text": "half a reply"}}
    texts = [newsroom.seat(amira).text(item.id) for item in inbox.items(newsroom.vault, case.id)]
    assert texts == ["before", "a note", "after"]
    with newsroom.seat(newsroom.jonas).open_item(inbox.items(newsroom.vault, case.id)[0].id):
        pass
    acts = [act for _, act, _ in newsroom.acts() if "rotation" in act or "key" in act]
    assert acts == [
        "rotation-ordered",
        "rotation-requested",
        "rotation-approved",
        "rotation-rewrapped",
        "key-destroyed",
    ]


def test_the_old_key_stays_while_letters_can_still_come_to_it(newsroom: Newsroom) -> None:
    amira, _ = approved(newsroom)
    with pytest.raises(Conflict) as caught:
        rotation.finish(newsroom.seat(amira), newsroom.mailbox)
    assert caught.value.code == "epoch-open"
    assert state(newsroom) is RotationState.APPROVED


def test_what_waits_in_the_mailbox_is_collected_and_re_wrapped_before(newsroom: Newsroom) -> None:
    before = newsroom.roster
    order = rotation.order(newsroom.seat(newsroom.lena), "amira")
    waiting = newsroom.send(a_source(), roster=before)
    amira = with_new_key(newsroom.amira)
    rotation.request(newsroom.seat(amira), "request", amira.identities[0].key_id)
    roster = newsroom.next_roster(amira)
    rotation.approve(newsroom.seat(newsroom.lena), order.id, new_key_id=amira.identities[0].key_id, epoch=roster.epoch)
    newsroom.mailbox.saw_epoch(roster.epoch)
    seat = newsroom.seat(amira)
    rewrap.rewrap(seat)
    assert newsroom.mailbox.totals().letters == 1
    rotation.finish(seat, newsroom.mailbox)  # which collects the letter that was sealed to the old key, and rebuilds it
    assert newsroom.seat(without_old_keys(amira)).text(waiting) == "a report"


def test_the_old_key_stays_while_an_object_names_it(newsroom: Newsroom) -> None:
    newsroom.receive(a_source())
    amira, roster = approved(newsroom)
    newsroom.mailbox.saw_epoch(roster.epoch)
    with pytest.raises(Conflict) as caught:
        rotation.finish(newsroom.seat(amira), newsroom.mailbox)
    assert caught.value.code == "still-named"


def test_a_lie_of_the_mailbox_about_the_epoch_does_not_cost_a_letter(newsroom: Newsroom) -> None:
    """Sealed to the old key, announced as sealed to the new: it is rebuilt for the new before the old goes."""
    before = newsroom.roster
    amira, roster = approved(newsroom)
    newsroom.mailbox.saw_epoch(roster.epoch)
    letter_id = newsroom.send(a_source(), roster=before, claimed_epoch=roster.epoch)
    newsroom.collect()
    seat = newsroom.seat(amira)
    assert newsroom.vault.objects.named_by(amira.identities[1].key_id) == 0
    rotation.finish(seat, newsroom.mailbox)  # which sorts, and rebuilds whatever it opens for the roster in force
    assert newsroom.seat(without_old_keys(amira)).text(letter_id) == "a report"


def test_the_old_key_stays_while_a_letter_cannot_be_judged(newsroom: Newsroom) -> None:
    amira, roster = approved(newsroom)
    newsroom.mailbox.saw_epoch(roster.epoch)
    newsroom.send(a_source(), files=(os.urandom(200_000),))
    newsroom.collect()
    blob = newsroom.directory / "desk" / "blobs" / next(newsroom.vault.blobs.names())
    content = blob.read_bytes()
    blob.unlink()
    blob.mkdir()  # there, but it cannot be read: a disk that answers with errors
    seat = newsroom.seat(amira)
    with pytest.raises(Conflict) as caught:
        rotation.finish(seat, newsroom.mailbox)
    assert caught.value.code == "letter-unjudged"
    blob.rmdir()
    blob.write_bytes(content)
    rotation.finish(seat, newsroom.mailbox)


@pytest.mark.parametrize("where", ["intake", "desk"])
def test_the_old_key_stays_while_a_letter_cannot_be_read(newsroom: Newsroom, where: str) -> None:
    """Nobody knows what it is sealed to; re-wrapping the rest goes on."""
    newsroom.receive(a_source())
    newsroom.send(a_source(), files=(os.urandom(300_000),))
    if where == "desk":
        newsroom.collect()
    path = next((newsroom.directory / where / "blobs").glob("[0-9a-f]*"))
    away = path.rename(path.parent.parent / "away")
    path.mkdir()
    amira, roster = approved(newsroom)
    newsroom.mailbox.saw_epoch(roster.epoch)
    seat = newsroom.seat(amira)
    assert rewrap.rewrap(seat).done == (2 if where == "desk" else 1)
    with pytest.raises(Conflict) as caught:
        rotation.finish(seat, newsroom.mailbox)
    assert caught.value.code == {"intake": "mailbox-damaged", "desk": "letter-unjudged"}[where]
    assert "cannot be read" in str(caught.value)
    assert state(newsroom) is RotationState.APPROVED
    path.rmdir()
    away.rename(path)
    assert rotation.finish(seat, newsroom.mailbox).state is RotationState.REWRAPPED


def test_nothing_is_finished_before_the_roster_has_the_new_key(newsroom: Newsroom) -> None:
    seat = newsroom.seat(newsroom.amira)
    with pytest.raises(NotFound):
        rotation.finish(seat, newsroom.mailbox)
    rotation.order(newsroom.seat(newsroom.lena), "amira")
    with pytest.raises(Conflict) as caught:
        rotation.finish(seat, newsroom.mailbox)
    assert caught.value.code == "rotation-state"


@everywhere
def test_an_approval_wants_the_published_roster_and_the_requested_key(newsroom: Newsroom) -> None:
    order = rotation.order(newsroom.seat(newsroom.lena), "amira")
    amira = with_new_key(newsroom.amira)
    lena = newsroom.seat(newsroom.lena)
    new_key = amira.identities[0].key_id
    with pytest.raises(NotFound):
        rotation.approve(lena, order.id, new_key_id=new_key, epoch=1)
    roster = newsroom.next_roster(amira)
    with pytest.raises(Conflict):  # nothing was requested
        rotation.approve(lena, order.id, new_key_id=new_key, epoch=roster.epoch)
    rotation.request(newsroom.seat(amira), "request", "0" * 32)
    with pytest.raises(Conflict):  # another key was
        rotation.approve(lena, order.id, new_key_id=new_key, epoch=roster.epoch)
    rotation.request(newsroom.seat(amira), "request", new_key)
    assert rotation.approve(lena, order.id, new_key_id=new_key, epoch=roster.epoch).state is RotationState.APPROVED
    with pytest.raises(NotFound):
        rotation.approve(lena, order.id + 1, new_key_id=new_key, epoch=roster.epoch)


def test_who_may_do_what(newsroom: Newsroom) -> None:
    with pytest.raises(NotAllowed):
        rotation.order(newsroom.seat(newsroom.amira), "jonas")
    with pytest.raises(NotAllowed):
        rotation.approve(newsroom.seat(newsroom.amira), 1, new_key_id="0" * 32, epoch=1)
    with pytest.raises(NotAllowed):
        rotation.order(newsroom.seat(newsroom.lena), "lena")
    with pytest.raises(NotFound):
        rotation.order(newsroom.seat(newsroom.lena), "stranger")
    with pytest.raises(NotFound):
        rotation.request(newsroom.seat(newsroom.amira), "request", "0" * 32)


@everywhere
def test_one_rotation_a_person_at_a_time(newsroom: Newsroom) -> None:
    lena = newsroom.seat(newsroom.lena)
    first = rotation.order(lena, "amira")
    with pytest.raises(Conflict):
        rotation.order(lena, "amira")
    rotation.order(lena, "jonas")
    assert [order.handle for order in rotation_state.open_rotations(newsroom.vault)] == ["jonas", "amira"]
    assert rotation_state.open_rotation_of(newsroom.vault, "amira") == first


def test_a_key_is_not_called_destroyed_before_it_was_safe(newsroom: Newsroom) -> None:
    amira, _ = approved(newsroom)
    seat = newsroom.seat(amira)
    with pytest.raises(Conflict):
        rotation.confirm_destroyed(seat, amira.identities[1].key_id)
    with pytest.raises(Conflict):
        rotation.confirm_destroyed(seat, "0" * 32)
