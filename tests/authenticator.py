"""An authenticator in a few lines, after W3C WebAuthn Level 3, that does what a test asks, also what none would."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import struct
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

PRESENT_AND_VERIFIED: Final = 0x05
_WITH_CREDENTIAL: Final = 0x40

PrivateKey = ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | rsa.RSAPrivateKey


def b64url(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


@dataclass(kw_only=True)
class Authenticator:
    """One credential. ``counter`` rises with each use; at 0 and with ``counts`` false it stays there.

    ``random``: the 32 bytes of CTAP2's ``hmac-secret`` (CredRandomWithUV), by which it evaluates the extension PRF;
    without them it has none.
    """

    key: PrivateKey = field(default_factory=lambda: ec.generate_private_key(ec.SECP256R1()))
    credential: bytes = field(default_factory=lambda: os.urandom(32))
    counter: int = 0
    counts: bool = True
    random: bytes = b""

    @property
    def public(self) -> bytes:
        form = serialization.PublicFormat.SubjectPublicKeyInfo
        return self.key.public_key().public_bytes(serialization.Encoding.DER, form)

    def make(self, asked: dict[str, Any], origin: str, *, flags: int = PRESENT_AND_VERIFIED, **client: object) -> str:
        """Answer to ``navigator.credentials.create``, as our script sends it."""
        data = self._head(asked["host"], flags | _WITH_CREDENTIAL) + bytes(16)
        data += struct.pack(">H", len(self.credential)) + self.credential + b"\xa1\x01\x02"  # where CBOR would stand
        return json.dumps(
            {
                "id": b64url(self.credential),
                "data": b64url(data),
                "client": b64url(_client("webauthn.create", asked, origin, client)),
                "public": b64url(self.public),
            }
            | ({"prf": ""} if self.random else {})
        )

    def use(
        self,
        asked: dict[str, Any],
        origin: str,
        *,
        flags: int = PRESENT_AND_VERIFIED,
        more: bytes = b"",
        **client: object,
    ) -> str:
        """Answer to ``navigator.credentials.get``."""
        self.counter += self.counts
        data, said = self._head(asked["host"], flags) + more, _client("webauthn.get", asked, origin, client)
        signature = self._sign(data + hashlib.sha256(said).digest())
        return json.dumps(
            {
                "id": b64url(self.credential),
                "data": b64url(data),
                "client": b64url(said),
                "signature": b64url(signature),
            }
            | ({"prf": b64url(self.evaluate(asked["prf"]))} if self.random else {})
        )

    def evaluate(self, asked: str) -> bytes:
        """WebAuthn Level 3, section 10.1.4: the browser hashes the input into the salt, the authenticator has HMAC."""
        given = base64.urlsafe_b64decode(asked + "=" * (-len(asked) % 4))
        return hmac.digest(self.random, hashlib.sha256(b"WebAuthn PRF\x00" + given).digest(), "sha256")

    def _head(self, host: str, flags: int) -> bytes:
        return hashlib.sha256(host.encode()).digest() + struct.pack(">BI", flags, self.counter)

    def _sign(self, message: bytes) -> bytes:
        match self.key:
            case ec.EllipticCurvePrivateKey():
                return self.key.sign(message, ec.ECDSA(hashes.SHA256()))
            case ed25519.Ed25519PrivateKey():
                return self.key.sign(message)
            case _:
                return self.key.sign(message, padding.PKCS1v15(), hashes.SHA256())


def _client(kind: str, asked: dict[str, Any], origin: str, more: dict[str, object]) -> bytes:
    said = {"type": kind, "challenge": asked["challenge"], "origin": origin, "crossOrigin": False, **more}
    return json.dumps(said).encode()
