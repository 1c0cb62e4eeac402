"""Writing a JPEG of the segments that are kept, or of the picture turned upright."""

from __future__ import annotations

import contextlib
import dataclasses
import struct
from typing import Final

from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.images import codecs, icc, icc_profiles, paper
from fieldreport.scrub.images.jpeg.parse import APP0, APP2, APP14, FRAMES, ICC_PREFIX, JFIF, Picture, parse
from fieldreport.scrub.verdicts import Mode, Refused, Removed

_DENSEST: Final = 4  # times as many bytes as other rows take
_LEAST: Final = 1 << 16


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """A file of the same pixels, or the picture turned upright."""
    data = untrusted_source.whole()
    picture = parse(data, cleaning.removed)
    profile = picture.profile
    known = icc.identify(profile) if profile else icc_profiles.Known.SRGB
    fits = picture.components in {1, 3}  # for paper, the profile is how the colours are meant
    must_convert = bool(profile) and (known is None or not fits)
    if profile and (known is None or profile not in icc_profiles.OURS):
        cleaning.removed.add(Removed.COLOUR_PROFILE)
    ours = icc_profiles.profile_for(known) if known is not None and fits and picture.components == 3 else None
    if picture.orientation == 1 and not must_convert and cleaning.mode is Mode.LOSSLESS:
        if picture.components > 1 and not picture.exposed and paper.is_page(*picture.size):  # grey shows no yellow
            _look(picture, cleaning)
        sink.write(_assemble(picture, ours))
        return "image/jpeg"
    cleaning.spend(picture.size[0] * picture.size[1] * 8)  # decoded, and its turned copy
    decoded = codecs.decode(_assemble(picture, None), "image/jpeg", cleaning.noted)
    turned = codecs.upright(decoded, picture.orientation)
    if must_convert or (ours and cleaning.mode is Mode.STRONG):
        turned, ours = codecs.to_srgb(turned, profile), None
    turned = paper.page(turned, cleaning)
    encoded = codecs.encode_jpeg(turned, subsampling=_subsampling(picture))
    sink.write(_assemble(parse(encoded, set()), ours))
    return "image/jpeg"


def _look(picture: Picture, cleaning: Cleaning) -> None:
    """Look for printer dots in the first rows, which are decoded as a picture of their own."""
    width, height = picture.size
    rows = min(height, paper.strip_height(width))
    cleaning.spend(width * rows * 8)
    with contextlib.suppress(Refused):  # it goes on as it is, decoded or not
        small = codecs.decode_small(_first(paper.PEEK, picture), "L", 8)
        if paper.is_dark(small):
            small = codecs.decode_small(_first(rows, picture), "L", 8)
        if not paper.may_show(small):
            return
        if _subsampling(picture) == 2 and paper.may_be_halved(width):
            paper.look(codecs.decode_small(_first(rows, picture), "RGB", 2), cleaning.noted, across=2)
        else:
            paper.look(codecs.decode(_first(rows, picture), "image/jpeg", set()), cleaning.noted)


def _first(rows: int, picture: Picture) -> bytes:
    """A picture of the first rows, with as much of each scan as they may take."""
    share = _DENSEST * rows / picture.size[1]
    kept = [
        (
            marker,
            payload[:1] + struct.pack(">H", rows) + payload[3:] if marker in FRAMES else payload,
            data[: round(len(data) * share) + _LEAST],
        )
        for marker, payload, data in picture.kept
    ]
    return _assemble(dataclasses.replace(picture, kept=kept), None)


def _subsampling(picture: Picture) -> int:
    """The original's chroma resolution in Pillow's numbers; anything unusual is encoded at full resolution."""
    for marker, frame, _ in picture.kept:
        if marker in FRAMES:
            factors = bytes(frame[7 + 3 * index] for index in range(frame[5]))
            return {b"\x21\x11\x11": 1, b"\x22\x11\x11": 2}.get(factors, 0)
    return 0


def _assemble(picture: Picture, profile: bytes | None) -> bytes:
    """Marker segments in a fixed order: JFIF and Adobe where the original had them, since decoders guess by them."""
    pieces: list[bytes | memoryview] = [b"\xff\xd8"]
    if picture.jfif:
        pieces.append(_segment(APP0, JFIF))
    if picture.adobe_transform is not None:
        pieces.append(_segment(APP14, _adobe(picture.adobe_transform)))
    if profile is not None:
        pieces.append(_segment(APP2, ICC_PREFIX + b"\x01\x01" + profile))
    for marker, payload, compressed in picture.kept:
        pieces += [_segment(marker, payload), compressed]
    pieces.append(b"\xff\xd9")
    return b"".join(pieces)


def _adobe(transform: int) -> bytes:
    """The Adobe segment: version 100, no flags, and how the colours are coded (0: as they are, 1: YCbCr, 2: YCCK)."""
    return b"Adobe\x00\x64\x00\x00\x00\x00" + bytes((min(transform, 2),))


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


def warm() -> None:
    """Load the decoder."""
    codecs.warm()
