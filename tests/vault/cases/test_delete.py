"""Deleting a case: nobody can open anything of it any more, and the disk no longer holds what could."""

from __future__ import annotations

import os

import pytest

from fieldreport.errors import NotAllowed, NotFound
from fieldreport.vault.archive.tables import Ending
from fieldreport.vault.cases import conversation, inbox, workflow
from fieldreport.vault.cases.inbox import CaseFilter
from tests.cast import a_source
from tests.vault.newsroom import Newsroom, everywhere


def headers_of(newsroom: Newsroom, ids: list[bytes]) -> list[bytes]:
    return [newsroom.vault.objects.header(object_id) for object_id in ids]


@everywhere
def test_everything_of_the_case_is_gone_and_a_tombstone_stays(newsroom: Newsroom) -> None:
    source = a_source()
    case, kept = newsroom.receive(source, files=(os.urandom(300_000),)), newsroom.receive(a_source())
    seat = newsroom.seat(newsroom.amira)
    conversation.note(seat, case.id, "a note")
    conversation.reply(seat, case.id, "a reply", newsroom.mailbox)
    saved = conversation.save_card(seat, case.id, conversation.card(seat, case.id))
    assert saved.version is not None
    inbox.star(newsroom.vault, case.id, "amira", starred=True)
    ids = [item.id for item in inbox.items(newsroom.vault, case.id)] + [saved.version]
    workflow.delete(seat, case.id)
    for object_id in ids:
        with pytest.raises(NotFound):
            newsroom.vault.objects.open(object_id)
    assert list(newsroom.vault.blobs.names()) == []
    assert [row.id for row in newsroom.cases()] == [kept.id]
    tombstone = newsroom.cases(CaseFilter(ended=True))[0]
    assert (tombstone.name, tombstone.ended, tombstone.starred) == (case.name, Ending.DELETED, False)
    assert newsroom.acts()[-1] == ("amira", "case-deleted", case.name)
    with pytest.raises(NotFound):
        seat.text(ids[0])


def test_no_wrapped_key_of_it_is_left_in_any_file(newsroom: Newsroom) -> None:
    case = newsroom.receive(a_source())
    seat = newsroom.seat(newsroom.amira)
    conversation.note(seat, case.id, "a note")
    headers = headers_of(newsroom, [item.id for item in inbox.items(newsroom.vault, case.id)])
    # The bodies of the stanzas, 32 bytes each: these are the wrapped file keys. A page boundary may cut one in two.
    lines = [line for header in headers for line in header.split(b"\n") if len(line) == 43]
    assert len(lines) == 2 * 3
    before = b"".join(path.read_bytes() for path in newsroom.files())
    assert sum(line in before for line in lines) >= len(lines) - 1
    workflow.delete(seat, case.id)
    after = b"".join(path.read_bytes() for path in newsroom.files())
    assert not any(line in after for line in lines)


def test_the_source_is_not_linked_to_what_was_deleted(newsroom: Newsroom) -> None:
    source = a_source()
    case = newsroom.receive(source)
    workflow.delete(newsroom.seat(newsroom.amira), case.id)
    again = newsroom.receive(source)
    assert again.id != case.id
    assert again.letters == 1


def test_deleting_twice_is_not_found_and_an_admin_deletes_nothing(newsroom: Newsroom) -> None:
    case = newsroom.receive(a_source())
    with pytest.raises(NotAllowed):
        workflow.delete(newsroom.seat(newsroom.lena), case.id)
    workflow.delete(newsroom.seat(newsroom.amira), case.id)
    with pytest.raises(NotFound):
        workflow.delete(newsroom.seat(newsroom.amira), case.id)
