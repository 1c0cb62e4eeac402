"""Recovery codes: ten on paper, each of which stands once for a lost telephone. They open nothing by themselves.

A key file holds a digest of each code that was not used yet. What a short code is worth is only ever asked after the
passphrase has opened that file, so guessing fifty bits is bounded by the passphrase and by the throttle of sign-in. A
key file that is bound to passkeys can be attacked on a stolen disk with a known passphrase, so its codes are long: each
opens the part that the passphrase lacks (``key_part``).
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
_LONG: Final = 30  # 150 bits: at least the 128 of what it opens, in whole groups
_GROUP: Final = 5


def generate(*, long: bool = False) -> tuple[str, ...]:
    """New codes, such as ``7KQ2M-9XWTD``: shown once, and stored nowhere. ``long``: three times that, 150 bits."""
    return tuple(_grouped(_drawn(_LONG if long else _CHARACTERS)) for _ in range(limits.RECOVERY_CODES))


def digests(codes: Collection[str]) -> tuple[bytes, ...]:
    """What a key file keeps of new codes: 32 bytes each, sorted, so that their order on the paper is not kept."""
    return tuple(sorted(digest(code) for code in codes))


def digest(untrusted_code: str) -> bytes:
    """The digest of one code as it was typed, 32 bytes."""
    return hashlib.sha256(_LABEL + folded(untrusted_code)).digest()


def name_of(kept: bytes) -> str:
    """The name of a code by its digest, 16 hexadecimal digits: it says nothing of a code that was not used."""
    return kept[:8].hex()


def find(kept: Collection[bytes], untrusted_code: str) -> bytes | None:
    """The digest among ``kept`` that belongs to a code as it was typed, or nothing: then it is none of these codes.

    Args:
        kept: digests of one key file.
        untrusted_code: case, spaces, hyphens and full-width forms do not matter.
    """
    given = digest(untrusted_code)
    # Every one is compared, so that the time does not show which one matched.
    matching = [each for each in kept if hmac.compare_digest(each, given)]
    return matching[0] if matching else None


def folded(untrusted_code: str) -> bytes:
    """The characters of a code as it was typed, as they were drawn."""
    typed = unicodedata.normalize("NFKC", untrusted_code[: 10 * _LONG])
    return "".join(typed.upper().split()).translate(_LOOK_ALIKES).encode("utf-8", "replace")


def _drawn(characters: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(characters))


def _grouped(code: str) -> str:
    return "-".join(code[start : start + _GROUP] for start in range(0, len(code), _GROUP))
