"""Tables of what is not seen in a text, for those who clean and those who verify. Data, no code."""

from __future__ import annotations

import tomllib
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
NO_CAPITALS: Final = bytes(code for code in range(256) if not ord("A") <= code <= ord("Z"))
LETTERS_SIGNS: Final[tuple[tuple[bytes, bytes], ...]] = tuple(
    (sign.encode().translate(None, NO_CAPITALS), sign.encode()) for sign in _PICTURES["letters"]["with"]
)
"""One of them is in every text in which one is: what is left of it without ``NO_CAPITALS``, and it itself.

Where the first is not among what is left of a text, the second need not be looked for in all of it.
"""
DIGITS_RUN: Final = _only(_PICTURES["digits"]["of"]), b"a" * _PICTURES["digits"]["most"]
"""The same for digits, and"""
DIGITS_SIGNS: Final[tuple[bytes, ...]] = tuple(sign.encode() for sign in _PICTURES["digits"]["with"])
"""what is in such a text in small letters without all that is no digit."""
SHAPES_RUN: Final = b"a" * _PICTURES["shapes"]["most"]
"""In the same answer where bytes may be shown line by line, and"""
SHAPES: Final[tuple[bytes, ...]] = tuple(sign.encode() for sign in _PICTURES["shapes"]["with"])
"""what is in such a text."""
ENCODED: Final = b"begin ", b"\nbegin"
"""The beginning of a text, or what is in it, in which a file is uuencoded."""
NO_DIGITS: Final = bytes(code for code in range(256) if code not in b"0123456789abcdef")
