"""The encodings that a text may be read in, and reading one again in another than was guessed."""

from __future__ import annotations

import tomllib
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from fieldreport.scrub.verdicts import READ_AS

_TABLE: Final = tomllib.loads(Path(__file__).with_name("encodings.toml").read_text(encoding="utf-8"))


@dataclass(frozen=True, slots=True)
class Encoding:
    """A row of ``encodings.toml``."""

    codec: str
    script: str
    name: str
    weight: float
    languages: tuple[str, ...]

    @property
    def code(self) -> str:
        """How a manifest says that a text was read in it."""
        return READ_AS + self.codec.replace("_", "-")


ENCODINGS: Final = tuple(Encoding(**{**row, "languages": tuple(row["languages"])}) for row in _TABLE["encoding"])
BY_CODE: Final[Mapping[str, Encoding]] = {each.code: each for each in ENCODINGS}
BY_CODEC: Final[Mapping[str, Encoding]] = {each.codec: each for each in ENCODINGS}
_MEANT: Final[Mapping[str, str]] = _TABLE["meant"]


def meant(charset: str) -> str:
    """Python's name for what a page or a mail calls an encoding, which Python may not know."""
    return _MEANT.get(charset.lower(), charset)


def reread(text: str, guessed: str, chosen: str) -> str:
    """A text that was decoded as ``guessed`` (codecs of ``ENCODINGS``), from the same bytes decoded as ``chosen``.

    What cleaning took out of it is not among the bytes any more; where another reading needs one of those, or does not
    know a byte, it has a replacement character.
    """
    return b"".join(_bytes_of(character, guessed) for character in text).decode(chosen, "replace")


def _bytes_of(character: str, codec: str) -> bytes:
    try:
        return character.encode(codec)
    except UnicodeEncodeError:
        pieces = unicodedata.decomposition(character).split()
        if not pieces or pieces[0].startswith("<"):
            return b"?"
        # Form C made one character of two: Vietnamese in Windows-1258.
        return b"".join(_bytes_of(chr(int(piece, 16)), codec) for piece in pieces)
