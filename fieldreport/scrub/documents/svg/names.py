"""Numbers for names: what a drawing refers to inside itself is called after the order of the references.

Names are kept apart by kind: things that are referred to (a1), classes (c1), results of filters (r1). A name that
nothing refers to goes.
"""

from __future__ import annotations

import re
from typing import Final

from fieldreport.scrub.documents.markup import Element, split
from fieldreport.scrub.documents.svg import styles

_IN_SELECTOR: Final = re.compile(r"([.#])([\w-]+)")
_STANDARD: Final = frozenset(
    {"SourceGraphic", "SourceAlpha", "BackgroundImage", "BackgroundAlpha", "FillPaint", "StrokePaint"}
)


class Naming:
    """One drawing's names; ``settle`` replaces them all."""

    def __init__(self, root: Element) -> None:
        self._root = root
        self._nodes = list(root.iter("{http://www.w3.org/2000/svg}*"))
        self._existing = {str(node.get("id")) for node in self._nodes if node.get("id") is not None}
        self._things: dict[str, str] = {}
        self._classes: dict[str, str] = {}
        self._results: dict[str, str] = {}

    def settle(self) -> None:
        """Number everything in one walk, in the order of the document; then take away what nothing refers to."""
        for node in self._nodes:
            if split(str(node.tag))[1] == "style":
                node.text = self._sheet(node.text or "")
                continue
            for key in sorted(map(str, node.attrib)):
                if key != "id":
                    self._attribute(node, key, str(node.get(key)))
        given: set[str] = set()
        for node in self._nodes:
            name = node.get("id")
            if name is None:
                continue
            new = self._things.get(str(name))
            if new is None or new in given:  # the first of several is the one that is meant
                del node.attrib["id"]
            else:
                node.set("id", new)
                given.add(new)

    def _attribute(self, node: Element, key: str, value: str) -> None:
        if key == "href" and value.startswith("#"):
            if value[1:] in self._existing:
                node.set(key, "#" + self._thing(value[1:]))
            else:
                del node.attrib[key]
        elif key == "class":
            node.set(key, " ".join(self._class(name) for name in value.split()))
        elif key in {"in", "in2", "result"} and value not in _STANDARD:
            node.set(key, self._results.setdefault(value, f"r{len(self._results) + 1}"))
        elif "url(" in value and key != "href":
            node.set(key, self._references(value))

    def _references(self, value: str) -> str:
        # A thing that is not there is called nothing, so that its name does not stay.
        return styles.REFERENCE.sub(
            lambda found: f"url(#{self._thing(found[2])})" if found[2] in self._existing else "none", value
        )

    def _sheet(self, text: str) -> str:
        written = []
        for selectors, declared in styles.rules(text, set()):
            named = _IN_SELECTOR.sub(
                lambda found: "." + self._class(found[2]) if found[1] == "." else "#" + self._thing(found[2]),
                selectors,
            )
            written.append(f"{named}{{{self._references(declared)}}}")
        return "\n".join(written)

    def _thing(self, name: str) -> str:
        return self._things.setdefault(name, f"a{len(self._things) + 1}")

    def _class(self, name: str) -> str:
        return self._classes.setdefault(name, f"c{len(self._classes) + 1}")
