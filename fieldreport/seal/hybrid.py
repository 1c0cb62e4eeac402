"""Hybrid post-quantum recipients and identities: age's ``mlkem768x25519`` (C2SP age; X-Wing; RFC 9180 HPKE).

Rules: a stanza is used only after its shape was checked; a key that does not open a stanza returns ``None`` and does
not say why; the seed is in no ``repr``, cannot be pickled or copied, and is compared in constant time.

Python cannot overwrite an immutable ``bytes``: the seed and unwrapped file keys live until their objects are collected.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from functools import cache
from typing import Final, NoReturn

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.mlkem import MLKEM768PrivateKey, MLKEM768PublicKey
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import (
    AEAD,
    KDF,
    KEM,
    MLKEM768X25519PrivateKey,
    MLKEM768X25519PublicKey,
    Suite,
)
from typing_extensions import override

from fieldreport.errors import PlatformError, SealError
from fieldreport.seal import bech32
from fieldreport.seal.stanza import ENC_BYTES, HYBRID, Stanza, is_low_order

PUBLIC_BYTES: Final = 1216  # ML-KEM-768 encapsulation key (1,184) and X25519 public key (32)
SEED_BYTES: Final = 32
FILE_KEY_BYTES: Final = 16
_MLKEM_PUBLIC_BYTES: Final = 1184
_MLKEM_SEED_BYTES: Final = 64
_MLKEM_MODULUS: Final = 3329
_MLKEM_COEFFICIENTS: Final = 768  # of a public key: three polynomials of 256
_INFO: Final = b"age-encryption.org/mlkem768x25519"
_RECIPIENT_PREFIX: Final = "age1pq"
_IDENTITY_PREFIX: Final = "age-secret-key-pq-"


@cache
def _suite() -> Suite:
    """Return HPKE as the stanza's specification names it; raises ``PlatformError`` where OpenSSL has no ML-KEM."""
    try:
        return Suite(KEM.MLKEM768_X25519, KDF.HKDF_SHA256, AEAD.CHACHA20_POLY1305)
    except (UnsupportedAlgorithm, AttributeError):
        raise PlatformError("this build of the Python package 'cryptography' has no ML-KEM", code="no-ml-kem") from None


class HybridRecipient:
    """A public key that a file key can be wrapped to. Equal by its bytes.

    Args:
        public: 1,216 bytes, ML-KEM-768 encapsulation key then X25519 public key.

    Raises:
        SealError: (code ``key-text``) a wrong length, an ML-KEM key with coefficients out of range (FIPS 203 section
            7.2), or a low-order X25519 point.
        PlatformError: this build has no ML-KEM.
    """

    __slots__ = ("_key", "key_id", "public")

    public: Final[bytes]
    key_id: Final[str]

    def __init__(self, public: bytes) -> None:
        if len(public) != PUBLIC_BYTES or is_low_order(public[_MLKEM_PUBLIC_BYTES:]):
            raise _bad_key()
        try:
            mlkem = MLKEM768PublicKey.from_public_bytes(public[:_MLKEM_PUBLIC_BYTES])
            x25519 = X25519PublicKey.from_public_bytes(public[_MLKEM_PUBLIC_BYTES:])
        except ValueError:
            raise _bad_key() from None
        except UnsupportedAlgorithm:
            raise _no_mlkem() from None
        self._key = MLKEM768X25519PublicKey(mlkem, x25519)
        self.public = bytes(public)
        self.key_id = hashlib.sha256(self.public).hexdigest()[:32]

    @classmethod
    def parse(cls, untrusted_text: str) -> HybridRecipient:
        """Parse ``age1pq1…``; raises ``SealError`` (code ``key-text``) for anything else."""
        return cls(bech32.decode(untrusted_text, prefix=_RECIPIENT_PREFIX, length=PUBLIC_BYTES))

    def wrap(self, file_key: bytes | bytearray) -> Stanza:
        """Wrap a 16-byte file key; every call draws a fresh encapsulation."""
        if len(file_key) != FILE_KEY_BYTES:
            raise SealError("a file key has 16 bytes", code="file-key")
        sealed = _suite().encrypt(file_key, self._key, info=_INFO)
        return Stanza.hybrid(sealed[:ENC_BYTES], sealed[ENC_BYTES:])

    @override
    def __str__(self) -> str:
        return bech32.encode(_RECIPIENT_PREFIX, self.public)

    @override
    def __repr__(self) -> str:
        return f"HybridRecipient({self.key_id})"

    @override
    def __eq__(self, other: object) -> bool:
        return self.public == other.public if isinstance(other, HybridRecipient) else NotImplemented

    @override
    def __hash__(self) -> int:
        return hash(self.public)


class HybridIdentity:
    """A private key: a 32-byte X-Wing seed and what it expands to (SHAKE-256 to 96 bytes: 64 ML-KEM, 32 X25519).

    Args:
        seed: 32 random bytes.

    Raises:
        SealError: (code ``key-text``) a seed of another length.
        PlatformError: this build has no ML-KEM.
    """

    __slots__ = ("_private", "recipient", "seed")

    seed: Final[bytes]
    recipient: Final[HybridRecipient]

    def __init__(self, seed: bytes) -> None:
        if len(seed) != SEED_BYTES:
            raise _bad_key()
        expanded = hashlib.shake_256(seed).digest(_MLKEM_SEED_BYTES + 32)
        try:
            mlkem = MLKEM768PrivateKey.from_seed_bytes(expanded[:_MLKEM_SEED_BYTES])
        except UnsupportedAlgorithm:
            raise _no_mlkem() from None
        x25519 = X25519PrivateKey.from_private_bytes(expanded[_MLKEM_SEED_BYTES:])
        self._private = MLKEM768X25519PrivateKey(mlkem, x25519)
        self.seed = bytes(seed)
        self.recipient = HybridRecipient(
            mlkem.public_key().public_bytes_raw() + x25519.public_key().public_bytes_raw(),
        )

    @classmethod
    def generate(cls) -> HybridIdentity:
        """Draw a new identity from the operating system."""
        return cls(os.urandom(SEED_BYTES))

    @classmethod
    def parse(cls, untrusted_text: str) -> HybridIdentity:
        """Parse ``AGE-SECRET-KEY-PQ-1…``, in capitals; raises ``SealError`` (code ``key-text``) for anything else."""
        if untrusted_text != untrusted_text.upper():
            raise _bad_key()
        return cls(bech32.decode(untrusted_text, prefix=_IDENTITY_PREFIX, length=SEED_BYTES))

    @property
    def key_id(self) -> str:
        """The recipient's key id, 32 hexadecimal digits."""
        return self.recipient.key_id

    def encode(self) -> str:
        """Return ``AGE-SECRET-KEY-PQ-1…``, which any age 1.3 takes. This is the secret itself."""
        return bech32.encode(_IDENTITY_PREFIX, self.seed).upper()

    def unwrap(self, stanza: Stanza) -> bytes | None:
        """Return the 16-byte file key, or ``None`` if the stanza is of another type or for another key."""
        if stanza.type != HYBRID:
            return None
        try:
            return _suite().decrypt(stanza.enc + stanza.body, self._private, info=_INFO)
        except InvalidTag:
            return None

    @override
    def __repr__(self) -> str:
        return f"HybridIdentity({self.key_id})"

    @override
    def __eq__(self, other: object) -> bool:
        return hmac.compare_digest(self.seed, other.seed) if isinstance(other, HybridIdentity) else NotImplemented

    @override
    def __hash__(self) -> int:
        return hash(self.recipient)

    @override
    def __reduce_ex__(self, protocol: object) -> NoReturn:
        # Pickles end up in caches, queues and crash reports; a process that needs the key gets the seed explicitly.
        raise TypeError("a private key is not pickled or copied")


def decoy_stanza() -> Stanza:
    """A stanza that nobody opens, around bytes that are no file key; it costs as much time as any other.

    Without the private key that a stanza is for, it cannot be told from any other: its encapsulation is as good as
    random, whichever key it is to.
    """
    return _nobody().wrap(os.urandom(FILE_KEY_BYTES))


@cache
def _nobody() -> HybridRecipient:
    """A public key without a private one: uniform coefficients (FIPS 203 ByteEncode12), seed and X25519 share."""
    coefficients = (secrets.randbelow(_MLKEM_MODULUS) << 12 * place for place in range(_MLKEM_COEFFICIENTS))
    encoded = sum(coefficients).to_bytes(12 * _MLKEM_COEFFICIENTS // 8, "little")
    return HybridRecipient(encoded + os.urandom(PUBLIC_BYTES - len(encoded)))


def _bad_key() -> SealError:
    return SealError("this is not a key that fieldreport knows", code="key-text", detail="key is malformed")


def _no_mlkem() -> PlatformError:
    return PlatformError("this build of the Python package 'cryptography' has no ML-KEM", code="no-ml-kem")
