"""The words of a file without those that must not be read: lines and passages give way to one mark, always the same.

Rules: what comes out is made of the words that stay and of nothing else of the file. A mark does not tell how much is
below it: lines that follow each other get one together. A passage is found in either case and width, with any space
between its words, whatever stands in it that nobody sees; a letter of which it is a part goes with it.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from fieldreport import limits
from fieldreport.scrub.text import invisible
from fieldreport.scrub.views.document import PLACES, Piece, Reading

MARK: Final = "█████"

_VOICED: Final = "\uff9e\uff9f"  # the marks that a kana of half width is written with
_KASHIDA: Final = "\u0640"  # makes an Arabic word longer, and no other word
_SELECTORS: Final = (range(0xFE00, 0xFE10), range(0xE0100, 0xE01F0))  # of another drawing of the character before
_POINTS: Final = range(10, 36)  # canonical classes of the vowels that Hebrew and Arabic leave out as well
_DOTTED: Final = "i\u0307"  # what a Turkish capital becomes in small


@dataclass(frozen=True, slots=True, kw_only=True)
class Covering:
    """What is to be covered: whole ``lines`` by their place in ``Reading.pieces``, and ``passages`` wherever they are.

    Raises:
        ValueError: more passages than ``limits.COVERED_PASSAGES``, or a longer one than ``limits.PASSAGE_CHARACTERS``.
    """

    lines: frozenset[int] = frozenset()
    passages: tuple[str, ...] = field(default=(), repr=False)

    def __post_init__(self) -> None:
        if len(self.passages) > limits.COVERED_PASSAGES:
            raise ValueError("too many passages")
        if any(len(each) > limits.PASSAGE_CHARACTERS for each in self.passages):
            raise ValueError("a passage is too long")


@dataclass(frozen=True, slots=True, kw_only=True)
class Covered:
    """``text``: what is left; ``marks``: how many stand in it; ``missing``: passages that are nowhere in the file."""

    text: str = field(repr=False)
    marks: int
    missing: tuple[str, ...] = field(repr=False)


def cover(reading: Reading, covering: Covering) -> Covered:
    """What is left of a reading, one block a line, with tabs between the cells of a row."""
    wanted = _wanted(covering.passages)
    found: set[str] = set()
    lines: list[str] = []
    below = False
    for place, piece in enumerate(reading.pieces):
        if piece.block in PLACES:
            continue
        texts = [_without(text, wanted, found) for text in piece.texts]  # of a line that goes, too: it was there
        if place not in covering.lines:
            lines.append("\t".join(" ".join(text.split()) for text in texts) if len(texts) > 1 else texts[0])
        elif not below:
            lines.append(MARK)
        below = place in covering.lines
    text = invisible.unmark("\n".join(lines))[0]
    text = "".join(each for each in text if each in "\n\t" or unicodedata.category(each) != "Cc").strip()
    missing = tuple(each for each in covering.passages if each not in found)
    return Covered(text=f"{text}\n" if text else "", marks=text.count(MARK), missing=missing)


def shown(piece: Piece, covering: Covering) -> tuple[tuple[tuple[str, bool], ...], ...]:
    """The texts of a piece, each in runs: the words of a run, and whether a passage covers them."""
    wanted = _wanted(covering.passages)
    return tuple(tuple(_runs(text, wanted, set())) for text in piece.texts)


def standing(text: str, passages: Iterable[str]) -> tuple[str, ...]:
    """Those of some passages that stand in a text, found as those to be covered are."""
    wanted, found = _wanted(passages), set[str]()
    list(_runs(text, wanted, found))
    return tuple(each for each in wanted if each in found)


def _wanted(passages: Iterable[str]) -> dict[str, str]:
    """Each passage, and as what it is compared."""
    normal = {each: unicodedata.normalize("NFC", each) for each in passages}
    return {each: "".join(_folded(_clusters(text))).strip() for each, text in normal.items()}


def _without(text: str, wanted: dict[str, str], found: set[str]) -> str:
    return "".join(MARK if covered else words for words, covered in _runs(text, wanted, found))


def _runs(text: str, wanted: dict[str, str], found: set[str]) -> Iterator[tuple[str, bool]]:
    """Alternately what stays and what is covered; adds the passages that are in the text to ``found``."""
    text = unicodedata.normalize("NFC", text)
    if not wanted:
        yield text, False
        return
    clusters = list(_clusters(text))
    folded = _folded(clusters)
    whole = "".join(folded)
    at = [number for number, each in enumerate(folded) for _ in each]  # by place in ``whole``: of which cluster it is
    hidden: set[int] = set()
    for passage, words in wanted.items():
        start = whole.find(words) if words else -1
        while start >= 0:
            found.add(passage)
            hidden.update(range(at[start], at[start + len(words) - 1] + 1))
            start = whole.find(words, start + 1)
    for covered, group in groupby(enumerate(clusters), key=lambda numbered: numbered[0] in hidden):
        yield "".join(cluster for _, cluster in group), covered


def _clusters(text: str) -> Iterator[str]:
    """Characters, each with what belongs to it: accents, vowels above and below, what nobody sees."""
    start = 0
    for place, each in enumerate(text):
        if place and not _belongs(each):
            yield text[start:place]
            start = place
    if text:
        yield text[start:]


def _belongs(each: str) -> bool:
    if each.isascii():
        return False
    return unicodedata.combining(each) > 0 or each in _VOICED or _is_unseen(each)


def _is_unseen(each: str) -> bool:
    selects = any(ord(each) in selectors for selectors in _SELECTORS)
    return selects or each == _KASHIDA or unicodedata.category(each) == "Cf"


def _folded(clusters: Iterable[str]) -> list[str]:
    """As what each cluster is compared; of space in a row, the first stands for all."""
    folded: list[str] = []
    before = ""
    for cluster in clusters:
        each = cluster.lower() if cluster.isascii() else _plain(cluster)
        if each.isspace():
            each = "" if before.isspace() else " "
        folded.append(each)
        before = each or before
    return folded


def _plain(cluster: str) -> str:
    kept = "".join(each for each in cluster if not _is_unseen(each))
    plain = unicodedata.normalize("NFKC", kept).casefold().replace(_DOTTED, "i")
    return "".join(each for each in plain if unicodedata.combining(each) not in _POINTS)
