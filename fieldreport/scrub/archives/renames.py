"""The new names of an archive's files, put into its texts: a chat still says which photo belongs to which message.

A name is found as a whole, with as many of its folders as are written, longest first, in capitals or not, in either
Unicode form, and in every way in which texts write characters: as they are, as entities of HTML, in percent signs, with
the backslashes of JSON. Names without an ending are not looked for: "Kim" may be a file, and is a word. The address
of a web page stays what it was, whatever its end is called.

Linear in the length of a text: names are looked up backwards from every ending that a file of the archive has.
"""

from __future__ import annotations

import html
import posixpath
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from typing import Final
from urllib.parse import unquote

ENDED: Final = re.compile(r"[^/]+\.([A-Za-z0-9]{1,10})")
_ENTITY, _PERCENT, _BACKSLASH = "&#?[A-Za-z0-9]{2,8};", "(?:%[0-9A-Fa-f]{2})+", r"(?:\\u[0-9A-Fa-f]{4})+|\\[/\\]"
# All at once and each alone: what escapes in one kind of text is part of a name in another.
_ESCAPES: Final = tuple(
    re.compile(each) for each in (f"{_ENTITY}|{_PERCENT}|{_BACKSLASH}", _ENTITY, _PERCENT, _BACKSLASH, "(?!)")
)
_LONGEST: Final = 255  # characters of a name with its folders
_SPELLED: Final = 9  # characters that one may be written in: three bytes in percent signs
_PART_OF_A_WORD: Final = re.compile(r"[A-Za-z0-9_-]")
_IN_AN_ADDRESS: Final = re.compile(r"https?://[^\s\"'<>]*\Z", re.IGNORECASE)
_ADDRESS: Final = 2000  # characters before a name that may belong to one
_UPWARDS: Final = re.compile(r"(?:\.{1,2}/)+$")


class Renames:
    """What files were called, with their folders, and what they are called now."""

    def __init__(self, names: Mapping[str, str]) -> None:
        self._all: dict[str, str] = {}
        self._near = defaultdict[str, dict[str, str]](dict)
        endings = set[str]()
        for name, new in names.items():
            path = name.replace("\\", "/")
            ended = ENDED.fullmatch(posixpath.basename(path))
            if ended is None:
                continue
            endings.add(ended[1].lower())
            for written in _written(path):
                self._all.setdefault(written, new)
                self._near[posixpath.dirname(path)].setdefault(written, new)
        self._lengths = sorted({len(written) for written in self._all}, reverse=True)
        self._end = re.compile(rf"\.(?:{'|'.join(sorted(endings, reverse=True))})(?![A-Za-z0-9_])", re.IGNORECASE)

    def apply(self, text: str, *, folder: str) -> str:
        """A text of this folder with the new names in it. Of two files of one name the nearer is meant."""
        if not self._all:
            return text
        near = self._near.get(folder, {})
        pieces: list[str] = []
        position = 0
        for end in self._end.finditer(text):
            if end.start() < position:
                continue
            start, new = self._found(text, position, end.end(), near)
            if new:
                pieces += (text[position:start], new)
                position = end.end()
        return "".join((*pieces, text[position:]))

    def _found(self, text: str, begin: int, end: int, near: Mapping[str, str]) -> tuple[int, str]:
        """Where the longest known name that ends here begins, and its new name; an empty one if none does."""
        begin = max(begin, end - _SPELLED * (self._lengths[0] + 1))
        found = (end, "")
        for escapes in _ESCAPES:
            shown, starts = _read(text, begin, end, escapes)
            start, new = self._ending(shown, near)
            if new:
                found = min(found, (starts[start], new))
        if _IN_AN_ADDRESS.search(text, max(0, end - _ADDRESS), found[0]):
            return end, ""
        return found

    def _ending(self, shown: str, near: Mapping[str, str]) -> tuple[int, str]:
        """Where in a piece of text the longest known name at its end begins, with what leads upwards; its new name."""
        for length in self._lengths:
            start = len(shown) - length
            if start < 0 or (start > 0 and _PART_OF_A_WORD.match(shown[start - 1])):
                continue
            folded = shown[start:].casefold()
            new = near.get(folded) or self._all.get(folded)
            if new:
                upwards = _UPWARDS.search(shown, 0, start)
                return start if upwards is None else upwards.start(), new
        return 0, ""


def _written(name: str) -> Iterator[str]:
    """``a/b/c.jpg``, ``b/c.jpg`` and ``c.jpg``, in both Unicode forms, without capitals."""
    for form in ("NFC", "NFD"):
        rest, stroke = unicodedata.normalize(form, name).casefold(), "/"
        while stroke and len(rest) <= _LONGEST:
            yield rest
            _, stroke, rest = rest.partition("/")


def _read(text: str, begin: int, end: int, escapes: re.Pattern[str]) -> tuple[str, Sequence[int]]:
    """What a piece of text says, and where each of its characters begins. Strokes between folders are forward ones."""
    piece = text[begin:end]
    if escapes.search(piece) is None:
        return _forward(piece), range(begin, end)
    shown: list[str] = []
    starts: list[int] = []
    position = 0
    for escaped in escapes.finditer(piece):
        shown.append(piece[position : escaped.start()])
        starts += range(begin + position, begin + escaped.start())
        position = escaped.start()
        for character, length in _spelled(escaped[0]):
            shown.append(character)
            starts.append(begin + position)
            position += length
    shown.append(piece[position:])
    starts += range(begin + position, end)
    return _forward("".join(shown)), starts


def _forward(text: str) -> str:
    return text.replace("\\", "/")


def _spelled(escaped: str) -> Iterator[tuple[str, int]]:
    """The characters that a run of escapes stands for, and how many characters each is spelled in."""
    if escaped.startswith("%"):
        try:
            meant = unquote(escaped, errors="strict")
        except UnicodeDecodeError:  # in an older encoding
            meant = escaped
            yield from ((each, 1) for each in meant)
        else:
            yield from ((each, 3 * len(each.encode())) for each in meant)
    elif escaped.startswith("\\u"):
        meant = bytes.fromhex(escaped.replace("\\u", "")).decode("utf-16-be", "replace")
        yield from ((each, 6 * (1 + (each > "\uffff"))) for each in meant)
    elif escaped.startswith("&"):
        meant = html.unescape(escaped)
        yield from ((each, len(escaped) // len(meant)) for each in meant[:-1])
        yield meant[-1], len(escaped) - (len(escaped) // len(meant)) * (len(meant) - 1)
    else:
        yield escaped[1], 2
