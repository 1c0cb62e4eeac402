"""Elements and parts of a package by their local names: what our own cleaner wrote has no other of the same name."""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterable

from fieldreport.scrub.documents.markup import Element


def name_of(element: Element) -> str:
    """The local name."""
    return str(element.tag).rpartition("}")[2]


def attribute(element: Element, name: str) -> str:
    """An attribute by its local name; empty where there is none."""
    return next((str(value) for key, value in element.attrib.items() if str(key).rpartition("}")[2] == name), "")


def number_in(name: str) -> int:
    """The digits in the last step of a part's name."""
    return int(re.sub(r"\D", "", posixpath.basename(name)) or 0)


def numbered(names: Iterable[str], pattern: str) -> list[str]:
    """The parts whose names fit, by their numbers."""
    return sorted((name for name in names if re.fullmatch(pattern, name)), key=number_in)


def run(paragraph: Element) -> str:
    """The words of a paragraph, with its tabs and line breaks."""
    pieces = []
    for element in paragraph.iter():
        match name_of(element):
            case "t":
                pieces.append(element.text or "")
            case "tab":
                pieces.append("\t")
            case "br" | "cr":
                pieces.append("\n")
            case _:
                pass
    return "".join(pieces)
