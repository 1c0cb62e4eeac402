"""A Markdown text as its readers see it: character references and escapes resolved, with a map back to the original.

Rules: whatever the renderer turns into another character is resolved here first, so that no spelling of a letter, of an
invisible mark or of an address is missed; marks that only style words (emphasis, code) stay, because the rules look
past them; a place in the result maps to the whole reference or escape in the text.
"""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from fieldreport.press.leakcheck.findings import Hit

# CommonMark 0.31, sections 2.4 and 2.5. An escaped ampersand begins no reference, so the escape comes first.
_SPELLED: Final = re.compile(
    r"\\(?P<sign>[!-/:-@\[-`{-~])|&(?:#[xX][0-9a-fA-F]{1,6}|#[0-9]{1,7}|[A-Za-z][A-Za-z0-9]{1,31});"
)


@dataclass(frozen=True, slots=True)
class Resolved:
    """``starts[i]`` and ``ends[i]`` are the original offsets of what character ``i`` of ``text`` came from."""

    text: str = field(repr=False)
    starts: Sequence[int]
    ends: Sequence[int]

    def at_origin(self, hits: Sequence[Hit]) -> list[Hit]:
        """The same hits with the offsets of the original text."""
        return [
            replace(hit, start=self.starts[hit.start], end=self.ends[hit.end - 1]) if hit.start < hit.end else hit
            for hit in hits
        ]


def resolve(text: str) -> Resolved:
    """Resolve every escape and character reference of ``text``."""
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []

    def add(piece: str, places: range, *, length: int) -> None:
        pieces.append(piece)
        starts.extend(places)
        ends.extend(place + length for place in places)

    done = 0
    for match in _SPELLED.finditer(text):
        add(text[done : match.start()], range(done, match.start()), length=1)
        spelled = match["sign"] or html.unescape(match.group())
        if spelled == match.group():  # no reference of that name: readers get it as it is
            add(spelled, range(match.start(), match.end()), length=1)
        else:
            pieces.append(spelled)
            starts += [match.start()] * len(spelled)
            ends += [match.end()] * len(spelled)
        done = match.end()
    add(text[done:], range(done, len(text)), length=1)
    return Resolved("".join(pieces), starts, ends)
