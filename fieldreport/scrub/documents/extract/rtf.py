"""Rich Text Format: paragraphs and rows are lines; a note stands in brackets where its mark is.

Characters beyond ASCII are numbers, or bytes in the encoding of a font. Bytes that make no sense in theirs are not
guessed at. Source: Rich Text Format specification 1.9.1 (Microsoft, 2008).
"""

from __future__ import annotations

import codecs
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from fieldreport.scrub.documents import tables
from fieldreport.scrub.documents.rtf.parse import Kind, Token, tokens
from fieldreport.scrub.verdicts import Refusal, Refused

_CHARSETS: Final = {
    number: codec
    for codec, numbers in tables.load("rtf")["font-charsets"].items()
    if codec not in {"none", "cp1252"}
    for number in numbers
}
_PAGES: Final = {65001: "utf_8", 10000: "mac_roman", 936: "gbk", 950: "big5", 1361: "johab"} | {
    number: f"cp{number}" for number in (437, 850, 852, 866, 874, 932, 949, *range(1250, 1259))
}
_WORDS: Final = {
    b"par": "\n", b"line": "\n", b"row": "\n", b"nestrow": "\n", b"sect": "\n", b"page": "\n", b"column": "\n",
    b"tab": "\t", b"cell": "\t", b"nestcell": "\t", b"emdash": "\u2014", b"endash": "\u2013", b"bullet": "\u2022",
    b"lquote": "\u2018", b"rquote": "\u2019", b"ldblquote": "\u201c", b"rdblquote": "\u201d", b"emspace": " ",
    b"enspace": " ", b"qmspace": " ", b"zwj": "\u200d", b"zwnj": "\u200c",
}  # fmt: skip
_ITSELF: Final = frozenset({b"\\", b"{", b"}"})
_SYMBOLS: Final = {b"~": " ", b"_": "-", b"-": ""}
_AROUND: Final = {b"footnote": (" (", ")")} | dict.fromkeys(
    (b"header", b"headerl", b"headerr", b"headerf", b"footer", b"footerl", b"footerr", b"footerf"), ("\n", "\n")
)


@dataclass(frozen=True, slots=True)
class _Group:
    codec: str
    unread: bool = False  # colours, an instruction, the table of fonts
    fonts: bool = False
    after: str = ""


def lines_and_pictures(cleaned: bytes) -> tuple[Iterator[str], list[bytes]]:
    """What a cleaned text says.

    Raises:
        Refused: ``not-strong``.
    """
    reading = _Reading()
    for token, _ in tokens(cleaned):
        reading.take(token)
    return iter("".join(reading.words).split("\n")), reading.pictures


def warm() -> None:
    """Load every codec."""
    for codec in {*_CHARSETS.values(), *_PAGES.values(), "cp1252"}:
        codecs.getincrementaldecoder(codec)("strict").decode(b"a", True)


class _Reading:
    def __init__(self) -> None:
        self.words: list[str] = []
        self.pictures: list[bytes] = []
        self._groups = [_Group("cp1252")]
        self._default = "cp1252"
        self._fonts: dict[int, str] = {}
        self._font = 0  # that is being described
        self._bytes = bytearray()  # of one encoding, in a row
        self._digits: list[bytes] | None = None  # of a picture
        self._skip = 0  # characters that stand for the one before in old readers
        self._high = 0  # first half of a pair

    def take(self, token: Token) -> None:
        """The next token."""
        group = self._groups[-1]
        if self._skip and token.kind is Kind.TEXT:
            token, self._skip = Token(Kind.TEXT, token.data[1:]), 0
        if token.kind is Kind.HEX and not group.unread:
            self._bytes += token.data
            return
        ascii_too = token.kind is Kind.TEXT or (token.kind is Kind.SYMBOL and token.data in _ITSELF)
        if ascii_too and self._bytes and not group.unread and self._digits is None:
            self._bytes += token.data  # may be the second half of a character
            return
        self._settle(group.codec)
        match token.kind:
            case Kind.OPEN:
                self._groups.append(replace(group, after=""))
            case Kind.CLOSE:
                self._close()
            case Kind.WORD:
                self._word(token.data, token.number)
            case Kind.SYMBOL if token.data == b"*":
                self._groups[-1] = replace(group, unread=True)
            case Kind.TEXT if self._digits is not None:
                self._digits.append(token.data)
            case Kind.TEXT if not group.unread:
                self.words.append(token.data.decode("ascii"))
            case Kind.SYMBOL if not group.unread:
                self.words.append(token.data.decode("ascii") if token.data in _ITSELF else _SYMBOLS.get(token.data, ""))
            case _:
                pass

    def _settle(self, codec: str) -> None:
        if self._bytes:
            try:
                self.words.append(self._bytes.decode(codec))
            except UnicodeDecodeError:
                raise Refused(Refusal.NOT_STRONG) from None
            self._bytes.clear()

    def _close(self) -> None:
        if self._digits is not None:
            self.pictures.append(bytes.fromhex(b"".join(self._digits).decode("ascii")))
            self._digits = None
        group = self._groups.pop()
        if not group.unread:
            self.words.append(group.after)

    def _word(self, word: bytes, number: int | None) -> None:
        group = self._groups[-1]
        match word:
            case b"fonttbl":
                self._groups[-1] = replace(group, unread=True, fonts=True)
            case b"colortbl":
                self._groups[-1] = replace(group, unread=True)
            case b"pict":
                self._digits = []
            case b"ansicpg":
                self._default = _PAGES.get(number or 0, self._default)
                self._groups[-1] = replace(group, codec=self._default)
            case b"mac":
                self._default = "mac_roman"
                self._groups[-1] = replace(group, codec=self._default)
            case b"f" if group.fonts:
                self._font = number or 0
            case b"fcharset" if group.fonts:
                self._fonts[self._font] = _CHARSETS.get(number or 0, self._default)
            case b"f" | b"plain":
                codec = self._fonts.get(number or 0, self._default)
                self._groups[-1] = replace(group, codec=codec)
            case _ if group.unread:
                pass
            case b"u":
                self._character((number or 0) & 0xFFFF)
            case _ if word in _AROUND:
                before, after = _AROUND[word]
                self.words.append(before)
                self._groups[-1] = replace(group, after=after)
            case _:
                self.words.append(_WORDS.get(word, ""))

    def _character(self, unit: int) -> None:
        self._skip = 1
        if 0xD800 <= unit < 0xDC00:
            self._high = unit
        elif 0xDC00 <= unit < 0xE000:
            self.words.append(chr(0x10000 + ((self._high - 0xD800) << 10) + unit - 0xDC00) if self._high else "")
            self._high = 0
        else:
            self.words.append(chr(unit))
