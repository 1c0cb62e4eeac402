"""The small part of PostScript that lives inside a PDF: character maps and calculator functions.

Both are read as tokens and written from the tokens that mean something, so that comments, titles, notices and
dates in them end here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from fieldreport.scrub.verdicts import Damaged

_TOKEN: Final = re.compile(
    rb"""%[^\r\n]*                      # a comment
    | \((?:[^()\\]|\\.|\([^()]*\))*\)   # a string, nested once
    | <<|>>
    | <[0-9A-Fa-f\s]*>                  # a hexadecimal string
    | /[^\s()<>\[\]{}/%]*               # a name
    | [\[\]{}]
    | [^\s()<>\[\]{}/%]+                # a number or an operator
    """,
    re.VERBOSE | re.DOTALL,
)
_NUMBER: Final = re.compile(rb"[+-]?(\d+\.?\d*|\.\d+)")
_HEX: Final = re.compile(rb"<[0-9A-Fa-f\s]*>")

# ISO 32000-1, table 42: operators of a type 4 function.
_CALCULATOR: Final = frozenset(
    b"abs add atan ceiling cos cvi cvr div exp floor idiv ln log mod mul neg round sin sqrt sub truncate and bitshift "
    b"eq false ge gt le lt ne not or true xor if ifelse copy dup exch index pop roll { }".split()
)
_SECTIONS: Final = {
    b"begincodespacerange": b"endcodespacerange",
    b"begincidrange": b"endcidrange",
    b"begincidchar": b"endcidchar",
    b"beginnotdefrange": b"endnotdefrange",
    b"beginnotdefchar": b"endnotdefchar",
    b"beginbfchar": b"endbfchar",
    b"beginbfrange": b"endbfrange",
}
_SECTION_MOST: Final = 100  # entries a section, as Adobe's technical note 5014 demands
_PREDEFINED: Final = re.compile(rb"/[A-Za-z0-9]{1,24}(-[A-Za-z0-9]{1,16}){0,4}")


def tokens(untrusted: bytes) -> Iterator[bytes]:
    """Tokens without comments and white space."""
    for match in _TOKEN.finditer(untrusted):
        if not match[0].startswith(b"%"):
            yield match[0]


def clean_calculator(untrusted: bytes) -> bytes:
    """A type 4 function, token by token."""
    kept = list(tokens(untrusted))
    if not all(token in _CALCULATOR or _NUMBER.fullmatch(token) for token in kept):
        raise Damaged
    return b" ".join(kept)


def clean_character_map(untrusted: bytes, *, wide: tuple[bytes, bytes, int] = (b"Adobe", b"Identity", 0)) -> bytes:
    """A CMap (Adobe technical notes 5014 and 5411) with its mappings and nothing else.

    ``wide`` is the character collection's registry, ordering and supplement.
    """
    sections, mode, base = _sections(untrusted)
    registry, ordering, supplement = wide
    lines = [b"/CIDInit /ProcSet findresource begin", b"12 dict begin", b"begincmap"]
    if base is not None:
        lines.append(base + b" usecmap")
    lines.append(
        b"/CIDSystemInfo << /Registry (%s) /Ordering (%s) /Supplement %d >> def" % (registry, ordering, supplement)
    )
    lines += [b"/CMapName /Map def", b"/CMapType 2 def"]
    if mode:
        lines.append(b"/WMode 1 def")
    for keyword, entries in sections:
        for start in range(0, len(entries), _SECTION_MOST):
            part = entries[start : start + _SECTION_MOST]
            lines.append(b"%d %s" % (len(part), keyword))
            lines += [b" ".join(entry) for entry in part]
            lines.append(_SECTIONS[keyword])
    lines += [b"endcmap", b"CMapName currentdict /CMap defineresource pop", b"end", b"end", b""]
    return b"\n".join(lines)


def _sections(untrusted: bytes) -> tuple[list[tuple[bytes, list[list[bytes]]]], bool, bytes | None]:
    sections: list[tuple[bytes, list[list[bytes]]]] = []
    vertical, base = False, None
    before, last = b"", b""
    stream = tokens(untrusted)
    for token in stream:
        if token in _SECTIONS:
            width = 2 if token.endswith((b"codespacerange", b"char")) else 3
            entries = _entries(stream, _SECTIONS[token], width)
            # Sections are cut into hundreds again when they are written: joined here, the result is stable.
            if sections and sections[-1][0] == token:
                sections[-1][1].extend(entries)
            else:
                sections.append((token, entries))
        elif token == b"usecmap" and _PREDEFINED.fullmatch(last):
            base = last
        elif before == b"/WMode" and token == b"def":
            vertical = last == b"1"
        before, last = last, token
    return sections, vertical, base


def _entries(stream: Iterator[bytes], end: bytes, width: int) -> list[list[bytes]]:
    entries: list[list[bytes]] = []
    entry: list[bytes] = []
    for token in stream:
        if token == end:
            break
        if token == b"[":
            entry.append(b"[" + b" ".join(_hex(item) for item in _until_bracket(stream)) + b"]")
        else:
            entry.append(token if _NUMBER.fullmatch(token) else _hex(token))
        if len(entry) == width:
            entries.append(entry)
            entry = []
    return entries


def _until_bracket(stream: Iterator[bytes]) -> Iterator[bytes]:
    for token in stream:
        if token == b"]":
            return
        yield token


def _hex(token: bytes) -> bytes:
    if not _HEX.fullmatch(token):
        raise Damaged
    return b"<" + b"".join(token[1:-1].split()).upper() + b">"
