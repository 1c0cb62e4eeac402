"""How often the desk's pages ask the database: a list does not ask more because it is longer."""

from __future__ import annotations

import re
from collections.abc import Callable
from functools import partial

import pytest
from sqlalchemy import event

from fieldreport.vault.archive.tables import CaseState
from fieldreport.vault.articles import drafts
from fieldreport.vault.cases import restriction, workflow
from tests.cast import a_source
from tests.desk.conftest import Browser, House


def questions(house: House, page: Callable[[], object]) -> list[str]:
    """What a page asks of the vault when it was shown before, so that nothing is made for the first time."""
    page()
    asked: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        asked.append(re.sub(r"\(\?(, \?)*\)", "(?)", statement))  # of so many ids as there are

    event.listen(house.vault.engine, "before_cursor_execute", note)
    page()
    event.remove(house.vault.engine, "before_cursor_execute", note)
    return asked


def more(house: House, number: int) -> None:
    """So many more limited cases, each with an article."""
    amira = house.seat("amira")
    for _ in range(number):
        case = house.receive("Three lorries stood in the yard.", source=a_source())
        drafts.create(amira, [case.id], "en")
        restriction.limit(amira, case.id, {"amira", "jonas"})


@pytest.mark.parametrize(
    ("handle", "path"),
    [
        ("amira", "/inbox"),
        ("amira", "/junk"),
        ("amira", "/articles"),
        ("amira", "/register"),
        ("lena", "/staff"),
        ("lena", "/audit"),
        ("lena", "/health"),
        ("lena", "/letterbox"),
    ],
)
def test_a_list_asks_as_often_whatever_there_is_to_show(house: House, handle: str, path: str) -> None:
    browser: Browser = house.enter(handle)
    more(house, 2)
    few = questions(house, lambda: browser.get(path))
    more(house, 4)
    assert questions(house, lambda: browser.get(path)) == few


@pytest.mark.parametrize("handle", ["lena", "amira"])
def test_what_is_past_its_time_is_found_as_quickly(build: Callable[..., House], handle: str) -> None:
    house = build(desk={"retention": {"closed": 1}, "idle_seconds": 10**9})
    counts, there = [], 0
    while there < 6:
        for _ in range(2 + there):
            case = house.receive("Three lorries stood in the yard.", source=a_source())
            restriction.limit(house.seat("amira"), case.id, {"amira", "jonas"})
            workflow.set_state(house.seat("amira"), case.id, CaseState.CLOSED)
            there += 1
        house.clock.pass_hours(48)
        browser = house.enter(handle)
        counts.append(questions(house, partial(browser.get, "/retention")))
        assert f"Stay, although a rule is about them: {there}" in browser.get("/retention").text
    assert counts[0] == counts[1]
