"""Whether a text of a Rich Text file can be seen: its size, its colour, and the colour of what is behind it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from fieldreport import limits

Colour = tuple[int, int, int]

_PAPER: Final[Colour] = (255, 255, 255)
# What lies behind a text, from above to below, and which word takes it away.
_BEHIND: Final = {
    b"highlight": b"plain", b"chcbpat": b"plain", b"cb": b"plain",
    b"cbpat": b"pard", b"clcbpat": b"trowd", b"trcbpat": b"trowd",
}  # fmt: skip
_UNTIL: Final = {
    **_BEHIND,
    b"cf": b"plain",
    b"fs": b"plain",
    b"charscalex": b"plain",
    b"sl": b"pard",
    b"trrh": b"trowd",
}
_ENDED: Final = {end: frozenset(word for word, until in _UNTIL.items() if until == end) for end in _UNTIL.values()}
WORDS: Final = frozenset((*_UNTIL, *_ENDED))
"""The control words after which a look may be another."""
_NARROWEST: Final = 20  # per cent of a letter's width
_NEAR: Final = 8  # steps of a colour that nobody tells apart
_TWIPS: Final = 20  # in a point


@dataclass(frozen=True, slots=True)
class Look:
    """What the control words up to here say. ``hides``: nobody sees a text that follows."""

    said: Mapping[bytes, int] = field(default_factory=dict)
    hides: bool = False

    def after(self, word: bytes, number: int | None, colours: Sequence[Colour | None]) -> Look:
        """The same after one more word; ``colours`` of the colour table, None for the reader's own."""
        if word in _ENDED:
            if _ENDED[word].isdisjoint(self.said):
                return self
            said = {each: number for each, number in self.said.items() if _UNTIL[each] != word}
        elif word in _UNTIL and number is not None:
            if self.said.get(word) == number:
                return self
            said = {**self.said, word: number}
        else:
            return self
        return Look(said, _hides(said, colours))

    def among(self, colours: Sequence[Colour | None]) -> Look:
        """The same with another colour table."""
        return Look(self.said, _hides(self.said, colours))


def _hides(said: Mapping[bytes, int], colours: Sequence[Colour | None]) -> bool:
    least = limits.TEXT_POINTS
    if said.get(b"fs", 24) < 2 * least or said.get(b"charscalex", 100) < _NARROWEST:
        return True
    if any(-least * _TWIPS < said.get(exact, 0) < 0 for exact in (b"sl", b"trrh")):
        return True

    def colour(word: bytes) -> Colour | None:
        number = said.get(word, 0)  # which is the reader's own
        return colours[number] if 0 < number < len(colours) else None

    front = colour(b"cf")
    if front is None:
        return False
    back = next(filter(None, map(colour, _BEHIND)), _PAPER)
    return all(abs(one - other) <= _NEAR for one, other in zip(front, back, strict=True))
