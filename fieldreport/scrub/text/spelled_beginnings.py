"""Whether bytes that were found spelled out in a text are a picture, by more than their first ones, and where it ends.

Nothing is decoded: the marks that every reader of a format goes by are followed for a step or two. By chance they stand
in one of some 10^11 places of random bytes.
"""

from __future__ import annotations

import re
from typing import Final, Literal

MAGICS: Final = (
    b"\xff\xd8\xff", b"\x89PNG\r\n\x1a\n", b"GIF87a", b"GIF89a", b"RIFF", b"II*\0", b"MM\0*", b"%PDF-1", b"PK\3\4",
    b"OggS\0", b"fLaC\0", b"ID3", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"\x1a\x45\xdf\xa3",
)  # fmt: skip
"""How files begin that are cleaned, or go, where they are spelled out."""

# ITU-T T.81 (B.1.1.3): what stands between the start of a picture and its first scan.
_SEGMENT: Final = frozenset({0xC4, 0xDB, 0xDD, 0xFE, *range(0xC0, 0xC3), *range(0xE0, 0xF0)})
_SCAN: Final = 0xDA
_APPLICATION: Final = 0xE0  # and above: segments that begin with a name
_SAID: Final = (b"JFIF\0", b"Exif\0", b"http://ns.adobe.com/", b"ICC_PROFILE\0", b"Photoshop 3.0\0")
_WEBP: Final = re.compile(rb"RIFF.{4}(?:WEBPVP8[ LX]|WAVE|AVI )", re.DOTALL)
_GIF: Final = re.compile(rb"GIF8[79]a.{4}.\0?", re.DOTALL)
_SVG: Final = re.compile(rb"<svg[\s>]|<\?xml[\s]")
_FTYP: Final = re.compile(rb"\0\0\0[\x08-\x60]ftyp[A-Za-z0-9 ]{4}")
_OTHER: Final = re.compile(
    rb"%PDF-1\.\d|PK\x03\x04[\x0a\x14\x2d]\0.[\x00\x08].[\x08\0]|OggS\0[\x02\x06]\0{4}|fLaC\0\0\0\x22|ID3[\x02-\x04]\0[\0\x40\x80]"
    rb"|\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1|\x1a\x45\xdf\xa3[\x80-\xff\x01].{0,60}(?:webm|matroska)",
    re.DOTALL,
)


def is_picture(data: bytes) -> bool:
    """Whether it is one, or another file that is cleaned or goes."""
    if data.startswith(b"\xff\xd8\xff"):
        return _is_jpeg(data)
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return data[12:16] == b"IHDR"
    if data[:4] in {b"II*\0", b"MM\0*"}:
        return _is_tiff(data)
    return any(pattern.match(data) is not None for pattern in (_WEBP, _GIF, _SVG, _FTYP, _OTHER))


def _is_jpeg(data: bytes) -> bool:
    """The second segment begins where the first one says that it ends, or is cut off and the first one has a name."""
    marker, length = int.from_bytes(data[3:4], "big"), int.from_bytes(data[4:6], "big")
    following = data[4 + length : 6 + length]
    if marker not in _SEGMENT or length < 2 or (marker >= _APPLICATION and marker != 0xFE and not data[6:9].isalpha()):
        return False
    if len(following) < 2:
        return data[6:].startswith(_SAID)
    return following[0] == 0xFF and (following[1] in _SEGMENT or following[1] in {_SCAN, 0xFF})


def _is_tiff(data: bytes) -> bool:
    """Its first directory, where it says that it is, begins with a tag of a known kind; or lies behind what is left."""
    order: Literal["little", "big"] = "little" if data[:1] == b"I" else "big"
    start = int.from_bytes(data[4:8], order)
    count, kind = (int.from_bytes(data[place : place + 2], order) for place in (start, start + 4))
    return start >= 8 and (1 <= count <= 512 and 1 <= kind <= 13 if start + 6 <= len(data) else start < len(data) * 4)


def whole(data: bytes) -> int | None:
    """How many bytes a picture at the beginning has, if it ends in them and its format says where."""
    if data.startswith(b"\xff\xd8\xff"):
        return _jpeg_end(data)
    end = -1
    if data.startswith(b"\x89PNG"):
        end = data.find(b"\0\0\0\0IEND\xae\x42\x60\x82") + 12
        return end if end >= 12 else None
    if data.startswith(b"GIF8"):
        return len(data) if data.endswith(b"\0;") else None
    if data.startswith(b"RIFF"):
        end = int.from_bytes(data[4:8], "little") + 8
    elif data[4:8] == b"ftyp":
        end = 0
        while end + 8 <= len(data) and (size := int.from_bytes(data[end : end + 4], "big")) >= 8:
            end += size
    return end if 0 < end <= len(data) else None


def _jpeg_end(data: bytes) -> int | None:
    position = 2
    while position + 4 <= len(data) and data[position] == 0xFF and data[position + 1] != _SCAN:
        position += 1 if data[position + 1] == 0xFF else 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    end = data.find(b"\xff\xd9", position)
    return end + 2 if end >= 0 else None
