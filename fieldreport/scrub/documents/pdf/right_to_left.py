"""Arabic and Hebrew in the order and the forms in which they are drawn, since a page draws letters one by one.

Sources: UAX 9 for a line without marks of its own for directions; for the forms, the decompositions of Unicode's
presentation forms, which fonts with these letters have.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Final

_LAM: Final = "\u0644"
_ALEFS: Final = frozenset("\u0622\u0623\u0625\u0627")
_TATWEEL: Final = "\u0640"
_NON_JOINER: Final = "\u200c"
_MIRRORED: Final = dict(zip("()[]{}<>«»", ")(][}{><»«", strict=True))
_RIGHT: Final = frozenset({"R", "AL"})
_NUMBERS: Final = frozenset({"EN", "AN"})
_BETWEEN_NUMBERS: Final = frozenset({"CS", "ES"})


def _presentation_forms() -> Mapping[str, Mapping[str, str]]:
    """Letter, or lam with an alef, to what it is drawn as: ``<isolated>``, ``<final>``, ``<initial>``, ``<medial>``."""
    forms: dict[str, dict[str, str]] = {}
    for code in (*range(0xFB50, 0xFBFF + 1), *range(0xFE70, 0xFEFC + 1)):
        kind, *codes = unicodedata.decomposition(chr(code)).split() or [""]
        letters = "".join(chr(int(each, 16)) for each in codes)
        if len(letters) == 1 or (letters[:1] == _LAM and letters[1:] in _ALEFS):
            forms.setdefault(letters, {})[kind] = chr(code)
    return forms


_FORMS: Final = _presentation_forms()


def drawn(line: str) -> str:
    """A line from left to right as it is drawn; unchanged when nothing in it is written from the right."""
    if not any(unicodedata.bidirectional(letter) in _RIGHT for letter in line):
        return line
    pieces = _shaped(line)
    levels = _levels([unicodedata.bidirectional(piece[0]) for piece in pieces])
    pieces = [_MIRRORED.get(piece, piece) if level % 2 else piece for piece, level in zip(pieces, levels, strict=True)]
    for level in range(max(levels), 0, -1):
        start = 0
        while start < len(pieces):
            end = start
            while end < len(pieces) and levels[end] >= level:
                end += 1
            pieces[start:end] = reversed(pieces[start:end])
            levels[start:end] = reversed(levels[start:end])
            start = end + 1
    return "".join(pieces)


def _shaped(line: str) -> list[str]:
    """The letters in their forms, each with the marks on it."""
    letters: list[str] = []
    marks: list[str] = []
    for letter in line:
        if letters and unicodedata.category(letter) in {"Mn", "Me"}:
            marks[-1] += letter
        elif letters and letters[-1] == _LAM and not marks[-1] and letter in _ALEFS:
            letters[-1] += letter
        else:
            letters.append(letter)
            marks.append("")
    pieces = []
    for place, letter in enumerate(letters):
        before = place > 0 and _joins(letters[place - 1], "<initial>") and _joins(letter, "<final>")
        after = place + 1 < len(letters) and _joins(letter, "<initial>") and _joins(letters[place + 1], "<final>")
        kind = {(True, True): "<medial>", (True, False): "<final>", (False, True): "<initial>"}
        form = _FORMS.get(letter, {}).get(kind.get((before, after), "<isolated>"), letter)
        pieces.append(form + marks[place] if letter != _NON_JOINER else marks[place])
    return list(filter(None, pieces))


def _joins(letter: str, kind: str) -> bool:
    """Whether a letter is joined to the next one (``<initial>``) or to the one before (``<final>``)."""
    return letter == _TATWEEL or kind in _FORMS.get(letter, {})


def _levels(classes: Sequence[str]) -> list[int]:
    """How often each piece is turned around: odd from the right, even from the left."""
    base = next((int(each in _RIGHT) for each in classes if each in _RIGHT or each == "L"), 0)
    kinds = _kinds(classes, base)
    before = _sides(kinds, "LR"[base])
    after = _sides(kinds[::-1], "LR"[base])[::-1]
    level = {"L": 2 * base, "R": 1, "EN": 2, "AN": 2}
    return [
        level[kind] if kind != "N" else level[first] if first == second else base
        for kind, first, second in zip(kinds, before, after, strict=True)
    ]


def _sides(kinds: Sequence[str], outside: str) -> list[str]:
    """For each place what stands before it and has a direction; numbers count as from the right (N1)."""
    found = []
    for kind in kinds:
        outside = outside if kind == "N" else "L" if kind == "L" else "R"
        found.append(outside)
    return found


def _kinds(classes: Sequence[str], base: int) -> list[str]:
    """Letters from the left and right, numbers, and what is neither, as the rules W2 to W7 find them."""
    kinds = ["R" if each in _RIGHT else each for each in classes]
    strong = "LR"[base]
    for place, kind in enumerate(kinds):
        around = set(kinds[max(0, place - 1) : place] + kinds[place + 1 : place + 2])
        if kind in _BETWEEN_NUMBERS and len(around) == 1 and around <= _NUMBERS and 0 < place < len(kinds) - 1:
            kinds[place] = around.pop()
    for places in (range(len(kinds)), reversed(range(len(kinds)))):  # signs such as %, on both sides of a number
        last = ""
        for place in places:
            last = kinds[place] = "EN" if kinds[place] == "ET" and last == "EN" else kinds[place]
    for place, kind in enumerate(kinds):
        strong = kind if kind in {"L", "R"} else strong
        if kind == "EN" and strong == "L":
            kinds[place] = "L"
        elif kind not in {"L", "R", *_NUMBERS}:
            kinds[place] = "N"
    return kinds
