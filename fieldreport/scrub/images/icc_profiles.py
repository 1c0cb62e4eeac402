"""The standard colour spaces, and a profile of ours for each: the only ones that may be in a clean file.

Rule: specification only, for both the writers and the verifiers of pictures. What reads a stranger's profile is in
``icc``. Source: ICC.1:2022.
"""

from __future__ import annotations

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


def _build(name: str, space: Space) -> bytes:
    text = b"mluc" + struct.pack(">4xII2s2sII", 1, 12, b"en", b"US", len(name) * 2, 28) + name.encode("utf-16-be")
    empty = b"mluc" + struct.pack(">4xII2s2sII", 1, 12, b"en", b"US", 0, 28)
    kind, parameters = space.parameters
    curve = b"para" + struct.pack(">4xH2x", kind) + b"".join(_to_fixed(number) for number in parameters)
    red, green, blue = (space.colorants[start : start + 3] for start in (0, 3, 6))
    blocks: list[tuple[tuple[bytes, ...], bytes]] = [
        ((b"desc",), text),
        ((b"cprt",), empty),
        ((b"wtpt",), _xyz_tag(_D50)),
        ((b"chad",), b"sf32" + bytes(4) + b"".join(_to_fixed(number) for number in space.adaptation)),
        ((b"rXYZ",), _xyz_tag(red)),
        ((b"gXYZ",), _xyz_tag(green)),
        ((b"bXYZ",), _xyz_tag(blue)),
        ((b"rTRC", b"gTRC", b"bTRC"), curve),
    ]
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
        ">I4xI4s4s4s12x4s24xI12s48x",
        size,
        0x0430_0000,  # version 4.3
        b"mntr",
        b"RGB ",
        b"XYZ ",
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
