"""The second reading of style sheets: in the one form in which they are written, against ``tables/css.toml``."""

from __future__ import annotations

import re
from typing import Final

from fieldreport.scrub.documents import tables
from fieldreport.scrub.verdicts import Residue

_TABLE: Final = tables.load("css")
_FONTS: Final = frozenset(font for group in tables.load("fonts").values() for font in group)
_WORDS: Final = frozenset(f"{_TABLE['words']} {_TABLE['colours']}".split())
_PROPERTIES: Final = frozenset(_TABLE["properties"].split())
_FUNCTIONS: Final = frozenset(_TABLE["functions"].split())
_MEDIA: Final = frozenset(_TABLE["media"].split())
_STATES: Final = "|".join(_TABLE["pseudo"].split())
_COUNTING: Final = "|".join(_TABLE["counting"].split())
_NUMBER: Final = re.compile(_TABLE["number"], re.IGNORECASE)
_SHOWN: Final = re.compile(_TABLE["shown"])
_REFERENCE: Final = r"url\((?:#a[0-9]{1,6}|image[0-9]{1,5}\.(?:jpg|png|gif|svg))\)"
_PIECES: Final = re.compile(
    rf"(?P<reference>{_REFERENCE})|(?P<function>-?[a-zA-Z][a-zA-Z0-9-]*)\(|(?P<word>-?[a-zA-Z][a-zA-Z0-9-]*)"
    rf'|(?P<hash>{_TABLE["hash"]})|(?P<number>[-+]?[0-9.]+[-+.0-9a-zA-Z%]*)|(?P<string>"[^"\\<&]*")'
    r"|[ ,/)*+-]"
)
_FONT_LIST: Final = re.compile(r'(?:^| )(?:"[^"]*"|[a-z-]+)(?:,(?:"[^"]*"|[a-z-]+))*$')
_ELEMENTS: Final = frozenset({"html", "body", "*"}).union(
    *(
        names.split()
        for each in ("html", "svg")
        for names in (tables.load(each)["plain"], *tables.load(each)["elements"])
    )
)
_COMPOUND: Final = re.compile(
    rf"(?P<element>[a-zA-Z][a-zA-Z0-9]*|\*)?"
    rf"(?:\.c[0-9]{{1,6}}|#a[0-9]{{1,6}}|::?(?:{_STATES})(?![a-z-])|:(?:{_COUNTING})\({_TABLE['nth']}\))*"
)
_RULE: Final = re.compile(r"(?P<selectors>[^{}]+)\{(?P<declared>[^{}]+)\}")
_CONDITION: Final = re.compile(r"@media ([^{}]+)\{")
_ASKED: Final = re.compile(r"[a-z][a-z0-9-]*|[-+0-9.]+[a-z%]*|[ ():,/]")


def verify_sheet(sheet: str) -> None:
    """Read a sheet.

    Raises:
        Residue: something that the table does not list, or in another form.
    """
    depth = 0
    if sheet and not sheet.endswith("\n"):
        raise Residue
    for line in sheet.split("\n")[:-1]:
        asked = _CONDITION.fullmatch(line)
        rule = _RULE.fullmatch(line)
        if asked is not None:
            depth += 1
            _verify_condition(asked[1])
        elif line == "}":
            depth -= 1
        elif rule is not None:
            if rule["selectors"] != "@page":
                _verify_selectors(rule["selectors"])
            verify_declarations(rule["declared"])
        else:
            raise Residue
        if not 0 <= depth <= _TABLE["deepest"]:
            raise Residue
    if depth:
        raise Residue


def verify_declarations(declared: str) -> None:
    """Read what a "style" attribute says.

    Raises:
        Residue: something that the table does not list, or in another form.
    """
    for declaration in _split(declared):
        name, _, value = declaration.removesuffix(" !important").partition(":")
        if name not in _PROPERTIES:
            raise Residue
        if name == "font-family":
            verify_fonts(value)
        elif name == "font":
            fonts = _FONT_LIST.search(value)
            if fonts is None:
                raise Residue
            verify_value(value[: fonts.start()])
            verify_fonts(fonts[0].lstrip(" "))
        else:
            verify_value(value, strings=name in {"content", "quotes"})


def verify_value(value: str, *, strings: bool = False) -> None:
    """Read the value of a property.

    Raises:
        Residue: a piece of it is none of the table's.
    """
    position = 0
    while position < len(value):
        piece = _PIECES.match(value, position)
        if piece is None:
            raise Residue
        found = piece[piece.lastgroup] if piece.lastgroup else ""
        if (
            (piece.lastgroup == "function" and found not in _FUNCTIONS)
            or (piece.lastgroup == "word" and found not in _WORDS)
            or (piece.lastgroup == "number" and _NUMBER.fullmatch(found) is None)
            or (piece.lastgroup == "string" and not (strings and _SHOWN.fullmatch(found[1:-1])))
        ):
            raise Residue
        position = piece.end()


def verify_fonts(fonts: str) -> None:
    """Read a list of fonts.

    Raises:
        Residue: one of them is none of those that many have.
    """
    for font in fonts.split(","):
        if font not in _WORDS and not (font[:1] == font[-1:] == '"' and font[1:-1] in _FONTS):
            raise Residue


def _split(declared: str) -> list[str]:
    """At semicolons, except those in a string."""
    return re.findall(r'(?:[^;"]|"[^"]*")+', declared) if '"' in declared else declared.split(";")


def _verify_selectors(selectors: str) -> None:
    for compound in re.split(r"[ ,>+~](?![^()]*\))", selectors):
        found = _COMPOUND.fullmatch(compound)
        if not compound or found is None or (found["element"] is not None and found["element"] not in _ELEMENTS):
            raise Residue


def _verify_condition(asked: str) -> None:
    pieces = _ASKED.findall(asked)
    if "".join(pieces) != asked:
        raise Residue
    for piece in pieces:
        if not (piece in _MEDIA or piece in " ():,/" or _NUMBER.fullmatch(piece)):
            raise Residue
