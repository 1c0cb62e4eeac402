"""Bytes to text: which encoding a text file is in.

Rules: what declares itself or is valid UTF-8 is believed. Older encodings are distinguished by the language they make
sense in: every candidate that decodes without an error is scored by how many of its letters are among the commonest
of its language. Nothing is decoded with replacement characters: a text that fits no encoding is not text.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from typing import Final

from fieldreport.scrub.verdicts import Damaged

_CONTROLS: Final = re.compile(
    "[\x00-\x08\x0e-\x19\x1c-\x1f\x7f]"
)  # not in any text; \x1a ended files, \x1b is ISO-2022
_CONTROL_BYTES: Final = re.compile(_CONTROLS.pattern.encode())
_ASCII_LETTER: Final = re.compile(rb"[A-Za-z]")
_SAMPLE_BYTES: Final = 64 * 1024  # enough letters to decide by


@dataclass(frozen=True, slots=True)
class _Legacy:
    codec: str
    common: frozenset[str]


# The commonest letters beyond ASCII in running text of each language.
_HANGUL: Final = frozenset(
    "이다는의가을에하고은를지로도한사서기어자시인대해나리그수아있정일보들라것게부만제전과스장원주"
)
_HAN_SIMPLIFIED: Final = frozenset(
    "的一是不了在人有我他这中大来上国个到说们为子和你地出道也时年得就那要下以生会自着去之过家学对可里后"
)
_HAN_TRADITIONAL: Final = frozenset(
    "的一是不了在人有我他這中大來上國個到說們為子和你地出道也時年得就那要下以生會自著去之過家學對可裡後"
)
_KANA: Final = frozenset("のにはをたがでてとしれさいるなもりらんこかっくまスンルイトアクラーすき日本人大年一")
_CYRILLIC: Final = frozenset("оеаинтсрвл")
_ARABIC: Final = frozenset("اليمونرتبةعد")
_HEBREW: Final = frozenset("יוהלארתבשמ")
_THAI: Final = frozenset("านรอกเงมยลวด่้")
_WESTERN: Final = frozenset("éèàçêâîôûùëïœÉÈÀÇáíñóúü¿¡äößÄÖÜãõìòÁÓÚ’‘“”–—…€«»°·£")
_NORDIC: Final = frozenset("æøåäöéÆØÅÄÖ’“”–—…")
_TURKISH: Final = frozenset("çğıöşüÇĞİÖŞÜâîû’‘“”–—…")
_CENTRAL: Final = frozenset("áčďéěíňóřšťúůýžÁČĎÉĚÍŇÓŘŠŤÚŮÝŽąćęłńśźżĄĆĘŁŃŚŹŻőűăâîşţ’‘“”–—…„")

# In the order they are tried; within a group, ties go to the earlier. Two bytes a character first: other texts are
# almost never valid in these, and then make no sense.
_WIDE: Final = (
    _Legacy("gb18030", _HAN_SIMPLIFIED),
    _Legacy("cp949", _HANGUL),
    _Legacy("big5hkscs", _HAN_TRADITIONAL),
    _Legacy("cp932", _KANA),
    _Legacy("euc_jp", _KANA),
)
_OTHER_SCRIPTS: Final = (
    _Legacy("cp1251", _CYRILLIC),
    _Legacy("koi8_r", _CYRILLIC),
    _Legacy("cp866", _CYRILLIC),
    _Legacy("cp1256", _ARABIC),
    _Legacy("cp1255", _HEBREW),
    _Legacy("cp874", _THAI),
)
_LATIN: Final = (
    _Legacy("cp1252", _WESTERN),
    _Legacy("cp1254", _TURKISH),
    _Legacy("cp1250", _CENTRAL),
    _Legacy("cp1252", _NORDIC),  # apart, for a Czech text read as Western is full of its letters
)
# Share of common letters that the right reading of running text exceeds by far and the others stay below.
_ENOUGH_WIDE, _ENOUGH_OTHER, _ENOUGH_LATIN = 0.15, 0.4, 0.5
_MOSTLY_LATIN: Final = 0.35  # of the letters lie beyond ASCII: fewer in Latin script, nearly all in others

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf_8"),
    (codecs.BOM_UTF32_LE, "utf_32_le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf_32_be"),
    (codecs.BOM_UTF16_LE, "utf_16_le"),
    (codecs.BOM_UTF16_BE, "utf_16_be"),
)


def warm() -> None:
    """Load every codec."""
    legacies = [legacy.codec for group in (_WIDE, _OTHER_SCRIPTS, _LATIN) for legacy in group]
    for codec in [name for _, name in _MARKS] + legacies + ["iso2022_jp", "iso2022_kr"]:
        codecs.lookup(codec)
        "a".encode(codec).decode(codec)


def looks_like_text(head: bytes) -> bool:
    """Whether the beginning of a file is text in some encoding: it decodes and holds no control characters."""
    try:
        decode(head, partial=True)
    except Damaged:
        return False
    return True


def decode(data: bytes, *, partial: bool = False, language: str = "") -> str:  # noqa: ARG001 - TEMPORARY
    """The text of a file, without its byte order mark. ``partial``: the data may end within a character.

    Raises:
        Damaged: no encoding fits.
    """
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return _checked(_try(data[len(mark) :], codec, partial=partial))
    if (plain := _try(data, "utf_8", partial=partial)) is not None and "\x00" not in plain:
        return _checked(_escaped(data) if "\x1b" in plain else plain)
    if (wide := _unmarked_utf16(data)) is not None:
        return _checked(_try(data, wide, partial=partial))
    if _CONTROL_BYTES.search(data):
        raise Damaged  # no older encoding has them inside a character: what is left below is slow
    likeliest = _likeliest(data[:_SAMPLE_BYTES], cut=partial or len(data) > _SAMPLE_BYTES)
    return _checked(_try(data, likeliest, partial=partial))


def is_printable(text: str) -> bool:
    """Whether there are none but printable characters in its lines. Many times as fast as a search for the others."""
    return text.replace("\n", "").replace("\r", "").replace("\t", "").isprintable()


def _checked(text: str | None) -> str:
    if text is None or not (is_printable(text) or _CONTROLS.search(text) is None):
        raise Damaged
    return text


def _try(data: bytes, codec: str, *, partial: bool) -> str | None:
    try:
        decoder = codecs.getincrementaldecoder(codec)("strict")
        return decoder.decode(data, not partial)
    except UnicodeError:
        return None


def _escaped(data: bytes) -> str | None:
    """ISO-2022, the encoding of older mail: seven bits, shifted by escape sequences."""
    for codec in ("iso2022_jp", "iso2022_kr"):
        text = _try(data, codec, partial=True)
        if text is not None and "\x1b" not in text:
            return text
    return None


def _unmarked_utf16(data: bytes) -> str | None:
    """Text in UTF-16 without a mark has its zeros (or the high bytes of its script) in every other place."""
    if len(data) < 4:
        return None
    even, odd = data[0:4096:2], data[1:4096:2]
    if odd.count(0) > len(odd) * 0.2 and even.count(0) < len(even) * 0.02:
        return "utf_16_le"
    if even.count(0) > len(even) * 0.2 and odd.count(0) < len(odd) * 0.02:
        return "utf_16_be"
    return None


def _likeliest(sample: bytes, *, cut: bool) -> str:
    high = sum(byte >= 0x80 for byte in sample)
    letters = high + len(_ASCII_LETTER.findall(sample))
    narrow = (_LATIN, _ENOUGH_LATIN) if high < letters * _MOSTLY_LATIN else (_OTHER_SCRIPTS, _ENOUGH_OTHER)
    groups: tuple[tuple[tuple[_Legacy, ...], float], ...] = ((_WIDE, _ENOUGH_WIDE), narrow)
    for group, enough in groups:
        scored = [(_score(sample, legacy, cut=cut), legacy.codec) for legacy in group]
        best = max(score for score, _ in scored)
        if best >= enough:
            return next(codec for score, codec in scored if score == best)
    raise Damaged


def _score(sample: bytes, legacy: _Legacy, *, cut: bool) -> float:
    text = _try(sample, legacy.codec, partial=cut)
    if text is None or _CONTROLS.search(text):
        return 0.0
    beyond = [character for character in text if character > "\x7f"]
    return sum(character in legacy.common for character in beyond) / max(1, len(beyond))
