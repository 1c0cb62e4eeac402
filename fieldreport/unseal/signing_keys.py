"""Private signing keys: a person's, for sign-offs and audit entries, and the admin's pair, for rosters.

Rules: a key is its seed; every signature has a label that says what it is for; a seed is in no ``repr``. Keys are equal
when their public halves are: the time of comparing seeds would leak them.
"""

from __future__ import annotations

import secrets
from dataclasses import dataclass, field
from typing import Final, Self

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.mldsa import MLDSA65PrivateKey

from fieldreport.errors import PlatformError
from fieldreport.seal.handover import ACCEPTANCE_LABEL, HANDOVER_LABEL, HandOver
from fieldreport.seal.roster import ROSTER_LABEL, parse_roster
from fieldreport.seal.signatures import AdminPublic, encode_signatures, signed_bytes

SEED_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class SigningKey:
    """An Ed25519 key (RFC 8032) by its 32-byte seed."""

    seed: bytes = field(repr=False, compare=False)
    public: bytes = field(init=False)
    _key: Ed25519PrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        key = Ed25519PrivateKey.from_private_bytes(self.seed)
        object.__setattr__(self, "_key", key)
        object.__setattr__(self, "public", key.public_key().public_bytes_raw())

    @classmethod
    def generate(cls) -> Self:
        """Draw a new key."""
        return cls(secrets.token_bytes(SEED_BYTES))

    def sign(self, label: str, message: bytes) -> bytes:
        """Sign ``message`` for the purpose ``label``: 64 bytes that ``seal.verify_signature`` takes."""
        return self._key.sign(signed_bytes(label, message))


@dataclass(frozen=True, slots=True, kw_only=True)
class AdminKey:
    """What rosters are signed with: an Ed25519 and an ML-DSA-65 seed (FIPS 204), 32 bytes each. It reads nothing."""

    ed25519: SigningKey = field(repr=False)
    mldsa65_seed: bytes = field(repr=False, compare=False)
    public: AdminPublic = field(init=False)
    _mldsa65: MLDSA65PrivateKey = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        try:
            key = MLDSA65PrivateKey.from_seed_bytes(self.mldsa65_seed)
        except UnsupportedAlgorithm:
            raise PlatformError("this build of the Python package 'cryptography' has no ML-DSA") from None
        public = AdminPublic(ed25519=self.ed25519.public, mldsa65=key.public_key().public_bytes_raw())
        object.__setattr__(self, "_mldsa65", key)
        object.__setattr__(self, "public", public)

    @classmethod
    def generate(cls) -> Self:
        """Draw a new pair."""
        return cls(ed25519=SigningKey.generate(), mldsa65_seed=secrets.token_bytes(SEED_BYTES))

    def sign_roster(self, raw: bytes) -> bytes:
        """The bytes of ``roster.json.sig`` for exactly these bytes of ``roster.json``.

        Raises:
            RosterError: (code ``roster-malformed``) this is not a roster; a signed mistake could not be taken back.
        """
        parse_roster(raw)
        return self.sign(ROSTER_LABEL, raw)

    def sign(self, label: str, message: bytes) -> bytes:
        """Both signatures over ``message`` for the purpose ``label``, as ``AdminPublic.verify`` takes them."""
        return encode_signatures(
            ed25519=self.ed25519.sign(label, message), mldsa65=self._mldsa65.sign(signed_bytes(label, message))
        )


def sign_hand_over(
    old: AdminKey, new: AdminKey, *, instance: bytes, number: int, epoch: int
) -> tuple[bytes, bytes, bytes]:
    """Hand ``old`` over to ``new``: the document, the old key's signatures, and the new key's that it accepts.

    Args:
        old: the key in force.
        new: the key that signs the roster of ``epoch`` and those after it.
        instance: 16 bytes, the newsroom's.
        number: one more than that of the hand-over before; 1 for the first.
        epoch: of the next roster.

    Raises:
        RosterError: (code ``roster-handover``) a value is out of bounds, or both keys are one.
    """
    raw = HandOver(instance=instance, number=number, epoch=epoch, old=old.public, new=new.public).encode()
    return raw, old.sign(HANDOVER_LABEL, raw), new.sign(ACCEPTANCE_LABEL, raw)
