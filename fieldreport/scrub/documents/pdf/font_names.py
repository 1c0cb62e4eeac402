"""Names of fonts in a PDF: those that many have stay, all others tell whose font it is.

Nothing needs the name of a font that is in the file. Of one that is not, viewers look at what it says of its style.
"""

from __future__ import annotations

import re
from contextlib import suppress
from functools import lru_cache
from typing import Final

from fieldreport.scrub.documents import tables

_TABLE: Final = tables.load("pdf")
_STYLES: Final = re.compile(f"{_TABLE['font-styles']}$")
_NO_NAME: Final = re.compile("[\\W_]+")
_STYLE: Final = re.compile(r"[-,]?(?:Bold|Italic|Oblique){1,2}$")
_CODECS: Final = ("utf-8", "gb18030", "cp949", "cp932", "big5")  # in which programs of East Asia write them
_NEUTRAL: Final = "Font"


def _squeezed(name: str) -> str:
    return _NO_NAME.sub("", name).lower()


_KNOWN: Final = frozenset(_squeezed(font) for group in tables.load("fonts").values() for font in group) | frozenset(
    _TABLE["standard-fonts"].split()
)


@lru_cache(1024)
def neutral(name: str) -> str:
    """A name without its subset tag, each byte a character: as it is if many have it, else one that is as long."""
    spelled = {name}
    for codec in _CODECS if not name.isascii() else ():
        with suppress(UnicodeError):
            spelled.add(name.encode("latin-1").decode(codec))
    if any(map(_is_known, spelled)):
        return name
    found = _STYLE.search(name)
    style = "" if found is None else found[0]
    length = len(name) - len(style)
    return _NEUTRAL.ljust(length, "x")[:length] + style


def _is_known(name: str) -> bool:
    """Whether it is one of the table, with any words of style behind it."""
    squeezed = _squeezed(name)
    if squeezed in _KNOWN:
        return True
    return any(
        squeezed[:end] in _KNOWN and _STYLES.fullmatch(squeezed, end) is not None for end in range(3, len(squeezed))
    )
