"""Recovery codes: ten on paper, each of which stands once for a lost telephone. They open nothing by themselves.

A key file holds a digest of each code that was not used yet. What a code is worth is only ever asked after the
passphrase has opened that file, so guessing fifty bits is bounded by the passphrase and by the throttle of sign-in.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
import unicodedata
from collections.abc import Collection
from typing import Final

from fieldreport import limits

DIGEST_BYTES: Final = 32
_LABEL: Final = b"fieldreport/v1/recovery-code\n"
_ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"  # Crockford's: no letter that looks like a digit
_LOOK_ALIKES: Final = str.maketrans({"O": "0", "I": "1", "L": "1", "-": None})
_CHARACTERS: Final = 10  # 50 bits
_GROUP: Final = 5


def generate() -> tuple[str, ...]:
    """New codes, such as ``7KQ2M-9XWTD``: shown once, and stored nowhere."""
    return tuple(_grouped(_drawn()) for _ in range(limits.RECOVERY_CODES))


def digests(codes: Collection[str]) -> tuple[bytes, ...]:
    """What a key file keeps of new codes: 32 bytes each, sorted, so that their order on the paper is not kept."""
    return tuple(sorted(_digest(_folded(code)) for code in codes))


def find(kept: Collection[bytes], untrusted_code: str) -> bytes | None:
    """The digest among ``kept`` that belongs to a code as it was typed, or nothing: then it is none of these codes.

    Args:
        kept: digests of one key file.
        untrusted_code: case, spaces, hyphens and full-width forms do not matter.
    """
    given = _digest(_folded(untrusted_code))
    # Every one is compared, so that the time does not show which one matched.
    matching = [digest for digest in kept if hmac.compare_digest(digest, given)]
    return matching[0] if matching else None


def _drawn() -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(_CHARACTERS))


def _grouped(code: str) -> str:
    return f"{code[:_GROUP]}-{code[_GROUP:]}"


def _folded(untrusted_code: str) -> str:
    typed = unicodedata.normalize("NFKC", untrusted_code[: 10 * _CHARACTERS])
    return "".join(typed.upper().split()).translate(_LOOK_ALIKES)


def _digest(folded: str) -> bytes:
    return hashlib.sha256(_LABEL + folded.encode("utf-8", "replace")).digest()
