"""What the three Office Open XML formats share: choices, relationships in the markup, drawings, names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, cast

from fieldreport.scrub.documents.markup import Element, remove, split, unwrap
from fieldreport.scrub.documents.ooxml.opc import CleanPart, Kind, PartCleaning
from fieldreport.scrub.documents.vocabularies import RELATIONSHIPS, findings
from fieldreport.scrub.documents.xml_rewrite import COMPATIBILITY
from fieldreport.scrub.verdicts import Removed

DRAWING: Final = "http://schemas.openxmlformats.org/drawingml/2006/main"
CHART: Final = "http://schemas.openxmlformats.org/drawingml/2006/chart"
DIAGRAM: Final = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
_OFFICE: Final = "urn:schemas-microsoft-com:office:office"

# Programs older than 2010 needed a fallback for these; what we keep is the choice. Prefix it is written with.
_CHOICES: Final = {
    "http://schemas.microsoft.com/office/word/2010/wordprocessingShape": "wps",
    "http://schemas.microsoft.com/office/word/2010/wordprocessingGroup": "wpg",
    "http://schemas.microsoft.com/office/word/2010/wordprocessingCanvas": "wpc",
}
CHOICE_PREFIXES: Final = tuple(_CHOICES.values())

_KINDS: Final = {
    "blip": ("image",),
    "imagedata": ("image",),
    "fill": ("image",),
    "stroke": ("image",),
    "background": ("image",),
    "picture": ("image",),
    "chart": ("chart",),
    "relIds": ("diagramData", "diagramLayout", "diagramQuickStyle", "diagramColors"),
    "hyperlink": ("hyperlink",),
    "hlinkClick": ("hyperlink", "slide"),
    "hlinkHover": ("hyperlink", "slide"),
    "hlinkMouseOver": ("hyperlink", "slide"),
    "headerReference": ("header",),
    "footerReference": ("footer",),
    "sheet": ("worksheet", "chartsheet"),
    "drawing": ("drawing",),
    "tablePart": ("table",),
    "sldId": ("slide",),
    "sldMasterId": ("slideMaster",),
    "sldLayoutId": ("slideLayout",),
    "notesMasterId": ("notesMaster",),
}
"""Local name of an element → the kinds of relationship its attribute may name."""

# An element that makes no sense without what it named takes these along.
_FRAMES: Final = frozenset(
    {"graphicData", "graphic", "inline", "anchor", "drawing", "graphicFrame", "oneCellAnchor", "twoCellAnchor"}
    | {"absoluteAnchor", "buBlip", "pic", "numPicBullet"}
)
_SHAPES: Final = frozenset({"pict", "object"})
_VML_SHAPE: Final = re.compile(r"#?_x0000_[a-z]\d{1,6}")
_VALUE_MOST: Final = 100_000
_WATCHED: Final = frozenset(
    {"name", "id", "type", "action", "styleName", "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}uri"}
)
_JUMP: Final = re.compile(r"ppaction://hlink(showjump\?jump=\w+|sldjump)")
_NEUTRAL_FIELD: Final = "{00000000-0000-0000-0000-000000000000}"

FINDINGS: Final = findings()
"""Local name of an element (or ``@`` and an attribute's) → what its removal is called on the receipt, or nothing."""


def kinds(folder: str, clean: CleanPart, *, also: Mapping[str, tuple[str, str]]) -> dict[str, Kind]:
    """The kinds of part that every office document draws with, in its ``folder``, and those it has ``also``.

    ``also``: relationship to the part's path in the folder and the middle of its content type.
    """
    drawn = {
        "chart": ("charts/chart{}.xml", "drawingml.chart"),
        "diagramData": ("diagrams/data{}.xml", "drawingml.diagramData"),
        "diagramLayout": ("diagrams/layout{}.xml", "drawingml.diagramLayout"),
        "diagramQuickStyle": ("diagrams/quickStyle{}.xml", "drawingml.diagramStyle"),
        "diagramColors": ("diagrams/colors{}.xml", "drawingml.diagramColors"),
    }
    return {
        name: Kind(
            name=f"{folder}/{path}",
            content_type=f"application/vnd.openxmlformats-officedocument.{content_type}+xml",
            clean=clean,
            single="{" not in path,
        )
        for name, (path, content_type) in {**also, **drawn}.items()
    }


def choose(root: Element) -> None:
    """Keep one branch of every choice: the first whose requirements we know, else the fallback in its place."""
    for alternatives in list(root.iter(f"{{{COMPATIBILITY}}}AlternateContent")):
        if alternatives.getparent() is None:
            continue
        fallback: Element | None = None
        chosen: Element | None = None
        for branch in alternatives:
            local = split(str(branch.tag))[1]
            if local == "Choice" and chosen is None:
                required = [branch.nsmap.get(prefix, "") for prefix in str(branch.get("Requires", "")).split()]
                if required and all(namespace in _CHOICES for namespace in required):
                    branch.set("Requires", " ".join(_CHOICES[namespace] for namespace in required))
                    chosen = branch
            elif local == "Fallback":
                fallback = branch
        if chosen is not None:
            for branch in list(alternatives):
                if branch is not chosen:
                    alternatives.remove(branch)
        elif fallback is not None:
            for branch in list(alternatives):
                if branch is not fallback:
                    alternatives.remove(branch)
            unwrap(fallback)
            unwrap(alternatives)
        else:
            remove(alternatives)


def resolve(root: Element, part: PartCleaning) -> None:
    """Give every relationship in the markup its new id; what named something that is not carried over goes."""
    for element in list(root.iter(f"{{{_OFFICE}}}OLEObject", "{*}oleObj")):
        part.package.cleaning.removed.add(Removed.EMBEDDED_FILE)
        if split(str(element.tag))[1] == "oleObj":
            _drop(element)
    # Asked of libxml2, because most elements of a large document have no relationship.
    found = root.xpath("descendant-or-self::*[@*[namespace-uri()=$relationships]]", relationships=RELATIONSHIPS)
    for element in cast("list[Element]", found):
        names = [str(key) for key in element.attrib if str(key).startswith(f"{{{RELATIONSHIPS}}}")]
        if not _is_in(element, root):
            continue
        kinds = _KINDS.get(split(str(element.tag))[1], ())
        for name in names:
            new = part.related(str(element.attrib[name]), *kinds) if kinds else None
            if new is not None:
                element.set(name, new)
            else:
                del element.attrib[name]
        if not any(str(key).startswith(f"{{{RELATIONSHIPS}}}") for key in element.attrib):
            _lost(element)


def _is_in(element: Element, root: Element) -> bool:
    return element is root or any(ancestor is root for ancestor in element.iterancestors())


def _lost(element: Element) -> None:
    """An element whose relationships all went."""
    match split(str(element.tag))[1]:
        case "blip":
            owner = element.getparent()
            _drop(element if owner is None else owner)
        case "imagedata":
            owner = element.getparent()
            _drop(element if owner is None else owner)
        case "hyperlink":
            pass  # an anchor inside the document may be left; without one it is text
        case "fill" | "stroke" | "background":
            pass
        case _:
            _drop(element)


def _drop(element: Element) -> None:
    """Remove an element and the frames around it that would be empty."""
    parent = element.getparent()
    if parent is None:
        return
    remove(element)
    local = split(str(parent.tag))[1]
    if local in _FRAMES or (local in _SHAPES and not _draws(parent)):
        _drop(parent)


def _draws(shape: Element) -> bool:
    return any(split(str(child.tag))[1] not in {"shapetype", "OLEObject"} for child in shape)


def attribute(element: Element, name: str, value: str) -> str | None:
    """The last word on an attribute of drawings, whatever the format."""
    if len(value) > _VALUE_MOST:
        return None
    if name not in _WATCHED:
        return value
    namespace, local = split(str(element.tag))
    match local, name:
        case ("docPr" | "cNvPr", "name"):
            return "Object"
        case ("theme" | "clrScheme" | "fontScheme" | "fmtScheme" | "extraClrScheme", "name"):
            return "Theme"
        case ("fld", "id") if namespace == DRAWING:
            return _NEUTRAL_FIELD
        case (_, "id" | "type") if namespace.startswith("urn:schemas-microsoft-com:vml"):
            return value if _VML_SHAPE.fullmatch(value) else None
        case ("hlinkClick" | "hlinkHover" | "hlinkMouseOver", "action"):
            return value if _JUMP.fullmatch(value) else None
        case ("compatSetting", "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}uri"):
            return value if value == "http://schemas.microsoft.com/office/word" else None
        case ("tableStyle", "styleName"):
            return "Style"
        case _:
            return value


def neutral_diagram(root: Element) -> None:
    """Number the points and connections of a diagram instead of their random identifiers."""
    numbers: dict[str, str] = {}
    for element in root.iter(f"{{{DIAGRAM}}}*"):
        for name in ("modelId", "srcId", "destId", "parTransId", "sibTransId", "presAssocID"):
            value = element.get(name)
            if value is not None:
                element.set(name, numbers.setdefault(str(value), str(len(numbers))))


def neutral_formulas(root: Element) -> None:
    """Take the names of other workbooks out of a chart's references."""
    for formula in root.iter(f"{{{CHART}}}f"):
        if formula.text and re.search(r"[\[\\]|://", formula.text):
            formula.text = None
