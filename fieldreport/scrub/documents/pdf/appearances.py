"""Appearances of remarks and form fields that have none, drawn from what they say, as viewers draw them.

A form may be filled in by a program that leaves the drawing to the viewer, with ``NeedAppearances`` or without; remarks
may be drawn by their points alone. ISO 32000-1, 12.5.6 and 12.7.4.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final

import pikepdf
from pikepdf import Array, Dictionary, Name, Stream

from fieldreport.scrub.documents.pdf import values
from fieldreport.scrub.documents.pdf.variable_text import Style, Text, fitting

_PAINTS: Final = re.compile(rb"(?:^|[\s)>\]])(?:Tj|TJ|'|\"|Do|EI)(?=\s|$)")
# Field flags, tables 221, 226, 228 and 230.
_MULTILINE, _PASSWORD, _RADIO, _PUSH, _COMBO, _COMB = 1 << 12, 1 << 13, 1 << 15, 1 << 16, 1 << 17, 1 << 24
_TURNED: Final[dict[int, Callable[[float, float], list[float]]]] = {
    90: lambda width, _: [0, 1, -1, 0, width, 0],
    180: lambda width, height: [-1, 0, 0, -1, width, height],
    270: lambda _, height: [0, -1, 1, 0, 0, height],
}
_INSET: Final = 2.0  # points between a field's border and its text
_CIRCLE: Final = 0.5523  # control points of the curves that make a quarter of a circle
_COLOUR_OPERATORS: Final = {1: ("g", "G"), 3: ("rg", "RG"), 4: ("k", "K")}


class Appearances:
    """Draws for one document; what it draws is cleaned like all the rest of it."""

    def __init__(self, document: pikepdf.Pdf) -> None:
        self._document = document
        form: Any = document.Root.get("/AcroForm")
        self._default = form.get("/DA") if isinstance(form, Dictionary) else None
        self._stale = values.boolean(values.entry(document.Root, "/AcroForm", "/NeedAppearances")) is True
        if self._stale:
            form.NeedAppearances = False  # for qpdf, which leaves such forms to the viewer

    def draw(self, annotation: Any) -> bool:
        """Give an annotation the appearance it lacks; answer whether it has one now."""
        if values.spelled(annotation.get("/Subtype")) == "/Widget":
            self._field(annotation)
        elif appearance(annotation) is None and (rectangle := values.rectangle(annotation.get("/Rect"))) is not None:
            self._remark(annotation, rectangle)
        return appearance(annotation) is not None

    # --- form fields ---

    def _field(self, field: Any) -> None:
        rectangle = values.rectangle(field.get("/Rect"))
        kind = values.spelled(values.inherited(field, "/FT"))
        drawn = appearance(field)
        if rectangle is None or kind not in {"/Tx", "/Ch", "/Btn"}:
            return
        if kind == "/Btn":
            if drawn is None:
                self._button(field, rectangle)
            return
        value = shown_value(field)
        if drawn is None or (value and (self._stale or not _PAINTS.search(drawn.read_bytes()))):
            self._text_field(field, kind, rectangle, value)

    def _button(self, field: Any, rectangle: values.Rectangle) -> None:
        flags = values.integer(values.inherited(field, "/Ff")) or 0
        looks = field.get("/AP")
        states = looks.get("/N") if isinstance(looks, Dictionary) else None
        value = values.inherited(field, "/V")
        if isinstance(states, Dictionary) and len(states):
            # Its states are drawn; which one holds may only be said by the field's value.
            if field.get("/AS") is None and (state := values.spelled(value)) in states:
                field.AS = Name(state)
            return
        if flags & _PUSH:
            caption = values.text(values.entry(field, "/MK", "/CA"))
            self._framed(field, rectangle, caption, quadding=1, multiline=False)
            return
        state = values.spelled(field.get("/AS")) or values.spelled(value)
        style = self._style(field)
        text = Text(self._document, style)
        left, bottom, right, top = self._box(field, rectangle)
        size = min(right - left, top - bottom)
        if state not in {"", "/Off"}:
            sign = values.text(values.entry(field, "/MK", "/CA")) or ("l" if flags & _RADIO else "4")
            text.sign(sign[:1], (left + right - size * 0.8) / 2, (bottom + top - size * 0.65) / 2, size)
        self._set(field, rectangle, self._frame(field, rectangle) + text.content(), text.fonts())

    def _text_field(self, field: Any, kind: str, rectangle: values.Rectangle, value: str) -> None:
        flags = values.integer(values.inherited(field, "/Ff")) or 0
        cells = values.integer(values.inherited(field, "/MaxLen")) or 0
        if kind == "/Tx" and flags & _PASSWORD:
            value = "*" * len(value)
        if kind == "/Tx" and flags & _COMB and 0 < cells <= 1000:
            self._comb(field, rectangle, value[:cells], cells)
            return
        quadding = values.integer(values.inherited(field, "/Q")) or 0
        multiline = bool(flags & _MULTILINE) if kind == "/Tx" else not flags & _COMBO
        self._framed(field, rectangle, value, quadding=quadding if quadding in {0, 1, 2} else 0, multiline=multiline)

    def _framed(self, field: Any, rectangle: values.Rectangle, value: str, *, quadding: int, multiline: bool) -> None:
        style = self._style(field)
        box = left, bottom, right, top = self._box(field, rectangle)
        size, lines = fitting(value, style, right - left, top - bottom, multiline=multiline)
        text = Text(self._document, style)
        text.block(lines, size, box, quadding=quadding, centred=not multiline)
        self._set(field, rectangle, self._frame(field, rectangle) + text.content(), text.fonts())

    def _comb(self, field: Any, rectangle: values.Rectangle, value: str, cells: int) -> None:
        style = self._style(field)
        left, bottom, right, top = self._box(field, rectangle)
        width = (right - left) / cells
        size = style.size or max(4.0, min(12.0, (top - bottom) * 0.75, width * 1.4))
        text = Text(self._document, style)
        for index, letter in enumerate(value):
            start = left + index * width
            text.block([letter], size, (start, bottom, start + width, top), quadding=1, centred=True)
        self._set(field, rectangle, self._frame(field, rectangle) + text.content(), text.fonts())

    def _style(self, field: Any) -> Style:
        untrusted = values.inherited(field, "/DA")
        untrusted = self._default if untrusted is None else untrusted
        return Style.of(bytes(untrusted) if isinstance(untrusted, pikepdf.String) else b"")

    def _turn(self, field: Any) -> int:
        return (values.integer(values.entry(field, "/MK", "/R")) or 0) % 360

    def _box(self, field: Any, rectangle: values.Rectangle) -> values.Rectangle:
        """Where a field's text goes, in its own coordinates."""
        width, height = _extent(rectangle, self._turn(field))
        inset = min(_INSET + _border(field), width / 4, height / 4)
        return inset, inset, width - inset, height - inset

    def _frame(self, field: Any, rectangle: values.Rectangle) -> bytes:
        """Background and border (table 189)."""
        width, height = _extent(rectangle, self._turn(field))
        content = b""
        if fill := _colour(values.entry(field, "/MK", "/BG"), stroke=False):
            content += b"q %s 0 0 %.2f %.2f re f Q\n" % (fill, width, height)
        line = _border(field)
        if line and (stroke := _colour(values.entry(field, "/MK", "/BC"), stroke=True)):
            content += b"q %s %.2f w %.2f %.2f %.2f %.2f re S Q\n" % (
                stroke, line, line / 2, line / 2, width - line, height - line,
            )  # fmt: skip
        return content

    def _set(self, field: Any, rectangle: values.Rectangle, content: bytes, fonts: Dictionary) -> None:
        turn = self._turn(field)
        width, height = _extent(rectangle, turn)
        made = self._form(content, [0, 0, width, height], Dictionary(Font=fonts))
        if turn in _TURNED:
            outer_width, outer_height = _extent(rectangle, 0)
            made.Matrix = Array([_real(number) for number in _TURNED[turn](outer_width, outer_height)])
        field.AP = Dictionary(N=made)

    # --- remarks ---

    def _remark(self, remark: Any, rectangle: values.Rectangle) -> None:
        stroke = _colour(remark.get("/C"), stroke=True)
        fill = _colour(remark.get("/IC"), stroke=False)
        line = _border(remark)
        fonts = Dictionary()
        blend = Name.Normal
        kind = values.spelled(remark.get("/Subtype"))
        left, bottom, right, top = rectangle
        match kind:
            case "/Highlight":
                blend = Name.Multiply
                fill = _colour(remark.get("/C"), stroke=False) or b"1 1 0 rg"
                content = fill + b"".join(_path([*quad, *quad[:2]]) + b"f\n" for quad in _quads(remark))
            case "/Underline" | "/Squiggly" | "/StrikeOut":
                content = stroke + b"".join(
                    _across(quad, 0.5 if kind == "/StrikeOut" else 0.07) for quad in _quads(remark)
                )
            case "/Ink":
                strokes = remark.get("/InkList")
                content = stroke + b"".join(
                    _path(_points(points)) + b"S\n" for points in (strokes if isinstance(strokes, Array) else ())
                )
            case "/Line":
                content = stroke + _path(_points(remark.get("/L"))) + b"S\n"
            case "/PolyLine":
                content = stroke + _path(_points(remark.get("/Vertices"))) + b"S\n"
            case "/Polygon":
                content = fill + b" " + stroke + _path(_points(remark.get("/Vertices"))) + (b"b\n" if fill else b"s\n")
            case "/Square" | "/Circle":
                inner = (left + line / 2, bottom + line / 2, right - line / 2, top - line / 2)
                shape = _ellipse(inner) if kind == "/Circle" else b"%.2f %.2f %.2f %.2f re " % (
                    inner[0], inner[1], inner[2] - inner[0], inner[3] - inner[1],
                )  # fmt: skip
                content = fill + b" " + stroke + b" " + shape + (b"b\n" if fill else b"s\n")
            case "/FreeText" | "/Stamp":
                words = values.text(remark.get("/Contents")) if kind == "/FreeText" else _stamped(remark)
                style = self._style(remark)
                text = Text(self._document, style)
                size, lines = fitting(words, style, right - left, top - bottom, multiline=kind == "/FreeText")
                text.block(lines, size, rectangle, quadding=0, centred=kind == "/Stamp")
                content, fonts = text.content(), text.fonts()
            case _:
                return
        if not content.strip():
            return
        opacity = values.number(remark.get("/CA"))
        state = Dictionary(BM=blend, CA=1 if opacity is None else opacity, ca=1 if opacity is None else opacity)
        resources = Dictionary(Font=fonts, ExtGState=Dictionary(State=state))
        drawn = b"/State gs %.2f w " % line + content
        remark.AP = Dictionary(N=self._form(drawn, list(rectangle), resources))

    def _form(self, content: bytes, box: list[float], resources: Dictionary) -> Stream:
        made = self._document.make_stream(content)
        made.Type, made.Subtype, made.Resources = Name.XObject, Name.Form, resources
        made.BBox = Array([_real(number) for number in box])
        return made


def appearance(annotation: Any) -> Stream | None:
    """The drawing that stands for an annotation in its present state; None when there is none."""
    looks = annotation.get("/AP")
    normal = looks.get("/N") if isinstance(looks, Dictionary) else None
    if isinstance(normal, Stream):
        return normal
    state = values.spelled(annotation.get("/AS"))
    found = normal.get(state) if isinstance(normal, Dictionary) and state else None
    return found if isinstance(found, Stream) else None


def shown_value(field: Any) -> str:
    """What a text or choice field shows: its value, or the words that stand for it."""
    value = values.inherited(field, "/V")
    words: list[str] = []
    options = values.inherited(field, "/Opt")
    names = {
        values.text(option[0]): values.text(option[1])
        for option in (options if isinstance(options, Array) else ())
        if isinstance(option, Array) and len(option) == 2
    }
    for item in value if isinstance(value, Array) else [value]:
        text = values.text(item)
        if isinstance(item, Stream):
            text = values.text(pikepdf.String(item.read_bytes()))
        words.append(names.get(text, text))
    return "\n".join(filter(None, words))


def _extent(rectangle: values.Rectangle, turn: int) -> tuple[float, float]:
    left, bottom, right, top = rectangle
    return (top - bottom, right - left) if turn in {90, 270} else (right - left, top - bottom)


def _real(number: float) -> Decimal:
    return round(Decimal(number), 4)


def _border(annotation: Any) -> float:
    width = values.number(values.entry(annotation, "/BS", "/W"))
    if width is None and (border := values.numbers(annotation.get("/Border"))) is not None and len(border) >= 3:
        width = border[2]
    return min(max(float(width), 0.0), 100.0) if width is not None else 1.0


def _colour(value: Any, *, stroke: bool) -> bytes:
    numbers = values.numbers(value)
    if numbers is None or len(numbers) not in _COLOUR_OPERATORS:
        return b""
    operator = _COLOUR_OPERATORS[len(numbers)][stroke]
    return " ".join([*(f"{float(number):.3f}" for number in numbers), operator]).encode()


def _points(value: Any) -> list[float]:
    numbers = values.numbers(value)
    points = [float(number) for number in numbers] if numbers is not None else []
    return points[: len(points) // 2 * 2]


def _path(points: list[float]) -> bytes:
    pairs = zip(points[::2], points[1::2], strict=True)
    return b"".join(b" %.2f %.2f %s" % (x, y, b"l" if index else b"m") for index, (x, y) in enumerate(pairs)) + b" "


def _quads(remark: Any) -> list[list[float]]:
    """Quadrilaterals as paths. Programs give the corners as upper left, upper right, lower left, lower right."""
    points = _points(remark.get("/QuadPoints"))
    quads = [points[start : start + 8] for start in range(0, len(points) - 7, 8)]
    return [[*quad[0:4], *quad[6:8], *quad[4:6]] for quad in quads]


def _across(quad: list[float], height: float) -> bytes:
    """A line through a quadrilateral, at a part of its height."""
    left_x, left_y, right_x, right_y, low_right_x, low_right_y, low_left_x, low_left_y = quad
    start = low_left_x + (left_x - low_left_x) * height, low_left_y + (left_y - low_left_y) * height
    end = low_right_x + (right_x - low_right_x) * height, low_right_y + (right_y - low_right_y) * height
    return _path([*start, *end]) + b"S\n"


def _ellipse(box: values.Rectangle) -> bytes:
    left, bottom, right, top = box
    x, y, across, up = (left + right) / 2, (bottom + top) / 2, (right - left) / 2, (top - bottom) / 2
    path = b"%.2f %.2f m" % (x + across, y)
    for (ax, ay), (bx, by) in (((1, 0), (0, 1)), ((0, 1), (-1, 0)), ((-1, 0), (0, -1)), ((0, -1), (1, 0))):
        first = x + across * (ax + bx * _CIRCLE), y + up * (ay + by * _CIRCLE)
        second = x + across * (bx + ax * _CIRCLE), y + up * (by + ay * _CIRCLE)
        path += b" %.2f %.2f %.2f %.2f %.2f %.2f c" % (*first, *second, x + across * bx, y + up * by)
    return path + b" "


def _stamped(remark: Any) -> str:
    """The words of a stamp that only has a name, such as NotApproved."""
    return re.sub(r"(?<=[a-z])(?=[A-Z])", " ", values.spelled(remark.get("/Name"))[1:]).upper() or "DRAFT"
