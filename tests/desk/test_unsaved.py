"""Nothing typed is lost on a page whose form is not the case's: locked, answered elsewhere, refused."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import fieldreport.desk
from fieldreport.desk import error_pages
from fieldreport.vault.articles import drafts
from fieldreport.vault.articles.overview import list_articles
from fieldreport.vault.cases.inbox import CaseRow
from tests.cast import PASSPHRASES, File
from tests.desk.conftest import Browser, House, Page
from tests.desk.test_articles import ANSWERS, start, submitted, written

TEMPLATES = Path(fieldreport.desk.__file__).parent / "templates"
TYPED = "They left in spring.\n\n봄에 떠났다."
# Short, asked for again by the page itself, kept by the case, or secret: of these nothing has to come back.
NOT_WRITTEN = {"code", "handle", "invitation", "letters", "name", "new", "not_before", "passphrase", "subject", "words"}


@pytest.fixture
def case(house: House) -> CaseRow:
    return house.receive(protect="Hyesan")


def unlocked(house: House, browser: Browser, page: Page) -> Page:
    values = {"handle": "amira", "passphrase": PASSPHRASES["amira"], "code": house.code("amira")}
    return browser.press(page, "Unlock", values)


def value_of(page: Page, name: str) -> str:
    (field,) = page.find(f"//*[@name='{name}']")
    return str(field.text_content() if field.tag == "textarea" else field.get("value")).replace("\r\n", "\n").strip()


def test_the_lock_of_an_article_gives_back_what_was_typed(house: House, amira: Browser, case: CaseRow) -> None:
    page = start(house, amira, case)
    locked = amira.press(page, "Lock", {"title": "Leaving", "body": TYPED})
    assert "What you sent is not lost" in locked.text
    assert amira.get("/inbox").path == "/sign-in"
    page = unlocked(house, amira, locked)
    assert value_of(page, "body") == TYPED
    page = amira.press(page, "Send it now")
    assert (value_of(page, "title"), value_of(page, "body")) == ("Leaving", TYPED)
    (head,) = list_articles(house.vault)
    assert drafts.load(house.seat("amira"), head.id).article.body == TYPED


def test_the_lock_of_an_article_that_is_saved_brings_nothing_back(house: House, amira: Browser, case: CaseRow) -> None:
    path = written(house, amira, case)
    locked = amira.press(amira.get(path), "Lock")
    assert locked.path == "/sign-in"
    assert "What you sent" not in locked.text
    assert "The desk is locked." in locked.text


def test_the_lock_after_the_auto_lock_brings_an_article_to_its_own_address(
    house: House, amira: Browser, case: CaseRow
) -> None:
    page = start(house, amira, case)
    house.clock.forward(60 * 60)
    page = unlocked(house, amira, amira.press(page, "Lock", {"body": TYPED}))
    assert value_of(amira.press(page, "Send it now"), "body") == TYPED


def test_a_lock_leads_to_no_other_site(house: House, amira: Browser, case: CaseRow) -> None:
    page = start(house, amira, case)
    token = page.find("//input[@name='token']")[0].get("value")
    locked = amira.post("/lock?of=//elsewhere.example/articles", {"token": token, "body": TYPED})
    assert b"elsewhere" not in locked.body


def test_the_lock_of_a_translation_gives_back_what_was_typed(house: House, amira: Browser, case: CaseRow) -> None:
    path = written(house, amira, case)
    page = amira.press(amira.get(path), "Save and translate", {"translate": "ko"})
    assert "What you sent" not in amira.press(page, "Lock").text
    house.sign_in("amira", amira)
    page = unlocked(house, amira, amira.press(amira.get(page.path), "Lock", {"body": TYPED}))
    assert value_of(amira.press(page, "Send it now"), "body") == TYPED


def test_the_lock_of_the_rules_for_junk_gives_back_what_was_typed(house: House, amira: Browser) -> None:
    amira.press(amira.get("/junk"), "Save these rules", {"phrases": "cheap watches", "kind": ["empty"]})
    assert "What you sent" not in amira.press(amira.get("/junk"), "Lock").text
    house.sign_in("amira", amira)
    locked = amira.press(amira.get("/junk"), "Lock", {"phrases": "cheap watches\nbuy now"})
    page = amira.press(unlocked(house, amira, locked), "Send it now")
    assert "Saved." in page.text
    assert value_of(amira.get("/junk"), "phrases") == "cheap watches\nbuy now"


def test_the_lock_of_words_to_be_redacted_gives_back_what_was_typed(house: House, amira: Browser) -> None:
    case = house.receive("x", files=[File("text-1.txt", "text/plain", b"Pak was there.\n\nAt night.\n")])
    path = written(house, amira, case)
    page = amira.press(amira.get(path), "Redact and attach the words of text-1.txt")
    page = unlocked(house, amira, amira.press(page, "Lock", {"passages": "Pak"}))
    assert value_of(amira.press(page, "Send it now"), "passages") == "Pak"


def test_one_answer_leaves_what_is_typed_beside_the_others(house: House, amira: Browser, case: CaseRow) -> None:
    path = written(house, amira, case, body="It was on 14 October 2026.\n\nAnd again on 3 May 2025.")
    page = amira.get(f"{path}/check")
    first, second = (field.get("name") for field in page.find("//article//input[starts-with(@id, 'reason-')]"))
    page = amira.press(page, "Answer this warning", {first: "On every front page.", second: "It is a holiday."})
    assert "amira: On every front page." in page.text
    assert value_of(page, second) == "It is a holiday."
    page = amira.press(page, "Submit for review")
    assert value_of(page, second) == "It is a holiday."
    page = amira.press(unlocked(house, amira, amira.press(page, "Lock")), "Send it now")
    assert value_of(page, second) == "It is a holiday."


def test_an_answer_that_is_refused_leaves_what_is_typed_beside_the_others(
    house: House, amira: Browser, case: CaseRow
) -> None:
    path = written(house, amira, case, body="It was on 14 October 2026.\n\nAnd again on 3 May 2025.")
    page = amira.get(f"{path}/check")
    first, second = (field.get("name") for field in page.find("//article//input[starts-with(@id, 'reason-')]"))
    for reason in ("ok", "x" * 100_000):
        page = amira.press(page, "Answer this warning", {first: reason, second: "It is a holiday."})
        assert page.status == 422
        assert (value_of(page, first), value_of(page, second)) == (reason, "It is a holiday.")


def test_answers_before_a_sign_off_that_came_too_late_are_given_back(
    house: House, amira: Browser, jonas: Browser, case: CaseRow
) -> None:
    path = submitted(house, amira, case)
    page = jonas.get(f"{path}/check")
    amira.press(amira.get(path), "Save", {"body": "Another text."})
    refused = jonas.press(page, "Sign off: safe to publish", ANSWERS)
    assert refused.status >= 400
    assert next(iter(ANSWERS.values())) in refused.text


def test_every_field_that_somebody_writes_in_has_a_name_by_which_an_error_page_gives_it_back(house: House) -> None:
    named = set()
    for path in TEMPLATES.glob("*.html"):
        source = path.read_text(encoding="utf-8")
        for found in re.finditer(r"forms\.field\((?:\"([\w.-]+)\"( ~)?)", source):
            named.add(found[1] + ("x" if found[2] else ""))
        for found in re.finditer(r"<(?:textarea|input)\b[^>]*\bname=\"([\w.-]+)\"[^>]*>", source):
            if not re.search(r"type=\"(?:hidden|checkbox|radio|date|image)\"|readonly", found[0]):
                named.add(found[1])
    assert len(named) > 20
    with house.app.test_request_context():
        assert {name for name in named if not error_pages.label(name)} == NOT_WRITTEN
