"""Cases that tell the same are noticed, in every script; those that do not are not."""

from __future__ import annotations

from pathlib import Path

import pytest

from fieldreport.scrub import Scrubber
from fieldreport.vault.cases import restriction
from fieldreport.vault.cases.case_index import CaseIndex
from fieldreport.vault.cases.readings import Reader
from fieldreport.vault.cases.search import SearchReader
from fieldreport.vault.cases.similar import Similar, similar
from tests.cast import a_source
from tests.vault.newsroom import Newsroom

TOLD = {
    "en": (
        "At dawn four trucks without plates came over the bridge. The guards waved them through, and smoke rose later.",
        "Please print: At dawn four trucks without plates came over the bridge; the guards waved them through! Nobody",
        "At noon two buses stopped beside the school, and the children of the village were told to go home early.",
    ),
    "zh": (
        "清晨四辆没有牌照的卡车驶过大桥，第二哨所的守卫挥手放行，一小时后砖厂后面升起浓烟。",
        "请刊登：清晨四辆没有牌照的卡车驶过大桥。第二哨所的守卫挥手放行了，一小时后，砖厂后面升起了浓烟，没有人问。",
        "中午两辆公共汽车停在学校旁边，村里的孩子们被告知早点回家，老师们什么也没有说。",
    ),
    "ar": (
        "عند الفجر عبرت أربع شاحنات بلا لوحات فوق الجسر، ولوح لها حراس النقطة الثانية، وبعد ساعة ارتفع الدخان",
        "أرجو النشر: عند الفجر عبرت أربع شاحنات بلا لوحات فوق الجسر ولوّح لها حراس النقطة الثانية، ثم ارتفع",
        "عند الظهر توقفت حافلتان بجانب المدرسة وطلب من أطفال القرية أن يعودوا إلى بيوتهم مبكرا ولم يقل المعلمون شيئا",
    ),
}


def look(newsroom: Newsroom, case_id: bytes, tmp_path: Path, staff: str = "amira") -> tuple[Similar, ...]:
    index = CaseIndex(newsroom.vault, newsroom.watch)
    index.refresh()
    seat = newsroom.seat(getattr(newsroom, staff))
    with Scrubber.start(directory=tmp_path, require_sandbox=False) as scrubber:
        reader = SearchReader(seat, index, Reader(scrubber, tmp_path))
        reader.read(lambda _done, _total: None)
        return similar(seat, reader, case_id)


@pytest.mark.parametrize("language", TOLD)
def test_what_was_lightly_changed_is_the_same_and_another_report_is_not(
    newsroom: Newsroom, tmp_path: Path, language: str
) -> None:
    first, again, _other = (newsroom.receive(a_source(), text) for text in TOLD[language])
    (found,) = look(newsroom, first.id, tmp_path)
    assert (found.name, found.files) == (again.name, 0)
    assert 0 < found.passages <= found.of


def test_the_same_file_is_named_and_only_to_those_who_read_both(newsroom: Newsroom, tmp_path: Path) -> None:
    first = newsroom.receive(a_source(), "mine", files=(b"the one photo", b"another"))
    again = newsroom.receive(a_source(), "not mine", files=(b"the one photo",))
    newsroom.receive(a_source(), "quite another", files=(b"no photo of theirs",))
    (found,) = look(newsroom, first.id, tmp_path)
    assert (found.name, found.files, found.passages) == (again.name, 1, 0)
    newsroom.hire("late")
    restriction.limit(newsroom.seat(newsroom.jonas), again.id, {"jonas", "late"})
    assert look(newsroom, first.id, tmp_path) == ()
    assert look(newsroom, first.id, tmp_path, "jonas")
