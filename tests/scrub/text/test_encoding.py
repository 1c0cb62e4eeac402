"""Texts in the world's encodings: prose and tables of names, from eight bytes on, the page's language known or not."""

from __future__ import annotations

import contextlib
import random
import unicodedata
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldreport.scratch import Scratch
from fieldreport.scrub.format import Cleaning
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.scrub.text import encoding
from fieldreport.scrub.text.encodings import BY_CODE, BY_CODEC, reread
from fieldreport.scrub.verdicts import Damaged, is_note

PROSE = {
    "zh-Hans": ("昨天晚上有三辆卡车过了边境，没有人检查。", ["gb18030", "utf_16_le"]),
    "zh-Hant": ("昨天晚上有三輛卡車過了邊境，沒有人檢查。", ["big5hkscs", "utf_16_be"]),
    "ja": ("昨夜、三台のトラックが国境を越えました。", ["cp932", "euc_jp", "iso2022_jp", "utf_16_le"]),
    "ko": (
        "어젯밤 트럭 세 대가 국경을 넘었지만 아무도 검사하지 않았다.",
        ["cp949", "johab", "iso2022_kr", "utf_16_le"],
    ),
    "ru": (
        "Вчера ночью три грузовика пересекли границу, их никто не проверил.",
        ["cp1251", "koi8_r", "cp866", "iso8859_5"],
    ),
    "uk": ("Учора вночі три вантажівки перетнули кордон, їх ніхто не перевірив.", ["cp1251", "koi8_u", "utf_16_be"]),
    "ar": ("عبرت ثلاث شاحنات الحدود ليلة أمس ولم يفتشها أحد", ["cp1256", "iso8859_6"]),
    "fa": ("ديشب سه کاميون از مرز گذشتند و هيچ کس آنها را بازرسي نکرد", ["cp1256"]),
    "he": ("אתמול בלילה עברו שלוש משאיות את הגבול ואיש לא בדק", ["cp1255", "iso8859_8"]),
    "el": ("Χθες το βράδυ τρία φορτηγά πέρασαν τα σύνορα χωρίς έλεγχο", ["cp1253", "iso8859_7"]),
    "th": ("เมื่อคืนนี้รถบรรทุกสามคันข้ามชายแดน", ["cp874"]),
    "tr": ("Dün gece üç kamyon sınırı geçti, kimse aramadı, çok hızlıydı.", ["cp1254", "iso8859_9"]),
    "pl": ("Wczoraj w nocy trzy ciężarówki przejechały granicę, żadnej nie sprawdzono.", ["cp1250", "iso8859_2"]),
    "cs": ("Včera v noci přejely tři nákladní vozy hranici, žádný nikdo nekontroloval.", ["cp1250", "iso8859_2"]),
    "fr": ("Hier soir, trois camions ont traversé la frontière sans être contrôlés.", ["cp1252", "mac_roman"]),
    "es": ("Anoche tres camiones cruzaron la frontera; nadie los revisó, según dijo el señor.", ["cp1252"]),
    "pt": ("Ontem à noite três caminhões passaram a fronteira e ninguém os revistou, não.", ["cp1252"]),
    "lt": ("Vakar naktį trys sunkvežimiai kirto sieną, niekas jų nepatikrino, žinoma.", ["cp1257"]),
    "vi": ("Đêm qua ba chiếc xe tải đã đi qua biên giới, không ai kiểm tra. Người dân đã nhìn thấy họ.", ["cp1258"]),
}
NAMES = {
    "zh-Hans": ("王小明,李建国,张丽华,陈伟", ["gb18030"]),
    "zh-Hant": ("林志明,陳淑芬,黃國華,張美玲", ["big5hkscs"]),
    "ja": ("山田太郎,鈴木花子,佐藤健一", ["cp932", "euc_jp"]),
    "ko": ("김철수,박영희,이순자,최민호", ["cp949", "utf_16_le"]),
    "ru": ("Иванов,Петрова,Смирнов", ["cp1251", "koi8_r", "cp866"]),
    "ar": ("محمد أحمد,فاطمة علي,حسن", ["cp1256", "iso8859_6"]),
    "he": ("משה כהן,שרה לוי,דוד", ["cp1255"]),
    "tr": ("Ayşe Yıldız,Çağrı Şahin", ["cp1254"]),
    "el": ("Γιώργος Παπαδόπουλος,Μαρία", ["cp1253"]),
}
CASES = [
    pytest.param(language, text, codec, id=f"{language}-{codec}-{kind}")
    for kind, table in (("prose", PROSE), ("names", NAMES))
    for language, (text, codecs) in table.items()
    for codec in codecs
]


def encoded(text: str, codec: str) -> bytes:
    """Windows-1258 writes a Vietnamese tone as a character of its own."""
    if codec != "cp1258":
        return text.encode(codec)
    pieces = []
    for character in text:
        marks = unicodedata.normalize("NFD", character)
        tones = [mark for mark in marks if mark in "\u0300\u0301\u0303\u0309\u0323"]
        pieces.append(
            unicodedata.normalize("NFC", "".join(each for each in marks if each not in tones)) + "".join(tones)
        )
    return "".join(pieces).encode(codec)


def read(data: bytes, language: str = "") -> str:
    return unicodedata.normalize("NFC", encoding.read(data, language=language).text)


@pytest.mark.parametrize(("language", "text", "codec"), CASES)
def test_a_text_is_read_as_it_was_written(language: str, text: str, codec: str) -> None:
    data = encoded(text, codec)
    assert read(data) == text
    assert read(data, language) == text
    table = "name,dept,1500\n" * 20 + text + "\n"
    assert read(encoded(table, codec)) == table


@pytest.mark.parametrize(("language", "text", "codec"), CASES)
def test_eight_bytes_are_enough_when_the_page_is_in_their_language(language: str, text: str, codec: str) -> None:
    beyond = next(place for place, character in enumerate(text) if not character.isascii())
    start = text.rfind(" ", 0, beyond) + 1
    end = start + 1
    while len(encoded(text[start:end], codec)) < 8:
        end += 1
    data = encoded(text[start:end], codec)
    # Some words in UTF-16 are ASCII as well, and Johab and Mac Roman are too rare to be thought of.
    is_clear = not data.isascii() and codec not in {"johab", "mac_roman"}
    assert not is_clear or read(data, language) == text[start:end]


@pytest.mark.parametrize(
    ("text", "codec"),
    [
        ("name\n김\n", "cp949"),
        ("name,dept\nKim,A\nLee,B\n박,C\n", "cp949"),
        ("王小明", "gb18030"),
        ("王小明\n", "big5hkscs"),
        ("שם,מחלקה,סכום\nכהן,מכס,1500\n", "cp1255"),
        ("성명,부서,금액\n김철수,국경경비대,1500\n박영희,세관,2300\n", "utf_16_le"),
        ("姓名,部門,金額\n王大明,海關,1500\n", "big5hkscs"),
        ("氏名,部署,金額\n山田太郎,税関,1500\n", "cp932"),
        ("€ 15, 20 °C", "cp1252"),
        ("Müller", "cp1252"),
    ],
)
def test_short_tables(text: str, codec: str) -> None:
    assert read(text.encode(codec)) == text


def test_the_language_of_the_page_decides_where_both_make_sense() -> None:
    data = "김".encode("cp949")
    assert read(data, "ko") == "김"
    assert read("金".encode("gb18030"), "zh-Hans") == "金"
    assert read("ол".encode("cp1251"), "ru") == "ол"


@pytest.mark.parametrize(
    "page",
    [
        '<html><head><meta charset="koi8-r"></head><body>да</body></html>',
        '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251"><p>да',
        '<?xml version="1.0" encoding="iso-8859-5"?><kml>да</kml>',
        '<meta charset="ks_c_5601-1987"><p>박</p>',
        '<meta charset="GB2312"><p>朱镕基</p>',
    ],
)
def test_a_page_that_names_its_encoding_is_believed_and_nobody_is_told_of_a_guess(page: str) -> None:
    codec = {"koi8-r": "koi8_r", "windows-1251": "cp1251", "iso-8859-5": "iso8859_5", "ks_c_5601-1987": "cp949"}
    data = page.encode(next((used for name, used in codec.items() if name in page), "gb18030"))
    reading = encoding.read(data)
    assert reading.text == page
    assert reading.guessed is None


def test_a_page_that_names_the_wrong_encoding_is_read_all_the_same() -> None:
    assert encoding.read('<meta charset="big5"><p>국경에서 보았다'.encode()).text.endswith("국경에서 보았다")
    reading = encoding.read('<meta charset="utf-8"><p>국경에서 보았다'.encode("cp949"))
    assert reading.text.endswith("국경에서 보았다")
    assert reading.guessed is not None


def test_a_guess_is_noted_and_what_declares_itself_is_not() -> None:
    for data, noted in (
        ("국경에서".encode("cp949"), {"read-as-cp949"}),
        ("국경에서".encode(), set()),
        ("국경에서".encode("utf-16"), set()),
        ("国境で".encode("iso2022_jp"), set()),
    ):
        cleaning = Cleaning(dispatch=lambda *_: "")
        encoding.decode_for(cleaning, data)
        assert cleaning.noted == noted
    assert all(is_note(code) for code in BY_CODE)


@pytest.mark.parametrize(("language", "text", "codec"), CASES)
def test_a_guess_can_be_taken_back(language: str, text: str, codec: str) -> None:
    del language
    if codec not in BY_CODEC:
        codec = "utf_16_le"  # the others declare themselves
    data = encoded(text, codec)
    assert unicodedata.normalize("NFC", reread(text, codec, codec)) == text
    for wrong in ("cp1252", "koi8_r", "gb18030", "big5hkscs", "cp949", "cp866", "utf_16_be"):
        with contextlib.suppress(UnicodeDecodeError):
            assert reread(data.decode(wrong), wrong, codec) == data.decode(codec)


def test_the_locked_child_reads_a_text_another_way(scrubber: Scrubber, scratch: Callable[[bytes], Scratch]) -> None:
    wrong = "국경에서 본 사람들".encode("cp949").decode("gb18030").encode()
    with scrubber.clean(scratch(wrong), reread=("gb18030", "cp949")).output as output:
        assert output.read().decode() == "국경에서 본 사람들"


@pytest.mark.parametrize("size", [8, 40, 200, 2000])
def test_noise_is_no_text(size: int) -> None:
    """Of what is not text at all, nearly nothing is taken for one, and nothing that is longer than a few words."""
    chance = random.Random(size)
    noise = [bytes(chance.choice(range(0x80, 0x100)) for _ in range(size)) for _ in range(40)]
    taken = 0
    for data in noise:
        try:
            encoding.read(data)
            taken += 1
        except Damaged:
            continue
    assert taken <= (20 if size == 8 else 4 if size == 40 else 0)


@given(st.binary(max_size=60), st.sampled_from(["", "ko", "zh-Hans", "ru"]))
@settings(max_examples=200, deadline=None)
def test_whatever_is_read_is_what_its_encoding_says(untrusted: bytes, language: str) -> None:
    try:
        reading = encoding.read(untrusted, language=language)
    except Damaged:
        return
    if reading.guessed is not None:
        assert untrusted.decode(reading.guessed.codec) == reading.text


@pytest.mark.parametrize("words", ["plain words", "清理结束 \N{BEER MUG}"])
def test_a_log_in_the_colours_of_a_terminal_is_utf_8_and_no_guess(words: str) -> None:
    log = f"\x1b[0;1;31merror: \x1b[0m{words}\n"
    assert encoding.read(log.encode()) == encoding.Reading(log)
