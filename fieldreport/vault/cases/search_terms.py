"""How a text and what is searched for become the same terms, in every script that sources write.

Width, case and accents do not matter (NFKD without marks, case fold); nor do harakat, tatweel, joiners and the forms of
alef, yeh, kaf and heh by which Arabic and Persian keyboards differ. Where words have no spaces between them (Chinese,
Japanese, Thai), and in Korean, where endings and compounds are written together, every two neighbouring characters are
a term, so that a word is found inside another.

Rule: nothing here remembers a word. What is kept between calls is how single characters fold.
"""

from __future__ import annotations

import re
import unicodedata
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from fieldreport import limits
from fieldreport.errors import UsageError
from fieldreport.sentence import Sentence

_UNSPACED: Final = (
    "\u0e01-\u0edf\u1000-\u109f\u1780-\u17d3"  # Thai and Lao, Burmese, Khmer
    "\u1100-\u11ff\u3131-\u318e\uac00-\ud7a3"  # Hangul
    "\u3005-\u3007\u3041-\u3096\u3099\u309a\u309d-\u309f\u30a1-\u30fa\u30fc-\u312f\u31f0-\u31ff"  # kana, bopomofo
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uff66-\uffdc\U00020000-\U0003ffff"  # Han, half-width kana and Hangul
)
_MARKS: Final = "".join(
    f"\\u{code:04x}"
    for code in (*range(0x300, 0x1E00), *range(0xA600, 0xAC00), 0x200C, 0x200D)
    if unicodedata.category(chr(code)) in {"Mn", "Mc", "Cf"} and not re.match(f"[{_UNSPACED}]", chr(code))
)
_RUN: Final = re.compile(f"([{_UNSPACED}][{_UNSPACED}{_MARKS}]*)|(?:[^\\W_{_UNSPACED}]+[{_MARKS}]*)+")
# Combining classes below are part of letters: nukta, virama, the voice marks of kana. Accents and harakat are not.
_ACCENTS: Final = 10
# Letters that one language writes in two ways, or that a keyboard lacks; what NFKD takes apart is not in here.
_VARIANTS: Final = str.maketrans(
    {
        **dict(zip("\u0131\u0142\u00f8\u0111\u0127\u0167", "ilodht", strict=True)),
        **dict.fromkeys("\u0671", "\u0627"),  # alef
        **dict.fromkeys("\u0649\u06cc\u06d2", "\u064a"),  # yeh
        **dict.fromkeys("\u06a9", "\u0643"),  # kaf
        **dict.fromkeys("\u0629\u06be\u06c1\u06d5", "\u0647"),  # heh, and teh marbuta
        "\u0640": "",  # tatweel
        "\u00e6": "ae",
        "\u0153": "oe",
    }
)
_CLAUSE: Final = re.compile(r'["“”«»„]([^"“”«»„]*)["“”«»„](\*?)|([^\s"“”«»„]+)')
_BEFORE, _AFTER = 60, 140  # characters of a snippet around the first hit


class _Folds(dict[int, str]):
    """Code point → what it is compared as; filled as characters come."""

    def __missing__(self, code: int) -> str:
        plain = unicodedata.normalize("NFKD", chr(code).casefold()).casefold()
        kept = (each for each in plain if unicodedata.combining(each) < _ACCENTS and unicodedata.category(each) != "Cf")
        folded = "".join(kept).translate(_VARIANTS)
        folded = self[code] = "".join(
            str(unicodedata.decimal(each, each)) for each in unicodedata.normalize("NFC", folded)
        )
        return folded


_FOLDS: Final = _Folds()


def fold(text: str) -> str:
    """The text as it is compared."""
    return unicodedata.normalize("NFC", text.translate(_FOLDS))


def whole(phrase: str) -> re.Pattern[str]:
    """What finds a phrase in a folded text; as whole words where words have spaces between them."""
    words = fold(phrase).split()
    pattern = r"\s+".join(map(re.escape, words))
    for edge, before, after in ((words[0][0], r"(?<![^\W_])", ""), (words[-1][-1], "", r"(?![^\W_])")):
        if edge.isalnum() and not re.match(f"[{_UNSPACED}]", edge):
            pattern = f"{before}{pattern}{after}"
    return re.compile(pattern)


def terms(text: str) -> Iterator[str]:
    """The terms of a text, in order."""
    for run in _RUN.finditer(fold(text)):
        yield from _pairs(run[0]) if run[1] else (run[0],)


def _pairs(run: str) -> Iterator[str]:
    """Every character with the one after it, and the last alone: each begins one term."""
    return (run[at : at + 2] for at in range(len(run)))


@dataclass(frozen=True, slots=True)
class Phrase:
    """Terms that follow each other. ``prefix``: the last may go on."""

    terms: tuple[str, ...] = field(repr=False)
    prefix: bool


@dataclass(frozen=True, slots=True)
class Query:
    """What is searched for; all phrases must be in one text."""

    phrases: tuple[Phrase, ...] = field(repr=False)

    @property
    def match(self) -> str:
        """In the language of SQLite's FTS5. Terms are letters and digits, so none ends its quotation marks."""
        return " AND ".join(f'"{" ".join(each.terms)}"{" *" if each.prefix else ""}' for each in self.phrases)


def parse(untrusted_words: str) -> Query:
    """Read what somebody typed: words, ``"a phrase"``, ``begin*``.

    Raises:
        UsageError: it is longer than ``limits.SEARCH_CHARACTERS``, or there is nothing in it to search for.
    """
    if len(untrusted_words) > limits.SEARCH_CHARACTERS:
        raise UsageError(
            Sentence("Search for at most %(most)s characters.", most=limits.SEARCH_CHARACTERS), code="search-words"
        )
    phrases = []
    for clause in _CLAUSE.finditer(untrusted_words):
        quoted, starred, word = clause.groups()
        phrase = _phrase(quoted if word is None else word, prefix=bool(starred) if word is None else word.endswith("*"))
        if phrase is not None and phrase not in phrases:
            phrases.append(phrase)
    if not phrases:
        raise UsageError(Sentence("Type a word to search for: letters or digits."), code="search-words")
    return Query(tuple(phrases))


def _phrase(text: str, *, prefix: bool) -> Phrase | None:
    found: list[str] = []
    unspaced = False
    for run in _RUN.finditer(fold(text)):
        unspaced = run[1] is not None
        found += _pairs(run[0]) if unspaced else (run[0],)
    if not found:
        return None
    if unspaced:  # the last character begins a pair of the text, whatever comes after it
        if len(found) > 1 and len(found[-2]) > 1 and found[-2].endswith(found[-1]):
            found.pop()
            prefix = False
        else:
            prefix = True
    return Phrase(tuple(found), prefix)


@dataclass(frozen=True, slots=True)
class Shown:
    """A piece of a snippet; ``hit``: it is what was searched for."""

    text: str = field(repr=False)
    hit: bool


def snippet(text: str, query: Query) -> tuple[Shown, ...]:
    """The first hit in a text with what stands around it; the beginning where no hit can be pointed at."""
    spans: list[tuple[int, int]] = []
    end = len(text)
    for start, stop in _spans(text, query):
        if not spans:
            end = min(len(text), stop + _AFTER)
        if start >= end:
            break
        if spans and start <= spans[-1][1]:
            spans[-1] = (spans[-1][0], max(stop, spans[-1][1]))
        else:
            spans.append((start, stop))
    begin = max(0, spans[0][0] - _BEFORE) if spans else 0
    end = min(end, begin + _BEFORE + _AFTER) if not spans else max(end, spans[-1][1])
    pieces = [Shown("…", hit=False)] if begin else []
    at = begin
    for start, stop in spans:
        pieces += [Shown(text[at:start], hit=False), Shown(text[start:stop], hit=True)]
        at = stop
    pieces.append(Shown(text[at:end] + ("…" if end < len(text) else ""), hit=False))
    return tuple(piece for piece in pieces if piece.text)


def _spans(text: str, query: Query) -> Iterator[tuple[int, int]]:
    """Where in a text the phrases are, in the order of their ends."""
    recent: deque[_Placed] = deque(maxlen=max(len(each.terms) for each in query.phrases))
    for placed in _placed(text):
        recent.append(placed)
        for phrase in query.phrases:
            tail = list(recent)[-len(phrase.terms) :]
            *before, last = (each.term for each in tail)
            *wanted, final = phrase.terms
            if before == wanted and (last.startswith(final) if phrase.prefix else last == final):
                # Of a pair that only has to begin so, the second character is not what was searched for.
                yield tail[0].start, tail[-1].end if len(final) > 1 else tail[-1].first_end


@dataclass(frozen=True, slots=True)
class _Placed:
    """A term and where it is in the text as it was written; ``first_end``: of the first character of a pair."""

    term: str = field(repr=False)
    start: int
    end: int
    first_end: int


def _placed(text: str) -> Iterator[_Placed]:
    for run in _RUN.finditer(text):
        folded = fold(run[0])
        starts = [run.start() + at for at, each in enumerate(run[0]) for _ in _FOLDS[ord(each)]]
        exact = len(starts) == len(folded)  # composing has left each character where it was
        for part in _RUN.finditer(folded):
            if not part[1]:
                yield _Placed(part[0], run.start(), run.end(), run.end())
                continue
            ends = [*starts[part.start() :], run.end()]
            for at, pair in enumerate(_pairs(part[0])):
                if exact:
                    yield _Placed(pair, ends[at], ends[at + len(pair)], ends[at + 1])
                else:
                    yield _Placed(pair, run.start(), run.end(), run.end())
