"""XML in and out: no document type, no entity, no network, bounds on size and depth.

libxml2's own limits stay on: 256 levels, 10 million characters a text node (``huge_tree`` is off).
"""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

from lxml import etree

from fieldreport import limits
from fieldreport.scrub.verdicts import Bomb, Damaged

_DOCTYPE: Final = re.compile(rb"<!\s*(?:DOCTYPE|ENTITY)", re.IGNORECASE)
# A balloon of a map often holds a whole page. What only seems to be CDATA, in a comment, lxml still finds below.
_CDATA: Final = re.compile(rb"<!\[CDATA\[.*?\]\]>", re.DOTALL)
_OUTER_DOCTYPE: Final = re.compile(
    rb"""((?:\xef\xbb\xbf)?\s*(?:<\?xml[^>]*\?>)?\s*)<!DOCTYPE\s+[\w:.-]+"""
    rb"""(?:\s+(?:PUBLIC\s+(?:"[^"<]*"|'[^'<]*')|SYSTEM)\s+(?:"[^"<]*"|'[^'<]*'))?\s*>"""
)
DECLARATION: Final = b"<?xml version='1.0' encoding='UTF-8' standalone='yes'?>\n"
XML: Final = "http://www.w3.org/XML/1998/namespace"

Element = etree._Element  # noqa: SLF001  # lxml gives its only element class no public name


def parse(untrusted: bytes, *, recover: bool = False) -> Element:
    """The root element, without comments and processing instructions.

    ``recover``: what is not well-formed is read as far as can be, as readers of books do.

    Raises:
        Refused: ``bomb`` over the bounds, ``damaged`` when it is no well-formed XML or declares a document type.
    """
    if len(untrusted) > limits.XML_BYTES:
        raise Bomb
    if untrusted[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        try:
            untrusted = re.sub(r"^\ufeff?<\?xml[^>]*\?>", "", untrusted.decode("utf-16")).encode()
        except UnicodeDecodeError:
            raise Damaged from None
    # Not only in front: anything that looks like one, as a text may not hold the characters unescaped, but as CDATA.
    if _DOCTYPE.search(untrusted) and _DOCTYPE.search(_CDATA.sub(b"", untrusted)):
        raise Damaged
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
        strip_cdata=True,
        collect_ids=False,  # some programs give one twice
        recover=recover,
    )
    try:
        root = etree.fromstring(untrusted, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise Damaged from None
    if root is None:  # of nothing that could be read
        raise Damaged
    if root.getroottree().docinfo.internalDTD is not None:
        raise Damaged
    return root


def without_doctype(untrusted: bytes) -> bytes:
    """A document without a document type that only names one, as older programs wrote; one with more in it stays."""
    match = _OUTER_DOCTYPE.match(untrusted)
    return untrusted if match is None else match[1] + untrusted[match.end() :]


def parse_own(written: bytes) -> Element:
    """The root of what a cleaner of ours has just written: bounded by what it was made of, pictures turned included."""
    return etree.fromstring(
        written, etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True, collect_ids=False)
    )


def serialise(root: Element) -> bytes:
    """UTF-8 with a declaration; only the namespaces that are used."""
    etree.cleanup_namespaces(root)
    return etree.tostring(root, xml_declaration=True, encoding="UTF-8", standalone=True)


@lru_cache(4096)
def split(tag: str) -> tuple[str, str]:
    """Namespace and local name of ``{namespace}name``."""
    if tag.startswith("{"):
        namespace, _, local = tag[1:].partition("}")
        return namespace, local
    return "", tag


def child(element: Element, tag: str) -> Element | None:
    """The first child of a tag, in a part of the time that ``find`` takes."""
    return next(element.iterchildren(tag), None)


def remove(element: Element) -> None:
    """Take an element out of its tree, and leave the text after it where it was."""
    parent = element.getparent()
    if parent is None:
        raise Damaged
    if element.tail:
        previous = element.getprevious()
        if previous is not None:
            previous.tail = (previous.tail or "") + element.tail
        else:
            parent.text = (parent.text or "") + element.tail
    parent.remove(element)


def unwrap(element: Element) -> None:
    """Put an element's children in its place."""
    parent = element.getparent()
    if parent is None:
        raise Damaged
    index = parent.index(element)
    for child in reversed(element):
        parent.insert(index, child)
    parent.remove(element)
