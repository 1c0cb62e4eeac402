"""Decoding a text and writing it as UTF-8 without copy marks.

A picture that is spelled out in it in Base64, as in Markdown, exports of chats and tables, is cleaned like any other.
"""

from __future__ import annotations

import base64
import re
from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.text import encoding, encodings, invisible
from fieldreport.scrub.verdicts import Bomb, Refused, Removed

# How JPEG, PNG, GIF, WebP, BMP, TIFF and SVG begin in Base64 (RFC 4648).
_BEGINNINGS: Final = ("/9j/", "iVBORw0KGgo", "R0lGOD", "UklGR", "SUkqA", "TU0AKg", "PHN2Zy", "PD94bWwg")
_PICTURE: Final = re.compile(
    rf"(?:data:image/[\w.+-]{{1,30}};base64,\s?)?(?<![A-Za-z0-9+/])((?:{'|'.join(_BEGINNINGS)})[A-Za-z0-9+/]{{57,}}+"
    r"(?:\n[ \t]?[A-Za-z0-9+/]{57,}+)*+(?:\n[ \t]?[A-Za-z0-9+/]{1,80}+)?={0,2}+)(?![A-Za-z0-9+/])"
)


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """Text in, UTF-8 out."""
    text = encoding.decode_for(cleaning, untrusted_source.whole(limits.TEXT_BYTES))
    if all(cleaning.options.reread):
        text = encodings.reread(text, *cleaning.options.reread)
    text, marked = invisible.unmark(text)
    # Quick: a photo by its beginning, any other by the address, the mail, the JSON or the table around it.
    if "/9j/" in text or "iVBORw0KGgo" in text or "base64" in text or '":' in text or '","' in text:
        text = _PICTURE.sub(lambda found: _picture(found[1], cleaning), text)
    if cleaning.rename is not None:
        text, _ = invisible.unmark(cleaning.rename(text))
    if marked:
        cleaning.removed.add(Removed.COPY_MARKS)
    # A file of nothing but marks is still an answer: one empty line.
    sink.write((text or "\n").encode("utf-8"))
    return "text/plain"


def _picture(spelled: str, cleaning: Cleaning) -> str:
    """A cleaned picture as an address that holds it; of one that cannot be cleaned an address that holds nothing."""
    said = "".join(spelled.split()).rstrip("=")
    try:
        picture = cleaning.embedded(base64.b64decode(said[: len(said) - (len(said) % 4 == 1)] + "=="))
    except Bomb:
        raise
    except Refused:
        cleaning.removed.add(Removed.DRAWINGS)
        return "data:,"
    if not picture.media_type.startswith("image/"):
        cleaning.removed.add(Removed.EMBEDDED_FILE)
        return "data:,"
    return f"data:{picture.media_type};base64,{base64.b64encode(picture.data).decode('ascii')}"


def warm() -> None:
    """Load every codec."""
    encoding.warm()
