"""Reload, Back and the history in three engines, without scripts: no page shows one codename and sends another.

What differs. On Back, Firefox, and so Tor Browser, asks for the page again: an empty form with another codename.
WebKit shows the page that was left from its memory, with what was typed; Chromium does the same, or asks for it again
and types the words in beside the new codename. No engine keeps what was typed through a reload. A page that answered
a form is not shown again by Chromium and Firefox: they say that it has expired, and Firefox asks before it sends the
form once more.
"""

from __future__ import annotations

import contextlib

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import WebDriverWait

from fieldreport.cli.demo_newsroom import Demo
from tests.browser.test_whole_path import Screen, come_back, type_of_starter

pytestmark = [
    pytest.mark.campaign,
    pytest.mark.browser,
    pytest.mark.parametrize(
        "start",
        [
            "chromium",
            pytest.param("firefox", marks=pytest.mark.firefox),
            pytest.param("webkit", marks=pytest.mark.webkit),
        ],
        indirect=True,
    ),
]

SECONDS = 60
TEXT = "Trucks at the bridge."
REPORT = "//textarea[@name='report']"


def form_of(screen: Screen) -> tuple[str, str]:
    """What is typed in the form that is shown, and its codename: the one on the page is the one that is sent."""
    WebDriverWait(screen.driver, SECONDS, ignored_exceptions=(WebDriverException,)).until(
        lambda driver: driver.find_elements(By.XPATH, REPORT)
    )
    fields = screen.driver.find_elements(By.XPATH, "//input[@name='codename']")
    assert {str(each.get_property("value")) for each in fields} == {screen.codename}
    return str(screen.one(REPORT).get_property("value")), screen.codename


def test_a_form_and_its_codename_stay_together_whatever_the_history_shows(
    newsroom: Demo, start: type_of_starter
) -> None:
    screen = Screen(start(scripting=False), newsroom)
    screen.open("intake", "/en/report")
    _, first = form_of(screen)
    screen.fill({"report": "Written before."})
    screen.driver.refresh()
    text, codename = form_of(screen)
    assert (text, codename == first) == ("", False)

    screen.fill({"report": TEXT})
    screen.one("//details[p[@class='types']]/summary").send_keys(Keys.ENTER)
    assert "JPG" in screen.words("//p[@class='types']")[0], "details open without a script"
    screen.one("//details[@class='languages']/summary").send_keys(Keys.ENTER)
    screen.press("Français")
    assert form_of(screen) == (TEXT, codename), "our own buttons keep what was typed"

    screen.driver.back()
    text, other = form_of(screen)
    assert text in {TEXT, ""}
    if screen.driver.name == "firefox":
        assert (text, other == codename) == ("", False)
    with contextlib.suppress(WebDriverException):  # in Firefox a page that says that it has expired is an error
        screen.driver.forward()
    if screen.driver.find_elements(By.XPATH, REPORT):
        assert form_of(screen)[0] in {TEXT, ""}
    assert screen.driver.get_cookies() == []


def test_a_receipt_that_is_loaded_again_and_a_form_that_is_sent_again_are_one_letter(
    newsroom: Demo, start: type_of_starter
) -> None:
    screen = Screen(start(scripting=False), newsroom)
    screen.open("intake", "/en/report")
    codename = screen.codename
    screen.fill({"report": TEXT})
    screen.press("Send the report")
    assert screen.words("//h1") == ["We have received it"]
    before = screen.one("/html")
    screen.driver.refresh()
    if screen.driver.name == "firefox":
        assert screen.driver.switch_to.alert.text, "it asks first"
        screen.driver.switch_to.alert.accept()
    WebDriverWait(screen.driver, SECONDS, ignored_exceptions=(WebDriverException,)).until(
        lambda driver: staleness_of(before)(driver) and driver.find_elements(By.ID, "received")
    )
    assert screen.codename == codename

    screen.driver.back()
    text, shown = form_of(screen)
    if shown == codename:
        assert text == TEXT
        screen.press("Send the report")
        assert (screen.words("//h1"), screen.codename) == (["We have received it"], codename)
    come_back(screen, codename)
    screen.press("Show what has arrived")
    assert len(screen.words("//ul[@id='arrived']/li")) == 1
    assert screen.driver.get_cookies() == []
