"""Pictures inside content streams whose pixels hold what looks like their end.

Such a picture says nowhere how long it is (ISO 32000-1, 8.9.7), so readers look for the operator EI, which may be among
its pixels by chance. Of pixels that are not packed, or packed by Deflate, the length is known all the same: they are
written in hexadecimal digits, in which no operator can stand, before anything looks for the end.
"""

from __future__ import annotations

import re
import zlib
from typing import Final

from fieldreport import limits

_BEGIN: Final = re.compile(rb"(?<![^\s\]\)>])BI(?=[\s/])([^()]{0,2000}?)(?<=[\s\]>0-9a-zA-Z])ID[ \t\n\r\f\0]")
_END: Final = re.compile(rb"[\0\t\n\f\r ]{0,2}EI(?=[\0\t\n\f\r /\[<(]|\Z)")
_LOOKS_LIKE_END: Final = re.compile(rb"(?<=[\0\t\n\f\r ])EI(?=[\0\t\n\f\r /\[<(])")
_NUMBER: Final = re.compile(rb"/(W|Width|H|Height|BPC|BitsPerComponent)\s+(\d{1,6})(?![\d.])")
_FILTER: Final = re.compile(rb"/(?:F|Filter)\s*(/[A-Za-z0-9]+|\[\s*(?:/[A-Za-z0-9]+\s*)*\])")
_PARAMETERS: Final = re.compile(rb"/(?:DP|DecodeParms)\s*(<<[^<>]*>>|\[\s*(?:<<[^<>]*>>|null|\s)*\])")
_MASK: Final = re.compile(rb"/(?:IM|ImageMask)\s+true\b")
_SPACE: Final = re.compile(rb"/(?:CS|ColorSpace)\s*(/[^\s/\[\]<>()]+|\[\s*/[^\s/\[\]<>()]+)")
_COMPONENTS: Final = {
    **dict.fromkeys((b"/G", b"/DeviceGray", b"/I", b"/Indexed", b"/CalGray", b"/Separation"), 1),
    **dict.fromkeys((b"/RGB", b"/DeviceRGB", b"/CalRGB", b"/Lab"), 3),
    **dict.fromkeys((b"/CMYK", b"/DeviceCMYK"), 4),
}
_PIECE: Final = 1 << 16
_DEFLATED: Final = frozenset({b"/Fl", b"/FlateDecode"})


def spelled_out(untrusted: bytes) -> bytes:
    """A content stream in which no picture holds what looks like its end, as far as its length is known."""
    if b"EI" not in untrusted or _BEGIN.search(untrusted) is None:
        return untrusted
    pieces: list[bytes] = []
    position = 0
    while (found := _BEGIN.search(untrusted, position)) is not None:
        start = found.end()
        end = _end_of_pixels(found[1], untrusted, start)
        if end is None:
            pieces.append(untrusted[position:start])
            position = start
            continue
        pixels = untrusted[start:end]
        if _LOOKS_LIKE_END.search(b" " + pixels) is None:
            pieces.append(untrusted[position:end])
        else:
            pieces.append(untrusted[position : found.start()])
            pieces.append(b"BI" + _in_digits(found[1]) + b" ID " + pixels.hex().encode() + b"> EI")
            end = _after(untrusted, end)
        position = end
    return b"".join([*pieces, untrusted[position:]])


def _after(data: bytes, end: int) -> int:
    match = _END.match(data, end)
    return end if match is None else match.end()


def _in_digits(said: bytes) -> bytes:
    """What describes a picture, with the filter that reads digits before those it has."""
    parameters = _PARAMETERS.search(said)
    if parameters is not None:
        said = said[: parameters.start()] + said[parameters.end() :]
        said += b" /DP [null " + parameters[1].removeprefix(b"[").removesuffix(b"]") + b"]"
    filters = _FILTER.search(said)
    if filters is None:
        return said + b" /F /AHx"
    names = filters[1].strip(b"[]")
    return said[: filters.start()] + b"/F [/AHx " + names + b"]" + said[filters.end() :]


def _end_of_pixels(said: bytes, data: bytes, start: int) -> int | None:
    """Where the pixels end that begin there; None where that is not known."""
    filters = _FILTER.search(said)
    names = [] if filters is None else filters[1].strip(b"[]").split()
    if not names:
        return next((end for end in _raw_ends(said, start) if _END.match(data, end) is not None), None)
    if names[0] not in _DEFLATED:
        return None
    inflater = zlib.decompressobj()
    position, left = start, limits.PDF_CONTENT_BYTES
    try:
        while not inflater.eof and left > 0 and position < len(data):
            rest = data[position : position + _PIECE]
            position += len(rest)
            while rest and left > 0:
                left -= len(inflater.decompress(rest, _PIECE))
                rest = inflater.unconsumed_tail
    except zlib.error:
        return None
    end = position - len(inflater.unused_data)
    return end if inflater.eof and _END.match(data, end) is not None else None


def _raw_ends(said: bytes, start: int) -> list[int]:
    numbers = {name[:1]: int(number) for name, number in _NUMBER.findall(said)}
    width, height, bits = numbers.get(b"W", 0), numbers.get(b"H", 0), numbers.get(b"B", 8)
    space = _SPACE.search(said)
    if _MASK.search(said) is not None:
        bits, components = 1, [1]
    elif space is not None and (known := _COMPONENTS.get(space[1].strip(b"[ \t\r\n"))) is not None:
        components = [known]
    else:
        components = [1, 3, 4]  # the resources say which; one of them ends at an EI
    if not (width and height):
        return []
    return [start + (width * each * bits + 7) // 8 * height for each in components]
