"""A stranger's HWP 5 document: streams of an OLE compound file, most of them compressed, made of records."""

from __future__ import annotations

import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

import olefile

from fieldreport import limits
from fieldreport.scrub.format import Cleaning, Source
from fieldreport.scrub.verdicts import Bomb, Damaged, Noted, Refusal, Refused, Removed

_SIGNATURE: Final = b"HWP Document File"
_COMPRESSED, _LOCKED, _DISTRIBUTED = 0x1, 0x2, 0x4
_PARAGRAPH, _CONTROL, _PICTURE, _EQUATION, _MEMOS = 67, 71, 85, 88, 93  # tags of records
_DRAWN: Final = frozenset({*range(78, 85), 90, 91, 95})  # lines, shapes, objects, ornamental words, forms, charts
_HIDDEN_REMARK: Final = b"tmct"  # "tcmt", as numbers are stored
_ALONE: Final = {0: "", 10: "\n", 13: "", 24: "-", 30: "\u00a0", 31: " "}  # controls of one unit; others have eight
_ALONE_TOO: Final = frozenset(range(25, 30))
_TAB: Final = 9
_SECTION: Final = re.compile(r"BodyText/Section(\d{1,5})")
_TOLD: Final = {
    "\x05HwpSummaryInformation": {Removed.AUTHOR, Removed.TIME, Removed.SOFTWARE, Removed.DESCRIPTION},
    "PrvImage": {Removed.THUMBNAIL},
    "DocHistory": {Removed.HISTORY},
    "Scripts": {Removed.SCRIPT},
    "XMLTemplate": {Removed.OTHER_METADATA},
    "DocOptions": {Removed.PATHS},
}


@dataclass(slots=True)
class Document:
    """Its paragraphs, and its pictures as they are stored."""

    lines: list[str] = field(default_factory=list)
    pictures: list[bytes] = field(default_factory=list)


def parse(untrusted_source: Source, cleaning: Cleaning) -> Document:
    """Read all sections and pictures.

    Raises:
        Refused: ``encrypted``; ``hangul`` for one that is locked for distribution; ``damaged``, ``bomb``.
    """
    try:
        with olefile.OleFileIO(untrusted_source.file()) as package:
            return _read(_Streams(package, untrusted_source.size, cleaning), cleaning)
    except (OSError, ValueError, LookupError, TypeError, AttributeError, struct.error, RecursionError):
        raise Damaged from None  # what olefile raises


class _Streams:
    def __init__(self, package: olefile.OleFileIO, size: int, cleaning: Cleaning) -> None:
        self._package = package
        self._size = size
        self._cleaning = cleaning
        self.names = ["/".join(path) for path in package.listdir()]
        self.is_compressed = False

    def stored(self, name: str) -> bytes:
        """A stream as it lies in the file."""
        if self._package.get_size(name) > self._size:
            raise Damaged
        return bytes(self._package.openstream(name).read())

    def unpacked(self, name: str) -> bytes:
        """A stream as it was written; of one that is not compressed in a document that is, the same."""
        data = self.stored(name)
        if not self.is_compressed:
            return data
        inflater = zlib.decompressobj(-zlib.MAX_WBITS)
        try:
            unpacked = inflater.decompress(data, limits.SCRUB_WHOLE_BYTES)
        except zlib.error:
            return data
        if inflater.unconsumed_tail:
            raise Bomb
        self._cleaning.spend(len(unpacked))
        return unpacked if inflater.eof else data


def _read(streams: _Streams, cleaning: Cleaning) -> Document:
    header = streams.stored("FileHeader")
    if not header.startswith(_SIGNATURE) or len(header) < 40:
        raise Damaged
    (flags,) = struct.unpack_from("<I", header, 36)
    if flags & _LOCKED:
        raise Refused(Refusal.ENCRYPTED)
    if flags & _DISTRIBUTED:
        raise Refused(Refusal.HANGUL)
    streams.is_compressed = bool(flags & _COMPRESSED)
    for name in streams.names:
        cleaning.removed |= _TOLD.get(name, _TOLD.get(name.partition("/")[0], set()))
    document = Document()
    sections = {int(found[1]): name for name in streams.names if (found := _SECTION.fullmatch(name))}
    for number in sorted(sections):
        document.lines += _lines(streams.unpacked(sections[number]), cleaning)
    for name in sorted(streams.names):
        if name.startswith("BinData/"):
            document.pictures.append(streams.unpacked(name))
    return document


def _lines(data: bytes, cleaning: Cleaning) -> Iterator[str]:
    """The paragraphs of a section; not those of hidden remarks and of memos, which stand at its end."""
    removed = cleaning.removed
    hidden_below: int | None = None
    for tag, level, body in _records(data):
        if hidden_below is not None and level > hidden_below:
            continue
        hidden_below = None
        if tag == _MEMOS:
            removed.add(Removed.COMMENTS)
            return
        if tag == _CONTROL and body[:4] == _HIDDEN_REMARK:
            removed.add(Removed.COMMENTS)
            hidden_below = level
        elif tag == _PARAGRAPH:
            yield _words(body)
        elif tag in _DRAWN:
            removed.add(Removed.DRAWINGS)
        elif tag == _PICTURE and _is_cropped(body):
            cleaning.noted.add(Noted.CROPPED)
        elif tag == _EQUATION and len(body) >= 6:
            (length,) = struct.unpack_from("<H", body, 4)
            yield _words(body[6 : 6 + 2 * length])


def _is_cropped(picture: bytes) -> bool:
    """Whether less is shown of a picture than there is, by more than a hundredth, to which programs round.

    What is shown of it stands behind its frame; how large it is, at the end, where older programs wrote nothing.
    """
    if len(picture) < 68:
        return False
    left, top, right, bottom = struct.unpack_from("<4i", picture, 44)
    width, height = struct.unpack_from("<2I", picture, len(picture) - 8)
    shown = ((left, right, width), (top, bottom, height))
    return any(
        start > max(end, 0) * 0.01 or (end - start < whole * 0.99 and whole < 100 * end) for start, end, whole in shown
    )


def _records(data: bytes) -> Iterator[tuple[int, int, bytes]]:
    """Tag, level and body of each record: ten bits, ten bits, and a length of twelve bits or four bytes."""
    position = 0
    while position + 4 <= len(data):
        (head,) = struct.unpack_from("<I", data, position)
        position += 4
        length = head >> 20
        if length == 0xFFF:
            if position + 4 > len(data):
                raise Damaged
            (length,) = struct.unpack_from("<I", data, position)
            position += 4
        if position + length > len(data):
            raise Damaged
        yield head & 0x3FF, head >> 10 & 0x3FF, data[position : position + length]
        position += length


def _words(body: bytes) -> str:
    """A paragraph in UTF-16, without what stands in it for tables, pictures, fields and other controls."""
    units = struct.unpack(f"<{len(body) // 2}H", body[: len(body) // 2 * 2])
    pieces, start, place = [], 0, 0
    while place < len(units):
        unit = units[place]
        if unit >= 32:
            place += 1
            continue
        pieces.append(body[2 * start : 2 * place])
        pieces.append({**_ALONE, _TAB: "\t"}.get(unit, "").encode("utf-16-le"))
        place += 1 if unit in _ALONE or unit in _ALONE_TOO else 8
        start = place
    pieces.append(body[2 * start : 2 * place])
    return b"".join(pieces).decode("utf-16-le", "replace")
