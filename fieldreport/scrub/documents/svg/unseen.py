"""Words of a drawing that nobody sees: outside of what it shows, tiny, or in the colour of the paper."""

from __future__ import annotations

import math
import re
from typing import Final

from lxml import etree

from fieldreport import limits
from fieldreport.scrub.documents.css import OVERLOOKED
from fieldreport.scrub.documents.markup import Element
from fieldreport.scrub.documents.matrices import UNCHANGED, Matrix, times

_S: Final = "{http://www.w3.org/2000/svg}"
_NUMBER: Final = re.compile(r"\s*([-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?)\s*(?:px)?\s*", re.IGNORECASE)
_SIZE: Final = re.compile(r"(?<![\w-])font-size\s*:\s*([0-9.]+)(?:px)?\s*(?:;|$)")
_STEP: Final = re.compile(r"(matrix|translate|scale|rotate)\s*\(([^()]*)\)")
_WHITE: Final = frozenset({"#fff", "#ffffff", "white", "transparent", "none"})
_SHAPES: Final = frozenset(_S + name for name in ("rect", "path", "circle", "ellipse", "polygon", "image"))
_CLIPPING: Final = re.compile(r"(?<![\w-])(?:clip|clip-path|mask)\s*:(?!\s*(?:none|auto))")
_UNDRAWN: Final = frozenset(_S + name for name in ("defs", "symbol", "pattern", "marker", "mask"))  # but by reference
_REFERRED: Final = re.compile(r"#([^\s\"'()]+)")
_HIGHEST: Final = 1000  # lines of the smallest letters on top of each other in what is shown


def may_hide_words(root: Element) -> bool:
    """Whether a text of the drawing is probably not seen. What its style sheets say is not looked at."""
    box = _box(root)
    covered = False
    referred: frozenset[str] | None = None
    for node in root.iter(*_SHAPES, f"{_S}text"):
        style = str(node.get("style", ""))
        if node.tag != f"{_S}text":
            covered = covered or _fill(node, style) not in _WHITE
            continue
        if not "".join(map(str, node.itertext())).strip():
            continue
        if any(above.tag in _UNDRAWN for above in node.iterancestors()):
            referred = _referred(root) if referred is None else referred
            if referred.isdisjoint(str(each.get("id", "")) for each in (node, *node.iterancestors())):
                return True
        if OVERLOOKED.search(style) and "fill" not in style:
            return True
        if _fill(node, style) in _WHITE and str(node.get("stroke", "none")) == "none" and not covered:
            return True
        if box is not None and (_is_tiny(node, style, box) or _is_outside(node, box)):
            return True
    return False


def _referred(root: Element) -> frozenset[str]:
    """The names of what something in the drawing refers to."""
    return frozenset(
        name
        for node in root.iter(etree.Element)
        for value in node.attrib.values()
        for name in _REFERRED.findall(str(value))
    ) | frozenset(
        name for sheet in root.iter(f"{_S}style") for name in _REFERRED.findall("".join(map(str, sheet.itertext())))
    )


def crops_pictures(root: Element) -> bool:
    """Whether a picture may be shown in part only: clipped, masked, cut to its frame, or beyond what is shown."""
    box = None
    for node in root.iter(f"{_S}image"):
        box = box or _box(root)
        if any(map(_clips, (node, *node.iterancestors()))) or "slice" in str(node.get("preserveAspectRatio", "")):
            return True
        if box is not None and _reaches_beyond(node, box):
            return True
    return False


def _clips(node: Element) -> bool:
    said = (str(node.get(name, "none")) for name in ("clip-path", "mask"))
    return any(each != "none" for each in said) or _CLIPPING.search(str(node.get("style", ""))) is not None


def _reaches_beyond(node: Element, box: tuple[float, float, float, float]) -> bool:
    """Whether a corner of a picture is outside of what is shown, by more than a hundredth of that."""
    said = [_NUMBER.fullmatch(str(node.get(name, "0"))) for name in ("x", "y", "width", "height")]
    if None in said:
        return False
    x, y, width, height = (float(each[1]) for each in said if each is not None)
    a, b, c, d, e, f = _placed(node)
    across, down = (box[2] - box[0]) / 100, (box[3] - box[1]) / 100
    return any(
        not (
            box[0] - across <= a * left + c * top + e <= box[2] + across
            and box[1] - down <= b * left + d * top + f <= box[3] + down
        )
        for left in (x, x + width)
        for top in (y, y + height)
    )


def _fill(node: Element, style: str) -> str:
    found = re.search(r"(?<![\w-])fill\s*:\s*([^;]+)", style)
    return (found[1] if found is not None else str(node.get("fill", "black"))).strip().lower()


def _box(root: Element) -> tuple[float, float, float, float] | None:
    """Left, top, right and bottom of what the drawing shows."""
    said = str(root.get("viewBox", "")).replace(",", " ").split()
    if len(said) != 4:
        said = ["0", "0", str(root.get("width", "")), str(root.get("height", ""))]
    found = [_NUMBER.fullmatch(each) for each in said]
    if None in found:
        return None
    left, top, width, height = (float(each[1]) for each in found if each is not None)
    return left, top, left + width, top + height


def _is_tiny(node: Element, style: str, box: tuple[float, float, float, float]) -> bool:
    found = _SIZE.search(style) or _NUMBER.fullmatch(str(node.get("font-size", "")))
    if found is None:
        return False
    scale = _placed(node)
    return float(found[1]) * math.hypot(scale[2], scale[3]) < (box[3] - box[1]) / _HIGHEST


def _is_outside(node: Element, box: tuple[float, float, float, float]) -> bool:
    """Whether a text begins far from what is shown: where it ends is not known without its font."""
    x, y = (_NUMBER.fullmatch(str(node.get(name, "0"))) for name in ("x", "y"))
    if x is None or y is None:
        return False
    a, b, c, d, e, f = _placed(node)
    across, down = float(x[1]), float(y[1])
    across, down = a * across + c * down + e, b * across + d * down + f
    width, height = box[2] - box[0], box[3] - box[1]
    return not (box[0] - width < across < box[2] and box[1] - height / 10 < down < box[3] + height / 10)


def _placed(node: Element) -> Matrix:
    """What all transformations around an element do together."""
    matrix = UNCHANGED
    above: Element | None = node
    depth = 0
    while above is not None and depth < limits.XML_DEPTH:
        matrix = times(matrix, _own(str(above.get("transform", ""))))
        above, depth = above.getparent(), depth + 1
    return matrix


def _own(transform: str) -> Matrix:
    matrix = UNCHANGED
    for kind, said in _STEP.findall(transform):
        try:
            numbers = [float(each) for each in said.replace(",", " ").split()]
        except ValueError:
            return UNCHANGED
        step = _step(kind, numbers)
        matrix = matrix if step is None else times(step, matrix)
    return matrix


def _step(kind: str, numbers: list[float]) -> Matrix | None:
    match kind, numbers:
        case "matrix", [a, b, c, d, e, f]:
            return a, b, c, d, e, f
        case "translate", [x, *rest]:
            return 1.0, 0.0, 0.0, 1.0, x, rest[0] if rest else 0.0
        case "scale", [x, *rest]:
            return x, 0.0, 0.0, rest[0] if rest else x, 0.0, 0.0
        case "rotate", [angle, *centre]:
            turn = math.radians(angle)
            turned = (math.cos(turn), math.sin(turn), -math.sin(turn), math.cos(turn), 0.0, 0.0)
            if len(centre) != 2:
                return turned
            x, y = centre
            return times((1.0, 0.0, 0.0, 1.0, -x, -y), times(turned, (1.0, 0.0, 0.0, 1.0, x, y)))
        case _:
            return None
