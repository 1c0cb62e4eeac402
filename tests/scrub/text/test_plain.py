"""Text files come out as UTF-8 that says the same, in every encoding that sources still use."""

from __future__ import annotations

import base64
import binascii
import io
import json
import random
import re
import textwrap
from collections.abc import Callable
from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fieldreport.scrub import Mode, Refusal, Removed
from fieldreport.scrub.format import Sink, Source
from fieldreport.scrub.pipeline import new_cleaning
from fieldreport.scrub.sandbox.service import Scrubber
from fieldreport.scrub.text.plain import write
from fieldreport.scrub.text.plain.verify import verify
from fieldreport.scrub.text.tables import IGNORABLE
from fieldreport.scrub.verdicts import Damaged, Residue
from tests.scrub.conftest import Clean, RefusalOf, clean_or_refuse
from tests.scrub.images.pictures import exif, picture

KOREAN = "어제 밤 국경에서 두 사람이 잡혔다. 경비대장은 돈을 요구했다."
CHINESE = "昨天晚上我们在边境看到了三辆卡车，他们没有说话。"
TAIWANESE = "昨天晚上我們在邊境看到了三輛卡車，他們沒有說話。"
JAPANESE = "昨日の夜、国境で二人が捕まりました。"
RUSSIAN = "Вчера ночью на границе задержали двух человек."
FRENCH = "Hier soir à la frontière, deux personnes ont été arrêtées."
TURKISH = "Dün gece sınırda iki kişi yakalandı, ağır şekilde."
CZECH = "Včera v noci byli na hranici zatčeni dva lidé, řekl."
DANISH = "I går aftes blev to mennesker pågrebet ved grænsen, øst for byen."


@pytest.mark.parametrize(
    ("codec", "text"),
    [
        ("utf-8", KOREAN),
        ("utf-8-sig", KOREAN),
        ("utf-16", KOREAN),
        ("utf-16-le", "no mark, and mostly ASCII " + KOREAN),
        ("utf-32", CHINESE),
        ("cp949", KOREAN),
        ("gb18030", CHINESE),
        ("big5", TAIWANESE),
        ("shift_jis", JAPANESE),
        ("euc_jp", JAPANESE),
        ("iso2022_jp", JAPANESE),
        ("cp1251", RUSSIAN),
        ("koi8_r", RUSSIAN),
        ("cp866", RUSSIAN),
        ("cp1252", FRENCH),
        ("cp1254", TURKISH),
        ("cp1250", CZECH),
        ("cp1252", DANISH),
        ("cp1256", "أمس ليلا اعتقل شخصان على الحدود"),
        ("cp1255", "אתמול בלילה נעצרו שני אנשים בגבול"),
        ("cp874", "เมื่อคืนนี้มีคนถูกจับที่ชายแดน"),
    ],
)
def test_an_old_encoding_is_recognised_by_its_language(clean: Clean, codec: str, text: str) -> None:
    copy = clean(text.encode(codec))
    assert copy.media_type == "text/plain"
    assert copy.data.decode() == text


def test_a_long_text_cut_anywhere_is_still_text(clean: Clean) -> None:
    # What sniff looks at ends within a character.
    for start in range(4):
        text = "x" * start + CHINESE * 400
        assert clean(text.encode("gb18030")).data.decode() == text
        assert clean(text.encode()).data.decode() == text


def test_a_marked_text_says_that_it_was_marked(clean: Clean) -> None:
    copy = clean("the gate\u200b opens\u00a0at nine".encode())
    assert copy.data.decode() == "the gate opens at nine"
    assert copy.removed == {Removed.COPY_MARKS}


def test_an_unmarked_text_says_nothing(clean: Clean) -> None:
    assert clean(KOREAN.encode()).removed == frozenset()


def test_tables_and_markdown_keep_their_shape(clean: Clean) -> None:
    table = 'name,place\n"Kim, Chol-su",Hyesan\n'
    markdown = "# Title\n\n* one\n* two\n\n```\n    code\n```\n"
    assert clean(table.encode()).data.decode() == table
    assert clean(markdown.replace("\n", "\r\n").encode()).data.decode() == markdown


@pytest.mark.parametrize(
    "untrusted", [b"\x81\x82\xff\xfe\x00\x01" * 50, bytes(range(128, 256)) * 4, b"half\x00null" * 9]
)
def test_bytes_in_no_encoding_are_not_text(refusal_of: RefusalOf, untrusted: bytes) -> None:
    assert refusal_of(untrusted) is Refusal.UNSUPPORTED


def test_a_text_with_few_stray_controls_loses_them_and_says_so(clean: Clean) -> None:
    page = KOREAN * 100
    copy = clean(f"{page}\x03{page}\x00\n".encode())
    assert copy.data.decode() == f"{page}{page}\n"
    assert copy.removed == {Removed.COPY_MARKS}


def test_a_text_that_turns_into_rubbish_later_is_damaged(refusal_of: RefusalOf) -> None:
    assert refusal_of(b"plain " * 2000 + b"\xff\xff\x00") is Refusal.DAMAGED


def test_nothing_but_marks_becomes_an_empty_line(clean: Clean) -> None:
    assert clean("\u200b\u200b".encode()).data == b"\n"


@pytest.mark.parametrize(
    "residue",
    [
        "zero\u200bwidth",
        "two\u200c\u200cnon-joiners",
        "nbsp\u00a0",
        "tag\U000e0041",
        "form feed\x0c",
        "cafe\u0301",
        "override\u202e",
        "variant葛\U000e0100",
        "line\r\n",
        "mark\ufeff",
        "hangul filler\u3164",
        "half-width filler\uffa0",
        "jamo\u115f\u1160",
        "가\u1160",
        "grapheme joiner\u034f",
        "khmer\u17b4",
        "mongolian\u180b",
        "soft\xadhyphen",
        "musical\U0001d173",
        "shorthand\U0001bca0",
        "reserved\u2065\ufff0",
        "reserved\U000e0fff",
        "style\ufe0f",
        "7\ufe0f",
        "❤\ufe0f\ufe0f",
        "latin\u200cletters",
        "latin\u200dletters",
        "latin\u200f",
        "mark of a flag\U000e0067",
        "🏴\U000e0075\U000e0073\U000e007f",
        "می\u200c\u200fخواهم\u200f\u200e",
    ],
)
def test_verify_refuses_what_should_have_gone(residue: str) -> None:
    with pytest.raises(Residue):
        verify(Source.of(residue.encode()), "text/plain")


def test_verify_refuses_what_is_not_utf_8() -> None:
    with pytest.raises(Residue):
        verify(Source.of(KOREAN.encode("cp949")), "text/plain")


@pytest.mark.parametrize(
    "needed",
    [
        "می\u200cخواهم",
        "क्\u200dष",
        "র\u200d্য",
        "👨\u200d👩\u200d👧",
        "❤\ufe0f\u200d🔥",
        "1\ufe0f\u20e3",
        "☺\ufe0e",
        "שלום\u200f!",
        "\u1112\u1160",
        "\u115f\u1161",
        "ᠮᠣᠩᠭᠣᠯ\u180eᠠ",
        "ᠰ\u180b",
        "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
        "서울, 東京, 한글",
    ],
)
def test_verify_takes_what_a_script_needs(needed: str) -> None:
    verify(Source.of(needed.encode()), "text/plain")


@given(st.text(max_size=80))
@settings(max_examples=200, deadline=None)
def test_every_text_is_cleaned_to_something_that_verify_accepts(text: str) -> None:
    sink, cleaning = Sink(), new_cleaning(Mode.LOSSLESS)
    try:
        write.clean(Source.of(text.encode()), sink, cleaning)
    except Damaged:
        return  # control characters
    verify(sink.source(), "text/plain")


SIGNS = [
    *IGNORABLE,
    *"aé1#❤🏴中भ্ركیשᠠ\u1100\u1161\u0301\u20e3 \n.ℹ™⌈〰👩🔥ন\u05b0\u0660",
    "🏴\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
]


@given(st.lists(st.sampled_from(SIGNS), max_size=14).map("".join))
@settings(max_examples=400, deadline=None)
def test_whatever_shows_nothing_stands_anywhere_the_two_readers_agree(text: str) -> None:
    sink = Sink()
    write.clean(Source.of(text.encode()), sink, new_cleaning(Mode.LOSSLESS))
    verify(sink.source(), "text/plain")


@given(st.binary(max_size=200))
@settings(max_examples=300, deadline=None)
def test_arbitrary_bytes_are_text_or_refused(untrusted: bytes) -> None:
    clean_or_refuse(untrusted)


def test_the_typed_report_is_cleaned_without_a_child(scrubber: Scrubber) -> None:
    assert scrubber.clean_text("the gate\u2063 opens\r\n") == ("the gate opens\n", (Removed.COPY_MARKS,))
    assert scrubber.clean_text(KOREAN) == (KOREAN, ())


def test_a_picture_spelled_out_in_a_text_is_cleaned(clean: Clean) -> None:
    with io.BytesIO() as file:
        picture().save(file, "JPEG", exif=exif(), comment=b"PLANTED")
        spelled = base64.b64encode(file.getvalue()).decode()
    lines = "\n".join(textwrap.wrap(spelled, 76))
    broken = "iVBORw0KGgo" + "A" * 80
    said = f'# Bridge\n![x](data:image/jpeg;base64,{spelled})\n{{"photo": "{lines}"}}\n"{broken}" a/9j/{"b" * 70} end\n'
    text = clean(said.encode()).data.decode()
    addresses = [piece.split('"')[0].split(")")[0] for piece in text.split("data:image/jpeg;base64,")[1:]]
    assert len(addresses) == 2
    for address in addresses:
        assert b"PLANTED" not in base64.b64decode(address)
    assert f'"data:," a/9j/{"b" * 70} end' in text
    assert text.startswith("# Bridge\n![x](")
    with pytest.raises(Residue):
        verify(Source.of(said.encode()), "text/plain")


@pytest.mark.parametrize(
    "written",
    [
        lambda spelled: json.dumps({"a": "data:image/jpeg;base64," + spelled}).replace("/", "\\/"),
        lambda spelled: json.dumps({"a": "\n".join(textwrap.wrap(spelled, 76))}),
        lambda spelled: "\n".join(f"> {line}" for line in textwrap.wrap(spelled, 76)),
        lambda spelled: f"<html><body><pre>{spelled}</pre></body></html>",
    ],
    ids=["escaped", "lines in JSON", "quoted", "in a page"],
)
def test_a_picture_in_base64_is_found_wherever_it_stands(clean: Clean, written: Callable[[str], str]) -> None:
    with io.BytesIO() as file:
        picture().save(file, "JPEG", exif=exif(), comment=b"PLANTED" * 9)
        spelled = base64.b64encode(file.getvalue()).decode()
    text = clean(written(spelled).encode()).data.decode()
    assert base64.b64encode(b"PLANTED" * 6).decode()[4:20] not in text
    assert text.count("data:image/jpeg;base64,/9j/") == 1


@pytest.mark.parametrize(
    "spell",
    [
        lambda data: base64.urlsafe_b64encode(data).decode(),
        lambda data: "data:image/jpeg;base64," + quote(base64.b64encode(data).decode(), safe=""),
        lambda data: json.dumps(base64.b64encode(data).decode()).replace("+", "\\u002B").replace("/", "\\u002F"),
        lambda data: "0x" + data.hex().upper(),
        lambda data: "\n".join(textwrap.wrap(data.hex(" "), 48)),
        lambda data: ", ".join(f"0x{byte:02x}" for byte in data),
        lambda data: json.dumps({"type": "Buffer", "data": [*data]}),
        lambda data: "data:image/jpeg," + quote(data, safe=""),
        lambda data: binascii.b2a_qp(data, istext=False).decode(),
        repr,
    ],
    ids=["urlsafe", "in an address", "JSON", "SQL", "hex", "C", "numbers", "percent", "printable", "Python"],
)
def test_a_picture_is_found_in_every_way_of_spelling_it_out(clean: Clean, spell: Callable[[bytes], str]) -> None:
    with io.BytesIO() as file:
        picture().save(file, "JPEG", exif=exif(), comment=b"PLANTED" * 9)
        spelled = spell(file.getvalue())
    text = clean(f"before\nphoto: {spelled}\n\nafter\n".encode()).data.decode()
    assert text.startswith("before\nphoto: ")
    assert text.endswith("\n\nafter\n")
    (_, _, address) = text.partition("data:image/jpeg;base64,")
    assert address.startswith("/9j/")
    with Image.open(io.BytesIO(base64.b64decode(address.partition('"')[0].partition("\n")[0]))) as cleaned:
        assert cleaned.size == picture().size
        assert "comment" not in cleaned.info
    with pytest.raises(Residue):
        verify(Source.of(f"{spelled}\n".encode()), "text/plain")


def test_numbers_and_checksums_are_no_pictures(clean: Clean) -> None:
    said = f"{'ffd8ff' + 'ab' * 61}\n255, 216, 255, 7\n" + "12, 255, 216, 255\n" * 90
    assert clean(said.encode()).data.decode() == said


def photo(*, comment: bytes = b"PLANTED" * 9) -> bytes:
    with io.BytesIO() as file:
        picture().save(file, "JPEG", exif=exif(), comment=comment)
        return file.getvalue()


def letters(data: bytes) -> str:
    """Base64 without what pads it, as many programs write it."""
    return base64.b64encode(data).decode().rstrip("=")


BROKEN: dict[str, Callable[[list[str]], str]] = {
    "glued": lambda lines: f"photo{''.join(lines)}",
    "glued to a stroke": lambda lines: f"a/{''.join(lines)}",
    "glued, in lines": lambda lines: "x" + "\n".join(lines),
    "behind its length": lambda lines: f"4096{''.join(lines)}",
    "two spaces": "\n  ".join,
    "deep in YAML": lambda lines: "|\n" + "".join(f"{' ' * 24}{line}\n" for line in lines),
    "source, added": lambda lines: " +\n        ".join(f'"{line}"' for line in lines),
    "source, beside each other": lambda lines: "(\n" + "".join(f"    '{line}'\n" for line in lines) + ")",
    "PHP": lambda lines: "\n  . ".join(f"'{line}'" for line in lines) + ";",
    "VBA": lambda lines: " & _\n  ".join(f'"{line}"' for line in lines),
    "list of lines": lambda lines: json.dumps({"lines": lines}, indent=8),
    "lines in JSON": lambda lines: json.dumps("\r\n".join(lines)),
    "numbered lines in JSON": lambda lines: json.dumps("\n".join(lines)).replace("\\n", "\\u000a"),
    "ends of lines in an address": "%0D%0A".join,
    "comments": lambda lines: "\n".join(f"# {line}" for line in lines),
    "comments of C": lambda lines: "\n".join(f"// {line}" for line in lines),
    "quoted twice": lambda lines: "\n".join(f"> > {line}" for line in lines),
    "blank lines": "\n\n".join,
    "shell": "\\\n".join,
}


@pytest.mark.parametrize("width", [20, 64, 76])
@pytest.mark.parametrize("case", BROKEN)
def test_a_picture_in_base64_is_found_however_it_is_glued_or_broken(clean: Clean, case: str, width: int) -> None:
    spelled = letters(photo())
    text = clean(f"before\n{BROKEN[case](textwrap.wrap(spelled, width))}\n\nafter it\n".encode()).data.decode()
    (_, _, address) = text.partition("data:image/jpeg;base64,")
    data = base64.b64decode(address.partition("\n")[0].strip("\"'; ,])}"))
    assert data.startswith(b"\xff\xd8\xff")
    assert b"PLANTED" not in data
    assert text.startswith("before\n")
    assert "\nafter it\n" in text
    assert len(text) < len(address) + 120  # nothing of the old one is left
    with pytest.raises(Residue):
        verify(Source.of(f"before\n{BROKEN[case](textwrap.wrap(spelled, width))}\n".encode()), "text/plain")


@pytest.mark.parametrize("after", ["after", "after the gate", "Kim", "1204", "f" * 64])
@pytest.mark.parametrize("width", [76, 100_000])
def test_the_word_behind_a_picture_without_padding_stays(clean: Clean, after: str, width: int) -> None:
    for length in range(1, 5):  # so that the last line is of any length
        spelled = letters(photo(comment=b"PLANTED" * 9 + b"x" * length))
        written = "\n".join(textwrap.wrap(spelled, width))
        text = clean(f"{written}\n{after}\nend\n".encode()).data.decode()
        assert text.endswith(f"\n{after}\nend\n")
        assert "PLANTED" not in text
        if len(spelled) % 76 == 0:
            break


@pytest.mark.parametrize(
    "spell",
    [
        lambda data: "a" + data.hex(),
        lambda data: data.hex() + "xyz",
        lambda data: data.hex("-").upper(),
        lambda data: data.hex(":"),
        lambda data: '"\n  "'.join(textwrap.wrap(data.hex(), 64)),
        lambda data: json.dumps([byte - 256 if byte > 127 else byte for byte in data]),
        lambda data: " ".join(map(str, data)),
        lambda data: "\n".join(map(str, data)),
        lambda data: "".join(f"\\{byte:03o}" for byte in data),
        lambda data: (
            "begin 644 Kim.jpg\n"
            + "".join(binascii.b2a_uu(data[at : at + 45]).decode() for at in range(0, len(data), 45))
            + "`\nend"
        ),
        lambda data: "\n".join(
            f"{at:08x}: {data[at : at + 16].hex(' ', 2):<40} {'.' * 16}" for at in range(0, len(data), 16)
        ),
        lambda data: "\n".join(
            f"{at:08x}  {data[at : at + 8].hex(' ')}  {data[at + 8 : at + 16].hex(' ')}  |................|"
            for at in range(0, len(data), 16)
        ),
    ],
    ids=[
        "hex, glued", "hex, glued behind", "hex, C#", "hex, colons", "hex, source", "numbers, Java", "numbers, spaces",
        "numbers, lines", "octal", "uuencode", "xxd", "hexdump",
    ],
)  # fmt: skip
def test_a_picture_in_digits_is_found_however_it_is_glued_or_broken(
    clean: Clean, spell: Callable[[bytes], str]
) -> None:
    spelled = spell(photo())
    text = clean(f"before\n{spelled}\nafter it\n".encode()).data.decode()
    (_, _, address) = text.partition("data:image/jpeg;base64,")
    data = base64.b64decode(re.match("[A-Za-z0-9+/=]*", address)[0])  # type: ignore[index]
    assert data.startswith(b"\xff\xd8\xff")
    assert b"PLANTED" not in data
    assert text.startswith("before\n")
    assert text.endswith("\nafter it\n")
    assert len(text) < len(address) + 120
    with pytest.raises(Residue):
        verify(Source.of(f"before\n{spelled}\nafter it\n".encode()), "text/plain")


def test_what_is_no_picture_stays_whatever_stands_in_it_by_chance(clean: Clean) -> None:
    # Hashes, keys and other Base64 in which the first bytes of a JPEG stand; what documents say about Base64.
    noise = random.Random(12).randbytes(30_000)
    digests = "\n".join(f"sha512-{letters(noise[at : at + 57])}/9j/{letters(noise[at : at + 90])}" for at in range(300))
    said = f"{digests}\nA JPEG begins with /9j/4AAQSkZJRgABAQ in Base64, a PNG with iVBORw0KGgo.\n{letters(noise)}\n"
    assert clean(said.encode()).data.decode() == said


@pytest.mark.parametrize("head", [b"%PDF-1.7\n%\xe2\xe3\n", b"PK\3\4\x14\0\0\0\x08\0", b"ID3\3\0\0\0\0\0\0"])
def test_another_file_in_base64_goes_and_is_named(clean: Clean, head: bytes) -> None:
    copy = clean(f"see {letters(head + b'PLANTED' * 40)} end\n".encode())
    assert copy.data == b"see data:, end\n"
    assert not copy.removed.isdisjoint({Removed.DRAWINGS, Removed.EMBEDDED_FILE})
