"""SVG: shapes, text, gradients and pictures of a drawing, in a new document that calls nothing by name.

Rules: no script, no animation, no foreign markup, no reference to anything outside. What drawing programs keep next to
the drawing (paths, layers' names, titles, editing history) goes. What is referred to inside gets a number for a name.
Text stays text. A drawing that repeats itself into millions of pieces is refused: opening it would take for minutes.

Source: Scalable Vector Graphics 2 (W3C).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

from lxml import etree

from fieldreport import limits
from fieldreport.scrub import registry
from fieldreport.scrub.documents import markup, pictures, tables
from fieldreport.scrub.documents.css import HIDING, Styles
from fieldreport.scrub.documents.markup import Element
from fieldreport.scrub.documents.svg.names import Names
from fieldreport.scrub.documents.svg.pixels import drawn
from fieldreport.scrub.documents.svg.pixels import warm as warm_drawing
from fieldreport.scrub.documents.svg.unseen import may_hide_words
from fieldreport.scrub.documents.vocabularies import findings, load
from fieldreport.scrub.documents.xml_rewrite import Make, Rewriting
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.images.png import write as write_png
from fieldreport.scrub.verdicts import Bomb, Damaged, Mode, Noted, Removed

MEDIA_TYPE: Final = "image/svg+xml"
SVG: Final = "http://www.w3.org/2000/svg"
XLINK: Final = "http://www.w3.org/1999/xlink"
_PICTURES: Final = frozenset(tables.load("html")["pictures"])
_S: Final = f"{{{SVG}}}"
_XLINK_HREF: Final = f"{{{XLINK}}}href"
_GROUPS: Final = frozenset({f"{_S}a", f"{_S}switch"})  # that become usual ones
_OF_LINKS: Final = frozenset({"href", "target", "rel", "type", "title", "download"})
_DRAWN: Final = frozenset(
    {f"{_S}{name}" for name in ("a", "g", "image", "svg", "switch", "use", "text", "textPath", "tspan")}
    | {f"{_S}{name}" for name in ("circle", "ellipse", "line", "path", "polygon", "polyline", "rect")}
)  # what can be switched off
_PROLOGUE_BYTES: Final = 64 * 1024
_ENTITY: Final = re.compile(rb"""<!ENTITY\s+([\w.-]+)\s+("[^"<&%]*"|'[^'<&%]*')\s*>""")
_DOCTYPE: Final = re.compile(rb"<!DOCTYPE\s+svg[^>\[]*(?:\[((?:\s++|<!ENTITY[^<>]*>)*+)\]\s*)?>")
_NESTED: Final = 64  # repetitions within repetitions; programs write two or three

_VOCABULARIES: Final = load("svg")
_VOCABULARY: Final = _VOCABULARIES[SVG]
_FINDINGS: Final = findings() | {
    name: None if called == "nothing" else Removed(called)
    for called, names in tables.load("svg")["findings"].items()
    for name in names.split()
}
_TIDY: Final = tuple(
    f"svg-{kind}" for kind in ("length", "lengths", "numbers", "path", "transform", "aspect", "orient")
)
_ON_SCREENS: Final = frozenset({"", "all", "screen"})


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
        sink.write(_Drawing(root, cleaning).written())
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
    """The root, without the document type that older programs write.

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
    return markup.parse(untrusted)


class _Drawing:
    """One drawing on its way."""

    def __init__(self, root: Element, cleaning: Cleaning) -> None:
        self._root = root
        self._cleaning = cleaning
        self._removed = cleaning.removed
        self._shown: list[Element] = []  # elements of the new drawing, in their order
        self._known: dict[tuple[str, str], str | None] = {}  # values of properties: a map has a million of a few

    def written(self) -> bytes:
        """The new drawing."""
        self._settle_elements()
        _check_repetitions(self._root)
        names = Names((str(node.get("id")) for node in self._shown if node.get("id") is not None), self._removed)
        styles = Styles(names, self._removed)
        for node in self._shown:
            if node.tag == f"{_S}style":
                node.text = styles.sheet("".join(map(str, node.itertext())))
                for inner in list(node):
                    markup.remove(inner)
        rewriting = Rewriting(_VOCABULARIES, removed=self._removed, findings=_FINDINGS, made=self._made(names, styles))
        written = rewriting.rewrite(self._root)
        if any(node.text or len(node) for node in self._root.iter(f"{_S}text")) and (
            styles.hides or may_hide_words(self._root)
        ):
            self._cleaning.noted.add(Noted.HIDDEN_WORDS)
        return written

    def _made(self, names: Names, styles: Styles) -> Mapping[str, Make]:
        def value(_: Element, name: str, said: str) -> str | None:
            key = (name, said)
            if key not in self._known:
                if len(self._known) > limits.SVG_USES:
                    self._known.clear()
                self._known[key] = styles.value(name, said)
            return self._known[key]

        return {
            "svg-id": names.given,
            "svg-classes": names.classes,
            "svg-reference": names.reference,
            "svg-input": names.result,
            "svg-result": names.result,
            "css-value": value,
            "css-fonts": value,
            "css-declarations": lambda _, __, said: styles.declarations(said) or None,
            **dict.fromkeys(_TIDY, lambda _, __, said: " ".join(said.split())),
        }

    def _settle_elements(self) -> None:
        """Find what will be in the new drawing; what is hidden goes, and pictures become cleaned ones."""
        waiting = [self._root]
        while waiting:
            node = waiting.pop()
            if node.tag in _VOCABULARY.elements:
                self._shown.append(node)
            if node.tag not in _VOCABULARY.text:
                self._drop_unshown_text(node)
            children = [child for child in node if child.tag in _VOCABULARY.elements or child.tag in _GROUPS]
            if node.tag == f"{_S}switch":
                children = self._chosen(children)
            if node.tag in _GROUPS:
                parent = node.getparent()
                node.tag = f"{_S}tspan" if parent is not None and parent.tag in _VOCABULARY.text else f"{_S}g"
                self._shown.append(node)
            waiting += reversed([child for child in children if self._is_kept(child)])

    def _is_kept(self, node: Element) -> bool:
        address = node.get("href", node.get(_XLINK_HREF))
        if node.get(_XLINK_HREF) is not None:
            del node.attrib[_XLINK_HREF]
        if node.tag in _DRAWN and _is_hidden(node):
            self._removed.add(Removed.HIDDEN_CONTENT)
        elif node.tag == f"{_S}style" and not {node.get("media", ""), node.get("type", "text/css")} <= {
            *_ON_SCREENS,
            "text/css",
        }:
            pass
        elif node.tag == f"{_S}image":
            picture = pictures.clean_address(str(address or "").strip(), self._cleaning, accept=_PICTURES)
            if picture is not None:
                node.set("href", picture)
                return True
        else:
            if node.tag == f"{_S}a":
                self._removed.add(Removed.LINKS)
                for name in _OF_LINKS.intersection(map(str, node.attrib)):
                    del node.attrib[name]
            elif address is not None:
                node.set("href", address)
            return True
        markup.remove(node)
        return False

    def _chosen(self, children: list[Element]) -> list[Element]:
        """Of a "switch", the one that is drawn: what asks for nothing, or else the first (SVG 2, 5.9)."""
        asking = ("systemLanguage", "requiredExtensions", "requiredFeatures")
        plain = [child for child in children if not any(child.get(name) for name in asking)]
        chosen = (plain or children)[:1]
        for child in children:
            if child not in chosen:
                self._removed.add(Removed.HIDDEN_CONTENT)
                markup.remove(child)
        return chosen

    def _drop_unshown_text(self, node: Element) -> None:
        """Text between shapes is not drawn by any program."""
        if (node.text and not node.text.isspace()) or any(inner.tail and not inner.tail.isspace() for inner in node):
            self._removed.add(Removed.HIDDEN_CONTENT)


def _is_hidden(node: Element) -> bool:
    """Layers that are switched off are what their author decided not to show."""
    if node.get("display", "").strip() == "none":
        return True
    style = node.get("style")
    if style is not None and (found := HIDING.search(str(style))) is not None and found[0].lower().startswith("d"):
        return True
    unseen = node.get("visibility", "").strip() in {"hidden", "collapse"} or (
        style is not None and found is not None and found[0].lower().startswith("v")
    )
    return unseen and not any(
        "visib" in str(value) for inner in node.iterdescendants() for value in inner.attrib.values()
    )


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
