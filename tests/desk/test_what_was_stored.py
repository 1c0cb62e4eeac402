"""What an error page says about what was done is true although the answer to an earlier try was lost."""

from __future__ import annotations

import pytest

from fieldreport.errors import StoreError
from fieldreport.vault.archive.vault import Vault
from fieldreport.vault.cases import conversation
from fieldreport.vault.cases.inbox import CaseRow
from tests.cast import PASSPHRASES
from tests.desk.conftest import Browser, House


@pytest.fixture
def case(house: House) -> CaseRow:
    return house.receive()


def write(browser: Browser, case: CaseRow, kind: str, text: str, *, twice: str = "") -> str:
    """Write into a case; with ``twice``, press the button of the same form again with other words."""
    form = browser.get(f"/cases/{case.id.hex()}?write={kind}")
    button = "Seal and send" if kind == "reply" else "Seal the note"
    page = browser.press(form, button, {"text": text})
    return browser.press(form, button, {"text": twice}).text if twice else page.text


@pytest.mark.parametrize("kind", ["reply", "note"])
def test_other_words_from_a_used_form_are_not_said_to_be_stored(
    house: House, amira: Browser, case: CaseRow, kind: str
) -> None:
    said = write(amira, case, kind, "First.", twice="Second.")
    assert "This form was sent before" in said
    assert "Second." in said
    assert house.replies() == (["First."] if kind == "reply" else [])
    shown = amira.get(f"/cases/{case.id.hex()}").text
    assert "First." in shown
    assert "Second." not in shown


@pytest.mark.parametrize("after", [False, True], ids=["before", "after"])
def test_a_store_that_fails_leaves_it_open_whether_it_was_done(
    house: House, amira: Browser, case: CaseRow, monkeypatch: pytest.MonkeyPatch, *, after: bool
) -> None:
    real = conversation.reply

    def reply(*given: object, **more: object) -> bytes:
        if after:
            real(*given, **more)  # type: ignore[arg-type]  # passed on as they came
        raise StoreError("the connection was lost while it committed")

    monkeypatch.setattr(conversation, "reply", reply)
    said = write(amira, case, "reply", "Once.")
    assert "It may have been done, or a part of it." in said
    assert "lost" not in said
    assert house.replies() == ["Once."] * after


def test_a_page_that_cannot_be_read_now_speaks_of_nothing_that_was_done(
    amira: Browser, case: CaseRow, monkeypatch: pytest.MonkeyPatch
) -> None:
    def away(*_: object) -> None:
        raise StoreError("the database is away")

    monkeypatch.setattr(Vault, "reading", away)
    page = amira.get(f"/cases/{case.id.hex()}")
    assert page.status == 503
    assert "done" not in page.text


def test_who_saves_a_form_twice_is_not_told_that_somebody_else_was_first(amira: Browser, case: CaseRow) -> None:
    form = amira.get(f"/cases/{case.id.hex()}?write=facts")
    amira.press(form, "Seal the fact sheet", {"facts": "Crossed in May.", "protected": "Kim"})
    page = amira.press(form, "Seal the fact sheet", {"facts": "Crossed in May.", "protected": "Kim"})
    assert "omebody else" not in page.text
    assert "sealed and stored" in page.text
    page = amira.press(form, "Seal the fact sheet", {"facts": "Crossed in June.", "protected": "Kim"})
    assert page.status == 409
    assert "by you in another window" in page.text
    assert "not stored this time" in page.text


def test_a_form_that_came_before_the_lock_and_again_after_it_is_not_said_to_be_undone(
    house: House, amira: Browser, case: CaseRow
) -> None:
    form = amira.get(f"/cases/{case.id.hex()}?write=reply")
    amira.press(form, "Seal and send", {"text": "Once."})
    house.desk.sessions.end_all()
    page = amira.press(form, "Seal and send", {"text": "Once."})
    assert "What you sent is not lost." in page.text
    values = {"handle": "amira", "passphrase": PASSPHRASES["amira"], "code": house.code("amira")}
    held = amira.press(page, "Unlock", values)
    assert "Nothing was done with it this time." in held.text
    amira.press(held, "Send it now")
    assert house.replies() == ["Once."]


def test_everybody_is_locked_although_the_devices_cannot_be_forgotten(
    house: House, amira: Browser, lena: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("fieldreport.unseal.secret_file.os.fsync", full)
    page = lena.confirm(lena.get("/staff/lock-all"), "Lock everybody now")
    assert page.status == 503
    assert "It may have been done, or a part of it." in page.text
    assert "Nothing was" not in page.text
    assert house.desk.sessions.open_by_handle() == {}
