"""Colour profiles are recognised by their numbers, and ours are profiles that others can read."""

from __future__ import annotations

import io
import struct
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import ImageCms

from fieldreport.scrub.images import icc, icc_profiles


def littlecms(profile: bytes) -> Any:
    return ImageCms.ImageCmsProfile(io.BytesIO(profile)).profile


@pytest.mark.parametrize("known", list(icc_profiles._PROFILES))
def test_our_profiles_are_recognised_and_well_formed(known: icc_profiles.Known) -> None:
    ours = icc_profiles.profile_for(known)
    assert ours is not None
    assert icc.identify(ours) is known
    assert struct.unpack_from(">I", ours)[0] == len(ours)
    assert ours in icc_profiles.OURS


# Primaries in CIE xy as their standards print them: SMPTE EG 432-1 with D65, Adobe RGB (1998), ISO 22028-2.
@pytest.mark.parametrize(
    ("known", "red", "green", "blue"),
    [
        (icc_profiles.Known.DISPLAY_P3, (0.680, 0.320), (0.265, 0.690), (0.150, 0.060)),
        (icc_profiles.Known.ADOBE_RGB, (0.640, 0.330), (0.210, 0.710), (0.150, 0.060)),
        (icc_profiles.Known.PROPHOTO, (0.7347, 0.2653), (0.1596, 0.8404), (0.0366, 0.0001)),
    ],
)
def test_little_cms_finds_the_standards_primaries_in_ours(
    known: icc_profiles.Known, red: tuple[float, float], green: tuple[float, float], blue: tuple[float, float]
) -> None:
    profile = littlecms(icc_profiles._PROFILES[known])
    adaptation = profile.chromatic_adaptation
    assert adaptation is not None
    for measured, expected in (
        (profile.red_colorant, red),
        (profile.green_colorant, green),
        (profile.blue_colorant, blue),
    ):
        assert measured is not None
        x, y, z = _solve(adaptation[0], measured[0])
        assert (x / (x + y + z), y / (x + y + z)) == pytest.approx(expected, abs=0.003)


def _solve(
    rows: tuple[tuple[float, float, float], ...], wanted: tuple[float, float, float]
) -> tuple[float, float, float]:
    """Undo the adaptation to D50, by Cramer's rule."""

    def determinant(matrix: list[list[float]]) -> float:
        (a, b, c), (d, e, f), (g, h, i) = matrix
        return a * (e * i - f * h) - b * (d * i - f * g) + c * (d * h - e * g)

    whole = [list(row) for row in rows]
    found = []
    for column in range(3):
        replaced = [[*row[:column], value, *row[column + 1 :]] for row, value in zip(whole, wanted, strict=True)]
        found.append(determinant(replaced) / determinant(whole))
    return found[0], found[1], found[2]


def test_the_srgb_of_little_cms_is_srgb_and_needs_no_profile() -> None:
    theirs = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert icc.identify(theirs) is icc_profiles.Known.SRGB
    assert icc_profiles.profile_for(icc_profiles.Known.SRGB) is None


def test_a_gamma_table_is_recognised_as_well_as_a_formula() -> None:
    table = b"curv" + bytes(4) + struct.pack(">I1024H", 1024, *(round((i / 1023) ** 2.2 * 65535) for i in range(1024)))
    profile = bytearray(icc_profiles._PROFILES[icc_profiles.Known.ADOBE_RGB])
    at = len(profile)
    for name in (b"rTRC", b"gTRC", b"bTRC"):
        struct.pack_into(">II", profile, profile.index(name) + 4, at, len(table))
    assert icc.identify(bytes(profile) + table) is icc_profiles.Known.ADOBE_RGB


def test_other_primaries_or_another_curve_are_a_devices_own() -> None:
    ours = icc_profiles._PROFILES[icc_profiles.Known.DISPLAY_P3]
    moved = bytearray(ours)
    offset = struct.unpack_from(">I", ours, ours.index(b"gXYZ") + 4)[0]
    struct.pack_into(">i", moved, offset + 8, int(0.25 * 65536))
    bent = bytearray(ours)
    offset = struct.unpack_from(">I", ours, ours.index(b"gTRC") + 4)[0]
    struct.pack_into(">i", bent, offset + 12, int(1.5 * 65536))
    assert icc.identify(bytes(moved)) is None
    assert icc.identify(bytes(bent)) is None


def test_a_table_profile_is_not_taken_for_its_matrix() -> None:
    ours = bytearray(icc_profiles._PROFILES[icc_profiles.Known.DISPLAY_P3])
    at = ours.index(b"cprt")
    ours[at : at + 4] = b"A2B0"
    assert icc.identify(bytes(ours)) is None


@given(data=st.data())
@settings(max_examples=300, deadline=None)
def test_a_damaged_profile_is_unknown_and_nothing_worse(data: st.DataObject) -> None:
    profile = bytearray(icc_profiles._PROFILES[icc_profiles.Known.DISPLAY_P3])
    for _ in range(data.draw(st.integers(1, 8))):
        profile[data.draw(st.integers(0, len(profile) - 1))] = data.draw(st.integers(0, 255))
    assert icc.identify(bytes(profile[: data.draw(st.integers(0, len(profile)))])) in {None, *icc_profiles.Known}
