"""A new XML tree from an old one: only elements and attributes of the given vocabularies, each made anew.

Where text means something only in certain elements (Office Open XML), these are named and text is left out everywhere
else; in OpenDocument and XHTML all of it is content.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Final, cast

from lxml import etree

from fieldreport.scrub.office.marks import unmarked
from fieldreport.scrub.office.markup import XML, Element, split
from fieldreport.scrub.office.vocabularies import RELATIONSHIPS, Vocabulary
from fieldreport.scrub.vocabulary import Damaged, Removed

COMPATIBILITY: Final = "http://schemas.openxmlformats.org/markup-compatibility/2006"
_COMPATIBLE: Final = frozenset(f"{{{COMPATIBILITY}}}{name}" for name in ("AlternateContent", "Choice"))
_WITHOUT_PREFIX: Final = frozenset({"x", "html", "ncx", "svg"})
_KINDS_MOST: Final = 10_000  # a hostile document may have a million kinds of one
_ELEMENTS_MOST: Final = 4_000_000  # a spreadsheet of a million cells has three

Attribute = Callable[[Element, str, str], str | None]
"""What becomes of an attribute: (element, name, value) to the value it keeps, or None."""


class Rewriting:
    """Copies trees. ``attribute`` has the last word on every value; ``removed`` learns what was left out."""

    def __init__(
        self,
        vocabularies: Mapping[str, Vocabulary],
        *,
        removed: set[Removed],
        findings: Mapping[str, Removed | None],
        text_in: Collection[str] | None = None,
        attribute: Attribute | None = None,
    ) -> None:
        self._vocabularies = vocabularies
        self._removed = removed
        self._findings = findings
        self._text_in = text_in
        self._attribute = attribute
        self._elements = 0
        self._places: dict[object, tuple[str, frozenset[str]]] = {}

    def rewrite(self, old: Element) -> Element:
        """The new root. Raises ``Damaged`` when the root itself is not in a vocabulary."""
        place, allowed = self._looked_up(old.tag)
        if place != "keep":
            raise Damaged
        # Some formats are written without a prefix: simple readers of them know no other way.
        root = split(str(old.tag))[0]
        prefixes = {
            None if v.namespace == root and v.prefix in _WITHOUT_PREFIX else v.prefix: v.namespace
            for v in self._vocabularies.values()
        }
        prefixes |= {"r": RELATIONSHIPS, "mc": COMPATIBILITY}
        new = etree.Element(old.tag, nsmap=cast("dict[str, str]", prefixes))
        self._fill(old, new, allowed)
        return new

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

    def _fill(self, old: Element, new: Element, allowed: frozenset[str]) -> None:
        self._elements += 1
        if self._elements > _ELEMENTS_MOST:
            raise Damaged
        attributes = old.items()
        if attributes:
            self._attributes(old, new, attributes, allowed)
        text = old.text
        if text and (self._text_in is None or old.tag in self._text_in):
            new.text = self._unmarked(text)
        self._children(old, new)

    def _children(self, old: Element, new: Element) -> None:
        # Once for each element of a document: what can be looked up before the loop is.
        looked_up, make = self._looked_up, etree.SubElement
        for child in old:
            tag = child.tag
            place, allowed = looked_up(tag)
            if place == "keep":
                self._fill(child, make(new, tag), allowed)
            elif place == "unwrap":
                self._report(child)
                self._append(new, child.text)
                self._children(child, new)
            else:
                self._report(child)
            tail = child.tail
            if tail:
                self._append(new, tail)

    def _attributes(
        self, old: Element, new: Element, attributes: Iterable[tuple[object, object]], allowed: frozenset[str]
    ) -> None:
        for key, value in attributes:
            name = str(key)
            kept: str | None = str(value) if name in allowed else None
            if kept is not None and self._attribute is not None:
                kept = self._attribute(old, name, kept)
            if kept is None:
                if value:
                    self._report_attribute(name)
            else:
                new.set(name, kept)

    def _unmarked(self, text: str | None) -> str | None:
        kept = unmarked(text) if text else text
        if kept != text:
            self._removed.add(Removed.COPY_MARKS)
        return kept

    def _append(self, new: Element, text: str | None) -> None:
        if not text or self._text_in is not None:
            return
        text = self._unmarked(text) or ""
        if len(new):
            new[-1].tail = (new[-1].tail or "") + text
        else:
            new.text = (new.text or "") + text

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
