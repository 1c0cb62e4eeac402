"""Pictures that are spelled out in the words of a Rich Text file, across groups, changes of look and line ends.

Works on what our writer wrote, in which each control word is followed by one space.
"""

from __future__ import annotations

import re
from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from typing import Final

from fieldreport.scrub.documents import tables
from fieldreport.scrub.format import Cleaning
from fieldreport.scrub.text import spelled_pictures

_APART: Final = "|".join(tables.load("rtf")["destinations"]["group"].split()).encode("ascii")
LINE_WORDS: Final = frozenset(b"par line page column sect row nestrow cell nestcell tab".split())
"""After which a new line begins."""
_PIECE: Final = re.compile(
    rb"\{\\(?:pict|colortbl) [^{}]*+\}|\{\\fonttbl (?:\{[^{}]*+\})*+\}"
    rb"|\{\\\*\\(?:fldinst|bkmkstart|bkmkend) (?:[^\\{}]|\\.)*+\}"
    rb"|(?P<apart>\{\\(?:%b) )|(?P<open>\{)|(?P<close>\})"
    rb"|(?P<line>\\(?:%b) |\\'(?:0[9a-d]|1[c-f]))"
    rb"|(?P<sign>(?:\\u-?[0-9]+ \?)++|(?:\\'[89a-f][0-9a-f])++"
    rb"|\\(?:(?:em|en)(?:dash|space)|qmspace|bullet|[lr](?:dbl)?quote|chpgn|chftn|sectnum) )"
    rb"|\\'(?P<hex>[0-7][0-9a-f])|\\(?P<symbol>[\\{}_-])|\\[A-Za-z]+(?:-?[0-9]+)? "
    rb"|(?P<blank>\x20+|\\~)|(?P<text>[^\\{}]*[^\\{}\x20])" % (_APART, b"|".join(LINE_WORDS))
)
_SIGN: Final = "\ufffd"  # one beyond ASCII, or a row of them: no part of what spells a picture
_SYMBOLS: Final = {b"_": "-", b"-": ""}
_LINE_ENDS: Final = frozenset({b"\\par ", b"\\line "})  # others begin something, a cell or a page
_NO_LETTERS: Final = bytes(byte for byte in range(0x80) if not chr(byte).isalnum())


def cleaned(written: bytes, cleaning: Cleaning) -> tuple[bytes, int]:
    """The file with each of them cleaned, as an address where its first letters stood; and how many more are shown.

    Paragraphs and lines that one filled go with it; cells and pages stay. Shown are letters and digits, as our writer
    counts them.

    Raises:
        Bomb: one is one.
    """
    begins, ends, starts = array("q"), array("q"), array("q")  # of pieces: in what is written, and in what they say
    said: list[str] = []
    length = 0
    for begin, end, words in _pieces(written):
        begins.append(begin)
        ends.append(end)
        starts.append(length)
        said.append(words)
        length += len(words)
    new_pieces: dict[int, bytes] = {}
    more = 0
    for start, stop, new in sorted(spelled_pictures.found("".join(said), cleaning), reverse=True):
        more += _shown(new.encode("ascii"))
        first = bisect_right(starts, start) - 1
        for place in range(first, bisect_left(starts, stop)):
            old = new_pieces.get(place, written[begins[place] : ends[place]])
            one_sign = old.startswith(b"\\")
            here = len(old) if one_sign else stop - starts[place]
            before = 0 if one_sign else max(start - starts[place], 0)
            more -= _shown(old[before:here])
            new_pieces[place] = old[:before] + (new.encode("ascii") if place == first else b"") + old[here:]
    parts: list[bytes] = []
    position = 0
    for place, piece in sorted(new_pieces.items()):
        parts += [written[position : begins[place]], piece]
        position = ends[place]
    return (b"".join([*parts, written[position:]]) if parts else written), more


def _pieces(written: bytes) -> Iterator[tuple[int, int, str]]:
    """What is shown: where each piece begins and ends, and what it says. Several line ends in a row are one."""
    apart: list[bool] = []  # of each open group: whether it stands elsewhere on the page, like a header
    between: list[tuple[int, int, str]] = []  # blanks and line ends that go with what is on both sides of them
    ended = False
    for match in _PIECE.finditer(written):
        begin, end = match.span()
        match match.lastgroup:
            case "open":
                apart.append(False)
                continue
            case "apart":
                apart.append(True)
                ended = True
                continue
            case "close":
                ended = (apart.pop() if apart else False) or ended
                continue
            case "line":
                ended = True
                if match[0] in _LINE_ENDS:
                    between.append((begin, end, ""))
                continue
            case "blank":
                between.append((begin, end, match[0].decode("ascii").replace("\\~", " ")))
                continue
            case "sign":
                words = _SIGN
            case "hex":
                words = chr(int(match["hex"], 16))
            case "symbol":
                words = _SYMBOLS.get(match["symbol"], match["symbol"].decode("ascii"))
            case "text":
                words = match["text"].decode("ascii")
            case _:
                continue
        if ended:
            first, *others = between or [(begin, begin, "")]
            yield first[0], first[1], "\n"
            between = [(start, stop, "") for start, stop, _ in others]
        yield from between
        yield begin, end, words
        between, ended = [], False


def _shown(piece: bytes) -> int:
    if piece.startswith(b"\\"):
        return piece.count(b"\\u") or piece.count(b"\\'")
    return len(piece.translate(None, _NO_LETTERS))
