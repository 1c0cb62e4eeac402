"""The second reading of a cleaned OpenDocument file: what must not be in one, whoever wrote it."""

from __future__ import annotations

import re
from typing import Final

from fieldreport.scrub import registry
from fieldreport.scrub.family import Source
from fieldreport.scrub.office.reading import members, parse
from fieldreport.scrub.vocabulary import Residue

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
            registry.family(kind).verify(Source.of(content), kind)
        elif name.endswith(".xml"):
            parse(content, _start, _text)


def _start(tag: str, attributes: dict[str, str]) -> None:
    namespace, _, local = tag.rpartition("\n")
    if _NAMESPACE.fullmatch(namespace) is None:
        raise Residue
    if _ELEMENTS.fullmatch(local) is not None and not (namespace in _TITLES or "datastyle" in namespace):
        raise Residue
    for name, value in attributes.items():
        space, _, key = name.rpartition("\n")
        if (space and _NAMESPACE.fullmatch(space) is None) or _ATTRIBUTES.fullmatch(key) is not None:
            raise Residue
        if _PATH.search(value):
            raise Residue


def _text(text: str) -> None:
    """Text is what the document says."""
