"""What a cleaned document holds that nobody sees on its pages: words, for readers who copy, and parts of pictures.

Words are looked for that are invisible by their mode (as those that text recognition lays under a scan), outside the
page, tiny, in the colour of what is behind them, or covered later. What only may be hidden counts when the page, drawn
by PDFium, has one colour where the words stand.
"""

from __future__ import annotations

import ctypes
from typing import Any, Final

import pypdfium2
from pypdfium2 import raw

from fieldreport.scrub.documents.matrices import UNCHANGED, Matrix, times
from fieldreport.scrub.documents.pdf.values import Rectangle
from fieldreport.scrub.verdicts import Noted

_TINY: Final = 1.5  # points; print that has to be read has five and more
_NEARLY_WHITE: Final = 235  # of 255
_SEE_THROUGH: Final = 20  # of 255
_SCALE: Final = 2.0  # pixels a point, where words may be covered
_ONE_COLOUR: Final = 16  # levels between the lightest and the darkest pixel
_CORNERS: Final = 6  # segments of a path that may be a rectangle
_LEVELS: Final = 12  # forms in forms
_LETTERS: Final = 3  # letters and digits that make a word worth a note
_SHOWN: Final = 0.98  # of a picture's side, at least: programs round
_CLIP_POINTS: Final = 10_000
_KINDS: Final = 2  # of what may be hidden
_LOW: Final = 3.0  # points between the top and the bottom of a line of such letters

Shown = tuple[Any, Rectangle, Matrix]
"""Something that is drawn: the object, where it is on the page, and the matrix of the form it is in."""

_FLOATS: Final = [ctypes.c_float() for _ in range(4)]
_BYTES: Final = [ctypes.c_uint() for _ in range(4)]
_FLOAT_POINTERS: Final = [ctypes.byref(number) for number in _FLOATS]
_BYTE_POINTERS: Final = [ctypes.byref(number) for number in _BYTES]


def hidden_in(cleaned: bytes, *, by_colour: bool) -> set[Noted]:
    """What a document may hide: words, parts of pictures; a page that PDFium cannot read hides nothing.

    ``by_colour``: whether colours and modes are looked at, too; without pale colours there is no need to.
    """
    hidden: set[Noted] = set()
    try:
        document = pypdfium2.PdfDocument(cleaned)
    except pypdfium2.PdfiumError:
        return hidden
    try:
        for number in range(len(document)):
            if len(hidden) < _KINDS:
                _look(document, number, by_colour, hidden)
    except pypdfium2.PdfiumError:
        return hidden
    finally:
        document.close()
    return hidden


def _look(document: pypdfium2.PdfDocument, number: int, by_colour: bool, hidden: set[Noted]) -> None:  # noqa: FBT001 - inside
    """Add what a page hides."""
    page = raw.FPDF_LoadPage(document.raw, number)  # without the wrapper, which takes as long as the page
    box = raw.FS_RECTF()
    if not page or not raw.FPDF_GetPageBoundingBox(page, box):
        return
    found = _Page((box.left, box.bottom, box.right, box.top), by_colour)
    try:
        found.walk(page, raw.FPDFPage_CountObjects, raw.FPDFPage_GetObject, UNCHANGED, 0)
        if found.cropped:
            hidden.add(Noted.CROPPED)
        if Noted.HIDDEN_WORDS not in hidden:
            covered = _of_one_colour(document[number], found.doubtful) if found.doubtful else []
            letters = _letters(page, found.certain + covered) if found.certain or covered else 0
            hidden |= {Noted.HIDDEN_WORDS} if letters >= _LETTERS else set()
    finally:
        raw.FPDF_ClosePage(page)


class _Page:
    """What is drawn on a page, in the order in which it is."""

    def __init__(self, box: Rectangle, by_colour: bool) -> None:  # noqa: FBT001 - of one function here
        self.certain: list[Any] = []
        self.doubtful: list[Shown] = []
        self.cropped = False  # a picture is
        self._by_colour = by_colour
        self._box = box
        self._words: list[Shown] = []
        self._areas: dict[tuple[int, ...], list[Rectangle]] = {}  # by colour, filled so far

    def walk(self, owner: Any, count: Any, get: Any, matrix: Matrix, level: int) -> None:
        left, bottom, right, top = self._box
        one, two, three, four = _FLOATS
        kind_of, bounds_of = raw.FPDFPageObj_GetType, raw.FPDFPageObj_GetBounds
        for index in range(count(owner)):
            item = get(owner, index)
            kind = kind_of(item)
            if kind == raw.FPDF_PAGEOBJ_FORM and level < _LEVELS:
                inner = times(_matrix(item), matrix)
                self.walk(item, raw.FPDFFormObj_CountObjects, raw.FPDFFormObj_GetObject, inner, level + 1)
            elif kind == raw.FPDF_PAGEOBJ_TEXT and bounds_of(item, *_FLOAT_POINTERS):
                box = one.value, two.value, three.value, four.value
                if matrix is not UNCHANGED:
                    box = _moved(box, matrix)
                low_x, low_y, high_x, high_y = box
                shown = item, box, matrix
                outside = high_x < left or low_x > right or high_y < bottom or low_y > top
                if outside or (high_y - low_y < _LOW and _size(shown) < _TINY):
                    self.certain.append(item)
                elif self._by_colour and (mode := raw.FPDFTextObj_GetTextRenderMode(item)):
                    self._by_mode(shown, mode)
                elif (self._by_colour and _faint(item)) or (self._areas and self._as_behind(item, box)):
                    self.doubtful.append(shown)
                else:
                    self._words.append(shown)
                continue
            if kind == raw.FPDF_PAGEOBJ_IMAGE and not self.cropped and bounds_of(item, *_FLOAT_POINTERS):
                self.cropped = self._is_cropped(item, (one.value, two.value, three.value, four.value), matrix)
            if _opaque(item, kind) and bounds_of(item, *_FLOAT_POINTERS):
                box = _moved((one.value, two.value, three.value, four.value), matrix)
                self._cover(box)
                if kind == raw.FPDF_PAGEOBJ_PATH and min(box[2] - box[0], box[3] - box[1]) > _LOW:
                    self._areas.setdefault(_fill(item), []).append(box)

    def _is_cropped(self, item: Any, bounds: Rectangle, matrix: Matrix) -> bool:
        """Whether a side of a picture lies outside of the page, or of what it is clipped to."""
        shown = _within(_moved(bounds, matrix), self._box)
        clip = raw.FPDFPageObj_GetClipPath(item)
        for path in range(raw.FPDFClipPath_CountPaths(clip)):
            if (reach := _reach(clip, path)) is not None:
                shown = _within(shown, _moved(reach, matrix))
        whole = _moved(bounds, matrix)
        return any(
            shown[side + 2] - shown[side] < _SHOWN * (whole[side + 2] - whole[side])
            and whole[side + 2] - whole[side] > _LOW
            for side in (0, 1)
        )

    def _by_mode(self, shown: Shown, mode: int) -> None:
        if mode == raw.FPDF_TEXTRENDERMODE_INVISIBLE:
            self.certain.append(shown[0])
        elif mode == raw.FPDF_TEXTRENDERMODE_CLIP:
            self.doubtful.append(shown)
        else:
            self._words.append(shown)

    def _as_behind(self, item: Any, box: Rectangle) -> bool:
        return any(_inside(box, area) for area in self._areas.get(_fill(item), ()))

    def _cover(self, box: Rectangle) -> None:
        covered = [shown for shown in self._words if _inside(shown[1], box)]
        if covered:
            self.doubtful += covered
            self._words = [shown for shown in self._words if not _inside(shown[1], box)]


def _within(inner: Rectangle, outer: Rectangle) -> Rectangle:
    left, bottom, right, top = (
        function(pair) for function, pair in zip((max, max, min, min), zip(inner, outer, strict=True), strict=True)
    )
    return left, bottom, right, top


def _reach(clip: Any, path: int) -> Rectangle | None:
    """The rectangle around one of the paths that something is clipped to."""
    across, up = [], []
    for number in range(min(raw.FPDFClipPath_CountPathSegments(clip, path), _CLIP_POINTS)):
        segment = raw.FPDFClipPath_GetPathSegment(clip, path, number)
        if raw.FPDFPathSegment_GetPoint(segment, *_FLOAT_POINTERS[:2]):
            across.append(_FLOATS[0].value)
            up.append(_FLOATS[1].value)
    return (min(across), min(up), max(across), max(up)) if across else None


def _moved(box: Rectangle, matrix: Matrix) -> Rectangle:
    left, bottom, right, top = box
    a, b, c, d, e, f = matrix
    across = [a * x + c * y + e for x in (left, right) for y in (bottom, top)]
    up = [b * x + d * y + f for x in (left, right) for y in (bottom, top)]
    return min(across), min(up), max(across), max(up)


def _matrix(item: Any) -> Matrix:
    found = raw.FS_MATRIX()
    if not raw.FPDFPageObj_GetMatrix(item, found):
        return UNCHANGED
    return found.a, found.b, found.c, found.d, found.e, found.f


def _size(shown: Shown) -> float:
    """The height of letters on the page, in points."""
    item, _, matrix = shown
    raw.FPDFTextObj_GetFontSize(item, _FLOAT_POINTERS[0])
    size = _FLOATS[0].value
    _, _, c, d, _, _ = times(_matrix(item), matrix)
    return float(abs(size) * (c * c + d * d) ** 0.5)


def _fill(item: Any) -> tuple[int, int, int, int]:
    if not raw.FPDFPageObj_GetFillColor(item, *_BYTE_POINTERS):
        return 0, 0, 0, 255
    red, green, blue, alpha = (number.value for number in _BYTES)
    return red, green, blue, alpha


def _faint(item: Any) -> bool:
    *colour, alpha = _fill(item)
    return min(colour) >= _NEARLY_WHITE or alpha < _SEE_THROUGH


def _opaque(item: Any, kind: int) -> bool:
    """Whether it may cover words: a picture, or a filled rectangle, that nothing shines through."""
    if kind == raw.FPDF_PAGEOBJ_IMAGE:
        return not raw.FPDFPageObj_HasTransparency(item)
    if kind != raw.FPDF_PAGEOBJ_PATH or raw.FPDFPath_CountSegments(item) > _CORNERS:
        return False
    mode, stroke = ctypes.c_int(), ctypes.c_int()
    filled = raw.FPDFPath_GetDrawMode(item, ctypes.byref(mode), ctypes.byref(stroke)) and mode.value
    return bool(filled) and _fill(item)[3] > 255 - _SEE_THROUGH


def _inside(inner: Rectangle, outer: Rectangle) -> bool:
    middle = (inner[1] + inner[3]) / 2
    return inner[0] >= outer[0] - 1 and inner[2] <= outer[2] + 1 and outer[1] <= middle <= outer[3]


def _of_one_colour(page: pypdfium2.PdfPage, doubtful: list[Shown]) -> list[Any]:
    """The words that stand where the page has one colour."""
    left, bottom, right, top = page.get_bbox()
    scale = min(_SCALE, 2000 / max(right - left, top - bottom, 1))
    bitmap = page.render(scale=scale, rotation=(4 - page.get_rotation() // 90) % 4 * 90, may_draw_forms=False)
    image = bitmap.to_pil().convert("L")
    found = []
    for shown in doubtful:
        low_x, low_y, high_x, high_y = shown[1]
        place = (
            max(0, round((low_x - left) * scale)),
            max(0, round((top - high_y) * scale)),
            min(image.width, round((high_x - left) * scale) + 1),
            min(image.height, round((top - low_y) * scale) + 1),
        )
        if place[0] < place[2] and place[1] < place[3]:
            darkest, lightest = image.crop(place).getextrema()
            if lightest - darkest < _ONE_COLOUR:
                found.append(shown[0])
    bitmap.close()
    page.close()
    return found


def _letters(page: Any, items: list[Any]) -> int:
    """How many letters and digits are in them."""
    text_page = raw.FPDFText_LoadPage(page)
    total = 0
    for item in items:
        length = raw.FPDFTextObj_GetText(item, text_page, None, 0)
        buffer = ctypes.create_string_buffer(length)
        raw.FPDFTextObj_GetText(item, text_page, ctypes.cast(buffer, ctypes.POINTER(ctypes.c_ushort)), length)
        total += sum(map(str.isalnum, buffer.raw.decode("utf-16-le", "replace")))
    raw.FPDFText_ClosePage(text_page)
    return total
