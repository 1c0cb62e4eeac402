"""Tables of what is not seen in a text, for those who clean and those who verify. Data, no code."""

from __future__ import annotations

import tomllib
from itertools import filterfalse
from pathlib import Path
from typing import Final

_FOLDER: Final = Path(__file__).parent
_TABLE: Final = tomllib.loads((_FOLDER / "ignorable.toml").read_text(encoding="utf-8"))


def _characters(ranges: list[tuple[int, int]]) -> frozenset[str]:
    return frozenset(chr(code) for first, last in ranges for code in range(first, last + 1))


IGNORABLE: Final = _characters(_TABLE["default_ignorable"])
"""Everything that shows nothing by itself."""
NEEDED_NOWHERE: Final = IGNORABLE - _characters(_TABLE["needed_somewhere"])
"""What no writing needs: it can only carry what nobody is to see."""
_PICTURES: Final = tomllib.loads((_FOLDER / "picture_signs.toml").read_text(encoding="utf-8"))


def _only(characters: str) -> bytes:
    """For ``bytes.translate``: these become an ``a``, and all others a blank."""
    return bytes(ord("a") if code in characters.encode() else ord(" ") for code in range(256))


LETTERS_RUN: Final = _only(_PICTURES["letters"]["of"]), b"a" * _PICTURES["letters"]["most"]
"""For ``bytes.translate``, and what is in the answer where a picture may be spelled out in letters."""
_CAPITALS: Final = bytes(range(ord("A"), ord("Z") + 1))

Sought = tuple[bytes, tuple[tuple[bytes, bytes], ...]]
"""Signs, one of which is in every text in which a picture is: what to delete from the text, and of each of them what
is among the little that is left then, and it itself.

Where the first is not among what is left of a text, the second need not be looked for in all of it.
"""


def _sought(signs: list[str], kept: bytes) -> Sought:
    others = bytes(code for code in range(256) if code not in kept)
    return others, tuple((sign.encode().translate(None, others), sign.encode()) for sign in signs)


def _by_their_own(signs: list[str]) -> Sought:
    """Among the characters of these signs, and those that keep a value of markup from the next."""
    return _sought(signs, "".join(signs).encode() + b'"<>')


def _have_capitals(sign: str) -> bool:
    return len(set(sign.encode()) & set(_CAPITALS)) > 1


LETTERS_SIGNS: Final[tuple[Sought, ...]] = (
    _sought(list(filter(_have_capitals, _PICTURES["letters"]["with"])), _CAPITALS),
    _by_their_own(list(filterfalse(_have_capitals, _PICTURES["letters"]["with"]))),
)
DIGITS_RUN: Final = _only(_PICTURES["digits"]["of"]), b"a" * _PICTURES["digits"]["most"]
"""The same for digits, and"""
DIGITS_SIGNS: Final[tuple[bytes, ...]] = tuple(sign.encode() for sign in _PICTURES["digits"]["with"])
"""what is in such a text in small letters without all that is no digit."""
SHAPES_RUN: Final = b"a" * _PICTURES["shapes"]["most"]
"""In the same answer where bytes may be shown line by line, and"""
SHAPES: Final = _by_their_own(_PICTURES["shapes"]["with"])
"""what is in such a text."""
ENCODED: Final = b"begin ", b"\nbegin"
"""The beginning of a text, or what is in it, in which a file is uuencoded."""
NO_DIGITS: Final = bytes(code for code in range(256) if code not in b"0123456789abcdef")
