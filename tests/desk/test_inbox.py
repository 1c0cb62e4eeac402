"""The inbox: what waits for somebody, found again among much."""

from __future__ import annotations

import pytest

from fieldreport.errors import StoreError
from fieldreport.seal import Codename, SourceKeys
from fieldreport.vault.archive.tables import CaseState
from fieldreport.vault.cases import conversation, inbox, workflow
from fieldreport.vault.cases.collect import collect
from fieldreport.vault.cases.conversation import Card
from tests.desk.conftest import Browser, House, Page


def another_source(house: House) -> SourceKeys:
    return SourceKeys.derive(Codename.generate("en"), instance=house.settings.instance_id)


def names(page: Page) -> list[str]:
    return [anchor.text_content().split()[0] for anchor in page.find("//tbody//th/a")]


def test_it_says_when_there_is_nothing(amira: Browser) -> None:
    assert "No open cases" in amira.get("/inbox").text


def test_letters_are_fetched_and_sorted_by_a_button(house: House, amira: Browser) -> None:
    house.send()
    page = amira.press(amira.get("/inbox"), "Fetch now")
    assert "1 new letter, 1 new case." in page.text
    assert len(names(page)) == 1
    assert house.mailbox.totals().letters == 0


def test_the_button_says_when_nothing_waited(amira: Browser) -> None:
    assert "Nothing new was waiting." in amira.press(amira.get("/inbox"), "Fetch now").text


def test_what_was_collected_meanwhile_is_sorted_when_somebody_looks(house: House, amira: Browser) -> None:
    house.send()
    collect(house.vault, house.mailbox, house.watch)
    assert len(names(amira.get("/inbox"))) == 1


def test_an_unreachable_letterbox_is_said_and_nothing_is_lost(
    house: House, amira: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    house.send()
    page = amira.get("/inbox")
    with monkeypatch.context() as broken:

        def away(_limit: int) -> list[object]:
            raise StoreError("the mailbox is away")

        broken.setattr(house.mailbox, "waiting", away)
        assert amira.press(page, "Fetch now").status == 503
        assert "letterbox could not be reached" in amira.get("/inbox").text
    assert len(names(amira.press(page, "Fetch now"))) == 1


def test_a_second_letter_of_a_source_joins_the_first(house: House, amira: Browser) -> None:
    house.receive("first")
    house.send("second")
    page = amira.press(amira.get("/inbox"), "Fetch now")
    assert "1 new letter, 0 new cases." in page.text
    assert len(names(page)) == 1


def test_a_withdrawal_deletes_and_is_told(house: House, amira: Browser) -> None:
    house.receive("I should not have written this")
    house.clock.forward(3600)
    house.send("", action="withdraw")
    house.sign_in("amira", amira)
    page = amira.press(amira.get("/inbox"), "Fetch now")
    assert "1 report withdrawn by the source and deleted." in page.text
    assert names(page) == []
    assert "withdrawn" in amira.get("/inbox?state=ended").text


def test_damage_is_told_without_hiding_the_case(house: House, amira: Browser) -> None:
    house.send(damage=-1)
    page = amira.press(amira.get("/inbox"), "Fetch now")
    assert "arrived damaged" in page.text
    assert "1 damaged" in page.text


def test_unread_is_said_in_words_and_ends_with_reading(house: House, amira: Browser) -> None:
    case = house.receive()
    assert "unread" in amira.get("/inbox").find("//tbody//tr")[0].text_content()
    amira.get(f"/cases/{case.id.hex()}")
    assert "unread" not in amira.get("/inbox").find("//tbody//tr")[0].text_content()


def test_reading_is_each_persons_own(house: House, amira: Browser, jonas: Browser) -> None:
    case = house.receive()
    amira.get(f"/cases/{case.id.hex()}")
    assert "unread" in jonas.get("/inbox").find("//tbody//tr")[0].text_content()


def test_a_star_is_set_and_taken_away_by_the_same_button(house: House, amira: Browser) -> None:
    case = house.receive()
    page = amira.press(amira.get("/inbox"), f"Star {case.name}")
    star = page.find("//button[@aria-pressed]")[0]
    assert star.get("aria-pressed") == "true"
    assert names(amira.get("/inbox?starred=1")) == [case.name]
    page = amira.press(page, f"Star {case.name}")
    assert page.find("//button[@aria-pressed]")[0].get("aria-pressed") == "false"
    assert page.path == "/inbox"


def test_filters_narrow_it(house: House, amira: Browser) -> None:
    mine = house.receive("a", source=another_source(house))
    closed = house.receive("b", source=another_source(house))
    fresh = house.receive("c", source=another_source(house))
    seat = house.seat("amira")
    workflow.assign(seat, mine.id, "amira")
    workflow.set_state(seat, mine.id, CaseState.VERIFYING)
    workflow.set_state(seat, closed.id, CaseState.CLOSED)
    amira.get(f"/cases/{mine.id.hex()}")
    assert set(names(amira.get("/inbox"))) == {mine.name, fresh.name}
    assert names(amira.get("/inbox?state=verifying")) == [mine.name]
    assert names(amira.get("/inbox?state=closed")) == [closed.name]
    assert set(names(amira.get("/inbox?state=all"))) == {mine.name, closed.name, fresh.name}
    assert names(amira.get("/inbox?mine=1")) == [mine.name]
    assert names(amira.get("/inbox?unread=1")) == [fresh.name]
    assert names(amira.get("/inbox?state=nonsense&mine=1")) == [mine.name]


def test_the_choice_is_counted_and_kept_in_the_form(house: House, amira: Browser) -> None:
    house.receive()
    page = amira.get("/inbox?state=new&unread=1")
    assert page.find("//select[@id='state']/option[@selected]")[0].text_content() == "new (1)"
    assert page.find("//input[@id='unread']")[0].get("checked") is not None


def test_it_pages_by_key_and_keeps_the_filter(house: House, amira: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    for number in range(5):
        house.receive(f"letter {number}", source=another_source(house))
        house.clock.forward(3600)
    house.sign_in("amira", amira)
    page_of = inbox.page
    monkeypatch.setattr(inbox, "page", lambda *a, **more: page_of(*a, **more, limit=2))
    seen, path, page = [], "/inbox?state=new", amira.get("/inbox")
    for _ in range(3):
        page = amira.get(path)
        seen += names(page)
        path = page.link("Older") if page.find("//a[@rel='next']") else ""
        assert not path or "state=new" in path
    assert len(seen) == len(set(seen)) == 5
    assert path == ""
    assert names(amira.get(page.link("Newest"))) == seen[:2]


def test_a_made_up_page_is_not_found(amira: Browser) -> None:
    assert amira.get("/inbox?after=garbage").status == 404


def test_the_first_line_of_the_fact_sheet_is_the_working_title(house: House, amira: Browser) -> None:
    case = house.receive()
    conversation.save_card(house.seat("jonas"), case.id, Card(facts="# <Night> crossing\nmore"))
    row = amira.get("/inbox").find("//tbody//th")[0].text_content()
    assert "<Night> crossing" in row
    assert "more" not in row


def test_nothing_of_a_letter_is_in_the_inbox(house: House, amira: Browser) -> None:
    house.receive("the words of a source")
    assert "words" not in amira.get("/inbox").text
