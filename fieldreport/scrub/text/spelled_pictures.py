"""Pictures that are spelled out in a text in Base64, as in Markdown, exports of chats, tables and saved mails."""

from __future__ import annotations

import base64
import re
from typing import Final

from fieldreport.scrub.format import Cleaning
from fieldreport.scrub.verdicts import Bomb, Refused, Removed

# How JPEG, PNG, GIF, WebP, TIFF and SVG begin in Base64 (RFC 4648); JSON may write a stroke with another before it.
_BEGINNINGS: Final = (r"\\?/9j\\?/", "iVBORw0KGgo", "R0lGOD", "UklGR", "SUkqA", "TU0AKg", "PHN2Zy", "PD94bWwg")
_LETTER: Final = r"(?:[A-Za-z0-9+/]|\\/)"
_NEXT_LINE: Final = r"(?:\n|\\r\\n|\\n)[>| \t]{0,8}"  # quoted in an answer, or as JSON writes it
_PICTURE: Final = re.compile(
    rf"(?P<address>data:image\\?/[\w.+-]{{1,30}};base64,\s?)?(?<![A-Za-z0-9+/\\])"
    rf"(?P<data>(?:{'|'.join(_BEGINNINGS)}){_LETTER}{{57,}}+"
    rf"(?:{_NEXT_LINE}{_LETTER}{{57,}}+)*+(?:{_NEXT_LINE}{_LETTER}{{1,80}}+)?={{0,2}}+)(?![A-Za-z0-9+/])"
)
_LINE_ENDS: Final = re.compile(r"\\[rn]|[\\>|\s]")


def cleaned(text: str, cleaning: Cleaning, *, addresses: bool = True) -> str:
    """The text with each picture cleaned, as an address that holds it; of one that cannot be, an address of nothing.

    ``addresses``: whether those that are addresses already are cleaned, too.

    Raises:
        Bomb: one is one.
    """
    # Quick: a photo by its beginning, any other by the address, the mail, the JSON or the table around it.
    if not ("/9j" in text or "iVBORw0KGgo" in text or "base64" in text or '":' in text or '","' in text):
        return text

    def picture(found: re.Match[str]) -> str:
        return found[0] if found["address"] and not addresses else _picture(found["data"], cleaning)

    return _PICTURE.sub(picture, text)


def _picture(spelled: str, cleaning: Cleaning) -> str:
    """A cleaned picture as an address that holds it; of one that cannot be cleaned an address that holds nothing."""
    said = _LINE_ENDS.sub("", spelled).rstrip("=")
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
