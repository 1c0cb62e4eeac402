"""Bech32 (BIP 173) as the age specification uses it: without a length limit, a hybrid recipient has 1,959 characters.

Rules: strict in both directions. Mixed case, a wrong checksum, non-zero padding bits or a character outside the
alphabet raise ``SealError``; what decodes encodes back to the very same text.
"""

from __future__ import annotations

import base64
from collections.abc import Iterable
from functools import reduce
from operator import xor
from typing import Final

from fieldreport.errors import SealError

_ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
_FROM_RFC_4648: Final = bytes.maketrans(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567", bytes(range(32)))
_VALUE: Final = {character: value for value, character in enumerate(_ALPHABET)}
_GENERATORS: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
# What BIP 173 adds up bit by bit, for each value of the five bits that fall out.
_FEEDBACK: Final = tuple(
    reduce(xor, (generator for bit, generator in enumerate(_GENERATORS) if top >> bit & 1), 0) for top in range(32)
)
_CHECKSUM_CHARACTERS: Final = 6
_TEXT_CHARACTERS: Final = 4096  # twice the longest text we know; bounds the work on hostile input


def encode(prefix: str, payload: bytes) -> str:
    """Encode ``payload`` in lower case under the human-readable ``prefix``, itself given in lower case."""
    # Base 32 of RFC 4648 cuts bits the same way, with other characters; without its padding it is what we want.
    words = base64.b32encode(payload).rstrip(b"=").translate(_FROM_RFC_4648)
    checksum = _polymod([*_expand(prefix), *words, *bytes(_CHECKSUM_CHARACTERS)]) ^ 1
    tail = [checksum >> 5 * (_CHECKSUM_CHARACTERS - 1 - i) & 31 for i in range(_CHECKSUM_CHARACTERS)]
    return f"{prefix}1{''.join(_ALPHABET[word] for word in [*words, *tail])}"


def decode(untrusted_text: str, *, prefix: str, length: int) -> bytes:
    """Decode a text of one case whose lower-cased prefix is ``prefix`` and whose payload has ``length`` bytes.

    Raises:
        SealError: (code ``key-text``) anything else.
    """
    lower = untrusted_text.lower()
    if len(untrusted_text) > _TEXT_CHARACTERS or not untrusted_text.isascii():
        raise _refused()
    if untrusted_text not in {lower, untrusted_text.upper()}:
        raise _refused()
    # The separator is the last "1": the alphabet has none.
    found, separator, data = lower.rpartition("1")
    if not separator or found != prefix or len(data) < _CHECKSUM_CHARACTERS:
        raise _refused()
    try:
        words = [_VALUE[character] for character in data]
    except KeyError:
        raise _refused() from None
    if _polymod([*_expand(found), *words]) != 1:
        raise _refused()
    payload = _bytes_of(words[:-_CHECKSUM_CHARACTERS])
    # Encoding again refuses spare characters and non-zero padding bits without a rule for each of them.
    if len(payload) != length or encode(prefix, payload) != lower:
        raise _refused()
    return payload


def _refused() -> SealError:
    return SealError("this is not a key that fieldreport knows", code="key-text", detail="key text is malformed")


def _expand(prefix: str) -> list[int]:
    return [*(ord(character) >> 5 for character in prefix), 0, *(ord(character) & 31 for character in prefix)]


def _polymod(words: Iterable[int]) -> int:
    checksum = 1
    for word in words:
        checksum = (checksum & 0x1FFFFFF) << 5 ^ word ^ _FEEDBACK[checksum >> 25]
    return checksum


def _bytes_of(words: Iterable[int]) -> bytes:
    """The whole bytes in a stream of five-bit values."""
    accumulator, bits, found = 0, 0, bytearray()
    for word in words:
        accumulator = (accumulator << 5 | word) & 0xFFF
        bits += 5
        if bits >= 8:
            bits -= 8
            found.append(accumulator >> bits & 0xFF)
    return bytes(found)
