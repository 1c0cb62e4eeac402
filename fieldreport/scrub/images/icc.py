"""Colour profiles: which of the well-known colour spaces a profile describes, and a profile of ours for each.

Rules: a profile is never passed on. One that describes a standard space, by its numbers and not by its name, is
replaced by ours for that space, the same bytes for everybody; sRGB needs none. Any other describes a device (a
calibrated screen, a scanner), and the picture is to be converted. ICC.1:2022 throughout; offsets are into the
profile.
"""

from __future__ import annotations

import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Final

from fieldreport import limits

_TAGS: Final = 100  # a profile has ten to twenty
_NEAR: Final = 0.004  # makers round and adapt their numbers differently; the spaces are ten times further apart
_CURVE_NEAR: Final = 0.02
_SAMPLES: Final = tuple(step / 16 for step in range(1, 16))
_D50: Final = (0.9642, 1.0, 0.8249)
_BRADFORD_D65: Final = (1.047882, 0.022919, -0.050217, 0.029587, 0.990479, -0.017059, -0.009232, 0.015076, 0.751678)
_NO_ADAPTATION: Final = (1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0)

Curve = Callable[[float], float]


def _srgb_curve(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _gamma(exponent: float) -> Curve:
    return lambda value: float(value**exponent)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Space:
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
_SPACES: Final[Mapping[Known, _Space]] = {
    Known.SRGB: _Space(
        colorants=(0.43607, 0.22249, 0.01392, 0.38515, 0.71687, 0.09708, 0.14307, 0.06061, 0.71410),
        curve=_srgb_curve,
        parameters=_SRGB_PARAMETERS,
    ),
    Known.DISPLAY_P3: _Space(
        colorants=(0.51512, 0.24120, -0.00105, 0.29198, 0.69225, 0.04189, 0.15710, 0.06657, 0.78407),
        curve=_srgb_curve,
        parameters=_SRGB_PARAMETERS,
    ),
    Known.ADOBE_RGB: _Space(
        colorants=(0.60974, 0.31111, 0.01947, 0.20528, 0.62567, 0.06087, 0.14919, 0.06322, 0.74457),
        curve=_gamma(563 / 256),
        parameters=(0, (563 / 256,)),
    ),
    Known.PROPHOTO: _Space(
        colorants=(0.79767, 0.28804, 0.0, 0.13519, 0.71188, 0.0, 0.03134, 0.00009, 0.82491),
        curve=_gamma(1.8),
        parameters=(0, (1.8,)),
        adaptation=_NO_ADAPTATION,
    ),
}


def identify(untrusted_profile: bytes) -> Known | None:
    """The space a profile describes, or None for a device's own, a printer's, or a damaged one."""
    try:
        return _identify(untrusted_profile)
    except (struct.error, IndexError, OverflowError, ZeroDivisionError, ValueError, TypeError):
        return None


def _identify(profile: bytes) -> Known | None:
    if len(profile) < 132 or len(profile) > limits.ICC_BYTES or profile[36:40] != b"acsp":
        return None
    tags = _read_tags(profile)
    if any(name.startswith((b"A2B", b"D2B")) for name in tags):
        return None  # a table outranks the matrix
    space = profile[16:20]
    if space == b"GRAY" and b"kTRC" in tags:
        curve = _curve(tags[b"kTRC"])
        near = (_srgb_curve, _gamma(2.2))
        return Known.GRAY if any(_same_curve(curve, other) for other in near) else None
    if space != b"RGB " or not {b"rXYZ", b"gXYZ", b"bXYZ", b"rTRC", b"gTRC", b"bTRC"} <= tags.keys():
        return None
    colorants = tuple(number for name in (b"rXYZ", b"gXYZ", b"bXYZ") for number in _xyz(tags[name]))
    curves = [_curve(tags[name]) for name in (b"rTRC", b"gTRC", b"bTRC")]
    for known, standard in _SPACES.items():
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
        return _gamma(1.0)
    if count == 1:
        return _gamma(struct.unpack_from(">H", tag, 12)[0] / 256)
    table = struct.unpack_from(f">{min(count, 65536)}H", tag, 12)
    return lambda value: table[round(value * (len(table) - 1))] / 65535


def _parametric(tag: bytes) -> Curve:
    """Clause 10.18, function types 0 to 4."""
    (kind,) = struct.unpack_from(">H", tag, 8)
    numbers = [_fixed(tag, 12 + 4 * index) for index in range((1, 3, 4, 5, 7)[kind])]
    g, a, b, c, d, e, f = numbers + [1.0, 0.0, 0.0, 0.0, 0.0, 0.0][len(numbers) - 1 :]
    match kind:
        case 0:
            return _gamma(g)
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


def profile_for(known: Known) -> bytes | None:
    """Our profile for a space; None where a picture needs none (sRGB, plain grey)."""
    return _PROFILES.get(known)


def _build(name: str, space: _Space) -> bytes:
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
    known: _build(known.value, space) for known, space in _SPACES.items() if known is not Known.SRGB
}
OURS: Final = frozenset(_PROFILES.values())
"""Every profile that may be in a clean file."""
