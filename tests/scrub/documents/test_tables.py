"""What the tables list passes the second reading, and nothing else does; what is planted does not come out."""

from __future__ import annotations

import functools
import os
import random
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from lxml import etree

from fieldreport.bench.samples import samples
from fieldreport.scrub import registry
from fieldreport.scrub.documents import tables
from fieldreport.scrub.documents.vocabularies_verify import Reading, Tables
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Refused, Residue
from tests.scrub.conftest import CleanCopy, clean_copy
from tests.scrub.documents import planted
from tests.scrub.documents.planted import SEEN, WORD, listed, shown_by
from tests.static.test_structure import ROOT

MUTATIONS = int(os.environ.get("FIELDREPORT_TESTS_MUTATIONS", "150"))
FOLDER = ROOT / "fieldreport/scrub/documents/tables"
TABLES = sorted(
    str(path.relative_to(FOLDER).with_suffix("")) for path in FOLDER.rglob("*.toml") if "namespace" in path.read_text()
)
KINDS = tables.load("kinds")
# One good value of each kind.
GOOD = {
    "on": "1", "number": "-1.5", "colour": "FF00aa", "hex": "0A", "rid": "rId1", "bookmark": "b1", "style": "S1",
    "object-name": "Object", "theme-name": "Theme", "style-name": "heading 1", "style-title": "Style",
    "cell-style": "Normal", "sheet-style": "TableStyleLight1", "diagram-name": "n1", "diagram-type": "urn:diagram:1",
    "field-id": "{00000000-0000-0000-0000-000000000000}", "table-style": "{00000000-0000-0000-0000-000000000001}",
    "vml-name": "_x0000_s1026", "vml-path": "m,l,21600r21600,l21600,xe", "vml-formula": "sum @0 1 0", "guide": "g1",
    "guide-formula": "*/ w 1 2", "cell": "A1", "cells": "A1:B$2 C3", "choice": "wps", "jump": "ppaction://hlinksldjump",
    "uri": "http://schemas.openxmlformats.org/drawingml/2006/table", "character": "\u2022", "characters": "!\u3001",
    "format": '0.00 "m"', "text": "seen", "formula": "SUM(A1)", "field": "PAGE", "shown-name": "Table1",
    "font": "Arial",
    "tokens": "1pt,2 #abc", "part": "/word/document.xml", "content-type": "image/png", "target": "media/image1.png",
    "relation": "http://schemas.openxmlformats.org/officeDocument/2006/relationships/image",
}  # fmt: skip


def good(kind: str, table: dict[str, Any]) -> str:
    if kind == "word":
        return str(table["words"].split()[0])
    if kind == "declarations":
        return f'{table["properties"].split()[0]}:1pt;font-family:"Arial"'
    return GOOD[kind]


def places(name: str) -> Iterator[tuple[str, str, str, str]]:
    """Element, attribute, its kind and a good value; with an empty attribute, the element's text."""
    table = tables.load(name)
    for names, kinds in listed(table):
        for element in names:
            for kind, keys in kinds.items():
                yield from ((element, key, kind, good(kind, table)) for key in keys.split())
    for kind, names in table.get("text", {}).items():
        yield from ((element, "", kind, good(kind, table)) for element in names.split())


def document(name: str, element: str, key: str, value: str) -> bytes:
    """One element of a table, with one attribute or a text."""
    table = tables.load(name)
    spaces = {
        "r": "http://schemas.openxmlformats.org/officeDocument/2006/relationships",
        "o": "urn:schemas-microsoft-com:office:office", "v": "urn:schemas-microsoft-com:vml",
        "xml": "http://www.w3.org/XML/1998/namespace", table["prefix"]: table["namespace"],
    }  # fmt: skip
    prefix, _, local = key.rpartition(":")
    space = spaces[prefix] if prefix else table["namespace"] if table.get("qualified") else ""
    root = etree.Element(f"{{{table['namespace']}}}{element}", nsmap={table["prefix"]: table["namespace"]})
    if key:
        root.set(f"{{{space}}}{local}" if space else local, value)
    else:
        root.text = value
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


@functools.cache
def reading_tables(name: str) -> Tables:
    together = [name, "ooxml/vml", "ooxml/vml-office"] if name.startswith("ooxml/vml") else [name]
    return Tables(*dict.fromkeys(together))


def read(name: str, content: bytes) -> None:
    reading = Reading(reading_tables(name))
    reading.read(content)
    reading.settle()


def is_residue(name: str, content: bytes) -> bool:
    try:
        read(name, content)
    except Residue:
        return True
    return False


@pytest.mark.parametrize("name", TABLES)
class TestTable:
    def test_each_element_attribute_and_text_passes(self, name: str) -> None:
        for names, _ in listed(tables.load(name)):
            for element in names:
                read(name, document(name, element, "", ""))
        for element, key, kind, value in places(name):
            try:
                read(name, document(name, element, key, value))
            except Residue:
                pytest.fail(f"{element} {key} of kind {kind} is {value!r}")

    def test_a_word_passes_only_where_a_reader_sees_it(self, name: str) -> None:
        for element, key, kind, value in places(name):
            if kind in SEEN:
                continue
            for said in (WORD, f"{value} {WORD}", f"{WORD}:1", f"{value};{WORD}"):
                assert is_residue(name, document(name, element, key, said)), f"{element} {key}: {kind} {said!r}"

    def test_no_element_has_a_text_that_the_table_does_not_give_it(self, name: str) -> None:
        with_text = {element for element, key, _, _ in places(name) if not key}
        for names, _ in listed(tables.load(name)):
            for element in {*names} - with_text:
                assert is_residue(name, document(name, element, "", WORD)), element

    def test_it_lists_each_element_once_and_nothing_that_tells(self, name: str) -> None:
        table = tables.load(name)
        every = [element for names, _ in listed(table) for element in names]
        assert len(every) == len(set(every))
        words = table.get("words", "").split()
        assert len(words) == len(set(words))
        telling = tables.load("telling")["elements"].get(table["prefix"], "").split()
        assert not {*telling} & {*every}
        # The second reading leaves out what tells: whatever is listed and still there passed the first test.


def test_every_kind_has_a_pattern_or_a_list_or_a_judge() -> None:
    by_code = {"text", "formula", "field", "link", "picture", "word", "tokens", "declarations", "shown-name", "target"}
    used = {kind for name in TABLES for _, _, kind, _ in places(name)}
    assert used <= by_code | KINDS["plain"].keys() | KINDS["other"].keys() | KINDS["listed"].keys()


@pytest.mark.parametrize("kind", sorted(KINDS["plain"]))
def test_no_plain_kind_takes_what_xml_has_to_escape(kind: str) -> None:
    value = GOOD.get(kind, "Table1")
    assert re.fullmatch(KINDS["plain"][kind], value, re.DOTALL)
    for special in '&<>"\t\n\r':
        assert re.fullmatch(KINDS["plain"][kind], value + special, re.DOTALL) is None
        assert re.fullmatch(KINDS["plain"][kind], special + value, re.DOTALL) is None


FAMILIES = {
    "docx": ("wordprocessing", "word-drawing", "word-shape", "word-group", "word-canvas", "math", "vml", "vml-office"),
    "xlsx": ("spreadsheet", "sheet-drawing"),
    "pptx": ("presentation",),
}
DRAWN = ("drawing", "picture", "chart", "diagram", "compatibility", "package", "relations")


@functools.cache
def shown(kind: str) -> frozenset[tuple[str, str]]:
    return frozenset(shown_by(*(f"ooxml/{name}" for name in (*FAMILIES[kind], *DRAWN))))


@functools.cache
def original(kind: str) -> bytes:
    return samples()[kind]()


@functools.cache
def cleaned(kind: str) -> CleanCopy:
    return clean_copy(original(kind))


@pytest.mark.parametrize("kind", FAMILIES)
def test_what_is_planted_in_a_file_does_not_come_out(kind: str) -> None:
    chance = random.Random(kind)
    outcomes: Counter[str] = Counter()
    for _ in range(MUTATIONS):
        data, how = planted.spoiled(original(kind), chance, shown(kind))
        try:
            copy = clean_copy(data)
        except Residue:
            pytest.fail(f"residue: {how}")
        except Refused:
            outcomes["refused"] += 1
            continue
        outcomes["cleaned"] += 1
        assert not planted.holds(copy.data), how
    assert outcomes["cleaned"] > MUTATIONS / 2, outcomes


@pytest.mark.parametrize("kind", FAMILIES)
def test_what_is_planted_in_a_clean_file_is_refused(kind: str) -> None:
    chance = random.Random(kind)
    copy = cleaned(kind)
    for _ in range(MUTATIONS):
        data, how = planted.spoiled(copy.data, chance, shown(kind))
        assert planted.holds(data), how
        try:
            registry.verify(Source.of(data), copy.media_type)
        except Residue:
            continue
        pytest.fail(how)
