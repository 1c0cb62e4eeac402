"""A stranger's WebP, chunk by chunk, into what is kept of it."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from fieldreport import limits
from fieldreport.scrub.format import check_image
from fieldreport.scrub.images import metadata
from fieldreport.scrub.verdicts import Bomb, Damaged, Removed


@dataclass(slots=True)
class Bitstream:
    """One compressed picture: ALPH (lossy pictures with transparency), then VP8 or VP8L."""

    chunks: list[tuple[bytes, bytes]]
    width: int
    height: int
    alpha: bool
    lossless: bool


@dataclass(slots=True)
class Picture:
    """What a file consists of, as far as it is kept: a still picture or an animation."""

    canvas: tuple[int, int] = (0, 0)
    still: Bitstream | None = None
    animation: bytes | None = None  # background colour and number of loops
    frames: list[tuple[bytes, Bitstream]] = field(default_factory=list)  # 16 bytes of place and time, the picture
    profile: bytes = b""
    orientation: int = 1


def _chunks(data: bytes, position: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    while position + 8 <= end:
        kind, size = struct.unpack_from("<4sI", data, position)
        body = data[position + 8 : min(position + 8 + size, end)]
        if len(body) != size:
            raise Damaged
        yield kind, body
        position += 8 + size + (size & 1)


def parse(data: bytes, removed: set[Removed]) -> Picture:
    """Read every chunk of the RIFF; what is dropped adds to ``removed``."""
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise Damaged
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data) + 1:
        raise Damaged
    if data[end:].strip(b"\0"):
        removed.add(Removed.TRAILING_DATA)
    picture = Picture()
    pending: list[tuple[bytes, bytes]] = []
    for kind, body in _chunks(data, 12, min(end, len(data))):
        if kind in {b"ALPH", b"VP8 ", b"VP8L"} and picture.still is None:
            pending.append((kind, body))
            if kind != b"ALPH":
                picture.still = _bitstream(pending)
        elif kind == b"ANIM" and len(body) == 6:
            picture.animation = body
        elif kind == b"ANMF" and len(body) > 16:
            _add_frame(picture, body, removed)
        elif kind == b"VP8X" and len(body) >= 10:
            picture.canvas = (_three_bytes(body, 4) + 1, _three_bytes(body, 7) + 1)
            check_image(*picture.canvas)
        else:
            _look_at(picture, kind, body, removed)
    return _checked(picture)


def _checked(picture: Picture) -> Picture:
    if picture.animation is not None and picture.frames:
        picture.still = None
        if picture.canvas == (0, 0):
            raise Damaged
        for place, bitstream in picture.frames:
            left, top = 2 * _three_bytes(place, 0), 2 * _three_bytes(place, 3)
            if left + bitstream.width > picture.canvas[0] or top + bitstream.height > picture.canvas[1]:
                raise Damaged
    elif picture.still is not None:
        picture.animation, picture.frames = None, []
        picture.canvas = (picture.still.width, picture.still.height)
    else:
        raise Damaged
    return picture


def _look_at(picture: Picture, kind: bytes, body: bytes, removed: set[Removed]) -> None:
    """What is dropped, and the profile and orientation that are taken over in another form."""
    if kind == b"ICCP":
        if len(body) > limits.ICC_BYTES:
            raise Bomb
        picture.profile = picture.profile or body
    elif kind == b"EXIF":
        exif = metadata.in_exif(body.removeprefix(b"Exif\0\0"))
        removed |= exif.removed
        picture.orientation = exif.orientation
    elif kind == b"XMP ":
        removed |= metadata.in_xmp(body)
    elif kind == b"C2PA":
        removed |= metadata.in_credentials(body)
    else:
        removed.add(Removed.OTHER_METADATA)


def _add_frame(picture: Picture, body: bytes, removed: set[Removed]) -> None:
    pending: list[tuple[bytes, bytes]] = []
    for kind, inner in _chunks(body, 16, len(body)):
        if kind in {b"ALPH", b"VP8 ", b"VP8L"}:
            pending.append((kind, inner))
            if kind != b"ALPH":
                break
        else:
            removed.add(Removed.OTHER_METADATA)
    bitstream = _bitstream(pending)
    place = body[:15] + bytes((body[15] & 3,))
    if (_three_bytes(place, 6) + 1, _three_bytes(place, 9) + 1) != (bitstream.width, bitstream.height):
        raise Damaged
    picture.frames.append((place, bitstream))
    check_image(*picture.canvas, frames=len(picture.frames))


def _bitstream(chunks: list[tuple[bytes, bytes]]) -> Bitstream:
    if not chunks or [kind for kind, _ in chunks[:-1]] not in ([], [b"ALPH"]):
        raise Damaged
    kind, body = chunks[-1]
    if kind == b"VP8 " and len(body) >= 10 and not body[0] & 1 and body[3:6] == b"\x9d\x01\x2a":
        width, height = (side & 0x3FFF for side in struct.unpack_from("<HH", body, 6))
        alpha = len(chunks) == 2
    elif kind == b"VP8L" and len(body) >= 5 and body[0] == 0x2F and len(chunks) == 1:
        bits = int.from_bytes(body[1:5], "little")
        width, height, alpha = (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1, bool(bits >> 28 & 1)
    else:
        raise Damaged
    check_image(width, height)
    return Bitstream(chunks, width, height, alpha, kind == b"VP8L")


def _three_bytes(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 3], "little")
