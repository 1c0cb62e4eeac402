"""Taking the one file apart into the parts that a package has, and cleaning these."""

from __future__ import annotations

from copy import deepcopy
from typing import Final, cast

from lxml import etree

from fieldreport import limits
from fieldreport.scrub.documents import markup, spelled_pictures
from fieldreport.scrub.documents.markup import Element, split
from fieldreport.scrub.documents.opendocument import write as package
from fieldreport.scrub.documents.opendocument.namespaces import DRAW, OFFICE, XLINK
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.verdicts import Bomb, Damaged

# Part of a package → its root, and what it holds. Styles that were made for one place may be of a page or of the text.
_PARTS: Final = {
    "styles.xml": ("document-styles", ("font-face-decls", "styles", "automatic-styles", "master-styles")),
    "content.xml": ("document-content", ("font-face-decls", "automatic-styles", "body")),
}
# What is in a file and goes, and the part of a package that is reported in its place.
_REPORTED: Final = {"meta": "meta.xml", "settings": "settings.xml", "scripts": "Scripts/flat"}
_DOCUMENT: Final = f"{OFFICE}document"


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write the cleaned document as a package to ``sink``; answer which kind it is.

    Raises:
        Refused: ``damaged``, ``bomb``.
    """
    untrusted = spelled_pictures.cleaned(untrusted_source.whole(limits.XML_BYTES), cleaning)
    root = markup.parse(markup.without_doctype(untrusted))
    if root.tag != _DOCUMENT:
        raise Damaged
    members = {"mimetype": str(root.get(f"{OFFICE}mimetype", "")).encode()}
    _take_apart(root, "", members, depth=0)
    cleaning.spend(sum(map(len, members.values())))
    return package.clean_members(members, sink, cleaning)


def _take_apart(document: Element, folder: str, members: dict[str, bytes], *, depth: int) -> None:
    """Put the parts of a document into ``members``, and those of the documents inside it: charts, formulas."""
    if depth > limits.ARCHIVE_DEPTH:
        raise Bomb
    for inner in list(document.iter(f"{DRAW}object")):
        embedded = inner.find(_DOCUMENT)
        if embedded is not None:
            name = f"Object {len(members)}"
            inner.remove(embedded)
            inner.set(f"{XLINK}href", f"./{name}")
            _take_apart(embedded, f"{folder}{name}/", members, depth=depth + 1)
    for child in document:
        reported = _REPORTED.get(split(str(child.tag))[1])
        if reported is not None and len(child):
            members[reported] = b""
    for name, (kind, parts) in _PARTS.items():
        root = etree.Element(f"{OFFICE}{kind}", nsmap=cast("dict[str, str]", document.nsmap))
        for part in parts:
            root.extend(deepcopy(each) for each in document.iterchildren(f"{OFFICE}{part}"))
        members[folder + name] = etree.tostring(root, encoding="UTF-8")
