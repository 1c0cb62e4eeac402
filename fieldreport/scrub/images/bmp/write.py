"""Decoding a BMP, or a DIB, which is a BMP without its first 14 bytes, and writing its pixels as PNG."""

from __future__ import annotations

import struct

from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.images import codecs
from fieldreport.scrub.images.png import write as write_png
from fieldreport.scrub.verdicts import Damaged, Removed

_CORE_HEADER = 12
_PROFILE_HEADER = 124


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """The same pixels as PNG."""
    bare = untrusted_source.read_at(0, 2) != b"BM"
    head = untrusted_source.read_at(0 if bare else 14, _PROFILE_HEADER)
    if len(head) < _CORE_HEADER:
        raise Damaged
    (header_size,) = struct.unpack_from("<I", head)
    width, height = struct.unpack_from("<HH" if header_size == _CORE_HEADER else "<ii", head, 4)
    codecs.check_decoded(width, abs(height))  # a negative height means that the top row comes first
    cleaning.spend(width * abs(height) * 8)
    if header_size == _PROFILE_HEADER and any(head[112:120]):
        cleaning.removed.add(Removed.COLOUR_PROFILE)
    with untrusted_source.file() as file:
        image = codecs.decode(file, "image/dib" if bare else "image/bmp", cleaning.noted)
    return write_png.clean(Source.of(codecs.encode_png(image)), sink, cleaning)


def warm() -> None:
    """Load the decoder."""
    codecs.warm_bmp()
