"""The desk in Korean and in Chinese, in Chromium: nothing is left in English, nothing overflows, axe finds nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Final

import pytest

from fieldreport.seal import Role
from fieldreport.vault.articles import drafts
from fieldreport.vault.cases import conversation, restriction, shown_sheets
from tests.browser.conftest import served, type_of_driver
from tests.browser.test_inbox import fill
from tests.browser.test_whole_path import AXE_RUN
from tests.cast import ROLES
from tests.catalogues import DESK

# Without the newsroom's processes: this desk runs in a thread.
from tests.desk.conftest import House, build, furnished, house, scrubber, sources  # noqa: F401

pytestmark = [pytest.mark.browser, pytest.mark.campaign]

# What is seen or read aloud and is the desk's own: no words of people, no commands, no names of files or zones.
_SAID: Final = """
const said = [document.title];
const theirs = "[dir=auto], body [lang], code, kbd, .mono, #zone, #label, [download]";
const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
while (walker.nextNode()) {
  const parent = walker.currentNode.parentElement;
  if (!parent.closest(theirs) && parent.tagName !== "SCRIPT") said.push(walker.currentNode.textContent);
}
for (const each of document.querySelectorAll("[aria-label], [alt], [placeholder], [data-label]"))
  for (const name of ["aria-label", "alt", "placeholder", "data-label"])
    if (each.hasAttribute(name)) said.push(each.getAttribute(name));
return said.map((each) => each.replace(/\\s+/g, " ").trim()).filter(Boolean);
"""
_WORD: Final = re.compile(r"[A-Za-z]{3,}")
_TRANSLATED: Final = re.compile(r"[\u3131-\ud79d\u4e00-\u9fff]")
# Names that stay what they are, and the words of a fingerprint.
_NAMES: Final = re.compile(
    r"C-[A-Z0-9-]+|The Far Bank|amira|ines|jonas|lena|recovery|desk|[\w-]+\.(?:jpg|pdf|mp3|txt|age|key|toml)|UTC|PDF|QR"
    r"|English|Landlock ABI \d, seccomp|(?:[a-z]+ ){11}[a-z]+"
)


def english() -> re.Pattern[str]:
    """Every sentence of the desk as it stands in the program, whatever is put into it."""
    sentences = {sentence for ids, _ in DESK.strings() for sentence in ids if "<" not in sentence}
    parts = [re.split(r"%\(\w+\)s", sentence) for sentence in sentences]
    patterns = [".+".join(map(re.escape, each)) for each in parts if _WORD.search(" ".join(each))]
    return re.compile("|".join(sorted(patterns)))


@pytest.fixture
def address(house: House) -> Iterator[str]:  # noqa: F811 - a fixture of the desk's tests
    with served(house.app) as port:
        yield f"http://localhost:{port}"


def pages(house: House, role: Role, language: str) -> list[str]:  # noqa: F811
    if role is Role.ADMIN:
        acts = ["remove/jonas", "suspend/jonas", "renew", "lock-all"]
        return [
            "/staff",
            "/letterbox",
            "/retention",
            "/audit",
            "/health",
            "/keys",
            *(f"/staff/{each}" for each in acts),
        ]
    cases = [f"/cases/{case.id.hex()}" for case in house.cases()]
    seat, limited = house.seat("amira"), house.cases()[0].id
    restriction.limit(seat, limited, {"amira", "jonas"})
    card = conversation.card(seat, limited)
    card = conversation.save_card(seat, limited, replace(card, facts="사실", protected=("사실",)))
    shown_sheets.show(seat, limited, ["ines"], version=card.version)
    written = [f"{cases[0]}?write={form}" for form in ("reply", "note", "facts")]
    draft = drafts.create(house.seat("amira"), [house.cases()[-1].id], language=language)
    article = f"/articles/{draft.head.id.hex()}"
    return [
        "/inbox",
        "/inbox?state=all&sort=waiting",
        "/search",
        *cases,
        *written,
        f"{cases[0]}/delete",
        f"{cases[0]}/sheet",
        "/junk",
        "/register",
        "/articles",
        *(f"{article}{more}" for more in ("", "/check", "/end")),
        "/retention",
        "/keys",
        "/second-factor",
        "/second-factor/authenticator",
        "/second-factor/passkeys",
        "/keys/passphrase",
        "/there-is-no-such-page",
        "/inbox?colour=red",
    ]


@pytest.mark.parametrize(("language", "lines"), [("ko", "받은 제보함"), ("zh-Hans", "收件箱")])
def test_every_page_of_the_desk_speaks_one_language_and_fits(
    house: House,  # noqa: F811
    address: str,
    chromium: type_of_driver,
    axe: str,
    language: str,
    lines: str,
) -> None:
    fill(house)
    wrong: list[str] = []
    untranslated = english()
    driver = chromium(scripting=True)
    driver.set_script_timeout(60)

    def look(path: str) -> str:
        driver.get(f"{address}{path}")
        driver.execute_script(axe)
        assert driver.execute_script("return document.documentElement.lang") == language
        for text in driver.execute_script(_SAID):
            bare = _NAMES.sub("", text)
            if _WORD.search(bare) and (not _TRANSLATED.search(bare) or untranslated.fullmatch(text)):
                wrong.append(f"{path}: {text}")
        for width in (1024, 768):
            _resize(driver, width)
            wrong.extend(f"{path} {width}: {each}" for each in driver.execute_async_script(AXE_RUN))
            if driver.execute_script("return document.documentElement.scrollWidth") > width:
                wrong.append(f"{path} is wider than {width}")
        return str(driver.execute_script("return document.body.innerText"))

    driver.get(f"{address}/desk.svg")
    driver.add_cookie({"name": "language", "value": language})
    look("/sign-in")
    for handle in ("amira", "lena"):
        cookie, _ = house.desk.sessions.begin(handle=handle, role=ROLES[handle], seat=house.seat(handle))
        driver.add_cookie({"name": "desk", "value": cookie})
        shown = [look(path) for path in pages(house, ROLES[handle], language)]
        assert handle == "lena" or lines in shown[0]
    assert wrong == []


def _resize(driver: Any, width: int) -> None:
    metrics = {"width": width, "height": 1300, "deviceScaleFactor": 1, "mobile": False}
    driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", metrics)
