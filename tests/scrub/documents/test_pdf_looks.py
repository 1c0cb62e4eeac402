"""PDF: colours by their profiles, fonts that viewers replace, and pictures that cannot be cleaned as they are."""

from __future__ import annotations

import io
import zlib
from collections.abc import Callable
from typing import Any

import pikepdf
import pypdfium2
import pytest
from pikepdf import Array, Dictionary, Name, String
from PIL import Image, ImageChops, ImageCms, ImageStat

from fieldreport.scrub.documents.pdf import colours
from fieldreport.scrub.images.icc_profiles import GRIDS, OURS, is_ours, rounded_profile, table_profile
from fieldreport.scrub.verdicts import Removed, Residue

Clean = Callable[[bytes], Any]
Unpacked = Callable[[bytes], list[bytes]]

# X, Y, Z of a screen's red, green and blue that no standard has: swapped, so that nobody takes it for sRGB.
SCREEN = (0.385, 0.717, 0.097, 0.436, 0.222, 0.014, 0.1432, 0.061, 0.7139)


def device_profile(components: int) -> bytes:
    """A device's profile, with its name: dark greys, a screen, or inks."""
    if components == 3:
        made = rounded_profile(SCREEN, lambda value: value**1.8)
        assert made is not None
        red = made.find(b"XYZ \0\0\0\0", 160) + 8
        return made[:red] + bytes([made[red], made[red + 1], made[red + 2], made[red + 3] ^ 1]) + made[red + 4 :]
    _, grid = GRIDS[components]
    light = bytes(
        step
        for place in range(grid**components)
        for step in (255 - 200 * (place % grid) // grid, 100, 128 + place % grid // 4)
    )
    return table_profile(components, light).replace("Table".encode("utf-16-be"), "Inked".encode("utf-16-be"))


def one_page(content: bytes, **resources: Any) -> pikepdf.Pdf:
    document = pikepdf.new()
    page = document.add_blank_page(page_size=(100, 100))
    page.obj.Resources = Dictionary(**resources)
    page.obj.Contents = document.make_stream(content)
    return document


def saved(document: pikepdf.Pdf) -> bytes:
    file = io.BytesIO()
    decoding = pikepdf.StreamDecodeLevel.none
    document.save(file, fix_metadata_version=False, compress_streams=False, stream_decode_level=decoding)
    return file.getvalue()


def drawn(data: bytes) -> Image.Image:
    document = pypdfium2.PdfDocument(data)
    try:
        shown: Image.Image = document[0].render().to_pil().convert("RGB")
        return shown
    finally:
        document.close()


def difference(one: bytes, other: bytes) -> float:
    return max(ImageStat.Stat(ImageChops.difference(drawn(one), drawn(other))).mean)


def picture(document: pikepdf.Pdf, data: bytes, **entries: Any) -> Any:
    stream = document.make_stream(data)
    stream.Type, stream.Subtype = Name.XObject, Name.Image
    for key, value in entries.items():
        stream[f"/{key}"] = value
    return stream


def coloured(profile: bytes, components: int) -> bytes:
    """A picture, one of few colours, and an area, all in the colours of a profile."""
    document = one_page(
        b"q 40 0 0 40 5 55 cm /Many Do Q q 40 0 0 40 55 55 cm /Few Do Q /Space cs "
        + b" ".join([b"0.7", b"0.2", b"0.4", b"0.1"][:components])
        + b" scn 5 5 90 40 re f"
    )
    described = document.make_stream(profile)
    described.N = components
    space = document.make_indirect(Array([Name.ICCBased, described]))
    steps = bytes(range(0, 64 * components, 1))
    few = Array([Name.Indexed, space, 3, String(bytes(range(0, 240, 240 // (4 * components)))[: 4 * components])])
    resources = document.pages[0].obj.Resources
    resources.ColorSpace = Dictionary(Space=space)
    resources.XObject = Dictionary(
        Many=picture(document, steps, Width=8, Height=8, BitsPerComponent=8, ColorSpace=space),
        Few=picture(document, b"\x1b", Width=4, Height=1, BitsPerComponent=2, ColorSpace=few),
    )
    return saved(document)


@pytest.mark.parametrize("components", [1, 3, 4])
def test_colours_are_those_of_the_profile_which_names_no_device(
    clean: Clean, unpacked: Unpacked, components: int
) -> None:
    profile = device_profile(components)
    assert not is_ours(profile)
    data = coloured(profile, components)
    cleaned = clean(data)
    assert difference(cleaned.data, data) < 1
    assert Removed.COLOUR_PROFILE in cleaned.removed
    assert profile not in unpacked(cleaned.data)
    again = clean(cleaned.data)
    assert (again.data, again.removed) == (cleaned.data, set())


def test_a_profile_of_a_standard_space_is_ours_or_none(clean: Clean, unpacked: Unpacked) -> None:
    standard = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert not any(b"acsp" in piece for piece in unpacked(clean(coloured(standard, 3)).data))
    assert any(piece in OURS for piece in unpacked(clean(coloured(max(OURS), 3)).data))


def test_a_profile_of_lab_becomes_the_format_s_own_lab(clean: Clean) -> None:
    document = one_page(b"q 100 0 0 100 0 0 cm /Picture Do Q")
    described = document.make_stream(ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes())
    described.N = 3
    entries: dict[str, Any] = {"Width": 8, "Height": 8, "BitsPerComponent": 8}
    image = picture(document, bytes(range(192)), ColorSpace=Array([Name.ICCBased, described]), **entries)
    document.pages[0].obj.Resources.XObject = Dictionary(Picture=image)
    data = saved(document)
    assert difference(clean(data).data, data) < 3


@pytest.mark.parametrize("components", [1, 3, 4])
def test_the_second_reading_refuses_a_profile_that_was_passed_on(
    clean: Clean, monkeypatch: pytest.MonkeyPatch, components: int
) -> None:
    monkeypatch.setattr(colours, "is_ours", lambda _: True)
    with pytest.raises(Residue):
        clean(coloured(device_profile(components), components))


def test_device_colours_that_the_page_describes_keep_their_description(clean: Clean) -> None:
    document = one_page(b"0.9 0.1 0.2 rg 0 0 100 100 re f")
    described = document.make_stream(device_profile(3))
    described.N = 3
    document.pages[0].obj.Resources.ColorSpace = Dictionary(DefaultRGB=Array([Name.ICCBased, described]))
    with pikepdf.open(io.BytesIO(clean(saved(document)).data)) as cleaned:
        assert cleaned.pages[0].obj.Resources.ColorSpace.DefaultRGB[0] == Name.ICCBased


def test_transfer_functions_stay_because_viewers_apply_them(clean: Clean) -> None:
    document = one_page(b"/State gs q 100 0 0 100 0 0 cm /Picture Do Q")
    inverted = Dictionary(FunctionType=2, Domain=Array([0, 1]), C0=Array([1]), C1=Array([0]), N=1)
    resources = document.pages[0].obj.Resources
    resources.ExtGState = Dictionary(State=Dictionary(TR=inverted))
    grey = picture(document, b"\x20", Width=1, Height=1, BitsPerComponent=8, ColorSpace=Name.DeviceGray)
    resources.XObject = Dictionary(Picture=grey)
    data = saved(document)
    assert difference(clean(data).data, data) == 0


def type_1_segments() -> bytes:
    clear = b"%!PS-AdobeFont-1.0: Named\n/FontName /Named def\ncurrentfile eexec\n"
    return b"\x80\x01" + len(clear).to_bytes(4, "little") + clear + b"\x80\x02\x04\0\0\0\1\2\3\4\x80\x03"


@pytest.mark.parametrize("broken", ["no such font", "no kind", "its program is broken"])
def test_words_in_a_font_that_is_missing_or_broken_stay_and_the_receipt_says_so(clean: Clean, broken: str) -> None:
    document = one_page(b"BT /F0 20 Tf 9 40 Td (Seen) Tj ET")
    descriptor = Dictionary(Type=Name.FontDescriptor, FontName=Name.Own, Flags=32, FontFile=document.make_stream(b"?"))
    fonts = {
        "no such font": Dictionary(),
        "no kind": Dictionary(F0=Dictionary(Type=Name.Font, BaseFont=Name.Own)),
        "its program is broken": Dictionary(
            F0=Dictionary(Type=Name.Font, Subtype=Name.TrueType, BaseFont=Name.Own, FontDescriptor=descriptor)
        ),
    }
    document.pages[0].obj.Resources.Font = fonts[broken]
    cleaned = clean(saved(document))
    assert len(set(drawn(cleaned.data).tobytes())) > 1
    assert Removed.INCOMPLETE in cleaned.removed


def test_a_type_1_program_in_segments_stays(clean: Clean, unpacked: Unpacked) -> None:
    document = one_page(b"BT /F0 20 Tf 9 40 Td (Seen) Tj ET")
    program = document.make_stream(type_1_segments())
    descriptor = Dictionary(Type=Name.FontDescriptor, FontName=Name.Named, Flags=32, FontFile=program)
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.Named, FontDescriptor=descriptor)
    document.pages[0].obj.Resources.Font = Dictionary(F0=font)
    assert any(piece.endswith(b"eexec\n\1\2\3\4") for piece in unpacked(clean(saved(document)).data))


def test_glyphs_that_are_drawn_use_the_resources_of_the_page_when_they_have_none(clean: Clean) -> None:
    document = one_page(b"BT /Own 20 Tf 9 40 Td (a) Tj ET")
    glyph = document.make_stream(b"1 0 d0 BT /F0 1 Tf (B) Tj ET")
    own = Dictionary(
        Type=Name.Font, Subtype=Name.Type3, FontBBox=Array([0, 0, 1, 1]), FontMatrix=Array([1, 0, 0, 1, 0, 0]),
        FirstChar=97, LastChar=97, Widths=Array([1]), CharProcs=Dictionary(a=glyph),
        Encoding=Dictionary(Type=Name.Encoding, Differences=Array([97, Name.a])),
    )  # fmt: skip
    font = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name("/Times-Bold"))
    document.pages[0].obj.Resources.Font = Dictionary(Own=own, F0=font)
    data = saved(document)
    assert difference(clean(data).data, data) == 0
    assert len(set(drawn(data).tobytes())) > 1


def test_a_stream_that_breaks_is_drawn_as_far_as_it_goes(clean: Clean) -> None:
    before = bytes(range(32, 127)) * 9  # what a stream cannot refer to, because it does not begin with it
    packing = zlib.compressobj(9, zlib.DEFLATED, -15, zdict=before)
    packed = packing.compress(b"10 10 80 80 re f\n" * 9 + before) + packing.flush()
    document = one_page(b"")
    content = document.make_stream(b"\x78\x9c" + packed)
    content.Filter = Name.FlateDecode
    document.pages[0].obj.Contents = content
    cleaned = clean(saved(document))
    assert Removed.INCOMPLETE in cleaned.removed
    assert len(set(drawn(cleaned.data).tobytes())) > 1


def jpeg(colour: str) -> bytes:
    file = io.BytesIO()
    Image.new("RGB", (16, 16), colour).save(file, "JPEG", quality=95)
    return file.getvalue()


@pytest.mark.parametrize(
    ("data", "codec", "how"),
    [
        (b"\n\r\n" + jpeg("red"), Name.DCTDecode, set()),
        (b"\x97JB2\r\n\x1a\n\1\0\0\0\1" + bytes(40), Name.JBIG2Decode, {Removed.CODING}),
        (jpeg("red")[:2] + b"\xff\xe5\0\1" + jpeg("red")[2:], Name.DCTDecode, {Removed.CODING}),
        (b"\xff\x4f\xff\x51 no picture", Name.JPXDecode, {Removed.DRAWINGS}),
        (jpeg("red")[:2] + b"\xff\xe1\xff\xff" + jpeg("red")[2:], Name.DCTDecode, {Removed.DRAWINGS}),
    ],
    ids=[
        "after line ends",
        "JBIG2 that is none",
        "JPEG with a false length",
        "JPEG 2000 that is none",
        "JPEG that is none",
    ],
)
def test_a_picture_is_kept_or_on_the_receipt(clean: Clean, data: bytes, codec: Name, how: set[Removed]) -> None:
    document = one_page(b"q 100 0 0 100 0 0 cm /Picture Do Q")
    entries: dict[str, Any] = {"Width": 16, "Height": 16, "BitsPerComponent": 8, "ColorSpace": Name.DeviceRGB}
    if codec == Name.JBIG2Decode:
        entries |= {"BitsPerComponent": 1, "ColorSpace": Name.DeviceGray}
    document.pages[0].obj.Resources.XObject = Dictionary(Picture=picture(document, data, Filter=codec, **entries))
    original = saved(document)
    cleaned = clean(original)
    assert cleaned.removed & {Removed.DRAWINGS, Removed.CODING} == how
    assert difference(cleaned.data, original) < 2


def test_a_jpeg_2000_picture_keeps_the_colours_of_its_own_profile(clean: Clean) -> None:
    file = io.BytesIO()
    Image.linear_gradient("L").convert("RGB").save(file, "JPEG2000")
    data = file.getvalue()
    colour = data.index(b"colr") - 4
    length = int.from_bytes(data[colour : colour + 4], "big")
    own = b"\2\0\0" + device_profile(3)
    header = data.index(b"jp2h") - 4
    whole = int.from_bytes(data[header : header + 4], "big") + len(own) + 8 - length
    box = (len(own) + 8).to_bytes(4, "big") + b"colr" + own
    data = data[:header] + whole.to_bytes(4, "big") + data[header + 4 : colour] + box + data[colour + length :]
    document = one_page(b"q 100 0 0 100 0 0 cm /Picture Do Q")
    image = picture(document, data, Width=256, Height=256, Filter=Name.JPXDecode)
    document.pages[0].obj.Resources.XObject = Dictionary(Picture=image)
    with pikepdf.open(io.BytesIO(clean(saved(document)).data)) as cleaned:
        assert cleaned.pages[0].obj.Resources.XObject.X1.ColorSpace[0] == Name.ICCBased
