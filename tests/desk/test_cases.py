"""One case: reading it, answering, noting, handing over, deleting."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fieldreport.desk.item_view import damage_text
from fieldreport.errors import StoreError
from fieldreport.vault.archive.tables import CaseState
from fieldreport.vault.cases import conversation, inbox, workflow
from fieldreport.vault.cases.conversation import Card
from fieldreport.vault.cases.inbox import CaseRow
from tests.cast import REPORT, File
from tests.desk.conftest import Browser, House


@pytest.fixture
def case(house: House) -> CaseRow:
    return house.receive(
        when="two weeks ago",
        where="north of the river",
        protect="my name is Kim",
        describe="a person who crossed",
        not_before="after New Year",
        report_language="ko",
    )


def path(case: CaseRow, rest: str = "") -> str:
    return f"/cases/{case.id.hex()}{rest}"


def test_it_shows_the_letter_and_what_the_source_said_about_it(house: House, amira: Browser, case: CaseRow) -> None:
    page = amira.get(path(case))
    assert page.title.startswith(case.name)
    for words in (REPORT, "two weeks ago", "north of the river", "my name is Kim", "a person who crossed"):
        assert words in page.text
    assert "after New Year" in page.text
    assert "2026-11-02 12:00 UTC" in page.text
    assert page.find("//*[@lang='ko']")[0].text_content() == REPORT


def test_what_a_source_writes_is_text_and_nothing_else(house: House, amira: Browser) -> None:
    case = house.receive('<img src=x onerror="alert(1)"><b>bold</b>\n{{ 7*7 }}', where="</dd><script>x</script>")
    page = amira.get(path(case))
    assert "<b>bold</b>" in page.text
    assert "{{ 7*7 }}" in page.text
    assert page.find("//main//script") == []
    assert page.find("//main//b") == []


def test_unknown_and_deleted_cases_are_not_found(house: House, amira: Browser, case: CaseRow) -> None:
    assert amira.get(f"/cases/{'0' * 32}").status == 404
    assert amira.get("/cases/xyz").status == 404
    workflow.delete(house.seat("jonas"), case.id)
    assert amira.get(path(case)).status == 404


def test_the_conversation_is_in_order(house: House, amira: Browser, case: CaseRow) -> None:
    seat = house.seat("jonas")
    conversation.reply(seat, case.id, "Where are you now?", house.mailbox)
    conversation.note(seat, case.id, "Sounds true.")
    house.clock.forward(3600)
    house.receive("I am across.")
    house.sign_in("amira", amira)
    heads = [head.text_content() for head in amira.get(path(case)).find("//ol[@class='talk']/li/h2")]
    assert heads == ["The source", "jonas to the source", "Note by jonas, for colleagues only", "The source"]


def test_a_long_conversation_comes_in_pages(house: House, amira: Browser, case: CaseRow) -> None:
    seat = house.seat("jonas")
    for number in range(31):
        conversation.note(seat, case.id, f"note number {number}.")
    page = amira.get(path(case))
    assert "note number 30." in page.text
    assert REPORT not in page.text
    earlier = amira.get(page.link("2 earlier"))
    assert REPORT in earlier.text
    assert "note number 30." not in earlier.text
    assert "note number 30." in amira.get(earlier.link("To the newest")).text


def test_a_damaged_letter_is_refused_by_name_and_the_rest_stays_readable(
    house: House, amira: Browser, case: CaseRow
) -> None:
    conversation.note(house.seat("jonas"), case.id, "a note beside it")
    # The first chunk with the text and the last one are sound; one in the middle of the photo is not.
    house.receive("never shown", damage=70_000, files=[File("photo-1.jpg", "image/jpeg", bytes(300_000))])
    page = amira.get(path(case))
    refused = page.find("//li[@class='refused']")[0].text_content()
    assert "Damaged: attachment 1." in refused
    assert "Nothing of it is shown" in refused
    assert "never shown" not in page.text
    assert "a note beside it" in page.text
    assert REPORT in page.text


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("header", "the list of its readers"),
        ("part-1,part-3", "attachment 1, attachment 3"),
        ("report,more", "the text, and more"),
        ("something-new", "something-new"),
    ],
)
def test_damage_is_named_in_words(code: str, words: str) -> None:
    assert words in damage_text(code)


def test_a_store_that_is_away_is_not_called_damage_and_shows_the_title_again_later(
    house: House, amira: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> object:
        raise StoreError("the payload store is away")

    case = house.receive("first letter")
    seat = house.seat("jonas")
    conversation.save_card(seat, case.id, replace(conversation.card(seat, case.id), facts="A title of ours"))
    with monkeypatch.context() as patched:
        patched.setattr(house.vault.objects, "_opened", away)
        text = amira.get("/inbox").text
        assert "A title of ours" not in text
        assert "The store cannot be read now." in text
        assert "refused whole" not in amira.get(path(case)).text
    assert "A title of ours" in amira.get("/inbox").text
    assert "first letter" in amira.get(path(case)).text


def test_a_payload_altered_in_the_vault_is_refused_when_read(house: House, amira: Browser) -> None:
    from sqlalchemy import update

    from fieldreport.vault.archive.tables import SealedObject

    case = house.receive("first letter")
    with house.vault.change() as change:
        change.session.execute(update(SealedObject).values(payload=b"\0" * 20_000))
    page = amira.get(path(case))
    assert page.status == 200
    assert "This was refused, because it is not what was sealed" in page.text
    assert "first letter" not in page.text


class TestReplying:
    def test_the_source_reads_exactly_this(self, house: House, amira: Browser, case: CaseRow) -> None:
        page = amira.get(amira.get(path(case)).link("Write to the source"))
        page = amira.press(page, "Seal and send", {"text": "Are you safe?\r\n\r\n답장해 주세요."})
        assert "waits for the source" in page.text
        assert house.replies() == ["Are you safe?\n\n답장해 주세요."]
        assert "amira to the source" in page.text

    def test_the_form_stands_below_what_was_written(self, amira: Browser, case: CaseRow) -> None:
        page = amira.get(path(case, "?write=reply"))
        assert page.find("//ol[@class='talk']/following::form[@id='write']")
        assert page.find("//textarea[@id='text']")[0].get("aria-describedby") == "text-hint"

    def test_sent_twice_it_arrives_once(self, house: House, amira: Browser, case: CaseRow) -> None:
        page = amira.get(path(case, "?write=reply"))
        for _ in range(2):
            amira.press(page, "Seal and send", {"text": "Once."})
        assert house.replies() == ["Once."]

    @pytest.mark.parametrize("text", ["", " \n\t"])
    def test_it_rejects_nothing_at_all(self, house: House, amira: Browser, case: CaseRow, text: str) -> None:
        page = amira.press(amira.get(path(case, "?write=reply")), "Seal and send", {"text": text})
        assert page.status == 422
        assert page.find("//*[@id='text-problem']")[0].text_content() == "The reply is empty."
        assert page.find("//*[@role='alert']//a")[0].get("href") == "#text"
        assert house.replies() == []

    def test_too_long_a_text_is_given_back(self, house: House, amira: Browser, case: CaseRow) -> None:
        text = "x" * 100_001
        page = amira.press(amira.get(path(case, "?write=reply")), "Seal and send", {"text": text})
        assert page.status == 422
        assert page.find("//textarea[@id='text']")[0].text.strip() == text

    def test_while_the_letterbox_is_away_it_waits_and_is_delivered_later(
        self, house: House, amira: Browser, case: CaseRow, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        page = amira.get(path(case, "?write=reply"))
        with monkeypatch.context() as broken:

            def away(_reply: object) -> None:
                raise StoreError("the mailbox is away")

            broken.setattr(house.mailbox, "post_reply", away)
            page = amira.press(page, "Seal and send", {"text": "Later."})
            assert "The letterbox cannot be reached" in page.text
            assert "waits for the letterbox" in page.text
        amira.press(amira.get("/inbox"), "Fetch now")
        assert house.replies() == ["Later."]
        assert "waits for the letterbox" not in amira.get(path(case)).text

    def test_without_a_valid_roster_what_was_typed_comes_back(
        self, house: House, amira: Browser, case: CaseRow
    ) -> None:
        house.clock.forward(100 * 24 * 3600)
        house.sign_in("amira", amira)
        page = amira.press(amira.get(path(case, "?write=reply")), "Seal and send", {"text": "Do not lose this."})
        assert page.status == 503
        assert page.find("//textarea[@name='text']")[0].text.strip() == "Do not lose this."
        assert "Try again" in page.buttons()
        assert house.replies() == []


class TestNotesAndFacts:
    def test_a_note_is_for_colleagues(self, house: House, amira: Browser, jonas: Browser, case: CaseRow) -> None:
        page = amira.get(amira.get(path(case)).link("Add a note"))
        amira.press(page, "Seal the note", {"text": "Sounds true to me."})
        assert "Sounds true to me." in jonas.get(path(case)).text
        assert house.replies() == []

    def test_it_rejects_an_empty_note(self, amira: Browser, case: CaseRow) -> None:
        assert amira.press(amira.get(path(case, "?write=note")), "Seal the note", {"text": ""}).status == 422

    def test_fact_sheet_and_terms_are_shared(self, house: House, amira: Browser, jonas: Browser, case: CaseRow) -> None:
        page = amira.get(amira.get(path(case)).link("Edit fact sheet"))
        values = {"facts": "Night crossing\nopen: who", "protected": "Kim\r\n\r\n  Hyesan \r\nKim\r\n김철수\r\n"}
        page = amira.press(page, "Seal the fact sheet", values)
        assert page.status == 200
        assert conversation.card(house.seat("jonas"), case.id).protected == ("Kim", "Hyesan", "김철수")
        text = jonas.get(path(case)).text
        assert "open: who" in text
        assert "Hyesan" in text
        assert "often written Kim Cheol-su" in text  # for the editor to complete

    def test_who_saves_second_is_told_and_keeps_what_they_typed(
        self, house: House, amira: Browser, jonas: Browser, case: CaseRow
    ) -> None:
        hers, his = (browser.get(path(case, "?write=facts")) for browser in (amira, jonas))
        amira.press(hers, "Seal the fact sheet", {"facts": "hers"})
        page = jonas.press(his, "Seal the fact sheet", {"facts": "his", "protected": "Pak"})
        assert page.status == 409
        assert [area.text.strip() for area in page.find("//form[@id='write']//textarea")] == ["his", "Pak"]
        assert [page.find(f"//{tag}")[0].text for tag in ("del", "ins")] == ["hers", "his"]
        assert conversation.card(house.seat("amira"), case.id).facts == "hers"
        page = jonas.press(page, "Add", {"label": "border"})
        jonas.press(page, "Seal the fact sheet", {"facts": "hers and his"})
        stored = conversation.card(house.seat("amira"), case.id)
        assert (stored.facts, stored.protected, stored.labels) == ("hers and his", ("Pak",), ("border",))

    def test_a_damaged_card_does_not_hide_the_letters(self, house: House, amira: Browser, case: CaseRow) -> None:
        from sqlalchemy import update

        from fieldreport.vault.archive.tables import SealedObject

        version = conversation.save_card(house.seat("amira"), case.id, Card(facts="x")).version
        with house.vault.change() as change:
            statement = update(SealedObject).where(SealedObject.id == version)
            change.session.execute(statement.values(payload=b"\0" * 20_000))
        page = amira.get(path(case))
        assert "The fact sheet is damaged" in page.text
        assert REPORT in page.text
        assert amira.get("/inbox").status == 200


class TestWork:
    def test_state_and_owner_are_set_together(self, house: House, amira: Browser, case: CaseRow) -> None:
        page = amira.press(amira.get(path(case)), "Set", {"state": "verifying", "assignee": "jonas"})
        assert "Status: verifying. Assigned to jonas." in page.text
        row = inbox.get(house.vault, case.id, viewer="amira")
        assert (row.state, row.assignee) == (CaseState.VERIFYING, "jonas")
        amira.press(page, "Set", {"assignee": ""})
        assert inbox.get(house.vault, case.id, viewer="amira").assignee is None

    def test_only_editors_are_offered(self, amira: Browser, case: CaseRow) -> None:
        options = amira.get(path(case)).find("//select[@id='assignee']/option")
        assert [option.get("value") for option in options] == ["", "amira", "ines", "jonas"]

    @pytest.mark.parametrize("values", [{"state": "burnt"}, {"assignee": "lena"}, {"assignee": "nobody-here"}], ids=str)
    def test_it_rejects_what_there_is_not(
        self, house: House, amira: Browser, case: CaseRow, values: dict[str, str]
    ) -> None:
        assert amira.press(amira.get(path(case)), "Set", values).status == 422
        assert inbox.get(house.vault, case.id, viewer="amira").state is CaseState.NEW

    def test_it_can_be_left_for_later(self, house: House, amira: Browser, case: CaseRow) -> None:
        page = amira.press(amira.get(path(case)), "Mark unread")
        assert page.path == "/inbox"
        assert inbox.get(house.vault, case.id, viewer="amira").unread


class TestDeleting:
    def test_it_asks_and_wants_the_name_typed(self, house: House, amira: Browser, case: CaseRow) -> None:
        page = amira.get(amira.get(path(case)).link("Delete this case"))
        assert "for ever" in page.text
        page = amira.press(page, "Delete permanently", {"name": "yes"})
        assert page.status == 422
        assert page.find("//*[@id='name-problem']")
        assert house.cases()

    def test_it_shreds_for_everybody(self, house: House, amira: Browser, jonas: Browser, case: CaseRow) -> None:
        page = amira.press(amira.get(path(case, "/delete")), "Delete permanently", {"name": case.name.lower()})
        assert page.path == "/inbox"
        assert jonas.get(path(case)).status == 404
        assert house.vault.objects.named_by(house.staff["amira"].identities[0].key_id) == 0
        assert house.vault.audit.page()[0].subject == case.name

    def test_an_article_made_from_it_is_mentioned(self, house: House, amira: Browser, case: CaseRow) -> None:
        amira.press(amira.get(path(case)), "Start an article")
        assert "1 article was written from this case" in amira.get(path(case, "/delete")).text
