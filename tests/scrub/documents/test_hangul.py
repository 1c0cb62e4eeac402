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
from tests.scrub.conftest import RefusalOf, clean_copy, clean_or_refuse
from tests.scrub.documents.compound_file import compound_file, hangul, paragraph, record
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


@given(data=st.data())
@settings(max_examples=60, deadline=None)
def test_a_mutated_file_is_refused_or_comes_out_clean(data: st.DataObject) -> None:
    original = bytearray(hangul(["국경에서", "PLANTED"], pictures=[photo()], flags=data.draw(st.sampled_from([0, 1]))))
    for _ in range(data.draw(st.integers(1, 8))):
        place = data.draw(st.integers(0, len(original) - 1))
        original[place] = data.draw(st.integers(0, 255))
    clean_or_refuse(bytes(original))
