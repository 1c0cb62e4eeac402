"""Decoding a JPEG XL: to the JPEG inside it, bit for bit, or to pixels."""

from __future__ import annotations

import io
from typing import Final

from PIL import Image
from pillow_jxl import Decoder, JpegXLImagePlugin  # the plugin makes Pillow encode the sample of ``warm``

from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.images import codecs, metadata
from fieldreport.scrub.images.decoded import write
from fieldreport.scrub.images.jpeg import write as write_jpeg
from fieldreport.scrub.isobmff import boxes
from fieldreport.scrub.verdicts import Damaged, Removed

_CODESTREAM: Final = b"\xff\x0a"
# Width to height, by the header's three bits; zero stands for a width of its own (ISO/IEC 18181-1, D.2).
_RATIOS: Final = (None, (1, 1), (12, 10), (4, 3), (3, 2), (16, 9), (5, 4), (2, 1))
_SIDE_BITS: Final = (9, 13, 18, 30)


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """The same picture as JPEG, or as PNG where a JPEG would lose something."""
    data = untrusted_source.whole()
    if not data.startswith(_CODESTREAM):
        cleaning.removed |= metadata.in_boxes(data)
    (width, height), several = _header(_codestream(data))
    if several:
        cleaning.removed.add(Removed.PICTURES)
    codecs.check_decoded(width, height, bytes_each=16)  # numbers of four bytes, and the picture made of them
    cleaning.spend(width * height * 8)
    with codecs.any_error_is_damage():
        is_jpeg, found, decoded, profile, _ = Decoder(num_threads=0)(data)
    if is_jpeg:
        return write_jpeg.clean(Source.of(decoded), sink, cleaning)
    with codecs.any_error_is_damage():
        image = Image.frombytes(found.mode, (found.width, found.height), decoded)
    return write(codecs.smaller(image, cleaning.noted), profile, sink, cleaning)


def _codestream(data: bytes) -> bytes:
    """The beginning of the picture itself."""
    if data.startswith(_CODESTREAM):
        return data[:32]
    for kind, start, _ in boxes(data):
        if kind == b"jxlc":
            return data[start : start + 32]
        if kind == b"jxlp":
            return data[start + 4 : start + 36]
    raise Damaged


def _header(codestream: bytes) -> tuple[tuple[int, int], bool]:
    """Width and height, and whether there are more pictures (ISO/IEC 18181-1, D.2, D.3): bits from the lowest up.

    Of an animation the decoder gives one frame.
    """
    if not codestream.startswith(_CODESTREAM):
        raise Damaged
    bits, position = int.from_bytes(codestream[2:], "little"), 0

    def take(count: int) -> int:
        nonlocal position
        position += count
        return bits >> (position - count) & ((1 << count) - 1)

    def side(*, eighths: bool) -> int:
        return (take(5) + 1) * 8 if eighths else take(_SIDE_BITS[take(2)]) + 1

    def size() -> tuple[int, int]:
        eighths = bool(take(1))
        height = side(eighths=eighths)
        ratio = _RATIOS[take(3)]
        return (side(eighths=eighths) if ratio is None else height * ratio[0] // ratio[1]), height

    picture, several = size(), False
    if not take(1) and take(1):  # not all as usual, and there are extra fields
        take(3)  # which way up
        if take(1):
            size()
        several = bool(take(1) or take(1))  # a preview, or an animation
    return picture, several


def warm() -> None:
    """Load the decoder, both ways."""
    with io.BytesIO() as file:
        Image.new("RGB", (16, 16)).save(file, JpegXLImagePlugin.JXLImageFile.format)
        Decoder(num_threads=0)(file.getvalue())
