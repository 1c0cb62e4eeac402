"""The whole path in a real browser: from a source's report to a published page, without any script.

The first test is the path; the second holds the source's part and the desk's door to a narrow phone; the third asks
axe, the accessibility checker, about the pages in three languages.
"""

from __future__ import annotations

import secrets
import shutil
import tomllib
from collections.abc import Callable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any, Final

import pytest
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import Select, WebDriverWait

from fieldreport.cli.demo_newsroom import Demo

pytestmark = pytest.mark.browser

SAMPLES: Final = resources.files("fieldreport.bench").joinpath("sample_files")
STORY: Final[Mapping[str, Any]] = tomllib.loads(SAMPLES.joinpath("samples.toml").read_text(encoding="utf-8"))
_SECONDS: Final = 60
AXE_RUN: Final = """
const done = arguments[arguments.length - 1];
axe.run(document, {runOnly: {type: "tag", values: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}})
  .then(found => done(found.violations.map(v => v.id + ": " + v.nodes.map(n => n.target.join(" ")).join(", "))))
  .catch(error => done(["axe failed: " + error]));
"""

type_of_starter = Callable[..., WebDriver]


class Screen:
    """One person's browser; everything is found by what the page shows."""

    def __init__(self, driver: WebDriver, newsroom: Demo, each: Callable[[Screen], None] | None = None) -> None:
        self.driver = driver
        self.newsroom = newsroom
        self._each = each

    def open(self, zone: str, path: str) -> None:
        """Open a page of a zone."""
        self.go(f"{self.newsroom.url(zone)}{path}")

    def go(self, address: str) -> None:
        """Open a page by its whole address."""
        self.driver.get(address)
        self._seen()

    def follow(self, words: str) -> None:
        """Follow the first link whose words hold these."""
        self._leave_by(self.one(f"//a[contains(normalize-space(), '{words}')]"))

    def press(self, words: str) -> None:
        """Press the button with these words."""
        self._leave_by(self.one(f"//button[normalize-space()='{words}']"))

    def send(self) -> None:
        """Press the button that sends the page's own form, whatever its language."""
        forms, button = "//main//form[not(@target)]", "//button[not(@formaction)]"
        typed = f"{forms}[.//textarea or .//select or .//input[not(@type='hidden')]]{button}"
        found = self.driver.find_elements(By.XPATH, typed) or [self.one(f"{forms}{button}")]
        self._leave_by(found[0])

    def fill(self, values: Mapping[str, str]) -> None:
        """Type into fields by their names, in place of what they hold."""
        for name, value in values.items():
            field = self.driver.find_element(By.NAME, name)
            # WebKit's driver does not scroll any more after another window was closed.
            self.driver.execute_script("arguments[0].scrollIntoView({block: 'center', behavior: 'instant'})", field)
            field.clear()
            field.send_keys(value)

    def one(self, path: str) -> WebElement:
        """The first element at an XPath."""
        return self.driver.find_element(By.XPATH, path)

    def words(self, path: str) -> list[str]:
        """The words of every element at an XPath."""
        return [" ".join(element.text.split()) for element in self.driver.find_elements(By.XPATH, path)]

    @property
    def name(self) -> str:
        """What tells this page from others in a failing test."""
        return f"{self.driver.title} ({self.driver.current_url})"

    @property
    def text(self) -> str:
        """All words that are seen, white space folded."""
        return self.words("//body")[0]

    @property
    def codename(self) -> str:
        """The nine words on the page, folded away or not."""
        listed = self.driver.find_elements(By.XPATH, "//ol[@class='words']/li")
        words = [str(element.get_property("textContent")).strip() for element in listed]
        assert len(words) == 9
        return " ".join(words)

    def _leave_by(self, element: WebElement) -> None:
        before = self.one("/html")
        # By keyboard: it must work for everybody, and pictures that arrive late do not move it from under the pointer.
        element.send_keys(Keys.ENTER)
        # Asked in the moment of the change, Chromium answers with an error of its own instead of "stale": ask again.
        WebDriverWait(self.driver, _SECONDS, ignored_exceptions=(WebDriverException,)).until(staleness_of(before))
        self._seen()

    def _seen(self) -> None:
        scripts = [each.get_attribute("src") for each in self.driver.find_elements(By.TAG_NAME, "script")]
        desk = {f"{self.newsroom.url('desk')}/{name}.js" for name in ("keys", "writing", "redaction")}
        assert set(scripts) <= desk, f"a script on {self.driver.current_url}"
        if self._each is not None:
            self._each(self)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """The sample photo, under a name that says when it was taken, and the sample statement."""
    photo, statement = tmp_path / "IMG_20260914_214703.jpg", tmp_path / "statement.docx"
    for target, sample in ((photo, ("photo.jpg",)), (statement, ("en", "statement.docx"))):
        with resources.as_file(SAMPLES.joinpath(*sample)) as path:
            shutil.copyfile(path, target)
    return photo, statement


@pytest.mark.parametrize(
    "start", ["chromium", pytest.param("firefox", marks=[pytest.mark.firefox, pytest.mark.campaign])], indirect=True
)
def test_a_report_becomes_a_published_page_with_scripting_off(
    newsroom: Demo, start: type_of_starter, code_of: Callable[[str], str], files: tuple[Path, Path]
) -> None:
    source, amira, jonas = (Screen(start(scripting=False), newsroom) for _ in range(3))
    codename, mark = report(source, files)
    assert_receipt_says_what_was_removed(source)

    sign_in(amira, "amira", code_of)
    open_case(amira, mark)
    Select(amira.one("//select[@name='state']")).select_by_value("reading")
    amira.driver.refresh()
    chosen = Select(amira.one("//select[@name='state']")).first_selected_option
    assert chosen.get_dom_attribute("value") == "new", "what was chosen and not sent does not look as if it were stored"
    amira.follow("Write to the source")
    amira.fill({"text": STORY["en"]["question"]})
    amira.press("Seal and send")

    come_back(source, codename)
    assert source.words("//article/p[@class='answer']") == [STORY["en"]["question"]]
    assert source.driver.get_cookies() == [], "the letterbox set a cookie"

    address, public = write_article(amira)
    sign_in(jonas, "jonas", code_of)
    sign_off(jonas, address)

    source.open("press", "/")
    assert STORY["en"]["article"]["title"] in source.words("//main//h2")
    source.go(public)
    assert source.words("//h1") == [STORY["en"]["article"]["title"]]
    assert len(source.driver.find_elements(By.XPATH, "//article//img")) == 1
    assert "Brezny" not in source.text


@pytest.mark.campaign
def test_the_source_and_the_desk_need_no_more_than_320_pixels(
    newsroom: Demo, chromium: type_of_starter, code_of: Callable[[str], str], files: tuple[Path, Path]
) -> None:
    widths: dict[str, int] = {}

    def measure(screen: Screen) -> None:
        widths[screen.name] = screen.driver.execute_script("return document.documentElement.scrollWidth")

    screen = Screen(chromium(scripting=False, width=320), newsroom, each=measure)
    for path in ("/en/", "/en/safety", "/en/help"):
        screen.open("intake", path)
    screen.open("intake", "/en/report")
    screen.send()
    assert screen.driver.title.startswith("Not sent yet")
    codename, mark = report(screen, files)
    come_back(screen, codename)
    assert screen.driver.get_cookies() == [], "the letterbox set a cookie"
    sign_in(screen, "jonas", code_of)
    open_case(screen, mark)
    screen.open("desk", "/inbox")

    assert len(widths) >= 11
    assert {name: width for name, width in widths.items() if width > 320} == {}


@pytest.mark.campaign
def test_axe_finds_nothing_on_any_page_of_the_path(
    newsroom: Demo, chromium: type_of_starter, code_of: Callable[[str], str], files: tuple[Path, Path], axe: str
) -> None:
    found: dict[str, list[str]] = {}

    def ask_axe(screen: Screen) -> None:
        screen.driver.execute_script(axe)
        # One address shows several states of a page, each with parts of its own.
        found.setdefault(screen.name, []).extend(screen.driver.execute_async_script(AXE_RUN))

    def start() -> Screen:
        driver = chromium(scripting=True)
        driver.set_script_timeout(_SECONDS)
        return Screen(driver, newsroom, each=ask_axe)

    source, amira, jonas, lena = (start() for _ in range(4))
    _, mark = report(source, files)
    assert source.driver.get_cookies() == [], "the letterbox set a cookie"

    sign_in(amira, "amira", code_of)
    open_case(amira, mark)
    address, public = write_article(amira)
    for path in ("/keys", "/articles"):
        amira.open("desk", path)
    sign_in(lena, "lena", code_of)
    for path in ("/staff", "/audit", "/health"):
        lena.open("desk", path)
    sign_in(jonas, "jonas", code_of)
    sign_off(jonas, address)
    source.open("press", "/")
    source.go(public)

    assert len(found) >= 14
    assert {name: violations for name, violations in found.items() if violations} == {}


# --- the steps of people ---


def report(screen: Screen, files: tuple[Path, Path]) -> tuple[str, str]:
    """Send the sample report with two files; returns its codename, and a word that only this report holds."""
    told, mark = STORY["en"], secrets.token_hex(6)
    screen.open("intake", "/en/")
    screen.follow("Send a report")
    codename = screen.codename
    typed = {name: told[name].strip() for name in ("report", "when", "where", "protect", "describe")}
    screen.fill({**typed, "report": f"{typed['report']} {mark}"})
    screen.driver.find_element(By.NAME, "files").send_keys("\n".join(map(str, files)))
    screen.press("Send the report")
    assert screen.words("//h1") == ["We have received it"]
    assert screen.codename == codename, "the receipt shows the codename that was written down"
    return codename, mark


def assert_receipt_says_what_was_removed(screen: Screen) -> None:
    """Both files are named as the source knows them, with what was taken out of each."""
    assert screen.words("//dl[@id='received']/dt") == ["Your text", "IMG_20260914_214703.jpg", "statement.docx"]
    _, photo, statement = screen.words("//dl[@id='received']/dd")
    assert photo.startswith("Kept as photo-1.jpg. Removed: ")
    assert "Removed: " in statement


def come_back(screen: Screen, codename: str) -> None:
    """Open the letterbox with a codename."""
    screen.open("intake", "/en/return")
    screen.fill({"codename": codename})
    screen.press("Open")
    assert screen.words("//h1") == ["You are back"]


def sign_in(screen: Screen, handle: str, code_of: Callable[[str], str]) -> None:
    """Unlock the desk."""
    screen.open("desk", "/sign-in")
    passphrase = screen.newsroom.people[handle].passphrase
    screen.fill({"handle": handle, "passphrase": passphrase, "code": code_of(handle)})
    screen.press("Unlock")
    assert screen.words("//h1") != ["Sign in"], f"{handle} could not unlock"


def fetch(screen: Screen) -> None:
    """Open the inbox with all new letters in it; while they are sorted, the page loads itself again."""
    screen.open("desk", "/inbox")
    screen.press("Fetch now")
    wait = WebDriverWait(screen.driver, _SECONDS, ignored_exceptions=(WebDriverException,))
    wait.until(lambda _: "New letters are being sorted" not in screen.text)


def open_case(screen: Screen, mark: str) -> None:
    """Fetch, and open the case whose report holds a word."""
    fetch(screen)
    links = screen.driver.find_elements(By.XPATH, "//main//tbody//th/a")
    for address in [str(link.get_dom_attribute("href")) for link in links]:
        screen.open("desk", address)
        if mark in screen.text:
            assert screen.words("//ul[@class='files']/li/a[not(img)]") == ["photo-1.jpg", "document-1.docx"]
            return
    pytest.fail("the report is not in the inbox")


def write_article(screen: Screen) -> tuple[str, str]:
    """From a case: a careless article, which the check blocks, mended and submitted; its desk and public address."""
    told = STORY["en"]["article"]
    Select(screen.one("//select[@name='language']")).select_by_value("en")
    screen.press("Start an article")
    address = screen.driver.current_url
    screen.press("Attach photo-1.jpg")
    public = screen.words("//p[starts-with(normalize-space(), 'Address:')]/span")[0]
    screen.fill({"title": told["title"], "standfirst": told["standfirst"], "body": told["body"] + told["leak"]})
    for name in ("caption", "alternative"):
        screen.fill({screen.one(f"//*[starts-with(@name, '{name}.')]").get_dom_attribute("name"): told[name]})
    screen.press("Save and check")
    assert len(blocks(screen)) >= 3, "a name, lifted words and a number"
    assert not screen.driver.find_elements(By.XPATH, "//button[.='Override this block']"), "not by the writer"

    screen.follow("Back to the article")
    screen.fill({"body": told["body"]})
    screen.press("Save and check")
    assert blocks(screen) == []
    answer_warnings(screen)
    screen.press("Submit for review")
    assert not screen.driver.find_elements(By.XPATH, "//button[starts-with(., 'Sign off')]"), "not by the writer"
    return address, public


def blocks(screen: Screen) -> list[str]:
    """The headings of what blocks the article on its check page."""
    return [heading for heading in screen.words("//article/h3") if heading.endswith("blocks")]


def answer_warnings(screen: Screen) -> None:
    """Answer every warning of the check page."""
    while screen.driver.find_elements(By.XPATH, "//button[.='Answer this warning']"):
        screen.one("//input[starts-with(@name, 'reason-')]").send_keys("It is public knowledge and names nobody.")
        screen.press("Answer this warning")


def sign_off(screen: Screen, address: str) -> None:
    """As somebody who did not write it: sign an article off for safety and for publishing."""
    screen.go(address)
    screen.follow("Leak check")
    answer_warnings(screen)
    for question in screen.driver.find_elements(By.XPATH, "//textarea[starts-with(@name, 'question.')]"):
        question.send_keys("About forty, in two offices.")
    screen.press("Sign off: safe to publish")
    screen.press("Sign off: publish")
    screen.go(address)
    assert "online" in screen.text
