"""TIFF: every page is written again, and nothing of the heap of pointers it came in."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageCms, ImageStat, TiffImagePlugin

from fieldreport.scrub import Mode, Refusal, Removed
from fieldreport.scrub.format import Sink, Source
from fieldreport.scrub.images import icc_profiles
from fieldreport.scrub.images.tiff import write
from fieldreport.scrub.images.tiff.verify import verify
from fieldreport.scrub.pipeline import new_cleaning
from fieldreport.scrub.verdicts import Residue
from tests.scrub.conftest import Clean, RefusalOf, clean_or_refuse
from tests.scrub.images.pictures import mean

MARKER = b"PLANTED"


def picture(mode: str = "RGB", angle: int = 0) -> Image.Image:
    gradient = Image.linear_gradient("L").resize((45, 31)).rotate(angle)
    if mode == "I;16":
        return gradient.convert("I").point(lambda value: value * 200).convert("I;16")
    return gradient.convert("RGB").convert(mode)


def described() -> TiffImagePlugin.ImageFileDirectory_v2:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[270] = "PLANTED description"
    tags[271] = "PLANTED make"
    tags[305] = "PLANTED software"
    tags[306] = "2024:01:02 03:04:05"
    tags[315] = "PLANTED artist"
    tags[700] = b"<exif:GPSLatitude>PLANTED"
    tags.tagtype[700] = 1
    return tags


def encode(mode: str = "RGB", **options: object) -> bytes:
    with io.BytesIO() as file:
        picture(mode).save(file, "TIFF", **options)
        return file.getvalue()


def pages(data: bytes) -> list[tuple[str, bytes]]:
    with Image.open(io.BytesIO(data)) as image:
        found = []
        for index in range(getattr(image, "n_frames", 1)):
            image.seek(index)
            found.append((image.mode, image.tobytes()))
        return found


@pytest.mark.parametrize("mode", ["1", "L", "I;16", "RGB", "RGBA", "CMYK"])
@pytest.mark.parametrize("compression", ["raw", "tiff_lzw", "tiff_adobe_deflate", "packbits"])
def test_the_pixels_stay_and_nothing_said_about_them(clean: Clean, mode: str, compression: str) -> None:
    original = encode(mode, compression=compression, tiffinfo=described(), dpi=(300, 300))
    copy = clean(original)
    assert MARKER not in copy.data
    assert pages(copy.data) == pages(original)
    assert {Removed.AUTHOR, Removed.SOFTWARE, Removed.TIME, Removed.DEVICE, Removed.LOCATION} <= copy.removed


def test_a_plain_file_tells_nothing(clean: Clean) -> None:
    assert clean(encode()).removed == frozenset()


def test_a_fax_keeps_its_black_and_white(clean: Clean) -> None:
    original = encode("1", compression="group4")
    assert pages(clean(original).data) == pages(original)


def test_a_palette_becomes_plain_colours(clean: Clean) -> None:
    original = encode("P")
    with Image.open(io.BytesIO(original)) as before, Image.open(io.BytesIO(clean(original).data)) as after:
        assert after.convert("RGB").tobytes() == before.convert("RGB").tobytes()


def test_every_page_comes_out_in_order(clean: Clean) -> None:
    more = [picture("L", 90), picture("RGBA", 180)]
    original = encode(save_all=True, append_images=more, compression="tiff_lzw")
    copy = clean(original)
    assert len(pages(copy.data)) == 3
    assert pages(copy.data) == pages(original)


def test_a_reduced_copy_of_a_page_goes(clean: Clean) -> None:
    small = TiffImagePlugin.ImageFileDirectory_v2()
    small[254] = 1
    thumbnail = picture("L").resize((8, 6))
    thumbnail.encoderinfo = {"tiffinfo": small}
    original = encode(save_all=True, append_images=[thumbnail])
    copy = clean(original)
    assert len(pages(copy.data)) == 1
    assert Removed.THUMBNAIL in copy.removed


def test_a_mask_of_a_page_goes_and_the_pages_around_it_stay(clean: Clean) -> None:
    mask = picture("1")
    mask.encoderinfo = {"tiffinfo": {254: 4, 262: 4}}
    original = encode(save_all=True, append_images=[mask, picture("L")])
    with Image.open(io.BytesIO(original)) as image, pytest.raises(SyntaxError, match="unknown pixel mode"):
        image.seek(1)
    copy = clean(original)
    assert [mode for mode, _ in pages(copy.data)] == ["RGB", "L"]
    assert Removed.THUMBNAIL in copy.removed


@pytest.mark.parametrize("orientation", [3, 6, 8])
def test_a_page_lying_on_its_side_is_turned_upright(clean: Clean, orientation: int) -> None:
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    tags[274] = orientation
    original = encode(tiffinfo=tags)
    turned = {3: 180, 6: 270, 8: 90}[orientation]
    with Image.open(io.BytesIO(clean(original).data)) as after:
        assert after.tobytes() == picture().rotate(turned, expand=True).tobytes()


def test_a_standard_profile_becomes_ours(clean: Clean) -> None:
    original = encode(icc_profile=icc_profiles._build("PLANTED", icc_profiles.SPACES[icc_profiles.Known.DISPLAY_P3]))
    copy = clean(original)
    with Image.open(io.BytesIO(copy.data)) as after:
        assert after.info["icc_profile"] == icc_profiles.profile_for(icc_profiles.Known.DISPLAY_P3)
    assert pages(copy.data) == pages(original)


def test_what_no_pointer_leads_to_goes(clean: Clean) -> None:
    assert clean(encode() + MARKER).data == clean(encode()).data


@pytest.mark.parametrize(
    ("mode", "scale", "after"),
    [("F", 1, "L"), ("F", 0.001, "L"), ("I", 1, "I;16"), ("I", 100_000, "L"), ("I;16B", 200, "I;16")],
)
def test_large_numbers_keep_their_brightness(clean: Clean, mode: str, scale: float, after: str) -> None:
    grey = Image.linear_gradient("L")
    image = grey.convert("F").point(lambda value: value * scale)
    image = image if mode == "F" else image.convert("I")
    with io.BytesIO() as file:
        (image.convert(mode) if mode != image.mode else image).save(file, "TIFF")
        original = file.getvalue()
    with Image.open(io.BytesIO(clean(original).data)) as made:
        assert made.mode == after
        white = 255 if after == "L" else 255 * scale
        assert abs(mean(made) / white - mean(grey) / 255) < 0.01


def test_colours_in_lab_are_shown_as_they_are_meant(clean: Clean) -> None:
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB"))
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB"))
    image = picture("RGB")
    with io.BytesIO() as file:
        meant = ImageCms.profileToProfile(image, srgb, lab, outputMode="LAB")
        assert meant is not None
        meant.save(file, "TIFF")
        copy = clean(file.getvalue())
    with Image.open(io.BytesIO(copy.data)) as made:
        assert max(ImageStat.Stat(ImageChops.difference(made.convert("RGB"), image)).mean) < 5


def test_a_big_page_is_cut_into_strips(clean: Clean) -> None:
    with io.BytesIO() as file:
        Image.linear_gradient("L").resize((1500, 2100)).save(file, "TIFF")
        original = file.getvalue()
    assert pages(clean(original).data) == pages(original)


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (20_001, 20_001)])
def test_a_page_over_the_bounds_is_refused_before_it_is_decoded(refusal_of: RefusalOf, width: int, height: int) -> None:
    data = bytearray(encode("L"))
    for tag, value in ((256, width), (257, height)):
        at = data.index(struct.pack("<HH", tag, 3 if struct.pack("<HH", tag, 3) in data else 4))
        struct.pack_into("<HHII", data, at, tag, 4, 1, value)
    assert refusal_of(bytes(data)) is Refusal.PIXELS


def test_pages_in_a_circle_end_where_they_meet(clean: Clean) -> None:
    data = bytearray(clean_page())
    directory = struct.unpack_from("<I", data, 4)[0]
    count = struct.unpack_from("<H", data, directory)[0]
    struct.pack_into("<I", data, directory + 2 + 12 * count, directory)
    assert clean(bytes(data)).data == clean_page()


def clean_page() -> bytes:
    sink = Sink()
    write.clean(Source.of(encode("L")), sink, new_cleaning(Mode.LOSSLESS))
    return sink.source().whole()


@pytest.mark.parametrize("make", [encode, lambda: encode(save_all=True, append_images=[picture("L")])])
def test_scrubbing_twice_is_scrubbing_once(clean: Clean, make: object) -> None:
    assert callable(make)
    once = clean(make())
    twice = clean(once.data)
    assert twice.data == once.data
    assert twice.removed == frozenset()


def test_verify_refuses_any_byte_that_no_pointer_accounts_for(clean: Clean) -> None:
    data = clean_page()
    verify(Source.of(data), "image/tiff")
    for residue in (data + MARKER, encode("L", tiffinfo=described())):
        with pytest.raises(Residue):
            verify(Source.of(residue), "image/tiff")


def test_verify_refuses_a_tag_that_tells(clean: Clean) -> None:
    data = bytearray(clean_page())
    at = data.index(struct.pack("<HH", 284, 3))
    struct.pack_into("<HHI4s", data, at, 305, 2, 4, b"abc\0")
    with pytest.raises(Residue):
        verify(Source.of(bytes(data)), "image/tiff")


@given(data=st.data())
@settings(max_examples=150, deadline=None)
def test_a_mutated_file_is_refused_or_comes_out_clean(data: st.DataObject) -> None:
    mutated = bytearray(encode("L", tiffinfo=described(), compression=data.draw(st.sampled_from(["raw", "tiff_lzw"]))))
    for _ in range(data.draw(st.integers(1, 4))):
        mutated[data.draw(st.integers(4, min(len(mutated) - 1, 400)))] = data.draw(st.integers(0, 255))
    clean_or_refuse(bytes(mutated))


@pytest.mark.parametrize(
    ("bits", "photometric", "sample_format", "extra"),
    [((64,), 1, 3, ()), ((32, 32, 32), 2, 3, ()), ((14,), 1, 1, ()), ((8, 8, 8, 8), 8, 1, (2,)), ((16,) * 3, 8, 1, ())],
)
def test_samples_that_only_special_programs_show_are_no_damage(
    refusal_of: RefusalOf, bits: tuple[int, ...], photometric: int, sample_format: int, extra: tuple[int, ...]
) -> None:
    """Fractions, 14 bits, CIE Lab with alpha or of 16 bits: the advice is to export it."""
    tags = TiffImagePlugin.ImageFileDirectory_v2()
    size = 4 * 4 * len(bits) * 8
    tags[256], tags[257], tags[258], tags[259], tags[262] = 4, 4, bits, 1, photometric
    tags[273], tags[277], tags[278], tags[279] = 8, len(bits), 4, size
    tags[339] = (sample_format,) * len(bits)
    if extra:
        tags[338] = extra
    directory = tags.tobytes(8 + size)
    assert refusal_of(struct.pack("<2sHI", b"II", 42, 8 + size) + bytes(size) + directory) is Refusal.DRAWING
