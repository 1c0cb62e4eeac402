"""Checks signatures.

Rules: what is signed is always a label and a message, so that a signature for one purpose is worth nothing for another.
A check returns ``True`` or raises, so that no caller can forget to look at the result. The bytes are specified in
FORMAT.md, "Signatures".
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass
from typing import Final, Literal, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PublicKey

from fieldreport.errors import SealError

ED25519_PUBLIC_BYTES: Final = 32
ED25519_SIGNATURE_BYTES: Final = 64
MLDSA65_PUBLIC_BYTES: Final = 1952
MLDSA65_SIGNATURE_BYTES: Final = 3309

_LABEL: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")
_ADMIN_LINE: Final = "fieldreport admin key v1"
_SIGNATURES_LINE: Final = "fieldreport signatures v1"


def signed_bytes(label: str, message: bytes) -> bytes:
    """What a signature is computed over: the label ends at a line feed, which no label holds, and the rest is message.

    ``label``: the purpose, ``[a-z][a-z0-9-]*``, at most 64 characters, such as ``roster`` or ``audit-entry``.
    """
    if not _LABEL.fullmatch(label):
        raise ValueError("a signature label is a short lower-case word")
    return f"fieldreport/v1/signature/{label}\n".encode() + message


def verify_signature(public: bytes, label: str, message: bytes, signature: bytes) -> Literal[True]:
    """Check an Ed25519 signature (RFC 8032) of 64 bytes by the 32-byte public key ``public``.

    Raises:
        SealError: (code ``signature``) it is not one by this key over this label and message.
    """
    try:
        Ed25519PublicKey.from_public_bytes(public).verify(signature, signed_bytes(label, message))
    except (InvalidSignature, ValueError):
        raise SealError("a signature does not fit", code="signature") from None
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminPublic:
    """The public half of the admin's key: Ed25519 (32 bytes) and ML-DSA-65 (1,952 bytes, FIPS 204). Both must sign."""

    ed25519: bytes
    mldsa65: bytes

    def __post_init__(self) -> None:
        if len(self.ed25519) != ED25519_PUBLIC_BYTES or len(self.mldsa65) != MLDSA65_PUBLIC_BYTES:
            raise SealError("an admin key has the wrong length", code="admin-key")

    @property
    def fingerprint(self) -> str:
        """SHA-256 of both keys, 64 hexadecimal digits: what an intake pins."""
        return hashlib.sha256(self.ed25519 + self.mldsa65).hexdigest()

    def encode(self) -> str:
        """The text of ``admin.pub``."""
        return _lines(_ADMIN_LINE, self.ed25519, self.mldsa65)

    @classmethod
    def parse(cls, untrusted_text: str) -> Self:
        """Read what ``encode`` wrote, and nothing else.

        Raises:
            SealError: (code ``admin-key``) it is not exactly that.
        """
        try:
            ed25519, mldsa65 = _values(_ADMIN_LINE, untrusted_text, ED25519_PUBLIC_BYTES, MLDSA65_PUBLIC_BYTES)
            Ed25519PublicKey.from_public_bytes(ed25519)
            MLDSA65PublicKey.from_public_bytes(mldsa65)
        except ValueError:
            raise SealError("not an admin key", code="admin-key") from None
        return cls(ed25519=ed25519, mldsa65=mldsa65)

    def verify(self, label: str, message: bytes, untrusted_signatures: bytes) -> Literal[True]:
        """Check the pair of signatures that ``encode_signatures`` wrote; neither suffices alone.

        Raises:
            SealError: (code ``signature``) either is missing, malformed or does not fit.
        """
        try:
            ed25519, mldsa65 = _values(
                _SIGNATURES_LINE,
                untrusted_signatures.decode("ascii"),
                ED25519_SIGNATURE_BYTES,
                MLDSA65_SIGNATURE_BYTES,
            )
            MLDSA65PublicKey.from_public_bytes(self.mldsa65).verify(mldsa65, signed_bytes(label, message))
        except (InvalidSignature, ValueError):
            raise SealError("a signature does not fit", code="signature") from None
        return verify_signature(self.ed25519, label, message, ed25519)


def encode_signatures(*, ed25519: bytes, mldsa65: bytes) -> bytes:
    """The bytes of a signature file, such as ``roster.json.sig``."""
    return _lines(_SIGNATURES_LINE, ed25519, mldsa65).encode()


def _lines(first: str, ed25519: bytes, mldsa65: bytes) -> str:
    values = (("ed25519", ed25519), ("ml-dsa-65", mldsa65))
    return "".join([f"{first}\n", *(f"{name} {base64.b64encode(value).decode()}\n" for name, value in values)])


def _values(first: str, untrusted_text: str, ed25519_bytes: int, mldsa65_bytes: int) -> tuple[bytes, bytes]:
    lines = untrusted_text.split("\n", 4)
    if len(lines) != 4 or lines[0] != first or lines[3]:
        raise ValueError
    values = []
    for line, name, length in ((lines[1], "ed25519", ed25519_bytes), (lines[2], "ml-dsa-65", mldsa65_bytes)):
        label, _, text = line.partition(" ")
        try:
            value = base64.b64decode(text, validate=True)
        except binascii.Error:
            raise ValueError from None
        if label != name or len(value) != length or base64.b64encode(value).decode() != text:
            raise ValueError
        values.append(value)
    return values[0], values[1]
