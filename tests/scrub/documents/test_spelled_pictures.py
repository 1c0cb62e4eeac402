"""A photo in Base64 in the words of a document: in one run, cut by the program, or wrapped into lines."""

from __future__ import annotations

import base64
import io
import re
import textwrap
import zipfile
from collections.abc import Callable

import pytest

from fieldreport.bench.samples import samples
from fieldreport.scrub import registry
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Residue
from tests.scrub.conftest import Clean
from tests.scrub.images.pictures import exif, picture


def spelled() -> str:
    with io.BytesIO() as file:
        picture().save(file, "JPEG", exif=exif(), comment=b"PLANTED" * 20)
        return base64.b64encode(file.getvalue()).decode()


def with_words(data: bytes, part: str, change: Callable[[str], str]) -> bytes:
    """A package with one part changed."""
    with io.BytesIO() as file:
        with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(file, "w") as new:
            assert part in old.namelist()
            for member in old.infolist():
                content = old.read(member)
                new.writestr(member, change(content.decode()).encode() if member.filename == part else content)
        return file.getvalue()


def in_all_of(data: bytes) -> str:
    if not data.startswith(b"PK"):
        return data.decode()
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return "\n".join(package.read(name).decode("utf-8", "replace") for name in package.namelist())


def cut(text: str) -> str:
    """In two runs, as Word does where its spelling stops."""
    return f"{text[:2000]}</w:t></w:r><w:proofErr w:type='spellEnd'/><w:r><w:t>{text[2000:]}"


def wrapped(text: str, between: str) -> str:
    return between.join(textwrap.wrap(text, 76))


CASES: dict[str, tuple[str, str, Callable[[str], str]]] = {
    "docx": ("docx", "word/document.xml", lambda text: text),
    "docx, in two runs": ("docx", "word/document.xml", cut),
    "docx, in lines": ("docx", "word/document.xml", lambda text: wrapped(text, "</w:t><w:br/><w:t>")),
    "odt": ("odt", "content.xml", lambda text: text),
    "odt, in paragraphs": ("odt", "content.xml", lambda text: wrapped(text, "</text:p><text:p>")),
    "xlsx": ("xlsx", "xl/worksheets/sheet1.xml", lambda text: text),
    "epub": ("epub", "c.xhtml", lambda text: text),
}
WORDS = re.compile(r"(<(?:w:t|text:p|t|p)(?: [^>]*)?>)[^<]{9,}")


@pytest.mark.parametrize("case", CASES)
def test_a_photo_in_words_is_cleaned_and_the_words_around_it_stay(clean: Clean, case: str) -> None:
    kind, part, spell = CASES[case]
    data = samples()[kind]()
    written = spell(spelled())
    copy = clean(with_words(data, part, lambda text: WORDS.sub(rf"\1before {written} after", text, count=1)))
    said = in_all_of(copy.data)
    assert base64.b64encode(b"PLANTED" * 6).decode()[4:20] not in said
    (address,) = re.findall(r"before data:image/jpeg;base64,([^ <]*)", said)
    assert base64.b64decode(address).startswith(b"\xff\xd8\xff")
    assert re.search(r"(?:>|==?|[\w/+]) after<", said)
    dirty = with_words(
        copy.data,
        part_of(copy.data, address),
        lambda text: text.replace(f"data:image/jpeg;base64,{address}", spelled()),
    )
    with pytest.raises(Residue):
        registry.verify(Source.of(dirty), copy.media_type)


def of_bytes(text: str, spell: Callable[[int], str]) -> str:
    return "".join(map(spell, base64.b64decode(text)))


RTF: dict[str, Callable[[str], str]] = {
    "in one run": lambda text: text,
    "by line": lambda text: wrapped(text, r"\line "),
    "by paragraph, each with its look": lambda text: wrapped(text, " \\par\\pard\\plain\\f0\\fs20 \n"),
    "with raw line ends": lambda text: wrapped(text, "\r\n"),
    "across a group": lambda text: rf"{text[:100]}{{\b {text[100:700]}}}{text[700:]}",
    "with blank paragraphs": lambda text: wrapped(text, r"\~\par \par {\i }"),
    "in rows": lambda text: wrapped(text, r"\cell\row\trowd\cellx900 "),
    "some letters by number": lambda text: rf"\'2f\u57 ?j{text[3:50]}{{\v hidden}}\-{text[50:]}",
    "of addresses": lambda text: text.replace("+", r"\_").replace("/", "_"),
    "hexadecimal": lambda text: wrapped(of_bytes(text, "{:02x}".format), r"\line "),
    "percent": lambda text: of_bytes(text, "%{:02x}".format),
    "as source": lambda text: of_bytes(text, r"\\x{:02x}".format),
    "in a header": lambda text: rf"x{{\header {text}}}",
}


@pytest.mark.parametrize("case", RTF)
def test_a_photo_in_the_words_of_rich_text_is_cleaned_however_it_is_laid_out(clean: Clean, case: str) -> None:
    def rich(words: str) -> bytes:
        return rf"{{\rtf1\ansi\uc1{{\fonttbl{{\f0 Arial;}}}}\'b1 \u44397 ?first {words} (after)\par}}".encode()

    written = RTF[case](spelled())
    copy = clean(rich(written))
    said = copy.data.decode()
    (address,) = re.findall(r"data:image/jpeg;base64,([\w+/=]*)", said)
    photo = base64.b64decode(address)
    assert photo.startswith(b"\xff\xd8\xff")
    assert b"PLANTED" not in photo
    assert "first " in said
    assert " (after)" in said
    assert len(re.sub(r"\\[a-z]+-?[0-9]* |[{}]", "", said)) < len(address) + 100  # nothing of the old one is left
    assert clean(copy.data).data == copy.data
    dirty = f"{said.partition('first ')[0]}first {canonical(written)} (after)\\par }}".encode()
    with pytest.raises(Residue):
        registry.verify(Source.of(dirty), copy.media_type)


def canonical(words: str) -> str:
    """As our writer writes them, so that nothing else is wrong with them."""
    words = re.sub(r"\{\\v [^}]*\}|[\r\n]", "", words)
    return re.sub(r"(?<!\\)(\\[a-z]+-?[0-9]*(?![a-z0-9 ]))", r"\1 ", words)


def test_two_photos_of_one_paragraph_are_cleaned_and_one_that_is_broken_goes(clean: Clean) -> None:
    said = clean(
        rf"{{\rtf1 a {spelled()} b {spelled()[:900]}{{\i {spelled()[900:]}}} c /9j/{'A' * 200} d}}".encode()
    ).data
    assert re.fullmatch(
        rb"\{\\rtf1 \\uc1 a data:image/jpeg;base64,[\w+/=]+ b data:image/jpeg;base64,[\w+/=]+\{\\i \} c data:, d\}",
        said,
    )


def part_of(data: bytes, words: str) -> str:
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return next(name for name in package.namelist() if words.encode() in package.read(name))
