"""Signing in with the cookies of the default settings, in browsers that decide themselves what they keep."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from werkzeug.serving import make_server

from tests.browser.conftest import type_of_driver
from tests.browser.marionette import firefox
from tests.cast import PASSPHRASES
from tests.desk.conftest import House, build, furnished, house, scrubber, sources  # noqa: F401 - fixtures

_ONION: Final = f"{'a' * 56}.onion"
_HOSTS: Final = ["127.0.0.1", "localhost", _ONION]


@contextlib.contextmanager
def listening(house: House) -> Iterator[int]:  # noqa: F811
    """The port of a desk that runs in a thread."""
    server = make_server("127.0.0.1", 0, house.app, threaded=True)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server.server_port
    server.shutdown()
    thread.join()
    server.server_close()


def sign_in(driver: WebDriver, house: House, address: str) -> None:  # noqa: F811
    driver.get(f"{address}/sign-in")
    typed = {"handle": "amira", "passphrase": PASSPHRASES["amira"], "code": house.code("amira")}
    for name, value in typed.items():
        driver.find_element(By.NAME, name).send_keys(value)
    driver.find_element(By.XPATH, "//button[.='Unlock']").click()


@pytest.mark.browser
def test_chromium_keeps_them_on_this_machine(build: Callable[..., House], chromium: type_of_driver) -> None:  # noqa: F811
    house = build(desk={"secure_cookie": True})  # noqa: F811
    driver = chromium(scripting=False)
    with listening(house) as port:
        sign_in(driver, house, f"http://127.0.0.1:{port}")
        assert driver.find_element(By.TAG_NAME, "h1").text == "Inbox"
        assert {each["name"] for each in driver.get_cookies()} == {"__Host-desk", "__Host-device"}


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
        listening(house) as port,
    ):
        sign_in(driver, house, f"http://{_ONION}:{port}")
        heading = driver.find_element(By.TAG_NAME, "h1").text
        if browser == "tor-browser":
            assert heading == "Inbox"
        else:
            assert heading == "Sign in"
            assert "Your browser did not keep you signed in" in driver.find_element(By.TAG_NAME, "main").text
