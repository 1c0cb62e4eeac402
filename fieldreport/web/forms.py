"""What a page needs to show a form that was not accepted: which field, and what is wrong with it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One thing to correct. ``field`` is the name of the field it belongs to, empty for the whole form."""

    text: str
    field: str = ""


def problem_of(problems: Sequence[Problem], name: str) -> str:
    """The text for one field, or nothing. Templates reach it as the filter ``problems|problem_of(name)``."""
    return next((problem.text for problem in problems if problem.field == name), "")
