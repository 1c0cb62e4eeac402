"""What programs draw otherwise when an older one made a drawing or slides, said in the document itself.

LibreOffice goes by the name of the program in ``meta.xml``, which goes. Before OpenOffice 3.4 and LibreOffice 4.1 no
frame around a chart or another object was filled or had a line, whatever its style said; before LibreOffice 7 the
angles of gradients were in tenths of degrees, against the standard (ODF 1.2, part 1, 19.112).
"""

from __future__ import annotations

import re
from typing import Final

from lxml import etree

from fieldreport.scrub.documents.markup import Element
from fieldreport.scrub.documents.opendocument.namespaces import DRAW, OFFICE, STYLE
from fieldreport.scrub.documents.opendocument.part import Part

# Programs made from OpenOffice name its build: 680 is 2.x, 300 to 330 are 3.0 to 3.3.
_BARE_OBJECTS: Final = re.compile(
    rb"<meta:generator>(?:[^<]*OpenOffice\.org_project/(?:6\d\d|3[0-3]\d)m|OpenOffice\.org/[1-3]|LibreOffice/(?:3|4\.0)\b)"
)
_TENTHS: Final = re.compile(rb"<meta:generator>(?:[^<]*OpenOffice\.org_project/|OpenOffice|LibreOffice/[3-6]\b)")
_ANGLE: Final = re.compile(r"-?\d{1,5}")
_NAME: Final = f"{DRAW}style-name"


def settle(part: Part, meta: bytes) -> None:
    """Say in a part of a drawing or of slides what ``meta``, the member ``meta.xml``, says by naming a program."""
    version = part.root.get(f"{OFFICE}version")
    if version in {"1.0", "1.1"} or (version == "1.2" and _TENTHS.search(meta) is not None):
        for gradient in part.root.iter(f"{DRAW}gradient", f"{DRAW}opacity"):
            if _ANGLE.fullmatch(angle := str(gradient.get(f"{DRAW}angle", ""))):
                gradient.set(f"{DRAW}angle", f"{int(angle) / 10:g}deg")
    if _BARE_OBJECTS.search(meta) is not None:
        _bare_objects(part)


def _bare_objects(part: Part) -> None:
    frames = [frame for each in part.each(f"{DRAW}object") if (frame := each.getparent()) is not None]
    names = {frame.get(_NAME) for frame in frames}
    if not names:
        return
    names -= {each.get(_NAME) for each in part.root.iter() if each.get(_NAME) in names and each not in frames}
    for style in part.each(f"{STYLE}style"):
        if style.get(f"{STYLE}name") in names and style.get(f"{STYLE}family") == "graphic":
            looks = _looks(style)
            looks.set(f"{DRAW}fill", "none")
            looks.set(f"{DRAW}stroke", "none")


def _looks(style: Element) -> Element:
    looks = style.find(f"{STYLE}graphic-properties")
    if looks is None:
        looks = etree.Element(f"{STYLE}graphic-properties")
        style.insert(0, looks)
    return looks
