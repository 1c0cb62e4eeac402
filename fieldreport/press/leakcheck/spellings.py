"""Suggests how newspapers would spell a protected name in Latin letters, for the editor to complete.

The check finds these spellings by sound as well; written down as terms they block instead of only warn. Rules: nothing
is protected by being suggested; a name that no table reads gets no suggestion.
"""

from __future__ import annotations

from itertools import product
from typing import Final

from unidecode import unidecode

from fieldreport.press.leakcheck.names import JAPANESE_SURNAMES, SOUNDS, Name, exonym, read
from fieldreport.press.leakcheck.sounds import families, readings
from fieldreport.press.leakcheck.text import script

_MOST: Final = 8
_FIRST_SYLLABLE: Final = 0xAC00


def spellings(term: str) -> tuple[str, ...]:
    """Usual spellings of ``term`` in Latin letters, at most eight, the likeliest first; none for a term in them."""
    name = read(term)
    kind = script(name.core[:1] or "a")
    place = exonym(name.core)
    if place:
        found = [place.title()]
    elif kind == "HANGUL":
        found = _korean(name)
    elif kind == "HAN" and name.language == "ja":
        found = _japanese(name)
    elif kind == "HAN":
        found = _chinese(name)
    elif kind == "CYRILLIC":
        found = [unidecode(name.core).replace("'", "").title()]
    else:
        found = []
    return tuple(dict.fromkeys(found))[:_MOST]


def _syllable(syllable: str, system: str) -> str:
    table = SOUNDS["ko_spelled"][system]
    code = ord(syllable) - _FIRST_SYLLABLE
    finals = SOUNDS["ko_spelled"]["finals"]
    return str(table["initials"][code // 588] + table["medials"][code % 588 // 28] + finals[code % 28])


def _korean(name: Name) -> list[str]:
    if not all("가" <= each <= "힣" for each in "".join(name.core.split())):
        return []  # 제3공장: who leaves the figure out spells another name
    systems = [system for system in SOUNDS["ko_spelled"] if system != "finals"]
    if not name.family:
        return ["".join(_syllable(each, system) for each in "".join(name.core.split())).title() for system in systems]
    given = ["-".join(_syllable(each, system) for each in name.given) for system in systems]
    surnames = families("ko", name.family)[:3] or ["".join(_syllable(each, systems[0]) for each in name.family)]
    return [f"{family.title()} {each.capitalize()}" for each, family in product(given, surnames)]


def _chinese(name: Name) -> list[str]:
    if not name.family:
        return [unidecode(name.core).replace(" ", "").title()]
    pinyin = unidecode(name.given).replace(" ", "").title()
    found = [f"{unidecode(name.family).replace(' ', '').title()} {pinyin}"]
    heard = [
        next((spelled.split()[0] for signs, spelled in SOUNDS["zh"]["cantonese"].items() if sign in signs), "")
        for sign in name.given
    ]
    if all(heard):
        found += [f"{family.title()} {'-'.join(heard).capitalize()}" for family in families("zh", name.family)]
    return found


def _japanese(name: Name) -> list[str]:
    family = JAPANESE_SURNAMES.get(name.family, "").title()
    if not family:
        return []
    given = [each.title() for each in readings(name.given)][:3]
    return [f"{each} {family}" for each in given] or [family]
