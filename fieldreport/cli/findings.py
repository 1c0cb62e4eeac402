"""What ``fieldreport doctor`` finds: one line a check."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Verdict(StrEnum):
    """How a check ended. ``UNSEEN``: this user, or these settings, may not look there; nothing is known."""

    HOLDS = "holds"
    WARNS = "warns"
    FAILS = "fails"
    UNSEEN = "unseen"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One check: what was looked at, how it ended, and what was seen."""

    check: str
    verdict: Verdict
    seen: str
