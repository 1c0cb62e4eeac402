"""What a page shows of the words of an attachment: pieces in order, rows together as tables, a sheet at a time.

Rules: everything here is text, and the template escapes it; a sheet is bounded, so that no file makes a page of a
gigabyte.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby
from typing import Final

from fieldreport.scrub.views.document import Block, Piece, Reading

_PIECES: Final = 400  # of one sheet
_CHARACTERS: Final = 60_000
_CELLS: Final = 50  # of a row that are shown; the page says where there are more
# Pieces of these that follow each other are one paragraph, one table, one conversation.
_TOGETHER: Final = frozenset({Block.LINE, Block.QUOTED, Block.ROW, Block.SAID})


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbours of one kind: ``rows`` are their texts. ``cut``: not all cells of a table are among them."""

    block: Block
    rows: tuple[tuple[str, ...], ...] = field(repr=False)
    cut: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """One page of a reading; ``number`` counts from 1."""

    number: int
    of: int
    runs: tuple[Run, ...] = field(repr=False)


def sheet(reading: Reading, number: int) -> Sheet:
    """A sheet by its number; the nearest one for a number that is none."""
    sheets = list(_sheets(reading.pieces)) or [()]
    number = min(max(number, 1), len(sheets))
    return Sheet(number=number, of=len(sheets), runs=tuple(_runs(sheets[number - 1])))


def _sheets(pieces: Sequence[Piece]) -> Iterator[tuple[Piece, ...]]:
    start = characters = 0
    for end, piece in enumerate(pieces):
        characters += sum(map(len, piece.texts))
        if end > start and (end - start >= _PIECES or characters > _CHARACTERS):
            yield tuple(pieces[start:end])
            start, characters = end, sum(map(len, piece.texts))
    if start < len(pieces):
        yield tuple(pieces[start:])


def _runs(pieces: Sequence[Piece]) -> Iterator[Run]:
    for (block, _), group in groupby(enumerate(pieces), key=_kind):
        rows = [piece.texts for _, piece in group]
        cut = any(len(texts) > _CELLS for texts in rows)
        yield Run(block, tuple(texts[:_CELLS] for texts in rows), cut)


def _kind(numbered: tuple[int, Piece]) -> tuple[Block, int]:
    number, piece = numbered
    return piece.block, -1 if piece.block in _TOGETHER else number
