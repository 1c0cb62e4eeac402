"""HEIC and AVIF: the primary picture's own data in a new file, and nothing of what a phone puts around it."""

from __future__ import annotations

import dataclasses
import io
import struct

import pillow_heif
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, ImageStat

from fieldreport.scrub import Mode, Refusal, Removed, pipeline
from fieldreport.scrub.format import Sink, Source
from fieldreport.scrub.images import icc_profiles
from fieldreport.scrub.images.heif import codecs, write
from fieldreport.scrub.images.heif.parse import parse
from fieldreport.scrub.images.heif.pieces import Piece, assemble
from fieldreport.scrub.images.heif.verify import verify
from fieldreport.scrub.isobmff import box, full_box
from fieldreport.scrub.pipeline import new_cleaning
from fieldreport.scrub.verdicts import Damaged, Residue
from tests.scrub.conftest import Clean, RefusalOf, clean_or_refuse
from tests.scrub.images.pictures import exif, mean, picture

SIZE = (160, 96)

MARKER = b"PLANTED"
XMP = b"<x:xmpmeta><dc:creator>PLANTED</dc:creator></x:xmpmeta>"


def device_profile() -> bytes:
    profile = bytearray(icc_profiles._PROFILES[icc_profiles.Known.ADOBE_RGB])
    offset = struct.unpack_from(">I", profile, profile.index(b"rXYZ") + 4)[0]
    struct.pack_into(">i", profile, offset + 8, int(0.52 * 65536))
    return bytes(profile)


def heic(mode: str = "RGB", *, tile: int = 0, profile: bytes | None = None, **options: object) -> bytes:
    image = picture(mode, SIZE)
    if profile is not None:
        image.info["icc_profile"] = profile
    file = pillow_heif.from_pillow(image)
    before = pillow_heif.options.GRID_TILE_SIZE
    pillow_heif.options.GRID_TILE_SIZE = tile
    try:
        with io.BytesIO() as out:
            file.save(out, quality=60, **options)
            return out.getvalue()
    finally:
        pillow_heif.options.GRID_TILE_SIZE = before


def avif(mode: str = "RGB", **options: object) -> bytes:
    with io.BytesIO() as out:
        picture(mode, SIZE).save(out, "AVIF", speed=10, **options)
        return out.getvalue()


KINDS: dict[str, bytes] = {
    "heic": heic(exif=exif(), xmp=XMP),
    "heic-alpha": heic("RGBA", exif=exif(), xmp=XMP),
    "heic-grid": heic(tile=64, exif=exif(), xmp=XMP),
    "heic-grid-alpha": heic("RGBA", tile=64, exif=exif(), xmp=XMP),
    "avif": avif(exif=exif(), xmp=XMP),
    "avif-alpha": avif("RGBA", exif=exif(), xmp=XMP),
    "avif-turned": avif(exif=exif(6), xmp=XMP),
}


def decode(data: bytes) -> Image.Image:
    if b"avif" in data[:32]:
        with Image.open(io.BytesIO(data)) as image:
            image.load()
            return image
    return pillow_heif.open_heif(data).to_pillow()


def mean_difference(one: Image.Image, other: Image.Image) -> float:
    return max(ImageStat.Stat(ImageChops.difference(one.convert("RGB"), other.convert("RGB"))).mean)


@pytest.mark.parametrize("kind", KINDS)
def test_nothing_planted_survives_and_no_pixel_changes(clean: Clean, kind: str) -> None:
    original = KINDS[kind]
    assert MARKER in original
    copy = clean(original)
    assert MARKER not in copy.data
    before, after = decode(original), decode(copy.data)
    assert after.mode == before.mode
    assert after.tobytes() == before.tobytes()
    assert {Removed.LOCATION, Removed.DEVICE, Removed.TIME, Removed.AUTHOR} <= copy.removed
    assert copy.media_type == f"image/{kind[:4]}"


@pytest.mark.parametrize("kind", KINDS)
def test_scrubbing_twice_is_scrubbing_once(clean: Clean, kind: str) -> None:
    once = clean(KINDS[kind])
    twice = clean(once.data)
    assert twice.data == once.data
    assert twice.removed == frozenset()


def test_the_grid_was_a_grid() -> None:
    album = parse(Source.of(KINDS["heic-grid"]))
    assert album.items[album.primary].kind == b"grid"
    assert len(album.references[b"dimg", album.primary]) == 6


def test_a_thumbnail_goes(clean: Clean) -> None:
    file = pillow_heif.from_pillow(picture(size=SIZE))
    file.info["thumbnails"] = [64]
    with io.BytesIO() as out:
        file.save(out)
        original = out.getvalue()
    copy = clean(original)
    assert Removed.THUMBNAIL in copy.removed
    assert len(copy.data) < len(original)
    assert pillow_heif.open_heif(copy.data).info["thumbnails"] == []


def test_a_picture_on_its_side_keeps_its_turn(clean: Clean) -> None:
    image = picture(size=SIZE)
    image.info["exif"] = exif(6)
    with io.BytesIO() as out:
        pillow_heif.from_pillow(image).save(out)
        original = out.getvalue()
    copy = clean(original)
    before, after = decode(original), decode(copy.data)
    assert after.size == before.size
    assert after.tobytes() == before.tobytes()


@pytest.mark.parametrize("kind", ["heic", "avif"])
def test_a_standard_profile_becomes_ours(clean: Clean, kind: str) -> None:
    theirs = icc_profiles._build("PLANTED", icc_profiles.SPACES[icc_profiles.Known.DISPLAY_P3])
    original = heic(profile=theirs) if kind == "heic" else avif(icc_profile=theirs)
    copy = clean(original)
    ours = icc_profiles.profile_for(icc_profiles.Known.DISPLAY_P3)
    assert ours is not None
    assert "PLANTED".encode("utf-16-be") not in copy.data
    assert decode(copy.data).info["icc_profile"] == ours
    assert decode(copy.data).tobytes() == decode(original).tobytes()
    assert copy.media_type == f"image/{kind}"
    assert Removed.COLOUR_PROFILE in copy.removed


@pytest.mark.parametrize("kind", ["heic", "avif"])
def test_a_devices_own_profile_makes_it_a_jpeg(clean: Clean, kind: str) -> None:
    original = heic(profile=device_profile()) if kind == "heic" else avif(icc_profile=device_profile())
    copy = clean(original)
    assert copy.media_type == "image/jpeg"
    after = Image.open(io.BytesIO(copy.data))
    assert "icc_profile" not in after.info
    assert ImageChops.difference(decode(original).convert("RGB"), after).getbbox() is not None


@pytest.mark.parametrize(("kind", "media_type"), [("heic", "image/jpeg"), ("avif", "image/jpeg")])
def test_strong_mode_makes_it_a_jpeg(clean: Clean, kind: str, media_type: str) -> None:
    copy = clean(KINDS[kind], Mode.STRONG)
    assert copy.media_type == media_type
    with Image.open(io.BytesIO(copy.data)) as after:
        assert after.size == decode(KINDS[kind]).size


@pytest.mark.parametrize("kind", ["heic-alpha", "avif-alpha"])
def test_strong_mode_keeps_transparency_as_png(clean: Clean, kind: str) -> None:
    copy = clean(KINDS[kind], Mode.STRONG)
    assert copy.media_type == "image/png"
    with Image.open(io.BytesIO(copy.data)) as after:
        assert after.mode == "RGBA"


# --- files that no library at hand writes, put together by hand ---


def pieces_of(kind: str) -> list[Piece]:
    return write._Copier(parse(Source.of(KINDS[kind])), new_cleaning(Mode.LOSSLESS)).copy_all().pieces


def rebuilt(kind: str, **changes: object) -> bytes:
    """A clean file with one thing of the writer's input changed."""
    pieces = pieces_of(kind)
    for name, value in changes.items():
        if name == "prefix":
            assert isinstance(value, bytes)
            pieces[0].data = value + pieces[0].data
        elif name == "swallowed":  # by the last unit
            assert isinstance(value, bytes)
            data, at = pieces[0].data, 0
            while at + 4 + int.from_bytes(data[at : at + 4], "big") < len(data):
                at += 4 + int.from_bytes(data[at : at + 4], "big")
            pieces[0].data = data[:at] + struct.pack(">I", len(data) - at - 4 + len(value)) + data[at + 4 :] + value
        elif name == "extra_property":
            assert isinstance(value, tuple)
            pieces[0].properties.append(value)
        elif name == "size":
            assert isinstance(value, tuple)
            pieces[0].properties = [
                (kind_, bytes(4) + struct.pack(">II", *value) if kind_ == b"ispe" else payload, essential)
                for kind_, payload, essential in pieces[0].properties
            ]
        elif name == "configuration":
            assert isinstance(value, bytes)
            pieces[0].properties = [
                (kind_, payload[:22] + bytes((payload[22] + 1,)) + payload[23:] + value, essential)
                if kind_ == b"hvcC"
                else (kind_, payload, essential)
                for kind_, payload, essential in pieces[0].properties
            ]
    return assemble(pieces)


def nal(kind: int, body: bytes) -> bytes:
    unit = bytes((kind << 1, 1)) + body
    return struct.pack(">I", len(unit)) + unit


def obu(kind: int, body: bytes) -> bytes:
    return bytes((kind << 3 | 2, len(body))) + body


@pytest.mark.parametrize("kind", [35, 38, 39, 40, 48])
def test_supplemental_units_of_hevc_go(clean: Clean, kind: int) -> None:
    planted = rebuilt("heic", prefix=nal(kind, MARKER))
    copy = clean(planted)
    assert MARKER not in copy.data
    assert copy.data == clean(KINDS["heic"]).data


def test_supplemental_units_in_the_configuration_go(clean: Clean) -> None:
    array = struct.pack(">BHH", 39, 1, len(MARKER)) + MARKER
    copy = clean(rebuilt("heic", configuration=array))
    assert MARKER not in copy.data
    assert copy.data == clean(KINDS["heic"]).data


def test_a_slice_that_swallowed_another_unit_is_decoded(clean: Clean) -> None:
    # Behind its length, whose zeros a unit may not hold: readers of units find it there.
    planted = rebuilt("heic", swallowed=nal(39, b"\5\x10" + MARKER * 3))
    copy = clean(planted)
    assert copy.media_type == "image/jpeg"
    assert MARKER not in copy.data
    with Image.open(io.BytesIO(copy.data)) as after:
        difference = ImageChops.difference(after.convert("RGB"), picture("RGB", SIZE))
        assert max(ImageStat.Stat(difference).mean) < 8
    with pytest.raises(Residue):
        verify(Source.of(planted), "image/heic")


@pytest.mark.parametrize("kind", [2, 5, 8, 15])
def test_metadata_units_of_av1_go(clean: Clean, kind: int) -> None:
    copy = clean(rebuilt("avif", prefix=obu(kind, MARKER)))
    assert MARKER not in copy.data
    assert copy.data == clean(KINDS["avif"]).data


@pytest.mark.parametrize("kind", ["heic", "avif"])
def test_a_picture_shown_in_part_loses_what_is_not_shown(clean: Clean, kind: str) -> None:
    half = struct.pack(">IIIIiIiI", 80, 1, 48, 1, -10, 1, 4, 1)  # its middle lies 10 to the left and 4 down
    copy = clean(rebuilt(kind, extra_property=(b"clap", half, True)))
    assert copy.media_type == "image/jpeg"
    with Image.open(io.BytesIO(copy.data)) as after:
        expected = decode(KINDS[kind]).crop((30, 28, 110, 76))
        assert after.size == (80, 48)
        assert mean_difference(expected, after) < 3


@pytest.mark.parametrize("kind", ["heic", "avif"])
@pytest.mark.parametrize(
    ("turn", "transpose"),
    [
        ((b"irot", b"\1", True), Image.Transpose.ROTATE_90),  # anticlockwise
        ((b"irot", b"\2", True), Image.Transpose.ROTATE_180),
        ((b"irot", b"\3", True), Image.Transpose.ROTATE_270),
        ((b"imir", b"\0", True), Image.Transpose.FLIP_TOP_BOTTOM),
        ((b"imir", b"\1", True), Image.Transpose.FLIP_LEFT_RIGHT),
    ],
)
def test_what_is_decoded_comes_out_upright(
    clean: Clean, kind: str, turn: tuple[bytes, bytes, bool], transpose: Image.Transpose
) -> None:
    copy = clean(rebuilt(kind, extra_property=turn), Mode.STRONG)
    with Image.open(io.BytesIO(copy.data)) as after:
        assert mean_difference(decode(KINDS[kind]).transpose(transpose), after) < 3


@pytest.mark.parametrize("turn", [(b"irot", b"\1", True), (b"imir", b"\0", True), (b"imir", b"\1", True)])
def test_libheif_turns_the_same_way(turn: tuple[bytes, bytes, bool]) -> None:
    turned = rebuilt("heic", extra_property=turn)
    assert decode(turned).tobytes() == write._turn(decode(KINDS["heic"]), turn[0], turn[1]).tobytes()


def test_an_unknown_property_goes_unless_it_is_needed(clean: Clean, refusal_of: RefusalOf) -> None:
    assert clean(rebuilt("heic", extra_property=(b"plnt", MARKER, False))).data == clean(KINDS["heic"]).data
    assert refusal_of(rebuilt("heic", extra_property=(b"plnt", MARKER, True))) is Refusal.UNSUPPORTED


def test_a_property_that_calls_pixels_square_goes_even_if_it_is_called_needed(
    clean: Clean, refusal_of: RefusalOf
) -> None:
    square, wide = struct.pack(">II", 1, 1), struct.pack(">II", 2, 1)
    assert clean(rebuilt("avif", extra_property=(b"pasp", square, True))).data == clean(KINDS["avif"]).data
    assert refusal_of(rebuilt("avif", extra_property=(b"pasp", wide, True))) is Refusal.UNSUPPORTED


def test_boxes_next_to_the_picture_go(clean: Clean) -> None:
    original = KINDS["heic"]
    copy = clean(original + box(b"uuid", MARKER) + box(b"free", MARKER))
    assert copy.data == clean(original).data
    assert Removed.OTHER_METADATA in copy.removed


def test_bytes_after_the_last_box_go(clean: Clean) -> None:
    copy = clean(KINDS["heic"] + MARKER)
    assert copy.data == clean(KINDS["heic"]).data
    assert Removed.TRAILING_DATA in copy.removed


def test_a_hidden_film_goes(clean: Clean) -> None:
    assert Removed.MOTION_VIDEO in clean(KINDS["heic"] + box(b"moov", MARKER)).removed


@pytest.mark.parametrize("kind", ["heic", "avif"])
def test_the_loss_of_a_second_picture_is_named(clean: Clean, kind: str) -> None:
    pieces = pieces_of(kind)
    burst = assemble([*pieces, dataclasses.replace(pieces[0], number=len(pieces) + 1)])
    copy = clean(burst)
    assert copy.data == clean(KINDS[kind]).data
    assert Removed.PICTURES in copy.removed
    assert all(Removed.PICTURES not in clean(data).removed for data in KINDS.values())


@pytest.mark.parametrize("kind", ["heic-alpha", "avif-alpha"])
def test_tiles_may_be_transparent_each_on_its_own(clean: Clean, kind: str) -> None:
    colour, alpha = pieces_of(kind)
    width, height = colour.size
    grid = Piece(number=1, kind=b"grid", tiles=[2, 3], data=bytes((0, 0, 0, 1)) + struct.pack(">HH", 2 * width, height))
    grid.add(b"ispe", bytes(4) + struct.pack(">II", 2 * width, height))
    tiles = [dataclasses.replace(colour, number=number, properties=list(colour.properties)) for number in (2, 3)]
    layers = [dataclasses.replace(alpha, number=number + 2, alpha_of=number) for number in (2, 3)]
    made = assemble([grid, *tiles, *layers])
    copy = clean(made)
    assert copy.data.count(b"auxl") == 2
    assert all(piece.data in copy.data for piece in (*tiles, *layers))
    if kind == "avif-alpha":  # libheif looks for transparency at the grid only
        once = decode(KINDS[kind]).getchannel("A")
        twice = decode(copy.data).getchannel("A")
        assert twice.size == (2 * width, height)
        assert twice.crop((width, 0, 2 * width, height)).tobytes() == once.tobytes()


def test_a_picture_that_is_another_one_turned_comes_out_upright(clean: Clean) -> None:
    below = dataclasses.replace(pieces_of("heic")[0], number=2)
    width, height = below.size
    below.add(b"imir", b"\1", essential=True)
    turned = Piece(number=1, kind=b"iden", tiles=[2])
    turned.add(b"ispe", bytes(4) + struct.pack(">II", height, width))
    turned.add(b"irot", b"\1", essential=True)
    copy = clean(assemble([turned, below]))
    expected = decode(KINDS["heic"]).transpose(Image.Transpose.FLIP_LEFT_RIGHT).transpose(Image.Transpose.ROTATE_90)
    with Image.open(io.BytesIO(copy.data)) as after:
        assert mean_difference(expected, after) < 3


def overlay(*below: Piece) -> bytes:
    """These pictures, side by side on a white canvas."""
    width, height = below[0].size
    data = bytes(2) + b"\xff" * 8 + struct.pack(">HH", 2 * width, height)
    data += b"".join(struct.pack(">hh", number * width, 0) for number in range(len(below)))
    over = Piece(number=1, kind=b"iovl", tiles=[piece.number for piece in below], data=data)
    over.add(b"ispe", bytes(4) + struct.pack(">II", 2 * width, height))
    return assemble([over, *below])


def test_pictures_laid_over_one_another_come_out_as_one(clean: Clean, refusal_of: RefusalOf) -> None:
    (one,) = pieces_of("heic")
    first, second = (dataclasses.replace(one, number=number, properties=list(one.properties)) for number in (2, 3))
    copy = clean(overlay(first, second))
    expected = Image.new("RGB", (2 * one.size[0], one.size[1]))
    for left in (0, one.size[0]):
        expected.paste(decode(KINDS["heic"]).convert("RGB"), (left, 0))
    with Image.open(io.BytesIO(copy.data)) as after:
        assert mean_difference(expected, after) < 3
    second.add(b"irot", b"\1", essential=True)
    assert refusal_of(overlay(first, second)) is Refusal.UNSUPPORTED


@pytest.mark.parametrize("bits", [8, 10, 12])
def test_grey_keeps_its_brightness(clean: Clean, bits: int) -> None:
    grey = picture("RGB", SIZE).convert("L")
    image = grey if bits == 8 else grey.convert("I").point(lambda value: value * 257).convert("I;16")
    before = pillow_heif.options.SAVE_HDR_TO_12_BIT
    pillow_heif.options.SAVE_HDR_TO_12_BIT = bits == 12
    try:
        with io.BytesIO() as out:
            pillow_heif.from_pillow(image).save(out, quality=-1)
            original = out.getvalue()
    finally:
        pillow_heif.options.SAVE_HDR_TO_12_BIT = before
    copy = clean(original, Mode.STRONG)
    with Image.open(io.BytesIO(copy.data)) as made:
        found = mean(made) / (257 if made.mode == "I;16" else 1)
    assert abs(found - mean(grey)) < 2


def test_an_avif_that_plays_comes_out_as_one_that_plays(clean: Clean) -> None:
    shown = [picture("RGB", SIZE), picture("RGB", SIZE).transpose(Image.Transpose.ROTATE_180)]
    with io.BytesIO() as out:
        shown[0].save(
            out, "AVIF", save_all=True, append_images=shown[1:], duration=200, quality=90, exif=exif(), xmp=XMP
        )
        original = out.getvalue()
    copy = clean(original)
    assert copy.media_type == "image/png"
    assert MARKER not in copy.data
    with Image.open(io.BytesIO(copy.data)) as made:
        assert getattr(made, "n_frames", 1) == 2
        for number, frame in enumerate(shown):
            made.seek(number)
            assert mean_difference(made, frame) < 4


@pytest.mark.parametrize("size", [(50_000, 50_000), (20_001, 20_001)])
@pytest.mark.parametrize("kind", ["heic", "heic-grid", "avif"])
def test_a_picture_over_the_bounds_is_refused_from_its_header(
    refusal_of: RefusalOf, kind: str, size: tuple[int, int]
) -> None:
    assert refusal_of(rebuilt(kind, size=size)) is Refusal.PIXELS


def test_the_size_in_the_codecs_header_counts_whatever_the_container_says() -> None:
    # 16384 by 16384, as a sequence parameter set would say it: Main profile, one layer.
    def ue(value: int) -> str:
        return "0" * ((value + 1).bit_length() - 1) + f"{value + 1:b}"

    bits = "0000" + "000" + "1" + "0" * 96 + ue(0) + ue(1) + ue(16384) + ue(16384)
    bits = bits.ljust(-(-len(bits) // 8) * 8, "0")
    raw = int(bits, 2).to_bytes(len(bits) // 8, "big")
    escaped = bytes((33 << 1, 1)) + raw.replace(b"\0\0\0", b"\0\0\3\0")
    assert codecs.hevc_sps_size(escaped) == (16384, 16384)


@pytest.mark.parametrize("kind", ["heic", "avif"])
def test_the_codecs_header_agrees_with_what_was_encoded(kind: str) -> None:
    album = parse(Source.of(KINDS[kind]))
    item = album.items[album.primary]
    if kind == "heic":
        payload = next(found.payload for found in item.properties if found.kind == b"hvcC")
        _, _, sizes = codecs.hevc_configuration(payload)
    else:
        _, sizes = codecs.av1_frames(album.data(album.primary))
    assert all(width in range(160, 193) and height in range(96, 129) for width, height in sizes)
    assert sizes


def test_a_film_or_a_burst_without_a_primary_picture_is_unsupported(refusal_of: RefusalOf) -> None:
    data = box(b"ftyp", b"heic", bytes(4), b"msf1hevc") + box(b"moov", bytes(100))
    assert refusal_of(data) is Refusal.UNSUPPORTED


def test_a_protected_picture_is_named_so(refusal_of: RefusalOf) -> None:
    data = bytearray(clean_bytes("heic"))
    at = data.index(b"infe") + 10
    struct.pack_into(">H", data, at, 1)
    assert refusal_of(bytes(data)) is Refusal.ENCRYPTED


def clean_bytes(kind: str) -> bytes:
    sink = Sink()
    pipeline.clean(Source.of(KINDS[kind]), sink, new_cleaning(Mode.LOSSLESS))
    return sink.source().whole()


@pytest.mark.parametrize("kind", ["heic", "heic-grid", "avif"])
def test_a_file_cut_off_is_refused(refusal_of: RefusalOf, kind: str) -> None:
    data = KINDS[kind]
    for cut in (20, 40, len(data) // 3, len(data) // 2):
        assert refusal_of(data[:cut]) in {Refusal.DAMAGED, Refusal.UNSUPPORTED}


@pytest.mark.parametrize("kind", KINDS)
def test_verify_refuses_any_other_layout(kind: str) -> None:
    data = clean_bytes(kind)
    media_type = f"image/{kind[:4]}"
    verify(Source.of(data), media_type)
    moved = data.index(b"mdat") - 4
    for residue in (
        KINDS[kind],
        data + b"\0",
        data + box(b"free", MARKER),
        data[:moved] + box(b"free", MARKER) + data[moved:],
        data.replace(b"pict" + bytes(12), b"pict" + bytes(11) + b"x"),
    ):
        with pytest.raises(Residue):
            verify(Source.of(residue), media_type)


@pytest.mark.parametrize(
    ("kind", "changes"),
    [
        ("heic", {"prefix": nal(39, MARKER)}),
        ("heic", {"configuration": struct.pack(">BHH", 39, 1, len(MARKER)) + MARKER}),
        ("avif", {"prefix": obu(5, MARKER)}),
        ("heic", {"extra_property": (b"plnt", MARKER, False)}),
        ("heic", {"extra_property": (b"colr", b"prof" + device_profile(), False)}),
        ("heic", {"extra_property": (b"colr", b"nclx" + struct.pack(">HHHB", 1, 13, 6, 0x81), False)}),
        ("avif", {"extra_property": (b"auxC", bytes(4) + MARKER, False)}),
    ],
)
def test_verify_refuses_what_should_have_gone(kind: str, changes: dict[str, object]) -> None:
    with pytest.raises(Residue):
        verify(Source.of(rebuilt(kind, **changes)), f"image/{kind[:4]}")


def test_a_box_never_reaches_beyond_what_it_lies_in() -> None:
    meta = full_box(b"meta", 0, 0, struct.pack(">I4s", 5000, b"pitm"))
    with pytest.raises(Damaged):
        parse(Source.of(box(b"ftyp", b"heic", bytes(4)) + meta))


@given(data=st.data())
@settings(max_examples=250, deadline=None)
def test_a_mutated_file_is_refused_or_comes_out_clean(data: st.DataObject) -> None:
    mutated = bytearray(KINDS[data.draw(st.sampled_from(["heic", "heic-grid", "avif", "avif-alpha"]))])
    for _ in range(data.draw(st.integers(1, 5))):
        mutated[data.draw(st.integers(8, min(len(mutated) - 1, 900)))] = data.draw(st.integers(0, 255))
    clean_or_refuse(bytes(mutated))
