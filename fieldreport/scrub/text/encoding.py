"""Bytes to text: which encoding a text file is in.

Rules: what declares itself or is valid UTF-8 is believed. Anything else is a guess, and who gets the text is told:
of all encodings that decode it without an error, the one in which it makes most sense in a language (``languages``),
the page's own language first. Nothing is decoded with replacement characters: a text that fits no encoding is not text.
"""

from __future__ import annotations

import codecs
import functools
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fieldreport.scrub.format import Cleaning
from fieldreport.scrub.text import encodings
from fieldreport.scrub.text.encodings import ENCODINGS, Encoding
from fieldreport.scrub.text.languages import LANGUAGES, Counted
from fieldreport.scrub.verdicts import Damaged

_CONTROLS: Final = re.compile(
    "[\x00-\x08\x0e-\x19\x1c-\x1f\x7f]"
)  # not in any text; \x1a ended files, \x1b is ISO-2022
# Characters for each stray one of these in a text that is UTF-8 all the same: what was copied out of a document or a
# terminal holds some. They show nothing, and go with the marks of copies.
_FOR_EACH_CONTROL: Final = 500
_CONTROL_BYTES: Final = re.compile(rb"[\x00-\x08\x0e-\x19\x1c-\x1f\x7f]")
_PRINTABLE: Final = bytes((*b"\t\n\r", *range(0x20, 0x7F)))  # of ASCII, and what stands between its lines
_LATE_CONTROLS: Final = re.compile("[\x80-\x84\x86-\x9f]")  # beyond ASCII: a sign of the wrong encoding
_DECLARED: Final = re.compile(
    rb"""<(?:\?xml\b[^>]{0,200}\bencoding|meta\b[^>]{0,200}\bcharset)\s*=\s*["']?\s*([\w.:-]+)""", re.IGNORECASE
)
_HEAD_BYTES: Final = 4096
_SAMPLE_BYTES: Final = 3000  # enough letters to decide by
_SEARCHED_BYTES: Final = 256 * 1024  # in which they are looked for
_OWN_LANGUAGE: Final = 4.0  # logarithm: how much likelier the language of the page is than others
_TOLERANCE: Final = 0.95  # of noise in what any two bytes are a character of
_MANY_BYTES: Final = ("utf_16_le", "utf_16_be", "utf_32_le", "utf_32_be")

_MARKS: Final = (
    (codecs.BOM_UTF8, "utf_8"),
    (codecs.BOM_UTF32_LE, "utf_32_le"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf_32_be"),
    (codecs.BOM_UTF16_LE, "utf_16_le"),
    (codecs.BOM_UTF16_BE, "utf_16_be"),
)
_ESCAPED: Final = ("iso2022_jp_ext", "iso2022_kr")


@dataclass(frozen=True, slots=True)
class Reading:
    """A text, and the encoding that was guessed, if it was."""

    text: str
    guessed: Encoding | None = None


def warm() -> None:
    """Load every codec."""
    for codec in [name for _, name in _MARKS] + [each.codec for each in ENCODINGS] + [*_ESCAPED, "utf_7", "ascii"]:
        codecs.lookup(codec)
        "a".encode(codec).decode(codec)
    read("국경에서".encode("cp949"))


def looks_like_text(head: bytes) -> bool:
    """Whether the beginning of a file is text in some encoding: it decodes and holds no control characters."""
    try:
        decode(head, partial=True)
    except Damaged:
        return False
    return True


def decode(data: bytes, *, partial: bool = False, language: str = "") -> str:
    """``read``, where nobody has to be told of a guess."""
    return read(data, partial=partial, language=language).text


def decode_for(cleaning: Cleaning, data: bytes) -> str:
    """``read`` for the source of a file, who is told of a guess."""
    reading = read(data, language=cleaning.options.language)
    if reading.guessed is not None:
        cleaning.noted.add(reading.guessed.code)
    return reading.text


def read(data: bytes, *, partial: bool = False, language: str = "") -> Reading:
    """The text of a file, without its byte order mark.

    ``partial``: the data may end within a character. ``language``: BCP 47, of the page that it was sent from.

    Raises:
        Damaged: no encoding fits.
    """
    for mark, codec in _MARKS:
        if data.startswith(mark):
            return Reading(_checked(_try(data[len(mark) :], codec, partial=partial)))
    plain = _try(data, "utf_8", partial=partial)
    if plain is not None and "\x1b" in plain:
        plain = _escaped(data) or plain  # else what a terminal was told: the colours of a log
    if plain is not None and (_is_text(plain) or len(_CONTROLS.findall(plain)) * _FOR_EACH_CONTROL <= len(plain)):
        return Reading(plain)
    if (declared := _declared(data, partial=partial)) is not None:
        return Reading(declared)
    for guessed in _likeliest(_sample(data), language, len(data) % 4 if not partial else 0):
        text = _try(data, guessed.codec, partial=partial)
        if text is not None and _is_text(text):
            return Reading(text, guessed)
    raise Damaged


def is_printable(text: str) -> bool:
    """Whether there are none but printable characters in its lines. Many times as fast as a search for the others."""
    if text.isascii():
        return not text.encode().translate(None, _PRINTABLE)
    return text.replace("\n", "").replace("\r", "").replace("\t", "").isprintable()


def _is_text(text: str) -> bool:
    return is_printable(text) or _CONTROLS.search(text) is None


def _checked(text: str | None) -> str:
    if text is None or not _is_text(text):
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
    for codec in _ESCAPED:
        text = _try(data, codec, partial=True)
        if text is not None and "\x1b" not in text:
            return text
    return None


def _declared(data: bytes, *, partial: bool) -> str | None:
    """The text of a page in the encoding that it names, if that fits."""
    found = _DECLARED.search(data, 0, _HEAD_BYTES)
    if found is None or data.lstrip()[:1] != b"<":
        return None
    try:
        codec = codecs.lookup(encodings.meant(found[1].decode("ascii", "replace"))).name
        text = _try(data, codec, partial=partial)
    except (LookupError, ValueError, AttributeError, AssertionError):
        return None
    return text if isinstance(text, str) and _is_text(text) and not _LATE_CONTROLS.search(text) else None


def _sample(data: bytes) -> bytes:
    """As much as decides: the beginning of what has many bytes a character, else the lines that are not ASCII."""
    if len(data) <= _SAMPLE_BYTES or b"\x00" in data[:_SAMPLE_BYTES]:
        return data[:_SAMPLE_BYTES]
    lines: list[bytes] = []
    size = 0
    for line in data[:_SEARCHED_BYTES].splitlines(keepends=True):
        if not line.isascii():
            lines.append(line[:_SAMPLE_BYTES])
            size += len(lines[-1])
            if size >= _SAMPLE_BYTES:
                break
    return b"".join(lines)[:_SAMPLE_BYTES] or data[:_SAMPLE_BYTES]


@functools.lru_cache(maxsize=2)  # a file is sniffed before it is cleaned
def _likeliest(sample: bytes, language: str, odd_bytes: int) -> tuple[Encoding, ...]:
    """Encodings that fit, the likeliest first."""
    found = [
        (likelihood, encoding)
        for encoding in ENCODINGS
        if encoding.languages and _may_be(encoding.codec, sample, odd_bytes)
        for likelihood in _likelihoods(encoding, sample, language)
    ]
    found.sort(key=lambda each: each[0], reverse=True)
    return tuple(dict.fromkeys(encoding for _, encoding in found))


def _may_be(codec: str, sample: bytes, odd_bytes: int) -> bool:
    if codec not in _MANY_BYTES:
        return _CONTROL_BYTES.search(sample) is None  # no older encoding has them inside a character
    return odd_bytes % (4 if "32" in codec else 2) == 0 and len(sample) >= 4


def _likelihoods(encoding: Encoding, sample: bytes, own: str) -> Iterator[float]:
    """Of a sample in an encoding, for each of its languages in which it is not noise."""
    text = _try(sample, encoding.codec, partial=True)
    if not text or _CONTROLS.search(text) or _LATE_CONTROLS.search(text):
        return
    counted = Counted.of(text)
    tolerance = _TOLERANCE if encoding.codec in _MANY_BYTES else 1.0
    names = LANGUAGES if encoding.languages == ("*",) else encoding.languages
    for name in names:
        language = LANGUAGES[name]
        if language.makes_sense_of(counted, tolerance=tolerance):
            yield language.likelihood(counted) + math.log(encoding.weight) + _OWN_LANGUAGE * (name == own)
