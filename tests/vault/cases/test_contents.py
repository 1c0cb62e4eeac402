"""What one person's keys find in the cases, and that it stays theirs."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from fieldreport.errors import NotAllowed
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive import rewrap
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import CaseState, Item
from fieldreport.vault.cases import conversation, restriction, workflow
from fieldreport.vault.cases.bits import numbers
from fieldreport.vault.cases.case_index import CaseFilter, CaseIndex
from fieldreport.vault.cases.contents import ContentsReader
from fieldreport.vault.cases.inbox import CaseRow
from fieldreport.vault.cases.pictures import Pictures
from tests.cast import a_source
from tests.vault.newsroom import Newsroom, everywhere


def reader_of(newsroom: Newsroom, staff: StaffKey, index: CaseIndex | None = None) -> ContentsReader:
    index = index or CaseIndex(newsroom.vault, newsroom.watch)
    index.refresh()
    reader = ContentsReader(Seat(newsroom.vault, staff, newsroom.watch), index, Pictures())
    reader.read(lambda _done, _total: None)
    return reader


def found(reader: ContentsReader, wanted: CaseFilter, viewer: str = "amira") -> set[str]:
    reader.index.refresh()
    return {row.name for row in reader.index.page(wanted, viewer=viewer, contents=reader.contents).rows}


def a_case(newsroom: Newsroom, language: str, *, files: tuple[bytes, ...] = ()) -> CaseRow:
    source = a_source()
    newsroom.send(source, fields={"report_language": language}, files=files)
    return newsroom.receive(source)


@everywhere
def test_every_letter_of_a_case_counts_and_its_labels(newsroom: Newsroom) -> None:
    korean, plain = a_case(newsroom, "ko", files=(b"x",)), a_case(newsroom, "en")
    conversation.change_labels(newsroom.seat(newsroom.jonas), plain.id, add=["camp"])
    reader = reader_of(newsroom, newsroom.amira)
    assert found(reader, CaseFilter(language="ko")) == {korean.name}
    assert found(reader, CaseFilter(files=True)) == {korean.name}
    assert found(reader, CaseFilter(label="camp")) == {plain.name}
    assert found(reader, CaseFilter(label="camp", language="ko")) == set()


def test_only_what_changed_is_opened_again(newsroom: Newsroom) -> None:
    first, _ = a_case(newsroom, "ko"), a_case(newsroom, "en")
    index = CaseIndex(newsroom.vault, newsroom.watch)
    reader = reader_of(newsroom, newsroom.amira, index)
    assert reader.pending() == []
    index.mark(first.id, "amira", read=True)
    workflow.set_state(newsroom.seat(newsroom.jonas), first.id, CaseState.READING)
    index.refresh()
    assert reader.pending() == []
    conversation.note(newsroom.seat(newsroom.jonas), first.id, "perhaps for somebody")
    index.refresh()
    assert [index.case_at(place) for place in reader.pending()] == [first.id]
    reader.read(lambda _done, _total: None)
    assert reader.pending() == []
    conversation.change_labels(newsroom.seat(newsroom.jonas), first.id, add=["camp"])
    index.refresh()
    assert [index.case_at(place) for place in reader.pending()] == [first.id]
    reader.read(lambda _done, _total: None)
    conversation.change_labels(newsroom.seat(newsroom.jonas), first.id, remove=["camp"])
    index.refresh()
    reader.read(lambda _done, _total: None)
    assert found(reader, CaseFilter(label="camp")) == set()
    assert found(reader, CaseFilter(language="ko")) == {first.name}


def test_what_is_limited_to_others_is_not_opened_and_not_counted(newsroom: Newsroom) -> None:
    newsroom.hire("late")
    case = a_case(newsroom, "ko", files=(b"x",))
    index = CaseIndex(newsroom.vault, newsroom.watch)
    before = reader_of(newsroom, newsroom.jonas, index)
    restriction.limit(newsroom.seat(newsroom.amira), case.id, {"amira", "late"})
    index.refresh()
    assert reader_of(newsroom, newsroom.jonas).contents.languages == {}
    counts = index.counts(CaseFilter(), viewer="jonas", contents=before.contents)
    assert (counts.languages, counts.files) == ({}, 0)
    assert found(reader_of(newsroom, newsroom.amira), CaseFilter(language="ko")) == {case.name}


def test_a_newcomers_cases_are_looked_into_again_once_they_open(newsroom: Newsroom) -> None:
    case = a_case(newsroom, "ko")
    newcomer = newsroom.hire("newcomer")
    reader = reader_of(newsroom, newcomer)
    assert len(reader.closed) == len(reader.pending()) == 1
    rewrap.rewrap(newsroom.seat(newsroom.amira))
    reader.read(lambda _done, _total: None)
    assert (reader.closed, reader.pending()) == (set(), [])
    assert found(reader, CaseFilter(language="ko"), viewer="newcomer") == {case.name}


def test_a_letter_that_was_moved_into_a_case_says_nothing_of_it(newsroom: Newsroom) -> None:
    korean, plain = a_case(newsroom, "ko"), a_case(newsroom, "en")
    with newsroom.vault.change() as change:
        change.session.execute(update(Item).where(Item.case_id == korean.id).values(case_id=plain.id))
    reader = reader_of(newsroom, newsroom.amira)
    assert found(reader, CaseFilter(language="ko")) == set()
    assert found(reader, CaseFilter(language="en")) == {plain.name}


def test_it_stops_when_it_is_told_to_and_goes_on_from_there(newsroom: Newsroom) -> None:
    for _ in range(3):
        a_case(newsroom, "ko")
    index = CaseIndex(newsroom.vault, newsroom.watch)
    index.refresh()
    reader = ContentsReader(newsroom.seat(newsroom.amira), index, Pictures())

    def locked(_done: int, _total: int) -> None:
        raise NotAllowed("The session was locked.", code="locked")

    with pytest.raises(NotAllowed):
        reader.read(locked)
    assert numbers(reader.contents.files.value) == []
    assert len(reader.pending()) == 3
    reader.read(lambda _done, _total: None)
    assert reader.pending() == []
