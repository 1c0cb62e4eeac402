"""Words that no reader sees: hidden by the format, tiny, in the colour of what is behind them, or beside the slide.

What the format hides goes; of all else the editor is told, because it may be meant to be seen.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final, cast

from lxml import etree

from fieldreport import limits
from fieldreport.scrub.documents.looks import Look, alike
from fieldreport.scrub.documents.markup import Element, child, split

_W: Final = "{http://schemas.openxmlformats.org/wordprocessingml/2006/main}"
_A: Final = "{http://schemas.openxmlformats.org/drawingml/2006/main}"
_X: Final = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_P: Final = "{http://schemas.openxmlformats.org/presentationml/2006/main}"
_OFF: Final = frozenset({"0", "false", "off"})
_ON: Final = frozenset({"1", "true", "on"})
_WHITE: Final = "FFFFFF"
_WHITE_OF_THEMES: Final = frozenset({"background1", "light1", "bg1", "lt1"})
_STYLES_DEEP: Final = 20
_OF_THEME: Final = "of the theme"
# Asked of libxml2, because most styles say nothing about it. What a run or a paragraph names is none of a table.
_SPEAKING: Final = etree.XPath(
    "descendant::w:style[not(@w:type = 'table')]"
    "[w:rPr[w:vanish or w:color or w:sz or w:highlight or w:shd] or w:pPr[w:highlight or w:shd]]",
    namespaces={"w": _W[1:-1]},
)


@dataclass(frozen=True, slots=True)
class Styles:
    """Of a Word document: by the style's id; ``usual`` is how a run of no style looks."""

    styles: Mapping[str, Look] = field(default_factory=dict)
    usual: Look = field(default_factory=Look)
    shaded: frozenset[str] = frozenset()  # styles of tables that have a colour behind some of their cells


def styles_of(root: Element) -> Styles:
    """What the styles of a document say."""
    own = {str(style.get(f"{_W}styleId", "")): style for style in root.iter(f"{_W}style")}
    usual = _looks(root.find(f"{_W}docDefaults/{_W}rPrDefault/{_W}rPr"))
    speaking = set(cast("list[Element]", _SPEAKING(root)))
    said = {
        name: _looks(child(style, f"{_W}rPr")).over(Look(behind=_shade(child(style, f"{_W}pPr"))))
        for name, style in own.items()
        if style in speaking
    }
    based = {name: _style(style, "basedOn") for name, style in own.items()}
    found = {name: _resolved(name, said, based) for name in own}
    for name, style in own.items():
        if style.get(f"{_W}type") == "paragraph" and style.get(f"{_W}default") in _ON:
            usual = found[name].over(usual)
    shaded = {name for name, style in own.items() if style.get(f"{_W}type") == "table" and _has_shade(style)}
    return Styles(found, usual, frozenset(shaded))


def runs(root: Element, styles: Styles) -> Iterator[tuple[Element, Look]]:
    """The runs of a part that may not be seen, with how they look."""
    odd = {name for name, looks in styles.styles.items() if _may_hide(looks)}
    candidates: dict[Element, None] = {}
    for said in root.iter(f"{_W}vanish", f"{_W}color", f"{_W}sz", f"{_W}rStyle", f"{_W}pStyle"):
        named = split(str(said.tag))[1]
        if named in {"rStyle", "pStyle"} and str(said.get(f"{_W}val", "")) not in odd:
            continue
        owner = said.getparent()
        holder = owner.getparent() if owner is not None else None
        if holder is None:
            continue
        candidates |= dict.fromkeys(holder.iter(f"{_W}r") if holder.tag == f"{_W}p" else [holder])
    every = root.iter(f"{_W}r") if _may_hide(styles.usual) else candidates
    for run in list(every):
        if run.tag == f"{_W}r":
            yield run, _looks_of_run(run, styles)


def is_unseen(run: Element, looks: Look, styles: Styles, page: str = _WHITE) -> bool:
    """Whether the words of a run are there and nobody sees them."""
    if not any((text.text or "").strip() for text in run.iter(f"{_W}t")):
        return False
    if looks.size is not None and looks.size <= limits.TEXT_POINTS:
        return True
    return looks.colour is not None and alike(looks.colour, _behind(run, looks, styles, page))


def _may_hide(look: Look) -> bool:
    """Whether such words may not be seen, whatever is behind them."""
    return bool(look.hidden) or look.colour is not None or (look.size is not None and look.size <= limits.TEXT_POINTS)


def _resolved(name: str, said: Mapping[str, Look], based: Mapping[str, str]) -> Look:
    looks = Look()
    for _ in range(_STYLES_DEEP):
        if name not in based:
            break
        if name in said:
            looks = looks.over(said[name])
        name = based[name]
    return looks


def _looks_of_run(run: Element, styles: Styles) -> Look:
    properties = child(run, f"{_W}rPr")
    own = _looks(properties)
    of_letters = styles.styles.get(_style(properties, "rStyle"), Look())
    paragraph = next(run.iterancestors(f"{_W}p"), None)
    set_in = child(paragraph, f"{_W}pPr") if paragraph is not None else None
    of_paragraph = styles.styles.get(_style(set_in, "pStyle"), styles.usual)
    looks = own.over(of_letters).over(of_paragraph).over(styles.usual)
    if own.hidden is None:  # ECMA-376 part 1, 17.7.3: two styles that both hide cancel each other out
        looks = replace(looks, hidden=bool(of_letters.hidden) != bool(of_paragraph.hidden))
    return looks


def _style(properties: Element | None, kind: str) -> str:
    said = None if properties is None else child(properties, f"{_W}{kind}")
    return "" if said is None else str(said.get(f"{_W}val", ""))


def _looks(properties: Element | None) -> Look:
    if properties is None:
        return Look()
    vanish, colour, size = (child(properties, f"{_W}{name}") for name in ("vanish", "color", "sz"))
    said = "" if size is None else str(size.get(f"{_W}val", ""))
    return Look(
        hidden=None if vanish is None else str(vanish.get(f"{_W}val", "1")) not in _OFF,
        colour=None if colour is None else _colour(colour, "val", "themeColor"),
        size=int(said) / 2 if said.isdecimal() else None,
        behind=_shade(properties),
    )


def _shade(properties: Element | None) -> str | None:
    """The colour behind what has these properties."""
    if properties is None:
        return None
    if (marked := child(properties, f"{_W}highlight")) is not None and marked.get(f"{_W}val") != "none":
        return _WHITE if marked.get(f"{_W}val") == "white" else "marked"
    shade = child(properties, f"{_W}shd")
    if shade is None or (shade.get(f"{_W}fill") in {None, "auto"} and shade.get(f"{_W}themeFill") is None):
        return None
    return _colour(shade, "fill", "themeFill")


def _colour(element: Element, plain: str, of_theme: str) -> str | None:
    theme = element.get(f"{_W}{of_theme}")
    if theme is not None:
        return _WHITE if theme in _WHITE_OF_THEMES and element.get(f"{_W}{of_theme}Shade") is None else str(theme)
    said = str(element.get(f"{_W}{plain}", "auto"))
    return None if said == "auto" else said.lstrip("#").upper()


def _has_shade(style: Element) -> bool:
    return any(shade.get(f"{_W}fill") not in {None, "auto"} for shade in style.iter(f"{_W}shd"))


def _behind(run: Element, looks: Look, styles: Styles, page: str) -> str:
    """The colour behind a run; something that is no colour where that cannot be said."""
    if looks.behind is not None:
        return looks.behind
    for outer in run.iterancestors():
        match split(str(outer.tag))[1]:
            case "p" | "tc":
                found = _shade(outer.find(f"{_W}pPr" if outer.tag == f"{_W}p" else f"{_W}tcPr"))
                if found is not None:
                    return found
            case "tbl":
                if _style(child(outer, f"{_W}tblPr"), "tblStyle") in styles.shaded:
                    return "of the table"
            case "wsp":
                return _fill(outer.find("{*}spPr")) or page
            case "shape" | "rect" | "roundrect" | "oval":
                return str(outer.get("fillcolor", "#FFFFFF")).partition(" ")[0].lstrip("#").upper()
            case _:
                continue
    return page


def _fill(properties: Element | None) -> str | None:
    """The colour of a shape; something that is no colour if there are several; None if there is none."""
    if properties is None:
        return _OF_THEME
    for filled in properties:
        match split(str(filled.tag))[1]:
            case "noFill":
                return None
            case "solidFill":
                return _drawn_colour(filled) or "unknown"
            case "gradFill" | "blipFill" | "pattFill" | "grpFill":
                return "several"
            case _:
                continue
    return _OF_THEME


def _drawn_colour(filled: Element) -> str | None:
    for colour in filled:
        if colour.tag == f"{_A}srgbClr":
            return str(colour.get("val", "")).upper()
        if colour.tag == f"{_A}schemeClr" and len(colour) == 0:
            said = str(colour.get("val", ""))
            return _WHITE if said in _WHITE_OF_THEMES else said
    return None


# --- slides ---


def on_slide(root: Element, page: tuple[int, int], background: Callable[[], str]) -> bool:
    """Whether a slide may hide words. ``background``: answers its colour, or something that is no colour."""
    return any(
        (run.findtext(f"{_A}t") or "").strip()
        for shape in root.iter(f"{_P}sp", f"{_P}graphicFrame")
        for outside in (_is_outside(shape, page),)
        for run in shape.iter(f"{_A}r")
        if outside or _is_unseen_run(run, shape, background)
    )


def pictures_outside(root: Element, page: tuple[int, int]) -> bool:
    """Whether a picture lies beside the slide, where no show comes."""
    return any(_is_outside(picture, page) for picture in root.iter(f"{_P}pic"))


def background(root: Element) -> str | None:
    """The colour behind all that is on a slide, a layout or a master; None if it says nothing."""
    said = root.find(f"{_P}cSld/{_P}bg")
    if said is None:
        return None
    filled = child(said, f"{_P}bgRef")
    return _fill(child(said, f"{_P}bgPr")) if filled is None else _drawn_colour(filled)


def _is_unseen_run(run: Element, shape: Element, background: Callable[[], str]) -> bool:
    properties = child(run, f"{_A}rPr")
    if properties is None:
        return False
    if 0 < _number(properties.get("sz")) <= limits.TEXT_POINTS * 100:
        return True
    if child(properties, f"{_A}noFill") is not None and child(properties, f"{_A}ln") is None:
        return True
    filled = child(properties, f"{_A}solidFill")
    colour = None if filled is None else _drawn_colour(filled)
    if colour is None or shape.tag != f"{_P}sp" or child(shape, f"{_P}style") is not None:
        return False
    behind = _fill(child(shape, f"{_P}spPr"))
    if behind in {None, _OF_THEME}:
        behind = "several" if any(map(_paints, shape.itersiblings(preceding=True))) else background()
    return alike(colour, behind or "")


def _paints(shape: Element) -> bool:
    """Whether something may be seen behind what is drawn after this."""
    if shape.tag != f"{_P}sp":
        return shape.tag in {f"{_P}pic", f"{_P}grpSp", f"{_P}graphicFrame"}
    return child(shape, f"{_P}style") is not None or _fill(child(shape, f"{_P}spPr")) not in {None, _OF_THEME}


def _is_outside(shape: Element, page: tuple[int, int]) -> bool:
    """Whether all of a shape is beside the slide. One in a group is placed by the group."""
    parent = shape.getparent()
    if shape.tag in {f"{_P}sp", f"{_P}pic"}:
        properties = child(shape, f"{_P}spPr")
        frame = None if properties is None else child(properties, f"{_A}xfrm")
    else:
        frame = child(shape, f"{_P}xfrm")
    if frame is None or 0 in page or (parent is not None and parent.tag == f"{_P}grpSp"):
        return False
    offset, extent = child(frame, f"{_A}off"), child(frame, f"{_A}ext")
    if offset is None or extent is None:
        return False
    left, top, width, height = (
        _number(each.get(key)) for each, keys in ((offset, "x y"), (extent, "cx cy")) for key in keys.split()
    )
    return left >= page[0] or top >= page[1] or left + width <= 0 or top + height <= 0


# --- cells ---


def in_cells(styles: Element, used: Collection[int]) -> bool:
    """Whether one of the formats that cells with words have, by its number, hides them."""
    fonts, fills = (child(styles, f"{_X}{name}") for name in ("fonts", "fills"))
    formats = child(styles, f"{_X}cellXfs")
    silent = {
        str(each.get("numFmtId")) for each in styles.iter(f"{_X}numFmt") if not str(each.get("formatCode")).strip(";")
    }
    for number, form in enumerate(() if formats is None else formats):
        if number not in used:
            continue
        if str(form.get("numFmtId")) in silent:
            return True
        font, fill = _child(fonts, form.get("fontId")), _child(fills, form.get("fillId"))
        size = None if font is None else child(font, f"{_X}sz")
        if size is not None and 0 < _number(size.get("val")) <= limits.TEXT_POINTS:
            return True
        colour = None if font is None else _cell_colour(child(font, f"{_X}color"))
        if colour is not None and colour == _cell_fill(fill):
            return True
    return False


def _child(group: Element | None, number: object) -> Element | None:
    at = _number(number)
    return group[at] if group is not None and at < len(group) else None


def _cell_fill(fill: Element | None) -> str:
    pattern = None if fill is None else child(fill, f"{_X}patternFill")
    if pattern is None or pattern.get("patternType") in {None, "none"}:
        return "several" if pattern is None and fill is not None and len(fill) else _WHITE
    return _cell_colour(child(pattern, f"{_X}fgColor")) or "unknown"


def _cell_colour(colour: Element | None) -> str | None:
    """The colour as six digits, or as it is named in the theme or the palette."""
    if colour is None or colour.get("auto") in _ON:
        return None
    if (said := colour.get("rgb")) is not None:
        return str(said)[-6:].upper()
    theme, tint, indexed = (str(colour.get(name, "")) for name in ("theme", "tint", "indexed"))
    return _WHITE if (theme == "0" and not tint.strip("0.")) or indexed in {"1", "9"} else f"{theme}/{tint}/{indexed}"


def _number(said: object) -> int:
    try:
        return int(float(str(said)))
    except (ValueError, OverflowError):
        return 0
