"""Colour spaces, functions and shadings, copied into the new document; and how anything is copied once.

ICC profiles, which name devices, give way to ones of ours that give the same colours; names of inks become neutral;
calculator functions are written from their tokens.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any, Final

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream, String

from fieldreport.scrub.documents.pdf import values
from fieldreport.scrub.documents.pdf.bounds import Decoder
from fieldreport.scrub.documents.pdf.postscript import clean_calculator
from fieldreport.scrub.format import Cleaning
from fieldreport.scrub.images.icc import identify, without_device
from fieldreport.scrub.images.icc_profiles import GRIDS, is_ours, profile_for
from fieldreport.scrub.verdicts import Bomb, Damaged, Removed

DEPTH: Final = 40  # forms in forms, functions in functions: real files stay below ten
DEVICE: Final = {"/DeviceGray": 1, "/DeviceRGB": 3, "/DeviceCMYK": 4}
_ABBREVIATED: Final = {"/G": "/DeviceGray", "/RGB": "/DeviceRGB", "/CMYK": "/DeviceCMYK", "/I": "/Indexed"}
_BY_COMPONENTS: Final = {1: Name.DeviceGray, 3: Name.DeviceRGB, 4: Name.DeviceCMYK}
_D50: Final = (Decimal("0.9642"), 1, Decimal("0.8249"))
_INKS: Final = values.one_of("/Cyan", "/Magenta", "/Yellow", "/Black", "/All", "/None")
_CALIBRATED: Final = dict.fromkeys(("/WhitePoint", "/BlackPoint", "/Matrix", "/Range"), values.numbers) | {
    "/Gamma": lambda value: values.numbers(value) or values.number(value)
}
_FUNCTION: Final[dict[str, values.Copy]] = {
    **dict.fromkeys(("/Domain", "/Range", "/Size", "/Encode", "/Decode", "/C0", "/C1", "/Bounds"), values.numbers),
    **dict.fromkeys(("/FunctionType", "/BitsPerSample", "/Order"), values.integer),
    "/N": values.number,
}
_SHADING: Final[dict[str, values.Copy]] = {
    **dict.fromkeys(("/Background", "/BBox", "/Domain", "/Matrix", "/Coords", "/Decode"), values.numbers),
    **dict.fromkeys(
        ("/ShadingType", "/BitsPerCoordinate", "/BitsPerComponent", "/BitsPerFlag", "/VerticesPerRow"), values.integer
    ),
    "/AntiAlias": values.boolean,
    "/Extend": values.booleans,
}


class Colours:
    """One old document's colours on their way into a new one."""

    def __init__(self, old: pikepdf.Pdf, new: pikepdf.Pdf, cleaning: Cleaning) -> None:
        self._old = old
        self._new = new
        self._cleaning = cleaning
        self._decoder = Decoder(old, cleaning)
        self._made: dict[tuple[Any, ...], Any] = {}
        self._profiles: dict[bytes, Stream] = {}
        self._depth = 0

    def _stream(self, data: bytes) -> Stream:
        return self._new.make_stream(data)

    def _once(self, kind: str, source: Any, make: Callable[[], Any]) -> Any:
        """The copy of ``source``, made the first time; direct objects are copied each time."""
        key = (kind, source.objgen)
        if source.is_indirect and key in self._made:
            return self._made[key]
        with self._deeper():
            made = make()
        if source.is_indirect:
            self._made[key] = made
        return made

    @contextmanager
    def _deeper(self) -> Iterator[None]:
        self._depth += 1
        try:
            if self._depth > DEPTH:
                raise Bomb
            yield
        finally:
            self._depth -= 1

    def colour_space(self, source: Any) -> Any:
        """A colour space as a name or an array; None if it makes no sense."""
        if isinstance(source, Name):
            name = _ABBREVIATED.get(values.spelled(source), values.spelled(source))
            return Name(name) if name in DEVICE or name == "/Pattern" else None
        if not isinstance(source, Array) or not len(source) or not isinstance(source[0], Name):
            return None
        return self._once("colour", source, lambda: self._colour_array(source))

    def _colour_array(self, source: Any) -> Any:
        kind = _ABBREVIATED.get(values.spelled(source[0]), values.spelled(source[0]))
        if kind in DEVICE or (kind == "/Pattern" and len(source) == 1):
            return Name(kind)
        if len(source) < 2:
            return None
        match kind:
            case "/ICCBased" if isinstance(source[1], Stream):
                return self._once("profile", source[1], lambda: self._by_profile(source[1]))
            case "/CalGray" | "/CalRGB" | "/Lab" if isinstance(source[1], Dictionary):
                return Array([Name(kind), values.dictionary(source[1], _CALIBRATED)])
            case "/Pattern":
                base = self.colour_space(source[1])
                return None if base is None else Array([Name.Pattern, base])
            case "/Indexed" if len(source) == 4:
                return self._indexed(source)
            case "/Separation" | "/DeviceN" if len(source) >= 4:
                base = self.colour_space(source[2])
                if base is None:
                    return None
                names = [_ink(name, 0) for name in [source[1]]] if kind == "/Separation" else _inks(source[1])
                return Array(
                    [Name(kind), names[0] if kind == "/Separation" else Array(names), base, self.function(source[3])]
                )
            case _:
                return None

    def _by_profile(self, source: Stream) -> Any:
        components = values.integer(source.get("/N")) or 0
        try:
            return self.profile(self._decoder.plain(source), components)
        except Damaged:
            return _BY_COMPONENTS.get(components)

    def profile(self, untrusted_profile: bytes, components: int) -> Any:
        """The colour space of an ICC profile, without the device that it describes; None when there is none."""
        kept: bytes | None = untrusted_profile
        if not is_ours(untrusted_profile):
            self._cleaning.removed.add(Removed.COLOUR_PROFILE)
            space, _ = GRIDS.get(components, (b"", 0))
            if untrusted_profile[16:20] == b"Lab " and components == 3:
                return Array([Name.Lab, Dictionary(WhitePoint=Array(_D50), Range=Array([-128, 127, -128, 127]))])
            if untrusted_profile[16:20] != space:
                return _BY_COMPONENTS.get(components)
            known = identify(untrusted_profile)
            kept = profile_for(known) if known else without_device(untrusted_profile, components)
        if kept is None:
            return _BY_COMPONENTS.get(components)
        if kept not in self._profiles:
            self._profiles[kept] = self._stream(kept)
            self._profiles[kept].N = components
        return Array([Name.ICCBased, self._profiles[kept]])

    def _indexed(self, source: Any) -> Any:
        base, highest = self.colour_space(source[1]), values.integer(source[2])
        if base is None or highest is None or not 0 <= highest <= 255:
            return None
        lookup = source[3]
        table = self._decoder.plain(lookup) if isinstance(lookup, Stream) else bytes(lookup)
        table = table[: (highest + 1) * (components(base) or 4)]
        return Array([Name.Indexed, base, highest, String(table)])

    def function(self, source: Any) -> Any:
        """A function, or an array of functions, or /Identity."""
        if isinstance(source, Name):
            return Name.Identity
        if isinstance(source, Array):
            return Array([self.function(item) for item in source])
        if not isinstance(source, Dictionary | Stream):
            raise Damaged

        def make() -> Any:
            table = source.stream_dict if isinstance(source, Stream) else source
            if isinstance(source, Stream):
                data = self._decoder.plain(source)
                kept: Any = self._stream(
                    clean_calculator(data) if table.get("/FunctionType") == 4 else data[: _samples_bytes(table)]
                )
            else:
                kept = self._new.make_indirect(Dictionary())
            values.keys(table, _FUNCTION, kept)
            if isinstance(parts := table.get("/Functions"), Array):
                kept.Functions = self.function(parts)
            return kept

        return self._once("function", source, make)

    def shading(self, source: Any) -> Any:
        """A shading; None if its colours make no sense."""
        if not isinstance(source, Dictionary | Stream):
            return None

        def make() -> Any:
            stream = source if isinstance(source, Stream) else None
            kept: Any = self._stream(self._decoder.plain(stream)) if stream else self._new.make_indirect(Dictionary())
            values.keys(source, _SHADING, kept)
            space = self.colour_space(source.get("/ColorSpace"))
            if space is None:
                return None
            kept.ColorSpace = space
            if (function := source.get("/Function")) is not None:
                kept.Function = self.function(function)
            return kept

        return self._once("shading", source, make)


def _samples_bytes(table: Any) -> int | None:
    """How long the samples of a sampled function are (ISO 32000-1, 7.10.2); None where it does not say."""
    size, results = table.get("/Size"), table.get("/Range")
    bits = values.integer(table.get("/BitsPerSample"))
    if not isinstance(size, Array) or not isinstance(results, Array) or bits is None:
        return None
    counts = [values.integer(each) for each in size]
    if any(count is None or count < 1 for count in counts) or bits < 1:
        return None
    total = len(results) // 2 * bits
    for count in counts:
        total *= count or 1
    return -(-total // 8)


def components(space: Any) -> int | None:
    """How many numbers make a colour in a cleaned colour space; None if it is not known."""
    if isinstance(space, Name):
        return DEVICE.get(values.spelled(space))
    if not isinstance(space, Array):
        return None
    match values.spelled(space[0]):
        case "/CalGray" | "/Indexed" | "/Separation":
            return 1
        case "/CalRGB" | "/Lab":
            return 3
        case "/DeviceN":
            return len(space[1])
        case "/ICCBased":
            return values.integer(space[1].get("/N"))
        case _:
            return None


def _ink(name: Any, index: int) -> Name:
    return _INKS(name) or Name(f"/Ink{index + 1}")


def _inks(names: Any) -> list[Name]:
    if not isinstance(names, Array) or not 1 <= len(names) <= 32:
        raise Damaged
    return [_ink(name, index) for index, name in enumerate(names)]
