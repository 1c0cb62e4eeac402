"""The findings of the leak check: which rule, where, how severe, what it gives away, and how to word it more coarsely.

Rules: a finding holds no text of the article or of a report, only where to look; its texts are constants. A block is
fixed, or overridden by the person who clears the article; each warning is answered with its own reason.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from fieldreport.press.leakcheck.finding_texts import TEXTS
from fieldreport.sentence import Sentence


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
    CASE_UNREADABLE = "case-unreadable"
    CASE_PARTLY = "case-partly"
    NOT_COMPARED = "not-compared"
    ONLY_LOOKS = "only-looks"
    NEAR_SPELLING = "near-spelling"
    EXACT_DATE = "exact-date"
    CLOCK_TIME = "clock-time"
    SHARED_NUMBER = "shared-number"
    ROUNDED_NUMBER = "rounded-number"
    NOTED = "noted"
    REWORDED = "reworded"
    TRANSLATED = "translated"
    RARE_WORDING = "rare-wording"
    SMALL_GROUP = "small-group"
    NOT_BEFORE = "not-before"


_WARNINGS: Final = frozenset(
    {
        Rule.NEAR_SPELLING,
        Rule.EXACT_DATE,
        Rule.CLOCK_TIME,
        Rule.SHARED_NUMBER,
        Rule.ROUNDED_NUMBER,
        Rule.NOTED,
        Rule.REWORDED,
        Rule.TRANSLATED,
        Rule.RARE_WORDING,
        Rule.SMALL_GROUP,
        Rule.NOT_BEFORE,
        Rule.ONLY_LOOKS,
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One finding and its place.

    ``field`` is a key of ``Article.public_fields()`` (or ``media.NAME`` for a file as a whole, or ``article`` for all
    of it); ``start`` and ``end`` are offsets in characters, both zero where there is no place.

    ``key`` is 16 hexadecimal digits that stay the same while the place and its near surroundings do: answers are
    filed under it. ``case`` says which material it was found in, where that is known. ``files`` are the neutral names
    of those that it is about.
    """

    rule: Rule
    field: str
    start: int
    end: int
    key: str = ""
    case: str | None = None
    files: tuple[str, ...] = ()

    @property
    def severity(self) -> Severity:
        """Whether it blocks or warns: a property of the rule."""
        return Severity.WARN if self.rule in _WARNINGS else Severity.BLOCK

    @property
    def reveals(self) -> Sentence:
        """What it gives away."""
        return TEXTS[self.rule][0]

    @property
    def advice(self) -> Sentence:
        """A coarser wording, or what to do."""
        return TEXTS[self.rule][1]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hit:
    """A place in one text, before it becomes a finding."""

    rule: Rule
    start: int
    end: int
    case: str | None = None
