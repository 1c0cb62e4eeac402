"""Style sheets of drawings: rules and declarations of an allowlist, nothing imported, nothing addressed.

Only plain rules are understood: a list of selectors of elements, classes and names, and declarations. At-rules go, and
with them fonts and imports. A value may refer to something in the drawing, by ``url(#name)``, and to nothing else.
"""

from __future__ import annotations

import re
from typing import Final

from PIL import ImageColor

from fieldreport.scrub.verdicts import Removed

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
_NAMES: Final = re.compile(r"""[\w\s.,\-"']*""")  # of fonts: whatever they are called
_BETWEEN: Final = re.compile(r"[\s,()/]+")
_NUMBER: Final = re.compile(
    r"[-+]?(?:\d+\.?\d*|\.\d+)(?:e[-+]?\d+)?(?:%|px|pt|pc|em|ex|rem|mm|cm|in|deg|rad|grad|turn)?|#[0-9a-f]{3,8}|!important",
    re.IGNORECASE,
)
_WORDS: Final = (
    frozenset(
        """
        none inherit initial unset auto normal currentcolor transparent context-fill context-stroke rgb rgba hsl hsla
        nonzero evenodd butt round square miter miter-clip bevel arcs start middle end inline block visible hidden
        collapse scroll serif italic oblique bold bolder lighter small-caps condensed semi-condensed extra-condensed
        ultra-condensed expanded semi-expanded extra-expanded ultra-expanded xx-small x-small small medium large x-large
        xx-large larger smaller sub super baseline alphabetic ideographic hanging mathematical central text-before-edge
        text-after-edge text-top text-bottom before-edge after-edge no-change use-script reset-size underline overline
        line-through blink ltr rtl embed isolate isolate-override bidi-override plaintext lr rl tb lr-tb rl-tb tb-rl
        horizontal-tb vertical-rl vertical-lr fill stroke markers alpha luminance srgb linearrgb optimizespeed
        optimizequality optimizelegibility geometricprecision crispedges crisp-edges pixelated smooth multiply screen
        overlay darken lighten color-dodge color-burn hard-light soft-light difference exclusion hue saturation color
        luminosity non-scaling-stroke non-scaling-size non-rotation fixed-position pre nowrap pre-wrap pre-line
        break-spaces left right top bottom center solid wavy dotted dashed double path circle
        """.split()  # noqa: SIM905  # as above
    )
    | ImageColor.colormap.keys()
)


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
