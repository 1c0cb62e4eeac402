"""A file as pixels in which areas are filled and pages left out, or a film without its sound, in the locked child.

Rules: what comes out is encoded from pixels alone, cleaned and verified as any file is: no text under a picture, no
thumbnail, no layer, no metadata. Pages stand where ``pictures`` draws them, because areas are marked on those. What
shines through is put on white, for a transparent pixel can hide a colour. A film's pictures are not encoded again.
"""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterator
from typing import Final

from PIL import Image

from fieldreport import limits
from fieldreport.scrub import pipeline, registry
from fieldreport.scrub.documents.pdf import pixel_pages
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.images import areas, codecs
from fieldreport.scrub.sniff import sniff
from fieldreport.scrub.verdicts import Bomb, Damaged, Refusal, Refused
from fieldreport.scrub.views import pictures

_LOSSLESS: Final = frozenset({"image/png", "image/gif", "image/bmp", "image/svg+xml"})
_FILMS: Final = "media.mp4"
_DRAWINGS: Final = "documents.svg"
_POINTS: Final = 72 / 150  # of a page, for each pixel of a scan that does not say how large its paper was


def write(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Fill and leave out what the options say. Of a picture a picture comes out, of several pages a PDF of pictures.

    Raises:
        Refused: ``unsupported`` for what has no pages that can be drawn, ``empty`` where no page is left; whatever
            cleaning raises.
    """
    media_type = sniff(untrusted_source)
    if cleaning.options.redaction.silent:
        return _silent(untrusted_source, media_type, sink, cleaning)
    if media_type == "application/pdf":
        return pipeline.clean(untrusted_source, sink, cleaning)  # in strong mode: ``pixel_pages`` fills
    if media_type == "image/tiff":
        pages = list(_scanned(untrusted_source, cleaning))
    elif media_type.startswith("image/"):
        more = 0 if media_type in _LOSSLESS else areas.PHOTO
        pages = [_filled(_picture(untrusted_source, media_type, cleaning), 1, cleaning, more=more)]
    else:
        raise Refused(Refusal.UNSUPPORTED)
    if len(pages) > 1:
        made = pixel_pages.of_pictures(
            (page.convert("RGB"), page.width * _POINTS, page.height * _POINTS) for page in pages
        )
    elif pages:
        made = codecs.encode_png(pages[0]) if media_type in _LOSSLESS else codecs.encode_jpeg(pages[0])
    else:
        raise Refused(Refusal.EMPTY)
    # What this removes is ours, so it is not said.
    return pipeline.clean(Source.of(made), sink, dataclasses.replace(cleaning.lossless(), removed=set()))


def _silent(untrusted: Source, media_type: str, sink: Sink, cleaning: Cleaning) -> str:
    """A film of which the pictures are left, as they are. By our own writer alone: another would keep the sound."""
    if registry.row(media_type).package != _FILMS:
        raise Refused(Refusal.UNSUPPORTED)
    made = registry.cleaner(_FILMS)(untrusted, sink, cleaning)
    if registry.verify(sink.source(), made) != cleaning.counted:
        raise Damaged
    return made


def _scanned(untrusted: Source, cleaning: Cleaning) -> Iterator[Image.Image]:
    redaction, pixels = cleaning.options.redaction, 0
    file = codecs.open_tiff(untrusted.file())
    for page in itertools.count(1):
        if not codecs.turn_to(file, page - 1):
            return
        pixels += file.size[0] * file.size[1]
        if pixels > limits.IMAGE_ENCODED_PIXELS or page > limits.PDF_PIXEL_PAGES:
            raise Bomb(Refusal.TOO_LARGE)
        if page not in redaction.left_out:
            image = codecs.smaller(pictures.tiff_page(untrusted, page, cleaning), cleaning.noted)
            yield _filled(image, page, cleaning, more=areas.PHOTO)


def _picture(untrusted: Source, media_type: str, cleaning: Cleaning) -> Image.Image:
    """Upright and in sRGB; of an animation the first frame. Not encoded once more on the way, which would smear."""
    if registry.row(media_type).package == _DRAWINGS:
        return pictures.picture(untrusted, cleaning)
    image = pictures.picture(untrusted, cleaning.lossless())
    profile = image.info.get("icc_profile")
    return codecs.to_srgb(image, profile) if profile else image


def _filled(image: Image.Image, page: int, cleaning: Cleaning, *, more: int) -> Image.Image:
    return areas.filled(_plain(image), page, cleaning.options.redaction, more=more)


def _plain(image: Image.Image) -> Image.Image:
    """In L or RGB, on white."""
    if image.mode == "I;16":
        return image.point(lambda level: level * (1 / 256)).convert("L")
    if "A" in image.getbands() or "transparency" in image.info:
        image = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", image.size, "white"), image).convert("RGB")
    return image if image.mode in {"L", "RGB"} else image.convert("L" if image.mode == "1" else "RGB")
