"""Finds words copied from a report: runs of the same words, and paragraphs that follow the report closely.

A run of eight words in a row, or of twelve characters in scripts written without spaces (in Korean: twelve over at
least three words, so that a long official name does not count), is found through n-grams, in time linear in both texts.
Containment is the share of a paragraph's five-word sequences that the report has, too.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Final

from fieldreport.press.leakcheck.findings import Hit, Rule
from fieldreport.press.leakcheck.text import Squeezed, Word, fold, squeeze, words

RUN_WORDS: Final = 8  # measured: a quote 26, lightly edited 9, a paraphrase 1
RUN_CHARACTERS: Final = 12
SHARE_WORDS: Final = 5
SHARE: Final = 0.3  # measured: a quote 0.88, lightly edited 0.32, a paraphrase 0
_SHARE_FROM_WORDS: Final = 12  # a shorter paragraph has too few sequences for a share to mean anything
_KOREAN_RUN_WORDS: Final = 3

_EAST_ASIAN: Final = re.compile(
    r"[\u1100-\u11ff\u3040-\u30ff\u3130-\u318f\u3400-\u9fff\uac00-\ud7a3\uf900-\ufaff\U00020000-\U0003ffff]"
)
_HANGUL: Final = re.compile(r"[\uac00-\ud7a3]")
_PARAGRAPH: Final = re.compile(r"[^\n]+(?:\n[^\n]+)*")
_NOT_A_WORD: Final = re.compile(r"[\W_]+")


@dataclass(frozen=True, slots=True)
class _Report:
    case: str | None
    runs: frozenset[tuple[str, ...]] = field(repr=False)
    shares: frozenset[tuple[str, ...]] = field(repr=False)
    characters: frozenset[str] = field(repr=False)


class Reports:
    """The reports of an article: of each, only the sequences that the article has, too.

    So memory is bounded by the article, however long a report is.
    """

    def __init__(self, texts: Iterable[tuple[str, str | None]], fields: Sequence[str]) -> None:
        """``texts`` are pairs of a report's text and its case; ``fields`` are all texts of the article."""
        folded = [[word.folded for word in words(field)] for field in fields]
        self._runs = frozenset(run for each in folded for run in _sequences(each, RUN_WORDS))
        self._shares = frozenset(share for each in folded for share in _sequences(each, SHARE_WORDS))
        squeezed = [_squeezed(field) for field in fields if _EAST_ASIAN.search(field)]
        self._characters = frozenset(window for each in squeezed for window in _windows(each))
        self._reports = [self._cut(text, case) for text, case in texts if text.strip()]

    def hits(self, text: str) -> list[Hit]:
        """Every run and every paragraph of ``text`` that was copied."""
        if not self._reports:
            return []
        tokens = words(text)
        view = squeeze(text) if _EAST_ASIAN.search(text) else None
        found: list[Hit] = []
        for report in self._reports:
            runs = _word_runs(tokens, report)
            if view is not None and report.characters:
                runs += _character_runs(text, view, report)
            found += _merged(runs)
            found += [
                hit
                for hit in _shares(text, tokens, report)
                if not any(run.start < hit.end and hit.start < run.end for run in runs)
            ]
        return found

    def _cut(self, text: str, case: str | None) -> _Report:
        folded = [word.folded for word in words(text)]
        characters: frozenset[str] = frozenset()
        if self._characters and _EAST_ASIAN.search(text):
            characters = self._characters.intersection(_windows(_squeezed(text)))
        runs = self._runs.intersection(_sequences(folded, RUN_WORDS))
        return _Report(case, runs, self._shares.intersection(_sequences(folded, SHARE_WORDS)), characters)


def _squeezed(text: str) -> str:
    return _NOT_A_WORD.sub("", fold(text))


def _windows(squeezed: str) -> Iterator[str]:
    return (squeezed[i : i + RUN_CHARACTERS] for i in range(len(squeezed) - RUN_CHARACTERS + 1))


def _sequences(folded: Sequence[str], length: int) -> Iterator[tuple[str, ...]]:
    return zip(*(folded[offset:] for offset in range(length)), strict=False)


def _word_runs(tokens: Sequence[Word], report: _Report) -> list[Hit]:
    folded = [token.folded for token in tokens]
    return [
        Hit(rule=Rule.LIFTED_RUN, start=tokens[i].start, end=tokens[i + RUN_WORDS - 1].end, case=report.case)
        for i in range(len(tokens) - RUN_WORDS + 1)
        if tuple(folded[i : i + RUN_WORDS]) in report.runs
    ]


def _character_runs(text: str, view: Squeezed, report: _Report) -> list[Hit]:
    found = []
    for i in range(len(view.text) - RUN_CHARACTERS + 1):
        window = view.text[i : i + RUN_CHARACTERS]
        if window not in report.characters or len(_EAST_ASIAN.findall(window)) * 2 <= RUN_CHARACTERS:
            continue
        start, end = view.starts[i], view.ends[i + RUN_CHARACTERS - 1]
        spaced = len(_HANGUL.findall(window)) * 2 > RUN_CHARACTERS
        if not spaced or len(text[start:end].split()) >= _KOREAN_RUN_WORDS:
            found.append(Hit(rule=Rule.LIFTED_RUN, start=start, end=end, case=report.case))
    return found


def _shares(text: str, tokens: Sequence[Word], report: _Report) -> list[Hit]:
    found = []
    starts = [word.start for word in tokens]
    for paragraph in _PARAGRAPH.finditer(text):
        first, last = bisect_left(starts, paragraph.start()), bisect_left(starts, paragraph.end())
        inside = [word.folded for word in tokens[first:last]]
        if len(inside) < _SHARE_FROM_WORDS:
            continue
        sequences = frozenset(_sequences(inside, SHARE_WORDS))
        if len(sequences & report.shares) >= SHARE * len(sequences):
            found.append(Hit(rule=Rule.LIFTED_SHARE, start=paragraph.start(), end=paragraph.end(), case=report.case))
    return found


def _merged(runs: list[Hit]) -> list[Hit]:
    """Overlapping hits of one report as one."""
    merged: list[Hit] = []
    for hit in sorted(runs, key=lambda hit: hit.start):
        if merged and hit.start <= merged[-1].end:
            last = merged.pop()
            merged.append(replace(last, end=max(last.end, hit.end)))
        else:
            merged.append(hit)
    return merged
