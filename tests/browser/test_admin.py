"""The admin's pages in a real browser, wide and narrow, light and dark: letterbox, log, health, retention, register.

Every page on the way is asked about by axe, and none is wider than its window.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from selenium import webdriver

from fieldreport.cli import demo_newsroom, zones
from fieldreport.mailbox.letterbox import LetterboxState, letterbox_state
from tests.browser.conftest import three_free_ports
from tests.browser.test_whole_path import AXE_RUN, Screen, sign_in

pytestmark = [pytest.mark.browser, pytest.mark.campaign]

_RULES = "\n[desk.retention]\nclosed = 365\npublished = 730\n"


@pytest.fixture(scope="module")
def newsroom(made: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[demo_newsroom.Demo]:
    """A demo newsroom with rules for retention and due dates."""
    directory = shutil.copytree(made, tmp_path_factory.mktemp("running") / "demo")
    path = directory / "fieldreport.toml"
    text = path.read_text(encoding="utf-8").replace("[desk]\n", "[desk]\nacknowledge_days = 7\nanswer_days = 90\n")
    path.write_text(text + _RULES, encoding="utf-8")
    opened = demo_newsroom.open_demo(directory, port=three_free_ports())
    with zones.running(opened.settings):
        yield opened


@pytest.mark.parametrize(("width", "scheme"), [(1024, "light"), (768, "dark")])
def test_the_admin_closes_and_opens_the_letterbox_and_looks_at_log_and_health(
    newsroom: demo_newsroom.Demo,
    chromium: Callable[..., webdriver.Chrome],
    code_of: Callable[[str], str],
    axe: str,
    width: int,
    scheme: str,
) -> None:
    found: list[str] = []

    def look(screen: Screen) -> None:
        screen.driver.execute_script(axe)
        found.extend(screen.driver.execute_async_script(AXE_RUN))
        across, window = screen.driver.execute_script(
            "return [document.documentElement.scrollWidth, window.innerWidth]"
        )
        if across > window:
            found.append(f"{screen.driver.current_url}: {across} pixels wide")

    def start(handle: str) -> Screen:
        driver = chromium(scripting=True, width=width)
        driver.set_script_timeout(60)
        media = {"features": [{"name": "prefers-color-scheme", "value": scheme}]}
        driver.execute_cdp_cmd("Emulation.setEmulatedMedia", media)
        screen = Screen(driver, newsroom, each=look)
        sign_in(screen, handle, code_of)
        return screen

    lena = start(demo_newsroom.ADMIN)
    passphrase = {"passphrase": newsroom.people[demo_newsroom.ADMIN].passphrase}
    data = newsroom.settings.intake.data
    for state, button in ((LetterboxState.CLOSED, "Close the letterbox"), (LetterboxState.OPEN, "Open the letterbox")):
        lena.open("desk", "/letterbox")
        lena.press(button)
        lena.fill({"passphrase": "not the words on her paper at all"})
        lena.press(button)
        assert lena.words("//*[@id='passphrase-problem']")
        lena.fill(passphrase)
        lena.press(button)
        assert letterbox_state(data) is state
    lena.open("desk", "/audit")
    lena.press("Check the whole log")
    assert "Log verified" in lena.text
    lena.open("desk", "/audit?act=letterbox-set")
    assert "switched the letterbox" in lena.text
    for path in (
        "/health",
        "/retention",
        "/staff/renew",
        "/staff/lock-all",
        "/staff/remove/jonas",
        "/keys",
        "/keys/passphrase",
    ):
        lena.open("desk", path)
    amira = start("amira")
    for path in ("/junk", "/retention", "/register"):
        amira.open("desk", path)
    assert amira.words("//h1") == ["Register of due dates"]
    assert found == []
