"""The picture in a metafile of Windows (EMF, EMF+, WMF): what screenshots and photos become on the way through it.

Nothing here draws. A metafile that shows a bitmap over most of its frame gives that; one of lines and words gives
nothing. Sources: Microsoft, [MS-EMF], [MS-EMFPLUS], [MS-WMF].
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from fieldreport import limits
from fieldreport.scrub.verdicts import Bomb

_PLACEABLE: Final = b"\xd7\xcd\xc6\x9a"
_GZIP: Final = b"\x1f\x8b\x08"  # EMZ, WMZ
_RECORDS: Final = 100_000

# Of the records that hold a bitmap: where its place, what is taken of it, its header and its pixels are said.
_TO_DEVICE, _STRETCH, _COMMENT = 80, 81, 70
_EMF_BITMAPS: Final = {76: (84, 0), 77: (84, 100), 114: (84, 100), _TO_DEVICE: (48, 40), _STRETCH: (48, 40)}
# Records that draw lines, areas and words.
_EMF_DRAWS: Final = frozenset(
    {*range(2, 9), 15, *range(41, 48), *range(53, 57), *range(62, 65), *range(71, 75), 78, 79, 83, 84, *range(85, 93)}
    | {96, 97, 108, 116, 118}
)
_PLUS_OBJECT, _PLUS_IMAGE, _PLUS_CONTINUES = 0x4008, 5, 0x8000
_PLUS_DRAWS: Final = frozenset({*range(0x400A, 0x401A), 0x401C, 0x4036, 0x4037})
_WMF_BITMAPS: Final = {0x0F43: 22, 0x0B41: 20, 0x0940: 16, 0x0D33: 18}  # where the bitmap begins
_WMF_DRAWS: Final = frozenset(
    {0x0213, 0x0228, 0x012A, 0x012B, 0x0324, 0x0325, 0x0418, 0x0419, 0x041B, 0x041F, 0x0521, 0x0538, 0x0548}
    | {0x061C, 0x061D, 0x0817, 0x081A, 0x0830, 0x0A32, 0x0922, 0x0B23}
)
_COVERS: Final = 0.5  # of the frame: less is a sign in a drawing
_COMPRESSED: Final = frozenset({4, 5})  # JPEG and PNG in a bitmap's place


@dataclass(slots=True)
class _Found:
    """What a metafile shows: its bitmaps with their pixels and the share of the frame that each of them covers."""

    bitmaps: list[tuple[int, float, bytes]] = field(default_factory=list)
    draws_more: bool = False
    is_cropped: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """A picture, whether the metafile draws more than it, and whether it shows less than all of it."""

    picture: bytes
    draws_more: bool
    is_cropped: bool


def picture_in(untrusted: bytes) -> Shown | None:
    """The bitmap that a metafile shows over most of its frame; None where it is none or shows no such thing.

    Raises:
        Bomb: one that is packed unpacks to more than ``limits.SCRUB_WHOLE_BYTES``.
    """
    try:
        untrusted = _unpacked(untrusted)
        found = _Found()
        if untrusted[:4] == b"\1\0\0\0" and untrusted[40:44] == b" EMF":
            _read_emf(untrusted, found)
        elif untrusted.startswith(_PLACEABLE) or untrusted[:4] in {b"\1\0\x09\0", b"\2\0\x09\0"}:
            _read_wmf(untrusted, found)
    except (struct.error, zlib.error):
        return None
    # Twice the same, for old programs and for new ones, is one: the one of more pixels.
    best = max(found.bitmaps, default=None, key=lambda each: (each[1] >= _COVERS, each[0]))
    more = found.draws_more or any(each is not best and each[1] < _COVERS for each in found.bitmaps)
    if best is None or (more and best[1] < _COVERS):
        return None
    return Shown(picture=best[2], draws_more=more, is_cropped=found.is_cropped)


def _unpacked(untrusted: bytes) -> bytes:
    if not untrusted.startswith(_GZIP):
        return untrusted
    inflater = zlib.decompressobj(16 + zlib.MAX_WBITS)
    unpacked = inflater.decompress(untrusted, limits.SCRUB_WHOLE_BYTES)
    if inflater.unconsumed_tail:
        raise Bomb
    return unpacked


def _read_emf(data: bytes, found: _Found) -> None:
    frame = struct.unpack_from("<4i", data, 8)
    plus: list[bytes] = []
    for kind, start, end in _records(data):
        if kind in _EMF_BITMAPS:
            bitmap, taken = _EMF_BITMAPS[kind]
            header_at, header_size, bits_at, bits_size = struct.unpack_from("<4I", data, start + bitmap)
            if not bits_size:
                found.draws_more = True  # an area in one colour
                continue
            if max(header_at + header_size, bits_at + bits_size) > end - start:
                continue
            header = data[start + header_at : start + header_at + header_size]
            bits = data[start + bits_at : start + bits_at + bits_size]
            place = struct.unpack_from("<4i", data, start + 8)
            sides = struct.unpack_from("<2i", data, start + taken) if taken else ()
            _add(found, header, bits, _share(place, frame), sides)
        elif kind == _COMMENT and data[start + 12 : start + 16] == b"EMF+":
            plus.append(data[start + 16 : start + 12 + int.from_bytes(data[start + 8 : start + 12], "little")])
        elif kind in _EMF_DRAWS:
            found.draws_more = True
    _read_plus(b"".join(plus), found)


def _records(data: bytes) -> Iterator[tuple[int, int, int]]:
    position = 0
    for _ in range(_RECORDS):
        if position + 8 > len(data):
            return
        kind, size = struct.unpack_from("<2I", data, position)
        if size < 8 or position + size > len(data):
            return
        yield kind, position, position + size
        position += size


def _read_plus(data: bytes, found: _Found) -> None:
    """The same drawing for programs that know GDI+: its pictures are often still packed as they once were."""
    position, image, draws_more = 0, bytearray(), False
    pictures = []
    for _ in range(_RECORDS):
        if position + 12 > len(data):
            break
        kind, flags, size, length = struct.unpack_from("<2H2I", data, position)
        if size < 12 or length > size - 12:
            break
        if kind == _PLUS_OBJECT and flags >> 8 & 0x7F == _PLUS_IMAGE:
            begins = 4 * bool(flags & _PLUS_CONTINUES)  # the length of the whole comes first
            image += data[position + 12 + begins : position + 12 + length]
            if not flags & _PLUS_CONTINUES or (
                len(image) >= int.from_bytes(data[position + 12 : position + 16], "little")
            ):
                pictures.append(bytes(image))
                image.clear()
        elif kind in _PLUS_DRAWS:
            draws_more = True
        position += size
    if len(pictures) != 1 or draws_more:
        found.draws_more = found.draws_more or bool(pictures)
        return
    picture = pictures[0]
    kind, width, height, _, _, packed = struct.unpack_from("<6I", picture, 4)
    if kind == 1 and packed == 1:
        found.bitmaps.append((max(width * height, 1), 1.0, picture[28:]))


def _read_wmf(data: bytes, found: _Found) -> None:
    position = 18 + 22 * data.startswith(_PLACEABLE)
    frame, bitmaps = (0, 0), []
    for _ in range(_RECORDS):
        if position + 6 > len(data):
            break
        size, kind = struct.unpack_from("<IH", data, position)
        end = position + 2 * size
        if size < 3 or end > len(data):
            break
        if kind == 0x020C:
            height, width = struct.unpack_from("<2h", data, position + 6)
            frame = abs(width), abs(height)
        elif kind in _WMF_BITMAPS and end - position > _WMF_BITMAPS[kind] + 46:
            bitmaps.append((kind, data[position + 6 : end]))
        elif kind in _WMF_DRAWS:
            found.draws_more = True
        position = end
    for kind, said in bitmaps:
        bitmap = said[_WMF_BITMAPS[kind] :]
        header = bitmap[: _header_size(bitmap)]
        placed = {0x0F43: 14, 0x0B41: 12, 0x0940: 8, 0x0D33: 10}[kind]
        height, width = struct.unpack_from("<2h", said, placed)
        taken = struct.unpack_from("<2h", said, {0x0F43: 6, 0x0B41: 4}[kind]) if kind in {0x0F43, 0x0B41} else ()
        share = _share((0, 0, abs(width) - 1, abs(height) - 1), (0, 0, frame[0] - 1, frame[1] - 1))
        _add(found, header, bitmap[len(header) :], share if frame[0] else 1.0, taken[::-1])


def _header_size(bitmap: bytes) -> int:
    """Of a bitmap's header with its masks and its colours."""
    size = int.from_bytes(bitmap[:4], "little")
    if size < 40:
        return size
    bits, packing = struct.unpack_from("<HI", bitmap, 14)
    (colours,) = struct.unpack_from("<I", bitmap, 32)
    colours = colours or (1 << bits if bits <= 8 else 0)
    return size + (12 if packing == 3 and size == 40 else 0) + 4 * min(int(colours), 256)


def _share(place: tuple[int, ...], frame: tuple[int, ...]) -> float:
    def area(box: tuple[int, ...]) -> int:
        return max(0, box[2] - box[0] + 1) * max(0, box[3] - box[1] + 1)

    return area(place) / max(1, area(frame))


def _add(found: _Found, header: bytes, bits: bytes, share: float, taken: tuple[int, ...]) -> None:
    if len(header) < 40:
        return
    width, height = struct.unpack_from("<2i", header, 4)
    (packing,) = struct.unpack_from("<I", header, 16)
    if taken and share >= _COVERS and (abs(taken[0]) < 0.99 * abs(width) or abs(taken[1]) < 0.99 * abs(height)):
        found.is_cropped = True
    file = bits if packing in _COMPRESSED else b"BM" + struct.pack(
        "<IHHI", 14 + len(header) + len(bits), 0, 0, 14 + len(header)
    ) + header + bits  # fmt: skip
    found.bitmaps.append((abs(width * height), share, file))
