"""Style sheets of drawings: rules and declarations of an allowlist, nothing imported, nothing addressed.

Only plain rules are understood: a list of selectors of elements, classes and names, and declarations. At-rules go, and
with them fonts and imports. A value may refer to something in the drawing, by ``url(#name)``, and to nothing else.
"""

from __future__ import annotations

import re
from typing import Final

from PIL import ImageColor

from fieldreport.scrub.documents import tables
from fieldreport.scrub.verdicts import Removed

_TABLE: Final = tables.load("svg")
PROPERTIES: Final = frozenset(_TABLE["properties"])
REFERENCE: Final = re.compile(r"""url\(\s*(["']?)#([^"'()]+)\1\s*\)""")
_COMMENT: Final = re.compile(r"/\*.*?\*/|<!--|-->", re.DOTALL)
_SELECTOR: Final = re.compile(
    r"(?:[\w-]++|\*)?(?:[.#][\w-]++)*+(?:[\s>+~]++(?:[\w-]++|\*)?(?:[.#][\w-]++)*+)*+"  # possessive: linear
)
_NAMES: Final = re.compile(r"""[\w\s.,\-"']*""")  # of fonts: whatever they are called
_BETWEEN: Final = re.compile(r"[\s,()/]+")
_NUMBER: Final = re.compile(
    r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?(?:%|px|pt|pc|em|ex|rem|mm|cm|in|deg|rad|grad|turn)?|#[0-9a-f]{3,8}|!important",
    re.IGNORECASE,
)
_WORDS: Final = frozenset(_TABLE["words"]["properties"]) | ImageColor.colormap.keys()


def rules(untrusted: str, removed: set[Removed]) -> list[tuple[str, str]]:
    """Selectors and declarations of each rule that is understood."""
    text = _COMMENT.sub("", untrusted)
    if text != untrusted:
        removed.add(Removed.COMMENTS)
    found = []
    for rule in text.split("}"):
        before, _, declared = rule.rpartition("{")
        selectors = " ".join(before.split())
        kept = declarations(declared, removed)
        if kept and selectors and all(_SELECTOR.fullmatch(each.strip()) for each in selectors.split(",")):
            found.append((selectors, kept))
    return found


def declarations(untrusted: str, removed: set[Removed]) -> str:
    """The declarations of known properties with plain values."""
    kept = []
    for declaration in _COMMENT.sub("", untrusted).split(";"):
        name, _, text = declaration.partition(":")
        name = name.strip().lower()
        found = value(name, text.strip(), removed) if name in PROPERTIES else None
        if found:
            kept.append(f"{name}:{found}")
        elif "url" in text.lower():
            removed.add(Removed.LINKS)
    return ";".join(kept)


def value(name: str, untrusted: str, removed: set[Removed]) -> str | None:
    """What a property may be: numbers, colours, words of the format, things in the drawing.

    An address outside becomes "none", for that is what a viewer would draw.
    """
    rest = REFERENCE.sub("", untrusted)
    if "\\" not in untrusted and "url" in rest.lower():
        removed.add(Removed.LINKS)
        return "none"
    if name == "font-family":
        return " ".join(untrusted.split()) if _NAMES.fullmatch(untrusted) else None
    words = [word for word in _BETWEEN.split(rest) if word]
    known = all(word.lower() in _WORDS or _NUMBER.fullmatch(word) for word in words)
    return " ".join(untrusted.split()) if known else None
