"""The second reading of a cleaned EPUB."""

from __future__ import annotations

import re
from typing import Final

from fieldreport.scrub.documents.xml_verify import parse, parts
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Residue

_PART: Final = re.compile(
    r"mimetype|META-INF/container\.xml|book/(package\.opf|toc\.ncx|chapter\d+\.xhtml|style\d+\.css|image\d+\.(jpg|png|gif))"
)
_CSS: Final = re.compile(rb"/\*|@import|url\s*\(|\\", re.IGNORECASE)
_ELEMENTS: Final = frozenset(
    {"script", "meta", "object", "embed", "iframe", "audio", "video", "form", "annotation", "desc"}
)
_ATTRIBUTES: Final = re.compile(r"alt|title|lang|data-.*|on\w+|srcset|content|name|xmlns.*")
_CONSTANT: Final = frozenset(
    {"urn:uuid:00000000-0000-0000-0000-000000000000", "Document", "und", "1980-01-01T00:00:00Z"}
)


def verify(source: Source, media_type: str) -> None:
    """Read a cleaned book.

    Raises:
        Residue: something that says more than the book shows.
    """
    for name, content in parts(source, _PART, mimetype=media_type):
        if name.endswith(".css"):
            if _CSS.search(content):
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
