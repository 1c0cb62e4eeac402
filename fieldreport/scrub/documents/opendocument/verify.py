"""The second reading of a cleaned OpenDocument file: what must not be in one."""

from __future__ import annotations

import re
from typing import Final

from fieldreport.scrub.documents.xml_verify import may_hold, parse, parts
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Residue

_PART: Final = re.compile(
    r"mimetype|META-INF/manifest\.xml|(Object \d+/)?(content|styles)\.xml|Pictures/image\d+\.(jpg|png|gif)"
)
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


def verify(source: Source, media_type: str) -> None:
    """Read a cleaned OpenDocument file.

    Raises:
        Residue: something that says more than the document shows.
    """
    for name, content in parts(source, _PART, mimetype=media_type):
        if name != "mimetype":
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
