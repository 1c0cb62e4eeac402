"""The inbox in Chromium: keys, cards on a tablet, and nothing for axe to find, in light and in dark."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait

from fieldreport.seal import Codename, Role, SourceKeys
from fieldreport.vault.cases import conversation, restriction
from fieldreport.vault.cases.conversation import Card
from tests.browser.conftest import served, type_of_driver
from tests.browser.test_whole_path import AXE_RUN
from tests.cast import ROLES, File

# Without the newsroom's processes: this desk runs in a thread.
from tests.desk.conftest import House, build, furnished, house, scrubber, sources  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.campaign]

_KOREAN: Final = (
    "우리는 밤에 강을 건넜다. 두 번째 초소의 경비병은 불 옆에서 자고 있었다. 아이는 담요에 싸여 있었다. " * 3
)
_ARABIC: Final = "في الليلة التي غادرت فيها كان الحارس نائما قرب النار فمررنا به ومعنا الطفل ملفوفا ببطانية."


@pytest.fixture
def address(house: House) -> Iterator[str]:  # noqa: F811 - a fixture of the desk's tests
    with served(house.app) as port:
        yield f"http://localhost:{port}"


def fill(house: House) -> None:  # noqa: F811
    """A morning's letters: long and short, in several directions, damaged, limited, labelled, taken."""
    files = [File(f"photo-{n}.jpg", "image/jpeg", b"x") for n in (1, 2)] + [
        File("document-1.pdf", "application/pdf", b"x")
    ]
    letters: list[dict[str, Any]] = [
        {"text": _KOREAN, "report_language": "ko", "files": files},
        {"text": _ARABIC, "report_language": "ar"},
        {},
        {"text": "cut off", "damage": -1},
        {"text": "Only for the two of you.", "files": [File("recording-1.mp3", "audio/mpeg", b"x")]},
    ]
    cases = []
    for letter in letters:
        source = SourceKeys.derive(Codename.generate("en"), instance=house.settings.instance_id)
        cases.append(house.receive(source=source, **letter))
        house.clock.forward(7 * 3600)
    seat = house.seat("jonas")
    labels = ("border", "needs a second source")
    conversation.save_card(seat, cases[0].id, Card(facts="# A crossing at night", labels=labels))
    restriction.limit(seat, cases[4].id, {"amira", "jonas"})


def test_it_is_read_sorted_and_walked_by_keys_on_a_desk_and_on_a_tablet(
    house: House,  # noqa: F811
    address: str,
    chromium: type_of_driver,
    axe: str,
) -> None:
    fill(house)
    cookie, _ = house.desk.sessions.begin(handle="amira", role=ROLES["amira"], seat=house.seat("amira"))
    driver = chromium(scripting=True)
    driver.set_script_timeout(60)
    driver.get(f"{address}/desk.svg")
    driver.add_cookie({"name": "desk", "value": cookie})
    driver.get(f"{address}/inbox")
    for session in house.desk.sessions.of_role(Role.EDITOR):
        if session.looking.job is not None:
            session.looking.job.wait(30)
    driver.get(f"{address}/inbox")
    driver.execute_script(axe)
    found = []
    for width in (1024, 768):
        for scheme in ("light", "dark"):
            show(driver, width=width, scheme=scheme)
            found += [f"{width} {scheme}: {each}" for each in driver.execute_async_script(AXE_RUN)]
            assert driver.execute_script("return document.documentElement.scrollWidth") <= width
    assert found == []
    row = driver.find_element(By.CSS_SELECTOR, "tbody tr")
    assert row.value_of_css_property("display") == "flex"  # a card
    show(driver, width=1024, scheme="light")
    assert row.value_of_css_property("display") == "table-row"

    names = [each.text.split()[0] for each in driver.find_elements(By.CSS_SELECTOR, "[data-row]")]
    assert len(names) == 5
    press(driver, "jjk")
    assert driver.switch_to.active_element.text.startswith(names[0])
    press(driver, "j")
    until(driver, "o", lambda: driver.title.startswith(names[1]))
    until(driver, "j", lambda: driver.title.startswith(names[2]))
    until(driver, "k", lambda: driver.title.startswith(names[1]))
    until(driver, "u", lambda: driver.title.startswith("Inbox"))
    press(driver, "/")
    assert driver.switch_to.active_element.get_dom_attribute("id") == "state"
    press(driver, "j")  # in a field it is a letter
    assert driver.switch_to.active_element.get_dom_attribute("id") == "state"


def show(driver: Any, *, width: int, scheme: str) -> None:
    """Give the page another width and another scheme of colours, without loading it again."""
    metrics = {"width": width, "height": 1300, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
    features = [{"name": "prefers-color-scheme", "value": scheme}]
    driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})


def press(driver: Any, keys: str) -> None:
    """Press keys where the focus is."""
    driver.switch_to.active_element.send_keys(*keys)


def until(driver: Any, key: str, there: Callable[[], bool]) -> None:
    """Press a key that leads to another page, and wait for it."""
    press(driver, key)
    WebDriverWait(driver, 60).until(lambda _: there())
