"""HTML: text, structure, tables, links to public pages and pictures, in a new page.

Rules: no script, no style, no reference to anything outside, no name of anything inside. Pictures stay if the page
carries them in itself. Every tag is written in one form, so that ``verify`` needs no parser of HTML: each of them reads
broken pages in its own way.
"""

from __future__ import annotations

import re
from typing import Final

from lxml import etree

from fieldreport import limits
from fieldreport.scrub import registry
from fieldreport.scrub.documents import css_crops, pictures, spelled_pictures, tables
from fieldreport.scrub.documents.html.parse import parse
from fieldreport.scrub.documents.links import clean_link
from fieldreport.scrub.documents.markup import Element
from fieldreport.scrub.documents.vocabularies import load
from fieldreport.scrub.documents.xml_rewrite import Rewriting
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.text import encoding, invisible
from fieldreport.scrub.verdicts import Damaged, Noted, Removed

MEDIA_TYPE: Final = "text/html"
HEAD: Final = '<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title></title></head><body>\n'
FOOT: Final = "\n</body></html>\n"

_TABLE: Final = tables.load("html")
_PICTURES: Final = frozenset(_TABLE["pictures"])
_VOID: Final = frozenset(_TABLE["void"])
_VOCABULARIES: Final = load("html")
_SILENT: Final = {
    f"@{name}": None for attributes in _VOCABULARIES[""].elements.values() for name in attributes
}  # the parser has reported what there was
_LOST: Final = "lost"  # no element of HTML: what is renamed to this is left out
_ROUNDS: Final = 10
# Form C makes one character of the end of a tag and a stroke that stands alone.
_STROKE_AFTER_TAG: Final = re.compile(">[\u200b-\u200f\u2060-\u206f\ufeff]*\u0338+")


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write the cleaned page to ``sink``.

    Raises:
        Refused: ``damaged``, ``bomb``, ``too-large``.
    """
    untrusted = encoding.decode_for(cleaning, untrusted_source.whole(limits.TEXT_BYTES))
    if cleaning.rename is not None:
        untrusted = cleaning.rename(untrusted)
    try:
        sink.write(_Page(cleaning).settled(untrusted).encode())
    except (etree.LxmlError, LookupError, TypeError, ValueError, RecursionError):
        raise Damaged from None
    return MEDIA_TYPE


def warm() -> None:
    """Load what the XML library loads late."""
    clean(Source.of(b"<p>&eacute;<br>"), Sink(), Cleaning(dispatch=lambda *_: MEDIA_TYPE))


class _Page:
    def __init__(self, cleaning: Cleaning) -> None:
        self._cleaning = cleaning
        self._pictures: dict[str, str | None] = {}  # by their old addresses, and by their new ones

    def settled(self, untrusted: str) -> str:
        """The new page, written again until the parser finds in it what it was written of."""
        page, settled = self._written(untrusted)
        for _ in range(_ROUNDS):
            if settled:
                return page
            before = page
            page, settled = self._written(before)
            settled = page == before
        raise Damaged

    def _written(self, page: str) -> tuple[str, bool]:
        removed = self._cleaning.removed
        body, settled = parse(page, removed, self._cleaning.noted)
        if next(body.iter("img"), None) is not None and css_crops.may_cut(page):
            self._report_crops(page)
        for image in body.iter("img"):
            self._settle_picture(image)
        body.tag = "div"  # for what is in it, it is like one
        rewriting = Rewriting(_VOCABULARIES, removed=removed, findings=_SILENT, made={"link": self._link}, void=_VOID)
        written = _STROKE_AFTER_TAG.sub(">", rewriting.inside(body).replace("\xa0", " "))
        text, marked = invisible.unmark(written)
        text = spelled_pictures.cleaned_text(text, self._cleaning)
        if marked:
            removed.add(Removed.COPY_MARKS)
        return HEAD + text.strip() + FOOT, settled

    def _report_crops(self, page: str) -> None:
        """Say when the page showed only a part of a picture: in the copy, which has no style, all of it is seen."""
        parser = etree.HTMLParser(encoding="utf-8", no_network=True)
        root = etree.fromstring(page.encode(), parser)
        cut = {step for node in root.iter("style") for step in css_crops.cutting("".join(map(str, node.itertext())))}
        if css_crops.crops_pictures(root, cut, ("img",)):
            self._cleaning.noted.add(Noted.CROPPED)

    def _settle_picture(self, image: Element) -> None:
        address = str(image.get("src", ""))
        if registry.named_type(address) in _PICTURES:
            return  # beside the page, in the same archive
        if address not in self._pictures:
            picture = pictures.clean_address(address, self._cleaning, accept=_PICTURES)
            self._pictures[address] = picture
            if picture is not None:
                self._pictures[picture] = picture
        new = self._pictures[address]
        if new is None:
            image.tag = _LOST
            image.attrib.clear()
        else:
            image.set("src", new)

    def _link(self, _: Element, __: str, value: str) -> str | None:
        kept = value if registry.named_type(value) else clean_link(value)
        if kept != value and value and not value.startswith("#"):
            self._cleaning.removed.add(Removed.LINKS)
        return kept
