"""The head of a request: where it ends, and what is refused that gunicorn accepts."""

from __future__ import annotations

from typing import Final, Literal

from gunicorn.http import errors as http_errors
from gunicorn.http.message import Request

from fieldreport import limits

_END: Final = b"\r\n\r\n"
_PROXY_V1: Final = b"PROXY "
_PROXY_V2: Final = b"\r\n\r\n\0\r\nQUIT\n"
_PROXY_V2_FIXED: Final = 16  # bytes of its header; the last two say how many follow
_VERSIONS: Final = frozenset({(1, 0), (1, 1)})


def is_complete(head: bytearray, *, new: int, proxied: bool) -> bool:
    """Whether a head has come to its end or past its bound, ``limits.HEAD_BYTES``.

    Args:
        head: what has arrived of it.
        new: how many of these bytes are looked at for the first time.
        proxied: whether it may begin with a PROXY line or header.

    """
    begin = max(0, len(head) - new - len(_END) + 1)
    if proxied:
        begin = max(begin, _after_proxy_v2(head))
    return head.find(_END, begin) >= 0 or len(head) >= limits.HEAD_BYTES


def _after_proxy_v2(head: bytearray) -> int:
    """Where a request's head begins: after the PROXY header v2, which itself begins with the bytes that end a head.

    After the end of ``head`` while that header is not complete.
    """
    if not head.startswith(_PROXY_V2[: len(head)]):
        return 0
    if len(head) < _PROXY_V2_FIXED:
        return _PROXY_V2_FIXED
    return _PROXY_V2_FIXED + int.from_bytes(head[_PROXY_V2_FIXED - 2 : _PROXY_V2_FIXED], "big")


def refusal_of_endless(head: bytes) -> http_errors.ParseException:
    """Why a head is refused that has no end within its bound."""
    if head.startswith(_PROXY_V1):
        return http_errors.InvalidProxyLine("")
    return http_errors.LimitRequestHeaders("")


def check(request: Request) -> Literal[True]:
    """Refuse what gunicorn accepts and what a proxy and this server may read differently.

    Raises:
        ParseException: another version than 1.0 or 1.1; no Host where one is needed; a target that names a host of its
            own (no browser sends one to a server); a transfer coding other than chunked, which this server does not
            decode.

    """
    if request.version not in _VERSIONS:
        raise http_errors.InvalidHTTPVersion("")
    names = [name for name, _ in request.headers]
    if request.version >= (1, 1) and "HOST" not in names:
        raise http_errors.InvalidHeader("HOST")
    if not request.uri.startswith("/"):
        raise http_errors.InvalidRequestLine("target")
    if any(name == "TRANSFER-ENCODING" and value.lower() != "chunked" for name, value in request.headers):
        raise http_errors.UnsupportedTransferCoding("TRANSFER-ENCODING")
    return True
