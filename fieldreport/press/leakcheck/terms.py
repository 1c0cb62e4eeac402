"""Finds protected terms in any case, spacing, Unicode form, inflection and script that is still plainly the same term.

All terms go through one Aho-Corasick pass over the folded and one over the transliterated text; each candidate is then
checked word by word. Rules: a term begins where a word begins and ends where a word ends or an ending follows, except
in scripts written without spaces; a match across a space that the term does not have must end with a whole word.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

import ahocorasick
from unidecode import unidecode

from fieldreport.press.leakcheck.findings import Hit, Rule
from fieldreport.press.leakcheck.names import is_title, read
from fieldreport.press.leakcheck.spans import without_overlaps
from fieldreport.press.leakcheck.text import (
    LANGUAGES,
    UNSPACED,
    Squeezed,
    fold,
    is_letter,
    script,
    squeeze,
    squeeze_transliterated,
    transliterate,
    words,
)

_TRANSLITERATED_MINIMUM: Final = 4  # shorter ones are syllables of ordinary words
_SPACED_MINIMUM: Final = 5  # "Ana" must not be found in "an apple"
_GAP: Final = 4  # characters between two words of one term: a comma, a space, emphasis marks
_REST: Final = 12  # letters looked at around a term inside its word: longer ones are no ending or prefix of any table
_SENTENCE_ENDS: Final = frozenset(".;:!?。；：！？؛؟•")
_UMLAUTS: Final = str.maketrans({"ä": "ae", "ö": "oe", "ü": "ue", "å": "aa", "ø": "oe"})
_ENDINGS: Final = {
    name.upper(): frozenset(map(fold, LANGUAGES["endings"][name]))
    for name in ("cyrillic", "hangul", "arabic", "hebrew")
}
_BEFORE: Final = {name.upper(): frozenset(map(fold, values)) for name, values in LANGUAGES["before"].items()}
_SLAVIC_LATIN: Final = frozenset({"cs", "sk", "pl", "hr"})


@dataclass(frozen=True, slots=True)
class _Stem:
    text: str = field(repr=False)
    must_end: bool = False  # the stem of an inflected form: an ending has to follow


@dataclass(frozen=True, slots=True, kw_only=True)
class _Pattern:
    words: tuple[tuple[_Stem, ...], ...] = field(repr=False)
    script: str  # of the term itself
    rule: Rule
    case: str | None
    part: bool = False  # of a name: it counts only with a capital letter, in Korean only with an ending of the table


class Terms:
    """The protected terms of all cases of an article, ready to look for in each of its fields."""

    def __init__(self, terms: Sequence[tuple[str, str | None]], language: str) -> None:
        """``terms`` are pairs of a term and the case it protects; ``language`` is the article's."""
        base = language.partition("-")[0]
        endings = LANGUAGES["endings"]["latin"]
        self._latin_endings = frozenset(endings.get(base, endings["any"])) | frozenset(endings["any"])
        self._slavic = base in _SLAVIC_LATIN
        folded: list[_Pattern] = []
        transliterated: list[_Pattern] = []
        for term, case in terms:
            folded += self._folded_patterns(term, case)
            for spelled in dict.fromkeys((term, read(term).core)):
                transliterated += _transliterated_patterns(spelled, case)
        self._folded = _automaton(folded)
        self._transliterated = _automaton(transliterated)

    def hits(self, text: str) -> list[Hit]:
        """Every place in ``text`` that names a protected term, the longest where several overlap."""
        found = [
            *self._search(self._folded, squeeze(text), text, across=False),
            *self._search(self._transliterated, squeeze_transliterated(text), text, across=True),
        ]
        found.sort(key=lambda hit: (hit.rule is not Rule.PROTECTED_TERM, hit.start - hit.end, hit.start))
        return without_overlaps(found)

    def _folded_patterns(self, term: str, case: str | None) -> Iterator[_Pattern]:
        # Pieces as the term spaces them, each with its words: [["kim"], ["chol", "su"]].
        pieces = [parts for piece in term.split() if (parts := [word.folded for word in words(piece)])]
        if not pieces:
            return
        kind = _script_of(term)
        if kind in UNSPACED or kind == "HANGUL":
            pieces = [["".join(part for piece in pieces for part in piece)]]
        if kind == "LATIN" and sum(len(part) for piece in pieces for part in piece) < 2:
            return
        for order in _orders(pieces, term):
            yield self._pattern(order, kind, Rule.PROTECTED_TERM, case)
        if kind == "LATIN" and term.casefold() != (spelled := term.casefold().translate(_UMLAUTS)):
            yield self._pattern([[word.folded for word in words(spelled)]], kind, Rule.PROTECTED_TERM, case)
        yield from self._name_patterns(term, kind, case)

    def _name_patterns(self, term: str, kind: str, case: str | None) -> Iterator[_Pattern]:
        """Patterns of the bare name inside a term, and of its parts."""
        name = read(term)
        joined = kind in UNSPACED or kind == "HANGUL"
        parts = [word.folded for word in words(name.core)]
        if parts and name.core != term and len(name.core) > 1:
            pieces = [["".join(parts)]] if joined else [[part] for part in parts]
            for order in _orders(pieces, name.core):
                yield self._pattern(order, kind, Rule.PROTECTED_TERM, case)
        for part in (*name.parts, *name.addressed):
            pieces = [[word.folded for word in words(part)]]
            if not pieces[0]:  # a part of signs only
                continue
            yield self._pattern(pieces, kind, Rule.NEAR_SPELLING, case, part=True)

    def _pattern(
        self, pieces: list[list[str]], kind: str, rule: Rule, case: str | None, *, part: bool = False
    ) -> _Pattern:
        stems = tuple(self._stems(each, kind) for piece in pieces for each in piece)
        return _Pattern(words=stems, script=kind, rule=rule, case=case, part=part)

    def _stems(self, part: str, kind: str) -> tuple[_Stem, ...]:
        if kind == "CYRILLIC" and (stem := _adjective(part)) is not None:
            return (_Stem(part), _Stem(stem, must_end=True))
        drops = LANGUAGES["stems"]["cyrillic"] if kind == "CYRILLIC" else ""
        if kind == "LATIN" and self._slavic:
            drops = LANGUAGES["stems"]["latin"]
        if len(part) >= 4 and part[-1] in drops:
            return (_Stem(part), _Stem(part[:-1], must_end=True))
        return (_Stem(part),)

    def _search(
        self, automaton: ahocorasick.Automaton | None, view: Squeezed, text: str, *, across: bool
    ) -> Iterator[Hit]:
        if automaton is None or not view.text:
            return
        for last, (length, candidates) in automaton.iter(view.text):
            begin = last - length + 1
            for pattern in candidates:
                start = view.starts[begin]
                walked = self._walk(pattern, 0, begin, view, text, start)
                if walked is None or not _begins(text, start, walked[0]):
                    continue
                if pattern.part and not _stands_out(text, start, walked):
                    continue
                hit = Hit(rule=pattern.rule, start=start, end=walked[1], case=pattern.case)
                kind = script(_first_letter(text, hit.start))
                if not across or kind != pattern.script or kind == "LATIN":
                    yield hit
                elif kind == "HAN":  # the traditional form of a simplified name, or a homophone: a person decides
                    yield replace(hit, rule=Rule.NEAR_SPELLING)

    def _walk(
        self, pattern: _Pattern, index: int, begin: int, view: Squeezed, text: str, origin: int
    ) -> tuple[int, int] | None:
        """Match the pattern's words from ``index`` on at squeezed position ``begin``.

        Returns where the term ends and where the word ends with its ending, as original offsets; or nothing.
        """
        if begin >= len(view.text):
            return None
        start = view.starts[begin]
        if index > 0 and not _is_gap(text[view.ends[begin - 1] : start]):
            return None
        final = index == len(pattern.words) - 1
        for stem in pattern.words[index]:
            if not view.text.startswith(stem.text, begin):
                continue
            after = begin + len(stem.text)
            end = view.ends[after - 1]
            if after < len(view.starts) and view.starts[after] < end:
                continue  # the stem ends inside a cluster that is spelled with several letters
            rest = _rest_of_word(text, end)
            if _crosses_space(text, start, end) and not _may_cross(stem, rest, text[start:end], pattern):
                continue
            ended = self._ends(rest, text[origin:end], stem)
            if final and ended:
                # Where nothing is written between words, what follows is no ending but the next word.
                return end, end if rest and script(rest[0]) in UNSPACED else end + len(rest)
            if final:
                continue
            ending = ended and not (rest and script(rest[0]) in UNSPACED)  # what follows there is another word
            for following in {after, bisect_left(view.starts, end + len(rest)) if ending else after}:
                found = self._walk(pattern, index + 1, following, view, text, origin)
                if found is not None:
                    return found
        return None

    def _ends(self, rest: str, matched: str, stem: _Stem) -> bool:
        """Whether the word may go on with ``rest`` after ``matched`` and still be the protected one."""
        length = sum(map(is_letter, matched))
        if not rest:
            # "Li" is a name, "li" a syllable.
            return not stem.must_end and not (len(matched) == 2 and matched.isascii() and matched.islower())
        if rest[0].isdigit():
            return False
        kind = script(rest[0])
        if kind in UNSPACED:
            return length >= 2
        if kind == "HANGUL":
            return length >= 2 or rest in _ENDINGS["HANGUL"]
        if length < 3:
            return False
        if kind == "LATIN":
            return rest.casefold() in self._latin_endings
        if kind in _ENDINGS:
            return fold(rest) in _ENDINGS[kind]
        return length >= 4 and len(rest) <= 3


def _stands_out(text: str, start: int, ends: tuple[int, int]) -> bool:
    """Whether one part of a name is written as a name: with a capital letter, or before an ending that names take."""
    if script(text[start]) == "HANGUL":
        rest = fold(text[ends[0] : ends[1]])
        return not rest or rest in _ENDINGS["HANGUL"] or is_title(rest, "ko")
    return not text[start].islower()


def _begins(text: str, start: int, end: int) -> bool:
    """Whether a term at ``text[start:end]`` may begin there: where a word does, or inside one where that is usual."""
    letter = text[start]
    if start == 0:
        return True
    before = text[start - 1]
    if letter.isdigit():
        return not before.isdigit()
    if not is_letter(before) or script(before) != script(letter):
        return True
    kind = script(letter)
    length = sum(map(is_letter, text[start:end]))
    if kind in UNSPACED:
        return length >= 2
    if kind == "HANGUL":
        return length >= 3
    if kind in _BEFORE:
        first = start
        while first > max(0, start - _REST) and is_letter(text[first - 1]):
            first -= 1
        return fold(text[first:start]) in _BEFORE[kind]
    return False


def _transliterated_patterns(term: str, case: str | None) -> Iterator[_Pattern]:
    kind = _script_of(term)
    rule = Rule.PROTECTED_TERM
    by_sign = kind in UNSPACED or kind == "HANGUL"
    if by_sign:
        pieces = [[spelled] for sign in term if (spelled := transliterate(sign))]
    else:
        split = ([transliterate(piece[word.start : word.end]) for word in words(piece)] for piece in term.split())
        pieces = [kept for piece in split if (kept := [part for part in piece if part])]
    if sum(len(part) for piece in pieces for part in piece) < _TRANSLITERATED_MINIMUM:
        return
    orders = [pieces, [*pieces[1:], pieces[0]]] if by_sign and 2 <= len(pieces) <= 4 else _orders(pieces, term)
    for order in orders:
        stems = tuple((_Stem(part),) for piece in order for part in piece)
        yield _Pattern(words=stems, script=kind, rule=rule, case=case)


def _orders(pieces: list[list[str]], term: str) -> list[list[list[str]]]:
    """A person's name also the other way round: family name last, or first."""
    if 2 <= len(pieces) <= 3 and _is_name(term):
        return [pieces, [*pieces[1:], pieces[0]], [pieces[-1], *pieces[:-1]]]
    return [pieces]


def _adjective(part: str) -> str | None:
    """What stays of Жуковский, Толстой, Белая or Портовой in every case; nothing where it does not end like them."""
    for ending in LANGUAGES["stems"]["adjectives"]:
        if part.endswith(ending) and len(part) - len(ending) >= 3:
            return part.removesuffix(ending)
    return None


def _is_name(term: str) -> bool:
    return all(word[:1].isupper() for word in unidecode(term).split())


def _is_gap(between: str) -> bool:
    return len(between) <= _GAP and not _SENTENCE_ENDS.intersection(between) and between.count("\n") < 2


def _automaton(patterns: Sequence[_Pattern]) -> ahocorasick.Automaton | None:
    by_first: dict[str, list[_Pattern]] = {}
    for pattern in patterns:
        for stem in pattern.words[0]:
            by_first.setdefault(stem.text, []).append(pattern)
    if not by_first:
        return None
    automaton = ahocorasick.Automaton()
    for first, candidates in by_first.items():
        automaton.add_word(first, (len(first), candidates))
    automaton.make_automaton()
    return automaton


def _script_of(term: str) -> str:
    return next((script(character) for character in term if is_letter(character)), "COMMON")


def _first_letter(text: str, start: int) -> str:
    return next((character for character in text[start : start + 8] if is_letter(character)), "1")


def _rest_of_word(text: str, end: int) -> str:
    """What follows ``end`` inside the same word: letters of one script, or digits after a digit."""
    if end >= len(text):
        return ""
    last, stop = text[end - 1], end
    if last.isdigit():
        return text[end] if text[end].isdigit() else ""
    kind = script(last)
    limit = min(len(text), end + _REST)
    while stop < limit and is_letter(text[stop]) and script(text[stop]) in {kind, "INHERITED"}:
        stop += 1
    return text[end:stop]


def _crosses_space(text: str, start: int, end: int) -> bool:
    return any(character.isspace() for character in text[start:end])


def _may_cross(stem: _Stem, rest: str, matched: str, pattern: _Pattern) -> bool:
    kind = script(_first_letter(matched, 0))
    if kind in UNSPACED or kind == "HANGUL":
        return sum(map(is_letter, matched)) >= (2 if pattern.part else 3)  # 김 씨
    return not rest and not stem.must_end and len(stem.text) >= _SPACED_MINIMUM
