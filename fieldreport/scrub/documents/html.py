"""HTML: text, structure, tables, links to public pages and pictures, written anew from an allowlist.

Rules: no script, no style, no reference to anything outside, no name of anything inside. Whatever element is not in the
list goes and leaves its text, but for those whose text nobody reads. What a page hides goes. Pictures stay if the page
carries them in itself, cleaned. What comes out has one form for every tag, so the second reading needs no parser of
HTML, whose every version reads broken pages in its own way.
"""

from __future__ import annotations

import base64
import binascii
import html
import re
from collections import Counter
from html.parser import HTMLParser
from typing import Final
from urllib.parse import unquote_to_bytes

from typing_extensions import override

from fieldreport import limits
from fieldreport.scrub import registry
from fieldreport.scrub.documents.links import clean_link
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.text import encoding, invisible
from fieldreport.scrub.verdicts import Bomb, Damaged, Refused, Removed, Residue

MEDIA_TYPE: Final = "text/html"
_HEAD: Final = '<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title></title></head><body>\n'
_FOOT: Final = "\n</body></html>\n"
PICTURES: Final = frozenset({"image/jpeg", "image/png", "image/gif", "image/webp"})
"""What every browser shows from within a page."""

_KEPT: Final = frozenset(
    {"section", "article", "aside", "nav", "header", "footer", "main", "div", "p", "h1", "h2", "h3", "h4", "h5", "h6"}
    | {"hr", "pre", "blockquote", "ol", "ul", "li", "dl", "dt", "dd", "figure", "figcaption", "address", "center"}
    | {"a", "em", "strong", "small", "s", "cite", "q", "dfn", "abbr", "code", "var", "samp", "kbd", "sub", "sup", "i"}
    | {"b", "u", "mark", "ruby", "rt", "rp", "bdi", "bdo", "span", "br", "wbr", "img", "del", "ins", "big", "tt"}
    | {"table", "caption", "colgroup", "col", "tbody", "thead", "tfoot", "tr", "td", "th", "strike"}
)  # fmt: skip
_EMPTY: Final = frozenset({"hr", "br", "wbr", "img", "col"})
_WITHOUT_TEXT: Final = frozenset(
    {"meta", "link", "base", "input", "embed", "source", "track", "area", "param", "frame"}
)
_UNREAD: Final = {
    "script": Removed.SCRIPT,
    "style": None,
    "title": Removed.DESCRIPTION,
    "template": Removed.HIDDEN_CONTENT,
    "iframe": Removed.LINKS,
    "object": Removed.EMBEDDED_FILE,
    "applet": Removed.SCRIPT,
    "audio": Removed.EMBEDDED_FILE,
    "video": Removed.EMBEDDED_FILE,
    "canvas": None,
    "svg": Removed.EMBEDDED_FILE,
    "math": None,
}
_DESCRIBING: Final = frozenset({"alt", "title", "aria-label"})
_DEEPEST: Final = 200  # elements in each other: some readers lose what is deeper than 256
_IF_ANY_TEXT: Final = frozenset({Removed.DESCRIPTION, Removed.HIDDEN_CONTENT})
_NUMBER: Final = re.compile(r"[0-9]{1,5}%?")
_ATTRIBUTES: Final = {
    "colspan": (frozenset({"td", "th"}), _NUMBER),
    "rowspan": (frozenset({"td", "th"}), _NUMBER),
    "span": (frozenset({"col", "colgroup"}), _NUMBER),
    "start": (frozenset({"ol"}), _NUMBER),
    "width": (frozenset({"img", "table", "td", "th", "col"}), _NUMBER),
    "height": (frozenset({"img", "td", "th"}), _NUMBER),
    "border": (frozenset({"table"}), _NUMBER),
    "align": (_KEPT, re.compile(r"left|right|center|justify")),
    "dir": (_KEPT, re.compile(r"ltr|rtl|auto")),
}
_BLOCKS: Final = frozenset(
    {"section", "article", "aside", "nav", "header", "footer", "main", "div", "p", "h1", "h2", "h3", "h4", "h5", "h6"}
    | {"hr", "pre", "blockquote", "ol", "ul", "dl", "figure", "address", "center", "table"}
)
_CELLS: Final = frozenset({"p", "td", "th"})
# A beginning that ends what is open, where the end may be left out (HTML standard, 13.1.2.4).
_ENDS: Final = dict.fromkeys(_BLOCKS, frozenset({"p"})) | {
    "li": frozenset({"p", "li"}),
    "dt": frozenset({"p", "dt", "dd"}),
    "dd": frozenset({"p", "dt", "dd"}),
    "td": _CELLS,
    "th": _CELLS,
    "tr": _CELLS | {"tr", "colgroup", "caption"},
    "tbody": _CELLS | {"tr", "tbody", "thead", "tfoot", "colgroup", "caption"},
    "thead": _CELLS | {"tr", "tbody", "colgroup", "caption"},
    "tfoot": _CELLS | {"tr", "tbody", "thead", "colgroup", "caption"},
}
_HIDING: Final = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(hidden|collapse)|(font-size|opacity)\s*:\s*0(\.0*)?(px|pt|em|%)?\s*(;|!|$)",
    re.IGNORECASE,
)
_META: Final = {
    "author": Removed.AUTHOR, "copyright": Removed.AUTHOR, "generator": Removed.SOFTWARE, "date": Removed.TIME,
    "description": Removed.DESCRIPTION, "keywords": Removed.DESCRIPTION,
}  # fmt: skip
_DATA: Final = re.compile(r"\s*data:image/[\w.+-]+(;[\w=.-]+)*?(?P<base64>;base64)?,(?P<data>.*)", re.DOTALL)


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write the page anew.

    Raises:
        Refused: ``damaged``, ``bomb``, ``too-large``.
    """
    page = _Page(cleaning)
    try:
        page.feed(encoding.decode(untrusted_source.whole(limits.TEXT_BYTES)))
        page.close()
    except (AssertionError, ValueError):  # of the parser, for declarations that never end
        raise Damaged from None
    body, marked = invisible.unmark(page.body().replace("\xa0", " "))
    if marked:
        cleaning.removed.add(Removed.COPY_MARKS)
    sink.write((_HEAD + body.strip() + _FOOT).encode())
    return MEDIA_TYPE


class _Page(HTMLParser):
    """Writes as it reads: a stack of open elements, one of which may be unread with all that is in it."""

    def __init__(self, cleaning: Cleaning) -> None:
        super().__init__(convert_charrefs=True)
        self._cleaning = cleaning
        self._removed = cleaning.removed
        self._out: list[str] = []
        self._open: list[str] = []  # elements that are written
        self._counts: Counter[str] = Counter()
        self._unread: list[str] = []  # an element whose content goes, and what is open in it
        self._told: Removed | None = None

    @override
    def updatepos(self, i: int, j: int) -> int:
        """Lines are not counted: nobody is told where in a page something stood."""
        del i
        return j

    def body(self) -> str:
        """What was written, with everything closed."""
        self._pop(len(self._open))
        return "".join(self._out)

    @override
    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if len(self._unread) == 1 and self._unread[0] in _ENDS.get(tag, ()):
            self._unread.clear()
        if self._unread:
            if tag not in _EMPTY | _WITHOUT_TEXT and len(self._unread) < _DEEPEST:
                self._unread.append(tag)
            return
        if attributes:
            self._tell(tag, attributes)
        if tag in _WITHOUT_TEXT:
            return
        hidden = "hidden" in attributes or ("style" in attributes and _HIDING.search(attributes["style"]) is not None)
        if tag in _UNREAD or (hidden and tag not in _EMPTY):
            self._unread.append(tag)
            self._told = _UNREAD.get(tag, Removed.HIDDEN_CONTENT)
            if self._told is not None and self._told not in _IF_ANY_TEXT:
                self._removed.add(self._told)
        elif tag in _KEPT and not hidden:
            self._element(tag, attributes)

    def _element(self, tag: str, attributes: dict[str, str]) -> None:
        if len(self._open) >= _DEEPEST and tag not in _EMPTY:
            return  # its text stays
        while self._open and self._open[-1] in _ENDS.get(tag, ()):
            self._pop(1)
        kept = [
            (name, value)
            for name, value in attributes.items()
            if name in _ATTRIBUTES and self._is_kept(tag, name, value)
        ]
        if tag == "a" and (address := clean_link(attributes.get("href", ""))) is not None:
            kept.append(("href", address))
        if tag == "img":
            picture = self._picture(attributes.get("src", ""))
            if picture is None:
                return
            kept.append(("src", picture))
        written = "".join(f' {name}="{html.escape(value)}"' for name, value in sorted(kept)) if kept else ""
        self._out.append(f"<{tag}{written}>")
        if tag not in _EMPTY:
            self._open.append(tag)
            self._counts[tag] += 1

    def _is_kept(self, tag: str, name: str, value: str) -> bool:
        if name not in _ATTRIBUTES:
            return False
        tags, pattern = _ATTRIBUTES[name]
        return tag in tags and pattern.fullmatch(value) is not None

    def _picture(self, untrusted_address: str) -> str | None:
        match = _DATA.fullmatch(untrusted_address)
        if match is None:
            self._removed.add(Removed.LINKS)
            return None
        return embedded_picture(match["data"], is_base64=match["base64"] is not None, cleaning=self._cleaning)

    def _tell(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "meta" and attributes.get("content") and attributes.get("name"):
            self._removed.add(_META.get(attributes["name"].lower(), Removed.OTHER_METADATA))
        for name, value in attributes.items():
            if name.startswith("on"):
                self._removed.add(Removed.SCRIPT)
            elif name in _DESCRIBING and value:
                self._removed.add(Removed.DESCRIPTION)
            elif name.startswith("data-"):
                self._removed.add(Removed.OTHER_METADATA)
        if (
            tag == "a"
            and (href := attributes.get("href", ""))
            and not href.startswith("#")
            and clean_link(href) != href
        ):
            self._removed.add(Removed.LINKS)

    @override
    def handle_endtag(self, tag: str) -> None:
        if tag in self._unread:
            del self._unread[len(self._unread) - 1 - self._unread[::-1].index(tag) :]
            return
        if self._counts[tag]:
            self._unread.clear()
            self._pop(self._open[::-1].index(tag) + 1)

    @override
    def handle_data(self, data: str) -> None:
        if not self._unread:
            self._out.append(html.escape(data, quote=False))
        elif self._told is not None and data.strip():
            self._removed.add(self._told)

    @override
    def handle_comment(self, data: str) -> None:
        self._removed.add(Removed.COMMENTS)

    def _pop(self, count: int) -> None:
        for _ in range(count):
            tag = self._open.pop()
            self._counts[tag] -= 1
            self._out.append(f"</{tag}>")


def embedded_picture(untrusted_data: str, *, is_base64: bool, cleaning: Cleaning) -> str | None:
    """A picture from a ``data:`` address, cleaned, as such an address; None if it cannot be cleaned.

    Raises:
        Bomb: it is one.
    """
    raw = unquote_to_bytes(untrusted_data)
    try:
        picture = cleaning.embedded(base64.b64decode(raw) if is_base64 else raw, accept=PICTURES)
    except (Refused, binascii.Error) as error:
        if isinstance(error, Bomb):
            raise
        cleaning.removed.add(Removed.EMBEDDED_FILE)
        return None
    return f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode('ascii')}"


def verify_picture(address: str) -> None:
    """Let the picture's family read what ``embedded_picture`` wrote.

    Raises:
        Residue: it is not that.
    """
    head, _, data = address.partition(";base64,")
    kind = head.removeprefix("data:")
    try:
        content = base64.b64decode(data, validate=True)
    except binascii.Error:
        raise Residue from None
    if kind not in PICTURES or base64.b64encode(content).decode("ascii") != data:
        raise Residue
    registry.verify(Source.of(content), kind)


# --- verify: no parser, but the one form that tags have here ---

_PIECE: Final = re.compile(r'<(/?)([a-z]+[1-6]?)((?: [a-z]+="[^"<>]*")*)>|[^<>&]+|&(?:amp|lt|gt);')
_ATTRIBUTE: Final = re.compile(r' ([a-z]+)="([^"]*)"')
_TELLING: Final = re.compile(
    r"script|style|title|meta|link|base|iframe|frame|object|embed|applet|svg|math|form|input|textarea|button|template|"
    r"noscript|audio|video|source|canvas|html|head|body|font|plaintext|xmp|marquee|portal|slot|dialog"
)
_HARMLESS: Final = re.compile(r"[0-9]{1,5}%?|[a-z]{2,8}")


def verify(source: Source, media_type: str) -> None:
    """Read the page as what it is written as: our head, pieces of one form, our foot."""
    del media_type
    try:
        text = source.whole(limits.SCRUB_OUTPUT_BYTES).decode("utf-8")
    except UnicodeDecodeError:
        raise Residue from None
    if not text.startswith(_HEAD) or not text.endswith(_FOOT):
        raise Residue
    position, end = len(_HEAD), len(text) - len(_FOOT)
    if invisible.unmark(text[position:end])[1]:
        raise Residue
    while position < end:
        piece = _PIECE.match(text, position, end)
        if piece is None or (piece[2] is not None and _TELLING.fullmatch(piece[2])):
            raise Residue
        if piece[3]:
            for name, value in _ATTRIBUTE.findall(piece[3]):
                _verify_attribute(piece[2], name, html.unescape(value))
        position = piece.end()


def _verify_attribute(tag: str, name: str, value: str) -> None:
    if (tag, name) == ("img", "src"):
        verify_picture(value)
    elif (tag, name) == ("a", "href"):
        if clean_link(value) != value:
            raise Residue
    elif name in {"id", "class", "style", "alt", "lang", "name"} or _HARMLESS.fullmatch(value) is None:
        raise Residue
