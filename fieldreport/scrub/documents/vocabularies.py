"""The tables of what a document may hold, in the form in which ``xml_rewrite`` uses them.

A table names the elements and attributes of a namespace as its published schema does, without the ones that say who,
when, where, with what, or how it came about, and says of every value which kind it is. Whatever is not in a table goes
with all that is in it; ``unwrap`` lists elements that go while their content stays.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from fieldreport.scrub.documents import tables
from fieldreport.scrub.verdicts import Removed

RELATIONSHIPS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_FOREIGN: Final = {"r": RELATIONSHIPS, "xml": "http://www.w3.org/XML/1998/namespace"}
_KINDS: Final = tables.load("kinds")
_PLAIN: Final = frozenset({"word", *_KINDS["plain"]})
_PATTERNS: Final = {
    name: re.compile(pattern, re.DOTALL) for group in ("plain", "other") for name, pattern in _KINDS[group].items()
}
_LISTED: Final = {
    kind: {name.casefold(): name for names in tables.load(table).values() for name in names}
    for kind, table in _KINDS["listed"].items()
}
_BETWEEN: Final = re.compile(r"[\s,;()\[\]]+")
_TOKEN: Final = re.compile(_KINDS["token"], re.IGNORECASE)
_QUOTED: Final = re.compile(r'"([^"]*)"')
USUAL_FONT: Final = "Arial"


@dataclass(frozen=True, slots=True)
class Value:
    """What a value may be: its kind, and what judges one, None where nothing does.

    ``plain``: nothing in such a value has to be escaped.
    """

    kind: str
    fits: Callable[[str], object] | None
    plain: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """One namespace: tags and attributes in the form ``{namespace}name``.

    ``elements``: of each element its attributes. ``text``: of the elements whose text stays.
    """

    namespace: str
    prefix: str
    elements: Mapping[str, Mapping[str, Value]]
    text: Mapping[str, Value]
    unwrap: frozenset[str] = frozenset()


def load(*names: str) -> dict[str, Vocabulary]:
    """Tables, one a namespace, by namespace.

    An attribute's prefix is that of one of these tables; the attribute goes when the table is not among them.
    """
    found = [tables.load(name) for name in names]
    prefixes = _FOREIGN | {table["prefix"]: table["namespace"] for table in found}
    return {table["namespace"]: _vocabulary(table, prefixes) for table in found}


def findings() -> dict[str, Removed | None]:
    """What the removal of an element or an attribute is called; None where it says nothing about a person."""
    return {
        word: None if meaning == "nothing" else Removed(meaning)
        for meaning, words in tables.load("findings").items()
        for word in words
    }


def listed(kind: str, untrusted: str) -> str | None:
    """A name as the table of this kind spells it; None if it is not in there."""
    return _LISTED[kind].get(untrusted.strip().casefold())


def _vocabulary(table: Mapping[str, Any], prefixes: Mapping[str, str]) -> Vocabulary:
    namespace = table["namespace"]

    def tag(name: str) -> str:
        return f"{{{namespace}}}{name}" if namespace else name

    def attribute(name: str) -> str:
        before, colon, local = name.rpartition(":")
        if colon:
            return f"{{{prefixes[before]}}}{local}"
        return tag(name) if table.get("qualified") else name

    @cache
    def value(kind: str) -> Value:
        return Value(kind, _judge(kind, table), kind in _PLAIN)

    elements: dict[str, Mapping[str, Value]] = {}
    for names, kinds in _elements(table):
        attributes = {
            attribute(each): value(kind)
            for kind, listed in (*table.get("every", {}).items(), *kinds.items())
            for each in listed.split()
            if each.rpartition(":")[0] in {"", *prefixes}
        }
        elements |= dict.fromkeys(map(tag, names), attributes)
    text = {tag(name): value(kind) for kind, listed in table.get("text", {}).items() for name in listed.split()}
    unwrap = frozenset(map(tag, table.get("unwrap", "").split()))
    return Vocabulary(namespace=namespace, prefix=table["prefix"], elements=elements, text=text, unwrap=unwrap)


def _elements(table: Mapping[str, Any]) -> Iterator[tuple[list[str], Mapping[str, str]]]:
    """Elements that have the same attributes, with these by kind, from the three forms in which a table lists them."""
    yield table.get("plain", "").split(), {}
    for names, kinds in table.get("elements", {}).items():
        yield names.split(), kinds
    for kinds in table.get("shared", ()):
        yield kinds["names"].split(), {kind: listed for kind, listed in kinds.items() if kind != "names"}


def _judge(kind: str, table: Mapping[str, Any]) -> Callable[[str], object] | None:
    """What judges a value of a kind. What a cleaner makes of one with code of its own needs no judge."""
    words = frozenset(table.get("words", "").split())

    def tokens(value: str) -> bool:
        return all(token in words or _TOKEN.fullmatch(token) for token in _BETWEEN.split(value))

    match kind:
        case "word":
            return words.__contains__
        case "tokens":
            return tokens
        case "declarations":
            properties = frozenset(table["properties"].split())
            return lambda value: all(
                name in properties and (_are_fonts(said) if name == "font-family" else tokens(said))
                for name, _, said in (each.partition(":") for each in value.split(";"))
            )
        case _ if kind in _LISTED:
            names, pattern = frozenset(_LISTED[kind].values()), _PATTERNS.get(kind)
            return lambda value: value in names or (pattern is not None and pattern.fullmatch(value))
        case _ if kind in _PATTERNS:
            return _PATTERNS[kind].fullmatch
        case _:
            return None


def _are_fonts(said: str) -> bool:
    return all(_QUOTED.fullmatch(font) and listed("font", font[1:-1]) == font[1:-1] for font in said.split(","))
