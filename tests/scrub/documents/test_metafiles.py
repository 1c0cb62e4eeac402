"""Metafiles of Windows in documents: the bitmap that one shows stays, and its loss is told where lines go with it."""

from __future__ import annotations

import gzip
import io
import struct
import zipfile

import pytest
from PIL import Image

from fieldreport.scrub.verdicts import Noted, Removed
from tests.scrub.conftest import clean_copy
from tests.scrub.documents.compound_file import hangul
from tests.scrub.documents.test_docx import relation, with_body
from tests.scrub.images.pictures import exif, picture

SIZE = (64, 48)
LINE = struct.pack("<IIii", 54, 16, 9, 9)
SIGN = (0, 0, 15, 11)  # a sixteenth of the frame


def bitmap() -> tuple[bytes, bytes]:
    """Header and pixels as they stand in a metafile."""
    with io.BytesIO() as file:
        picture(size=SIZE).save(file, "BMP")
        data = file.getvalue()
    return data[14:54], data[54:]


def emf(*records: bytes) -> bytes:
    end = struct.pack("<IIIII", 14, 20, 0, 16, 20)
    frame = (0, 0, SIZE[0] - 1, SIZE[1] - 1)
    head = struct.pack("<II4i4i4sII", 1, 88, *frame, 0, 0, 1693, 1270, b" EMF", 0x10000, 0).ljust(88, b"\0")
    return head + b"".join(records) + end


def stretched(place: tuple[int, int, int, int] | None = None, taken: tuple[int, int] = SIZE) -> bytes:
    """A record that draws the bitmap (EMR_STRETCHDIBITS)."""
    header, pixels = bitmap()
    place = place or (0, 0, SIZE[0] - 1, SIZE[1] - 1)
    said = struct.pack("<4i6i4I2I2i", *place, 0, 0, 0, 0, *taken, 80, 40, 120, len(pixels), 0, 0xCC0020, *SIZE)
    return struct.pack("<II", 81, 8 + len(said) + 40 + len(pixels)) + said + header + pixels


def packed_inside() -> bytes:
    """The same picture as a JPEG with all that a camera says, for programs that know GDI+."""
    with io.BytesIO() as file:
        picture(size=SIZE).save(file, "JPEG", exif=exif())
        jpeg = file.getvalue()
    image = struct.pack("<II5I", 0xDBC01002, 1, *SIZE, 0, 0, 1) + jpeg
    image = image.ljust(-(-len(image) // 4) * 4, b"\0")
    plus = struct.pack("<HHII", 0x4008, 0x0500, 12 + len(image), len(image)) + image
    plus += struct.pack("<HHII", 0x401A, 0, 12, 0)
    return struct.pack("<III4s", 70, 16 + len(plus), 4 + len(plus), b"EMF+") + plus


def wmf(*, placeable: bool) -> bytes:
    header, pixels = bitmap()
    draw = struct.pack("<IHhhhhhhhh", 0xCC0020, 0, SIZE[1], SIZE[0], 0, 0, 900, 1200, 0, 0) + header + pixels
    records = [(0x020C, struct.pack("<hh", 900, 1200)), (0x0F43, draw), (0, b"")]
    body = b"".join(struct.pack("<IH", 3 + len(data) // 2, kind) + data for kind, data in records)
    head = struct.pack("<HHHIHIH", 1, 9, 0x300, 9 + len(body) // 2, 0, 0, 0)
    return (b"\xd7\xcd\xc6\x9a".ljust(22, b"\0") if placeable else b"") + head + body


def in_word(metafile: bytes) -> bytes:
    return with_body(
        '<w:p><w:r><w:pict><v:shape><v:imagedata r:id="r9"/></v:shape></w:pict></w:r></w:p>',
        parts={"word/media/1.emf": metafile},
        relations=relation("r9", "image", "media/1.emf"),
    )


def pictures_of(document: bytes) -> list[Image.Image]:
    with zipfile.ZipFile(io.BytesIO(document)) as archive:
        return [
            Image.open(io.BytesIO(archive.read(name))).convert("RGB")
            for name in archive.namelist()
            if name.endswith((".png", ".jpg"))
        ]


@pytest.mark.parametrize(
    "metafile",
    [
        emf(stretched()),
        gzip.compress(emf(stretched())),
        emf(stretched(SIGN)),  # alone in its frame
        emf(packed_inside(), stretched()),
        wmf(placeable=True),
        wmf(placeable=False),
    ],
)
def test_the_bitmap_of_a_metafile_stays_and_is_cleaned(metafile: bytes) -> None:
    copy = clean_copy(in_word(metafile))
    (shown,) = pictures_of(copy.data)
    assert shown.size == SIZE
    assert Removed.DRAWINGS not in copy.removed
    assert Noted.CROPPED not in copy.noted
    if b"JFIF" not in metafile:
        assert shown.tobytes() == picture(size=SIZE).convert("RGB").tobytes()


@pytest.mark.parametrize(
    "metafile", [emf(LINE), emf(stretched(SIGN), LINE), emf(stretched(SIGN), stretched(SIGN)), emf()]
)
def test_of_a_drawing_nothing_is_taken_and_its_loss_is_told(metafile: bytes) -> None:
    copy = clean_copy(in_word(metafile))
    assert not pictures_of(copy.data)
    assert Removed.DRAWINGS in copy.removed


def test_lines_over_a_bitmap_are_told_and_so_is_a_part_of_one() -> None:
    assert Removed.DRAWINGS in clean_copy(in_word(emf(stretched(), LINE))).removed
    assert Noted.CROPPED in clean_copy(in_word(emf(stretched(taken=(30, 48))))).noted


def test_rich_text_and_hangul_keep_the_bitmap_too() -> None:
    rtf = b"{\\rtf1 a{\\pict\\emfblip " + emf(stretched()).hex().encode() + b"}}"
    assert b"\\pngblip" in clean_copy(rtf).data
    with zipfile.ZipFile(io.BytesIO(clean_copy(hangul(["국경"], pictures=[emf(stretched())])).data)) as archive:
        assert "image-1.png" in archive.namelist()


def test_a_metafile_that_ends_anywhere_does_no_harm() -> None:
    whole = emf(packed_inside(), stretched())
    for length in range(0, len(whole), 211):
        clean_copy(in_word(whole[:length]))


def test_a_large_white_picture_in_a_document_is_no_bomb() -> None:
    with io.BytesIO() as file:
        Image.new("RGB", (1400, 1000), "white").save(file, "BMP")
        white = file.getvalue()
    (shown,) = pictures_of(clean_copy(in_word(white)).data)
    assert shown.size == (1400, 1000)
