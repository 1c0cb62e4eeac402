"""Strangers' colour profiles: which of the well-known colour spaces one describes.

Rules: a profile is never passed on. One that describes a standard space, by its numbers and not by its name, is
replaced by ours for that space (``icc_profiles``), the same bytes for everybody; sRGB needs none. Any other describes a
device (a calibrated screen, a scanner), and the picture is to be converted. ICC.1:2022 throughout; offsets are into the
profile.
"""

from __future__ import annotations

import contextlib
import io
import itertools
import struct
from typing import Final

from PIL import Image, ImageCms

from fieldreport import limits
from fieldreport.scrub.images.icc_profiles import (
    GRIDS,
    SPACES,
    Curve,
    Known,
    gamma,
    rounded_profile,
    srgb_curve,
    table_profile,
)

_TAGS: Final = 100  # a profile has ten to twenty
_NEAR: Final = 0.004  # makers round and adapt their numbers differently; the spaces are ten times further apart
_CURVE_NEAR: Final = 0.02
_SAMPLES: Final = tuple(step / 16 for step in range(1, 16))


def identify(untrusted_profile: bytes) -> Known | None:
    """The space a profile describes, or None for a device's own, a printer's, or a damaged one."""
    try:
        return _identify(untrusted_profile)
    except (struct.error, IndexError, OverflowError, ZeroDivisionError, ValueError, TypeError):
        return None


def without_device(untrusted_profile: bytes, components: int) -> bytes | None:
    """A device's profile as one that names none and gives the same colours, for where pixels are not converted.

    Raises:
        Nothing: a profile that is damaged, or of another number of components, is answered with None.
    """
    space, _ = GRIDS.get(components, (b"", 0))
    if not 132 <= len(untrusted_profile) <= limits.ICC_BYTES or untrusted_profile[16:20] != space:
        return None
    with contextlib.suppress(struct.error, IndexError, KeyError, ArithmeticError, ValueError, TypeError):
        tags = _read_tags(untrusted_profile)
        curves = [_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC")]
        if not any(name.startswith((b"A2B", b"D2B")) for name in tags) and all(
            _same_curve(curve, curves[0]) for curve in curves
        ):
            colorants = tuple(number for name in (b"rXYZ", b"gXYZ", b"bXYZ") for number in _xyz(tags[name]))
            if (rounded := rounded_profile(colorants, curves[0])) is not None:
                return rounded
    return _sampled(untrusted_profile, components)


def _sampled(untrusted_profile: bytes, components: int) -> bytes | None:
    """Its colours in the places of a grid."""
    _, grid = GRIDS[components]
    levels = bytes(round(step * 255 / (grid - 1)) for step in range(grid))
    places = bytes(itertools.chain.from_iterable(itertools.product(levels, repeat=components)))
    mode = {1: "L", 3: "RGB", 4: "CMYK"}[components]
    image = Image.frombytes(mode, (len(places) // components, 1), places)
    try:
        profile = ImageCms.ImageCmsProfile(io.BytesIO(untrusted_profile))
        lab = ImageCms.profileToProfile(image, profile, ImageCms.createProfile("LAB"), outputMode="LAB")
    except (ImageCms.PyCMSError, OSError, ValueError):
        return None
    if lab is None:
        return None
    table = bytearray(lab.tobytes())
    for index in (1, 2):  # Pillow counts a and b from zero, the table from 128
        table[index::3] = bytes(byte ^ 0x80 for byte in table[index::3])
    return table_profile(components, bytes(table))


def _identify(profile: bytes) -> Known | None:
    if len(profile) < 132 or len(profile) > limits.ICC_BYTES or profile[36:40] != b"acsp":
        return None
    tags = _read_tags(profile)
    if any(name.startswith((b"A2B", b"D2B")) for name in tags):
        return None  # a table outranks the matrix
    space = profile[16:20]
    if space == b"GRAY" and b"kTRC" in tags:
        curve = _curve(tags[b"kTRC"])
        near = (srgb_curve, gamma(2.2))
        return Known.GRAY if any(_same_curve(curve, other) for other in near) else None
    if space != b"RGB " or not {b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"} <= tags.keys():
        return None
    colorants = tuple(number for name in (b"rXYZ", b"gXYZ", b"bXYZ") for number in _xyz(tags[name]))
    curves = [_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC")]
    for known, standard in SPACES.items():
        if all(abs(a - b) <= _NEAR for a, b in zip(colorants, standard.colorants, strict=True)) and all(
            _same_curve(curve, standard.curve) for curve in curves
        ):
            return known
    return None


def _read_tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    tags = {}
    for index in range(min(count, _TAGS)):
        name, offset, size = struct.unpack_from(">4sII", profile, 132 + 12 * index)
        tags[name] = profile[offset : offset + size]
    return tags


def _fixed(data: bytes, offset: int) -> float:
    return float(struct.unpack_from(">i", data, offset)[0]) / 65536


def _xyz(tag: bytes) -> tuple[float, float, float]:
    return _fixed(tag, 8), _fixed(tag, 12), _fixed(tag, 16)


def _curve(tag: bytes) -> Curve:
    if tag[:4] == b"para":
        return _parametric(tag)
    if tag[:4] != b"curv":
        raise ValueError
    (count,) = struct.unpack_from(">I", tag, 8)
    if count == 0:
        return gamma(1.0)
    if count == 1:
        return gamma(struct.unpack_from(">H", tag, 12)[0] / 256)
    table = struct.unpack_from(f">{min(count, 65536)}H", tag, 12)
    return lambda value: table[round(value * (len(table) - 1))] / 65535


def _parametric(tag: bytes) -> Curve:
    """Clause 10.18, function types 0 to 4."""
    (kind,) = struct.unpack_from(">H", tag, 8)
    numbers = [_fixed(tag, 12 + 4 * index) for index in range((1, 3, 4, 5, 7)[kind])]
    g, a, b, c, d, e, f = numbers + [1.0, 0.0, 0.0, 0.0, 0.0, 0.0][len(numbers) - 1 :]
    match kind:
        case 0:
            return gamma(g)
        case 1:
            return lambda x: (a * x + b) ** g if x >= -b / a else 0.0
        case 2:
            return lambda x: (a * x + b) ** g + c if x >= -b / a else c
        case 3:
            return lambda x: (a * x + b) ** g if x >= d else c * x
        case _:
            return lambda x: (a * x + b) ** g + e if x >= d else c * x + f


def _same_curve(one: Curve, other: Curve) -> bool:
    return all(abs(one(value) - other(value)) <= _CURVE_NEAR for value in _SAMPLES)
