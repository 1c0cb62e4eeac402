"""Rich Text Format as a row of tokens, for the writer only; the verifier reads in its own way.

Source: Rich Text Format specification 1.9.1 (Microsoft, 2008). Linear in the length of the file.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import Enum, auto
from typing import Final, NamedTuple

from fieldreport.scrub.verdicts import Damaged

_TOKEN: Final = re.compile(
    rb"\\(?P<word>[A-Za-z]{1,32})(?P<number>-?[0-9]{1,10})? ?"
    rb"|\\'(?P<hex>[0-9A-Fa-f]{2})"
    rb"|\\(?P<symbol>\r\n|[^A-Za-z'])"
    rb"|(?P<brace>[{}])"
    rb"|(?P<lines>[\r\n]+)"
    rb"|(?P<text>[^\\{}\r\n]+)"
)


class Kind(Enum):
    """What a token is."""

    OPEN = auto()
    CLOSE = auto()
    WORD = auto()
    SYMBOL = auto()
    HEX = auto()
    TEXT = auto()
    BINARY = auto()


class Token(NamedTuple):
    """``data``: a word's letters, a symbol, a text, or bytes. ``number``: a word's parameter, if it has one."""

    kind: Kind
    data: bytes = b""
    number: int | None = None


_OPEN: Final = Token(Kind.OPEN)
_CLOSE: Final = Token(Kind.CLOSE)


def tokens(untrusted: bytes) -> Iterator[tuple[Token, int]]:
    """Each token with the position after it.

    Raises:
        Damaged: a backslash that begins nothing, binary data beyond the end.
    """
    position = 0
    while position < len(untrusted):
        match = _TOKEN.match(untrusted, position)
        if match is None:
            raise Damaged
        position = match.end()
        found = match[match.lastgroup or 0]
        match match.lastgroup:
            case "word" | "number":
                number = int(match["number"]) if match["number"] is not None else None
                if match["word"] == b"bin":
                    end = position + (number or 0)
                    if not position <= end <= len(untrusted):
                        raise Damaged
                    yield Token(Kind.BINARY, untrusted[position:end]), end
                    position = end
                else:
                    yield Token(Kind.WORD, match["word"], number), position
            case "hex":
                yield Token(Kind.HEX, bytes.fromhex(found.decode("ascii"))), position
            case "symbol":
                yield Token(Kind.SYMBOL, found), position
            case "brace":
                yield (_OPEN if found == b"{" else _CLOSE), position
            case "text":
                yield Token(Kind.TEXT, found), position
            case _:
                continue  # line ends between tokens mean nothing
