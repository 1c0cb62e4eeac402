"""Finds protected names that come back in another script than their own: as they sound, or as their signs are read.

A Korean name in Chinese characters is found by how the characters are read in Korean, and the other way round; a
surname beside a title counts without the given name; everything else by ``heard``. Rules: every finding is a near
spelling for a person to judge; what the keys of ``sounds.py`` cover is not looked at again; work is linear in the
length of the text.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from itertools import chain
from typing import Final

from fieldreport.press.leakcheck import heard
from fieldreport.press.leakcheck.content import simplified
from fieldreport.press.leakcheck.findings import Hit, Rule
from fieldreport.press.leakcheck.heard import Heard
from fieldreport.press.leakcheck.names import JAPANESE_SURNAMES, SIGN_SURNAMES, Name, read, titles
from fieldreport.press.leakcheck.readings import hangul, hangul_of, japanese
from fieldreport.press.leakcheck.text import LANGUAGES, Word, fold, script, words

_WINDOW: Final = 3  # words of a name
_SIGN_WINDOW: Final = range(2, 9)  # signs of a foreign name in Chinese
_READ_WINDOW: Final = range(2, 6)  # signs of a Korean name or place
_SPLITS: Final = {3: (2, 1), 4: (2,), 5: (2, 3)}  # signs of a Japanese surname, by those of the whole name
_LONGEST: Final = 5
_FEWEST_ALONE: Final = 3  # consonants of one part of a name
_PART_LETTERS: Final = 3
_FULL_NAME: Final = 3  # signs
_BETWEEN: Final = frozenset({" ", "-", "\u2010", "\u2011", "・", "=", "＝", "·", "\u200c", "'", "’"})
_HYPHENS: Final = frozenset({"-", "\u2010", "\u2011"})
_KANA_RUN: Final = re.compile(r"[\u30a1-\u30fa\u30fc]+")
_HAN_RUN: Final = re.compile(r"[\u3400-\u9fff々]{2,}")
_HANGUL_ENDINGS: Final = sorted(map(fold, LANGUAGES["endings"]["hangul"]), key=len, reverse=True)
_ARABIC_BEFORE: Final = sorted(map(fold, LANGUAGES["before"]["arabic"]), key=len, reverse=True)
_CYRILLIC_ENDING: Final = re.compile("(?:ого|ому|ыми|ими|ой|ую|ым|им|ом|ем|ам|ах|ами|а|у|е|ы|и|ю|я)$")
_PIECES: Final = re.compile(r"[\s・=＝·\u200c-]+")

# In texts of each script: terms of which scripts are looked for by their sound.
_HEARD_IN: Final[Mapping[str, frozenset[str]]] = {
    "LATIN": frozenset({"KANA", "ARABIC", "JAPANESE"}),
    "CYRILLIC": frozenset({"LATIN", "HANGUL", "CHINESE", "JAPANESE", "ARABIC", "KANA"}),
    "HANGUL": frozenset({"LATIN", "CYRILLIC", "CHINESE", "JAPANESE", "ARABIC", "KANA"}),
    "ARABIC": frozenset({"LATIN", "CYRILLIC", "HANGUL", "CHINESE", "JAPANESE", "KANA"}),
    "KANA": frozenset({"LATIN", "CYRILLIC", "HANGUL", "CHINESE", "JAPANESE", "ARABIC"}),
    "HAN": frozenset({"LATIN", "CYRILLIC", "ARABIC", "KANA"}),
}
_Said = tuple[Heard, str | None, str]
"""How a term sounds, the case that it protects, and what it is written in."""


class Across:
    """The protected terms of all cases, ready to be found in other scripts."""

    def __init__(self, terms: Iterable[tuple[str, str | None]]) -> None:
        """``terms`` are pairs of a term and the case it protects."""
        self._said: dict[str, list[_Said]] = {}
        self._kinds: set[str] = set()
        self._parts: dict[str, list[tuple[Heard, str | None, int, int]]] = {}  # surnames and given names of Japan
        self._parts_of: list[str | None] = []
        self._hangul: dict[str, str | None] = {}  # Han names as Koreans read them
        self._signs: dict[str, str | None] = {}  # Korean names, looked for in Han signs
        self._families: dict[str, str | None] = {}
        self._korean_families: dict[str, str | None] = {}
        for term, case in terms:
            self._add(read(term), case)
        self._first_syllables = frozenset(name[0] for name in self._signs)
        self._addressed = [pattern for pattern in map(self._beside, ("ko", "zh", "ja")) if pattern is not None]

    def _add(self, name: Name, case: str | None) -> None:
        kind = script(name.core[:1] or "a")
        if any(character.isdigit() for character in name.core):
            return
        match kind:
            case "HANGUL":
                said = _korean(name)
                self._add_korean(name, case)
            case "HAN":
                kind = "CHINESE" if name.language == "zh" and name.family in SIGN_SURNAMES else "JAPANESE"
                said = _chinese(name) if kind == "CHINESE" else _japanese(name)
                self._add_han(name, case)
            case "LATIN" if name.core[:1].isupper():
                said = _spaced(name, lambda word: list(heard.latin(word)))
            case "CYRILLIC":
                said = _spaced(name, lambda word: [heard.cyrillic(word)])
            case "ARABIC":
                said = _spaced(name, lambda word: [heard.arabic(word)])
            case "KATAKANA" | "HIRAGANA":
                said, kind = _spaced(name, lambda word: [heard.kana(word)]), "KANA"
            case _:
                return
        self._add_said(said, case, kind)

    def _add_said(self, said: Iterable[Heard], case: str | None, kind: str) -> None:
        for each in said:
            if each.tells():
                self._kinds.add(kind)
                self._said.setdefault(each.bones, []).append((each, case, kind))

    def _add_korean(self, name: Name, case: str | None) -> None:
        joined = "".join(name.core.split())
        whole = [joined] if not name.family or len(joined) >= _FULL_NAME else []
        for spelled in (*whole, *(part for part in name.parts if part != name.given)):
            self._signs.setdefault(spelled, case)
        if name.family:
            self._families.setdefault(name.family, case)
            self._korean_families.setdefault(name.family, case)

    def _add_han(self, name: Name, case: str | None) -> None:
        for spelled in hangul(name.core):
            self._hangul.setdefault(spelled, case)
            korean = read(spelled)
            if korean.family and korean.given:
                self._add_said(_korean(korean), case, "HANGUL")
        for pair in _japanese_pairs(name):
            for role, readings in enumerate(pair):
                for each in readings:
                    self._parts.setdefault(each.bones, []).append((each, case, len(self._parts_of), role))
            self._parts_of.append(case)
        if name.family:
            self._families.setdefault(name.family, case)
            for spelled in hangul(name.family):
                self._families.setdefault(spelled, case)
        elif len(name.core) >= _FULL_NAME:
            for size in (2, 3):
                if size < len(name.core):
                    self._families.setdefault(name.core[:size], case)

    def _beside(self, language: str) -> re.Pattern[str] | None:
        """A surname beside any title of one language."""
        is_hangul = language == "ko"
        families = {family for family in self._families if (script(family[0]) == "HANGUL") is is_hangul}
        if not is_hangul:
            families |= {simplified(family) for family in families}
            families |= {sign for sign in SIGN_SURNAMES if set(hangul_of(sign)) & self._korean_families.keys()}
        if not families:
            return None
        before = "(?<![가-힣])" if is_hangul else ""
        known = "|".join(sorted(map(re.escape, titles(language)), key=len, reverse=True))
        deputy = "[부총]?" if is_hangul else "[副总總代]?"
        return re.compile(rf"{before}({'|'.join(sorted(map(re.escape, families)))})\s?{deputy}(?:{known})")

    def hits(self, text: str) -> list[Hit]:
        """Every place in ``text`` that may name a term of another script, or a surname with a title."""
        found = [
            Hit(rule=Rule.NEAR_SPELLING, start=match.start(), end=match.end(), case=self._case_of(match[1]))
            for pattern in self._addressed
            for match in pattern.finditer(text)
        ]
        if not (self._said or self._hangul or self._signs):
            return found
        for kind, run in _runs(text):
            if self._hangul and kind == "HANGUL":
                found += self._read_in_hangul(run)
            if _HEARD_IN[kind] & self._kinds:
                found += self._heard(text, kind, run)
            if kind == "KANA":
                found += self._kana_beside(text, run)
        for match in _HAN_RUN.finditer(text):
            found += self._read_in_signs(match)
        if _HEARD_IN["HAN"] & self._kinds:
            for match in _HAN_RUN.finditer(text):
                found += self._borrowed(match)
        return found

    def _case_of(self, family: str) -> str | None:
        if family in self._families:
            return self._families[family]
        for other, case in self._families.items():
            if simplified(other) == family or other in hangul_of(family[0]):
                return case
        return None

    def _heard(self, text: str, kind: str, run: Sequence[Word]) -> Iterator[Hit]:
        sounded = [_sounds(text, word, kind) for word in run]
        for at in range(len(run)):
            before = [Heard("", "")]
            for end in range(at, min(len(run), at + _WINDOW)):
                if not sounded[end]:
                    break
                last = [each + sound for each in before for sound in sounded[end]]
                for number, whole in enumerate(last):
                    if (like := self._like(whole, kind)) is not None:
                        stop = run[end].end
                        if kind == "HANGUL":  # without the ending
                            stems = _hangul_stems(run[end].folded)
                            stop = run[end].start + len(stems[number % len(stems)])
                        yield Hit(rule=Rule.NEAR_SPELLING, start=run[at].start, end=stop, case=like[0])
                        break
                before = [before[0] + sounded[end][0]]
            if self._parts and at + 1 < len(run) and kind in _HEARD_IN:
                yield from self._pair(run[at : at + 2], sounded[at : at + 2])

    def _like(self, whole: Heard, kind: str) -> tuple[str | None] | None:
        """The case whose term sounds like ``whole``, in a tuple of its own, as a term may be of no case."""
        if whole.tells():
            for other, case, written in self._said.get(whole.bones, ()):
                if written in _HEARD_IN[kind] and whole.like(other):
                    return (case,)
        return None

    def _pair(self, pair: Sequence[Word], sounded: Sequence[Sequence[Heard]]) -> Iterator[Hit]:
        """A Japanese surname and its given name, in either order."""
        first, second = ({self._part(sound) for sound in sounds} for sounds in sounded)
        for one in frozenset().union(*first):
            other = one[0], 1 - one[1]
            if other in frozenset().union(*second):
                case = self._parts_of[one[0]]
                yield Hit(rule=Rule.NEAR_SPELLING, start=pair[0].start, end=pair[1].end, case=case)
                return

    def _part(self, sound: Heard) -> frozenset[tuple[int, int]]:
        return frozenset(
            (number, role)
            for other, _, number, role in self._parts.get(sound.bones, ())
            if other.whole == sound.whole or (len(sound.bones) > 1 and sound.like(other))
        )

    def _read_in_hangul(self, run: Sequence[Word]) -> Iterator[Hit]:
        for word in run:
            for stem in _hangul_stems(word.folded):
                if stem in self._hangul:
                    end = word.start + len(stem)
                    yield Hit(rule=Rule.NEAR_SPELLING, start=word.start, end=end, case=self._hangul[stem])
                    break

    def _read_in_signs(self, match: re.Match[str]) -> Iterator[Hit]:
        run = match.group()
        for at, sign in enumerate(run):
            if self._first_syllables.isdisjoint(hangul_of(sign)):
                continue
            for size in _READ_WINDOW:
                spelled = next((each for each in hangul(run[at : at + size]) if each in self._signs), None)
                if spelled is not None and at + size <= len(run):
                    start = match.start() + at
                    yield Hit(rule=Rule.NEAR_SPELLING, start=start, end=start + size, case=self._signs[spelled])

    def _borrowed(self, match: re.Match[str]) -> Iterator[Hit]:
        run, at = match.group(), 0
        while at < len(run):
            if not heard.is_borrowed(run[at]):
                at += 1
                continue
            stop = at
            while stop < len(run) and heard.is_borrowed(run[stop]):
                stop += 1
            for start in range(at, stop):
                for size in _SIGN_WINDOW:
                    if start + size > stop:
                        break
                    if (like := self._like(heard.borrowed(run[start : start + size]), "HAN")) is not None:
                        yield Hit(
                            rule=Rule.NEAR_SPELLING,
                            start=match.start() + start,
                            end=match.start() + start + size,
                            case=like[0],
                        )
            at = stop

    def _kana_beside(self, text: str, run: Sequence[Word]) -> Iterator[Hit]:
        """A Korean surname in kana beside a title: チェ大尉."""
        for word in run:
            after = text[word.end : word.end + 4]
            if not any(after.startswith(title) for title in chain(titles("ja"), titles("zh"))):
                continue
            spoken = heard.kana(text[word.start : word.end])
            for family, case in self._korean_families.items():
                known = heard.hangul(family)
                if known.bones == spoken.bones and known.whole[0] == spoken.whole[0]:
                    yield Hit(rule=Rule.NEAR_SPELLING, start=word.start, end=word.end, case=case)


def _runs(text: str) -> Iterator[tuple[str, list[Word]]]:
    """Words of one script that stand together, in scripts with capital letters only those that have one."""
    for kind, found in (("", words(text)), ("KANA", [Word("", *match.span()) for match in _KANA_RUN.finditer(text)])):
        run: list[Word] = []
        last = ""
        for word in found:
            own = kind or script(text[word.start])
            between = text[run[-1].end : word.start] if run else ""
            named = own not in {"LATIN", "CYRILLIC"} or text[word.start].isupper() or between in _HYPHENS
            if run and (own != last or between not in _BETWEEN or not named):
                yield last, run
                run = []
            if named and own in _HEARD_IN and (kind or own not in {"HAN", "KATAKANA", "HIRAGANA"}):
                run.append(word)
                last = own
        if run:
            yield last, run


def _sounds(text: str, word: Word, kind: str) -> list[Heard]:
    """How one word of a text may sound: first as it stands, then without what inflection added to it."""
    match kind:
        case "LATIN":
            return list(heard.latin(word.folded))
        case "CYRILLIC":
            stem = _CYRILLIC_ENDING.sub("", word.folded)
            return [heard.cyrillic(form) for form in dict.fromkeys((word.folded, stem))]
        case "HANGUL":
            # 쓰 is how Koreans write the Japanese tsu; the order is that of the stems, twice.
            stems = _hangul_stems(word.folded)
            return [heard.hangul(form) for form in (*stems, *(stem.replace("쓰", "츠") for stem in stems))]
        case "ARABIC":
            stems = [word.folded.removeprefix(before) for before in _ARABIC_BEFORE if word.folded.startswith(before)]
            kept = [stem for stem in stems if len(stem) >= _PART_LETTERS]
            return [heard.arabic(form) for form in dict.fromkeys((word.folded, *kept))]
        case _:
            return [heard.kana(text[word.start : word.end])]


def _hangul_stems(word: str) -> list[str]:
    stems = [word.removesuffix(ending) for ending in _HANGUL_ENDINGS if word.endswith(ending)]
    return list(dict.fromkeys((word, *(stem for stem in stems if len(stem) > 1))))


def _spaced(name: Name, sound: Callable[[str], list[Heard]]) -> Iterator[Heard]:
    """A name in words: each that tells, all together, and in the other order."""
    pieces = [piece for piece in _PIECES.split(name.core) if piece]
    kept = {fold(piece) for part in name.parts for piece in _PIECES.split(part)}
    sounded = [sound(piece) for piece in pieces]
    for piece, sounds in zip(pieces, sounded, strict=True):
        if len(pieces) == 1 or fold(piece) in kept or (not kept and len(piece) >= _PART_LETTERS):
            yield from sounds
    if len(pieces) > 1:
        firsts = [sounds[0] for sounds in sounded]
        yield heard.joined(firsts)
        yield heard.joined([firsts[-1], *firsts[:-1]])


def _korean(name: Name) -> Iterator[Heard]:
    if not name.family:
        yield from (heard.hangul(part) for part in ("".join(name.core.split()), *name.parts))
        return
    family, given = heard.hangul(name.family), heard.hangul(name.given)
    yield from (family + given, given + family)
    if len(given.bones) >= _FEWEST_ALONE:
        yield given


def _chinese(name: Name) -> Iterator[Heard]:
    family, given = heard.pinyin(name.family), heard.pinyin(name.given)
    yield from (family + given, given + family)
    if len(given.bones) >= _FEWEST_ALONE:
        yield given
    for each, other in zip(japanese(name.family, "alone")[:1], japanese(name.given, "alone")[:1], strict=False):
        yield next(heard.latin(each)) + next(heard.latin(other))


def _japanese(name: Name) -> Iterator[Heard]:
    """A Japanese surname or given name alone, where it is long enough; a place as it may be read."""
    for surnames, givens in _japanese_pairs(name):
        yield from (each for each in (*surnames, *givens) if len(each.bones) >= _FEWEST_ALONE)
    if not name.family:
        yield from (next(heard.latin(each)) for each in japanese(name.core, "place"))


def _japanese_pairs(name: Name) -> Iterator[tuple[list[Heard], list[Heard]]]:
    """How the surname and the given name of a Japanese name may sound, for every place where it may be parted."""
    core = name.core
    if not _FULL_NAME <= len(core) <= _LONGEST:
        return
    known = next((core[:size] for size in (3, 2, 1) if core[:size] in JAPANESE_SURNAMES), "")
    for size in [len(known)] if known else _SPLITS[len(core)]:
        readings = [JAPANESE_SURNAMES[known]] if known else japanese(core[:size], "family")
        surnames = [next(heard.latin(each)) for each in readings]
        givens = [next(heard.latin(each)) for each in japanese(core[size:], "given")]
        if surnames and givens:
            yield surnames, givens
