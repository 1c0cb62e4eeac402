"""Writing a map again from what the table lists."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final
from xml.sax.saxutils import escape

from fieldreport import limits
from fieldreport.scrub.documents import spelled_pictures, tables
from fieldreport.scrub.documents.markup import Element, parse, split
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.text import encoding, invisible
from fieldreport.scrub.text import spelled_pictures as text_pictures
from fieldreport.scrub.verdicts import Bomb, Damaged, Noted, Refusal, Refused, Removed

GPX: Final = "application/gpx+xml"
KML: Final = "application/vnd.google-earth.kml+xml"
GEOJSON: Final = "application/geo+json"

_TABLE: Final = tables.load("maps")
_KINDS: Final = {name: re.compile(pattern) for name, pattern in _TABLE["kinds"].items()}
_REMOVED: Final = {name: Removed(called) if called else None for name, called in _TABLE["removed"].items()}
_FORMATS: Final = {"gpx": GPX, "kml": KML}
_GOOGLE: Final = "http://www.google.com/kml/ext/2.2"
_DECLARATION: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_TAG: Final = re.compile(r"<[^<>]*>")
_NO_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]")
_DEEPEST: Final = 40  # folders and geometries in each other


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write the map.

    Raises:
        Refused: ``damaged``, ``bomb``, ``too-large``; ``empty`` for a training file without a place.
    """
    cleaning.noted.add(Noted.PLACES)
    untrusted = untrusted_source.whole(limits.XML_BYTES)
    if untrusted.lstrip(b"\xef\xbb\xbf \t\r\n").startswith((b"{", b"\xff\xfe{", b"\xfe\xff\0{")):
        sink.write(_geojson(encoding.decode_for(cleaning, untrusted), cleaning).encode())
        return GEOJSON
    root = parse(spelled_pictures.cleaned(untrusted, cleaning))
    name = split(str(root.tag))[1]
    written = _Rewriting(_TABLE[name], cleaning).whole(root) if name in _FORMATS else _tcx(root, cleaning)
    sink.write((_DECLARATION + written).encode())
    return _FORMATS.get(name, GPX)


class _Rewriting:
    def __init__(self, table: Mapping[str, Any], cleaning: Cleaning) -> None:
        self._table = table
        self._elements: Mapping[str, Mapping[str, Any]] = table["elements"]
        self._spaces = frozenset({"", _GOOGLE, *table["accepted"]})
        self._cleaning = cleaning
        self._out: list[str] = []

    def whole(self, root: Element) -> str:
        fixed = "".join(f' {name}="{value}"' for name, value in self._table["fixed"].items())
        for name, value in root.items():
            if self._table["fixed"].get(name) != value:
                _report(split(str(name))[1], self._cleaning)
        self._out.append(f'<{self._table["root"]} xmlns="{self._table["namespace"]}"{fixed}>')
        self._children(root, self._table["root"], 1)
        self._out.append(f"</{self._table['root']}>\n")
        return "".join(self._out)

    def _children(self, old: Element, parent: str, depth: int) -> None:
        if depth > _DEEPEST:
            raise Bomb
        for child in old:
            space, name = split(str(child.tag))
            name = _RENAMED.get((space, name), name)
            if space not in self._spaces or name not in self._elements[parent].get("children", ()):
                _report(name, self._cleaning)
            else:
                self._element(child, name, depth)

    def _element(self, old: Element, name: str, depth: int) -> None:
        row = self._elements[name]
        attributes = row.get("attributes", {})
        for key in old.attrib:
            if key not in attributes:
                _report(split(str(key))[1], self._cleaning)
        written = ""
        for key, kind in attributes.items():
            value = str(old.get(key, "")).strip()
            if _KINDS[kind].fullmatch(value) is None:
                return  # a point without a place
            written += f' {key}="{value}"'
        if "value" in row:
            value = self._value(old, row["value"])
            if value:
                self._out.append(f"<{name}>{escape(value)}</{name}>")
            return
        self._out.append(f"<{name}{written}>")
        if old.tag == f"{{{_GOOGLE}}}Track":
            self._out.append(f"<coordinates>{_track(old)}</coordinates>")
        self._children(old, name, depth + 1)
        self._out.append(f"</{name}>")

    def _value(self, old: Element, kind: str) -> str:
        text = "".join(map(str, old.itertext()))
        if kind == "words":
            return _words(text, self._cleaning)
        value = " ".join(text.split())
        if _KINDS[kind].fullmatch(value) is None:
            self._cleaning.removed.add(Removed.OTHER_METADATA)
            return ""
        return value


_RENAMED: Final = {
    (_GOOGLE, "Track"): "LineString",
    (_GOOGLE, "MultiTrack"): "MultiGeometry",
    (_GOOGLE, "altitudeMode"): "-",
}


def _track(old: Element) -> str:
    """The coordinates of Google's track, whose times stand beside them."""
    places = [str(each.text or "").split() for each in old if split(str(each.tag)) == (_GOOGLE, "coord")]
    found = " ".join(",".join(place) for place in places)
    return found if _KINDS["coordinates"].fullmatch(found) else ""


def _tcx(root: Element, cleaning: Cleaning) -> str:
    """A watch's training file as a track in GPX."""
    table, segments = _TABLE["gpx"], []
    cleaning.removed |= {Removed.TIME, Removed.DEVICE, Removed.OTHER_METADATA}
    for track in root.iter("{*}Track"):
        points = "".join(_tcx_points(track))
        if points:
            segments.append(f"<trkseg>{points}</trkseg>")
    if not segments:
        raise Refused(Refusal.EMPTY)
    fixed = "".join(f' {name}="{value}"' for name, value in table["fixed"].items())
    return f'<gpx xmlns="{table["namespace"]}"{fixed}><trk>{"".join(segments)}</trk></gpx>\n'


def _tcx_points(track: Element) -> Iterator[str]:
    for point in track.iter("{*}Trackpoint"):
        place = [str(point.findtext(f".//{{*}}{name}Degrees") or "").strip() for name in ("Latitude", "Longitude")]
        if all(_KINDS["number"].fullmatch(each) for each in place):
            height = str(point.findtext("{*}AltitudeMeters") or "").strip()
            shown = f"<ele>{height}</ele>" if _KINDS["number"].fullmatch(height) else ""
            yield f'<trkpt lat="{place[0]}" lon="{place[1]}">{shown}</trkpt>'


def _geojson(untrusted: str, cleaning: Cleaning) -> str:
    try:
        root = json.loads(text_pictures.cleaned(untrusted, cleaning), parse_constant=_refuse)
        written = _collection(root, cleaning)
        return json.dumps(written, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"
    except (ValueError, RecursionError, OverflowError):
        raise Damaged from None


def _refuse(_: str) -> None:
    raise Damaged  # NaN and Infinity are no JSON


def _collection(root: object, cleaning: Cleaning) -> dict[str, object]:
    features = root.get("features") if isinstance(root, dict) and root.get("type") == "FeatureCollection" else [root]
    if isinstance(root, dict) and root.get("type") == "FeatureCollection":
        _report_keys(root, {"type", "features"}, cleaning)
    if not isinstance(features, list):
        raise Damaged
    return {"type": "FeatureCollection", "features": [_feature(each, cleaning) for each in features]}


def _feature(old: object, cleaning: Cleaning) -> dict[str, object]:
    if not isinstance(old, dict):
        raise Damaged
    if old.get("type") != "Feature":
        return {"type": "Feature", "properties": {}, "geometry": _geometry(old, cleaning)}
    _report_keys(old, {"type", "properties", "geometry"}, cleaning)
    properties = old.get("properties")
    words: dict[str, str] = {}
    if isinstance(properties, dict):
        listed = _TABLE["geojson"]["words"]
        words = {name: _words(properties[name], cleaning) for name in listed if isinstance(properties.get(name), str)}
        _report_keys(properties, set(words), cleaning)
    return {"type": "Feature", "properties": words, "geometry": _geometry(old.get("geometry"), cleaning)}


def _geometry(old: object, cleaning: Cleaning) -> dict[str, object] | None:
    if old is None:
        return None
    if not isinstance(old, dict):
        raise Damaged
    if old.get("type") == "GeometryCollection" and isinstance(old.get("geometries"), list):
        _report_keys(old, {"type", "geometries"}, cleaning)
        return {"type": "GeometryCollection", "geometries": [_geometry(each, cleaning) for each in old["geometries"]]}
    if old.get("type") not in _TABLE["geojson"]["geometries"]:
        raise Damaged
    _report_keys(old, {"type", "coordinates"}, cleaning)
    return {"type": old["type"], "coordinates": _places(old.get("coordinates"))}


def _places(old: object) -> object:
    """Numbers in lists in lists; of a position the first three: a fourth is a time or a measure."""
    if isinstance(old, list) and old and all(_is_number(each) for each in old):
        return old[:3]
    if not isinstance(old, list):
        raise Damaged
    return [_places(each) for each in old]


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _report_keys(old: Mapping[str, object], kept: set[str], cleaning: Cleaning) -> None:
    for name in old.keys() - kept:
        _report(name, cleaning)


def _report(name: str, cleaning: Cleaning) -> None:
    found = _REMOVED.get(name, Removed.OTHER_METADATA)
    if found is not None:
        cleaning.removed.add(found)


def _words(untrusted: str, cleaning: Cleaning) -> str:
    """What a text shows: without tags, if it is HTML, and without copy marks."""
    shown = untrusted if cleaning.rename is None else cleaning.rename(untrusted)
    if _TAG.search(shown):
        cleaning.removed.add(Removed.LAYOUT)
        shown = html.unescape(_TAG.sub(" ", shown))
    shown, marked = invisible.unmark(_NO_XML.sub("", shown))
    if marked:
        cleaning.removed.add(Removed.COPY_MARKS)
    return _TAG.sub("", shown).strip()
