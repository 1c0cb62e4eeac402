"""The page of a case in Chromium: what is typed stays, the auto-lock is announced, and axe finds nothing."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import WebDriverWait

from fieldreport.vault.cases.inbox import CaseRow
from tests.browser.conftest import served, type_of_driver
from tests.browser.test_inbox import show
from tests.browser.test_whole_path import AXE_RUN
from tests.cast import PASSPHRASES, ROLES

# Without the newsroom's processes: this desk runs in a thread.
from tests.desk.conftest import House, build, furnished, scrubber, sources  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.campaign]

_TEXT = "هل أنت بخير؟\n아직 안전한가요?"


@pytest.fixture
def serve(build: Callable[..., House]) -> Iterator[Callable[..., tuple[House, str]]]:  # noqa: F811 - a fixture of the desk's
    """A desk that is served; arguments as for ``build``."""
    with contextlib.ExitStack() as stack:

        def one(**sections: Any) -> tuple[House, str]:
            house = build(**sections)
            return house, f"http://localhost:{stack.enter_context(served(house.app))}"

        yield one


def enter(house: House, driver: Any, address: str, handle: str = "amira") -> None:
    cookie, _ = house.desk.sessions.begin(handle=handle, role=ROLES[handle], seat=house.seat(handle))
    driver.get(f"{address}/desk.svg")
    driver.add_cookie({"name": "desk", "value": cookie})


def typed(driver: Any) -> str:
    return str(driver.find_element(By.NAME, "text").get_property("value"))


def press(driver: Any, words: str) -> None:
    buttons = driver.find_elements(By.XPATH, f"//main//button[normalize-space()='{words}']")
    with next_page(driver):
        next(each for each in buttons if each.is_displayed()).click()


@contextlib.contextmanager
def next_page(driver: Any) -> Iterator[None]:
    """Wait until the page that the block leaves is gone: the driver does not always."""
    old = driver.find_element(By.TAG_NAME, "html")
    yield
    WebDriverWait(driver, 60, ignored_exceptions=(WebDriverException,)).until(staleness_of(old))


def test_what_is_typed_stays_whatever_is_pressed_and_when_the_desk_locks(
    serve: Callable[..., tuple[House, str]], chromium: type_of_driver
) -> None:
    house, address = serve(desk={"idle_seconds": 60})
    case: CaseRow = house.receive()
    driver = chromium(scripting=False)
    enter(house, driver, address)
    driver.get(f"{address}/cases/{case.id.hex()}?write=reply")
    field = driver.find_element(By.NAME, "text")
    field.send_keys(_TEXT)
    press(driver, "Take it")
    assert typed(driver) == _TEXT
    assert "Assigned to amira." in driver.page_source
    label = driver.find_element(By.ID, "label")
    with next_page(driver):
        label.send_keys("border\n")  # Enter
    assert typed(driver) == _TEXT
    assert [each.text for each in driver.find_elements(By.CSS_SELECTOR, "h1 + p .tag")][-1] == "border"

    driver.find_element(By.NAME, "text").send_keys(Keys.CONTROL, Keys.END, Keys.NULL, " More.")
    house.clock.forward(60)  # locked
    press(driver, "Set")
    driver.find_element(By.NAME, "handle").send_keys("amira")
    driver.find_element(By.NAME, "passphrase").send_keys(PASSPHRASES["amira"])
    driver.find_element(By.NAME, "code").send_keys(house.code("amira"))
    press(driver, "Unlock")
    assert typed(driver) == f"{_TEXT} More."
    press(driver, "Send it now")
    assert typed(driver) == f"{_TEXT} More."
    press(driver, "Seal and send")
    assert house.replies() == [f"{_TEXT} More."]


def test_a_page_warns_of_the_auto_lock_then_hides_the_case_and_keeps_what_is_typed(
    serve: Callable[..., tuple[House, str]], chromium: type_of_driver
) -> None:
    house, address = serve(desk={"idle_seconds": 60})
    case: CaseRow = house.receive("the words of the source")
    driver = chromium(scripting=True)
    enter(house, driver, address)
    driver.get(f"{address}/cases/{case.id.hex()}?write=note")
    driver.find_element(By.NAME, "text").send_keys(_TEXT)

    def shown(css: str) -> bool:
        return bool(driver.find_element(By.CSS_SELECTOR, css).is_displayed())

    assert (shown(".soon"), shown(".over"), shown(".talk")) == (False, False, True)
    at(driver, 31)
    assert (shown(".soon"), shown(".over"), shown(".talk")) == (True, False, True)
    at(driver, 62)
    assert (shown(".over"), shown(".talk"), shown("aside"), shown("h1")) == (True, False, False, False)
    assert shown("#write textarea")
    press_in_bar = driver.find_element(By.CSS_SELECTOR, ".over button")
    press_in_bar.click()
    WebDriverWait(driver, 60).until(lambda _: shown(".talk"))
    assert typed(driver) == _TEXT


def test_a_link_asks_before_it_leaves_what_is_typed(
    serve: Callable[..., tuple[House, str]], chromium: type_of_driver
) -> None:
    house, address = serve()
    case: CaseRow = house.receive()
    driver = chromium(scripting=True)
    enter(house, driver, address)
    driver.get(f"{address}/cases/{case.id.hex()}?write=note")
    # The driver answers the browser's question by itself, so the test asks whether it would be put.
    leaves = """const event = new Event("beforeunload", {cancelable: true}); return window.dispatchEvent(event);"""
    assert driver.execute_script(leaves)
    driver.find_element(By.NAME, "text").send_keys("half")
    assert not driver.execute_script(leaves)
    press(driver, "Set")  # a button brings it along
    WebDriverWait(driver, 60).until(lambda _: "Nothing has changed." in driver.page_source)
    assert driver.execute_script(leaves)
    assert typed(driver) == "half"


def at(driver: Any, seconds: int) -> None:
    """Let the page's own animations be as far as they are after so many seconds."""
    driver.execute_script(f"document.getAnimations().forEach((each) => each.currentTime = {seconds * 1000})")


def test_axe_finds_nothing_and_work_comes_first_on_a_tablet(
    serve: Callable[..., tuple[House, str]], chromium: type_of_driver, axe: str
) -> None:
    house, address = serve()
    case = house.receive("words " * 60, report_language="ar")
    driver = chromium(scripting=True)
    driver.set_script_timeout(60)
    enter(house, driver, address)
    found = []
    for write in ("", "?write=reply", "?write=note", "?write=facts"):
        driver.get(f"{address}/cases/{case.id.hex()}{write}")
        driver.execute_script(axe)
        for width in (1024, 768):
            for scheme in ("light", "dark"):
                show(driver, width=width, scheme=scheme)
                found += [f"{write} {width} {scheme}: {each}" for each in driver.execute_async_script(AXE_RUN)]
                assert driver.execute_script("return document.documentElement.scrollWidth") <= width
            tops = [
                driver.find_element(By.CSS_SELECTOR, each).rect["y"]
                for each in (".work", ".talking", ".parted > aside")
            ]
            assert width == 1024 or tops == sorted(set(tops))
    assert found == []
