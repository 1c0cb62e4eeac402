"""The words of a file as they cross from the child to the service: blocks of text, and what was left unread.

Rule: ``decode`` is for what a child wrote that a file may have taken over. It is parsed strictly, and what comes out is
text and numbers, which shown escaped.
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, Self

from fieldreport import limits
from fieldreport.scrub.verdicts import Damaged
from fieldreport.sentence import Sentence


class Block(StrEnum):
    """What a piece of a document is."""

    HEADING = "heading"
    LINE = "line"  # a paragraph, or a line of a text
    QUOTED = "quoted"  # a line of what a mail answers
    ROW = "row"  # of a table; the texts are its cells
    SAID = "said"  # a message of a conversation: when, by whom, and its words
    PAGE = "page"  # where a page begins that can be drawn; its text is its place, see ``places``
    PICTURE = "picture"  # what else can be drawn, by its place
    MEMBER = "member"  # where a file in it begins; its text is a neutral name
    APART = "apart"  # what follows stands outside the flow: charts, page headers, masters of slides; its text is empty


class Unread(StrEnum):
    """What no program has read in a file; ``text`` has the words for it."""

    text: str

    def __new__(cls, code: str, text: str = "") -> Self:  # noqa: D102 - as in verdicts; the default is for type checkers
        member = str.__new__(cls, code)
        member._value_ = code
        member.text = text
        return member

    PICTURES = "pictures", Sentence("pictures")
    PAGES = "pages", Sentence("pages without words")  # scanned ones
    SOUND = "sound", Sentence("sound")
    MEMBERS = "members", Sentence("files inside that cannot be read")
    REST = "rest", Sentence("what comes after the first 2 million characters")


@dataclass(frozen=True, slots=True)
class Piece:
    """One block: what it is, and its text, or the texts of a row's cells."""

    block: Block
    texts: tuple[str, ...] = field(repr=False)


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """The words of a file, in order. ``unread``: what else is in it; empty means that this is all."""

    pieces: tuple[Piece, ...] = field(repr=False)
    unread: tuple[Unread, ...] = ()

    @property
    def text(self) -> str:
        """All words, one block a line, cells with tabs between; empty when there are none."""
        shown = (piece for piece in self.pieces if piece.block not in PLACES)
        return "\n".join("\t".join(piece.texts) for piece in shown).strip()


PLACES: Final = frozenset({Block.PAGE, Block.PICTURE, Block.MEMBER, Block.APART})
"""Of these the text is no word of the file."""
_PLACE: Final = re.compile(r"[1-9][0-9]{0,4}(?:-[1-9][0-9]{0,4}){0,3}")
_NAME: Final = re.compile(r"[a-z]{1,20}-[1-9][0-9]{0,4}\.[a-z0-9]{1,5}")
_FORMS: Final = {Block.PAGE: _PLACE, Block.PICTURE: _PLACE, Block.MEMBER: _NAME, Block.APART: re.compile("")}
_PIECE: Final = 8  # so that no file is a million empty lines
_SAID: Final = 3  # when, who, what
CELLS: Final = 1000
"""Of one row; a longer one goes on in the next. Excel has 16,384 columns, and no page shows them."""


def cost(piece: Piece) -> int:
    """How much of ``limits.READING_CHARACTERS`` a piece takes: its characters, and a few for being one."""
    return _PIECE + sum(map(len, piece.texts))


def encode(pieces: Sequence[Piece], unread: Collection[Unread]) -> bytes:
    """In the child, once it has kept to ``limits.READING_CHARACTERS``."""
    document = {
        "pieces": [[piece.block.value, *piece.texts] for piece in pieces],
        "unread": [each.value for each in Unread if each in unread],
    }
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "replace")


def encoded(reading: Reading) -> bytes:
    """A reading as ``decode`` takes it."""
    return encode(reading.pieces, set(reading.unread))


def decode(untrusted: bytes) -> Reading:
    """In the service.

    Raises:
        Damaged: it is not what ``encode`` writes, or longer than a reading may be.
    """
    try:
        document = json.loads(untrusted)
        match document:
            case {"pieces": list(pieces), "unread": list(unread), **rest} if not rest:
                read = tuple(_piece(each) for each in pieces)
                reading = Reading(pieces=read, unread=tuple(Unread(each) for each in unread))
            case _:
                raise Damaged
    except (ValueError, RecursionError):  # a decoding error is one, and so is a word that is none of ours
        raise Damaged from None
    if sum(map(cost, reading.pieces)) > limits.READING_CHARACTERS:
        raise Damaged
    return reading


def _piece(untrusted_item: object) -> Piece:
    match untrusted_item:
        case [str(block), *texts] if texts and len(texts) <= CELLS:
            words = tuple(text for text in texts if isinstance(text, str))
            piece = Piece(Block(block), words)
            many = {Block.ROW: len(words), Block.SAID: _SAID}.get(piece.block, 1)
            pattern = _FORMS.get(piece.block)
            if len(words) == len(texts) == many and (pattern is None or pattern.fullmatch(words[0])):
                return piece
    raise Damaged
