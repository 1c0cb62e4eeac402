"""The security headers of every answer, in one place.

Rules: an answer gets all of them whatever its status, also those that the server writes itself when the request never
reaches an application. A page may do only what it needs: everything is off, and an application names its exceptions.
The values are tested on live answers, not here.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Final  # noqa: TID251 - the press uses this and loads no Flask

if TYPE_CHECKING:
    from flask import Flask, Response

# Everything off, in the order of the directives. ``form-action`` and the two after it do not fall back to default-src.
_CONTENT_SECURITY: Final = MappingProxyType(
    {
        "default-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
)

# Only features that browsers still ask about; an unknown name only gives a warning in the console.
_FEATURES: Final = (
    "accelerometer",
    "autoplay",
    "camera",
    "display-capture",
    "encrypted-media",
    "fullscreen",
    "geolocation",
    "gyroscope",
    "hid",
    "identity-credentials-get",
    "idle-detection",
    "magnetometer",
    "microphone",
    "midi",
    "payment",
    "picture-in-picture",
    "publickey-credentials-create",
    "publickey-credentials-get",
    "screen-wake-lock",
    "serial",
    "usb",
    "xr-spatial-tracking",
)


def style_source(text: str) -> str:
    """The ``style-src`` value that allows one inline ``<style>`` element with exactly this text (CSP3, 2.3.1)."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


def security_headers(
    content: Mapping[str, str] | None = None,
    *,
    referrer: str = "no-referrer",
    features: Mapping[str, str] | None = None,
) -> dict[str, str]:
    """All headers of one answer.

    Args:
        content: Content-Security-Policy directives on top of the four that are always there, such as
            ``{"img-src": "'self'"}``. They may replace ``form-action`` but not loosen the other three.
        referrer: the ``Referrer-Policy``.
        features: Permissions-Policy entries that are not off, such as ``{"publickey-credentials-get": "(self)"}``.

    Raises:
        ValueError: a directive would loosen ``default-src``, ``base-uri`` or ``frame-ancestors``.

    """
    content = content or {}
    features = features or {}
    if content.keys() & {"default-src", "base-uri", "frame-ancestors"}:
        raise ValueError("default-src, base-uri and frame-ancestors stay 'none'")
    policy = {**_CONTENT_SECURITY, **content}
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Embedder-Policy": "require-corp",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": ", ".join(f"{name}={features.get(name, '()')}" for name in _FEATURES),
        "Referrer-Policy": referrer,
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",  # for browsers too old for frame-ancestors
        "X-Robots-Tag": "noindex, nofollow, noarchive",  # a search engine's copy would outlive the page
        "Cache-Control": "no-store",
    }


def apply(app: Flask, content: Mapping[str, str] | None = None, **options: object) -> None:
    """Put the headers on every answer of ``app``, replacing what a view set; arguments as ``security_headers``.

    A view that serves something with a policy of its own (a preview in a sandbox) sets
    ``response.headers["Content-Security-Policy"]`` through ``own_policy``, never directly.
    """
    fixed = security_headers(content, **options)  # type: ignore[arg-type]  # same names, checked there

    def add(response: Response) -> Response:
        own = getattr(response, _OWN_POLICY, None)
        for name, value in fixed.items():
            response.headers[name] = value
        if own is not None:
            response.headers["Content-Security-Policy"] = own
        return response

    app.after_request(add)


_OWN_POLICY: Final = "fieldreport_own_policy"


def own_policy(response: Response, content: Mapping[str, str]) -> Response:
    """Give one answer a Content-Security-Policy of its own: nothing but ``content``, say for a sandboxed preview."""
    policy = {**_CONTENT_SECURITY, "form-action": "'none'", **content}
    setattr(response, _OWN_POLICY, "; ".join(f"{name} {value}" for name, value in policy.items()))
    return response
