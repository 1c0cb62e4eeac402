"""A key file bound to passkeys, in Chromium with virtual authenticators: with the extension PRF, and without."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.chrome.webdriver import WebDriver
from selenium.webdriver.common.by import By
from selenium.webdriver.support import expected_conditions as conditions
from selenium.webdriver.support.ui import WebDriverWait

from fieldreport.unseal import key_file
from tests.browser.conftest import served, type_of_driver
from tests.browser.test_sign_in import sign_in
from tests.browser.test_whole_path import AXE_RUN
from tests.cast import PASSPHRASES
from tests.desk.conftest import House, build, furnished, house, scrubber, sources  # noqa: F401 - fixtures

PASSPHRASE: Final = PASSPHRASES["amira"]
SHOTS: Final = os.environ.get("FIELDREPORT_TESTS_SHOTS", "")
"""A directory for pictures of the pages, to be looked at; none by default."""


@dataclass
class Screen:
    """Amira's browser, and the authenticators at it."""

    driver: WebDriver
    house: House
    address: str
    axe: str
    authenticators: list[str] = field(default_factory=list)

    def plug_in(self, transport: str, *, prf: bool) -> None:
        """One more authenticator; only this one is touched from now on."""
        options = {
            "protocol": "ctap2",
            "ctap2Version": "ctap2_1",
            "transport": transport,
            "hasResidentKey": True,
            "hasUserVerification": True,
            "hasPrf": prf,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        made = self.driver.execute_cdp_cmd("WebAuthn.addVirtualAuthenticator", {"options": options})
        self.authenticators.append(made["authenticatorId"])
        self.touch(len(self.authenticators) - 1)

    def touch(self, number: int) -> None:
        """Let only this authenticator answer."""
        for each, name in enumerate(self.authenticators):
            self.driver.execute_cdp_cmd(
                "WebAuthn.setAutomaticPresenceSimulation", {"authenticatorId": name, "enabled": each == number}
            )

    def wait(self, condition: Callable[..., object]) -> None:
        # The driver answers with errors of its own while one page gives way to the next.
        WebDriverWait(self.driver, 60, ignored_exceptions=(WebDriverException,)).until(condition)

    def get(self, path: str) -> None:
        self.driver.get(f"{self.address}{path}")

    def type_(self, **typed: str) -> None:
        for name, value in typed.items():
            element = self.driver.find_element(By.NAME, name)
            self.wait(conditions.visibility_of(element))
            element.clear()
            element.send_keys(value)

    def press(self, words: str) -> None:
        button = self.driver.find_element(By.XPATH, f"//button[.='{words}']")
        self.wait(conditions.element_to_be_clickable(button))
        button.click()
        self.wait(conditions.staleness_of(button))
        self.wait(conditions.presence_of_element_located((By.TAG_NAME, "h1")))

    def follow(self, words: str) -> None:
        link = self.driver.find_element(By.LINK_TEXT, words)
        link.click()
        self.wait(conditions.staleness_of(link))

    def text(self) -> str:
        return self.driver.find_element(By.TAG_NAME, "main").text

    def headings(self) -> list[str]:
        return [each.text for each in self.driver.find_elements(By.XPATH, "//h1 | //h2")]

    def lock(self) -> None:
        self.driver.delete_all_cookies()
        self.get("/sign-in")

    def with_passkey(self) -> None:
        self.lock()
        self.type_(handle="amira", passphrase=PASSPHRASE)
        self.press("Unlock with a passkey")

    def with_code(self, code: str) -> None:
        self.lock()
        self.type_(handle="amira", passphrase=PASSPHRASE, code=code)
        self.press("Unlock")

    def add(self, name: str) -> None:
        self.get("/second-factor/passkeys")
        self.type_(name=name, passphrase=PASSPHRASE)
        self.press("Add a passkey")
        assert f"Remove {name}" in self.text()

    def bind(self) -> None:
        self.get("/second-factor/key-file")
        self.type_(passphrase=PASSPHRASE)
        self.press("Bind it")

    def look(self, name: str) -> None:
        """Axe on the page as it is, and its picture in both colours at both widths where somebody wants to see it."""
        for scheme in ("light", "dark"):
            media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
            self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
            self.driver.execute_script(self.axe)
            found = self.driver.execute_async_script(AXE_RUN)
            assert found == [], f"{name}, {scheme}: {found}"
            for width in (768, 1024) if SHOTS else ():
                size = {"width": width, "height": 1400, "deviceScaleFactor": 1, "mobile": False}
                self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
                assert self.driver.get_screenshot_as_file(str(Path(SHOTS, f"{name}-{scheme}-{width}.png")))
            self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": []})


@pytest.fixture
def screen(build: Callable[..., House], chromium: type_of_driver, axe: str) -> Iterator[Screen]:  # noqa: F811
    house = build(desk={"secure_cookie": True})  # noqa: F811
    driver = chromium(scripting=True)
    driver.set_script_timeout(60)
    driver.execute_cdp_cmd("WebAuthn.enable", {})
    with served(house.app) as port:
        made = Screen(driver, house, f"http://localhost:{port}", axe)
        sign_in(driver, house, made.address)
        yield made


def codes_on(screen: Screen) -> list[str]:
    return [each.text for each in screen.driver.find_elements(By.XPATH, "//ol[@aria-label='Recovery codes']/li")]


@pytest.mark.campaign
@pytest.mark.browser
def test_it_is_bound_and_opened_in_chromium(screen: Screen) -> None:
    path = screen.house.settings.desk.keyfiles / "amira.key"
    screen.plug_in("internal", prf=True)
    screen.add("laptop")
    screen.look("unbound")
    screen.follow("Bind your key file to a passkey")
    screen.wait(conditions.visibility_of_element_located((By.NAME, "passphrase")))
    screen.look("bind")
    screen.type_(passphrase="wrong")
    screen.press("Bind it")
    assert "The passphrase or the passkey did not match. Nothing was changed." in screen.text()
    assert not key_file.needs_part(path)
    screen.bind()
    codes = codes_on(screen)
    assert {len(code.replace("-", "")) for code in codes} == {30}
    assert key_file.needs_part(path)
    screen.look("codes")
    screen.get("/second-factor")
    assert "Your key file is bound" in screen.text()
    screen.look("bound")

    screen.with_code(screen.house.code("amira"))
    assert screen.headings()[0] == "Sign in"
    assert "opens with that or with a recovery code, and with no code of the app" in screen.text()
    assert screen.driver.find_element(By.NAME, "handle").get_attribute("value") == "amira"
    screen.look("refused")
    screen.with_passkey()
    assert screen.headings()[0] == "Inbox"
    screen.with_code(codes[0])
    assert "strike it out on your paper. 9 are left" in screen.text()
    screen.with_code(codes[0])
    assert screen.headings()[0] == "Sign in"


@pytest.mark.campaign
@pytest.mark.browser
def test_a_second_one_opens_it_and_one_that_was_removed_does_not_in_chromium(screen: Screen) -> None:
    path = screen.house.settings.desk.keyfiles / "amira.key"
    screen.plug_in("internal", prf=True)
    screen.add("laptop")
    screen.bind()
    screen.plug_in("usb", prf=True)
    screen.add("blue key")
    screen.with_passkey()
    assert screen.headings()[0] == "Sign in", "it is kept, and opens nothing yet"
    screen.touch(0)
    screen.with_passkey()
    screen.touch(1)
    screen.bind()
    assert "Your key file opens with the passkey blue key, too." in screen.text()
    screen.with_passkey()
    assert screen.headings()[0] == "Inbox"
    screen.get("/second-factor")
    screen.follow("Remove laptop")
    screen.look("remove")
    screen.type_(passphrase=PASSPHRASE)
    screen.press("Remove this passkey")
    screen.touch(0)
    screen.with_passkey()
    assert screen.headings()[0] == "Sign in", "it was removed"
    screen.touch(1)
    screen.with_passkey()
    assert screen.headings()[0] == "Inbox"

    screen.get("/second-factor")
    screen.follow("End the binding")
    screen.look("unbind")
    screen.type_(passphrase=PASSPHRASE)
    screen.press("End the binding")
    assert not key_file.needs_part(path)
    screen.with_passkey()
    assert screen.headings()[0] == "Inbox"


@pytest.mark.campaign
@pytest.mark.browser
def test_an_authenticator_without_prf_is_offered_nothing_in_chromium(screen: Screen) -> None:
    screen.plug_in("internal", prf=False)
    screen.add("old key")
    assert "Key file" not in screen.headings()
    screen.get("/second-factor/key-file")
    assert "No passkey of yours can be used for this here" in screen.text()
    screen.look("none")
    screen.with_passkey()
    assert screen.headings()[0] == "Inbox"
    # With one that has it the file is bound; the old one does not let in then.
    screen.plug_in("usb", prf=True)
    screen.add("new key")
    screen.bind()
    assert len(codes_on(screen)) == 10
    screen.touch(0)
    screen.with_passkey()
    assert screen.headings()[0] == "Sign in"
    screen.touch(1)
    screen.with_passkey()
    assert screen.headings()[0] == "Inbox"


@pytest.mark.campaign
@pytest.mark.browser
def test_nothing_of_the_answer_stays_in_the_page(screen: Screen) -> None:
    screen.plug_in("internal", prf=True)
    screen.add("laptop")
    screen.get("/second-factor/key-file")
    screen.type_(passphrase="wrong")
    screen.press("Bind it")
    for back in (False, True):
        if back:
            screen.driver.back()
        screen.wait(conditions.visibility_of_element_located((By.XPATH, "//button[.='Bind it']")))
        assert screen.driver.find_element(By.NAME, "passkey").get_attribute("value") == ""
