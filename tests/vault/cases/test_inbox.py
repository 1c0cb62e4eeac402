"""The inbox: keyset pages, filters, stars, what was read, states and hand-overs."""

from __future__ import annotations

import functools
import secrets
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import event

from fieldreport.errors import NotFound
from fieldreport.vault.archive.tables import Case, CaseState
from fieldreport.vault.cases import conversation, inbox, workflow
from fieldreport.vault.cases.inbox import CaseFilter
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


def walk(newsroom: Newsroom, wanted: CaseFilter, *, limit: int) -> list[str]:
    names: list[str] = []
    after: str | None = None
    while True:
        page = inbox.page(newsroom.vault, wanted, viewer="amira", after=after, limit=limit)
        assert len(page.rows) <= limit
        names += [row.name for row in page.rows]
        after = page.next
        if after is None:
            return names


@everywhere
@pytest.mark.parametrize("limit", [1, 7, 30, 50])
def test_pages_show_every_case_once_newest_activity_first(newsroom: Newsroom, limit: int) -> None:
    fill(newsroom, 30)
    names = walk(newsroom, CaseFilter(), limit=limit)
    assert sorted(names) == [f"C-{place:05}" for place in range(30)]
    hours = [next(row.active for row in newsroom.cases() if row.name == name) for name in names]
    assert hours == sorted(hours, reverse=True)


@everywhere
def test_filters_combine(newsroom: Newsroom) -> None:
    fill(newsroom, 36)
    everything = newsroom.cases()
    wanted = CaseFilter(states=(CaseState.NEW, CaseState.WRITING), assignee="amira")
    expected = [row.name for row in everything if row.state in {"new", "writing"} and row.assignee == "amira"]
    assert expected
    assert walk(newsroom, wanted, limit=2) == expected


@everywhere
def test_stars_and_reading_are_each_editors_own(newsroom: Newsroom) -> None:
    fill(newsroom, 6)
    first, second = newsroom.cases()[:2]
    inbox.star(newsroom.vault, first.id, "amira", starred=True)
    inbox.mark_read(newsroom.vault, first.id, "amira")
    inbox.mark_read(newsroom.vault, second.id, "jonas")
    page = functools.partial(inbox.page, newsroom.vault)
    assert [row.id for row in page(CaseFilter(starred=True), viewer="amira").rows] == [first.id]
    assert page(CaseFilter(starred=True), viewer="jonas").rows == ()
    assert first.id not in {row.id for row in page(CaseFilter(unread=True), viewer="amira").rows}
    assert {row.id for row in page(CaseFilter(unread=True), viewer="jonas").rows} >= {first.id}
    inbox.star(newsroom.vault, first.id, "amira", starred=False)
    inbox.mark_unread(newsroom.vault, first.id, "amira")
    row = inbox.get(newsroom.vault, first.id, viewer="amira")
    assert (row.starred, row.unread) == (False, True)


@everywhere
def test_counts_go_by_state(newsroom: Newsroom) -> None:
    fill(newsroom, 8)
    counts = inbox.counts(newsroom.vault)
    assert sum(counts.values()) == 8
    assert counts[CaseState.NEW] == 2
    assert set(counts) == set(CaseState)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(after=st.text(max_size=60) | st.from_regex(r"[0-9]{1,12}\.[0-9a-f]{0,40}", fullmatch=True))
def test_a_made_up_page_is_only_ever_not_found(newsroom: Newsroom, after: str) -> None:
    try:
        inbox.page(newsroom.vault, CaseFilter(), viewer="amira", after=after)
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


@pytest.mark.parametrize(
    "wanted",
    [
        CaseFilter(),
        CaseFilter(states=(CaseState.NEW,)),
        CaseFilter(states=(CaseState.NEW, CaseState.WRITING)),
        CaseFilter(assignee="amira"),
        CaseFilter(unread=True),
    ],
)
def test_a_page_is_a_walk_along_an_index_and_never_a_sort(newsroom: Newsroom, wanted: CaseFilter) -> None:
    """What makes the hundred-thousandth case cost what the first does."""
    fill(newsroom, 300)
    after = inbox.page(newsroom.vault, wanted, viewer="amira", limit=5).next
    asked: list[tuple[str, Any]] = []

    def note(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        asked.append((statement, parameters))

    engine = newsroom.vault.engine
    event.listen(engine, "before_cursor_execute", note)
    inbox.page(newsroom.vault, wanted, viewer="amira", after=after, limit=5)
    event.remove(engine, "before_cursor_execute", note)
    assert asked
    with engine.connect() as connection:
        for statement, parameters in asked:
            plan = [
                row[-1] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).fetchall()
            ]
            assert not any("TEMP B-TREE" in step for step in plan), plan
            assert any("USING INDEX ix_cases_ended" in step for step in plan), plan
