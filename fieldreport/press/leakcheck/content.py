"""The words of a text that carry its content, by their stems, with how rare each is in its language.

Rules: stems are cut by tables, the same way everywhere, and are never shown; in scripts without spaces the longest word
of the lists counts, and of what no list knows each pair of signs; ranks come from ``frequent/``: the commonest stems of
a language in order, counted in the word lists of wordfreq 3.1 (Robyn Speer; CC BY-SA 4.0), as is ``simplified.txt``.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.resources import files
from typing import Final

from fieldreport.press.leakcheck import concepts
from fieldreport.press.leakcheck.language import passages
from fieldreport.press.leakcheck.text import LANGUAGES, fold, words

_FROM: Final = 100  # the commonest stems of a language carry nothing
_UNKNOWN: Final = 12_000  # the rank of a stem that is in no list
_DICTIONARY: Final = 2200  # the rank of a word that only the dictionary has: everyday, but seldom in print
_LONGEST: Final = 5  # signs of a word in scripts without spaces
_SENTENCE: Final = re.compile(r"[^.!?。！？؟\n]+(?:[.!?]+(?=\S)[^.!?。！？؟\n]+)*")
_SIGNS: Final = re.compile(r"[\u3400-\u9fff\uf900-\ufaff々]+|[\u30a0-\u30ff]{2,}|[A-Za-z\uff21-\uff5a]{2,}")
_KATAKANA: Final = re.compile(r"[\u30a0-\u30ffA-Za-z\uff21-\uff5a]+")
_FEWEST: Final = 3  # letters of a stem in scripts with spaces


@dataclass(frozen=True, slots=True)
class Content:
    """One content word: its stem, its place, and its weight: 1 for common words up to 7 for those in no list."""

    stem: str = field(repr=False)
    start: int
    end: int
    weight: float


@dataclass(frozen=True, slots=True)
class Sentence:
    """The content words of one sentence, in order."""

    start: int
    end: int
    language: str
    words: tuple[Content, ...] = field(repr=False)


def sentences(text: str, language: str = "en") -> Iterator[Sentence]:
    """Every sentence of ``text`` with a content word. ``language`` is what a line counts as that does not tell."""
    for passage in passages(text, language):
        for match in _SENTENCE.finditer(passage.text):
            start = passage.start + match.start()
            found = tuple(_content(match.group(), start, passage.language))
            if found:
                yield Sentence(start, passage.start + match.end(), passage.language, found)


def _content(text: str, offset: int, language: str) -> Iterator[Content]:
    if language in {"zh", "ja"}:
        yield from _signs(text, offset, language)
        return
    for word in words(text):
        cut = stem(word.folded, language)
        rank = rank_of(cut, language)
        if cut.isdecimal() or rank < _FROM:
            continue
        if len(cut) >= (2 if language == "ko" else _FEWEST):
            yield Content(cut, offset + word.start, offset + word.end, _weight(rank))
        elif language == "ko" and concepts_of(cut, language):  # 강, 재
            yield Content(cut, offset + word.start, offset + word.end, 1)


def _signs(text: str, offset: int, language: str) -> Iterator[Content]:
    ranks = _lexicon(language)
    for run in _SIGNS.finditer(text):
        signs = run.group()
        if _KATAKANA.fullmatch(signs):
            rank = ranks.get(fold(signs), _UNKNOWN)
            yield Content(fold(signs), offset + run.start(), offset + run.end(), _weight(rank))
            continue
        plain = simplified(signs)
        at, unknown = 0, ""
        while at < len(plain):
            length = next(
                (size for size in range(min(_LONGEST, len(plain) - at), 1, -1) if plain[at : at + size] in ranks), 1
            )
            word = plain[at : at + length]
            rank = ranks.get(word, _UNKNOWN)
            start = offset + run.start() + at
            if length > 1 or rank < _FROM:
                unknown = ""
                if rank >= _FROM:
                    yield Content(word, start, start + length, _weight(rank))
            else:
                if unknown:
                    yield Content(unknown + word, start - 1, start + 1, _weight(_UNKNOWN))
                yield Content(word, start, start + 1, 1)
                unknown = word
            at += length


def _weight(rank: int) -> float:
    return max(1.0, 1 + math.log2(rank / 200))


@cache
def _ranks(language: str) -> Mapping[str, int]:
    path = files("fieldreport.press.leakcheck").joinpath("frequent", f"{language}.txt")
    if not path.is_file():
        return {}
    return {entry: rank for rank, entry in enumerate(path.read_text(encoding="utf-8").split())}


@cache
def _lexicon(language: str) -> Mapping[str, int]:
    """The words of a script without spaces: the commonest ones, and those of the dictionary."""
    return {**dict.fromkeys(concepts.forms(language), _DICTIONARY), **_ranks(language)}


UNKNOWN_WEIGHT: Final = _weight(_UNKNOWN)


@cache
def _meanings(language: str) -> Mapping[str, tuple[int, ...]]:
    found: dict[str, tuple[int, ...]] = {}
    if language not in concepts.LANGUAGES:
        return found
    for form, numbers in concepts.forms(language).items():
        if language in {"zh", "ja"}:
            keys = {simplified(form)}
        else:
            cut = stem(fold(form), language)
            keys = {form} if language == "ko" else {cut, stem(cut, language)}
        for key in keys:
            found[key] = tuple(dict.fromkeys((*found.get(key, ()), *numbers)))
    return found


@lru_cache(maxsize=32768)
def concepts_of(cut: str, language: str) -> tuple[int, ...]:
    """The numbers of what a stem may mean in the dictionary; in Korean those of its longest beginning there."""
    meanings = _meanings(language)
    if language == "ko":
        return next((meanings[cut[:size]] for size in range(len(cut), 0, -1) if cut[:size] in meanings), ())
    # Of "passports" one ending is cut, of "passport" another: both once more are the same.
    return meanings.get(cut) or meanings.get(stem(cut, language), ())


@lru_cache(maxsize=32768)
def rank_of(cut: str, language: str) -> int:
    """The rank of a stem in its language; in Korean that of its longest beginning, as verbs go on in many ways."""
    ranks = _ranks(language)
    if language == "ko":
        return next((ranks[cut[:size]] for size in range(len(cut), 1, -1) if cut[:size] in ranks), _UNKNOWN)
    return ranks.get(cut, _UNKNOWN)


_STEMS: Final = LANGUAGES["light_stems"]
_BEFORE: Final = {
    language: tuple(sorted(map(fold, table["before"]), key=len, reverse=True)) for language, table in _STEMS.items()
}
_AFTER: Final = {
    language: tuple(sorted(map(fold, table["after"]), key=len, reverse=True)) for language, table in _STEMS.items()
}


@lru_cache(maxsize=32768)
def stem(word: str, language: str) -> str:
    """The stem of a folded word: without what tables put before or behind it, and not longer than they say."""
    table = _STEMS.get(language, _STEMS["en"])
    fewest: int = table["fewest"]
    key = language if language in _STEMS else "en"
    for beginning in _BEFORE[key]:
        if word.startswith(beginning) and len(word) - len(beginning) >= fewest:
            word = word[len(beginning) :]
            break
    for ending in _AFTER[key]:
        if word.endswith(ending) and len(word) - len(ending) >= fewest:
            word = word[: -len(ending)]
            break
    return word[: table["most"]]


@cache
def _simplified() -> dict[int, str]:
    pairs = files("fieldreport.press.leakcheck").joinpath("simplified.txt").read_text(encoding="utf-8").split()
    return {ord(pair[0]): pair[1] for pair in pairs}


def simplified(signs: str) -> str:
    """Chinese with each traditional sign in its simplified form; of the same length."""
    return signs.translate(_simplified())


def forget() -> None:
    """Let go of every word that was looked up: they are a source's."""
    for kept in (stem, rank_of, concepts_of):
        kept.cache_clear()
