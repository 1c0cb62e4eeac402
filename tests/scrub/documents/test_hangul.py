"""Hangul documents: their words and pictures, in order; what was hidden in them, and who wrote them, goes."""

from __future__ import annotations

import io
import struct
import zipfile

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fieldreport.scrub import Mode, Refusal, Removed
from fieldreport.scrub.verdicts import Noted
from tests.scrub.conftest import RefusalOf, clean_copy, clean_or_refuse
from tests.scrub.documents.compound_file import compound_file, hangul, paragraph, record
from tests.scrub.documents.owpml_package import YEAR, hwpx, words
from tests.scrub.documents.owpml_package import paragraph as run
from tests.scrub.images.pictures import exif, picture


def photo() -> bytes:
    with io.BytesIO() as file:
        picture(size=(64, 48)).save(file, "JPEG", exif=exif())
        return file.getvalue()


def control(code: int, words: str = "") -> str:
    """What stands in a paragraph for something else: eight units, whose middle may be anything."""
    return chr(code) + words[:6].ljust(6, "x") + chr(code)


@pytest.mark.parametrize("flags", [0, 1])
def test_words_stay_in_order_and_controls_go(flags: int) -> None:
    lines = ["국경에서", f"밤에{control(11, 'PLANTE')} 트럭", f"a{control(9)}b\x1fc\x18d", "긴" * 3000, "끝"]
    copy = clean_copy(hangul(lines, told="PLANTED", flags=flags))
    assert copy.media_type == "text/plain"
    assert copy.data.decode().split("\n") == ["국경에서", "밤에 트럭", "a\tb c-d", "긴" * 3000, "끝", ""]
    assert {Removed.LAYOUT, Removed.AUTHOR, Removed.TIME} <= copy.removed


def test_hidden_remarks_and_memos_go_and_notes_and_equations_stay() -> None:
    hidden = record(71, 1, b"tmct") + record(72, 2, bytes(8)) + paragraph("PLANTED", 3)
    note = record(71, 1, b"  nf") + record(72, 2, bytes(8)) + paragraph("각주", 3)
    equation = record(88, 2, struct.pack("<IH", 0, 3) + "x+y".encode("utf-16-le") + bytes(9))
    memos = record(93, 1, bytes(22)) + paragraph("PLANTED")
    copy = clean_copy(hangul(["하나"], extra=hidden + note + equation + paragraph("둘") + memos))
    assert copy.data.decode() == "하나\n각주\nx+y\n둘\n"
    assert Removed.COMMENTS in copy.removed


@pytest.mark.parametrize("mode", Mode)
def test_pictures_come_with_the_words_and_are_cleaned(mode: Mode) -> None:
    copy = clean_copy(hangul(["국경"], pictures=[photo(), b"\xd7\xcd\xc6\x9a" + bytes(60)]), mode)
    assert copy.media_type == "application/zip"
    assert {Removed.LOCATION, Removed.DRAWINGS} <= copy.removed
    with zipfile.ZipFile(io.BytesIO(copy.data)) as archive:
        assert sorted(archive.namelist()) == ["photo-1.jpg", "text-1.txt"]
        assert archive.read("text-1.txt").decode() == "국경\n"
        with Image.open(io.BytesIO(archive.read("photo-1.jpg"))) as image:
            assert image.size == (64, 48)
            assert not image.getexif()


@pytest.mark.parametrize(
    ("document", "refusal"),
    [
        (hangul(["국경"], flags=3), Refusal.ENCRYPTED),
        (hangul(["국경"], flags=5), Refusal.HANGUL),
        (hangul([" "]), Refusal.HANGUL),
        (hangul(["국경"], extra=struct.pack("<I", 67 | 100 << 20)), Refusal.DAMAGED),
        (hangul(["국경"])[:-512], Refusal.DAMAGED),
        (compound_file({"\5HwpSummaryInformation": b"x"}), Refusal.DAMAGED),
    ],
)
def test_what_cannot_be_read_is_refused(refusal_of: RefusalOf, document: bytes, refusal: Refusal) -> None:
    assert refusal_of(document) is refusal


def listed(text: str, tag: str = "") -> str:
    """Paragraphs below something."""
    return f"{tag and f'<hp:{tag}>'}<hp:subList>{words(text)}</hp:subList>{tag and f'</hp:{tag}>'}"


def cells(*texts: str) -> str:
    return f"<hp:tr>{''.join(f'<hp:tc>{listed(text)}</hp:tc>' for text in texts)}</hp:tr>"


_FIELD = (
    '<hp:ctrl><hp:fieldBegin type="{0}"><hp:parameters><hp:stringParam name="Author">PLANTED</hp:stringParam>'
    "</hp:parameters>{1}</hp:fieldBegin></hp:ctrl>"
)
_DELETED = (
    '<hp:t>a<hp:insertBegin Id="1"/>b<hp:insertEnd Id="1"/><hp:deleteBegin Id="2"/>PLANTED</hp:t></hp:run>'
    '<hp:run><hp:t>PLANTED<hp:deleteEnd Id="2"/>c</hp:t>'
)
_CHART = (
    b'<c:chart xmlns:c="http://schemas.openxmlformats.org/drawingml/2006/chart"><c:ser><c:tx><c:v>trucks</c:v></c:tx>'
    b"<c:val><c:f>PLANTED</c:f><c:pt><c:v>4</c:v></c:pt><c:pt><c:v>7</c:v></c:pt></c:val></c:ser></c:chart>"
)


@pytest.mark.parametrize(
    ("section", "shown", "removed"),
    [
        ("<hp:t>a<hp:tab/>b<hp:lineBreak/>c<hp:nbSpace/>d<hp:fwSpace/>e<hp:hyphen/>f</hp:t>", "a\tb\nc d e-f", None),
        (
            f"<hp:t>a</hp:t><hp:tbl>{cells('b', '', 'c')}{cells('d', 'e')}</hp:tbl><hp:t>f</hp:t>",
            "af\nb\t\tc\nd\te",
            None,
        ),
        (f"<hp:tbl><hp:tr><hp:tc>{listed('b')}{listed('c')}</hp:tc></hp:tr></hp:tbl>", "b\nc", None),
        (f"<hp:t>a</hp:t><hp:ctrl>{listed('note', 'footNote')}</hp:ctrl>", "a\nnote", None),
        (f"<hp:ctrl>{listed('head', 'header')}{listed('foot', 'footer')}</hp:ctrl>", "head\nfoot", None),
        ("<hp:t>a </hp:t><hp:equation><hp:script>x over y</hp:script></hp:equation>", "a x over y", None),
        (f"<hp:rect>{listed('box', 'drawText')}{listed('under', 'caption')}</hp:rect>", "box\nunder", Removed.DRAWINGS),
        ('<hp:textart text="arch"/><hp:edit><hp:text> form</hp:text></hp:edit>', "arch form", None),
        ("<hp:dutmal><hp:mainText>a</hp:mainText><hp:subText>b</hp:subText></hp:dutmal>", "a b", None),
        (
            '<hp:switch><hp:case><hp:chart chartIDRef="Chart/c.xml"/></hp:case></hp:switch>',
            "trucks\n4\t7",
            Removed.DRAWINGS,
        ),
        (f"<hp:t>a</hp:t><hp:ctrl>{listed('PLANTED', 'hiddenComment')}</hp:ctrl>", "a", Removed.COMMENTS),
        (
            f"{_FIELD.format('MEMO', listed('PLANTED'))}<hp:t>a</hp:t><hp:ctrl><hp:fieldEnd/></hp:ctrl>",
            "a",
            Removed.COMMENTS,
        ),
        (f"{_FIELD.format('HYPERLINK', '')}<hp:t>a</hp:t>", "a", Removed.LINKS),
        (f"{_FIELD.format('CLICK_HERE', '')}<hp:t>a</hp:t>", "a", Removed.OTHER_METADATA),
        ('<hp:t>a</hp:t><hp:ctrl><hp:bookmark name="PLANTED"/></hp:ctrl>', "a", Removed.OTHER_METADATA),
        ("<hp:t>a</hp:t><hp:pic><hp:shapeComment>PLANTED</hp:shapeComment></hp:pic>", "a", Removed.DESCRIPTION),
        (f"<hp:t>a</hp:t>{listed('PLANTED', 'unheard')}", "a", Removed.HIDDEN_CONTENT),
        ('<hp:t>a</hp:t><p:t xmlns:p="urn:other">PLANTED</p:t>', "a", Removed.HIDDEN_CONTENT),
        (_DELETED, "abc", Removed.HISTORY),
        ('<hp:t>a</hp:t><hp:ole binaryItemIDRef="ole1"/>', "a", Removed.EMBEDDED_FILE),
    ],
)
@pytest.mark.parametrize("namespace", [YEAR, "http://www.owpml.org/owpml/2024"])
def test_a_package_keeps_what_its_pages_show(section: str, shown: str, removed: Removed | None, namespace: str) -> None:
    more = {"Chart/c.xml": _CHART, "BinData/ole1.ole": b"PLANTED"}
    copy = clean_copy(hwpx(run(section), told="PLANTED", more=more, namespace=namespace))
    assert copy.data.decode().rstrip("\n") == shown
    expected = {Removed.LAYOUT, Removed.AUTHOR, Removed.TIME, Removed.THUMBNAIL, Removed.SCRIPT, Removed.PATHS}
    assert expected <= copy.removed
    assert removed is None or removed in copy.removed


@pytest.mark.parametrize("mode", Mode)
def test_a_package_gives_the_pictures_that_it_shows_and_only_them(mode: Mode) -> None:
    shown = '<hp:pic><hc:img binaryItemIDRef="image2"/></hp:pic><hp:pic><hc:img binaryItemIDRef="gone"/></hp:pic>'
    document = hwpx(words("국경"), run(shown), words("PLANTED"), files={"image1": photo(), "image2": photo()}, spine=2)
    copy = clean_copy(document, mode)
    expected = {Removed.LOCATION, Removed.EMBEDDED_FILE, Removed.INCOMPLETE, Removed.HIDDEN_CONTENT}
    assert expected <= copy.removed
    with zipfile.ZipFile(io.BytesIO(copy.data)) as archive:
        assert sorted(archive.namelist()) == ["photo-1.jpg", "text-1.txt"]
        assert archive.read("text-1.txt").decode() == "국경\n"


@pytest.mark.parametrize(
    ("look", "may_hide"),
    [
        ('textColor="#FFFFFF" shadeColor="none" height="1000"', True),
        ('textColor="#FFFFFF" shadeColor="#203040" height="1000"', False),
        ('textColor="#000000" height="100"', True),
        ('textColor="#000000" height="1000"', False),
    ],
)
def test_words_of_a_package_that_nobody_sees_are_told(look: str, *, may_hide: bool) -> None:
    document = hwpx(words("a") + run("<hp:t>b</hp:t>", 7), looks=f'<hh:charPr id="7" {look}/>')
    assert (Noted.HIDDEN_WORDS in clean_copy(document).noted) is may_hide


@pytest.mark.parametrize(
    ("document", "refusal"),
    [
        (hwpx(words("a"), more={"META-INF/manifest.xml": b"<odf:encryption-data/>"}), Refusal.ENCRYPTED),
        (hwpx(words(" ")), Refusal.HANGUL),
        (hwpx(), Refusal.DAMAGED),
        (hwpx("<hp:p>"), Refusal.DAMAGED),
        (hwpx(words('a<hp:deleteBegin Id="1"/>b')), Refusal.HANGUL),
        (hwpx("<hp:tbl><hp:tr><hp:tc>" * 80 + "</hp:tc></hp:tr></hp:tbl>" * 80), Refusal.HANGUL),
        (hwpx("<hp:tbl><hp:tr><hp:tc>" * 90 + "</hp:tc></hp:tr></hp:tbl>" * 90), Refusal.DAMAGED),
    ],
)
def test_a_package_that_cannot_be_read_is_refused(refusal_of: RefusalOf, document: bytes, refusal: Refusal) -> None:
    assert refusal_of(document) is refusal


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_mutated_file_is_refused_or_comes_out_clean(data: st.DataObject) -> None:
    original = bytearray(hangul(["국경에서", "PLANTED"], pictures=[photo()], flags=data.draw(st.sampled_from([0, 1]))))
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(original) - 1))
        original[place] = data.draw(st.integers(0, 255))
    clean_or_refuse(bytes(original))


def test_a_document_without_a_summary_is_one_of_hangul_too() -> None:
    header = b"HWP Document File".ljust(32, b"\0") + struct.pack("<II", 0x0500_0107, 0)
    made = compound_file({"FileHeader": header.ljust(256, b"\0"), "BodyText/Section0": paragraph("국경")})
    assert clean_copy(made).data.decode() == "국경\n"


def test_lines_and_shapes_that_are_not_drawn_are_told() -> None:
    assert Removed.DRAWINGS in clean_copy(hangul(["국경"], extra=record(79, 3, bytes(60)))).removed
