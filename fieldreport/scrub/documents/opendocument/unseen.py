"""Words of an OpenDocument file that nobody sees, though it calls them not hidden: tiny, or in the colour behind them.

They may be meant to be seen, so they stay, and the editor is told.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Final

from fieldreport import limits
from fieldreport.scrub.documents.looks import Look, alike
from fieldreport.scrub.documents.markup import Element
from fieldreport.scrub.documents.opendocument.namespaces import DRAW, FO, LOEXT, PRESENTATION, STYLE, TABLE, TEXT
from fieldreport.scrub.documents.opendocument.part import Part

_WHITE: Final = "#ffffff"
_NOTHING: Final = "transparent"
_SEVERAL: Final = "several"  # colours, or none that can be told
_POINTS: Final = {"pt": 1.0, "in": 72.0, "cm": 28.35, "mm": 2.835, "pc": 12.0, "px": 0.75}
_SIZE: Final = re.compile(r"([0-9]{1,9}(?:\.[0-9]{0,20})?)(pt|in|cm|mm|pc|px)")
_CROPPED: Final = 1.5  # points; programs round to less
_FAMILIES: Final = {
    f"{TEXT}span": ("text", f"{TEXT}style-name"),
    f"{TEXT}p": ("paragraph", f"{TEXT}style-name"),
    f"{TEXT}h": ("paragraph", f"{TEXT}style-name"),
    f"{TABLE}table-cell": ("table-cell", f"{TABLE}style-name"),
    f"{TABLE}table-row": ("table-row", f"{TABLE}style-name"),
    f"{TABLE}table": ("table", f"{TABLE}style-name"),
    f"{DRAW}page": ("drawing-page", f"{DRAW}style-name"),
    f"{STYLE}master-page": ("drawing-page", f"{DRAW}style-name"),
}
_PROPERTIES: Final = tuple(
    f"{STYLE}{name}-properties" for name in ("drawing-page", "graphic", "paragraph", "table", "table-cell", "text")
)
_WORDS: Final = (f"{TEXT}p", f"{TEXT}h", f"{TEXT}span")
_Key = tuple[str, str]  # family and name of a style
_WITH_WORDS: Final = frozenset({"text", "paragraph", "table-cell", "graphic", "presentation"})


def crops_pictures(part: Part) -> bool:
    """Whether a style cuts off sides of its picture, of which all stays in the file."""
    clips = (str(each.get(f"{FO}clip", "")) for each in part.each(f"{STYLE}graphic-properties"))
    return any((_points(side[0]) or 0) >= _CROPPED for clip in clips for side in _SIZE.finditer(clip))


class Looks:
    """The styles of a document, of all its ``parts``, as far as they decide whether words are seen."""

    def __init__(self, parts: Collection[Part]) -> None:
        self._said: dict[_Key, tuple[Look, str]] = {}
        self._masters: dict[str, Element] = {}
        self._resolved: dict[_Key, Look] = {}
        self._odd: set[_Key] = set()
        self._odd_shapes = False
        if _may_be_odd([each for part in parts for each in part.each(*_PROPERTIES)]):
            self._read(parts)

    def _read(self, parts: Iterable[Part]) -> None:
        for part in parts:
            for style in part.each(f"{STYLE}style", f"{STYLE}default-style"):
                key = (str(style.get(f"{STYLE}family", "")), str(style.get(f"{STYLE}name", "")))
                self._said.setdefault(key, (_look(style), str(style.get(f"{STYLE}parent-style-name", ""))))
            self._masters |= {str(each.get(f"{STYLE}name", "")): each for each in part.each(f"{STYLE}master-page")}
        behind = {look.behind for look, _ in self._said.values() if look.behind} | {_WHITE}
        own = {look.colour for look, _ in self._said.values() if look.colour}
        colours = {colour for colour in own if any(alike(colour, other) for other in behind)}
        for key in self._said:
            if key[0] in _WITH_WORDS and ((look := self._look(key)).colour in colours or _is_tiny(look)):
                self._odd.add(key)
        self._odd_shapes = any(family in {"graphic", "presentation"} for family, _ in self._odd)

    def hide_words(self, part: Part) -> bool:
        """Whether words of a part may not be seen."""
        notes = (each for page in part.each(f"{PRESENTATION}notes") for each in page.iter(f"{TEXT}p", f"{TEXT}h"))
        return any(map(_says, notes)) or (
            bool(self._odd)
            and (
                self._cells_hide_words(part.root)
                or any(
                    map(self._hides_words, filter(self._is_odd, part.root.iter(f"{TEXT}p", f"{TEXT}h", f"{TEXT}span")))
                )
            )
        )

    def _cells_hide_words(self, root: Element) -> bool:
        usual = {
            str(each.get(f"{TABLE}default-cell-style-name"))
            for each in root.iter(f"{TABLE}table-column", f"{TABLE}table-row")
        }
        unsaid = any(_is_unseen(self._look(("table-cell", name))) for name in usual)
        return any(
            _says(cell) if f"{TABLE}style-name" not in cell.attrib else self._hides_words(cell)
            for cell in root.iter(f"{TABLE}table-cell")
            if _style(cell) in self._odd or (unsaid and f"{TABLE}style-name" not in cell.attrib)
        )

    def _is_odd(self, element: Element) -> bool:
        return _style(element) in self._odd or (
            self._odd_shapes and any(_style(each) in self._odd for each in element.iterancestors() if _is_shape(each))
        )

    def _hides_words(self, element: Element) -> bool:
        if not _says(element):
            return False
        look = self._look(_style(element))
        for outer in element.iterancestors():
            look = look.over(self._look(_style(outer)))
            if _is_shape(outer) and _may_lie_on_another(outer):
                look = look.over(Look(behind=_SEVERAL))
            if (master := self._masters.get(str(outer.get(f"{DRAW}master-page-name", "")))) is not None:
                look = look.over(self._look(_style(master)))
        return _is_unseen(look)

    def _look(self, key: _Key) -> Look:
        if key not in self._resolved:
            look, family, name, seen = Look(), key[0], key[1], set[str]()
            while (family, name) in self._said and name not in seen:
                seen.add(name)
                own, name = self._said[family, name]
                look = look.over(own)
            self._resolved[key] = replace(look, behind=None if look.behind == _NOTHING else look.behind)
        return self._resolved[key]


def _may_be_odd(properties: Iterable[Element]) -> bool:
    """Whether any style is worth a closer look: few documents have one."""
    colours, sizes, behind = set[str | None](), set[str | None](), {_WHITE}
    for each in properties:
        said = each.get
        colours.add(said(f"{FO}color"))
        sizes.add(said(f"{FO}font-size"))
        behind |= {said(f"{FO}background-color") or "", said(f"{DRAW}fill-color") or ""}
        if said(f"{LOEXT}opacity") == "0%":
            return True
    return any(_is_tiny(Look(size=_points(size))) for size in sizes) or any(
        alike(colour, other) for colour in colours if colour for other in behind
    )


def _look(style: Element) -> Look:
    colour = size = behind = None
    for properties in style:
        said = properties.get
        if properties.tag == f"{STYLE}text-properties":
            colour = said(f"{FO}color") if said(f"{STYLE}use-window-font-color") != "true" else None
            size = _points(said(f"{FO}font-size"))
            if said(f"{LOEXT}opacity") == "0%":
                size = 0.0
        behind = said(f"{FO}background-color") or _filled(properties) or behind
    return Look(colour=colour, size=size, behind=behind)


def _filled(properties: Element) -> str | None:
    """The colour that an area is filled with; something that is no colour if there are several."""
    match properties.get(f"{DRAW}fill"):
        case None if properties.get(f"{DRAW}fill-color") is None:
            return None
        case "none":
            return _NOTHING
        case "solid":
            return str(properties.get(f"{DRAW}fill-color", _SEVERAL))
        case _:
            return _SEVERAL


def _points(said: str | None) -> float | None:
    match = _SIZE.fullmatch(said or "")
    return None if match is None else float(match[1]) * _POINTS[match[2]]


def _is_tiny(look: Look) -> bool:
    return look.size is not None and look.size <= limits.TEXT_POINTS


def _is_unseen(look: Look) -> bool:
    if _is_tiny(look):
        return True
    return look.colour is not None and alike(look.colour, look.behind or _WHITE)


def _style(element: Element) -> tuple[str, str]:
    family, attribute = _FAMILIES.get(str(element.tag), ("", ""))
    if family:
        return family, str(element.get(attribute, ""))
    if (name := element.get(f"{PRESENTATION}style-name")) is not None:
        return "presentation", str(name)
    return "graphic", str(element.get(f"{DRAW}style-name", "")) or "-"


def _is_shape(element: Element) -> bool:
    return str(element.tag).startswith(DRAW) and element.tag not in {f"{DRAW}page", f"{DRAW}text-box"}


def _may_lie_on_another(shape: Element) -> bool:
    """Whether a shape may lie on others, whose colours are then behind its words."""
    page = shape.getparent()
    return (
        page is not None
        and page.tag in {f"{DRAW}page", f"{DRAW}g", f"{STYLE}master-page"}
        and any(_is_shape(each) for each in shape.itersiblings(preceding=True))
    )


def _says(element: Element) -> bool:
    return any(str(text).strip() for text in element.itertext())
