"""How a word of any script sounds, roughly enough that a name and its spelling in another script come out alike.

``Heard`` holds the consonants that no script of the tables loses (r and l are one, b, p, f and v are one) and the whole
word with its vowels. Rules: rules of ``sounds.toml``, in order; nothing is learned; two words are alike where their
consonants are the same and their vowels fit.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from rapidfuzz import fuzz
from unidecode import unidecode

from fieldreport.press.leakcheck.names import SOUNDS
from fieldreport.press.leakcheck.text import fold

_TABLE: Final = SOUNDS["heard"]
_RULES: Final = [(re.compile(pattern), becomes) for pattern, becomes in _TABLE["rules"]]
_PINYIN: Final = [(re.compile(pattern), becomes) for pattern, becomes in _TABLE["pinyin"]]
_ARABIC: Final = str.maketrans({**SOUNDS["ar"]["letters"], **_TABLE["arabic"]})
_SIGNS: Final = {sign: sound for sound, signs in _TABLE["signs"].items() for sign in signs}
_KANA: Final = {sign: sound for sound, signs in _TABLE["kana"].items() for sign in signs}
_SMALL: Final = {"ャ": "a", "ュ": "u", "ョ": "o", "ァ": "a", "ィ": "i", "ゥ": "u", "ェ": "e", "ォ": "o", "ヮ": "a"}
_GLIDES: Final = frozenset("ャュョ")
_OTHERWISE: Final = [(re.compile(pattern), becomes) for pattern, becomes in _TABLE["otherwise"]]
_VOWELS: Final = re.compile("[aiu]")
_TWICE: Final = re.compile(r"(.)\1+")
_HIRAGANA: Final = str.maketrans({chr(code): chr(code + 0x60) for code in range(0x3041, 0x3097)})
_SYLLABLES: Final = 0xAC00
_INITIALS: Final = SOUNDS["ko_spelled"]["revised"]["initials"]
_MEDIALS: Final = SOUNDS["ko_spelled"]["north"]["medials"]
_FINALS: Final = SOUNDS["ko_spelled"]["finals"]
_FEWEST: Final = 2  # consonants
# How much of the vowels has to fit, by the number of consonants.
_NEEDED: Final = {2: 90, 3: 74}
_NEEDED_OF_MORE: Final = 60
_LETTERS: Final = 4


@dataclass(frozen=True, slots=True)
class Heard:
    """``bones`` are the consonants of a word, ``whole`` the same with its vowels."""

    bones: str = field(repr=False)
    whole: str = field(repr=False)

    def __add__(self, other: Heard) -> Heard:
        """Both, one after the other, as one word."""
        return Heard(_once(self.bones + other.bones), _once(self.whole + other.whole))

    def tells(self) -> bool:
        """Whether there is enough of it to be known again."""
        return len(self.bones) >= _FEWEST and len(self.whole) >= _LETTERS

    def like(self, other: Heard) -> bool:
        """Whether two words with the same consonants sound alike."""
        needed = _NEEDED.get(len(self.bones), _NEEDED_OF_MORE)
        return fuzz.ratio(self.whole, other.whole) >= needed


def _once(letters: str) -> str:
    return _TWICE.sub(r"\1", letters)


def latin(spelled: str) -> Iterator[Heard]:
    """A word in Latin letters, in every way that its letters may be spoken: first as most languages do."""
    forms = [unidecode(spelled).lower()]
    for pattern, becomes in _OTHERWISE:
        forms += [other for form in forms if (other := pattern.sub(becomes, form)) != form]
    yield from dict.fromkeys(map(_heard, forms))


@lru_cache(maxsize=16384)
def cyrillic(word: str) -> Heard:
    """A Russian word."""
    return _heard(unidecode(word.lower().replace("х", "h")).lower())


@lru_cache(maxsize=16384)
def hangul(word: str) -> Heard:
    """A Korean word."""
    spelled = []
    for syllable in word:
        code = ord(syllable) - _SYLLABLES
        if 0 <= code < 11172:  # noqa: PLR2004 - syllables of Unicode
            initial, rest = divmod(code, 588)
            spelled += [_INITIALS[initial], _MEDIALS[rest // 28], _FINALS[rest % 28]]
    return _heard("".join(spelled))


@lru_cache(maxsize=16384)
def kana(word: str) -> Heard:
    """A word in kana."""
    return _heard(romaji(word))


def romaji(word: str) -> str:
    """Kana in small Latin letters, long vowels as short ones."""
    spelled: list[str] = []
    for sign in word.translate(_HIRAGANA):
        if sign in _SMALL and spelled and spelled[-1]:
            before = spelled[-1][:-1]
            glide = "y" if sign in _GLIDES and before not in {"sh", "ch", "j"} else ""
            spelled[-1] = before + glide + _SMALL[sign]
        else:
            spelled.append(_KANA.get(sign, ""))
    return "".join(spelled)


@lru_cache(maxsize=16384)
def arabic(word: str) -> Heard:
    """An Arabic or Persian word, without its article."""
    plain = fold(word)
    bare = plain.removeprefix("ال") if len(plain) > 4 else plain  # noqa: PLR2004 - the article before a name
    return _heard(re.sub("kh$", "", bare.translate(_ARABIC)) if bare.endswith("ه") else bare.translate(_ARABIC))


def pinyin(signs: str) -> Heard:
    """A Chinese name as Mandarin says it."""
    spelled = unidecode(signs).lower().replace(" ", "")
    for pattern, becomes in _PINYIN:
        spelled = pattern.sub(becomes, spelled)
    return _heard(spelled)


def borrowed(signs: str) -> Heard:
    """A foreign name in the signs that Chinese uses for its sounds; empty where another sign is among them."""
    return _heard("".join(_SIGNS[sign] for sign in signs)) if all(sign in _SIGNS for sign in signs) else Heard("", "")


def is_borrowed(sign: str) -> bool:
    """Whether Chinese uses a sign for the sounds of foreign names."""
    return sign in _SIGNS


@lru_cache(maxsize=16384)
def _heard(spelled: str) -> Heard:
    for pattern, becomes in _RULES:
        spelled = pattern.sub(becomes, spelled)
    return Heard(_once(_VOWELS.sub("", spelled)), _once(spelled))


def joined(pieces: Sequence[Heard]) -> Heard:
    """Several words as one."""
    whole = Heard("", "")
    for piece in pieces:
        whole += piece
    return whole


def forget() -> None:
    """Let go of every word that was heard: they are a source's."""
    for kept in (cyrillic, hangul, kana, arabic, _heard):
        kept.cache_clear()
