"""Documents in strong mode: their words in their order and their pictures, encoded again, and no structure."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable
from typing import Any

import docx
import pytest
from PIL import Image

from fieldreport import limits
from fieldreport.scrub.documents import extract
from fieldreport.scrub.registry import FORMATS, Strong
from fieldreport.scrub.verdicts import Bomb, Refusal, Refused, Removed
from tests.scrub.documents import test_docx, test_epub, test_html, test_opendocument, test_rtf, test_xlsx_pptx

Strongly = Callable[[bytes], Any]
PLANTED: dict[str, Callable[[Any, bytes], bytes]] = {
    "docx": test_docx.planted,
    "xlsx": test_xlsx_pptx.workbook,
    "pptx": test_xlsx_pptx.slides,
    "odt": test_opendocument.text_file,
    "fodt": test_opendocument.flat_text_file,
    "ods": test_opendocument.sheets,
    "odp": test_opendocument.slides,
    "odg": test_opendocument.drawing,
    "odf": test_opendocument.formula,
    "epub": test_epub.book,
    "html": test_html.planted,
    "rtf": test_rtf.planted,
}

SAID = {
    "docx": "Seen in the body.\n\nStyled.\nCommented.\n"
    "Inserted. In a control. In a tag. Result. Simple. Linked. Last.\nCell.\n\nSeen in the header.\n",
    "xlsx": "[Seen]\nSeen text\t14\t15\t16\t17\n",
    "pptx": "[1]\nFirst slide\n\n[2]\nSecond slide\n\nSpoken notes\n",
    "odt": "Seen text, inserted. In a field. Linked. Web.\nIn a section.\n",
    "fodt": "Seen text, inserted. In a field. Linked. Web.\nIn a section.\n",
    "ods": "[Seen]\n14\t3\n",
    "odp": "Seen on the slide\nSpoken notes\n",
    "odg": "Seen on the plan\n",
    "odf": "E=mc2\n",
    "epub": "First chapter\nText one onwards web file\n\nText two\n\nFirst chapter\n",
    "html": "At the gate\n\nOne & two\nthree <four>\n\nnext\n a link a path a script an anchor  typed\n\none\ttwo\n"
    "\nthree\n\nfirst\n\nsecond\n\n without scriptcustom 국경에서 café end\n",
    "rtf": "Seen at the gate\nadded words\nreport.rtf a link a path\n1\nshown for the object\nin a box\n\n\t1.first\n"
    "one\ttwo\n국경에서 café\n\ntop\n\n1\n (a note)\n",
}


def words_of(data: bytes) -> str:
    """The text alone, or the text in the archive."""
    if not data.startswith(b"PK"):
        return data.decode()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return archive.read("text-1.txt").decode()


def written(document: Any) -> bytes:
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


@pytest.mark.parametrize("kind", PLANTED)
def test_no_marker_is_left_and_what_is_seen_is_said(
    strongly: Strongly, clean: Strongly, unpacked: Any, marks: Any, phone_photo: bytes, kind: str
) -> None:
    copy = strongly(PLANTED[kind](marks, phone_photo))
    assert copy.media_type in {"text/plain", "application/zip"}
    assert marks.left_in(unpacked(copy.data)) == []
    assert not any(b"PLANTED" in piece for piece in unpacked(copy.data))
    assert Removed.LAYOUT in copy.removed
    assert copy.removed >= clean(PLANTED[kind](marks, phone_photo)).removed
    assert words_of(copy.data) == SAID[kind]


def test_paragraphs_tables_notes_and_headers_are_in_their_order(strongly: Strongly) -> None:
    document = docx.Document()
    document.sections[0].header.paragraphs[0].text = "A header."
    document.add_heading("A heading")
    document.add_paragraph("First\tafter a tab.").add_run().add_break()
    table = document.add_table(rows=2, cols=2)
    for at, text in enumerate(("a", "b", "c", "d e")):
        table.cell(at // 2, at % 2).text = text
    document.add_paragraph("Last.")
    copy = strongly(written(document))
    assert copy.media_type == "text/plain"
    assert copy.data.decode() == "A heading\nFirst\tafter a tab.\na\tb\nc\td e\nLast.\n\nA header.\n"


def test_the_words_are_those_that_another_reader_finds(strongly: Strongly, marks: Any, phone_photo: bytes) -> None:
    words = words_of(strongly(test_docx.planted(marks, phone_photo)).data)
    for seen in test_docx.SEEN:
        assert seen in words.splitlines()


def test_pictures_come_along_made_anew(strongly: Strongly, phone_photo: bytes) -> None:
    document = docx.Document()
    document.add_paragraph("Look:")
    document.add_picture(io.BytesIO(phone_photo))
    copy = strongly(written(document))
    assert copy.media_type == "application/zip"
    with zipfile.ZipFile(io.BytesIO(copy.data)) as archive:
        assert archive.namelist() == ["photo-1.jpg", "text-1.txt"]
        picture = archive.read("photo-1.jpg")
    assert picture != phone_photo
    with Image.open(io.BytesIO(picture)) as made, Image.open(io.BytesIO(phone_photo)) as taken:
        assert set(made.size) == set(taken.size)
        assert not made.getexif()


@pytest.mark.parametrize("first", ["<html><body>x", "From: a@b.example\nTo: c@d.example\nSubject: x", "{\\rtf1 x}"])
@pytest.mark.parametrize("picture", [False, True])
def test_words_that_look_like_another_format_stay_words(
    strongly: Strongly, phone_photo: bytes, first: str, *, picture: bool
) -> None:
    document = docx.Document()
    for line in first.split("\n"):
        document.add_paragraph(line)
    if picture:
        document.add_picture(io.BytesIO(phone_photo))
    assert first in words_of(strongly(written(document)).data)


def test_a_document_that_says_nothing_is_refused(strongly: Strongly) -> None:
    with pytest.raises(Refused) as caught:
        strongly(written(docx.Document()))
    assert caught.value.refusal is Refusal.EMPTY


def test_cells_that_are_repeated_for_ever_are_a_bomb(strongly: Strongly, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "DOCUMENT_TEXT_CHARACTERS", 1000)
    row = (
        '<table:table table:name="S"><table:table-row table:number-rows-repeated="1000"><table:table-cell '
        'table:number-columns-repeated="900"><text:p>x</text:p></table:table-cell></table:table-row></table:table>'
    )
    with pytest.raises(Bomb):
        strongly(test_opendocument.document("spreadsheet", f"<office:spreadsheet>{row}</office:spreadsheet>"))


@pytest.mark.parametrize(
    ("page", "charset", "codec", "words"),
    [
        (1252, 129, "cp949", "국경에서 보았다"),
        (949, 0, "cp949", "국경에서 보았다"),
        (1252, 128, "cp932", "表示する"),  # whose second bytes are a backslash and letters
        (936, 134, "gbk", "边境"),
        (1252, 136, "big5", "邊境"),
        (1251, 0, "cp1251", "У моста"),
        (1256, 178, "cp1256", "عند الجسر"),
    ],
)
@pytest.mark.parametrize("is_hex", [True, False])
def test_a_rich_text_in_an_older_encoding_keeps_its_words(
    strongly: Strongly, page: int, charset: int, codec: str, words: str, *, is_hex: bool
) -> None:
    """As hexadecimal throughout, or with the second bytes that are ASCII as they are, as some programs write."""
    text = b"".join(
        b"\\'%02x" % byte if is_hex or byte >= 0x80 else b"\\" * (byte in b"\\{}") + bytes((byte,))
        for byte in words.encode(codec)
    )
    font = b"\\f1" if charset else b"\\f0"
    document = (
        b"{\\rtf1\\ansi\\ansicpg%d{\\fonttbl{\\f0\\fcharset0 A;}{\\f1\\fcharset%d B;}}{%s before %s after}\\par last}"
        % (page, charset, font, text)
    )
    assert strongly(document).data.decode() == f"before {words} after\nlast\n"


def test_characters_beyond_the_first_plane_and_signs_by_name_are_words(strongly: Strongly) -> None:
    document = rb"{\rtf1\ansi a\u-10179 ?\u-8704 ?b\emdash c\~d\_e\-f\{g\}{\b h}i}"
    assert strongly(document).data.decode() == "a\U0001f600b\u2014c d-ef{g}hi\n"


def test_bytes_that_make_no_sense_in_their_encoding_are_not_guessed_at(strongly: Strongly) -> None:
    with pytest.raises(Refused) as caught:
        strongly(rb"{\rtf1\ansi{\fonttbl{\f0\fcharset128 A;}}\f0 \'82\'ff words}")
    assert caught.value.refusal is Refusal.NOT_STRONG


def test_the_pictures_of_a_page_and_of_a_rich_text_come_along(
    strongly: Strongly, marks: Any, phone_photo: bytes
) -> None:
    for planted in (test_html.planted, test_rtf.planted):
        with zipfile.ZipFile(io.BytesIO(strongly(planted(marks, phone_photo)).data)) as archive:
            assert archive.namelist() == ["photo-1.jpg", "text-1.txt"]


def test_every_type_of_document_has_the_strong_way() -> None:
    extracted = [each.extension for each in FORMATS if each.strong is Strong.EXTRACT]
    assert sorted(extracted) == sorted(PLANTED)
    assert extract.words_and_pictures is not None
