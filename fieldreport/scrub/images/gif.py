"""GIF: the blocks that draw and the two numbers that time an animation.

Rules: pixels are not touched; strongly cleaned, they become a PNG (``animation``). Every block is rebuilt from the
fields that draw; comments, texts, XMP, profiles and private extensions go, and whatever follows the trailer. What stays
is the compressed data of each frame, as it was. Source: GIF89a specification (CompuServe, 1990), and the looping
extension that every program has taken over from Netscape.
"""

from __future__ import annotations

import struct
from typing import BinaryIO, Final

from fieldreport import limits
from fieldreport.scrub.format import Cleaning, Sink, Source, check_image
from fieldreport.scrub.images import animation, metadata, png
from fieldreport.scrub.verdicts import Damaged, Mode, Removed, Residue

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_CONTROL, _COMMENT, _TEXT, _APPLICATION = 0xF9, 0xFE, 0x01, 0xFF
_LOOPING: Final = frozenset({b"NETSCAPE2.0", b"ANIMEXTS1.0"})


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """A file of the same frames, shown as long and as often."""
    data = untrusted_source.whole()
    if data[:6] not in {b"GIF87a", b"GIF89a"} or len(data) < 13:
        raise Damaged
    width, height, flags, background = struct.unpack_from("<HHBB", data, 6)
    check_image(width, height)
    position = 13
    palette, position = _palette(data, position, flags)
    out = [b"GIF89a", struct.pack("<HHBBB", width, height, flags, background, 0), palette]
    frames, looping, control = 0, False, b""
    while True:
        kind = data[position] if position < len(data) else None
        if kind == _TRAILER or (kind is None and frames):  # a cut-off file ends where it ends
            break
        if kind == _IMAGE:
            frame, position = _frame(data, position, width, height)
            out += [control, *frame]
            control = b""
            frames += 1
            check_image(width, height, frames=frames)
        elif kind == _EXTENSION and position + 2 < len(data):
            label = data[position + 1]
            body, position = _sub_blocks(data, position + 2)
            if label == _CONTROL and len(body) == 1 and len(body[0]) == 4:
                control = _timing(body[0])
            elif label == _APPLICATION and body and body[0] in _LOOPING:
                if not looping and len(body) > 1 and len(body[1]) == 3:
                    out.append(b"\x21\xff\x0bNETSCAPE2.0\x03\x01" + body[1][1:] + b"\0")
                    looping = True
            else:
                cleaning.removed |= _told(label, body)
        else:
            raise Damaged
    if data[position + 1 :].strip(b"\0"):
        cleaning.removed.add(Removed.TRAILING_DATA)
    if not frames:
        raise Damaged
    cleaned = b"".join([*out, b"\x3b"])
    if cleaning.mode is Mode.STRONG:
        made = animation.anew(
            cleaned, "image/gif", size=(width, height), frames=frames, profile=None, cleaning=cleaning
        )
        return png.clean(Source.of(made), sink, cleaning.lossless())
    sink.write(cleaned)
    return "image/gif"


def _palette(data: bytes, position: int, flags: int) -> tuple[bytes, int]:
    if not flags & 0x80:
        return b"", position
    size = 3 << ((flags & 7) + 1)
    if position + size > len(data):
        raise Damaged
    return data[position : position + size], position + size


def _sub_blocks(data: bytes, position: int) -> tuple[list[bytes], int]:
    """The data sub-blocks from ``position`` on, and where the next block begins."""
    blocks: list[bytes] = []
    while position < len(data):
        size = data[position]
        if not size:
            return blocks, position + 1
        blocks.append(data[position + 1 : position + 1 + size])
        position += 1 + size
    return blocks, len(data)


def _frame(data: bytes, position: int, width: int, height: int) -> tuple[list[bytes], int]:
    if position + 11 > len(data):
        raise Damaged
    left, top, columns, rows, flags = struct.unpack_from("<4HB", data, position + 1)
    # Beyond the screen nothing shows; a frame that lies there would hide what it draws.
    if not columns or not rows or left + columns > width or top + rows > height:
        raise Damaged
    palette, position = _palette(data, position + 10, flags)
    code_size = data[position : position + 1]
    if not code_size or not 1 <= code_size[0] <= 11:
        raise Damaged
    blocks, end = _sub_blocks(data, position + 1)
    compressed = b"".join(blocks)
    if not compressed:
        raise Damaged
    # In full sub-blocks: how an encoder cut them would tell which it was.
    cut = [compressed[start : start + 255] for start in range(0, len(compressed), 255)]
    head = struct.pack("<B4HB", _IMAGE, left, top, columns, rows, flags & 0xC7)
    return [head, palette, code_size, *(bytes((len(block),)) + block for block in cut), b"\0"], end


def _timing(body: bytes) -> bytes:
    """A graphic control extension with its disposal, delay and transparent colour."""
    flags, delay, transparent = struct.unpack("<BHB", body)
    return struct.pack("<BBBBHBB", _EXTENSION, _CONTROL, 4, flags & 0x1D, delay, transparent if flags & 1 else 0, 0)


def _told(label: int, body: list[bytes]) -> frozenset[Removed]:
    if label == _COMMENT:
        return frozenset({Removed.COMMENTS})
    if label == _APPLICATION and body and body[0] == b"XMP DataXMP":
        return metadata.in_xmp(b"".join(body))
    if label == _APPLICATION and body and body[0] == b"ICCRGBG1012":
        return frozenset({Removed.COLOUR_PROFILE})
    return frozenset({Removed.OTHER_METADATA})


# --- verify: another reader, which knows nothing of the one above ---


def verify(source: Source, media_type: str) -> None:
    """Read as a stream, every block by its expected shape, up to the very end."""
    del media_type
    with source.file() as file:
        if file.read(6) != b"GIF89a":
            raise Residue
        screen = file.read(7)
        if len(screen) != 7 or screen[6]:
            raise Residue
        if screen[4] & 0x80:
            file.read(6 << (screen[4] & 7))
        looped = False
        for _ in range(3 * limits.IMAGE_FRAMES):
            introducer = file.read(1)
            if introducer == b";":
                if file.read(1):
                    raise Residue
                return
            if introducer == b",":
                _verify_frame(file)
            elif introducer == b"!":
                looped |= _verify_extension(file, looped=looped)
            else:
                raise Residue
    raise Residue


def _verify_frame(file: BinaryIO) -> None:
    descriptor = file.read(9)
    if len(descriptor) != 9 or descriptor[8] & 0x38:
        raise Residue
    if descriptor[8] & 0x80:
        file.read(6 << (descriptor[8] & 7))
    file.read(1)
    while size := int.from_bytes(file.read(1), "big"):
        if len(file.read(size)) != size:
            raise Residue


def _verify_extension(file: BinaryIO, *, looped: bool) -> bool:
    """Whether it is the loop count, which may stand in a file once."""
    label = file.read(1)
    if label == b"\xf9":
        body = file.read(6)
        if len(body) != 6 or body[0] != 4 or body[1] & 0xE2 or body[5]:
            raise Residue
        return False
    body = file.read(17)
    if label != b"\xff" or looped or body[:14] != b"\x0bNETSCAPE2.0\x03\x01" or body[16:] != b"\0":
        raise Residue
    return True


def warm() -> None:
    """Load what makes animations anew."""
    animation.warm()
