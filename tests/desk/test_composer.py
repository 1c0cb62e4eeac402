"""What is typed on the page of a case is there afterwards, in its fields, whatever happens in between."""

from __future__ import annotations

import io
from typing import Any

import pytest

from fieldreport import limits
from fieldreport.desk import sentences
from fieldreport.errors import StoreError
from fieldreport.seal import Expected, Kind, Sender, SenderKind, open_envelope
from fieldreport.vault.archive.vault import Vault
from fieldreport.vault.cases import inbox
from fieldreport.vault.cases.inbox import CaseRow
from fieldreport.web.i18n import NAMES
from tests.cast import INSTANCE, PASSPHRASES
from tests.desk.conftest import Browser, House, Page

_TEXT = "아직 안전한가요?\n\nهل أنت بخير؟ Take your time."


@pytest.fixture
def case(house: House) -> CaseRow:
    return house.receive()


def writing(browser: Browser, case: CaseRow, form: str = "reply") -> Page:
    return browser.get(f"/cases/{case.id.hex()}?write={form}")


def typed(page: Page, name: str = "text") -> str:
    """What stands in a field that can be sent."""
    (field,) = page.find(f"//form[not(@action='/sign-in')]//textarea[@name='{name}' and not(@readonly)]")
    return str(field.text or "").strip()


def unlock(house: House, browser: Browser, page: Page) -> Page:
    values = {"handle": "amira", "passphrase": PASSPHRASES["amira"], "code": house.code("amira")}
    return browser.press(page, "Unlock", values)


@pytest.mark.parametrize(
    ("button", "values"),
    [
        ("Set", {"state": "verifying"}),
        ("Take it", {}),
        ("Add", {"label": "border"}),
        ("Keep", {"label": "border"}),  # Enter in the field of labels
        ("Limit to these", {"reader": ["jonas"]}),
        ("Edit fact sheet and terms", {}),
        ("Keep for later", {}),
        ("Mark unread", {}),
        ("Start an article", {}),
        ("Lock", {}),
    ],
)
def test_no_button_loses_a_half_written_reply(
    house: House, amira: Browser, jonas: Browser, case: CaseRow, button: str, values: dict[str, Any]
) -> None:
    page = amira.press(writing(amira, case), button, {"text": _TEXT, **values})
    assert page.status == 200
    assert house.replies() == []
    again = house.sign_in("amira", amira) if button == "Lock" else amira
    assert typed(writing(again, case)) == _TEXT
    assert "You have begun a reply" in again.get(f"/cases/{case.id.hex()}").text
    assert "begun a reply" not in jonas.get(f"/cases/{case.id.hex()}").text
    assert "Take your time" not in writing(jonas, case).text


def test_a_star_is_set_beside_a_half_written_note_and_the_form_stays_open(amira: Browser, case: CaseRow) -> None:
    page = amira.press(writing(amira, case, "note"), f"Star {case.name}", {"text": _TEXT})
    assert page.button(f"Star {case.name}").get("aria-pressed") == "true"
    assert typed(page) == _TEXT


def test_it_is_gone_once_it_is_sent_or_thrown_away(house: House, amira: Browser, case: CaseRow) -> None:
    page = amira.press(writing(amira, case), "Set", {"text": _TEXT, "state": "reading"})
    amira.press(page, "Seal and send")
    assert house.replies() == [_TEXT]
    assert typed(writing(amira, case)) == ""
    page = amira.press(writing(amira, case, "note"), "Set", {"text": "half", "state": "new"})
    assert "Thrown away" in amira.press(page, "Throw away").text
    assert typed(writing(amira, case, "note")) == ""


def test_setting_one_thing_in_an_old_window_leaves_what_a_colleague_did_meanwhile(
    house: House, amira: Browser, jonas: Browser, case: CaseRow
) -> None:
    old = amira.get(f"/cases/{case.id.hex()}")
    jonas.press(jonas.get(f"/cases/{case.id.hex()}"), "Set", {"assignee": "jonas", "state": "reading"})
    amira.press(old, "Set", {"assignee": ""})  # as it was shown: nothing of it was changed
    row = inbox.get(house.vault, case.id, viewer="amira")
    assert (row.state, row.assignee) == ("reading", "jonas")
    page = amira.press(old, "Set", {"state": "writing"})
    assert f"{case.name} was set to 'reading' meanwhile. That was not changed." in page.text
    assert inbox.get(house.vault, case.id, viewer="amira").state == "reading"


def test_an_old_list_neither_closes_nor_marks_as_read_a_letter_that_it_does_not_show(
    house: House, amira: Browser, case: CaseRow
) -> None:
    old = amira.get("/inbox")
    house.receive("a second letter")
    page = amira.press(old, "Close", {"case": [case.id.hex()]})
    assert "a letter came" in page.text
    assert inbox.get(house.vault, case.id, viewer="amira").state == "new"
    amira.press(old, "Mark read", {"case": [case.id.hex()]})
    assert inbox.get(house.vault, case.id, viewer="amira").unread
    amira.press(amira.get("/inbox"), "Close", {"case": [case.id.hex()]})
    assert inbox.get(house.vault, case.id, viewer="amira").state == "closed"


def test_after_a_lock_in_another_window_it_comes_back_in_its_fields(
    house: House, amira: Browser, case: CaseRow
) -> None:
    page = writing(amira, case)
    amira.press(amira.get("/inbox"), "Lock")
    page = amira.press(page, "Set", {"text": _TEXT, "state": "reading"})
    assert "What you sent is not lost" in page.text
    page = unlock(house, amira, page)
    assert typed(page) == _TEXT
    page = amira.press(page, "Send it now", {"text": f"{_TEXT} More."})
    assert typed(page) == f"{_TEXT} More."
    assert house.replies() == []


def test_after_a_lock_and_an_unlock_in_another_window_an_old_page_goes_on(
    house: House, amira: Browser, case: CaseRow
) -> None:
    page = writing(amira, case)
    amira.press(amira.get("/inbox"), "Lock")
    house.sign_in("amira", amira)
    assert "sealed and waits" in amira.press(page, "Seal and send", {"text": _TEXT}).text
    # Somebody else who signs in on this machine does not send it.
    page = writing(amira, case)
    amira.press(amira.get("/inbox"), "Lock")
    house.sign_in("jonas", amira)
    assert amira.press(page, "Seal and send", {"text": "not mine"}).status == 400
    assert house.replies() == [_TEXT]


def test_locking_after_the_auto_lock_does_not_lock_again_with_what_was_typed(
    house: House, amira: Browser, case: CaseRow
) -> None:
    page = writing(amira, case)
    house.clock.forward(limits.DESK_IDLE_SECONDS)
    page = amira.press(page, "Lock", {"text": _TEXT})
    page = amira.press(unlock(house, amira, page), "Send it now")
    assert typed(page) == _TEXT


def test_what_was_written_in_two_windows_is_both_there(house: House, amira: Browser, case: CaseRow) -> None:
    first, second, third = (writing(amira, case) for _ in range(3))
    amira.press(first, "Keep for later", {"text": "from the first"})
    amira.press(third, "Set", {"text": "", "state": "reading"})  # an empty form takes nothing away
    page = amira.press(second, "Set", {"text": "from the second", "state": "verifying"})
    assert typed(page) == "from the second"
    assert "You wrote this in another window from the first" in page.text
    page = amira.press(page, "throw it away", {"text": "from both"})
    assert typed(page) == "from both"
    assert "another window from the first" not in page.text


@pytest.mark.parametrize("form", ["reply", "note"])
def test_a_form_that_was_sent_before_can_be_sent_with_other_words_if_that_is_meant(
    house: House, amira: Browser, case: CaseRow, form: str
) -> None:
    button = "Seal and send" if form == "reply" else "Seal the note"
    old = writing(amira, case, form)
    amira.press(old, button, {"text": "first"})
    page = amira.press(old, button, {"text": "second"})
    assert page.status == 409
    assert typed(page) == "second"
    assert len(inbox.items(house.vault, case.id)) == 2
    amira.press(page, button)
    assert [house.seat("jonas").text(each.id) for each in inbox.items(house.vault, case.id)[1:]] == ["first", "second"]


def test_on_a_full_disk_it_stays_in_its_fields_and_the_desk_can_be_locked(
    house: House, amira: Browser, case: CaseRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = writing(amira, case)
    with monkeypatch.context() as patched:
        patched.setattr(Vault, "change", _full)
        refused = amira.press(page, "Seal and send", {"text": _TEXT})
        assert refused.status == 503
        assert typed(refused) == _TEXT
    assert "sealed and waits" in amira.press(refused, "Try again").text
    page = writing(amira, case)
    with monkeypatch.context() as patched:
        patched.setattr("fieldreport.vault.cases.unsent.seal_envelope", _full)
        page = amira.press(page, "Lock", {"text": _TEXT})
        assert house.desk.sessions.open_by_handle() == {}
    page = amira.press(unlock(house, amira, page), "Send it now")
    assert typed(page) == _TEXT


def test_a_preview_shows_the_reply_in_the_source_s_direction_and_sends_nothing(house: House, amira: Browser) -> None:
    case = house.receive(report_language="ar")
    page = amira.press(writing(amira, case), "Preview", {"text": _TEXT, "sender": "name", "name": "ليلى"})
    (shown,) = page.find("//section[contains(@class, 'preview')]/div")
    assert (shown.get("lang"), shown.get("dir")) == ("ar", "rtl")
    assert shown.text_content().strip() == _TEXT
    assert "“From: ليلى”" in page.text
    assert typed(page) == _TEXT
    assert house.replies() == []
    amira.press(page, "Seal and send")
    assert house.replies() == [_TEXT]


def test_a_sentence_is_added_in_the_language_of_the_source_or_another(house: House, amira: Browser) -> None:
    case = house.receive(report_language="ko")
    page = amira.press(writing(amira, case), "Add it", {"text": "안녕하세요."})
    page = amira.press(page, "Add it", {"sentence": "risk", "language_of_sentence": "ru"})
    assert typed(page) == "\n\n".join(
        ("안녕하세요.", sentences.sentence("thanks", "ko"), sentences.sentence("risk", "ru"))
    )


def test_every_sentence_is_there_in_every_language_of_the_letterbox() -> None:
    assert len(sentences.LABELS) >= 5
    for name in sentences.LABELS:
        assert len({sentences.sentence(name, language) for language in NAMES}) == len(NAMES)


@pytest.mark.parametrize(
    ("sender", "name", "shown"),
    [("newsroom", "", "“the editors”"), ("editor", "x", "“an editor”"), ("name", " Layla  K. ", "“Layla K.”")],
)
def test_the_source_sees_who_answers_as_the_editor_chose(
    house: House, amira: Browser, case: CaseRow, sender: str, name: str, shown: str
) -> None:
    page = amira.press(writing(amira, case), "Seal and send", {"text": "hello", "sender": sender, "name": name})
    assert f"from {shown}" in page.text
    (reply,) = house.mailbox.replies(house.source.index)
    expected = Expected(
        kind=Kind.REPLY,
        instance=INSTANCE,
        thread=house.source.thread,
        object=reply.id,
        rosters=house.rosters.history(),
    )
    identities = [house.source.identity]
    with open_envelope(reply.header, io.BytesIO(reply.payload), identities=identities, expected=expected) as envelope:
        said = Sender.of(envelope.manifest.fields)
        assert "amira" not in str(dict(envelope.manifest.fields))
    assert said == Sender(kind=SenderKind(sender), name="Layla K." if sender == "name" else "")


def test_a_name_that_was_chosen_and_not_typed_is_asked_for(house: House, amira: Browser, case: CaseRow) -> None:
    page = amira.press(writing(amira, case), "Seal and send", {"text": _TEXT, "sender": "name"})
    assert page.status == 422
    assert typed(page) == _TEXT
    assert house.replies() == []


def test_a_reply_says_whether_it_waits_or_is_gone_and_no_more(house: House, amira: Browser, case: CaseRow) -> None:
    def tags() -> str:
        return amira.get(f"/cases/{case.id.hex()}").text

    def look() -> None:
        house.desk.deliveries.look(house.vault, house.mailbox)

    amira.press(writing(amira, case), "Seal and send", {"text": "first"})
    assert "the letterbox" not in tags()  # nobody has looked yet
    look()
    assert "waits in the letterbox" in tags()
    assert "reading leaves no trace there" in tags()
    (first,) = house.mailbox.replies(house.source.index)  # the source reads
    look()
    assert "waits in the letterbox" in tags()
    house.mailbox.delete_replies(house.source.index, [first.id])
    house.clock.forward(3600)
    house.sign_in("amira", amira)
    look()
    assert "gone from the letterbox" in tags()
    # One that was delivered after the look is not called gone.
    amira.press(writing(amira, case), "Seal and send", {"text": "second"})
    assert tags().count("gone from the letterbox") == 1
    assert "waits in the letterbox" not in tags()


def test_a_reply_that_the_source_was_shown_before_they_wrote_again_is_marked(
    house: House, amira: Browser, case: CaseRow
) -> None:
    for text in ("first", "second", "third"):
        amira.press(writing(amira, case), "Seal and send", {"text": text})
    assert "shown to the source" not in amira.get(f"/cases/{case.id.hex()}").text
    sent = [row.id for row in inbox.items(house.vault, case.id) if row.kind is Kind.SENT]
    with house.seat("amira").open_item(sent[1]) as copy:
        second = copy.manifest.fields["reply"]
    house.receive("Thank you.", read=second)
    house.receive("A letter that names what is no reply of this case.", read="0" * 32)
    page = amira.get(f"/cases/{case.id.hex()}")
    assert page.text.count("shown to the source") == 1, "the one before it may never have come there"
    assert "when they wrote this letter" in page.text
    assert page.link("this letter") == "#i-5"


def _full(*_: object, **__: object) -> Any:
    raise StoreError("the disk is full", code="disk-full")


def test_two_who_answer_at_once_send_nothing_twice_unaware_and_lose_nothing(
    house: House, amira: Browser, jonas: Browser, case: CaseRow
) -> None:
    mine, theirs = writing(amira, case), writing(jonas, case)
    jonas.press(theirs, "Seal and send", {"text": "Stay where you are."})
    page = amira.press(mine, "Seal and send", {"text": _TEXT})
    assert page.status == 409
    assert house.replies() == ["Stay where you are."]
    (shown,) = page.find("//div[@role='alert']")
    assert "A reply was sent since you began yours" in shown.text_content()
    assert "jonas" in shown.text_content()
    assert "Stay where you are." in shown.text_content()
    assert typed(page) == _TEXT
    assert typed(writing(amira, case)) == _TEXT, "it is kept"
    amira.press(page, "Seal and send")
    assert sorted(house.replies()) == sorted(["Stay where you are.", _TEXT]), "who knows of both sends both"


def test_a_draft_that_is_older_than_a_colleagues_reply_says_so_when_it_is_taken_up_again(
    house: House, amira: Browser, jonas: Browser, case: CaseRow
) -> None:
    amira.press(writing(amira, case), "Keep for later", {"text": _TEXT})
    jonas.press(writing(jonas, case), "Seal and send", {"text": "Stay where you are."})
    page = writing(amira, case)
    assert "A reply was sent since you began yours" in page.text
    assert typed(page) == _TEXT
    amira.press(page, "Throw away")
    assert "A reply was sent since" not in writing(amira, case).text
    assert house.replies() == ["Stay where you are."]


def test_the_same_form_pressed_twice_is_no_conflict_with_itself(house: House, amira: Browser, case: CaseRow) -> None:
    page = writing(amira, case)
    for _ in range(2):
        assert amira.press(page, "Seal and send", {"text": _TEXT}).status == 200
    assert house.replies() == [_TEXT]
