"""WebP: the same pixels, still or moving, and nothing else."""

from __future__ import annotations

import io
import struct

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from fieldreport.scrub import Mode, Refusal, Removed
from fieldreport.scrub.format import Source
from fieldreport.scrub.images import icc_profiles
from fieldreport.scrub.images.webp.verify import verify
from fieldreport.scrub.verdicts import Refused, Residue
from tests.scrub.conftest import Clean, RefusalOf, clean_or_refuse
from tests.scrub.images.pictures import exif, frames, picture

MARKER = b"PLANTED"


def encode(mode: str = "RGB", **options: object) -> bytes:
    with io.BytesIO() as file:
        picture(mode).save(file, "WEBP", **options)
        return file.getvalue()


def animation(**options: object) -> bytes:
    turned = [picture("RGBA").rotate(angle) for angle in (90, 180)]
    return encode("RGBA", save_all=True, append_images=turned, duration=[50, 120, 70], loop=4, **options)


def chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) % 2)


def with_chunk(data: bytes, added: bytes) -> bytes:
    return b"RIFF" + struct.pack("<I", len(data) - 8 + len(added)) + data[8:] + added


KINDS: dict[str, bytes] = {
    "lossy": encode(),
    "lossless": encode(lossless=True),
    "lossy-alpha": encode("RGBA"),
    "lossless-alpha": encode("RGBA", lossless=True),
    "animation": animation(),
    "lossless-animation": animation(lossless=True),
}
PLANTED = {
    "exif": (chunk(b"EXIF", exif()), Removed.LOCATION),
    "xmp": (chunk(b"XMP ", b"<dc:creator>PLANTED"), Removed.AUTHOR),
    "private": (chunk(b"PLNT", MARKER), Removed.OTHER_METADATA),
    "profile": (
        chunk(b"ICCP", icc_profiles._build("PLANTED", icc_profiles.SPACES[icc_profiles.Known.SRGB])),
        Removed.COLOUR_PROFILE,
    ),
}


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize("kind", KINDS)
def test_nothing_planted_survives_and_no_pixel_changes(clean: Clean, kind: str, name: str) -> None:
    planted, expected = PLANTED[name]
    copy = clean(with_chunk(KINDS[kind], planted))
    assert MARKER not in copy.data
    assert "PLANTED".encode("utf-16-be") not in copy.data
    assert expected in copy.removed
    assert frames(copy.data) == frames(KINDS[kind])
    assert copy.media_type == "image/webp"


@pytest.mark.parametrize("kind", KINDS)
def test_scrubbing_twice_is_scrubbing_once(clean: Clean, kind: str) -> None:
    once = clean(with_chunk(KINDS[kind], PLANTED["exif"][0]))
    twice = clean(once.data)
    assert twice.data == once.data
    assert twice.removed == frozenset()


def test_an_animation_keeps_its_times(clean: Clean) -> None:
    with Image.open(io.BytesIO(clean(KINDS["animation"]).data)) as image:
        assert image.info["loop"] == 4
        durations = []
        for index in range(3):
            image.seek(index)
            image.load()
            durations.append(image.info["duration"])
    assert durations == [50, 120, 70]


@pytest.mark.parametrize("orientation", range(2, 9))
def test_a_picture_lying_on_its_side_is_turned_upright(clean: Clean, orientation: int) -> None:
    original = encode(lossless=True, exif=exif(orientation))
    with Image.open(io.BytesIO(clean(original).data)) as after:
        from PIL import ImageOps

        with Image.open(io.BytesIO(original)) as before:
            assert after.tobytes() == ImageOps.exif_transpose(before).tobytes()


def test_a_standard_profile_becomes_ours(clean: Clean) -> None:
    theirs = icc_profiles._build("PLANTED", icc_profiles.SPACES[icc_profiles.Known.DISPLAY_P3])
    original = encode(icc_profile=theirs)
    copy = clean(original)
    with Image.open(io.BytesIO(copy.data)) as after:
        assert after.info["icc_profile"] == icc_profiles.profile_for(icc_profiles.Known.DISPLAY_P3)
    assert frames(copy.data) == frames(original)


def test_a_devices_own_profile_is_converted_away(clean: Clean) -> None:
    theirs = bytearray(icc_profiles._PROFILES[icc_profiles.Known.ADOBE_RGB])
    offset = struct.unpack_from(">I", theirs, theirs.index(b"rXYZ") + 4)[0]
    struct.pack_into(">i", theirs, offset + 8, int(0.52 * 65536))
    original = encode(lossless=True, icc_profile=bytes(theirs))
    copy = clean(original)
    with Image.open(io.BytesIO(copy.data)) as after:
        assert "icc_profile" not in after.info
    assert frames(copy.data) != frames(original)


def test_what_follows_the_riff_is_cut(clean: Clean) -> None:
    copy = clean(KINDS["lossy"] + MARKER)
    assert copy.data == clean(KINDS["lossy"]).data
    assert Removed.TRAILING_DATA in copy.removed


def test_strong_mode_encodes_again(clean: Clean) -> None:
    assert clean(KINDS["lossy"], Mode.STRONG).data != clean(KINDS["lossy"]).data


def test_a_canvas_over_the_bounds_is_refused_from_its_header(refusal_of: RefusalOf) -> None:
    data = bytearray(KINDS["animation"])
    at = data.index(b"VP8X") + 12
    data[at : at + 6] = b"\xff" * 6
    assert refusal_of(bytes(data)) is Refusal.PIXELS


def test_a_still_picture_of_16383_by_16383_passes_as_it_is_and_is_not_decoded(
    clean: Clean,
) -> None:
    data = bytearray(KINDS["lossy"])
    struct.pack_into("<HH", data, data.index(b"\x9d\x01\x2a") + 3, 16383, 16383)
    assert clean(bytes(data)).media_type == "image/webp"
    with pytest.raises(Refused) as caught:
        clean(bytes(data), Mode.STRONG)
    assert caught.value.refusal is Refusal.PIXELS


def test_frames_without_end_are_a_bomb(refusal_of: RefusalOf) -> None:
    data = KINDS["animation"]
    at = data.index(b"ANMF")
    size = 8 + struct.unpack_from("<I", data, at + 4)[0]
    assert refusal_of(with_chunk(data, data[at : at + size] * 1200)) is Refusal.BOMB


@pytest.mark.parametrize("cut", [11, 16, 25, 60])
def test_a_file_cut_off_is_damaged(refusal_of: RefusalOf, cut: int) -> None:
    data = KINDS["lossy"][:cut]
    assert refusal_of(data) in {Refusal.DAMAGED, Refusal.UNSUPPORTED}


@pytest.mark.parametrize("name", PLANTED)
@pytest.mark.parametrize("kind", KINDS)
def test_verify_refuses_what_should_have_gone(clean: Clean, kind: str, name: str) -> None:
    data = clean(KINDS[kind]).data
    verify(Source.of(data), "image/webp")
    for residue in (with_chunk(data, PLANTED[name][0]), data + MARKER, data + PLANTED[name][0]):
        with pytest.raises(Residue):
            verify(Source.of(residue), "image/webp")


@given(data=st.data())
@settings(max_examples=200, deadline=None)
def test_a_mutated_file_is_refused_or_comes_out_clean(data: st.DataObject) -> None:
    mutated = bytearray(with_chunk(KINDS[data.draw(st.sampled_from(sorted(KINDS)))], PLANTED["exif"][0]))
    for _ in range(data.draw(st.integers(1, 5))):
        mutated[data.draw(st.integers(12, len(mutated) - 1))] = data.draw(st.integers(0, 255))
    clean_or_refuse(bytes(mutated))
