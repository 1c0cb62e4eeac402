"""The second reading of a cleaned RTF, with a reader and lists of its own.

What comes out of ours is plain: printable ASCII from the first brace to the last, one starred destination, no binary
data. The lists name what files are known to tell, not what the writer lets through.
"""

from __future__ import annotations

import re
from typing import Final

from fieldreport.scrub import registry
from fieldreport.scrub.format import Source
from fieldreport.scrub.text.tables import NEEDED_NOWHERE
from fieldreport.scrub.verdicts import Residue

_PRINTABLE: Final = re.compile(rb"[\x20-\x7e]+")
_PIECE: Final = re.compile(rb"\\([a-zA-Z]+)(-?\d+)? ?|\\'[0-9a-f]{2}|\\([\\{}~_*-])|[{}]|[^\\{}]+")
_TELLING: Final = re.compile(
    rb".*rsid.*|rev(auth|dttm|tbl|ised|prop|tim).*|.*(author|operator|generator|creatim|printim|buptim).*|info|title|"
    rb"subject|company|manager|category|keywords|comment|doccomm|hlinkbase|atn.*|atrf.*|annotation|bkmk.*|obj.*|template|"
    rb"stylesheet|userprops|docvar|datafield|datastore|filetbl|file.*|mailmerge|private|password.*|protuser.*|xml.*|"
    rb"deleted|v|bin|nonshppict|shp.*|sp|sv|sn|emfblip|wmetafile|macpict|pmmetafile|dibitmap|wbitmap|blip.*|ff.*|"
    rb"formfield|lang.*|deflang.*|cpg?rid|zwbo|zwnbo|htmltag|htmlrtf|fromhtml|include.*|background|chdate|chtime"
)
_SPELLED: Final = rb"\\u-?\d+ \?|\\[\\{}]"  # a character beyond ASCII, or one that means something to RTF
_LINK: Final = re.compile(
    rb'\\field \{\\\*\\fldinst (?:HYPERLINK "https?://(?:%(one)s|[^"@/?# \\{}])+(?:[/?#](?:%(one)s|[^" \\{}])*)?"|'
    rb'(?:EQ|SYMBOL|=)(?:%(one)s|[^\\{}])*|[A-Z]+(?:%(one)s|[^/:"\\{}])*)\}' % {b"one": _SPELLED}
)
_BLIP: Final = re.compile(rb"\\pict (?:\\(png|jpeg)blip )(?:\\pic[a-z]+-?\d+ )*([0-9a-f]*)\}")
_CHARACTER: Final = re.compile(rb"\\u(-?\d+)")


def verify(source: Source, media_type: str) -> None:
    """Read a cleaned text.

    Raises:
        Residue: something that says more than the text shows.
    """
    del media_type
    data = source.whole()
    if not data.startswith(b"{\\rtf1 ") or _PRINTABLE.fullmatch(data) is None:
        raise Residue
    _verify_visible(data)
    depth = position = 0
    while position < len(data):
        match = _PIECE.match(data, position)
        if match is None or (depth == 0 and position):
            raise Residue
        piece = match[0]
        depth += {b"{": 1, b"}": -1}.get(piece, 0)
        if match[3] == b"*":
            _starred(data, position)
        elif match[1] is not None:
            _word(data, position, match[1])
        position = match.end()
    if depth:
        raise Residue


def _verify_visible(data: bytes) -> None:
    """Look for characters that no writing needs. RTF spells characters beyond U+FFFF as two words."""
    units = b"".join((int(number) & 0xFFFF).to_bytes(2, "little") for number in _CHARACTER.findall(data))
    if not NEEDED_NOWHERE.isdisjoint(units.decode("utf-16-le", "replace")):
        raise Residue


def _starred(data: bytes, position: int) -> None:
    if data.startswith(b"\\*\\nesttableprops ", position):
        return
    begin = position - len(b"\\field {")
    if begin < 0 or _LINK.match(data, begin) is None:
        raise Residue


def _word(data: bytes, position: int, word: bytes) -> None:
    if _TELLING.fullmatch(word) is not None:
        raise Residue
    if word == b"pict":
        picture = _BLIP.match(data, position)
        if picture is None:
            raise Residue
        kind = f"image/{picture[1].decode('ascii')}"
        registry.verify(Source.of(bytes.fromhex(picture[2].decode("ascii"))), kind)
