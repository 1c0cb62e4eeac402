"""The second reading of a cleaned EPUB."""

from __future__ import annotations

import re
from typing import Final

from fieldreport.scrub import registry
from fieldreport.scrub.documents.office.ooxml_verify import members, parse
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Residue

_PART: Final = re.compile(
    r"mimetype|META-INF/container\.xml|book/(package\.opf|toc\.ncx|chapter\d+\.xhtml|style\d+\.css|image\d+\.(jpg|png|gif))"
)
_PICTURE: Final = re.compile(r"book/image\d+\.(jpg|png|gif)")
_TYPES: Final = {"jpg": "image/jpeg", "png": "image/png", "gif": "image/gif"}
_ELEMENTS: Final = frozenset(
    {"script", "meta", "object", "embed", "iframe", "audio", "video", "form", "annotation", "desc"}
)
_ATTRIBUTES: Final = re.compile(r"alt|title|lang|data-.*|on\w+|srcset|content|name|xmlns.*")
_CONSTANT: Final = frozenset(
    {"urn:uuid:00000000-0000-0000-0000-000000000000", "Document", "und", "1980-01-01T00:00:00Z"}
)


def check(data: bytes) -> None:
    """Read a cleaned book.

    Raises:
        Residue: something is left.
    """
    found = members(data)
    if not found or found[0] != ("mimetype", b"application/epub+zip"):
        raise Residue
    for name, content in found:
        if _PART.fullmatch(name) is None:
            raise Residue
        if (picture := _PICTURE.fullmatch(name)) is not None:
            kind = _TYPES[picture[1]]
            registry.verify(Source.of(content), kind)
        elif name.endswith(".css"):
            if re.search(rb"/\*|@import|url\s*\(|\\", content, re.IGNORECASE):
                raise Residue
        elif name.endswith(".opf"):
            parse(content, None, _package_text)
        elif name.endswith((".xhtml", ".ncx")):
            parse(content, _chapter, None)  # the text of a chapter is what the book says


def _chapter(tag: str, attributes: dict[str, str]) -> None:
    if tag.rpartition("\n")[2] in _ELEMENTS:
        raise Residue
    for name, value in attributes.items():
        if _ATTRIBUTES.fullmatch(name.rpartition("\n")[2]) is not None or value.lower().startswith(
            ("file:", "javascript:")
        ):
            raise Residue


def _package_text(text: str) -> None:
    if text.strip() and text.strip() not in _CONSTANT:
        raise Residue
