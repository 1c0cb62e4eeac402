"""The second reading of a cleaned page: its head, pieces in the one form they are written in, its foot.

Rule: whatever ``tables/html.toml`` does not list is residue. No parser of HTML is needed, because a page that is not
in that one form is refused.
"""

from __future__ import annotations

import html
import re
from typing import Final

from fieldreport import limits
from fieldreport.scrub.documents import tables
from fieldreport.scrub.documents.vocabularies_verify import Tables
from fieldreport.scrub.format import Source
from fieldreport.scrub.text.plain.verify import verify_characters, verify_pictures
from fieldreport.scrub.verdicts import Residue

_HEAD: Final = '<!DOCTYPE html>\n<html><head><meta charset="utf-8"><title></title></head><body>\n'
_FOOT: Final = "\n</body></html>\n"
_TABLE: Final = tables.load("html")
_TABLES: Final = Tables("html")
_VOID: Final = frozenset(_TABLE["void"])
_PIECE: Final = re.compile(
    r'<(?P<end>/?)(?P<tag>[a-z]+[1-6]?)(?P<attributes>(?: [a-z]+="[^"<>]*")*)>|[^<>&]+|&(?:amp|lt|gt);'
)
_ATTRIBUTE: Final = re.compile(r' ([a-z]+)="([^"]*)"')


def verify(source: Source, media_type: str) -> None:
    """Read a cleaned page.

    Raises:
        Residue: there is something in it that the table does not list.
    """
    del media_type
    verify_pictures(verify_characters(source))  # a page is a text: no invisible character, and UTF-8
    text = source.whole(limits.SCRUB_OUTPUT_BYTES).decode("utf-8")
    if not text.startswith(_HEAD) or not text.endswith(_FOOT):
        raise Residue
    _Body().read(text, len(_HEAD), len(text) - len(_FOOT))


class _Body:
    def __init__(self) -> None:
        self._open: list[str] = []

    def read(self, text: str, position: int, end: int) -> None:
        while position < end:
            piece = _PIECE.match(text, position, end)
            if piece is None:
                raise Residue
            if piece["tag"] is not None:
                self._tag(piece["tag"], piece["attributes"], is_end=bool(piece["end"]))
            position = piece.end()
        if self._open:
            raise Residue

    def _tag(self, tag: str, attributes: str, *, is_end: bool) -> None:
        if tag not in _TABLES.elements:
            raise Residue
        if is_end:
            if attributes or not self._open or self._open.pop() != tag:
                raise Residue
            return
        if tag not in _VOID:
            self._open.append(tag)
            if len(self._open) > _TABLE["deepest"]:
                raise Residue
        for name, value in _ATTRIBUTE.findall(attributes):
            _verify_attribute(tag, name, html.unescape(value))


def _verify_attribute(tag: str, name: str, value: str) -> None:
    kind = _TABLES.elements[tag][0].get(name)
    if kind is None or not _TABLES.judges[kind]({value}):
        raise Residue
