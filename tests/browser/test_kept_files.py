"""Chromium with scripting off on a narrow screen: files are added one by one, kept, taken out, and sent once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.wait import WebDriverWait

from fieldreport.bench.letterbox import Zone, running_letterbox
from fieldreport.mailbox import open_mailbox
from tests.cast import cheap_keys
from tests.intake.samples import OLD_WORD, photo

pytestmark = pytest.mark.browser

type_of_starter = Callable[..., webdriver.Chrome]

ADD, SEND = "//main//form[@enctype]//button[@formaction][1]", "//main//form[@enctype]//button[not(@formaction)]"
KEPT = "//section[@id='kept']//bdi"


@pytest.fixture(scope="module")
def letterbox() -> Iterator[Zone]:
    with cheap_keys(), running_letterbox(workers=2, editors=("amira",)) as running:
        yield running


class Page:
    def __init__(self, driver: webdriver.Chrome, base: str, files: Path) -> None:
        self.driver, self.base, self.files = driver, base, files

    def one(self, path: str) -> WebElement:
        return self.driver.find_element(By.XPATH, path)

    def texts(self, path: str) -> list[str]:
        return [each.text for each in self.driver.find_elements(By.XPATH, path)]

    def choose(self, *names: str) -> None:
        self.one("//input[@name='files']").send_keys("\n".join(str(self.files / name) for name in names))

    def press(self, path: str, *keys: str) -> None:
        body = self.one("//body")
        self.one(path).send_keys(*(keys or (Keys.ENTER,)))
        WebDriverWait(self.driver, 30, ignored_exceptions=(WebDriverException,)).until(staleness_of(body))


@pytest.mark.campaign
@pytest.mark.parametrize(("language", "path"), [("en", "report"), ("ar", "return")])
def test_files_are_added_one_by_one_and_sent_once(
    letterbox: Zone, chromium: type_of_starter, tmp_path: Path, language: str, path: str
) -> None:
    for name, content in (("a.jpg", photo(shade=1)), ("b.jpg", photo(shade=2)), ("old.doc", OLD_WORD)):
        (tmp_path / name).write_bytes(content)
    with closing(open_mailbox(letterbox.settings)) as mailbox:
        before = mailbox.totals().letters
    driver = chromium(scripting=False, width=320, language=language)
    page = Page(driver, f"http://127.0.0.1:{letterbox.port}/{language}", tmp_path)
    driver.get(f"{page.base}/report")
    if path == "return":
        codename = " ".join(page.texts("//ol[@class='words']/li"))
        driver.get(f"{page.base}/return")
        page.one("//textarea[@name='codename'] | //input[@name='codename']").send_keys(codename)
        page.press("//main//form//button")
    page.one("//textarea[@name='report']").send_keys("Nine trucks.")
    page.choose("a.jpg")
    page.press(ADD)
    assert page.texts(KEPT) == ["a.jpg"]
    driver.refresh()
    assert page.texts(KEPT) == ["a.jpg"]
    page.choose("b.jpg", "old.doc")
    page.press(SEND)
    assert page.texts(KEPT) == ["a.jpg", "b.jpg"]
    assert page.texts("//div[@role='alert']//bdi") == ["old.doc"]
    assert page.one("//textarea[@name='report']").get_property("value") == "Nine trucks."
    page.press(SEND)
    assert page.texts("//div[@role='alert']//bdi") == ["old.doc"], "fewer files than before"
    page.press("//button[@name='take_out']")
    assert page.texts(KEPT) == ["b.jpg"]
    page.one("//input[@name='without_refused']").send_keys(Keys.SPACE)
    page.press(SEND)
    assert page.texts("//dl[@id='received']//bdi") == ["b.jpg", "old.doc"]
    with closing(open_mailbox(letterbox.settings)) as mailbox:
        assert mailbox.totals().letters == before + 1


@pytest.mark.campaign
def test_the_enter_key_in_a_line_sends_nothing(letterbox: Zone, chromium: type_of_starter, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("hello\n")
    driver = chromium(scripting=False, width=320)
    page = Page(driver, f"http://127.0.0.1:{letterbox.port}/en", tmp_path)
    driver.get(f"{page.base}/report")
    page.choose("a.txt")
    page.press("//input[@name='when']", "last spring", Keys.ENTER)
    assert driver.title.startswith("Not sent yet")
    assert page.texts(KEPT) == ["a.txt"]
    assert page.one("//input[@name='when']").get_property("value") == "last spring"
    page.press("//button[@name='delete_files']")
    assert page.texts("//h1") == ["The files are deleted"]
