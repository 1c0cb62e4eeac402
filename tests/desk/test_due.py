"""Due dates on the desk: the filter, the marks, and nothing of it where no date is set."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from fieldreport.errors import NotARecipient
from fieldreport.seal import ExpectedOffline, open_sealed_file
from fieldreport.vault.archive.tables import AuditRow, CaseState
from fieldreport.vault.cases import conversation, restriction, workflow

DAY = 24 * 3600


def test_the_inbox_filters_what_is_overdue_and_marks_it(build: Any) -> None:
    house = build(desk={"acknowledge_days": 7, "answer_days": 90, "idle_seconds": 10**9})
    case = house.receive()
    amira = house.enter("amira")
    assert "overdue (0)" in amira.get("/inbox").text
    assert "To be acknowledged by" in amira.get(f"/cases/{case.id.hex()}").text
    house.clock.forward(5 * DAY)
    amira = house.enter("amira")
    assert "acknowledge in 48 h" in amira.get("/inbox").text.replace("2 days", "48 h")
    house.clock.forward(3 * DAY)
    amira = house.enter("amira")
    page = amira.get("/inbox?overdue=1")
    assert "overdue (1)" in page.text
    assert "overdue: acknowledge" in page.text
    assert "overdue: acknowledge" in amira.get(f"/cases/{case.id.hex()}").text
    assert case.name in page.text


def test_without_days_nothing_is_due(build: Any) -> None:
    house = build(desk={"idle_seconds": 10**9})
    case = house.receive()
    house.clock.forward(60 * DAY)
    amira = house.enter("amira")
    for path in ("/inbox", f"/cases/{case.id.hex()}"):
        assert "overdue" not in amira.get(path).text
        assert "acknowledge" not in amira.get(path).text


def test_the_register_is_sealed_to_its_editor_and_says_what_was_done(build: Any) -> None:
    house = build(desk={"acknowledge_days": 7, "answer_days": 60, "idle_seconds": 10**9})
    first, second = house.receive(), house.receive(source=house.another_source)
    amira = house.seat("amira")
    house.clock.forward(DAY)
    conversation.reply(amira, first.id, "we have it", house.mailbox)
    house.clock.forward(DAY)
    workflow.set_state(amira, first.id, CaseState.CLOSED)
    restriction.limit(house.seat("jonas"), second.id, ["jonas", "ines"])
    browser = house.enter("amira")
    page = browser.press(browser.get(browser.get("/inbox").link("Register")), "Export, sealed to your key")
    assert first.name.encode() not in page.body
    expected = ExpectedOffline(rosters=house.rosters.history())
    with pytest.raises(NotARecipient):
        open_sealed_file(io.BytesIO(page.body), identities=house.staff["jonas"].identities, expected=expected)
    with open_sealed_file(io.BytesIO(page.body), identities=amira.staff.identities, expected=expected) as envelope:
        assert envelope.author({"amira": {amira.staff.signing.public}}) == "amira"
        rows = list(csv.DictReader(io.StringIO(envelope.read_part(0, 10_000).decode())))
    (row,) = rows
    start = datetime.fromtimestamp(first.opened * 3600, UTC)

    def told(days: int) -> str:
        return f"{start + timedelta(days=days):%Y-%m-%dT%H:00Z}"

    assert row == {
        "case": first.name,
        "received": told(0),
        "acknowledge_by": told(7),
        "acknowledged": told(1),
        "answer_by": told(60),
        "answered": told(2),
        "state": "closed",
    }
    assert house.vault.audit.page(limit=1)[0].act == "register-exported"
    with house.vault.change() as change:
        change.session.execute(update(AuditRow).where(AuditRow.act == "replied").values(hour=1))
    token = browser.get("/keys").find("//input[@name='token']")[0].get("value")
    assert browser.post("/register", {"token": token}).status >= 400
