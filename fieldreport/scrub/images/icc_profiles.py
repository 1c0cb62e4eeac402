"""The standard colour spaces, and a profile of ours for each: the only ones that may be in a clean file.

Rule: specification only, for both the writers and the verifiers of pictures. What reads a stranger's profile is in
``icc``. Source: ICC.1:2022.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

_D50: Final = (0.9642, 1.0, 0.8249)
_BRADFORD_D65: Final = (1.047882, 0.022919, -0.050217, 0.029587, 0.990479, -0.017059, -0.009232, 0.015076, 0.751678)
_NO_ADAPTATION: Final = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

Curve = Callable[[float], float]


def srgb_curve(value: float) -> float:
    """From a coded value to light, both 0 to 1 (IEC 61966-2-1)."""
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def gamma(exponent: float) -> Curve:
    """The curve that is a power."""
    return lambda value: float(value**exponent)


@dataclass(frozen=True, slots=True, kw_only=True)
class Space:
    """What a profile of one colour space says."""

    colorants: tuple[float, ...]  # red, green, blue; X, Y, Z each, adapted to D50
    curve: Curve
    parameters: tuple[int, tuple[float, ...]]  # type and parameters of a parametricCurveType
    adaptation: tuple[float, ...] = _BRADFORD_D65


class Known(Enum):
    """The spaces that cameras, phones and screens' software use by name."""

    SRGB = "sRGB"
    DISPLAY_P3 = "P3"
    ADOBE_RGB = "A98"
    PROPHOTO = "ROMM"
    GRAY = "gray"  # a plain tone curve, drawn by viewers as if there were none


_SRGB_PARAMETERS: Final = (3, (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
SPACES: Final[Mapping[Known, Space]] = {
    Known.SRGB: Space(
        colorants=(0.43607, 0.22249, 0.01392, 0.38515, 0.71687, 0.09708, 0.14307, 0.06061, 0.71410),
        curve=srgb_curve,
        parameters=_SRGB_PARAMETERS,
    ),
    Known.DISPLAY_P3: Space(
        colorants=(0.51512, 0.24120, -0.00105, 0.29198, 0.69225, 0.04189, 0.15710, 0.06657, 0.78407),
        curve=srgb_curve,
        parameters=_SRGB_PARAMETERS,
    ),
    Known.ADOBE_RGB: Space(
        colorants=(0.60974, 0.31111, 0.01947, 0.20528, 0.62567, 0.06087, 0.14919, 0.06322, 0.74457),
        curve=gamma(563 / 256),
        parameters=(0, (563 / 256,)),
    ),
    Known.PROPHOTO: Space(
        colorants=(0.79767, 0.28804, 0.0, 0.13519, 0.71188, 0.0, 0.03134, 0.00009, 0.82491),
        curve=gamma(1.8),
        parameters=(0, (1.8,)),
        adaptation=_NO_ADAPTATION,
    ),
}


def profile_for(known: Known) -> bytes | None:
    """Our profile for a space; None where a picture needs none (sRGB, plain grey)."""
    return _PROFILES.get(known)


GRIDS: Final[Mapping[int, tuple[bytes, int]]] = {1: (b"GRAY", 255), 3: (b"RGB ", 17), 4: (b"CMYK", 9)}
"""By number of components: the colour space's signature, and in how many places a table samples each component."""
_STEPS: Final = 64  # parts of one in which a device's primaries are told
_POWERS: Final[tuple[tuple[int, tuple[float, ...]], ...]] = (
    _SRGB_PARAMETERS,
    *((0, (tenths / 10,)) for tenths in range(10, 31)),
)
_CURVE_NEAR: Final = 0.03
_SAMPLES: Final = tuple(step / 16 for step in range(1, 16))
_TABLE_VERSION: Final = 0x0210_0000  # from 4.0 on, black of the perceptual intent is another
_LUT_HEADER: Final = 48  # bytes of a lut8Type before its curves
_RAMP: Final = bytes(range(256))


def rounded_profile(colorants: tuple[float, ...], curve: Curve) -> bytes | None:
    """A profile with a device's red, green and blue so coarsely that many devices share it: pixels look the same.

    Args:
        colorants: X, Y and Z of red, green and blue, adapted to D50.
        curve: from a coded value to light, both 0 to 1, for all three.

    Returns:
        None when that would not look the same: for another white, or a curve that is no power.
    """
    errors = [max(abs(curve(value) - _curve_of(parameters)(value)) for value in _SAMPLES) for parameters in _POWERS]
    rounded = _rounded(colorants)
    if min(errors) > _CURVE_NEAR or any(abs(a - b) > 2 / _STEPS for a, b in zip(rounded, colorants, strict=True)):
        return None
    return _by_primaries("RGB", rounded, _POWERS[errors.index(min(errors))])


def table_profile(components: int, table: bytes) -> bytes:
    """A profile that is nothing but a table of colours (lut8Type, clause 10.10), for inks and scanners.

    Args:
        components: 1, 3 or 4.
        table: L, a and b in a byte each for every place of the grid (``GRIDS``), the last component varying fastest.
    """
    space, grid = GRIDS[components]
    identity = b"".join(map(_to_fixed, _NO_ADAPTATION))
    lut = b"mft1" + struct.pack(">4xBBBx", components, 3, grid) + identity + _RAMP * components + table + _RAMP * 3
    return _assemble(b"scnr" + space + b"Lab ", "Table", [((b"A2B0",), lut)], version=_TABLE_VERSION)


def is_ours(profile: bytes) -> bool:
    """Whether a profile is one of ``OURS``, or what ``rounded_profile`` or ``table_profile`` could have made."""
    if profile in OURS:
        return True
    components = next((number for number, (space, _) in GRIDS.items() if space == profile[16:20]), 0)
    if profile[20:24] == b"Lab " and components:
        start = profile.rfind(b"mft1") + _LUT_HEADER + 256 * components
        return table_profile(components, profile[start : start + 3 * GRIDS[components][1] ** components]) == profile
    triples = [match.end() for match in re.finditer(rb"XYZ \0\0\0\0", profile)][-3:]
    if len(triples) < 3 or triples[-1] + 12 > len(profile):
        return False
    colorants = tuple(number / 65536 for start in triples for number in struct.unpack_from(">3i", profile, start))
    return max(map(abs, colorants)) < 2 and any(
        _by_primaries("RGB", _rounded(colorants), parameters) == profile for parameters in _POWERS
    )


def _rounded(colorants: tuple[float, ...]) -> tuple[float, ...]:
    """Red and green in few steps, and blue so that white stays white."""
    coarse = tuple(round(number * _STEPS) / _STEPS for number in colorants[:6])
    return coarse + tuple(white - red - green for white, red, green in zip(_D50, coarse[:3], coarse[3:], strict=True))


def _curve_of(parameters: tuple[int, tuple[float, ...]]) -> Curve:
    return srgb_curve if parameters == _SRGB_PARAMETERS else gamma(parameters[1][0])


def _text(words: str) -> bytes:
    return b"mluc" + struct.pack(">4xII2s2sII", 1, 12, b"en", b"US", len(words) * 2, 28) + words.encode("utf-16-be")


def _build(name: str, space: Space) -> bytes:
    return _by_primaries(name, space.colorants, space.parameters, space.adaptation)


def _by_primaries(
    name: str,
    colorants: tuple[float, ...],
    parameters: tuple[int, tuple[float, ...]],
    adaptation: tuple[float, ...] = _BRADFORD_D65,
) -> bytes:
    kind, numbers = parameters
    curve = b"para" + struct.pack(">4xH2x", kind) + b"".join(_to_fixed(number) for number in numbers)
    red, green, blue = (colorants[start : start + 3] for start in (0, 3, 6))
    blocks: list[tuple[tuple[bytes, ...], bytes]] = [
        ((b"chad",), b"sf32" + bytes(4) + b"".join(_to_fixed(number) for number in adaptation)),
        ((b"rXYZ",), _xyz_tag(red)),
        ((b"gXYZ",), _xyz_tag(green)),
        ((b"bXYZ",), _xyz_tag(blue)),
        ((b"rTRC", b"gTRC", b"bTRC"), curve),
    ]
    return _assemble(b"mntrRGB XYZ ", name, blocks)


def _assemble(
    kind: bytes, name: str, blocks: list[tuple[tuple[bytes, ...], bytes]], *, version: int = 0x0430_0000
) -> bytes:
    """A profile of a class, a colour space and a connection space (four bytes each), with its tags in order."""
    blocks = [((b"desc",), _text(name)), ((b"cprt",), _text("")), ((b"wtpt",), _xyz_tag(_D50)), *blocks]
    count = sum(len(names) for names, _ in blocks)
    table, body = b"", b""
    start = 128 + 4 + 12 * count
    for names, block in blocks:
        padded = block.ljust(-(-len(block) // 4) * 4, b"\0")
        for tag in names:
            table += struct.pack(">4sII", tag, start + len(body), len(block))
        body += padded
    size = start + len(body)
    header = struct.pack(
        ">I4xI12s12x4s24xI12s48x",
        size,
        version,
        kind,
        b"acsp",
        0,  # rendering intent: perceptual
        b"".join(_to_fixed(number) for number in _D50),
    )
    return header + struct.pack(">I", count) + table + body


def _xyz_tag(values: tuple[float, ...]) -> bytes:
    return b"XYZ " + bytes(4) + b"".join(_to_fixed(value) for value in values)


def _to_fixed(value: float) -> bytes:
    return struct.pack(">i", round(value * 65536))


_PROFILES: Final[Mapping[Known, bytes]] = {
    known: _build(known.value, space) for known, space in SPACES.items() if known is not Known.SRGB
}
OURS: Final = frozenset(_PROFILES.values())
"""Every profile that may be in a clean file."""
