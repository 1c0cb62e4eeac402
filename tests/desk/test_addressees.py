"""Desks and people whom sources may address: what the admin writes down, and what editors see of a source's choice."""

from __future__ import annotations

from fieldreport.vault.cases import inbox, sort
from fieldreport.vault.cases.collect import collect
from tests.cast import REPORT
from tests.desk.conftest import Browser, House


def set_names(lena: Browser, handle: str, names: str) -> str:
    page = lena.press(lena.get("/staff"), f"Set how {handle} is addressed", {"addressees": names})
    if page.status != 200:
        return page.text
    assert "Until now: " in page.text
    return lena.confirm(page, "Set it").text


def test_the_admin_writes_down_who_is_in_a_desk(house: House, lena: Browser) -> None:
    said = set_names(lena, "amira", "borders, amira")
    assert "amira is addressed as amira, borders." in said
    assert house.roster.addressees == {"amira": frozenset({"amira"}), "borders": frozenset({"amira"})}
    assert lena.get("/staff").find("//input[@id='addressees-amira']")[0].get("value") == "amira borders"
    newest = house.vault.audit.page(limit=2)
    assert "staff-addressed" in {entry.act for entry in newest}


def test_what_cannot_be_written_down_is_refused_and_nothing_is_published(house: House, lena: Browser) -> None:
    epoch = house.roster.epoch
    for names, why in (("jonas", "is a person's handle"), ("The Desk", "lower-case letters")):
        assert why in set_names(lena, "amira", names)
    assert house.roster.epoch == epoch
    set_names(lena, "amira", "borders")
    assert "is the last member of the desk borders" in set_names(lena, "amira", "")
    assert house.roster.addressees == {"borders": frozenset({"amira"})}


def test_removing_the_last_one_of_a_desk_says_what_becomes_of_its_letters(lena: Browser) -> None:
    told = "Only with the recovery shares: opening what sources addressed to borders"
    assert told not in lena.get("/staff/remove/amira").text
    set_names(lena, "amira", "borders")
    assert told in lena.get("/staff/remove/amira").text
    set_names(lena, "jonas", "borders")
    assert told not in lena.get("/staff/remove/amira").text


def test_editors_see_whom_the_source_chose_and_the_others_only_that_it_is_limited(
    house: House, lena: Browser, amira: Browser, jonas: Browser
) -> None:
    set_names(lena, "amira", "borders")
    letter = house.send(addressee="borders")
    collect(house.vault, house.mailbox, house.watch)
    assert REPORT not in jonas.get("/inbox?state=all").text
    sort.sort(house.seat("amira"))
    case_id = inbox.item(house.vault, letter).case_id
    assert case_id is not None
    page = amira.get(f"/cases/{case_id.hex()}")
    assert REPORT in page.text
    assert "for borders alone, as the source chose" in page.text
    assert "Limited to borders: now amira." in page.text
    assert "The source chose who reads these letters." in page.text
    assert "only borders" in amira.get("/inbox?state=all").text
    refused = jonas.get(f"/cases/{case_id.hex()}")
    assert refused.status == 403
    assert REPORT not in refused.text
    set_names(lena, "jonas", "borders")
    assert "Limited to borders: now amira, jonas." in amira.get(f"/cases/{case_id.hex()}").text


def test_a_report_to_every_editor_shows_no_choice(house: House, amira: Browser) -> None:
    case = house.receive()
    page = amira.get(f"/cases/{case.id.hex()}")
    assert REPORT in page.text
    assert "chose" not in page.text
