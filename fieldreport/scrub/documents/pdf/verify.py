"""The second reading of a cleaned PDF: a small strict parser of our own, which knows only what a cleaned one may hold.

It shares no code with the writer. Every byte of the file has to be accounted for: header, objects one after another,
one cross-reference table, one trailer, the end. Every key of every dictionary has to be known, strings may stand only
where the format needs them, and streams are searched for what their kind could hide.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain
from typing import Final

from fieldreport import limits
from fieldreport.scrub.documents import tables
from fieldreport.scrub.format import Source
from fieldreport.scrub.images.icc_profiles import is_ours
from fieldreport.scrub.verdicts import Residue

_HEADER: Final = re.compile(rb"%PDF-1\.7\n%[\x80-\xff]{4}\n")
_OBJECT: Final = re.compile(rb"(?:%% Original object ID: \d+ \d+\n)?(\d+) 0 obj\n")
_END: Final = re.compile(rb"endobj\n+")
_TABLE: Final = re.compile(
    rb"xref\n0 \d+\n(?:\d{10} \d{5} [fn][ \r]\n)+trailer (<<.*?>>)\nstartxref\n\d+\n%%EOF\n", re.DOTALL
)
_TRAILER: Final = re.compile(
    rb"<< /Root \d+ 0 R /Size \d+ /ID \[<31415926535897932384626433832795><31415926535897932384626433832795>\] >>"
)
_TOKEN: Final = re.compile(
    rb"""\s*(?:
    (?P<name>/[^\s()<>\[\]{}/%]*)
    | (?P<numbers>\[(?:\s+-?[\d.]+)+\s+\])
    | (?P<mark><<|>>|\[|\])
    | (?P<hex><[0-9a-fA-F]*>)
    | (?P<text>\((?:[^()\\]|\\.|\((?:[^()\\]|\\.|\([^()]*\))*\))*\))
    | (?P<stream>stream\n)
    | (?P<word>[^\s()<>\[\]{}/%]+)
    )""",
    re.VERBOSE | re.DOTALL,
)
_KEYS: Final = frozenset(f"/{key}".encode() for key in tables.load("pdf")["keys"])
_NEUTRAL: Final = re.compile(rb"/[FXGCPS]\d+")
_GLYPH: Final = re.compile(rb"/[\w.\-+*:$@!~#]{1,80}")
_STRINGS: Final = {
    b"/Registry": re.compile(rb"\(Adobe\)"),
    b"/Ordering": re.compile(rb"\((Identity|Japan1|Korea1|KR|GB1|CNS1|Manga1|UCS|Japan2)\)"),
    b"/URI": re.compile(rb"\(https?://[^\s@/?#]+([/?#]\S*)?\)|<feff[0-9a-f]*>"),
}
_NEEDLES: Final = (
    b"xmpmeta", b"<?xpacket", b"/ActualText", b"/Author", b"/Creator", b"/Producer", b"/JavaScript", b"/EmbeddedFile",
    b"Exif\0\0", b"http://ns.adobe.com/", b"Photoshop 3.0",
)  # fmt: skip
_LITERAL: Final = re.compile(rb"\([^()\\]*(?:\\.[^()\\]*)*\)", re.DOTALL)
_SHOWING: Final = (b"Tj\n", b"TJ\n", b"'\n", b'"\n')  # ISO 32000-1, table 109: operators end lines
_FONT_NAMES: Final = frozenset({b"/BaseFont", b"/FontName"})
_FONT: Final = re.compile(r"/(?:[A-Z]{6}\+)?(?P<name>.*)", re.DOTALL)
_FONT_OF_OURS: Final = re.compile(r"(?:F|Fo|Fon|Fontx*)?(?:[-,]?(?:Bold|Italic|Oblique){1,2})?")
_FONT_STYLES: Final = re.compile(tables.load("pdf")["font-styles"])
_FONTS: Final = {
    "".join(filter(str.isalnum, font)).lower()
    for font in [*chain(*tables.load("fonts").values()), *tables.load("pdf")["standard-fonts"].split()]
}
_FONT_RESIDUE: Final = re.compile(rb"/(?:Notice|Copyright|FullName)\s*\([^)]")


def verify(source: Source, media_type: str) -> int:
    """Read a cleaned document; answer how much it shows, in one number.

    Returns:
        Its pages times 2^64, plus its pictures times 2^32, plus the pieces of text that its pages, forms and patterns
        show.

    Raises:
        Residue: a byte, a key, a string or a stream that a cleaned document has no place for.
    """
    del media_type
    data = source.whole()
    header = _HEADER.match(data)
    if header is None:
        raise Residue
    position = header.end()
    pages = pictures = shown = 0
    contents: set[bytes] = set()  # numbers of objects that pages draw; each stands behind its page
    while (start := _OBJECT.match(data, position)) is not None:
        found = _Object(data, start.end(), content=start[1] in contents)
        position = found.read()
        pages += found.is_page
        pictures += found.is_picture
        shown += found.shown
        contents |= found.contents
    table = _TABLE.fullmatch(data, position)
    if table is None or _TRAILER.fullmatch(b" ".join(table[1].split())) is None:
        raise Residue
    return pages << 64 | pictures << 32 | shown


class _Object:
    """Reads one object, and its stream if it has one."""

    def __init__(self, data: bytes, position: int, *, content: bool) -> None:
        self.shown = 0  # pieces of text
        self._content = content
        self._data = data
        self._position = position
        self._top: dict[bytes, bytes] = {}
        self._stack: list[bytes] = []
        self._key: list[bytes | None] = []

    @property
    def is_page(self) -> bool:
        """Whether it is a page."""
        return self._top.get(b"/Type") == b"/Page"

    @property
    def is_picture(self) -> bool:
        """Whether it is a picture, a mask included."""
        return self._top.get(b"/Subtype") == b"/Image"

    @property
    def contents(self) -> set[bytes]:
        """The number of the object that a page draws."""
        return {self._top[b"/Contents"]} if self.is_page and b"/Contents" in self._top else set()

    def read(self) -> int:
        """Read up to the end of ``endobj``; answer where that is."""
        for kind, token in self._tokens():
            if kind == "stream":
                self._stream()
                break
            if kind == "word" and token == b"endobj":
                self._position -= len(token)
                break
            self._token(kind, token)
        end = _END.match(self._data, self._position)
        if end is None or self._stack:
            raise Residue
        return end.end()

    def _tokens(self) -> Iterator[tuple[str, bytes]]:
        while (match := _TOKEN.match(self._data, self._position)) is not None:
            self._position = match.end()
            kind = match.lastgroup or ""
            yield kind, match[kind]

    def _token(self, kind: str, token: bytes) -> None:
        stack, keys = self._stack, self._key
        if token in {b">>", b"]"}:
            if not stack or stack.pop() != (b"<<" if token == b">>" else b"["):
                raise Residue
            keys.pop()
            self._value_done(b"")
        elif token in {b"<<", b"["}:
            stack.append(token)
            keys.append(None)
        elif stack and stack[-1] == b"<<" and keys[-1] is None:
            if kind != "name" or not self._known(token):
                raise Residue
            keys[-1] = token
        else:
            if kind in {"text", "hex"}:
                self._string(token)
            elif kind == "name" and keys and keys[-1] in _FONT_NAMES:
                _verify_font(token)
            self._value_done(token)

    def _value_done(self, token: bytes) -> None:
        if self._stack and self._stack[-1] == b"<<" and self._key[-1] is not None:
            if token in {b"0", b"R"} or token.isdigit():
                # "12 0 R" is three tokens; the key is done when the next name or mark comes.
                if len(self._stack) == 1:
                    self._top.setdefault(self._key[-1], token)
                rest = _TOKEN.match(self._data, self._position)
                if rest is not None and rest.lastgroup == "word":
                    return
            elif len(self._stack) == 1:
                self._top.setdefault(self._key[-1], token)
            self._key[-1] = None

    def _known(self, key: bytes) -> bool:
        if key in _KEYS or _NEUTRAL.fullmatch(key):
            return True
        return len(self._key) > 1 and self._key[-2] == b"/CharProcs" and _GLYPH.fullmatch(key) is not None

    def _string(self, token: bytes) -> None:
        if self._stack and self._stack[-1] == b"[":
            return  # the table of an Indexed colour space: cut to its length when it was written
        form = _STRINGS.get(self._key[-1] or b"") if self._key else None
        if form is None or form.fullmatch(token) is None:
            raise Residue

    def _stream(self) -> None:
        length = self._top.get(b"/Length", b"")
        if not length.isdigit():
            raise Residue
        body = self._data[self._position : self._position + int(length)]
        self._position += int(length)
        tail = re.compile(rb"\n?endstream\n").match(self._data, self._position)
        if tail is None:
            raise Residue
        self._position = tail.end()
        self._search(body)

    def _search(self, body: bytes) -> None:
        codec = self._top.get(b"/Filter", b"")
        if codec == b"/FlateDecode":
            body = _inflate(body)
        if body[36:40] == b"acsp" or (b"/N" in self._top and b"/FunctionType" not in self._top):
            if not is_ours(body):
                raise Residue
        elif codec == b"/DCTDecode":
            _search_jpeg(body)
        elif codec == b"/JPXDecode":
            if b"xml " in body[:4096] or b"uuid" in body[:4096] or b"\xff\x64\x00" in body[:4096]:
                raise Residue
        elif self._top.get(b"/Subtype") != b"/Image":
            words = _LITERAL.sub(b"", body)
            if self._content or self._top.get(b"/Subtype") == b"/Form" or b"/PatternType" in self._top:
                self.shown = sum(map((words + b"\n").count, _SHOWING))
            if any(needle in words for needle in _NEEDLES):
                raise Residue
            if (b"/Length1" in self._top and _FONT_RESIDUE.search(body)) or _has_name_table(body):
                raise Residue


@lru_cache(1024)
def _verify_font(token: bytes) -> None:
    """Look whether a font has a name that many have, or one of ours; of East Asia in its encodings."""
    spelled = re.sub(rb"#([0-9a-f]{2})", lambda found: bytes.fromhex(found[1].decode()), token)
    for codec in ("latin-1",) if spelled.isascii() else ("utf-8", "gb18030", "cp949", "cp932", "big5"):
        found = _FONT.fullmatch(spelled.decode(codec, "replace"))
        if found is None:
            continue
        name = "".join(filter(str.isalnum, found["name"])).lower()
        if _FONT_OF_OURS.fullmatch(found["name"]) or name in _FONTS:
            return
        if any(name[:end] in _FONTS and _FONT_STYLES.fullmatch(name[end:]) for end in range(3, len(name))):
            return
    raise Residue


def _inflate(body: bytes) -> bytes:
    if not body:
        return body  # qpdf writes nothing for nothing
    inflating = zlib.decompressobj()
    data = inflating.decompress(body, limits.PDF_STREAM_BYTES)
    if inflating.unconsumed_tail or inflating.unused_data or not inflating.eof:
        raise Residue
    return data


def _search_jpeg(body: bytes) -> None:
    """Only tables, frames, a JFIF and an Adobe segment before the scan."""
    position = 2
    while position + 4 <= len(body) and body[position] == 0xFF and body[position + 1] != 0xDA:
        marker = body[position + 1]
        if marker == 0xFE or (0xE0 <= marker <= 0xEF and marker not in {0xE0, 0xEE}):
            raise Residue
        position += 2 + int.from_bytes(body[position + 2 : position + 4], "big")


def _has_name_table(body: bytes) -> bool:
    if body[:4] not in {b"\0\1\0\0", b"true", b"OTTO"}:
        return False
    count = int.from_bytes(body[4:6], "big")
    return any(body[12 + 16 * i : 16 + 16 * i] in {b"name", b"meta", b"DSIG", b"FFTM"} for i in range(min(count, 64)))
