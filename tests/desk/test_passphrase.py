"""Another passphrase for one's own key, and being told that there are no recovery codes."""

from __future__ import annotations

from typing import Any

from fieldreport import limits
from fieldreport.unseal import key_file
from fieldreport.vault.archive.audit import Act
from tests.cast import PASSPHRASES
from tests.desk.conftest import Browser, House, Page

OLD = PASSPHRASES["amira"]
BUTTON = "Use the new passphrase from now on"


def drawn(page: Page) -> str:
    (shown,) = page.find("//p[@class='shown']")
    return str(shown.text_content()).strip()


def change(house: House, browser: Browser, page: Page, **typed: str) -> Page:
    given: dict[str, Any] = {"new": drawn(page), "passphrase": OLD, **typed}
    if "code" not in typed:
        given["code"] = house.code("amira")
    return browser.press(page, BUTTON, given)


def try_in(house: House, passphrase: str) -> Page:
    browser = house.stranger()
    given = {"handle": "amira", "passphrase": passphrase, "code": house.code("amira")}
    return browser.press(browser.get("/sign-in"), "Unlock", given)


def test_only_the_new_one_opens_the_key_and_other_windows_are_locked(house: House) -> None:
    amira, other = house.enter("amira"), house.enter("amira")
    page = amira.get("/keys/passphrase")
    new = drawn(page)
    assert len(new.split()) == 7
    after = change(house, amira, page, new=f" {new.upper()}  ")
    assert (after.status, after.path) == (200, "/keys")
    assert "only the new passphrase opens your key" in after.text
    assert "other windows in which you were signed in are locked" in after.text
    assert other.get("/inbox").path == "/sign-in"
    assert amira.get("/inbox").path == "/inbox"
    assert try_in(house, OLD).status == 403
    assert try_in(house, new).path == "/inbox"
    acts = [(entry.actor, entry.subject) for entry in house.vault.audit.page() if entry.act == Act.PASSPHRASE_CHANGED]
    assert acts == [("amira", "")]
    assert new not in str(house.vault.audit.page())


def test_nothing_changes_without_the_old_one_a_fresh_code_and_the_new_one_from_paper(house: House) -> None:
    amira = house.enter("amira")
    page = amira.get("/keys/passphrase")
    new, path = drawn(page), house.settings.desk.keyfiles / "amira.key"
    before, used = path.read_bytes(), house.code("amira")
    refused = change(house, amira, page, new=" ".join(new.split()[:-1]), code=used)
    assert (refused.status, drawn(refused)) == (422, new), "the paper stays right"
    refused = change(house, amira, refused, passphrase="something else", code=used)
    assert (refused.status, drawn(refused)) == (403, new)
    assert OLD not in refused.text
    refused = change(house, amira, refused, code="000000")
    assert (refused.status, drawn(refused)) == (403, new)
    assert path.read_bytes() == before
    assert change(house, amira, refused, code=used).path == "/keys", "a code is used up by the right passphrase only"
    page = amira.get("/keys/passphrase")
    again = change(house, amira, page, passphrase=new, code=used)
    assert again.status == 403, "and once"
    assert key_file.is_same_passphrase(new, new.title())


def test_a_page_of_somebody_else_changes_nothing(house: House, amira: Browser, jonas: Browser) -> None:
    page, own = amira.get("/keys/passphrase"), jonas.get("/keys/passphrase")
    (theirs,) = page.find("//input[@name='remembered']")
    given = {"new": drawn(page), "passphrase": PASSPHRASES["jonas"], "code": house.code("jonas")}
    assert jonas.press(own, BUTTON, {**given, "remembered": theirs.get("value")}).status == 403


def test_a_new_passphrase_that_was_typed_too_late_does_not_come_back_on_a_page(house: House) -> None:
    amira = house.enter("amira")
    page = amira.get("/keys/passphrase")
    house.clock.forward(limits.DESK_IDLE_SECONDS)
    locked = change(house, amira, page)
    assert "What you sent is not lost" in locked.text
    given = {"handle": "amira", "passphrase": OLD, "code": house.code("amira")}
    held = amira.press(locked, "Unlock", given)
    assert held.find("//form[@action='/keys/passphrase']")
    assert drawn(page) not in held.body.decode()
    again = amira.press(held, "Send it now")
    assert (again.status, drawn(again)) == (422, drawn(page)), "the paper stays right"


def test_who_has_no_recovery_codes_is_told_after_unlocking(house: House) -> None:
    amira = house.sign_in("amira")
    assert "You have no recovery codes" in amira.landed.text
    assert "You have no recovery codes" not in amira.get("/inbox").text, "once"
    amira.press(amira.get("/second-factor"), "Make new recovery codes", {"passphrase": OLD})
    assert "You have no recovery codes" not in house.sign_in("amira").landed.text
