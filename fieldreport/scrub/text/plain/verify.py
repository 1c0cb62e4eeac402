"""The second reading of a text: every character by its category, and not by the cleaner's patterns."""

from __future__ import annotations

import unicodedata

from fieldreport import limits
from fieldreport.scrub.format import Source
from fieldreport.scrub.verdicts import Residue

# What may remain where a script needs it.
_MAY_REMAIN = frozenset("\u200c\u200d\u200e\u200f\u061c\u180e")
_VISIBLE_FORMATS = frozenset(
    [*range(0x0600, 0x0606), 0x06DD, 0x070F, 0x0890, 0x0891, 0x08E2, 0x110BD, 0x110CD, *range(0x13430, 0x13440)]
)
_FLAG_TAG_BYTES = frozenset("gbenscw\x74l\x7f")


def verify(source: Source, media_type: str) -> None:
    """Decode strictly and look at every character's category."""
    del media_type
    try:
        text = source.whole(limits.SCRUB_OUTPUT_BYTES).decode("utf-8")
    except UnicodeDecodeError:
        raise Residue from None
    if text.isascii() and text.isprintable():
        return
    if not unicodedata.is_normalized("NFC", text):
        raise Residue
    for character in set(text):
        _check_character(character, text)


def _check_character(character: str, text: str) -> None:
    code, category = ord(character), unicodedata.category(character)
    if category == "Cc" and character not in "\n\t":
        raise Residue
    if category in {"Zl", "Zp", "Cs"} or (category == "Zs" and character not in " \u3000\u202f"):
        raise Residue
    if 0xE0000 <= code <= 0xE007F and "\U0001f3f4" in text and chr(code - 0xE0000) in _FLAG_TAG_BYTES:
        return
    if category == "Cf" and code not in _VISIBLE_FORMATS and character not in _MAY_REMAIN:
        raise Residue
    if character in _MAY_REMAIN and character * 2 in text:
        raise Residue
    if 0xFE00 <= code <= 0xFE0D or 0xE0100 <= code <= 0xE01EF:
        raise Residue
