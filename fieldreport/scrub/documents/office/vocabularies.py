"""The allowlists of elements and attributes, read from the tables beside this module.

One file a namespace. Its names are those of the published schemas (ECMA-376 parts 1 and 4, MS-ODRAWXML; OASIS
OpenDocument 1.3; XHTML), without the ones that say who, when, where, with what, or how it came about. Whatever is not
in a table goes with all that is in it; ``unwrap`` lists elements that go while their content stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from fieldreport.scrub.verdicts import Removed

RELATIONSHIPS: Final = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_XML: Final = "http://www.w3.org/XML/1998/namespace"
_FOREIGN: Final = {"r": RELATIONSHIPS, "xml": _XML}


@dataclass(frozen=True, slots=True, kw_only=True)
class Vocabulary:
    """One namespace: tags and attributes in the form ``{namespace}name``."""

    namespace: str
    prefix: str
    keep: frozenset[str]
    unwrap: frozenset[str]
    attributes: frozenset[str]


def load(*names: str) -> dict[str, Vocabulary]:
    """The named tables, by namespace. Attributes with a prefix are resolved against all of them."""
    tables = [_read(name) for name in names]
    prefixes = _FOREIGN | {table["prefix"][0]: table["namespace"][0] for table in tables}
    return {table["namespace"][0]: _vocabulary(table, prefixes) for table in tables}


def load_shared(name: str) -> dict[str, Vocabulary]:
    """A table of several namespaces whose elements share one list of attributes (OpenDocument)."""
    spaces: dict[str, str] = {}
    table: dict[str, list[str]] = {"keep": [], "unwrap": [], "attribute": []}
    for line in files(__package__).joinpath("vocabulary", f"{name}.txt").read_text("ascii").splitlines():
        kind, *words = line.split()
        if kind == "namespace":
            spaces[words[0]] = words[1]
        else:
            table[kind].extend(words)

    def expanded(word: str) -> str:
        prefix, colon, local = word.partition(":")
        return f"{{{spaces[prefix]}}}{local}" if colon else word

    def of(kind: str, prefix: str) -> frozenset[str]:
        return frozenset(expanded(word) for word in table[kind] if word.startswith(f"{prefix}:"))

    attributes = frozenset(expanded(word) for word in table["attribute"])
    return {
        namespace: Vocabulary(
            namespace=namespace,
            prefix=prefix,
            keep=of("keep", prefix),
            unwrap=of("unwrap", prefix),
            attributes=attributes,
        )
        for prefix, namespace in spaces.items()
    }


def findings() -> dict[str, Removed | None]:
    """What the removal of an element or an attribute is called; None where it says nothing about a person."""
    found: dict[str, Removed | None] = {}
    for line in files(__package__).joinpath("vocabulary", "findings.txt").read_text("ascii").splitlines():
        if not line.startswith("#"):
            meaning, *names = line.split()
            found |= dict.fromkeys(names, None if meaning == "nothing" else Removed(meaning))
    return found


@cache
def _read(name: str) -> dict[str, list[str]]:
    table: dict[str, list[str]] = {"keep": [], "unwrap": [], "attribute": [], "namespace": [], "prefix": []}
    for line in files(__package__).joinpath("vocabulary", f"{name}.txt").read_text("ascii").splitlines():
        if line and not line.startswith("#"):
            kind, *words = line.split()
            table[kind].extend(words)
    return table


def _vocabulary(table: Mapping[str, list[str]], prefixes: Mapping[str, str]) -> Vocabulary:
    namespace = table["namespace"][0]

    def tags(names: Iterable[str]) -> frozenset[str]:
        return frozenset(f"{{{namespace}}}{name}" for name in names)

    def attribute(name: str) -> str:
        prefix, colon, local = name.rpartition(":")
        return f"{{{prefixes[prefix]}}}{local}" if colon else local

    return Vocabulary(
        namespace=namespace,
        prefix=table["prefix"][0],
        keep=tags(table["keep"]),
        unwrap=tags(table["unwrap"]),
        attributes=frozenset(
            attribute(name) for name in table["attribute"] if name.rpartition(":")[0] in {"", *prefixes}
        ),
    )
