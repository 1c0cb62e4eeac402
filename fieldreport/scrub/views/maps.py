"""A clean map as words: names are headings, descriptions lines, and each point a row, its latitude first.

Rule: everything that ``documents.maps`` leaves in a map is told, but for how a program draws it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

from fieldreport.scrub.documents.maps.write import GEOJSON, GPX, KML
from fieldreport.scrub.documents.markup import Element, parse_own, split
from fieldreport.scrub.views.document import Block

MEDIA_TYPES: Final = frozenset({GPX, KML, GEOJSON})
Told = tuple[Block, tuple[str, ...]]
_POINTS: Final = frozenset({"wpt", "rtept", "trkpt"})
_NAMES: Final = frozenset({"name", "title"})
_DRAWN: Final = frozenset({"extrude", "tessellate", "altitudeMode"})


def told(cleaned: bytes, media_type: str) -> Iterator[Told]:
    """What stands in a map that our own cleaner wrote, in its order: blocks with their texts."""
    if media_type == GEOJSON:
        for feature in json.loads(cleaned)["features"]:
            yield from _words(*feature["properties"].items())
            yield from _geometry(feature["geometry"])
    else:
        yield from _element(parse_own(cleaned))


def _element(element: Element) -> Iterator[Told]:
    for child in element:
        name = split(str(child.tag))[1]
        if name in _POINTS:
            words = {split(str(each.tag))[1]: str(each.text or "") for each in child}
            height = words.pop("ele", "")
            yield _row(str(child.get("lat")), str(child.get("lon")), height, *words.values())
        elif name == "coordinates":
            for place in str(child.text or "").split():
                longitude, latitude, *heights = place.split(",")
                yield _row(latitude, longitude, *heights)
        elif len(child):
            yield from _element(child)
        elif name not in _DRAWN:
            yield from _words((name, str(child.text or "")))


def _words(*said: tuple[str, str]) -> Iterator[Told]:
    for name, text in said:
        if name in _NAMES and text.strip():
            yield Block.HEADING, (" ".join(text.split()),)
        else:
            yield from ((Block.LINE, (line,)) for line in text.split("\n") if line.strip())


def _geometry(geometry: dict[str, Any] | None) -> Iterator[Told]:
    if geometry is None:
        return
    if geometry["type"] == "GeometryCollection":
        for each in geometry["geometries"]:
            yield from _geometry(each)
    else:
        yield from _positions(geometry["coordinates"])


def _positions(coordinates: list[Any]) -> Iterator[Told]:
    """Of a position, or of positions in positions (RFC 7946, 3.1.1): longitude first."""
    if coordinates and not isinstance(coordinates[0], list):
        longitude, latitude, *height = coordinates
        yield _row(*map(str, (latitude, longitude, *height)))
    else:
        for each in coordinates:
            yield from _positions(each)


def _row(latitude: str, longitude: str, *others: str) -> Told:
    """As maps take what is copied: both numbers together. Then its height, and its words."""
    cells = [f"{latitude}, {longitude}", *(" ".join(each.split()) for each in others)]
    while not cells[-1]:
        cells.pop()
    return Block.ROW, tuple(cells)
