"""Deleting a case: nobody can open anything of it any more, and the disk no longer holds what could."""

from __future__ import annotations

import os

import pytest
from sqlalchemy import select

from fieldreport.errors import NotAllowed, NotFound
from fieldreport.vault.archive.tables import Ending, SealedObject
from fieldreport.vault.cases import conversation, inbox, workflow
from fieldreport.vault.cases.case_index import CaseFilter
from tests.cast import a_source
from tests.vault.newsroom import Newsroom, everywhere


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
    with newsroom.vault.reading() as session:
        rows = session.scalars(select(SealedObject)).all()
    # What is stored of the headers, and the keys to it. A page boundary may cut one in two.
    pieces = [row.hidden[start : start + 32] for row in rows for start in (100, 1000, 2000)]
    keys = [key for key in newsroom.vault.blobs.row_keys.get([row.slot for row in rows]) if key is not None]
    assert (len(pieces), len(keys)) == (6, 2)
    before = b"".join(path.read_bytes() for path in newsroom.files())
    assert sum(piece in before for piece in pieces) >= len(pieces) - 1
    assert all(key in before for key in keys)
    workflow.delete(seat, case.id)
    after = b"".join(path.read_bytes() for path in newsroom.files())
    assert not any(secret in after for secret in (*pieces, *keys))


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
