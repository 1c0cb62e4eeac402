"""How a file looks, as one picture no larger than a screen needs, in the locked child.

Pages of a PDF are drawn by PDFium; pages of a TIFF are decoded; a drawing is drawn without its letters; every other
picture goes through strong cleaning, and what comes out is made smaller. The result is pixels and nothing else.
"""

from __future__ import annotations

from typing import Final

import pypdfium2
from PIL import Image

from fieldreport import limits
from fieldreport.scrub import pipeline, registry
from fieldreport.scrub.documents.svg import pixels
from fieldreport.scrub.documents.svg.write import MEDIA_TYPE as DRAWING
from fieldreport.scrub.format import Cleaning, Sink, Source, check_image
from fieldreport.scrub.images import codecs
from fieldreport.scrub.sniff import sniff
from fieldreport.scrub.verdicts import Damaged, Mode, Refusal, Refused
from fieldreport.scrub.views.places import member

_QUALITY: Final = 85  # of what is only looked at: half the bytes and half the time
_HIGH: Final = 4  # a strip may be so many times as high as it is wide before it is made smaller than the screen


def write(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Draw the place that the options name, at most ``side`` pixels wide; the answer is JPEG's type or PNG's.

    Raises:
        Refused: it has no looks, or cannot be drawn.
        Elsewhere: it takes the codecs of films.
    """
    *members, page = cleaning.options.place
    side = cleaning.options.side
    image = drawn(member(untrusted_source, members, cleaning), page, side, cleaning)
    if image.mode == "RGBA":
        sink.write(codecs.encode_png(image))
        return "image/png"
    sink.write(codecs.encode_jpeg(image, subsampling=2, quality=_QUALITY))
    return "image/jpeg"


def drawn(untrusted: Source, page: int, side: int, cleaning: Cleaning) -> Image.Image:
    """One page of a file, upright, no wider than ``side`` and no higher than four times that, 8 bits a channel.

    Raises:
        Refused, Elsewhere: as ``write``.
    """
    return _fitted(_drawn(untrusted, page, side, cleaning), side)


def _drawn(untrusted: Source, page: int, side: int, cleaning: Cleaning) -> Image.Image:
    media_type = sniff(untrusted)
    if media_type == "application/pdf":
        return _pdf_page(untrusted, page, side, cleaning)
    if media_type == "image/tiff":
        return tiff_page(untrusted, page, cleaning)
    if media_type.partition("/")[0] in {"audio", "video"}:
        painted: Image.Image = registry.painter()(untrusted, registry.row(media_type).demuxer, side, page)
        return painted
    if page != 1:
        raise Damaged
    if media_type == DRAWING:
        return _drawing(untrusted, cleaning)
    return picture(untrusted, cleaning if cleaning.mode is Mode.STRONG else pipeline.new_cleaning(Mode.STRONG))


def picture(untrusted: Source, cleaning: Cleaning) -> Image.Image:
    """A picture or drawing, upright and in sRGB: what strong cleaning makes of it; of an animation, its first frame.

    Raises:
        Refused: it is none, or cannot be cleaned.
    """
    made = Sink()
    media_type = pipeline.clean(untrusted, made, cleaning)
    if not media_type.startswith("image/"):
        raise Refused(Refusal.UNSUPPORTED)
    return codecs.decode(made.source().whole(), media_type, cleaning.noted)


def _drawing(untrusted: Source, cleaning: Cleaning) -> Image.Image:
    """A drawing without its letters, for which there are no fonts here; ``words`` has them. Only to be looked at."""
    made = Sink()
    pipeline.clean(untrusted, made, pipeline.new_cleaning(Mode.LOSSLESS))
    png = pixels.drawn(made.source().whole(limits.SCRUB_OUTPUT_BYTES), letters=False)
    return codecs.decode(png, "image/png", cleaning.noted)


def _pdf_page(untrusted: Source, page: int, side: int, cleaning: Cleaning) -> Image.Image:
    try:
        document = pypdfium2.PdfDocument(untrusted.whole())
        if page > len(document):
            raise Damaged
        drawn = document[page - 1]
        width, height = drawn.get_size()
        scale = min(side / max(width, 1), side * _HIGH / max(height, 1))
        cleaning.spend(int(width * scale + 1) * int(height * scale + 1) * 8)
        # Blue last, as it is encoded, so that nothing has to be turned round.
        image: Image.Image = drawn.render(scale=scale, may_draw_forms=False, rev_byteorder=True).to_pil()
        document.close()
    except pypdfium2.PdfiumError:
        raise Damaged from None
    return image


def tiff_page(untrusted: Source, page: int, cleaning: Cleaning) -> Image.Image:
    """One page, upright, as large as it is. Raises ``Refused``: ``damaged`` also where there is none."""
    file = codecs.open_tiff(untrusted.file())
    if page > limits.IMAGE_FRAMES or not codecs.turn_to(file, page - 1):
        raise Damaged
    check_image(*file.size)
    codecs.check_decoded(*file.size)
    cleaning.spend(file.size[0] * file.size[1] * 8)
    return codecs.decoded(file)


def _fitted(image: Image.Image, side: int) -> Image.Image:
    if image.mode == "I;16":
        image = image.point(lambda level: level * (1 / 256)).convert("L")
    elif image.mode not in {"L", "RGB", "RGBA"}:
        see_through = "A" in image.getbands() or "transparency" in image.info
        image = image.convert("RGBA" if see_through else "RGB")
    scale = min(1.0, side / image.width, side * _HIGH / image.height)
    if scale == 1.0:
        return image
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BOX if scale < 1 / 2 else Image.Resampling.BICUBIC)
