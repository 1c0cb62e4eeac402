"""Pictures that are spelled out in a text, as in Markdown, exports of chats and databases, tables and saved mails.

In Base64 of both alphabets, in hexadecimal or decimal numbers, percent-encoded, quoted-printable, uuencoded, or as a
program's source says bytes. What begins like a picture and is long enough to be one is cleaned as one. So are other
files that are spelled out in Base64; of those nothing is left but an address of nothing.

Where one is glued to a letter before it, its beginning has to be a picture's by more than its first bytes
(``spelled_beginnings``), for three bytes are found in any long text by chance.
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
from fieldreport.scrub.text import spelled_beginnings
from fieldreport.scrub.text.tables import (
    DIGITS_RUN,
    DIGITS_SIGNS,
    ENCODED,
    LETTERS_RUN,
    LETTERS_SIGNS,
    NO_DIGITS,
    SHAPES,
    SHAPES_RUN,
    Sought,
)
from fieldreport.scrub.verdicts import Bomb, Refused, Removed

# How JPEG, PNG, GIF, WebP, TIFF, SVG, HEIF and MP4, PDF, ZIP, sound and old Office files begin in Base64 (RFC 4648). A
# stroke may be written with another before it, and the signs that mean something in an address or in JSON as programs
# for these write them.
_STROKE: Final = r"(?:\\?/|_|%2[Ff]|\\u002[Ff])"
_BEGINNINGS: Final = (
    f"{_STROKE}9j{_STROKE}", "iVBORw0KGgo", "R0lGOD", "UklGR", "SUkqA", "TU0AKg", "PHN2Zy", "PD94bWwg",
    "AAAA[A-Z]GZ0eXB", "JVBERi0x", "UEsDB[A-D]", "T2dnUwA", "ZkxhQwAAAC", "SUQz[AB][AwQg]AAA",
    "0M8R4KGxGuE", "GkXfo",
)  # fmt: skip
_BEGINNING: Final = re.compile(
    rf"(?P<address>data:[\w.+-]{{1,30}}\\?/[\w.+-]{{1,80}};base64,\s?)?(?P<data>(?:{'|'.join(_BEGINNINGS)}))"
)
_LETTERS: Final = re.compile(r"(?:[A-Za-z0-9+/_-]|\\/|%2[BbFf]|\\u002[BbFf])++")
_PADDING: Final = re.compile(r"(?:=|%3[Dd]|\\u003[Dd]){0,2}+")
_GLUE: Final = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/\\")
# Between two pieces: ends of lines as they are or as programs write them, what quotes or indents a line, and what adds
# two strings up in a program's source.
_BETWEEN: Final = re.compile(
    r"(?:\\[nrt]|\\u000[aAdD9]|%0[AaDd9]|%20|&#(?:x[aAdD]|1[03]);|[^\w+/=-]"
    r"|(?<=[^\w+/=-])(?:[+_]|//|--?)(?=[^\w+/=-])){1,80}+"
)
_LINE_END: Final = re.compile(r"\n|\\[nr]|\\u000[aAdD]|%0[AaDd]|&#|[\"'`][^\"'`]*[\"'`]")
_ESCAPED_SIGN: Final = re.compile(r"\\(/)|(?:%|\\u00)(2[BbFf])")
_PIECE: Final = 16  # letters of the shortest piece that is no end
_LONG_PIECE: Final = 57  # letters that no word has
_USUAL_LINE: Final = 128  # letters of the longest line that programs wrap Base64 into
_HEAD: Final = 64  # characters that are looked at first of what is glued to a letter
_FIRST_SEGMENT: Final = 128 * 1024  # and then: as many as the longest first segment of a JPEG may have
_LOOKS: Final = 200
_SHORTEST: Final = 60  # letters of the shortest picture

# More digits than any checksum has. Between two bytes may be what programs write between numbers, in any order.
_BEFORE_BYTE: Final = r"(?:[ ,:;|>.\t\n\r\"'`+&{}()\[\]-]{0,40}(?:0x|\\x|x|\\n)?)"
_HEX_BEGINNINGS: Final = tuple(
    _BEFORE_BYTE.join(re.findall("..", each)) for each in ("ffd8ff", "89504e470d0a1a0a", "000000..66747970")
)
_HEX: Final = re.compile(
    rf"(?:0x|\\x)?(?:{'|'.join(_HEX_BEGINNINGS)})(?:{_BEFORE_BYTE}[0-9a-f]{{2}}){{100,}}+", re.IGNORECASE
)
_HEX_BYTE: Final = re.compile(rf"{_BEFORE_BYTE}([0-9a-fA-F]{{2}})")
_AFTER_NUMBER: Final = r"[,;\s\"'+\[\](){}]"
_NUMBERS: Final = re.compile(
    rf"(?<![\d-])(?:255{_AFTER_NUMBER}{{1,3}}216{_AFTER_NUMBER}{{1,3}}255|-1{_AFTER_NUMBER}{{1,3}}-40{_AFTER_NUMBER}{{1,3}}-1"
    rf"|(?:137|-119){_AFTER_NUMBER}{{1,3}}80{_AFTER_NUMBER}{{1,3}}78{_AFTER_NUMBER}{{1,3}}71)"
    rf"(?:{_AFTER_NUMBER}{{1,40}}-?\d{{1,3}}(?!\d)){{100,}}+"
)
_NUMBER: Final = re.compile(r"-?\d{1,3}")
_BYTES: Final = "(?:{0}ff{0}d8{0}ff|{0}89PNG)"
_PERCENT: Final = re.compile(
    rf"(?:data:image/[\w.+-]+,)?{_BYTES.format('%')}(?:%[0-9a-f]{{2}}|[^\s\"'<>%]){{60,}}+", re.IGNORECASE
)
_PRINTABLE: Final = re.compile(rf"{_BYTES.format('=')}(?:=[0-9a-f]{{2}}|=\n|[\t !-<>-~]){{60,}}+", re.IGNORECASE)
# Up to the quotation mark that it began after.
_SAID: Final = "(?:" + _BYTES.format(r"\\x") + r"|\\377\\330\\377|\\211PNG)"
_SOURCE: Final = re.compile(
    rf"(?<='){_SAID}(?:\\.|[^\\\n']){{60,}}+|(?<=\"){_SAID}(?:\\.|[^\\\n\"]){{60,}}+|{_SAID}(?:\\.|[^\\\s]){{60,}}+",
    re.IGNORECASE,
)
_ESCAPE: Final = re.compile(rb"\\(?:x([0-9a-fA-F]{2})|([0-3][0-7]{2})|(.))", re.DOTALL)
_NAMED: Final = {b"n": b"\n", b"r": b"\r", b"t": b"\t", b"0": b"\0", b"a": b"\a", b"b": b"\b", b"f": b"\f", b"v": b"\v"}
# The shape in which uuencode writes 45 bytes a line, with the name of the file.
_UUENCODED: Final = re.compile(
    r"^begin(?:-base64)? [0-7]{3,4} [^\n]*\n(?P<lines>(?:[!-M][ -`]{1,84}\n)+)`?\n?end", re.MULTILINE
)
# As xxd and hexdump show bytes: where a line begins, sixteen bytes, and the same as letters.
_DUMPED: Final = re.compile(
    r"(?:^[ \t]*[0-9a-f]{4,16}:?[ \t]+(?:[0-9a-f]{2}){1,4}(?:[ -]{1,2}(?:[0-9a-f]{2}){1,4}){0,15}"
    r"(?:[ \t]+[^\n]*)?(?:\n|\Z)){6,}+",
    re.MULTILINE | re.IGNORECASE,
)
_DUMPED_LINE: Final = re.compile(
    r"^[ \t]*[0-9a-f]+:?[ \t]+((?:(?:[0-9a-f]{2}){1,4}[ -]{0,2})+)", re.MULTILINE | re.IGNORECASE
)


def _from_hex(found: re.Match[str]) -> bytes:
    return bytes(int(byte, 16) for byte in _HEX_BYTE.findall(found[0]))


def _from_numbers(found: re.Match[str]) -> bytes:
    return bytes(min(int(number), 255) & 0xFF for number in _NUMBER.findall(found[0]))


def _from_percent(found: re.Match[str]) -> bytes:
    return unquote_to_bytes(found[0].partition(",")[2] if found[0].startswith("data:") else found[0])


def _from_printable(found: re.Match[str]) -> bytes:
    return quopri.decodestring(found[0].encode("ascii", "replace"))


def _from_source(found: re.Match[str]) -> bytes:
    def escaped(sign: re.Match[bytes]) -> bytes:
        if sign[1]:
            return bytes((int(sign[1], 16),))
        return bytes((int(sign[2], 8),)) if sign[2] else _NAMED.get(sign[3], sign[3])

    return _ESCAPE.sub(escaped, found[0].encode("latin-1", "replace"))


def _from_uuencoded(found: re.Match[str]) -> bytes:
    try:
        return b"".join(binascii.a2b_uu(line) for line in found["lines"].splitlines())
    except binascii.Error:
        return b""


def _from_dump(found: re.Match[str]) -> bytes:
    lines = (re.sub("[ -]", "", line)[:32] for line in _DUMPED_LINE.findall(found[0]))
    return b"".join(bytes.fromhex(line[: len(line) & ~1]) for line in lines)


# Patterns, what reads a match, and what reads one byte of it where the end of a picture can be told from what follows.
_SPELLINGS: Final[tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], bytes], re.Pattern[str] | None], ...]] = (
    (_UUENCODED, _from_uuencoded, None),
    (_DUMPED, _from_dump, None),
    (_SOURCE, _from_source, None),
    (_HEX, _from_hex, _HEX_BYTE),
    (_NUMBERS, _from_numbers, _NUMBER),
    (_PERCENT, _from_percent, None),
    (_PRINTABLE, _from_printable, None),
)
_ONLY_FILES: Final = frozenset({_UUENCODED, _DUMPED})  # which also spell what is no picture


def may_be_in(text: bytes) -> bool:
    """Whether there may be one in a text of UTF-8: quick, and never wrong when it says no."""
    table, run = LETTERS_RUN
    if run in text.translate(table) and any(_is_in(text, sought) for sought in LETTERS_SIGNS):
        return True
    first, later = ENCODED
    if text.startswith(first) or later in text:
        return True
    table, run = DIGITS_RUN
    shown = text.translate(table)
    if SHAPES_RUN not in shown:
        return False
    if _is_in(text, SHAPES):
        return True
    if run not in shown:
        return False
    digits = text.lower().translate(None, NO_DIGITS)
    return any(sign in digits for sign in DIGITS_SIGNS)


def _is_in(text: bytes, sought: Sought) -> bool:
    others, signs = sought
    left = text.translate(None, others)
    return any(few in left and sign in text for few, sign in signs)


def cleaned(text: str, cleaning: Cleaning) -> str:
    """The text with each picture cleaned, as an address that holds it; of one that cannot be, an address of nothing.

    Raises:
        Bomb: one is one.
    """
    for start, end, new in sorted(found(text, cleaning), reverse=True):
        text = text[:start] + new + text[end:]
    return text


def found(text: str, cleaning: Cleaning) -> Iterator[tuple[int, int, str]]:
    """Where each picture begins and ends, and what is to stand there, as ``cleaned`` says. No two share a place.

    Raises:
        Bomb: one is one.
    """
    if not may_be_in(text.encode()):
        return
    taken = bytearray(len(text))
    for start, end, data in _in_base64(text):
        taken[start:end] = b"\1" * (end - start)
        yield start, end, _apart(_address(data, cleaning), text, end)
    for pattern, decode, one_byte in _SPELLINGS:
        for match in pattern.finditer(text):
            start, end = match.span()
            if any(taken[start:end]):
                continue
            data = decode(match)
            if pattern in _ONLY_FILES and not data.startswith(spelled_beginnings.MAGICS):
                continue
            unsure = pattern is _NUMBERS or (pattern is _HEX and text[start - 1 : start].isalnum() and start > 0)
            if unsure and not spelled_beginnings.is_picture(data):
                continue
            end -= pattern is _DUMPED and text[end - 1] == "\n"
            if one_byte is not None:
                length = spelled_beginnings.whole(data)
                if length is not None and length < len(data) <= length + _A_FEW:
                    *_, end = (
                        byte.end() for byte, _ in zip(one_byte.finditer(text, start), range(length), strict=False)
                    )
                    data = data[:length]
            taken[start:end] = b"\1" * (end - start)
            address = _address(data, cleaning)
            # In a list of JSON it has to be a word.
            yield start, end, f'"{address}"' if pattern is _NUMBERS else _apart(address, text, end)


def _apart(address: str, text: str, end: int) -> str:
    """An address that what follows in the text does not read on."""
    return f"{address} " if _LETTERS.match(text, end) or text.startswith("=", end) else address


_A_FEW: Final = 16  # bytes behind a picture that may be a sentence's own numbers


def _in_base64(text: str) -> Iterator[tuple[int, int, bytes]]:
    """Where each begins and ends, and its bytes."""
    position = looks = 0
    while (begun := _BEGINNING.search(text, position)) is not None:
        start = begun.start("data")
        position = start + 1
        if begun["address"] is None and text[start - 1 : start] in _GLUE and start > 0:
            if not spelled_beginnings.is_picture(_decoded(_run(text[start : start + _HEAD], 0)[0])):
                continue
            looks += 1
            if looks > _LOOKS:
                raise Bomb
            if not spelled_beginnings.is_picture(_decoded(_run(text[start : start + _FIRST_SEGMENT], 0)[0])):
                continue
        letters, end = _run(text, start)
        if len(letters) < _SHORTEST:
            continue
        yield begun.start(), end, _decoded(letters)
        position = end


def _run(text: str, start: int) -> tuple[str, int]:
    """The letters of a run that may be broken into pieces, and where it ends, padding included.

    Pieces are as long as each other, or longer than a word; the last one may be shorter. A short one is taken only if
    the picture is not whole without it, or it is the first word of what follows.
    """
    end = _end(_LETTERS, text, start)
    pieces, width, between = [_plain(text[start:end])], 0, ""
    is_even = True
    while _end(_PADDING, text, end) == end:
        gap = _BETWEEN.match(text, end)
        following = _LETTERS.match(text, gap.end()) if gap is not None else None
        if gap is None or following is None or _LINE_END.search(gap[0]) is None:
            break
        letters = _plain(following[0])
        if len(pieces) == 1:
            if len(pieces[0]) < _LONG_PIECE and len(letters) > _USUAL_LINE:
                break
            width = len(pieces[0])
            if width < len(letters) <= _USUAL_LINE:
                width = len(letters)  # something stood before the first piece on its line
        if len(letters) != width or width < _PIECE:
            if len(letters) < _LONG_PIECE or letters.isalpha():
                usual = len(letters) < width and between in {"", gap[0]} and (len(pieces) > 1 or width <= _USUAL_LINE)
                if usual and _stands_alone(text, following.end()) and not _is_whole(pieces):
                    pieces.append(letters)
                    end = following.end()
                break
            if is_even and _is_whole(pieces):
                break
            is_even = False  # asked once: it takes all there is
        pieces.append(letters)
        end, between = following.end(), gap[0]
    return "".join(pieces), _end(_PADDING, text, end)


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    return start if found is None else found.end()


def _stands_alone(text: str, end: int) -> bool:
    """Whether no other word follows on the line: the end of a picture is the only thing on its own."""
    return re.match(r"[ \t]*(?:[^\w\s]|\\[nr]|$|\n)", text[end : end + 40]) is not None


def _plain(letters: str) -> str:
    return _ESCAPED_SIGN.sub(lambda sign: "/" if sign[1] else chr(int(sign[2], 16)), letters)


def _is_whole(pieces: list[str]) -> bool:
    data = _decoded("".join(pieces))
    length = spelled_beginnings.whole(data)
    return length is not None and length >= len(data) - 2


def _decoded(letters: str) -> bytes:
    letters = letters[: len(letters) - (len(letters) % 4 == 1)].replace("+", "-").replace("/", "_")
    return base64.urlsafe_b64decode(letters + "==")


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
