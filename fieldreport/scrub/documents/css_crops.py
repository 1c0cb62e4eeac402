"""Pictures of which a style sheet shows only a part: what lies outside is still in the file.

A style is asked for what cuts: a path, a box that hides what does not fit in, a picture that covers its place. Of a
selector only the last step is looked at, so that rather too much is told than too little.
"""

from __future__ import annotations

import re
from collections.abc import Collection
from typing import Final, NamedTuple, cast

from lxml import etree

from fieldreport.scrub.documents.markup import Element, split

_COMMENT: Final = re.compile(r"/\*.*?(?:\*/|\Z)", re.DOTALL)
_RULE: Final = re.compile(r"([^{}@;]+)\{([^{}]*)\}")
_LAST_STEP: Final = re.compile(r"[\w.#*\\-]+(?:\[[^\]]*\])*(?::[\w():-]*)?\s*$")
_PART: Final = re.compile(r"([.#]?)((?:[\w-]|[^\x00-\x7f])+)")
_MAY_CUT: Final = re.compile(r"clip|mask|object-fit|overflow|cover", re.IGNORECASE)
_CUTS: Final = re.compile(
    r"(?<![\w-])(?:(?:-webkit-)?(?:clip-path|mask|mask-image)|clip)\s*:(?!\s*(?:none|auto|inherit|initial|unset)\b)"
    r"|(?<![\w-])object-fit\s*:\s*(?:cover|none)\b",
    re.IGNORECASE,
)
_HIDES_THE_REST: Final = re.compile(r"(?<![\w-])overflow(?:-[xy])?\s*:\s*(?:hidden|clip)\b", re.IGNORECASE)
_SIZED: Final = re.compile(
    r"(?<![\w-])(?:max-)?(?:height|width)\s*:\s*(?!100%)[0-9.]+(?:%|[a-z]+)|(?<![\w-])aspect-ratio\s*:", re.IGNORECASE
)
_COVERED: Final = re.compile(r"(?<![\w-])background(?:-size)?\s*:[^;]*\bcover\b", re.IGNORECASE)
_BACKGROUND: Final = re.compile(r"(?<![\w-])background(?:-image)?\s*:[^;]*\burl\(", re.IGNORECASE)

_STYLES: Final = etree.XPath("descendant-or-self::*/@style")


class Step(NamedTuple):
    """What an element has to be so that a selector's last step means it."""

    tag: str
    names: frozenset[str]
    classes: frozenset[str]


_COVERS: Final = Step("*", frozenset(), frozenset())  # a picture behind the page's words
_PAGE: Final = frozenset({"html", "body"})  # which hide what does not fit in so that nobody scrolls


def may_cut(text: str) -> bool:
    """Whether a page, or a sheet, says anything that could: a quick look."""
    return _MAY_CUT.search(text) is not None


def cutting(sheet: str) -> frozenset[Step]:
    """What a style sheet cuts, by the last steps of its selectors."""
    if not may_cut(sheet):
        return frozenset()
    steps: set[Step] = set()
    for selectors, declared in _RULE.findall(_COMMENT.sub("", sheet)):
        if _is_covered(declared):
            steps.add(_COVERS)
        if _is_cut(declared):
            steps.update(map(_step, selectors.split(",")))
    return frozenset(step for step in steps if any(step) and step.tag not in _PAGE)


def crops_pictures(root: Element, steps: Collection[Step], pictures: Collection[str]) -> bool:
    """Whether a picture of a page may be shown in part only.

    ``steps``: of its sheets (``cutting``). ``pictures``: local names of the elements that are one.
    """
    if _COVERS in steps:
        return True
    # Asked of libxml2, because most elements of a page have neither a style nor a picture.
    if any(map(_is_covered, cast("list[str]", _STYLES(root)))):
        return True
    seen: set[Element] = set()
    for node in root.iter(*(f"{{*}}{name}" for name in pictures)):
        for around in (node, *node.iterancestors()):
            if around in seen:
                break
            seen.add(around)
            if split(str(around.tag))[1] in _PAGE:
                continue
            if _is_cut(str(around.get("style", ""))) or any(_is_meant(around, step) for step in steps):
                return True
    return False


def _is_covered(declared: str) -> bool:
    return _COVERED.search(declared) is not None and _BACKGROUND.search(declared) is not None


def _is_cut(declared: str) -> bool:
    if not declared or _MAY_CUT.search(declared) is None:
        return False
    return _CUTS.search(declared) is not None or (
        _HIDES_THE_REST.search(declared) is not None and _SIZED.search(declared) is not None
    )


def _step(selector: str) -> Step:
    found = _LAST_STEP.search(selector)
    parts = _PART.findall("" if found is None else re.split(r"[:\[]", found[0])[0])
    return Step(
        tag=next((name.lower() for kind, name in parts if not kind), ""),
        names=frozenset(name for kind, name in parts if kind == "#"),
        classes=frozenset(name for kind, name in parts if kind == "."),
    )


def _is_meant(node: Element, step: Step) -> bool:
    return (
        (not step.tag or split(str(node.tag))[1].lower() == step.tag)
        and step.names <= {str(node.get("id", ""))}
        and step.classes <= {*str(node.get("class", "")).split()}
    )
