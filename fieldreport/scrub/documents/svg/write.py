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
from fieldreport.scrub.documents import markup, pictures, tables
from fieldreport.scrub.documents.markup import Element, split
from fieldreport.scrub.documents.svg import styles
from fieldreport.scrub.documents.svg.names import Naming
from fieldreport.scrub.documents.svg.pixels import drawn
from fieldreport.scrub.documents.svg.pixels import warm as warm_drawing
from fieldreport.scrub.documents.vocabularies import findings, flat
from fieldreport.scrub.documents.xml_rewrite import Rewriting
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.images.png import write as write_png
from fieldreport.scrub.verdicts import Bomb, Damaged, Mode, Removed

MEDIA_TYPE: Final = "image/svg+xml"
SVG: Final = "http://www.w3.org/2000/svg"
_PICTURES: Final = frozenset(tables.load("html")["pictures"])
XLINK: Final = "http://www.w3.org/1999/xlink"
_S: Final = f"{{{SVG}}}"
_XLINK_HREF: Final = f"{{{XLINK}}}href"
_SPACE: Final = f"{{{markup.XML}}}space"

_TABLE: Final = tables.load("svg")
_TEXTUAL: Final = frozenset({"style", "text", "tspan", "textPath"})
# What an attribute of a shape may say: numbers with units, a path, transformations, or one of the words of the format.
_NUMBERS: Final = re.compile(r"(?:[-+0-9.eE%,;\s]|px|pt|pc|em|ex|rem|mm|cm|in|deg|rad|grad|turn)*")
_PATH: Final = re.compile(r"[MmZzLlHhVvCcSsQqTtAaeE0-9.,\s+-]*")
_TRANSFORM: Final = re.compile(
    r"(?:\s*+,?\s*+(?:matrix|translate|scale|rotate|skewX|skewY)\s*+\((?:[-+0-9.eE,%\s]|deg|px|rad)*+\))*+\s*"
)
_TRANSFORMS: Final = frozenset({"transform", "gradientTransform", "patternTransform"})
_WORDS: Final = frozenset(_TABLE["words"]["attributes"])
_HIDDEN: Final = re.compile(r"display\s*:\s*none", re.IGNORECASE)
_NESTED: Final = 64  # repetitions within repetitions; programs write two or three
_NAMED: Final = frozenset({"in", "in2", "result"})
_STANDARD_INPUTS: Final = re.compile(r"SourceGraphic|SourceAlpha|BackgroundImage|BackgroundAlpha|FillPaint|StrokePaint")

_VOCABULARY: Final = flat(
    SVG, "svg", _TABLE["keep"], _TABLE["unwrap"], {*_TABLE["attributes"], *styles.PROPERTIES, _SPACE}
)
_FINDINGS: Final = findings() | {
    name: None if called == "nothing" else Removed(called) for name, called in _TABLE["findings"].items()
}


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
        _drop_hidden(root, cleaning.removed)
        _settle_references(root, cleaning)
        rewriting = Rewriting(
            {SVG: _VOCABULARY},
            removed=cleaning.removed,
            findings=_FINDINGS,
            attribute=lambda _, name, value: _attribute(name, value, cleaning.removed),
        )
        drawing = markup.parse_own(rewriting.rewrite(root))
        _drop_unshown_text(drawing, cleaning.removed)
        Naming(drawing).settle()
        _check_repetitions(drawing)
        sink.write(markup.serialise(drawing))
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
    """The root, without the document type that older programs write; one that defines anything is refused."""
    if b"<!--" in untrusted:
        cleaning.removed.add(Removed.COMMENTS)
    found = re.search(rb"<!DOCTYPE\s+svg[^>\[]*>", untrusted[:4096])
    if found is not None:
        untrusted = untrusted[: found.start()] + untrusted[found.end() :]
    return markup.parse(untrusted)


def _settle_references(root: Element, cleaning: Cleaning) -> None:
    """Pictures become cleaned ones, and every reference one of SVG 2; what leads outside goes with what it is for."""
    for node in list(root.iter(f"{_S}*")):
        address = node.get("href", node.get(_XLINK_HREF))
        if node.get(_XLINK_HREF) is not None:
            del node.attrib[_XLINK_HREF]
        if address is None or split(str(node.tag))[1] == "a":
            continue
        address = str(address).strip()
        if node.tag == f"{_S}image":
            picture = pictures.clean_address(address, cleaning, accept=_PICTURES)
            if picture is None:
                markup.remove(node)
            else:
                node.set("href", picture)
        elif address.startswith("#"):
            node.set("href", address)
        else:
            cleaning.removed.add(Removed.LINKS)
            if "href" in node.attrib:
                del node.attrib["href"]


def _drop_hidden(root: Element, removed: set[Removed]) -> None:
    """Layers that are switched off are what their author decided not to show."""
    for node in list(root.iter(f"{_S}*")):
        hidden = node.get("display", "").strip() == "none" or _HIDDEN.search(str(node.get("style", "")))
        if hidden and node.getparent() is not None:
            removed.add(Removed.HIDDEN_CONTENT)
            markup.remove(node)


def _drop_unshown_text(root: Element, removed: set[Removed]) -> None:
    """Text between shapes is not drawn by any program."""
    for node in root.iter(f"{_S}*"):
        if split(str(node.tag))[1] in _TEXTUAL:
            continue
        for text in (node.text, *(inner.tail for inner in node)):
            if text and text.strip():
                removed.add(Removed.HIDDEN_CONTENT)
        node.text = None
        for inner in node:
            inner.tail = None


def _attribute(name: str, value: str, removed: set[Removed]) -> str | None:
    if name == "href":
        return value
    if name == "style":
        return styles.declarations(value, removed) or None
    if name in styles.PROPERTIES:
        return styles.value(name, value, removed)
    if name in _NAMED and _STANDARD_INPUTS.fullmatch(value) is None:
        return value  # a filter's own names get numbers with all others
    if name == "class":
        return " ".join(value.split()) or None
    if name == "id":
        return value
    return value if _says_only_shape(name, value) else None


def _says_only_shape(name: str, value: str) -> bool:
    if name == "d":
        return _PATH.fullmatch(value) is not None
    if name in _TRANSFORMS:
        return _TRANSFORM.fullmatch(value) is not None
    return _NUMBERS.fullmatch(value) is not None or set(value.split()) <= _WORDS


def _check_repetitions(root: Element) -> None:
    """Count what is drawn when every ``use`` is drawn out.

    Raises:
        Bomb: too much, or something that contains itself.
    """
    named = {str(node.get("id")): node for node in root.iter(f"{_S}*") if node.get("id")}
    known: dict[str, int] = {}

    def pieces(node: Element, above: frozenset[str]) -> int:
        total = 0
        for inner in node.iter(f"{_S}*"):
            total += 1
            if inner.tag != f"{_S}use":
                continue
            name = str(inner.get("href", ""))[1:]
            if name in above or len(above) > _NESTED:
                raise Bomb
            if name in named:
                if name not in known:
                    known[name] = pieces(named[name], above | {name})
                total += known[name]
            if total > limits.SVG_USES:
                raise Bomb
        return total

    pieces(root, frozenset())
