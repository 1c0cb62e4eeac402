"""Style sheets of drawings: rules and declarations of an allowlist, nothing imported, nothing addressed.

Only plain rules are understood: a list of selectors of elements, classes and names, and declarations. At-rules go, and
with them fonts and imports. A value may refer to something in the drawing, by ``url(#name)``, and to nothing else.
"""

from __future__ import annotations

import re
from typing import Final

from fieldreport.scrub.vocabulary import Removed

PROPERTIES: Final = frozenset(
    """
    alignment-baseline baseline-shift clip-path clip-rule color color-interpolation color-interpolation-filters
    direction display dominant-baseline fill fill-opacity fill-rule filter flood-color flood-opacity font-family
    font-size font-stretch font-style font-variant font-weight image-rendering isolation letter-spacing lighting-color
    marker marker-end marker-mid marker-start mask mask-type mix-blend-mode opacity overflow paint-order shape-rendering
    stop-color stop-opacity stroke stroke-dasharray stroke-dashoffset stroke-linecap stroke-linejoin stroke-miterlimit
    stroke-opacity stroke-width text-anchor text-decoration text-rendering transform-origin unicode-bidi vector-effect
    visibility white-space word-spacing writing-mode
    """.split()  # noqa: SIM905  # a list of sixty strings reads worse
)
REFERENCE: Final = re.compile(r"""url\(\s*(["']?)#([^"'()]+)\1\s*\)""")
_COMMENT: Final = re.compile(r"/\*.*?\*/|<!--|-->", re.DOTALL)
_SELECTOR: Final = re.compile(
    r"(?:[\w-]++|\*)?(?:[.#][\w-]++)*+(?:[\s>+~]++(?:[\w-]++|\*)?(?:[.#][\w-]++)*+)*+"  # possessive: linear
)
_PLAIN: Final = re.compile(r"""[\w\s.,#%()+\-*/!"']*""")


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
        found = value(text.strip(), removed) if name in PROPERTIES else None
        if found:
            kept.append(f"{name}:{found}")
        elif "url" in text.lower():
            removed.add(Removed.LINKS)
    return ";".join(kept)


def value(untrusted: str, removed: set[Removed]) -> str | None:
    """A value that addresses nothing outside; "none" instead of one that does, for that is what a viewer would draw."""
    rest = REFERENCE.sub("", untrusted)
    if "\\" not in untrusted and "url" in rest.lower():
        removed.add(Removed.LINKS)
        return "none"
    return " ".join(untrusted.split()) if _PLAIN.fullmatch(rest) is not None else None
