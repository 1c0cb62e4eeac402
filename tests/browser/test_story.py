"""The story for which all this is made, end to end: from a report to a page, a correction and a withdrawal.

A source writes in Korean, another in Chinese. What becomes of it is an English article with a Chinese translation, and
an Arabic one. What was planted in the drafts is caught; then whatever lies on the public site is searched for a time
that is not the slot's, and for every name that only the newsroom knows.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from unittest import mock

import pytest
from PIL import Image
from selenium.common.exceptions import WebDriverException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webdriver import WebDriver
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.expected_conditions import staleness_of
from selenium.webdriver.support.ui import Select, WebDriverWait

from fieldreport.cli import demo_newsroom, zones
from fieldreport.cli.demo_newsroom import Demo
from tests.browser.conftest import three_free_ports
from tests.browser.test_whole_path import Screen, answer_warnings, fetch, sign_in
from tests.cast import cheap_keys
from tests.desk.test_redaction import FACE, portrait

pytestmark = [pytest.mark.browser, pytest.mark.campaign]

_SECONDS: Final = 60
_HOUR: Final = 3600
_EDITORS: Final = ("amira", "jonas", "ines")


@dataclass(frozen=True, kw_only=True)
class Story:
    """A report and what is written of it. ``planted``: words of the draft that the check must mark."""

    language: str
    report: str
    protect: str
    describe: str
    attachment: str
    file: str
    article: str  # its language
    title: str
    draft: str
    planted: tuple[str, ...]
    clean: str
    correction: str
    translation: tuple[str, str, str] | None = None


KOREAN: Final = Story(
    language="ko",
    report="저는 혜산 세관 창고에서 일합니다. 9월 14일 밤에 마흔세 명이 강을 건넜습니다. 박영호가 문을 열었습니다.",
    protect="혜산",
    describe="a source based in China",
    attachment="창고 장부: 소금 열두 자루, 등불 네 개.",
    file="혜산-장부",
    article="en",
    title="People leave in the dark",
    draft="On 14 September forty-three people crossed the river near Hyesan, said",
    planted=("14 September", "forty-three", "Hyesan"),
    clean="In autumn dozens of people crossed a border river, said {}.\n\n![](photo-1.jpg)",
    correction="An earlier version named another season.",
    translation=("zh-Hans", "人们在黑夜里离开", "秋天，数十人越过了一条界河。"),
)
CHINESE: Final = Story(
    language="zh-Hans",
    report="我在丹东的海关仓库工作。九月十四日晚上，四十三个人过了江，卫兵李志强打开了大门。",
    protect="丹东\nDandong",
    describe="",
    attachment="仓库账本：盐十二袋，灯四盏。",
    file="丹东-账本",
    article="ar",
    title="يرحلون في الظلام",
    draft="في 14 سبتمبر عبر ثلاثة وأربعون شخصًا النهر قرب داندونغ، كما قال",
    planted=("14 سبتمبر", "ثلاثة وأربعون", "داندونغ"),
    clean="في الخريف عبر عشرات الأشخاص نهرًا حدوديًا، كما قال مصدر في الصين (لا يمكن ذكر الاسم لأسباب تتعلق بالسلامة)."
    "\n\n![](photo-1.jpg)",
    correction="ذكرت نسخة سابقة فصلًا آخر.",
)


@pytest.fixture(scope="module")
def newsroom(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Demo]:
    """A demo with a third editor, where two people besides the writer sign off."""
    directory = tmp_path_factory.mktemp("story") / "demo"
    with cheap_keys(), mock.patch.object(demo_newsroom, "EDITORS", _EDITORS):
        demo_newsroom.make_demo(directory, port=three_free_ports())
    settings = directory / "fieldreport.toml"
    text = settings.read_text(encoding="utf-8")
    assert "sign_offs = 1" in text
    settings.write_text(text.replace("sign_offs = 1", "sign_offs = 2"), encoding="utf-8")
    opened = demo_newsroom.open_demo(directory, port=three_free_ports())
    with zones.running(opened.settings):
        yield opened


@pytest.mark.parametrize("story", [KOREAN, CHINESE], ids=["korean-to-english", "chinese-to-arabic"])
def test_a_report_becomes_an_article_that_leads_to_nobody(
    newsroom: Demo,
    chromium: Callable[..., WebDriver],
    code_of: Callable[[str], str],
    tmp_path: Path,
    story: Story,
) -> None:
    began = time.time()
    photo, document = tmp_path / f"IMG_20260914_{story.file}.jpg", tmp_path / f"{story.file}.txt"
    photo.write_bytes(portrait())
    document.write_text(story.attachment, encoding="utf-8")
    source, amira, jonas, ines = (Screen(chromium(scripting=False), newsroom) for _ in range(4))
    send(source, story, (photo, document))

    sign_in(amira, "amira", code_of)
    case = open_case(amira, story)
    address, public = write(amira, story)
    sign_in(jonas, "jonas", code_of)
    sign_in(ines, "ines", code_of)
    publish(amira, jonas, ines, address)

    source.go(public)
    assert_readers_see(source, story)
    private = {*_EDITORS, "lena", *case, address.rpartition("/")[2], photo.stem, document.stem, story.attachment[:5]}
    private |= {*story.planted, "박영호", "李志强"}
    assert_nothing_leads_back(newsroom, private, began)

    correct(amira, story, address)
    publish(amira, jonas, ines, address)
    source.go(public)
    assert story.correction in source.text
    assert_nothing_leads_back(newsroom, private, began)

    amira.go(address)
    amira.follow("Withdraw")
    amira.press("Withdraw it now")
    source.go(public)
    assert story.title not in source.text
    assert_nothing_leads_back(newsroom, {*private, story.title, story.correction}, began)


# --- the steps of people ---


def send(screen: Screen, story: Story, files: tuple[Path, ...]) -> None:
    """Send the report with its files through the form, in the source's language."""
    screen.open("intake", f"/{story.language}/report")
    typed = {"report": story.report, "protect": story.protect}
    screen.fill({**typed, **({"describe": story.describe} if story.describe else {})})
    screen.driver.find_element(By.NAME, "files").send_keys("\n".join(map(str, files)))
    screen.send()
    assert screen.driver.find_elements(By.ID, "received"), screen.text


def open_case(screen: Screen, story: Story) -> set[str]:
    """Fetch, and open the report's case; returns what the newsroom calls it."""
    fetch(screen)
    links = screen.driver.find_elements(By.XPATH, "//main//tbody//th/a")
    for name, path in [(link.text, str(link.get_dom_attribute("href"))) for link in links]:
        screen.open("desk", path)
        if story.report in screen.text:
            return {name, path.rpartition("/")[2]}
    pytest.fail("the report is not in the inbox")


def write(screen: Screen, story: Story) -> tuple[str, str]:
    """Write a careless article, have it checked, and change it; returns its desk and its public address."""
    Select(screen.one("//select[@name='language']")).select_by_value(story.article)
    screen.press("Start an article")
    address = screen.driver.current_url
    screen.fill({"title": story.title, "body": story.draft})
    screen.press("Add to the text")
    naming = screen.one("//textarea[@name='body']").get_property("value")
    assert isinstance(naming, str)
    named = naming.removeprefix(story.draft).strip()
    if story.describe:
        assert named == "a source based in China, who cannot give their name because of safety reasons"
    screen.press("Check without saving")
    marked = " ".join(screen.words("//section[@aria-labelledby='h-typed']//mark"))
    for words in story.planted:
        assert words in marked, f"{words} is not among {marked}"

    screen.fill({"body": story.clean.format(named)})
    screen.press("Redact and attach photo-1.jpg")
    redact(screen)
    for name in ("caption", "alternative"):
        field = screen.one(f"//*[starts-with(@name, '{name}.')]").get_dom_attribute("name")
        screen.fill({str(field): "A river." if story.article == "en" else "نهر."})
    public = screen.words("//p[starts-with(normalize-space(), 'Address:')]/span")[0]
    screen.press("Save")
    if story.translation is not None:
        translate(screen, *story.translation)
        screen.go(address)
    return address, public


def redact(screen: Screen) -> None:
    """Mark the face with two clicks, and fill it."""
    for x, y in (FACE[:2], FACE[2:]):
        picture = screen.driver.find_element(By.CSS_SELECTOR, "input[type=image]")
        WebDriverWait(screen.driver, _SECONDS).until(_is_drawn(picture))
        width, height = picture.size["width"], picture.size["height"]
        place = (x * width // 800 - width // 2, y * height // 600 - height // 2)
        ActionChains(screen.driver).move_to_element_with_offset(picture, *place).click().perform()
        WebDriverWait(screen.driver, _SECONDS, ignored_exceptions=(WebDriverException,)).until(staleness_of(picture))
    screen.press("Make the redacted file")


def _is_drawn(picture: WebElement) -> Callable[[WebDriver], bool]:
    return lambda _: picture.size["height"] > 100


def translate(screen: Screen, language: str, title: str, body: str) -> None:
    """Add a translation that is ready."""
    Select(screen.one("//select[@name='translate']")).select_by_value(language)
    screen.press("Save and translate")
    screen.fill({"title": title, "body": body})
    for name in ("caption", "alternative"):
        field = screen.one(f"//*[starts-with(@name, '{name}.')]").get_dom_attribute("name")
        screen.fill({str(field): "一条河。"})
    screen.one("//input[@name='ready']").click()
    screen.press("Save")
    assert screen.words("//div[@class='box warn']//li") == [], "it says what the original says"


def correct(screen: Screen, story: Story, address: str) -> None:
    """Open a correction, and say in public what was wrong."""
    screen.go(address)
    screen.press("Correct it")
    screen.fill({"correction": story.correction})
    screen.press("Save")


def publish(writer: Screen, first: Screen, second: Screen, address: str) -> None:
    """Submit an article; one colleague signs it off for safety, another publishes it."""
    writer.go(f"{address}/check")
    answer_warnings(writer)
    writer.press("Submit for review")
    first.go(f"{address}/check")
    answer_warnings(first)
    for question in first.driver.find_elements(By.XPATH, "//textarea[starts-with(@name, 'question.')]"):
        question.send_keys("About forty, in two offices.")
    first.press("Sign off: safe to publish")
    assert not first.driver.find_elements(By.XPATH, "//button[.='Sign off: publish']"), "not the same person"
    second.go(f"{address}/check")
    second.press("Sign off: publish")
    second.go(address)
    assert "online" in second.text


def assert_readers_see(screen: Screen, story: Story) -> None:
    """The page in its direction, the photo with nobody on it, and its other language one click away."""
    assert screen.words("//h1") == [story.title]
    assert screen.one("/html").get_dom_attribute("dir") == ("rtl" if story.article == "ar" else "ltr")
    paragraph = screen.one("//article//p[not(@class)]")
    assert paragraph.value_of_css_property("direction") == ("rtl" if story.article == "ar" else "ltr")
    assert len(screen.driver.find_elements(By.XPATH, "//article//img")) == 1
    if story.translation is not None:
        language, title, _ = story.translation
        here = screen.driver.current_url
        screen.follow("中文")
        assert screen.words("//h1") == [title]
        assert screen.one("/html").get_dom_attribute("lang") == language
        screen.follow("English")
        assert screen.driver.current_url == here


def assert_nothing_leads_back(newsroom: Demo, private: set[str], began: float) -> None:
    """No file of the public site bears a time but a slot's, a name of the newsroom's or of the source's own."""
    site = newsroom.settings.press.site
    slots = {int(moment) // _HOUR * _HOUR for moment in (began, time.time())}
    days = {time.strftime("%Y-%m-%d", time.gmtime(slot)) for slot in slots}
    hours = {time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(slot)) for slot in slots}
    hours |= {time.strftime("%Y-%m-%dT%H:%M:%S+00:00", time.gmtime(slot)) for slot in slots}
    names = re.compile("|".join(rf"(?<!\w){re.escape(name)}(?!\w)" for name in sorted(private)))
    paths = [site, *site.rglob("*")]
    assert len(paths) > 20
    for path in paths:
        assert int(path.lstat().st_mtime) in slots, path
        assert not names.search(str(path.relative_to(site))), path
        if not path.is_file():
            continue
        content = path.read_bytes()
        if content.startswith(b"\xff\xd8"):
            with Image.open(path) as image:
                assert not image.getexif(), path
                left, top, right, bottom = FACE
                face = image.crop((left + 2, top + 2, right - 2, bottom - 2))
                assert face.getextrema() == ((0, 0),) * 3, path
            continue
        text = content.decode()
        found = names.search(text)
        assert found is None, (path, found)
        assert set(re.findall(r"\d{4}-\d\d-\d\dT[\d:]+(?:Z|\+00:00)", text)) <= hours, path
        assert set(re.findall(r"\d{4}-\d\d-\d\d(?=[\"<])", text)) <= days, path
        bare = re.sub(r"T\d\d:\d\d:\d\d(?:Z|\+00:00)", "", text)
        clock = re.findall(r"(?<![\d:./])\d{1,2}:\d\d(?![\d:])", bare)
        assert clock == [], path
