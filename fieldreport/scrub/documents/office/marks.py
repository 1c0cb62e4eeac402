"""Invisible characters in a document's text that tell one copy from another.

Narrower than for plain text (``copymarks``): a document's text comes in pieces that formatting has cut, so a piece may
begin or end in the middle of a word. Only what shows nothing and joins nothing, wherever it stands, goes: zero-width
spaces, word joiners, invisible operators, tag characters that spell no flag, joiners between letters that never join.
"""

from __future__ import annotations

import re
from typing import Final

_NOTHING: Final = "\u200b\u2060-\u2064\u206a-\u206f\ufeff"
_FLAG: Final = "\U0001f3f4[\U000e0061-\U000e007a]{5}\U000e007f"
_MARKS: Final = re.compile(
    f"({_FLAG})|[{_NOTHING}\U000e0000-\U000e007f]+|(?<=[\x20-\u024f])[\u200c\u200d]+(?=[\x20-\u024f])"
)


def unmarked(text: str) -> str:
    """The text without the marks; unchanged if there are none."""
    return text if text.isascii() else _MARKS.sub(lambda found: found[1] or "", text)
