"""How a request reached us: Tor Browser and TLS are safe, a stranger's gateway and plain HTTP are not.

Rules: what cannot be seen counts as unsafe: without ``[intake] https`` any name but an onion address and this machine's
own counts as plain HTTP. There a visitor gets no form to write into; what was posted nevertheless is given back.
"""

from __future__ import annotations

import ipaddress
import re
from typing import Final

import flask

from fieldreport.config import Intake
from fieldreport.errors import NotAllowed

_HARMLESS: Final = frozenset({"static.logo", "static.safety", "static.help_page"})
_GATEWAY: Final = re.compile(r"\.onion\.[a-z]|(?:^|\.)tor2web\.")
_MARKS: Final = ("X-Tor2web", "X-Tor2web-Version")  # gateways that follow the tor2web convention say so


def check(request: flask.Request, settings: Intake) -> None:
    """Refuse forms that came over an unsafe transport.

    Raises:
        NotAllowed: code ``tor-to-web``: through a website that fetches onion pages for other browsers; code
            ``unencrypted``: in the clear.
    """
    if request.routing_exception is not None or request.endpoint in _HARMLESS:
        return  # not a form of ours
    if through_gateway(request):
        raise NotAllowed("reached through a gateway to onion services", code="tor-to-web")
    host = _name(request)
    if not (host.endswith(".onion") or _is_this_machine(host) or settings.https):
        raise NotAllowed("reached without encryption", code="unencrypted")


def through_gateway(request: flask.Request) -> bool:
    """Whether a gateway between the open web and onion services passed this on, by its own mark or by its name."""
    return any(mark in request.headers for mark in _MARKS) or _GATEWAY.search(_name(request)) is not None


def onion_location(request: flask.Request, settings: Intake) -> str | None:
    """The header that tells Tor Browser, on an HTTPS page, the same page's onion address."""
    host = _name(request)
    on_the_web = settings.https and not (host.endswith(".onion") or _is_this_machine(host) or through_gateway(request))
    if not settings.onion or not on_the_web or request.method != "GET":
        return None
    return f"http://{settings.onion}{request.path}"


def _name(request: flask.Request) -> str:
    # Not ``request.host``: it raises for a host that is not trusted, and a gateway's name never is.
    return re.sub(r":\d*$", "", request.headers.get("Host", "").lower()).rstrip(".")


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False
