"""Text that a viewer would set itself (ISO 32000-1, 12.7.3.3): what a form field or a remark says, as content to draw.

Every character keeps a font that draws it: Latin ones Helvetica, Times or Courier, Chinese, Japanese and Korean ones
the viewer's own fonts by their character collection, all others by the name of their glyph. Arabic and Hebrew are put
into the order and the forms in which they are drawn (``right_to_left``). The original's own font is
not used: it may be a part of one, without the letters of the value.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import groupby
from operator import itemgetter
from typing import Any, Final

import pikepdf
from pikepdf import Array, Dictionary, Name

from fieldreport.scrub.documents.pdf import right_to_left
from fieldreport.scrub.documents.pdf.values import Rectangle

_FONT: Final = re.compile(rb"/([^\s/\[\]()<>{}%]+)\s+(-?\d*\.?\d+)\s+Tf")
_COLOUR: Final = re.compile(rb"((?:-?\d*\.?\d+\s+){1,4})(g|rg|k)(?=\s|$)")
_COLOUR_OPERANDS: Final = {b"g": 1, b"rg": 3, b"k": 4}
_LARGEST, _SMALLEST = 12.0, 4.0  # points, where the size is left to the viewer
_LEADING: Final = 1.2  # a line's height for a size of one
_ASCENT: Final = 0.75
_BOTTOM: Final = 0.22
# Adobe Font Metrics of Helvetica, from the space to the tilde, in thousandths.
_WIDTHS: Final = (
    278, 278, 355, 556, 556, 889, 667, 191, 333, 333, 389, 584, 278, 333, 278, 278, 556, 556, 556, 556, 556, 556, 556,
    556, 556, 556, 278, 278, 584, 584, 584, 556, 1015, 667, 667, 722, 722, 667, 611, 778, 722, 278, 500, 667, 556, 833,
    722, 778, 667, 778, 722, 667, 611, 722, 667, 944, 667, 667, 611, 278, 278, 278, 469, 556, 333, 556, 556, 500, 556,
    556, 278, 556, 556, 222, 222, 500, 222, 833, 556, 556, 556, 556, 333, 500, 278, 556, 500, 722, 500, 500, 500, 334,
    260, 334, 584,
)  # fmt: skip
_OTHER: Final = 0.6  # the width of a letter that is in no table here
_HANGUL: Final = re.compile("[\u1100-\u11ff\u3130-\u318f\uac00-\ud7af]")
_KANA: Final = re.compile("[\u3040-\u30ff]")
_WIDE: Final = re.compile(
    r"[\u1100-\u11ff\u2e80-\ua4cf\ua960-\ua97f\uac00-\ud7ff\uf900-\ufaff\ufe30-\ufe4f\uff00-\uffef]|[\U00020000-\U0003ffff]"
)
# Script → font, the character map that takes UTF-16, and the collection's order (ISO 32000-1, table 118).
_COLLECTIONS: Final = {
    "Korea1": ("HYSMyeongJo-Medium", "UniKS-UTF16-H"),
    "Japan1": ("HeiseiMin-W3", "UniJIS-UTF16-H"),
    "GB1": ("STSong-Light", "UniGB-UTF16-H"),
}
_CODES: Final = 254  # glyphs by name that one simple font takes, from code 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Style:
    """A default appearance string: size in points, 0 where the viewer decides, and what sets the colour."""

    font: str
    size: float
    colour: bytes

    @classmethod
    def of(cls, untrusted: bytes) -> Style:
        """What a default appearance says; Helvetica in black where it says nothing."""
        found = _FONT.search(untrusted)
        name, size = (found[1].decode("latin-1"), abs(float(found[2]))) if found else ("", 0.0)
        colour = b"0 g"
        for numbers, operator in _COLOUR.findall(untrusted):
            if len(numbers.split()) == _COLOUR_OPERANDS[operator]:
                colour = b" ".join(numbers.split()) + b" " + operator
        font = "Courier" if name.startswith("Co") else "Times-Roman" if name.startswith("Ti") else "Helvetica"
        return cls(font=font, size=min(size, 1000.0), colour=colour)


def width(text: str) -> float:
    """How wide a text is, for a size of one; about, where the font is the viewer's."""
    total = 0.0
    for letter in text:
        if " " <= letter <= "~":
            total += _WIDTHS[ord(letter) - 32] / 1000
        else:
            total += 1.0 if _WIDE.match(letter) else _OTHER
    return total


def wrapped(text: str, size: float, room: float) -> list[str]:
    """Lines that fit into ``room`` points: broken between words, and within words that are too long."""
    lines: list[str] = []
    for paragraph in re.split("\r\n|\r|\n|\u2028|\u2029", text):
        line = ""
        for word in re.findall(r"\S+\s*|\s+", paragraph):
            if line and width((line + word).rstrip()) * size > room:
                lines.append(line)
                line = ""
            for letter in word if width(word) * size > room else [word]:
                if line and width(line + letter) * size > room and len(letter) == 1:
                    lines.append(line)
                    line = ""
                line += letter
        lines.append(line)
    return lines


def fitting(text: str, style: Style, room: float, height: float, *, multiline: bool) -> tuple[float, list[str]]:
    """The size that a text gets in a box of ``room`` by ``height`` points, and its lines."""
    if not multiline:
        line = " ".join(re.split("[\r\n\u2028\u2029]+", text))
        size = min(_LARGEST, height * 0.75, room / max(width(line), 0.01))
        return style.size or max(size, _SMALLEST), [line]
    size = style.size or _LARGEST
    lines = wrapped(text, size, room)
    while not style.size and size > _SMALLEST and len(lines) * size * _LEADING > height:
        size -= 1
        lines = wrapped(text, size, room)
    return size, lines


class Text:
    """Collects content and the fonts it names."""

    def __init__(self, document: pikepdf.Pdf, style: Style) -> None:
        self._document = document
        self._style = style
        self._names: dict[str, int] = {}  # glyphs that are drawn by name, and their numbers over all fonts
        self._fonts: dict[str, Any] = {}
        self._pieces: list[bytes] = []

    def line(self, text: str, x: float, y: float, size: float) -> None:
        """Add a line of text that begins at a place, in points."""
        text = right_to_left.drawn(text)
        order = "Korea1" if _HANGUL.search(text) else "Japan1" if _KANA.search(text) else "GB1"
        shown = b""
        for font, run in groupby((self._code(letter, order) for letter in text), key=itemgetter(0)):
            codes = b"".join(code for _, code in run)
            shown += b"/%s %.2f Tf <%s> Tj " % (font.encode(), size, codes.hex().encode())
        if shown:
            self._pieces.append(b"BT %s 1 0 0 1 %.2f %.2f Tm %s ET" % (self._style.colour, x, y, shown))

    def block(self, lines: list[str], size: float, box: Rectangle, *, quadding: int, centred: bool) -> None:
        """Add lines to a box: 0 to the left, 1 in the middle, 2 to the right; from its top, or half way up."""
        left, bottom, right, top = box
        y = (bottom + top) / 2 - size * (_ASCENT - _BOTTOM) / 2 if centred else top - size * _ASCENT
        for text in lines:
            slack = right - left - width(text) * size
            self.line(text, left + max(0.0, slack * (0, 0.5, 1)[quadding]), y, size)
            y -= size * _LEADING

    def sign(self, letter: str, x: float, y: float, size: float) -> None:
        """Add one sign of ZapfDingbats, by its code."""
        self._fonts["Signs"] = Dictionary(Type=Name.Font, Subtype=Name.Type1, BaseFont=Name.ZapfDingbats)
        code = letter.encode("latin-1", "replace").hex().encode()
        self._pieces.append(
            b"BT %s 1 0 0 1 %.2f %.2f Tm /Signs %.2f Tf <%s> Tj ET" % (self._style.colour, x, y, size, code)
        )

    def content(self) -> bytes:
        """What was added, as a content stream."""
        return b"\n".join(self._pieces)

    def fonts(self) -> Dictionary:
        """The fonts that the content names."""
        glyphs = [Name(glyph) for glyph in self._names]
        for start in range(0, len(glyphs), _CODES):
            part = glyphs[start : start + _CODES]
            self._fonts[f"Named{start // _CODES}"] = Dictionary(
                Type=Name.Font,
                Subtype=Name.TrueType,
                BaseFont=Name.Arial,
                Encoding=Dictionary(Type=Name.Encoding, Differences=Array([1, *part])),
                FirstChar=1,
                LastChar=len(part),
                Widths=Array([round(_OTHER * 1000)] * len(part)),
            )
        return Dictionary(**self._fonts)

    def _code(self, letter: str, order: str) -> tuple[str, bytes]:
        """A character's font, which is made when there is none yet, and its code there."""
        try:
            latin = letter.encode("cp1252")
        except UnicodeEncodeError:
            latin = b""
        if latin:
            if "Latin" not in self._fonts:
                self._fonts["Latin"] = Dictionary(
                    Type=Name.Font,
                    Subtype=Name.Type1,
                    BaseFont=Name(f"/{self._style.font}"),
                    Encoding=Name.WinAnsiEncoding,
                )
            return "Latin", latin
        if _WIDE.match(letter):
            if order not in self._fonts:
                self._fonts[order] = _composite(self._document, order)
            return order, letter.encode("utf-16-be", "replace")
        glyph = f"/uni{ord(letter):04X}" if ord(letter) <= 0xFFFF else f"/u{ord(letter):X}"
        code = self._names.setdefault(glyph, len(self._names))
        return f"Named{code // _CODES}", bytes([code % _CODES + 1])


def _composite(document: pikepdf.Pdf, order: str) -> Any:
    font, character_map = _COLLECTIONS[order]
    descendant = Dictionary(
        Type=Name.Font,
        Subtype=Name.CIDFontType0,
        BaseFont=Name(f"/{font}"),
        CIDSystemInfo=Dictionary(Registry=b"Adobe", Ordering=order.encode(), Supplement=0),
        FontDescriptor=Dictionary(
            Type=Name.FontDescriptor, FontName=Name(f"/{font}"), Flags=6, FontBBox=Array([0, -200, 1000, 900]),
            ItalicAngle=0, Ascent=752, Descent=-271, CapHeight=737, StemV=58,
        ),
    )  # fmt: skip
    return Dictionary(
        Type=Name.Font,
        Subtype=Name.Type0,
        BaseFont=Name(f"/{font}-{character_map}"),
        Encoding=Name(f"/{character_map}"),
        DescendantFonts=Array([document.make_indirect(descendant)]),
    )
