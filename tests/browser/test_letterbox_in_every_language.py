"""The letterbox in real Chromium: every page and error in every language; narrow, dark, printed and by keyboard."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from selenium import webdriver
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support import expected_conditions
from selenium.webdriver.support.ui import WebDriverWait

from fieldreport.cli.demo_newsroom import Demo
from fieldreport.mailbox import open_mailbox
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.seal import Kind
from fieldreport.unseal import key_file
from fieldreport.vault.archive.rosters import RosterWatch
from fieldreport.vault.archive.seat import Seat
from fieldreport.vault.archive.vault import open_vault
from fieldreport.vault.cases import conversation, inbox, sort
from fieldreport.vault.cases.collect import collect
from tests.browser.test_whole_path import AXE_RUN, Screen
from tests.cast import cases_in
from tests.eventually import eventually
from tests.intake.conftest import Desk, House, build_house
from tests.intake.test_every_page import LANGUAGES, every_page

pytestmark = [pytest.mark.browser, pytest.mark.campaign]

type_of_starter = Callable[..., webdriver.Chrome]


@pytest.fixture(scope="module")
def scrubber(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scrubber]:
    with Scrubber.start(directory=tmp_path_factory.mktemp("scrub"), require_sandbox=False) as started:
        yield started


@pytest.fixture
def house(tmp_path: Path, scrubber: Scrubber) -> House:
    """A letterbox without a server: a browser is given its pages one by one."""
    (tmp_path / "house").mkdir()
    return build_house(tmp_path / "house", Desk(), scrubber)


# Each page is written into a window in which axe lies ready: to load a file, and axe again, takes three times as long.
_LOOK: Final = f"document.open(); document.write(arguments[0]); document.close(); {AXE_RUN}"
_SIZE: Final = "return [document.documentElement.scrollWidth, document.compatMode]"
_FIRST_FIELD: Final = """
return document.querySelector("main textarea, main input:not([type=hidden])").getBoundingClientRect().top"""
_BAD_PAGE: Final = """<!doctype html><html lang="en"><title>Bad</title>
<body style="background: white"><main><h1>Bad</h1>
<p style="color: #ccc; width: 2000px">pale and wide</p><img src="data:,"></main></body></html>"""


# What has the focus; whether the way out is wholly in sight; whether the focus begins under what sticks to the top.
_UNDER_THE_WAY_OUT: Final = """
const focus = document.activeElement, header = document.querySelector("header");
const here = focus.getBoundingClientRect(), edge = header.getBoundingClientRect().bottom;
const out = document.querySelector(".exit").getBoundingClientRect();
return [focus.tagName, out.top >= 0 && out.bottom <= innerHeight && out.left >= 0 && out.right <= innerWidth,
        focus !== document.body && !header.contains(focus) && here.bottom > 0
          && (arguments[0] ? here.bottom : here.top) < edge];
"""


# The second of two neighbours gets the focus while the first lies under what sticks to the top.
_HIDE_UNDER_IT: Final = """
const all = [...document.querySelectorAll("main a, main button, main input:not([type=hidden]), main textarea")];
const [first, second] = all.slice(arguments[0], arguments[0] + 2);
if (!second) return false;
second.focus({preventScroll: true});
scrollBy(0, first.getBoundingClientRect().top - 5);
return true;
"""


class Examiner:
    """A browser in which every page is asked about by axe, and measured; first, one of which both must complain."""

    def __init__(self, driver: webdriver.Chrome, axe: str) -> None:
        driver.set_script_timeout(60)
        driver.get("about:blank")
        driver.execute_script(axe)
        self.driver = driver
        found, wide = self.look(_BAD_PAGE)
        assert [problem.partition(":")[0] for problem in found] == ["color-contrast", "image-alt"]
        assert wide >= 2000

    def look(self, page: str) -> tuple[list[str], int]:
        """What axe finds, and how many pixels wide the page is."""
        found = self.driver.execute_async_script(_LOOK, page)
        wide, mode = self.driver.execute_script(_SIZE)
        assert mode == "CSS1Compat", "read by today's rules, as from a server"
        return found, wide


_FIRST_SCREEN: Final = 760  # pixels; the words above the field are drawn, and two long ones take a line more


def test_every_page_in_every_language_is_accessible_fits_320_pixels_and_shows_its_first_field_without_scrolling(
    house: House, chromium: type_of_starter, axe: str
) -> None:
    examiner = Examiner(chromium(scripting=True, width=320), axe)
    wrong: dict[str, object] = {}
    looked_at = 0
    for language in LANGUAGES:
        for name, page in every_page(house, language):
            found, wide = examiner.look(page.raw)
            looked_at += 1
            first = examiner.driver.execute_script(_FIRST_FIELD) if name in {"GET report", "GET return"} else 0
            if found or wide > 320 or first > _FIRST_SCREEN:
                wrong[f"{language} {name}"] = (found, wide, first)
    assert looked_at >= 44 * len(LANGUAGES)
    assert wrong == {}


def test_contrast_holds_in_the_dark_and_nothing_is_cut_off_at_200_percent(
    house: House, chromium: type_of_starter, axe: str
) -> None:
    driver = chromium(scripting=True, width=640)  # 1280 px at 200 %
    driver.execute_cdp_cmd(
        "Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": "dark"}]}
    )
    examiner = Examiner(driver, axe)
    wrong: dict[str, object] = {}
    for language in ("en", "ar"):
        for name, page in every_page(house, language):
            found, wide = examiner.look(page.raw)
            if found or wide > 640:
                wrong[f"{language} {name}"] = (found, wide)
    background = driver.execute_script("return getComputedStyle(document.body).backgroundColor")
    assert background == "rgb(18, 24, 29)", "it was dark"
    assert wrong == {}


def test_the_printed_receipt_has_the_codename_and_what_to_do_and_no_buttons(
    newsroom: Demo, chromium: type_of_starter
) -> None:
    screen = Screen(chromium(scripting=False), newsroom)
    screen.open("intake", "/en/report")
    screen.fill({"report": "Trucks."})
    screen.send()
    folded, printed = screen.one("//ol[@class='words']/li"), screen.one("//p[@class='print']")
    assert not folded.is_displayed()
    assert not printed.is_displayed()
    screen.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print"})
    assert printed.text == screen.codename
    for shown in ("//p[@class='print']", "//dl[@id='received']", "//h2[.='How to come back']"):
        assert screen.one(shown).is_displayed(), shown
    for hidden in ("//nav", "//a[@class='exit']", "//div[@class='actions']", "//footer"):
        assert not screen.one(hidden).is_displayed(), hidden
    body = screen.one("//body")
    assert body.value_of_css_property("color") == "rgba(0, 0, 0, 1)"
    assert body.value_of_css_property("background-color") == "rgba(255, 255, 255, 1)"


def test_a_report_can_be_sent_with_the_keyboard_alone(newsroom: Demo, chromium: type_of_starter) -> None:
    screen = Screen(chromium(scripting=False), newsroom)
    driver = screen.driver
    screen.open("intake", "/en/report")

    def press(*keys: str) -> None:
        webdriver.ActionChains(driver).send_keys(*keys).perform()

    def tab_to(name: str, *, most: int = 60) -> None:
        for _ in range(most):
            press(Keys.TAB)
            focus = driver.switch_to.active_element
            if name in {focus.get_dom_attribute("name"), focus.text}:
                return
        raise AssertionError(f"{name} cannot be reached with the tabulator")

    press(Keys.TAB)
    assert driver.switch_to.active_element.text == "Leave this site"
    press(Keys.TAB)
    assert driver.switch_to.active_element.text == "Skip to the content"
    tab_to("Send the report")
    press(Keys.ENTER)
    assert eventually(lambda: driver.title.startswith("Not sent yet"))
    tab_to("Write a few words, or choose a file.")
    press(Keys.ENTER)
    assert driver.switch_to.active_element.get_dom_attribute("name") == "report", "the summary leads to the field"
    press("Trucks.")
    tab_to("Send the report")
    press(Keys.ENTER)
    assert eventually(lambda: screen.words("//dl[@id='received']/dt")) == ["Your text"]


@pytest.mark.parametrize(
    ("start", "language", "width"),
    [
        ("chromium", "en", 320),
        ("chromium", "ru", 320),
        ("chromium", "ar", 1024),
        pytest.param("firefox", "en", 500, marks=pytest.mark.firefox),
        pytest.param("webkit", "en", 320, marks=pytest.mark.webkit),
    ],
    indirect=["start"],
)
def test_the_way_out_stays_in_sight_and_nothing_that_is_focused_lies_under_it(
    newsroom: Demo, start: type_of_starter, language: str, width: int
) -> None:
    """WCAG 2.2, 2.4.11, with the tabulator forwards and backwards.

    It asks that not all of it is covered; we ask that nothing of it is. But Firefox does not move what is partly seen.
    """
    screen = Screen(start(scripting=False, width=width), newsroom)
    seen: set[str] = set()
    wholly = screen.driver.name == "firefox"
    for path in ("", "report", "return", "safety"):
        screen.open("intake", f"/{language}/{path}")
        screen.one("//summary").send_keys(Keys.ENTER)
        for keys in ([Keys.TAB], [Keys.SHIFT, Keys.TAB]):
            for _ in range(30):
                webdriver.ActionChains(screen.driver).send_keys(*keys).perform()
                name, out, under = screen.driver.execute_script(_UNDER_THE_WAY_OUT, wholly)
                seen.add(name)
                assert out, f"the way out is not in sight on {path} at {name}"
                assert not under, f"{name} on {path} lies under the way out"
        place = 0
        while screen.driver.execute_script(_HIDE_UNDER_IT, place):
            webdriver.ActionChains(screen.driver).key_down(Keys.SHIFT).send_keys(Keys.TAB).key_up(Keys.SHIFT).perform()
            name, _out, under = screen.driver.execute_script(_UNDER_THE_WAY_OUT, wholly)
            assert not under, f"{name} on {path} lies under the way out after going back to it"
            place += 1
    assert {"A", "SUMMARY", "INPUT", "TEXTAREA", "BUTTON"} <= seen


@pytest.mark.parametrize(
    ("start", "language"),
    [
        ("chromium", "ko"),
        ("chromium", "zh-Hans"),
        ("chromium", "ar"),
        pytest.param("firefox", "fa", marks=pytest.mark.firefox),
        pytest.param("webkit", "en", marks=pytest.mark.webkit),
    ],
    indirect=["start"],
)
def test_every_step_of_a_source_with_scripting_off(
    newsroom: Demo, start: type_of_starter, tmp_path: Path, language: str
) -> None:
    screen = Screen(start(scripting=False, width=360, language=language), newsroom)
    screen.open("intake", "/")
    page = screen.one("/html")
    assert page.get_dom_attribute("lang") == language, "by the browser's wish"
    assert page.get_dom_attribute("dir") == ("rtl" if language in {"ar", "fa"} else "ltr")
    for path in ("safety", "help", "hand-in"):
        screen.open("intake", f"/{language}/{path}")

    # Practising opens a tab of its own and leaves what was typed.
    screen.open("intake", f"/{language}/report")
    codename = screen.codename
    screen.fill({"report": "Typed before practising.", "practice": codename})
    practise(screen)
    assert screen.one("//textarea[@name='report']").get_property("value") == "Typed before practising."

    # A file that cannot be cleaned, then the same in a form that can: one of another name would be asked about.
    bad, good = tmp_path / "old.doc", tmp_path / "old.txt"
    bad.write_bytes(b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600))
    good.write_text("a note\n")
    screen.fill({"report": f"Trucks, told in {language}."})
    screen.driver.find_element(By.NAME, "files").send_keys(str(bad))
    screen.send()
    assert screen.one("//div[@role='alert']//bdi").text == "old.doc"
    assert screen.codename == codename
    assert screen.one("//textarea[@name='report']").get_property("value") == f"Trucks, told in {language}."
    screen.driver.find_element(By.NAME, "files").send_keys(str(good))
    screen.send()
    assert len(screen.words("//dl[@id='received']/dt")) == 2
    assert screen.codename == codename

    # An editor answers; the source comes back, reads, adds, looks what has arrived, deletes, withdraws.
    answer(newsroom, f"Trucks, told in {language}.", "Which bridge?")
    screen.open("intake", f"/{language}/return")
    screen.fill({"codename": "one two three"})
    screen.send()
    assert screen.one("//div[@role='alert']").is_displayed()
    screen.fill({"codename": codename})
    screen.send()
    assert screen.words("//p[@class='answer']") == ["Which bridge?"]
    screen.fill({"report": "The old one."})
    screen.send()
    assert screen.words("//dl[@id='received']/dt")
    come_back(screen, language, codename)
    submit(screen, "/return/arrived")
    assert len(screen.words("//ul[@id='arrived']/li")) == 2
    come_back(screen, language, codename)
    submit(screen, "/return/delete")
    assert screen.driver.find_elements(By.ID, "no-answers")
    submit(screen, "/return/withdraw")
    submit(screen, "/return/withdrawn")
    assert screen.driver.get_cookies() == [], "the letterbox set a cookie"


def practise(screen: Screen) -> None:
    """Have the words compared, in the tab that this opens, and come back."""
    main_window = screen.driver.current_window_handle
    screen.one("//form[@target]//button").send_keys(Keys.ENTER)
    WebDriverWait(screen.driver, 60).until(expected_conditions.number_of_windows_to_be(2))
    (other,) = set(screen.driver.window_handles) - {main_window}
    screen.driver.switch_to.window(other)
    WebDriverWait(screen.driver, 60).until(expected_conditions.presence_of_element_located((By.TAG_NAME, "main")))
    assert not screen.driver.find_elements(By.XPATH, "//main//form"), "they are the nine words"
    screen.driver.close()
    screen.driver.switch_to.window(main_window)


def come_back(screen: Screen, language: str, codename: str) -> None:
    screen.open("intake", f"/{language}/return")
    screen.fill({"codename": codename})
    screen.send()


def submit(screen: Screen, ending: str) -> None:
    """Press the button of the form that posts there."""
    endings = f"substring(@action, string-length(@action) - {len(ending) - 1}) = '{ending}'"
    screen._leave_by(screen.one(f"//form[{endings}]//button[not(@formaction)]"))


def answer(newsroom: Demo, report: str, text: str) -> None:
    """What an editor does on the desk, without its pages: they have tests of their own."""
    settings, person = newsroom.settings, newsroom.people["amira"]
    vault, mailbox = open_vault(settings), open_mailbox(settings)
    try:
        staff = key_file.unlock(settings.desk.keyfiles / "amira.key", person.passphrase)
        seat = Seat(vault, staff, RosterWatch.of(settings, vault))
        collect(vault, mailbox, RosterWatch.of(settings, vault))
        sort.sort(seat)
        for row in cases_in(vault, seat.rosters):
            items = inbox.items(vault, row.id)
            if any(item.kind is Kind.LETTER and seat.text(item.id) == report for item in items):
                conversation.reply(seat, row.id, text, mailbox)
                return
        raise AssertionError("the report is not in the vault")
    finally:
        vault.close()
        mailbox.close()
