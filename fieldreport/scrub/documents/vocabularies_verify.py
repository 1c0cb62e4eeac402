"""The tables of what a document may hold, as the second reading uses them: for expat, with judges of its own.

Every element, attribute and namespace of a part is looked up, every value is put with the others of its kind, and when
all parts are read, each kind is judged. What is not in a table is residue, and so is what ``tables/telling.toml``
names, should a table ever list it.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping
from types import MappingProxyType
from typing import Any, Final
from xml.parsers import expat

from fieldreport.scrub.documents import tables
from fieldreport.scrub.documents.css_verify import verify_declarations, verify_fonts, verify_sheet, verify_value
from fieldreport.scrub.documents.links_verify import verify_book_link, verify_field, verify_link, verify_picture
from fieldreport.scrub.documents.xml_verify import verify_visible
from fieldreport.scrub.verdicts import Residue

_XML: Final = "http://www.w3.org/XML/1998/namespace"
_FOREIGN: Final = {"r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships", "xml": _XML}
_DECLARATION: Final = b"<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\n"
_KINDS: Final = tables.load("kinds")
_TELLING: Final = tables.load("telling")
_TELLING_ATTRIBUTE: Final = re.compile(_TELLING["attributes"])
_PATH: Final = re.compile(_TELLING["path"], re.IGNORECASE)
_TOKENS: Final = re.compile(rf"(?:{_KINDS['token']})?", re.IGNORECASE)
_FONTS: Final = frozenset(font for group in tables.load("fonts").values() for font in group)
_SEPARATORS: Final = str.maketrans(dict.fromkeys(",;()[]\t\n", " "))
_PIECE: Final = 1 << 20  # bytes between two looks at how many values wait
_WAITING: Final = 10_000  # values of a kind

_EACH: Final[Mapping[str, Callable[[str], None]]] = {
    "book-link": verify_book_link,
    "css-declarations": verify_declarations,
    "css-fonts": verify_fonts,
    "css-sheet": verify_sheet,
    "css-value": verify_value,
    "field": verify_field,
    "link": verify_link,
    "picture": verify_picture,
}  # by kind: what reads one value

Take = Callable[[str], object]
Judge = Callable[[Collection[str]], bool]


class Tables:
    """Several tables, one a namespace: what may be in the documents that they describe.

    ``elements``: as expat names them, the kinds of their attributes, and of their text if they may have any.
    ``mixed``: a text may stand between the elements that another holds, and not only in one that holds none.
    ``counted``: by the prefix of a table, the elements whose texts ``Reading.characters`` counts.
    """

    def __init__(self, *names: str, mixed: bool = False, counted: Mapping[str, str] = MappingProxyType({})) -> None:
        found = [tables.load(name) for name in names]
        self._counted = counted
        self.mixed = mixed
        self.elements: dict[str, tuple[dict[str, str], str | None]] = {}
        self.judges: dict[str, Judge] = {}
        self.namespaces = _FOREIGN | {table["prefix"]: table["namespace"] for table in found}
        for table in found:
            self._add(table)

    def _add(self, table: Mapping[str, Any]) -> None:
        prefix = table["prefix"]
        own = f"{prefix}:" if table.get("qualified") else ""
        telling = frozenset(_TELLING["elements"].get(prefix, "").split())
        text = {name: kind for kind, names in table.get("text", {}).items() for name in names.split()}
        text |= {name: "counted" for name in self._counted.get(prefix, "").split() if text.get(name) == "text"}
        for group, kinds in _listed(table):
            attributes = {
                self._attribute(table, each): self._judged(kind, table)
                for kind, names in (*table.get("every", {}).items(), *kinds.items())
                for each in names.split()
                if _TELLING_ATTRIBUTE.fullmatch(each if ":" in each else own + each) is None
                and each.rpartition(":")[0] in {"", *self.namespaces}
            }
            for name in group:
                if name in telling:
                    continue
                kind = text.get(name)
                judged = None if kind is None else self._judged(kind, table)
                self.elements[_name(table["namespace"], name)] = (attributes, judged)

    def _attribute(self, table: Mapping[str, Any], name: str) -> str:
        before, colon, local = name.rpartition(":")
        if colon:
            return _name(self.namespaces[before], local)
        return _name(table["namespace"], name) if table.get("qualified") else name

    def _judged(self, kind: str, table: Mapping[str, Any]) -> str:
        """The kind's name, with the table's own if it judges by words of its own; its judge is at hand from now on."""
        own = kind in {"word", "tokens", "declarations"}
        key = f"{kind} of {table['prefix']}" if own else kind
        if key not in self.judges:
            self.judges[key] = _judge(kind, table)
        return key


class Reading:
    """One document's parts. The values of a kind in ``kept`` are there to be asked for; all others are forgotten."""

    def __init__(self, allowed: Tables, *, kept: Collection[str] = ()) -> None:
        self._allowed = allowed
        self._kept = kept
        self._values: dict[str, set[str]] = {}
        self._places = _Places(self)
        self._texts: list[str] = []  # of those that are counted
        self._sheets: list[str] = []  # in the pieces that the reader hands out
        self.characters = 0

    def read(self, content: bytes) -> None:
        """Read one part.

        Raises:
            Residue: it is not in the form in which parts are written, or has something that no table lists.
        """
        if not content.startswith(_DECLARATION):
            raise Residue
        verify_visible(content)
        parser = expat.ParserCreate(namespace_separator="\n")
        parser.buffer_text = True
        parser.StartNamespaceDeclHandler = self._namespace
        parser.StartDoctypeDeclHandler = _refuse
        parser.CommentHandler = _refuse
        parser.ProcessingInstructionHandler = _refuse
        self._listen(parser)
        try:
            for position in range(0, len(content), _PIECE):
                parser.Parse(content[position : position + _PIECE], False)
                self._judge(_WAITING)
            parser.Parse(b"", True)
        except expat.ExpatError:
            raise Residue from None

    def values(self, kind: str) -> set[str]:
        """The values of a kind in all parts read so far."""
        return self._values.get(kind, set())

    def settle(self) -> None:
        """Judge the values of all parts.

        Raises:
            Residue: one of them is not of its kind.
        """
        self._judge(0)
        verify_sheet("".join(self._sheets))

    def place(self, tag: str) -> tuple[Mapping[str, Take], Take]:
        """What takes the attributes of an element and its text.

        Raises:
            Residue: no table lists it.
        """
        if tag not in self._allowed.elements:
            raise Residue
        attributes, text = self._allowed.elements[tag]
        return _Attributes(self, attributes), _refuse if text is None else self.take(text)

    def take(self, kind: str) -> Take:
        """What takes a value of a kind. What the reader sees is not judged: ``bool`` takes it, and nothing follows."""
        if kind == "counted":
            return self._texts.append
        if kind == "css-sheet":
            return self._sheets.append
        return bool if kind == "text" else self._values.setdefault(kind, set()).add

    def _listen(self, parser: expat.XMLParserType) -> None:
        # Called as often as there are elements, so everything is at hand.
        places = self._places
        if self._allowed.mixed:
            inside: list[Take] = [_refuse]  # what takes the text of the elements that are open

            def start(tag: str, attributes: dict[str, str]) -> None:
                known, text = places[tag]
                inside.append(text)
                for name, value in attributes.items():
                    known[name](value)

            def say(text: str) -> None:
                inside[-1](text)

            parser.StartElementHandler = start
            parser.EndElementHandler = lambda _: inside.pop()
            parser.CharacterDataHandler = say
            return
        # Ends need no function of ours, as nobody may say anything after them: the end's name takes the place of what
        # would take a text.
        upcoming: deque[Take | str] = deque((_refuse,), maxlen=1)
        follow = upcoming.append

        def begin(tag: str, attributes: dict[str, str]) -> None:
            known, text = places[tag]
            follow(text)
            for name, value in attributes.items():
                known[name](value)

        def data(text: str) -> None:
            take = upcoming[0]
            if isinstance(take, str):
                raise Residue
            take(text)

        parser.StartElementHandler = begin
        parser.EndElementHandler = follow
        parser.CharacterDataHandler = data

    def _judge(self, most: int) -> None:
        self.characters += sum(map(len, self._texts))
        self._texts.clear()
        for kind, values in self._values.items():
            if len(values) > most and not self._allowed.judges[kind](values):
                raise Residue
            if len(values) > most and kind not in self._kept:
                values.clear()

    def _namespace(self, prefix: str | None, namespace: str) -> None:
        allowed = self._allowed.namespaces
        if namespace not in allowed.values() or (prefix is not None and allowed.get(prefix) != namespace):
            raise Residue


class _Places(dict[str, tuple[Mapping[str, Take], Take]]):
    """The elements that were met."""

    def __init__(self, reading: Reading) -> None:
        super().__init__()
        self._reading = reading

    def __missing__(self, tag: str) -> tuple[Mapping[str, Take], Take]:
        self[tag] = self._reading.place(tag)
        return self[tag]


class _Attributes(dict[str, Take]):
    """What takes the attributes of an element, of those that were met."""

    def __init__(self, reading: Reading, kinds: Mapping[str, str]) -> None:
        super().__init__()
        self._reading = reading
        self._kinds = kinds

    def __missing__(self, name: str) -> Take:
        if name not in self._kinds:
            raise Residue
        self[name] = self._reading.take(self._kinds[name])
        return self[name]


def _refuse(*_: object) -> None:
    raise Residue


def _name(namespace: str, local: str) -> str:
    return f"{namespace}\n{local}" if namespace else local


def _listed(table: Mapping[str, Any]) -> Iterator[tuple[list[str], Mapping[str, str]]]:
    """Elements whose attributes are the same, and these."""
    yield table.get("plain", "").split(), {}
    for names, kinds in table.get("elements", {}).items():
        yield names.split(), kinds
    for kinds in table.get("shared", ()):
        yield kinds["names"].split(), {kind: names for kind, names in kinds.items() if kind != "names"}


def _judge(kind: str, table: Mapping[str, Any]) -> Judge:
    """What judges the values of a kind, all at once."""
    words = frozenset(table.get("words", "").split())
    pattern = _KINDS["plain"].get(kind, _KINDS["other"].get(kind, "(?!)"))
    fits = re.compile(pattern, re.DOTALL).fullmatch
    match kind:
        case (
            "text" | "counted" | "shown-name" | "target" | "sheet-name" | "address" | "cell-text"
        ):  # of four, formats say more
            return lambda _: True
        case "formula":
            return lambda values: not any(map(_PATH.search, values))
        case "word":
            return words.issuperset
        case "tokens":
            return lambda values: _are_tokens(" ".join(values), words)
        case "declarations":
            properties = frozenset(table["properties"].split())
            return lambda values: all(
                _is_declared(each, properties, words) for value in values for each in value.split(";")
            )
        case _ if kind in _EACH:
            return lambda values: all(map(_passes(_EACH[kind]), values))
        case _ if kind in _KINDS["listed"]:
            names = {name for group in tables.load(_KINDS["listed"][kind]).values() for name in group}
            return lambda values: all(map(fits, set(values) - names))
        case _ if pattern == "(?!)":
            raise LookupError(kind)
        case _:
            return lambda values: all(map(fits, values))


def _are_tokens(text: str, words: frozenset[str]) -> bool:
    return all(map(_TOKENS.fullmatch, set(text.translate(_SEPARATORS).split(" ")) - words))


def _is_declared(declaration: str, properties: frozenset[str], words: frozenset[str]) -> bool:
    name, _, said = declaration.partition(":")
    if name == "font-family":
        return all(font[:1] + font[-1:] == '""' and font[1:-1] in _FONTS for font in said.split(","))
    return name in properties and _are_tokens(said, words)


def _passes(check: Callable[[str], None]) -> Callable[[str], bool]:
    def passes(value: str) -> bool:
        check(value)
        return True

    return passes
