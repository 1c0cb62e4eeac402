"""Decoding a BMP, or a DIB, which is a BMP without its first 14 bytes, and writing its pixels as PNG."""

from __future__ import annotations

import struct
from typing import Final

from PIL import Image, ImageMath

from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.images import codecs
from fieldreport.scrub.images.png import write as write_png
from fieldreport.scrub.verdicts import Damaged, Removed

_CORE_HEADER: Final = 12
_INFO_HEADER: Final = 40
_ALPHA_HEADER: Final = 56  # the shortest with a mask of its own for what is visible
_PROFILE_HEADER: Final = 124
_MASKS, _MASKS_AND_ALPHA = 3, 6  # how pixels are packed
_MOST_BITS: Final = 16  # of one colour that are looked at


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
    try:
        with untrusted_source.file() as file:
            image = codecs.decode(file, "image/dib" if bare else "image/bmp", cleaning.noted)
    except Damaged:
        masks = _masks(head)
        if not any(masks[:3]):
            raise
        image = codecs.smaller(_unmasked(untrusted_source, head, masks, bare=bare), cleaning.noted)
    return write_png.clean(Source.of(codecs.encode_png(image)), sink, cleaning)


def _masks(head: bytes) -> tuple[int, ...]:
    """Where in a pixel of 16 or 32 bits the red, green, blue and alpha are; empty where no mask says it."""
    if len(head) < _ALPHA_HEADER:
        return ()
    size, depth, packing = struct.unpack_from("<I10xHI", head)
    if size < _INFO_HEADER or depth not in {16, 32} or packing not in {_MASKS, _MASKS_AND_ALPHA}:
        return ()
    red, green, blue, alpha = struct.unpack_from("<4I", head, _INFO_HEADER)
    return red, green, blue, alpha if size >= _ALPHA_HEADER or packing == _MASKS_AND_ALPHA else 0


def _unmasked(source: Source, head: bytes, masks: tuple[int, ...], *, bare: bool) -> Image.Image:
    """Pixels with masks that the decoder does not know: four bits a colour, or ten, or none of one.

    Raises:
        Refused: ``damaged``, ``pixels``.
    """
    size, width, height, depth, packing = struct.unpack_from("<Iii2xHI", head)
    codecs.check_decoded(width, abs(height), bytes_each=20)
    row = -(-width * depth // 32) * 4
    start = size + (0 if size > _INFO_HEADER else 16 if packing == _MASKS_AND_ALPHA else 12)
    if not bare:
        (start,) = struct.unpack("<I", source.read_at(10, 4))
    data = source.read_at(start, row * abs(height))
    if len(data) < row * abs(height):
        raise Damaged
    form, order = "I;16" if depth == 16 else "I", 1 if height < 0 else -1
    pixels = Image.frombytes("I", (width, abs(height)), data, "raw", form, row, order)
    colours = [_band(pixels, mask) for mask in masks[:3]]
    alpha = _band(pixels, masks[3])
    # Programs name bits for it that they leave empty: a picture of which nothing is visible is all visible.
    return Image.merge("RGBA", [*colours, alpha]) if alpha.getbbox() else Image.merge("RGB", colours)


def _band(pixels: Image.Image, mask: int) -> Image.Image:
    """The numbers under a mask, in eight bits."""
    if not mask:
        return Image.new("L", pixels.size)
    shift = (mask & -mask).bit_length() - 1
    shift += max((mask >> shift).bit_length() - _MOST_BITS, 0)
    most = mask >> shift
    scaled: Image.Image = ImageMath.lambda_eval(
        lambda said: (((said["it"] >> shift) & most) * 255 + most // 2) / most, it=pixels
    )
    return scaled.convert("L")


def warm() -> None:
    """Load the decoder."""
    codecs.warm_bmp()
