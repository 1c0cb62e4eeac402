"""Notes: corrected with both versions kept, left for a colleague, given with a case, answers of the checklist."""

from __future__ import annotations

import pytest

from fieldreport.errors import NotAllowed, NotFound
from fieldreport.vault.cases import conversation, inbox, notes
from fieldreport.vault.cases.inbox import CaseRow
from fieldreport.vault.cases.notes import Heading, Question
from tests.cast import ROLES
from tests.desk.conftest import Browser, House, Page


@pytest.fixture
def case(house: House) -> CaseRow:
    return house.receive()


def show(browser: Browser, case: CaseRow, rest: str = "") -> Page:
    return browser.get(f"/cases/{case.id.hex()}{rest}")


def list_of(house: House, browser: Browser) -> Page:
    """The inbox once the desk has looked into every case."""
    browser.get("/inbox")
    for session in house.desk.sessions.of_role(ROLES["amira"]):
        if session.looking.job is not None:
            session.looking.job.wait(30)
    return browser.get("/inbox")


def test_its_author_corrects_a_note_and_both_versions_stay(
    house: House, amira: Browser, jonas: Browser, case: CaseRow
) -> None:
    amira.press(show(amira, case, "?write=note"), "Seal the note", {"text": "He left in May."})
    page = show(amira, case)
    form = amira.get(page.link("Correct it"))
    assert form.find("//textarea[@name='text']")[0].text.strip() == "He left in May."
    page = amira.press(form, "Seal the note", {"text": "He left in June."})
    assert len(page.find("//ol[@class='talk']//a[.='Correct it']")) == 1
    page = show(jonas, case)
    assert page.find("//details[summary='The earlier version']")[0].text_content().split()[-1] == "May."
    assert "He left in June." in page.text
    assert "Correct it" not in page.text
    first = inbox.items(house.vault, case.id)[1].id
    with pytest.raises(NotAllowed):
        notes.write(house.seat("jonas"), case.id, "x", Heading(corrects=first))
    # What somebody else stored as a correction is shown beside it, and is none.
    conversation.note(house.seat("jonas"), case.id, "No.", fields=Heading(corrects=first).fields)
    assert "He left in June." in show(amira, case).text
    with pytest.raises(NotFound):
        notes.write(house.seat("amira"), house.receive(source=house.another_source).id, "x", Heading(corrects=first))


def test_a_colleague_sees_in_the_inbox_that_a_note_is_for_them_until_they_have_opened_it(
    house: House, amira: Browser, jonas: Browser, case: CaseRow
) -> None:
    assert "for you" not in list_of(house, jonas).text
    amira.press(show(amira, case, "?write=note"), "Seal the note", {"text": "Do you know him?", "to": "jonas"})
    page = list_of(house, jonas)
    assert f"A colleague left a note for you: {case.name}." in page.text
    assert "for you:" not in list_of(house, amira).text
    assert "For jonas." in show(jonas, case).text
    assert "for you:" not in list_of(house, jonas).text
    jonas.press(show(jonas, case), "Mark unread")
    assert "for you:" in list_of(house, jonas).text


def test_a_case_is_handed_over_with_a_word(house: House, amira: Browser, jonas: Browser, case: CaseRow) -> None:
    page = amira.press(show(amira, case), "Set", {"assignee": "jonas", "word": "You speak the dialect."})
    assert "Assigned to jonas. Your word with it is stored as a note for jonas." in page.text
    assert inbox.get(house.vault, case.id, viewer="amira").assignee == "jonas"
    assert f"left a note for you: {case.name}." in list_of(house, jonas).text
    # One that could not be given, and one beside another button, stay in their field.
    stale = show(amira, case)
    jonas.press(show(jonas, case), "Set", {"assignee": ""})
    page = amira.press(stale, "Set", {"assignee": "amira", "word": "I take it back."})
    assert "was assigned to nobody meanwhile" in page.text
    page = amira.press(page, "Take it")
    assert page.find("//textarea[@name='word']")[0].text.strip() == "I take it back."
    assert len(inbox.items(house.vault, case.id)) == 2


def test_the_checklist_shows_the_newest_answer_of_each_question_and_who_gave_it(
    house: House, amira: Browser, jonas: Browser, case: CaseRow
) -> None:
    assert show(amira, case).text.count("Not answered yet.") == len(Question)
    form = amira.get(f"/cases/{case.id.hex()}?write=note&about=where")
    amira.press(form, "Seal the note", {"text": "North of the bridge."})
    for number in range(31):  # so many that it is on another page of the conversation
        conversation.note(house.seat("jonas"), case.id, f"note {number}")
    page = show(jonas, case)
    (answer,) = page.find("//dl[@class='check']/dd[contains(., 'bridge')]")
    assert "North of the bridge." in answer.text_content()
    assert "amira" in answer.text_content()
    assert page.text.count("Not answered yet.") == len(Question) - 1
    page = jonas.press(
        jonas.get(f"/cases/{case.id.hex()}?write=note&about=where"), "Seal the note", {"text": "South of it."}
    )
    (answer,) = page.find("//dl[@class='check']/dd[contains(., 'South')]")
    assert "jonas" in answer.text_content()
    assert "North" not in answer.text_content()


def test_a_note_is_for_nobody_who_may_not_read_the_case(house: House, amira: Browser, case: CaseRow) -> None:
    page = show(amira, case, "?write=note")
    refused = amira.press(page, "Seal the note", {"text": "For her.", "to": "lena"})
    assert refused.status == 422
    assert "Go on with it" in refused.text
    assert len(inbox.items(house.vault, case.id)) == 1
