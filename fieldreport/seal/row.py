"""What a database must be able to forget, encrypted under a key of its own that is kept elsewhere.

Databases remember: logs, dead rows, replicas and backups hold what a row was. Anybody who destroys the key of a row has
destroyed all of these at once. Specified in FORMAT.md, "Row".
"""

from __future__ import annotations

import secrets
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from fieldreport.errors import SealError
from fieldreport.limits import ROW_KEY_BYTES

_DOMAIN: Final = b"fieldreport/v1/row\n"
_NONCE: Final = bytes(12)  # a key encrypts one content, ever


def encrypt_row(content: bytes) -> tuple[bytes, bytes]:
    """Return a new key of 32 bytes, and ``content`` encrypted under it."""
    key = secrets.token_bytes(ROW_KEY_BYTES)
    return key, ChaCha20Poly1305(key).encrypt(_NONCE, content, _DOMAIN)


def decrypt_row(key: bytes, hidden: bytes) -> bytes:
    """Return what ``encrypt_row`` was given.

    Raises:
        SealError: (code ``row-key``) this is not the key of this row.
    """
    try:
        return ChaCha20Poly1305(key).decrypt(_NONCE, hidden, _DOMAIN)
    except InvalidTag:
        raise SealError("this row cannot be opened", detail="not the key of this row", code="row-key") from None
