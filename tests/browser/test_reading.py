"""Attachments as Chromium shows them: every picture arrives, nothing scrolls sideways, axe finds nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Final

import pytest
from selenium import webdriver
from selenium.webdriver.support.ui import WebDriverWait

from fieldreport.scrub import registry
from tests.browser.conftest import served
from tests.browser.test_whole_path import AXE_RUN
from tests.cast import File
from tests.desk.conftest import House, build, furnished, house, photo, scrubber, sources  # noqa: F401 - fixtures
from tests.desk.test_reading import CHAT, SAMPLES, archive
from tests.scrub.conftest import clean_copy

pytestmark = [pytest.mark.browser, pytest.mark.campaign]

_WORD: Final = "application/vnd.openxmlformats-officedocument.wordprocessingml.document"
_SHEET: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
_KINDS: Final = ("application/pdf", _WORD, _SHEET, "video/mp4", "video/x-matroska", "audio/mpeg", "image/tiff")


@pytest.fixture
def desk(house: House) -> Iterator[str]:  # noqa: F811
    """The address of a desk that listens, and the cookie of somebody who is signed in there."""
    with served(house.app) as port:
        yield f"http://127.0.0.1:{port}"


def files() -> list[File]:
    names = registry.NeutralNames()
    cleaned = [clean_copy(SAMPLES[each](), by_ffmpeg=True) for each in _KINDS]
    given = [(each.media_type, each.data) for each in cleaned]
    given += [("image/jpeg", photo(size=(3000, 2000))), ("text/plain", CHAT.encode())]
    given.append(("application/zip", archive(a_txt=b"The gate.", b_jpg=photo(), c_pdf=SAMPLES["application/pdf"]())))
    return [File(names.next(media_type), media_type, data) for media_type, data in given]


_PICTURES: Final = """
for (const each of document.images) { each.loading = "eager"; }
return [...document.images].filter(each => !(each.complete && each.naturalWidth > 0)).map(each => each.alt);
"""


def test_a_case_and_its_files_at_both_widths(
    house: House,  # noqa: F811
    desk: str,
    chromium: Callable[..., webdriver.Chrome],
    axe: str,
) -> None:
    case = house.receive(files=files())
    browser = house.enter("amira")
    driver = chromium(scripting=True)
    driver.get(f"{desk}/sign-in")
    driver.add_cookie({"name": "desk", "value": browser.cookie or ""})
    page = browser.get(f"/cases/{case.id.hex()}")
    addresses = [f"/cases/{case.id.hex()}", *dict.fromkeys(a.get("href") for a in page.find("//ul[@class='files']//a"))]
    addresses.append(addresses[1].replace("/read", "/original"))
    for width in (1024, 768):
        driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False},
        )
        for address in addresses:
            driver.get(desk + address)
            WebDriverWait(driver, 60).until(lambda shown: not shown.execute_script(_PICTURES))
            assert driver.execute_script("return document.documentElement.scrollWidth") <= width, address
            driver.execute_script(axe)
            assert driver.execute_async_script(AXE_RUN) == [], address
