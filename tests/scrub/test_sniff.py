"""A file is what its content says, whatever it is called; what we do not take is named, with the right advice."""

from __future__ import annotations

import ast
import io
import re
import struct
import zipfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fieldreport.scrub import Refusal, registry, sniff
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Refused


def type_of(data: bytes) -> str:
    return sniff.sniff(Source.of(data))


def refusal_of(data: bytes) -> Refusal:
    with pytest.raises(Refused) as caught:
        sniff.sniff(Source.of(data))
    return caught.value.refusal


def ftyp(major: bytes, *compatible: bytes) -> bytes:
    brands = major + bytes(4) + b"".join(compatible)
    return struct.pack(">I", 8 + len(brands)) + b"ftyp" + brands + bytes(100)


def archive(**members: bytes) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as made:
        for name, content in members.items():
            made.writestr(name, content)
    return file.getvalue()


def archive_of(members: dict[str, bytes]) -> bytes:
    return archive(**members)


def office(content_type: str, encoding: str = "utf-8") -> bytes:
    part = f'<Types><Override PartName="/x.xml" ContentType="{content_type}"/></Types>'
    return archive_of({"docProps/app.xml": b"<x/>", "[Content_Types].xml": part.encode(encoding)})


def big_tiff(*tags: int) -> bytes:
    """A TIFF with offsets of eight bytes and one directory that has these tags."""
    entries = b"".join(struct.pack("<HHQQ", tag, 3, 1, 1) for tag in tags)
    return b"II+\0\x08\0\0\0" + struct.pack("<QQ", 16, len(tags)) + entries + bytes(8)


def tiff(*tags: int) -> bytes:
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, 1) for tag in tags)
    return b"II*\0" + struct.pack("<IH", 8, len(tags)) + entries + bytes(4)


def tiff_with_another_inside(photometric: int) -> bytes:
    """One with a maker and, below its first directory, another picture."""
    first = struct.pack("<H", 2) + struct.pack("<HHII", 271, 2, 4, 0) + struct.pack("<HHII", 330, 4, 1, 38) + bytes(4)
    return b"II*\0\x08\0\0\0" + first + struct.pack("<H", 1) + struct.pack("<HHII", 262, 3, 1, photometric)


def test_every_type_that_can_be_named_is_cleaned_or_refused_for_a_reason() -> None:
    """Read from the source, so that a new name without a row and without advice is found."""
    tree = ast.parse(Path(sniff.__file__).read_text(encoding="utf-8"))
    written = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)}
    named = {each for each in written if re.fullmatch(r"(application|audio|image|message|text|video)/[\w.+-]*\w", each)}
    assert len(named) > 60
    assert named <= registry.BY_TYPE.keys() | registry.REFUSED.keys()
    assert not registry.BY_TYPE.keys() & registry.REFUSED.keys()


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"8BPS\0\1" + bytes(30), Refusal.DRAWING),
        (b"%!PS-Adobe-3.0\n", Refusal.DRAWING),
        (b"AC1032" + bytes(40), Refusal.DRAWING),
        (b"MAC \x96\x0f" + bytes(40), Refusal.SOUND_OR_FILM),
        (b"SQLite format 3\0" + bytes(90), Refusal.UNSUPPORTED),
        (b"7z\xbc\xaf\x27\x1c\0\4" + bytes(40), Refusal.ARCHIVE),
        (b"Rar!\x1a\7\1\0" + bytes(40), Refusal.ARCHIVE),
    ],
)
def test_what_is_not_cleaned_is_refused_with_its_own_advice(data: bytes, refusal: Refusal) -> None:
    with pytest.raises(Refused) as caught:
        registry.row(type_of(data))
    assert caught.value.refusal is refusal


OOXML = "application/vnd.openxmlformats-officedocument"
EPUB = "application/epub+zip"
WORD = f"{OOXML}.wordprocessingml.document"


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b"\xff\xd8\xff\xe0" + bytes(20), "image/jpeg"),
        (b"\x89PNG\r\n\x1a\n" + bytes(20), "image/png"),
        (b"GIF89a" + bytes(20), "image/gif"),
        (b"RIFF\x10\0\0\0WEBPVP8 " + bytes(20), "image/webp"),
        (b"RIFF\x10\0\0\0WAVEfmt " + bytes(20), "audio/wav"),
        (b"RIFF\x10\0\0\0AVI LIST" + bytes(20), "video/x-msvideo"),
        (b"BM" + struct.pack("<IHHII", 100, 0, 0, 54, 40) + bytes(60), "image/bmp"),
        (b"BM" + struct.pack("<IHHIIIIHH", 100, 41, 56, 142, 40, 8, 8, 1, 4) + bytes(60), "image/bmp"),
        (b"BM" + struct.pack("<IHHIIHHHH", 100, 41, 56, 26, 12, 8, 8, 1, 4) + bytes(60), "image/bmp"),
        (tiff(256, 257), "image/tiff"),
        (big_tiff(256, 257), "image/tiff"),
        (ftyp(b"heic", b"mif1", b"heic"), "image/heic"),
        (ftyp(b"mif1", b"mif1", b"heic"), "image/heic"),
        (ftyp(b"avif", b"mif1"), "image/avif"),
        (ftyp(b"mif1", b"avif"), "image/avif"),
        (ftyp(b"isom", b"mp41"), "video/mp4"),
        (ftyp(b"M4A ", b"mp42"), "audio/mp4"),
        (ftyp(b"3gp4"), "video/3gpp"),
        (ftyp(b"qt  "), "video/quicktime"),
        (b"\0\0\0\x08wide\0\0\0\0mdat" + bytes(20), "video/quicktime"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x84webm" + bytes(20), "video/webm"),
        (b"\x1a\x45\xdf\xa3\x9fB\x86\x81\x01B\x82\x88matroska" + bytes(20), "video/x-matroska"),
        (b"OggS\0\x02" + bytes(22) + b"OpusHead" + bytes(20), "audio/opus"),
        (b"OggS\0\x02" + bytes(22) + b"\x01vorbis" + bytes(20), "audio/ogg"),
        (b"OggS\0\x02" + bytes(22) + b"\x80theora" + bytes(20), "video/ogg"),
        (b"fLaC\0\0\0\x22" + bytes(40), "audio/flac"),
        (b"ID3\x04\0\0\0\0\0\x02ab" + b"fLaC" + bytes(20), "audio/flac"),
        (b"ID3\x04\0\0\0\0\0\x02ab" + b"\xff\xfb\x90\x64" + bytes(20), "audio/mpeg"),
        (b"\xff\xfb\x90\x64" + bytes(40), "audio/mpeg"),
        (b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(40), "audio/aac"),
        # Cut out of a longer one, inside a frame.
        (b"\x9f\xff\xfb\0\x01" + bytes(300) + (b"\xff\xfb\x90\x64" + bytes(413)) * 30, "audio/mpeg"),
        (b"\x9f\xff\xf1\x01" + bytes(300) + (b"\xff\xf1\x50\x80\x08\x1f\xfc" + bytes(57)) * 9, "audio/aac"),
        (b"#!AMR\n\x3c" + bytes(30), "audio/amr"),
        (b"#!AMR-WB\n\x3c" + bytes(30), "audio/amr-wb"),
        (b"%PDF-1.7\n%\xe2\xe3", "application/pdf"),
        (b"\n\n%PDF-1.4\n%\xe2\xe3", "application/pdf"),
        (b"{\\rtf1\\ansi hello}", "application/rtf"),
        (bytes(257) + b"ustar\x0000" + bytes(200), "application/x-tar"),
        (office(f"{WORD}.main+xml"), WORD),
        (office(f"{WORD}.main+xml", "utf-16"), WORD),
        (office("application/vnd.ms-word.document.macroEnabled.main+xml"), WORD),
        (office(f"{OOXML}.spreadsheetml.sheet.main+xml"), f"{OOXML}.spreadsheetml.sheet"),
        (office(f"{OOXML}.presentationml.slideshow.main+xml"), f"{OOXML}.presentationml.presentation"),
        (archive(mimetype=b"application/vnd.oasis.opendocument.text"), "application/vnd.oasis.opendocument.text"),
        (archive(mimetype=EPUB.encode()), EPUB),
        (archive_of({"META-INF/container.xml": b'<rootfile media-type="application/oebps-package+xml"/>'}), EPUB),
        (archive_of({"META-INF/container.xml": b"<rootfile/>"}), "application/zip"),
        (archive(mimetype=b"application/hwp+zip"), "application/hwp+zip"),
        (archive(photo=b"x"), "application/zip"),
        (archive_of({"META-INF/manifest.xml": b"x", "meta.xml": b"x"}), "application/octet-stream"),
        (archive_of({"word/document.xml": b"x", "docProps/core.xml": b"x"}), "application/octet-stream"),
        (b'<office:document-meta xmlns:office="urn:x"><dc:creator>Kim</dc:creator>', "application/xml"),
        (b"<from> is what xmlns: stands before", "text/plain"),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "\5HwpSummaryInformation".encode("utf-16-le"),
            "application/x-hwp",
        ),
        (archive_of({"index.apxl": b"x", "QuickLook/Thumbnail.jpg": b"x"}), "application/vnd.apple.pages"),
        (archive_of({"plan.pages/Index.zip": b"x"}), "application/vnd.apple.pages"),
        (archive_of({"Index.zip": b"x", "preview.jpg": b"x"}), "application/vnd.apple.pages"),
        (archive_of({"Index/Document.iwa": b"x", "preview.jpg": b"x"}), "application/vnd.apple.pages"),
        (tiff_with_another_inside(2), "image/tiff"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        (b"<?xml version='1.0'?>\n<!-- made by --><svg:svg/>", "image/svg+xml"),
        (b"<ns0:svg xmlns:ns0='http://www.w3.org/2000/svg'/>", "image/svg+xml"),
        (b"<?xml version='1.0'?><ns0:gpx/>", "application/gpx+xml"),
        (b"\xef\xbb\xbf  <!DOCTYPE html><html></html>", "text/html"),
        (b"<meta charset=utf-8><title>a</title>", "text/html"),
        (b'<!-- saved -->\n<div class="x">\n<p>Seen</p>\n</div>', "text/html"),
        (b'<p align="center">\n<img src="a.png">\n</p>\n\n# Bridge\n', "text/plain"),
        (b"<p> did you see the [photo](a.jpg)? </p>", "text/plain"),
        (b'<div class="helper">\n<style>p{}</style> no end', "text/html"),
        (b"<div> of 2024: <Kim> hello", "text/plain"),
        (b"<?xml version='1.0'?><rss/>", "application/xml"),
        (
            b"<?xml version='1.0'?>\n<o:document xmlns:o='urn:oasis:names:tc:opendocument:xmlns:office:1.0'/>",
            "application/vnd.oasis.opendocument.flat-xml",
        ),
        (b"<?xml version='1.0'?><gpx/>", "application/gpx+xml"),
        (b'<kml xmlns="http://www.opengis.net/kml/2.2"/>', "application/vnd.google-earth.kml+xml"),
        (b'{"features": [], "type": "FeatureCollection"}', "application/geo+json"),
        (b'{"type": "message", "from": "x"}', "text/plain"),
        (b"Received: from x\r\nMIME-Version: 1.0\r\n\r\nhello", "message/rfc822"),
        (b"From kim@example.org Mon Nov  2 10:00:00 2026\nSubject: x\n\nhello", "message/rfc822"),
        ("국경에서".encode(), "text/plain"),
        ("국경에서".encode("utf-16"), "text/plain"),
    ],
)
def test_a_format_is_recognised_by_its_content(data: bytes, media_type: str) -> None:
    assert type_of(data) == media_type


@pytest.mark.parametrize(
    "word",
    [
        "From the border to the gate, 7 km",
        "BM is a brand",
        "MZ",
        "RIFF RAFF",
        "ARRIVED at nine",
        "caffeine",
        "FORM 7",
        "ID3 is",
    ],
)
def test_a_text_that_begins_like_a_format_is_a_text(word: str) -> None:
    assert type_of(word.encode()) == "text/plain"


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"", Refusal.EMPTY),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(5000), Refusal.OLD_OFFICE),
        (b"<?xml version='1.0'?><?mso-application progid='Word.Document'?><w:wordDocument/>", Refusal.OLD_OFFICE),
        (b"<?xml version='1.0'?><Workbook xmlns='urn:schemas-microsoft-com:office:spreadsheet'>", Refusal.OLD_OFFICE),
        (b"<?xml version='1.0'?><pkg:package xmlns:pkg='http://x'>", Refusal.OLD_OFFICE),
        (b"<?xml version='1.0'?><uof:UOF xmlns:uof='http://x'>", Refusal.OLD_OFFICE),
        (
            b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(200_000) + "EncryptedPackage".encode("utf-16-le"),
            Refusal.ENCRYPTED,
        ),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600) + "__substg1.0_0037".encode("utf-16-le"), Refusal.MAIL),
        (b"HWP Document File V3.00 \x1a\1\2\3\4\5" + bytes(99), Refusal.HANGUL),
        (b"\x0e\x10\x64\x08\x20\x00\x00\x00.FIT" + bytes(40), Refusal.TRACK),
        (b"7z\xbc\xaf\x27\x1c\x00\x04" + bytes(40), Refusal.ARCHIVE),
        (b"Rar!\x1a\x07\x01\x00" + bytes(40), Refusal.ARCHIVE),
        (b"\xfd7zXZ\x00\x00\x04" + bytes(40), Refusal.ARCHIVE),
        (b"BZh91AY&SY" + bytes(40), Refusal.ARCHIVE),
        (b"EGGA\x00\x01" + bytes(40), Refusal.ARCHIVE),
        (b"ALZ\x01\x0a\x00" + bytes(40), Refusal.ARCHIVE),
        (b"MZ\x90\0\x03\0\0\0", Refusal.ACTIVE_CONTENT),
        (b"\x7fELF\x02\x01\x01\0", Refusal.ACTIVE_CONTENT),
        (archive_of({"AndroidManifest.xml": b"x", "classes.dex": b"x"}), Refusal.ACTIVE_CONTENT),
        (archive_of({"META-INF/MANIFEST.MF": b"x"}), Refusal.ACTIVE_CONTENT),
        (ftyp(b"crx "), Refusal.RAW_PHOTO),
        (tiff_with_another_inside(32803), Refusal.RAW_PHOTO),  # NEF, ARW, PEF
        (tiff(256, 50706), Refusal.RAW_PHOTO),  # DNG
        (big_tiff(256, 50706), Refusal.RAW_PHOTO),
        # Frames of sound that do not go on, in something else.
        (b"\x9f" + bytes(300) + (b"\xff\xfb\x90\x64" + bytes(413)) * 9 + b"\x9f" * 9999, Refusal.UNSUPPORTED),
        (b"II*\0\x10\0\0\0CR\x02\0" + bytes(30), Refusal.RAW_PHOTO),
        (b"FUJIFILMCCD-RAW 0201" + bytes(30), Refusal.RAW_PHOTO),
        (b"IIRO\x08\0\0\0" + bytes(30), Refusal.RAW_PHOTO),
        (b"IIU\0\x08\0\0\0" + bytes(30), Refusal.RAW_PHOTO),
        (b"-----BEGIN PGP MESSAGE-----\n\nabc", Refusal.ENCRYPTED),
        (b"age-encryption.org/v1\n-> X25519 abc\n\0\0", Refusal.SEALED),
        (bytes(range(256)) * 20, Refusal.UNSUPPORTED),
        (b"PK\x03\x04" + bytes(100), Refusal.DAMAGED),
        (b"II*\0\xff\xff\xff\x7f" + bytes(30), Refusal.DAMAGED),
    ],
)
def test_what_cannot_be_cleaned_is_refused_with_its_advice(data: bytes, refusal: Refusal) -> None:
    assert refusal_of(data) is refusal


@pytest.mark.parametrize("name", ["my Index.zip", "old/Index.zip", "site/index.xml", "keys/index.html"])
def test_an_archive_with_an_index_of_its_own_is_an_archive(name: str) -> None:
    assert type_of(archive_of({name: b"x"})) == "application/zip"


def test_an_encrypted_archive_is_named_so() -> None:
    data = bytearray(archive(photo=b"x"))
    data[data.index(b"PK\x01\x02") + 8] |= 1
    assert refusal_of(bytes(data)) is Refusal.ENCRYPTED


def test_an_archive_with_a_huge_directory_is_a_bomb_before_it_is_read() -> None:
    data = bytearray(archive(photo=b"x"))
    struct.pack_into("<I", data, data.rindex(b"PK\x05\x06") + 12, 1 << 30)
    assert refusal_of(bytes(data)) is Refusal.BOMB


def test_the_content_types_of_a_document_may_come_last() -> None:
    parts = {f"word/media/image{number}.png": bytes(3000) for number in range(20)}
    declared = f'<Types><Override ContentType="{WORD}.main+xml"/></Types>'.encode()
    assert type_of(archive_of({**parts, "[Content_Types].xml": declared})) == WORD


@pytest.mark.parametrize("media_type", ["image/x-unheard-of", "application/xml", "application/octet-stream"])
def test_a_type_without_a_row_is_unsupported(media_type: str) -> None:
    with pytest.raises(Refused) as caught:
        registry.row(media_type)
    assert caught.value.refusal is Refusal.UNSUPPORTED


def test_names_are_neutral() -> None:
    assert registry.neutral_name("image/jpeg", 1) == "photo-1.jpg"
    assert registry.neutral_name("text/plain", 12) == "text-12.txt"


MAGICS = [magic for _, magic, _ in sniff._MAGICS] + [magic for _, magic, _ in sniff._REFUSED_MAGICS]


@given(st.sampled_from([*MAGICS, b"\0\0\0\x20ftyp"]), st.binary(max_size=120))
@settings(max_examples=500, deadline=None)
def test_whatever_follows_a_magic_is_named_or_refused(magic: bytes, rest: bytes) -> None:
    try:
        assert "/" in type_of(magic + rest)
    except Refused:
        return


@pytest.mark.parametrize(
    ("data", "refusal"),
    [
        (b"!<arch>\na.txt/          1780000000  1000  1000  100644  6         `\nwords\n", Refusal.ARCHIVE),
        (b"  0\r\nSECTION\r\n  2\r\nHEADER\r\n  9\r\n$LASTSAVEDBY\r\n  1\r\nKim\r\n", Refusal.DRAWING),
        (b"999\nmade by Kim\n0\nSECTION\n2\nENTITIES\n0\nENDSEC\n0\nEOF\n", Refusal.DRAWING),
        (b"ISO-10303-21;\nHEADER;\nFILE_NAME('x','2026-01-01',('Kim'),(''),'','','');\n", Refusal.DRAWING),
    ],
)
def test_what_is_no_text_though_every_byte_of_it_is_one(data: bytes, refusal: Refusal) -> None:
    assert refusal_of(data) is refusal


@pytest.mark.parametrize(
    "data",
    [
        b"<x:xmpmeta xmlns:x='adobe:ns:meta/'><rdf:RDF/></x:xmpmeta>",
        b'<?xpacket begin="" id="W5M0"?><x:xmpmeta xmlns:x="adobe:ns:meta/"/>',
        b'<tt xmlns="http://www.w3.org/ns/ttml"><body/></tt>',
    ],
)
def test_data_of_programs_are_no_text_without_a_declaration_either(data: bytes) -> None:
    assert type_of(data) == "application/xml"


@pytest.mark.parametrize(
    ("data", "media_type"),
    [
        (b'{"id": 1, "text": "x", "coordinates": {"type": "Point", "coordinates": [1, 2]}}', "text/plain"),
        (b'{"type": "Topology", "objects": {"a": {"type": "Point", "coordinates": [1, 2]}}}', "text/plain"),
        (b'{"places": [{"type": "Feature", "geometry": null}]}', "text/plain"),
        (b'{"coordinates": [1, 2], "type": "Point"}', "application/geo+json"),
        (b'{"geometry": {"coordinates": [1, 2], "type": "Point"}, "type": "Feature"}', "application/geo+json"),
        (b'{"name": "\\"}", "features": [' + b'{"type": "Feature"},' * 999, "application/geo+json"),
        (b'{"bbox": [1, 2, 3, 4], "type" : "FeatureCollection", "features": []}', "application/geo+json"),
    ],
)
def test_json_is_a_map_where_all_of_it_is_one(data: bytes, media_type: str) -> None:
    assert type_of(data) == media_type
