"""Pictures that were decoded and go out in another format: one way for all of them."""

from __future__ import annotations

from typing import Final

from PIL import Image

from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.images import codecs, icc, paper
from fieldreport.scrub.images.jpeg import write as write_jpeg
from fieldreport.scrub.images.png import write as write_png
from fieldreport.scrub.verdicts import Removed

_WRITERS: Final = {"image/jpeg": write_jpeg.clean, "image/png": write_png.clean}


def write(image: Image.Image, untrusted_profile: bytes, sink: Sink, cleaning: Cleaning) -> str:
    """A JPEG, or a PNG where a JPEG would lose something, in sRGB; answers which."""
    image = codecs.shown(image)
    if untrusted_profile:
        if icc.identify(untrusted_profile) is None:
            cleaning.removed.add(Removed.COLOUR_PROFILE)
        image = codecs.to_srgb(image, untrusted_profile)
    encoded, media_type = codecs.encode(paper.page(image, cleaning))
    # One way to write each of them, and one place that verifies it.
    return _WRITERS[media_type](Source.of(encoded), sink, cleaning.lossless())
