"""Signing in with the cookies of the default settings, in browsers that decide themselves what they keep."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.virtual_authenticator import VirtualAuthenticatorOptions
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.support import expected_conditions as conditions
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser.conftest import served, type_of_driver
from tests.browser.marionette import firefox
from tests.browser.test_whole_path import AXE_RUN
from tests.cast import PASSPHRASES
from tests.desk.conftest import House, build, furnished, house, scrubber, sources  # noqa: F401 - fixtures

_ONION: Final = f"{'a' * 56}.onion"
_HOSTS: Final = ["127.0.0.1", "localhost", _ONION]


def sign_in(driver: WebDriver, house: House, address: str) -> None:  # noqa: F811
    driver.get(f"{address}/sign-in")
    typed = {"handle": "amira", "passphrase": PASSPHRASES["amira"], "code": house.code("amira")}
    for name, value in typed.items():
        driver.find_element(By.NAME, name).send_keys(value)
    button = driver.find_element(By.XPATH, "//button[.='Unlock']")
    button.click()
    WebDriverWait(driver, 60, ignored_exceptions=(WebDriverException,)).until(conditions.staleness_of(button))
    WebDriverWait(driver, 60).until(conditions.presence_of_element_located((By.TAG_NAME, "h1")))


@pytest.mark.browser
@pytest.mark.campaign
def test_chromium_keeps_them_on_this_machine(build: Callable[..., House], chromium: type_of_driver) -> None:  # noqa: F811
    house = build(desk={"secure_cookie": True})  # noqa: F811
    driver = chromium(scripting=False)
    with served(house.app) as port:
        sign_in(driver, house, f"http://127.0.0.1:{port}")
        assert driver.find_element(By.TAG_NAME, "h1").text == "Inbox"
        assert {each["name"] for each in driver.get_cookies()} == {"__Host-desk", "__Host-device"}


@pytest.mark.browser
def test_a_passkey_is_made_used_and_removed_in_chromium(
    build: Callable[..., House],  # noqa: F811
    chromium: type_of_driver,
    axe: str,
) -> None:
    house = build(desk={"secure_cookie": True})  # noqa: F811
    driver = chromium(scripting=True)
    driver.set_script_timeout(60)
    driver.add_virtual_authenticator(
        VirtualAuthenticatorOptions(
            protocol=VirtualAuthenticatorOptions.Protocol.CTAP2,
            transport=VirtualAuthenticatorOptions.Transport.INTERNAL,
            has_resident_key=True,
            has_user_verification=True,
            is_user_verified=True,
        )
    )
    patience = WebDriverWait(driver, 60)

    def press(words: str) -> None:
        patience.until(conditions.element_to_be_clickable((By.XPATH, f"//button[.='{words}']"))).click()

    def axe_finds_nothing() -> None:
        driver.execute_script(axe)
        found = driver.execute_async_script(AXE_RUN)
        assert found == [], found

    with served(house.app) as port:
        address = f"http://localhost:{port}"
        sign_in(driver, house, address)
        driver.get(f"{address}/second-factor/passkeys")
        patience.until(conditions.visibility_of_element_located((By.NAME, "name")))
        assert not driver.find_elements(By.XPATH, "//*[@data-passkey-off][not(@hidden)]")
        axe_finds_nothing()
        for name in ("blue key", "phone"):
            driver.get(f"{address}/second-factor/passkeys")
            patience.until(conditions.visibility_of_element_located((By.NAME, "name"))).send_keys(name)
            driver.find_element(By.NAME, "passphrase").send_keys(PASSPHRASES["amira"])
            press("Add a passkey")
            if name == "blue key":
                patience.until(conditions.url_to_be(f"{address}/second-factor"))
            else:  # this authenticator has one for this desk already
                patience.until(
                    conditions.text_to_be_present_in_element((By.XPATH, "//*[@data-passkey-said]"), "already")
                )
        driver.get(f"{address}/second-factor")
        assert driver.find_element(By.LINK_TEXT, "Remove blue key").is_displayed()
        axe_finds_nothing()
        driver.delete_all_cookies()

        driver.get(f"{address}/sign-in")
        axe_finds_nothing()
        for name, value in {"handle": "amira", "passphrase": PASSPHRASES["amira"]}.items():
            driver.find_element(By.NAME, name).send_keys(value)
        press("Unlock with a passkey")
        patience.until(conditions.url_to_be(f"{address}/inbox"))

        driver.get(f"{address}/second-factor")
        driver.find_element(By.LINK_TEXT, "Remove blue key").click()
        patience.until(conditions.visibility_of_element_located((By.NAME, "passphrase"))).send_keys(
            PASSPHRASES["amira"]
        )
        press("Remove this passkey")
        patience.until(conditions.url_to_be(f"{address}/second-factor"))
        patience.until(conditions.visibility_of_element_located((By.TAG_NAME, "h1")))
        assert not driver.find_elements(By.LINK_TEXT, "Remove blue key")


@pytest.mark.campaign
@pytest.mark.browser
def test_where_browsers_make_no_passkeys_the_code_stays(
    build: Callable[..., House],  # noqa: F811
    chromium: type_of_driver,
) -> None:
    house = build(desk={"secure_cookie": False})  # noqa: F811
    with served(house.app) as port:
        for scripting, host in ((False, "localhost"), (True, "127.0.0.1")):
            driver = chromium(scripting=scripting)
            driver.get(f"http://{host}:{port}/sign-in")
            buttons = driver.find_elements(By.XPATH, "//button[.='Unlock with a passkey']")
            assert not any(button.is_displayed() for button in buttons)
            sign_in(driver, house, f"http://{host}:{port}")
            driver.get(f"http://{host}:{port}/second-factor/passkeys")
            said = driver.find_element(By.TAG_NAME, "main").text
            assert ("This browser makes no passkeys here" if host == "localhost" else "open under a number") in said


@pytest.mark.campaign
@pytest.mark.firefox
@pytest.mark.parametrize("browser", ["tor-browser", "firefox"])
def test_on_an_onion_address_they_are_kept_with_the_setting_that_tor_browser_has(
    build: Callable[..., House],  # noqa: F811
    tmp_path: Path,
    browser: str,
) -> None:
    house = build(desk={"secure_cookie": True, "trusted_hosts": _HOSTS})  # noqa: F811
    more = {
        "dom.securecontext.allowlist_onions": browser == "tor-browser",
        "network.dns.blockDotOnion": False,
        "network.dns.localDomains": _ONION,
    }
    with (
        firefox(tmp_path / "profile", scripting=False, width=1024, language="en", more=more) as driver,
        served(house.app) as port,
    ):
        sign_in(driver, house, f"http://{_ONION}:{port}")
        heading = driver.find_element(By.TAG_NAME, "h1").text
        if browser == "tor-browser":
            assert heading == "Inbox"
        else:
            assert heading == "Sign in"
            assert "Your browser did not keep you signed in" in driver.find_element(By.TAG_NAME, "main").text
