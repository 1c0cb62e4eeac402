"""Replacing one person's key: five steps, and the old key goes only when nothing depends on it."""

from __future__ import annotations

import os

import pytest

from fieldreport.errors import Conflict, NotAllowed, NotFound, RosterError
from fieldreport.seal.roster_directory import Roster
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault import RotationOrder, RotationState
from tests.cast import a_source, with_new_key, without_old_keys
from tests.vault.newsroom import Newsroom, everywhere


def approved(newsroom: Newsroom) -> tuple[StaffKey, Roster]:
    """A rotation of Amira's key up to the roster that has her new key, but not yet known to the intake."""
    order = newsroom.seat(newsroom.lena).order_rotation("amira")
    amira = with_new_key(newsroom.amira)
    newsroom.seat(amira).request_rotation("the signed request", amira.identities[0].key_id)
    roster = newsroom.next_roster(amira)
    newsroom.seat(newsroom.lena).approve_rotation(order.id, new_key_id=amira.identities[0].key_id, epoch=roster.epoch)
    return amira, roster


def state(newsroom: Newsroom) -> RotationState:
    order = newsroom.vault.rotations.all()[0]
    assert isinstance(order, RotationOrder)
    return order.state


@everywhere
def test_from_order_to_destruction_everything_stays_readable(newsroom: Newsroom) -> None:
    source = a_source()
    case = newsroom.receive(source, "before")
    newsroom.seat(newsroom.amira).note(case.id, "a note")
    old_key = newsroom.amira.identities[0].key_id
    amira, roster = approved(newsroom)
    newsroom.mailbox.saw_epoch(roster.epoch)
    seat = newsroom.seat(amira)
    assert seat.rewrap().done == 2
    assert seat.finish_rewrapping(newsroom.mailbox).state is RotationState.REWRAPPED
    assert seat.finish_rewrapping(newsroom.mailbox).state is RotationState.REWRAPPED
    amira = without_old_keys(amira)
    assert newsroom.seat(amira).confirm_destroyed(old_key).state is RotationState.DESTROYED
    assert newsroom.seat(amira).own_rotation() is None
    newsroom.send(source, "after")
    newsroom.collect()
    newsroom.seat(amira).sort()
    texts = [newsroom.seat(amira).text(item.id) for item in newsroom.vault.cases.items(case.id)]
    assert texts == ["before", "a note", "after"]
    with newsroom.seat(newsroom.jonas).open_item(newsroom.vault.cases.items(case.id)[0].id):
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
        newsroom.seat(amira).finish_rewrapping(newsroom.mailbox)
    assert caught.value.code == "epoch-open"
    assert state(newsroom) is RotationState.APPROVED


def test_what_waits_in_the_mailbox_is_collected_and_re_wrapped_before(newsroom: Newsroom) -> None:
    before = newsroom.roster
    order = newsroom.seat(newsroom.lena).order_rotation("amira")
    waiting = newsroom.send(a_source(), roster=before)
    amira = with_new_key(newsroom.amira)
    newsroom.seat(amira).request_rotation("request", amira.identities[0].key_id)
    roster = newsroom.next_roster(amira)
    newsroom.seat(newsroom.lena).approve_rotation(order.id, new_key_id=amira.identities[0].key_id, epoch=roster.epoch)
    newsroom.mailbox.saw_epoch(roster.epoch)
    seat = newsroom.seat(amira)
    seat.rewrap()
    assert newsroom.mailbox.totals().letters == 1
    seat.finish_rewrapping(
        newsroom.mailbox
    )  # which collects the letter that was sealed to the old key, and rebuilds it
    assert newsroom.seat(without_old_keys(amira)).text(waiting) == "a report"


def test_the_old_key_stays_while_an_object_names_it(newsroom: Newsroom) -> None:
    newsroom.receive(a_source())
    amira, roster = approved(newsroom)
    newsroom.mailbox.saw_epoch(roster.epoch)
    with pytest.raises(Conflict) as caught:
        newsroom.seat(amira).finish_rewrapping(newsroom.mailbox)
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
    seat.finish_rewrapping(newsroom.mailbox)  # which sorts, and rebuilds whatever it opens for the roster in force
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
        seat.finish_rewrapping(newsroom.mailbox)
    assert caught.value.code == "letter-unjudged"
    blob.rmdir()
    blob.write_bytes(content)
    seat.finish_rewrapping(newsroom.mailbox)


def test_nothing_is_finished_before_the_roster_has_the_new_key(newsroom: Newsroom) -> None:
    seat = newsroom.seat(newsroom.amira)
    with pytest.raises(NotFound):
        seat.finish_rewrapping(newsroom.mailbox)
    newsroom.seat(newsroom.lena).order_rotation("amira")
    with pytest.raises(Conflict) as caught:
        seat.finish_rewrapping(newsroom.mailbox)
    assert caught.value.code == "rotation-state"


@everywhere
def test_an_approval_wants_the_published_roster_and_the_requested_key(newsroom: Newsroom) -> None:
    order = newsroom.seat(newsroom.lena).order_rotation("amira")
    amira = with_new_key(newsroom.amira)
    lena = newsroom.seat(newsroom.lena)
    new_key = amira.identities[0].key_id
    with pytest.raises(RosterError):
        lena.approve_rotation(order.id, new_key_id=new_key, epoch=1)
    roster = newsroom.next_roster(amira)
    with pytest.raises(Conflict):  # nothing was requested
        lena.approve_rotation(order.id, new_key_id=new_key, epoch=roster.epoch)
    newsroom.seat(amira).request_rotation("request", "0" * 32)
    with pytest.raises(Conflict):  # another key was
        lena.approve_rotation(order.id, new_key_id=new_key, epoch=roster.epoch)
    newsroom.seat(amira).request_rotation("request", new_key)
    assert lena.approve_rotation(order.id, new_key_id=new_key, epoch=roster.epoch).state is RotationState.APPROVED
    with pytest.raises(NotFound):
        lena.approve_rotation(order.id + 1, new_key_id=new_key, epoch=roster.epoch)


def test_who_may_do_what(newsroom: Newsroom) -> None:
    with pytest.raises(NotAllowed):
        newsroom.seat(newsroom.amira).order_rotation("jonas")
    with pytest.raises(NotAllowed):
        newsroom.seat(newsroom.amira).approve_rotation(1, new_key_id="0" * 32, epoch=1)
    with pytest.raises(NotAllowed):
        newsroom.seat(newsroom.lena).order_rotation("lena")
    with pytest.raises(RosterError):
        newsroom.seat(newsroom.lena).order_rotation("stranger")
    with pytest.raises(NotFound):
        newsroom.seat(newsroom.amira).request_rotation("request", "0" * 32)


@everywhere
def test_one_rotation_a_person_at_a_time(newsroom: Newsroom) -> None:
    lena = newsroom.seat(newsroom.lena)
    first = lena.order_rotation("amira")
    with pytest.raises(Conflict):
        lena.order_rotation("amira")
    lena.order_rotation("jonas")
    assert [order.handle for order in newsroom.vault.rotations.open()] == ["jonas", "amira"]
    assert newsroom.vault.rotations.of("amira") == first


def test_a_key_is_not_called_destroyed_before_it_was_safe(newsroom: Newsroom) -> None:
    amira, _ = approved(newsroom)
    seat = newsroom.seat(amira)
    with pytest.raises(Conflict):
        seat.confirm_destroyed(amira.identities[1].key_id)
    with pytest.raises(Conflict):
        seat.confirm_destroyed("0" * 32)
