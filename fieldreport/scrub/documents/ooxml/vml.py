"""VML as a part of its own: in Excel it draws the pictures of printed headers, controls, and what stands for an object.

The boxes of comments are in the same part, and go.
"""

from __future__ import annotations

import re
from typing import Final

from lxml import etree

from fieldreport.scrub.documents.markup import Element, remove
from fieldreport.scrub.documents.ooxml import drawings
from fieldreport.scrub.documents.ooxml.opc import Kind, PartCleaning, parse

_O: Final = "{urn:schemas-microsoft-com:office:office}"
_V: Final = "{urn:schemas-microsoft-com:vml}"
_X: Final = "{urn:schemas-microsoft-com:office:excel}"
_WRITER: Final = drawings.Writer("vml-page", "vml", "vml-office", "vml-excel")
_BREAK: Final = re.compile(rb"<br\s*/?>", re.IGNORECASE)  # Excel does not end it


def clean(part: PartCleaning, untrusted: bytes) -> bytes:
    """The shapes that are no comment's; nothing when there are none."""
    root = parse(_BREAK.sub(b" ", untrusted))
    for data in list(root.iter(f"{_X}ClientData")):
        shape = data.getparent()
        if data.get("ObjectType") == "Note" and shape is not None and shape is not root:
            remove(shape)
    for image in list(root.iter(f"{_V}imagedata")):
        new = part.related(str(image.get(f"{_O}relid", "")), "image")
        if new is None:
            drawings.drop_lost(image)
        else:
            image.set(f"{_O}relid", new)
    for box in root.iter(f"{_V}textbox"):
        for line in box:
            _flatten(line)
    return _WRITER.write(root, part) if any(each.tag not in _DRAWS_NOTHING for each in root) else b""


_DRAWS_NOTHING: Final = (f"{_V}shapetype", f"{_O}shapelayout")


def _flatten(line: Element) -> None:
    """One line of a box: its words, in the font that it begins with."""
    font = next(line.iter("font"), None)
    words = " ".join("".join(map(str, line.itertext())).split())
    attributes = {} if font is None else {str(key): str(value) for key, value in font.items()}
    for child in list(line):
        line.remove(child)
    line.text = None
    etree.SubElement(line, "font", attributes).text = words


KINDS: Final = {
    "vmlDrawing": Kind(
        name="xl/drawings/vmlDrawing{}.vml",
        content_type="application/vnd.openxmlformats-officedocument.vmlDrawing",
        clean=clean,
    )
}
