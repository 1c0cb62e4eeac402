"""The protected terms in a source's own words: who they are, where they live, what must not be printed.

Rules: a short piece becomes a term as it is, without the words that frame it; of a sentence the names and places do,
and long numbers; nothing is guessed from a word that no table knows.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final

from fieldreport import limits
from fieldreport.press.leakcheck.names import JAPANESE_SURNAMES, is_title, read
from fieldreport.press.leakcheck.text import LANGUAGES, UNSPACED, Word, fold, script, words

_NOTES: Final = LANGUAGES["notes"]
_LEAD_INS: Final = sorted(_NOTES["lead_ins"], key=len, reverse=True)
_TERM_WORDS: Final = 4
_TERM_CHARACTERS: Final = 12  # in scripts without spaces
_SEPARATORS: Final = re.compile(r"[\n\r\t,;:/|•、，；：。！？!?()\[\]（）「」『』“”\"«»،؛؟]+|\.(?:\s|$)")
_DIGITS: Final = re.compile(r"\d{3,}")
_SIGN_CUTS: Final = re.compile(f"({'|'.join(sorted(_NOTES['han_cuts'], key=len, reverse=True))})")
_LIVES: Final = frozenset(map(fold, _NOTES["lives"]))
_STOPS: Final = frozenset(map(fold, _NOTES["stops"]))
_IN: Final = frozenset(map(fold, _NOTES["in"]))
_KANJI: Final = re.compile(r"[\u4e00-\u9fff々]{2,}(?:通り)?")
_JAPANESE_PLACE: Final = re.compile(r"([\u4e00-\u9fff々]{2,}(?:通り)?|[\u30a0-\u30ff]{2,})(?:に|で)(?=住|暮|働)")
_HOMES: Final = ("고향", "집은", "집이")
_KOREAN_NAME: Final = 3
_VERB_ENDS: Final = ("다", "요", "오", "고")


def note_terms(note: str, *, at_most: int = limits.NOTE_TERMS) -> tuple[str, ...]:
    """The protected terms in a source's own words, each once, the first ``at_most`` of them."""
    terms: dict[str, None] = {}
    for piece in dict.fromkeys(_SEPARATORS.split(note)):
        terms.update(dict.fromkeys(_piece_terms(piece.strip())))
        if len(terms) >= at_most:
            break
    return tuple(terms)[:at_most]


def _piece_terms(piece: str) -> Iterator[str]:
    bare = _without_framing(piece)
    if not bare:
        return
    found = list(_names(bare))
    unspaced = sum(script(character) in UNSPACED for character in bare)
    short = len(bare) <= _TERM_CHARACTERS if unspaced * 2 > len(bare) else len(bare.split()) <= _TERM_WORDS
    if short and not (found and _is_sentence(bare)):
        yield bare
        return
    yield from found
    yield from (match.group() for match in _DIGITS.finditer(bare))


def _is_sentence(piece: str) -> bool:
    return _SIGN_CUTS.search(piece) is not None or any(word.folded in _LIVES for word in words(piece))


def _names(piece: str) -> Iterator[str]:
    """The names of persons and places in one sentence."""
    kinds = {script(letter) for letter in piece}
    if "HANGUL" in kinds:
        yield from _korean(piece)
    elif kinds & {"HIRAGANA", "KATAKANA"}:
        yield from _japanese(piece)
    elif "HAN" in kinds:
        yield from _chinese(piece)
    elif "ARABIC" in kinds:
        yield from _arabic(piece)
    if kinds & {"LATIN", "CYRILLIC", "GREEK", "ARMENIAN"}:
        yield from _capitals(piece)


def _capitals(piece: str) -> Iterator[str]:
    """Words with a capital letter, those that stand together as one; the first word alone is only a beginning."""
    tokens = words(piece)
    run: list[Word] = []
    for at, token in enumerate([*tokens, None]):
        if token is not None and piece[token.start].isupper() and (not run or token.start - run[-1].end == 1):
            run.append(token)
            continue
        if run and (len(run) > 1 or (run[0].start > 0 and run[0].end - run[0].start > 1)):
            yield piece[run[0].start : run[-1].end]
        run = [token] if token is not None and at and piece[token.start].isupper() else []


def _korean(piece: str) -> Iterator[str]:
    endings = sorted(LANGUAGES["endings"]["hangul"], key=len, reverse=True)
    tokens = words(piece)
    for at, token in enumerate(tokens):
        word = token.folded
        bare = next(
            (word.removesuffix(end) for end in endings if word.endswith(end) and len(word) - len(end) > 1), word
        )
        following = tokens[at + 1].folded if at + 1 < len(tokens) else ""
        is_home = at > 0 and tokens[at - 1].folded.startswith(_HOMES)
        is_place = bare != word and (is_home or any(following.startswith(lives) for lives in _LIVES))
        name = read(bare)
        is_name = len(bare) == _KOREAN_NAME and name.family and name.given and not is_title(bare, "ko")
        if is_place or (is_name and not bare.endswith(_VERB_ENDS)):
            yield bare


def _chinese(piece: str) -> Iterator[str]:
    before = ""
    for chunk in _SIGN_CUTS.split(piece):
        if _SIGN_CUTS.fullmatch(chunk):
            before = chunk
            continue
        bare = chunk
        for kin in _NOTES["han_kin"]:
            bare = bare.removeprefix(kin)
        if len(bare) > 1 and (before in _LIVES or (len(bare) > 2 and read(bare).family)):  # noqa: PLR2004 - a full name
            yield bare


def _japanese(piece: str) -> Iterator[str]:
    for match in _KANJI.finditer(piece):
        run = match.group()
        full = len(run) > 2 and (run[:2] in JAPANESE_SURNAMES or run[:3] in JAPANESE_SURNAMES)  # noqa: PLR2004 - a full name
        if full or any(piece[: match.start()].endswith(f"{kin}の") for kin in _NOTES["japanese_kin"]):
            yield run
    yield from (match[1] for match in _JAPANESE_PLACE.finditer(piece))


def _arabic(piece: str) -> Iterator[str]:
    tokens = words(piece)
    for at, token in enumerate(tokens):
        pair = " ".join(each.folded for each in tokens[at : at + 2])
        # "my uncle", "my cousin": kinship of the source.
        if pair.endswith("ي") and is_title(pair, "ar"):
            yield from _until_stop(piece, tokens[at + 2 :])
        my_own = token.folded.endswith("ي") and is_title(token.folded, "ar")
        if my_own and tokens[at - 1].folded not in {"ابن", "بنت"}:
            yield from _until_stop(piece, tokens[at + 1 :])
        if token.folded in _IN and at and tokens[at - 1].folded in _LIVES:
            yield from _until_stop(piece, tokens[at + 1 :])


def _until_stop(piece: str, tokens: Sequence[Word]) -> Iterator[str]:
    kept: list[Word] = []
    for token in tokens[:3]:
        if token.folded in _STOPS | _LIVES | _IN:
            break
        kept.append(token)
    if kept:
        yield piece[kept[0].start : kept[-1].end]


def _without_framing(piece: str) -> str:
    lowered = piece.lower().replace("’", "'")
    for lead in _LEAD_INS:
        size = len(lead)
        rest = piece[size:]
        # A whole word: "name Kim", but not "nameplate"; in scripts without spaces anything may follow.
        if lowered.startswith(lead) and (not rest[:1].isalpha() or script(lead[-1]) in UNSPACED):
            piece = rest.strip(" '’-")
            break
    for tail in _NOTES["tails"]:
        piece = piece.removesuffix(tail).strip()
    return piece.strip()
