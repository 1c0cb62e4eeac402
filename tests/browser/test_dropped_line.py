"""Chromium with scripting off over a line that is cut at random points: who sends until it works sends one letter."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
from selenium import webdriver
from selenium.common.exceptions import NoAlertPresentException, NoSuchElementException, WebDriverException
from selenium.webdriver.common.by import By

from fieldreport.bench.letterbox import Zone, running_letterbox
from fieldreport.mailbox import open_mailbox
from tests.cast import cheap_keys
from tests.web.dropped_line import DroppedLine, dropped_line

pytestmark = [pytest.mark.browser, pytest.mark.campaign]

type_of_starter = Callable[..., webdriver.Chrome]
_TRIES = 60


@pytest.fixture(scope="module")
def letterbox() -> Iterator[Zone]:
    with cheap_keys(), running_letterbox(workers=1, editors=("amira",)) as running:
        yield running


def shown(driver: webdriver.Chrome, path: str) -> bool:
    try:
        return bool(driver.find_elements(By.XPATH, path))
    except WebDriverException:
        return False


def is_whole(driver: webdriver.Chrome) -> bool:
    """The footer is the last part of every page of ours; Chromium's own error pages have none."""
    return shown(driver, "//footer")


def reload_until(driver: webdriver.Chrome, path: str) -> None:
    """Press "reload" as a person would, and "continue" when the browser asks whether to send the form again."""
    for _ in range(_TRIES):
        if is_whole(driver) and shown(driver, path):
            return
        with suppress(WebDriverException):
            driver.refresh()
        with suppress(NoAlertPresentException, WebDriverException):
            driver.switch_to.alert.accept()
        time.sleep(0.05)
    raise AssertionError(f"not shown after {_TRIES} tries: {path}")


def words(driver: webdriver.Chrome) -> list[str]:
    listed = driver.find_elements(By.XPATH, "//ol[@class='words']/li")
    return [str(element.get_property("textContent")).strip() for element in listed]


def send(driver: webdriver.Chrome, line: DroppedLine, language: str, text: str) -> None:
    with suppress(WebDriverException):
        driver.get(f"http://127.0.0.1:{line.port}/{language}/report")
    reload_until(driver, "//textarea[@name='report']")
    codename = words(driver)
    driver.find_element(By.NAME, "report").send_keys(text)
    with suppress(WebDriverException, NoSuchElementException):
        driver.find_element(By.XPATH, "//main//form[not(@target)]//button[not(@formaction)]").click()
    reload_until(driver, "//dl[@id='received']")
    assert words(driver) == codename


@pytest.mark.parametrize("language", ["en", "ko", "ar"])
def test_a_report_that_is_sent_until_the_receipt_is_there_is_one_letter(
    letterbox: Zone, chromium: type_of_starter, language: str
) -> None:
    mailbox = open_mailbox(letterbox.settings)
    before = mailbox.totals().letters
    driver = chromium(scripting=False, language=language)
    with dropped_line(letterbox.port, seed=11, request_bytes=1500, answer_bytes=14_000) as line:
        for number in range(2):
            send(driver, line, language, f"Nine trucks, report {number}. " * 20)
        assert line.cuts["request"]
        assert line.cuts["answer"]
    assert mailbox.totals().letters == before + 2
    mailbox.close()
