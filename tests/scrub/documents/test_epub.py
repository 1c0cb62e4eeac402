"""EPUB: the chapters stay; publishers' data, anchors, scripts and fonts do not."""

# ruff: noqa: E501  # markup is easier to read on a line of its own

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Callable, Mapping
from typing import Any

import pytest

from fieldreport.scrub.documents.epub.verify import verify
from fieldreport.scrub.documents.epub.write import MEDIA_TYPE
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Refusal, Refused, Removed, Residue

Clean = Callable[[bytes], Any]
Unpacked = Callable[[bytes], list[bytes]]


def packed(parts: Mapping[str, bytes | str]) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in parts.items():
            archive.writestr(name, data, compress_type=zipfile.ZIP_STORED if name == "mimetype" else None)
    return file.getvalue()


def members(data: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        return {name: archive.read(name).decode("utf-8", "replace") for name in archive.namelist()}


def parts_of(marks: Any, photo: bytes) -> dict[str, bytes | str]:
    """A marker in every place of a book that is not read."""
    page = '<!DOCTYPE html PUBLIC "-//W3C//DTD XHTML 1.1//EN" "http://www.w3.org/TR/xhtml11/DTD/xhtml11.dtd"><html xmlns="http://www.w3.org/1999/xhtml" xmlns:epub="http://www.idpf.org/2007/ops"'
    return {
        "mimetype": "application/epub+zip",
        "META-INF/container.xml": '<container xmlns="urn:oasis:names:tc:opendocument:xmlns:container" version="1.0"><rootfiles><rootfile full-path="OEBPS/content.opf" media-type="application/oebps-package+xml"/></rootfiles></container>',
        "META-INF/com.apple.ibooks.xml": marks("reader's data"),
        "OEBPS/content.opf": (
            '<package xmlns="http://www.idpf.org/2007/opf" version="3.0" unique-identifier="id"><metadata xmlns:dc="http://purl.org/dc/elements/1.1/">'
            f'<dc:identifier id="id">{marks("identifier")}</dc:identifier><dc:creator>{marks("author")}</dc:creator><dc:title>{marks("title")}</dc:title>'
            f'<meta property="dcterms:modified">{marks("date")}</meta></metadata><manifest>'
            '<item id="one" href="text/one.xhtml" media-type="application/xhtml+xml"/><item id="two" href="text/two.xhtml" media-type="application/xhtml+xml"/>'
            '<item id="nav" href="nav.xhtml" media-type="application/xhtml+xml" properties="nav"/><item id="ncx" href="toc.ncx" media-type="application/x-dtbncx+xml"/>'
            '<item id="css" href="style.css" media-type="text/css"/><item id="img" href="images/a.jpg" media-type="image/jpeg"/>'
            '<item id="js" href="script.js" media-type="text/javascript"/><item id="font" href="font.otf" media-type="font/otf"/>'
            '<item id="mp3" href="m.mp3" media-type="audio/mpeg"/><item id="mp4" href="m.mp4" media-type="video/mp4"/>'
            '</manifest><spine toc="ncx"><itemref idref="one"/><itemref idref="two"/></spine></package>'
        ),
        "OEBPS/text/one.xhtml": (
            f'{page} lang="{marks("language")}"><head><title>{marks("page title")}</title><meta name="generator" content="{marks("program")}"/>'
            f'<link rel="stylesheet" href="../style.css"/><script src="../script.js">{marks("inline script")}</script></head>'
            f'<body id="{marks("body id")}"><h1 id="start">First&nbsp;chapter</h1><!-- {marks("comment")} --><p title="{marks("title text")}" data-x="{marks("data")}" onclick="{marks("handler")}">Text one '
            f'<a href="two.xhtml#there">onwards</a> <a href="https://example.org/?utm_id={marks("link mark")}">web</a> <a href="file:///{marks("link path")}">file</a></p>'
            f'<p><img src="../images/a.jpg" alt="{marks("alternative text")}"/></p><audio src="../m.mp3">{marks("told where sound is not played")}</audio>'
            '<video src="../m.mp4"><source src="../m.mp4"/></video></body></html>'
        ),
        "OEBPS/text/two.xhtml": f'{page}><head><title>x</title></head><body><p id="there">Text two</p><span id="{marks("anchor")}"/></body></html>',
        "OEBPS/nav.xhtml": f'{page}><head><title>x</title></head><body><nav epub:type="toc"><ol><li><a href="text/one.xhtml#start">First chapter</a></li></ol></nav></body></html>',
        "OEBPS/toc.ncx": f'<ncx xmlns="http://www.daisy.org/z3986/2005/ncx/" version="2005-1"><head><meta name="dtb:uid" content="{marks("uid")}"/></head><docTitle><text>{marks("contents title")}</text></docTitle><navMap><navPoint id="{marks("point id")}" playOrder="1"><navLabel><text>First chapter</text></navLabel><content src="text/one.xhtml#start"/></navPoint></navMap></ncx>',
        "OEBPS/style.css": f'/* {marks("css comment")} */ @import "{marks("import")}"; @font-face {{ src: url({marks("font address")}) }} p {{ color: #112233; background: url(https://{marks("css address")}) }}',
        "OEBPS/images/a.jpg": photo,
        "OEBPS/script.js": marks("script"),
        "OEBPS/font.otf": marks("font"),
        "OEBPS/m.mp3": marks("recording inside"),
        "OEBPS/m.mp4": marks("film inside"),
        f"OEBPS/{marks('unlisted part')}.txt": b"",
    }


def book(marks: Any, photo: bytes) -> bytes:
    return packed(parts_of(marks, photo))


def test_a_marker_in_every_place_is_gone(clean: Clean, unpacked: Unpacked, marks: Any, phone_photo: bytes) -> None:
    cleaned = clean(book(marks, phone_photo))
    assert marks.left_in(unpacked(cleaned.data)) == []
    assert not any(b"PLANTED" in piece for piece in unpacked(cleaned.data))
    assert {Removed.AUTHOR, Removed.DEVICE, Removed.LINKS, Removed.DESCRIPTION} <= cleaned.removed


def test_the_planted_book_does_hold_its_markers(unpacked: Unpacked, marks: Any, phone_photo: bytes) -> None:
    assert set(marks.left_in(unpacked(book(marks, phone_photo)))) == set(marks.places.values())


def test_chapters_links_styles_and_pictures_stay(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    parts = members(clean(book(marks, phone_photo)).data)
    first, second = parts["book/chapter1.xhtml"], parts["book/chapter2.xhtml"]
    text = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", "", first.partition("<body")[2].partition(">")[2])).strip()
    assert text == "First chapterText one onwards web file"
    assert "Text two" in second
    anchor = re.search(r'href="chapter2\.xhtml#(a\d+)"', first)
    assert anchor is not None
    assert f'id="{anchor[1]}"' in second
    assert 'href="https://example.org/"' in first
    assert 'src="image1.jpg"' in first
    assert "color: #112233" in parts["book/style1.css"]
    assert 'epub:type="toc"' in parts["book/chapter3.xhtml"]
    assert "First chapter" in parts["book/toc.ncx"]


def test_cleaning_twice_gives_what_cleaning_once_gave(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    once = clean(book(marks, phone_photo))
    twice = clean(once.data)
    assert twice.data == once.data
    assert twice.removed == set()


def test_a_book_with_rights_management_is_refused(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    parts = parts_of(marks, phone_photo)
    parts["META-INF/encryption.xml"] = (
        '<encryption xmlns="x"><EncryptionMethod Algorithm="http://www.w3.org/2001/04/xmlenc#aes128-cbc"/></encryption>'
    )
    with pytest.raises(Refused) as refused:
        clean(packed(parts))
    assert refused.value.refusal is Refusal.ENCRYPTED


def test_a_document_type_that_defines_entities_is_refused(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    parts = parts_of(marks, phone_photo)
    parts["OEBPS/text/two.xhtml"] = (
        '<!DOCTYPE html [<!ENTITY a "aaaa">]><html xmlns="http://www.w3.org/1999/xhtml"><body>&a;</body></html>'
    )
    with pytest.raises(Refused) as refused:
        clean(packed(parts))
    assert refused.value.refusal is Refusal.DAMAGED


def test_the_second_reading_refuses_what_was_not_cleaned(marks: Any, phone_photo: bytes) -> None:
    with pytest.raises(Residue):
        verify(Source.of(book(marks, phone_photo)), MEDIA_TYPE)
