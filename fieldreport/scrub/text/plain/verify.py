"""The second reading of a text: every character by its category, and not by the cleaner's patterns.

Rules: a character that shows nothing is residue, unless it stands next to what may need it, as Unicode names and
classes those characters; nor does it stand there twice. A picture in Base64 is in one piece, and is clean.
"""

from __future__ import annotations

import base64
import binascii
import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from fieldreport import limits
from fieldreport.scrub import registry
from fieldreport.scrub.format import Source
from fieldreport.scrub.text.tables import IGNORABLE, PICTURE_RUNS, PICTURE_SIGNS
from fieldreport.scrub.verdicts import Residue

# A picture, spelled out: in Base64, in digits of bytes, in numbers, and in three ways that leave ASCII as it is.
_BASE64: Final = re.compile(
    r"(?P<attribute>=\")?(?P<address>data:image/(?P<type>[a-z+]+);base64,)?(?<![A-Za-z0-9+/\\])"
    r"(?P<data>(?:([/_]|\\/|%2[Ff]|\\u002[Ff])9j([/_]|\\/|%2[Ff]|\\u002[Ff])|iVBORw0KGgo|R0lGOD|UklGR|SUkqA|TU0AKg|PHN2Zy|PD94bWwg|"
    r"AAAA[A-Z]GZ0eXB)(?:[A-Za-z0-9+/_-]|%2[BbFf]|\\u002[BbFf]){57,}={0,2})"
)
_BETWEEN: Final = r"[ ,:;-]{0,3}(?:\n[> |\t]{0,20})?(?:0x|\\x)?"
_OTHERWISE: Final = re.compile(
    rf"(?<![0-9a-f])ff{_BETWEEN}d8{_BETWEEN}ff(?:{_BETWEEN}[0-9a-f]{{2}}){{100}}(?:{_BETWEEN}[0-9a-f]{{2}})*(?![0-9a-z])|"
    r"(?<!\d)255,\s?216,\s?255(?:,\s{0,20}[0-9]{1,3}){100}|%ff%d8%ff(?:%[0-9a-f]{2}|[^\s\"'<>%]){60}|"
    r"=ff=d8=ff(?:=[0-9a-f]{2}|=\n|[\t !-<>-~]){60}|\\xff\\xd8\\xff(?:\\.|[^\\\s'\"]){60}",
    re.IGNORECASE,
)
_VISIBLE_FORMATS: Final = frozenset(
    [*range(0x0600, 0x0606), 0x06DD, 0x070F, 0x0890, 0x0891, 0x08E2, 0x110BD, 0x110CD, *range(0x13430, 0x13440)]
)
_FLAGS: Final = tuple(
    "\U0001f3f4" + "".join(chr(0xE0000 + ord(letter)) for letter in region) + "\U000e007f"
    for region in ("gbeng", "gbsct", "gbwls")
)
_CURSIVE: Final = ("ARABIC", "SYRIAC", "MANDAIC", "NKO", "MONGOLIAN", "ADLAM")
_NEAR: Final = 8  # how far the letter may be to which a joiner belongs, behind its marks
_VIRAMA: Final = 9  # canonical combining class
# Bidirectional classes of what is written from right to left, of marks on it, and of what Unicode has not classed yet.
_RIGHT_TO_LEFT: Final = frozenset({"R", "AL", "AN", "NSM", ""})


def verify(source: Source, media_type: str) -> None:
    """Decode strictly and look at every character's category, and at pictures.

    Raises:
        Residue: something that a text does not need.
    """
    del media_type
    verify_pictures(verify_characters(source))


def verify_characters(source: Source) -> str:
    """The first half of this, for formats of lines that say in their own way where pictures are; answers the text."""
    try:
        text = source.whole(limits.SCRUB_OUTPUT_BYTES).decode("utf-8")
    except UnicodeDecodeError:
        raise Residue from None
    if text.isascii() and text.replace("\n", "").replace("\t", "").isprintable():
        return text
    if not unicodedata.is_normalized("NFC", text):
        raise Residue
    characters = set(text)
    for character in characters:
        _check_character(character)
    if not IGNORABLE.isdisjoint(characters):
        flagged = text
        for flag in _FLAGS:
            flagged = flagged.replace(flag, flag[0])
        for line in flagged.split("\n"):
            _check_line(line)
    return text


def verify_pictures(text: str, *, attributes: bool = True) -> None:
    """Look at the pictures that are spelled out in a text.

    ``attributes``: whether those that are a value of markup are to be looked at, too.

    Raises:
        Residue: one is not clean, or does not stand in an address.
    """
    said = text.encode()
    if not any(run in said.translate(table) for table, run in PICTURE_RUNS):
        return
    if not any(sign in said for sign in PICTURE_SIGNS):
        return
    if _OTHERWISE.search(text) is not None:
        raise Residue
    for found in _BASE64.finditer(text):
        if found["attribute"] and not attributes:
            continue
        if found["address"] is None:
            raise Residue
        try:
            picture = base64.b64decode(found["data"], validate=True)
        except binascii.Error:
            raise Residue from None
        registry.verify(Source.of(picture), f"image/{found['type']}")


def _check_character(character: str) -> None:
    category = unicodedata.category(character)
    if category == "Cc" and character not in "\n\t":
        raise Residue
    if category in {"Zl", "Zp", "Cs"} or (category == "Zs" and character not in " \u3000\u202f"):
        raise Residue
    if category == "Cf" and ord(character) not in _VISIBLE_FORMATS and character not in IGNORABLE:
        raise Residue


def _check_line(line: str) -> None:
    hidden = [place for place, character in enumerate(line) if character in IGNORABLE]
    if not hidden:
        return
    right_to_left = any(unicodedata.bidirectional(each) in _RIGHT_TO_LEFT for each in set(line) - IGNORABLE)
    for place in hidden:
        before, after = line[max(0, place - _NEAR) : place], line[place + 1 : place + 1 + _NEAR]
        if not _is_needed(line[place], before, after, right_to_left=right_to_left):
            raise Residue


def _is_needed(character: str, before: str, after: str, *, right_to_left: bool) -> bool:
    last, following = before[-1:], _visible(after)
    match character:
        case "\u200e" | "\u200f" | "\u061c":
            return right_to_left and last not in set("\u200e\u200f\u061c")
        case "\ufe0e" | "\ufe0f":
            return _is_sign(last) or (last in set("#*0123456789") and following == "\u20e3")
        case "\u200c" | "\u200d":
            if last == character:
                return False
            signs = character == "\u200d" and _is_sign(before.rstrip("\ufe0f")[-1:]) and _is_sign(following)
            viramas = any(unicodedata.combining(each) == _VIRAMA for each in (last, following) if each)
            return signs or viramas or _is_cursive(reversed(before)) or _is_cursive(after)
        case "\u115f":
            return _name(following).startswith("HANGUL JUNGSEONG")
        case "\u1160":
            return _name(last).startswith("HANGUL CHOSEONG")
        case "\u180b" | "\u180c" | "\u180d" | "\u180e" | "\u180f":
            return _name(last).startswith("MONGOLIAN LETTER")
        case _:
            return False


def _is_sign(character: str) -> bool:
    """Whether it may be an emoji: a sign beyond ASCII, the letter ``ℹ``, or what Unicode has not named yet."""
    if not character or character.isascii():
        return False
    return (
        unicodedata.category(character) in {"So", "Sk", "Sm", "Po", "Pd", "Ps", "Pe", "No", "Cn"}
        or character == "\u2139"
    )


def _is_cursive(letters: Iterable[str]) -> bool:
    """Whether the nearest letter, behind marks and what shows nothing, is of a script whose letters join."""
    return _name(_visible(letters, but_marks=True)).startswith(_CURSIVE)


def _visible(characters: Iterable[str], *, but_marks: bool = False) -> str:
    for character in characters:
        if character not in IGNORABLE and not (but_marks and unicodedata.category(character) in {"Mn", "Me"}):
            return character
    return ""


def _name(character: str) -> str:
    return unicodedata.name(character, "") if character else ""
