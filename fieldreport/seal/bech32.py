"""Bech32 (BIP 173) as the age specification uses it: without a length limit, a hybrid recipient has 1,959 characters.

Rules: strict in both directions. Mixed case, a wrong checksum, non-zero padding bits or a character outside the
alphabet raise ``SealError``; what decodes encodes back to the very same text.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable
from functools import reduce
from operator import xor
from typing import Final

from fieldreport.errors import SealError

_ALPHABET: Final = "qpzry9x8gf2tvdw0s3jn54khce6mua7l"
# Base 32 of RFC 4648 cuts bits the same way, with other characters; without its padding it is what we want.
_RFC_4648: Final = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"
_WORD_OF_RFC_4648: Final = bytes.maketrans(_RFC_4648, bytes(range(32)))
_WORD: Final = bytes.maketrans(_ALPHABET.encode(), bytes(range(32)))
_CHARACTER: Final = bytes.maketrans(bytes(range(32)), _ALPHABET.encode())
_RFC_4648_OF_WORD: Final = bytes.maketrans(bytes(range(32)), _RFC_4648)
_GENERATORS: Final = (0x3B6A57B2, 0x26508E6D, 0x1EA119FA, 0x3D4233DD, 0x2A1462B3)
# What BIP 173 adds up bit by bit, for each value of the five bits that fall out.
_FEEDBACK: Final = tuple(
    reduce(xor, (generator for bit, generator in enumerate(_GENERATORS) if top >> bit & 1), 0) for top in range(32)
)
_CHECKSUM_CHARACTERS: Final = 6
_TEXT_CHARACTERS: Final = 4096  # twice the longest text we know; bounds the work on hostile input


def encode(prefix: str, payload: bytes) -> str:
    """Encode ``payload`` in lower case under the human-readable ``prefix``, itself given in lower case."""
    words = _words(payload)
    checksum = _polymod([*_expand(prefix), *words, *bytes(_CHECKSUM_CHARACTERS)]) ^ 1
    tail = bytes(checksum >> 5 * (_CHECKSUM_CHARACTERS - 1 - i) & 31 for i in range(_CHECKSUM_CHARACTERS))
    return f"{prefix}1{(words + tail).translate(_CHARACTER).decode()}"


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
    if data.strip(_ALPHABET):
        raise _refused()
    words = data.encode().translate(_WORD)
    if _polymod([*_expand(found), *words]) != 1:
        raise _refused()
    words = words[:-_CHECKSUM_CHARACTERS]
    padding = b"=" * (-len(words) % 8)
    try:
        payload = base64.b32decode(words.translate(_RFC_4648_OF_WORD) + padding)
    except binascii.Error:
        raise _refused() from None
    # Encoding again refuses spare characters and non-zero padding bits without a rule for each of them.
    if len(payload) != length or _words(payload) != words:
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


def _words(payload: bytes) -> bytes:
    """The payload as five-bit values, one byte each; the last is filled with zero bits."""
    return base64.b32encode(payload).rstrip(b"=").translate(_WORD_OF_RFC_4648)
