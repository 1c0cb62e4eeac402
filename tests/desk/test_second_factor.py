"""A lost telephone and a lost paper: recovery codes, and another authenticator app."""

from __future__ import annotations

import base64
import re
import shutil
import threading

import pytest

from fieldreport import limits
from fieldreport.unseal import key_file, machine_secret, recovery_codes, totp
from fieldreport.vault.archive.audit import Act
from fieldreport.vault.archive.tables import AuditRow
from tests.cast import PASSPHRASES
from tests.desk.conftest import Browser, House, Page

PASSPHRASE = PASSPHRASES["amira"]


def make_codes(browser: Browser) -> list[str]:
    page = browser.press(browser.get("/second-factor"), "Make new recovery codes", {"passphrase": PASSPHRASE})
    assert page.status == 200, page.text
    return [str(item.text_content()).strip() for item in page.find("//ol[@aria-label='Recovery codes']/li")]


def try_in(house: House, code: str, *, handle: str = "amira", passphrase: str = PASSPHRASE) -> Page:
    browser = house.stranger()
    given = {"handle": handle, "passphrase": passphrase, "code": code}
    return browser.press(browser.get("/sign-in"), "Unlock", given)


def logged(house: House, act: Act) -> list[str]:
    return [entry.actor for entry in house.vault.audit.page() if entry.act == act]


class TestRecoveryCodes:
    def test_each_lets_its_owner_in_once_and_says_how_many_are_left(self, house: House, amira: Browser) -> None:
        codes = make_codes(amira)
        assert len(codes) == 10
        page = try_in(house, codes[3])
        assert page.path == "/inbox"
        assert "You signed in with a recovery code; strike it out on your paper. 9 are left." in page.text
        assert try_in(house, codes[3]).status == 403
        assert try_in(house, codes[4].lower().replace("-", " ")).path == "/inbox"
        assert "8 recovery codes are left" in house.sign_in("amira").get("/keys").text
        assert logged(house, Act.RECOVERY_CODE_USED) == ["amira", "amira"]
        lena = house.enter("lena")
        assert "signed in with a recovery code" in lena.get("/audit").text

    def test_who_has_few_left_is_told_to_make_new_ones(
        self, house: House, amira: Browser, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(limits, "RECOVERY_CODES", 3)
        assert "2 are left. Make new ones." in try_in(house, make_codes(amira)[0]).text

    def test_one_opens_nothing_without_the_passphrase_nor_for_somebody_else(self, house: House, amira: Browser) -> None:
        code = make_codes(amira)[0]
        assert try_in(house, code, passphrase="something else").status == 403
        assert try_in(house, code, handle="jonas", passphrase=PASSPHRASES["jonas"]).status == 403
        assert try_in(house, code).path == "/inbox"

    def test_new_ones_end_the_old_ones_and_ask_for_the_passphrase(self, house: House, amira: Browser) -> None:
        old = make_codes(amira)
        page = amira.press(amira.get("/second-factor"), "Make new recovery codes", {"passphrase": "wrong"})
        assert page.status == 403
        assert "not the passphrase of your key" in page.text
        new = make_codes(amira)
        assert try_in(house, old[0]).status == 403
        assert try_in(house, new[0]).path == "/inbox"
        assert logged(house, Act.RECOVERY_CODES_MADE) == ["amira", "amira"]

    def test_an_older_key_file_does_not_bring_a_used_one_back(self, house: House, amira: Browser) -> None:
        code = make_codes(amira)[0]
        keyfiles = house.settings.desk.keyfiles
        kept = keyfiles.with_name("kept")
        for place in (keyfiles, machine_secret.directory(keyfiles)):
            shutil.copytree(place, kept / place.name)
        assert try_in(house, code).path == "/inbox"
        for place in (keyfiles, machine_secret.directory(keyfiles)):
            shutil.copytree(kept / place.name, place, dirs_exist_ok=True)
        assert try_in(house, code).status == 403
        assert "9 recovery codes are left" in house.sign_in("amira").get("/keys").text

    def test_a_database_writer_does_not_bring_a_used_one_back(self, house: House, amira: Browser) -> None:
        code = make_codes(amira)[0]
        assert try_in(house, code).path == "/inbox"
        with house.vault.change() as change:
            change.session.query(AuditRow).filter_by(act=Act.RECOVERY_CODE_USED.value).delete()
        assert try_in(house, code).status == 403

    def test_of_two_windows_with_the_same_one_only_one_gets_in(self, house: House, amira: Browser) -> None:
        code = make_codes(amira)[0]
        answers: list[int] = []
        windows = [threading.Thread(target=lambda: answers.append(try_in(house, code).status)) for _ in range(2)]
        for window in windows:
            window.start()
        for window in windows:
            window.join()
        assert sorted(answers) == [200, 403]

    def test_wrong_ones_of_a_stranger_do_not_keep_their_owner_out(self, house: House) -> None:
        amira = house.sign_in("amira")
        code = make_codes(amira)[0]
        stranger = house.stranger()
        for number in range(8):
            given = {"handle": "amira", "passphrase": PASSPHRASE, "code": f"AAAAA-AAAA{number}"}
            stranger.press(stranger.get("/sign-in"), "Unlock", given)
        amira.press(amira.get("/inbox"), "Lock")
        given = {"handle": "amira", "passphrase": PASSPHRASE, "code": code}
        assert amira.press(amira.get("/sign-in"), "Unlock", given).path == "/inbox"


class TestAnotherAuthenticator:
    def test_after_a_recovery_code_another_app_takes_over(self, house: House, amira: Browser) -> None:
        code = make_codes(amira)[0]
        lost = house.staff["amira"].totp
        browser = house.stranger()
        given = {"handle": "amira", "passphrase": PASSPHRASE, "code": code}
        browser.press(browser.get("/sign-in"), "Unlock", given)
        page = browser.get(browser.get("/second-factor").link("Set up another authenticator app"))
        shown = "".join(page.find("//p[@class='shown mono']")[0].text_content().split())
        secret = base64.b32decode(shown)

        wrong = browser.press(page, "Use this app from now on", {"code": "000000", "passphrase": PASSPHRASE})
        assert (wrong.status, shown in wrong.text.replace(" ", "")) == (422, True)
        page = browser.press(
            page, "Use this app from now on", {"code": totp.current_code(secret, house.clock()), "passphrase": "wrong"}
        )
        assert (page.status, shown in page.text.replace(" ", "")) == (403, True)
        page = browser.press(
            page,
            "Use this app from now on",
            {"code": totp.current_code(secret, house.clock()), "passphrase": PASSPHRASE},
        )
        assert "From now on the codes of the new app count" in page.text
        assert "9 of 10 are left" in page.text  # in every window that was open, too
        assert "9 recovery codes are left" in amira.get("/keys").text

        assert try_in(house, totp.current_code(secret, house.clock())).status == 403  # it was used on that page
        house.clock.forward(60)
        assert try_in(house, totp.current_code(lost, house.clock())).status == 403
        assert try_in(house, totp.current_code(secret, house.clock())).path == "/inbox"
        assert logged(house, Act.AUTHENTICATOR_REPLACED) == ["amira"]

    def test_a_page_of_somebody_else_sets_nothing(self, house: House, amira: Browser, jonas: Browser) -> None:
        page = amira.get("/second-factor/authenticator")
        remembered = page.find("//input[@name='remembered']")[0].get("value")
        token = jonas.get("/keys").find("//input[@name='token']")[0].get("value")
        values = {"token": token, "remembered": remembered, "code": "000000", "passphrase": PASSPHRASES["jonas"]}
        assert jonas.post("/second-factor/authenticator", values).status == 403
        assert jonas.post("/second-factor/authenticator", {**values, "remembered": "x"}).status == 400


def test_at_enrolment_they_are_shown_once_and_work(house: House) -> None:
    lena, dana = house.enter("lena"), house.stranger()
    page = lena.press(lena.get("/staff"), "Invite", {"handle": "dana"})
    code = str(page.find("//p[@class='shown mono']")[0].text_content())
    page = dana.press(dana.get("/enrol"), "Make my keys", {"handle": "dana", "invitation": code})
    shown = [str(item.text_content()).strip() for item in page.find("//ol[@aria-label='Recovery codes']/li")]
    assert all(re.fullmatch("[0-9A-Z]{5}-[0-9A-Z]{5}", each) for each in shown)
    passphrase = str(page.find("//p[@class='shown mono']")[0].text_content())
    again = dana.press(page, "I have all", {"passphrase": passphrase, "code": "000000"})
    assert shown[9] in again.text  # nothing was lost by a wrong code
    staff = key_file.unlock(house.settings.desk.keyfiles / "dana.key", passphrase)
    assert len(staff.recovery_codes) == 10
    assert all(recovery_codes.find(staff.recovery_codes, each) for each in shown)
