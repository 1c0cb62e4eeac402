"""What an article is compared with: the reports of a case and what must never be printed.

Rules: what a source wrote into "what would identify you" is free text: its terms are protected, and all of it also
counts as report text.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from fieldreport import limits
from fieldreport.press.leakcheck.notes import note_terms


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
