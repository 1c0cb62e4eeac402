"""The elements of drawings, alone or in the page of a book: which of them are drawn, and what their values may be."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from typing import Final

from fieldreport import limits
from fieldreport.scrub.documents import markup, tables
from fieldreport.scrub.documents.css import HIDING, Styles
from fieldreport.scrub.documents.markup import Element
from fieldreport.scrub.documents.names import Names
from fieldreport.scrub.documents.vocabularies import findings, load
from fieldreport.scrub.documents.xml_rewrite import Make
from fieldreport.scrub.verdicts import Bomb, Removed

SVG: Final = "http://www.w3.org/2000/svg"
XLINK: Final = "http://www.w3.org/1999/xlink"
FINDINGS: Final = findings() | {
    name: None if called == "nothing" else Removed(called)
    for called, names in tables.load("svg")["findings"].items()
    for name in names.split()
}
"""What the removal of an element or an attribute is called."""
_VOCABULARY: Final = load("svg")[SVG]
_S: Final = f"{{{SVG}}}"
_XLINK_HREF: Final = f"{{{XLINK}}}href"
_TIDY: Final = tuple(
    f"svg-{kind}" for kind in ("length", "lengths", "numbers", "path", "transform", "aspect", "orient")
)
_ON_SCREENS: Final = frozenset({"", "all", "screen"})
_GROUPS: Final = frozenset({f"{_S}a", f"{_S}switch"})  # that become usual ones
_OF_LINKS: Final = frozenset({"href", "target", "rel", "type", "title", "download"})
_DRAWN: Final = frozenset(
    {f"{_S}{name}" for name in ("a", "g", "image", "svg", "switch", "use", "text", "textPath", "tspan")}
    | {f"{_S}{name}" for name in ("circle", "ellipse", "line", "path", "polygon", "polyline", "rect")}
)  # what can be switched off
_NESTED: Final = 64  # repetitions within repetitions; programs write two or three


def settle(root: Element, removed: set[Removed], picture: Callable[[str], str | None]) -> list[Element]:
    """The elements that are drawn, in their order; what is hidden is taken out, and pictures get their new addresses.

    ``picture``: the new address of a picture; None where it goes.

    Raises:
        Bomb: it draws too much, or something that contains itself.
    """
    found = _Settling(removed, picture).settled(root)
    _check_repetitions(root)
    return found


def settle_sheets(elements: Iterable[Element], styles: Styles) -> None:
    """Give each "style" among these elements its new text."""
    for node in elements:
        if str(node.tag).endswith("}style"):
            said = "".join(map(str, node.itertext()))
            del node[:]  # with what stands behind each of them, which the sheet has as well
            node.text = styles.sheet(said)


def made(names: Names, styles: Styles) -> Mapping[str, Make]:
    """What the values of each kind become."""
    known: dict[tuple[str, str], str | None] = {}  # a map has a million of a few

    def value(_: Element, name: str, said: str) -> str | None:
        key = (name, said)
        if key not in known:
            if len(known) > limits.SVG_USES:
                known.clear()
            known[key] = styles.value(name, said)
        return known[key]

    return {
        "numbered-id": names.given,
        "numbered-classes": names.classes,
        "svg-reference": names.reference,
        "svg-input": names.result,
        "svg-result": names.result,
        "css-value": value,
        "css-fonts": value,
        "css-declarations": lambda _, __, said: styles.declarations(said) or None,
        **dict.fromkeys(_TIDY, lambda _, __, said: " ".join(said.split())),
    }


class _Settling:
    def __init__(self, removed: set[Removed], picture: Callable[[str], str | None]) -> None:
        self._removed = removed
        self._picture = picture
        self._shown: list[Element] = []

    def settled(self, root: Element) -> list[Element]:
        waiting = [root]
        while waiting:
            node = waiting.pop()
            if node.tag in _VOCABULARY.elements:
                self._shown.append(node)
            if node.tag == f"{_S}style":
                continue  # an element in a sheet is none
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
        return self._shown

    def _is_kept(self, node: Element) -> bool:
        address = node.get("href", node.get(_XLINK_HREF))
        if node.get(_XLINK_HREF) is not None:
            del node.attrib[_XLINK_HREF]
        if node.tag in _DRAWN and is_hidden(node):
            self._removed.add(Removed.HIDDEN_CONTENT)
        elif node.tag == f"{_S}style" and not {node.get("media", ""), node.get("type", "text/css")} <= {
            *_ON_SCREENS,
            "text/css",
        }:
            pass
        elif node.tag == f"{_S}image":
            picture = self._picture(str(address or "").strip())
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


def is_hidden(node: Element) -> bool:
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
