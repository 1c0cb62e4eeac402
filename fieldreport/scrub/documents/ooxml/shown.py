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


_CROP: Final = _tags({"drawing": "srcRect fillRect", "vml": "imagedata"})
_VML_SIDES: Final = ("cropleft", "croptop", "cropright", "cropbottom")
_LEAST: Final = 0.01  # of a picture's side; programs round to less


def crops(root: Element) -> bool:
    """Whether a picture in a part is cropped for the eye only: all of it is still there."""
    return any(max(map(_share, _sides(element)), default=0) >= _LEAST for element in root.iter(*_CROP))


def _sides(element: Element) -> list[str]:
    """What is cut off each side, as it is written: in shares, or in thousandths of a percent."""
    owner = element.getparent()
    if element.tag == _CROP[2]:
        return [str(element.get(side, "")) for side in _VML_SIDES]
    if element.tag == _CROP[1]:  # what the picture fills; cut off is what lies outside of the shape
        owner = None if owner is None else owner.getparent()
    if owner is None or next(owner.iterchildren("{*}blip"), None) is None:
        return []
    said = [str(value) for value in element.attrib.values()]
    return said if element.tag == _CROP[0] else [value[1:] for value in said if value.startswith("-")]


def _share(said: str) -> float:
    """A share of a side from a length: ``12000`` thousandths of a percent, ``12%``, ``0.12``, ``7864f`` of 65,536."""
    try:
        if said.endswith("%"):
            return float(said[:-1]) / 100
        if said.endswith("f"):
            return float(said[:-1]) / 65_536
        return float(said) if "." in said else float(said) / 100_000
    except ValueError:
        return 0


def count(root: Element) -> int:
    """Characters of texts, pictures, slides, cells, rows of tables and values of charts."""
    texts = (element.text or "" for element in root.iter(*_TEXT))
    characters = sum(len(text) if text.isascii() else len(unmark_piece(text)) for text in texts)
    return characters + sum(1 for _ in root.iter(*_THINGS))
