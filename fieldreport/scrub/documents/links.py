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

_LONGEST: Final = 2048
_HOST: Final = re.compile(r"(?=.{4,253}$)([^\W_]([\w-]{0,61}[^\W_])?\.)+[^\W\d_][\w-]{0,61}[^\W_]", re.UNICODE)
_PRIVATE_ENDINGS: Final = (
    ".local", ".localdomain", ".lan", ".home", ".internal", ".intranet", ".corp", ".arpa", ".test", ".invalid",
)  # fmt: skip
_WRAPPERS: Final = ("safelinks.protection.outlook.com", "urldefense.com", "urldefense.proofpoint.com")
_MARKS: Final = re.compile(
    r"(utm_\w+|fbclid|gclid|dclid|gbraid|wbraid|msclkid|yclid|igshid|igsh|mc_eid|mc_cid|_hsenc|_hsmi|mkt_tok|vero_id|"
    r"oly_\w+|s_cid|ref_src|ref_url|si|spm|share_id|share_token|usp|authuser|resourcekey|xmt|email|mail|user|uid|"
    r"userid|user_id|username|token|sessionid|session|sid|auth|key|sig|signature)",
    re.IGNORECASE,
)


def clean_link(untrusted: str, *, depth: int = 0) -> str | None:
    """The address as it may stay in a document, or None if it goes."""
    address = untrusted.strip()
    if len(address) > _LONGEST or not address.isprintable() or any(map(str.isspace, address)):
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
    kept = [(name, value) for name, value in query if not _MARKS.fullmatch(name)]
    asked = parts.query if kept == query else urlencode(kept)
    return urlunsplit((parts.scheme, host if port is None else f"{host}:{port}", parts.path, asked, parts.fragment))


def _is_public(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_global
    except ValueError:
        return bool(_HOST.fullmatch(host)) and not host.endswith(_PRIVATE_ENDINGS)
