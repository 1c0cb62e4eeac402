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
from typing import Final, Literal

from fieldreport import limits
from fieldreport.scrub import registry
from fieldreport.scrub.format import Source
from fieldreport.scrub.text.tables import (
    DIGITS_RUN,
    ENCODED,
    IGNORABLE,
    LETTERS_RUN,
    LETTERS_SIGNS,
    SHAPES,
    SHAPES_RUN,
)
from fieldreport.scrub.verdicts import Residue

# A picture, spelled out: in an address; in letters; in digits of bytes, in numbers, and in ways that leave ASCII as it
# is.
_ADDRESS: Final = re.compile(
    r"(?P<attribute>=\")?data:image/(?P<type>[a-z+]+);base64,(?P<data>[A-Za-z0-9+/]{57,}={0,2})(?![A-Za-z0-9+/_=-])"
)
_STROKE: Final = r"(?:[/_]|\\/|%2[Ff]|\\u002[Ff])"
_LETTERS: Final = re.compile(
    rf"(?P<before>[A-Za-z0-9+/\\]?)(?P<data>(?:{_STROKE}9j{_STROKE}|iVBORw0KGgo|R0lGOD|UklGR|SUkqA|TU0AKg|PHN2Zy|PD94bWwg|"
    r"AAAA[A-Z]GZ0eXB|JVBERi0x|0M8R4KGxGuE)(?:[A-Za-z0-9+/_-]|\\/|%2[BbFf]|\\u002[BbFf]){57,})"
)
_NO_LETTERS: Final = re.compile(
    r"<[^<>]*>|\n[ \t]*(?://|--|[-+*])[ \t]|(?<=[\"'`\s])[+_&.-]+(?=[\"'`\s])"
    r"|\\[nrt]|\\u00[02][aAdD9fF]|%0[AaDd]|&#x?[0-9AaDd]{1,2};|[^A-Za-z0-9+/_-]"
)
_BROKEN: Final = re.compile(r"[/_]9j[/_][2-7]|iVBORw0KGgoAAAANSUhEUg")
_BETWEEN: Final = r"[ ,:;|>.\t\n\r\"'`+&{}()\[\]-]{0,40}(?:0x|\\x|x|\\n)?"
_GAP: Final = r"[,;\s\"'+\[\](){}]"
_NUMBERS: Final = re.compile(
    rf"(?<![\d-])(?:255{_GAP}{{1,3}}216{_GAP}{{1,3}}255|-1{_GAP}{{1,3}}-40{_GAP}{{1,3}}-1)(?:{_GAP}{{1,40}}-?[0-9]{{1,3}}(?!\d)){{100,}}+"
)
_OTHERWISE: Final = re.compile(
    rf"(?<![0-9a-f])ff{_BETWEEN}d8{_BETWEEN}ff(?:{_BETWEEN}[0-9a-f]{{2}}){{100}}"
    rf"|ffd8ff(?:e[0-9a-f]00|db00|fe00)(?:{_BETWEEN}[0-9a-f]{{2}}){{100}}|89504e470d0a1a0a[0-9a-f]{{100}}"
    r"|%ff%d8%ff(?:%[0-9a-f]{2}|[^\s\"'<>%]){60}"
    r"|=ff=d8=ff(?:=[0-9a-f]{2}|=\n|[\t !-<>-~]){60}|(?:\\xff\\xd8\\xff|\\377\\330\\377)(?:\\.|[^\\\s'\"]){60}"
    r"|^begin [0-7]{3,4} .*\nM(?:_]C_|B5!.1PT*)"
    r"|^[ \t]*0{4,16}:?[ \t]+ff ?d8 ?ff.*(?:\n[ \t]*[0-9a-f]{4,16}:?[ \t].*){5}",
    re.IGNORECASE | re.MULTILINE,
)
_PLAIN: Final = bytes((*b"\t\n", *range(ord(" "), ord("~") + 1)))
_SIGNED: Final = re.compile("-----BEGIN [A-Z0-9 ]{0,9}SIGN(?:ATURE|ED MESSAGE)-----")  # which names whose key signed
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
    text = verify_characters(source)
    if _SIGNED.search(text) is not None:
        raise Residue
    verify_pictures(text)


def verify_characters(source: Source) -> str:
    """The first half of this, for formats of lines that say in their own way where pictures are; answers the text."""
    said = source.whole(limits.SCRUB_OUTPUT_BYTES)
    if said.isascii() and not said.translate(None, _PLAIN):
        return said.decode("ascii")
    try:
        text = said.decode("utf-8")
    except UnicodeDecodeError:
        raise Residue from None
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
    if not may_hold_pictures(text.encode()):
        return
    if _OTHERWISE.search(text) is not None:
        raise Residue
    for found in _NUMBERS.finditer(text):
        data = bytes(int(number) & 0xFF for number in re.findall(r"-?\d+", found[0]))
        if _goes_on(base64.b64encode(data).decode("ascii"), 0):
            raise Residue
    for found in _ADDRESS.finditer(text):
        if not found["attribute"] or attributes:
            try:
                picture = base64.b64decode(found["data"], validate=True)
            except binascii.Error:
                raise Residue from None
            registry.verify(Source.of(picture), f"image/{found['type']}")
    text = _ADDRESS.sub(" ", text)
    for found in _LETTERS.finditer(text):
        if not found["before"] or _goes_on(_plain(found["data"]), 0):
            raise Residue
    letters = _plain(_NO_LETTERS.sub("", text))
    if any(_goes_on(letters, found.start()) for found in _BROKEN.finditer(letters)):
        raise Residue


def may_hold_pictures(said: bytes) -> bool:
    """Whether one may be spelled out in a text of UTF-8: quick, and never wrong when it says no."""
    if said.startswith(ENCODED[0]) or ENCODED[1] in said:
        return True
    digits, digits_run = DIGITS_RUN
    numbers = said.translate(digits)
    if SHAPES_RUN in numbers and (digits_run in numbers or _holds_one(said, *SHAPES)):
        return True
    letters, letters_run = LETTERS_RUN
    if letters_run not in said.translate(letters):
        return False
    return any(_holds_one(said, *sought) for sought in LETTERS_SIGNS)


def _holds_one(said: bytes, others: bytes, signs: Iterable[tuple[bytes, bytes]]) -> bool:
    rare = said.translate(None, others)
    return any(few in rare and sign in said for few, sign in signs)


def _plain(letters: str) -> str:
    if "%" in letters or "\\" in letters:
        letters = re.sub(r"(?:%|\\u00)(2[BbFf])", lambda sign: chr(int(sign[1], 16)), letters).replace("\\", "")
    return letters.replace("-", "+").replace("_", "/")


def _bytes(letters: str, start: int, at: int, count: int) -> bytes:
    """Some bytes of what is spelled from ``start``; fewer at the end."""
    piece = letters[start + at // 3 * 4 : start + (at + count + 2) // 3 * 4]
    return base64.b64decode(piece[: len(piece) // 4 * 4])[at % 3 : at % 3 + count]


def _goes_on(letters: str, start: int) -> bool:
    """Whether it is a picture beyond its first bytes: of a JPEG the second segment, of a PNG the second chunk."""
    head = _bytes(letters, start, 0, 42)
    if head.startswith(b"\xff\xd8\xff"):
        if 0xE0 <= head[3] < 0xF0 and not head[6:9].isalpha():
            return False  # an application's segment says whose it is
        following = _bytes(letters, start, 4 + int.from_bytes(head[4:6], "big"), 2)
        if len(following) < 2:
            return head[6:10] in {b"JFIF", b"Exif", b"http", b"ICC_", b"Phot"}
        return head[3] >= 0xC0 and following[0] == 0xFF and following[1] >= 0xC0
    if head.startswith(b"\x89PNG"):
        return head[12:16] == b"IHDR" and head[37:41].isalpha()
    if head[:4] in {b"II*\0", b"MM\0*"}:
        order: Literal["little", "big"] = "little" if head[:1] == b"I" else "big"
        place = int.from_bytes(head[4:8], order)
        return place >= 8 and 0 < int.from_bytes(_bytes(letters, start, place, 2), order) <= 512
    known = (b"GIF8", b"RIFF", b"<svg", b"<?xml", b"%PDF-1.", b"\xd0\xcf\x11\xe0")
    return head.startswith(known) or head[4:8] == b"ftyp"


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
