"""The index of cases: pages, filters, counts, orders, stars, what was read, states and hand-overs."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from dataclasses import replace
from itertools import count

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event
from typing_extensions import override

from fieldreport.errors import NotFound, StoreError
from fieldreport.vault.archive.tables import Case, CaseState
from fieldreport.vault.cases import conversation, inbox, restriction, sort, workflow
from fieldreport.vault.cases.bits import Bits
from fieldreport.vault.cases.case_index import NOBODY, CaseFilter, CaseIndex, Contents, Limited, Order
from tests.cast import a_source
from tests.vault.newsroom import Newsroom, everywhere


def fill(newsroom: Newsroom, number: int, *, hours: int = 7) -> None:
    with newsroom.vault.change() as change:
        for place in range(number):
            change.session.add(
                Case(
                    id=secrets.token_bytes(16),
                    name=f"C-{place:05}",
                    source=secrets.token_bytes(32),
                    state=list(CaseState)[place % 6].value,
                    assignee=["amira", "jonas", None][place % 3],
                    opened=1000,
                    active=1000 + place % hours,
                    last_letter=1,
                    letters=1,
                )
            )


def index_of(newsroom: Newsroom) -> CaseIndex:
    index = CaseIndex(newsroom.vault, newsroom.watch)
    index.refresh()
    return index


def walk(index: CaseIndex, wanted: CaseFilter, *, limit: int = 7, viewer: str = "amira") -> list[str]:
    names: list[str] = []
    after: str | None = None
    while True:
        page = index.page(wanted, viewer=viewer, after=after, limit=limit)
        assert len(page.rows) <= limit
        names += [row.name for row in page.rows]
        after = page.next
        if after is None:
            return names


@everywhere
@pytest.mark.parametrize("limit", [1, 7, 30, 50])
def test_pages_show_every_case_once_newest_activity_first(newsroom: Newsroom, limit: int) -> None:
    fill(newsroom, 30)
    names = walk(index_of(newsroom), CaseFilter(), limit=limit)
    assert sorted(names) == [f"C-{place:05}" for place in range(30)]
    rows = {row.name: row for row in index_of(newsroom).page(CaseFilter(), viewer="amira", limit=30).rows}
    hours = [rows[name].active for name in names]
    assert hours == sorted(hours, reverse=True)


@everywhere
def test_filters_combine(newsroom: Newsroom) -> None:
    fill(newsroom, 36)
    index = index_of(newsroom)
    everything = index.page(CaseFilter(), viewer="amira", limit=36).rows
    wanted = CaseFilter(states=(CaseState.NEW, CaseState.WRITING), assignee="amira")
    expected = [row.name for row in everything if row.state in {"new", "writing"} and row.assignee == "amira"]
    assert expected
    assert walk(index, wanted, limit=2) == expected
    nobody = walk(index, CaseFilter(assignee=NOBODY))
    assert sorted(nobody) == sorted(row.name for row in everything if row.assignee is None)


@everywhere
def test_stars_and_reading_are_each_editors_own(newsroom: Newsroom) -> None:
    fill(newsroom, 6)
    index = index_of(newsroom)
    first, second = index.page(CaseFilter(), viewer="amira").rows[:2]
    index.star(first.id, "amira", starred=True)
    index.mark(first.id, "amira", read=True)
    index.mark(second.id, "jonas", read=True)
    for each in (index, index_of(newsroom)):  # in memory, and read from the database
        assert walk(each, CaseFilter(starred=True)) == [first.name]
        assert walk(each, CaseFilter(starred=True), viewer="jonas") == []
        assert first.name not in walk(each, CaseFilter(unread=True))
        assert first.name in walk(each, CaseFilter(unread=True), viewer="jonas")
        assert second.name not in walk(each, CaseFilter(unread=True), viewer="jonas")
    index.star(first.id, "amira", starred=False)
    index.mark(first.id, "amira", read=False)
    row = inbox.get(newsroom.vault, first.id, viewer="amira")
    assert (row.starred, row.unread) == (False, True)
    assert walk(index, CaseFilter(starred=True)) == []


@everywhere
def test_counts_go_by_state(newsroom: Newsroom) -> None:
    fill(newsroom, 8)
    counts = inbox.counts(newsroom.vault)
    assert sum(counts.values()) == 8
    assert counts[CaseState.NEW] == 2
    assert set(counts) == set(CaseState)


def test_counts_are_of_what_each_choice_would_show(newsroom: Newsroom) -> None:
    fill(newsroom, 36)
    index = index_of(newsroom)
    for row in index.page(CaseFilter(), viewer="amira", limit=36).rows[::5]:
        index.mark(row.id, "amira", read=True)
        index.star(row.id, "amira", starred=True)
    for wanted in (
        CaseFilter(),
        CaseFilter(unread=True, assignee="jonas"),
        CaseFilter(states=(CaseState.NEW, CaseState.READING), starred=True),
        CaseFilter(assignee=NOBODY, order=Order.WAITING),
    ):
        counts = index.counts(wanted, viewer="amira")
        assert counts.matching == len(walk(index, wanted))
        for state, number in counts.states.items():
            assert number == len(walk(index, replace(wanted, states=(state,))))
        for assignee, number in counts.assignees.items():
            assert number == len(walk(index, replace(wanted, assignee=assignee)))
        assert counts.starred == len(walk(index, replace(wanted, starred=True)))
        assert counts.unread == len(walk(index, replace(wanted, unread=True)))


def test_what_is_limited_to_others_is_neither_listed_nor_counted(newsroom: Newsroom) -> None:
    newsroom.hire("late")
    secret, plain = newsroom.receive(a_source()), newsroom.receive(a_source())
    restriction.limit(newsroom.seat(newsroom.amira), secret.id, {"amira", "late"})
    index = index_of(newsroom)
    assert walk(index, CaseFilter(), viewer="jonas") == [plain.name]
    counts = index.counts(CaseFilter(), viewer="jonas")
    assert (counts.matching, counts.states[CaseState.NEW], counts.unread) == (1, 1, 1)
    assert counts.limited == {Limited.READABLE: 1, Limited.OWN: 0, Limited.OTHERS: 1}
    assert walk(index, CaseFilter(limited=Limited.OTHERS), viewer="jonas") == [secret.name]
    assert walk(index, CaseFilter(limited=Limited.OWN)) == [secret.name]
    assert set(walk(index, CaseFilter())) == {secret.name, plain.name}


def test_who_joins_a_desk_is_shown_its_cases(newsroom: Newsroom) -> None:
    newsroom.address("amira", "borders")
    newsroom.send(a_source(), addressee="borders")
    newsroom.collect()
    sort.sort(newsroom.seat(newsroom.amira))
    index = index_of(newsroom)
    (name,) = walk(index, CaseFilter())
    assert walk(index, CaseFilter(), viewer="jonas") == []
    newsroom.address("jonas", "borders")
    index.refresh()
    assert walk(index, CaseFilter(), viewer="jonas") == [name]


def test_readers_that_nobody_signed_hide_no_case(newsroom: Newsroom) -> None:
    case = newsroom.receive(a_source())
    with newsroom.vault.change() as change:
        change.session.get_one(Case, case.id).readers = "jonas,late"
    assert walk(index_of(newsroom), CaseFilter()) == [case.name]


@everywhere
def test_it_learns_what_others_changed_and_reads_nothing_else_again(newsroom: Newsroom) -> None:
    first = newsroom.receive(a_source())
    index = index_of(newsroom)
    second = newsroom.receive(a_source())
    workflow.set_state(newsroom.seat(newsroom.jonas), first.id, CaseState.WRITING)
    asked = asked_of(newsroom, index.refresh)
    assert len(asked) == 2
    assert walk(index, CaseFilter(states=(CaseState.WRITING,))) == [first.name]
    assert set(walk(index, CaseFilter())) == {first.name, second.name}
    assert len(asked_of(newsroom, index.refresh)) == 1
    workflow.delete(newsroom.seat(newsroom.jonas), first.id)
    index.refresh()
    assert walk(index, CaseFilter()) == [second.name]
    assert walk(index, CaseFilter(ended=True)) == [first.name]
    assert index.counts(CaseFilter(), viewer="amira").ended == 1


def test_the_orders(newsroom: Newsroom) -> None:
    sources = [a_source() for _ in range(3)]
    cases = []
    for source in sources:
        cases.append(newsroom.receive(source))
        newsroom.clock.forward(3600)
    index = index_of(newsroom)
    oldest, middle, newest = (case.name for case in cases)
    assert walk(index, CaseFilter(), limit=1) == [newest, middle, oldest]
    assert walk(index, CaseFilter(order=Order.WAITING), limit=1) == [oldest, middle, newest]
    index.mark(cases[0].id, "amira", read=True)
    assert walk(index, CaseFilter(order=Order.WAITING)) == [middle, newest]
    conversation.note(newsroom.seat(newsroom.jonas), cases[1].id, "a note touches it")
    index.refresh()
    assert walk(index, CaseFilter(order=Order.TOUCHED), limit=1) == [middle, newest, oldest]
    newsroom.receive(sources[0], "more")
    index.refresh()
    assert walk(index, CaseFilter(), limit=2) == [oldest, newest, middle]


@pytest.mark.parametrize("order", Order)
def test_few_that_match_among_many_come_in_the_same_order(newsroom: Newsroom, order: Order) -> None:
    fill(newsroom, 300, hours=50)
    index = index_of(newsroom)
    everything = [row.id for row in index.page(CaseFilter(order=order), viewer="amira", limit=300).rows]
    for case_id in everything[::100]:
        index.star(case_id, "amira", starred=True)
    wanted = CaseFilter(order=order, starred=True)
    page = index.page(wanted, viewer="amira", limit=2)
    assert [row.id for row in page.rows] == everything[::100][:2]
    rest = index.page(wanted, viewer="amira", after=page.next).rows
    assert [row.id for row in rest] == everything[::100][2:]
    assert index.neighbours(wanted, everything[100], viewer="amira").before == everything[0]


@pytest.mark.parametrize("order", Order)
def test_neighbours_are_those_of_the_list(newsroom: Newsroom, order: Order) -> None:
    fill(newsroom, 12, hours=3)
    index = index_of(newsroom)
    wanted = CaseFilter(order=order, assignee="amira")
    ids = [row.id for row in index.page(wanted, viewer="amira").rows]
    for before, case_id, after in zip([None, *ids], ids, [*ids[1:], None], strict=False):
        beside = index.neighbours(wanted, case_id, viewer="amira")
        assert (beside.before, beside.after) == (before, after)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(after=st.text(max_size=60) | st.from_regex(r"[0-9]{1,12}\.[0-9a-f]{0,40}", fullmatch=True))
def test_a_made_up_page_is_only_ever_not_found(newsroom: Newsroom, after: str) -> None:
    try:
        CaseIndex(newsroom.vault, newsroom.watch).page(CaseFilter(), viewer="amira", after=after)
    except NotFound:
        pass
    else:
        hour, _, identifier = after.partition(".")
        assert hour.strip().isdigit()
        assert len(bytes.fromhex(identifier)) == 16


def test_what_does_not_exist_is_not_found(newsroom: Newsroom) -> None:
    nothing = bytes(16)
    vault, seat = newsroom.vault, newsroom.seat(newsroom.amira)
    for act in (
        lambda: inbox.get(vault, nothing, viewer="amira"),
        lambda: inbox.items(vault, nothing),
        lambda: inbox.item(vault, nothing),
        lambda: inbox.star(vault, nothing, "amira", starred=True),
        lambda: inbox.mark_read(vault, nothing, "amira"),
        lambda: workflow.set_state(seat, nothing, CaseState.READING),
        lambda: workflow.assign(seat, nothing, "amira"),
        lambda: workflow.delete(seat, nothing),
        lambda: seat.text(nothing),
        lambda: conversation.card(seat, nothing),
    ):
        with pytest.raises(NotFound):
            act()


@everywhere
def test_states_and_hand_overs_are_logged_with_who_did_it(newsroom: Newsroom) -> None:
    case = newsroom.receive(a_source())
    seat = newsroom.seat(newsroom.amira)
    workflow.set_state(seat, case.id, CaseState.READING)
    workflow.set_state(seat, case.id, CaseState.READING)
    workflow.assign(seat, case.id, "jonas")
    workflow.assign(seat, case.id, None)
    assert inbox.get(newsroom.vault, case.id, viewer="amira").state is CaseState.READING
    assert newsroom.acts() == [
        ("amira", "case-state", f"{case.name} reading"),
        ("amira", "case-assigned", f"{case.name} jonas"),
        ("amira", "case-assigned", f"{case.name} -"),
    ]


def test_a_case_is_handed_only_to_somebody_on_the_roster(newsroom: Newsroom) -> None:
    case = newsroom.receive(a_source())
    with pytest.raises(NotFound):
        workflow.assign(newsroom.seat(newsroom.amira), case.id, "stranger")
    assert inbox.get(newsroom.vault, case.id, viewer="amira").assignee is None


def asked_of(newsroom: Newsroom, act: Callable[[], object]) -> list[str]:
    """The questions that an act puts to the database."""
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(statement)

    event.listen(newsroom.vault.engine, "before_cursor_execute", note)
    act()
    event.remove(newsroom.vault.engine, "before_cursor_execute", note)
    return asked


def test_a_first_look_that_was_interrupted_is_gone_on_with(newsroom: Newsroom, monkeypatch: pytest.MonkeyPatch) -> None:
    fill(newsroom, 30)
    index, looks = CaseIndex(newsroom.vault, newsroom.watch), count()
    signed = CaseIndex._signed_readers

    def failing(self: CaseIndex, case: Case) -> frozenset[str] | None:
        if next(looks) == 20:
            raise StoreError("the database is away")
        return signed(self, case)

    monkeypatch.setattr(CaseIndex, "_signed_readers", failing)
    with pytest.raises(StoreError):
        index.refresh()
    index.refresh()
    assert walk(index, CaseFilter()) == walk(index_of(newsroom), CaseFilter())


def test_counting_while_more_is_found_in_the_cases_goes_well(newsroom: Newsroom) -> None:
    index, contents = index_of(newsroom), Contents()

    class Found(Bits):
        @property
        @override
        def value(self) -> int:
            """The session's look into the cases finds another label at this moment."""
            contents.labels["tunnel"].put(2)
            return super().value

    contents.labels["gate"] = Found()
    assert index.counts(CaseFilter(), viewer="amira", contents=contents).labels == {}
