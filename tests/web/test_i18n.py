"""The language of a page: what was asked for, and what there is."""

from __future__ import annotations

import pytest

from fieldreport.web.i18n import NAMES, negotiate


@pytest.mark.parametrize(
    ("wishes", "offered", "expected"),
    [
        (["ko-KP"], ["en", "ko"], "ko"),
        (["KO"], ["en", "ko"], "ko"),
        (["zh"], ["en", "zh-Hans", "zh-Hant"], "zh-Hans"),
        (["zh-SG"], ["en", "zh-Hans", "zh-Hant"], "zh-Hans"),
        (["zh-HK"], ["en", "zh-Hans", "zh-Hant"], "zh-Hant"),
        (["zh-Hant-CN"], ["en", "zh-Hans", "zh-Hant"], "zh-Hant"),
        (["zh-Hans-TW"], ["en", "zh-Hans", "zh-Hant"], "zh-Hans"),
        (["zh-TW"], ["en", "zh-Hans"], "zh-Hans"),
        (["de", "ru-RU"], ["en", "ru"], "ru"),
        (["de", "*"], ["ko", "en"], "ko"),
        ([], ["ko"], "ko"),
    ],
)
def test_the_language_is_the_best_that_is_offered(wishes: list[str], offered: list[str], expected: str) -> None:
    assert negotiate(wishes, offered) == expected


def test_every_language_has_its_own_name() -> None:
    assert len(set(NAMES.values())) == len(NAMES) == 12
