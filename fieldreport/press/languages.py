"""What the site says in each language: its few words, its direction, its way to write a day."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from importlib.resources import files
from typing import Final

from babel import Locale, UnknownLocaleError
from babel.dates import format_date

WORDS: Final[Mapping[str, Mapping[str, str]]] = tomllib.loads(
    files("fieldreport.press").joinpath("strings.toml").read_text(encoding="utf-8")
)
"""The words of the site by language tag; each language has the same keys."""
_RIGHT_TO_LEFT: Final = frozenset({"ar", "ckb", "dv", "fa", "he", "ps", "sd", "ug", "ur", "yi"})
_SCRIPT_LETTERS: Final = 4  # ISO 15924
_RIGHT_TO_LEFT_SCRIPTS: Final = frozenset({"Arab", "Hebr", "Thaa", "Syrc", "Nkoo"})


def direction(language: str) -> str:
    """``rtl`` or ``ltr`` for a language tag; a script in the tag decides over the language."""
    parts = language.split("-")
    scripts = [part for part in parts[1:] if len(part) == _SCRIPT_LETTERS]
    if scripts:
        return "rtl" if scripts[0] in _RIGHT_TO_LEFT_SCRIPTS else "ltr"
    return "rtl" if parts[0] in _RIGHT_TO_LEFT else "ltr"


def has_words(language: str) -> bool:
    """Whether the site speaks this language."""
    return language in WORDS or language.partition("-")[0] in WORDS


@cache
def own_name(language: str) -> str:
    """What a language calls itself, for a link to a page in it; its tag where Babel does not know it."""
    try:
        return Locale.parse(language, sep="-").get_display_name() or language
    except (UnknownLocaleError, ValueError):
        return language


def words(language: str) -> Mapping[str, str]:
    """The words of the site in a language; English where it does not speak it."""
    return WORDS.get(language) or WORDS.get(language.partition("-")[0]) or WORDS["en"]


def written_date(slot: datetime, language: str) -> str:
    """The day of a slot as the language writes it; as a plain date where Babel does not know it."""
    try:
        return format_date(slot.date(), "long", Locale.parse(language, sep="-"))
    except (UnknownLocaleError, ValueError):
        return slot.date().isoformat()
