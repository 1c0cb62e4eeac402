"""The secret of one-time codes on its way into an authenticator app: as a QR code, and as text to type."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from typing import Final

import segno

from fieldreport.unseal import totp

_QUIET: Final = 4  # modules of white around a QR code that readers expect
_GROUP: Final = 4


@dataclass(frozen=True, slots=True, kw_only=True)
class QrCode:
    """A QR code as the outline of its dark squares: the ``d`` of an SVG path, in a square of ``side`` modules."""

    path: str = field(repr=False)
    side: int


def typed_secret(secret: bytes) -> str:
    """The secret for an app that cannot scan: base32 in groups of four."""
    text = base64.b32encode(secret).decode("ascii").rstrip("=")
    return " ".join(text[start : start + _GROUP] for start in range(0, len(text), _GROUP))


def qr_code(secret: bytes, handle: str, newsroom: str) -> QrCode:
    """What the app scans."""
    code = segno.make_qr(totp.provisioning_uri(secret, handle, newsroom))
    rows = [bytes(row) for row in code.matrix]
    squares = [
        f"M{across + _QUIET} {down + _QUIET}h1v1h-1z"
        for down, row in enumerate(rows)
        for across, dark in enumerate(row)
        if dark
    ]
    return QrCode(path="".join(squares), side=len(rows) + 2 * _QUIET)
