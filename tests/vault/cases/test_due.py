"""Due dates: what is due when, and that the list in memory and the database agree on it."""

from __future__ import annotations

from fieldreport.vault.archive.tables import CaseState
from fieldreport.vault.cases import conversation, due, workflow
from fieldreport.vault.cases.case_index import CaseFilter, CaseIndex
from fieldreport.vault.cases.due import DueDays, next_due
from fieldreport.vault.cases.inbox import CaseRow
from tests.cast import a_source
from tests.vault.newsroom import Newsroom, everywhere

DAY = 24 * 3600
EU = DueDays(acknowledge=7, answer=90)
DAYS = DueDays(acknowledge=7, answer=60)  # before the roster expires


def test_a_reply_acknowledges_and_another_one_answers() -> None:
    def said(sent: int, state: CaseState = CaseState.NEW, days: DueDays = EU) -> tuple[str, int] | None:
        found = next_due(days, opened=1000, sent=sent, state=state)
        return (found.what, found.hour) if found else None

    assert said(0) == ("acknowledge", 1000 + 7 * 24)
    assert said(1) == ("answer", 1000 + 90 * 24)
    assert said(2) is None
    assert said(0, CaseState.CLOSED) is None
    assert said(1, CaseState.PUBLISHED) is None
    assert said(0, days=due.NO_DUE_DAYS) is None
    assert said(0, days=DueDays(acknowledge=0, answer=90)) == ("answer", 1000 + 90 * 24)
    assert said(1, days=DueDays(acknowledge=7, answer=0)) is None


def overdue(newsroom: Newsroom, index: CaseIndex) -> set[str]:
    """The names of the overdue cases in the list, after the count in it and in the database were compared."""
    index.refresh()
    found = {row.name for row in index.page(CaseFilter(overdue=True), viewer="amira").rows}
    assert index.counts(CaseFilter(), viewer="amira").overdue == len(found)
    assert due.count_overdue(newsroom.vault, DAYS) == len(found)
    return found


def reply(newsroom: Newsroom, case: CaseRow) -> None:
    conversation.reply(newsroom.seat(newsroom.amira), case.id, "we have it", newsroom.mailbox)


@everywhere
def test_what_is_overdue_is_found_as_time_goes_by_and_work_is_done(newsroom: Newsroom) -> None:
    index = CaseIndex(newsroom.vault, newsroom.watch, DAYS)
    first, second, closed = (newsroom.receive(a_source()) for _ in range(3))
    workflow.set_state(newsroom.seat(newsroom.amira), closed.id, CaseState.CLOSED)
    assert overdue(newsroom, index) == set()
    newsroom.clock.forward(7 * DAY)
    assert overdue(newsroom, index) == set(), "the last hour is not over"
    newsroom.clock.forward(3600)
    assert overdue(newsroom, index) == {first.name, second.name}
    reply(newsroom, first)
    assert overdue(newsroom, index) == {second.name}
    newsroom.clock.forward(50 * DAY)
    reply(newsroom, second)
    assert overdue(newsroom, index) == set()
    newsroom.clock.forward(3 * DAY)
    assert overdue(newsroom, index) == {first.name, second.name}
    reply(newsroom, first)
    workflow.delete(newsroom.seat(newsroom.amira), second.id)
    assert overdue(newsroom, index) == set()
