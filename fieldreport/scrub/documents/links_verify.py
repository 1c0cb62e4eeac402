"""The second reading of what an attribute may carry: an address of a public page, and a picture in an address."""

from __future__ import annotations

import base64
import binascii
import ipaddress
import re
from typing import Final
from urllib.parse import unquote_plus

from fieldreport.scrub import registry
from fieldreport.scrub.documents import tables
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Residue

_TABLE: Final = tables.load("links")
_FIELD: Final = re.compile(tables.load("kinds")["field"])
_PATH: Final = re.compile(tables.load("telling")["path"], re.IGNORECASE)
_PICTURES: Final = tables.load("html")["pictures"]
_MARKS: Final = frozenset(_TABLE["marks"])
_MARK_PREFIXES: Final = tuple(_TABLE["mark_prefixes"])
_PRIVATE_ENDINGS: Final = tuple(_TABLE["private_endings"])
_WRAPPERS: Final = tuple(_TABLE["wrappers"])
_LINK: Final = re.compile(
    r"https?://(?:(?P<host>[^\s/?#@:\[\]\\]+)|\[(?P<six>[0-9a-f:.]+)\])(?::[0-9]{1,5})?"
    r"(?:/[^\s?#]*)?(?:\?(?P<query>[^\s#]*))?(?:#\S*)?"
)
_IN_BOOK: Final = re.compile(r"(?:chapter[0-9]{1,5}\.xhtml)?(?:#a[0-9]{1,6})?")
_BESIDE: Final = re.compile(r"image[0-9]{1,5}\.(?:jpg|png|gif|svg)")  # in the same package
_LABEL: Final = re.compile(r"[^\W_](?:[\w-]{0,61}[^\W_])?")


def verify_link(address: str) -> None:
    """Read an address that stayed in a document: of a public page, or of a cleaned file in the same archive.

    Raises:
        Residue: it is neither, or says who follows it.
    """
    if registry.named_type(address):
        return
    parts = _LINK.fullmatch(address)
    if parts is None or len(address) > _TABLE["longest"] or not address.isprintable():
        raise Residue
    host = parts["host"] or parts["six"]
    try:
        public = ipaddress.ip_address(host).is_global
    except ValueError:
        labels = host.split(".")
        public = len(labels) > 1 and all(map(_LABEL.fullmatch, labels)) and not host.endswith(_PRIVATE_ENDINGS)
    if not public or host != host.lower() or host.endswith(_WRAPPERS):
        raise Residue
    for asked in (parts["query"] or "").split("&"):
        name = unquote_plus(asked.partition("=")[0]).casefold()
        if name in _MARKS or name.startswith(_MARK_PREFIXES):
            raise Residue


def verify_book_link(address: str) -> None:
    """Read an address in a book: of a place in it, or of a public page.

    Raises:
        Residue: it is neither, or says who follows it.
    """
    if _IN_BOOK.fullmatch(address) is None:
        verify_link(address)


def verify_field(instruction: str) -> None:
    """Read the instruction of a field that stayed one.

    Raises:
        Residue: it is none of those that may, or leads elsewhere than to a public page.
    """
    found = _FIELD.fullmatch(instruction)
    if found is None or _PATH.search(instruction):
        raise Residue
    if found["address"] is not None:
        verify_link(found["address"])


def verify_picture(address: str) -> None:
    """Read the address of a picture: it is ``data:``, or the name of a cleaned file in the same archive.

    Raises:
        Residue: it is neither, or not a clean one in the one form that is written.
    """
    if registry.named_type(address) in _PICTURES or _BESIDE.fullmatch(address) is not None:
        return
    head, _, data = address.partition(";base64,")
    kind = head.removeprefix("data:")
    try:
        content = base64.b64decode(data, validate=True)
    except binascii.Error:
        raise Residue from None
    if head != f"data:{kind}" or kind not in _PICTURES or base64.b64encode(content).decode("ascii") != data:
        raise Residue
    registry.verify(Source.of(content), kind)
