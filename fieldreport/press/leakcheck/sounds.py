"""Finds names in another script than the term: as they sound, in every romanisation that the tables know.

Each term and each word of a text is turned into a key that all usual romanisations of a name share; equal keys are a
near spelling for a person to judge. Rules: in Latin text only words with a capital letter are looked at; single
syllables never count; everything here is linear in the length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache, lru_cache
from itertools import product
from typing import Final

from rapidfuzz import fuzz
from unidecode import unidecode

from fieldreport.press.leakcheck.findings import Hit, Rule
from fieldreport.press.leakcheck.names import JAPANESE_SURNAMES, SOUNDS, Name, exonym, is_title, read
from fieldreport.press.leakcheck.text import Word, fold, script, words

_WINDOW: Final = 4  # words of a name: Han, Dong, wook; Auyeung, Chun
_KEY_MINIMUM: Final = 4  # letters of a key
_FAMILY_MINIMUM: Final = 5  # of a surname alone
_READINGS: Final = 64  # spellings of one name that are compared
_SURE, _LIKELY = 85, 72  # rapidfuzz ratio of the vowels, where consonants are few or enough
_SKELETON: Final = 3
_HYPHENS: Final = frozenset({"-", "\u2010", "\u2011", "’", "'"})
_SYLLABLES: Final = 0xAC00
_ARABIC: Final = str.maketrans(SOUNDS["ar"]["letters"])
_PERSIAN: Final = str.maketrans({**SOUNDS["ar"]["letters"], **SOUNDS["ar"]["persian"]})
_ARABIC_PREFIX: Final = re.compile("^(?:و|ف)?(?:ب|ك)?(?:ال|لل|ل)?(?=.{3})")
_CYRILLIC_ENDING: Final = re.compile("(?:ого|ому|ыми|ими|ой|ую|ым|им|ом|ем|ам|ах|ами|а|у|е|ы|и|ю|я|ё)$")


@cache
def _rules(language: str) -> tuple[tuple[re.Pattern[str], str], ...]:
    return tuple((re.compile(pattern), becomes) for pattern, becomes in SOUNDS[language]["rules"])


@lru_cache(maxsize=16384)
def latin_key(language: str, spelled: str) -> str:
    """The key of a name in Latin script, read as a romanisation from ``language``."""
    key = unidecode(spelled).lower()
    for pattern, becomes in _rules(language):
        key = pattern.sub(becomes, key)
    return key


def _collapsed(key: str) -> str:
    return re.sub(r"(.)\1+", r"\1", key)


@lru_cache(maxsize=16384)
def hangul_key(syllables: str) -> str:
    """The key of a Korean word."""
    table, pieces = SOUNDS["ko"], []
    for syllable in syllables:
        code = ord(syllable) - _SYLLABLES
        if not 0 <= code < 11172:  # noqa: PLR2004 - syllables of Unicode
            return ""
        pieces += [table["initials"][code // 588], table["medials"][code % 588 // 28], table["finals"][code % 28]]
    return _collapsed("".join(pieces))


def _korean_keys(name: Name) -> Iterator[str]:
    for word in name.parts if name.family else ("".join(name.core.split()), *name.parts):
        key = hangul_key(word)
        yield key
        if key[:1] in {"y", "i"}:
            yield f"l{key}"  # 양강 is Ryanggang in the North
    if not name.family:
        return
    given = hangul_key(name.given)
    for family in {hangul_key(name.family), *(latin_key("ko", spelled) for spelled in families("ko", name.family))}:
        yield from _both_orders(family, given)


def _both_orders(family: str, given: str) -> tuple[str, str]:
    return _collapsed(family + given), _collapsed(given + family)


def families(language: str, family: str) -> list[str]:
    """Usual spellings of a surname ("ko" or "zh") in small Latin letters, the commonest first."""
    table: Mapping[str, str] = SOUNDS[language]["families"]
    return next(
        (
            spelled.split()
            for forms, spelled in table.items()
            if family == forms or (language == "zh" and family in forms)
        ),
        [],
    )


def _spelled_families(name: Name) -> set[str]:
    """Every usual spelling of a Korean or Chinese surname in Latin script."""
    return {unidecode(name.family).replace(" ", "").lower(), *families(name.language, name.family)}


def _chinese_keys(name: Name) -> Iterator[str]:
    if not name.family:
        yield from (latin_key("zh", unidecode(word)) for word in (name.core, *name.parts))
        return
    spelled = {unidecode(name.given).replace(" ", "")}
    heard: list[list[str]] = [
        next((readings.split() for signs, readings in SOUNDS["zh"]["cantonese"].items() if sign in signs), [])
        for sign in name.given
    ]
    spelled.update("".join(each) for each in product(*heard))
    surnames = _spelled_families(name)
    for family, given in list(product(surnames, spelled))[:_READINGS]:
        yield from _both_orders(latin_key("zh", family), latin_key("zh", given))
    if name.parts:
        yield from (latin_key("zh", given) for given in spelled)
        if len(name.family) > 1:
            yield from (latin_key("zh", family) for family in surnames)


def _japanese_keys(name: Name) -> Iterator[str]:
    family = JAPANESE_SURNAMES.get(name.family, "")
    if not family:
        return
    key = latin_key("ja", family)
    if len(key) >= _FAMILY_MINIMUM or not name.given:
        yield key
    for given in readings(name.given):
        yield latin_key("ja", given)
        yield from _both_orders(key, latin_key("ja", given))


def readings(given: str) -> list[str]:
    """Every way to read a Japanese given name that the table knows, whole or sign by sign, in small letters."""
    table: Mapping[str, str] = SOUNDS["ja"]["given"]

    def of(signs: str) -> list[str]:
        return next((readings.split() for forms, readings in table.items() if signs in forms and len(signs) == 1), [])

    pair = table.get(given, "").split()
    return [*pair, *("".join(each) for each in product(*map(of, given)))][:_READINGS] if given else []


def _keys(name: Name) -> Iterator[tuple[str, str]]:
    """Every key under which Latin text is looked up, with the language it belongs to."""
    kind = script(name.core[:1] or "a")
    if kind == "HANGUL":
        yield from (("ko", key) for key in _korean_keys(name))
    elif kind == "CYRILLIC":
        yield from (("ru", latin_key("ru", fold(word))) for word in (name.core, *name.parts))
    elif name.language == "ja":
        yield from (("ja", key) for key in _japanese_keys(name))
    elif kind == "HAN":
        yield from (("zh", key) for key in _chinese_keys(name))


def _hangul_keys(pieces: Sequence[str]) -> Iterator[str]:
    """The keys of a name in Latin script as it may stand in Hangul: as it sounds, and with its Korean surname."""
    heard = [latin_key("ko", piece) for piece in pieces]
    yield _collapsed("".join(heard))
    for family, rest in ((pieces[0], heard[1:]), (pieces[-1], heard[:-1])):
        given = _collapsed("".join(rest))
        yield given
        yield _collapsed(latin_key("ko", family) + given)
        for hangul, spelled in SOUNDS["ko"]["families"].items():
            if family in spelled.split():
                yield _collapsed(hangul_key(hangul) + given)


class Sounds:
    """The protected terms of all cases, ready to be found in texts of other scripts."""

    def __init__(self, terms: Iterable[tuple[str, str | None]]) -> None:
        """``terms`` are pairs of a term and the case it protects."""
        self._latin: dict[str, dict[str, str | None]] = {}
        self._places: dict[str, str | None] = {}
        self._families: dict[str, str | None] = {}  # which count behind a title
        self._hangul: dict[str, str | None] = {}
        self._cyrillic: dict[str, str | None] = {}
        self._from_arabic: dict[str, list[tuple[str, str | None]]] = {}
        self._to_arabic: dict[str, list[tuple[str, str | None]]] = {}
        for term, case in terms:
            self._add(read(term), case)

    def _add(self, name: Name, case: str | None) -> None:
        self._places.update({place: case for word in (name.core, *name.parts) if (place := exonym(word))})
        for language, key in _keys(name):
            if len(key) >= _KEY_MINIMUM:
                self._latin.setdefault(language, {}).setdefault(key, case)
        if name.family and name.language in {"ko", "zh"}:
            for family in _spelled_families(name):
                self._families.setdefault(family, case)
        kind = script(name.core[:1] or "a")
        spelled = name.parts or (name.core,)
        if kind == "ARABIC":
            for word in spelled:
                for heard in {_arabic(fold(word), _ARABIC), _arabic(fold(word), _PERSIAN)}:
                    self._from_arabic.setdefault(_skeleton(heard), []).append((heard, case))
        elif kind == "LATIN" and name.core[:1].isupper():
            self._add_latin(name, case)

    def _add_latin(self, name: Name, case: str | None) -> None:
        for word in name.parts or (name.core,):
            heard, key = latin_key("ar", word), latin_key("ru", word)
            if len(heard) >= _KEY_MINIMUM:
                self._to_arabic.setdefault(_skeleton(heard), []).append((heard, case))
            if len(key) >= _KEY_MINIMUM:
                self._cyrillic.setdefault(key, case)
        for key in _hangul_keys([word.folded for word in words(name.core)]):
            if len(key) >= _KEY_MINIMUM:
                self._hangul.setdefault(key, case)

    def hits(self, text: str) -> list[Hit]:
        """Every place in ``text`` that sounds like a term of another script."""
        tokens = words(text)
        found: list[Hit] = []
        for at, token in enumerate(tokens):
            match script(text[token.start]):
                case "LATIN" if text[token.start].isupper() and (self._latin or self._from_arabic or self._places):
                    found += self._latin_hits(text, tokens, at)
                case "HANGUL" if self._hangul:
                    found += self._hangul_hits(text, token)
                case "CYRILLIC" if self._cyrillic and text[token.start].isupper():
                    found += self._cyrillic_hits(token)
                case "ARABIC" if self._to_arabic:
                    found += self._arabic_hits(token)
                case _:
                    pass
        return found

    def _latin_hits(self, text: str, tokens: Sequence[Word], at: int) -> Iterator[Hit]:
        joined, end = dict.fromkeys(self._latin, ""), 0
        for token in tokens[at : at + _WINDOW]:
            before = text[end : token.start]
            if end and before not in _HYPHENS and not (before == " " and text[token.start].isupper()):
                break
            end = token.end
            for language, keys in self._latin.items():
                joined[language] = _collapsed(joined[language] + latin_key(language, token.folded))
                if joined[language] in keys:
                    yield _hit(tokens[at].start, end, keys[joined[language]])
        token = tokens[at]
        if token.folded in self._places:
            yield _hit(token.start, token.end, self._places[token.folded])
        if token.folded in self._families and at and is_title(tokens[at - 1].folded, "en"):
            yield _hit(tokens[at - 1].start, token.end, self._families[token.folded])
        if self._from_arabic and not is_title(token.folded, "en"):
            yield from _heard(token, latin_key("ar", token.folded), self._from_arabic)

    def _hangul_hits(self, text: str, token: Word) -> Iterator[Hit]:
        word = text[token.start : token.end]
        for length in range(min(len(word), _WINDOW), 1, -1):
            key = hangul_key(word[:length])
            if key in self._hangul:
                yield _hit(token.start, token.start + length, self._hangul[key])
                return

    def _cyrillic_hits(self, token: Word) -> Iterator[Hit]:
        stem = _CYRILLIC_ENDING.sub("", token.folded)
        for form in dict.fromkeys((token.folded, stem, f"{stem}ий", f"{stem}а", f"{stem}ая")):
            key = latin_key("ru", form)
            if key in self._cyrillic:
                yield _hit(token.start, token.end, self._cyrillic[key])
                return

    def _arabic_hits(self, token: Word) -> Iterator[Hit]:
        bare = _ARABIC_PREFIX.sub("", token.folded)
        for heard in dict.fromkeys((_arabic(bare, _ARABIC), _arabic(bare, _PERSIAN), _arabic(token.folded, _ARABIC))):
            yield from _heard(token, heard, self._to_arabic)


def _heard(token: Word, heard: str, index: Mapping[str, Sequence[tuple[str, str | None]]]) -> Iterator[Hit]:
    """The same consonants in the same order, and vowels that fit."""
    skeleton = _skeleton(heard)
    for other, case in index.get(skeleton, ()):
        needed = _LIKELY if len(skeleton) >= _SKELETON else _SURE
        # A last vowel is often another one: Huda is written with a ya.
        alike = max(fuzz.ratio(other, heard), fuzz.ratio(other.rstrip("aiu"), heard.rstrip("aiu")))
        if alike >= needed:
            yield _hit(token.start, token.end, case)
            return


def _arabic(word: str, letters: Mapping[int, str]) -> str:
    bare = word.removeprefix("ال") if len(word) > 4 else word  # noqa: PLR2004 - the article before a name
    return _collapsed(re.sub("h$", "", bare.translate(letters)))


def _skeleton(heard: str) -> str:
    return _collapsed(re.sub("[aiu]", "", heard))


def _hit(start: int, end: int, case: str | None) -> Hit:
    return Hit(rule=Rule.NEAR_SPELLING, start=start, end=end, case=case)


def forget() -> None:
    """Let go of every name that was turned into a key."""
    latin_key.cache_clear()
    hangul_key.cache_clear()
