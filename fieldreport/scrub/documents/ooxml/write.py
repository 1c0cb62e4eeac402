"""DOCX, XLSX and PPTX: a new package made from the parts of the old one that its main part reaches."""

from __future__ import annotations

from typing import Final

from lxml import etree

from fieldreport.scrub.documents import archive, markup
from fieldreport.scrub.documents.archive import Archive
from fieldreport.scrub.documents.ooxml import docx, pptx, xlsx
from fieldreport.scrub.documents.ooxml.opc import Kind, Package, parse
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.verdicts import Damaged, Removed

_PREFIX: Final = "application/vnd.openxmlformats-officedocument."
_KINDS: Final[dict[str, tuple[str, dict[str, Kind]]]] = {
    "http://schemas.openxmlformats.org/wordprocessingml/2006/main": (
        f"{_PREFIX}wordprocessingml.document",
        docx.KINDS,
    ),
    xlsx.SHEET: (f"{_PREFIX}spreadsheetml.sheet", xlsx.KINDS),
    pptx.SLIDES: (f"{_PREFIX}presentationml.presentation", pptx.KINDS),
}
"""Namespace of the main part → media type of the document and its kinds of parts."""


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Write the cleaned document to ``sink``; answer which of the three it is.

    Raises:
        Refused: ``encrypted``, ``damaged``, ``bomb``.
    """
    try:
        return _clean(untrusted_source, sink, cleaning)
    except (etree.LxmlError, LookupError, TypeError, ValueError, RecursionError):
        raise Damaged from None


def _clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    old = Archive(untrusted_source, cleaning)
    if any(name.lower().endswith("vbaproject.bin") for name in old):
        cleaning.removed.add(Removed.SCRIPT)
    package = Package(old, cleaning, {})
    name = package.main()
    namespace = markup.split(str(parse(old[name]).tag))[0]
    if namespace not in _KINDS:
        raise Damaged
    media_type, kinds = _KINDS[namespace]
    package = Package(old, cleaning, kinds)
    package.clean_part(name, kinds["officeDocument"])
    if kinds is xlsx.KINDS:
        xlsx.settle_names(package)
    package.write(sink)
    return media_type


def warm() -> None:
    """Load what the libraries load on first use."""
    archive.warm()
    markup.serialise(markup.parse(b"<?xml version='1.0' encoding='UTF-8'?><a xmlns='b'>&#233;<c/></a>"))
