"""A new XML document from an old tree: only elements and attributes of the given vocabularies.

Where text means something only in certain elements (Office Open XML), these are named and text is left out everywhere
else; in OpenDocument and XHTML all of it is content.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final

from fieldreport.scrub.documents.markup import XML, Element, split
from fieldreport.scrub.documents.vocabularies import RELATIONSHIPS, Vocabulary
from fieldreport.scrub.text.invisible import unmark_piece
from fieldreport.scrub.verdicts import Damaged, Removed

COMPATIBILITY: Final = "http://schemas.openxmlformats.org/markup-compatibility/2006"
_COMPATIBLE: Final = frozenset(f"{{{COMPATIBILITY}}}{name}" for name in ("AlternateContent", "Choice"))
_FOREIGN: Final = {RELATIONSHIPS: "r", COMPATIBILITY: "mc"}
_WITHOUT_PREFIX: Final = frozenset({"x", "html", "ncx", "svg"})
_KINDS_MOST: Final = 10_000  # a hostile document may have a million kinds of one
_ELEMENTS_MOST: Final = 4_000_000  # a spreadsheet of a million cells has three

_PIECES: Final = 100_000  # of the new document before they are joined: a short string takes 60 bytes
_DECLARATION: Final = b"<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\n"
# What no document of XML can hold (XML 1.0, 2.2), and what libxml2 escapes, and how.
_FORBIDDEN: Final = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
_NO_XML: Final = re.compile(f"[{_FORBIDDEN}]")
_SPECIAL_IN_TEXT: Final = re.compile(f"[&<>\r{_FORBIDDEN}]")
_SPECIAL_IN_VALUE: Final = re.compile(f'[&<>"\t\n\r{_FORBIDDEN}]')
_ESCAPES_IN_TEXT: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ESCAPES_IN_VALUE: Final = _ESCAPES_IN_TEXT | str.maketrans({'"': "&quot;", "\t": "&#9;", "\n": "&#10;"})

Attribute = Callable[[Element, str, str], str | None]
"""What becomes of an attribute: (element, name, value) to the value it keeps, or None."""


class Rewriting:
    """Copies one tree. ``attribute`` has the last word on every value; ``removed`` learns what was left out.

    ``void``: HTML is written, in which these elements have no end and all others have one.
    """

    def __init__(
        self,
        vocabularies: Mapping[str, Vocabulary],
        *,
        removed: set[Removed],
        findings: Mapping[str, Removed | None],
        text_in: Collection[str] | None = None,
        attribute: Attribute | None = None,
        void: Collection[str] | None = None,
    ) -> None:
        self._vocabularies = vocabularies
        self._removed = removed
        self._findings = findings
        self._text_in = text_in
        self._attribute = attribute
        self._void = void
        self._elements = 0
        self._prefixes: dict[str, str] = {}  # of namespaces
        self._plain = ""  # the namespace that has none
        self._names: dict[str, str] = {}  # tags as they are written; those of attributes after an @
        self._used: set[str] = set()
        self._out: list[str] = []  # pieces of the new document that follow ``_done``
        self._done = bytearray()
        self._flushed = 0
        self._places: dict[object, tuple[str, frozenset[str]]] = {}

    def rewrite(self, old: Element, *, named: str = "", keep_prefixes: Collection[str] = ()) -> bytes:
        """The new document in UTF-8, with a declaration and only those namespaces that are used.

        ``named``: what the root is called instead of its own tag. ``keep_prefixes``: of namespaces that stay declared,
        because an attribute's value names them.

        Raises:
            Damaged: the root itself is not in a vocabulary.
        """
        place, allowed = self._looked_up(old.tag)
        if place != "keep":
            raise Damaged
        root = named or str(old.tag)
        self._prefixes = _FOREIGN | {v.namespace: v.prefix for v in self._vocabularies.values()}
        # Some formats are written without a prefix: simple readers of them know no other way.
        self._plain = split(root)[0] if self._prefixes[split(root)[0]] in _WITHOUT_PREFIX else ""
        self._element(old, self._name(root), allowed)
        spaces = {prefix: namespace for namespace, prefix in self._prefixes.items()} | {"": self._plain}
        declared = {prefix: spaces[prefix] for prefix in sorted(self._used | {*keep_prefixes} & {*spaces})}
        declarations = "".join(
            f' xmlns{":" * bool(prefix)}{prefix}="{namespace}"' for prefix, namespace in declared.items()
        )
        self._flush()
        # The first thing written is the root, up to its attributes.
        start = len(self._name(root)) + 1
        return _DECLARATION + self._done[:start] + declarations.encode() + self._done[start:]

    def inside(self, old: Element) -> str:
        """What is written of everything in an element that has no namespace, without a root."""
        self._append(old.text)
        self._children(old)
        self._flush()
        return self._done.decode()

    def _looked_up(self, tag: object) -> tuple[str, frozenset[str]]:
        """What becomes of an element, and which attributes it may have. Remembered: there are few kinds of many."""
        found = self._places.get(tag)
        if found is None:
            text = str(tag)  # of a comment or an instruction the tag is a function
            vocabulary = self._vocabularies.get(split(text)[0])
            if vocabulary is None:
                found = ("keep" if text in _COMPATIBLE else "drop", frozenset({"Requires"}))
            else:
                place = "keep" if text in vocabulary.keep else "unwrap" if text in vocabulary.unwrap else "drop"
                found = (place, vocabulary.attributes)
            if len(self._places) < _KINDS_MOST:
                self._places[tag] = found
        return found

    def _name(self, tag: str, *, of_attribute: bool = False) -> str:
        """The tag as it is written: with the prefix of its namespace, which counts as used."""
        key = f"@{tag}" if of_attribute else tag
        if key not in self._names:
            namespace, local = split(tag)
            if namespace == XML or (of_attribute and not namespace):
                prefix = "xml" if namespace else ""
            else:
                prefix = "" if namespace == self._plain and not of_attribute else self._prefixes[namespace]
                self._used.add(prefix)
            self._names[key] = f"{prefix}:{local}" if prefix else local
        return self._names[key]

    def _element(self, old: Element, name: str, allowed: frozenset[str]) -> None:
        self._elements += 1
        if self._elements > _ELEMENTS_MOST:
            raise Damaged
        out = self._out
        if len(out) > _PIECES:
            self._flush()
        attributes = old.items()
        out.append(f"<{name}{self._attributes(old, attributes, allowed)}" if attributes else f"<{name}")
        out.append(">")
        begin = self._flushed + len(out)
        text = old.text
        if text and (self._text_in is None or old.tag in self._text_in):
            out.append(self._escaped(text))
        if len(old):
            self._children(old)
        if self._void is not None:
            if name not in self._void:
                out.append(f"</{name}>")
        elif self._flushed + len(out) == begin:
            out[-1] = "/>"
        else:
            out.append(f"</{name}>")

    def _children(self, old: Element) -> None:
        # Once for each element of a document: what can be looked up before the loop is.
        looked_up, names = self._looked_up, self._names
        for child in old:
            tag = child.tag
            place, allowed = looked_up(tag)
            if place == "keep":
                self._element(child, names.get(tag) or self._name(str(tag)), allowed)
            else:
                self._report(child)
                if place == "unwrap":
                    self._append(child.text)
                    self._children(child)
            tail = child.tail
            if tail:
                self._append(tail)

    def _attributes(self, old: Element, attributes: Iterable[tuple[object, object]], allowed: frozenset[str]) -> str:
        written = ""
        judge = self._attribute
        for key, value in attributes:
            name = str(key)
            kept: str | None = str(value) if name in allowed else None
            if kept is not None and judge is not None:
                kept = judge(old, name, kept)
            if kept is None:
                if value:
                    self._report_attribute(name)
            else:
                if not kept.isascii():
                    kept = self._unmarked(kept)
                if _SPECIAL_IN_VALUE.search(kept) is not None:
                    kept = _as_markup(kept, _ESCAPES_IN_VALUE)
                written += f' {self._names.get(f"@{name}") or self._name(name, of_attribute=True)}="{kept}"'
        return written

    def _append(self, text: str | None) -> None:
        if text and self._text_in is None:
            self._out.append(self._escaped(text))

    def _escaped(self, text: str) -> str:
        kept = self._unmarked(text)
        return _as_markup(kept, _ESCAPES_IN_TEXT) if _SPECIAL_IN_TEXT.search(kept) is not None else kept

    def _unmarked(self, text: str) -> str:
        kept = unmark_piece(text)
        if kept != text:
            self._removed.add(Removed.COPY_MARKS)
        return kept

    def _flush(self) -> None:
        self._flushed += len(self._out)
        self._done += "".join(self._out).encode()
        self._out.clear()

    def _report(self, element: Element) -> None:
        if not (len(element) or element.attrib or element.text):
            return  # an empty element says nothing
        finding = self._findings.get(split(str(element.tag))[1], Removed.OTHER_METADATA)
        if finding is not None:
            self._removed.add(finding)

    def _report_attribute(self, name: str) -> None:
        namespace, local = split(name)
        if namespace in {XML, COMPATIBILITY}:
            return
        finding = self._findings.get(f"@{local}", Removed.OTHER_METADATA)
        if finding is not None:
            self._removed.add(finding)


def _as_markup(text: str, escapes: Mapping[int, str]) -> str:
    if _NO_XML.search(text) is not None:
        raise Damaged
    return text.translate(escapes)
