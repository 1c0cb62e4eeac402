"""What is set aside as noise, by which rules, and that nothing that says something is."""

from __future__ import annotations

import os
import threading
from typing import Any

import pytest
from sqlalchemy import update

from fieldreport.errors import Conflict, NotAllowed, NotFound, SealError
from fieldreport.seal import Codename, SourceKeys
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive import rewrap
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import CaseState, VaultState
from fieldreport.vault.cases import conversation, inbox, junk, sort, workflow
from fieldreport.vault.cases.case_index import CaseFilter, CaseIndex
from fieldreport.vault.cases.contents import ContentsReader
from fieldreport.vault.cases.inbox import CaseRow
from fieldreport.vault.cases.junk import Junk, Rules
from fieldreport.vault.cases.pictures import Pictures
from tests.cast import a_source
from tests.vault.newsroom import Newsroom, everywhere

EVERYTHING = Rules(kinds=frozenset(Junk), phrases=("cheap watches", "무료 대출"))
NOISE = {
    "": Junk.EMPTY,
    " \n… --- !!": Junk.EMPTY,
    "asdfghjkl qwertz asdfgh": Junk.RANDOM,
    "ㅋㅋㅋㅋㅋㅋㅋㅋㅋㅋ": Junk.RANDOM,
    "xkcdw pqzvbt gfdsnm hjktrw": Junk.RANDOM,
    "фывапролдж йцукен": Junk.RANDOM,
    "Buy CHEAP  Watches now": Junk.PHRASE,
    "지금 무료 대출을 받으세요": Junk.PHRASE,
}
REPORTS = (
    "ok",
    "They took him.",
    "三人被捕",
    "На пункте пропуска сегодня никого нет.",
    "Przyszli o świcie i zabrali wszystkich mężczyzn.",
    "Strč prst skrz krk, řekl strážný.",
    "Schlachtschiffkommandant, Angstschweiß, Rechtsschutz, Borschtsch.",
    "The cheap watchesmaker of the camp",
    "ʻ 0123 4567",
    "СССР, МВД, ФСБ, ГРУ: все они там были вчера",
    "حضر الحراس عند الفجر",
)


def a_case(
    newsroom: Newsroom, text: str, *, files: tuple[bytes, ...] = (), source: SourceKeys | None = None
) -> CaseRow:
    return newsroom.receive(source or a_source(), text, files=files)


def looked(newsroom: Newsroom, staff: StaffKey) -> ContentsReader:
    index = CaseIndex(newsroom.vault, newsroom.watch)
    index.refresh()
    reader = ContentsReader(Seat(newsroom.vault, staff, newsroom.watch), index, Pictures())
    reader.read(lambda _done, _total: None)
    return reader


def aside(reader: ContentsReader, viewer: str = "amira") -> set[str]:
    reader.index.refresh()
    reader.read(lambda _done, _total: None)
    rows = reader.index.page(CaseFilter(junk=True), viewer=viewer, contents=reader.contents, limit=100).rows
    others = reader.index.page(CaseFilter(junk=False), viewer=viewer, contents=reader.contents, limit=100).rows
    assert not {row.id for row in rows} & {row.id for row in others}
    assert reader.index.counts(CaseFilter(junk=False), viewer=viewer, contents=reader.contents).junk == len(rows)
    return {row.name for row in rows}


@everywhere
def test_noise_is_set_aside_with_its_reason_and_reports_are_not(newsroom: Newsroom) -> None:
    expected = {}
    for text, kind in NOISE.items():
        expected[a_case(newsroom, text).id] = kind
    words = str(Codename.generate("ko"))
    expected[a_case(newsroom, words).id] = Junk.CODENAME
    for text in REPORTS:
        a_case(newsroom, text)
    a_case(newsroom, "", files=(b"a photo alone says much",))
    reader = looked(newsroom, newsroom.amira)
    assert aside(reader) == set(), "without rules nothing is"
    junk.save_rules(newsroom.seat(newsroom.jonas), EVERYTHING)
    names = aside(reader)
    found = {}
    for case_id in expected:
        reason = reader.reason(case_id)
        found[case_id] = reason and reason.kind
    assert found == expected
    assert len(names) == len(expected)


def test_of_two_alike_the_older_stays_also_when_it_is_read_last(newsroom: Newsroom) -> None:
    junk.save_rules(newsroom.seat(newsroom.jonas), EVERYTHING)
    first = a_case(newsroom, "They came in the night.", files=(b"photo",))
    newsroom.clock.forward(7200)
    again = a_case(newsroom, "they came in  the NIGHT", files=(b"photo",))
    a_case(newsroom, "They came in the night.", files=(b"another photo",))
    reader = looked(newsroom, newsroom.amira)
    assert aside(reader) == {again.name}
    reason = reader.reason(again.id)
    assert reason is not None
    assert reason.repeats == first.name
    workflow.delete(newsroom.seat(newsroom.amira), first.id)
    reader = looked(newsroom, newsroom.amira)
    assert aside(reader) == set(), "what it repeated is gone"


def test_one_letter_that_says_something_brings_the_case_back(newsroom: Newsroom) -> None:
    junk.save_rules(newsroom.seat(newsroom.jonas), EVERYTHING)
    source = a_source()
    case = a_case(newsroom, "", source=source)
    reader = looked(newsroom, newsroom.amira)
    assert aside(reader) == {case.name}
    a_case(newsroom, "I pressed the button too early. They took him.", source=source)
    assert aside(reader) == set()


def test_a_letter_that_cannot_be_read_is_no_noise(newsroom: Newsroom) -> None:
    junk.save_rules(newsroom.seat(newsroom.jonas), EVERYTHING)
    source = a_source()
    case = a_case(newsroom, "", source=source)
    reader = looked(newsroom, newsroom.amira)
    assert aside(reader) == {case.name}
    newsroom.send(source, "", files=(os.urandom(300_000),), damage=150_000)
    newsroom.collect()
    sort.sort(newsroom.seat(newsroom.amira))
    assert aside(reader) == set()


@pytest.mark.parametrize("act", ["assign", "state", "label", "note"])
def test_what_somebody_has_dealt_with_is_never_set_aside(newsroom: Newsroom, act: str) -> None:
    junk.save_rules(newsroom.seat(newsroom.jonas), EVERYTHING)
    case, seat = a_case(newsroom, ""), newsroom.seat(newsroom.jonas)
    reader = looked(newsroom, newsroom.amira)
    assert aside(reader) == {case.name}
    match act:
        case "assign":
            workflow.assign(seat, case.id, "jonas")
        case "state":
            workflow.set_state(seat, case.id, CaseState.READING)
        case "label":
            conversation.change_labels(seat, case.id, add=["look"])
        case _:
            conversation.note(seat, case.id, "this one may be real")
    assert aside(reader) == set()


@everywhere
def test_rules_are_signed_and_older_ones_are_not_believed(newsroom: Newsroom) -> None:
    seat = newsroom.seat(newsroom.amira)
    first = junk.save_rules(seat, Rules(kinds=frozenset({Junk.EMPTY})))
    with pytest.raises(Conflict):
        junk.save_rules(newsroom.seat(newsroom.jonas), EVERYTHING)
    case = a_case(newsroom, "")
    reader = looked(newsroom, newsroom.amira)
    assert aside(reader) == {case.name}
    junk.save_rules(seat, Rules(kinds=frozenset({Junk.RANDOM}), version=first.version))
    assert aside(reader) == set()
    with newsroom.vault.change() as change:
        change.session.execute(update(VaultState).values(junk=None))
    with pytest.raises(SealError, match="older version"):
        junk.rules(seat)
    with newsroom.vault.change() as change:
        change.session.execute(update(VaultState).values(junk=first.version))
    with pytest.raises(NotFound):
        junk.rules(seat)
    assert aside(reader) == set()
    assert reader.distrusted == "not-found"
    junk.save_rules(seat, Rules(kinds=frozenset({Junk.EMPTY}), version=junk.stored(seat)))
    assert aside(reader) == {case.name}


def test_what_the_database_puts_in_the_place_of_the_rules_is_not_deleted_with_them(newsroom: Newsroom) -> None:
    seat = newsroom.seat(newsroom.amira)
    junk.save_rules(seat, EVERYTHING)
    case = a_case(newsroom, "They took him.")
    (letter,) = inbox.items(newsroom.vault, case.id)
    with newsroom.vault.change() as change:
        change.session.execute(update(VaultState).values(junk=letter.id))
    junk.save_rules(seat, Rules(version=junk.stored(seat)))
    assert seat.text(letter.id) == "They took him."


def test_a_newcomer_has_no_junk_until_the_rules_are_sealed_to_them_too(newsroom: Newsroom) -> None:
    junk.save_rules(newsroom.seat(newsroom.jonas), EVERYTHING)
    case = a_case(newsroom, "")
    late = newsroom.hire("late")
    reader = looked(newsroom, late)
    assert (aside(reader, "late"), reader.distrusted) == (set(), "")
    rewrap.rewrap(newsroom.seat(newsroom.jonas))
    assert aside(reader, "late") == {case.name}


def test_an_admin_writes_no_rules(newsroom: Newsroom) -> None:
    with pytest.raises(NotAllowed):
        junk.save_rules(newsroom.seat(newsroom.lena), EVERYTHING)


def test_two_looks_that_begin_at_once_count_each_letter_once(
    newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch
) -> None:
    junk.save_rules(newsroom.seat(newsroom.jonas), EVERYTHING)
    case = a_case(newsroom, "")
    index = CaseIndex(newsroom.vault, newsroom.watch)
    index.refresh()
    reader = ContentsReader(newsroom.seat(newsroom.amira), index, Pictures())
    other = threading.Thread(target=lambda: reader.read(lambda _done, _total: None))
    open_each = newsroom.vault.objects.open_each

    def begin_another(ids: Any) -> Any:
        if not other.ident:
            other.start()
            other.join(0.5)  # without a lock it reads the letter now, and this look counts it a second time
        return open_each(ids)

    monkeypatch.setattr(newsroom.vault.objects, "open_each", begin_another)
    reader.read(lambda _done, _total: None)
    other.join()
    assert aside(reader) == {case.name}
