"""Words planted into XML, in packages or alone, in every place that a table does not show to a reader."""

from __future__ import annotations

import functools
import io
import random
import zipfile
from collections.abc import Callable, Collection, Iterator, Mapping
from typing import Any

from lxml import etree

from fieldreport.scrub.documents import archive, tables
from fieldreport.scrub.format import Sink

WORD = "Plantedkim"
# Kinds of value in which a word may be what the document says.
SEEN = {"text", "formula", "format", "field", "target", "sheet-name", "cell-text"}
_XML = (".xml", ".rels", ".opf", ".ncx", ".xhtml")


def members(data: bytes) -> dict[str, bytes]:
    """The parts of a package by name; what is no package is one part without a name."""
    if not data.startswith(b"PK"):
        return {"": data}
    with zipfile.ZipFile(io.BytesIO(data)) as package:
        return {name: package.read(name) for name in package.namelist()}


def packed(parts: Mapping[str, bytes]) -> bytes:
    """A package in the form in which ours are written."""
    if "" in parts:
        return parts[""]
    sink = Sink()
    archive.write(sink, parts.items())
    return sink.source().whole()


def holds(data: bytes) -> bool:
    """What a grep in the unpacked file would find."""
    pieces = [data, *members(data).values(), *(name.encode() for name in members(data))]
    return any(WORD.lower().encode() in piece.lower() for piece in pieces)


def spoiled(data: bytes, chance: random.Random, shown: Collection[tuple[str, str]]) -> tuple[bytes, str]:
    """The package with the word in one place of one part, and how it got there.

    ``shown``: (tag, attribute) whose values a reader sees; an attribute of "" is the element's text.
    """
    parts = members(data)
    name = chance.choice([each for each in parts if not each or each.endswith(_XML)])
    root = etree.fromstring(parts[name])
    elements = [*root.iter(etree.Element)]
    element = chance.choice(elements)
    ways = list(_ways(root, element, shown))
    how, plant = chance.choice(ways)
    written = plant()
    parts[name] = written if isinstance(written, bytes) else _serialised(root)
    return packed(parts), f"{how} in {name}"


def shown_by(*tables_read: str) -> set[tuple[str, str]]:
    """(tag, attribute) of what these tables say a reader sees; an attribute of "" is the element's text."""
    shown = set()
    found = [tables.load(name) for name in tables_read]
    spaces = {table["prefix"]: f"{{{table['namespace']}}}" for table in found}
    for table in found:
        space = f"{{{table['namespace']}}}" if table["namespace"] else ""
        for kind in SEEN & table.get("text", {}).keys():
            shown |= {(space + each, "") for each in table["text"][kind].split()}
        for names, kinds in listed(table):
            for kind in SEEN & kinds.keys():
                own = space if table.get("qualified") else ""
                keys = [spaces.get(key.rpartition(":")[0], own) + key.rpartition(":")[2] for key in kinds[kind].split()]
                shown |= {(space + each, key) for each in names for key in keys}
    return shown


def listed(table: Mapping[str, Any]) -> Iterator[tuple[list[str], Mapping[str, str]]]:
    """Names of elements and their attributes by kind."""
    yield table.get("plain", "").split(), {}
    for names, kinds in table.get("elements", {}).items():
        yield names.split(), kinds
    for kinds in table.get("shared", ()):
        yield kinds["names"].split(), {kind: names for kind, names in kinds.items() if kind != "names"}


def _serialised(root: etree._Element) -> bytes:
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


def _ways(
    root: etree._Element, element: etree._Element, shown: Collection[tuple[str, str]]
) -> Iterator[tuple[str, Callable[[], object]]]:
    tag = str(element.tag)
    namespace = etree.QName(element).namespace
    own = f"{{{namespace}}}" if namespace else ""
    yield f"an attribute of {tag}", lambda: element.set("who", WORD)
    yield f"an attribute of {tag} with a prefix", lambda: element.set(f"{own}who", WORD)
    yield f"an attribute of {tag} from elsewhere", lambda: element.set("{urn:example:who}who", WORD)
    yield f"the name of an attribute of {tag}", lambda: element.set(WORD, "1")
    yield f"an element in {tag}", lambda: setattr(etree.SubElement(element, f"{own}written-by"), "text", WORD)
    yield f"the name of an element in {tag}", lambda: etree.SubElement(element, f"{own}{WORD}")
    yield f"an element in {tag} from elsewhere", lambda: etree.SubElement(element, "{urn:example:who}p", who=WORD)
    yield f"a namespace in {tag}", lambda: etree.SubElement(element, tag, nsmap={WORD: "urn:example:who"})
    yield f"a prefix in {tag}", lambda: etree.SubElement(element, tag, nsmap={WORD: namespace or "urn:example:who"})
    yield f"a comment in {tag}", lambda: element.append(etree.Comment(WORD))
    yield f"an instruction in {tag}", lambda: element.append(etree.ProcessingInstruction("who", WORD))
    yield "a document type", lambda: _serialised(root).replace(b"?>", f"?>\n<!DOCTYPE {WORD}>".encode(), 1)
    for key in map(str, element.attrib):
        if (tag, key) not in shown:
            yield f"{key} of {tag}", functools.partial(element.set, key, WORD)
            yield f"{key} of {tag}, behind it", functools.partial(element.set, key, f"{element.get(key)} {WORD}")
    if (tag, "") not in shown:
        yield f"the text of {tag}", lambda: setattr(element, "text", WORD)
    parent = element.getparent()
    if parent is not None and (str(parent.tag), "") not in shown:
        yield f"behind {tag}", lambda: setattr(element, "tail", WORD)
