"""What is planted in an office file where no reader sees it does not come out, and is refused in a clean file."""

from __future__ import annotations

import functools
import os
import random
from collections import Counter

import pytest

from fieldreport.bench.samples import samples
from fieldreport.scrub import registry
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Refused, Residue
from tests.scrub.conftest import CleanCopy, clean_copy
from tests.scrub.documents import open_documents, planted
from tests.scrub.documents.planted import shown_by

MUTATIONS = int(os.environ.get("FIELDREPORT_TESTS_MUTATIONS", "150"))
DRAWN = ("drawing", "picture", "chart", "diagram", "compatibility", "package", "relations")
OOXML = {
    "docx": ("wordprocessing", "word-drawing", "word-shape", "word-group", "word-canvas", "math", "vml", "vml-office"),
    "xlsx": ("spreadsheet", "sheet-drawing"),
    "pptx": ("presentation",),
}
OPEN = ("text", "table", "draw", "style", "number", "chart", "presentation", "math", "loext", "calcext")
FAMILIES = {
    **{kind: [f"ooxml/{name}" for name in (*names, *DRAWN)] for kind, names in OOXML.items()},
    **{kind: [f"opendocument/{name}" for name in OPEN] for kind in open_documents.DOCUMENTS},
}


@functools.cache
def shown(kind: str) -> frozenset[tuple[str, str]]:
    return frozenset(shown_by(*FAMILIES[kind]))


@functools.cache
def original(kind: str) -> bytes:
    return (open_documents.DOCUMENTS.get(kind) or samples()[kind])()


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
