"""Documents go through the real sandbox: whatever a library loads late or asks of the system would fail there."""

from __future__ import annotations

import base64
import io
import warnings
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import docx
import pikepdf
import pytest
from reportlab.pdfgen import canvas

from fieldreport.errors import ScrubRefused
from fieldreport.scratch import Scratch
from fieldreport.scrub.documents.svg.elements import SVG
from fieldreport.scrub.sandbox.service import Scrubbed, Scrubber
from fieldreport.scrub.verdicts import Mode, Refusal, Removed


@pytest.fixture(scope="module")
def scrubber(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scrubber]:
    with Scrubber(directory=tmp_path_factory.mktemp("scratch"), require_sandbox=False) as started:
        yield started


def cleaned(scrubber: Scrubber, data: bytes, directory: Path) -> Scrubbed:
    with Scratch(directory) as source:
        source.write(data)
        return scrubber.clean(source)


def word_file(photo: bytes) -> bytes:
    document = docx.Document()
    document.core_properties.author = "PLANTED"
    document.add_paragraph("진술서 — 陈述")
    document.add_picture(io.BytesIO(photo))
    file = io.BytesIO()
    document.save(file)
    return file.getvalue()


@pytest.mark.parametrize(
    ("revision", "cipher"), [(2, "RC4"), (3, "RC4"), (4, "RC4"), (4, "AES"), (5, "AES"), (6, "AES")]
)
def test_a_pdf_that_anybody_can_open_is_cleaned_and_one_with_a_password_is_refused_as_that(
    scrubber: Scrubber, tmp_path: Path, revision: Literal[2, 3, 4, 5, 6], cipher: str
) -> None:
    result = cleaned(scrubber, encrypted_pdf("", revision, aes=cipher == "AES"), tmp_path)
    with result.output as output:
        output.seek(0)
        data = output.read(result.length) or b""
    assert b"Encrypt" not in data
    assert Removed.AUTHOR in result.removed
    with pytest.raises(ScrubRefused) as refused:
        cleaned(scrubber, encrypted_pdf("secret", revision, aes=cipher == "AES"), tmp_path)
    assert refused.value.code == Refusal.ENCRYPTED


def encrypted_pdf(password: str, revision: Literal[2, 3, 4, 5, 6], *, aes: bool) -> bytes:
    with pikepdf.new() as document, warnings.catch_warnings(action="ignore"):  # revision 5 is deprecated
        page = document.add_blank_page(page_size=(200, 200))
        page.obj.Contents = document.make_stream(b"BT /F 9 Tf 20 20 Td (Seen) Tj ET")
        document.docinfo.Author = "PLANTED"
        file = io.BytesIO()
        document.save(
            file, encryption=pikepdf.Encryption(owner="other", user=password, R=revision, aes=aes, metadata=aes)
        )
        return file.getvalue()


def test_a_pdf_is_cleaned_in_the_child(scrubber: Scrubber, tmp_path: Path) -> None:
    file = io.BytesIO()
    page = canvas.Canvas(file)
    page.setAuthor("PLANTED")
    page.drawString(72, 700, "Seen")
    page.save()
    result = cleaned(scrubber, file.getvalue(), tmp_path)
    assert result.media_type == "application/pdf"
    assert Removed.AUTHOR in result.removed
    with result.output as output:
        output.seek(0)
        data = output.read(result.length) or b""
    with pikepdf.open(io.BytesIO(data)) as document:
        assert "/Info" not in document.trailer


def test_a_word_file_is_cleaned_in_the_child(scrubber: Scrubber, tmp_path: Path, phone_photo: bytes) -> None:
    result = cleaned(scrubber, word_file(phone_photo), tmp_path)
    assert result.extension == "docx"
    assert {Removed.AUTHOR, Removed.DEVICE} <= set(result.removed)
    with result.output as output:
        output.seek(0)
        text = [p.text for p in docx.Document(io.BytesIO(output.read(result.length) or b"")).paragraphs]
    assert text[0] == "진술서 — 陈述"


def test_the_words_of_a_word_file_are_taken_in_the_child(
    scrubber: Scrubber, tmp_path: Path, phone_photo: bytes
) -> None:
    with Scratch(tmp_path) as source:
        source.write(word_file(phone_photo))
        result = scrubber.clean(source, mode=Mode.STRONG)
    assert {Removed.LAYOUT, Removed.AUTHOR, Removed.DEVICE} <= set(result.removed)
    with result.output as output, zipfile.ZipFile(io.BytesIO(output.read(result.length) or b"")) as archive:
        assert archive.read("text-1.txt").decode() == "진술서 — 陈述\n"


def test_texts_with_markup_are_cleaned_in_the_child(scrubber: Scrubber, tmp_path: Path, phone_photo: bytes) -> None:
    address = f"data:image/jpeg;base64,{base64.b64encode(phone_photo).decode()}"
    for extension, data in (
        ("html", f'<html><title>PLANTED</title><p onclick="PLANTED">국경<img src="{address}"></html>'.encode()),
        ("svg", f'<svg xmlns="{SVG}"><text id="PLANTED">국경</text><image href="{address}"/></svg>'.encode()),
        ("rtf", b"{\\rtf1{\\info{\\author PLANTED}}{\\pict\\jpegblip " + phone_photo.hex().encode() + b"}words}"),
    ):
        result = cleaned(scrubber, data, tmp_path)
        assert result.extension == extension
        assert Removed.DEVICE in result.removed
        with result.output as output:
            output.seek(0)
            assert b"PLANTED" not in (output.read(result.length) or b"")


def test_a_damaged_document_is_refused_and_the_service_goes_on(
    scrubber: Scrubber, tmp_path: Path, phone_photo: bytes
) -> None:
    data = word_file(phone_photo)
    with pytest.raises(ScrubRefused) as refused:
        cleaned(scrubber, data[: len(data) // 2], tmp_path)
    assert refused.value.code == Refusal.DAMAGED
    cleaned(scrubber, data, tmp_path).output.close()
