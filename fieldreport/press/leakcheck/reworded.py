"""Finds what an article took over from a report in other words: reordered, edited, translated, or a rare phrase.

Sentences are compared by the content words they share, each weighed by how rare it is in its language; across languages
by the entries of a small dictionary and by numbers. What the source asked not to be said is compared in the same way,
with less needed. Rules: a warning each, for a person to judge; work grows with the text times the sentences that share
a word with it, and common words count for none.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from fieldreport.press.leakcheck.content import UNKNOWN_WEIGHT, Content, Sentence, concepts_of, sentences, stem
from fieldreport.press.leakcheck.findings import Hit, Rule
from fieldreport.press.leakcheck.text import LANGUAGES

_SHARE: Final = 0.5  # of the weight of the shorter sentence
_WEIGHT: Final = 11.0  # and at least so much: two rare words, or four of the middle
_WORDS: Final = 3
_PLACES: Final = 3  # of one word in one sentence that are compared
_PHRASE_WEIGHT: Final = 7.5  # two neighbours together
_SIGN_PHRASE_WEIGHT: Final = 8.7  # where words are a sign or two long
_PHRASE_REACH: Final = 2  # content words apart, in the article and in the report
# At least so many meanings of the dictionary in common, of the shorter sentence, together so rare. Measured with ten
# reports about something else: 8 false hits in 653 sentences.
_MEANINGS: Final = ((4, 0.5, 0.0), (3, 0.75, 0.0), (3, 0.4, 8.0), (2, 0.5, 6.0))
_FEWEST_MEANINGS: Final = 2
_NOTED_SHARE: Final = 0.6
_NOTED_WEIGHT: Final = 4.0  # of a note of one word
_RARE_LETTERS: Final = 5
_RARE_SIGNS: Final = 2
_COMMAS: Final = re.compile("[,、，،]")
_FILLERS: Final = frozenset(LANGUAGES["notes"]["fillers"])
_FILLER_SIGNS: Final = frozenset("".join(filler for filler in _FILLERS if filler >= "\u3400"))
_FILLER_STEMS: Final = {
    language: frozenset(stem(word, language) for word in _FILLERS)
    for language in ("en", "ko", "ru", "ar", "fr", "es", "pt")
}


@dataclass(frozen=True, slots=True)
class _Source:
    """A sentence of a report, or a piece of a note (``noted``)."""

    case: str | None
    language: str
    weight: float
    meant: int  # of its words are in the dictionary
    noted: bool = field(repr=False)
    words: int = field(repr=False)


class Reworded:
    """The sentences of all reports and notes, ready to compare with each field."""

    def __init__(
        self, texts: Iterable[tuple[str, str | None]], notes: Iterable[tuple[str, str | None]], language: str
    ) -> None:
        """``texts`` and ``notes`` are pairs with their case; ``language`` is the article's."""
        self._language = language.partition("-")[0]
        self._sources: list[_Source] = []
        self._places: defaultdict[tuple[str, str], dict[int, list[int]]] = defaultdict(dict)
        self._meanings: defaultdict[int, dict[str, list[int]]] = defaultdict(dict)  # by the language of the source
        for text, case in texts:
            for sentence in sentences(text, self._language):
                self._add(sentence, sentence.words, case, noted=False)
        for text, case in notes:
            for sentence in sentences(_COMMAS.sub("\n", text), self._language):
                fillers = _FILLER_STEMS.get(sentence.language, _FILLERS)
                kept = [
                    word
                    for word in sentence.words
                    if word.stem not in fillers and not _FILLER_SIGNS.issuperset(word.stem)
                ]
                self._add(sentence, kept, case, noted=True)

    def _add(self, sentence: Sentence, words: Sequence[Content], case: str | None, *, noted: bool) -> None:
        weights = {word.stem: word.weight for word in words}
        number = len(self._sources)
        meant = {concepts_of(word.stem, sentence.language) for word in words} - {()}
        self._sources.append(
            _Source(case, sentence.language, sum(weights.values()), len(meant), noted=noted, words=len(weights))
        )
        for place, word in enumerate(words):
            places = self._places[sentence.language, word.stem].setdefault(number, [])
            if len(places) < _PLACES:
                places.append(place)
        for meaning in {meaning for meanings in meant for meaning in meanings}:
            self._meanings[meaning].setdefault(sentence.language, []).append(number)

    def hits(self, text: str) -> list[Hit]:
        """Every sentence of ``text`` that follows one of a report or note, and every rare phrase and word of both."""
        found: list[Hit] = []
        seen: set[tuple[str, str]] = set()
        for sentence in sentences(text, self._language):
            shared = self._shared(sentence)
            close = [*self._followed(sentence, shared), *self._translated(sentence)]
            found += close
            found += self._phrases(sentence, shared)
            found += self._rare(text, sentence, seen)
        return found

    def _shared(self, sentence: Sentence) -> Mapping[int, list[tuple[int, int]]]:
        """Source → where each shared word stands in the article's sentence and in the source."""
        shared: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
        times: Counter[str] = Counter()
        for at, word in enumerate(sentence.words):
            times[word.stem] += 1
            if times[word.stem] <= _PLACES:
                for number, places in self._places.get((sentence.language, word.stem), {}).items():
                    shared[number] += [(at, place) for place in places]
        return shared

    def _followed(self, sentence: Sentence, shared: Mapping[int, list[tuple[int, int]]]) -> Iterator[Hit]:
        words = sentence.words
        whole = sum({word.stem: word.weight for word in words}.values())
        for number, pairs in shared.items():
            source = self._sources[number]
            ats = sorted({at for at, _ in pairs})
            weights = {words[at].stem: words[at].weight for at in ats}
            weight = sum(weights.values())
            if source.noted:
                enough = len(weights) > 1 or (source.words == 1 and weight >= _NOTED_WEIGHT)
                if enough and weight >= _NOTED_SHARE * source.weight:
                    yield Hit(rule=Rule.NOTED, start=words[ats[0]].start, end=words[ats[-1]].end, case=source.case)
            elif len(weights) >= _WORDS and weight >= max(_WEIGHT, _SHARE * min(whole, source.weight)):
                yield Hit(rule=Rule.REWORDED, start=words[ats[0]].start, end=words[ats[-1]].end, case=source.case)

    def _translated(self, sentence: Sentence) -> Iterator[Hit]:
        own = [concepts_of(word.stem, sentence.language) for word in sentence.words]
        shared: defaultdict[int, dict[int, int]] = defaultdict(dict)  # source → meaning → where it stands
        for at, meanings in enumerate(own):
            for meaning in meanings:
                for language, numbers in self._meanings.get(meaning, {}).items():
                    if language != sentence.language:
                        for number in numbers:
                            shared[number].setdefault(meaning, at)
        whole = sum(1 for meanings in set(own) if meanings)
        for number, places in shared.items():
            source = self._sources[number]
            if len(places) < _FEWEST_MEANINGS and not source.noted:
                continue
            ats = set(places.values())
            common = min(len(ats), len(places))
            share = common / min(whole, source.meant)
            if source.noted:
                enough = common >= _NOTED_SHARE * source.meant and (common > 1 or source.words == 1)
            else:
                weight = sum(sentence.words[at].weight for at in ats)
                enough = any(common >= least and share >= part and weight >= heavy for least, part, heavy in _MEANINGS)
            if enough:
                rule = Rule.NOTED if source.noted else Rule.TRANSLATED
                start, end = sentence.words[min(ats)].start, sentence.words[max(ats)].end
                yield Hit(rule=rule, start=start, end=end, case=source.case)

    def _phrases(self, sentence: Sentence, shared: Mapping[int, list[tuple[int, int]]]) -> Iterator[Hit]:
        words = sentence.words
        needed = _SIGN_PHRASE_WEIGHT if sentence.language in {"zh", "ja"} else _PHRASE_WEIGHT
        for number, pairs in shared.items():
            if self._sources[number].noted:
                continue
            places: defaultdict[int, list[int]] = defaultdict(list)
            for at, place in pairs:
                places[at].append(place)
            for at in places:
                for beside in range(at + 1, at + 1 + _PHRASE_REACH):
                    if beside not in places or words[at].stem == words[beside].stem:
                        continue
                    near = any(0 < abs(b - a) <= _PHRASE_REACH for a in places[at] for b in places[beside])
                    if near and words[at].weight + words[beside].weight >= needed:
                        case = self._sources[number].case
                        start, end = words[at].start, words[beside].end
                        yield Hit(rule=Rule.RARE_WORDING, start=start, end=end, case=case)

    def _rare(self, text: str, sentence: Sentence, seen: set[tuple[str, str]]) -> Iterator[Hit]:
        """Words in no list that a report has, too; each once."""
        for word in sentence.words:
            key = sentence.language, word.stem
            fewest = _RARE_LETTERS if text[word.start] < "\u0600" else _RARE_SIGNS
            if word.weight < UNKNOWN_WEIGHT or key in seen or word.end - word.start < fewest:
                continue
            if sentence.language == "ko" and text[word.start : word.end].endswith("다"):  # a verb, which has many forms
                continue
            sources = [number for number in self._places.get(key, {}) if not self._sources[number].noted]
            if sources:
                seen.add(key)
                case = self._sources[sources[0]].case
                yield Hit(rule=Rule.RARE_WORDING, start=word.start, end=word.end, case=case)
