"""What can be counted of a document before it is rewritten; the second reading counts again in what was written.

Counted are letters and digits, because white space and characters that show nothing may go, and elements that show
something by themselves, such as pictures and cells.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from lxml import etree

from fieldreport.scrub.documents import tables
from fieldreport.scrub.documents.markup import Element, split
from fieldreport.scrub.documents.vocabularies import Vocabulary
from fieldreport.scrub.verdicts import Removed

# Fillers of Hangul are letters by their category, and show nothing.
_NO_LETTERS: Final = re.compile("[\\W\u115f\u1160\u3164\uffa0]+")
_NO_ASCII_LETTERS: Final = bytes(byte for byte in range(128) if not (chr(byte).isalnum() or byte == ord("_")))


@dataclass(frozen=True, slots=True)
class Shown:
    """What is counted in documents of a kind beside letters, and the elements whose letters are not counted."""

    things: tuple[str, ...]
    sheets: tuple[str, ...]

    @classmethod
    def of(cls, kind: str, vocabularies: Mapping[str, Vocabulary], *, plain: str = "") -> Self:
        """By ``tables/shown.toml``. ``plain``: the namespace that is written without a prefix."""
        spaces = {vocabulary.prefix: vocabulary.namespace for vocabulary in vocabularies.values()} | {"": plain}
        said = tables.load("shown")[kind]
        return cls(_tags(said["things"], spaces), _tags(said["sheets"], spaces))


class Counting:
    """Counts the parts of one document as they are, and takes away what is left out, which the receipt tells."""

    def __init__(self, shown: Shown, removed: set[Removed], findings: Mapping[str, Removed | None]) -> None:
        self.count = 0
        self._shown = shown
        self._removed = removed
        self._findings = findings

    def add(self, root: Element) -> None:
        """Count a part that is about to be rewritten."""
        self.count += self._of(root)

    def lost(self, element: Element) -> None:
        """An element goes with all that is in it. What no finding names may have been shown."""
        found = self._of(element)
        self.count -= found
        if found and split(str(element.tag))[1] not in self._findings:
            self._removed.add(Removed.INCOMPLETE)

    def unsaid(self, text: str) -> None:
        """A text goes that stands where a document may have none."""
        found = _letters(text)
        if found:
            self.count -= found
            self._removed.add(Removed.HIDDEN_CONTENT)

    def _of(self, element: Element) -> int:
        things = sum(1 for _ in element.iter(*self._shown.things))
        sheets = sum(map(_letters_of, element.iter(*self._shown.sheets))) if self._shown.sheets else 0
        return _letters_of(element) + things - sheets


def _letters_of(element: Element) -> int:
    return _letters(str(etree.tostring(element, method="text", encoding="unicode", with_tail=False)))


def _letters(text: str) -> int:
    if text.isascii():
        return len(text.encode("ascii").translate(None, _NO_ASCII_LETTERS))
    return len(_NO_LETTERS.sub("", text))


def _tags(names: str, spaces: Mapping[str, str]) -> tuple[str, ...]:
    split = (name.rpartition(":") for name in names.split())
    return tuple(f"{{{spaces[prefix]}}}{local}" for prefix, _, local in split)
