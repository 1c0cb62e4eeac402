"""PDF, part by part: font programs, character maps, pictures of every codec, links."""

# ruff: noqa: E501  # formats are easier to read on a line of their own

from __future__ import annotations

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
from pikepdf import Array, Dictionary, Name, Object
from PIL import Image, features
from reportlab.pdfbase import pdfmetrics
from reportlab.pdfbase.cidfonts import UnicodeCIDFont
from reportlab.pdfbase.ttfonts import TTFont
from reportlab.pdfgen import canvas

from fieldreport.scrub.documents.links import clean_link
from fieldreport.scrub.documents.pdf.font_programs import clean_program
from fieldreport.scrub.documents.pdf.pictures import clean_jbig2, clean_jpx
from fieldreport.scrub.documents.pdf.postscript import clean_calculator, clean_character_map
from fieldreport.scrub.documents.pdf.verify import verify
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Damaged, Removed, Residue
from tests.scrub.conftest import clean_copy

Clean = Callable[[bytes], Any]
Unpacked = Callable[[bytes], list[bytes]]

DEJAVU = Path("/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf")


def same_tag(name: bytes) -> bytes:
    return name


def sfnt(tables: dict[bytes, bytes]) -> bytes:
    directory = struct.pack(">4sHHHH", b"\0\1\0\0", len(tables), 0, 0, 0)
    offset = len(directory) + 16 * len(tables)
    body = b""
    for tag, data in tables.items():
        directory += struct.pack(">4sLLL", tag, 0, offset + len(body), len(data))
        body += data
    return directory + body


def text_of(data: bytes) -> str:
    document = pypdfium2.PdfDocument(data)
    try:
        return "".join(page.get_textpage().get_text_range() for page in document)
    finally:
        document.close()


def page_with_picture(document: pikepdf.Pdf, picture: pikepdf.Stream) -> bytes:
    page = document.add_blank_page(page_size=(100, 100))
    page.obj.Resources = Dictionary(XObject=Dictionary(Im0=picture))
    page.obj.Contents = document.make_stream(b"q 90 0 0 90 5 5 cm /Im0 Do Q")
    file = io.BytesIO()
    document.save(file, fix_metadata_version=False)
    return file.getvalue()


def test_a_truetype_program_loses_its_names_and_dates() -> None:
    head = bytearray(54)
    head[20:36] = b"PLANTED-DATES-xx"
    cleaned = clean_program(sfnt({b"head": bytes(head), b"name": b"PLANTED", b"glyf": b"outlines"}), same_tag)
    assert b"PLANTED" not in cleaned
    assert b"outlines" in cleaned
    words = struct.unpack(f">{len(cleaned) // 4}L", cleaned)
    assert sum(words) & 0xFFFFFFFF == 0xB1B0AFBA  # OpenType, head.checkSumAdjustment


def test_a_truetype_program_with_a_table_outside_it_is_damaged() -> None:
    font = bytearray(sfnt({b"head": bytes(54), b"glyf": b"outlines"}))
    struct.pack_into(">L", font, 12 + 16 + 12, 1 << 20)
    with pytest.raises(Damaged):
        clean_program(bytes(font), same_tag)


def cff_index(*items: bytes) -> bytes:
    if not items:
        return b"\0\0"
    offsets, position = [1], 1
    for item in items:
        position += len(item)
        offsets.append(position)
    return struct.pack(">HB", len(items), 1) + bytes(offsets) + b"".join(items)


def test_a_cff_program_loses_its_notice_in_place() -> None:
    # Top DICT: SID 391 (the first own string) as Notice (operator 1), SID 392 as the name of a glyph set (operator 15).
    top = bytes([28, *struct.pack(">h", 391), 1, 28, *struct.pack(">h", 392), 15])
    strings = (b"PLANTED notice", b"glyphname")
    font = b"\1\0\4\1" + cff_index(b"ABCDEF+Name") + cff_index(top) + cff_index(*strings) + b"rest"
    cleaned = clean_program(font, lambda name: b"AAAAAA" + name[6:])
    assert len(cleaned) == len(font)
    assert b"PLANTED" not in cleaned
    assert b"AAAAAA+Name" in cleaned
    assert b"glyphname" in cleaned


def test_a_type_1_program_loses_its_words_and_keeps_its_length() -> None:
    clear = (
        b"%!PS-AdobeFont-1.0: Name\n%%CreationDate: PLANTED\n/FontInfo 2 dict dup begin\n/Notice (PLANTED (c)) readonly def\n"
        b"/FontName /ABCDEF+Name def\n/Encoding StandardEncoding def\ncurrentfile "
    )
    font = clear + b"eexec" + bytes(range(256))
    cleaned = clean_program(font, lambda name: b"AAAAAA" + name[6:])
    assert len(cleaned) == len(font)
    assert b"PLANTED" not in cleaned
    assert b"/FontName /AAAAAA+Name" in cleaned
    assert b"StandardEncoding" in cleaned
    assert cleaned.endswith(bytes(range(256)))


def test_a_character_map_keeps_its_mappings_and_loses_its_words() -> None:
    source = (
        b"%!PS\n%%Title: (PLANTED)\n/CMapName /PLANTED def\n1 begincodespacerange <0000> <ffff> endcodespacerange\n"
        b"2 beginbfchar <0001> <ac00> % PLANTED\n<0002> <d55c> endbfchar\n1 beginbfrange <0003> <0005> [<0041> <0042> <0043>] "
        b"endbfrange endcmap"
    )
    cleaned = clean_character_map(source)
    assert b"PLANTED" not in cleaned
    assert b"<0001> <AC00>\n<0002> <D55C>" in cleaned
    assert b"<0003> <0005> [<0041> <0042> <0043>]" in cleaned
    assert clean_character_map(cleaned) == cleaned


def test_a_calculator_function_keeps_operators_only() -> None:
    assert clean_calculator(b"{ dup % PLANTED\n 0.5 mul exch sub }") == b"{ dup 0.5 mul exch sub }"
    with pytest.raises(Damaged):
        clean_calculator(b"{ (PLANTED) pop }")


@pytest.mark.skipif(not features.check("jpg_2000"), reason="this Pillow has no JPEG 2000")
@pytest.mark.parametrize("container", ["jp2", "j2k"])
def test_a_jpeg_2000_picture_loses_its_comment_and_no_pixel(clean: Clean, unpacked: Unpacked, container: str) -> None:
    picture = Image.radial_gradient("L").convert("RGB")
    file = io.BytesIO()
    picture.save(file, "JPEG2000", comment="PLANTED", no_jp2=container == "j2k")
    original = file.getvalue()
    cleaned, changed = clean_jpx(original)
    assert b"PLANTED" in original
    assert changed
    assert b"PLANTED" not in cleaned
    assert Image.open(io.BytesIO(cleaned)).convert("RGB").tobytes() == picture.tobytes()
    assert clean_jpx(cleaned) == (cleaned, False)
    with pikepdf.new() as document:
        stream = document.make_stream(original)
        stream.Type, stream.Subtype, stream.Width, stream.Height = Name.XObject, Name.Image, 256, 256
        stream.Filter = Name.JPXDecode
        result = clean(page_with_picture(document, stream))
    assert not any(b"PLANTED" in piece for piece in unpacked(result.data))
    with pikepdf.open(io.BytesIO(result.data)) as document:
        assert document.pages[0].obj.Resources.XObject.X1.Filter == Name.JPXDecode


def test_a_jbig2_stream_loses_its_comment_segments() -> None:
    def segment(number: int, kind: int, data: bytes) -> bytes:
        return struct.pack(">LBBB", number, kind, 0, 1) + struct.pack(">L", len(data)) + data

    page, text, end = segment(0, 48, bytes(19)), segment(1, 62, b"PLANTED"), segment(2, 49, b"")
    assert clean_jbig2(page + text + end) == (page + end, True)
    assert clean_jbig2(page + end) == (page + end, False)


def test_a_photo_in_a_page_keeps_its_pixels_and_loses_its_orientation_tag(clean: Clean, phone_photo: bytes) -> None:
    with pikepdf.new() as document:
        stream = document.make_stream(phone_photo)
        stream.Type, stream.Subtype, stream.Width, stream.Height = Name.XObject, Name.Image, 64, 48
        stream.ColorSpace, stream.BitsPerComponent, stream.Filter = Name.DeviceRGB, 8, Name.DCTDecode
        result = clean(page_with_picture(document, stream))
    with pikepdf.open(io.BytesIO(result.data)) as document:
        inside = Image.open(io.BytesIO(document.pages[0].obj.Resources.XObject.X1.read_raw_bytes()))
        assert inside.size == (64, 48)
        assert inside.tobytes() == Image.open(io.BytesIO(phone_photo)).tobytes()
        assert 0x0112 not in inside.getexif()


def test_a_picture_larger_than_its_bounds_is_refused(clean: Clean) -> None:
    with pikepdf.new() as document:
        stream = document.make_stream(zlib.compress(b"x"))
        stream.Type, stream.Subtype, stream.Width, stream.Height = Name.XObject, Name.Image, 60_000, 60_000
        stream.ColorSpace, stream.BitsPerComponent, stream.Filter = Name.DeviceGray, 8, Name.FlateDecode
        data = page_with_picture(document, stream)
    with pytest.raises(Exception, match="pixels"):
        clean(data)


@pytest.mark.parametrize("name", ["HYSMyeongJo-Medium", "STSong-Light"])
def test_text_in_fonts_of_the_viewer_is_extracted_as_before(clean: Clean, name: str) -> None:
    pdfmetrics.registerFont(UnicodeCIDFont(name))
    file = io.BytesIO()
    page = canvas.Canvas(file)
    page.setFont(name, 14)
    page.drawString(72, 700, "진술서" if name.startswith("HY") else "陈述书")
    page.save()
    assert text_of(clean(file.getvalue()).data) == text_of(file.getvalue())


@pytest.mark.skipif(not DEJAVU.exists(), reason="needs the DejaVu fonts")
def test_text_in_an_embedded_font_is_extracted_and_drawn_as_before(clean: Clean, unpacked: Unpacked) -> None:
    pdfmetrics.registerFont(TTFont("DejaVu", str(DEJAVU)))
    file = io.BytesIO()
    page = canvas.Canvas(file)
    page.setFont("DejaVu", 14)
    page.drawString(72, 700, "Привет, граница — Ελλάδα")
    page.save()
    cleaned = clean(file.getvalue()).data
    assert text_of(cleaned) == text_of(file.getvalue())
    assert text_of(cleaned).strip() == "Привет, граница — Ελλάδα"
    before, after = pypdfium2.PdfDocument(file.getvalue()), pypdfium2.PdfDocument(cleaned)
    assert before[0].render().to_pil().tobytes() == after[0].render().to_pil().tobytes()
    before.close()
    after.close()
    assert not any(b"Bitstream" in piece for piece in unpacked(cleaned))


def test_names_that_are_not_utf_8_do_not_stop_the_document(clean: Clean) -> None:
    with pikepdf.new() as document:
        page = document.add_blank_page(page_size=(100, 100))
        font = pikepdf.Object.parse(b"<< /Type /Font /Subtype /TrueType /BaseFont /#cb#ce#cc#e5 >>")
        page.obj.Resources = Dictionary(Font=Dictionary(F0=font))
        page.obj.Contents = document.make_stream(b"BT /F0 9 Tf (x) Tj ET /\xcb\xce Do 1 \xe8x")
        file = io.BytesIO()
        document.save(file)
    assert b"/#cb#ce#cc#e5" in clean(file.getvalue()).data


def test_a_sampled_function_ends_with_its_samples(clean: Clean, unpacked: Unpacked) -> None:
    with pikepdf.new() as document:
        page = document.add_blank_page(page_size=(100, 100))
        tint = document.make_stream(b"\x00\xff\x80\x40PLANTED")
        tint.FunctionType, tint.Size, tint.BitsPerSample = 0, Array([2]), 8
        tint.Domain, tint.Range = Array([0, 1]), Array([0, 1, 0, 1])
        ink = Array([Name.Separation, Name.All, Array([Name.Lab, Dictionary(WhitePoint=Array([1, 1, 1]))]), tint])
        page.obj.Resources = Dictionary(ColorSpace=Dictionary(CS0=ink))
        page.obj.Contents = document.make_stream(b"/CS0 cs 1 scn 0 0 50 50 re f")
        file = io.BytesIO()
        document.save(file)
    pieces = unpacked(clean(file.getvalue()).data)
    assert b"\x00\xff\x80\x40" in pieces
    assert not any(b"PLANTED" in piece for piece in pieces)


@pytest.mark.parametrize(("intent", "is_kept"), [("Saturation", True), ("PLANTED", False)])
def test_a_way_to_render_colours_is_one_that_there_is(
    clean: Clean, unpacked: Unpacked, intent: str, *, is_kept: bool
) -> None:
    with pikepdf.new() as document:
        page = document.add_blank_page(page_size=(100, 100))
        page.obj.Contents = document.make_stream(f"/{intent} ri 0 0 50 50 re f".encode())
        file = io.BytesIO()
        document.save(file)
    pieces = unpacked(clean(file.getvalue()).data)
    assert any(f"/{intent} ri".encode() in piece for piece in pieces) is is_kept
    assert any(b"re" in piece for piece in pieces)


def test_ink_names_become_neutral(clean: Clean) -> None:
    with pikepdf.new() as document:
        page = document.add_blank_page(page_size=(100, 100))
        tint = document.make_indirect(Dictionary(FunctionType=2, Domain=Array([0, 1]), N=1))
        ink = Array([Name.Separation, Name("/PLANTED"), Name.DeviceGray, tint])
        page.obj.Resources = Dictionary(ColorSpace=Dictionary(CS0=ink))
        page.obj.Contents = document.make_stream(b"/CS0 cs 1 scn 0 0 50 50 re f")
        file = io.BytesIO()
        document.save(file)
    cleaned = clean(file.getvalue()).data
    assert b"PLANTED" not in cleaned
    assert b"/Ink1" in cleaned


@pytest.mark.parametrize(
    ("address", "kept"),
    [
        ("https://example.org/a?id=7#part", "https://example.org/a?id=7#part"),
        ("http://한국.kr/길", "http://한국.kr/길"),
        ("https://example.org/a?utm_source=x&id=7&fbclid=y", "https://example.org/a?id=7"),
        ("https://name:word@example.org/", "https://example.org/"),
        ("https://eur01.safelinks.protection.outlook.com/?url=https%3A%2F%2Fexample.org%2Fa&data=05%7Cme%40example.org", "https://example.org/a"),
        ("file:///C:/Users/me/x.docx", None),
        ("\\\\server\\share\\x", None),
        ("http://intranet/page", None),
        ("http://files.office.local/x", None),
        ("http://192.168.1.7/x", None),
        ("mailto:me@example.org", None),
        ("javascript:alert(1)", None),
    ],
)  # fmt: skip
def test_links_stay_where_they_are_public_and_lose_what_says_who_clicked(address: str, kept: str | None) -> None:
    assert clean_link(address) == kept


WORDS = b"BT /F0 9 Tf 20 20 Td (Seen) Tj ET "


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (WORDS + b"q 9 0 0 9 0 0 cm BI /W 1 /H 1 /BPC 8 /CS /G ID x EI Q", set()),
        (b"q BI 5 /W 10 ID xxxx EI Q " + WORDS, {Removed.INCOMPLETE}),
        (b"BI /W 50 /H 1 /BPC 8 /CS /X ID words EI q Q q Q q Q q Q q Q".ljust(96) + b" EI " + WORDS, {Removed.INCOMPLETE}),
        (WORDS.replace(b"(Seen) Tj", b"[(Se\\)(x)) 0.0 Tc -2 (Seen) /N <41> %] Tc\n true] TJ"), {Removed.INCOMPLETE}),
        (WORDS + b"BT (words that do not e", {Removed.INCOMPLETE}),
        (WORDS + b"q 9 0 0 9 0 0 cm BI /W 9 /H 9 /BPC 8 /CS /G ID pixels", {Removed.INCOMPLETE}),
    ],
    ids=["whole", "no description", "a picture that seems to end", "operators in an array", "words cut off", "a picture cut off"],
)  # fmt: skip
def test_of_a_page_that_is_not_as_specified_the_rest_is_kept_and_the_receipt_says_so(
    content: bytes, said: set[Removed]
) -> None:
    with pikepdf.new() as made, io.BytesIO() as file:
        page = made.add_blank_page(page_size=(200, 200)).obj
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        page.Resources, page.Contents = Dictionary(Font=Dictionary(F0=font)), made.make_stream(content)
        made.save(file)
        copy = clean_copy(file.getvalue())
    assert copy.removed & {Removed.INCOMPLETE} == said
    shown = pypdfium2.PdfDocument(copy.data)
    assert "Seen" in shown[0].get_textpage().get_text_range()
    shown.close()


PIXELS = b"\n EI Q q 1 0 0 1 0 0 cm Q Q " * 30
ROWS = b"".join(b"\0" + PIXELS[at : at + 48] for at in range(0, 768, 48))


@pytest.mark.parametrize(
    ("said", "stored", "pixels"),
    [
        (b"/CS /RGB", PIXELS[:768], PIXELS[:768]),
        (b"/ColorSpace /DeviceGray", PIXELS[:256], PIXELS[:256]),
        (b"/CS [/I /RGB 1 <00ff00ff0000>]", PIXELS[:256], PIXELS[:256]),
        (b"/CS /RGB /F /Fl", zlib.compress(PIXELS[:768], 0) + b"\n", PIXELS[:768]),
        (b"/F [/Fl] /DP [<< /Predictor 15 /Colors 3 /Columns 16 >>] /CS /RGB", zlib.compress(ROWS, 0), PIXELS[:768]),
    ],
    ids=["raw", "grey", "colours of a table", "packed", "packed, with a predictor"],
)
def test_a_picture_in_a_content_stream_that_holds_what_looks_like_its_end_stays_whole(
    said: bytes, stored: bytes, pixels: bytes
) -> None:
    content = b"q 90 0 0 90 20 60 cm BI /W 16 /H 16 /BPC 8 " + said + b" ID " + stored + b" EI Q " + WORDS
    with pikepdf.new() as made, io.BytesIO() as file:
        page = made.add_blank_page(page_size=(200, 200)).obj
        font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)
        page.Resources, page.Contents = Dictionary(Font=Dictionary(F0=font)), made.make_stream(content)
        made.save(file)
        copy = clean_copy(file.getvalue())
    assert Removed.INCOMPLETE not in copy.removed
    with pikepdf.open(io.BytesIO(copy.data)) as opened:
        assert opened.pages[0].Resources.XObject.X1.read_bytes() == pixels
        assert b"(Seen)" in opened.pages[0].Contents.read_bytes()


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("ABCDEF+KimSchool-BoldItalic", "AAAAAA+Fontxxxxx-BoldItalic"),
        ("Own", "Fon"),
        ("#b1#e8#c3#b6#bc#f6", "Fontxx"),  # a name, in Korean
        ("TimesNewRomanPS-BoldMT", ""),
        ("Arial,Bold", ""),
        ("BAAAAA+LMRoman10-Regular", "AAAAAA+LMRoman10-Regular"),
        ("STSong-Light-UniGB-UCS2-H", ""),
        ("#cb#ce#cc#e5", ""),  # SimSun, as Windows wrote it in China
    ],
)
def test_a_font_that_few_have_loses_its_name(name: str, kept: str) -> None:
    with pikepdf.new() as made, io.BytesIO() as file:
        page = made.add_blank_page(page_size=(200, 200)).obj
        font = Object.parse(f"<< /Type /Font /Subtype /TrueType /BaseFont /{name} >>".encode())
        font.FontDescriptor = Object.parse(f"<< /Type /FontDescriptor /FontName /{name} /Flags 32 >>".encode())
        page.Resources, page.Contents = Dictionary(Font=Dictionary(F0=font)), made.make_stream(WORDS)
        made.save(file)
        copy = clean_copy(file.getvalue())
    written = f"/{kept or name} ".encode()
    assert copy.data.count(b"/BaseFont " + written) == copy.data.count(b"/FontName " + written) == 1
    assert (Removed.OTHER_METADATA in copy.removed) == ("Fon" in kept)
    assert clean_copy(copy.data).data == copy.data
    other = copy.data.replace(written, b"/" + b"House".ljust(len(written) - 2, b"s") + b" ")
    with pytest.raises(Residue):
        verify(Source.of(other), "application/pdf")
