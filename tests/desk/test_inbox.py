"""The inbox: what waits for somebody, found again among much."""

from __future__ import annotations

import threading
from typing import Any

import pytest

from fieldreport import limits
from fieldreport.desk import rewrap, sort
from fieldreport.desk.item_view import ReadItem, read_items
from fieldreport.errors import StoreError
from fieldreport.seal import Codename, Role, SourceKeys
from fieldreport.unseal.staff_key import StaffKey
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.tables import CaseState
from fieldreport.vault.cases import conversation, inbox, restriction, workflow
from fieldreport.vault.cases.collect import collect
from fieldreport.vault.cases.conversation import Card
from fieldreport.vault.cases.inbox import CaseRow
from fieldreport.vault.cases.sort import Sorter
from fieldreport.vault.staff import roster_changes
from tests.cast import File
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


def test_a_letter_that_comes_while_its_case_is_shown_stays_unread(
    house: House, amira: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    case = house.receive("first")

    def slow(*arguments: Any, **named: Any) -> list[ReadItem]:
        shown = read_items(*arguments, **named)
        house.receive("second")
        return shown

    monkeypatch.setattr("fieldreport.desk.case_page.read_items", slow)
    amira.get(f"/cases/{case.id.hex()}")
    assert "unread" in amira.get("/inbox").find("//tbody//tr")[0].text_content()


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
    assert names(amira.get("/inbox?assignee=amira")) == [mine.name]
    assert names(amira.get("/inbox?assignee=-")) == [fresh.name]
    assert names(amira.get("/inbox?unread=1")) == [fresh.name]


@pytest.mark.parametrize(
    "query", ["state=nonsense", "mine=1", "assignee=mallory", "unread=no", "sort=size", "language=xx", "limited=all"]
)
def test_what_is_no_filter_is_refused_by_name(amira: Browser, query: str) -> None:
    page = amira.get(f"/inbox?{query}")
    assert page.status == 422
    assert query.partition("=")[0] in page.text


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
    page_of = house.desk.cases.page
    monkeypatch.setattr(house.desk.cases, "page", lambda *a, **more: page_of(*a, **more, limit=2))
    seen, path, page = [], "/inbox?state=new", amira.get("/inbox")
    for _ in range(3):
        page = amira.get(path)
        seen += names(page)
        path = page.link("Next page") if page.find("//a[@rel='next']") else ""
        assert not path or "state=new" in path
    assert len(seen) == len(set(seen)) == 5
    assert path == ""
    assert names(amira.get(page.link("First page"))) == seen[:2]


def test_a_made_up_page_is_not_found(amira: Browser) -> None:
    assert amira.get("/inbox?after=garbage").status == 404


def test_the_first_line_of_the_fact_sheet_is_the_working_title(house: House, amira: Browser) -> None:
    case = house.receive()
    conversation.save_card(house.seat("jonas"), case.id, Card(facts="# <Night> crossing\nmore"))
    row = amira.get("/inbox").find("//tbody//th")[0].text_content()
    assert "<Night> crossing" in row
    assert "more" not in row


def test_a_row_shows_the_first_words_the_language_and_what_is_attached(house: House, amira: Browser) -> None:
    files = [File(f"photo-{n}.jpg", "image/jpeg", b"x") for n in (1, 2)]
    house.receive("They moved us at  night.\nMore." + " and more" * 99, files=files, report_language="ko")
    row = amira.get("/inbox").find("//tbody//tr")[0]
    (words,) = row.xpath(".//*[@class='words']")
    assert words.text_content().startswith("They moved us at night. More. and more")
    assert words.text_content().endswith("…")
    assert (words.get("lang"), words.get("dir")) == ("ko", "auto")
    assert "Korean; 2 photos" in row.text_content()


def test_a_row_shows_the_newest_letter_and_says_when_it_is_damaged(house: House, amira: Browser) -> None:
    house.receive("the first words")
    house.receive("later words")
    assert "later words" in amira.get("/inbox").text
    house.receive("never shown", damage=-1)
    text = amira.get("/inbox").text
    assert "The newest letter is damaged" in text
    assert "never shown" not in text


def test_each_object_is_opened_once_a_session(house: House, amira: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    case = house.receive("opened once")
    conversation.save_card(house.seat("jonas"), case.id, Card(facts="A title"))
    assert "opened once" in amira.get("/inbox").text
    asked: list[bytes] = []

    def nothing(ids: list[bytes]) -> list[object]:
        asked.extend(ids)
        return []

    monkeypatch.setattr(house.vault.objects, "open_each", nothing)
    text = amira.get("/inbox").text
    assert "opened once" in text
    assert "A title" in text
    assert asked == []


def test_a_case_is_taken_in_one_press(house: House, amira: Browser, jonas: Browser) -> None:
    case = house.receive()
    late = jonas.get("/inbox")
    page = amira.press(amira.get("/inbox?state=new"), f"Take it: {case.name}")
    assert f"{case.name} is yours." in page.text
    assert page.path == "/inbox"
    row = inbox.get(house.vault, case.id, viewer="amira")
    assert (row.assignee, row.state) == ("amira", "reading")
    assert f"Take it: {case.name}" not in str(amira.get("/inbox").body)
    assert "was assigned to amira meanwhile. Nothing was changed." in jonas.press(late, f"Take it: {case.name}").text
    assert inbox.get(house.vault, case.id, viewer="amira").assignee == "amira"


class TestWithTheTickedCases:
    @pytest.fixture
    def cases(self, house: House) -> list[CaseRow]:
        return [house.receive(text, source=another_source(house)) for text in ("a", "b", "c")]

    def press(self, amira: Browser, button: str, cases: list[CaseRow], **values: str) -> Page:
        page = amira.get("/inbox")
        ticked: dict[str, Any] = {"case": [case.id.hex() for case in cases], **values}
        return amira.press(page, button, ticked)

    def test_they_are_assigned(self, house: House, amira: Browser, cases: list[CaseRow]) -> None:
        page = self.press(amira, "Assign", cases[:2], assignee="jonas")
        assert "2 cases assigned to jonas." in page.text
        assert {case.id for case in house.cases() if case.assignee == "jonas"} == {case.id for case in cases[:2]}

    def test_they_are_labelled_and_found_again(self, house: House, amira: Browser, cases: list[CaseRow]) -> None:
        self.press(amira, "Add label", cases[:2], label="border, Ñandú  river")
        self.press(amira, "Remove label", cases[:1], label="border")
        assert conversation.card(house.seat("jonas"), cases[0].id).labels == ("Ñandú river",)
        look_into(house, amira)
        assert names(amira.get("/inbox?label=border")) == [cases[1].name]
        page = amira.get("/inbox?label=Ñandú+river")
        assert set(names(page)) == {case.name for case in cases[:2]}
        assert "border (1)" in [option.text_content() for option in page.find("//select[@id='label']/option")]

    def test_one_is_labelled_on_its_own_page(self, house: House, amira: Browser, cases: list[CaseRow]) -> None:
        path = f"/cases/{cases[0].id.hex()}"
        page = amira.press(amira.get(path), "Add", {"label": "border, camp"})
        assert page.path == path
        assert [tag.text_content() for tag in page.find("//h1/following-sibling::p[1]/span[@dir]")] == [
            "border",
            "camp",
        ]
        amira.press(page, "Remove", {"label": "camp"})
        assert conversation.card(house.seat("jonas"), cases[0].id).labels == ("border",)

    def test_a_label_is_kept_when_the_fact_sheet_is_saved(
        self, house: House, amira: Browser, cases: list[CaseRow]
    ) -> None:
        path = f"/cases/{cases[0].id.hex()}"
        amira.press(amira.get(path), "Add", {"label": "border"})
        amira.press(amira.get(f"{path}?write=facts"), "Seal the fact sheet", {"facts": "A title", "protected": ""})
        card = conversation.card(house.seat("jonas"), cases[0].id)
        assert (card.facts, card.labels) == ("A title", ("border",))

    @pytest.mark.parametrize("label", ["", " , ", "x" * 41, "bell\a"], ids=["none", "comma", "long", "control"])
    def test_what_is_no_label_is_refused(self, house: House, amira: Browser, cases: list[CaseRow], label: str) -> None:
        assert amira.press(amira.get(f"/cases/{cases[0].id.hex()}"), "Add", {"label": label}).status == 422
        assert conversation.card(house.seat("jonas"), cases[0].id).labels == ()

    def test_they_are_moved_closed_and_marked_as_read(self, house: House, amira: Browser, cases: list[CaseRow]) -> None:
        assert "1 case now verifying." in self.press(amira, "Set state", cases[:1], state="verifying").text
        assert "2 cases marked as read." in self.press(amira, "Mark read", cases[:2]).text
        assert names(amira.get("/inbox?unread=1")) == [cases[2].name]
        assert "1 case now closed." in self.press(amira, "Close", cases[2:]).text
        assert set(names(amira.get("/inbox"))) == {case.name for case in cases[:2]}

    def test_nothing_ticked_is_said(self, amira: Browser, cases: list[CaseRow]) -> None:
        assert "Tick at least one case first." in amira.press(amira.get("/inbox"), "Close").text

    def test_one_that_may_not_be_changed_is_named_and_the_others_are_changed(
        self, house: House, amira: Browser, cases: list[CaseRow]
    ) -> None:
        page = amira.get("/inbox")
        restriction.limit(house.seat("jonas"), cases[0].id, {"jonas", "ines"})
        ticked: dict[str, Any] = {"case": [case.id.hex() for case in cases], "assignee": "amira"}
        page = amira.press(page, "Assign", ticked)
        assert "2 cases assigned to amira." in page.text
        assert "One case was left as it is: This case is limited to ines, jonas." in page.text
        assert inbox.get(house.vault, cases[0].id, viewer="jonas").assignee is None


def look_into(house: House, browser: Browser) -> None:
    """Let the session look into the cases, as it does by itself in the background."""
    browser.get("/inbox")
    for session in house.desk.sessions.of_role(Role.EDITOR):
        if session.looking.job is not None:
            session.looking.job.wait(30)


def test_what_letters_hold_is_filtered_and_counted_once_it_was_looked_into(house: House, amira: Browser) -> None:
    korean = house.receive("a", source=another_source(house), report_language="ko")
    photo = File("photo-1.jpg", "image/jpeg", b"x")
    pictures = house.receive("b", source=another_source(house), files=[photo])
    house.receive("later without", source=another_source(house))
    look_into(house, amira)
    page = amira.get("/inbox?language=ko")
    assert names(page) == [korean.name]
    assert "Korean (1)" in [option.text_content() for option in page.find("//select[@id='language']/option")]
    page = amira.get("/inbox?files=1")
    assert names(page) == [pictures.name]
    assert "look into" not in page.text
    assert "with files (1)" in page.text


def test_many_letters_are_sorted_in_the_background_and_the_page_says_how_far(
    house: House, amira: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(3):
        house.send(f"letter {number}", source=another_source(house))
    collect(house.vault, house.mailbox, house.watch)
    gate, first = threading.Event(), threading.Event()
    real = Sorter._sort_one

    def slow(self: Sorter, *arguments: Any) -> None:
        real(self, *arguments)
        first.set()
        assert gate.wait(60)

    monkeypatch.setattr(limits, "SORT_WAIT_SECONDS", 0.01)
    monkeypatch.setattr(Sorter, "_sort_one", slow)
    amira.get("/inbox")
    assert first.wait(60)
    page = amira.get("/inbox")
    assert "New letters are being sorted: 0 of 3." in page.text
    assert page.headers["Refresh"] == "5; url=/inbox?reloaded=1"
    assert len(names(page)) == 1
    gate.set()
    (session,) = house.desk.sessions.of_role(Role.EDITOR)
    assert session.sorting.job is not None
    session.sorting.job.wait(60)
    page = amira.get("/inbox")
    assert "3 new letters, 3 new cases." in page.text
    assert len(names(page)) == 3
    assert "being sorted" not in page.text


def test_a_page_that_loads_itself_again_does_not_put_off_the_auto_lock(house: House, amira: Browser) -> None:
    amira.get("/inbox")
    house.clock.forward(house.settings.desk.idle_seconds - 1)
    assert amira.get("/inbox?reloaded=1").path == "/inbox"
    house.clock.forward(2)
    assert amira.get("/inbox?reloaded=1").path == "/sign-in"


def test_letters_are_sorted_while_somebody_is_unlocked_and_looks_elsewhere(house: House, amira: Browser) -> None:
    house.send()
    collect(house.vault, house.mailbox, house.watch)
    sort.start_for_anybody(house.desk.sessions, house.vault)
    (session,) = house.desk.sessions.of_role(Role.EDITOR)
    assert session.sorting.job is not None
    session.sorting.job.wait(60)
    assert len(house.cases()) == 1
    job = session.sorting.job
    sort.start_for_anybody(house.desk.sessions, house.vault)  # nothing is left to sort
    assert session.sorting.job is job


def test_a_job_that_begins_while_the_session_is_locked_keeps_no_keys(house: House, amira: Browser) -> None:
    house.send()
    collect(house.vault, house.mailbox, house.watch)
    (session,) = house.desk.sessions.of_role(Role.EDITOR)
    house.desk.sessions.end_all()
    job = sort.start(house.desk.sessions, session)
    job.wait(60)
    assert job.progress.failure == "locked"
    assert house.cases() == ()


def test_what_is_done_in_a_case_keeps_the_list_it_was_opened_from(house: House, amira: Browser) -> None:
    cases = [house.receive(text, source=another_source(house)) for text in ("a", "b", "c")]
    page = amira.get("/inbox?state=all")
    page = amira.get(page.find("//tbody//th/a")[0].get("href"))
    assert page.find("//a[@rel='prev']") == []
    page = amira.press(page, "Set", {"state": "reading"})
    assert page.find("//a[@data-key='u']")[0].get("href") == "/inbox?state=all"
    page = amira.get(page.link("Next case"))
    assert "state=all" in page.link("Write to the source")
    assert page.link("Previous case").endswith("?state=all")
    assert page.title.split()[0] in {case.name for case in cases}


def test_single_keys_can_be_turned_off(amira: Browser) -> None:
    page = amira.get("/inbox")
    assert [script.get("src") for script in page.find("//script")] == ["/keys.js"]
    page = amira.press(page, "Turn single keys off")
    assert page.find("//script") == []
    assert amira.press(page, "Turn single keys on").find("//script")


class TestANewcomer:
    """Dana joined after the letters came; nobody has re-wrapped them for her yet."""

    @pytest.fixture
    def dana(self, house: House, case: CaseRow) -> Browser:
        newcomer = StaffKey.generate("dana", Role.EDITOR)
        roster_changes.enrol(house.seat("lena"), newcomer.public_entry(), house.mailbox)
        house.staff["dana"] = newcomer
        browser = house.stranger()
        seat = Seat(house.vault, newcomer, house.watch)
        cookie, _ = house.desk.sessions.begin(handle="dana", role=Role.EDITOR, seat=seat)
        browser.client.set_cookie("desk", cookie)
        return browser

    @pytest.fixture
    def case(self, house: House) -> CaseRow:
        case = house.receive("before she came")
        conversation.save_card(house.seat("jonas"), case.id, Card(facts="A title"))
        return case

    def test_is_told_what_is_not_sealed_to_her_key_yet_and_when_it_will_be(
        self, house: House, dana: Browser, case: CaseRow
    ) -> None:
        row = dana.get("/inbox").find("//tbody//tr")[0].text_content()
        assert "not sealed to your key yet" in row
        assert "does that by itself while a colleague who reads it is unlocked" in row
        page = dana.get(f"/cases/{case.id.hex()}")
        assert page.text.count("not sealed to your key yet") == 2  # the letter and the fact sheet
        assert "damaged" not in page.text
        assert page.find("//li[@class='refused']") == []
        assert "Edit fact sheet" not in page.text

    def test_has_not_read_what_did_not_open(self, dana: Browser, case: CaseRow) -> None:
        dana.get(f"/cases/{case.id.hex()}")
        assert "unread" in dana.get("/inbox").find("//tbody//tr")[0].text_content()

    def test_reads_it_as_soon_as_a_colleague_was_unlocked(self, house: House, dana: Browser, case: CaseRow) -> None:
        dana.get("/inbox")
        house.enter("jonas")
        rewrap.start_for_colleagues(house.desk.sessions, house.mailbox)
        for session in house.desk.sessions.of_role(Role.EDITOR):
            if session.rewrap.job is not None:
                session.rewrap.job.wait(60)
        row = dana.get("/inbox").find("//tbody//tr")[0].text_content()
        assert "before she came" in row
        assert "A title" in row
        assert "before she came" in dana.get(f"/cases/{case.id.hex()}").text
        assert "unread" not in dana.get("/inbox").find("//tbody//tr")[0].text_content()
        look_into(house, dana)
        assert names(dana.get("/inbox?language=en")) == [case.name]
