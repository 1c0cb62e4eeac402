"""Untrusted text on a terminal: control characters are spelt out.

An escape sequence can rename a window, rewrite lines above it, or put words on the keyboard's input; an override of the
direction of writing makes a name read backwards. In a report such characters have no meaning, so they are spelt out.
"""

from __future__ import annotations

import unicodedata
from typing import Final

_KEPT: Final = frozenset("\n\t\u200c\u200d")  # line ends, and the joiners that Persian and emoji are written with
_ACTING: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def visible(untrusted_text: str) -> str:
    r"""The same text with every control, format, private and unassigned character as ``\u{202e}``."""
    return "".join(
        character
        if character in _KEPT or unicodedata.category(character) not in _ACTING
        else f"\\u{{{ord(character):x}}}"
        for character in untrusted_text
    )


def in_one_line(untrusted_text: str) -> str:
    """As ``visible``, with line ends spelt out, too, so that the text cannot forge a line of ours."""
    return visible(untrusted_text).replace("\n", "\\u{a}").replace("\t", " ")
