"""Suspending an editor on the staff page, and letting them in again."""

from __future__ import annotations

from fieldreport.vault.archive.audit import Act
from fieldreport.vault.staff import roster_changes
from tests.cast import PASSPHRASES
from tests.desk.conftest import Browser, House, Page

GIVEN = {"passphrase": PASSPHRASES["lena"]}


def suspend(lena: Browser, **given: str) -> Page:
    page = lena.get(lena.get("/staff").link("Suspend amira"))
    return lena.press(page, "Suspend amira", {**GIVEN, **given})


def test_their_sessions_end_and_they_cannot_sign_in_until_they_are_let_in_again(house: House, lena: Browser) -> None:
    amira = house.sign_in("amira")
    other = house.enter("amira")
    page = suspend(lena)
    assert "amira is suspended. 2 of their sessions were locked." in page.text
    for browser in (amira, other):
        assert browser.get("/inbox").path == "/sign-in"
    given = {"handle": "amira", "passphrase": PASSPHRASES["amira"], "code": house.code("amira")}
    assert amira.press(amira.get("/sign-in"), "Unlock", given).status == 403

    page = lena.get(page.link("Let amira in again"))
    assert lena.press(page, "Let amira in again", {"passphrase": "wrong"}).status == 403
    page = lena.press(page, "Let amira in again", GIVEN)
    assert "amira can sign in again" in page.text
    assert house.sign_in("amira", amira).get("/inbox").path == "/inbox"
    acts = [(entry.act, entry.subject) for entry in house.vault.audit.page() if entry.actor == "lena"]
    assert {(Act.STAFF_SUSPENDED, "amira"), (Act.STAFF_RESUMED, "amira")} <= set(acts)


def test_a_wrong_passphrase_changes_nothing(house: House, lena: Browser) -> None:
    amira = house.enter("amira")
    page = suspend(lena, passphrase="wrong")
    assert (page.status, "not the passphrase of your key" in page.text) == (403, True)
    assert amira.get("/inbox").path == "/inbox"
    assert house.roster.suspended == frozenset()


def test_suspended_at_a_terminal_a_session_here_ends_with_its_next_request(house: House) -> None:
    amira = house.sign_in("amira")
    roster_changes.suspend(house.seat("lena"), "amira", house.mailbox)
    page = amira.get("/inbox")
    assert (page.status, "not on the active staff" in page.text) == (403, True)
    assert amira.get("/inbox").path == "/sign-in"
    assert house.desk.sessions.open_by_handle() == {}


def test_a_device_of_theirs_is_a_strangers_afterwards(house: House, lena: Browser) -> None:
    amira = house.sign_in("amira")
    found = amira.client.get_cookie("device")
    assert found is not None
    suspend(lena)
    roster_changes.resume(house.seat("lena"), "amira", house.mailbox)
    assert not house.desk.sign_in.devices.knows(house.roster.entry("amira"), found.value)


def test_nobody_but_an_active_editor_has_such_a_page(house: House, lena: Browser) -> None:
    for handle in ("lena", "recovery", "nobody"):
        assert lena.get(f"/staff/suspend/{handle}").status == 404
    assert lena.get("/staff/resume/amira").status == 404
    for handle in [e.handle for e in house.roster.entries if e.role == "editor" and e.handle != "amira"]:
        roster_changes.suspend(house.seat("lena"), handle, house.mailbox)
    assert "the letterbox closes" in lena.get("/staff/suspend/amira").text
