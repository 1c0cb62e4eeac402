"""Somebody enrols in a real browser, on a narrow telephone; the admin approves them, and removes them again.

Every page on the way is asked about by axe, and none is wider than its window.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By

from fieldreport.cli import demo_newsroom
from fieldreport.unseal import key_file, totp
from tests.browser.test_whole_path import AXE_RUN, Screen, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.campaign]


def confirm(lena: Screen, newsroom: demo_newsroom.Demo, button: str) -> None:
    lena.fill({"passphrase": newsroom.people[demo_newsroom.ADMIN].passphrase})
    lena.press(button)


def test_somebody_enrols_is_approved_reads_and_is_removed(
    newsroom: demo_newsroom.Demo, chromium: Callable[..., webdriver.Chrome], code_of: Callable[[str], str], axe: str
) -> None:
    found: dict[str, list[str]] = {}

    def look(screen: Screen) -> None:
        screen.driver.execute_script(axe)
        problems = screen.driver.execute_async_script(AXE_RUN)
        width, window = screen.driver.execute_script("return [document.documentElement.scrollWidth, window.innerWidth]")
        if width > window:
            problems.append(f"{width} pixels wide")
        found.setdefault(screen.name, []).extend(problems)

    def start(width: int) -> Screen:
        driver = chromium(scripting=True, width=width)
        driver.set_script_timeout(60)
        return Screen(driver, newsroom, each=look)

    lena, dana = start(1024), start(320)
    sign_in(lena, demo_newsroom.ADMIN, code_of)
    lena.open("desk", "/staff")
    lena.one("//input[@id='handle']").send_keys("dana")
    lena.press("Invite")
    (invitation,) = lena.words("//p[@class='shown mono']")

    dana.open("desk", "/sign-in")
    dana.follow("Make your keys")
    dana.fill({"handle": "dana", "invitation": "not these seven words at all today"})
    dana.press("Make my keys")
    assert dana.driver.title.startswith("Not accepted")
    dana.fill({"invitation": invitation})
    dana.press("Make my keys")
    passphrase, _ = dana.words("//p[@class='shown mono']")
    dana.fill({"passphrase": passphrase, "code": "000000"})
    dana.press("I have all")
    assert dana.words("//*[@id='code-problem']")
    secret = key_file.unlock(newsroom.settings.desk.keyfiles / "dana.key", passphrase).totp
    dana.fill({"passphrase": passphrase, "code": totp.current_code(secret, time.time())})
    dana.press("I have all")
    (words,) = dana.words("//p[@class='shown']")

    lena.open("desk", "/staff")
    lena.follow("dana waits for your approval")
    assert lena.words("//section[@aria-label='Fingerprint']//dd")[0] == words
    confirm(lena, newsroom, "The words are the same: approve")
    assert "dana can sign in now" in lena.text

    dana.follow("sign in")
    code = totp.code_at(secret, int(time.time() // totp.PERIOD_SECONDS) + 1)  # the other one was practised with
    dana.fill({"handle": "dana", "passphrase": passphrase, "code": code})
    dana.press("Unlock")
    assert dana.words("//h1") == ["Inbox"]

    lena.follow("Remove dana")
    confirm(lena, newsroom, "Remove dana")
    assert "1 of their sessions was locked" in lena.text
    dana.driver.get(newsroom.url("desk") + "/inbox")
    assert dana.driver.find_elements(By.NAME, "passphrase")

    assert len(found) >= 9
    assert {name: problems for name, problems in found.items() if problems} == {}
