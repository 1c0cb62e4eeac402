"""The second reading of a cleaned OpenDocument file: what must not be in one, whoever wrote it."""

from __future__ import annotations

import re
from typing import Final

from fieldreport.scrub import registry
from fieldreport.scrub.documents.office.ooxml_verify import may_hold, members, parse
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Residue

_PART: Final = re.compile(
    r"mimetype|META-INF/manifest\.xml|(Object \d+/)?(content|styles)\.xml|Pictures/image\d+\.(jpg|png|gif)"
)
_PICTURE: Final = re.compile(r"Pictures/image\d+\.(jpg|png|gif)")
_TYPES: Final = {"jpg": "image/jpeg", "png": "image/png", "gif": "image/gif"}
_NAMESPACE: Final = re.compile(
    r"urn:oasis:names:tc:opendocument:xmlns:(office|text|table|drawing|style|datastyle|chart|dr3d|presentation|"
    r"svg-compatible|xsl-fo-compatible|manifest):1\.0|http://www\.w3\.org/1998/Math/MathML|http://www\.w3\.org/1999/xlink"
)
_ELEMENTS: Final = re.compile(
    r"annotation(-end)?|tracked-changes|changed-region|change(-start|-end)?|creator|date|initial-creator|author-.*|sender-.*|"
    r"file-name|template-name|scripts?|event-listeners?|forms?|desc|generator|user-defined|binary-data|object-ole|applet|"
    r"plugin|database-.*|dde-.*|meta|settings|scenario"
)
_ATTRIBUTES: Final = re.compile(
    r"language.*|country.*|script|rfc-language-tag.*|display-name|rsid|title|protection-key.*|change-id|user-name|class-id"
)
_PATH: Final = re.compile(r"file:|\\\\[A-Za-z]|[A-Za-z]:[\\/](Users|Documents)", re.IGNORECASE)
_PATH_SPELLINGS: Final = ("file:", "\\\\", ":\\", ":/users", ":/documents")  # one is in whatever the pattern finds
_TITLES: Final = frozenset({"urn:oasis:names:tc:opendocument:xmlns:chart:1.0"})  # what a chart is called is drawn


def check(data: bytes, media_type: str) -> None:
    """Read a cleaned OpenDocument file.

    Raises:
        Residue: something is left.
    """
    found = members(data)
    if not found or found[0] != ("mimetype", media_type.encode()):
        raise Residue
    for name, content in found:
        if _PART.fullmatch(name) is None:
            raise Residue
        if (picture := _PICTURE.fullmatch(name)) is not None:
            kind = _TYPES[picture[1]]
            registry.verify(Source.of(content), kind)
        elif name.endswith(".xml"):
            _Part().read(content)


class _Part:
    """Text is what the document says: it is not looked at."""

    def __init__(self) -> None:
        self._paths = True
        self._elements: set[str] = set()  # those that were judged: a document has few
        self._attributes: set[str] = set()

    def read(self, content: bytes) -> None:
        self._paths = may_hold(_PATH_SPELLINGS, content)
        parse(content, self._start, None)

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if tag not in self._elements:
            self._judge_element(tag)
        if not self._attributes.issuperset(attributes):
            for name in attributes:
                self._judge_attribute(name)
        if self._paths and any(_PATH.search(value) for value in attributes.values()):
            raise Residue

    def _judge_element(self, tag: str) -> None:
        namespace, _, local = tag.rpartition("\n")
        if _NAMESPACE.fullmatch(namespace) is None:
            raise Residue
        if _ELEMENTS.fullmatch(local) is not None and not (namespace in _TITLES or "datastyle" in namespace):
            raise Residue
        self._elements.add(tag)

    def _judge_attribute(self, name: str) -> None:
        space, _, key = name.rpartition("\n")
        if (space and _NAMESPACE.fullmatch(space) is None) or _ATTRIBUTES.fullmatch(key) is not None:
            raise Residue
        self._attributes.add(name)
