"""Passkeys: the second factor by WebAuthn (W3C, Level 3). Their public keys lie in the person's key file.

A browser makes a key pair for one host in an authenticator (a security key, a phone, the machine itself) and gives us
the public half; later it signs our challenge, the page's origin and what the authenticator saw. It is asked after the
passphrase has opened the key file, so nothing here tells a stranger whether there is such a passkey.

Rules: what a browser sends is untrusted until its signature fits; the user was verified, not only present; no
attestation is asked for and none is looked at, so that the maker of an authenticator is nobody's business; public keys
are those that browsers give out as SubjectPublicKeyInfo, and no CBOR is parsed.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import json
import struct
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa

from fieldreport import limits
from fieldreport.errors import UnlockRefused, UsageError
from fieldreport.sentence import Sentence
from fieldreport.unseal.key_part import Opener

ALGORITHMS: Final = (-8, -7, -257)
"""COSE numbers of what is accepted, the best first: Ed25519, ECDSA on P-256, RSA PKCS #1 v1.5, each with SHA-256."""

_HEAD: Final = struct.Struct(">32sBI")  # SHA-256 of the host, flags, counter
_AAGUID_BYTES: Final = 16
_LENGTH: Final = struct.Struct(">H")
_PRESENT: Final = 0x01
_VERIFIED: Final = 0x04
_BACKUP_ELIGIBLE: Final = 0x08
_BACKED_UP: Final = 0x10
_HAS_CREDENTIAL: Final = 0x40
_HAS_EXTENSIONS: Final = 0x80
_RSA_BITS: Final = range(2048, 4097)
_REFUSED: Final = "that did not match"


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey:
    """One passkey of one person.

    ``name``: what they call it. ``credential``: its id, which the authenticator drew, at most 255 bytes. ``public``:
    SubjectPublicKeyInfo in DER. ``host``: the page's host that it was made for, and works for. ``prf``: whether its
    authenticator has said that it evaluates the PRF extension, so that a key file can be bound to it.
    """

    name: str
    credential: bytes = field(repr=False)
    public: bytes = field(repr=False)
    host: str
    prf: bool = False

    def __post_init__(self) -> None:
        named = 0 < len(self.name) <= limits.PASSKEY_NAME_CHARACTERS and self.name.isprintable()
        if not named or self.name != self.name.strip():
            raise UsageError(
                Sentence("a passkey's name has 1 to %(most)s characters", most=limits.PASSKEY_NAME_CHARACTERS)
            )
        if not 0 < len(self.credential) <= limits.PASSKEY_ID_BYTES or not self.host or not self.host.isascii():
            raise UsageError(Sentence("this is not a passkey"))
        _public_key(self.public)

    @property
    def id(self) -> str:
        """How the log and pages name it: 16 hexadecimal digits."""
        return hashlib.sha256(self.credential).hexdigest()[:16]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """Where a browser was asked, and what: ``origin`` such as ``https://desk.example``, ``challenge`` 32 bytes."""

    origin: str
    host: str
    challenge: bytes = field(repr=False)


def made(untrusted_answer: str, page: Page, *, name: str) -> Passkey:
    """The passkey that a browser says it has made.

    Args:
        untrusted_answer: JSON with ``id``, ``data`` (authenticator data), ``client`` (client data) and ``public``, each
            in base64url; and ``prf``, of any content, where the extension was enabled.
        page: where it was asked.
        name: what its owner calls it.

    Raises:
        UsageError: it is not an answer to this page, the user was not verified, or its key is of another kind.
    """
    try:
        answer = _fields(untrusted_answer, "id", "data", "client", "public", optional="prf")
        _check_client(answer["client"], "webauthn.create", page)
        flags, _ = _check_head(answer["data"], page.host)
        _check_credential(flags, answer["data"][_HEAD.size :], answer["id"])
    except (ValueError, struct.error) as error:
        raise UsageError(Sentence("this passkey cannot be used here"), detail=f"passkey: {error}") from None
    return Passkey(name=name, credential=answer["id"], public=answer["public"], host=page.host, prf="prf" in answer)


def used(passkeys: Collection[Passkey], untrusted_answer: str, page: Page) -> tuple[Passkey, int]:
    """Check that a browser's answer is signed by one of these passkeys; returns it, and its counter.

    The caller takes a challenge once, and compares the counter with the last one.

    Args:
        passkeys: of the person whose passphrase was right.
        untrusted_answer: JSON with ``id``, ``data``, ``client`` and ``signature``, each in base64url; and ``prf``, as
            ``opener`` reads it.
        page: where it was asked.

    Raises:
        UnlockRefused: anything at all did not match.
    """
    try:
        answer = _fields(untrusted_answer, "id", "data", "client", "signature", optional="prf")
        passkey = _of_id(passkeys, answer["id"], page.host)
        _check_client(answer["client"], "webauthn.get", page)
        flags, counter = _check_head(answer["data"], page.host)
        _check_only_head(flags, answer["data"][_HEAD.size :])
        message = answer["data"] + hashlib.sha256(answer["client"]).digest()
        _verify(_public_key(passkey.public), answer["signature"], message)
    except (ValueError, struct.error, InvalidSignature, UsageError) as error:
        raise UnlockRefused(_REFUSED, detail=f"passkey: {type(error).__name__}") from None
    return passkey, counter


def opener(untrusted_answer: str) -> Opener | None:
    """What a browser's answer opens the part of a key file with, or nothing: it holds no PRF output.

    The output is a secret of the authenticator and nothing that it signs: it counts by what it opens, and ``used``
    checks the rest of the answer.
    """
    try:
        answer = _fields(untrusted_answer, "id", "data", "client", "signature", optional="prf")
        return Opener.of_passkey(answer["id"], answer["prf"])
    except (KeyError, ValueError, UsageError):
        return None


def _of_id(passkeys: Collection[Passkey], untrusted_id: bytes, host: str) -> Passkey:
    for each in passkeys:
        if each.host == host and hmac.compare_digest(each.credential, untrusted_id):
            return each
    raise ValueError("not a passkey of theirs for this host")


def _check_credential(flags: int, untrusted_rest: bytes, untrusted_id: bytes) -> None:
    """Attested credential data (section 6.5.1): the id stands in it, too. What follows is a second copy of the key."""
    (length,) = _LENGTH.unpack_from(untrusted_rest, _AAGUID_BYTES)
    start = _AAGUID_BYTES + _LENGTH.size
    if not flags & _HAS_CREDENTIAL or untrusted_rest[start : start + length] != untrusted_id:
        raise ValueError("another credential")


def _check_only_head(flags: int, untrusted_rest: bytes) -> None:
    if flags & _HAS_CREDENTIAL or (untrusted_rest and not flags & _HAS_EXTENSIONS):
        raise ValueError("something else than an assertion")


def _fields(untrusted_answer: str, *names: str, optional: str) -> Mapping[str, bytes]:
    """Raises ``ValueError``: not JSON of exactly these names with base64url, or too long."""
    if len(untrusted_answer) > limits.PASSKEY_ANSWER_CHARACTERS:
        raise ValueError("too long")
    try:
        value = json.loads(untrusted_answer)
    except (ValueError, RecursionError):
        raise ValueError("not JSON") from None  # json's own message quotes it
    if not isinstance(value, dict) or value.keys() - {optional} != set(names):
        raise ValueError("not these fields")
    if not all(isinstance(each, str) for each in value.values()):
        raise ValueError("not these fields")
    return {name: _decoded(text) for name, text in value.items()}


def encode(raw: bytes) -> str:
    """Bytes in base64url without padding, as browsers write them."""
    return base64.urlsafe_b64encode(raw).decode("ascii").rstrip("=")


def _decoded(text: str) -> bytes:
    try:
        raw = base64.b64decode(text.encode("ascii") + b"=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, UnicodeEncodeError):
        raise ValueError("not base64url") from None
    return raw


def _check_client(untrusted_client: bytes, kind: str, page: Page) -> None:
    """Client data (section 5.8.1): for this act, this challenge, this page and not inside another site's."""
    try:
        client: Any = json.loads(untrusted_client)
    except (ValueError, RecursionError):
        raise ValueError("client data is not JSON") from None
    if not isinstance(client, dict) or client.get("type") != kind:
        raise ValueError("another act")
    given = client.get("challenge")
    if not isinstance(given, str) or not hmac.compare_digest(_decoded(given), page.challenge):
        raise ValueError("another challenge")
    if client.get("origin") != page.origin or client.get("crossOrigin", False) is not False or "topOrigin" in client:
        raise ValueError("another origin")


def _check_head(untrusted_data: bytes, host: str) -> tuple[int, int]:
    """Authenticator data (section 6.1): for this host, the user verified. Returns flags and counter."""
    digest, flags, counter = _HEAD.unpack_from(untrusted_data)
    if not hmac.compare_digest(digest, hashlib.sha256(host.encode("ascii")).digest()):
        raise ValueError("another host")
    if not flags & _PRESENT or not flags & _VERIFIED:
        raise ValueError("the user was not verified")
    if flags & _BACKED_UP and not flags & _BACKUP_ELIGIBLE:
        raise ValueError("backed up without being eligible")
    return flags, counter


_Public = ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | rsa.RSAPublicKey


def _public_key(der: bytes) -> _Public:
    """Raises ``UsageError``: not a key of a kind that we ask for."""
    try:
        key = serialization.load_der_public_key(der)
    except (ValueError, UnsupportedAlgorithm):
        raise UsageError(Sentence("this passkey's key cannot be read")) from None
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    if isinstance(key, rsa.RSAPublicKey) and key.key_size in _RSA_BITS:
        return key
    raise UsageError(Sentence("this passkey's key is of a kind that is not used here"))


def _verify(key: _Public, signature: bytes, message: bytes) -> None:
    """Raises ``InvalidSignature``."""
    if isinstance(key, ed25519.Ed25519PublicKey):
        key.verify(signature, message)
    elif isinstance(key, ec.EllipticCurvePublicKey):
        key.verify(signature, message, ec.ECDSA(hashes.SHA256()))
    else:
        key.verify(signature, message, padding.PKCS1v15(), hashes.SHA256())
