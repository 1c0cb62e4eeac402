"""Dangerous acts: what will happen is said, and the passphrase is asked for, before anything is done."""

from __future__ import annotations

import pytest

from fieldreport import limits
from fieldreport.desk import access
from tests.cast import PASSPHRASES
from tests.desk.conftest import Browser, House
from tests.desk.test_every_route import path_of, routes

DANGEROUS: dict[str, dict[str, str]] = {
    "staff.remove": {},
    "staff.rotate": {"handle": "amira"},
    "staff.renew": {},
    "staff.lock_all": {},
    "letterbox.set_state": {"state": "closed"},
    "letterbox.set_invitation": {"invitation": "heron"},
    "letterbox.set_letters": {"letters": "40"},
    "staff.address": {"handle": "amira", "addressees": "borders"},
}


@pytest.mark.parametrize("endpoint", DANGEROUS)
def test_nothing_happens_without_the_passphrase_or_with_a_wrong_one(house: House, lena: Browser, endpoint: str) -> None:
    token = lena.get("/keys").find("//input[@name='token']")[0].get("value")
    path = next(path_of(house.app, route) for route, _ in routes(house.app) if route.endpoint == endpoint)
    path, fields = path.replace("/x", "/amira"), DANGEROUS[endpoint]
    before = house.vault.audit.head()
    page = lena.post(path, {"token": token, **fields})
    assert page.status == 200
    assert page.find("//input[@name='passphrase' and @type='password']")
    assert {name: page.find(f"//input[@name='{name}']")[0].get("value") for name in fields} == fields
    assert house.vault.audit.head() == before
    for wrong in ("", "seven other words", PASSPHRASES["amira"]):
        page = lena.post(path, {"token": token, **fields, "passphrase": wrong})
        assert page.status == 403
        assert not wrong or wrong.encode() not in page.body, "it came back in the page"
    for _ in range(limits.SIGN_IN_TRIES - 3):
        lena.post(path, {"token": token, **fields, "passphrase": "x"})
    page = lena.post(path, {"token": token, **fields, "passphrase": PASSPHRASES["lena"]})
    assert page.status == 429
    assert page.find("//input[@name='passphrase']"), "it can be tried again from here"
    assert {entry.act for entry in house.vault.audit.page()} == {"unlock-refused"}
    assert house.roster.epoch == 1
    assert house.desk.letterbox.letterbox().state == "open"


def test_every_act_of_an_admin_that_is_dangerous_is_asked_about(house: House) -> None:
    """A new act of the admin has to be put on one of the two lists."""
    harmless = {
        "audit.verify",
        "audit.export",
        "enrolment.invite",
        "enrolment.revoke_invitation",
    }
    posted = {
        route.endpoint
        for route, method in routes(house.app)
        if method == "POST" and access.rule_of(house.app.view_functions[route.endpoint]) is access.Rule.ADMIN
    }
    asked = {each for each in posted if hasattr(house.app.view_functions[each], "__wrapped__")}
    assert asked == {*DANGEROUS, "staff.approve", "enrolment.approve", "suspension.suspend", "suspension.resume"}
    assert posted - asked == harmless


def test_a_link_fills_in_nothing(lena: Browser) -> None:
    page = lena.get("/staff/renew?handle=everybody!&passphrase=x")
    assert not page.find("//input[@name='handle']")
    assert page.find("//input[@name='passphrase']")[0].get("value") == ""


@pytest.mark.parametrize("state", ["closed", "no-files"])
def test_the_letterbox_is_closed_from_the_desk_and_opened(house: House, lena: Browser, state: str) -> None:
    button = {"closed": "Close the letterbox", "no-files": "Take words only"}[state]
    page = lena.press(lena.get("/letterbox"), button)
    assert "From the next request on" in page.text
    page = lena.confirm(page, button)
    assert house.desk.letterbox.letterbox().state == state
    assert (house.settings.intake.data / "letterbox").read_text().strip() == state
    page = lena.confirm(lena.press(page, "Open the letterbox"), "Open the letterbox")
    assert "The letterbox is open." in page.text
    assert [(e.act, e.subject) for e in house.vault.audit.page(limit=2)] == [
        ("letterbox-set", "open"),
        ("letterbox-set", state),
    ]


def test_fewer_reports_an_hour_are_taken_from_the_desk_and_as_many_as_before(house: House, lena: Browser) -> None:
    page = lena.press(lena.get("/letterbox"), "Set it", {"letters": "40"})
    page = lena.confirm(page, "Set it")
    assert "At most 40 reports an hour now." in page.text
    assert house.desk.letterbox.letterbox().letters_per_hour == 40
    assert page.find("//input[@name='letters']")[0].get("value") == "40"
    assert lena.press(page, "Set it", {"letters": "many"}).status == 422
    page = lena.confirm(lena.press(page, "Set it", {"letters": ""}), "Set it")
    assert house.desk.letterbox.letterbox().letters_per_hour == house.settings.intake.letters_per_hour
    acts = [(entry.act, entry.subject) for entry in house.vault.audit.page(limit=2)]
    assert acts == [("letterbox-set", "letters-per-hour 5000"), ("letterbox-set", "letters-per-hour 40")]


def test_it_closes_while_the_desk_cannot_write_its_log(
    house: House, lena: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fieldreport.errors import StoreError

    page = lena.press(lena.get("/letterbox"), "Close the letterbox")

    def full(*_: object) -> None:
        raise StoreError("the disk is full", code="disk-full")

    monkeypatch.setattr("fieldreport.vault.archive.seat.Seat.record", full)
    page = lena.confirm(page, "Close the letterbox")
    assert "note elsewhere that you did this" in page.text
    assert house.desk.letterbox.letterbox().state == "closed"


def test_a_word_is_asked_for_and_no_more(house: House, lena: Browser) -> None:
    page = lena.press(lena.get("/letterbox"), "Ask for it", {"invitation": " 푸른 왜가리 "})
    page = lena.confirm(page, "Ask for this word")
    assert house.desk.letterbox.letterbox().invitation
    assert "왜가리" not in page.text
    assert all("왜가리" not in entry.subject for entry in house.vault.audit.page())
    lena.confirm(lena.press(page, "Ask for no word"), "Ask for no word")
    assert not house.desk.letterbox.letterbox().invitation


def test_a_passphrase_that_came_after_the_lock_is_on_no_page_and_is_asked_again(house: House, lena: Browser) -> None:
    page = lena.press(lena.get("/letterbox"), "Close the letterbox")
    house.clock.forward(house.settings.desk.idle_seconds + 1)
    late = lena.confirm(page, "Close the letterbox")
    given = {"handle": "lena", "passphrase": PASSPHRASES["lena"], "code": house.code("lena")}
    held = lena.press(late, "Unlock", given)
    assert "Send what you wrote?" in held.text
    again = lena.press(held, "Send it now")
    for each in (late, held, again):
        assert PASSPHRASES["lena"].encode() not in each.body
    assert house.desk.letterbox.letterbox().state == "open"
    lena.confirm(again, "Close the letterbox")
    assert house.desk.letterbox.letterbox().state == "closed"
