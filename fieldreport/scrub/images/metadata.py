"""What a block of picture metadata would say: Exif, XMP and Photoshop blocks to categories of ``Removed``.

Rules: reads, never writes; the blocks themselves are dropped whole by the formats. A block that makes no sense is
still "other metadata". Every loop is bounded, because the blocks are a stranger's. Sources: Exif 3.0 (CIPA DC-008),
XMP (ISO 16684-1), IPTC IIM 4.2, Adobe Photoshop file formats.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from fieldreport.scrub.verdicts import Removed

_ENTRIES: Final = 512  # of one directory; cameras write under a hundred
_EXIF_IFD, _GPS_IFD, _INTEROP_IFD = 0x8769, 0x8825, 0xA005
_ORIENTATION: Final = 0x0112

_TAGS: Final[Mapping[int, Removed]] = MappingProxyType(
    {
        0x010E: Removed.DESCRIPTION,
        0x010F: Removed.DEVICE,
        0x0110: Removed.DEVICE,
        0x0131: Removed.SOFTWARE,
        0x0132: Removed.TIME,
        0x013B: Removed.AUTHOR,
        0x013C: Removed.DEVICE,  # HostComputer
        0x02BC: Removed.OTHER_METADATA,  # XMP in a TIFF
        0x8298: Removed.AUTHOR,  # Copyright
        0x9003: Removed.TIME,
        0x9004: Removed.TIME,
        0x9010: Removed.TIME,
        0x9011: Removed.TIME,
        0x9012: Removed.TIME,
        0x9290: Removed.TIME,
        0x9291: Removed.TIME,
        0x9292: Removed.TIME,
        0x927C: Removed.DEVICE,  # MakerNote
        0x9286: Removed.COMMENTS,
        0x9C9B: Removed.DESCRIPTION,  # XPTitle to XPSubject
        0x9C9C: Removed.COMMENTS,
        0x9C9D: Removed.AUTHOR,
        0x9C9E: Removed.DESCRIPTION,
        0x9C9F: Removed.DESCRIPTION,
        0xA420: Removed.IDENTIFIERS,
        0xA430: Removed.AUTHOR,
        0xA431: Removed.IDENTIFIERS,
        0xA432: Removed.DEVICE,
        0xA433: Removed.DEVICE,
        0xA434: Removed.DEVICE,
        0xA435: Removed.IDENTIFIERS,
        0xA436: Removed.DESCRIPTION,
        0xA437: Removed.AUTHOR,
        0xA438: Removed.AUTHOR,
    }
)
# How the pixels are laid out and how to print them; says nothing about anybody.
_HARMLESS: Final = frozenset(
    {0x0100, 0x0101, 0x0102, 0x0103, 0x0106, 0x0111, 0x0112, 0x0115, 0x0116, 0x0117, 0x011A, 0x011B, 0x011C, 0x0128}
    | {0x0201, 0x0202, 0x0211, 0x0212, 0x0213, 0x9000, 0x9101, 0xA000, 0xA001, 0xA002, 0xA003}
    | {_EXIF_IFD, _GPS_IFD, _INTEROP_IFD}
    # of a TIFF: strips, tiles, compression, pages
    | {254, 255, 263, 266, 284, 290, 291, 292, 293, 297, 301, 317, 320, 322, 323, 324, 325, 338, 339, 340, 341, 347}
    | {512, 513, 514, 515, 517, 518, 519, 520, 521, 529, 530, 531, 532, 34675}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Exif:
    """What an Exif block says: ``orientation`` is 1 to 8 (1: upright, also when missing or nonsense)."""

    orientation: int
    removed: frozenset[Removed]


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
    return Exif(orientation=orientation if 1 <= orientation <= 8 else 1, removed=frozenset(removed))


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


_XMP: Final = tuple(
    (re.compile(pattern, re.IGNORECASE), category)
    for pattern, category in (
        (rb"GPS|LocationCreated|LocationShown|photoshop:(City|State|Country)|Iptc4xmpCore:Location", Removed.LOCATION),
        (rb"tiff:(Make|Model)|aux:Lens|exifEX:Lens|CameraModel|crs:", Removed.DEVICE),
        (rb"SerialNumber|DocumentID|InstanceID|ImageUniqueID|ContentIdentifier", Removed.IDENTIFIERS),
        (rb"dc:creator|dc:rights|photoshop:(AuthorsPosition|CaptionWriter|Credit)|OwnerName", Removed.AUTHOR),
        (rb"mwg-rs:|PersonInImage|MP:RegionInfo", Removed.PEOPLE),
        (rb"Date>|Date=|DateTime|DateCreated|:when", Removed.TIME),
        (rb"CreatorTool|softwareAgent|xmp:Toolkit|x:xmptk|tiff:Software", Removed.SOFTWARE),
        (rb"dc:(title|description|subject)|photoshop:(Headline|Instructions)|lr:", Removed.DESCRIPTION),
        (rb"UserComment|xmp:Label|xmp:Nickname", Removed.COMMENTS),
        (rb"xmpMM:(History|DerivedFrom|Ingredients)|DocumentAncestors", Removed.HISTORY),
        (rb"xmp:Thumbnails|xmpGImg", Removed.THUMBNAIL),
        (rb"MotionPhoto|MicroVideo", Removed.MOTION_VIDEO),
    )
)


def in_xmp(untrusted_packet: bytes) -> frozenset[Removed]:
    """Categories by the property names that occur; a packet is always at least "other metadata"."""
    found = {category for pattern, category in _XMP if pattern.search(untrusted_packet)}
    return frozenset(found or {Removed.OTHER_METADATA})


_IPTC: Final[Mapping[int, Removed]] = MappingProxyType(
    dict.fromkeys((80, 85, 110, 115, 116, 118, 122), Removed.AUTHOR)
    | dict.fromkeys((26, 27, 90, 92, 95, 100, 101), Removed.LOCATION)
    | dict.fromkeys((30, 35, 37, 38, 55, 60, 62, 63), Removed.TIME)
    | dict.fromkeys((5, 15, 20, 25, 40, 105, 120), Removed.DESCRIPTION)
    | dict.fromkeys((65, 70), Removed.SOFTWARE)
    | dict.fromkeys((22, 103), Removed.IDENTIFIERS)
)
_IPTC_DATASET: Final = re.compile(rb"\x1c\x02(.)", re.DOTALL)


def in_photoshop(untrusted_block: bytes) -> frozenset[Removed]:
    """An image resource block of Photoshop, which carries IPTC records, thumbnails and more."""
    found: set[Removed] = {
        _IPTC[dataset[1][0]] for dataset in _IPTC_DATASET.finditer(untrusted_block) if dataset[1][0] in _IPTC
    }
    if b"8BIM\x04\x0c" in untrusted_block or b"8BIM\x04\x09" in untrusted_block:
        found.add(Removed.THUMBNAIL)
    return frozenset(found or {Removed.OTHER_METADATA})


# Names of boxes, keys and tags: ISO/IEC 14496-12 and 3GPP user data, QuickTime, iTunes, Matroska, RIFF INFO.
_FILM: Final = tuple(
    (re.compile(pattern), category)
    for pattern, category in (
        (rb"\xa9xyz|loci|camm|gpmd|rtmd|djmd|NMEA|(?i:location|gps|latitude|longitude)", Removed.LOCATION),
        (
            rb"\xa9mak|\xa9mod|manu|modl|FIRM|CAME|MUID|smrd|smta|(?i:\.make|\.model|android|MANUFACTURER)",
            Removed.DEVICE,
        ),
        (rb"\xa9swr|\xa9too|\xa9enc|Lavf|(?i:software|encoder)", Removed.SOFTWARE),
        (rb"\xa9day|yrrc|(?i:creationdate|creation_time|date_|date\b)", Removed.TIME),
        (
            rb"\xa9nam|\xa9des|\xa9inf|\xa9alb|\xa9gen|titl|dscp|desc|gnre|keyw|chpl|(?i:title|keywords)",
            Removed.DESCRIPTION,
        ),
        (
            rb"\xa9ART|aART|\xa9aut|\xa9wrt|\xa9dir|\xa9prd|\xa9cpy|auth|cprt|perf|(?i:artist|author|composer)",
            Removed.AUTHOR,
        ),
        (rb"\xa9cmt|\xa9com|(?i:comment)", Removed.COMMENTS),
        (rb"covr|thmb|thma|snal|PICT", Removed.THUMBNAIL),
        (rb"uuid|LENS|HMMT|(?i:content\.identifier|serial)", Removed.IDENTIFIERS),
    )
)


def in_film(untrusted_block: bytes) -> frozenset[Removed]:
    """Categories by the names that occur in a film's metadata; a block is always at least "other metadata"."""
    found = {category for pattern, category in _FILM if pattern.search(untrusted_block)}
    return frozenset(found or {Removed.OTHER_METADATA})
