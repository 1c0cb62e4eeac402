"""Links of a page: to another page of the same document, or to a public web address.

Built from a rectangle, the line around it and a destination; nothing else of an annotation is carried over.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from pikepdf import Array, Dictionary, Name, String

from fieldreport.scrub.documents.links import clean_link
from fieldreport.scrub.documents.pdf import values
from fieldreport.scrub.verdicts import Removed

_VIEW: Final = values.one_of("/XYZ", "/Fit", "/FitH", "/FitV", "/FitR", "/FitB", "/FitBH", "/FitBV")
_TREE_NODES: Final = 100_000
_DASHES: Final = 10  # numbers in a pattern of them


def _few(value: Any) -> Array | None:
    found = values.nested_numbers(value)
    return found if found is not None and len(found) <= 4 else None


def _dashes(value: Any) -> Array | None:
    found = values.numbers(value)
    return found if found is not None and len(found) <= _DASHES else None


# The line around a link (ISO 32000-1, tables 164, 166 and 173).
_STYLE: Final[dict[str, values.Copy]] = {
    "/W": values.number,
    "/S": values.one_of("/S", "/D", "/B", "/I", "/U"),
    "/D": _dashes,
}
_LINE: Final[dict[str, values.Copy]] = {
    "/Border": _few,
    "/BS": lambda value: values.dictionary(value, _STYLE) if isinstance(value, Dictionary) else None,
    "/C": _few,
}


def named_destinations(root: Any) -> dict[str, Any]:
    """Named destinations of both kinds: the old dictionary and the name tree. Walked without recursion."""
    found: dict[str, Any] = {}
    if isinstance(old := root.get("/Dests"), Dictionary):
        found.update((name, value) for name, value in old.items())
    names = root.get("/Names")
    pending = [names.get("/Dests")] if isinstance(names, Dictionary) else []
    for _ in range(_TREE_NODES):
        if not pending:
            break
        node = pending.pop()
        if not isinstance(node, Dictionary):
            continue
        pairs = node.get("/Names")
        if isinstance(pairs, Array):
            for index in range(0, len(pairs) - 1, 2):
                found.setdefault(values.text(pairs[index]), pairs[index + 1])
        if isinstance(kids := node.get("/Kids"), Array):
            pending.extend(kids)
    return found


def clean_annotation(
    untrusted: Any, *, pages: Mapping[tuple[int, int], Any], names: Mapping[str, Any], removed: set[Removed]
) -> Dictionary | None:
    """A new link annotation, or None where it leads nowhere we keep."""
    rectangle = values.numbers(untrusted.get("/Rect"))
    if rectangle is None or len(rectangle) != 4:
        return None
    link = Dictionary(Type=Name.Annot, Subtype=Name.Link, Rect=rectangle)
    values.keys(untrusted, _LINE, link)
    action = untrusted.get("/A")
    destination = untrusted.get("/Dest")
    if isinstance(action, Dictionary):
        match values.spelled(action.get("/S")):
            case "/URI":
                return _to_web(action, link, removed)
            case "/GoTo":
                destination = action.get("/D")
            case _:
                removed.add(Removed.SCRIPT)
                return None
    place = _place(destination, pages, names)
    if place is None:
        removed.add(Removed.LINKS)
        return None
    link.Dest = place
    return link


def _to_web(action: Any, link: Dictionary, removed: set[Removed]) -> Dictionary | None:
    address = action.get("/URI")
    cleaned = clean_link(values.text(address))
    if cleaned is None or cleaned != values.text(address):
        removed.add(Removed.LINKS)
    if cleaned is None:
        return None
    link.A = Dictionary(S=Name.URI, URI=String(cleaned))
    return link


def _place(destination: Any, pages: Mapping[tuple[int, int], Any], names: Mapping[str, Any]) -> Array | None:
    if isinstance(destination, Name | String):
        destination = names.get(values.text(destination) or values.spelled(destination))
        if isinstance(destination, Dictionary):
            destination = destination.get("/D")
    if not isinstance(destination, Array) or not 2 <= len(destination) <= 6:
        return None
    page = pages.get(destination[0].objgen) if isinstance(destination[0], Dictionary) else None
    view = _VIEW(destination[1])
    if page is None or view is None:
        return None
    numbers = [item if values.is_number(item) else None for item in list(destination)[2:]]
    return Array([page, view, *numbers])
