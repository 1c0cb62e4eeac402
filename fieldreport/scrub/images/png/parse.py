"""A stranger's PNG, chunk by chunk, into what is kept of it."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass, field
from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import check_image
from fieldreport.scrub.images import metadata
from fieldreport.scrub.verdicts import Bomb, Damaged, Removed

SIGNATURE: Final = b"\x89PNG\r\n\x1a\n"
_DEPTHS: Final = {0: {1, 2, 4, 8, 16}, 2: {8, 16}, 3: {1, 2, 4, 8}, 4: {8, 16}, 6: {8, 16}}

_GAMMA: Final = frozenset({45455, 100000})  # as sRGB, linear; others are measured on a screen
_SRGB_CHROMATICITIES: Final = struct.pack(">8I", 31270, 32900, 64000, 33000, 30000, 60000, 15000, 6000)
_DROPPED: Final = {
    b"tIME": Removed.TIME,
    b"vpAg": Removed.SOFTWARE,
    b"caNv": Removed.SOFTWARE,
    b"gdAT": Removed.HIDDEN_CONTENT,
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
    # What programs for generated pictures write, and China's label of such content.
    **dict.fromkeys((b"parameters", b"prompt", b"workflow", b"sd-metadata", b"dream", b"aigc"), Removed.SAYS_AI),
    **dict.fromkeys((b"invokeai_metadata", b"invokeai_graph"), Removed.SAYS_AI),
}
_PHYSICAL: Final = frozenset({b"pHYs", b"oFFs", b"sCAL", b"sBIT", b"hIST", b"sPLT", b"mDCV", b"cLLI", b"sTER", b"pCAL"})


@dataclass(slots=True)
class Frame:
    """One compressed picture: where it lies (the 26-byte fcTL without its number; empty for a still), and its data."""

    control: bytes
    width: int
    height: int
    data: list[bytes] = field(default_factory=list)


@dataclass(slots=True)
class Picture:
    """What a file consists of, as far as it is kept."""

    header: bytes = b""
    palette: bytes | None = None
    colour: list[tuple[bytes, bytes]] = field(default_factory=list)  # kept chunks about colour, before the palette
    extra: dict[bytes, bytes] = field(default_factory=dict)  # tRNS and bKGD, after the palette
    profile: bytes = b""
    orientation: int = 1
    still: Frame | None = None  # IDAT; part of the animation when it has a control
    frames: list[Frame] = field(default_factory=list)  # of the animation, in order
    plays: bytes | None = None  # how often it plays; None: no animation
    swapped: bool = False  # as Apple's tools write it: see ``write``
    promised: int = 0  # frames of the animation

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        width, height = struct.unpack_from(">II", self.header)
        return width, height


def parse(data: bytes, removed: set[Removed]) -> Picture:
    """Read every chunk up to the last; what is dropped adds to ``removed``."""
    if not data.startswith(SIGNATURE):
        raise Damaged
    picture = Picture()
    position = len(SIGNATURE)
    while True:
        length, kind = struct.unpack_from(">I4s", data, position) if len(data) >= position + 12 else (0, b"")
        body = data[position + 8 : position + 8 + length]
        check = data[position + 8 + length : position + 12 + length]
        if not kind or len(check) != 4 or (kind not in {b"IHDR", b"CgBI"} and not picture.header):
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
            removed |= _categories(kind, body)
            if kind == b"eXIf":
                picture.orientation = metadata.in_exif(body).orientation
    if len(picture.frames) < picture.promised:
        removed.add(Removed.INCOMPLETE)
    if data[position:].strip(b"\0"):
        removed.add(Removed.TRAILING_DATA)
    return picture


def _header(picture: Picture, kind: bytes, body: bytes, removed: set[Removed]) -> None:
    del kind, removed
    if picture.header or len(body) != 13:
        raise Damaged
    width, height, depth, colour, compression, filtering, interlace = struct.unpack(">IIBBBBB", body)
    if depth not in _DEPTHS.get(colour, ()) or compression or filtering or interlace > 1:
        raise Damaged
    check_image(width, height)
    picture.header = body


def _swapped(picture: Picture, kind: bytes, body: bytes, removed: set[Removed]) -> None:
    del kind, body, removed
    if picture.header:
        raise Damaged
    picture.swapped = True


def _palette(picture: Picture, kind: bytes, body: bytes, removed: set[Removed]) -> None:
    """As many colours as a pixel can name; in a picture whose pixels are no names, none."""
    del kind
    if picture.palette is not None or picture.still is not None or not body or len(body) % 3 or len(body) > 768:
        raise Damaged
    depth, colour = picture.header[8], picture.header[9]
    picture.palette = body[: 3 << depth] if colour == 3 else b""
    if len(picture.palette) < len(body):
        removed.add(Removed.HIDDEN_CONTENT)


def _colour(picture: Picture, kind: bytes, body: bytes, removed: set[Removed]) -> None:
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


def _profile(picture: Picture, kind: bytes, body: bytes, removed: set[Removed]) -> None:
    del kind, removed
    _, _, rest = body.partition(b"\0")
    inflater = zlib.decompressobj()
    try:
        picture.profile = inflater.decompress(rest[1:], limits.ICC_BYTES)
    except zlib.error:
        return  # no reader uses a damaged one
    if inflater.unconsumed_tail:
        raise Bomb


def _extra(picture: Picture, kind: bytes, body: bytes, removed: set[Removed]) -> None:
    del removed
    depth, colour = picture.header[8], picture.header[9]
    if kind == b"tRNS":
        body = body[: 1 << depth] if colour == 3 else body
        fits = len(body) <= len(picture.palette or b"") // 3 if colour == 3 else len(body) == {0: 2, 2: 6}.get(colour)
    else:
        fits = len(body) == {0: 2, 2: 6, 3: 1, 4: 2, 6: 6}[colour]
    if fits:
        picture.extra.setdefault(kind, body)


def _animation(picture: Picture, kind: bytes, body: bytes, removed: set[Removed]) -> None:
    del kind, removed
    if len(body) != 8 or picture.plays is not None or picture.still is not None:
        raise Damaged
    width, height = picture.size
    check_image(width, height, frames=max(1, int.from_bytes(body[:4], "big")))
    picture.plays, picture.promised = body[4:], int.from_bytes(body[:4], "big")


def _control(picture: Picture, kind: bytes, body: bytes, removed: set[Removed]) -> None:
    del kind, removed
    if len(body) != 26 or picture.plays is None:
        raise Damaged
    width, height, left, top = struct.unpack_from(">4I", body, 4)
    full_width, full_height = picture.size
    if not width or not height or left + width > full_width or top + height > full_height or max(body[24:]) > 2:
        raise Damaged
    picture.frames.append(Frame(body[4:], width, height))
    check_image(full_width, full_height, frames=len(picture.frames))


def _image_data(picture: Picture, kind: bytes, body: bytes, removed: set[Removed]) -> None:
    del kind, removed
    if picture.still is None:
        width, height = picture.size
        if picture.frames and (picture.frames[0].width, picture.frames[0].height) != (width, height):
            raise Damaged
        picture.still = picture.frames[0] if picture.frames else Frame(b"", width, height)
    picture.still.data.append(body)


def _frame_data(picture: Picture, kind: bytes, body: bytes, removed: set[Removed]) -> None:
    del kind, removed
    if not picture.frames or picture.still is None or picture.frames[-1] is picture.still or len(body) < 4:
        raise Damaged
    picture.frames[-1].data.append(body[4:])


def _end(picture: Picture, kind: bytes, body: bytes, removed: set[Removed]) -> None:
    del kind, body, removed
    if picture.still is None:
        raise Damaged


_KEPT: Final = {
    b"CgBI": _swapped,
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


def _categories(kind: bytes, body: bytes) -> frozenset[Removed]:
    """What a dropped chunk would have said."""
    if kind == b"eXIf":
        return metadata.in_exif(body).removed
    if kind in {b"tEXt", b"zTXt", b"iTXt"}:
        keyword = body.partition(b"\0")[0].lower()
        if keyword.startswith(b"xml:com.adobe.xmp"):
            return metadata.in_xmp(body)
        return frozenset({_KEYWORDS.get(keyword, Removed.OTHER_METADATA)})
    if kind == b"caBX":
        return metadata.in_credentials(body)
    if kind in _PHYSICAL:
        return frozenset()
    return frozenset({_DROPPED.get(kind, Removed.OTHER_METADATA)})
