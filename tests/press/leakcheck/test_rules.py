"""Contact data, invisible characters, lifted words, traces, media and cases: the other rows of the leak check."""

from __future__ import annotations

import time
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fieldreport.press.article import Article, Media
from fieldreport.press.leakcheck import Finding, Material, Rule, Severity, check, moments

REGIONS = ("KR", "CN", "RU", "JP", "US", "GB")
CONTACT = {Rule.PHONE, Rule.EMAIL, Rule.ADDRESS, Rule.ACCOUNT, Rule.COORDINATES, Rule.ID_NUMBER}


def table(name: str) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = tomllib.loads(Path(__file__).with_name(name).read_text(encoding="utf-8"))["row"]
    return rows


def body(text: str, language: str = "en") -> Article:
    return Article(language=language, slug="bcdfghjkmn", body=text)


def findings_in(text: str, *materials: Material, language: str = "en") -> tuple[Finding, ...]:
    return check(body(text, language), materials, phone_regions=REGIONS)


def matched(text: str, findings: tuple[Finding, ...], rule: Rule) -> list[str]:
    return [text[finding.start : finding.end] for finding in findings if finding.rule is rule]


@pytest.mark.parametrize("row", table("contact.toml"), ids=lambda row: row["text"][:30])
def test_what_leads_to_a_person_blocks_and_ordinary_numbers_do_not(row: dict[str, Any]) -> None:
    text = row["text"]
    found = findings_in(text, language=row.get("language", "en"))
    assert [[f.rule.value, text[f.start : f.end]] for f in found if f.rule in CONTACT] == row["finds"]


@pytest.mark.parametrize(
    "row", table("invisible.toml"), ids=lambda row: row["text"][:20].encode("unicode_escape").decode()
)
def test_hidden_marks_block_and_ordinary_writing_does_not(row: dict[str, Any]) -> None:
    text = row["text"]
    found = findings_in(text, language=row.get("language", "en"))
    assert matched(text, found, Rule.INVISIBLE) == row.get("invisible", [])
    assert matched(text, found, Rule.LOOK_ALIKE) == row.get("look_alike", [])


def test_a_plain_page_of_a_listed_site_may_be_linked_to() -> None:
    text = "See https://www.example.org/news, example.org, http://example.org.evil.com, https://example.org/?id=7, https://me@example.org."
    found = check(body(text), [], public_sites=("example.org",))
    assert matched(text, found, Rule.ADDRESS) == [
        "http://example.org.evil.com",
        "https://example.org/?id=7",
        "https://me@example.org",
    ]


REPORT = (
    "On the night I left, the guard at the second post had drunk too much and was asleep beside the fire, so we walked "
    "past him with the child wrapped in a blanket. My cousin waited at the river with a rope that he had borrowed."
)


def test_eight_words_in_a_row_from_the_report_block() -> None:
    text = "A witness said: The guard at the SECOND post had drunk “too much” – nobody saw them."
    found = findings_in(text, Material(case="C-1", text=REPORT))
    assert matched(text, found, Rule.LIFTED_RUN) == ["The guard at the SECOND post had drunk “too much"]
    assert [f.case for f in found] == ["C-1"]


def test_seven_words_in_a_row_do_not() -> None:
    text = "They said the guard at the second post had eaten, and that was all anybody would say about him later on."
    assert findings_in(text, Material(case="C-1", text=REPORT)) == ()


def test_a_paragraph_that_follows_the_report_closely_blocks() -> None:
    text = (
        "First paragraph, about nothing at all.\n\n"
        "That night the guard at the second post had been drunk; he was asleep beside the fire, so they went past him "
        "with the child wrapped in cloth."
    )
    found = findings_in(text, Material(case="C-1", text=REPORT))
    assert [f.rule for f in found] == [Rule.LIFTED_SHARE]
    assert text[found[0].start :].startswith("That night")


def test_a_paraphrase_passes() -> None:
    text = (
        "Two families crossed in the dark. A sentry who should have stopped them had been drinking, a relative of one "
        "said, and a borrowed line helped them over the water."
    )
    assert findings_in(text, Material(case="C-1", text=REPORT)) == ()


def test_words_lifted_in_russian_and_arabic_block() -> None:
    russian = "Ночью мы прошли мимо второго поста, потому что часовой спал у костра и ничего не слышал"
    text = f"По словам очевидца, {russian.upper()}."
    assert matched(text, findings_in(text, Material(case="C", text=russian), language="ru"), Rule.LIFTED_RUN)
    arabic = "مشينا في الليل قرب الحاجز الثاني لأن الجندي كان نائما بجانب النار ولم يسمع شيئا"
    assert findings_in(f"قال الشاهد: {arabic}", Material(case="C", text=arabic), language="ar")


@pytest.mark.parametrize(
    ("language", "report", "lifted", "free"),
    [
        (
            "zh-Hans",
            "那天夜里第二个哨所的士兵喝醉了，在火堆旁睡着了，我们就走过去了。",
            "目击者说，第二个哨所的士兵喝醉了，在火堆旁睡。",
            "目击者说，士兵喝醉了，没有看见他们。",
        ),
        (
            "ja",
            "その夜、第二哨所の兵士は酔って焚き火のそばで眠っていた。",
            "証言によると、第二哨所の兵士は酔って焚き火の横にいた。",
            "証言によると、兵士は眠っていたという。",
        ),
        (
            "ko",
            "그날 밤 두 번째 초소의 병사가 술에 취해 모닥불 옆에서 자고 있었다.",
            "증인은 “두 번째 초소의 병사가 술에 취해” 있었다고 했다.",
            "증인은 병사가 자고 있었다고 했다.",
        ),
    ],
    ids=["zh", "ja", "ko"],
)
def test_twelve_characters_in_a_row_block_in_east_asian_text(
    language: str, report: str, lifted: str, free: str
) -> None:
    material = Material(case="C-1", text=report)
    assert Rule.LIFTED_RUN in {f.rule for f in findings_in(lifted, material, language=language)}
    assert {f.severity for f in findings_in(free, material, language=language)} <= {Severity.WARN}


def test_a_long_official_name_in_korean_is_not_lifted() -> None:
    material = Material(case="C-1", text="나는 조선민주주의인민공화국에서 왔습니다.")
    assert findings_in("그는 조선민주주의인민공화국에서 태어났다.", material, language="ko") == ()


@pytest.mark.parametrize("row", table("moments.toml"), ids=lambda row: row["text"][:20])
def test_exact_days_and_times_warn(row: dict[str, Any]) -> None:
    text = row["text"]
    found = findings_in(text, language=row["language"])
    assert matched(text, found, Rule.EXACT_DATE) == row["dates"]
    assert matched(text, found, Rule.CLOCK_TIME) == row["clocks"]
    assert {f.severity for f in found} <= {Severity.WARN}


def test_a_number_that_is_also_in_the_report_warns() -> None:
    material = Material(case="C-1", text="There were 47 people, 1250 bags, in 2023, for 3 days.")
    text = "Between 40 and 47 people with 1,250 bags, in 2023, for 3 weeks; 470 others."
    assert matched(text, findings_in(text, material), Rule.SHARED_NUMBER) == ["47", "1,250"]


NUMBERS = {
    "en": "twenty-three lorries, a hundred and forty of them, one thousand four hundred and eighty tonnes",
    "fr": "vingt-trois camions, cent quarante, mille quatre cent quatre-vingts tonnes",
    "es": "veintitrés camiones, ciento cuarenta, mil cuatrocientos ochenta toneladas",
    "pt": "vinte e três caminhões, cento e quarenta, mil quatrocentas e oitenta toneladas não",
    "tr": "yirmi üç kamyon, yüz kırk, bin dört yüz seksen ton ve bu",
    "ru": "двадцать три машины, сто сорок, тысяча четыреста восемьдесят тонн",
    "ar": "ثلاث وعشرون شاحنة، مئة وأربعون، ألف وأربعمئة وثمانون طنا",
    "fa": "بیست و سه کامیون، صد و چهل، هزار و چهارصد و هشتاد تن",
    "ko": "트럭 스물세 대, 백사십 명, 천사백팔십 톤",
    "zh-Hans": "二十三辆车，一百四十人，一千四百八十吨",
    "ja": "トラック二十三台と百四十人、千四百八十トン",
}


@pytest.mark.parametrize("language", NUMBERS)
@pytest.mark.parametrize("report", ["23, 140 and 1,480.", "Всего 23, 140 и 1480."])
def test_a_number_in_words_is_the_number_in_figures(language: str, report: str) -> None:
    material = Material(case="C-1", text=report)
    spelled = NUMBERS[language]
    assert len(matched(spelled, findings_in(spelled, material, language=language), Rule.SHARED_NUMBER)) == 3
    words = Material(case="C-1", text=spelled)
    figures = "There were 23, then 140, then 1,480 and 24, 141, 1,481."
    assert matched(figures, findings_in(figures, words), Rule.SHARED_NUMBER) == ["23", "140", "1,480"]


def test_a_rough_number_is_near_the_one_in_the_report() -> None:
    material = Material(case="C-1", text="There were 23 lorries and 1,480 tonnes.")
    text = "Nearly two dozen lorries, about 1,500 tonnes; two dozen guards, forty horses, about 90 crates."
    assert matched(text, findings_in(text, material), Rule.ROUNDED_NUMBER) == ["two dozen", "1,500"]
    korean = "트럭 이십여 대와 사십여 명"
    assert matched(korean, findings_in(korean, material, language="ko"), Rule.ROUNDED_NUMBER) == ["이십"]


def test_korean_words_that_begin_like_a_number_are_none() -> None:
    material = Material(case="C-1", text="신청 서류 세 장에 서명했다. 병사 세 명이 왔다.")
    assert findings_in("서명할 병사", material, language="ko") == ()


def test_a_small_number_tells_only_with_what_it_counts() -> None:
    material = Material(case="C-1", text="I copied it in three night shifts, with two friends.")
    text = "Over three night shifts, three weeks and two years."
    assert matched(text, findings_in(text, material), Rule.SHARED_NUMBER) == ["three"]


def test_a_weekday_or_a_bare_hour_tells_only_where_the_report_has_it() -> None:
    material = Material(case="C-1", text="화요일 밤 열 시에 떠났다.")
    text = "They left on a Tuesday before ten, not on a Friday, and were back by eleven."
    found = findings_in(text, material)
    assert matched(text, found, Rule.EXACT_DATE) == ["Tuesday"]
    assert matched(text, found, Rule.CLOCK_TIME) == ["before ten"]


def _listed(names: str | list[str]) -> list[str]:
    return [names] if isinstance(names, str) else names


@pytest.mark.parametrize(
    "month", [month for names in moments.TABLES["months"].values() for each in names for month in _listed(each)]
)
def test_every_month_of_the_table_makes_a_date(month: str) -> None:
    text = f"7 {month.title() if month.isascii() else month} 2024"
    assert Rule.EXACT_DATE in {found.rule for found in findings_in(text)}


def test_only_a_file_that_was_cleaned_here_passes() -> None:
    clean, foreign = "a" * 64, "b" * 64
    media = Media(name="photo-1.jpg", media_type="image/jpeg", sha256=clean, length=3)
    article = replace(body(""), media=(media, replace(media, name="photo-2.jpg", sha256=foreign)))
    found = check(article, [], fresh_media={clean})
    assert [(f.rule, f.field, f.severity) for f in found] == [(Rule.MEDIA, "media.photo-2.jpg", Severity.BLOCK)]


def test_captions_and_alternative_texts_are_read_like_the_body() -> None:
    media = Media(
        name="photo-1.jpg",
        media_type="image/jpeg",
        sha256="a" * 64,
        length=3,
        caption="In Hyesan",
        alternative="Hyesan",
    )
    found = check(
        replace(body(""), media=(media,)), [Material(case="C", protected=("Hyesan",))], fresh_media={"a" * 64}
    )
    assert [f.field for f in found] == ["media.photo-1.jpg.caption", "media.photo-1.jpg.alternative"]


def test_a_case_that_is_gone_blocks_and_an_unreadable_wish_warns() -> None:
    found = check(body(""), [Material(case="C-1", gone=True), Material(case="C-2", not_before="after the harvest")])
    assert [(f.rule, f.case, f.severity) for f in found] == [
        (Rule.CASE_GONE, "C-1", Severity.BLOCK),
        (Rule.NOT_BEFORE, "C-2", Severity.WARN),
    ]
    assert check(body(""), [Material(case="C-2", not_before="2026-12-01")]) == ()


def test_more_terms_than_are_looked_for_are_said_not_skipped() -> None:
    note = ", ".join(f"Name{number}" for number in range(501))
    assert {f.rule for f in findings_in("Nothing here.", Material(case="C-1", protect_note=note))} == {Rule.CASE_PARTLY}
    assert findings_in("Nothing here.", Material(case="C-1", protect_note=note.removesuffix(", Name500"))) == ()


@pytest.mark.parametrize("piece", ["a", "漢", "한", "1", "1 ", "a@", "a.", "kim", "[", "x\n\n", "\u200b", "41°"])
def test_no_text_makes_it_slow(piece: str) -> None:
    def cost(length: int) -> float:
        text = (piece * length)[:length]
        started = time.process_time()
        findings_in(text, Material(case="C-1", text=text, protected=("Kim", "Kim Chol-su")))
        return time.process_time() - started

    cost(100)  # tables are made at the first use
    # Eight times the text: 8 where the work grows with it, 64 with its square; the floor keeps noise from deciding.
    assert cost(8000) < 32 * max(cost(1000), 0.02)


def test_a_finding_keeps_its_key_while_its_surroundings_stay() -> None:
    protected = Material(case="C-1", protected=("Hyesan",))
    sentence = "Somebody told us that the market in Hyesan was closed that day, said one."
    before = findings_in(sentence, protected)
    after = findings_in(f"A new first sentence, long enough to matter.\n\n{sentence}\n\nAnd a last one.", protected)
    changed = findings_in(sentence.replace("closed", "open"), protected)
    assert [f.key for f in before] == [f.key for f in after]
    assert before[0].key != changed[0].key


def test_the_same_place_twice_has_two_keys() -> None:
    sentence = "It is known to everybody here: in Hyesan, and known to everybody here as well.\n\n"
    keys = [f.key for f in findings_in(sentence * 2, Material(case="C-1", protected=("Hyesan",)))]
    assert len(keys) == len(set(keys)) == 2


def test_two_thousand_words_against_fifty_letters_take_well_under_a_second() -> None:
    words = [
        f"{first}{second}" for first in ("ka", "lo", "mi", "nu", "pe", "ra") for second in ("bor", "dun", "fel", "gim")
    ]
    text = "\n\n".join(" ".join(words[(i * 7 + j * j) % len(words)] for j in range(100)) for i in range(20))
    letters = [
        Material(
            case=str(n),
            text=" ".join(words[(n * 5 + j * j * 3 + j) % len(words)] for j in range(600)),
            protected=(f"Kim Chol-{words[n % 24]}", f"{words[n % 24].title()}san"),
        )
        for n in range(50)
    ]
    findings_in("warm", letters[0])
    started = time.thread_time()
    findings_in(text, *letters)
    assert time.thread_time() - started < 2  # of this thread's own work, which is 0.2 s; others' does not count


@pytest.mark.parametrize("sign", ["一", "九", "〇"])
def test_a_line_drawn_with_signs_for_digits_is_no_number(sign: str) -> None:
    report = Material(case="C-1", text=f"1,250 people.\n{sign * 400}\n")
    assert [each.rule for each in findings_in("There were 1,250, or 3,500.", report)] == [Rule.SHARED_NUMBER]
