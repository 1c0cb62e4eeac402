"""How words look, as far as that can hide them: what Word's and OpenDocument's styles say alike."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

_ALIKE: Final = 16  # of 256: no eye tells them apart


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """What a style or a run says; None where it says nothing. ``size`` in points, colours as the format has them."""

    hidden: bool | None = None
    colour: str | None = None
    size: float | None = None
    behind: str | None = None

    def over(self, below: Look) -> Look:
        """This, and where it says nothing, what ``below`` says."""
        return Look(
            hidden=below.hidden if self.hidden is None else self.hidden,
            colour=below.colour if self.colour is None else self.colour,
            size=below.size if self.size is None else self.size,
            behind=below.behind if self.behind is None else self.behind,
        )


def alike(one: str, other: str) -> bool:
    """Whether two colours of six hexadecimal digits, with or without ``#``, look the same; false for what is none."""
    one, other = one.removeprefix("#"), other.removeprefix("#")
    try:
        pairs = [(int(one[at : at + 2], 16), int(other[at : at + 2], 16)) for at in (0, 2, 4)]
    except ValueError:
        return False
    return all(abs(first - second) <= _ALIKE for first, second in pairs)
