"""Reads a protected term as a name: what rank, office or kinship stands around it, and into which parts it falls.

Rules: tables tell (``names.toml``), nothing is learned; what is no name comes back whole and without parts.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from fieldreport.press.leakcheck.content import rank_of
from fieldreport.press.leakcheck.text import fold, is_letter, script, words

_TABLES: Final[Mapping[str, Any]] = tomllib.loads(
    files("fieldreport.press.leakcheck").joinpath("names.toml").read_text(encoding="utf-8")
)
SOUNDS: Final[Mapping[str, Any]] = tomllib.loads(
    files("fieldreport.press.leakcheck").joinpath("sounds.toml").read_text(encoding="utf-8")
)
_LANGUAGES: Final = {"LATIN": "en", "CYRILLIC": "ru", "ARABIC": "ar", "HANGUL": "ko", "HAN": "zh"}
_PARTICLES: Final = frozenset(map(fold, _TABLES["particles"]["any"]))
_TITLES: Final = {
    language: frozenset(map(fold, titles)) for language, titles in _TABLES["titles"].items() if "_" not in language
}
_LONGEST_FIRST: Final = {
    language: sorted(titles, key=len, reverse=True)
    for language, titles in (
        ("ko", _TITLES["ko"]),
        ("zh", _TITLES["zh"]),
        ("ja", _TITLES["ja"] | _TITLES["zh"]),
    )
}
_ENDS: Final = {
    language: tuple(sorted(map(fold, ends), key=len, reverse=True)) for language, ends in _TABLES["places"].items()
}
_KINDS: Final = {
    language: sorted(map(fold, kinds), key=len, reverse=True) for language, kinds in _TABLES["kinds"].items()
}
_TITLE_WORDS: Final = 2  # of the longest title
_EVERYDAY: Final = 3000  # the rank of a word that is no part of a name
_KANA_PART: Final = 3
_FAMILY_LETTERS: Final = 3  # of a part of a name, in scripts with capital letters


def _japanese_surnames() -> dict[str, str]:
    """Each surname in signs → its reading; forms that share a reading stand in one key."""
    readings: dict[str, str] = {}
    for forms, reading in SOUNDS["ja"]["surnames"].items():
        length = 2 if len(forms) == 4 else len(forms)  # noqa: PLR2004 - 渡辺渡邊 are two forms
        for at in range(0, len(forms), length):
            readings[forms[at : at + length]] = reading
    return readings


JAPANESE_SURNAMES: Final = _japanese_surnames()
SIGN_SURNAMES: Final = frozenset((*_TABLES["surnames"]["zh"], *_TABLES["surnames"]["zh_double"]))
_EXONYMS: Final[Mapping[str, str]] = {
    fold(place): name for name, places in _TABLES["exonyms"].items() for place in places.split()
}
GIVEN_SIGNS: Final = 2  # of a given name, at most, in Korean and Chinese


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A term without what surrounds it.

    ``language`` is the table it was read with: "ja" where signs are split as in Japan. ``family`` and ``given`` are
    empty where they cannot be told apart; ``parts`` are what a text may say instead of ``core``; ``addressed`` are
    the surname with a title.
    """

    core: str = field(repr=False)
    language: str
    family: str = field(default="", repr=False)
    given: str = field(default="", repr=False)
    parts: tuple[str, ...] = field(default=(), repr=False)
    addressed: tuple[str, ...] = field(default=(), repr=False)


@lru_cache(maxsize=1024)
def read(term: str) -> Name:
    """Read a protected term."""
    kind = next((script(character) for character in term if is_letter(character)), "LATIN")
    if kind in {"HIRAGANA", "KATAKANA"}:
        return _kana(term)
    language = _LANGUAGES.get(kind, "en")
    if kind == "HANGUL":
        return _korean(term)
    if kind == "HAN":
        return _signs(term)
    return _spaced(term, language)


def _spaced(term: str, language: str) -> Name:
    tokens = words(term)
    first, last = 0, len(tokens)
    while (taken := _title(tokens[first:last], language)) and first + taken < last:
        first += taken
    kept = tokens[first:last]
    if not kept:
        return Name(core=term, language=language)
    core = term[kept[0].start : kept[-1].end]
    parts = []
    for piece in core.split():
        bare = fold(piece).removeprefix("ال") if language == "ar" else fold(piece).strip("-.")
        telling = len(bare) >= _FAMILY_LETTERS and fold(piece) not in _PARTICLES | _TITLES[language]
        cased = piece[:1].isupper() or language == "ar"
        if telling and cased and fold(piece) not in _ENDS[language]:
            parts.append(piece)
    if any(character.isdigit() for character in core):  # "Unit 42" is no person
        parts = []
    alone = len(tokens) == 1
    return Name(core=core, language=language, parts=() if alone else tuple(parts))


def _kana(term: str) -> Name:
    """グエン・ティ・ラン: each piece with a title, the longer ones also alone."""
    pieces = [piece for piece in re.split(r"[・＝=\s]+", term) if piece]
    ends = _place_parts(pieces[:1], "ja") if len(pieces) == 1 else ()
    return Name(
        core=term,
        language="ja",
        parts=(*(piece for piece in pieces if len(piece) >= _KANA_PART and len(pieces) > 1), *ends),
        addressed=tuple(f"{piece}{title}" for piece in pieces for title in _TABLES["titles"]["usual_ja"]),
    )


def _title(tokens: Sequence[Any], language: str) -> int:
    for length in range(_TITLE_WORDS, 0, -1):
        if " ".join(token.folded for token in tokens[:length]) in _TITLES[language] and len(tokens) > length:
            return length
    return 0


def _korean(term: str) -> Name:
    kept = [piece for piece in term.split() if fold(piece) not in _TITLES["ko"]]
    titles = [piece for piece in term.split() if fold(piece) in _TITLES["ko"]]
    core = " ".join(kept) or term
    joined = "".join(kept)
    for title in _LONGEST_FIRST["ko"]:
        bare = joined.removesuffix(title)
        if len(title) > 1 and bare != joined and len(bare) == GIVEN_SIGNS + 1 and bare[0] in _TABLES["surnames"]["ko"]:
            core = joined = bare
            titles.append(title)
    family = joined[:2] if joined[:2] in _TABLES["surnames"]["ko_double"] else joined[:1]
    given = joined[len(family) :]
    if not given and titles and family in _TABLES["surnames"]["ko"]:  # 최 대위
        return Name(core=core, language="ko", family=family, addressed=tuple(f"{family}{title}" for title in titles))
    if (
        (family in _TABLES["surnames"]["ko"] or len(family) > 1)
        and 1 <= len(given) <= GIVEN_SIGNS
        and not _is_place(joined, "ko")
    ):
        addressed = tuple(f"{family}{title}" for title in dict.fromkeys([*titles, *_TABLES["titles"]["usual_ko"]]))
        # 양강도 may be a person or a province, 남포항 a person or a port.
        parts = (*([given] if len(given) == GIVEN_SIGNS else []), *_place_parts([joined], "ko"))
        return Name(core=core, language="ko", family=family, given=given, parts=parts, addressed=addressed)
    return Name(core=core, language="ko", parts=tuple(dict.fromkeys(_place_parts(kept, "ko"))))


def _is_place(joined: str, language: str) -> bool:
    return len(joined) > GIVEN_SIGNS and any(len(end) > 1 and joined.endswith(end) for end in _ENDS[language])


def _place_parts(pieces: Sequence[str], language: str) -> Iterator[str]:
    for piece in pieces:
        for end in _ENDS[language]:
            bare = piece.removesuffix(end)
            if bare != piece and len(bare) >= GIVEN_SIGNS:
                yield bare
                yield from _without_kind(bare, language)
                break
        # 원산수산사업소: what a house is called by often begins with where it is.
        if len(piece) > 2 * GIVEN_SIGNS:
            yield piece[:GIVEN_SIGNS]


def _without_kind(house: str, language: str) -> Iterator[str]:
    """石嘴沟煤, of 石嘴沟煤矿: where the house is, without what it is for; 柳树屯第二中 takes two steps."""
    for kind in _KINDS[language.removesuffix("_sure")]:
        place = house.removesuffix(kind)
        if place != house and len(place) >= GIVEN_SIGNS:
            yield place
            yield from _without_kind(place, language)
            return


def _signs(term: str) -> Name:
    core, titles = "".join(term.split()), []
    japanese = re.search(r"[\u3040-\u30ff々]", core) is not None or core[:2] in JAPANESE_SURNAMES
    language = "ja" if japanese or core[:3] in JAPANESE_SURNAMES else "zh"
    for title in _LONGEST_FIRST[language]:
        bare = core.removeprefix(title) if core.startswith(title) else core.removesuffix(title)
        if bare != core and len(bare) >= GIVEN_SIGNS:
            core = bare
            titles.append(title)
    if language == "zh" and (name := _chinese(core, titles)) is not None:
        return name
    known = next((core[:length] for length in (3, 2) if core[:length] in JAPANESE_SURNAMES), "")
    if known or (len(core) in {3, 4} and re.fullmatch(r"[\u4e00-\u9fff々]+", core) and not _is_sign_place(core)):
        family = known or core[:2]
        given = core[len(family) :]
        kept = (family, given) if known else (part for part in (family, given) if rank_of(part, "ja") > _EVERYDAY)
        parts = tuple(part for part in kept if len(part) >= GIVEN_SIGNS)
        addressed = tuple(f"{family}{title}" for title in dict.fromkeys([*titles, *_TABLES["titles"]["usual_ja"]]))
        return Name(
            core=core,
            language="ja" if known else language,
            family=family,
            given=given,
            parts=parts,
            addressed=addressed,
        )
    ends = [*_place_parts([core], "zh"), *_place_parts([core], "ja")]
    return Name(core=core, language=language, parts=tuple(dict.fromkeys(ends)))


def _is_sign_place(core: str) -> bool:
    return any(core.endswith(end) for language in ("zh", "ja") for end in _ENDS[language])


def _chinese(core: str, titles: Sequence[str]) -> Name | None:
    family = core[:2] if core[:2] in _TABLES["surnames"]["zh_double"] else core[:1]
    given = core[len(family) :]
    known = len(family) > 1 or family in _TABLES["surnames"]["zh"]
    if not known or not 1 <= len(given) <= GIVEN_SIGNS or (len(core) > GIVEN_SIGNS and _is_sign_place(core)):
        return None
    addressed = [f"{family}{title}" for title in dict.fromkeys([*titles, *_TABLES["titles"]["usual_zh"]])]
    parts = [part for part in (family, given) if len(part) >= GIVEN_SIGNS]
    return Name(
        core=core,
        language="zh",
        family=family,
        given=given,
        parts=tuple(parts),
        addressed=(*addressed, f"老{family}", f"小{family}") if len(core) > GIVEN_SIGNS else (),
    )


def is_title(word: str, language: str) -> bool:
    """Whether a folded word is a rank, an office, a kinship or a form of address."""
    return word in titles(language)


def titles(language: str) -> frozenset[str]:
    """Every rank, office, kinship and form of address of one language, folded."""
    return _TITLES.get(language, frozenset())


def exonym(place: str) -> str:
    """What English calls a place, in small letters without spaces, where that is not how it sounds; or nothing."""
    return _EXONYMS.get(fold(place), "")


def forget() -> None:
    """Let go of every term that was read."""
    read.cache_clear()
