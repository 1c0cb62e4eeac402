"""Pictures that are spelled out in the words of a document of XML, whatever elements its program cut them into."""

from __future__ import annotations

import re
from bisect import bisect_left, bisect_right
from typing import Final

from fieldreport.scrub.format import Cleaning
from fieldreport.scrub.text import spelled_pictures

_MARKUP: Final = re.compile(r"(<!\[CDATA\[|\]\]>|<[^>]*>)")
# Where a line ends, by local names alone: no other elements of these names stand between words.
_LINES: Final = re.compile(
    r"</?(?:\w+:)?(?:p|h|br|line-break|si|c|is|table-cell|td|tr|li|div|pre|desc|description)[\s/>]"
)
_PICTURES: Final = re.compile(r"<(?:\w+:)?(?:binary-data|binData|binaryData)[\s>]")  # what is in them is one


def cleaned(untrusted: bytes, cleaning: Cleaning) -> bytes:
    """The document with each of them cleaned, as an address where its first letters stood.

    Raises:
        Bomb: one is one.
    """
    encoding = "utf-16" if untrusted[:2] in {b"\xff\xfe", b"\xfe\xff"} else "utf-8"
    if encoding == "utf-8" and not spelled_pictures.may_be_in(untrusted):
        return untrusted
    try:
        text = untrusted.decode(encoding)
    except UnicodeDecodeError:
        return untrusted  # in another encoding, or damaged: the parser says
    new = cleaned_text(text, cleaning)
    return untrusted if new is text else new.encode(encoding)


def cleaned_text(text: str, cleaning: Cleaning) -> str:
    """The same of a document that is decoded, or a page of HTML: it itself if there is none."""
    if not spelled_pictures.may_be_in(text.encode()):
        return text
    pieces = _MARKUP.split(text)  # words, and after each of them markup
    words, markup = pieces[::2], ["", *pieces[1::2]]
    said: list[str] = []
    starts: list[int] = []  # where in the whole text each of the words begins
    length = 0
    ended = False
    for before, each in zip(markup, words, strict=True):
        ended = ended or _LINES.match(before) is not None
        is_said = bool(each.strip()) and _PICTURES.match(before) is None
        starts.append(length + (ended and is_said))
        said.append(("\n" if ended else "") + each if is_said else "")
        length += len(said[-1])
        ended = ended and not is_said
    changes = sorted(spelled_pictures.found("".join(said), cleaning), reverse=True)
    for start, end, new in changes:
        first = bisect_right(starts, start) - 1
        for place in range(first, bisect_left(starts, end)):
            if said[place]:
                begin, stop = max(start - starts[place], 0), end - starts[place]
                words[place] = words[place][:begin] + (new if place == first else "") + words[place][stop:]
    if not changes:
        return text
    return "".join(f"{before}{each}" for before, each in zip(markup, words, strict=True))
