"""Fifteen reports as they come: how many presses it takes to know what each one is."""

from __future__ import annotations

from typing import Final

from fieldreport.seal import Codename, SourceKeys
from tests.cast import File
from tests.desk.conftest import Browser, House, Page
from tests.eventually import eventually
from tests.scrub.samples import every_sample

_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
_TOLD: Final = {
    "en": ("They took him at dawn.", "took him at dawn"),
    "ko": ("우리는 밤에 강을 건넜다.", "강을 건넜다"),
    "zh-Hans": ("清晨四辆没有牌照的卡车驶过大桥。", "没有牌照的卡车"),
    "ar": ("عند الفجر عبرت أربع شاحنات فوق الجسر.", "أربع شاحنات"),
    "ru": ("На пункте пропуска никого нет.", "пункте пропуска"),
}
# Of a report without words: its file, and where the case shows it; otherwise what one reads after another press.
_SHOWN: Final = {
    "image/jpeg": ("photo-1.jpg", "img"),
    "image/png": ("image-1.png", "img"),
    "image/tiff": ("image-1.tiff", "img"),
    "application/pdf": ("document-1.pdf", "img"),
    "video/mp4": ("video-1.mp4", "video[@poster]"),
    "audio/flac": ("recording-1.flac", "audio"),
    f"{_OFFICE}.wordprocessingml.document": ("document-1.docx", ""),
    f"{_OFFICE}.spreadsheetml.sheet": ("table-1.xlsx", ""),
    "application/zip": ("archive-1.zip", ""),
}
_READ: Final = {
    "document-1.docx": "gate was opened at night",
    "table-1.xlsx": "Sheet1 entry 1",
    "archive-1.zip": "a lorry crossed the bridge",
}


def test_two_presses_tell_what_any_report_is(house: House, amira: Browser) -> None:
    samples = every_sample()
    amira.press(amira.get("/junk"), "Save these rules", {"phrases": "cheap watches"})
    cases = {tag: send(house, text, report_language=tag) for tag, (text, _) in _TOLD.items()}
    cases |= {kind: send(house, "", File(name, kind, samples[kind]())) for kind, (name, _) in _SHOWN.items()}
    noise = send(house, "buy cheap watches now")
    assert len(cases) + 1 == 15
    inbox = eventually(lambda: settled(amira))
    assert inbox is not None
    assert noise not in inbox.text, "noise takes no press at all"
    presses = 0
    for kind, case in cases.items():
        row = next(each for each in inbox.find("//tbody/tr") if case in each.text_content())
        if kind in _TOLD:
            assert _TOLD[kind][1] in row.text_content()
            continue
        name, sign = _SHOWN[kind]
        page = amira.get(row.xpath(".//th//a")[0].get("href"))
        presses += 1
        if sign:
            assert page.find(f"//ul[@class='files']//{sign}"), kind
        else:
            page = amira.get(page.link(name))
            presses += 1
            assert _READ[name] in page.text
    assert presses <= len(cases), "no more than opening each would take"


def settled(browser: Browser) -> Page | None:
    """The inbox, once the desk has looked into every case."""
    page = browser.get("/inbox")
    return None if "looking into" in page.text else page


def send(house: House, text: str, *files: File, report_language: str = "en") -> str:
    """A letter of a source of its own; returns its case's name."""
    source = SourceKeys.derive(Codename.generate("en"), instance=house.settings.instance_id)
    return house.receive(text, source=source, files=files, report_language=report_language).name
