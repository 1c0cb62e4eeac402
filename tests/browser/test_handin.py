"""A report packed offline is handed in through a real browser without any script, and read and answered on the desk."""

from __future__ import annotations

import re
import secrets
import shutil
from collections.abc import Callable
from importlib import resources
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner
from selenium.webdriver.common.by import By

from fieldreport.cli import main
from fieldreport.cli.demo_newsroom import Demo
from fieldreport.scrub.sandbox.lockdown import sandbox_status
from fieldreport.seal import HybridRecipient
from tests.browser.test_whole_path import SAMPLES, Screen, come_back, fetch, open_case, sign_in, type_of_starter
from tests.cast import age_sealed

pytestmark = [pytest.mark.browser, pytest.mark.campaign]

CASES = "//main//tbody//th/a"
SANDBOX = () if sandbox_status().complete else ("--without-sandbox",)


@pytest.fixture
def files(tmp_path: Path) -> tuple[Path, Path]:
    """The sample photo and the sample statement, as their source has them."""
    photo, statement = tmp_path / "IMG_20260914_214703.jpg", tmp_path / "statement.docx"
    for target, sample in ((photo, ("photo.jpg",)), (statement, ("en", "statement.docx"))):
        with resources.as_file(SAMPLES.joinpath(*sample)) as path:
            shutil.copyfile(path, target)
    return photo, statement


def pack(newsroom: Demo, text: str, card: Path, *files: Path) -> str:
    """Pack on a machine that has nothing of the newsroom but a copy of the published directory; return the codename."""
    offline = card.parent / "offline"
    shutil.copytree(newsroom.settings.keys.directory, offline / "keys")
    (offline / "report.txt").write_text(text)
    arguments = [
        "pack", *SANDBOX, "--roster", offline / "keys", "--admin-fingerprint", newsroom.settings.keys.admin_fingerprint,
        "--text", offline / "report.txt", "-o", card, *files,
    ]  # fmt: skip
    done = CliRunner().invoke(main, [str(each) for each in arguments])
    assert done.exit_code == 0, done.output
    shutil.rmtree(offline)
    return " ".join(re.findall(r"^  \d\. (.+)$", done.stdout, re.MULTILINE))


def hand_in(screen: Screen, *files: Path) -> None:
    """From the return page: choose the files and hand them in."""
    screen.open("intake", "/en/return")
    screen.follow("Hand it in here")
    screen.driver.find_element(By.NAME, "files").send_keys("\n".join(map(str, files)))
    screen.press("Hand in")


def test_a_packed_report_is_handed_in_with_scripting_off_and_read_on_the_desk(
    newsroom: Demo,
    chromium: type_of_starter,
    code_of: Callable[[str], str],
    files: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    mark, card, note = secrets.token_hex(6), tmp_path / "a.bin", tmp_path / "shopping.txt"
    codename = pack(newsroom, f"Carried over the river. {mark}", card, *files)
    note.write_text("milk\n")

    courier = Screen(chromium(scripting=False, width=320), newsroom)
    hand_in(courier, card)
    assert courier.words("//h1") == ["It has arrived"]
    assert courier.words("//h2[@id='received']/following-sibling::ul/li") == ["a.bin"]
    hand_in(courier, card, note)
    assert courier.words("//h1") == ["Not everything was taken"]
    assert courier.driver.execute_script("return document.documentElement.scrollWidth") <= 320
    assert courier.driver.get_cookies() == []

    amira = Screen(chromium(scripting=False), newsroom)
    sign_in(amira, "amira", code_of)
    open_case(amira, mark)
    assert "place, device" in amira.text
    assert amira.text.count(mark) == 1, "handed in twice, it is there once"
    amira.follow("Write to the source")
    amira.fill({"text": "Thank you. Are you safe?"})
    amira.press("Seal and send")

    come_back(courier, codename)
    assert courier.words("//article/p[@class='answer']") == ["Thank you. Are you safe?"]


def test_a_photo_that_its_source_sealed_is_shown_on_the_desk_only_as_it_was_cleaned_there(
    newsroom: Demo,
    chromium: type_of_starter,
    code_of: Callable[[str], str],
    files: tuple[Path, Path],
    tmp_path: Path,
) -> None:
    source = Screen(chromium(scripting=False, width=320), newsroom)
    source.open("intake", "/en/hand-in")
    assert source.words("//code") == ["age -R recipients.txt -o locked.age photo.jpg"]
    assert source.one("//a[@download]").get_dom_attribute("href") == "/recipients.txt"
    listed = httpx.get(f"{newsroom.url('intake')}/recipients.txt").text.splitlines()
    recipients = [HybridRecipient.parse(line) for line in listed if not line.startswith("#")]
    locked = tmp_path / "locked.age"
    locked.write_bytes(age_sealed(files[0].read_bytes(), recipients))
    source.driver.find_element(By.NAME, "files").send_keys(str(locked))
    source.press("Hand in")
    assert source.words("//h1") == ["It has arrived"]
    codename = source.codename
    assert source.driver.execute_script("return document.documentElement.scrollWidth") <= 320

    amira = Screen(chromium(scripting=False), newsroom)
    sign_in(amira, "amira", code_of)
    fetch(amira)
    for address in [each.get_dom_attribute("href") for each in amira.driver.find_elements(By.XPATH, CASES)]:
        amira.open("desk", str(address))
        if "sealed by the source" in amira.text:
            break
    assert amira.driver.find_elements(By.XPATH, "//ul[@class='files']//img") == []
    amira.press("Open and clean")
    assert "sealed by the source; cleaned here" in amira.text
    assert "Removed here: place, device" in amira.text
    assert len(amira.driver.find_elements(By.XPATH, "//ul[@class='files']//img")) == 1
    amira.follow("Write to the source")
    amira.fill({"text": "Thank you."})
    amira.press("Seal and send")
    come_back(source, codename)
    assert source.words("//article/p[@class='answer']") == ["Thank you."]
    assert source.driver.get_cookies() == []
