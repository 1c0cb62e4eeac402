"""The second reading of a cleaned map: every element, attribute, property and value by the table."""

from __future__ import annotations

import json
import re
from typing import Any, Final

from fieldreport import limits
from fieldreport.scrub.documents import tables
from fieldreport.scrub.documents.xml_verify import parse
from fieldreport.scrub.format import Source
from fieldreport.scrub.text.plain.verify import verify_characters, verify_pictures
from fieldreport.scrub.verdicts import Residue

_TABLE: Final = tables.load("maps")
_KINDS: Final = {name: re.compile(pattern) for name, pattern in _TABLE["kinds"].items()}
_FORMATS: Final = {"application/gpx+xml": "gpx", "application/vnd.google-earth.kml+xml": "kml"}
_MARKUP: Final = re.compile(r"<[^<>]*>")


def verify(source: Source, media_type: str) -> None:
    """Read a cleaned map.

    Raises:
        Residue: there is something in it that the table does not list.
    """
    verify_pictures(verify_characters(source))  # UTF-8, no invisible character
    data = source.whole(limits.SCRUB_OUTPUT_BYTES)
    if media_type in _FORMATS:
        _Map(_TABLE[_FORMATS[media_type]]).read(data)
        return
    try:
        root = json.loads(data)
        same = json.dumps(root, ensure_ascii=False, separators=(",", ":")) + "\n" == data.decode()
    except (ValueError, RecursionError):
        raise Residue from None
    if not same or set(root) != {"type", "features"} or root["type"] != "FeatureCollection":
        raise Residue
    for feature in root["features"]:
        _feature(feature)


class _Map:
    def __init__(self, table: dict[str, Any]) -> None:
        self._table = table
        self._open: list[str] = []
        self._values: list[list[str]] = []

    def read(self, data: bytes) -> None:
        parse(data, self._start, self._text, self._end)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        namespace, _, name = tag.rpartition("\n")
        elements = self._table["elements"]
        if namespace != self._table["namespace"] or name not in elements:
            raise Residue
        if not self._open:
            if name != self._table["root"] or attributes != self._table["fixed"]:
                raise Residue
        else:
            if name not in elements[self._open[-1]].get("children", ()):
                raise Residue
            kinds = elements[name].get("attributes", {})
            if set(attributes) != set(kinds) or any(
                _KINDS[kinds[key]].fullmatch(attributes[key]) is None for key in kinds
            ):
                raise Residue
        self._open.append(name)
        self._values.append([])

    def _text(self, text: str) -> None:
        if self._values:
            self._values[-1].append(text)

    def _end(self, tag: str) -> None:
        del tag
        kind = self._table["elements"][self._open.pop()].get("value")
        _check("".join(self._values.pop()), kind)


def _check(value: str, kind: str | None) -> None:
    if kind is None:
        if value.strip():
            raise Residue
    elif _KINDS[kind].fullmatch(value) is None or _MARKUP.search(value):
        raise Residue


def _feature(feature: Any) -> None:
    if set(feature) != {"type", "properties", "geometry"} or feature["type"] != "Feature":
        raise Residue
    for name, value in feature["properties"].items():
        if name not in _TABLE["geojson"]["words"] or not isinstance(value, str):
            raise Residue
        _check(value, "words")
    _geometry(feature["geometry"])


def _geometry(geometry: Any) -> None:
    if geometry is None:
        return
    if set(geometry) == {"type", "geometries"} and geometry["type"] == "GeometryCollection":
        for each in geometry["geometries"]:
            _geometry(each)
    elif set(geometry) == {"type", "coordinates"} and geometry["type"] in _TABLE["geojson"]["geometries"]:
        _places(geometry["coordinates"])
    else:
        raise Residue


def _places(value: Any) -> None:
    if not isinstance(value, list):
        raise Residue
    numbers = [each for each in value if isinstance(each, int | float) and not isinstance(each, bool)]
    if numbers and (len(numbers) != len(value) or len(numbers) > 3):
        raise Residue
    if not numbers:
        for each in value:
            _places(each)
