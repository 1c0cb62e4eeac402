"""Invisible characters that tell one copy of a text from another, and those of them that a script needs.

Rules: what shows nothing goes, unless the writing system around it reads differently without it. Zero-width joiner and
non-joiner stay where RFC 5892 (appendix A) finds them meaningful: after a virama, between letters that join. Variation
selectors stay after an emoji or a Mongolian letter. Directional marks stay in lines that hold right-to-left letters. A
space is a space. Idempotent, and linear in the length of the text whatever the text is.

Look-alike characters are not touched: to rewrite letters is to rewrite names.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from typing import Final

from fieldreport.scrub.text import encoding
from fieldreport.scrub.text.tables import NEEDED_NOWHERE

_INVISIBLE: Final = (
    "\x00-\x08\x0e-\x1b\x1f\x7f-\x84\x86-\x9f"  # controls; those that end lines are dealt with before
    "\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufdd0-\ufdef\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc"
    "\ufffe\uffff\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff"
    + "".join(f"{chr(plane << 16 | 0xFFFE)}{chr(plane << 16 | 0xFFFF)}" for plane in range(1, 17))
)
_SPACES: Final = "\xa0\u1680\u202f\u205f\u2800\u3000" + "".join(map(chr, range(0x2000, 0x200B)))
_INVISIBLE_RUN: Final = re.compile(f"[{_INVISIBLE}]+")
_SPACE_RUN: Final = re.compile(f"[{_SPACES}]+")
_OTHER_LINE_ENDS: Final = "\r\x0b\x0c\x1c\x1d\x1e\x85\u2028\u2029"
_LINE_ENDS: Final = re.compile(f"\r\n|[{_OTHER_LINE_ENDS}]")

_ZWNJ, _ZWJ, _TEXT_STYLE, _EMOJI_STYLE, _KEYCAP = "\u200c", "\u200d", "\ufe0e", "\ufe0f", "\u20e3"
_DIRECTION_MARKS: Final = frozenset("\u200e\u200f\u061c")
_BLACK_FLAG: Final = "\U0001f3f4"
# England, Scotland and Wales are the only flags spelled in tag characters (Unicode emoji data, RGI_Emoji_Tag_Sequence).
_FLAG_TAGS: Final = tuple(
    "".join(chr(0xE0000 + ord(letter)) for letter in region) + "\U000e007f" for region in ("gbeng", "gbsct", "gbwls")
)
_RIGHT_TO_LEFT: Final = re.compile(
    "[\u0590-\u061b\u061d-\u08ff\ufb1d-\ufdff\ufe70-\ufefc\U00010800-\U00010fff\U0001e800-\U0001efff]"
)
_EMOJI: Final = re.compile(
    "[\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u23ff\u24c2\u25a0-\u27bf\u2900-\u297f\u2b00-\u2bff\u3030\u303d"
    "\u3297\u3299\U0001f000-\U0001faff]"
)
_MONGOLIAN: Final = re.compile("[\u1820-\u1878\u1880-\u18aa]")
# Letters that join only to what precedes them, so that a non-joiner after them changes nothing: ArabicShaping.txt,
# type R.
_JOINS_BACK_ONLY: Final = re.compile(
    "[\u0622-\u0625\u0627\u0629\u062f-\u0632\u0648\u0671-\u0673\u0675-\u0677\u0688-\u0699\u06c0\u06c3-\u06cb\u06cd\u06cf"
    "\u06d2\u06d3\u06d5\u06ee\u06ef\u0710\u0715-\u0719\u071e\u0728\u072a\u072c\u072f\u074d\u0759-\u075b\u076b\u076c\u0771"
    "\u0773\u0774\u0778\u0779]"
)
_CURSIVE: Final = re.compile(
    "[\u0620\u0622-\u064a\u066e-\u066f\u0671-\u0673\u0675-\u06d3\u06d5\u06ee\u06ef\u06fa-\u06fc\u06ff\u0710\u0712-\u072f"
    "\u074d-\u077f\u07ca-\u07ea\u0840-\u0855\u0860-\u086a\u08a0-\u08c8\u1820-\u1878\u1880-\u18aa\U0001e900-\U0001e943]"
)
_CHOSEONG: Final = re.compile("[\u1100-\u115e\ua960-\ua97c]")
_JUNGSEONG: Final = re.compile("[\u1160-\u11a7\ud7b0-\ud7c6]")
_CONTEXT: Final = 8  # how far back from its marks a letter may lie
_MARKS_IN_A_ROW: Final = 30  # UAX 15, Stream-Safe Text Format; the normaliser is quadratic in longer runs


_ALL_MARKS: Final = "".join(filter(unicodedata.combining, map(chr, range(0x300, 0x1E94B))))
_MARKS: Final = frozenset(_ALL_MARKS)
_TOO_MANY_MARKS: Final = re.compile(f"([{_ALL_MARKS}]{{{_MARKS_IN_A_ROW}}})[{_ALL_MARKS}]+")


def _as_ranges(characters: Iterable[str]) -> str:
    """The inside of a class of characters, in ranges: ``re`` looks through four thousand characters one by one."""
    ranges: list[list[str]] = []
    for character in sorted(characters):
        if ranges and ord(character) == ord(ranges[-1][1]) + 1:
            ranges[-1][1] = character
        else:
            ranges.append([character, character])
    return "".join(f"{first}-{last}" for first, last in ranges)


_NOWHERE: Final = _as_ranges(NEEDED_NOWHERE)
_FLAG: Final = "\U0001f3f4[\U000e0061-\U000e007a]{5}\U000e007f"
_LATIN: Final = "A-Za-z\xc0-\u024f"
_MARK_IN_PIECE: Final = re.compile(
    "|".join(
        (
            f"({_FLAG})",
            f"[{_NOWHERE}\U000e0061-\U000e007f]+",
            "(?<=[\x20-\u024f])[\u200c\u200d]+(?=[\x20-\u024f])",
            f"(?<=[{_LATIN}])[\u061c\u200e\u200f\ufe0e\ufe0f]+(?=[{_LATIN} ])",
            "(?<=\u200c)\u200c+|(?<=\u200d)\u200d+|(?<=[\u061c\u200e\u200f])[\u061c\u200e\u200f]+",
            "(?<=[\ufe0e\ufe0f])[\ufe0e\ufe0f]+",
            "(?<=[^\u1100-\u115e\ua960-\ua97c])\u1160+|\u115f+(?=[^\u1160-\u11a7\ud7b0-\ud7c6])",
        )
    )
)


def unmark(text: str) -> tuple[str, bool]:
    """The text in Unicode form C without copy marks, and whether any were found.

    A byte order mark at the beginning and the way lines end are no marks; both are made plain silently.
    """
    text = text.removeprefix("\ufeff")
    if text.isascii() and encoding.is_printable(text):
        return _without_trailing_space(text.replace("\r\n", "\n").replace("\r", "\n")), False
    found = False
    while True:
        stripped, hit = _once(text)
        found |= hit
        if stripped == text:
            return text, found
        text = stripped


def unmark_piece(text: str) -> str:
    """A piece of a document's text without such characters; unchanged if there are none.

    Narrower than ``unmark``: formatting cuts a text into pieces, so one may begin or end in the middle of a word. Only
    what no writing needs, wherever it stands, goes (``tables``), and of the rest what its neighbours in the piece do
    not need: tag characters that spell no flag, joiners between letters that never join, marks of direction and of
    style between Latin letters, a second one in a row, a Hangul filler without a jamo next to it.
    """
    if text.isascii():
        return text
    # What goes brings others next to each other, a few times at most.
    while (kept := _MARK_IN_PIECE.sub(lambda found: found[1] or "", text)) != text:
        text = kept
    return text


def _once(text: str) -> tuple[str, bool]:
    # A look at the few different characters of a text is many times as fast as a search through all of it.
    characters = set(text)
    if not characters.isdisjoint(_OTHER_LINE_ENDS):
        text = _LINE_ENDS.sub("\n", text)
    text = _without_trailing_space(text)
    found = False
    if not _MARKS.isdisjoint(characters):
        text, count = _TOO_MANY_MARKS.subn(r"\1", text)
        found = count > 0
    normal = unicodedata.normalize("NFC", text)
    if normal != text:
        text, characters = normal, set(normal)
    spaced = text if characters.isdisjoint(_SPACES) else _SPACE_RUN.sub(_plain_space, text)
    if not _INVISIBLE_RUN.search("".join(characters)):
        return spaced, found or spaced != text
    visible = "\n".join(_line(line) for line in spaced.split("\n"))
    return visible, found or visible != text


def _without_trailing_space(text: str) -> str:
    if " \n" not in text and "\t\n" not in text and not text.endswith((" ", "\t")):
        return text
    return "\n".join(_line_without_trailing_space(line) for line in text.split("\n"))


def _line_without_trailing_space(line: str) -> str:
    kept = line.rstrip(" \t")
    # Tabs alone are the empty last columns of a table.
    return kept if " " in line[len(kept) :] else line


def _plain_space(run: re.Match[str]) -> str:
    text, (start, end) = run.string, run.span()
    before, after = text[max(0, start - 1) : start], text[end : end + 1]
    kept = []
    for space in run[0]:
        wide = space == "\u3000" and (_is_wide(before) or _is_wide(after))
        suffix = space == "\u202f" and end - start == 1 and _MONGOLIAN.match(before) and _MONGOLIAN.match(after)
        braille = space == "\u2800" and ("\u2801" <= before <= "\u28ff" or "\u2801" <= after <= "\u28ff")
        kept.append(space if wide or suffix or braille else " ")
    return "".join(kept)


def _is_wide(character: str) -> bool:
    return bool(character) and unicodedata.east_asian_width(character) == "W"


def _line(line: str) -> str:
    pieces: list[str] = []
    tail = ""
    position = 0
    right_to_left: bool | None = None
    for run in _INVISIBLE_RUN.finditer(line):
        between = line[position : run.start()]
        pieces.append(between)
        tail = (tail + between)[-_CONTEXT:]
        following = line[run.end() : run.end() + _CONTEXT]
        if right_to_left is None:
            right_to_left = _RIGHT_TO_LEFT.search(line) is not None
        kept = _kept(run[0], tail, following, right_to_left=right_to_left)
        pieces.append(kept)
        tail = (tail + kept)[-_CONTEXT:]
        position = run.end()
    pieces.append(line[position:])
    return "".join(pieces)


def _kept(run: str, before: str, after: str, *, right_to_left: bool) -> str:
    """What stays of a run of invisible characters between two visible texts; at most a few characters."""
    kept = ""
    if before.endswith(_BLACK_FLAG):
        for tags in _FLAG_TAGS:
            if run.startswith(tags):
                kept, run = tags, run[len(tags) :]
                break
    for character in dict.fromkeys(run):  # twice in a row is never needed
        if _is_needed(character, before + kept, after, right_to_left=right_to_left):
            kept += character
    return kept


def _is_needed(character: str, before: str, after: str, *, right_to_left: bool) -> bool:
    last, following = before[-1:], after[:1]
    if character in {_EMOJI_STYLE, _TEXT_STYLE}:
        keycap = following == _KEYCAP and last in set("0123456789#*") - {""}
        return bool(_EMOJI.match(last)) or keycap
    if character == _ZWJ:
        base = before.rstrip(_EMOJI_STYLE)[-1:]
        emoji = bool(_EMOJI.match(base) and _EMOJI.match(following))
        return emoji or _after_virama(before) or _before_virama(before, after) or _joins_one_side(before, after)
    if character == _ZWNJ:
        return _after_virama(before) or _breaks_a_join(before, after)
    if character in _DIRECTION_MARKS:
        return right_to_left and last not in _DIRECTION_MARKS
    if character == "\u180e":
        return bool(_MONGOLIAN.match(last) and _MONGOLIAN.match(following))
    if "\u180b" <= character <= "\u180f":
        return bool(_MONGOLIAN.match(last))
    if character == "\u115f":
        return bool(_JUNGSEONG.match(following))
    if character == "\u1160":
        return bool(_CHOSEONG.match(last))
    return False


def _after_virama(before: str) -> bool:
    return bool(before) and unicodedata.combining(before[-1]) == 9


def _before_virama(before: str, after: str) -> bool:
    # Bengali and Assamese write a joiner before the virama to keep a consonant whole.
    letter = before[-1:]
    return bool(after and letter) and unicodedata.combining(after[0]) == 9 and unicodedata.category(letter) == "Lo"


def _letter_before(text: str) -> str:
    for character in reversed(text):
        if unicodedata.category(character) not in {"Mn", "Me"}:
            return character
    return ""


def _letter_after(text: str) -> str:
    for character in text:
        if unicodedata.category(character) not in {"Mn", "Me"}:
            return character
    return ""


def _joins_on(letter: str) -> bool:
    return bool(_CURSIVE.match(letter)) and not _JOINS_BACK_ONLY.match(letter)


def _breaks_a_join(before: str, after: str) -> bool:
    return _joins_on(_letter_before(before)) and bool(_CURSIVE.match(_letter_after(after)))


def _joins_one_side(before: str, after: str) -> bool:
    """A joiner shows a letter's joined form where no neighbour would: the Arabic abbreviation of "year"."""
    return _joins_on(_letter_before(before)) != bool(_CURSIVE.match(_letter_after(after)))
