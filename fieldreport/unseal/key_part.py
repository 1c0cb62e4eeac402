"""The part of a key file's secret that is on no disk: each bound passkey and each recovery code opens it.

A key file that is bound to passkeys opens with its passphrase and this part together. The part is drawn at every
writing and sealed to the public keys of those who hold it. A holder's private key comes from what only the
authenticator or the paper gives: the passkey's PRF output (WebAuthn Level 3, section 10.1.4; CTAP2 ``hmac-secret``), or
a long recovery code. Because the holders' keys are public, the file is written again without asking for each of them,
and nothing in an older copy opens a newer part. FORMAT.md, "Part", has the bytes.

Rules: what opens a part, and the part, are in no ``repr``; whether it was the holder or the passphrase that did not fit
is not said.
"""

from __future__ import annotations

import hashlib
import re
import secrets
from dataclasses import dataclass, field
from typing import Final

from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from fieldreport.errors import SealError, UsageError
from fieldreport.seal.hybrid import FILE_KEY_BYTES, SEED_BYTES, HybridIdentity, HybridRecipient
from fieldreport.seal.stanza import ENC_BYTES, HYBRID, Stanza, encode_base64
from fieldreport.unseal import recovery_codes

OUTPUT_BYTES: Final = 32
"""Length of a passkey's PRF output."""
SEALED_BYTES: Final = ENC_BYTES + FILE_KEY_BYTES + 16
"""Length of a part that is sealed to one holder: encapsulation, part, tag."""
_INPUT_LABEL: Final = b"fieldreport/v1/passkey/prf\n"
_LABEL: Final = b"fieldreport/v1/key-part/"
_NAME: Final = re.compile("[0-9a-f]{16}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Whose private key opens the part. ``name``: 16 hexadecimal digits, of a passkey or a recovery code."""

    name: str
    recipient: HybridRecipient = field(repr=False)

    def __post_init__(self) -> None:
        if not _NAME.fullmatch(self.name):
            raise UsageError("a holder of the part is named by 16 hexadecimal digits")

    def seal(self, part: bytes) -> bytes:
        """Seal the part, which has 16 bytes, to this holder."""
        stanza = self.recipient.wrap(part)
        return stanza.enc + stanza.body


@dataclass(frozen=True, slots=True, kw_only=True)
class Opener:
    """A holder whose private key is at hand: their passkey has answered, or their code was typed."""

    name: str
    identity: HybridIdentity = field(repr=False)

    @classmethod
    def of_passkey(cls, credential: bytes, output: bytes) -> Opener:
        """From a credential's id and its PRF output, 32 bytes.

        Raises:
            UsageError: the output has another length.
        """
        if len(output) != OUTPUT_BYTES:
            raise UsageError("a passkey's PRF output has 32 bytes")
        name = hashlib.sha256(credential).hexdigest()[:16]
        return cls(name=name, identity=_identity(b"passkey", output))

    @classmethod
    def of_code(cls, untrusted_code: str) -> Opener:
        """From a recovery code as it was typed; one of anything else opens nothing."""
        name = recovery_codes.name_of(recovery_codes.digest(untrusted_code))
        return cls(name=name, identity=_identity(b"recovery-code", recovery_codes.folded(untrusted_code)))

    @property
    def holder(self) -> Holder:
        """Their public half."""
        return Holder(name=self.name, recipient=self.identity.recipient)

    def open_(self, untrusted_sealed: bytes) -> bytes | None:
        """The part, or nothing: it was not sealed to this holder."""
        enc, body = untrusted_sealed[:ENC_BYTES], untrusted_sealed[ENC_BYTES:]
        try:
            stanza = Stanza(HYBRID, (encode_base64(enc).decode("ascii"),), body)
        except SealError:
            return None
        return self.identity.unwrap(stanza)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What an unlocked session keeps: the 16 bytes, and the salt of the one writing of the key file that they fit."""

    value: bytes = field(repr=False)
    salt: bytes = field(repr=False)


def draw() -> bytes:
    """A new part, 16 bytes."""
    return secrets.token_bytes(FILE_KEY_BYTES)


def prf_input(instance: bytes) -> bytes:
    """What passkeys are asked to evaluate at a newsroom's desk, 32 bytes; the same for everybody, and public.

    The browser hashes it into the salt of ``hmac-secret``: SHA-256 of ``WebAuthn PRF``, a zero byte and this.
    """
    return hashlib.sha256(_INPUT_LABEL + instance).digest()


def _identity(kind: bytes, secret: bytes) -> HybridIdentity:
    return HybridIdentity(HKDF(SHA256(), SEED_BYTES, salt=None, info=_LABEL + kind + b"\n").derive(secret))
