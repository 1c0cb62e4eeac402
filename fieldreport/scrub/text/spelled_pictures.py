"""Pictures that are spelled out in a text, as in Markdown, exports of chats and databases, tables and saved mails.

In Base64 of both alphabets, in hexadecimal or decimal numbers, percent-encoded, quoted-printable, or as a program's
source says bytes. What begins like a picture and is long enough to be one is cleaned as one.
"""

from __future__ import annotations

import base64
import binascii
import quopri
import re
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import unquote_to_bytes

from fieldreport.scrub.format import Cleaning
from fieldreport.scrub.text.tables import PICTURE_RUNS, PICTURE_SIGNS
from fieldreport.scrub.verdicts import Bomb, Refused, Removed

_NEXT_LINE: Final = r"(?:\n|\\r\\n|\\n)[>| \t]{0,8}"  # quoted in an answer, or as JSON writes it

# How JPEG, PNG, GIF, WebP, TIFF, SVG, HEIF and MP4 begin in Base64 (RFC 4648). A stroke may be written with another
# before it, and the signs that mean something in an address or in JSON as programs for these write them.
_STROKE: Final = r"(?:\\?/|_|%2[Ff]|\\u002[Ff])"
_BEGINNINGS: Final = (
    f"{_STROKE}9j{_STROKE}", "iVBORw0KGgo", "R0lGOD", "UklGR", "SUkqA", "TU0AKg", "PHN2Zy", "PD94bWwg",
    "AAAA[A-Z]GZ0eXB",
)  # fmt: skip
_LETTER: Final = r"(?:[A-Za-z0-9+/_-]|\\/|%2[BbFf]|\\u002[BbFf])"
_BASE64: Final = re.compile(
    rf"(?P<address>data:image\\?/[\w.+-]{{1,30}};base64,\s?)?(?<![A-Za-z0-9+/\\])"
    rf"(?P<data>(?:{'|'.join(_BEGINNINGS)}){_LETTER}{{57,}}+"
    rf"(?:{_NEXT_LINE}{_LETTER}{{57,}}+)*+(?:{_NEXT_LINE}{_LETTER}{{1,80}}+(?=[=%\s\\\"'<),|]|$))?"
    r"(?:=|%3[Dd]|\\u003[Dd]){0,2}+)"
)
_LINE_ENDS: Final = re.compile(r"\\[rn]|[\\>|\s]")
_ESCAPED_SIGN: Final = re.compile(r"(?:%|\\u00)(2[BbFf]|3[Dd])")

# More digits than any checksum has.
_BEFORE_BYTE: Final = r"[ ,:;-]{0,3}(?:\n[> |\t]{0,20})?(?:0x|\\x)?"
_HEX_BEGINNINGS: Final = tuple(
    _BEFORE_BYTE.join(re.findall("..", each)) for each in ("ffd8ff", "89504e470d0a1a0a", "000000..66747970")
)
_HEX: Final = re.compile(
    rf"(?<![0-9a-f])(?:0x|\\x)?(?:{'|'.join(_HEX_BEGINNINGS)})(?:{_BEFORE_BYTE}[0-9a-f]{{2}}){{100,}}(?![0-9a-z])",
    re.IGNORECASE,
)
_PREFIX: Final = re.compile(r"0[xX]|[^0-9A-Fa-f]")
_NUMBERS: Final = re.compile(r"(?<!\d)(?:255,\s?216,\s?255|137,\s?80,\s?78,\s?71)(?:,\s{0,20}\d{1,3}){100,}+")
_BYTES: Final = "(?:{0}ff{0}d8{0}ff|{0}89PNG)"
_PERCENT: Final = re.compile(
    rf"(?:data:image/[\w.+-]+,)?{_BYTES.format('%')}(?:%[0-9a-f]{{2}}|[^\s\"'<>%]){{60,}}+", re.IGNORECASE
)
_PRINTABLE: Final = re.compile(rf"{_BYTES.format('=')}(?:=[0-9a-f]{{2}}|=\n|[\t !-<>-~]){{60,}}+", re.IGNORECASE)
# Up to the quotation mark that it began after.
_SAID: Final = _BYTES.format(r"\\x")
_SOURCE: Final = re.compile(
    rf"(?<='){_SAID}(?:\\.|[^\\\n']){{60,}}+|(?<=\"){_SAID}(?:\\.|[^\\\n\"]){{60,}}+|{_SAID}(?:\\.|[^\\\s]){{60,}}+",
    re.IGNORECASE,
)
_ESCAPE: Final = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|(.))", re.DOTALL)
_NAMED: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"0": b"\0", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}


def _from_base64(found: re.Match[str]) -> bytes:
    said = _ESCAPED_SIGN.sub(lambda sign: chr(int(sign[1], 16)), found["data"])
    said = _LINE_ENDS.sub("", said).rstrip("=")
    return base64.urlsafe_b64decode(said[: len(said) - (len(said) % 4 == 1)].replace("+", "-").replace("/", "_") + "==")


def _from_hex(found: re.Match[str]) -> bytes:
    return binascii.unhexlify(_PREFIX.sub("", found[0]))


def _from_numbers(found: re.Match[str]) -> bytes:
    return bytes(min(int(number), 255) for number in found[0].split(","))


def _from_percent(found: re.Match[str]) -> bytes:
    return unquote_to_bytes(found[0].partition(",")[2] if found[0].startswith("data:") else found[0])


def _from_printable(found: re.Match[str]) -> bytes:
    return quopri.decodestring(found[0].encode("ascii", "replace"))


def _from_source(found: re.Match[str]) -> bytes:
    def escaped(sign: re.Match[bytes]) -> bytes:
        return bytes((int(sign[1], 16),)) if sign[1] else _NAMED.get(sign[2], sign[2])

    return _ESCAPE.sub(escaped, found[0].encode("latin-1", "replace"))


_SPELLINGS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], bytes]], ...]] = (
    (_BASE64, _from_base64),
    (_SOURCE, _from_source),
    (_HEX, _from_hex),
    (_NUMBERS, _from_numbers),
    (_PERCENT, _from_percent),
    (_PRINTABLE, _from_printable),
)


def may_be_in(text: bytes) -> bool:
    """Whether there may be one in a text of UTF-8: quick, and never wrong when it says no."""
    is_long = any(run in text.translate(table) for table, run in PICTURE_RUNS)
    return is_long and any(sign in text for sign in PICTURE_SIGNS)


def cleaned(text: str, cleaning: Cleaning, *, addresses: bool = True) -> str:
    """The text with each picture cleaned, as an address that holds it; of one that cannot be, an address of nothing.

    ``addresses``: whether those that are addresses already are cleaned, too.

    Raises:
        Bomb: one is one.
    """
    for start, end, new in sorted(found(text, cleaning, addresses=addresses), reverse=True):
        text = text[:start] + new + text[end:]
    return text


def found(text: str, cleaning: Cleaning, *, addresses: bool = True) -> Iterator[tuple[int, int, str]]:
    """Where each picture begins and ends, and what is to stand there, as ``cleaned`` says. No two share a place.

    Raises:
        Bomb: one is one.
    """
    if not may_be_in(text.encode()):
        return
    taken = bytearray(len(text))
    for pattern, decode in _SPELLINGS:
        for match in pattern.finditer(text):
            start, end = match.span()
            if any(taken[start:end]):
                continue
            taken[start:end] = b"\1" * (end - start)
            if pattern is _BASE64 and match["address"] and not addresses:
                continue
            address = _address(decode(match), cleaning)
            yield start, end, f'"{address}"' if pattern is _NUMBERS else address  # in a list of JSON it has to be one


def _address(untrusted: bytes, cleaning: Cleaning) -> str:
    """A cleaned picture as an address that holds it; of one that cannot be cleaned an address that holds nothing."""
    try:
        picture = cleaning.embedded(untrusted)
    except Bomb:
        raise
    except Refused:
        cleaning.removed.add(Removed.DRAWINGS)
        return "data:,"
    if not picture.media_type.startswith("image/"):
        cleaning.removed.add(Removed.EMBEDDED_FILE)
        return "data:,"
    return f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode('ascii')}"
