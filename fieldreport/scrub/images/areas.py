"""Filling areas of a picture so that nothing of what was there is left.

Rules: solid black, because mosaics and blurs can be reversed; the pixels change before anything is encoded. An encoder
that loses detail works on blocks, and what stood in a block is seen at its other end: an area is filled beyond its
edges, to where nothing of it can have come. Not so in WebP, HEIC and AVIF, which predict each block from the one before
it: how their noise fell far away depends on what was there, too faintly to be seen.

Source: Hill, Zhou, Saul, Shacham, "On the (In)effectiveness of Mosaicing and Blurring as Tools for Document Redaction"
(PoPETs 2016); ITU-T T.81, A.2: a unit of a JPEG is 8 by 8 or, with colours at half their size, 16 by 16 pixels.
"""

from __future__ import annotations

from typing import Final

from PIL import Image, ImageDraw

from fieldreport.scrub.verdicts import WIDTH, Redaction

PHOTO: Final = 34
"""Pixels around an area of a photo: it was encoded twice, in blocks of 16, and colours are smoothed over two more."""
PAGE: Final = 2
"""The same of a page that PDFium draws: where it lies between two pixels, it is in both."""
_BLOCK: Final = 8


def filled(image: Image.Image, page: int, redaction: Redaction, *, more: int) -> Image.Image:
    """The areas of one page filled, each ``more`` pixels larger on every side and then up to a multiple of 8.

    ``image``: in L or RGB; it is changed in place.
    """
    pen = ImageDraw.Draw(image)
    for area in redaction.areas:
        if area.page == page:
            left, top = ((each * image.width // WIDTH - more) // _BLOCK * _BLOCK for each in (area.left, area.top))
            right, bottom = (
                -((-each * image.width // WIDTH - more) // _BLOCK * _BLOCK) for each in (area.right, area.bottom)
            )
            pen.rectangle((left, top, right - 1, bottom - 1), fill=0)  # black in both
    return image
