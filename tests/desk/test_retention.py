"""Retention on the desk: who sees what, and the daily run."""

from __future__ import annotations

from typing import Any

import pytest

from fieldreport.vault.archive.tables import CaseState
from fieldreport.vault.cases import inbox, restriction, workflow
from fieldreport.vault.cases.inbox import CaseRow
from tests.cast import PASSPHRASES
from tests.desk.conftest import House

DAY = 24 * 3600


@pytest.fixture
def house(build: Any) -> House:
    made: House = build(desk={"retention": {"closed": 30}, "idle_seconds": 10**9})
    return made


def closed(house: House) -> CaseRow:
    case = house.receive()
    inbox.mark_read(house.vault, case.id, "amira")
    workflow.set_state(house.seat("amira"), case.id, CaseState.CLOSED)
    return case


def test_editors_see_names_and_the_admin_numbers(house: House) -> None:
    case, secret = closed(house), house.receive(source=house.another_source)
    workflow.set_state(house.seat("jonas"), secret.id, CaseState.CLOSED)
    restriction.limit(house.seat("jonas"), secret.id, ["jonas", "ines"])
    house.clock.forward(31 * DAY)
    amira, jonas, lena = (house.enter(handle).get("/retention") for handle in ("amira", "jonas", "lena"))
    assert "Past their time: 1" in amira.text
    assert case.name in amira.text
    assert secret.name not in amira.text
    assert secret.name in jonas.text
    assert "Stay, although a rule is about them: 1" in jonas.text
    assert "1: nobody has read its newest letter" in lena.text
    assert case.name not in lena.text
    assert secret.name not in lena.text
    assert not lena.find("//button[contains(., 'Delete')]")


def test_an_editor_deletes_them_after_the_passphrase(house: House) -> None:
    case = closed(house)
    house.clock.forward(31 * DAY)
    amira = house.enter("amira")
    page = amira.press(amira.get("/retention"), "Delete them now")
    assert case.name in page.text
    assert amira.press(page, "Delete 1 case", {"passphrase": "x"}).status == 403
    assert inbox.get(house.vault, case.id, viewer="amira").ended is None
    page = amira.press(page, "Delete 1 case", {"passphrase": PASSPHRASES["amira"]})
    assert "1 case was deleted; 0 stay." in page.text
    page = amira.press(amira.get("/keys"), "Forget my devices")  # a page with a token
    again = amira.post("/retention/purge", {"token": page.find("//input[@name='token']")[0].get("value")})
    assert "No case that you may read is past its time." in again.text
    assert not again.find("//input[@name='passphrase']")


def test_it_happens_once_a_day_while_an_editor_is_unlocked(house: House) -> None:
    first = closed(house)
    house.clock.forward(31 * DAY)
    purge = house.desk.background._purge
    purge()
    assert inbox.get(house.vault, first.id, viewer="amira").ended is None, "nobody is unlocked"
    house.enter("lena")
    house.enter("amira")
    purge()
    assert inbox.get(house.vault, first.id, viewer="amira").ended == "deleted"
    assert [entry.act for entry in house.vault.audit.page(limit=1)] == ["case-purged"]
    house.clock.forward(-31 * DAY)
    second = closed(house)
    house.clock.forward(31 * DAY)
    purge()
    assert inbox.get(house.vault, second.id, viewer="amira").ended is None, "her turn was today"
    house.clock.forward(DAY)
    house.enter("amira")
    purge()
    assert inbox.get(house.vault, second.id, viewer="amira").ended == "deleted"


def test_without_a_rule_the_page_says_that_cases_stay(build: Any) -> None:
    assert "No rule is set" in build().enter("amira").get("/retention").text
