"""A stranger's JPEG, segment by segment, into what is kept of it."""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import Final, Literal

from fieldreport import limits
from fieldreport.scrub.format import check_image
from fieldreport.scrub.images import metadata
from fieldreport.scrub.images.jpeg.used_tables import only_used
from fieldreport.scrub.verdicts import Bomb, Damaged, Refusal, Refused, Removed

_EOI, _SOS, _DQT, _DHT, _DAC, _DRI, _COM = 0xD9, 0xDA, 0xDB, 0xC4, 0xCC, 0xDD, 0xFE
APP0, _APP1, APP2, _APP11, _APP13, APP14 = 0xE0, 0xE1, 0xE2, 0xEB, 0xED, 0xEE
FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})  # baseline, extended, progressive; Huffman or arithmetic
_OTHER_FRAMES: Final = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF, 0xDE, 0xDF})  # lossless, hierarchical
_APPLICATION: Final = frozenset(range(0xE0, 0xF0))

# The end of compressed data: a marker that is neither a stuffed zero, a restart nor a fill byte.
_MARKER: Final = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")
# Version 1.1, square pixels of no stated size, no thumbnail.
JFIF: Final = b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
ICC_PREFIX: Final = b"ICC_PROFILE\x00"


@dataclass(slots=True)
class Picture:
    """What a file consists of: what is kept, in order, and what is only looked at."""

    kept: list[tuple[int, bytes, memoryview]] = field(default_factory=list)  # marker, payload, compressed data of scans
    jfif: bool = False
    adobe_transform: int | None = None
    components: int = 0
    size: tuple[int, int] = (0, 0)
    exposed: bool = False  # in a camera
    profile_parts: list[tuple[int, bytes]] = field(default_factory=list)
    orientation: int = 1
    scans: int = 0
    others: Removed | None = None  # what the other pictures are that follow this one, as its index says
    boxes: dict[bytes, bytes] = field(default_factory=dict)  # by their number; each is cut over several segments

    @property
    def profile(self) -> bytes:
        """The colour profile, put together; empty when there is none."""
        return b"".join(part for _, part in sorted(self.profile_parts, key=lambda item: item[0]))


def parse(data: bytes, removed: set[Removed]) -> Picture:
    """Walk the segments up to the first end of image; what is dropped adds to ``removed``.

    A file that was cut off within its picture is taken as it is, as every viewer does.
    """
    if data[:2] != b"\xff\xd8":
        raise Damaged
    picture = Picture()
    position = 2
    while True:
        marker, position = _next_marker(data, position)
        if marker == _EOI:
            break
        if marker is None and picture.scans:
            removed.add(Removed.INCOMPLETE)
            break
        if marker is None or marker in _OTHER_FRAMES:
            raise Damaged if marker is None else Refused(Refusal.UNSUPPORTED)
        end = position + max(2, int.from_bytes(data[position : position + 2], "big"))
        if picture.scans and end > len(data):
            removed.add(Removed.INCOMPLETE)
            position = len(data)
            break
        payload = _payload(data, position)
        position += 2 + len(payload)
        if marker == _SOS:
            position = _scan(picture, data, payload, position)
        elif marker in _APPLICATION or marker == _COM:
            _application(picture, marker, payload, removed)
        else:
            _table_or_frame(picture, marker, payload)
    if not picture.scans:
        raise Damaged
    while picture.kept[-1][0] != _SOS:  # tables of a scan that was cut off
        picture.kept.pop()
    _drop_unused(picture, removed)
    for box in picture.boxes.values():
        removed |= metadata.in_credentials(box)
    _trailer(data[position:], removed, picture.others)
    return picture


def _drop_unused(picture: Picture, removed: set[Removed]) -> None:
    """Tables that no scan decodes with."""
    payloads = only_used([(marker, payload) for marker, payload, _ in picture.kept])
    kept = [
        (marker, new, data) for (marker, _, data), new in zip(picture.kept, payloads, strict=True) if new is not None
    ]
    if len(kept) < len(picture.kept):
        removed.add(Removed.OTHER_METADATA)
    picture.kept = kept


def _next_marker(data: bytes, position: int) -> tuple[int | None, int]:
    """The next marker and where its segment begins. Decoders skip rubbish between segments, so we do."""
    found = _MARKER.search(data, position)
    if found is None:
        return None, len(data)
    return data[found.end() - 1], found.end()


def _payload(data: bytes, position: int) -> bytes:
    length = int.from_bytes(data[position : position + 2], "big")
    payload = data[position + 2 : position + length]
    if length < 2 or len(payload) != length - 2:
        raise Damaged
    return payload


def _scan(picture: Picture, data: bytes, header: bytes, start: int) -> int:
    components = header[0] if header else 0
    if not 1 <= components <= picture.components or len(header) != 4 + 2 * components:
        raise Damaged
    picture.scans += 1
    if picture.scans > limits.JPEG_SCANS:
        raise Bomb
    found = _MARKER.search(data, start)
    end = found.start() if found else len(data)
    # Fill bytes before a marker are allowed and say nothing; a cut-off file may end within a pair.
    filled = end
    while filled > start and data[filled - 1] == 0xFF:
        filled -= 1
    picture.kept.append((_SOS, header, memoryview(data)[start:filled]))
    return end


def _table_or_frame(picture: Picture, marker: int, payload: bytes) -> None:
    if marker in FRAMES:
        if picture.components or len(payload) < 6 or len(payload) != 6 + 3 * payload[5] or payload[5] not in {1, 3, 4}:
            raise Damaged
        _, height, width, picture.components = struct.unpack_from(">BHHB", payload)
        check_image(width, height)
        picture.size = width, height
    elif marker == _DQT:
        _check_quantisation(payload)
    elif marker == _DHT:
        _check_huffman(payload)
    elif marker == _DRI:
        if len(payload) != 2:
            raise Damaged
    elif marker == _DAC:
        if not payload or len(payload) % 2 or len(payload) > 64:
            raise Damaged
    else:  # the number of lines after the first scan, reserved markers: in no file of our time
        raise Damaged
    picture.kept.append((marker, payload, memoryview(b"")))


def _check_quantisation(payload: bytes) -> None:
    position = 0
    while position < len(payload):
        precision, table = payload[position] >> 4, payload[position] & 15
        position += 129 if precision else 65
        if precision > 1 or table > 3:
            raise Damaged
    if position != len(payload):
        raise Damaged


def _check_huffman(payload: bytes) -> None:
    position = 0
    while position < len(payload):
        symbols = sum(payload[position + 1 : position + 17])
        if payload[position] & 0xEC or symbols > 256:
            raise Damaged
        position += 17 + symbols
    if position != len(payload):
        raise Damaged


def _application(picture: Picture, marker: int, payload: bytes, removed: set[Removed]) -> None:
    """Look at what is dropped; take over the two bits of it that decide how the picture is decoded."""
    match marker:
        case _ if marker == APP0 and payload[:5] == b"JFIF\0":
            picture.jfif = True
            if len(payload) > len(JFIF):
                removed.add(Removed.THUMBNAIL)
        case _ if marker == APP0 and payload[:5] == b"JFXX\0":
            removed.add(Removed.THUMBNAIL)
        case _ if marker == _APP1 and payload[:6] in {b"Exif\0\0", b"Exif\0\xff"}:
            exif = metadata.in_exif(payload[6:])
            removed |= exif.removed
            picture.exposed |= exif.exposed
            if exif.orientation != 1:
                picture.orientation = exif.orientation
        case _ if marker == _APP1 and payload.startswith(b"http://ns.adobe.com/"):
            removed |= metadata.in_xmp(payload)
        case _ if marker == APP2 and payload.startswith(ICC_PREFIX) and len(payload) > 14:
            picture.profile_parts.append((payload[12], payload[14:]))
            if sum(len(part) for _, part in picture.profile_parts) > limits.ICC_BYTES:
                raise Bomb
        case _ if marker == APP2 and payload[:4] == b"MPF\0":
            picture.others = _others(payload[4:])
        case _ if marker == _APP11 and payload[:2] == b"JP" and len(payload) > 16:
            # Every further segment of a box repeats its length and its kind (ISO/IEC 18477-3, B.1).
            number, again = payload[2:4], picture.boxes.get(payload[2:4])
            picture.boxes[number] = payload[8:] if again is None else again + payload[16:]
        case _ if marker == _APP13:
            removed |= metadata.in_photoshop(payload)
        case _ if marker == APP14 and payload[:5] == b"Adobe" and len(payload) >= 12:
            picture.adobe_transform = payload[11]
        case _ if marker == _COM:
            removed.add(Removed.COMMENTS)
        case _:
            removed.add(Removed.OTHER_METADATA)


def _others(index: bytes) -> Removed:
    """What follows the picture, by the kinds in its index (CIPA DC-007, 5.2.3): previews, or pictures of their own.

    Those of a panorama, of the other eye, of another angle; and those without a kind, as one that brightens this one.
    """
    order: Literal["little", "big"] = "little" if index[:2] == b"II" else "big"
    start = index.find(0xB002.to_bytes(2, order)) + 4
    size, place = (int.from_bytes(index[at : at + 4], order) for at in (start, start + 4))
    entries = index[place : place + size] if start > 4 else b""
    kinds = [int.from_bytes(entries[at : at + 4], order) & 0xFF_FFFF for at in range(16, len(entries), 16)]
    return Removed.PICTURES if any(kind >> 16 != 1 for kind in kinds) else Removed.THUMBNAIL


def _trailer(trailer: bytes, removed: set[Removed], others: Removed | None) -> None:
    if b"ftyp" in trailer:
        removed.add(Removed.MOTION_VIDEO)
    elif others is not None and b"\xff\xd8\xff" in trailer:
        removed.add(others)
    elif trailer.strip(b"\0"):
        removed.add(Removed.TRAILING_DATA)
