"""The findings of the leak check: which rule, where, how severe, what it gives away, and how to word it more coarsely.

Rules: a finding holds no text of the article or of a report, only where to look; its texts are constants. A block is
fixed, or overridden by the person who clears the article; each warning is answered with its own reason.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """How severe a finding is."""

    BLOCK = "block"
    WARN = "warn"


class Rule(StrEnum):
    """What was found. The values are stable: they are stored with the answers."""

    PROTECTED_TERM = "protected-term"
    LIFTED_RUN = "lifted-run"
    LIFTED_SHARE = "lifted-share"
    PHONE = "phone"
    EMAIL = "e-mail"
    ADDRESS = "address"
    ACCOUNT = "account"
    COORDINATES = "coordinates"
    ID_NUMBER = "id-number"
    INVISIBLE = "invisible"
    LOOK_ALIKE = "look-alike"
    MEDIA = "media"
    CASE_GONE = "case-gone"
    CASE_UNREAD = "case-unread"
    NEAR_SPELLING = "near-spelling"
    EXACT_DATE = "exact-date"
    CLOCK_TIME = "clock-time"
    SHARED_NUMBER = "shared-number"
    NOT_BEFORE = "not-before"


_WARNINGS: Final = frozenset(
    {Rule.NEAR_SPELLING, Rule.EXACT_DATE, Rule.CLOCK_TIME, Rule.SHARED_NUMBER, Rule.NOT_BEFORE}
)

# What it gives away, and what to write instead.
_TEXTS: Final[Mapping[Rule, tuple[str, str]]] = {
    Rule.PROTECTED_TERM: (
        "The source or an editor asked that this is never printed.",
        "Leave it out, or use a wider term: the province instead of the town, a role instead of a name.",
    ),
    Rule.LIFTED_RUN: (
        "These words stand in the report exactly like this. People who know how the source writes will recognise it.",
        "Write it in your own words, in another order, and leave out characteristic phrases.",
    ),
    Rule.LIFTED_SHARE: (
        "This paragraph follows the report almost word for word.",
        "Close the report and write the paragraph from memory, then check the facts only.",
    ),
    Rule.PHONE: ("A telephone number leads to a person, and to everybody they have called.", "Leave the number out."),
    Rule.EMAIL: ("An e-mail address leads to a person.", "Leave the address out."),
    Rule.ADDRESS: (
        "An address on the internet can lead to a person, and its owner sees who follows it.",
        "Name the publication or the office in words.",
    ),
    Rule.ACCOUNT: ("An account name leads to a person.", "Say on which service it was, not under which name."),
    Rule.COORDINATES: ("Coordinates name a house, not a region.", "Name the province or the border section."),
    Rule.ID_NUMBER: (
        "A number this long belongs to one person, account, vehicle or device.",
        "Leave the number out, or give only what kind of number it was.",
    ),
    Rule.INVISIBLE: (
        "There are invisible characters here. They can mark this copy and show who had it.",
        "Delete the place and type it again; do not paste it.",
    ),
    Rule.LOOK_ALIKE: (
        "Letters of another alphabet stand here for those they look like. They mark a copy, or hide a word.",
        "Type the word again in one alphabet.",
    ),
    Rule.MEDIA: (
        "This file was not cleaned here for this article. It can still say where and with which device it was made.",
        "Remove it and attach it again from the case, so that it is cleaned again.",
    ),
    Rule.CASE_GONE: (
        "A case of this article was deleted or withdrawn, so the article cannot be compared with it.",
        "Ask whether the article may appear at all; if the source withdrew, it should not.",
    ),
    Rule.CASE_UNREAD: (
        "Part of a case of this article is damaged or cannot be opened with your key, so it was not compared.",
        "Let a colleague who can open it run this check, or compare by hand.",
    ),
    Rule.NEAR_SPELLING: (
        "This is close to a protected term: another spelling or another transcription of it.",
        "If it means the same, leave it out or use a wider term.",
    ),
    Rule.EXACT_DATE: (
        "An exact day narrows down who was there.",
        "Say the month or the season, unless the day is known from elsewhere.",
    ),
    Rule.CLOCK_TIME: ("A time of day narrows down who was on duty or on the road.", "Say at night, in the morning."),
    Rule.SHARED_NUMBER: (
        "The same number stands in the report. Few people know it.",
        "Round it, or say dozens, hundreds, several.",
    ),
    Rule.NOT_BEFORE: (
        "The source asked that nothing appears before a time that this program cannot read as a date.",
        "Read it in the case and wait until then.",
    ),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding and its place.

    ``field`` is a key of ``Article.public_fields()`` (or ``media.NAME`` for a file as a whole, or ``article`` for all
    of it); ``start`` and ``end`` are offsets in characters, both zero where there is no place.

    ``key`` is 16 hexadecimal digits that stay the same while the place and its near surroundings do: answers are
    filed under it. ``case`` says which material it was found in, where that is known.
    """

    rule: Rule
    field: str
    start: int
    end: int
    key: str = ""
    case: str | None = None

    @property
    def severity(self) -> Severity:
        """Whether it blocks or warns: a property of the rule."""
        return Severity.WARN if self.rule in _WARNINGS else Severity.BLOCK

    @property
    def reveals(self) -> str:
        """What it gives away."""
        return _TEXTS[self.rule][0]

    @property
    def advice(self) -> str:
        """A coarser wording, or what to do."""
        return _TEXTS[self.rule][1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A place in one text, before it becomes a finding."""

    rule: Rule
    start: int
    end: int
    case: str | None = None
