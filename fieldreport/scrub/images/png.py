"""PNG and APNG: the chunks that draw the picture, checked and cut to what they hold.

Rules: pixels are not touched, unless they have the colour profile of one device. Critical chunks with a wrong
checksum are damage; all others are dropped before anybody looks at them. The compressed picture is inflated once,
without keeping it: it must come to exactly the size its header promises, so it hides neither a bomb nor a rest of the
uncropped original. Sources: W3C PNG Specification (third edition), RFC 1950.
"""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import Cleaning, Sink, Source, check_image
from fieldreport.scrub.images import animation, codecs, icc, metadata
from fieldreport.scrub.verdicts import Bomb, Damaged, Mode, Removed, Residue

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_DEPTHS: Final = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}
_PIECE: Final = 1 << 20  # longest data chunk written: lengths that an encoder chose would tell which it was

# Passes of an interlaced picture: first column and row, steps (clause 8).
_ADAM7: Final = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))

_GAMMA: Final = frozenset({45455, 100000})  # as sRGB, linear; others are measured on a screen
_SRGB_CHROMATICITIES: Final = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
_DROPPED: Final = {
    b"tIME": Removed.TIME,
    b"vpAg": Removed.SOFTWARE,
    b"caNv": Removed.SOFTWARE,
    b"gdAT": Removed.HIDDEN_CONTENT,
    b"caBX": Removed.IDENTIFIERS,  # C2PA
    b"dSIG": Removed.IDENTIFIERS,
    b"mkBS": Removed.HIDDEN_CONTENT,  # Fireworks keeps its layers in these
    b"mkTS": Removed.HIDDEN_CONTENT,
    b"prVW": Removed.THUMBNAIL,
}
_KEYWORDS: Final = {
    b"author": Removed.AUTHOR,
    b"copyright": Removed.AUTHOR,
    b"creation time": Removed.TIME,
    b"date:create": Removed.TIME,
    b"date:modify": Removed.TIME,
    b"software": Removed.SOFTWARE,
    b"source": Removed.DEVICE,
    b"title": Removed.DESCRIPTION,
    b"description": Removed.DESCRIPTION,
    b"comment": Removed.COMMENTS,
    b"disclaimer": Removed.DESCRIPTION,
}
_PHYSICAL: Final = frozenset({b"pHYs", b"oFFs", b"sCAL", b"sBIT", b"hIST", b"sPLT", b"mDCV", b"cLLI", b"sTER", b"pCAL"})


@dataclass(slots=True)
class _Frame:
    """One compressed picture: where it lies (the 26-byte fcTL without its number; empty for a still), and its data."""

    control: bytes
    width: int
    height: int
    data: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class _Picture:
    header: bytes = b""
    palette: bytes | None = None
    colour: list[tuple[bytes, bytes]] = field(default_factory=list)  # kept chunks about colour, before the palette
    extra: dict[bytes, bytes] = field(default_factory=dict)  # tRNS and bKGD, after the palette
    profile: bytes = b""
    orientation: int = 1
    still: _Frame | None = None  # IDAT; part of the animation when it has a control
    frames: list[_Frame] = field(default_factory=list)  # of the animation, in order
    plays: bytes | None = None  # how often it plays; None: no animation

    @property
    def size(self) -> tuple[int, int]:
        width, height = struct.unpack_from(">II", self.header)
        return width, height


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """A file of the same pixels."""
    picture = _parse(untrusted_source.whole(), cleaning.removed)
    for frame in _all_frames(picture):
        frame.data = [_exactly(frame, picture, cleaning)]
    known = icc.identify(picture.profile) if picture.profile else icc.Known.SRGB
    ours = icc.profile_for(known) if known is not None and picture.header[9] & 2 else None
    if picture.profile and (known is None or picture.profile not in icc.OURS):
        cleaning.removed.add(Removed.COLOUR_PROFILE)
    if picture.plays is not None and cleaning.mode is Mode.STRONG:
        frames = len(_all_frames(picture))
        made = animation.anew(
            _assemble(picture, None), "image/png", size=picture.size, frames=frames, profile=ours, cleaning=cleaning
        )
        return clean(Source.of(made), sink, cleaning.lossless())
    # An animation keeps its pixels and loses its profile: Pillow would not put it together again frame by frame.
    must_change = (known is None or picture.orientation != 1) and picture.plays is None
    if must_change or cleaning.mode is Mode.STRONG:
        width, height = picture.size
        cleaning.spend(width * height * 8)
        decoded = codecs.decode_png(_assemble(picture, None))
        decoded = codecs.upright(decoded, picture.orientation)
        if picture.profile and (known is None or cleaning.mode is Mode.STRONG):
            decoded, ours = codecs.to_srgb(decoded, picture.profile), None
        picture = _parse(codecs.encode_png(decoded), set())
    sink.write(_assemble(picture, ours))
    return "image/png"


def _all_frames(picture: _Picture) -> list[_Frame]:
    frames = [frame for frame in picture.frames if frame is not picture.still]
    return frames if picture.still is None else [picture.still, *frames]


def _parse(data: bytes, removed: set[Removed]) -> _Picture:
    if not data.startswith(SIGNATURE):
        raise Damaged
    picture = _Picture()
    position = len(SIGNATURE)
    while True:
        length, kind = struct.unpack_from(">I4s", data, position) if len(data) >= position + 12 else (0, b"")
        body = data[position + 8 : position + 8 + length]
        check = data[position + 8 + length : position + 12 + length]
        if not kind or len(check) != 4 or (kind != b"IHDR" and not picture.header):
            raise Damaged
        position += 12 + length
        if kind in _KEPT:
            if zlib.crc32(body, zlib.crc32(kind)) != int.from_bytes(check, "big"):
                raise Damaged
            _KEPT[kind](picture, kind, body, removed)
            if kind == b"IEND":
                break
        elif not kind[0] & 0x20:
            raise Damaged  # critical and unknown: no reader could draw it
        else:
            removed |= _told(kind, body)
            if kind == b"eXIf":
                picture.orientation = metadata.in_exif(body).orientation
    if data[position:].strip(b"\0"):
        removed.add(Removed.TRAILING_DATA)
    return picture


def _header(picture: _Picture, kind: bytes, body: bytes, removed: set[Removed]) -> None:
    del kind, removed
    if picture.header or len(body) != 13:
        raise Damaged
    width, height, depth, colour, compression, filtering, interlace = struct.unpack(">IIBBBBB", body)
    if depth not in _DEPTHS.get(colour, ()) or compression or filtering or interlace > 1:
        raise Damaged
    check_image(width, height)
    picture.header = body


def _palette(picture: _Picture, kind: bytes, body: bytes, removed: set[Removed]) -> None:
    """As many colours as a pixel can name; in a picture whose pixels are no names, none."""
    del kind
    if picture.palette is not None or picture.still is not None or not body or len(body) % 3 or len(body) > 768:
        raise Damaged
    depth, colour = picture.header[8], picture.header[9]
    picture.palette = body[: 3 << depth] if colour == 3 else b""
    if len(picture.palette) < len(body):
        removed.add(Removed.HIDDEN_CONTENT)


def _colour(picture: _Picture, kind: bytes, body: bytes, removed: set[Removed]) -> None:
    """sRGB, gAMA, cHRM and cICP: kept when they say something standard."""
    if kind == b"gAMA":
        standard = len(body) == 4 and int.from_bytes(body, "big") in _GAMMA
    elif kind == b"cHRM":
        standard = body == _SRGB_CHROMATICITIES
    else:
        standard = len(body) == (1 if kind == b"sRGB" else 4)
    if not standard:
        removed.add(Removed.COLOUR_PROFILE)
    elif all(kind != name for name, _ in picture.colour):
        picture.colour.append((kind, body))


def _profile(picture: _Picture, kind: bytes, body: bytes, removed: set[Removed]) -> None:
    del kind, removed
    _, _, rest = body.partition(b"\0")
    inflater = zlib.decompressobj()
    try:
        picture.profile = inflater.decompress(rest[1:], limits.ICC_BYTES)
    except zlib.error:
        return  # no reader uses a damaged one
    if inflater.unconsumed_tail:
        raise Bomb


def _extra(picture: _Picture, kind: bytes, body: bytes, removed: set[Removed]) -> None:
    del removed
    depth, colour = picture.header[8], picture.header[9]
    if kind == b"tRNS":
        body = body[: 1 << depth] if colour == 3 else body
        fits = len(body) <= len(picture.palette or b"") // 3 if colour == 3 else len(body) == {0: 2, 2: 6}.get(colour)
    else:
        fits = len(body) == {0: 2, 2: 6, 3: 1, 4: 2, 6: 6}[colour]
    if fits:
        picture.extra.setdefault(kind, body)


def _animation(picture: _Picture, kind: bytes, body: bytes, removed: set[Removed]) -> None:
    del kind, removed
    if len(body) != 8 or picture.plays is not None or picture.still is not None:
        raise Damaged
    width, height = picture.size
    check_image(width, height, frames=max(1, int.from_bytes(body[:4], "big")))
    picture.plays = body[4:]


def _control(picture: _Picture, kind: bytes, body: bytes, removed: set[Removed]) -> None:
    del kind, removed
    if len(body) != 26 or picture.plays is None:
        raise Damaged
    width, height, left, top = struct.unpack_from(">4I", body, 4)
    full_width, full_height = picture.size
    if not width or not height or left + width > full_width or top + height > full_height or max(body[24:]) > 2:
        raise Damaged
    picture.frames.append(_Frame(body[4:], width, height))
    check_image(full_width, full_height, frames=len(picture.frames))


def _image_data(picture: _Picture, kind: bytes, body: bytes, removed: set[Removed]) -> None:
    del kind, removed
    if picture.still is None:
        width, height = picture.size
        if picture.frames and (picture.frames[0].width, picture.frames[0].height) != (width, height):
            raise Damaged
        picture.still = picture.frames[0] if picture.frames else _Frame(b"", width, height)
    picture.still.data.append(body)


def _frame_data(picture: _Picture, kind: bytes, body: bytes, removed: set[Removed]) -> None:
    del kind, removed
    if not picture.frames or picture.still is None or picture.frames[-1] is picture.still or len(body) < 4:
        raise Damaged
    picture.frames[-1].data.append(body[4:])


def _end(picture: _Picture, kind: bytes, body: bytes, removed: set[Removed]) -> None:
    del kind, body, removed
    if picture.still is None:
        raise Damaged


_KEPT: Final = {
    b"IHDR": _header,
    b"PLTE": _palette,
    b"sRGB": _colour,
    b"gAMA": _colour,
    b"cHRM": _colour,
    b"cICP": _colour,
    b"iCCP": _profile,
    b"tRNS": _extra,
    b"bKGD": _extra,
    b"acTL": _animation,
    b"fcTL": _control,
    b"IDAT": _image_data,
    b"fdAT": _frame_data,
    b"IEND": _end,
}


def _told(kind: bytes, body: bytes) -> frozenset[Removed]:
    """What a dropped chunk would have told."""
    if kind == b"eXIf":
        return metadata.in_exif(body).removed
    if kind in {b"tEXt", b"zTXt", b"iTXt"}:
        keyword = body.partition(b"\0")[0].lower()
        if keyword.startswith(b"xml:com.adobe.xmp"):
            return metadata.in_xmp(body)
        return frozenset({_KEYWORDS.get(keyword, Removed.OTHER_METADATA)})
    if kind in _PHYSICAL:
        return frozenset()
    return frozenset({_DROPPED.get(kind, Removed.OTHER_METADATA)})


def _exactly(frame: _Frame, picture: _Picture, cleaning: Cleaning) -> bytes:
    """The compressed data of one frame, cut where its stream ends; it must inflate to the size the header promises."""
    expected = _raw_size(frame.width, frame.height, picture.header)
    cleaning.spend(expected)
    data = b"".join(frame.data)
    inflater, seen, pending = zlib.decompressobj(), 0, data
    try:
        while not inflater.eof and pending:
            seen += len(inflater.decompress(pending, limits.MIB))
            pending = inflater.unconsumed_tail
            if seen > expected:
                raise Bomb
    except zlib.error:
        raise Damaged from None
    if seen != expected or not inflater.eof:
        raise Damaged
    if inflater.unused_data:
        cleaning.removed.add(Removed.HIDDEN_CONTENT)
        return data[: -len(inflater.unused_data)]
    return data


def _raw_size(width: int, height: int, header: bytes) -> int:
    """Bytes of the filtered rows, with a filter type byte each (clause 7)."""
    depth, colour, interlace = header[8], header[9], header[12]
    bits = depth * _CHANNELS[colour]
    if not interlace:
        return height * (1 + (width * bits + 7) // 8)
    total = 0
    for left, top, step_x, step_y in _ADAM7:
        columns, rows = -(-(width - left) // step_x), -(-(height - top) // step_y)
        if columns > 0 and rows > 0:
            total += rows * (1 + (columns * bits + 7) // 8)
    return total


def _assemble(picture: _Picture, profile: bytes | None) -> bytes:
    pieces = [SIGNATURE, _chunk(b"IHDR", picture.header)]
    if profile is not None:
        pieces.append(_chunk(b"iCCP", b"icc\0\0" + zlib.compress(profile, 9)))
    elif not picture.profile:
        # A profile outranks these; what a profile of sRGB said needs no saying.
        pieces += [_chunk(kind, body) for kind, body in sorted(picture.colour)]
    if picture.plays is not None and picture.frames:
        pieces.append(_chunk(b"acTL", struct.pack(">I", len(picture.frames)) + picture.plays))
    if picture.palette:
        pieces.append(_chunk(b"PLTE", picture.palette))
    pieces += [_chunk(kind, body) for kind, body in sorted(picture.extra.items())]
    number = 0
    still = picture.still
    if still is not None and still not in picture.frames:
        pieces += [_chunk(b"IDAT", piece) for piece in _in_pieces(still.data)]
    for frame in picture.frames:
        pieces.append(_chunk(b"fcTL", struct.pack(">I", number) + frame.control))
        number += 1
        for piece in _in_pieces(frame.data):
            if frame is still:
                pieces.append(_chunk(b"IDAT", piece))
            else:
                pieces.append(_chunk(b"fdAT", struct.pack(">I", number) + piece))
                number += 1
    pieces.append(_chunk(b"IEND", b""))
    return b"".join(pieces)


def _in_pieces(data: list[bytes]) -> list[bytes]:
    whole = b"".join(data)
    return [whole[start : start + _PIECE] for start in range(0, len(whole), _PIECE)]


def _chunk(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(body, zlib.crc32(kind)))


# --- verify: another reader, which knows nothing of the one above ---

_NOTHING_ELSE: Final = frozenset(
    {"IHDR", "iCCP", "sRGB", "gAMA", "cHRM", "cICP", "acTL", "PLTE", "tRNS", "bKGD", "IDAT", "fcTL", "fdAT", "IEND"}
)
_LONGEST: Final = {"IHDR": 13, "sRGB": 1, "gAMA": 4, "cHRM": 32, "cICP": 4, "acTL": 8, "PLTE": 768, "tRNS": 256}
_LONGEST_MORE: Final = {"bKGD": 6, "fcTL": 26, "IEND": 0}


def verify(source: Source, media_type: str) -> None:
    """Read chunk by chunk as a stream: names, lengths, checksums, the profile, and the end."""
    del media_type
    longest = _LONGEST | _LONGEST_MORE
    with source.file() as file:
        if file.read(8) != b"\x89PNG\r\n\x1a\n":
            raise Residue
        name = ""
        while name != "IEND":
            head = file.read(8)
            size, name = int.from_bytes(head[:4], "big"), head[4:].decode("latin-1")
            if len(head) != 8 or name not in _NOTHING_ELSE or size > longest.get(name, _PIECE + 4):
                raise Residue
            body = file.read(size)
            if file.read(4) != zlib.crc32(head[4:] + body).to_bytes(4, "big"):
                raise Residue
            if name == "iCCP" and (body[:5] != b"icc\0\0" or zlib.decompress(body[5:]) not in icc.OURS):
                raise Residue
        if file.read(1):
            raise Residue


def warm() -> None:
    """Load the decoder."""
    codecs.warm()
