"""SVG: shapes, text, gradients and pictures of a drawing, in a new document that calls nothing by name.

Rules: no script, no animation, no foreign markup, no reference to anything outside. What drawing programs keep next to
the drawing (paths, layers' names, titles, editing history) goes. What is referred to inside gets a number for a name.
Text stays text. A drawing that repeats itself into millions of pieces is refused: opening it would take for minutes.

Source: Scalable Vector Graphics 2 (W3C).
"""

from __future__ import annotations

import re
from typing import Final

from lxml import etree

from fieldreport import limits
from fieldreport.scrub import registry
from fieldreport.scrub.documents import markup, pictures, spelled_pictures, tables
from fieldreport.scrub.documents.css import Styles
from fieldreport.scrub.documents.markup import Element
from fieldreport.scrub.documents.names import Names
from fieldreport.scrub.documents.shown import Counting, Shown
from fieldreport.scrub.documents.svg import elements
from fieldreport.scrub.documents.svg.elements import SVG
from fieldreport.scrub.documents.svg.pixels import drawn
from fieldreport.scrub.documents.svg.pixels import warm as warm_drawing
from fieldreport.scrub.documents.svg.unseen import crops_pictures, may_hide_words
from fieldreport.scrub.documents.vocabularies import load
from fieldreport.scrub.documents.xml_rewrite import Rewriting
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.images.png import write as write_png
from fieldreport.scrub.verdicts import Bomb, Damaged, Mode, Noted, Removed

MEDIA_TYPE: Final = "image/svg+xml"
_PICTURES: Final = frozenset(tables.load("html")["pictures"])
_VOCABULARIES: Final = load("svg")
_SHOWN: Final = Shown.of("svg", _VOCABULARIES, plain=SVG)
_S: Final = f"{{{SVG}}}"
_PROLOGUE_BYTES: Final = 64 * 1024
_ENTITY: Final = re.compile(rb"""<!ENTITY\s+([\w.-]+)\s+("[^"<&%]*"|'[^'<&%]*')\s*>""")
_DOCTYPE: Final = re.compile(rb"<!DOCTYPE\s+svg[^>\[]*(?:\[((?:\s++|<!ENTITY[^<>]*>)*+)\]\s*)?>")

_ROOT: Final = re.compile(rb"""<svg(?=[\s>/])((?:\s+[\w:.-]+\s*=\s*(?:"[^"]*"|'[^']*'))*+)""")
# What the document type of SVG 1 gives to a root that does not say it.
_IMPLIED: Final = {b"xmlns": SVG.encode(), b"xmlns:xlink": b"http://www.w3.org/1999/xlink"}


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write the cleaned drawing to ``sink``; in strong mode its pixels, as PNG.

    Raises:
        Refused: ``damaged``, ``bomb``; in strong mode ``letters``, ``not-strong``.
    """
    if cleaning.mode is Mode.STRONG:
        cleaned = Sink()
        clean(untrusted_source, cleaned, cleaning.lossless())
        registry.verify(cleaned.source(), MEDIA_TYPE)
        data = cleaned.source().whole(limits.SCRUB_OUTPUT_BYTES)
        # Through the PNG format: one way to write a PNG, and one place that verifies it.
        return write_png.clean(Source.of(drawn(data)), sink, cleaning.lossless())
    try:
        root = _without_prologue(untrusted_source.whole(limits.XML_BYTES), cleaning)
        if root.tag != f"{_S}svg":
            raise Damaged
        sink.write(_drawing(root, cleaning))
    except (etree.LxmlError, LookupError, TypeError, ValueError, RecursionError):
        raise Damaged from None
    return MEDIA_TYPE


def warm() -> None:
    """Load what the XML library loads late."""
    sink = Sink()
    sample = f'<svg xmlns="{SVG}"><style>.a{{fill:red}}</style><text class="a">&#233;</text></svg>'.encode()
    clean(Source.of(sample), sink, Cleaning(dispatch=lambda *_: MEDIA_TYPE))
    registry.verify(sink.source(), MEDIA_TYPE)
    warm_drawing()


def _without_prologue(untrusted: bytes, cleaning: Cleaning) -> Element:
    """The root, without the document type that older programs write, and with the namespaces that it stands for.

    Some define names for their namespaces there, which are put in. One that defines anything else is refused.
    """
    if b"<!--" in untrusted:
        cleaning.removed.add(Removed.COMMENTS)
    found = _DOCTYPE.search(untrusted, 0, _PROLOGUE_BYTES)
    if found is not None:
        untrusted = untrusted[: found.start()] + untrusted[found.end() :]
        defined = _ENTITY.findall(found[1] or b"")
        if len(defined) != (found[1] or b"").count(b"<"):
            raise Damaged
        for name, said in defined:
            if untrusted.count(b"&%b;" % name) * len(said) > limits.XML_BYTES:
                raise Bomb
            untrusted = untrusted.replace(b"&%b;" % name, said[1:-1])
        root = _ROOT.search(untrusted, 0, _PROLOGUE_BYTES)
        if root is not None:
            said = re.sub(rb"\s+=", b"=", root[1])
            implied = b"".join(b' %b="%b"' % each for each in _IMPLIED.items() if b"%b=" % each[0] not in said)
            untrusted = untrusted[: root.end()] + implied + untrusted[root.end() :]
    return markup.parse(spelled_pictures.cleaned(untrusted, cleaning))


def _drawing(root: Element, cleaning: Cleaning) -> bytes:
    def picture(address: str) -> str | None:
        return pictures.clean_address(address, cleaning, accept=_PICTURES)

    shown = elements.settle(root, cleaning.removed, picture)
    names = Names((str(node.get("id")) for node in shown if node.get("id") is not None), cleaning.removed)
    styles = Styles(names, cleaning.removed)
    elements.settle_sheets(shown, styles)
    counting = Counting(_SHOWN, cleaning.removed, elements.FINDINGS)
    counting.add(root)
    rewriting = Rewriting(
        _VOCABULARIES,
        removed=cleaning.removed,
        findings=elements.FINDINGS,
        made=elements.made(names, styles),
        lost=counting.lost,
        unsaid=counting.unsaid,
    )
    written = rewriting.rewrite(root)
    cleaning.counted = counting.count
    if crops_pictures(root):
        cleaning.noted.add(Noted.CROPPED)
    if any(node.tag == f"{_S}text" for node in shown) and (styles.hides or may_hide_words(root)):
        cleaning.noted.add(Noted.HIDDEN_WORDS)
    return written
