"""A recovery share's sheet drawn as a PDF: one page, nothing in it but what the sheet says.

The library draws, and we lay out: lines are broken by their characters, because all is left-aligned and the fonts are
known.
"""

from __future__ import annotations

import io
import textwrap
from decimal import Decimal
from typing import Final

from pikepdf import Dictionary, Matrix, Name, Pdf
from pikepdf.canvas import BLACK, Canvas, Font, Text
from typing_extensions import override

from fieldreport.cli.recovery_sheet import ROWS, Sheet
from fieldreport.unseal.recovery import WORDS

# Points, from the lower left corner of an A4 page; everything stays inside what US Letter shows, too.
_PAGE: Final = (595, 842)
_LEFT, _TOP, _WIDTH = 64, 762, 467
_COLUMN_POINTS: Final = 155
_LINE_CHARACTERS: Final = 84  # of 11-point Helvetica, by measure, with room to spare
_PLAIN, _BOLD, _TYPED = Name.Plain, Name.Bold, Name.Typed


def as_pdf(sheet: Sheet) -> bytes:
    """The sheet as one page, in the fonts that every reader of PDF has; without dates or names in its properties."""
    canvas = Canvas(page_size=_PAGE)
    for font, base in ((_PLAIN, Name.Helvetica), (_BOLD, Name("/Helvetica-Bold")), (_TYPED, Name.Courier)):
        canvas.add_font(font, _Standard(base))
    y = _TOP
    _show(canvas, _BOLD, 22, _LEFT, y, sheet.title)
    y -= 34
    for name, value in sheet.facts():
        _show(canvas, _BOLD, 11, _LEFT, y, name)
        for line in textwrap.wrap(_printable(value), _LINE_CHARACTERS - 14):
            _show(canvas, _PLAIN, 11, _LEFT + 72, y, line)
            y -= 15
        y -= 3
    y -= 20
    canvas.do.stroke_color(BLACK).line_width(0.75)
    canvas.do.rect(_LEFT - 8, y - 23 * ROWS + 8, _WIDTH + 16, 23 * ROWS + 14, fill=False)
    words = sheet.share.split()
    for row in range(ROWS):
        for column, at in enumerate(range(row, WORDS, ROWS)):
            _show(canvas, _TYPED, 13, _LEFT + 4 + column * _COLUMN_POINTS, y, f"{at + 1:>2}) {words[at]}")
        y -= 23
    y -= 18
    for paragraph in sheet.advice():
        for line in textwrap.wrap(paragraph, _LINE_CHARACTERS):
            _show(canvas, _PLAIN, 11, _LEFT, y, line)
            y -= 15
        y -= 9
    written = io.BytesIO()
    with canvas.to_pdf() as page:
        _title(page, sheet.title)
        page.save(written, deterministic_id=True)
    return written.getvalue()


class _Standard(Font):
    """One of the fourteen fonts of every PDF reader, in the Windows code page."""

    def __init__(self, base: Name) -> None:
        self._base = base

    @override
    def text_width(
        self,
        text: str | bytes,
        fontsize: float | Decimal = 1,
        *,
        char_spacing: float | Decimal = 0,
        word_spacing: float | Decimal = 0,
    ) -> float | Decimal:
        raise NotImplementedError  # lines are broken by their characters

    @override
    def register(self, pdf: Pdf) -> Dictionary:
        return pdf.make_indirect(
            Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=self._base, Encoding=Name.WinAnsiEncoding)
        )


def _show(canvas: Canvas, font: Name, points: int, x: int, y: int, line: str) -> None:
    text = Text().font(font, points).text_transform(Matrix().translated(x, y)).show(line.encode("cp1252"))
    canvas.do.draw_text(text)


def _printable(value: str) -> str:
    """The value, or a line to write it on by hand: these fonts have no letters beyond Western Europe's."""
    try:
        value.encode("cp1252")
    except UnicodeEncodeError:
        return "_" * 40
    return value


def _title(pdf: Pdf, title: str) -> None:
    pdf.docinfo.Title = title
    pdf.Root.Lang = "en"
