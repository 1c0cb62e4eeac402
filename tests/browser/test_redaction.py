"""Redaction as Chromium does it: clicks without a script, a drag with it, words of a file; both widths, and axe."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator

import pytest
from PIL import Image
from selenium import webdriver
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import WebDriverWait

from tests.browser.conftest import served
from tests.browser.test_whole_path import AXE_RUN
from tests.cast import File
from tests.desk.conftest import House, build, furnished, house, scrubber, sources  # noqa: F401 - fixtures
from tests.desk.test_articles import start
from tests.desk.test_redaction import FACE, WORD, portrait, statement

pytestmark = [pytest.mark.browser, pytest.mark.campaign]

_MIDDLE = (352, 264)  # of the picture as it is shown: clicks are given from there
_CORNERS = [(x * 704 // 800 - _MIDDLE[0], y * 704 // 800 - _MIDDLE[1]) for x, y in (FACE[:2], FACE[2:])]


@pytest.fixture
def desk(house: House) -> Iterator[str]:  # noqa: F811
    with served(house.app) as port:
        yield f"http://127.0.0.1:{port}"


@pytest.mark.parametrize(("way", "language"), [("clicks", "en"), ("dragging", "ar")])
def test_a_face_is_marked_and_only_the_redacted_photo_is_in_the_article(
    house: House,  # noqa: F811
    desk: str,
    chromium: Callable[..., webdriver.Chrome],
    axe: str,
    way: str,
    language: str,
) -> None:
    scripting = way == "dragging"
    case = house.receive(files=[File("photo-1.jpg", "image/jpeg", portrait())])
    browser = house.enter("amira")
    page = start(house, browser, case)
    title, body = ("خرجوا ليلاً", "قال شهود.\n\n![](photo-1.jpg)") if language == "ar" else ("Out", "Words.")
    page = browser.press(page, "Save", {"title": title, "body": body, "language": language})
    driver = chromium(scripting=scripting)
    driver.get(f"{desk}/sign-in")
    driver.add_cookie({"name": "desk", "value": browser.cookie or ""})

    def look(width: int) -> None:
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 1400, "deviceScaleFactor": 1, "mobile": False},
        )
        if scripting:
            assert driver.execute_script("return document.documentElement.scrollWidth") <= width
            driver.execute_script(axe)
            assert driver.execute_async_script(AXE_RUN) == []

    def press(words: str) -> None:
        button = driver.find_element(By.XPATH, f"//button[normalize-space()='{words}']")
        button.click()
        WebDriverWait(driver, 60, ignored_exceptions=(WebDriverException,)).until(staleness_of(button))

    driver.get(desk + page.path)
    press("Redact and attach photo-1.jpg")
    picture = driver.find_element(By.CSS_SELECTOR, "input[type=image]")
    for width in (768, 1024):
        look(width)
    WebDriverWait(driver, 60).until(lambda _: picture.size["height"] == 528)
    if scripting:
        ActionChains(driver).move_to_element_with_offset(picture, *_CORNERS[0]).click_and_hold().move_by_offset(
            *(end - begin for begin, end in zip(*_CORNERS, strict=True))
        ).release().perform()
        WebDriverWait(driver, 60, ignored_exceptions=(WebDriverException,)).until(staleness_of(picture))
    else:
        for x, y in _CORNERS:
            picture = driver.find_element(By.CSS_SELECTOR, "input[type=image]")
            ActionChains(driver).move_to_element_with_offset(picture, x, y).click().perform()
            WebDriverWait(driver, 60, ignored_exceptions=(WebDriverException,)).until(staleness_of(picture))
    assert len(driver.find_elements(By.CSS_SELECTOR, ".areas li")) == 1
    look(1024)
    press("Make the redacted file")
    assert "Redacted: a new file" in driver.find_element(By.TAG_NAME, "main").text
    for width in (768, 1024):
        look(width)
    made = Image.open(io.BytesIO(browser.get(f"{page.path}/media/photo-1.jpg").body))
    left, top, right, bottom = FACE
    assert made.crop((left + 2, top + 2, right - 2, bottom - 2)).getextrema() == ((0, 0),) * 3
    assert made.getpixel((10, 590)) != (0, 0, 0)
    preview = browser.get(f"{page.path}/preview")
    assert preview.find("//article")[0].get("dir") == "auto"
    assert len(preview.find("//article//img")) == 1


def test_words_of_a_word_file_are_ticked_and_typed_and_only_what_is_left_is_in_the_article(
    house: House,  # noqa: F811
    desk: str,
    chromium: Callable[..., webdriver.Chrome],
    axe: str,
) -> None:
    case = house.receive(files=[File("document-1.docx", WORD, statement())])
    browser = house.enter("amira")
    page = browser.press(start(house, browser, case), "Save", {"title": "밤에", "body": "말.", "language": "ko"})
    driver = chromium(scripting=True)
    driver.get(f"{desk}/sign-in")
    driver.add_cookie({"name": "desk", "value": browser.cookie or ""})

    def press(words: str) -> None:
        button = driver.find_element(By.XPATH, f"//button[normalize-space()='{words}'][not(@aria-hidden)]")
        button.click()
        WebDriverWait(driver, 60, ignored_exceptions=(WebDriverException,)).until(staleness_of(button))
        for width in (768, 1024):
            size = {"width": width, "height": 1400, "deviceScaleFactor": 1, "mobile": False}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            assert driver.execute_script("return document.documentElement.scrollWidth") <= width
            driver.execute_script(axe)
            assert driver.execute_async_script(AXE_RUN) == []

    driver.get(desk + page.path)
    press("Redact and attach the words of document-1.docx")
    driver.find_element(By.XPATH, "//label[contains(., 'مُحَمَّد')]").click()
    driver.find_element(By.XPATH, "//tr[td='김철수']//input").click()
    driver.find_element(By.ID, "passages").send_keys("박영호\npak yong-ho")
    press("Show where they stand")
    assert [each.text for each in driver.find_elements(By.TAG_NAME, "mark")] == ["박영호", "ＰＡＫ yong-ho", "박영호"]
    press("Look at what is left")
    press("Make the redacted text")
    assert "Redacted: a new text" in driver.find_element(By.TAG_NAME, "main").text
    made = browser.get(f"{page.path}/media/text-1.txt").body.decode()
    assert made == "경비대 보고\n█████ 대위가 █████라고 서명했다.\n█████\n이름\t직위\n█████\t대위\n█████\n끝.\n"
