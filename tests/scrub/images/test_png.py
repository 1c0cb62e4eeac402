"""PNG and APNG: only the chunks that draw, checked, and the same pixels."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image, ImageChops, PngImagePlugin

from fieldreport.scrub import Mode, Refusal, Removed
from fieldreport.scrub.format import Source
from fieldreport.scrub.images import icc_profiles
from fieldreport.scrub.images.png import write
from fieldreport.scrub.images.png.parse import SIGNATURE
from fieldreport.scrub.images.png.verify import verify
from fieldreport.scrub.verdicts import Residue
from tests.scrub.conftest import Clean, RefusalOf, clean_or_refuse
from tests.scrub.images.pictures import frames

MARKER = b"PLANTED"
MODES = ("1", "L", "LA", "P", "RGB", "RGBA", "I;16")


def picture(mode: str = "RGB", size: tuple[int, int] = (40, 30)) -> Image.Image:
    image = Image.linear_gradient("L").resize(size)
    if mode == "I;16":
        return image.convert("I").point(lambda value: value * 200).convert("I;16")
    colour = Image.merge("RGB", (image, image.transpose(Image.Transpose.ROTATE_180), image))
    return colour.convert("RGBA").convert(mode) if mode in {"LA", "RGBA"} else colour.convert(mode)


def encode(image: Image.Image, **options: object) -> bytes:
    with io.BytesIO() as file:
        image.save(file, "PNG", **options)
        return file.getvalue()


def chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))


def with_chunks(data: bytes, *chunks: bytes, before: bytes = b"IDAT") -> bytes:
    at = data.index(before) - 4
    return data[:at] + b"".join(chunks) + data[at:]


def header(width: int, height: int, depth: int = 8, colour: int = 2, interlace: int = 0) -> bytes:
    return chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, interlace))


def animation() -> bytes:
    frames = [picture("RGBA"), picture("RGBA").transpose(Image.Transpose.ROTATE_180), picture("RGBA").rotate(30)]
    return encode(frames[0], save_all=True, append_images=frames[1:], duration=80, loop=3)


def exif() -> bytes:
    block = Image.Exif()
    block[0x010F] = "PLANTED"
    block.get_ifd(0x8825)[2] = (41.0, 24.0, 0.0)
    return block.tobytes()[6:]


XMP = b"XML:com.adobe.xmp\0\0\0\0\0<x:xmpmeta><dc:creator>PLANTED</dc:creator></x:xmpmeta>"
PLANTED = {
    "text": (chunk(b"tEXt", b"Author\0PLANTED"), Removed.AUTHOR),
    "text-other": (chunk(b"tEXt", b"PLANTED\0PLANTED"), Removed.OTHER_METADATA),
    "compressed-text": (chunk(b"zTXt", b"Software\0\0" + zlib.compress(b"PLANTED")), Removed.SOFTWARE),
    "international-text": (chunk(b"iTXt", b"Title\0\0\0en\0\0PLANTED"), Removed.DESCRIPTION),
    "xmp": (chunk(b"iTXt", XMP), Removed.AUTHOR),
    "exif": (chunk(b"eXIf", exif()), Removed.LOCATION),
    "time": (chunk(b"tIME", struct.pack(">HBBBBB", 2024, 1, 2, 3, 4, 5)), Removed.TIME),
    "private": (chunk(b"plNt", b"PLANTED"), Removed.OTHER_METADATA),
    "layers": (chunk(b"mkBS", b"PLANTED"), Removed.HIDDEN_CONTENT),
    "prompt": (chunk(b"tEXt", b"parameters\0PLANTED"), Removed.SAYS_AI),
    "profile": (
        chunk(b"iCCP", b"PLANTED\0\0" + zlib.compress(icc_profiles._PROFILES[icc_profiles.Known.DISPLAY_P3] + b"x")),
        None,
    ),
    "screen": (chunk(b"cHRM", struct.pack(">8I", 31111, 32222, 63333, 34444, 29999, 61111, 15555, 6666)), None),
    "physical": (chunk(b"pHYs", struct.pack(">IIB", 5669, 5669, 1)), None),
    "profile-name": (chunk(b"sPLT", b"PLANTED\0\x08"), None),
}


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize("before", [b"IDAT", b"IEND"])
def test_nothing_planted_survives_and_no_pixel_changes(clean: Clean, name: str, before: bytes) -> None:
    planted, expected = PLANTED[name]
    original = encode(picture())
    copy = clean(with_chunks(original, planted, before=before))
    assert MARKER not in copy.data
    assert planted[4:8] not in copy.data or planted[4:8] == b"iCCP"
    assert expected is None or expected in copy.removed
    assert frames(copy.data) == frames(original)


@pytest.mark.parametrize("mode", MODES)
def test_every_kind_of_png_decodes_to_the_same_pixels(clean: Clean, mode: str) -> None:
    info = PngImagePlugin.PngInfo()
    info.add_text("Author", "PLANTED")
    original = encode(picture(mode), pnginfo=info, dpi=(300, 300))
    copy = clean(original)
    assert MARKER not in copy.data
    with Image.open(io.BytesIO(original)) as before, Image.open(io.BytesIO(copy.data)) as after:
        assert before.mode == after.mode
        assert before.tobytes() == after.tobytes()


def test_transparency_stays(clean: Clean) -> None:
    original = encode(picture("P"), transparency=3)
    with Image.open(io.BytesIO(clean(original).data)) as after:
        assert after.info["transparency"] == 3


@pytest.mark.parametrize(("depth", "colour"), [(1, 0), (2, 0), (4, 0), (8, 2), (16, 2), (16, 6), (2, 3)])
def test_interlaced_pictures_of_every_depth_pass(clean: Clean, depth: int, colour: int) -> None:
    bits = depth * {0: 1, 2: 3, 3: 1, 6: 4}[colour]
    width, height = 13, 9
    raw = b""
    for left, top, step_x, step_y in write._ADAM7:
        columns, rows = len(range(left, width, step_x)), len(range(top, height, step_y))
        raw += (b"\0" + bytes((columns * bits + 7) // 8)) * rows if columns else b""
    palette = chunk(b"PLTE", bytes(12)) if colour == 3 else b""
    data = SIGNATURE + header(width, height, depth, colour, 1) + palette
    data += chunk(b"IDAT", zlib.compress(raw)) + chunk(b"IEND", b"")
    assert frames(clean(data).data) == frames(data)


def test_an_animation_keeps_every_frame_and_its_times(clean: Clean) -> None:
    original = with_chunks(animation(), chunk(b"tEXt", b"Author\0PLANTED"), before=b"IEND")
    copy = clean(original)
    assert MARKER not in copy.data
    assert frames(copy.data) == frames(original)
    assert len(frames(copy.data)) == 3
    with Image.open(io.BytesIO(copy.data)) as after:
        assert after.info["loop"] == 3
        assert after.info["duration"] == 80


def test_an_animation_without_all_its_frames_says_so(clean: Clean) -> None:
    data = animation()
    start = data.rindex(b"fcTL") - 4
    assert Removed.INCOMPLETE in clean(data[:start] + chunk(b"IEND", b"")).removed
    assert Removed.INCOMPLETE not in clean(data).removed


@pytest.mark.parametrize("mode", ["RGB", "RGBA"])
def test_a_picture_for_an_iphones_screen_shows_the_same_everywhere(clean: Clean, mode: str) -> None:
    """Without a zlib header, blue first, and colours multiplied by what is visible of them (``pngcrush -iphone``)."""
    original = picture(mode)
    red, green, blue, *alpha = (original.convert("RGBa") if mode == "RGBA" else original).split()
    stored = Image.merge(mode, (blue, green, red, *alpha)).tobytes()
    row = len(stored) // original.height
    raw = b"".join(b"\0" + stored[start : start + row] for start in range(0, len(stored), row))
    deflated = zlib.compress(raw)[2:-4]
    head = SIGNATURE + chunk(b"CgBI", b"P\0 \x02") + header(*original.size, colour={"RGB": 2, "RGBA": 6}[mode])
    copy = clean(head + chunk(b"IDAT", deflated) + chunk(b"IEND", b""))
    with Image.open(io.BytesIO(copy.data)) as shown:
        difference = ImageChops.difference(shown.convert("RGBA"), original.convert("RGBA"))
        assert all(high <= 255 // max(1, low) for low, high in difference.getextrema())  # type: ignore[misc]
    assert clean(copy.data).data == copy.data


def test_what_follows_the_end_is_cut(clean: Clean) -> None:
    original = encode(picture())
    copy = clean(original + b"PLANTED" + original)
    assert copy.data == clean(original).data
    assert Removed.TRAILING_DATA in copy.removed


def test_a_rest_of_the_uncropped_original_inside_the_picture_data_is_cut(clean: Clean) -> None:
    raw = b"".join(b"\0" + bytes(30) for _ in range(10))
    hidden = zlib.compress(raw) + b"PLANTED" * 50
    data = SIGNATURE + header(10, 10) + chunk(b"IDAT", hidden) + chunk(b"IEND", b"")
    copy = clean(data)
    assert MARKER not in copy.data
    assert Removed.HIDDEN_CONTENT in copy.removed


def test_how_an_encoder_cut_the_data_does_not_show(clean: Clean) -> None:
    raw = zlib.compress(b"".join(b"\0" + bytes(30) for _ in range(10)))
    pieces = b"".join(chunk(b"IDAT", raw[start : start + 3]) for start in range(0, len(raw), 3))
    whole = SIGNATURE + header(10, 10) + chunk(b"IDAT", raw) + chunk(b"IEND", b"")
    cut = SIGNATURE + header(10, 10) + pieces + chunk(b"IEND", b"")
    assert clean(cut).data == clean(whole).data


@pytest.mark.parametrize("known", [icc_profiles.Known.DISPLAY_P3, icc_profiles.Known.ADOBE_RGB])
def test_a_standard_profile_becomes_ours(clean: Clean, known: icc_profiles.Known) -> None:
    theirs = icc_profiles._build("PLANTED", icc_profiles.SPACES[known])
    original = encode(picture(), icc_profile=theirs)
    copy = clean(original)
    with Image.open(io.BytesIO(copy.data)) as after:
        assert after.info["icc_profile"] == icc_profiles.profile_for(known)
    assert frames(copy.data) == frames(original)
    assert Removed.COLOUR_PROFILE in copy.removed


def test_a_screens_own_profile_is_converted_away(clean: Clean) -> None:
    profile = bytearray(icc_profiles._PROFILES[icc_profiles.Known.ADOBE_RGB])
    offset = struct.unpack_from(">I", profile, profile.index(b"rXYZ") + 4)[0]
    struct.pack_into(">i", profile, offset + 8, int(0.52 * 65536))
    original = encode(picture("RGBA"), icc_profile=bytes(profile))
    with Image.open(io.BytesIO(original)) as before, Image.open(io.BytesIO(clean(original).data)) as after:
        assert "icc_profile" not in after.info
        assert after.mode == "RGBA"
        assert ImageChops.difference(before.convert("RGB"), after.convert("RGB")).getbbox() is not None


def test_strong_mode_encodes_again(clean: Clean) -> None:
    original = encode(picture(), compress_level=1)
    copy = clean(original, Mode.STRONG)
    assert copy.data != clean(original).data
    assert frames(copy.data) == frames(original)


@pytest.mark.parametrize(("width", "height"), [(50_000, 50_000), (20_001, 20_001), (1, 0xFFFF_FFFF)])
def test_a_picture_over_the_bounds_is_refused_from_its_header(refusal_of: RefusalOf, width: int, height: int) -> None:
    data = SIGNATURE + header(width, height) + chunk(b"IDAT", zlib.compress(bytes(1000))) + chunk(b"IEND", b"")
    assert refusal_of(data) is Refusal.PIXELS


def test_picture_data_that_inflates_beyond_its_header_is_a_bomb(refusal_of: RefusalOf) -> None:
    bomb = zlib.compress(bytes(50_000_000), 9)
    data = SIGNATURE + header(10, 10) + chunk(b"IDAT", bomb) + chunk(b"IEND", b"")
    assert refusal_of(data) is Refusal.BOMB


def test_a_profile_that_inflates_without_end_is_a_bomb(refusal_of: RefusalOf) -> None:
    bomb = chunk(b"iCCP", b"x\0\0" + zlib.compress(bytes(50_000_000), 9))
    assert refusal_of(with_chunks(encode(picture()), bomb)) is Refusal.BOMB


def test_frames_without_end_are_a_bomb(refusal_of: RefusalOf) -> None:
    control = chunk(b"acTL", struct.pack(">II", 5000, 0))
    assert refusal_of(with_chunks(encode(picture()), control)) is Refusal.BOMB


@pytest.mark.parametrize(
    "damage",
    [
        lambda data: data[:20],
        lambda data: data[:-12],
        lambda data: data.replace(data[-20:-16], b"\0\0\0\0"),
        lambda data: with_chunks(data, chunk(b"CRIT", b"unknown")),
        lambda data: with_chunks(data, chunk(b"IHDR", bytes(13))),
        lambda data: with_chunks(data, chunk(b"PLTE", b"12")),
        lambda _: SIGNATURE + header(10, 10) + chunk(b"IEND", b""),
        lambda data: SIGNATURE + header(10, 10, 3) + data[33:],
        lambda data: SIGNATURE + header(40, 31) + data[33:],
        lambda data: SIGNATURE + data[33:],
    ],
    ids=["cut", "no-end", "checksum", "critical", "two-headers", "palette", "no-data", "depth", "short", "no-header"],
)
def test_what_is_no_png_inside_is_damaged(refusal_of: RefusalOf, damage: object) -> None:
    assert callable(damage)
    assert refusal_of(damage(encode(picture()))) is Refusal.DAMAGED


@pytest.mark.parametrize("name", PLANTED)
def test_scrubbing_twice_is_scrubbing_once(clean: Clean, name: str) -> None:
    once = clean(with_chunks(encode(picture()), PLANTED[name][0]))
    twice = clean(once.data)
    assert twice.data == once.data
    assert twice.removed == frozenset()


def test_scrubbing_an_animation_twice_is_scrubbing_it_once(clean: Clean) -> None:
    once = clean(animation())
    assert clean(once.data).data == once.data


@pytest.mark.parametrize(
    "residue",
    [
        *(planted for name, (planted, _) in PLANTED.items() if name != "screen"),
        chunk(b"tRNS", bytes(300)),
        chunk(b"gAMA", bytes(9)),
        chunk(b"IDAT", b"x")[:-1] + b"y",
    ],
)
def test_verify_refuses_what_should_have_gone(clean: Clean, residue: bytes) -> None:
    data = clean(encode(picture())).data
    verify(Source.of(data), "image/png")
    with pytest.raises(Residue):
        verify(Source.of(with_chunks(data, residue)), "image/png")
    with pytest.raises(Residue):
        verify(Source.of(data + residue), "image/png")


@given(data=st.data())
@settings(max_examples=250, deadline=None)
def test_a_mutated_file_is_refused_or_comes_out_clean(data: st.DataObject) -> None:
    mutated = bytearray(with_chunks(encode(picture(size=(9, 7))), *(planted for planted, _ in PLANTED.values())))
    for _ in range(data.draw(st.integers(1, 4))):
        mutated[data.draw(st.integers(0, len(mutated) - 1))] = data.draw(st.integers(0, 255))
    # A wrong checksum ends most mutations at once: give every chunk its right one, so that they get further.
    position = 8
    while data.draw(st.booleans()) and position + 12 <= len(mutated):
        length = struct.unpack_from(">I", mutated, position)[0]
        if position + 12 + length > len(mutated):
            break
        struct.pack_into(
            ">I", mutated, position + 8 + length, zlib.crc32(mutated[position + 4 : position + 8 + length])
        )
        position += 12 + length
    clean_or_refuse(bytes(mutated))
