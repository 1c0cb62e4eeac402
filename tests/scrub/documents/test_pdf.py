"""PDF: what is seen stays, what is said about it goes."""

# ruff: noqa: E501  # markup is easier to read on a line of its own

from __future__ import annotations

import io
import random
import shutil
import subprocess
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pikepdf
import pypdfium2
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from pikepdf import Array, Dictionary, Name, String
from PIL import Image
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen import canvas

from fieldreport.scrub.documents.pdf.bounds import lzw_length
from fieldreport.scrub.documents.pdf.verify import verify
from fieldreport.scrub.documents.pdf.write import MEDIA_TYPE
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Refusal, Refused, Removed, Residue

Clean = Callable[[bytes], Any]
Unpacked = Callable[[bytes], list[bytes]]

LINES = ("Crossing at the second bridge, 14 people.", "Nobody was hurt. They have no coats.")


def simple(*, password: StandardEncryption | None = None) -> bytes:
    """Two pages of text, a link and a form field, as a program writes them."""
    file = io.BytesIO()
    page = canvas.Canvas(file, encrypt=password)
    page.setAuthor("PLANTED author")
    page.setTitle("PLANTED title")
    for line in LINES:
        page.drawString(72, 700, line)
        page.linkURL("https://example.org/map?utm_source=PLANTED", (72, 690, 200, 710))
        page.acroForm.textfield(name="PLANTED", value="filled in by hand", x=72, y=600, width=200, height=20)
        page.showPage()
    page.save()
    return file.getvalue()


def saved(document: pikepdf.Pdf) -> bytes:
    file = io.BytesIO()
    document.save(file, fix_metadata_version=False)
    return file.getvalue()


def one_page(content: bytes, **resources: Any) -> pikepdf.Pdf:
    document = pikepdf.new()
    page = document.add_blank_page(page_size=(400, 400))
    page.obj.Resources = Dictionary(
        Font=Dictionary(F0=Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Helvetica)), **resources
    )
    page.obj.Contents = document.make_stream(content)
    return document


def text_of(data: bytes) -> list[str]:
    document = pypdfium2.PdfDocument(data)
    try:
        return [page.get_textpage().get_text_range() for page in document]
    finally:
        document.close()


def pixels_of(data: bytes) -> list[bytes]:
    document = pypdfium2.PdfDocument(data)
    try:
        return [page.render().to_pil().tobytes() for page in document]
    finally:
        document.close()


def planted(marks: Any, photo: bytes) -> bytes:
    """A marker in every place the format has for something that is not seen."""
    document = one_page(
        b"% " + marks("content comment").encode() + b"\n"
        b"/Span << /ActualText (" + marks("actual text").encode() + b") >> BDC BT /F0 12 Tf 72 300 Td (Seen) Tj ET EMC "
        b"/P /MC0 BDC q 10 0 0 10 0 0 cm /Im0 Do Q EMC /" + marks("point").encode() + b" MP "
        b"/OC /Lay BDC BT /F0 12 Tf 72 200 Td (On a layer) Tj ET EMC q 50 0 0 50 100 100 cm /Photo Do Q "
        b"/Fm0 Do",
    )
    page, root = document.pages[0].obj, document.Root

    def string(place: str) -> String:
        return String(marks(place))

    document.docinfo.update({
        Name.Author: string("author"), Name.Producer: string("producer"), Name.Creator: string("creator"),
        Name.Title: string("title"), Name.Keywords: string("keywords"), Name("/" + marks("own key")): string("own value"),
    })  # fmt: skip
    document.trailer.ID = Array([String(marks("identifier")), String(marks("changing identifier"))])
    root.Metadata = document.make_stream(b"<x:xmpmeta>" + marks("xmp").encode())
    root.Lang = string("language")
    root.PieceInfo = Dictionary(App=Dictionary(Private=string("catalogue piece info")))
    root.OpenAction = Dictionary(S=Name.JavaScript, JS=string("open action"))
    root.AA = Dictionary(WC=Dictionary(S=Name.JavaScript, JS=string("closing action")))
    attached = document.make_stream(marks("attached file").encode())
    root.Names = Dictionary(
        EmbeddedFiles=Dictionary(Names=Array([string("attachment name"), Dictionary(EF=Dictionary(F=attached))])),
        JavaScript=Dictionary(Names=Array([string("script name"), Dictionary(JS=string("script"))])),
        Dests=Dictionary(Names=Array([string("destination name"), Array([page, Name.Fit])])),
    )
    root.Outlines = Dictionary(First=Dictionary(Title=string("bookmark")))
    root.StructTreeRoot = Dictionary(K=Dictionary(Alt=string("alternative text"), ActualText=string("structure text")))
    root.PageLabels = Dictionary(Nums=Array([0, Dictionary(P=string("page label"))]))
    root.ViewerPreferences = Dictionary(Own=string("viewer preference"))
    layer = document.make_indirect(
        Dictionary(
            Type=Name.OCG, Name=string("layer name"), Usage=Dictionary(CreatorInfo=Dictionary(C=string("usage")))
        )
    )
    root.OCProperties = Dictionary(
        OCGs=Array([layer]), D=Dictionary(Name=string("layer configuration"), ON=Array([layer]))
    )
    root.AcroForm = Dictionary(Fields=Array([]), XFA=string("xfa"), DA=string("default appearance"))
    page.Metadata = document.make_stream(marks("page metadata").encode())
    page.PieceInfo = Dictionary(App=Dictionary(Private=string("page piece info")))
    page.Thumb = document.make_stream(marks("page thumbnail").encode())
    page.LastModified = string("page change")
    page[Name("/" + marks("page key"))] = 1
    page.Annots = Array([
        Dictionary(Type=Name.Annot, Subtype=Name.Text, Rect=[0, 0, 9, 9], T=string("note author"), Contents=string("note")),
        Dictionary(Type=Name.Annot, Subtype=Name.FreeText, Rect=[0, 0, 9, 9], T=string("text author"), NM=string("name"),
                   RC=string("rich text"), M=string("change"), AP=Dictionary(N=form(document, b"0 0 9 9 re f"))),
        Dictionary(Type=Name.Annot, Subtype=Name.FileAttachment, Rect=[0, 0, 9, 9], FS=Dictionary(F=string("file name"))),
        Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=[0, 0, 9, 9], Contents=string("link text"),
                   A=Dictionary(S=Name.Launch, F=string("program"))),
        Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=[0, 0, 9, 9],
                   A=Dictionary(S=Name.URI, URI=String("file:///C:/Users/" + marks("link path")))),
        Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=[0, 0, 9, 9],
                   A=Dictionary(S=Name.URI, URI=String("https://example.org/?utm_id=" + marks("link mark")))),
        document.make_indirect(
            Dictionary(Type=Name.Annot, Subtype=Name.Widget, FT=Name.Sig, T=string("signature field"), Rect=[0, 0, 9, 9],
                       V=Dictionary(Name=string("signer"), Location=string("signed at")))),
    ])  # fmt: skip
    root.AcroForm.Fields.append(page.Annots[6])
    resources = page.Resources
    resources.Properties = Dictionary(MC0=Dictionary(Own=string("marked content property")), Lay=layer)
    grey = document.make_stream(b"\x10\x20\x30\x40" + marks("behind the pixels").encode())
    profile = document.make_stream(bytes(128) + marks("colour profile").encode())
    profile.N = 1
    jpeg = document.make_stream(photo)
    for image, side, key in ((grey, 2, "grey"), (jpeg, 64, "photo")):
        image.Type, image.Subtype, image.BitsPerComponent, image.Width = Name.XObject, Name.Image, 8, side
        image.Height = side if image is grey else 48
        image.ColorSpace = Array([Name.ICCBased, profile]) if image is grey else Name.DeviceRGB
        image.Metadata = document.make_stream(marks(f"metadata of {key}").encode())
        image[Name("/" + marks(f"key of {key}"))] = 1
    jpeg.Filter = Name.DCTDecode
    drawn = form(document, b"0 0 1 1 re f")
    drawn.PieceInfo = Dictionary(App=Dictionary(Private=string("form piece info")))
    drawn.LastModified = string("form change")
    drawn.OPI = Dictionary(F=string("print server path"))
    resources.XObject = Dictionary(Im0=grey, Photo=jpeg, Fm0=drawn)
    resources[Name("/" + marks("resource category"))] = Dictionary()
    document.make_indirect(Dictionary(Unused=string("unused object")))
    return saved(document)


def form(document: pikepdf.Pdf, content: bytes) -> pikepdf.Stream:
    stream = document.make_stream(content)
    stream.Type, stream.Subtype, stream.BBox = Name.XObject, Name.Form, Array([0, 0, 9, 9])
    return stream


def test_a_marker_in_every_place_is_gone(clean: Clean, unpacked: Unpacked, marks: Any, phone_photo: bytes) -> None:
    cleaned = clean(planted(marks, phone_photo))
    assert marks.left_in(unpacked(cleaned.data)) == []
    assert not any(b"PLANTED" in piece for piece in unpacked(cleaned.data))
    assert cleaned.removed >= {
        Removed.AUTHOR, Removed.TIME, Removed.SOFTWARE, Removed.IDENTIFIERS, Removed.COMMENTS, Removed.SCRIPT,
        Removed.EMBEDDED_FILE, Removed.THUMBNAIL, Removed.DESCRIPTION, Removed.LINKS, Removed.COLOUR_PROFILE,
        Removed.DEVICE,
    }  # fmt: skip


def test_the_planted_document_does_hold_its_markers(unpacked: Unpacked, marks: Any, phone_photo: bytes) -> None:
    data = planted(marks, phone_photo)
    missing = set(marks.places.values()) - set(marks.left_in(unpacked(data)))
    assert missing <= {"unused object", "identifier", "changing identifier"}  # not written, or in hexadecimal


def test_the_text_is_the_same_and_forms_become_part_of_the_page(clean: Clean) -> None:
    text = text_of(clean(simple()).data)
    assert [line in page for line, page in zip(LINES, text, strict=True)] == [True, True]
    assert all("filled in by hand" in page for page in text)


def test_pages_look_the_same(clean: Clean) -> None:
    data = saved(
        one_page(
            b"0.2 0.4 0.6 rg 50 50 100 80 re f q 100 0 0 100 200 200 cm BI /W 2 /H 2 /BPC 8 /CS /RGB ID "
            + bytes(range(0, 240, 20))
            + b" EI Q BT /F0 24 Tf 1 0 0 1 60 300 Tm [(Ab) -120 (c)] TJ ET"
        )
    )
    assert pixels_of(clean(data).data) == pixels_of(data)


def test_cleaning_twice_gives_what_cleaning_once_gave(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    for data in (simple(), planted(marks, phone_photo)):
        once = clean(data)
        twice = clean(once.data)
        assert twice.data == once.data
        assert twice.removed == set()


def separate(document: pikepdf.Pdf, value: Any) -> Any:
    """The value, with each value in it an object of its own (ISO 32000-1, 7.3.10)."""
    inside: Any = ()
    if isinstance(value, Array):
        inside = range(len(value))
    elif isinstance(value, Dictionary | pikepdf.Stream):
        inside = set(value.keys()) - {"/Length"}
    for key in inside:
        item = value[key]
        if item is not None and not getattr(item, "is_indirect", False):
            value[key] = document.make_indirect(separate(document, item))
    return value


def test_every_value_may_be_an_object_of_its_own(clean: Clean, marks: Any, phone_photo: bytes) -> None:
    for data in (simple(), planted(marks, phone_photo), colours_of_all_kinds()):
        with pikepdf.open(io.BytesIO(data)) as document:
            for value in list(document.objects):
                separate(document, value)
            apart = saved(document)
        assert apart.count(b" obj") > 2 * data.count(b" obj")
        assert clean(apart).data == clean(data).data


def colours_of_all_kinds() -> bytes:
    """Pictures whose filter and colours have names, and an ink."""
    tint = Dictionary(FunctionType=2, Domain=Array([0, 1]), C0=Array([0, 0, 0]), C1=Array([1, 0, 0]), N=1)
    document = one_page(
        b"/Ink cs 0.5 scn 0 0 90 90 re f q 90 0 0 90 100 100 cm /Grey Do Q q 90 0 0 90 200 100 cm /Few Do Q",
        ColorSpace=Dictionary(Ink=Array([Name.Separation, Name.Black, Name.DeviceRGB, tint])),
    )
    pictures = Dictionary()
    for key, space in (
        ("/Grey", Name.DeviceGray),
        ("/Few", Array([Name.Indexed, Name.DeviceRGB, 1, String(b"\xff\0\0\0\xff\0")])),
    ):
        picture = document.make_stream(zlib.compress(bytes([0, 1, 1, 0])))
        picture.Type, picture.Subtype, picture.Width, picture.Height = Name.XObject, Name.Image, 2, 2
        picture.BitsPerComponent, picture.ColorSpace, picture.Filter = 8, space, Array([Name.FlateDecode])
        pictures[key] = picture
    document.pages[0].obj.Resources.XObject = pictures
    return saved(document)


@pytest.mark.parametrize(
    "properties",
    [b"<< /ActualText (fi) >>", b"<< /ActualText () >>", b"<< /Alt (A map) >>", b"<< /E (et cetera) >>", b"<< /Lang (ko) >>",
     b"/MC0"],
)  # fmt: skip
def test_what_is_read_aloud_in_place_of_a_word_goes_and_is_told(
    clean: Clean, unpacked: Unpacked, properties: bytes
) -> None:
    """Poppler and screen readers copy and read the other text; the page itself looks the same."""
    named = Dictionary(MC0=Dictionary(ActualText=String("fi")))
    word = b"BT /F0 12 Tf 72 300 Td (Seen) Tj ET EMC"
    cleaned = clean(saved(one_page(b"/Span " + properties + b" BDC " + word, Properties=named)))
    assert Removed.READ_ALOUD in cleaned.removed
    assert "Seen" in text_of(cleaned.data)[0]
    assert not any(b"ActualText" in piece for piece in unpacked(cleaned.data))
    plain = one_page(b"/Span << /MCID 0 >> BDC " + word + b" /OC /MC0 BDC EMC /P BMC EMC", Properties=named)
    assert Removed.READ_ALOUD not in clean(saved(plain)).removed


def test_a_structure_tree_is_told(clean: Clean) -> None:
    document = one_page(b"BT /F0 12 Tf 72 300 Td (Seen) Tj ET")
    document.Root.StructTreeRoot = Dictionary(K=Dictionary(S=Name.Figure, Alt=String("A map")))
    assert Removed.READ_ALOUD in clean(saved(document)).removed


def test_an_earlier_version_is_gone(clean: Clean, unpacked: Unpacked) -> None:
    first = one_page(b"BT /F0 12 Tf 72 300 Td (PLANTED first version) Tj ET")
    data = saved(first)
    with pikepdf.open(io.BytesIO(data)) as document:
        number = document.pages[0].obj.Contents.objgen[0]
    body = b"BT /F0 12 Tf 72 300 Td (Second version) Tj ET"
    update = b"%d 0 obj\n<< /Length %d >>\nstream\n%s\nendstream\nendobj\n" % (number, len(body), body)
    table = len(data) + len(update)
    previous = int(data.rsplit(b"startxref", 1)[1].split()[0])
    update += b"xref\n%d 1\n%010d 00000 n \ntrailer\n<< /Size 99 /Root 1 0 R /Prev %d >>\n" % (
        number,
        len(data),
        previous,
    )
    cleaned = clean(data + update + b"startxref\n%d\n%%%%EOF\n" % table)
    assert "Second version" in text_of(cleaned.data)[0]
    assert not any(b"PLANTED" in piece for piece in unpacked(cleaned.data))
    assert Removed.HISTORY in cleaned.removed


def test_public_links_and_links_between_pages_stay(clean: Clean) -> None:
    with pikepdf.open(io.BytesIO(simple())) as document:
        document.pages[0].obj.Annots.append(
            document.make_indirect(
                Dictionary(
                    Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 9, 9]),
                    Dest=Array([document.pages[1].obj, Name.XYZ, 0, 700, None]),
                )
            )
        )  # fmt: skip
        data = saved(document)
    with pikepdf.open(io.BytesIO(clean(data).data)) as document:
        links = list(document.pages[0].obj.Annots)
        assert [str(link.A.URI) for link in links if "/A" in link] == ["https://example.org/map"]
        assert [link.Dest[0].objgen for link in links if "/Dest" in link] == [document.pages[1].obj.objgen]


def test_a_link_that_is_hidden_gets_no_line_and_is_told(clean: Clean) -> None:
    document = one_page(b"BT /F0 12 Tf 72 300 Td (Seen) Tj ET")
    web = Dictionary(S=Name.URI, URI=String("https://example.org/map"))
    document.pages[0].obj.Annots = Array([
        Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=Array([0, 0, 9, 9]), A=web, F=flags, C=Array([1, 0, 0]))
        for flags in (2, 4)
    ])  # fmt: skip
    cleaned = clean(saved(document))
    assert Removed.HIDDEN_CONTENT in cleaned.removed
    with pikepdf.open(io.BytesIO(cleaned.data)) as copy:
        assert [list(link.C) for link in copy.pages[0].obj.Annots] == [[1, 0, 0]]
    assert clean(cleaned.data).data == cleaned.data


def test_a_document_for_the_holders_of_certificates_is_refused_as_encrypted(clean: Clean) -> None:
    locked = simple(password=StandardEncryption("", ownerPassword="other", canCopy=0))
    assert LINES[0] in text_of(clean(locked).data)[0]
    with pytest.raises(Refused) as refused:
        clean(locked.replace(b"/Filter /Standard", b"/Filter /Adobe.PS"))
    assert refused.value.refusal is Refusal.ENCRYPTED


@pytest.mark.parametrize("layers", [1, 2])
def test_a_stream_that_unpacks_beyond_the_bound_is_refused_before_it_is_decoded(clean: Clean, layers: int) -> None:
    compressor = zlib.compressobj(1)
    packed = b"".join(compressor.compress(bytes(1 << 20)) for _ in range(260)) + compressor.flush()
    for _ in range(layers - 1):
        packed = zlib.compress(packed, 9)
    document = one_page(b"")
    bomb = document.make_stream(packed)
    bomb.Filter = Array([Name.FlateDecode] * layers)
    document.pages[0].obj.Contents = bomb
    with pytest.raises(Refused) as refused:
        clean(saved(document))
    assert refused.value.refusal is Refusal.BOMB


def test_three_filters_are_refused(clean: Clean) -> None:
    document = one_page(b"")
    stream = document.make_stream(zlib.compress(zlib.compress(zlib.compress(b"0 0 1 1 re f"))))
    stream.Filter = Array([Name.FlateDecode] * 3)
    document.pages[0].obj.Contents = stream
    with pytest.raises(Refused):
        clean(saved(document))


def test_a_photo_may_be_packed_twice(clean: Clean, phone_photo: bytes) -> None:
    document = one_page(b"q 9 0 0 9 0 0 cm /Im0 Do Q")
    packed = zlib.compress(phone_photo).hex().encode() + b">"
    with Image.open(io.BytesIO(phone_photo)) as photo:
        width, height = photo.size
    picture = document.make_stream(packed, Width=width, Height=height, BitsPerComponent=8, ColorSpace=Name.DeviceRGB)
    picture.Type, picture.Subtype = Name.XObject, Name.Image
    picture.Filter = Array([Name.ASCIIHexDecode, Name.FlateDecode, Name.DCTDecode])
    document.pages[0].obj.Resources.XObject = Dictionary(Im0=picture)
    made = saved(document)
    assert pixels_of(clean(made).data) == pixels_of(made)


def test_forms_that_draw_themselves_end(clean: Clean) -> None:
    document = one_page(b"/Fm0 Do")
    loop = form(document, b"/Fm0 Do 0 0 1 1 re f")
    loop.Resources = Dictionary(XObject=Dictionary(Fm0=loop))
    document.pages[0].obj.Resources.XObject = Dictionary(Fm0=loop)
    assert clean(saved(document)).media_type == MEDIA_TYPE


def test_lzw_length_is_counted_without_unpacking() -> None:
    # ISO 32000-1, 7.4.4.2, the example: ten bytes
    assert lzw_length(bytes.fromhex("800B6050220C0C8501"), early=1) == 10


@pytest.mark.parametrize(
    "residue",
    [
        b"/Author (x)",
        b"/Lang (en)",
        b"/URI (file:///x)",
        b"/Metadata 1 0 R",
        b"/JS (x)",
        b"/Custom 1",
        b"/Own << /A 1 >>",
        b"/OC 1 0 R",
    ],
)
def test_the_second_reading_refuses_residue_in_a_dictionary(clean: Clean, residue: bytes) -> None:
    data = clean(simple()).data
    with pytest.raises(Residue):
        verify(Source.of(data.replace(b"/Type /Page ", b"/Type /Page " + residue + b" ", 1)), MEDIA_TYPE)


@pytest.mark.parametrize("tail", [b"x", b"%%EOF\n", b"%hidden\n"])
def test_the_second_reading_refuses_bytes_after_the_end(clean: Clean, tail: bytes) -> None:
    with pytest.raises(Residue):
        verify(Source.of(clean(simple()).data + tail), MEDIA_TYPE)


def drop_a_picture(_graphics: Any, _source: Any, kept: Any, _resources: Any) -> None:
    """A writer that forgets the masks of pictures."""
    del kept


def drop_text(instructions: Any) -> bytes:
    """A writer that forgets every piece of text."""
    return bytes(pikepdf.unparse_content_stream([item for item in instructions if str(item.operator) != "Tj"]))


@pytest.mark.parametrize(
    ("name", "faulty"),
    [
        ("fieldreport.scrub.documents.pdf.graphics.Graphics._masks", drop_a_picture),
        ("fieldreport.scrub.documents.pdf.content._written", drop_text),
    ],
)
def test_a_writer_that_loses_what_is_shown_is_found_out(
    clean: Clean, monkeypatch: pytest.MonkeyPatch, name: str, faulty: Any
) -> None:
    document = one_page(b"BT /F0 9 Tf (Seen) Tj ET /Picture Do")
    for key in ("Mask", "Picture"):
        picture = document.make_stream(b"\0")
        picture.Type, picture.Subtype, picture.Width, picture.Height = Name.XObject, Name.Image, 1, 1
        picture.BitsPerComponent, picture.ColorSpace = 8, Name.DeviceGray
        if key == "Picture":
            picture.SMask = document.pages[0].obj.Resources.XObject.Mask
        document.pages[0].obj.Resources.XObject = Dictionary({f"/{key}": picture})
    data = saved(document)
    assert clean(data).media_type == MEDIA_TYPE
    monkeypatch.setattr(name, faulty)
    with pytest.raises(Refused) as refused:
        clean(data)
    assert refused.value.refusal is Refusal.DAMAGED


def test_the_second_reading_counts_pages(clean: Clean) -> None:
    with pikepdf.open(io.BytesIO(clean(simple()).data)) as document:
        assert verify(Source.of(clean(simple()).data), MEDIA_TYPE) >> 64 == len(document.pages) == 2


def test_the_second_reading_refuses_what_was_not_cleaned() -> None:
    with pytest.raises(Residue):
        verify(Source.of(simple()), MEDIA_TYPE)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 2**32))
@example(seed=13260)  # qpdf finds its own page count wrong, and says so with an error of another class
def test_damaged_files_raise_only_the_family_s_errors(clean: Clean, seed: int) -> None:
    chance = random.Random(seed)
    data = bytearray(simple())
    for _ in range(chance.randint(1, 30)):
        match chance.randint(0, 2):
            case 0:
                data[chance.randrange(len(data))] = chance.randrange(256)
            case 1:
                start = chance.randrange(len(data))
                del data[start : start + chance.randrange(40)]
            case _:
                start = chance.randrange(len(data))
                data[start:start] = data[: chance.randrange(60)]
    refusal = None
    try:
        clean(bytes(data))
    except Refused as refused:
        refusal = refused.refusal
    assert refusal is not Refusal.RESIDUE


@pytest.mark.outside
def test_exiftool_finds_nothing_but_the_format(clean: Clean, marks: Any, phone_photo: bytes, tmp_path: Path) -> None:
    if shutil.which("exiftool") is None:
        pytest.skip("needs exiftool")
    path = tmp_path / "document.pdf"
    path.write_bytes(clean(planted(marks, phone_photo)).data)
    listed = subprocess.run(
        ["exiftool", "-a", "-G1", "-s", str(path)], capture_output=True, text=True, check=True
    ).stdout
    found = {line.split("]")[1].split(":")[0].strip() for line in listed.splitlines() if line.startswith("[PDF]")}
    assert found <= {"PDFVersion", "Linearized", "PageCount"}
    assert "PLANTED" not in listed
