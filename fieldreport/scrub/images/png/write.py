"""Writing a PNG of the chunks that are kept, or of its pixels."""

from __future__ import annotations

import contextlib
import dataclasses
import struct
import zlib
from typing import Final

from PIL import Image

from fieldreport import limits
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.images import animation, codecs, icc, icc_profiles, paper
from fieldreport.scrub.images.png.parse import SIGNATURE, Frame, Picture, parse
from fieldreport.scrub.verdicts import Bomb, Damaged, Mode, Refusal, Refused, Removed

_PALETTE: Final = 3
_CHANNELS: Final = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}
_SCANNED: Final = b"\x08\x02\0\0\0"  # eight bits of red, green and blue, row after row
_LOOKED_AT: Final = 1 << 18  # bytes at once, for most colours are named early
_FEW: Final = 8  # bytes that are sooner looked for one by one than all counted
_PIECE: Final = 1 << 20  # longest data chunk written: lengths that an encoder chose would tell which it was

# Passes of an interlaced picture: first column and row, steps (clause 8).
_ADAM7: Final = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """A file of the same pixels."""
    picture = parse(untrusted_source.whole(), cleaning.removed)
    if picture.swapped:
        picture = parse(codecs.encode_png(_unswapped(picture, cleaning)), set())
    unnamed = _Unnamed(picture) if picture.palette and picture.header[9] == _PALETTE else None
    for frame in _all_frames(picture):
        frame.data = [_exactly(frame, picture, cleaning, unnamed)]
    if unnamed is not None and unnamed.numbers:
        _blank(picture, unnamed.numbers if unnamed.is_sure else _unused(picture, cleaning))
    known = icc.identify(picture.profile) if picture.profile else icc_profiles.Known.SRGB
    ours = icc_profiles.profile_for(known) if known is not None and picture.header[9] & 2 else None
    if picture.profile and (known is None or picture.profile not in icc_profiles.OURS):
        cleaning.removed.add(Removed.COLOUR_PROFILE)
    if picture.plays is not None and cleaning.mode is Mode.STRONG:
        frames = len(_all_frames(picture))
        made = animation.frames_as_png(
            _assemble(picture, None), "image/png", size=picture.size, frames=frames, profile=ours, cleaning=cleaning
        )
        return clean(Source.of(made), sink, cleaning.lossless())
    # An animation keeps its pixels and loses its profile: Pillow would not put it together again frame by frame.
    must_change = (known is None or picture.orientation != 1) and picture.plays is None
    if must_change or cleaning.mode is Mode.STRONG:
        width, height = picture.size
        cleaning.spend(width * height * 8)
        decoded = codecs.decode(_assemble(picture, None), "image/png", cleaning.noted)
        decoded = codecs.upright(decoded, picture.orientation)
        if picture.profile and (known is None or cleaning.mode is Mode.STRONG):
            decoded, ours = codecs.to_srgb(decoded, picture.profile), None
        picture = parse(codecs.encode_png(paper.page(decoded, cleaning)), set())
    elif picture.plays is None and picture.header[8:] == _SCANNED and paper.is_page(*picture.size):
        _look(picture, cleaning)
    sink.write(_assemble(picture, ours))
    return "image/png"


class _Unnamed:
    """Colours of the palette that say something and that no pixel names, as far as rows are stored as they are."""

    def __init__(self, picture: Picture) -> None:
        self._depth, interlace = picture.header[8], picture.header[12]
        colours, opacity = picture.palette or b"", picture.extra.get(b"tRNS", b"")
        self.numbers = {number for number in range(len(colours) // 3) if any(colours[3 * number : 3 * number + 3])}
        self.numbers.update(number for number, each in enumerate(opacity) if 0 < each < 0xFF)
        self.numbers.difference_update(picture.extra.get(b"bKGD", b"")[:1])
        self.is_sure = not interlace  # whether every pixel was looked at

    def look(self, piece: bytes, before: int, width: int) -> None:
        """``piece`` of inflated rows, each with the number of its filter, which ``before`` as many bytes precede."""
        row = 1 + width * self._depth // 8
        filters = piece[-before % row :: row]
        if not self.is_sure or width * self._depth % 8 or filters.strip(b"\0"):
            self.is_sure = False
        elif self._depth == 8 and len(self.numbers) <= _FEW and 0 not in self.numbers:
            self.numbers = {number for number in self.numbers if bytes((number,)) not in piece}
        else:
            counts = Image.frombuffer("L", (len(piece), 1), piece, "raw", "L", 0, 1).histogram()
            counts[0] -= len(filters)
            mask = (1 << self._depth) - 1
            found = [byte for byte, count in enumerate(counts) if count]
            self.numbers.difference_update(byte >> shift & mask for byte in found for shift in range(0, 8, self._depth))


def _look(picture: Picture, cleaning: Cleaning) -> None:
    """Look for printer dots in the first rows, which are decoded as a picture of their own."""
    width, height = picture.size
    rows = min(height, paper.strip_height(width))
    cleaning.spend(width * rows * 8)
    header = struct.pack(">II", width, rows) + picture.header[8:]
    enough = 2 * _raw_size(width, rows, header)  # of compressed data
    still = Frame(b"", width, rows, [b"".join(picture.still.data if picture.still else [])[:enough]])
    strip = dataclasses.replace(picture, header=header, still=still)
    with contextlib.suppress(Refused):  # it goes on as it is, decoded or not
        paper.look(codecs.decode(_assemble(strip, None), "image/png", set()), cleaning.noted)


def _unswapped(picture: Picture, cleaning: Cleaning) -> Image.Image:
    """A picture that was made for an iPhone's screen, as other programs know one.

    Its data have no zlib header; blue stands where red belongs; colours are multiplied by what is visible of them.
    Source: https://theapplewiki.com/wiki/PNG_CgBI_Format.
    """
    if picture.still is None or picture.header[8:10] not in {b"\x08\x02", b"\x08\x06"}:
        raise Refused(Refusal.UNSUPPORTED)
    width, height = picture.size
    codecs.check_decoded(width, height)
    expected = _raw_size(width, height, picture.header)
    cleaning.spend(expected + width * height * 8)
    try:
        raw = zlib.decompressobj(-zlib.MAX_WBITS).decompress(b"".join(picture.still.data), expected)
    except zlib.error:
        raise Damaged from None
    picture.still.data, picture.plays, picture.frames = [zlib.compress(raw, 1)], None, []
    decoded = codecs.decode(_assemble(picture, None), "image/png", cleaning.noted)
    blue, green, red, *alpha = decoded.split()
    decoded = Image.merge("RGBa" if alpha else "RGB", (red, green, blue, *alpha))
    decoded = codecs.upright(decoded.convert("RGBA") if alpha else decoded, picture.orientation)
    return codecs.to_srgb(decoded, picture.profile) if picture.profile else decoded


def _all_frames(picture: Picture) -> list[Frame]:
    frames = [frame for frame in picture.frames if frame is not picture.still]
    return frames if picture.still is None else [picture.still, *frames]


def _exactly(frame: Frame, picture: Picture, cleaning: Cleaning, unnamed: _Unnamed | None) -> bytes:
    """The compressed data of one frame, cut where its stream ends; it must inflate to the size the header promises."""
    expected = _raw_size(frame.width, frame.height, picture.header)
    cleaning.spend(expected)
    data = b"".join(frame.data)
    inflater, seen, pending = zlib.decompressobj(), 0, data
    try:
        while not inflater.eof and pending:
            piece = inflater.decompress(pending, limits.MIB)
            pending = inflater.unconsumed_tail
            if seen + len(piece) > expected:
                raise Bomb
            for start in range(0, len(piece) if unnamed is not None else 0, _LOOKED_AT):
                if unnamed is not None and unnamed.numbers:
                    unnamed.look(piece[start : start + _LOOKED_AT], seen + start, frame.width)
            seen += len(piece)
    except zlib.error:
        raise Damaged from None
    if seen != expected or not inflater.eof:
        raise Damaged
    if inflater.unused_data:
        cleaning.removed.add(Removed.HIDDEN_CONTENT)
        return data[: -len(inflater.unused_data)]
    return data


def _unused(picture: Picture, cleaning: Cleaning) -> set[int]:
    """The numbers of the palette's colours that no pixel has, of a picture that has to be decoded for that."""
    used = set(picture.extra.get(b"bKGD", b"")[:1])
    for frame in _all_frames(picture):
        codecs.check_decoded(frame.width, frame.height)
        cleaning.spend(frame.width * frame.height)
        header = struct.pack(">II", frame.width, frame.height) + picture.header[8:]
        alone = Frame(b"", frame.width, frame.height, frame.data)
        still = dataclasses.replace(picture, header=header, still=alone, frames=[], plays=None, extra={})
        with codecs.any_error_is_damage():
            counts = codecs.open_one(_assemble(still, None), "image/png").histogram()
        used.update(number for number, count in enumerate(counts) if count)
    return set(range(256)) - used


def _blank(picture: Picture, unused: set[int]) -> None:
    """Colours of the palette become black, and opaque if they are not invisible."""
    colours = picture.palette or b""
    picture.palette = b"".join(
        bytes(3) if at // 3 in unused else colours[at : at + 3] for at in range(0, len(colours), 3)
    )
    if opacity := picture.extra.get(b"tRNS"):
        picture.extra[b"tRNS"] = bytes(
            0xFF if number in unused and each else each for number, each in enumerate(opacity)
        )


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


def _assemble(picture: Picture, profile: bytes | None) -> bytes:
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


def warm() -> None:
    """Load the decoder."""
    codecs.warm()
