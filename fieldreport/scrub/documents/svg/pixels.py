"""A cleaned drawing as pixels: the strong way to clean one.

Drawn by resvg, which has no script, no network and no files, in the locked child like every decoder. The shapes of
letters would come from the system's fonts, which are out of reach, so a drawing with text is refused rather than drawn
without it, unless its letters are shown beside it.
"""

from __future__ import annotations

import re
from typing import Final

import resvg_py

from fieldreport import limits
from fieldreport.scrub.documents import markup
from fieldreport.scrub.documents.markup import Element
from fieldreport.scrub.images import codecs
from fieldreport.scrub.verdicts import Damaged, Refusal, Refused

_LENGTH: Final = re.compile(r"\s*([0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)\s*(px|pt|pc|mm|cm|in)?\s*")
_UNITS: Final = {None: 1.0, "px": 1.0, "pt": 4 / 3, "pc": 16.0, "mm": 96 / 25.4, "cm": 96 / 2.54, "in": 96.0}


def drawn(cleaned: bytes, side: int = limits.SVG_PIXEL_SIDE, *, letters: bool = True) -> bytes:
    """PNG of a cleaned drawing, its longer side of so many pixels.

    ``letters``: whether those in it have to be seen; if not, they are missing.

    Raises:
        Refused: ``letters`` when there is text that has to be seen, ``not-strong`` when it does not say how large it
            is, ``damaged``.
    """
    root = markup.parse_own(cleaned)
    namespace = str(root.tag).removesuffix("svg")
    if letters and any("".join(map(str, text.itertext())).strip() for text in root.iter(f"{namespace}text")):
        raise Refused(Refusal.LETTERS)
    width, height = _size(root)
    scale = side / max(width, height)
    if root.get("viewBox") is None:
        root.set("viewBox", f"0 0 {width:g} {height:g}")
    root.set("width", str(max(1, round(width * scale))))
    root.set("height", str(max(1, round(height * scale))))
    with codecs.any_error_is_damage():
        return resvg_py.svg_to_bytes(svg_string=markup.serialise(root).decode(), skip_system_fonts=True)


def _size(root: Element) -> tuple[float, float]:
    """What the drawing says of its size, or the part of its plane that it shows (SVG 2, 8.2 and 8.6)."""
    found = [_LENGTH.fullmatch(str(root.get(name, ""))) for name in ("width", "height")]
    if found[0] is not None and found[1] is not None:
        size = float(found[0][1]) * _UNITS[found[0][2]], float(found[1][1]) * _UNITS[found[1][2]]
    else:
        box = str(root.get("viewBox", "")).replace(",", " ").split()
        if len(box) != 4:
            raise Refused(Refusal.NOT_STRONG)
        size = float(box[2]), float(box[3])
    if not (0 < size[0] < limits.SVG_LENGTH and 0 < size[1] < limits.SVG_LENGTH):
        raise Damaged
    return size


def warm() -> None:
    """Load what the renderer loads late; at full size it would take as long as everything else that is loaded."""
    drawn(b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 9 9"><path d="M0 0h9v9z" opacity=".5"/></svg>', side=9)
