"""Numbers for names: what a drawing or a book calls its own things follows the order of the document.

Names are kept apart by kind: things that are referred to (a1), classes (c1), results of filters (r1).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from fieldreport.scrub.documents.markup import Element
from fieldreport.scrub.verdicts import Removed

_STANDARD: Final = frozenset(
    {"SourceGraphic", "SourceAlpha", "BackgroundImage", "BackgroundAlpha", "FillPaint", "StrokePaint"}
)


class Names:
    """One document's names: old to new. ``things`` are the names that elements of the new document have."""

    def __init__(self, things: Iterable[str], removed: set[Removed]) -> None:
        self._things = {name: f"a{number}" for number, name in enumerate(dict.fromkeys(things), start=1)}
        self._given: set[str] = set()
        self._classes: dict[str, str] = {}
        self._results: dict[str, str] = {}
        self._removed = removed

    def thing(self, name: str) -> str | None:
        """The new name of what has this one."""
        return self._things.get(name)

    def class_name(self, name: str) -> str:
        """The new name of a class."""
        return self._classes.setdefault(name, f"c{len(self._classes) + 1}")

    def address(self, untrusted: str) -> str | None:
        """The address of something in the drawing; what leads elsewhere goes."""
        if not untrusted.startswith("#"):
            self._removed.add(Removed.LINKS)
            return None
        found = self.thing(untrusted[1:])
        return None if found is None else f"#{found}"

    def begin_part(self) -> None:
        """From now on it is another part of the document, in which each name may be given again."""
        self._given.clear()

    def given(self, _: Element, __: str, value: str) -> str | None:
        """The value of "id": of several with one name, the first is the one that is meant."""
        if value in self._given:
            return None
        self._given.add(value)
        return self.thing(value)

    def classes(self, _: Element, __: str, value: str) -> str | None:
        """The value of "class"."""
        return " ".join(map(self.class_name, value.split())) or None

    def reference(self, _: Element, __: str, value: str) -> str | None:
        """The value of "href", but for pictures."""
        return self.address(value.strip())

    def result(self, _: Element, __: str, value: str) -> str:
        """What a step of a filter takes or gives."""
        return value if value in _STANDARD else self._results.setdefault(value, f"r{len(self._results) + 1}")
