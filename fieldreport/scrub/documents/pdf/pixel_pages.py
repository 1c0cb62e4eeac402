"""A PDF whose pages are pictures of the pages of another: the strong way to clean one.

Rule: what is drawn here has been cleaned and bounded already. Only its look goes on: no text, no link, no font, no
layer, and nothing that a document's structure could hide. A page whose letters this machine has no shapes for would
come out with gaps, so it is refused.
"""

from __future__ import annotations

import io
from collections.abc import Iterable
from typing import Any, Final

import pikepdf
import pypdfium2
from pikepdf import Array, Dictionary, Name, Stream
from PIL import Image

from fieldreport import limits
from fieldreport.scrub.documents.pdf import values
from fieldreport.scrub.format import Cleaning
from fieldreport.scrub.images import areas, codecs, paper
from fieldreport.scrub.verdicts import Damaged, Refusal, Refused

_SCALE: Final = 150 / 72  # pixels a point: small print stays readable, a page of A4 is 1240 by 1754
_PROGRAMS: Final = ("/FontFile", "/FontFile2", "/FontFile3")


def drawn(cleaned: bytes, cleaning: Cleaning) -> bytes:
    """The pages of a cleaned document as pictures, in a document that is still to be rewritten in our own way.

    Areas of the options' redaction are filled before anything else sees the pixels.

    Raises:
        Refused: ``letters`` for letters that cannot be drawn here, ``too-large`` for more pages than time allows.
    """
    with pikepdf.open(io.BytesIO(cleaned)) as document:
        _check_fonts(document)
    try:
        old = pypdfium2.PdfDocument(cleaned)
    except pypdfium2.PdfiumError:
        raise Damaged from None
    try:
        if len(old) > limits.PDF_PIXEL_PAGES:
            raise Refused(Refusal.TOO_LARGE)
        left_out = cleaning.options.redaction.left_out
        pages = (_picture(old, number, cleaning) for number in range(len(old)) if number + 1 not in left_out)
        return of_pictures(pages)
    finally:
        old.close()


def of_pictures(pages: Iterable[tuple[Image.Image, float, float]]) -> bytes:
    """A document of pictures in RGB, each with the width and height of its page in points.

    Raises:
        Refused: ``empty`` without any page.
    """
    with pikepdf.new() as new, io.BytesIO() as file:
        for page in pages:
            _add_page(new, *page)
        if not len(new.pages):
            raise Refused(Refusal.EMPTY)
        new.save(file)
        return file.getvalue()


def picture(source: Stream, cleaning: Cleaning) -> Image.Image | None:
    """A picture of a document that nobody has cleaned, as PDFium draws it, in RGB; None where it draws nothing.

    ``source``: without its masks, which are pictures of their own.

    Raises:
        Bomb: it has too many pixels.
    """
    width, height = values.integer(source.get("/Width")) or 0, values.integer(source.get("/Height")) or 0
    if min(width, height) < 1:
        return None
    codecs.check_decoded(width, height)
    cleaning.spend(width * height * 8)
    try:
        with pikepdf.new() as alone, io.BytesIO() as file:
            page = alone.add_blank_page(page_size=(max(3, width), max(3, height)))
            image = alone.copy_foreign(source)
            image.Type, image.Subtype = Name.XObject, Name.Image  # which a picture inside content does not say
            for key in ("/SMask", "/Mask", "/SMaskInData"):
                if key in image:
                    del image[key]
            page.obj.Resources = Dictionary(XObject=Dictionary(Page=image))
            page.obj.Contents = alone.make_stream(f"q {width} 0 0 {height} 0 0 cm /Page Do Q".encode("ascii"))
            alone.save(file)
            document = pypdfium2.PdfDocument(file.getvalue())
        bitmap = document[0].render(scale=1, fill_color=(0, 0, 0, 0))
        drawn = bitmap.to_pil().convert("RGBA").crop((0, 0, width, height))
        document.close()
    except (pikepdf.PikepdfError, pypdfium2.PdfiumError):
        return None
    return drawn.convert("RGB") if drawn.getextrema()[3] != (0, 0) else None


def _check_fonts(document: pikepdf.Pdf) -> None:
    """Letters of fonts that are not inside are drawn with Latin shapes; others have none."""
    for value in document.objects:
        if not isinstance(value, Dictionary) or value.get("/Subtype") != Name.Type0:
            continue
        for descendant in value.get("/DescendantFonts", Array([])):
            descriptor = descendant.get("/FontDescriptor", Dictionary())
            if not any(program in descriptor for program in _PROGRAMS):
                raise Refused(Refusal.LETTERS)


def _picture(document: Any, number: int, cleaning: Cleaning) -> tuple[Image.Image, float, float]:
    """A page in pixels, and its size in points."""
    try:
        page = document[number]
        width, height = page.get_size()
        scale = min(_SCALE, limits.PDF_PIXEL_SIDE / max(width, height, 1))
        cleaning.spend(int(width * scale + 1) * int(height * scale + 1) * 8)
        bitmap = page.render(scale=scale, may_draw_forms=False, draw_annots=False)
        picture = areas.filled(bitmap.to_pil().convert("RGB"), number + 1, cleaning.options.redaction, more=areas.PAGE)
        picture = paper.whitened(picture, cleaning.removed)
        bitmap.close()
        page.close()
    except pypdfium2.PdfiumError:
        raise Damaged from None
    return picture, width, height


def _add_page(document: pikepdf.Pdf, picture: Image.Image, width: float, height: float) -> None:
    page = document.add_blank_page(page_size=(max(3, round(width)), max(3, round(height))))
    image = document.make_stream(codecs.encode_jpeg(picture))
    image.Type, image.Subtype, image.Filter = Name.XObject, Name.Image, Name.DCTDecode
    image.Width, image.Height, image.BitsPerComponent = picture.width, picture.height, 8
    image.ColorSpace = Name.DeviceRGB
    page.obj.Resources = Dictionary(XObject=Dictionary(Page=image))
    _, _, right, top = page.obj.MediaBox
    page.obj.Contents = document.make_stream(f"q {right} 0 0 {top} 0 0 cm /Page Do Q".encode("ascii"))
