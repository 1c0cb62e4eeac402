"""Style sheets of drawings, books and pages: rules of ``tables/css.toml`` in one form, in which nothing leads outside.

A declaration stays when its property and every piece of its value are in the table; a selector stays when it is made of
elements, classes, names and states. Classes and names follow those that the document gives them. Imports, fonts of the
document's own and comments go. Sources: CSS Syntax 3, Selectors 4, CSS Values 4 (W3C).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, Protocol

from fieldreport.scrub.documents import tables
from fieldreport.scrub.documents.vocabularies import USUAL_FONT, listed
from fieldreport.scrub.verdicts import Removed

_TABLE: Final = tables.load("css")
_NUMBER: Final = re.compile(_TABLE["number"], re.IGNORECASE)
_HASH: Final = re.compile(_TABLE["hash"])
_NTH: Final = re.compile(_TABLE["nth"], re.IGNORECASE)
_SHOWN: Final = re.compile(_TABLE["shown"])
_PROPERTIES: Final = frozenset(_TABLE["properties"].split())
_PSEUDO: Final = frozenset(_TABLE["pseudo"].split())
_COUNTING: Final = frozenset(_TABLE["counting"].split())
_MEDIA: Final = frozenset(_TABLE["media"].split())
_KNOWN_MOST: Final = 10_000
_STRINGS: Final = frozenset({"content", "quotes"})


def _spelled(*lists: str) -> dict[str, str]:
    """Each word as the table spells it, by its small letters."""
    return {word.casefold(): word for words in lists for word in words.split()}


_WORDS: Final = _spelled(_TABLE["words"], _TABLE["colours"])
_FUNCTIONS: Final = _spelled(_TABLE["functions"])
_HTML: Final = tables.load("html")
_SVG: Final = tables.load("svg")
_ELEMENTS: Final = _spelled(_HTML["plain"], *_HTML["elements"], "html body", _SVG["plain"], *_SVG["elements"])
_TOKEN: Final = re.compile(
    r"""(?P<comment>/\*.*?(?:\*/|\Z)|<!--|-->)
    |(?P<space>[ \t\r\n\f]+)
    |(?P<url>url\([ \t\r\n\f]*(?:"(?P<double>[^"\\\n]*)"|'(?P<single>[^'\\\n]*)'|(?P<bare>[^"'()\\\s]*))[ \t\r\n\f]*\))
    |(?P<string>"(?:[^"\\\n]|\\.)*+"|'(?:[^'\\\n]|\\.)*+')
    |(?P<hash>\#[\w-]+)
    |(?P<number>[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:e[-+]?[0-9]+)?(?:%|[a-z]+)?)
    |(?P<at>@[\w-]+)
    |(?P<function>-?[a-z_][\w-]*\()
    |(?P<name>-{0,2}[^\W\d][\w-]*)
    |(?P<important>![ \t\r\n\f]*important\b)
    |(?P<mark>.)""",
    re.IGNORECASE | re.DOTALL | re.VERBOSE,
)
_ESCAPED: Final = re.compile(r"\\(?:([0-9a-fA-F]{1,6})[ \t\r\n\f]?|(\r\n|.))", re.DOTALL)
# What a style says to hide an element, and what it may say to have a text overlooked.
HIDING: Final = re.compile(
    r"display\s*:\s*none|visibility\s*:\s*(hidden|collapse)|(font-size|opacity)\s*:\s*0(\.0*)?(px|pt|em|%)?\s*(;|!|$)",
    re.IGNORECASE,
)
OVERLOOKED: Final = re.compile(
    r"font-size\s*:\s*(?:[0-2]?\.[0-9]+|[0-2])(?:px|pt)\b|(?:text-indent|left|top|margin-left|margin-top)\s*:\s*-[0-9]{3,}"
    r"|(?<![\w-])(?:color|fill)\s*:\s*(?:white|\#fff(?:fff)?|transparent|rgba?\(\s*255\s*,\s*255\s*,\s*255)(?![\w-])"
    r"|(?<![\w-])opacity\s*:\s*0?\.0",
    re.IGNORECASE,
)

_Token = tuple[str, str]


class Names(Protocol):
    """What a document calls its own things."""

    def thing(self, name: str, /) -> str | None:
        """The new name of what has this one; None if nothing has."""

    def class_name(self, name: str, /) -> str:
        """The new name of a class."""

    def address(self, untrusted: str, /) -> str | None:
        """The new address of a picture, or of something in the document; None where it goes."""


class Styles:
    """The style sheets of one document. ``removed`` learns what went.

    ``hides``: whether a rule of a sheet hides something, or may have a text overlooked.
    """

    def __init__(self, names: Names, removed: set[Removed]) -> None:
        self._names = names
        self._removed = removed
        self.hides = False
        self._known: dict[str, str] = {}  # what attributes say: a page says the same a thousand times

    def sheet(self, untrusted: str) -> str:
        """The rules of a sheet, each with the end of a line."""
        written = "".join(f"{rule}\n" for rule in self._rules(self._tokens(untrusted), 0))
        self.hides = self.hides or HIDING.search(written) is not None or OVERLOOKED.search(written) is not None
        return written

    def declarations(self, untrusted: str) -> str:
        """What a "style" attribute says."""
        made = self._known.get(untrusted)
        if made is None:
            made = self._declarations(self._tokens(untrusted))
            if "url" not in untrusted.lower() and len(self._known) < _KNOWN_MOST:  # an address depends on its part
                self._known[untrusted] = made
        return made

    def value(self, name: str, untrusted: str) -> str | None:
        """What a property may be; None where it goes."""
        return self._value(name, self._tokens(untrusted))

    def _tokens(self, untrusted: str) -> list[_Token]:
        found = []
        for match in _TOKEN.finditer(untrusted):
            kind = match.lastgroup or ""
            if kind == "comment":
                self._removed.add(Removed.COMMENTS)
            elif kind in {"url", "double", "single", "bare"}:
                found.append(("url", match["double"] or match["single"] or match["bare"] or ""))
            else:
                found.append((kind, match[0]))
        return found

    def _rules(self, tokens: Sequence[_Token], depth: int) -> Iterator[str]:
        position = 0
        while position < len(tokens):
            start = position
            while position < len(tokens) and tokens[position][1] not in {"{", ";"}:
                position += 1
            before = _trimmed(tokens[start:position])
            if position == len(tokens) or tokens[position][1] == ";":
                self._report_statement(before)
                position += 1
                continue
            end = _end_of_block(tokens, position)
            yield from self._rule(before, tokens[position + 1 : end], depth)
            position = end + 1

    def _report_statement(self, before: Sequence[_Token]) -> None:
        if before and before[0][1].lower() == "@import":
            self._removed.add(Removed.LINKS)

    def _rule(self, before: Sequence[_Token], block: Sequence[_Token], depth: int) -> Iterator[str]:
        if not before:
            return
        kind, said = before[0]
        if kind != "at":
            # Names and pictures are only given to what stays: another reading gives the same.
            selectors = [each for each in map(_selector, _split(before, ",")) if each and self._selects(each)]
            declared = self._declarations(block) if selectors else ""
            if declared:
                yield f"{','.join(map(self._named, selectors))}{{{declared}}}"
            elif block and not selectors:
                self._removed.add(Removed.LAYOUT)
        elif said.lower() == "@page" and (declared := self._declarations(block)):
            yield f"@page{{{declared}}}"
        elif said.lower() == "@media" and depth < _TABLE["deepest"] and (asked := _condition(before[1:])):
            inside = list(self._rules(block, depth + 1))
            if inside:
                yield f"@media {asked}{{"
                yield from inside
                yield "}"
        elif said.lower() == "@font-face":
            self._removed.add(Removed.LAYOUT)

    def _declarations(self, tokens: Sequence[_Token]) -> str:
        kept = []
        for declaration in _split(tokens, ";"):
            name, *said = _split(declaration, ":", most=1)
            key = "".join(text for _, text in _trimmed(name)).lower()
            if len(said) == 1 and key in _PROPERTIES and (made := self._value(key, said[0])):
                forced = any(kind == "important" for kind, _ in said[0])
                kept.append(f"{key}:{made} !important" if forced else f"{key}:{made}")
            elif len(said) == 1 and any(kind == "url" for kind, _ in said[0]):
                self._removed.add(Removed.LINKS)
        return ";".join(kept)

    def _value(self, name: str, tokens: Sequence[_Token]) -> str | None:
        tokens = _trimmed(tokens)
        if name == "font-family":
            return self._fonts(tokens)
        if name == "font":
            return self._font(tokens)
        written = _Written()
        pieces = ["" if kind == "url" else self._piece(name, kind, text) for kind, text in tokens]
        if None in pieces:
            if name in _STRINGS:
                self._removed.add(Removed.LAYOUT)  # a text that the sheet would have shown
            return None
        for (kind, text), piece in zip(tokens, pieces, strict=True):
            written.add((self._piece(name, kind, text) if kind == "url" else piece) or "")
        if not written.pieces and any(kind == "url" for kind, _ in tokens):
            return "none"
        return written.text() or None

    def _piece(self, name: str, kind: str, text: str) -> str | None:
        """A piece of a value as it is written, "" for one that means nothing; None where the table has none such."""
        made: str | None = None
        match kind:
            case "space" | "important":
                made = ""
            case "name":
                made = _WORDS.get(text.casefold())
            case "number":
                made = text if _NUMBER.fullmatch(text) else None
            case "hash":
                made = text if _HASH.fullmatch(text) else None
            case "function":
                found = _FUNCTIONS.get(text[:-1].casefold())
                made = None if found is None else f"{found}("
            case "url":
                found = self._names.address(text)
                made = "" if found is None else f"url({found})"
            case "string" if name in _STRINGS:
                shown = unescaped(text[1:-1])
                # A quotation mark would end it, a backslash would mean more than itself.
                made = f'"{shown}"' if _SHOWN.fullmatch(shown) and not {*shown} & {*'"\\<&\n'} else None
            case "mark" if text in {",", "/", ")", "+", "-", "*"}:
                made = text
        return made

    def _fonts(self, tokens: Sequence[_Token]) -> str | None:
        """Fonts of the table and families of fonts, in place of any other a usual one."""
        kept = []
        for font in _split([token for token in tokens if token[0] != "important"], ","):
            said = " ".join(unescaped(text[1:-1]) if kind == "string" else unescaped(text) for kind, text in font)
            said = " ".join(said.split())
            word = _WORDS.get(said.casefold())
            known = listed("font", said)
            if word is not None and not any(kind == "string" for kind, _ in font):
                kept.append(word)
            elif known:
                kept.append(f'"{known}"')
            else:
                self._removed.add(Removed.OTHER_METADATA)
        return ",".join(kept) or f'"{USUAL_FONT}"'

    def _font(self, tokens: Sequence[_Token]) -> str | None:
        """The short form: what the letters are like and how large, then the fonts."""
        place = max((at for at, (kind, _) in enumerate(tokens) if kind == "number"), default=-1)
        front, behind = tokens[: place + 1], _trimmed(tokens[place + 1 :])
        if not front:
            return self._value("", tokens)
        made = self._value("", front)
        return f"{made} {self._fonts(behind)}" if made is not None and behind else None

    def _selects(self, pieces: Sequence[_Token]) -> bool:
        """Whether all that a selector names is there."""
        return all(kind != "thing" or self._names.thing(text) is not None for kind, text in pieces)

    def _named(self, pieces: Sequence[_Token]) -> str:
        """A selector with the new names in it."""
        written = ""
        for kind, text in pieces:
            if kind == "class":
                written += f".{self._names.class_name(text)}"
            else:
                written += f"#{self._names.thing(text)}" if kind == "thing" else text
        return written


class _Written:
    """Pieces of a value, with spaces between those that need one."""

    def __init__(self) -> None:
        self.pieces: list[str] = []

    def add(self, piece: str) -> None:
        if not piece:
            return
        before = self.pieces[-1] if self.pieces else "("
        tight = piece in {",", "/", ")"} or before in {",", "/"} or before.endswith("(")
        self.pieces.append(piece if tight else f" {piece}")

    def text(self) -> str:
        text = "".join(self.pieces)
        return text if text.count("(") == text.count(")") else ""


def unescaped(text: str) -> str:
    """A name or a string without the escapes of CSS (Syntax 3, 4.3.7)."""

    def character(found: re.Match[str]) -> str:
        if found[1] is None:
            return "" if found[2] in {"\n", "\r\n"} else str(found[2])
        code = int(found[1], 16)
        return chr(code) if 0 < code < 0xD800 or 0xDFFF < code < 0x110000 else "\ufffd"

    return _ESCAPED.sub(character, text) if "\\" in text else text


def _trimmed(tokens: Sequence[_Token]) -> Sequence[_Token]:
    start, end = 0, len(tokens)
    while start < end and tokens[start][0] == "space":
        start += 1
    while start < end and tokens[end - 1][0] == "space":
        end -= 1
    return tokens[start:end]


def _end_of_block(tokens: Sequence[_Token], position: int) -> int:
    """Where the block that begins there ends: at its brace, or at the end of the sheet."""
    depth = 0
    for place in range(position, len(tokens)):
        depth += {"{": 1, "}": -1}.get(tokens[place][1], 0)
        if depth == 0:
            return place
    return len(tokens)


def _split(tokens: Sequence[_Token], mark: str, *, most: int = -1) -> list[Sequence[_Token]]:
    """The pieces between such marks, except those inside brackets."""
    pieces: list[Sequence[_Token]] = []
    start = depth = 0
    for place, (kind, text) in enumerate(tokens):
        depth += 1 if kind == "function" or text in {"(", "["} else -1 if text in {")", "]"} else 0
        if text == mark and depth <= 0 and len(pieces) != most:
            pieces.append(_trimmed(tokens[start:place]))
            start = place + 1
    pieces.append(_trimmed(tokens[start:]))
    return pieces


def _condition(tokens: Sequence[_Token]) -> str:
    """What a rule asks of the screen."""
    written = ""
    for kind, text in _trimmed(tokens):
        if kind == "space":
            written += " " if written[-1:] not in {"", " ", "(", ":", ","} else ""
        elif kind == "name" and text.lower() in _MEDIA:
            written += text.lower()
        elif (kind == "number" and _NUMBER.fullmatch(text)) or text in {"(", ")", ":", ",", "/"}:
            written = written.rstrip(" ") + text if text in {")", ":", ","} else written + text
        elif kind == "function" and text.lower() in {"and(", "not(", "only("}:
            written += f"{text[:-1].lower()} ("
        else:
            return ""
    return written if written.count("(") == written.count(")") else ""


def _selector(tokens: Sequence[_Token]) -> list[_Token]:
    """The pieces of one selector; none where it has something that the table does not list."""
    pieces: list[_Token] = []
    tokens = _trimmed(tokens)
    position = 0
    while position < len(tokens):
        kind, text = tokens[position]
        following = tokens[position + 1] if position + 1 < len(tokens) else ("", "")
        if kind == "space" or text in {">", "+", "~"}:
            mark = text if kind != "space" else " "
            if not pieces:
                return []
            if pieces[-1][0] == "between":
                if pieces[-1][1] != " " and mark != " ":
                    return []
                mark = mark if pieces[-1][1] == " " else pieces[-1][1]
                pieces.pop()
            pieces.append(("between", mark))
        elif kind == "name" and text.casefold() in _ELEMENTS and (not pieces or pieces[-1][0] == "between"):
            pieces.append(("element", _ELEMENTS[text.casefold()]))
        elif text == "*" and (not pieces or pieces[-1][0] == "between"):
            pieces.append(("element", "*"))
        elif text == "." and following[0] == "name":
            pieces.append(("class", following[1]))
            position += 1
        elif kind == "hash":
            pieces.append(("thing", text[1:]))
        elif text == ":":
            position, state = _state(tokens, position)
            if not state:
                return []
            pieces.append(("state", state))
        else:
            return []
        position += 1
    return pieces if pieces and pieces[-1][0] != "between" else []


def _state(tokens: Sequence[_Token], position: int) -> tuple[int, str]:
    """What stands behind a colon, and the place of its last piece."""
    mark = ":"
    if tokens[position + 1 : position + 2] == [("mark", ":")]:
        mark, position = "::", position + 1
    kind, text = tokens[position + 1] if position + 1 < len(tokens) else ("", "")
    if kind == "name" and text.lower() in _PSEUDO:
        return position + 1, mark + text.lower()
    if kind == "function" and text[:-1].lower() in _COUNTING:
        end = next((at for at in range(position, len(tokens)) if tokens[at][1] == ")"), len(tokens))
        asked = "".join(said for _, said in tokens[position + 2 : end]).lower()
        asked = " ".join(asked.split())
        if end < len(tokens) and _NTH.fullmatch(asked):
            return end, f"{mark}{text.lower()}{asked})"
    return position, ""
