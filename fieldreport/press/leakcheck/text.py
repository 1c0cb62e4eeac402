"""Text as the leak check reads it: folded, cut into words, and always with a map back to the original offsets.

Rules: folding is for comparing only, folded text is never shown; a place in folded text maps to the whole cluster
(letter with its marks) in the original; everything here is linear in the length of the text.
"""

from __future__ import annotations

import re
import tomllib
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from confusable_homoglyphs import categories
from unidecode import unidecode

LANGUAGES: Final[Mapping[str, Any]] = tomllib.loads(
    files("fieldreport.press.leakcheck").joinpath("languages.toml").read_text(encoding="utf-8")
)

# Written without spaces: a term may begin and end anywhere.
UNSPACED: Final = frozenset({"HAN", "HIRAGANA", "KATAKANA", "BOPOMOFO", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN"})

_APOSTROPHES: Final = "'\u2019\u02bc\u2032"
_ARABIC_FOLD: Final = str.maketrans({"أ": "ا", "إ": "ا", "آ": "ا", "ٱ": "ا", "ى": "ي", "ی": "ي", "ة": "ه", "ک": "ك"})
_CYRILLIC_FOLD: Final = str.maketrans({"ё": "е"})


def _marks() -> str:
    """A character class of all combining marks of the basic plane, as ranges."""
    ranges: list[list[int]] = []
    for code in range(0x300, 0xFE30):
        if unicodedata.category(chr(code))[0] == "M":
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"\\u{first:04x}-\\u{last:04x}" for first, last in ranges)


_MARKS: Final = _marks()
_IGNORED: Final = "\\u00ad\\u200b-\\u200f\\u2060-\\u2064\\ufeff"
_WORD: Final = re.compile(rf"[^\W_](?:[^\W_]|[{_MARKS}{_IGNORED}]|[{_APOSTROPHES}](?=[^\W_]))*")
_DROPPED: Final = re.compile(rf"[{_IGNORED}{_APOSTROPHES}\u0640\u064b-\u0652\u0670\u0591-\u05c7]")


@lru_cache(maxsize=8192)
def script(character: str) -> str:
    """The script of one character in capital letters (``LATIN``, ``HANGUL``), ``COMMON`` for digits and signs."""
    if character == "ー":  # the long-vowel sign belongs to the kana around it
        return "KATAKANA"
    return str(categories.alias(character))


@lru_cache(maxsize=8192)
def is_letter(character: str) -> bool:
    """Whether it is part of a word and no digit: letters and the marks that sit on them."""
    return unicodedata.category(character)[0] in "LM"


@dataclass(frozen=True, slots=True)
class Word:
    """A word of a text: ``folded`` for comparing, its place for showing."""

    folded: str = field(repr=False)
    start: int
    end: int


def words(text: str) -> list[Word]:
    """Cut ``text`` into words. Han and kana runs come as one word; who compares those uses ``squeeze``."""
    return [Word(_folded_word(match.group()), match.start(), match.end()) for match in _WORD.finditer(text)]


@lru_cache(maxsize=32768)
def _folded_word(word: str) -> str:
    return fold(word)


def fold(text: str) -> str:
    """NFKC, case-folded, without invisible characters, apostrophes, Arabic and Hebrew vowel signs."""
    if text.isascii():
        return text.lower().replace("'", "")
    plain = _DROPPED.sub("", unicodedata.normalize("NFKC", text)).casefold()
    return unicodedata.normalize("NFKC", plain).translate(_ARABIC_FOLD).translate(_CYRILLIC_FOLD)


def plain(text: str) -> str:
    """Small letters, one form of each Arabic and Cyrillic letter, plain digits; of the same length."""
    if text.isascii():
        return text.lower()
    return "".join(map(_plain_letter, text))


@lru_cache(maxsize=8192)
def _plain_letter(letter: str) -> str:
    if letter.isdecimal():
        return str(int(letter))
    return " " if letter == "\u200c" else folded if len(folded := fold(letter)) == 1 else letter


@lru_cache(maxsize=16384)
def _folded_cluster(cluster: str) -> str:
    return "".join(character for character in fold(cluster) if unicodedata.category(character)[0] in "LNM")


@lru_cache(maxsize=16384)
def _transliterated_cluster(cluster: str) -> str:
    plain = unidecode(unicodedata.normalize("NFKC", cluster)).lower()
    return "".join(character for character in plain if character.isascii() and character.isalnum())


def forget() -> None:
    """Let go of every word that was folded: they are a source's."""
    for kept in (_folded_word, _folded_cluster, _transliterated_cluster):
        kept.cache_clear()


def transliterate(text: str) -> str:
    """ASCII letters and digits only, as Unidecode spells them."""
    return "".join(_transliterated_cluster(cluster) for cluster, _ in _clusters(text))


@dataclass(frozen=True, slots=True)
class Squeezed:
    """``text`` holds letters and digits only.

    ``starts[i]`` and ``ends[i]`` are the original offsets of the cluster that character ``i`` came from.
    """

    text: str = field(repr=False)
    starts: tuple[int, ...]
    ends: tuple[int, ...]


def squeeze(text: str) -> Squeezed:
    """Fold cluster by cluster and drop everything between the words."""
    return _squeeze(text, _folded_cluster)


def squeeze_transliterated(text: str) -> Squeezed:
    """As ``squeeze``, but transliterated to ASCII."""
    return _squeeze(text, _transliterated_cluster)


def _squeeze(text: str, spell: Callable[[str], str]) -> Squeezed:
    pieces: list[str] = []
    starts: list[int] = []
    ends: list[int] = []
    for cluster, start in _clusters(text):
        spelled = spell(cluster)
        if spelled:
            pieces.append(spelled)
            starts += [start] * len(spelled)
            ends += [start + len(cluster)] * len(spelled)
    return Squeezed("".join(pieces), tuple(starts), tuple(ends))


_CLUSTER: Final = re.compile(rf"[\u1100-\u115f\ua960-\ua97f]*[\u1160-\u11ff\ud7b0-\ud7ff]+|.[{_MARKS}]*", re.DOTALL)


def _clusters(text: str) -> list[tuple[str, int]]:
    return [(match.group(), match.start()) for match in _CLUSTER.finditer(text)]
