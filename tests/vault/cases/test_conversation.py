"""Replies, notes and the card: sealed, sent once, never lost between vault and mailbox."""

from __future__ import annotations

import dataclasses
import os
from typing import Any

import pytest
from sqlalchemy import select
from typing_extensions import override

from fieldreport import limits
from fieldreport.errors import (
    Conflict,
    LimitExceeded,
    NotAllowed,
    NotFound,
    RosterError,
    SealError,
    StoreError,
    Unavailable,
)
from fieldreport.mailbox import LocalMailbox, SealedReply
from fieldreport.seal import Kind
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import Item, Outgoing
from fieldreport.vault.cases import conversation, inbox, outbox, sort, workflow
from fieldreport.vault.cases.conversation import Card
from tests.cast import a_source
from tests.vault.newsroom import Newsroom, everywhere


def away(*_: object) -> object:
    raise StoreError("the store is away")


class Away(LocalMailbox):
    """A mailbox that cannot be reached, or whose answer gets lost."""

    def __init__(self, real: LocalMailbox, *, after: bool) -> None:
        super().__init__(real._engine, real._blobs)
        self._after = after

    @override
    def post_reply(self, reply: SealedReply) -> None:
        if self._after:
            super().post_reply(reply)
        raise StoreError("the mailbox is away")


def in_outbox(newsroom: Newsroom) -> int:
    with newsroom.vault.reading() as session:
        return len(session.scalars(select(Outgoing.item_id)).all())


# --- replies ---


def test_a_store_that_is_away_is_not_a_case_without_a_letter_to_answer(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = newsroom.receive(a_source())
    seat = newsroom.seat(newsroom.amira)
    with monkeypatch.context() as patched:
        patched.setattr(newsroom.vault.objects, "open", away)
        with pytest.raises(StoreError):
            conversation.reply(seat, case.id, "x", newsroom.mailbox)
    conversation.reply(seat, case.id, "x", newsroom.mailbox)
    assert len(inbox.items(newsroom.vault, case.id)) == 2


def test_a_case_that_is_deleted_meanwhile_is_missing_and_no_outage(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = newsroom.receive(a_source())
    seat = newsroom.seat(newsroom.amira)
    stage = Seat.stage

    def late(*arguments: Any, **named: Any) -> Any:
        workflow.delete(newsroom.seat(newsroom.jonas), case.id)
        return stage(*arguments, **named)

    monkeypatch.setattr(Seat, "stage", late)
    with pytest.raises(NotFound) as caught:
        conversation.reply(seat, case.id, "x", newsroom.mailbox)
    assert not isinstance(caught.value, Unavailable)
    assert in_outbox(newsroom) == 0


def test_a_mailbox_that_is_away_during_delivery_leaves_the_reply_for_later(newsroom: Newsroom) -> None:
    source = a_source()
    case = newsroom.receive(source)
    conversation.reply(newsroom.seat(newsroom.amira), case.id, "later", Away(newsroom.mailbox, after=False))
    assert in_outbox(newsroom) == 1
    assert outbox.deliver(newsroom.vault, newsroom.mailbox) == 1
    assert newsroom.read_replies(source) == ["later"]


@everywhere
def test_a_reply_reaches_its_source_and_stays_readable_for_the_newsroom(newsroom: Newsroom) -> None:
    source = a_source()
    case = newsroom.receive(source)
    item_id = conversation.reply(newsroom.seat(newsroom.amira), case.id, "Where was it? 어디였나요?", newsroom.mailbox)
    assert newsroom.read_replies(source) == ["Where was it? 어디였나요?"]
    assert newsroom.read_replies(a_source()) == []
    assert newsroom.seat(newsroom.jonas).text(item_id) == "Where was it? 어디였나요?"
    item = inbox.items(newsroom.vault, case.id)[1]
    assert (item.id, item.kind, item.author, item.pending) == (item_id, Kind.SENT, "amira", False)
    assert newsroom.acts() == [("amira", "replied", case.name)]


@everywhere
def test_replies_of_one_hour_are_read_in_the_order_in_which_they_were_written(newsroom: Newsroom) -> None:
    source = a_source()
    case = newsroom.receive(source)
    for number in range(7):
        person = newsroom.jonas if number % 2 else newsroom.amira
        conversation.note(newsroom.seat(person), case.id, "for colleagues")
        conversation.reply(newsroom.seat(person), case.id, f"reply {number}", newsroom.mailbox)
    assert newsroom.read_replies(source) == [f"reply {number}" for number in range(7)]


def test_a_reply_written_twice_is_sent_once(newsroom: Newsroom) -> None:
    source = a_source()
    case = newsroom.receive(source)
    seat, item_id = newsroom.seat(newsroom.amira), os.urandom(16)
    for _ in range(2):
        assert conversation.reply(seat, case.id, "once", newsroom.mailbox, item_id=item_id) == item_id
    assert newsroom.read_replies(source) == ["once"]
    assert len(inbox.items(newsroom.vault, case.id)) == 2
    assert len(newsroom.acts()) == 1


@pytest.mark.parametrize("after", [False, True])
def test_a_reply_is_not_lost_and_not_doubled_when_the_mailbox_breaks(newsroom: Newsroom, *, after: bool) -> None:
    source = a_source()
    case = newsroom.receive(source)
    conversation.reply(newsroom.seat(newsroom.amira), case.id, "hold on", Away(newsroom.mailbox, after=after))
    assert inbox.items(newsroom.vault, case.id)[1].pending
    assert in_outbox(newsroom) == 1
    assert outbox.deliver(newsroom.vault, newsroom.mailbox) == 1
    assert outbox.deliver(newsroom.vault, newsroom.mailbox) == 0
    assert newsroom.read_replies(source) == ["hold on"]
    assert not inbox.items(newsroom.vault, case.id)[1].pending


def test_the_two_copies_of_a_reply_have_nothing_in_common(newsroom: Newsroom) -> None:
    source = a_source()
    case = newsroom.receive(source)
    item_id = conversation.reply(newsroom.seat(newsroom.amira), case.id, "text", newsroom.mailbox)
    posted = newsroom.mailbox.replies(source.index)[0]
    with newsroom.vault.objects.open(item_id).payload as file:
        assert file.read() != posted.payload
    assert posted.id != item_id
    assert in_outbox(newsroom) == 0
    newsroom.vault.erase_deleted()
    everything = b"".join(path.read_bytes() for path in newsroom.files())
    assert posted.id not in everything
    assert posted.index not in everything


def test_a_reply_goes_to_the_key_of_the_newest_letter_that_can_be_opened(newsroom: Newsroom) -> None:
    source = a_source()
    case = newsroom.receive(source)
    newsroom.send(source, "damaged", files=(os.urandom(300_000),))
    newsroom.collect()
    newsroom.vault.blobs.delete(next(newsroom.vault.blobs.names()))
    sort.sort(newsroom.seat(newsroom.amira))
    conversation.reply(newsroom.seat(newsroom.amira), case.id, "still here", newsroom.mailbox)
    assert newsroom.read_replies(source) == ["still here"]


def test_without_a_letter_that_opens_there_is_nowhere_to_answer_to(newsroom: Newsroom) -> None:
    letter_id = newsroom.deposit_raw(b"not a header", b"x")
    newsroom.collect()
    seat = newsroom.seat(newsroom.amira)
    sort.sort(seat)
    case_id = inbox.item(newsroom.vault, letter_id).case_id
    assert case_id is not None
    with pytest.raises(NotFound) as caught:
        conversation.reply(seat, case_id, "hello?", newsroom.mailbox)
    assert caught.value.code == "no-letter"


def test_a_reply_is_refused_when_it_is_too_long_or_nobody_may_read_it(newsroom: Newsroom) -> None:
    case = newsroom.receive(a_source())
    seat = newsroom.seat(newsroom.amira)
    with pytest.raises(LimitExceeded):
        conversation.reply(seat, case.id, "x" * (limits.SENT_TEXT_BYTES + 1), newsroom.mailbox)
    with pytest.raises(NotAllowed):
        conversation.reply(newsroom.seat(newsroom.lena), case.id, "x", newsroom.mailbox)
    newsroom.clock.pass_hours(24 * (limits.ROSTER_DAYS + 1))
    with pytest.raises(RosterError):
        conversation.reply(seat, case.id, "x", newsroom.mailbox)
    assert seat.text(inbox.items(newsroom.vault, case.id)[0].id) == "a report"  # reading goes on
    assert len(inbox.items(newsroom.vault, case.id)) == 1
    assert in_outbox(newsroom) == 0


def test_the_largest_reply_fits_into_the_mailbox(newsroom: Newsroom) -> None:
    source = a_source()
    case = newsroom.receive(source)
    conversation.reply(newsroom.seat(newsroom.amira), case.id, "x" * limits.SENT_TEXT_BYTES, newsroom.mailbox)
    assert newsroom.read_replies(source) == ["x" * limits.SENT_TEXT_BYTES]


def test_a_reply_to_somebody_who_withdrew_is_taken_back_from_the_outbox(newsroom: Newsroom) -> None:
    source = a_source()
    case = newsroom.receive(source)
    seat = newsroom.seat(newsroom.amira)
    conversation.reply(seat, case.id, "too late", Away(newsroom.mailbox, after=False))
    newsroom.clock.pass_hours(1)
    newsroom.send(source, "", action="withdraw")
    newsroom.collect()
    sort.sort(seat)
    assert outbox.deliver(newsroom.vault, newsroom.mailbox) == 0
    assert newsroom.read_replies(source) == []


# --- notes ---


@everywhere
def test_a_note_is_for_colleagues_and_saved_once(newsroom: Newsroom) -> None:
    case = newsroom.receive(a_source())
    note_id = os.urandom(16)
    for _ in range(2):
        conversation.note(newsroom.seat(newsroom.jonas), case.id, "call the embassy", item_id=note_id)
    assert newsroom.seat(newsroom.amira).text(note_id) == "call the embassy"
    items = inbox.items(newsroom.vault, case.id)
    assert [(item.kind, item.author) for item in items] == [(Kind.LETTER, None), (Kind.NOTE, "jonas")]
    assert newsroom.acts() == [("jonas", "noted", case.name)]


def test_a_form_meant_for_another_case_is_refused(newsroom: Newsroom) -> None:
    one, other = newsroom.receive(a_source()), newsroom.receive(a_source())
    note_id = conversation.note(newsroom.seat(newsroom.amira), one.id, "x")
    with pytest.raises(Conflict):
        conversation.note(newsroom.seat(newsroom.amira), other.id, "x", item_id=note_id)


def test_a_note_moved_into_another_case_is_refused(newsroom: Newsroom) -> None:
    """Anybody who holds the database can move rows about; what is inside says where it belongs."""
    one, other = newsroom.receive(a_source()), newsroom.receive(a_source())
    seat = newsroom.seat(newsroom.amira)
    note_id = conversation.note(seat, one.id, "about one")
    with newsroom.vault.change() as change:
        item = change.session.get_one(Item, note_id)
        item.case_id = other.id
    with pytest.raises(SealError):
        seat.text(note_id)


# --- the card ---


def test_a_case_without_a_card_has_an_empty_one(newsroom: Newsroom) -> None:
    case = newsroom.receive(a_source())
    assert conversation.card(newsroom.seat(newsroom.amira), case.id) == Card()


@everywhere
def test_a_card_is_saved_and_read_by_colleagues(newsroom: Newsroom) -> None:
    case = newsroom.receive(a_source())
    saved = conversation.save_card(
        newsroom.seat(newsroom.amira), case.id, Card(facts="a guard", protected=("Kim", "혜산"))
    )
    assert conversation.card(newsroom.seat(newsroom.jonas), case.id) == saved
    assert (saved.facts, saved.protected) == ("a guard", ("Kim", "혜산"))
    assert newsroom.acts() == [("amira", "card-saved", case.name)]


def test_saving_over_a_colleagues_newer_card_is_refused_and_nothing_is_left_behind(newsroom: Newsroom) -> None:
    case = newsroom.receive(a_source())
    amira, jonas = newsroom.seat(newsroom.amira), newsroom.seat(newsroom.jonas)
    read = conversation.card(amira, case.id)
    newer = conversation.save_card(jonas, case.id, Card(facts="jonas", version=read.version))
    with pytest.raises(Conflict):
        conversation.save_card(amira, case.id, dataclasses.replace(read, facts="amira"))
    assert conversation.card(amira, case.id) == newer
    merged = conversation.save_card(amira, case.id, dataclasses.replace(newer, facts="both"))
    assert conversation.card(jonas, case.id).facts == "both"
    assert merged.version != newer.version
    assert newsroom.vault.objects.named_by(newsroom.amira.identities[0].key_id) == 2  # the letter and one card


@pytest.mark.parametrize(
    "card", [Card(facts="x" * limits.CARD_BYTES), Card(protected=("x",) * (limits.CARD_TERMS + 1))]
)
def test_a_card_over_the_bound_is_refused(newsroom: Newsroom, card: Card) -> None:
    case = newsroom.receive(a_source())
    with pytest.raises(LimitExceeded):
        conversation.save_card(newsroom.seat(newsroom.amira), case.id, card)


def test_a_card_shows_nothing_when_printed() -> None:
    assert "secret" not in repr(Card(facts="secret", protected=("secret",)))
