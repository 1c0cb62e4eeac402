"""What a block of picture metadata would say: Exif, XMP and Photoshop blocks to categories of ``Removed``.

Rules: reads, never writes; the blocks themselves are dropped whole by the formats. A block that makes no sense is
still "other metadata". Every loop is bounded, because the blocks are a stranger's. What each tag tells stands in
``metadata.toml``; further source: Adobe Photoshop file formats.
"""

from __future__ import annotations

import re
import struct
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from fieldreport.scrub.isobmff import boxes
from fieldreport.scrub.verdicts import Removed

_ENTRIES: Final = 512  # of one directory; cameras write under a hundred
_EXIF_IFD, _GPS_IFD, _INTEROP_IFD = 0x8769, 0x8825, 0xA005
_ORIENTATION: Final = 0x0112
_EXPOSURE: Final = frozenset({0x829A, 0x829D})  # its time, and the aperture

# Identifiers of boxes that anybody may define.
_XMP_ID: Final = bytes.fromhex("be7acfcb97a942e89c71999491e3afac")
_EXIF_ID: Final = b"JpgTiffExif->JP2"
_PLACE_ID: Final = bytes.fromhex("b14bf8bd083d4b43a5ae8cd7d5a6ce03")  # GeoTIFF
_PICTURE_BOXES: Final = frozenset(
    {b"jP  ", b"ftyp", b"jp2h", b"jp2c", b"rreq", b"JXL ", b"jxll", b"jxlc", b"jxlp", b"jxli", b"jbrd"}
)

_TABLES: Final = tomllib.loads(files(__package__).joinpath("metadata.toml").read_text("utf-8"))


def _by_number(table: Mapping[str, Sequence[int]]) -> Mapping[int, Removed]:
    return MappingProxyType({number: Removed(name) for name, numbers in table.items() for number in numbers})


def _by_pattern(table: Mapping[str, str], flags: int = 0) -> tuple[tuple[re.Pattern[bytes], Removed], ...]:
    return tuple((re.compile(pattern.encode("ascii"), flags), Removed(name)) for name, pattern in table.items())


_TAGS: Final = _by_number(_TABLES["exif"])
_HARMLESS: Final = frozenset(_TABLES["layout"]["exif"] + _TABLES["layout"]["tiff"])
_XMP: Final = _by_pattern(_TABLES["xmp"], re.IGNORECASE)
_IPTC: Final = _by_number(_TABLES["iptc"])
_FILM: Final = _by_pattern(_TABLES["film"])
_CREDENTIALS: Final = _by_pattern(_TABLES["credentials"], re.IGNORECASE)
CREDENTIALS_ID: Final = bytes.fromhex("d8fec3d61b0e483c92975828877ec481")
"""Of the box that holds Content Credentials in a file of boxes (C2PA 2.2, A.5)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Exif:
    """What an Exif block says: ``orientation`` is 1 to 8 (1: upright, also when missing or nonsense).

    ``exposed``: it says how long or with which aperture, so it is of a camera and no scanner's.
    """

    orientation: int
    removed: frozenset[Removed]
    exposed: bool = False


def in_exif(untrusted_tiff: bytes) -> Exif:
    """Read an Exif block, from its TIFF header on (without the six bytes before it)."""
    removed: set[Removed] = set()
    order = {b"II": "<", b"MM": ">"}.get(untrusted_tiff[:2])
    if order is None or len(untrusted_tiff) < 8:
        return Exif(orientation=1, removed=frozenset({Removed.OTHER_METADATA} if untrusted_tiff.strip(b"\0") else ()))
    first: dict[int, int] = {}
    (offset,) = struct.unpack_from(f"{order}I", untrusted_tiff, 4)
    next_offset = _directory(untrusted_tiff, offset, order, first)
    tags = dict(first)
    if _EXIF_IFD in first:
        _directory(untrusted_tiff, first[_EXIF_IFD], order, tags)
    if _GPS_IFD in first:
        gps: dict[int, int] = {}
        _directory(untrusted_tiff, first[_GPS_IFD], order, gps)
        if gps.keys() - {0}:  # the version alone is no place
            removed.add(Removed.LOCATION)
    if next_offset:
        removed.add(Removed.THUMBNAIL)
    for tag in tags:
        if tag in _TAGS:
            removed.add(_TAGS[tag])
        elif tag not in _HARMLESS:
            removed.add(Removed.OTHER_METADATA)
    orientation = first.get(_ORIENTATION, 1)
    return Exif(
        orientation=orientation if 1 <= orientation <= 8 else 1,
        removed=frozenset(removed),
        exposed=not tags.keys().isdisjoint(_EXPOSURE),
    )


def of_exif_item(data: bytes) -> bytes:
    """The Exif block in an item or box of that name, which begins with where in it the block lies."""
    if data[:2] in {b"II", b"MM"}:
        return data
    skipped = 4 + int.from_bytes(data[:4], "big")
    return data[skipped:] if data[skipped : skipped + 2] in {b"II", b"MM"} else data[4:].removeprefix(b"Exif\0\0")


def _directory(data: bytes, offset: int, order: str, tags: dict[int, int]) -> int:
    """Add a directory's tags with their values (short and long ones); answers the next directory's offset, or 0."""
    if not 8 <= offset <= len(data) - 2:
        return 0
    (count,) = struct.unpack_from(f"{order}H", data, offset)
    end = offset + 2
    for _ in range(min(count, _ENTRIES)):
        if end + 12 > len(data):
            return 0
        tag, kind, _number = struct.unpack_from(f"{order}HHI", data, end)
        (value,) = struct.unpack_from(f"{order}H" if kind == 3 else f"{order}I", data, end + 8)
        tags.setdefault(tag, value)
        end += 12
    if count > _ENTRIES or end + 4 > len(data):
        return 0
    return int(struct.unpack_from(f"{order}I", data, end)[0])


def in_xmp(untrusted_packet: bytes) -> frozenset[Removed]:
    """Categories by the property names that occur; a packet is always at least "other metadata"."""
    found = {category for pattern, category in _XMP if pattern.search(untrusted_packet)}
    return frozenset(found or {Removed.OTHER_METADATA})


_IPTC_DATASET: Final = re.compile(rb"\x1c\x02(.)", re.DOTALL)


def in_photoshop(untrusted_block: bytes) -> frozenset[Removed]:
    """An image resource block of Photoshop, which carries IPTC records, thumbnails and more."""
    found: set[Removed] = {
        _IPTC[dataset[1][0]] for dataset in _IPTC_DATASET.finditer(untrusted_block) if dataset[1][0] in _IPTC
    }
    if b"8BIM\x04\x0c" in untrusted_block or b"8BIM\x04\x09" in untrusted_block:
        found.add(Removed.THUMBNAIL)
    return frozenset(found or {Removed.OTHER_METADATA})


def in_credentials(untrusted_block: bytes) -> frozenset[Removed]:
    """What Content Credentials say about the origin; a block that holds something else is "other metadata".

    Whether they fit the file, says ``credentials``.
    """
    found = {category for pattern, category in _CREDENTIALS if pattern.search(untrusted_block)}
    return frozenset(found | {Removed.IDENTIFIERS} if Removed.CREDENTIALS in found else {Removed.OTHER_METADATA})


def in_boxes(untrusted_file: bytes) -> frozenset[Removed]:
    """What lies beside the picture in a file of boxes: JPEG 2000 (ISO/IEC 15444-1, I.7), JPEG XL (18181-2, 9)."""
    removed: frozenset[Removed] = frozenset()
    for kind, start, end in boxes(untrusted_file):
        payload = untrusted_file[start:end]
        if kind == b"Exif":
            removed |= in_exif(of_exif_item(payload)).removed
        elif kind == b"xml " or (kind == b"uuid" and payload.startswith(_XMP_ID)):
            removed |= in_xmp(payload)
        elif kind == b"uuid" and payload.startswith(_EXIF_ID):
            removed |= in_exif(payload[len(_EXIF_ID) :].removeprefix(b"Exif\0\0")).removed
        elif kind == b"uuid" and payload.startswith(_PLACE_ID):
            removed |= {Removed.LOCATION}
        elif kind == b"jumb" or (kind == b"uuid" and payload.startswith(CREDENTIALS_ID)):
            removed |= in_credentials(untrusted_file[start - 8 : end])
        elif kind not in _PICTURE_BOXES:
            removed |= {Removed.OTHER_METADATA}
    return removed


def in_film(untrusted_block: bytes) -> frozenset[Removed]:
    """Categories by the names that occur in a film's metadata; a block is always at least "other metadata"."""
    found = {category for pattern, category in _FILM if pattern.search(untrusted_block)}
    return frozenset(found or {Removed.OTHER_METADATA})
