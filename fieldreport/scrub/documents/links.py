"""Addresses inside documents: which of them may stay, and in what form.

A link to a public web page is content. What goes: files and folders, shares, addresses inside an office's own network
(they name the employer), user names and passwords, the marks that mail programs, newsletters and networks add to say
who clicked, and the mail gateways' wrappers that carry the recipient's own address.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit, urlunsplit

from fieldreport.scrub.documents import tables

_TABLE: Final = tables.load("links")
_HOST: Final = re.compile(r"(?=.{4,253}$)([^\W_]([\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61}[^\W_]", re.UNICODE)
_PRIVATE_ENDINGS: Final = tuple(_TABLE["private_endings"])
_WRAPPERS: Final = tuple(_TABLE["wrappers"])
_MARKS: Final = frozenset(_TABLE["marks"])
_MARK_PREFIXES: Final = tuple(_TABLE["mark_prefixes"])


def clean_link(untrusted: str, *, depth: int = 0) -> str | None:
    """The address as it may stay in a document, or None if it goes."""
    address = untrusted.strip()
    if len(address) > _TABLE["longest"] or not address.isprintable() or any(map(str.isspace, address)):
        return None
    try:
        parts = urlsplit(address)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        return None
    if parts.scheme not in {"http", "https"} or not _is_public(host):
        return None
    query = parse_qsl(parts.query, keep_blank_values=True)
    if host.endswith(_WRAPPERS):
        inner = dict(query).get("url", "")
        return clean_link(unquote(inner), depth=depth + 1) if depth == 0 else None
    kept = [(name, value) for name, value in query if not _is_mark(name)]
    place = f"[{host}]" if ":" in host else host
    asked = parts.query if kept == query else urlencode(kept)
    return urlunsplit((parts.scheme, place if port is None else f"{place}:{port}", parts.path, asked, parts.fragment))


def _is_mark(name: str) -> bool:
    folded = name.casefold()
    return folded in _MARKS or folded.startswith(_MARK_PREFIXES)


def _is_public(host: str) -> bool:
    if _HOST.fullmatch(host):
        return not host.endswith(_PRIVATE_ENDINGS)
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return False
