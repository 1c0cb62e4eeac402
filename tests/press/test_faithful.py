"""What a translation says otherwise than its original is named, in every language; what it says alike is not."""

from __future__ import annotations

from dataclasses import replace

import pytest

from fieldreport.press.article import Article, Media
from fieldreport.press.faithful import Difference, Kind, differences

ORIGINAL = Article(
    language="en",
    slug="bcdfghjk22",
    title="Leaving in the dark",
    body="On 14 September, at 9:40 p.m., forty-three people crossed the river near Hyesan. He met Anton Brezny in"
    " Dandong. The Chinese police counted 1,500 won. In 2019 one of them came back. Three women stayed.",
)
KOREAN = (
    "9월 14일 밤 9시 40분, 마흔세 명이 혜산 근처에서 강을 건넜다. 그는 단둥에서 안톤 브레즈니를 만났다."
    " 중국 경찰은 1,500원을 셌다. 2019년에 그들 가운데 한 명이 돌아왔다. 여자 세 명은 남았다."
)


def into(language: str, body: str) -> Article:
    return Article(language=language, slug="bcdfghjk23", body=body)


def said(found: tuple[Difference, ...]) -> list[tuple[Kind, str, bool]]:
    return [(each.kind, each.words, each.missing) for each in found]


@pytest.mark.parametrize(
    ("language", "body"),
    [
        ("ko", KOREAN),
        (
            "zh-Hans",
            (
                "9月14日晚上9点40分，四十三人在惠山附近过江。他在丹东见到了安东·布列兹尼。中国警察数了1500元。"
                "2019年，其中一人回来了。三名妇女留下。"
            ),
        ),
        (
            "ru",
            (
                "14 сентября в 21:40 сорок три человека перешли реку у Хесана. Он встретил Антона Брезного в Даньдуне."
                " Китайская полиция насчитала 1500 вон. В 2019 году один из них вернулся. Три женщины остались."
            ),
        ),
        (
            "ar",
            (
                "في 14 سبتمبر، الساعة 9:40 مساءً، عبر ثلاثة وأربعون شخصًا النهر قرب هيسان. التقى أنطون بريزني في"
                " داندونغ. عدّت الشرطة الصينية 1500 وون. في عام 2019 عاد واحد منهم. بقيت ثلاث نساء."
            ),
        ),
        (
            "fr",
            (
                "Le 14 septembre, à 21 h 40, quarante-trois personnes ont traversé la rivière près de Hyesan. Il a"
                " rencontré Anton Brezny à Dandong. La police chinoise a compté 1 500 wons. En 2019, l'une d'elles est"
                " revenue. Trois femmes sont restées."
            ),
        ),
    ],
)
def test_of_a_faithful_translation_nothing_is_named(language: str, body: str) -> None:
    assert said(differences(ORIGINAL, into(language, body))) == []
    assert said(differences(into(language, body), ORIGINAL)) == []


def test_numbers_days_times_and_names_that_are_missing_or_new_are_named() -> None:
    changed = (
        KOREAN.replace("마흔세", "서른네").replace("14일", "15일").replace("9시 40분", "열 시").replace("혜산", "회령")
    )
    assert said(differences(ORIGINAL, into("ko", changed))) == [
        (Kind.NUMBER, "forty-three", True),
        (Kind.DAY, "14 September", True),
        (Kind.TIME, "9:40 p.m.", True),
        (Kind.NAME, "Hyesan", True),
        (Kind.NUMBER, "서른네", False),
        (Kind.DAY, "9월 15일", False),
        (Kind.TIME, "열 시", False),
    ]


def test_a_name_that_only_the_translation_has_is_named() -> None:
    english = into("en", ORIGINAL.body.replace("Anton Brezny", "Karel Dvorsky"))
    assert (Kind.NAME, "Karel Dvorsky", False) in said(differences(into("ko", KOREAN), english))


def test_tens_and_hundreds_are_no_numbers() -> None:
    assert differences(into("en", "Dozens crossed, then hundreds."), into("zh-Hans", "数十人过江，后来几百人。")) == ()


def test_captions_count_and_addresses_do_not(photo: Media) -> None:
    original = replace(into("en", "Nobody counts them."), media=(replace(photo, caption="The bridge in 1998"),))
    translation = replace(into("ko", "아무도 세지 않는다."), slug="ko-bcdf234567", media=(photo,))
    assert said(differences(original, translation)) == [(Kind.NUMBER, "1998", True)]
