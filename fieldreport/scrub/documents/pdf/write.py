"""PDF: a new document made from allowlisted parts of the old one.

Nothing is copied whole. Pages, what they draw, and links are written into a new document, so that earlier versions of
the file (incremental updates), document information, XMP, identifiers, scripts, actions, attached files, thumbnails,
structure trees, alternative and replacement texts, producers' private data and unused objects have no way into it.

What a person sees stays: text stays text (and is extracted as before); forms, seals and drawn remarks become part of
the page. What layers and annotations that are off hold goes, as do sticky notes, bookmarks and what a signature proves.

A file that asks for a password is refused; one that only forbids printing or copying opens without and is cleaned.
"""

from __future__ import annotations

import io
import struct
from typing import Final

import pikepdf

from fieldreport.scrub import registry
from fieldreport.scrub.documents.pdf import pixel_pages
from fieldreport.scrub.documents.pdf.document import rewrite, set_library_limits
from fieldreport.scrub.documents.pdf.hidden_words import hidden_in
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.verdicts import Damaged, Mode, Noted

MEDIA_TYPE: Final = "application/pdf"
_PAGE: Final = 1 << 64  # what one counts, as ``verify`` does; the pictures and words count below it

# What pikepdf, struct and our own indexing raise on values that are not what the specification says at their place.
_NOT_AS_SPECIFIED = (
    pikepdf.PikepdfError,
    ArithmeticError,
    AttributeError,
    LookupError,
    TypeError,
    ValueError,
    struct.error,
)


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write the cleaned document to ``sink``; in strong mode its pages are pictures (``pixel_pages``).

    Raises:
        Refused: ``encrypted``, ``form``, ``damaged``, ``bomb`` (pages, stream sizes, filters, depth), ``too-large``, or
            ``not-strong`` when its letters cannot be drawn here.
    """
    try:
        if cleaning.mode is Mode.LOSSLESS:
            pale = rewrite(untrusted_source.whole(), sink, cleaning)
            if (cleaning.counted or 0) % _PAGE:  # else there are neither words nor pictures
                cleaning.noted |= hidden_in(sink.source().whole(), by_colour=pale)
        else:
            _rewrite_as_pictures(untrusted_source.whole(), sink, cleaning)
    except _NOT_AS_SPECIFIED:
        raise Damaged from None
    return MEDIA_TYPE


def _rewrite_as_pictures(untrusted: bytes, sink: Sink, cleaning: Cleaning) -> None:
    """Clean first, so that only bounded pages are drawn; then draw; then write the pictures as every PDF is written."""
    lossless = cleaning.lossless()
    cleaned = Sink()
    rewrite(untrusted, cleaned, lossless)
    drawn = pixel_pages.drawn(cleaned.source().whole(), lossless)
    cleaning.noted.discard(Noted.PRINTER_DOTS)  # they were on the pages that were drawn
    rewrite(drawn, sink, lossless)
    cleaning.counted = lossless.counted


def warm() -> None:
    """Set qpdf's limits, and load what it, PDFium and their bindings load late, by cleaning a small document.

    It is encrypted with AES-256: qpdf takes four random bytes to open such a one (ISO 32000-2, 7.6.4.4.9), from a file
    of the system that the locked child cannot open. Here it fills the file's buffer, which the child inherits.
    """
    set_library_limits()
    with pikepdf.new() as sample:
        page = sample.add_blank_page(page_size=(72, 72))
        page.obj.Contents = sample.make_stream(
            b"q 0.5 0 0 1 0 0 cm BI /W 1 /H 1 /BPC 8 /CS /G ID x EI Q BT /F 9 Tf (warm) Tj ET"
        )
        font = pikepdf.Dictionary(Type=pikepdf.Name.Font, Subtype=pikepdf.Name.Type1, BaseFont=pikepdf.Name.Helvetica)
        page.obj.Resources = pikepdf.Dictionary(Font=pikepdf.Dictionary(F=font))
        page.obj.Annots = pikepdf.Array([])
        file = io.BytesIO()
        sample.save(file, encryption=pikepdf.Encryption(owner="", user="", R=6))
    sink = Sink()
    rewrite(file.getvalue(), sink, Cleaning(dispatch=_nothing_inside))
    registry.verify(sink.source(), MEDIA_TYPE)
    pixel_pages.drawn(sink.source().whole(), Cleaning(dispatch=_nothing_inside))


def _nothing_inside(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:  # noqa: ARG001  # a Dispatch
    raise Damaged
