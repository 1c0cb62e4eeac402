"""How likely a text is in a language: by how often its letters occur there, and by what stands beside what.

All of it is a sum of logarithms, so that readings of the same bytes in several encodings and languages can be compared:
a rare character costs much, a common one little, and fewer characters cost less than more.
"""

from __future__ import annotations

import itertools
import math
import re
import tomllib
import unicodedata
from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_TABLE: Final = tomllib.loads(Path(__file__).with_name("letters.toml").read_text(encoding="utf-8"))
_NEVER: Final = {
    name: frozenset(row[0] + follower for row in rows.split() for follower in row[1:])
    for name, rows in _TABLE["never"].items()
}
_FIRST_GROUP: Final = 3  # one in eight, as a power of two

# What a character costs that is no common letter of the language: logarithms, chosen on samples other than the tests'.
_PUNCTUATION: Final[Mapping[str, float]] = {
    character: cost
    for characters, cost in (("’", -4.0), ("“”«»–„", -5.0), ("‘—…№·\xa0", -5.5), ("°©®ºª€¿¡•§£", -7.0))
    for character in characters
}
_WIDE_PUNCTUATION: Final = dict.fromkeys("，。、：；！？（）「」『』《》·…—“”\u3000・ー〜～", -3.2)
_HAN: Final = {"ko": -13.0, "ja": -10.5}
_KANA, _KANA_ELSEWHERE = -9.0, -13.0
_HALF_WIDTH_KANA, _HALF_WIDTH_KANA_ELSEWHERE = -9.5, -15.0
_HANGUL, _HANGUL_ELSEWHERE = -12.0, -14.0
_FULL_WIDTH, _SYMBOL_WIDE, _OTHER_WIDE = -8.0, -11.5, -14.0
_LETTER, _SYMBOL, _PRIVATE = -12.0, -10.0, -25.0
_NOISE: Final = {"wide": -10.5, "other": -6.0, "latin": -10.5}
_NOISE_OF_ACCENTS: Final = -5.5  # in Latin script, where letters beyond ASCII are not fewer than those of it
# Words in Latin script are rare in other scripts' texts, but there are tables that are full of them.
_FOREIGN, _FOREIGN_LETTER, _MOSTLY_FOREIGN = -3.0, -0.15, -8.0
_NEVER_COST: Final = -2.5  # of two letters that are nearly never beside each other
_IN_A_WORD: Final = -6.0  # a quotation mark or dash between two letters

_NO_LETTER: Final = re.compile(r"[\W\d]")
_KINDS_BETWEEN: Final = re.compile("(?=[aAhH]p[aAhH])")


@dataclass(frozen=True, slots=True)
class Counted:
    """One reading of the bytes, counted once for all languages."""

    characters: Counter[str]
    kinds: Counter[str]
    pairs: Counter[str]
    in_words: int
    ascii_letters: int
    accents: int  # letters beyond ASCII

    @classmethod
    def of(cls, text: str) -> Counted:
        """Count a text."""
        kinds = text.translate(_KIND)
        return cls(
            characters=Counter(text),
            kinds=Counter(map("".join, itertools.pairwise(kinds))),
            pairs=Counter(map("".join, itertools.pairwise(f"_{_NO_LETTER.sub('_', text.lower())}_"))),
            in_words=len(_KINDS_BETWEEN.findall(kinds)),
            ascii_letters=kinds.count("a") + kinds.count("A"),
            accents=kinds.count("h") + kinds.count("H"),
        )


class _Kinds(dict[int, str]):
    """ASCII letters: ``a``, ``A``, by case; beyond: ``h``, ``H``; marks ``m``, punctuation ``p``, others ``s``."""

    def __missing__(self, code: int) -> str:
        character = chr(code)
        category = unicodedata.category(character)
        if character.isascii():
            kind = ("A" if character.isupper() else "a") if character.isalpha() else " "
        elif category[0] == "M":
            kind = "m"
        elif category[0] == "L":
            kind = "H" if category in {"Lu", "Lt"} else "h"
        elif character in "’·":
            kind = "q"
        else:
            kind = "p" if category[0] in "PZ" else "s"
        self[code] = kind
        return kind


_KIND: Final = _Kinds()


class _Costs(dict[str, float]):
    """Character → the logarithm of its share in a language; of one that the table does not list, by what it is."""

    def __init__(self, language: str, script: str, groups: str) -> None:
        shares = {
            letter: 2.0 ** -(_FIRST_GROUP + place) for place, group in enumerate(groups.split("/")) for letter in group
        }
        whole = sum(shares.values())
        super().__init__({letter: math.log(share / whole) for letter, share in shares.items()})
        self._language, self._script = language, script

    def __missing__(self, character: str) -> float:
        cost = self._cost(character)
        self[character] = cost
        return cost

    def _cost(self, character: str) -> float:
        small = character.lower()
        if character.isascii():
            if not character.isalpha():
                return 0.0
            return self.get(small, _LETTER) if self._script == "latin" else LANGUAGES["en"].cost(small)
        if small in self:
            return self[small]
        if self._script == "wide":
            return self._wide_cost(character)
        if character in _PUNCTUATION:
            return _PUNCTUATION[character]
        category = unicodedata.category(character)
        if category == "Co":
            return _PRIVATE
        return _LETTER if category[0] in "LM" else _SYMBOL

    def _wide_cost(self, character: str) -> float:
        if character in _WIDE_PUNCTUATION:
            return _WIDE_PUNCTUATION[character]
        code, category = ord(character), unicodedata.category(character)
        if 0x4E00 <= code < 0xA000:
            return _HAN.get(self._language, -12.0)
        if 0xAC00 <= code < 0xD7A4:
            return _HANGUL if self._language == "ko" else _HANGUL_ELSEWHERE
        if 0x3040 <= code < 0x3100:
            return _KANA if self._language == "ja" else _KANA_ELSEWHERE
        if 0xFF61 <= code < 0xFFA0:
            return _HALF_WIDTH_KANA if self._language == "ja" else _HALF_WIDTH_KANA_ELSEWHERE
        if 0xFF00 <= code < 0xFF5F:
            return _FULL_WIDTH
        if category == "Co":
            return _PRIVATE
        return _SYMBOL_WIDE if category[0] in "PS" else _OTHER_WIDE


_CAPITAL_AFTER_SMALL: Final = -5.0
_TWO_SCRIPTS: Final = {"wide": -2.0, "other": -5.0}
_BESIDE_A_SYMBOL: Final = -2.5
_TWO_ACCENTS: Final = -0.5


def _kinds(script: str) -> dict[str, float]:
    """What two kinds of characters beside each other cost."""
    pairs: defaultdict[str, float] = defaultdict(float)
    ascii_and_beyond = [pair for a in "aA" for h in "hH" for pair in (a + h, h + a)]
    if script in _TWO_SCRIPTS:
        pairs.update(dict.fromkeys(ascii_and_beyond, _TWO_SCRIPTS[script]))
    if script == "wide":
        return dict(pairs)
    pairs["hH"] += _CAPITAL_AFTER_SMALL
    for letter in "aAhH":
        pairs["s" + letter] += _BESIDE_A_SYMBOL
        pairs[letter + "s"] += _BESIDE_A_SYMBOL
    if script == "latin":
        pairs["aH"] += _CAPITAL_AFTER_SMALL
        pairs["hA"] += _CAPITAL_AFTER_SMALL
        pairs["hh"] += _TWO_ACCENTS
    return dict(pairs)


class Language:
    """One language in one script."""

    def __init__(self, name: str, script: str, groups: str) -> None:
        self.name = name
        self.script = script
        self._letters = frozenset(groups.replace("/", ""))
        self._costs = _Costs(name, script, groups)
        self._kinds = _kinds(script)
        self._never = _NEVER.get(name, frozenset())

    def cost(self, character: str) -> float:
        """The logarithm of a character's share."""
        return self._costs[character]

    def makes_sense_of(self, counted: Counted, *, tolerance: float = 1.0) -> bool:
        """Whether the characters beyond ASCII are no noise: what no language has costs more on average."""
        beyond = [(self._costs[each], count) for each, count in counted.characters.items() if not each.isascii()]
        if self.script == "other" and not any(each.lower() in self._letters for each in counted.characters):
            return False
        costs = sum(cost * count for cost, count in beyond) + self._beside(counted)
        noise = _NOISE[self.script]
        if self.script == "latin" and counted.accents >= max(1, counted.ascii_letters):
            noise = _NOISE_OF_ACCENTS
        return costs >= tolerance * noise * sum(count for _, count in beyond)

    def _beside(self, counted: Counted) -> float:
        """What stands beside what."""
        costs = sum(count * self._kinds.get(kinds, 0.0) for kinds, count in counted.kinds.items())
        if self._never:
            costs += _NEVER_COST * sum(count for pair, count in counted.pairs.items() if pair in self._never)
        return costs if self.script == "wide" else costs + _IN_A_WORD * counted.in_words

    def likelihood(self, counted: Counted) -> float:
        """The logarithm, without a common base: higher is likelier."""
        letters = sum(count * self._costs[character] for character, count in counted.characters.items())
        foreign = 0.0
        if self.script != "latin" and counted.ascii_letters:
            foreign = max(_MOSTLY_FOREIGN, _FOREIGN + _FOREIGN_LETTER * counted.ascii_letters)
        return letters + self._beside(counted) + foreign


LANGUAGES: Final[Mapping[str, Language]] = {
    name: Language(name, script, groups)
    for script in ("latin", "wide", "other")
    for name, groups in _TABLE[script].items()
}
"""By code: of a language, BCP 47."""
