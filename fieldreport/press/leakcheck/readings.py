"""How Han signs are read in Korean and in Japanese, for names that come back in another script.

Rules: every reading of the tables counts, the commonest first; a sign that no table has makes its whole run unreadable.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from functools import cache
from importlib.resources import files
from itertools import product
from typing import Final, Literal

from fieldreport.press.leakcheck.content import simplified
from fieldreport.press.leakcheck.heard import romaji

Kind = Literal["family", "given", "alone", "place"]

_MOST: Final = 32  # readings of one run
_EACH, _SIGNS = 7, 5  # readings of each sign, and signs of a run, that are combined
_COLUMNS: Final[Mapping[Kind, tuple[int, ...]]] = {"family": (0,), "given": (1,), "alone": (2,), "place": (0, 2)}
_FIRST_SYLLABLE: Final = 0xAC00
_PER_INITIAL: Final = 588  # syllables that begin alike
_NIEUN, _RIEUL, _NONE = 2, 5, 11  # initial letters
_BEFORE_I: Final = frozenset({2, 3, 6, 7, 12, 17, 20})  # vowels before which South Korea drops an initial n or l


def _lines(name: str) -> Iterator[list[str]]:
    text = files("fieldreport.press.leakcheck").joinpath(name).read_text(encoding="utf-8")
    return (line.split(" ") for line in text.splitlines() if not line.startswith("#"))


@cache
def _hangul() -> Mapping[str, tuple[str, ...]]:
    table: dict[str, dict[str, None]] = {}
    for syllable, signs in _lines("hangul.txt"):
        for sign in {*signs, *simplified(signs)}:
            table.setdefault(sign, {}).update(dict.fromkeys(_north_and_south(syllable)))
    return {sign: tuple(syllables) for sign, syllables in table.items()}


def _north_and_south(syllable: str) -> Iterator[str]:
    """리 and 이, 로 and 노: as the North writes it, and as the South does at the beginning of a word."""
    yield syllable
    initial, rest = divmod(ord(syllable) - _FIRST_SYLLABLE, _PER_INITIAL)
    if initial in {_NIEUN, _RIEUL}:
        softened = _NONE if rest // 28 in _BEFORE_I else _NIEUN
        yield chr(_FIRST_SYLLABLE + softened * _PER_INITIAL + rest)


def hangul_of(sign: str) -> tuple[str, ...]:
    """Every syllable that one sign may be in Korean; none where the table does not have it."""
    return _hangul().get(sign, ())


def hangul(signs: str) -> list[str]:
    """Every way to read ``signs`` in Korean, at most 32; none where one of them is in no table."""
    return _ranked([hangul_of(sign) for sign in signs])


@cache
def _japanese() -> Mapping[str, tuple[tuple[str, ...], ...]]:
    return {
        sign: tuple(tuple(column.split(",")) if column != "-" else () for column in columns)
        for sign, *columns in _lines("japanese.txt")
    }


def japanese(signs: str, kind: Kind) -> list[str]:
    """Ways to read ``signs`` in Japanese, in small Latin letters, at most 32, the likeliest first."""
    return _ranked([list(_of_sign(sign, kind)) for sign in signs])


def _of_sign(sign: str, kind: Kind) -> Iterator[str]:
    if "\u3040" < sign < "\u3100":
        yield romaji(sign)
    elif sign in _japanese():
        for column in _COLUMNS[kind]:
            yield from _japanese()[sign][column]


def _ranked(readings: Sequence[Sequence[str]]) -> list[str]:
    """The readings of a run, those first whose parts are the commonest."""
    if not readings or len(readings) > _SIGNS or not all(readings):
        return []
    kept = [list(dict.fromkeys(each))[:_EACH] for each in readings[:_SIGNS]]
    ranks = sorted(product(*(range(len(each)) for each in kept)), key=sum)[:_MOST]
    return list(dict.fromkeys("".join(each[at] for each, at in zip(kept, rank, strict=True)) for rank in ranks))
