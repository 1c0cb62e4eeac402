"""What one person's search holds, and that it follows what they may read."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from fieldreport.scrub import Scrubber
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.cases import conversation, search, workflow
from fieldreport.vault.cases.case_index import CaseIndex
from fieldreport.vault.cases.conversation import Card
from fieldreport.vault.cases.readings import Reader
from fieldreport.vault.cases.search import SearchReader
from fieldreport.vault.cases.search_terms import parse
from tests.cast import a_source
from tests.vault.newsroom import Newsroom


def reader_of(newsroom: Newsroom, staff: StaffKey, index: CaseIndex) -> SearchReader:
    seat = Seat(newsroom.vault, staff, newsroom.watch)
    return SearchReader(seat, index, Reader(cast("Scrubber", None), Path("/nowhere")))


def found(reader: SearchReader, index: CaseIndex, words: str) -> int:
    index.refresh()
    reader.read(lambda _done, _total: None)
    return len(reader.find(parse(words)))


def test_it_follows_the_cases(newsroom: Newsroom) -> None:
    index = CaseIndex(newsroom.vault, newsroom.watch)
    reader, jonas = reader_of(newsroom, newsroom.amira, index), newsroom.seat(newsroom.jonas)
    case = newsroom.receive(a_source())
    conversation.note(jonas, case.id, "the ferryman")
    card = conversation.save_card(jonas, case.id, Card(facts="Sinuiju", protected=("Hwang",), labels=("camp",)))
    assert [found(reader, index, each) for each in ("ferryman", "sinuiju", "hwang", "camp")] == [1, 1, 1, 1]
    assert reader.pending() == []
    conversation.save_card(jonas, case.id, Card(facts="Dandong", version=card.version))
    assert [found(reader, index, each) for each in ("sinuiju", "dandong")] == [0, 1]
    workflow.delete(newsroom.seat(newsroom.amira), case.id)
    assert found(reader, index, "ferryman") == 0
    assert reader.words.places() == set()


def test_a_hit_is_opened_again_and_left_out_when_it_is_gone(newsroom: Newsroom) -> None:
    index = CaseIndex(newsroom.vault, newsroom.watch)
    reader, amira = reader_of(newsroom, newsroom.amira, index), newsroom.seat(newsroom.amira)
    case = newsroom.receive(a_source())
    card = conversation.save_card(amira, case.id, Card(facts="Sinuiju"))
    found(reader, index, "sinuiju")
    query = parse("sinuiju")
    ((_, sources),) = reader.find(query).items()
    nothing = Reader(cast("Scrubber", None), Path("/nowhere"))
    shown, more = search.hits(amira, nothing, case.id, sources, query)
    assert ([piece.text for piece in shown[0].shown if piece.hit], more) == (["Sinuiju"], 0)
    conversation.save_card(amira, case.id, Card(facts="Dandong", version=card.version))
    assert search.hits(amira, nothing, case.id, sources, query) == ([], 0)
