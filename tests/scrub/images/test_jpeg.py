"""JPEG: every place that can tell something is emptied, and the picture stays the same to the last bit."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageCms, ImageOps, ImageStat

from fieldreport.scrub import Mode, Refusal, Removed
from fieldreport.scrub.format import Source
from fieldreport.scrub.images import icc_profiles
from fieldreport.scrub.images.jpeg.verify import verify
from fieldreport.scrub.verdicts import Residue
from tests.scrub.conftest import Clean, RefusalOf, clean_or_refuse

MARKER = b"PLANTED"


def picture(mode: str = "RGB", size: tuple[int, int] = (64, 48)) -> Image.Image:
    """Not symmetrical in any way, so that no turn is mistaken for another."""
    image = Image.linear_gradient("L").resize(size).convert("RGB")
    image.paste((200, 30, 30), (0, 0, size[0] // 3, size[1] // 4))
    image.paste((20, 60, 220), (size[0] // 2, size[1] // 2, size[0], size[1]))
    return image.convert(mode)


def encode(image: Image.Image, **options: object) -> bytes:
    with io.BytesIO() as file:
        image.save(file, "JPEG", **options)
        return file.getvalue()


def pixels(data: bytes) -> bytes:
    with Image.open(io.BytesIO(data)) as image:
        return image.tobytes()


def mean_difference(one: Image.Image, other: Image.Image) -> float:
    return max(ImageStat.Stat(ImageChops.difference(one, other)).mean)


def segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def with_segments(data: bytes, *segments: bytes) -> bytes:
    """Insert after the start of image."""
    return data[:2] + b"".join(segments) + data[2:]


def exif(orientation: int = 1, *, thumbnail: bool = False) -> bytes:
    block = Image.Exif()
    block[0x0112] = orientation
    block[0x010F] = "PLANTED make"
    block[0x0110] = "PLANTED model"
    block[0x0131] = "PLANTED software"
    block[0x0132] = "2024:01:02 03:04:05"
    block[0x013B] = "PLANTED artist"
    block[0x010E] = "PLANTED description"
    details = block.get_ifd(0x8769)
    details[0x9003] = "2024:01:02 03:04:05"
    details[0x927C] = b"PLANTED maker note"
    details[0x9286] = b"ASCII\0\0\0PLANTED comment"
    details[0xA431] = "PLANTED serial"
    details[0xA434] = "PLANTED lens"
    gps = block.get_ifd(0x8825)
    gps[1], gps[2] = "N", (41.0, 24.0, 0.0)
    gps[3], gps[4] = "E", (128.0, 10.0, 0.0)
    data = block.tobytes()
    if not thumbnail:
        return data
    tiff = bytearray(data[6:])
    count = struct.unpack_from("<H", tiff, 8)[0] if tiff[:2] == b"II" else struct.unpack_from(">H", tiff, 8)[0]
    order = "<" if tiff[:2] == b"II" else ">"
    struct.pack_into(f"{order}I", tiff, 10 + 12 * count, len(tiff))
    small = encode(picture(size=(16, 12)))
    directory = struct.pack(f"{order}H", 2)
    directory += struct.pack(f"{order}HHII", 0x0201, 4, 1, len(tiff) + 30)
    directory += struct.pack(f"{order}HHII", 0x0202, 4, 1, len(small)) + bytes(4)
    return data[:6] + bytes(tiff) + directory + small


def xmp(body: str) -> bytes:
    return b"http://ns.adobe.com/xap/1.0/\0" + f"<x:xmpmeta xmlns:x='adobe:ns:meta/'>{body}</x:xmpmeta>".encode()


def icc_segment(profile: bytes) -> bytes:
    return segment(0xE2, b"ICC_PROFILE\0\x01\x01" + profile)


def device_profile() -> bytes:
    """A profile like a calibrated screen's: a matrix near no standard, with the device's name."""
    profile = bytearray(icc_profiles.profile_for(icc_profiles.Known.ADOBE_RGB) or b"")
    at = profile.index(b"rXYZ")
    offset = struct.unpack_from(">I", profile, at + 4)[0]
    struct.pack_into(">i", profile, offset + 8, int(0.52 * 65536))
    return bytes(profile)


PLANTED = {
    "exif": (segment(0xE1, exif()), {Removed.LOCATION, Removed.DEVICE, Removed.AUTHOR, Removed.TIME, Removed.SOFTWARE}),
    "exif-details": (segment(0xE1, exif()), {Removed.IDENTIFIERS, Removed.DESCRIPTION, Removed.COMMENTS}),
    "thumbnail": (segment(0xE1, exif(thumbnail=True)), {Removed.THUMBNAIL}),
    "xmp-place": (segment(0xE1, xmp("<exif:GPSLatitude>PLANTED</exif:GPSLatitude>")), {Removed.LOCATION}),
    "xmp-author": (segment(0xE1, xmp("<dc:creator>PLANTED</dc:creator>")), {Removed.AUTHOR}),
    "xmp-people": (segment(0xE1, xmp("<mwg-rs:Name>PLANTED</mwg-rs:Name>")), {Removed.PEOPLE}),
    "xmp-history": (segment(0xE1, xmp("<xmpMM:History>PLANTED</xmpMM:History>")), {Removed.HISTORY}),
    "xmp-extended": (segment(0xE1, b"http://ns.adobe.com/xmp/extension/\0PLANTED"), {Removed.OTHER_METADATA}),
    "iptc": (segment(0xED, b"Photoshop 3.0\x008BIM\x04\x04\0\0\0\0\0\x0c\x1c\x02\x50\0\x07PLANTED"), {Removed.AUTHOR}),
    "comment": (segment(0xFE, b"PLANTED"), {Removed.COMMENTS}),
    "jfxx": (segment(0xE0, b"JFXX\0\x10PLANTED"), {Removed.THUMBNAIL}),
    "maker": (segment(0xE5, b"PLANTED"), {Removed.OTHER_METADATA}),
    "c2pa": (segment(0xEB, b"JP\0\0PLANTED"), {Removed.OTHER_METADATA}),
    "flashpix": (segment(0xE2, b"FPXR\0PLANTED"), {Removed.OTHER_METADATA}),
    "profile": (
        icc_segment(icc_profiles._build("PLANTED", icc_profiles.SPACES[icc_profiles.Known.SRGB])),
        {Removed.COLOUR_PROFILE},
    ),
}


@pytest.mark.parametrize("name", PLANTED)
def test_nothing_planted_survives_and_no_pixel_changes(clean: Clean, name: str) -> None:
    planted, expected = PLANTED[name]
    original = encode(picture())
    copy = clean(with_segments(original, planted))
    assert MARKER not in copy.data
    assert "PLANTED".encode("utf-16-be") not in copy.data
    assert expected <= copy.removed
    assert pixels(copy.data) == pixels(original)


@pytest.mark.parametrize(
    ("trailer", "expected"),
    [
        (b"PLANTED", Removed.TRAILING_DATA),
        (b"\0\0\0\x18ftypmp42PLANTED", Removed.MOTION_VIDEO),
        (b"SEFHPLANTED", Removed.TRAILING_DATA),
    ],
)
def test_what_follows_the_first_end_is_cut(clean: Clean, trailer: bytes, expected: Removed) -> None:
    original = encode(picture())
    copy = clean(original + trailer)
    assert copy.data == clean(original).data
    assert expected in copy.removed


def test_a_second_picture_after_the_first_is_cut(clean: Clean) -> None:
    original = encode(picture())
    several = with_segments(original, segment(0xE2, b"MPF\0PLANTED")) + encode(picture(size=(640, 480)))
    copy = clean(several)
    assert copy.data == clean(original).data
    assert Removed.THUMBNAIL in copy.removed


@pytest.mark.parametrize(
    ("kind", "expected"), [(0x010002, Removed.THUMBNAIL), (0x020002, Removed.PICTURES), (0, Removed.PICTURES)]
)
@pytest.mark.parametrize("order", "<>")
def test_a_second_picture_is_named_by_its_kind(clean: Clean, kind: int, expected: Removed, order: str) -> None:
    """CIPA DC-007: an index with one entry for each picture, the first of them this one."""
    entries = struct.pack(f"{order}8I", 0x2003_0000, 0, 0, 0, kind, 0, 0, 0)
    head = {"<": b"II*\0", ">": b"MM\0*"}[order]
    index = head + struct.pack(f"{order}IHHHIII", 8, 1, 0xB002, 7, 32, 26, 0) + entries
    copy = clean(with_segments(encode(picture()), segment(0xE2, b"MPF\0" + index)) + encode(picture(size=(640, 480))))
    assert {Removed.THUMBNAIL, Removed.PICTURES} & copy.removed == {expected}


def test_a_clean_picture_has_nothing_removed(clean: Clean) -> None:
    assert clean(encode(picture())).removed == frozenset()


@pytest.mark.parametrize(
    ("mode", "options"),
    [
        ("RGB", {"progressive": True}),
        ("RGB", {"subsampling": 0}),
        ("RGB", {"subsampling": 2, "restart_marker_rows": 1}),
        ("RGB", {"keep_rgb": True}),
        ("L", {}),
        ("L", {"progressive": True}),
        ("CMYK", {}),
    ],
)
def test_every_kind_of_jpeg_decodes_to_the_same_pixels(clean: Clean, mode: str, options: dict[str, object]) -> None:
    original = encode(picture(mode), exif=exif(), comment=b"PLANTED", **options)
    copy = clean(original)
    assert MARKER not in copy.data
    assert pixels(copy.data) == pixels(original)


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_picture_lying_on_its_side_is_turned_upright(clean: Clean, orientation: int) -> None:
    original = encode(picture(size=(640, 480)), quality=95, exif=exif(orientation))
    copy = clean(original)
    with Image.open(io.BytesIO(original)) as before, Image.open(io.BytesIO(copy.data)) as after:
        upright = ImageOps.exif_transpose(before)
        assert after.size == upright.size
        assert mean_difference(upright, after) < 0.3
        assert after.getexif().get(0x0112) is None
    assert MARKER not in copy.data


def test_a_second_exif_block_does_not_undo_the_turn(clean: Clean) -> None:
    original = with_segments(encode(picture()), segment(0xE1, exif(6)), segment(0xE1, exif(1)))
    with Image.open(io.BytesIO(clean(original).data)) as after:
        assert after.size == (48, 64)


@pytest.mark.parametrize(
    "known", [icc_profiles.Known.DISPLAY_P3, icc_profiles.Known.ADOBE_RGB, icc_profiles.Known.PROPHOTO]
)
def test_a_standard_profile_becomes_ours_and_no_pixel_changes(clean: Clean, known: icc_profiles.Known) -> None:
    theirs = icc_profiles._build("PLANTED", icc_profiles.SPACES[known])
    original = encode(picture(), icc_profile=theirs)
    copy = clean(original)
    with Image.open(io.BytesIO(copy.data)) as after:
        assert after.info["icc_profile"] == icc_profiles.profile_for(known)
    assert pixels(copy.data) == pixels(original)
    assert Removed.COLOUR_PROFILE in copy.removed


def test_a_profile_split_over_segments_is_put_together(clean: Clean) -> None:
    theirs = icc_profiles._build("PLANTED", icc_profiles.SPACES[icc_profiles.Known.DISPLAY_P3])
    second = segment(0xE2, b"ICC_PROFILE\0\x02\x02" + theirs[200:])
    first = segment(0xE2, b"ICC_PROFILE\0\x01\x02" + theirs[:200])
    copy = clean(with_segments(encode(picture()), second, first))
    with Image.open(io.BytesIO(copy.data)) as after:
        assert after.info["icc_profile"] == icc_profiles.profile_for(icc_profiles.Known.DISPLAY_P3)


def test_a_devices_own_profile_is_converted_away(clean: Clean) -> None:
    theirs = device_profile()
    original = encode(picture(size=(640, 480)), quality=95, icc_profile=theirs)
    copy = clean(original)
    with Image.open(io.BytesIO(original)) as before, Image.open(io.BytesIO(copy.data)) as after:
        expected = ImageCms.profileToProfile(
            before,
            ImageCms.ImageCmsProfile(io.BytesIO(theirs)),
            ImageCms.createProfile("sRGB"),
            renderingIntent=ImageCms.Intent.RELATIVE_COLORIMETRIC,
        )
        assert "icc_profile" not in after.info
        assert expected is not None
        assert mean_difference(expected, after) < 0.8
        assert mean_difference(before, after) > 2
    assert Removed.COLOUR_PROFILE in copy.removed


def test_a_damaged_profile_is_dropped(clean: Clean) -> None:
    copy = clean(encode(picture(), icc_profile=b"PLANTED" * 40))
    assert MARKER not in copy.data


def test_strong_mode_encodes_again(clean: Clean) -> None:
    original = encode(picture(), quality=60, icc_profile=icc_profiles.profile_for(icc_profiles.Known.DISPLAY_P3))
    copy = clean(original, Mode.STRONG)
    with Image.open(io.BytesIO(copy.data)) as after:
        assert after.size == (64, 48)
        assert "icc_profile" not in after.info
    assert copy.data != clean(original).data


def test_a_picture_cut_off_by_a_full_card_keeps_what_it_shows(clean: Clean) -> None:
    whole = encode(picture(size=(640, 480)))
    copy = clean(whole[: len(whole) * 2 // 3])
    assert copy.data.endswith(b"\xff\xd9")
    assert copy.data[:200] == clean(whole).data[:200]
    assert Removed.INCOMPLETE in copy.removed


@pytest.mark.parametrize("cut", [0, 1, 3, 10, 40])
def test_a_progressive_picture_cut_off_between_scans_ends_there(clean: Clean, cut: int) -> None:
    whole = encode(picture(), progressive=True)
    last_tables = whole.rindex(b"\xff\xc4")
    copy = clean(whole[: last_tables + cut])
    assert copy.data.endswith(b"\xff\xd9")
    assert copy.data.count(b"\xff\xda") in {whole.count(b"\xff\xda") - 1, whole.count(b"\xff\xda")}


def test_a_picture_of_65000_by_65000_is_refused_from_its_header(refusal_of: RefusalOf) -> None:
    data = bytearray(encode(picture()))
    at = data.index(b"\xff\xc0") + 5
    struct.pack_into(">HH", data, at, 65000, 65000)
    assert refusal_of(bytes(data)) is Refusal.PIXELS


def test_scans_without_end_are_refused(refusal_of: RefusalOf) -> None:
    data = encode(picture(), progressive=True)
    last = data.rindex(b"\xff\xda")
    assert refusal_of(data[:-2] + data[last:-2] * 200 + data[-2:]) is Refusal.BOMB


def test_a_profile_bomb_is_refused(refusal_of: RefusalOf) -> None:
    parts = [segment(0xE2, b"ICC_PROFILE\0\x01\xff" + bytes(65000))] * 100
    assert refusal_of(with_segments(encode(picture()), *parts)) is Refusal.BOMB


@pytest.mark.parametrize("marker", [0xC3, 0xC7, 0xDE])
def test_lossless_and_hierarchical_jpeg_is_unsupported(refusal_of: RefusalOf, marker: int) -> None:
    data = encode(picture()).replace(b"\xff\xc0", bytes((0xFF, marker)), 1)
    assert refusal_of(data) is Refusal.UNSUPPORTED


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:4],
        lambda data: data[: data.index(b"\xff\xda")],
        lambda data: data.replace(b"\xff\xdb\x00\x43", b"\xff\xdb\x00\x44", 1),
        lambda data: with_segments(data, segment(0xDB, bytes(65) + b"PLANTED")),
        lambda data: with_segments(data, segment(0xC4, bytes(17) + b"PLANTED")),
        lambda data: with_segments(data, segment(0xDD, b"\0\0PLANTED")),
        lambda data: with_segments(data, segment(0xF0, b"PLANTED")),
    ],
    ids=["header-only", "no-scan", "wrong-length", "long-table", "long-codes", "long-interval", "reserved"],
)
def test_what_is_no_jpeg_inside_is_damaged(refusal_of: RefusalOf, damage: object) -> None:
    assert callable(damage)
    assert refusal_of(damage(encode(picture()))) is Refusal.DAMAGED


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize("orientation", [1, 6])
def test_scrubbing_twice_is_scrubbing_once(clean: Clean, name: str, orientation: int) -> None:
    once = clean(with_segments(encode(picture(), exif=exif(orientation)), PLANTED[name][0]))
    twice = clean(once.data)
    assert twice.data == once.data
    assert twice.removed == frozenset()


@pytest.mark.parametrize(
    "residue",
    [
        segment(0xE1, exif()),
        segment(0xFE, b"hello"),
        segment(0xE0, b"JFIF\0\x01\x02\x01\0\x48\0\x48\0\0"),
        icc_segment(icc_profiles._build("theirs", icc_profiles.SPACES[icc_profiles.Known.DISPLAY_P3])),
        segment(0xEE, b"Adobe\0\x65\0\0\0\0\x01"),
        b"rubbish",
    ],
)
def test_verify_refuses_what_should_have_gone(clean: Clean, residue: bytes) -> None:
    data = clean(encode(picture())).data
    verify(Source.of(data), "image/jpeg")
    for place in (2, data.index(b"\xff\xdb"), data.index(b"\xff\xda")):
        with pytest.raises(Residue):
            verify(Source.of(data[:place] + residue + data[place:]), "image/jpeg")


@pytest.mark.parametrize("tail", [b"\0", b"PLANTED", b"\xff\xd9", b"\xff\xd8\xff\xd9"])
def test_verify_refuses_anything_after_the_end(clean: Clean, tail: bytes) -> None:
    with pytest.raises(Residue):
        verify(Source.of(clean(encode(picture())).data + tail), "image/jpeg")


@given(data=st.data())
@settings(max_examples=250, deadline=None)
def test_a_mutated_file_is_refused_or_comes_out_clean(data: st.DataObject) -> None:
    mutated = bytearray(with_segments(encode(picture(size=(24, 16)), exif=exif(6)), PLANTED["profile"][0]))
    for _ in range(data.draw(st.integers(1, 6))):
        mutated[data.draw(st.integers(0, len(mutated) - 1))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(mutated)))
    clean_or_refuse(bytes(mutated[: cut or None]))


def segments(data: bytes) -> tuple[list[bytes], bytes]:
    """The segments up to the first scan, each whole, and the rest."""
    found, position = [], 2
    while data[position + 1] != 0xDA:
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        found.append(data[position:end])
        position = end
    return found, data[position:]


TABLE = (b"PLANTED" * 10)[:64]
SYMBOLS = bytes([*[0] * 7, 21, *[0] * 8]) + b"PLANTED" * 3


@pytest.mark.parametrize("progressive", [False, True])
@pytest.mark.parametrize(
    ("marker", "table", "first"),
    [
        (0xDB, b"\3" + TABLE, False),
        (0xDB, b"\0" + TABLE, True),
        (0xC4, b"\x13" + SYMBOLS, False),
        (0xC4, b"\0" + SYMBOLS, True),
        (0xCC, b"\0P\1L\2A", False),
        (0xDD, b"PL", True),
    ],
)
def test_tables_that_no_scan_decodes_with_go(
    clean: Clean,
    marker: int,
    table: bytes,
    first: bool,  # noqa: FBT001 - a parameter
    progressive: bool,  # noqa: FBT001 - a parameter
) -> None:
    with io.BytesIO() as file:
        picture().save(file, "JPEG", progressive=progressive, restart_marker_rows=1)
        honest = file.getvalue()
    before, rest = segments(honest)
    hidden = struct.pack(">BBH", 0xFF, marker, len(table) + 2) + table
    planted = b"\xff\xd8" + b"".join([hidden, *before] if first else [*before, hidden]) + rest
    after = clean(planted)
    assert after.data == clean(honest).data
    assert Removed.OTHER_METADATA in after.removed
    kept, rest = segments(after.data)
    with pytest.raises(Residue):
        verify(
            Source.of(b"\xff\xd8" + b"".join([*kept[:1], hidden, *kept[1:]] if first else [*kept, hidden]) + rest),
            "image/jpeg",
        )


def test_components_of_one_number_keep_their_tables(clean: Clean) -> None:
    """As some programs write them: decoders take one after the other."""
    honest = encode(picture())
    frame, scan = honest.index(b"\xff\xc0") + 10, honest.index(b"\xff\xda") + 5
    alike = bytearray(honest)
    for at in (*range(frame, frame + 9, 3), *range(scan, scan + 6, 2)):
        alike[at] = 1
    assert pixels(bytes(alike)) == pixels(clean(bytes(alike)).data)
