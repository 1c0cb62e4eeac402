"""The second reading of a cleaned RTF, with a reader of its own.

What comes out of ours is plain: printable ASCII from the first brace to the last, and each control word followed by one
space. Rule: whatever ``tables/rtf.toml`` does not list is residue, and so is a number out of its bounds.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

from fieldreport.scrub import registry
from fieldreport.scrub.documents import tables
from fieldreport.scrub.documents.links_verify import verify_field
from fieldreport.scrub.format import Source
from fieldreport.scrub.text.plain.verify import may_hold_pictures, verify_pictures
from fieldreport.scrub.text.tables import NEEDED_NOWHERE
from fieldreport.scrub.verdicts import Residue

_TABLE: Final = tables.load("rtf")
_FONTS: Final = frozenset(font for group in tables.load("fonts").values() for font in group)
_BEGIN: Final = b"{\\rtf1 \\uc1 "
_PRINTABLE: Final = re.compile(rb"[\x20-\x7e]+")
_PIECE: Final = re.compile(
    rb"\\(?P<word>[a-zA-Z]+)(?P<number>-?[0-9]{1,10})? "
    rb"|(?P<open>\{(?:\\(?P<first>\*\\[a-z]+|[a-z]+)(?= ))?)|(?P<close>\})"
    rb"|(?P<hex>\\'[0-9a-f]{2})|\\(?P<symbol>[\\{}~_-])|(?P<text>[^\\{}]+)"
)
_SPELLED: Final = rb"\\u-?[0-9]{1,5} \?|\\[\\{}]"  # a character beyond ASCII, or one that means something to RTF
_UNSPELLED: Final = re.compile(rb"\\u(-?[0-9]{1,5}) \?|\\([\\{}])")
_FIELD: Final = re.compile(rb"\{\\\*\\fldinst ((?:%b|[^\\{}])*)\}" % _SPELLED)
_LINK_INSIDE: Final = re.compile(r'HYPERLINK \\l "b[0-9]{1,6}"')
_BOOKMARK: Final = re.compile(rb"\{\\\*\\bkmk(?:start|end) b[0-9]{1,6}\}")
_FONT: Final = re.compile(
    rb"\{\\f(?P<f>[0-9]{1,5}) (?:\\(?P<family>[a-z]+) )?"
    rb"(?:\\fcharset(?P<charset>[0-9]{1,3}) )?(?:\\fprq(?P<pitch>[0-9]) )?"
    rb"(?:\\cpg(?P<page>[0-9]{1,5}) )?(?P<name>(?:%b|[^\\{};])+);\}" % _SPELLED
)
_COLOURS: Final = re.compile(rb"\{\\colortbl (?:(?:\\red([0-9]{1,3}) \\green([0-9]{1,3}) \\blue([0-9]{1,3}) )?;)*\}")
_PART: Final = re.compile(rb"\\(?:red|green|blue)([0-9]{1,3}) ")
_PICTURE: Final = re.compile(
    rb"\{\\pict \\(?P<kind>png|jpeg)blip (?P<words>(?:\\[a-z]+-?[0-9]{1,5} )*)(?P<digits>[0-9a-f]*)\}"
)
_NUMBERED: Final = re.compile(rb"\\([a-z]+)(-?[0-9]+) ")
_CHARACTER: Final = re.compile(rb"\\u(-?[0-9]{1,5}) ")

_OTHER: Final = "\ufffd"
_SYMBOLS: Final = {b"~": " ", b"_": "-", b"-": ""}
_SAID: Final = dict.fromkeys(b"par line page column sect row nestrow cell nestcell tab".split(), "\n") | dict.fromkeys(
    b"emdash endash emspace enspace qmspace bullet lquote rquote ldblquote rdblquote chpgn chftn sectnum".split(),
    _OTHER,
)
_ELSEWHERE: Final = frozenset(_TABLE["destinations"]["group"].encode("ascii").split())
_COUNTED: Final = frozenset({b"u", b"cell", b"nestcell"})
_NO_LETTERS: Final = bytes(byte for byte in range(0x80) if re.match(rb"[^0-9A-Za-z]", bytes((byte,))))
_WORDS: Final = {kind: frozenset(words.encode("ascii").split()) for kind, words in _TABLE["words"].items()}
_ALONE: Final = _WORDS["flag"] | _WORDS["toggle"]
_LEAST_MOST: Final = {
    word: _TABLE["bounds"][kind] for kind, words in _WORDS.items() if kind in _TABLE["bounds"] for word in words
}
_PICTURE_WORDS: Final = frozenset(_TABLE["pictures"]["words"].encode("ascii").split())
_CHARSETS: Final = {number for numbers in _TABLE["font-charsets"].values() for number in numbers}


def verify(source: Source, media_type: str) -> int:
    """Read a cleaned text, and count what it shows: letters, digits, characters beyond ASCII, cells and pictures.

    Raises:
        Residue: something that the table does not list.
    """
    del media_type
    data = source.whole()
    if not data.startswith(_BEGIN) or _PRINTABLE.fullmatch(data) is None:
        raise Residue
    _verify_visible(data)
    shown, may_spell = _read(data, None)
    if may_spell:
        words = _Words()
        _read(data, words)
        words.verify()
    return shown


def _read(data: bytes, words: _Words | None) -> tuple[int, bool]:
    """What is shown, counted; and whether a picture may be spelled out in it: never wrong when that says no."""
    depth, position = 1, len(_BEGIN)
    shown = 0
    said: list[bytes] = []
    known: dict[bytes, bytes] = {}  # what words with their numbers say: most of a text's are the same few
    while position < len(data):
        match = _PIECE.match(data, position)
        if match is None or depth == 0:
            raise Residue
        position = match.end()
        match match.lastgroup:
            case "word" | "number":
                if match[0] not in known:
                    _verify_word(match["word"], match["number"])
                    known[match[0]] = _said_of(match)
                said.append(known[match[0]])
                shown += match["word"] in _COUNTED
            case "open" | "first":
                whole = _WHOLE.get(match["first"])
                if whole is not None:
                    position = whole(data, match.start())
                    shown += match["first"] == b"pict"
                    continue
                depth += 1
                if match["first"] in _OPENED:
                    position += 1  # the space after it
                else:
                    position = match.start() + 1
                said.append(b"\n" if match["first"] in _ELSEWHERE else b"")
            case "close":
                depth -= 1
            case "text":
                shown += len(match["text"].translate(None, _NO_LETTERS))
                said.append(match["text"])
            case _:
                shown += match["hex"] is not None
                said.append(_said_of(match))
        if words is not None:
            words.take(match)
    if depth:
        raise Residue
    whole_text = b"".join(said)
    return shown, b"\\" in whole_text or b"begin" in whole_text or may_hold_pictures(whole_text)


def _said_of(piece: re.Match[bytes]) -> bytes:
    """For a quick look: a backslash for ASCII that is not written as it is, nothing for what is beyond ASCII."""
    match piece.lastgroup:
        case "hex":
            return b"\\" if piece["hex"][2:] < b"80" else b""
        case "symbol":
            return {b"~": b" ", b"_": b"-", b"-": b""}.get(piece["symbol"], piece["symbol"])
        case _ if piece["word"] == b"u":
            return b"\\" if 0 <= int(piece["number"]) < 0x80 else b""
        case _:
            return b"\n" if _SAID.get(piece["word"]) == "\n" else b""


class _Words:
    """What is shown, in lines, for a look at the pictures that are spelled out in it."""

    def __init__(self) -> None:
        self._said: list[str] = []
        self._ends: list[str] = []  # what is said at the end of each open group
        self._is_fallback = False  # whether a question mark follows that stands for the character before

    def take(self, piece: re.Match[bytes]) -> None:
        """The next piece of the file that is not read as a whole."""
        was_character, self._is_fallback = self._is_fallback, False
        match piece.lastgroup:
            case "word" | "number" if piece["word"] == b"u":
                self._character(int(piece["number"]))
                self._is_fallback = True
            case "word" | "number":
                self._said.append(_SAID.get(piece["word"], ""))
            case "open" | "first":
                self._ends.append("\n" if piece["first"] in _ELSEWHERE else "")
                self._said.append(self._ends[-1])
            case "close":
                self._said.append(self._ends.pop() if self._ends else "")
            case "hex":
                self._character(int(piece["hex"][2:].decode("ascii"), 16))
            case "symbol":
                self._said.append(_SYMBOLS.get(piece["symbol"], piece["symbol"].decode("ascii")))
            case _:
                self._said.append(piece[0].decode("ascii").removeprefix("?" if was_character else ""))

    def _character(self, number: int) -> None:
        self._said.append(chr(number) if 0 <= number < 0x80 else _OTHER)

    def verify(self) -> None:
        """Blank lines, and spaces before the end of a line, do not end a picture.

        Raises:
            Residue: one is not clean, or does not stand in an address.
        """
        verify_pictures("\n".join(line.rstrip() for line in "".join(self._said).splitlines() if line.strip()))


def _verify_visible(data: bytes) -> None:
    """Look for characters that no writing needs. RTF spells characters beyond U+FFFF as two words."""
    units = b"".join((int(number) & 0xFFFF).to_bytes(2, "little") for number in _CHARACTER.findall(data))
    if not NEEDED_NOWHERE.isdisjoint(units.decode("utf-16-le", "replace")):
        raise Residue


def _verify_word(word: bytes, number: bytes | None) -> None:
    if number is None or (number == b"0" and word in _WORDS["toggle"]):
        listed = word in _ALONE if number is None else True
    elif word == b"u":
        listed = -0x8000 <= int(number) <= 0xFFFF
    elif word in _WORDS["code-page"]:
        listed = int(number) in _TABLE["code-pages"]
    else:
        least, most = _LEAST_MOST.get(word, (1, 0))
        listed = least <= int(number) <= most
    if not listed:
        raise Residue


def _unspelled(written: bytes) -> str:
    def units(found: re.Match[bytes]) -> bytes:
        return found[2] if found[1] is None else (int(found[1]) & 0xFFFF).to_bytes(2, "big")

    return b"".join(
        units(found) if found[1] is not None else b"".join(b"\0" + bytes((byte,)) for byte in found[2] or found[0])
        for found in re.finditer(rb"%b|[^\\{}]" % _UNSPELLED.pattern, written)
    ).decode("utf-16-be", "replace")


def _field(data: bytes, position: int) -> int:
    found = _FIELD.match(data, position)
    if found is None or not data.endswith(b"\\field ", 0, position):
        raise Residue
    instruction = _unspelled(found[1])
    if _LINK_INSIDE.fullmatch(instruction) is None:
        verify_field(instruction)
    return found.end()


def _bookmark(data: bytes, position: int) -> int:
    found = _BOOKMARK.match(data, position)
    if found is None:
        raise Residue
    return found.end()


def _fonts(data: bytes, position: int) -> int:
    position += len(b"{\\fonttbl ")
    while (found := _FONT.match(data, position)) is not None:
        least, most = _TABLE["bounds"]["font"]
        family = (found["family"] or b"fnil").decode("ascii")
        if (
            not least <= int(found["f"]) <= most
            or family not in _TABLE["font-families"].split()
            or int(found["charset"] or 0) not in _CHARSETS
            or int(found["pitch"] or 0) > _TABLE["bounds"]["pitch"][1]
            or int(found["page"] or 1252) not in _TABLE["code-pages"]
            or _unspelled(found["name"]) not in _FONTS
        ):
            raise Residue
        position = found.end()
    if not data.startswith(b"}", position):
        raise Residue
    return position + 1


def _colours(data: bytes, position: int) -> int:
    found = _COLOURS.match(data, position)
    if found is None or any(int(part) > _TABLE["bounds"]["colour-part"][1] for part in _PART.findall(found[0])):
        raise Residue
    return found.end()


def _picture(data: bytes, position: int) -> int:
    found = _PICTURE.match(data, position)
    if found is None:
        raise Residue
    least, most = _TABLE["bounds"]["picture"]
    for word, number in _NUMBERED.findall(found["words"]):
        if word not in _PICTURE_WORDS or not least <= int(number) <= most:
            raise Residue
    content = bytes.fromhex(found["digits"].decode("ascii"))
    registry.verify(Source.of(content), f"image/{found['kind'].decode('ascii')}")
    return found.end()


_WHOLE: Final[dict[bytes, Callable[[bytes, int], int]]] = {
    b"fonttbl": _fonts,
    b"colortbl": _colours,
    b"pict": _picture,
    b"*\\fldinst": _field,
    b"*\\bkmkstart": _bookmark,
    b"*\\bkmkend": _bookmark,
}
"""Groups that are read as a whole: what reads one answers the position after it."""
_OPENED: Final = frozenset(
    [b"field", b"fldrslt", *_TABLE["destinations"]["group"].encode("ascii").split()]
    + [b"*\\" + word for word in _TABLE["destinations"]["star"].encode("ascii").split()]
)
