"""Decoding a BMP and writing its pixels as PNG."""

from __future__ import annotations

import struct

from fieldreport.scrub.format import Cleaning, Sink, Source, check_image
from fieldreport.scrub.images import codecs
from fieldreport.scrub.images.png import write as write_png
from fieldreport.scrub.verdicts import Damaged, Removed

_CORE_HEADER = 12
_PROFILE_HEADER = 124


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """The same pixels as PNG."""
    head = untrusted_source.read_at(0, 14 + _PROFILE_HEADER)
    if len(head) < 26:
        raise Damaged
    (header_size,) = struct.unpack_from("<I", head, 14)
    width, height = struct.unpack_from("<HH" if header_size == _CORE_HEADER else "<ii", head, 18)
    check_image(width, abs(height))  # a negative height means that the top row comes first
    cleaning.spend(width * abs(height) * 8)
    if header_size == _PROFILE_HEADER and any(head[14 + 112 : 14 + 120]):
        cleaning.removed.add(Removed.COLOUR_PROFILE)
    with untrusted_source.file() as file:
        image = codecs.decode(file, "image/bmp")
    if image.size != (width, abs(height)):
        raise Damaged
    # One way to write a PNG, and one place that verifies it.
    return write_png.clean(Source.of(codecs.encode_png(image)), sink, cleaning)


def warm() -> None:
    """Load the decoder."""
    codecs.warm_bmp()
