"""Due dates on the desk: the filter, the marks, and nothing of it where no date is set."""

from __future__ import annotations

from typing import Any

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
