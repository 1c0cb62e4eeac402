"""What somebody changed in the database is named on the page, and never shown as genuine."""

from __future__ import annotations

from sqlalchemy import update

from fieldreport.vault.archive.tables import Case, Item
from fieldreport.vault.cases import conversation
from fieldreport.vault.cases.conversation import Card
from tests.cast import REPORT, a_source
from tests.desk.conftest import Browser, House


def test_a_note_in_another_name_is_not_shown(house: House, amira: Browser) -> None:
    case = house.receive()
    note = conversation.note(house.seat("jonas"), case.id, "an honest note")
    with house.vault.change() as change:
        change.session.execute(update(Item).where(Item.id == note).values(author="amira"))
    page = amira.get(f"/cases/{case.id.hex()}")
    assert "This is not signed by who it claims to be" in page.text
    assert "an honest note" not in page.text
    assert REPORT in page.text, "the rest of the conversation stays readable"


def test_a_case_whose_source_was_changed_cannot_be_answered(house: House, amira: Browser) -> None:
    case, other = house.receive(), house.receive("mine", source=a_source())
    with house.vault.change() as change:
        session = change.session
        source = session.get_one(Case, other.id).source
        session.execute(update(Case).where(Case.id == other.id).values(source=bytes(32)))
        session.execute(update(Case).where(Case.id == case.id).values(source=source))
        session.execute(update(Item).where(Item.case_id == other.id).values(case_id=case.id, sequence=50))
    page = amira.get(f"/cases/{case.id.hex()}?write=reply")
    assert "not signed by who it claims to be" in page.text
    answer = amira.press(page, "Seal and send", {"text": "for whom?"})
    assert "This is not signed by who it claims to be" in answer.text
    assert "for whom?" in answer.text, "what was typed is given back"
    assert house.replies() == []


def test_a_card_that_was_taken_away_is_missed(house: House, amira: Browser) -> None:
    case = house.receive()
    conversation.save_card(house.seat("jonas"), case.id, Card(facts="her name is Kim", protected=("Kim",)))
    with house.vault.change() as change:
        change.session.execute(update(Case).where(Case.id == case.id).values(card=None))
    page = amira.get(f"/cases/{case.id.hex()}")
    assert "is not the newest that the log knows" in page.text
