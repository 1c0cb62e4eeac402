"""A figure of fidelity is worth something only if it can fall."""

from __future__ import annotations

import io
import zipfile

import pytest
from PIL import Image

from fieldreport.bench.fidelity import content_of
from fieldreport.bench.samples import samples


def picture(colour: tuple[int, int, int], comment: bytes) -> bytes:
    made, file = Image.new("RGB", (8, 8), "gray"), io.BytesIO()
    made.putpixel((3, 3), colour)
    made.save(file, "PNG", exif=b"Exif\0\0" + comment)
    return file.getvalue()


def test_a_pixel_counts_and_metadata_does_not() -> None:
    one = content_of("png", picture((1, 2, 3), b"II*\0\x08\0\0\0\0\0\0\0\0\0"))
    assert one == content_of("png", picture((1, 2, 3), b"MM\0*\0\0\0\x08\0\0\0\0\0\0"))
    assert one != content_of("png", picture((1, 2, 4), b"II*\0\x08\0\0\0\0\0\0\0\0\0"))


@pytest.mark.parametrize("kind", ["wav", "bmp"])
def test_a_bit_of_a_sample_counts(kind: str) -> None:
    data = bytearray(samples()[kind]())
    before = content_of(kind, bytes(data))
    data[-1001] ^= 1
    assert content_of(kind, bytes(data)) != before


@pytest.mark.parametrize(
    ("kind", "old", "new"), [("xlsx", b"entry 7<", b"entry 8<"), ("odt", b"paragraph 7<", b"paragraph<")]
)
def test_a_word_counts(kind: str, old: bytes, new: bytes) -> None:
    data, changed = samples()[kind](), io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as before, zipfile.ZipFile(changed, "w") as after:
        for name in before.namelist():
            after.writestr(name, before.read(name).replace(old, new))
    assert content_of(kind, data) != content_of(kind, changed.getvalue())


def test_what_nothing_reads_is_not_said_to_be_the_same() -> None:
    assert content_of("rtf", b"{}") is None
