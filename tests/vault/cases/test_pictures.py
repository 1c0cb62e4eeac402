"""Pictures that look alike: named as similar, and set aside where the newsroom has named one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fieldreport.scrub import Scrubber
from fieldreport.vault.archive import rewrap
from fieldreport.vault.cases import inbox, junk, restriction, search
from fieldreport.vault.cases.case_index import CaseIndex
from fieldreport.vault.cases.contents import ContentsReader
from fieldreport.vault.cases.inbox import CaseRow
from fieldreport.vault.cases.junk import Junk, KnownPicture, Rules
from fieldreport.vault.cases.pictures import Pictures
from fieldreport.vault.cases.readings import Reader
from fieldreport.vault.cases.search import SearchReader
from fieldreport.vault.cases.similar import similar
from tests.cast import a_source
from tests.scenes import jpeg, scene
from tests.vault.newsroom import Newsroom

POSTER = scene(1)
THE_POSTER, AS_FORWARDED, ANOTHER = jpeg(POSTER), jpeg(POSTER.resize((200, 150)), 60), jpeg(scene(2))


@pytest.fixture(scope="module")
def scrubber(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scrubber]:
    with Scrubber.start(directory=tmp_path_factory.mktemp("scratch"), require_sandbox=False) as running:
        yield running


class Desk:
    """What one session of an editor knows."""

    def __init__(self, newsroom: Newsroom, scrubber: Scrubber, tmp_path: Path, staff: str = "amira") -> None:
        self.seat = newsroom.seat(getattr(newsroom, staff))
        self.index = CaseIndex(newsroom.vault, newsroom.watch)
        self.files = Reader(scrubber, tmp_path)
        self.search = SearchReader(self.seat, self.index, self.files)
        self.contents = ContentsReader(self.seat, self.index, self.search.pictures)

    def look(self) -> None:
        self.index.refresh()
        self.contents.read(lambda _done, _total: None)
        self.search.read(lambda _done, _total: None)
        self.contents.hear_pictures()

    def aside(self, *cases: CaseRow) -> list[Junk | None]:
        self.look()
        return [reason.kind if (reason := self.contents.reason(case.id)) else None for case in cases]

    def name(self, newsroom: Newsroom, case: CaseRow, number: int = 1) -> Rules:
        (letter,) = inbox.items(newsroom.vault, case.id)
        seen = search.likeness_of(self.seat, self.files, letter.id, number)
        assert seen is not None
        return junk.name_picture(self.seat, KnownPicture(seen, letter.id, number))


def test_letters_with_nothing_but_a_known_picture_are_set_aside_until_it_is_named_no_more(
    newsroom: Newsroom, scrubber: Scrubber, tmp_path: Path
) -> None:
    cases = [
        newsroom.receive(a_source(), "look at this", files=files)
        for files in (
            (THE_POSTER,),
            (AS_FORWARDED, THE_POSTER),
            (ANOTHER,),
            (AS_FORWARDED, ANOTHER),
            (AS_FORWARDED, b"a document"),
            (),
        )
    ]
    desk = Desk(newsroom, scrubber, tmp_path)
    assert desk.aside(*cases) == [None] * 6
    named = desk.name(newsroom, cases[0])
    assert desk.name(newsroom, cases[1]) == named, "one that looks like it is named already"
    assert desk.aside(*cases) == [Junk.PICTURE, Junk.PICTURE, None, None, None, None]
    late = newsroom.receive(a_source(), "again", files=(AS_FORWARDED,))
    colleague = Desk(newsroom, scrubber, tmp_path, "jonas")
    assert colleague.aside(late) == [Junk.PICTURE]
    junk.save_rules(colleague.seat, Rules(kinds=named.kinds, version=named.version))
    assert desk.aside(*cases, late) == [None] * 7


def test_how_a_picture_looks_is_made_once_and_kept(
    newsroom: Newsroom, scrubber: Scrubber, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = newsroom.receive(a_source(), "look", files=(THE_POSTER,))
    desk = Desk(newsroom, scrubber, tmp_path)
    desk.look()
    monkeypatch.setattr(scrubber, "likeness", lambda _source: pytest.fail("it was made a second time"))
    colleague = Desk(newsroom, scrubber, tmp_path, "jonas")
    colleague.look()
    place = colleague.index.place_of(case.id)
    assert place is not None
    assert len(colleague.search.pictures.known(place)) == 1
    assert colleague.search.made == 0


def test_cases_with_pictures_that_look_alike_are_named_to_those_who_read_both(
    newsroom: Newsroom, scrubber: Scrubber, tmp_path: Path
) -> None:
    first = newsroom.receive(a_source(), "mine", files=(THE_POSTER, ANOTHER))
    again = newsroom.receive(a_source(), "not mine", files=(AS_FORWARDED,))
    newsroom.receive(a_source(), "nobody's", files=(jpeg(scene(3)),))
    desk = Desk(newsroom, scrubber, tmp_path)
    desk.look()
    (found,) = similar(desk.seat, desk.search, first.id)
    assert (found.name, found.pictures, found.files, found.passages) == (again.name, 1, 0, 0)
    newsroom.hire("late")
    rewrap.rewrap(desk.seat)
    restriction.limit(newsroom.seat(newsroom.jonas), again.id, {"jonas", "late"})
    desk.look()
    assert similar(desk.seat, desk.search, first.id) == ()


def test_a_picture_that_goes_is_known_no_more() -> None:
    pictures = Pictures()
    pictures.add(1, b"one", 1, 0)
    pictures.add(2, b"two", 1, 0)
    pictures.add(2, b"two", 2, 0)
    assert pictures.like(1) == {2: 1}
    pictures.forget(2, [(b"two", 1)])
    assert pictures.like(1) == {2: 1}, "the other one of that case"
    pictures.forget(2, [(b"two", 2)])
    assert pictures.like(1) == {}
