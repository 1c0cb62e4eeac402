"""Which language a passage is written in, as far as the tables of the leak check tell languages apart.

Rules: a passage is a line; the script decides where only one language of the tables is written in it, small words where
several are; a guess that is wrong costs the words of that language's tables, nothing else.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any, Final

from fieldreport.press.leakcheck.text import LANGUAGES

_SCRIPTS: Final = {
    "ko": re.compile(r"[\uac00-\ud7a3\u1100-\u11ff]"),
    "ja": re.compile(r"[\u3040-\u30ff]"),
    "zh": re.compile(r"[\u3400-\u9fff\uf900-\ufaff]"),
    "ru": re.compile(r"[\u0400-\u04ff]"),
    "ar": re.compile(r"[\u0600-\u06ff]"),
}
_PERSIAN: Final = re.compile(r"[پچژگیک]")
_LATIN_LETTER: Final = re.compile(r"[A-Za-z\u00c0-\u024f]")
_LATIN: Final = re.compile(r"[^\W\d_]+")
NUMERALS: Final[Mapping[str, Any]] = tomllib.loads(
    files("fieldreport.press.leakcheck").joinpath("numerals.toml").read_text(encoding="utf-8")
)
# Small words and numbers.
_TELLING: Final = {
    language: frozenset(words).union(*NUMERALS[language]["values"].values(), *NUMERALS[language]["times"].values())
    for language, words in LANGUAGES["telling"].items()
}
_LETTERS_LOOKED_AT: Final = 2000


@dataclass(frozen=True, slots=True)
class Passage:
    """A line of a text: where it begins, what it says, and in which language (ISO 639-1)."""

    start: int
    text: str = field(repr=False)
    language: str


def passages(text: str, fallback: str = "en") -> Iterator[Passage]:
    """Every line of ``text`` that is not empty; ``fallback`` is the language where nothing tells another."""
    start = 0
    for line in text.split("\n"):
        if line.strip():
            yield Passage(start, line, language_of(line, fallback))
        start += len(line) + 1


def language_of(text: str, fallback: str = "en") -> str:
    """The language of a short text (ISO 639-1); ``fallback`` where nothing tells another."""
    sample = text[:_LETTERS_LOOKED_AT]
    if not sample.isascii():
        counts = {language: len(pattern.findall(sample)) for language, pattern in _SCRIPTS.items()}
        latin = len(_LATIN_LETTER.findall(sample))
        counts["zh"] += counts["ja"]  # kana stand among Han characters
        best = max(counts, key=counts.__getitem__)
        if counts[best] * 3 > latin and counts[best] > 1:
            if best == "zh" and (counts["ja"] * 10 > counts["zh"] or (fallback == "ja" and not counts["ja"])):
                return "ja"
            return "fa" if best == "ar" and len(_PERSIAN.findall(sample)) * 20 > counts["ar"] else best
    words = [word.lower() for word in _LATIN.findall(sample)]
    scores = {language: sum(word in telling for word in words) for language, telling in _TELLING.items()}
    best = max(scores, key=scores.__getitem__)
    likely = fallback if fallback in scores else "en"
    return best if scores[best] > scores[likely] else likely
