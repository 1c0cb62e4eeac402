"""A new XML document from an old tree: only elements, attributes, values and texts of the given vocabularies."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from types import MappingProxyType
from typing import Final

from fieldreport.scrub.documents.markup import DECLARATION, XML, Element, split
from fieldreport.scrub.documents.vocabularies import RELATIONSHIPS, USUAL_FONT, Value, Vocabulary, listed
from fieldreport.scrub.text.invisible import unmark_piece
from fieldreport.scrub.verdicts import Damaged, Removed

_COMPATIBILITY: Final = "http://schemas.openxmlformats.org/markup-compatibility/2006"
_FOREIGN: Final = {RELATIONSHIPS: "r"}
_WITHOUT_PREFIX: Final = frozenset({"s", "html", "ncx", "svg", "opf"})
_KINDS_MOST: Final = 10_000  # a hostile document may have a million kinds of one
_VALUES_MOST: Final = 1_000  # that are remembered of an attribute: a document says the same again and again
_LONG: Final = 200  # characters of a value that nobody says twice
_ELEMENTS_MOST: Final = 4_000_000  # a spreadsheet of a million cells has three

_PIECES: Final = 100_000  # of the new document before they are joined: a short string takes 60 bytes
# What no document of XML can hold (XML 1.0, 2.2), and what libxml2 escapes, and how.
_FORBIDDEN: Final = "\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff"
_NO_XML: Final = re.compile(f"[{_FORBIDDEN}]")
_SPECIAL_IN_TEXT: Final = re.compile(f"[&<>\r{_FORBIDDEN}]")
_SPECIAL_IN_VALUE: Final = re.compile(f'[&<>"\t\n\r{_FORBIDDEN}]')
_ESCAPES_IN_TEXT: Final = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", "\r": "&#13;"})
_ESCAPES_IN_VALUE: Final = _ESCAPES_IN_TEXT | str.maketrans({'"': "&quot;", "\t": "&#9;", "\n": "&#10;"})

Make = Callable[[Element, str, str], str | None]
"""What a cleaner makes of a value: (element, attribute, old value) to the new one, or None when the attribute goes."""


class _Way(dict[str, str]):
    """How one attribute of one kind of element is written: of the values that were met, what each becomes.

    ``start``: up to its value. ``make``: makes the value of each element, so that none is remembered. ``settle`` makes
    what is only a matter of the old value.
    """

    __slots__ = ("_of", "make", "name", "settle", "start", "value")

    def __init__(self, of: Rewriting, name: str, start: str, value: Value) -> None:
        self._of = of
        self.name = name
        self.start = start
        self.value = value
        self.make: Make | None = None
        self.settle: Callable[[str], str | None] | None = None

    def __missing__(self, value: str) -> str:
        written = self._of.written(self, value, value if self.settle is None else self.settle(value))
        if len(self) < _VALUES_MOST and len(value) < _LONG:
            self[value] = written
        return written


@dataclass(slots=True)  # not frozen, because a small document makes more of these than it has values
class _Place:
    """What becomes of one kind of element: ``keep``, ``unwrap`` or ``drop``; and of its attributes and its text."""

    becomes: str
    attributes: Mapping[str, Value]
    text: Value | None = None
    ways: dict[str, _Way | None] = field(default_factory=dict)  # of the attributes that were met


_DROPPED: Final = _Place("drop", {})
_UNWRAPPED: Final = _Place("unwrap", {})


class Rewriting:
    """Copies one tree; ``removed`` learns what was left out.

    ``made``: of the kinds of value that the cleaner makes, how. Every value is held to its kind, those too.
    ``void``: HTML is written, in which these elements have no end and all others have one. ``lost`` is told what is
    dropped with all that is in it. ``unsaid`` is told of texts that stand where there may be none.
    """

    def __init__(
        self,
        vocabularies: Mapping[str, Vocabulary],
        *,
        removed: set[Removed],
        findings: Mapping[str, Removed | None],
        made: Mapping[str, Make] = MappingProxyType({}),
        void: Collection[str] | None = None,
        lost: Callable[[Element], None] = lambda _: None,
        unsaid: Callable[[str], None] | None = None,
    ) -> None:
        self._vocabularies = vocabularies
        self._removed = removed
        self._findings = findings
        self._made = made
        self._void = void
        self._lost = lost
        self._unsaid = unsaid
        self._elements = 0
        self._prefixes: dict[str, str] = {}  # of namespaces
        self._plain = ""  # the namespace that has none
        self._names: dict[str, str] = {}  # tags as they are written; those of attributes after an @
        self._used: set[str] = set()
        self._out: list[str] = []  # pieces of the new document that follow ``_done``
        self._done = bytearray()
        self._flushed = 0
        self._places: dict[object, _Place] = {}

    def rewrite(self, old: Element, *, keep_prefixes: Collection[str] = ()) -> bytes:
        """The new document in UTF-8, with a declaration and only those namespaces that are used.

        ``keep_prefixes``: of namespaces that stay declared, because an attribute's value names them.

        Raises:
            Damaged: the root itself is not in a vocabulary.
        """
        place = self._place(old.tag)
        if place.becomes != "keep":
            raise Damaged
        root = str(old.tag)
        self._prefixes = _FOREIGN | {v.namespace: v.prefix for v in self._vocabularies.values()}
        # Some formats are written without a prefix: simple readers of them know no other way.
        self._plain = split(root)[0] if self._prefixes[split(root)[0]] in _WITHOUT_PREFIX else ""
        self._element(old, self._name(root), place)
        spaces = {prefix: namespace for namespace, prefix in self._prefixes.items()} | {"": self._plain}
        self._flush()
        used = {prefix for prefix in self._used if not prefix or self._is_written(prefix)}
        declared = {prefix: spaces[prefix] for prefix in sorted(used | {*keep_prefixes} & {*spaces})}
        declarations = "".join(
            f' xmlns{":" * bool(prefix)}{prefix}="{namespace}"' for prefix, namespace in declared.items() if namespace
        )
        # The first thing written is the root, up to its attributes.
        start = len(self._name(root)) + 1
        return DECLARATION + self._done[:start] + declarations.encode() + self._done[start:]

    def _is_written(self, prefix: str) -> bool:
        """Whether it was used in the end: an attribute may have had no value that may stay."""
        return any(begin + prefix.encode() + b":" in self._done for begin in (b"<", b" "))

    def inside(self, old: Element) -> str:
        """What is written of everything in an element that has no namespace, without a root."""
        place = self._place(old.tag)
        self._say(old.text, place)
        self._children(old, place)
        self._flush()
        return self._done.decode()

    def _place(self, tag: object) -> _Place:
        """What becomes of an element. Remembered: there are few kinds of many."""
        found = self._places.get(tag)
        if found is None:
            text = str(tag)  # of a comment or an instruction the tag is a function
            vocabulary = self._vocabularies.get(split(text)[0])
            if vocabulary is None:
                found = _DROPPED
            elif text in vocabulary.elements:
                found = _Place("keep", vocabulary.elements[text], vocabulary.text.get(text))
            else:
                found = _UNWRAPPED if text in vocabulary.unwrap else _DROPPED
            if len(self._places) < _KINDS_MOST:
                self._places[tag] = found
        return found

    def _way(self, place: _Place, name: str) -> _Way | None:
        """How an attribute is written; None if it goes."""
        value = place.attributes.get(name)
        way = None
        if value is not None:
            way = _Way(self, name, f' {self._name(name, of_attribute=True)}="', value)
            if value.kind == "declarations" and value.fits is not None:
                way.settle = partial(self._declarations, value.fits)
            elif value.kind in self._made:
                way.make = self._made[value.kind]
            elif value.kind == "font":
                way.settle = self._font
        if len(place.ways) < _KINDS_MOST:
            place.ways[name] = way
        return way

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

    def _element(self, old: Element, name: str, place: _Place) -> None:
        self._elements += 1
        if self._elements > _ELEMENTS_MOST:
            raise Damaged
        out = self._out
        if len(out) > _PIECES:
            self._flush()
        # lxml gives bytes only to those who gave it bytes. A cast would cost a call for each element.
        attributes: list[tuple[str, str]] = old.items()  # type: ignore[assignment]
        start = f"<{name}{self._attributes(old, attributes, place)}" if attributes else f"<{name}"
        text = old.text
        said = self._said(text, place) if text and (place.text is not None or self._unsaid is not None) else ""
        is_leaf = len(old) == 0
        if is_leaf and self._void is None:
            out.append(f"{start}>{said}</{name}>" if said else f"{start}/>")
            return
        out.append(f"{start}>")
        begin = self._flushed + len(out)
        if said:
            out.append(said)
        if not is_leaf:
            self._children(old, place)
        if self._void is not None:
            if name not in self._void:
                out.append(f"</{name}>")
        elif self._flushed + len(out) == begin:
            out[-1] = f"{start}/>"
        else:
            out.append(f"</{name}>")

    def _children(self, old: Element, place: _Place) -> None:
        # Once for each element of a document: what can be looked up before the loop is.
        places, names = self._places, self._names
        has_text = place.text is not None or self._unsaid is not None
        for child in old:
            tag = child.tag
            found = places.get(tag) or self._place(tag)
            if found.becomes == "keep":
                self._element(child, names.get(tag) or self._name(str(tag)), found)
            else:
                self._report(child)
                if found.becomes == "unwrap":
                    self._say(child.text, place)
                    self._children(child, place)
                else:
                    self._lost(child)
            if has_text and (tail := child.tail):
                self._say(tail, place)

    def _attributes(self, old: Element, attributes: Iterable[tuple[str, str]], place: _Place) -> str:
        written = ""
        ways = place.ways
        for name, value in attributes:
            way = ways[name] if name in ways else self._way(place, name)
            if way is None:
                if value:
                    self._report_attribute(name)
            elif way.make is None:
                written += way[value]
            else:
                written += self.written(way, value, way.make(old, name, value))
        return written

    def written(self, way: _Way, old: str, made: str | None) -> str:
        """An attribute as it is written; nothing where what was made of its old value may not stay."""
        value = way.value
        if made and not made.isascii():
            made = self._unmarked(made) or " "  # the sign of a list may be one that shows nothing
        if made is None or (value.fits is not None and not value.fits(made)):
            if old:
                self._report_attribute(way.name)
            return ""
        if not value.plain and _SPECIAL_IN_VALUE.search(made) is not None:
            made = _as_markup(made, _ESCAPES_IN_VALUE)
        return f'{way.start}{made}"'

    def _font(self, value: str) -> str:
        """A font of the table, in its place one that every program has: a house's own font tells whose it is."""
        known = listed("font", value.strip("\"' "))
        if known is None:
            self._removed.add(Removed.OTHER_METADATA)
        return USUAL_FONT if known is None else known

    def _declarations(self, fits: Callable[[str], object], value: str) -> str | None:
        """Those of a style's declarations that the table knows, in one form."""
        kept = []
        for declaration in value.split(";"):
            key, _, said = declaration.partition(":")
            said = " ".join(said.split())
            if key.strip().lower() == "font-family":
                said = ",".join(f'"{self._font(font)}"' for font in said.split(","))
            settled = f"{key.strip().lower()}:{said}"
            if fits(settled):
                kept.append(settled)
        return ";".join(kept) or None

    def _say(self, text: str | None, place: _Place) -> None:
        if said := self._said(text, place):
            self._out.append(said)

    def _said(self, text: str | None, place: _Place) -> str:
        """A text as it is written: nothing of it where the element that it is in may not have it."""
        if not text:
            return ""
        if place.text is None or (place.text.fits is not None and not place.text.fits(text)):
            if self._unsaid is not None and not text.isspace():
                self._unsaid(text)
            return ""
        kept = text if text.isascii() else self._unmarked(text)
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
        if namespace in {XML, _COMPATIBILITY}:
            return
        finding = self._findings.get(f"@{local}", Removed.OTHER_METADATA)
        if finding is not None:
            self._removed.add(finding)


def _as_markup(text: str, escapes: Mapping[int, str]) -> str:
    if _NO_XML.search(text) is not None:
        raise Damaged
    return text.translate(escapes)
