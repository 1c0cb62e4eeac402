"""The word lists that codenames are drawn from, and how a typed word is found in them.

Rules: a list is used only if it is, word for word, the one that earlier codenames were drawn from: a changed list would
lock their owners out, so its hash is pinned. Words are kept in NFC. The first four characters decide, which is true of
every list (of the Chinese ones, whose words are single characters, the first does). Accents and the Turkish dots may be
left out where that leaves one word, or few.
"""

from __future__ import annotations

import functools
import hashlib
import unicodedata
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from importlib import resources
from types import MappingProxyType
from typing import Final

from fieldreport import limits
from fieldreport.errors import PlatformError

WORDS: Final = 2048
DECIDING_CHARACTERS: Final = 4

# SHA-256 of the list as used here: NFC, one word a line, no line feed at the end.
# python3 -c 'from fieldreport.seal.word_lists import word_list as w; print(w("english").sha256)'
_PINNED: Final = MappingProxyType(
    {
        "english": "187db04a869dd9bc7be80d21a86497d692c0db6abd3aa8cb6be5d618ff757fae",
        "korean": "bdda237495b010e85f5ff409314291fdd9a2e46df45a9620ea5def3296507fc6",
        "chinese_simplified": "106cc8387ac3fc7d44ca1072e30a0b27ed017b1d377501bb909c2833ef60c186",
        "chinese_traditional": "407312f9014543242bd157c255125a753ac60128fc15883a33b8685a9328b0cc",
        "japanese": "12708f380768daa2e279b57a686b253b9ccdefa99fe6b194b8f4066ad479fe2f",
        "russian": "2439333f64847a2c60c7d0cdcdcad20ca3cb546ac108f0fe8b0b8bcaa0947443",
        "turkish": "13ec2e577c73f61aa9dc156e2d16fb4262c95a38e9cd86c7982a8ed030dad2bb",
        "french": "a987d13c85916835e44001998f43aa71e1be667bd16fa868823ed7adbaf630ef",
        "spanish": "9853830bbcfccfaa4f9185af63bbdfdff9c8f57aa61e14b60e19abd93cdb9166",
        "portuguese": "882265ece9ce1178b9fe47463d571dfa399c6fc7cb17895eb2767f1930c945eb",
        "italian": "ffefe450a4be8015d9c291d6ae305ab7e814e822113fa874268c3074af42b27e",
        "czech": "63a3babb46c556473cd58ddf195dcd2a91aff3674a9656efa6e0ad8598875f3e",
    }
)

# The Russian list of mnemonic 0.21 has one word in which a letter was destroyed by a wrong decoding (two U+FFFD): a
# source could neither read nor type it. The pin above is over the corrected list, so a release that fixes it fits, too.
_CORRECTED: Final = MappingProxyType({("russian", 1572): "снова"})

LIST_NAMES: Final = tuple(_PINNED)


@dataclass(frozen=True, slots=True, kw_only=True)
class WordList:
    """2,048 words in NFC, and four ways in: the whole word, its first four characters, and both without accents."""

    name: str
    words: tuple[str, ...] = field(repr=False)
    _whole: dict[str, int] = field(repr=False)
    _plain: dict[str, int] = field(repr=False)
    _start: dict[str, int] = field(repr=False)
    _plain_start: dict[str, tuple[int, ...]] = field(repr=False)

    @property
    def sha256(self) -> str:
        """Hexadecimal SHA-256 of the words, one a line."""
        return hashlib.sha256("\n".join(self.words).encode()).hexdigest()

    @property
    def is_of_characters(self) -> bool:
        """Whether every word is one character, so that spaces between words mean nothing."""
        return self.name.startswith("chinese")

    def split(self, untrusted_pieces: Sequence[str]) -> tuple[str, ...]:
        """The typed words: the pieces between separators, or in Chinese each character of them."""
        return tuple("".join(untrusted_pieces)) if self.is_of_characters else tuple(untrusted_pieces)

    def places(self, untrusted_words: Sequence[str]) -> tuple[int, ...] | None:
        """Where these very words stand in the list, or nothing if one of them does not."""
        found = tuple(self._whole.get(word, -1) for word in untrusted_words)
        return None if -1 in found else found

    def segment(self, untrusted_pieces: Sequence[str]) -> list[tuple[int, ...]]:
        """Every way to cut the pieces, run together, into nine words of this list, whole or their first four letters.

        For texts in which words are not set apart, or are by chance. None where there are more than
        ``limits.CODENAME_READINGS``, which no real codename has.
        """
        text = "".join(untrusted_pieces)
        text = fold(text.replace("İ", "i").replace("I", "ı") if self.name == "turkish" else text)
        longest = max(map(len, self._whole))
        if self.is_of_characters or len(text) > limits.CODENAME_WORDS * longest:
            return []
        # From the end of the text: for each position, every way to read the rest as a number of words.
        ways: list[dict[int, list[tuple[int, ...]]]] = [{} for _ in range(len(text) + 1)]
        ways[-1][0] = [()]
        for start in reversed(range(len(text))):
            for end in range(start + 1, min(len(text), start + longest) + 1):
                piece = text[start:end]
                meant = {index[piece] for index in (self._whole, self._start) if piece in index}
                for count, rests in ways[end].items():
                    if meant and count < limits.CODENAME_WORDS:
                        here = ways[start].setdefault(count + 1, [])
                        here.extend((place, *rest) for place in meant for rest in rests)
                        if len(here) > limits.CODENAME_READINGS:
                            return []
        return ways[0].get(limits.CODENAME_WORDS, [])

    def find(self, untrusted_word: str) -> tuple[int, ...]:
        """Which words of this list may be meant: none, one, or several when accents were left out.

        A word written in full wins over one that only begins alike, with its accents or without: ARTIST is not the
        start of "artı" (a Turkish capital I is a dotless one), and "sakiz" is "sakız", not the start of "sakin".
        """
        spellings = [fold(untrusted_word)]
        if self.name == "turkish":
            spellings.insert(0, fold(untrusted_word.replace("İ", "i").replace("I", "ı")))
        for spelling in spellings:
            if spelling in self._whole:
                return (self._whole[spelling],)
        plain = _without_accents(spellings[0])
        whole = (self._plain[plain],) if plain in self._plain else ()
        if whole and len(plain) > DECIDING_CHARACTERS:
            return whole
        for spelling in spellings:
            start = self._start.get(spelling[:DECIDING_CHARACTERS])
            if start is not None:
                # "sema" is "şema" without its accent and the start of "semavi": the checksum decides.
                return tuple(dict.fromkeys((*whole, start)))
        return whole or self._plain_start.get(plain[:DECIDING_CHARACTERS], ())


def fold(word: str) -> str:
    """The one spelling used for comparing: NFC, case-folded, katakana as hiragana (as in the Japanese list)."""
    folded = unicodedata.normalize("NFC", unicodedata.normalize("NFKC", word).casefold())
    return "".join(chr(ord(letter) - 0x60) if "\u30a1" <= letter <= "\u30f6" else letter for letter in folded)


def _without_accents(word: str) -> str:
    # Recomposed, because Hangul decomposes too, and four of its letters are not four syllables.
    letters = (letter for letter in unicodedata.normalize("NFD", word) if not unicodedata.combining(letter))
    return unicodedata.normalize("NFC", "".join(letters)).replace("ı", "i")


@functools.cache
def word_list(name: str) -> WordList:
    """The list of that name, one of ``LIST_NAMES``; read once a process.

    Raises:
        PlatformError: the installed list is missing, or is not the one that codenames have been drawn from.
    """
    try:
        text = (resources.files("mnemonic") / "wordlist" / f"{name}.txt").read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError, ModuleNotFoundError):
        raise PlatformError(f"the {name} word list is missing; install mnemonic again") from None
    words = [unicodedata.normalize("NFC", word) for word in text.split()]
    for (list_name, place), word in _CORRECTED.items():
        if list_name == name and place < len(words):
            words[place] = word
    starts: defaultdict[str, list[int]] = defaultdict(list)
    for place, word in enumerate(words):
        starts[_without_accents(word)[:DECIDING_CHARACTERS]].append(place)
    built = WordList(
        name=name,
        words=tuple(words),
        _whole={word: place for place, word in enumerate(words)},
        _plain={_without_accents(word): place for place, word in enumerate(words)},
        _start={word[:DECIDING_CHARACTERS]: place for place, word in enumerate(words)},
        _plain_start={start: tuple(places) for start, places in starts.items()},
    )
    if built.sha256 != _PINNED[name]:
        raise PlatformError(f"the {name} word list changed: codenames already given out would not open any more")
    return built


def fingerprint_words(fingerprint: str) -> str:
    """32 hexadecimal digits as twelve English words that two people can compare by telephone (BIP-39 of 16 bytes)."""
    digits = bytes.fromhex(fingerprint)
    checked = int.from_bytes(digits + hashlib.sha256(digits).digest()[:1], "big") >> 4
    words = word_list("english").words
    return " ".join(words[checked >> 11 * place & 0x7FF] for place in reversed(range(12)))
