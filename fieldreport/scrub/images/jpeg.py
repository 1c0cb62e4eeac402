"""JPEG: the segments a decoder needs, in a fixed order, and nothing after the first end.

Rules: pixels are not touched. Only a picture that is stored lying on its side, or that has the colour profile of one
device, is decoded and encoded again (quality 95), because turning it is a matter of pixels. Every segment that stays is
checked against its own length arithmetic, so none has room for anything else. What stays in the file: the
quantisation and Huffman tables (they tell the encoder's make, not the device's number), and the compressed picture.

Sources: ITU T.81, T.871 (JFIF), Adobe technical note 5116, CIPA DC-007 (several pictures in one file), ICC.1 annex B.4.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass, field
from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import Cleaning, Sink, Source, check_image
from fieldreport.scrub.images import codecs as pixels
from fieldreport.scrub.images import icc, metadata
from fieldreport.scrub.verdicts import Bomb, Damaged, Mode, Refusal, Refused, Removed, Residue

_EOI, _SOS, _DQT, _DHT, _DAC, _DRI, _COM = 0xD9, 0xDA, 0xDB, 0xC4, 0xCC, 0xDD, 0xFE
_APP0, _APP1, _APP2, _APP13, _APP14 = 0xE0, 0xE1, 0xE2, 0xED, 0xEE
_FRAMES: Final = frozenset({0xC0, 0xC1, 0xC2, 0xC9, 0xCA})  # baseline, extended, progressive; Huffman or arithmetic
_OTHER_FRAMES: Final = frozenset({0xC3, 0xC5, 0xC6, 0xC7, 0xCB, 0xCD, 0xCE, 0xCF, 0xDE, 0xDF})  # lossless, hierarchical
_APPLICATION: Final = frozenset(range(0xE0, 0xF0))

# The end of compressed data: a marker that is neither a stuffed zero, a restart nor a fill byte.
_MARKER: Final = re.compile(rb"\xff[\x01-\xcf\xd8-\xfe]")

# Version 1.1, square pixels of no stated size, no thumbnail.
JFIF: Final = b"JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00"
_ICC_PREFIX: Final = b"ICC_PROFILE\x00"


@dataclass(slots=True)
class _Picture:
    """What a file consists of: what is kept, in order, and what is only looked at."""

    kept: list[tuple[int, bytes, memoryview]] = field(default_factory=list)  # marker, payload, compressed data of scans
    jfif: bool = False
    adobe_transform: int | None = None
    components: int = 0
    pixels: int = 0
    profile_parts: list[tuple[int, bytes]] = field(default_factory=list)
    orientation: int = 1
    scans: int = 0
    several_pictures: bool = False

    @property
    def profile(self) -> bytes:
        return b"".join(part for _, part in sorted(self.profile_parts, key=lambda item: item[0]))


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """A file of the same pixels, or the picture turned upright."""
    data = untrusted_source.whole()
    picture = _parse(data, cleaning.removed)
    profile = picture.profile
    known = icc.identify(profile) if profile else icc.Known.SRGB
    fits = picture.components in {1, 3}  # for paper, the profile is how the colours are meant
    must_convert = bool(profile) and (known is None or not fits)
    if profile and (known is None or profile not in icc.OURS):
        cleaning.removed.add(Removed.COLOUR_PROFILE)
    ours = icc.profile_for(known) if known is not None and fits and picture.components == 3 else None
    if picture.orientation == 1 and not must_convert and cleaning.mode is Mode.LOSSLESS:
        sink.write(_assemble(picture, ours))
        return "image/jpeg"
    cleaning.spend(picture.pixels * 8)  # decoded, and its turned copy
    decoded = pixels.decode_jpeg(_assemble(picture, None))
    turned = pixels.upright(decoded, picture.orientation)
    if must_convert or (ours and cleaning.mode is Mode.STRONG):
        turned, ours = pixels.to_srgb(turned, profile), None
    encoded = pixels.encode_jpeg(turned, subsampling=_subsampling(picture))
    sink.write(_assemble(_parse(encoded, set()), ours))
    return "image/jpeg"


def _parse(data: bytes, removed: set[Removed]) -> _Picture:
    """Walk the segments up to the first end of image.

    A file that was cut off within its picture is taken as it is, as every viewer does.
    """
    if data[:2] != b"\xff\xd8":
        raise Damaged
    picture = _Picture()
    position = 2
    while True:
        marker, position = _next_marker(data, position)
        if marker == _EOI or (marker is None and picture.scans):
            break
        if marker is None or marker in _OTHER_FRAMES:
            raise Damaged if marker is None else Refused(Refusal.UNSUPPORTED)
        end = position + max(2, int.from_bytes(data[position : position + 2], "big"))
        if picture.scans and end > len(data):
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
    _trailer(data[position:], removed, several=picture.several_pictures)
    return picture


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


def _scan(picture: _Picture, data: bytes, header: bytes, start: int) -> int:
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


def _table_or_frame(picture: _Picture, marker: int, payload: bytes) -> None:
    if marker in _FRAMES:
        if picture.components or len(payload) < 6 or len(payload) != 6 + 3 * payload[5] or payload[5] not in {1, 3, 4}:
            raise Damaged
        _, height, width, picture.components = struct.unpack_from(">BHHB", payload)
        check_image(width, height)
        picture.pixels = width * height
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


def _application(picture: _Picture, marker: int, payload: bytes, removed: set[Removed]) -> None:
    """Look at what is dropped; take over the two bits of it that decide how the picture is decoded."""
    match marker:
        case _ if marker == _APP0 and payload[:5] == b"JFIF\0":
            picture.jfif = True
            if len(payload) > len(JFIF):
                removed.add(Removed.THUMBNAIL)
        case _ if marker == _APP0 and payload[:5] == b"JFXX\0":
            removed.add(Removed.THUMBNAIL)
        case _ if marker == _APP1 and payload[:6] in {b"Exif\0\0", b"Exif\0\xff"}:
            exif = metadata.in_exif(payload[6:])
            removed |= exif.removed
            if exif.orientation != 1:
                picture.orientation = exif.orientation
        case _ if marker == _APP1 and payload.startswith(b"http://ns.adobe.com/"):
            removed |= metadata.in_xmp(payload)
        case _ if marker == _APP2 and payload.startswith(_ICC_PREFIX) and len(payload) > 14:
            picture.profile_parts.append((payload[12], payload[14:]))
            if sum(len(part) for _, part in picture.profile_parts) > limits.ICC_BYTES:
                raise Bomb
        case _ if marker == _APP2 and payload[:4] == b"MPF\0":
            picture.several_pictures = True
        case _ if marker == _APP13:
            removed |= metadata.in_photoshop(payload)
        case _ if marker == _APP14 and payload[:5] == b"Adobe" and len(payload) >= 12:
            picture.adobe_transform = payload[11]
        case _ if marker == _COM:
            removed.add(Removed.COMMENTS)
        case _:
            removed.add(Removed.OTHER_METADATA)


def _trailer(trailer: bytes, removed: set[Removed], *, several: bool) -> None:
    if b"ftyp" in trailer:
        removed.add(Removed.MOTION_VIDEO)
    elif several and b"\xff\xd8\xff" in trailer:
        removed.add(Removed.THUMBNAIL)
    elif trailer.strip(b"\0"):
        removed.add(Removed.TRAILING_DATA)


def _subsampling(picture: _Picture) -> int:
    """The original's chroma resolution in Pillow's numbers; anything unusual is encoded at full resolution."""
    for marker, frame, _ in picture.kept:
        if marker in _FRAMES:
            factors = bytes(frame[7 + 3 * index] for index in range(frame[5]))
            return {b"\x21\x11\x11": 1, b"\x22\x11\x11": 2}.get(factors, 0)
    return 0


def _assemble(picture: _Picture, profile: bytes | None) -> bytes:
    """Marker segments in a fixed order: JFIF and Adobe where the original had them, since decoders guess by them."""
    pieces: list[bytes | memoryview] = [b"\xff\xd8"]
    if picture.jfif:
        pieces.append(_segment(_APP0, JFIF))
    if picture.adobe_transform is not None:
        pieces.append(_segment(_APP14, adobe(picture.adobe_transform)))
    if profile is not None:
        pieces.append(_segment(_APP2, _ICC_PREFIX + b"\x01\x01" + profile))
    for marker, payload, compressed in picture.kept:
        pieces += [_segment(marker, payload), compressed]
    pieces.append(b"\xff\xd9")
    return b"".join(pieces)


def adobe(transform: int) -> bytes:
    """The Adobe segment: version 100, no flags, and how the colours are coded (0: as they are, 1: YCbCr, 2: YCCK)."""
    return b"Adobe\x00\x64\x00\x00\x00\x00" + bytes((min(transform, 2),))


def _segment(marker: int, payload: bytes) -> bytes:
    return struct.pack(">BBH", 0xFF, marker, len(payload) + 2) + payload


# --- verify: another reader, which knows nothing of the one above ---

_PROFILE_SEGMENTS: Final = b"|".join(
    re.escape(struct.pack(">BBH", 0xFF, 0xE2, len(profile) + 16) + b"ICC_PROFILE\x00\x01\x01" + profile)
    for profile in sorted(icc.OURS)
)
_CLEAN_HEAD: Final = re.compile(
    rb"\xff\xd8"
    rb"(?:\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00)?"
    rb"(?:\xff\xee\x00\x0eAdobe\x00\x64\x00\x00\x00\x00[\x00-\x02])?"
    rb"(?:" + _PROFILE_SEGMENTS + rb")?"
)
_ANY_MARKER: Final = re.compile(rb"\xff([^\x00\xff])")


def verify(source: Source, media_type: str) -> None:
    """Match the head as a whole, then look at every marker that follows, wherever it lies, up to the very end."""
    del media_type
    data = source.whole(limits.SCRUB_OUTPUT_BYTES)
    head = _CLEAN_HEAD.match(data)
    if head is None:
        raise Residue
    position, scanning = head.end(), False
    while position < len(data):
        found = _ANY_MARKER.search(data, position)
        if found is None or (not scanning and found.start() != position):
            raise Residue
        code = found[1][0]
        if code == 0xD9:
            if found.end() != len(data) or not scanning:
                raise Residue
            return
        if 0xD0 <= code <= 0xD7 and scanning:
            position = found.end()
            continue
        if code not in {0xC0, 0xC1, 0xC2, 0xC4, 0xC9, 0xCA, 0xCC, 0xDA, 0xDB, 0xDD}:
            raise Residue
        scanning = code == 0xDA
        position = found.end() + int.from_bytes(data[found.end() : found.end() + 2], "big")
    raise Residue


def warm() -> None:
    """Load the decoder."""
    pixels.warm()
