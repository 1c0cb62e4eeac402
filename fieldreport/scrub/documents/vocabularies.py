"""The allowlists of elements and attributes, in the form in which ``xml_rewrite`` uses them.

Their names are those of the published schemas (ECMA-376 parts 1 and 4, MS-ODRAWXML; OASIS OpenDocument 1.3; XHTML),
without the ones that say who, when, where, with what, or how it came about. Whatever is not in a table goes with all
that is in it; ``unwrap`` lists elements that go while their content stays.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from fieldreport.scrub.documents import tables
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
    """Tables of Office Open XML, one a namespace, by namespace.

    An attribute's prefix is that of one of these tables; the attribute goes when the table is not among them.
    """
    found = [tables.load(f"ooxml/{name}") for name in names]
    prefixes = _FOREIGN | {table["prefix"]: table["namespace"] for table in found}
    return {
        table["namespace"]: _vocabulary(
            table["namespace"], table["prefix"], table, table.get("attributes", ()), prefixes
        )
        for table in found
    }


def load_shared(name: str) -> dict[str, Vocabulary]:
    """A table of several namespaces whose elements share one list of attributes (OpenDocument, EPUB)."""
    table = tables.load(name)
    prefixes = {prefix: str(space["uri"]) for prefix, space in table["namespaces"].items()}
    vocabularies = {}
    for prefix, space in table["namespaces"].items():
        if "elements_of" in space:
            space["keep"] += tables.load(space["elements_of"])["keep"]
        vocabularies[space["uri"]] = _vocabulary(space["uri"], prefix, space, table["attributes"], prefixes)
    return vocabularies


def findings() -> dict[str, Removed | None]:
    """What the removal of an element or an attribute is called; None where it says nothing about a person."""
    return {
        word: None if meaning == "nothing" else Removed(meaning)
        for meaning, words in tables.load("findings").items()
        for word in words
    }


def _vocabulary(
    namespace: str, prefix: str, table: Mapping[str, Any], attributes: Iterable[str], prefixes: Mapping[str, str]
) -> Vocabulary:
    def tags(kind: str) -> frozenset[str]:
        return frozenset(f"{{{namespace}}}{name}" for name in table.get(kind, ()))

    def attribute(name: str) -> str:
        before, colon, local = name.rpartition(":")
        return f"{{{prefixes[before]}}}{local}" if colon else local

    return Vocabulary(
        namespace=namespace,
        prefix=prefix,
        keep=tags("keep"),
        unwrap=tags("unwrap"),
        attributes=frozenset(attribute(name) for name in attributes if name.rpartition(":")[0] in {"", *prefixes}),
    )
