"""The pages of a book: which of their elements are shown, and what their values may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from fieldreport.scrub.documents import markup, tables
from fieldreport.scrub.documents.css import HIDING, OVERLOOKED
from fieldreport.scrub.documents.markup import Element, split
from fieldreport.scrub.documents.svg import elements as drawings
from fieldreport.scrub.documents.vocabularies import load
from fieldreport.scrub.documents.xml_rewrite import Make
from fieldreport.scrub.verdicts import Removed

XHTML: Final = "http://www.w3.org/1999/xhtml"
FINDINGS: Final = drawings.FINDINGS | {
    "annotation": None, "annotation-xml": None, "head": None, "meta": None, "title": None, "style": None, "link": None,
    "pageList": None, "navInfo": Removed.DESCRIPTION, "navList": Removed.DESCRIPTION,
    "@id": None, "@class": None, "@href": Removed.LINKS, "@alt": Removed.DESCRIPTION, "@title": Removed.DESCRIPTION,
}  # fmt: skip
"""What the removal of an element or an attribute is called."""
_TABLE: Final = tables.load("epub/page")
_MATH: Final = "http://www.w3.org/1998/Math/MathML"
_PAGE: Final = load("epub/page", "epub/semantics")[XHTML]
_FORMULAS: Final = load("opendocument/math")[_MATH]
_TYPES: Final = frozenset(_TABLE["words"].split())
_UNREAD: Final = {name: Removed(called) if called else None for name, called in _TABLE["unread"].items()}
_BECOMES: Final = {name: plain for plain, names in _TABLE["becomes"].items() for name in names.split()}
_H: Final = f"{{{XHTML}}}"
_OPS: Final = "{http://www.idpf.org/2007/ops}"
_ROOT: Final = frozenset({f"{_H}html", f"{_H}head", f"{_H}body"})
_SHEET: Final = "stylesheet"
_OF_THEIR_OWN: Final = {"object", "img", "link", "meta", "title", "ol", "ul", "td", "th", "table", "tr", *_BECOMES}
# Of these only whether they are hidden is asked.
_ORDINARY: Final = frozenset(_PAGE.elements) - _ROOT - {f"{_H}{name}" for name in _OF_THEIR_OWN}
_SILENT: Final = _ORDINARY - {f"{_H}style"}


def settle(root: Element, removed: set[Removed], picture: Callable[[str], str | None]) -> list[Element]:
    """The elements that stay, in their order; what is hidden is taken out, and pictures get their new addresses.

    Of those that say nothing beside their text, nobody asks anything, so they are not among them.

    Elements of forms and others of old become one that means nothing; their text stays.

    ``picture``: the new address of a picture; None where it goes.

    Raises:
        Bomb: a drawing of it draws too much.
    """
    shown: list[Element] = []
    waiting = [root]
    while waiting:
        node = waiting.pop()
        if node.tag == f"{{{drawings.SVG}}}svg":
            shown += drawings.settle(node, removed, picture)
            continue
        shown.append(node)
        if len(node):
            waiting += reversed(
                [
                    child
                    for child in node
                    if (child.tag not in _SILENT or len(child) or child.attrib) and _is_kept(child, removed, picture)
                ]
            )
    return shown


def made(of_drawings: Mapping[str, Make], address: Make) -> Mapping[str, Make]:
    """What the values of each kind become. ``address``: what becomes of a link."""
    return {
        **of_drawings,
        "book-link": address,
        "tokens": _types,
        "viewport": lambda _, __, said: ", ".join(each.strip() for each in said.split(",")),
    }


def may_hide_words(root: Element) -> bool:
    """Whether the "style" of an element may have a text overlooked."""
    return any(OVERLOOKED.search(str(node.get("style"))) for node in root.iter() if node.get("style") is not None)


def _types(_: Element, name: str, said: str) -> str | None:
    if not name.startswith(_OPS):
        return said
    return " ".join(word for word in said.split() if word in _TYPES) or None


def _is_kept(node: Element, removed: set[Removed], picture: Callable[[str], str | None]) -> bool:
    if node.tag in _ORDINARY:
        return not node.attrib or _unless_hidden(node, removed)
    tag = str(node.tag)
    namespace, local = split(tag)
    if namespace == XHTML:
        return _is_kept_in_page(node, local, removed, picture)
    if tag.startswith(_OPS) and local in {"switch", "case", "default"}:
        _settle_choice(node, local, removed)
        return True
    if tag == f"{{{drawings.SVG}}}svg":
        return _unless_hidden(node, removed)
    return tag in _FORMULAS.elements


def _settle_choice(node: Element, local: str, removed: set[Removed]) -> None:
    """Of what is written for different readers, what is for those that know nothing else (EPUB 3.0, 2.1.3.4)."""
    if local == "switch" and next(node.iterchildren(f"{_OPS}default"), None) is not None:
        for case in list(node.iterchildren(f"{_OPS}case")):
            removed.add(Removed.HIDDEN_CONTENT)
            markup.remove(case)
    node.tag = f"{_H}div"
    node.attrib.clear()


def _is_kept_in_page(node: Element, local: str, removed: set[Removed], picture: Callable[[str], str | None]) -> bool:
    if local == "object":
        _settle_object(node, removed, picture)
    elif local in _UNREAD and node.tag not in _PAGE.elements:
        called = _UNREAD[local]
        if called is not None and (len(node) or node.text or node.attrib):
            removed.add(called)
        markup.remove(node)
        return False
    if node.tag not in _ROOT and not _unless_hidden(node, removed):
        return False
    if local in _BECOMES:
        node.tag = f"{_H}{_BECOMES[local]}"
    if node.tag not in _PAGE.elements:
        return False
    match local:
        case "img":
            return _with_picture(node, picture)
        case "link" if node.get("rel") != _SHEET or node.get("media", "all") not in {"all", "screen", ""}:
            markup.remove(node)
            return False
        case "meta" if node.get("name") != "viewport":
            markup.remove(node)
            return False
        case "title":
            node.text = "Document"
        case "ol" | "ul" | "td" | "th" | "table" | "tr":
            for name in ("type", "valign", "align"):
                if (value := node.get(name)) is not None and value not in _TYPES:
                    node.set(name, str(value).lower())
        case _:
            pass
    return True


def _settle_object(node: Element, removed: set[Removed], picture: Callable[[str], str | None]) -> None:
    """A picture becomes one; of anything else stays what is shown where it cannot be."""
    new = picture(str(node.get("data", ""))) if str(node.get("type", "")).startswith("image/") else None
    if new is None:
        removed.add(Removed.EMBEDDED_FILE)
        node.tag = f"{_H}div"
        return
    for child in list(node):
        node.remove(child)
    for name in ("data", "type"):
        del node.attrib[name]
    node.tag, node.text = f"{_H}img", None
    node.set("src", new)


def _with_picture(node: Element, picture: Callable[[str], str | None]) -> bool:
    new = picture(str(node.get("src", "")))
    if new is None:
        markup.remove(node)
        return False
    node.set("src", new)
    return True


def _unless_hidden(node: Element, removed: set[Removed]) -> bool:
    style = node.get("style")
    if node.get("hidden") is None and (style is None or HIDING.search(str(style)) is None):
        return True
    removed.add(Removed.HIDDEN_CONTENT)
    markup.remove(node)
    return False
