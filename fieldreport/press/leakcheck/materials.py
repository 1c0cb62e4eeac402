"""What an article is compared with: the reports of a case and what must never be printed.

Rules: what a source wrote into "what would identify you" is free text. Short pieces of it become protected terms as
they are; of long ones only names and numbers do; and all of it also counts as report text.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from typing import Final

from fieldreport import limits
from fieldreport.press.leakcheck.text import LANGUAGES, UNSPACED, script

_LEAD_INS: Final = sorted(LANGUAGES["notes"]["lead_ins"], key=len, reverse=True)
_TERM_WORDS: Final = 4
_TERM_CHARACTERS: Final = 12  # in scripts without spaces
_SEPARATORS: Final = re.compile(r"[\n\r\t,;:/|•、，；：。！？!?()\[\]（）「」『』“”\"«»،؛؟]+|\.(?:\s|$)")
_NAME: Final = re.compile(r"(?<!^)(?<!\. )\b[^\W\d_a-z][\w'’-]+(?: [^\W\d_a-z][\w'’-]+)*")
_DIGITS: Final = re.compile(r"\d{3,}")


@dataclass(frozen=True, slots=True, kw_only=True)
class Material:
    """What one case holds against an article.

    ``case`` is a label that comes back in findings. ``text`` is all that the source wrote, ``protect_note`` what they
    wrote into the field for it, ``protected`` the terms an editor set. ``not_before`` is the source's wish for the
    time, as typed. ``gone`` says that something of the case was deleted or withdrawn, ``unread`` that something of it
    is sealed to others, ``damaged`` that something of it can be opened by no one, ``unreadable`` that the disk does not
    give something of it now. ``uncompared`` names files whose words could not be read, or not all of them;
    ``only_looks`` those of which only pictures or sound are left to compare.
    """

    case: str
    text: str = field(default="", repr=False)
    protected: tuple[str, ...] = field(default=(), repr=False)
    protect_note: str = field(default="", repr=False)
    not_before: str = field(default="", repr=False)
    gone: bool = False
    unread: bool = False
    damaged: bool = False
    unreadable: bool = False
    uncompared: tuple[str, ...] = ()
    only_looks: tuple[str, ...] = ()

    def terms(self) -> tuple[str, ...]:
        """Every protected term, the editor's and the source's."""
        noted = note_terms(self.protect_note)
        return (*(term.strip() for term in self.protected if term.strip()), *noted)

    def terms_left_out(self) -> bool:
        """Whether the source wrote more terms than are looked for, so that an editor has to compare by hand."""
        return len(note_terms(self.protect_note, at_most=limits.NOTE_TERMS + 1)) > limits.NOTE_TERMS

    def earliest(self) -> date | None:
        """The source's wish as a day, where it was typed as ``YYYY-MM-DD``; nothing where there is none.

        Raises:
            ValueError: a wish that cannot be read as a day.
        """
        return date.fromisoformat(self.not_before.strip()) if self.not_before.strip() else None


def note_terms(note: str, *, at_most: int = limits.NOTE_TERMS) -> tuple[str, ...]:
    """The protected terms in a source's own words, each once, the first ``at_most`` of them."""
    terms: dict[str, None] = {}
    for piece in dict.fromkeys(_SEPARATORS.split(note)):
        terms.update(dict.fromkeys(_piece_terms(piece.strip())))
        if len(terms) >= at_most:
            break
    return tuple(terms)[:at_most]


def _piece_terms(piece: str) -> Iterator[str]:
    piece = _without_framing(piece)
    if not piece:
        return
    unspaced = sum(script(character) in UNSPACED for character in piece)
    short = len(piece) <= _TERM_CHARACTERS if unspaced * 2 > len(piece) else len(piece.split()) <= _TERM_WORDS
    if short:
        yield piece
    else:
        yield from (match.group() for match in _NAME.finditer(piece))
        yield from (match.group() for match in _DIGITS.finditer(piece))


def _without_framing(piece: str) -> str:
    lowered = piece.lower()
    for lead in _LEAD_INS:
        rest = piece[len(lead) :]
        # A whole word: "name Kim", but not "nameplate"; in scripts without spaces anything may follow.
        if lowered.startswith(lead) and (not rest[:1].isalpha() or script(lead[-1]) in UNSPACED):
            piece = rest.strip(" '’-")
            break
    for tail in LANGUAGES["notes"]["tails"]:
        piece = piece.removesuffix(tail)
    return piece.strip()
