"""What the three Office Open XML formats share: choices, relationships in the markup, drawings, names."""

from __future__ import annotations

import re
from collections.abc import Mapping, MutableMapping
from typing import Final, cast

from lxml import etree

from fieldreport.scrub.documents import tables
from fieldreport.scrub.documents.markup import Element, remove, split, unwrap
from fieldreport.scrub.documents.ooxml import shown
from fieldreport.scrub.documents.ooxml.opc import CleanPart, Kind, PartCleaning, parse
from fieldreport.scrub.documents.vocabularies import RELATIONSHIPS, findings, listed, load
from fieldreport.scrub.documents.xml_rewrite import Make, Rewriting
from fieldreport.scrub.verdicts import Noted, Removed

DRAWING: Final = "http://schemas.openxmlformats.org/drawingml/2006/main"
CHART: Final = "http://schemas.openxmlformats.org/drawingml/2006/chart"
DIAGRAM: Final = "http://schemas.openxmlformats.org/drawingml/2006/diagram"
_OFFICE: Final = "urn:schemas-microsoft-com:office:office"
_COMPATIBILITY: Final = "http://schemas.openxmlformats.org/markup-compatibility/2006"
_DRAWING_2010: Final = "http://schemas.microsoft.com/office/drawing/2010/main"
A: Final = f"{{{DRAWING}}}"
_DIAGRAM_DRAWN: Final = "http://schemas.microsoft.com/office/drawing/2008/diagram"
_D: Final = f"{{{DIAGRAM}}}"
_S: Final = f"{{{_DIAGRAM_DRAWN}}}"
_C: Final = f"{{{CHART}}}"
# In the order in which they have to stand (ECMA-376 part 1, 21.2.2.49), and what stands after them.
_LABELS: Final = tuple(
    f"{_C}show{name}" for name in ("LegendKey", "Val", "CatName", "SerName", "Percent", "BubbleSize")
)
_AFTER_LABELS: Final = tuple(f"{_C}{name}" for name in ("separator", "showLeaderLines", "leaderLines", "extLst"))

# Programs older than 2010 needed a fallback for these; what we keep is the choice. Prefix it is written with.
_CHOICES: Final = {
    "http://schemas.microsoft.com/office/word/2010/wordprocessingShape": "wps",
    "http://schemas.microsoft.com/office/word/2010/wordprocessingGroup": "wpg",
    "http://schemas.microsoft.com/office/word/2010/wordprocessingCanvas": "wpc",
    _DRAWING_2010: "a14",
}
CHOICE_PREFIXES: Final = tuple(_CHOICES.values())

_KINDS: Final = {
    "blip": ("image",),
    "imagedata": ("image",),
    "fill": ("image",),
    "stroke": ("image",),
    "background": ("image",),
    "picture": ("image",),
    "shape": ("image",),
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
    "legacyDrawing": ("vmlDrawing",),
    "legacyDrawingHF": ("vmlDrawing",),
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
_RELATED: Final = etree.XPath(f"descendant-or-self::*[@*[namespace-uri()='{RELATIONSHIPS}']]")
_PROPERTIES: Final = ("{*}cNvPr", "{*}docPr")
_SHAPED: Final = tuple(
    f"{{*}}{name}" for name in ("sp", "wsp", "pic", "grpSp", "wgp", "graphicFrame", "cxnSp", "drawing")
)
_NEEDS_A_PICTURE: Final = ("{*}graphicData", "{*}contentPart")  # to be seen by a program that does not draw it

_NAMED: Final = (
    *(f"{A}{name}" for name in ("custGeom", "prstGeom", "prstTxWarp", "tableStyleId", "tblStyleLst", "tblStyle")),
    f"{A}tableStyle",
    f"{_D}*",
    f"{_S}sp",
)
_IN_EXTENSIONS: Final = {
    f"{{*}}{name}": Removed(kind) for kind, names in tables.load("ooxml/extensions").items() for name in names
}
_STANDARD_GUIDE: Final = re.compile(r"adj[0-9]{0,2}|[hv]f")

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
    kinds = {
        name: Kind(
            name=f"{folder}/{path}",
            content_type=f"application/vnd.openxmlformats-officedocument.{content_type}+xml",
            clean=clean,
            single="{" not in path,
        )
        for name, (path, content_type) in {**also, **drawn}.items()
    }
    kinds["diagramDrawing"] = Kind(
        name=f"{folder}/diagrams/drawing{{}}.xml",
        content_type="application/vnd.ms-office.drawingml.diagramDrawing+xml",
        clean=clean,
    )
    return kinds


def drop_hidden(root: Element, removed: set[Removed]) -> None:
    """Shapes, pictures and frames that are said to be hidden."""
    for properties in list(root.iter(*_PROPERTIES)):
        if str(properties.get("hidden", "0")) not in {"1", "true"}:
            continue
        shape = next(properties.iterancestors(*_SHAPED), None)
        if shape is not None and shape.getparent() is not None:
            removed.add(Removed.HIDDEN_CONTENT)
            _drop(shape)


def choose(root: Element, removed: set[Removed]) -> None:
    """Keep one branch of every choice: the first whose requirements we know, else the fallback in its place.

    A drawing that has only words in its fallback, such as that this program cannot show it, counts as removed.
    """
    for alternatives in list(root.iter(f"{{{_COMPATIBILITY}}}AlternateContent")):
        if alternatives.getparent() is None:
            continue
        drawn = next(alternatives.iter(*_NEEDS_A_PICTURE), None) is not None
        chosen = next(filter(_is_chosen, alternatives), None)
        kept = chosen if chosen is not None else alternatives.find(f"{{{_COMPATIBILITY}}}Fallback")
        if kept is None:
            if drawn or shown.count(alternatives):
                removed.add(Removed.DRAWINGS)
            remove(alternatives)
            continue
        for branch in list(alternatives):
            if branch is not kept:
                alternatives.remove(branch)
        if chosen is None:
            if drawn and next(kept.iter("{*}blip", "{*}imagedata"), None) is None:
                removed.add(Removed.DRAWINGS)
            unwrap(kept)
            unwrap(alternatives)


def _is_chosen(branch: Element) -> bool:
    """Whether we write all that a branch needs; its prefixes become ours."""
    required = [branch.nsmap.get(prefix, "") for prefix in str(branch.get("Requires", "")).split()]
    if not required or not all(_is_known(namespace, branch) for namespace in required):
        return False
    branch.set("Requires", " ".join(dict.fromkeys(_CHOICES[namespace] for namespace in required)))
    return True


def _is_known(namespace: str, branch: Element) -> bool:
    """Whether we write what a branch needs. Most of what needs DrawingML of 2010 is a control, drawn by its VML."""
    return namespace in _CHOICES and (
        namespace != _DRAWING_2010 or next(branch.iter(f"{{{_DRAWING_2010}}}m"), None) is not None
    )


def _say_extensions(root: Element, removed: set[Removed]) -> None:
    """Name what extension lists show, for they go as a whole."""
    for extensions in root.iter("{*}extLst"):
        removed.update(kind for name, kind in _IN_EXTENSIONS.items() if next(extensions.iter(name), None) is not None)


def resolve(root: Element, part: PartCleaning) -> None:
    """Give every relationship in the markup its new id; what named something that is not carried over goes."""
    for element in list(root.iter(f"{{{_OFFICE}}}OLEObject", "{*}oleObj")):
        part.package.cleaning.removed.add(Removed.EMBEDDED_FILE)
        if split(str(element.tag))[1] == "oleObj":
            _show_instead(element, part.package.cleaning.removed)
    # Asked of libxml2, because most elements of a large document have no relationship.
    found = _RELATED(root)
    for diagram in root.iter(f"{_D}relIds"):
        _find_drawing(diagram, part)
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
            if _is_drawn(element):  # a chart of a newer kind
                part.package.cleaning.removed.add(Removed.DRAWINGS)
            drop_lost(element)


def _find_drawing(diagram: Element, part: PartCleaning) -> None:
    """Follow the relationship to a diagram as it was drawn, which only the diagram's data name."""
    relation = part.old.get(str(diagram.get(f"{{{RELATIONSHIPS}}}dm", "")))
    data = None if relation is None else part.package.old(relation.target)
    said = None if data is None else next(parse(data).iter(f"{_S}dataModelExt"), None)
    new = None if said is None else part.related(str(said.get("relId", "")), "diagramDrawing")
    if relation is not None and new is not None:
        part.package.drawn[f"drawing of {relation.target}"] = new


def _say_drawing(root: Element, part: PartCleaning) -> None:
    """Name, in a diagram's data, the relationship to its drawing; what else its extensions say goes."""
    for extensions in list(root.iter(f"{_D}extLst")):
        if extensions.getparent() is not None:
            remove(extensions)
    new = part.package.drawn.get(f"drawing of {part.old_name}")
    if new is not None and root.tag == f"{_D}dataModel":
        extension = etree.SubElement(etree.SubElement(root, f"{_D}extLst"), f"{A}ext", uri=_DIAGRAM_DRAWN)
        etree.SubElement(extension, f"{_S}dataModelExt", relId=new, minVer=DIAGRAM)


def _is_in(element: Element, root: Element) -> bool:
    return element is root or any(ancestor is root for ancestor in element.iterancestors())


def _show_instead(embedded: Element, removed: set[Removed]) -> None:
    """Put the picture of what was embedded in the place of its frame."""
    picture = embedded.find("{*}pic")
    frame = next(embedded.iterancestors("{*}graphicFrame"), None)
    if picture is None or frame is None or frame.getparent() is None:
        removed.add(Removed.DRAWINGS)
        _drop(embedded)
    else:
        frame.addprevious(picture)
        remove(frame)


def drop_lost(element: Element) -> None:
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
        case "fill" | "stroke" | "background" | "shape":
            pass  # a picture that it may have; most shapes of a diagram say that there is none
        case "pageSetup":
            pass  # whose paper, and which way it lies, outlast the settings of a printer
        case _:
            _drop(element)


def _is_drawn(element: Element) -> bool:
    """Whether it is what a frame was made for."""
    parent = element.getparent()
    return parent is not None and parent.tag == f"{A}graphicData"


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


def _constant(value: str) -> Make:
    return lambda *_: value


MADE: Final[dict[str, Make]] = {
    "object-name": _constant("Object"),
    "theme-name": _constant("Theme"),
    "style-title": _constant("Style"),
    "field-id": _constant("{00000000-0000-0000-0000-000000000000}"),
}
"""What becomes of the values of these kinds, whatever the format."""


def neutral_names(root: Element, names: MutableMapping[str, str]) -> None:
    """Number what authors and programs give names inside drawings: guides, table styles, what a diagram is made of.

    ``names`` is shared by the parts of a document, because some of these names are used in other parts.
    """
    for element in root.iter(*_NAMED):
        match split(str(element.tag))[1]:
            case "custGeom" | "prstGeom" | "prstTxWarp":
                _number_guides(element)
            case "tableStyleId":
                element.text = _table_style(element.text or "", names)
            case "tblStyleLst" | "tblStyle" | "tableStyle":
                for key in {"def", "styleId"}.intersection(map(str, element.keys())):
                    element.set(key, _table_style(str(element.get(key)), names))
            case _:
                _number_diagram(element, names)


def _number_guides(geometry: Element) -> None:
    """Guides of a shape, where they are defined and where formulas, points and handles use them."""
    guides: dict[str, str] = {}
    for guide in geometry.iter(f"{A}gd"):
        name = str(guide.get("name", ""))
        guides[name] = name if _STANDARD_GUIDE.fullmatch(name) else f"g{len(guides) + 1}"
        guide.set("name", guides[name])
    if all(name == new for name, new in guides.items()):
        return
    for element in geometry.iter():
        for key, value in element.items():
            if key == "fmla":
                element.set(key, " ".join(guides.get(word, word) for word in str(value).split()))
            elif value in guides and element.tag != f"{A}gd":
                element.set(key, guides[str(value)])


def _table_style(value: str, names: MutableMapping[str, str]) -> str:
    """A style that comes with the program, or a number in the same form."""
    own = f"{{00000000-0000-0000-0000-{len(names) + 1:012}}}"
    return listed("table-style", value) or names.setdefault(f"table style {value}", own)


def _number_diagram(element: Element, names: MutableMapping[str, str]) -> None:
    for key, old in element.items():
        value = str(old)
        match str(key):
            case "modelId" | "srcId" | "destId" | "parTransId" | "sibTransId" | "presAssocID" | "cxnId":
                element.set(key, names.setdefault(f"model {value}", str(len(names))))
            case "csTypeId" | "loTypeId" | "qsTypeId" | "uniqueId" | "presId" | "defStyle":
                element.set(key, names.setdefault(f"type {value}", f"urn:diagram:{len(names) + 1}"))
            case "forName" | "refForName" | "moveWith" | "presName" | "ref":
                element.set(key, _layout_name(value, names))
            case "name" if element.tag != f"{_D}styleLbl":
                element.set(key, _layout_name(value, names))
            case "val" if element.tag == f"{_D}param" and element.get("type") in {"srcNode", "dstNode"}:
                element.set(key, _layout_name(value, names))
            case _:
                continue


def _layout_name(value: str, names: MutableMapping[str, str]) -> str:
    return names.setdefault(f"name {value}", f"n{len(names) + 1}")


def say_defaults(root: Element, part: PartCleaning) -> None:
    """Write into a chart of Office 2007 what it left out, because programs tell from the version what that means."""
    properties = part.package.old("docProps/app.xml")
    if properties is None or b"<AppVersion>12." not in properties:
        return
    for labels in root.iter(f"{_C}dLbls", f"{_C}dLbl"):
        if labels.find(f"{_C}delete") is None:
            said = {name: labels.find(name) for name in _LABELS}
            after = [child for child in labels if child.tag in {*_LABELS, *_AFTER_LABELS}]
            at = labels.index(after[0]) if after else len(labels)
            for name in reversed(_LABELS):
                flag = said[name]
                labels.insert(at, etree.Element(name, val="0") if flag is None else flag)
    for series in root.iterfind(f".//{_C}lineChart/{_C}ser"):
        if series.find(f"{_C}smooth") is None:
            extensions = series.find(f"{_C}extLst")
            at = len(series) if extensions is None else series.index(extensions)
            series.insert(at, etree.Element(f"{_C}smooth", val="0"))


def neutral_formulas(root: Element) -> None:
    """Take the names of other workbooks out of a chart's references."""
    for formula in root.iter(f"{{{CHART}}}f"):
        if formula.text and re.search(r"[\[\\]|://", formula.text):
            formula.text = None


class Writer:
    """How the parts of one format are written: with the tables of these names."""

    def __init__(self, *names: str) -> None:
        self._vocabularies = load(*(f"ooxml/{name}" for name in (*names, "compatibility")))

    def write(self, root: Element, part: PartCleaning) -> bytes:
        """The part in its new form, with the relationships that its markup names."""
        choose(root, part.package.cleaning.removed)
        _say_extensions(root, part.package.cleaning.removed)
        resolve(root, part)
        _say_drawing(root, part)
        neutral_names(root, part.package.drawn)
        part.part.shown = shown.count(root)
        if shown.crops(root):
            part.package.cleaning.noted.add(Noted.CROPPED)

        def lost(element: Element) -> None:
            if (seen := shown.count(element)) or _is_drawn(element):
                part.part.shown -= seen
                removed.add(Removed.DRAWINGS)

        removed = part.package.cleaning.removed
        rewriting = Rewriting(self._vocabularies, removed=removed, findings=FINDINGS, made=MADE, lost=lost)
        return rewriting.rewrite(root, keep_prefixes=CHOICE_PREFIXES)
