"""What of a part is shown to its reader, counted before the part is written; the second reading counts again."""

from __future__ import annotations

from typing import Final

from fieldreport.scrub.documents import tables
from fieldreport.scrub.documents.markup import Element
from fieldreport.scrub.text.invisible import unmark_piece


def _tags(names: dict[str, str]) -> tuple[str, ...]:
    spaces = {table: tables.load(f"ooxml/{table}")["namespace"] for table in names}
    return tuple(f"{{{spaces[table]}}}{name}" for table, listed in names.items() for name in listed.split())


_TEXT: Final = _tags(tables.load("ooxml/shown")["text"])
_THINGS: Final = _tags(tables.load("ooxml/shown")["things"])


def count(root: Element) -> int:
    """Characters of texts, pictures, slides, cells, rows of tables and values of charts."""
    texts = (element.text or "" for element in root.iter(*_TEXT))
    characters = sum(len(text) if text.isascii() else len(unmark_piece(text)) for text in texts)
    return characters + sum(1 for _ in root.iter(*_THINGS))
