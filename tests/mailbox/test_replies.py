"""Replies: posted once, read by those who know the index, deleted by them alone."""

from __future__ import annotations

import os

import pytest

from fieldreport import limits
from fieldreport.errors import LimitExceeded, StoreError
from fieldreport.mailbox import DeskMailbox, LocalMailbox, SealedReply

SOURCE, STRANGER = b"s" * 32, b"x" * 32


_DAY = 24 * 20_000  # the first hour of a day


def a_reply(index: bytes = SOURCE, hour: int = _DAY) -> SealedReply:
    return SealedReply(id=os.urandom(16), index=index, header=b"header", payload=os.urandom(100), hour=hour)


def test_a_source_reads_what_was_posted_for_them_oldest_first(mailbox: LocalMailbox, desk: DeskMailbox) -> None:
    late, early, other = a_reply(hour=_DAY + 24), a_reply(hour=_DAY), a_reply(STRANGER)
    for reply in (late, early, other):
        desk.post_reply(reply)
    assert mailbox.replies(SOURCE) == [early, late]
    assert mailbox.replies(STRANGER) == [other]
    assert mailbox.replies(b"n" * 32) == []


def test_posting_twice_stores_once(mailbox: LocalMailbox, desk: DeskMailbox) -> None:
    reply = a_reply()
    desk.post_reply(reply)
    desk.post_reply(reply)
    assert mailbox.replies(SOURCE) == [reply]


def test_a_source_deletes_what_they_have_read_and_nothing_of_others(mailbox: LocalMailbox, desk: DeskMailbox) -> None:
    read, unread, other = a_reply(), a_reply(), a_reply(STRANGER)
    for reply in (read, unread, other):
        desk.post_reply(reply)
    mailbox.delete_replies(SOURCE, [read.id, other.id, os.urandom(16)])
    assert mailbox.replies(SOURCE) == [unread]
    assert mailbox.replies(STRANGER) == [other]


def test_the_desk_learns_which_replies_wait_and_not_whose(mailbox: LocalMailbox, desk: DeskMailbox) -> None:
    assert desk.waiting_replies() == frozenset()
    replies = [a_reply(), a_reply(), a_reply(STRANGER)]
    for reply in replies:
        desk.post_reply(reply)
    assert desk.waiting_replies() == {reply.id for reply in replies}
    mailbox.replies(SOURCE)  # reading
    assert desk.waiting_replies() == {reply.id for reply in replies}
    mailbox.delete_replies(SOURCE, [replies[0].id])
    assert desk.waiting_replies() == {reply.id for reply in replies[1:]}


def test_a_source_deletes_everything(mailbox: LocalMailbox, desk: DeskMailbox) -> None:
    other = a_reply(STRANGER)
    for reply in (a_reply(), a_reply(), other):
        desk.post_reply(reply)
    mailbox.delete_all_replies(SOURCE)
    mailbox.delete_all_replies(SOURCE)
    assert mailbox.replies(SOURCE) == []
    assert mailbox.replies(STRANGER) == [other]


def test_a_reply_that_is_too_long_is_refused(mailbox: LocalMailbox, desk: DeskMailbox) -> None:
    with pytest.raises(LimitExceeded):
        desk.post_reply(
            SealedReply(id=os.urandom(16), index=SOURCE, header=b"", payload=bytes(limits.REPLY_BYTES + 1), hour=1)
        )
    assert mailbox.replies(SOURCE) == []


def test_an_index_of_another_length_is_refused(desk: DeskMailbox) -> None:
    with pytest.raises(StoreError):
        desk.post_reply(a_reply(b"short"))


def test_a_reply_does_not_show_its_content_when_printed() -> None:
    reply = a_reply()
    assert "header" not in repr(reply)
    assert repr(SOURCE) not in repr(reply)


def test_of_the_hour_in_which_it_was_written_only_the_day_is_kept(mailbox: LocalMailbox, desk: DeskMailbox) -> None:
    for hour in (_DAY, _DAY + 5, _DAY + 23):
        desk.post_reply(a_reply(hour=hour))
    assert [reply.hour for reply in mailbox.replies(SOURCE)] == [_DAY] * 3
