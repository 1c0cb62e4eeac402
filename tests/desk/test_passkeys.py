"""Passkeys at the desk: adding, signing in, removing; and that no stranger gains by them."""

from __future__ import annotations

import dataclasses
import json
from typing import Any

import pytest

from fieldreport import limits
from fieldreport.unseal import key_file
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.tables import PasskeyCounter
from tests.authenticator import Authenticator
from tests.cast import PASSPHRASES
from tests.desk.conftest import Browser, House, Page

ORIGIN = "http://localhost"
PASSPHRASE = PASSPHRASES["amira"]


def asked_on(page: Page) -> dict[str, Any]:
    asked: dict[str, Any] = json.loads(page.find("//form[@data-passkey]")[0].get("data-passkey"))
    return asked


def add(browser: Browser, authenticator: Authenticator, name: str = "blue key", **given: str) -> Page:
    page = browser.get(browser.get("/second-factor").link("Add a passkey"))
    answer = authenticator.make(asked_on(page), ORIGIN)
    values = {"name": name, "passphrase": PASSPHRASE, "passkey": answer, **given}
    return browser.press(page, "Add a passkey", values)


def try_in(browser: Browser, authenticator: Authenticator, *, page: Page | None = None, **given: str) -> Page:
    page = page or browser.get("/sign-in")
    answer = authenticator.use(asked_on(page), ORIGIN)
    values = {"handle": "amira", "passphrase": PASSPHRASE, "passkey": answer, **given}
    return browser.press(page, "Unlock", values)


@pytest.fixture
def authenticator(amira: Browser) -> Authenticator:
    """One whose passkey amira has added."""
    made = Authenticator()
    page = add(amira, made)
    assert page.status == 200, page.text
    return made


class TestSigningIn:
    def test_it_stands_for_the_code_and_the_code_still_works(self, house: House, authenticator: Authenticator) -> None:
        for _ in range(2):
            assert try_in(house.stranger(), authenticator).path == "/inbox"
        house.sign_in("amira")
        acts = [entry.act for entry in house.vault.audit.page() if entry.actor == "amira"]
        assert acts.count(Act.PASSKEY_USED) == 2
        assert acts.count(Act.PASSKEY_ADDED) == 1

    def test_it_opens_nothing_without_the_passphrase_nor_for_somebody_else(
        self, house: House, authenticator: Authenticator
    ) -> None:
        assert try_in(house.stranger(), authenticator, passphrase="something else").status == 403
        theirs = PASSPHRASES["jonas"]
        assert try_in(house.stranger(), authenticator, handle="jonas", passphrase=theirs).status == 403
        assert try_in(house.stranger(), Authenticator()).status == 403

    def test_an_answer_counts_once(self, house: House, authenticator: Authenticator) -> None:
        browser = house.stranger()
        page = browser.get("/sign-in")
        answer = authenticator.use(asked_on(page), ORIGIN)
        values = {"handle": "amira", "passphrase": PASSPHRASE, "passkey": answer}
        assert browser.press(page, "Unlock", values).path == "/inbox"
        assert house.stranger().press(page, "Unlock", values).status == 403

    def test_an_answer_to_an_old_page_does_not_count(self, house: House, authenticator: Authenticator) -> None:
        browser = house.stranger()
        page = browser.get("/sign-in")
        house.clock.forward(limits.PASSKEY_CHALLENGE_SECONDS + 120)
        page = try_in(browser, authenticator, page=page)
        assert (page.status, "open for too long" in page.text) == (403, True)
        assert try_in(browser, authenticator, page=page).path == "/inbox"
        assert Act.UNLOCK_REFUSED not in {entry.act for entry in house.vault.audit.page()}  # nothing was tried

    def test_a_page_of_another_host_gets_nobody_in(self, house: House, authenticator: Authenticator) -> None:
        browser = house.stranger()
        page = browser.get("/sign-in")
        answer = authenticator.use({**asked_on(page), "host": "desk.evil.example"}, "https://desk.evil.example")
        values = {"handle": "amira", "passphrase": PASSPHRASE, "passkey": answer}
        assert browser.press(page, "Unlock", values).status == 403

    def test_a_copy_of_the_authenticator_is_found_out(self, house: House, authenticator: Authenticator) -> None:
        copy = dataclasses.replace(authenticator)
        assert try_in(house.stranger(), authenticator).path == "/inbox"
        assert try_in(house.stranger(), copy).status == 403

    def test_an_authenticator_that_does_not_count_is_taken(self, house: House, amira: Browser) -> None:
        phone = Authenticator(counts=False)
        add(amira, phone)
        for _ in range(2):
            assert try_in(house.stranger(), phone).path == "/inbox"

    def test_a_database_writer_plants_none_and_hides_no_more_than_a_copy(
        self, house: House, authenticator: Authenticator
    ) -> None:
        """What lets somebody in is in the key file: whatever the table says, another authenticator stays outside."""
        assert try_in(house.stranger(), authenticator).path == "/inbox"
        with house.vault.change() as change:
            change.session.query(PasskeyCounter).delete()
        assert try_in(house.stranger(), Authenticator(credential=authenticator.credential)).status == 403
        assert try_in(house.stranger(), authenticator).path == "/inbox"

    def test_wrong_ones_of_a_stranger_do_not_keep_their_owner_out(
        self, house: House, authenticator: Authenticator
    ) -> None:
        known = house.sign_in("amira")
        for _ in range(2 * limits.SIGN_IN_TRIES):
            try_in(house.stranger(), Authenticator(), passphrase="a guess")
        known.press(known.get("/inbox"), "Lock")
        assert try_in(known, authenticator).path == "/inbox"

    def test_a_try_costs_one_argon2_with_any_factor(
        self, house: House, authenticator: Authenticator, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        derive, runs = key_file.derive_once, []

        def counted(passphrase: str, salt: bytes, cost: key_file.Cost, into: bytearray) -> None:
            runs.append(1)
            derive(passphrase, salt, cost, into)

        monkeypatch.setattr(key_file, "derive_once", counted)
        costs = []
        for who, handle in ((authenticator, "amira"), (Authenticator(), "amira"), (Authenticator(), "nobody")):
            runs.clear()
            try_in(house.stranger(), who, handle=handle)
            costs.append(len(runs))
        assert costs == [1, 1, 1]


class TestAddingAndRemoving:
    def test_several_have_names_and_one_can_be_removed(self, house: House, amira: Browser) -> None:
        blue, phone = Authenticator(), Authenticator()
        add(amira, blue)
        page = add(amira, phone, "전화")
        assert "The passkey 전화 lets you in from now on" in page.text
        assert "Remove blue key" in page.text
        asked = asked_on(amira.get("/second-factor/passkeys"))
        assert len(asked["known"]) == 2
        page = amira.get(page.link("Remove blue key"))
        assert amira.press(page, "Remove this passkey", {"passphrase": "wrong"}).status == 403
        page = amira.press(page, "Remove this passkey", {"passphrase": PASSPHRASE})
        assert "The passkey blue key is removed" in page.text
        assert try_in(house.stranger(), blue).status == 403
        assert try_in(house.stranger(), phone).path == "/inbox"

    def test_it_asks_for_the_passphrase_and_a_name_and_keeps_the_name(self, amira: Browser) -> None:
        page = add(amira, Authenticator(), passphrase="wrong")
        assert (page.status, page.find("//input[@name='name']")[0].get("value")) == (403, "blue key")
        assert add(amira, Authenticator(), name="x" * 41).status == 422
        assert add(amira, Authenticator(), name="  ").status == 422
        assert "Remove" not in amira.get("/second-factor").text

    def test_an_answer_to_another_question_is_not_kept(self, amira: Browser, jonas: Browser) -> None:
        page = amira.get("/second-factor/passkeys")
        answer = Authenticator().make({**asked_on(page), "challenge": asked_on(page)["user"]}, ORIGIN)
        values = {"name": "x", "passphrase": PASSPHRASE, "passkey": answer}
        assert amira.press(page, "Add a passkey", values).status == 422
        # The question of a colleague's page, and that of the sign-in page.
        for other in (jonas.get("/second-factor/passkeys"), Browser(amira.app).get("/sign-in")):
            token = other.find("//input[@name='challenge']")[0].get("value")
            answer = Authenticator().make(asked_on(other), ORIGIN)
            assert amira.press(page, "Add a passkey", {**values, "passkey": answer, "challenge": token}).status == 422

    def test_the_same_one_or_a_ninth_is_refused(self, amira: Browser) -> None:
        one = Authenticator()
        add(amira, one)
        assert "there already" in add(amira, one).text
        for _ in range(limits.PASSKEYS - 1):
            assert add(amira, Authenticator()).status == 200
        assert "remove one first" in add(amira, Authenticator()).text

    def test_under_a_number_the_page_says_that_there_can_be_none(self, house: House) -> None:
        amira = house.enter("amira")
        amira.client.set_cookie("desk", amira.cookie or "", domain="127.0.0.1")
        page = Page(amira.client.get("/second-factor/passkeys", base_url="http://127.0.0.1"))
        assert "open the desk under its name" in page.text
        assert page.find("//form[@data-passkey]") == []


def test_a_rotation_keeps_them(house: House, authenticator: Authenticator, lena: Browser) -> None:
    lena.order_key("amira")
    assert try_in(house.stranger(), authenticator).status == 200
    staff = key_file.unlock(house.settings.desk.keyfiles / "amira.key", PASSPHRASE)
    assert (len(staff.identities), len(staff.passkeys)) == (2, 1)
