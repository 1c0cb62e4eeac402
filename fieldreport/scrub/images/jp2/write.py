"""Decoding a JPEG 2000 and writing its pixels as JPEG or PNG."""

from __future__ import annotations

import io
from typing import Final

from PIL import Image

from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.images import codecs, metadata
from fieldreport.scrub.images.decoded import write

_SIGNATURE: Final = b"\0\0\0\x0cjP  \r\n\x87\n"


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """The same picture as JPEG, or as PNG where a JPEG would lose something."""
    data = untrusted_source.whole()
    if data.startswith(_SIGNATURE):
        cleaning.removed |= metadata.in_boxes(data)
    image = codecs.decode(data, "image/jp2", cleaning.noted)
    return write(image, image.info.get("icc_profile", b""), sink, cleaning)


def warm() -> None:
    """Load the decoder."""
    with io.BytesIO() as file:
        Image.new("RGB", (16, 16)).save(file, "JPEG2000")
        codecs.decode(file.getvalue(), "image/jp2", set())
