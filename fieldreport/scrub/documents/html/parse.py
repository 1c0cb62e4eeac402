"""A page as libxml2 reads it: a tree of what the page shows, bounded in depth and in the number of its tags.

libxml2 repairs what is broken and hands out one event after another; no tree of its own is built, so nesting without
end costs nothing and what stands after the end of the page is not lost. An element that the table does not list leaves
its text. What nobody reads goes with all that is in it: scripts, style sheets, and what the page hides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final, cast

from lxml import etree, html

from fieldreport import limits
from fieldreport.scrub.documents import tables
from fieldreport.scrub.documents.css import HIDING, OVERLOOKED
from fieldreport.scrub.documents.markup import Element
from fieldreport.scrub.documents.vocabularies import load
from fieldreport.scrub.verdicts import Bomb, Noted, Removed

_TABLE: Final = tables.load("html")
_ELEMENTS: Final = load("html")[""].elements
_KEPT: Final = frozenset(_ELEMENTS)
_VOID: Final = frozenset(_TABLE["void"])
_UNREAD: Final = {name: Removed(called) if called else None for name, called in _TABLE["unread"].items()}
_META: Final = {name: Removed(called) for name, called in _TABLE["meta"].items()}
_ATTRIBUTES: Final = frozenset(name for attributes in _ELEMENTS.values() for name in attributes)
_DEEPEST: Final[int] = _TABLE["deepest"]

_PIECE_BYTES: Final = 64 * 1024  # between two looks at how many elements are open
_OUTERMOST: Final = frozenset({"html", "head", "body"})
_OF_HEAD: Final = frozenset({"meta", "link", "base"})  # before all that is shown, they stand between nothing
_OF_TABLES: Final = frozenset({"caption", "col", "colgroup", "tbody", "td", "tfoot", "th", "thead", "tr"})
_WITHOUT_LOSS: Final = frozenset({"img", "source", "link", "meta"})  # other sizes, the sign of a tab
_PICTURE_IN_SHEET: Final = re.compile(r"url\(\s*[\"']?data:image", re.IGNORECASE)
_DESCRIBING: Final = frozenset({"alt", "title", "aria-label", "alttext"})
_IF_ANY_TEXT: Final = frozenset({Removed.DESCRIPTION, Removed.HIDDEN_CONTENT, Removed.LAYOUT})
_BUTTONS: Final = frozenset({"submit", "button", "reset"})  # what an <input> of this type says is read on it
_MARKED: Final = {"checkbox": "\N{BALLOT BOX WITH CHECK}", "radio": "\N{FISHEYE}"}  # how one that is chosen looks
# Elements without an end, younger than libxml2's table of them: it would wait for one.
_YOUNG_VOID: Final = re.compile(r"<(wbr|embed|source|track|keygen)\b[^<>]*>", re.IGNORECASE)
# What no tree of lxml may hold. Only a page that spells one out as a number gets this far with it.
_NO_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")


def parse(untrusted: str, removed: set[Removed], noted: set[str]) -> tuple[Element, bool]:
    """The body, with elements and attributes whose names the table lists; ``removed`` learns what else there was.

    ``noted`` learns whether a style hides words, which are shown now, or may have them overlooked.

    The second value: whether the parser will find the same tree in the page that is written of it. It may not when an
    element was left out that stood between two others: it allows a paragraph in a form in a paragraph, but no paragraph
    in a paragraph.

    Raises:
        Bomb: more than ``limits.HTML_TAGS`` tags, or so many in each other that ``limits.HTML_STEPS`` are not enough.
    """
    if untrusted.count("<") > limits.HTML_TAGS:
        raise Bomb
    page = _YOUNG_VOID.sub(r"\g<0></\1>", untrusted).encode()
    shown = _Shown(removed, noted)
    # Entities need no switch: HTML defines none. libxml2 asks no network for a page that is in memory.
    parser = html.HTMLParser(target=cast("Any", shown), encoding="utf-8", no_network=True)
    # For each end, libxml2 may walk through all elements that are open.
    most_open = limits.HTML_STEPS // (page.count(b"</") + 1)
    for position in range(0, len(page), _PIECE_BYTES):
        parser.feed(page[position : position + _PIECE_BYTES])
        if shown.open > most_open:
            raise Bomb
    return cast("tuple[Element, bool]", parser.close())


def _as_xml(text: str) -> str:
    return text if text.isprintable() else _NO_XML.sub("", text)


class _Shown:
    """What libxml2's events are handed to: builds the tree from those of what is shown."""

    def __init__(self, removed: set[Removed], noted: set[str]) -> None:
        self._removed = removed
        self._noted = noted
        self._in_sheet = False
        self._tree = etree.TreeBuilder()
        self._built: list[bool] = []  # of the elements that are open: whether they are in the tree
        self._depth = 0  # of the tree
        self._unread = 0  # elements that are open in one whose content goes, itself included
        self._called: Removed | None = None  # what that is called
        self._settled = True
        self._begun = False  # whether anything is shown yet
        self._tables = 0  # that are open in the tree
        self._tree.start("body", {})

    @property
    def open(self) -> int:
        """How many elements are open."""
        return len(self._built) + self._unread

    def start(self, tag: str, attributes: Mapping[str, str]) -> None:
        if self._unread:
            self._unread += 1
            return
        hidden = False
        if attributes:
            self._report(tag, attributes)
            style = attributes.get("style")
            hidden = "hidden" in attributes or (style is not None and HIDING.search(style) is not None)
            if style is not None and not hidden:
                self._removed.add(Removed.LAYOUT)
                if OVERLOOKED.search(style):
                    self._noted.add(Noted.HIDDEN_WORDS)
            if tag == "input" and not hidden:
                self._read_field(attributes)
        if tag in _UNREAD or (hidden and tag not in _VOID):
            self._unread = 1
            self._in_sheet = tag == "style"
            self._called = _UNREAD.get(tag, Removed.HIDDEN_CONTENT)
            if self._called is not None and self._called not in _IF_ANY_TEXT:
                self._removed.add(self._called)
            return
        built = tag in _KEPT and not hidden and (self._depth < _DEEPEST or tag in _VOID)
        self._built.append(built)
        if built:
            self._depth += 1
            self._begun = True
            self._tables += tag == "table"
            if not self._tables and tag in _OF_TABLES:
                self._settled = False  # libxml2 reads one that stands alone in several ways
            kept = sorted(_ATTRIBUTES.intersection(attributes)) if attributes else ()
            self._tree.start(tag, {name: _as_xml(attributes[name]) for name in kept} if kept else {})
        elif tag not in _OUTERMOST and (self._begun or tag not in _OF_HEAD):
            self._settled = False

    def end(self, tag: str) -> None:
        if self._unread:
            self._unread -= 1
        elif self._built.pop():
            self._depth -= 1
            self._tables -= tag == "table"
            self._tree.end(tag)

    def data(self, text: str) -> None:
        if not self._unread:
            self._begun = self._begun or bool(text.strip())
            self._tree.data(_as_xml(text).replace("\r", "\n"))
        elif self._called is not None and text.strip():
            self._removed.add(self._called)
            if not self._in_sheet:
                return
            if _PICTURE_IN_SHEET.search(text):
                self._removed.add(Removed.DRAWINGS)
            if HIDING.search(text) or OVERLOOKED.search(text):
                self._noted.add(Noted.HIDDEN_WORDS)

    def comment(self, text: str) -> None:
        if not text.startswith("?"):  # a declaration of XML
            self._removed.add(Removed.COMMENTS)

    def close(self) -> tuple[Element, bool]:
        self._tree.end("body")
        return self._tree.close(), self._settled

    def _read_field(self, attributes: Mapping[str, str]) -> None:
        """What is read on a button stays; what is in a field goes: a browser may have put a name there by itself."""
        kind, value = attributes.get("type", "text").lower(), attributes.get("value", "")
        if kind in _BUTTONS:
            self.data(f" {value} ")
        elif kind in _MARKED:
            if "checked" in attributes:
                self.data(f"{_MARKED[kind]} ")
        elif value.strip():
            self._removed.add(Removed.HIDDEN_CONTENT if kind in {"hidden", "password"} else Removed.OTHER_METADATA)

    def _report(self, tag: str, attributes: Mapping[str, str]) -> None:
        if tag == "meta" and attributes.get("content") and attributes.get("name"):
            self._removed.add(_META.get(attributes["name"].lower(), Removed.OTHER_METADATA))
        for name, value in attributes.items():
            if name in _ATTRIBUTES:
                continue
            if "data:image" in value and tag not in _WITHOUT_LOSS:
                self._removed.add(Removed.DRAWINGS)  # a picture behind something, which goes with the style
            if name.startswith("on"):
                self._removed.add(Removed.SCRIPT)
            elif name in _DESCRIBING and value:
                self._removed.add(Removed.DESCRIPTION)
            elif name.startswith("data-"):
                self._removed.add(Removed.OTHER_METADATA)
