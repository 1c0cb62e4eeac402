"""WebP, still and animated: the chunks that draw, in the order the format wants.

Rules: pixels are not touched, unless the picture is stored lying on its side or has the colour profile of one device.
The feature flags are made anew from what is there. Exif, XMP and unknown chunks go, and whatever follows the RIFF's
end. Sources: WebP Container Specification (Google), RFC 9649.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from fieldreport import limits
from fieldreport.scrub.format import Cleaning, Sink, Source, check_image
from fieldreport.scrub.images import animation, codecs, icc, metadata, png
from fieldreport.scrub.verdicts import Bomb, Damaged, Mode, Removed, Residue

_PROFILE_FLAG, _ALPHA_FLAG, _ANIMATION_FLAG = 0x20, 0x10, 0x02


@dataclass(slots=True)
class _Bitstream:
    """One compressed picture: ALPH (lossy pictures with transparency), then VP8 or VP8L."""

    chunks: list[tuple[bytes, bytes]]
    width: int
    height: int
    alpha: bool
    lossless: bool


@dataclass(slots=True)
class _Picture:
    canvas: tuple[int, int] = (0, 0)
    still: _Bitstream | None = None
    animation: bytes | None = None  # background colour and number of loops
    frames: list[tuple[bytes, _Bitstream]] = field(default_factory=list)  # 16 bytes of place and time, the picture
    profile: bytes = b""
    orientation: int = 1


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """A file of the same pixels, or the picture turned upright."""
    picture = _parse(untrusted_source.whole(), cleaning.removed)
    profile = picture.profile
    known = icc.identify(profile) if profile else icc.Known.SRGB
    if profile and (known is None or profile not in icc.OURS):
        cleaning.removed.add(Removed.COLOUR_PROFILE)
    ours = icc.profile_for(known) if known is not None else None
    still = picture.still
    if picture.animation is not None and cleaning.mode is Mode.STRONG:
        made = animation.anew(
            _assemble(picture, None),
            "image/webp",
            size=picture.canvas,
            frames=len(picture.frames),
            profile=ours,
            cleaning=cleaning,
        )
        return png.clean(Source.of(made), sink, cleaning.lossless())
    # An animation stays as it is: turning or converting it frame by frame would change how its frames fit together.
    again = picture.orientation != 1 or (profile and known is None) or cleaning.mode is Mode.STRONG
    if still is not None and again:
        cleaning.spend(still.width * still.height * 8)
        decoded = codecs.upright(codecs.decode_webp(_assemble(picture, None)), picture.orientation)
        if profile and (known is None or cleaning.mode is Mode.STRONG):
            decoded, ours = codecs.to_srgb(decoded, profile), None
        lossless = still.lossless and cleaning.mode is Mode.LOSSLESS
        picture = _parse(codecs.encode_webp(decoded, lossless=lossless), set())
    sink.write(_assemble(picture, ours))
    return "image/webp"


def _chunks(data: bytes, position: int, end: int) -> Iterator[tuple[bytes, bytes]]:
    while position + 8 <= end:
        kind, size = struct.unpack_from("<4sI", data, position)
        body = data[position + 8 : min(position + 8 + size, end)]
        if len(body) != size:
            raise Damaged
        yield kind, body
        position += 8 + size + (size & 1)


def _parse(data: bytes, removed: set[Removed]) -> _Picture:
    if data[:4] != b"RIFF" or data[8:12] != b"WEBP":
        raise Damaged
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data) + 1:
        raise Damaged
    if data[end:].strip(b"\0"):
        removed.add(Removed.TRAILING_DATA)
    picture = _Picture()
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


def _checked(picture: _Picture) -> _Picture:
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


def _look_at(picture: _Picture, kind: bytes, body: bytes, removed: set[Removed]) -> None:
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
    else:
        removed.add(Removed.OTHER_METADATA)


def _add_frame(picture: _Picture, body: bytes, removed: set[Removed]) -> None:
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


def _bitstream(chunks: list[tuple[bytes, bytes]]) -> _Bitstream:
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
    return _Bitstream(chunks, width, height, alpha, kind == b"VP8L")


def _three_bytes(data: bytes, offset: int) -> int:
    return int.from_bytes(data[offset : offset + 3], "little")


def _assemble(picture: _Picture, profile: bytes | None) -> bytes:
    flags = _PROFILE_FLAG if profile is not None else 0
    bitstreams = [bitstream for _, bitstream in picture.frames] + ([picture.still] if picture.still else [])
    flags |= _ALPHA_FLAG if any(bitstream.alpha for bitstream in bitstreams) else 0
    flags |= _ANIMATION_FLAG if picture.animation is not None else 0
    pieces = []
    # A lossless picture says itself whether it is transparent; only it may do without the extended header then.
    if flags & ~_ALPHA_FLAG or (flags and picture.still is not None and not picture.still.lossless):
        width, height = (side - 1 for side in picture.canvas)
        body = bytes((flags, 0, 0, 0)) + width.to_bytes(3, "little") + height.to_bytes(3, "little")
        pieces.append(_chunk(b"VP8X", body))
    if profile is not None:
        pieces.append(_chunk(b"ICCP", profile))
    if picture.animation is not None:
        pieces.append(_chunk(b"ANIM", picture.animation))
    pieces += [_chunk(b"ANMF", place + _joined(bitstream)) for place, bitstream in picture.frames]
    if picture.still is not None:
        pieces.append(_joined(picture.still))
    body = b"WEBP" + b"".join(pieces)
    return b"RIFF" + struct.pack("<I", len(body)) + body


def _joined(bitstream: _Bitstream) -> bytes:
    return b"".join(_chunk(kind, body) for kind, body in bitstream.chunks)


def _chunk(kind: bytes, body: bytes) -> bytes:
    return kind + struct.pack("<I", len(body)) + body + (b"\0" if len(body) & 1 else b"")


# --- verify: another reader, which knows nothing of the one above ---


def verify(source: Source, media_type: str) -> None:
    """Read as a stream; the RIFF must end where the file does."""
    del media_type
    with source.file() as file:
        head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"WEBP" or int.from_bytes(head[4:8], "little") != source.size - 8:
            raise Residue
        left = source.size - 12
        pictures = 0
        while left > 0:
            name, size = file.read(4).decode("latin-1"), int.from_bytes(file.read(4), "little")
            body = file.read(size + size % 2)
            left -= 8 + len(body)
            if len(body) != size + size % 2 or (size % 2 and body[-1]):
                raise Residue
            _verify_chunk(name, body[:size])
            pictures += name in {"VP8 ", "VP8L", "ANMF"}
        if not pictures or left:
            raise Residue


def _verify_chunk(name: str, body: bytes) -> None:
    match name:
        case "VP8X":
            clean_flags = len(body) == 10 and not body[0] & 0xCD and body[1:4] == b"\0\0\0"
        case "ICCP":
            clean_flags = body in icc.OURS
        case "ANIM":
            clean_flags = len(body) == 6
        case "ANMF":
            inner, position = [], 16
            while position < len(body):
                inner.append(body[position : position + 4])
                size = int.from_bytes(body[position + 4 : position + 8], "little")
                position += 8 + size + size % 2
            clean_flags = position == len(body) and inner in ([b"VP8 "], [b"VP8L"], [b"ALPH", b"VP8 "])
            clean_flags = clean_flags and not body[15] & 0xFC
        case _:
            clean_flags = name in {"VP8 ", "VP8L", "ALPH"}
    if not clean_flags:
        raise Residue


def warm() -> None:
    """Load the codec."""
    codecs.warm_webp()
