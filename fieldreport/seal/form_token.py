"""The form token: what a page must remember until the next one, sealed and handed to the browser inside the form.

There is no session and no cookie, and the server keeps no state. The token's state is encrypted and authenticated under
a key that lives in memory; its purpose is bound in. Its age is known only to the minute, so that a token found on a
seized device does not give an exact time.

Rules: nothing in a token is looked at before it is authenticated; nothing of its state is in an error's text or a
``repr``. The bytes are specified in FORMAT.md, "Form token".
"""

from __future__ import annotations

import base64
import binascii
import re
import secrets
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final, Self

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import ChaCha20Poly1305

from fieldreport import limits
from fieldreport.errors import LimitExceeded, TokenError, TokenExpired
from fieldreport.seal import canonical

_VERSION: Final = b"\x01"
_NONCE_BYTES: Final = 12
_TAG_BYTES: Final = 16
_SKEW_MINUTES: Final = 5  # clocks of several nodes differ
_PURPOSE: Final = re.compile(r"[a-z][a-z0-9-]{0,63}")


class TokenKey:
    """A 32-byte key, and those before it that still open what they sealed.

    Where several machines share keys that are replaced daily, the newest seals, and all of them open.
    Nonces are random; ChaCha20-Poly1305 allows some 2^32 tokens under one key, a thousand a second for seven weeks.
    """

    __slots__ = ("_keys",)

    def __init__(self, key: bytes, *, previous: Sequence[bytes] = ()) -> None:
        self._keys = tuple(ChaCha20Poly1305(each) for each in (key, *previous))

    @classmethod
    def generate(cls) -> Self:
        """A new key, for a single process; it is lost when the process ends."""
        return cls(secrets.token_bytes(32))

    def under(self, keys: Sequence[bytes]) -> TokenKey:
        """A key of which the first of these seals, and which opens what any of them or this one sealed."""
        shared = TokenKey(keys[0], previous=keys[1:])
        shared._keys += self._keys
        return shared

    def seal(self, purpose: str, state: Mapping[str, str], *, now: float) -> str:
        """Seal ``state`` for ``purpose`` (``[a-z][a-z0-9-]*``); ``now`` in seconds since the epoch. URL-safe text.

        Raises:
            LimitExceeded: the token would be longer than ``limits.TOKEN_CHARACTERS``.
        """
        content = canonical.encode({"minute": int(now // 60), "state": dict(state)})
        nonce = secrets.token_bytes(_NONCE_BYTES)
        sealed = self._keys[0].encrypt(nonce, _pad(content), _associated(purpose))
        token = base64.urlsafe_b64encode(_VERSION + nonce + sealed).decode().rstrip("=")
        if len(token) > limits.TOKEN_CHARACTERS:
            raise LimitExceeded("the form remembers too much", code="token-too-long")
        return token

    def open(self, untrusted_token: str, purpose: str, *, now: float, max_age_seconds: float) -> Mapping[str, str]:
        """The state that was sealed for ``purpose`` at most ``max_age_seconds`` (and a minute) ago.

        Raises:
            TokenError: altered, sealed by another key, or for another purpose.
            TokenExpired: genuine, but older than allowed or from the future; ``state`` holds what was in it.
        """
        minute, state = self._read(self._decrypt(untrusted_token, purpose))
        age_minutes = int(now // 60) - minute
        if age_minutes > max_age_seconds / 60 or age_minutes < -_SKEW_MINUTES:
            raise TokenExpired("This page was open for too long. What you typed is still here.", state=state)
        return state

    def _decrypt(self, untrusted_token: str, purpose: str) -> bytes:
        refused = TokenError("This page does not fit the server any more. Please open it again.")
        if len(untrusted_token) > limits.TOKEN_CHARACTERS:
            raise refused
        try:
            raw = base64.b64decode(untrusted_token + "=" * (-len(untrusted_token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise refused from None
        # One token, one spelling: base64 ignores trailing bits, which would matter as soon as tokens are compared.
        canonical_form = base64.urlsafe_b64encode(raw).decode().rstrip("=") == untrusted_token
        if not canonical_form or len(raw) < 1 + _NONCE_BYTES + _TAG_BYTES or raw[:1] != _VERSION:
            raise refused
        nonce, sealed = raw[1 : 1 + _NONCE_BYTES], raw[1 + _NONCE_BYTES :]
        for key in self._keys:
            try:
                return key.decrypt(nonce, sealed, _associated(purpose))
            except InvalidTag:
                continue
        raise refused

    @staticmethod
    def _read(padded: bytes) -> tuple[int, Mapping[str, str]]:
        # Authenticated, so written by this module. Anything else is a mistake of ours, and is refused as well.
        try:
            content = canonical.decode(padded.rstrip(b"\0"))
            minute, state = content["minute"], content["state"]
        except (ValueError, TypeError, KeyError):
            raise TokenError("This page does not fit the server any more. Please open it again.") from None
        return int(minute), MappingProxyType({str(key): str(value) for key, value in state.items()})


def _pad(content: bytes) -> bytes:
    # Zeros cannot end JSON, so the padding needs no length.
    return content + bytes(-len(content) % limits.TOKEN_PADDING_BYTES)


def _associated(purpose: str) -> bytes:
    if not _PURPOSE.fullmatch(purpose):
        raise ValueError("a token's purpose is a short lower-case word")
    return f"fieldreport/v1/form-token/{purpose}".encode()
