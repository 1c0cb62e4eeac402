"""Fonts: what a viewer needs to draw and to extract text, and no word about who made the font or when.

Subset tags (the six letters before the plus sign) are drawn by the program that wrote the file; they are replaced by
AAAAAA, AAAAAB, … in the order of use, in the dictionaries and inside the font programs alike. So are names that only
few fonts have (``font_names``).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

from pikepdf import Array, Dictionary, Name, Object, Stream

from fieldreport.scrub.documents.pdf import values
from fieldreport.scrub.documents.pdf.font_names import neutral
from fieldreport.scrub.documents.pdf.font_programs import clean_program
from fieldreport.scrub.documents.pdf.postscript import clean_character_map
from fieldreport.scrub.verdicts import Damaged, Refused, Removed

_SUBSET: Final = re.compile(r"[A-Z]{6}\+")
_NAME: Final = re.compile(r"/(?:[A-Za-z0-9_,.+\-@*]|#[0-9a-f]{2}){1,127}")
_ESCAPED: Final = re.compile(r"#([0-9a-fA-F]{2})")
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9_,.+\-@*]")
_GLYPH_KEY: Final = re.compile(r"/[A-Za-z0-9_.\-+*:$@!~]{1,63}")
_GLYPH: Final = values.matching(_GLYPH_KEY.pattern)
_ENCODING_NAME: Final = values.matching(
    r"/(?:(?:Standard|WinAnsi|MacRoman|MacExpert|PDFDoc)Encoding|[HV]|[A-Za-z0-9]{2,14}(-[A-Za-z0-9]{1,8}){0,3}-[HV])"
)
_IDENTITY: Final = values.one_of("/Identity-H", "/Identity-V")
_COLLECTIONS: Final = ("Identity", "Japan1", "Korea1", "KR", "GB1", "CNS1", "Manga1", "UCS", "Japan2")

_SIMPLE: Final[dict[str, values.Copy]] = {
    "/FirstChar": values.integer,
    "/LastChar": values.integer,
    "/Widths": values.numbers,
}
_CID: Final[dict[str, values.Copy]] = {
    "/DW": values.number,
    "/W": values.nested_numbers,
    "/DW2": values.numbers,
    "/W2": values.nested_numbers,
}
_DESCRIPTOR: Final[dict[str, values.Copy]] = {
    "/Flags": values.integer,
    "/FontBBox": values.numbers,
    "/FontStretch": values.matching(r"/[A-Z][a-zA-Z]{1,20}"),
    **dict.fromkeys(
        (
            "/ItalicAngle", "/Ascent", "/Descent", "/Leading", "/CapHeight", "/XHeight", "/StemV", "/StemH",
            "/AvgWidth", "/MaxWidth", "/MissingWidth", "/FontWeight",
        ),
        values.number,
    ),
}  # fmt: skip
_PROGRAMS: Final[dict[str, dict[str, values.Copy]]] = {
    "/FontFile": {"/Length1": values.integer, "/Length2": values.integer, "/Length3": values.integer},
    "/FontFile2": {},
    "/FontFile3": {"/Subtype": values.one_of("/Type1C", "/CIDFontType0C", "/OpenType")},
}
_TYPE3: Final[dict[str, values.Copy]] = {"/FontBBox": values.numbers, "/FontMatrix": values.numbers}

Plain = Callable[[Stream], bytes]
NewStream = Callable[[bytes], Stream]
GlyphContent = Callable[[Any, Any], Any]
"""Rewrites a Type 3 glyph: the glyph's stream and the font's resources in, a new stream out."""


class Fonts:
    """Copies fonts into the new document."""

    def __init__(self, *, plain: Plain, new_stream: NewStream, glyph: GlyphContent, removed: set[Removed]) -> None:
        self._plain = plain
        self._new_stream = new_stream
        self._glyph = glyph
        self._removed = removed
        self._tags: dict[str, str] = {}

    def fill(self, source: Any, font: Dictionary, resources: Any) -> None:
        """Fill ``font``, already part of the new document, from ``source``.

        ``resources``: of what uses it, where its glyphs have none of their own.
        """
        font.Type = Name.Font
        subtype = values.spelled(source.get("/Subtype"))
        match subtype:
            case "/Type0":
                self._composite(source, font)
            case "/Type3":
                self._drawn(source, font, resources)
            case "/Type1" | "/MMType1" | "/TrueType":
                self._simple(source, font, subtype)
            case _:
                raise Damaged
        if isinstance(to_unicode := source.get("/ToUnicode"), Stream):
            with suppress(Damaged):  # glyphs can be drawn without a way back to text
                font.ToUnicode = self._new_stream(
                    clean_character_map(self._plain(to_unicode), wide=(b"Adobe", b"UCS", 0))
                )
        elif (name := _IDENTITY(to_unicode)) is not None:
            font.ToUnicode = name

    def _simple(self, source: Any, font: Dictionary, subtype: str) -> None:
        font.Subtype = Name(subtype)
        self._base_font(source, font, "/BaseFont")
        values.keys(source, _SIMPLE, font)
        self._encoding(source, font)
        self._descriptor(source, font)

    def _drawn(self, source: Any, font: Dictionary, resources: Any) -> None:
        font.Subtype = Name.Type3
        values.keys(source, _SIMPLE, font)
        values.keys(source, _TYPE3, font)
        self._encoding(source, font)
        procedures = Dictionary()
        glyphs = source.get("/CharProcs")
        if not isinstance(glyphs, Dictionary):
            raise Damaged
        for name, stream in sorted(glyphs.items()):
            if _GLYPH_KEY.fullmatch(name) and isinstance(stream, Stream):
                procedures[name] = self._glyph(stream, source.get("/Resources", resources))
        font.CharProcs = procedures

    def _composite(self, source: Any, font: Dictionary) -> None:
        font.Subtype = Name.Type0
        self._base_font(source, font, "/BaseFont")
        encoding = source.get("/Encoding")
        if isinstance(encoding, Stream):
            font.Encoding = self._new_stream(clean_character_map(self._plain(encoding)))
            font.Encoding.Type = Name.CMap
            font.Encoding.CMapName = Name.Map
            font.Encoding.CIDSystemInfo = _collection(encoding.get("/CIDSystemInfo"))
            if encoding.get("/WMode") == 1:
                font.Encoding.WMode = 1
        elif (name := _ENCODING_NAME(encoding)) is not None:
            font.Encoding = name
        descendants = source.get("/DescendantFonts")
        if not isinstance(descendants, Array) or len(descendants) != 1 or not isinstance(descendants[0], Dictionary):
            raise Damaged
        font.DescendantFonts = Array([self._descendant(descendants[0])])

    def _descendant(self, source: Any) -> Dictionary:
        font = Dictionary(Type=Name.Font)
        subtype = values.spelled(source.get("/Subtype"))
        if subtype not in {"/CIDFontType0", "/CIDFontType2"}:
            raise Damaged
        font.Subtype = Name(subtype)
        self._base_font(source, font, "/BaseFont")
        font.CIDSystemInfo = _collection(source.get("/CIDSystemInfo"))
        values.keys(source, _CID, font)
        mapping = source.get("/CIDToGIDMap")
        if isinstance(mapping, Stream):
            font.CIDToGIDMap = self._new_stream(self._plain(mapping)[: 2 * 65536])
        elif isinstance(mapping, Name):
            font.CIDToGIDMap = Name.Identity
        self._descriptor(source, font)
        return font

    def _encoding(self, source: Any, font: Dictionary) -> None:
        encoding = source.get("/Encoding")
        if isinstance(encoding, Name):
            if (name := _ENCODING_NAME(encoding)) is not None:
                font.Encoding = name
            return
        if not isinstance(encoding, Dictionary):
            return
        kept = values.dictionary(encoding, {"/BaseEncoding": _ENCODING_NAME})
        kept.Type = Name.Encoding
        if isinstance(differences := encoding.get("/Differences"), Array):
            items = [item if values.is_number(item) else _GLYPH(item) or Name("/.notdef") for item in differences]
            kept.Differences = Array(items)
        font.Encoding = kept

    def _descriptor(self, source: Any, font: Dictionary) -> None:
        descriptor = source.get("/FontDescriptor")
        if not isinstance(descriptor, Dictionary):
            return
        kept = values.dictionary(descriptor, _DESCRIPTOR)
        kept.Type = Name.FontDescriptor
        self._base_font(descriptor, kept, "/FontName")
        for key, table in _PROGRAMS.items():
            if isinstance(stream := descriptor.get(key), Stream) and (program := self._program(stream)) is not None:
                new = self._new_stream(program)
                values.keys(stream, table, new)
                if key == "/FontFile2":
                    new.Length1 = len(program)
                elif key == "/FontFile" and "/Length1" not in new:
                    new.Length1 = program.find(b"eexec") + 6  # with one byte of white space after it
                kept[key] = new
        font.FontDescriptor = kept

    def _program(self, stream: Stream) -> bytes | None:
        data = self._plain(stream)
        try:
            return clean_program(data, self._retag_bytes)
        except (Refused, IndexError, ValueError, struct.error) as error:
            if isinstance(error, Refused) and not isinstance(error, Damaged):
                raise
            self._removed.add(Removed.INCOMPLETE)
            return None

    def _base_font(self, source: Any, target: Dictionary, key: str) -> None:
        name = source.get(key)
        if _NAME.fullmatch(spelled := values.spelled(name)):
            new = self._retag(_ESCAPED.sub(lambda found: chr(int(found[1], 16)), spelled[1:]))
            written = _NOT_PLAIN.sub(lambda found: f"#{ord(found[0]):02x}", new)
            target[key] = Object.parse(b"/" + written.encode("ascii"))

    def _retag(self, name: str) -> str:
        """With a neutral tag and, where it tells whose font it is, a neutral name. As long as before."""
        tag = ""
        if _SUBSET.match(name):
            tag, name = self._tags.setdefault(name[:6], _letters(len(self._tags))) + "+", name[7:]
        new = neutral(name)
        if new != name:
            self._removed.add(Removed.OTHER_METADATA)
        return tag + new

    def _retag_bytes(self, name: bytes) -> bytes:
        return self._retag(name.decode("latin-1")).encode("latin-1")


def _letters(number: int) -> str:
    letters = ""
    for _ in range(6):
        number, letter = divmod(number, 26)
        letters = chr(ord("A") + letter) + letters
    return letters


def _collection(source: Any) -> Dictionary:
    """A character collection that viewers know; any other is Adobe-Identity, which maps nothing by itself."""
    ordering = values.text(source.get("/Ordering")) if isinstance(source, Dictionary) else ""
    supplement = values.integer(source.get("/Supplement")) if isinstance(source, Dictionary) else 0
    known = ordering if ordering in _COLLECTIONS else "Identity"
    return Dictionary(Registry=b"Adobe", Ordering=known.encode(), Supplement=supplement or 0)
