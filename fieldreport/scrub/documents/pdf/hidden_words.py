"""What a cleaned document holds that nobody sees on its pages: words, for readers who copy, and parts of pictures.

Words are looked for that are invisible by their mode (as those that text recognition lays under a scan), outside the
page, tiny, in the colour of what is behind them, or covered later. What only may be hidden counts when the page, drawn
by PDFium, has one colour where the words stand.
"""

from __future__ import annotations

import ctypes
import math
from typing import Any, Final

import pypdfium2
from pypdfium2 import raw

from fieldreport.scrub.documents.matrices import UNCHANGED, Matrix, times
from fieldreport.scrub.documents.pdf.values import Rectangle
from fieldreport.scrub.verdicts import Noted

_TINY: Final = 1.5  # points; print that has to be read has five and more
_SPECK: Final = 0.05  # points: nobody sets a blank so small
_NO_TEXT: Final = 2  # bytes of a string that ends at once
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

Shown = tuple[int, Rectangle]
"""Something that is drawn: the address of the object, and where it is on the page."""

_BAND: Final = 16.0  # points: the height of the strips of a page by which words and areas are found again
_FARTHEST: Final = 20_000.0  # points from the origin, where the last strip is


_NUMBERS: Final = (ctypes.c_int, ctypes.c_uint, ctypes.c_ulong)


def _by_address(function: Any) -> Any:
    """A function of PDFium's for addresses as plain numbers: in half the time of one for pointers that know their kind.

    One look at a page asks for six things about each of its thousands of objects.
    """
    kinds = [kind if kind in _NUMBERS else ctypes.c_void_p for kind in (function.restype, *function.argtypes)]
    return ctypes.PYFUNCTYPE(*kinds)(ctypes.cast(function, ctypes.c_void_p).value or 0)


_page_count: Final = _by_address(raw.FPDFPage_CountObjects)
_page_object: Final = _by_address(raw.FPDFPage_GetObject)
_form_count: Final = _by_address(raw.FPDFFormObj_CountObjects)
_form_object: Final = _by_address(raw.FPDFFormObj_GetObject)
_kind_of: Final = _by_address(raw.FPDFPageObj_GetType)
_bounds_of: Final = _by_address(raw.FPDFPageObj_GetBounds)
_mode_of: Final = _by_address(raw.FPDFTextObj_GetTextRenderMode)
_fill_of: Final = _by_address(raw.FPDFPageObj_GetFillColor)
_matrix_of: Final = _by_address(raw.FPDFPageObj_GetMatrix)
_size_of: Final = _by_address(raw.FPDFTextObj_GetFontSize)
_text_of: Final = _by_address(raw.FPDFTextObj_GetText)
_shines: Final = _by_address(raw.FPDFPageObj_HasTransparency)
_segments: Final = _by_address(raw.FPDFPath_CountSegments)
_draw_mode: Final = _by_address(raw.FPDFPath_GetDrawMode)
_clip_of: Final = _by_address(raw.FPDFPageObj_GetClipPath)

_FLOATS: Final = (ctypes.c_float * 4)()
_BYTES: Final = (ctypes.c_uint * 4)()
_FLOAT_PLACES: Final = tuple(ctypes.addressof(_FLOATS) + 4 * index for index in range(4))
_BYTE_PLACES: Final = tuple(ctypes.addressof(_BYTES) + 4 * index for index in range(4))


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
        found.walk(ctypes.cast(page, ctypes.c_void_p).value, _page_count, _page_object, UNCHANGED, 0)
        if found.cropped:
            hidden.add(Noted.CROPPED)
        if Noted.HIDDEN_WORDS not in hidden:
            covered = _of_one_colour(page, found.box, found.doubtful) if found.doubtful else []
            letters = _letters(page, found.certain + covered) if found.certain or covered else 0
            hidden |= {Noted.HIDDEN_WORDS} if letters >= _LETTERS else set()
    finally:
        raw.FPDF_ClosePage(page)


class _Page:
    """What is drawn on a page, in the order in which it is."""

    def __init__(self, box: Rectangle, by_colour: bool) -> None:  # noqa: FBT001 - of one function here
        self.certain: list[int] = []
        self.doubtful: list[Shown] = []
        self.cropped = False  # a picture is
        self._by_colour = by_colour
        self.box = box
        self._written: list[Shown] = []  # words since something was opaque
        self._words: dict[int, list[Shown]] = {}  # before it, by the strip that their middle is in
        self._narrowest = math.inf
        # Filled so far: by colour and strip, those that reach into it.
        self._areas: dict[tuple[int, int, int, int, int], list[Rectangle]] = {}

    def walk(self, owner: Any, count: Any, get: Any, matrix: Matrix, level: int) -> None:
        left, bottom, right, top = self.box
        for index in range(count(owner)):
            item = get(owner, index)
            kind = _kind_of(item)
            if kind == raw.FPDF_PAGEOBJ_FORM and level < _LEVELS:
                self.walk(item, _form_count, _form_object, times(_matrix(item), matrix), level + 1)
            elif kind == raw.FPDF_PAGEOBJ_TEXT and _bounds_of(item, *_FLOAT_PLACES):
                low_x, low_y, high_x, high_y = box = _reach_of_last(matrix)
                outside = high_x < left or low_x > right or high_y < bottom or low_y > top
                if outside or (high_y - low_y < _LOW and _size(item, matrix) < _TINY):
                    self.certain.append(item)
                elif self._by_colour and (mode := _mode_of(item)):
                    self._by_mode((item, box), mode)
                elif (self._by_colour and _faint(item)) or (self._areas and self._as_behind(item, box)):
                    self.doubtful.append((item, box))
                else:
                    self._written.append((item, box))
                continue
            if kind == raw.FPDF_PAGEOBJ_IMAGE and not self.cropped and _bounds_of(item, *_FLOAT_PLACES):
                self.cropped = self._is_cropped(item, matrix)
            if _opaque(item, kind) and _bounds_of(item, *_FLOAT_PLACES):
                box = _reach_of_last(matrix)
                self._cover(box)
                if kind == raw.FPDF_PAGEOBJ_PATH and min(box[2] - box[0], box[3] - box[1]) > _LOW:
                    colour = _fill(item)
                    for strip in range(_strip(box[1]), _strip(box[3]) + 1):
                        self._areas.setdefault((*colour, strip), []).append(box)

    def _is_cropped(self, item: Any, matrix: Matrix) -> bool:
        """Whether a side of a picture lies outside of the page, or of what it is clipped to."""
        whole = _reach_of_last(matrix)
        shown = _within(whole, self.box)
        clip = ctypes.cast(_clip_of(item), raw.FPDF_CLIPPATH)
        for path in range(raw.FPDFClipPath_CountPaths(clip)):
            if (reach := _reach(clip, path)) is not None:
                shown = _within(shown, _moved(reach, matrix))
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
            self._written.append(shown)

    def _as_behind(self, item: Any, box: Rectangle) -> bool:
        areas = self._areas.get((*_fill(item), _strip((box[1] + box[3]) / 2)), ())
        return any(_inside(box, area) for area in areas)

    def _cover(self, box: Rectangle) -> None:
        for shown in self._written:
            left, bottom, right, top = shown[1]
            self._narrowest = min(self._narrowest, right - left)
            self._words.setdefault(_strip((bottom + top) / 2), []).append(shown)
        self._written.clear()
        if box[2] - box[0] + 2 < self._narrowest:  # as ``_inside`` counts; most lines are
            return
        for strip in range(_strip(box[1]), _strip(box[3]) + 1):
            words = self._words.get(strip, ())
            covered = [shown for shown in words if _inside(shown[1], box)]
            if covered:
                self.doubtful += covered
                self._words[strip] = [shown for shown in words if not _inside(shown[1], box)]


def _strip(height: float) -> int:
    """The number of the strip of a page that a height is in."""
    return int(max(-_FARTHEST, min(_FARTHEST, height)) // _BAND)


def _reach_of_last(matrix: Matrix) -> Rectangle:
    """Where on the page that is whose bounds were asked for last."""
    left, bottom, right, top = _FLOATS
    return (left, bottom, right, top) if matrix is UNCHANGED else _moved((left, bottom, right, top), matrix)


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
        across_one, up_one = ctypes.c_float(), ctypes.c_float()
        if raw.FPDFPathSegment_GetPoint(segment, across_one, up_one):
            across.append(across_one.value)
            up.append(up_one.value)
    return (min(across), min(up), max(across), max(up)) if across else None


def _moved(box: Rectangle, matrix: Matrix) -> Rectangle:
    left, bottom, right, top = box
    a, b, c, d, e, f = matrix
    across = [a * x + c * y + e for x in (left, right) for y in (bottom, top)]
    up = [b * x + d * y + f for x in (left, right) for y in (bottom, top)]
    return min(across), min(up), max(across), max(up)


def _matrix(item: Any) -> Matrix:
    found = raw.FS_MATRIX()
    if not _matrix_of(item, ctypes.byref(found)):
        return UNCHANGED
    return found.a, found.b, found.c, found.d, found.e, found.f


def _size(item: Any, matrix: Matrix) -> float:
    """The height of letters on the page, in points."""
    _size_of(item, _FLOAT_PLACES[0])
    size = _FLOATS[0]
    _, _, c, d, _, _ = times(_matrix(item), matrix)
    return float(abs(size) * (c * c + d * d) ** 0.5)


def _fill(item: Any) -> tuple[int, int, int, int]:
    if not _fill_of(item, *_BYTE_PLACES):
        return 0, 0, 0, 255
    red, green, blue, alpha = _BYTES
    return red, green, blue, alpha


def _faint(item: Any) -> bool:
    red, green, blue, alpha = _fill(item)
    return min(red, green, blue) >= _NEARLY_WHITE or alpha < _SEE_THROUGH


def _opaque(item: Any, kind: int) -> bool:
    """Whether it may cover words: a picture, or a filled rectangle, that nothing shines through."""
    if kind == raw.FPDF_PAGEOBJ_IMAGE:
        return not _shines(item)
    if kind != raw.FPDF_PAGEOBJ_PATH or _segments(item) > _CORNERS:
        return False
    filled = _draw_mode(item, *_BYTE_PLACES[:2]) and _BYTES[0]
    return bool(filled) and _fill(item)[3] > 255 - _SEE_THROUGH


def _inside(inner: Rectangle, outer: Rectangle) -> bool:
    middle = (inner[1] + inner[3]) / 2
    return inner[0] >= outer[0] - 1 and inner[2] <= outer[2] + 1 and outer[1] <= middle <= outer[3]


def _of_one_colour(page: Any, box: Rectangle, doubtful: list[Shown]) -> list[int]:
    """The words that stand where the page has one colour. Only the part of it that they stand on is drawn."""
    left, bottom, right, top = box
    scale = min(_SCALE, 2000 / max(right - left, top - bottom, 1))
    width, height = math.ceil((right - left) * scale), math.ceil((top - bottom) * scale)
    places = []
    for item, (low_x, low_y, high_x, high_y) in doubtful:
        place = (
            max(0, round((low_x - left) * scale)),
            max(0, round((top - high_y) * scale)),
            min(width, round((high_x - left) * scale) + 1),
            min(height, round((top - low_y) * scale) + 1),
        )
        if place[0] < place[2] and place[1] < place[3]:
            places.append((item, place))
    if not places:
        return []
    start_x, start_y, end_x, end_y = (
        function(place[side] for _, place in places) for side, function in enumerate((min, min, max, max))
    )
    bitmap = pypdfium2.PdfBitmap.new_native(end_x - start_x, end_y - start_y, raw.FPDFBitmap_BGR)
    bitmap.fill_rect((255, 255, 255, 255), 0, 0, bitmap.width, bitmap.height)
    upright = (4 - raw.FPDFPage_GetRotation(page)) % 4
    raw.FPDF_RenderPageBitmap(bitmap.raw, page, -start_x, -start_y, width, height, upright, 0)
    image = bitmap.to_pil().convert("L")
    found = []
    for item, place in places:
        darkest, lightest = image.crop(
            (place[0] - start_x, place[1] - start_y, place[2] - start_x, place[3] - start_y)
        ).getextrema()
        if lightest - darkest < _ONE_COLOUR:
            found.append(item)
    bitmap.close()
    return found


def _letters(page: Any, items: list[Any]) -> int:
    """How many letters and digits are in them."""
    text_page = raw.FPDFText_LoadPage(page)
    total = 0
    for item in items:
        length = _text_of(item, text_page, None, 0)
        if length <= _NO_TEXT and _size(item, UNCHANGED) < _SPECK:
            total += _LETTERS  # so small that PDFium reads no letters: programs that copy text do
        buffer = ctypes.create_string_buffer(length)
        _text_of(item, text_page, buffer, length)
        total += sum(map(str.isalnum, buffer.raw.decode("utf-16-le", "replace")))
    raw.FPDFText_ClosePage(text_page)
    return total
