"""So many files of a kind, by the noun of their neutral names; see ``scrub.registry``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final

from flask_babel import ngettext

_SAID: Final[Mapping[str, Callable[[int], str]]] = {
    "archive": lambda number: ngettext("%(num)s archive", "%(num)s archives", number),
    "book": lambda number: ngettext("%(num)s book", "%(num)s books", number),
    "contacts": lambda number: ngettext("%(num)s contacts", "%(num)s contacts", number),
    "dates": lambda number: ngettext("%(num)s dates", "%(num)s dates", number),
    "document": lambda number: ngettext("%(num)s document", "%(num)s documents", number),
    "drawing": lambda number: ngettext("%(num)s drawing", "%(num)s drawings", number),
    "file": lambda number: ngettext("%(num)s file", "%(num)s files", number),
    "formula": lambda number: ngettext("%(num)s formula", "%(num)s formulas", number),
    "image": lambda number: ngettext("%(num)s image", "%(num)s images", number),
    "map": lambda number: ngettext("%(num)s map", "%(num)s maps", number),
    "page": lambda number: ngettext("%(num)s page", "%(num)s pages", number),
    "photo": lambda number: ngettext("%(num)s photo", "%(num)s photos", number),
    "recording": lambda number: ngettext("%(num)s recording", "%(num)s recordings", number),
    "slides": lambda number: ngettext("%(num)s slides", "%(num)s slides", number),
    "table": lambda number: ngettext("%(num)s table", "%(num)s tables", number),
    "text": lambda number: ngettext("%(num)s text", "%(num)s texts", number),
    "video": lambda number: ngettext("%(num)s video", "%(num)s videos", number),
}


def files_of(kind: str, number: int) -> str:
    """So many files of a kind; one that this table does not know is named as its files are."""
    return _SAID[kind](number) if kind in _SAID else f"{number} {kind}"
