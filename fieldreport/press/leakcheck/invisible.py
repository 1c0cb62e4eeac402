"""Finds invisible characters, and letters that look like letters of another alphabet.

Both can mark a copy so that a leak is traced to one reader, and both can hide a word from the other rules. Rules: what
ordinary writing needs is not reported: joiners in Arabic, Persian and Indic words and in emoji, direction marks next to
right-to-left text, ideographic and no-break spaces, Latin words in Korean, Chinese or Japanese text.
"""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache
from typing import Final

from confusable_homoglyphs import confusables

from fieldreport.press.leakcheck.findings import Hit, Rule
from fieldreport.press.leakcheck.text import is_letter, script

_SPACES: Final = frozenset("\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u200a\u205f")
_FILLERS: Final = frozenset("\u034f\u115f\u1160\u17b4\u17b5\u180b\u180c\u180d\u180e\u2800\u3164\uffa0")
_JOINERS: Final = frozenset("\u200c\u200d")
_DIRECTION: Final = frozenset("\u200e\u200f\u061c")
_JOINING_SCRIPTS: Final = frozenset(
    {"ARABIC", "SYRIAC", "MONGOLIAN", "NKO", "DEVANAGARI", "BENGALI", "GURMUKHI", "GUJARATI", "ORIYA", "TAMIL"}
    | {"TELUGU", "KANNADA", "MALAYALAM", "SINHALA", "KHMER", "MYANMAR", "TIBETAN"}
)
_LOOK_ALIKE_SCRIPTS: Final = frozenset({"LATIN", "CYRILLIC", "GREEK", "ARMENIAN", "CHEROKEE", "COPTIC", "LISU"})
_SUSPECT: Final = re.compile(
    r"[^\t\n -~\u00a0-\u00ac\u00ae-\u02ff\u0370-\u03ff\u0400-\u0482\u048a-\u052f\u4e00-\u9fff\uac00-\ud7a3]"
)
_WORD: Final = re.compile(r"[^\W\d_]+")
_TAG_SEQUENCE: Final = re.compile("\U0001f3f4[\U000e0020-\U000e007e]{1,8}\U000e007f")


def hits(text: str) -> list[Hit]:
    """Invisible characters and look-alikes in ``text``."""
    return [*_invisible(text), *_look_alikes(text)]


def _invisible(text: str) -> list[Hit]:
    flags = [match.span() for match in _TAG_SEQUENCE.finditer(text)]
    found: list[Hit] = []
    for match in _SUSPECT.finditer(text):
        at = match.start()
        if not _is_invisible(text[at]) or _is_needed(text, at) or any(start <= at < end for start, end in flags):
            continue
        if found and found[-1].end == at:
            found[-1] = Hit(rule=Rule.INVISIBLE, start=found[-1].start, end=at + 1)
        else:
            found.append(Hit(rule=Rule.INVISIBLE, start=at, end=at + 1))
    return found


@lru_cache(maxsize=4096)
def _is_invisible(character: str) -> bool:
    category = unicodedata.category(character)
    if category in {"Cc", "Cf", "Co", "Cn", "Zl", "Zp"}:
        # Arabic number signs and the like are format characters that are drawn.
        return not ("\u0600" <= character <= "\u0605" or character in "\u06dd\u070f\u08e2\n\t")
    return character in _SPACES or character in _FILLERS or _is_variation_selector(character)


def _is_variation_selector(character: str) -> bool:
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"


def _is_needed(text: str, at: int) -> bool:
    """Whether ordinary writing puts this character here."""
    character = text[at]
    before, after = text[at - 1] if at else "", text[at + 1] if at + 1 < len(text) else ""
    if character in "\ufe0e\ufe0f":
        return bool(before) and (_is_pictograph(before) or (before in "#*0123456789" and after == "\u20e3"))
    if character in _JOINERS:
        joined = bool(before and after) and is_letter(before) and script(before) in _JOINING_SCRIPTS | {"INHERITED"}
        return joined or (character == "\u200d" and _is_pictograph(_visible_before(text, at)) and _is_pictograph(after))
    if character in _DIRECTION:
        return _near_right_to_left(text, at)
    return character in "\u180b\u180c\u180d\u180e" and bool(before) and script(before) == "MONGOLIAN"


def _visible_before(text: str, at: int) -> str:
    while at > 0 and (text[at - 1] == "\ufe0f" or "\U0001f3fb" <= text[at - 1] <= "\U0001f3ff"):
        at -= 1
    return text[at - 1] if at else ""


def _is_pictograph(character: str) -> bool:
    if not character:
        return False
    return unicodedata.category(character) in {"So", "Sk"} or character in "\u203c\u2049\u2194\u2195\u2934\u2935\u3030"


def _near_right_to_left(text: str, at: int) -> bool:
    around = text[max(0, at - 12) : at + 13]
    return any(unicodedata.bidirectional(character) in {"R", "AL", "AN"} for character in around)


def _look_alikes(text: str) -> list[Hit]:
    if text.isascii():
        return []
    tokens = list(_WORD.finditer(text))
    scripts = [_look_alike_scripts(match.group()) for match in tokens]
    # Where a fifth of the words is in an alphabet, its short words are words.
    at_home = {name for name in _LOOK_ALIKE_SCRIPTS if sum(own == {name} for own in scripts) * 5 > len(scripts)}
    found = []
    for i, match in enumerate(tokens):
        word = match.group()
        if word.isascii():
            continue
        if len(scripts[i]) > 1:
            deceptive = _mixes_look_alikes(word)
        else:
            neighbours = [scripts[j] for j in (i - 1, i + 1) if 0 <= j < len(tokens) and scripts[j]]
            deceptive = _is_styled(word) or (not scripts[i] & at_home and _poses(word, scripts[i], neighbours))
        if deceptive:
            found.append(Hit(rule=Rule.LOOK_ALIKE, start=match.start(), end=match.end()))
    return found


@lru_cache(maxsize=8192)
def _look_alike_scripts(word: str) -> frozenset[str]:
    """The scripts in ``word`` whose letters are mistaken for one another; Korean, Han and kana are not among them."""
    return frozenset(script(character) for character in word) & _LOOK_ALIKE_SCRIPTS


@lru_cache(maxsize=8192)
def _mixes_look_alikes(word: str) -> bool:
    """Several alphabets in one word, and a letter of the rarer one looks like one of the commonest."""
    letters = [character for character in word if script(character) in _LOOK_ALIKE_SCRIPTS]
    count = {name: sum(script(letter) == name for letter in letters) for name in _look_alike_scripts(word)}
    main = max(sorted(count), key=count.__getitem__)
    return any(script(letter) != main and _looks_like(letter, main) for letter in letters)


def _poses(word: str, own: frozenset[str], neighbours: list[frozenset[str]]) -> bool:
    """A whole word of one alphabet that reads as another's, among words of that other: ``сор`` in English text."""
    if len(own) != 1 or own == {"LATIN"} or not neighbours:
        return False
    if any(other != {"LATIN"} for other in neighbours):
        return False
    return all(_looks_like(letter, "LATIN") for letter in word)


@lru_cache(maxsize=4096)
def _looks_like(letter: str, other: str) -> bool:
    """Whether ``letter`` is confusable with a letter of the script ``other``; of Latin, with one in daily use."""
    answers = confusables.is_confusable(letter, greedy=True, preferred_aliases=[])
    twins = [twin["c"] for answer in answers or () for twin in answer["homoglyphs"]]
    return any(len(twin) == 1 and script(twin) == other and (other != "LATIN" or twin.isascii()) for twin in twins)


def _is_styled(word: str) -> bool:
    """Mathematical and script letters used as a typeface."""
    return any(unicodedata.decomposition(character).startswith("<font>") for character in word)
