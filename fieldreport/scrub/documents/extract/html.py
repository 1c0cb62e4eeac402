"""Web pages: a paragraph is a line, a row is a line with tabs between its cells."""

from __future__ import annotations

import base64
import html
import re
from collections.abc import Iterator
from typing import Final

from fieldreport.scrub.documents.extract.lines import Heading

# The cleaner writes no angle bracket but around a tag, and no tag in two ways.
_PIECE: Final = re.compile(r"<(/?)([a-z0-9]+)([^>]*)>|([^<]+)")
_SOURCE: Final = re.compile(r' src="data:image/[a-z]+;base64,([^"]*)"')
_HEADINGS: Final = frozenset({"h1", "h2", "h3", "h4", "h5", "h6"})
_LINES: Final = frozenset(
    {"section", "article", "aside", "nav", "header", "footer", "main", "div", "p", "h1", "h2", "h3", "h4", "h5", "h6"}
    | {"hr", "pre", "blockquote", "ol", "ul", "li", "dl", "dt", "dd", "figure", "figcaption", "address", "center"}
    | {"table", "caption", "tr", "br"}
)


def lines_and_pictures(cleaned: bytes) -> tuple[Iterator[str], list[bytes]]:
    """What a cleaned page says."""
    page = cleaned.decode()
    body = page[page.index("<body>") :]
    pictures = [base64.b64decode(found[1]) for found in _SOURCE.finditer(body)]
    return _lines(body), pictures


def _lines(body: str) -> Iterator[str]:
    line, heading = "", False
    for word in _words(body):
        if isinstance(word, Heading):
            heading = True
            continue
        first, *others = word.split("\n")
        line += first
        for other in others:
            yield Heading(line) if heading else line
            line, heading = other, False
    yield line


def _words(body: str) -> Iterator[str]:
    """Texts, line breaks, and an empty heading after the break before one."""
    preformatted = 0
    for piece in _PIECE.finditer(body):
        if piece[4] is not None:
            text = html.unescape(piece[4])
            yield text if preformatted else re.sub(r"[ \t\r\n]+", " ", text)
            continue
        preformatted += {"pre": -1 if piece[1] else 1}.get(piece[2], 0)
        if piece[2] in _LINES:
            yield "\n"
            if piece[2] in _HEADINGS and not piece[1]:
                yield Heading()
        elif piece[1] and piece[2] in {"td", "th"}:
            yield "\t"
