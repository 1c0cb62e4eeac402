"""The second reading of a cleaned drawing, with the standard library's XML reader and lists of its own."""

from __future__ import annotations

import re
from typing import Final

from fieldreport import limits
from fieldreport.scrub.documents.links_verify import verify_picture
from fieldreport.scrub.documents.xml_verify import parse
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Residue

_SVG: Final = "http://www.w3.org/2000/svg"
_TELLING: Final = frozenset(
    {"script", "handler", "listener", "foreignObject", "metadata", "title", "desc", "a", "animate", "animateMotion"}
    | {
        "animateTransform",
        "set",
        "discard",
        "feImage",
        "iframe",
        "audio",
        "video",
        "canvas",
        "switch",
        "font",
        "cursor",
    }
    | {"view", "namedview", "font-face", "font-face-uri", "glyph"}
)
_ATTRIBUTE_TELLING: Final = re.compile(
    r"on\w+|data-.*|aria-.*|role|label|docname|export-.*|base|lang|title|target|download|ping|src|from|to|by|begin|"
    r"requiredExtensions|systemLanguage|contentScriptType"
)
_NAMES: Final = {
    "id": re.compile(r"a\d+"),
    "class": re.compile(r"(c\d+( c\d+)*)?"),
    "in": re.compile(r"r\d+|(Source|Background)(Graphic|Alpha|Image)|(Fill|Stroke)Paint"),
    "in2": re.compile(r"r\d+|(Source|Background)(Graphic|Alpha|Image)|(Fill|Stroke)Paint"),
    "result": re.compile(r"r\d+"),
}
_NAMED_SELECTOR: Final = re.compile(r"[.#](?!\d|[ac]\d)[a-z_]\w*(?=[^{}]*\{)", re.IGNORECASE)
_OUTSIDE: Final = re.compile(
    r"url\((?!#a\d+\))|[a-z]+:/|//|javascript:|data:|file:|@import|expression\(|\\", re.IGNORECASE
)


def verify(source: Source, media_type: str) -> None:
    """Read a cleaned drawing.

    Raises:
        Residue: something that says more than the drawing shows.
    """
    del media_type
    _Drawing().read(source.whole(limits.SCRUB_OUTPUT_BYTES))


class _Drawing:
    def __init__(self) -> None:
        self._local = ""
        self._sheets: list[str] = []  # in the pieces that the reader hands out

    def read(self, data: bytes) -> None:
        parse(data, self._start, self._text)
        sheet = "".join(self._sheets)
        if _OUTSIDE.search(sheet) or "/*" in sheet or _NAMED_SELECTOR.search(sheet):
            raise Residue

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        namespace, _, self._local = tag.rpartition("\n")
        if namespace != _SVG or self._local in _TELLING:
            raise Residue
        for name, value in attributes.items():
            space, _, key = name.rpartition("\n")
            if space not in {"", "http://www.w3.org/XML/1998/namespace"} or _ATTRIBUTE_TELLING.fullmatch(key):
                raise Residue
            if key == "href" and self._local == "image":
                verify_picture(value)
            elif key == "href":
                if re.fullmatch(r"#a\d+", value) is None:
                    raise Residue
            elif _OUTSIDE.search(value) or (key in _NAMES and _NAMES[key].fullmatch(value) is None):
                raise Residue

    def _text(self, text: str) -> None:
        if self._local == "style":
            self._sheets.append(text)
