"""Reading a GIF block by block and writing those that draw."""

from __future__ import annotations

import struct
from typing import Final

from fieldreport.scrub.format import Cleaning, Sink, Source, check_image
from fieldreport.scrub.images import animation, metadata
from fieldreport.scrub.images.png import write as write_png
from fieldreport.scrub.verdicts import Damaged, Mode, Removed

_EXTENSION, _IMAGE, _TRAILER = 0x21, 0x2C, 0x3B
_CONTROL, _COMMENT, _TEXT, _APPLICATION = 0xF9, 0xFE, 0x01, 0xFF
_LOOPING: Final = frozenset({b"NETSCAPE2.0", b"ANIMEXTS1.0"})


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """A file of the same frames, shown as long and as often."""
    data = untrusted_source.whole()
    if data[:6] not in {b"GIF87a", b"GIF89a"} or len(data) < 13:
        raise Damaged
    width, height, flags, background = struct.unpack_from("<HHBB", data, 6)
    position = 13
    palette, position = _palette(data, position, flags)
    out = [b"GIF89a", b"", palette]
    frames, looping, control = 0, False, b""
    while True:
        position = _past_padding(data, position)
        kind = data[position] if position < len(data) else None
        if kind == _TRAILER:
            break
        if frames and _ends(data, position):  # viewers show what came before
            cleaning.removed.add(Removed.INCOMPLETE)
            position = len(data)
            break
        if kind == _IMAGE:
            frame, position, right, bottom = _frame(data, position)
            out += [control, *frame]
            # Nothing lies beyond the screen, where some programs would not show it.
            width, height = max(width, right), max(height, bottom)
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
                cleaning.removed |= _categories(label, body)
        else:
            raise Damaged
    if data[position + 1 :].strip(b"\0"):
        cleaning.removed.add(Removed.TRAILING_DATA)
    if not frames:
        raise Damaged
    out[1] = struct.pack("<HHBBB", width, height, flags, background, 0)
    cleaned = b"".join([*out, b"\x3b"])
    if cleaning.mode is Mode.STRONG:
        made = animation.frames_as_png(
            cleaned, "image/gif", size=(width, height), frames=frames, profile=None, cleaning=cleaning
        )
        return write_png.clean(Source.of(made), sink, cleaning.lossless())
    sink.write(cleaned)
    return "image/gif"


def _past_padding(data: bytes, position: int) -> int:
    """Where the next block begins: some programs write the end of a block more than once."""
    while data[position : position + 1] == b"\0":
        position += 1
    return position


def _ends(data: bytes, position: int) -> bool:
    """Whether no block begins here, or one that the file ends in before it says anything."""
    kind = data[position : position + 1]
    if kind == bytes((_EXTENSION,)):
        return position + 2 >= len(data)
    if kind != bytes((_IMAGE,)) or position + 11 > len(data):
        return True
    flags = data[position + 9]
    return position + 11 + (3 << ((flags & 7) + 1) if flags & 0x80 else 0) >= len(data)


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


def _frame(data: bytes, position: int) -> tuple[list[bytes], int, int, int]:
    """A frame's pieces, where the next block begins, and the right and lower edge of what it draws."""
    if position + 11 > len(data):
        raise Damaged
    left, top, columns, rows, flags = struct.unpack_from("<4HB", data, position + 1)
    if not columns or not rows or left + columns > 0xFFFF or top + rows > 0xFFFF:
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
    return (
        [head, palette, code_size, *(bytes((len(block),)) + block for block in cut), b"\0"],
        end,
        left + columns,
        top + rows,
    )


def _timing(body: bytes) -> bytes:
    """A graphic control extension with its disposal, delay and transparent colour."""
    flags, delay, transparent = struct.unpack("<BHB", body)
    return struct.pack("<BBBBHBB", _EXTENSION, _CONTROL, 4, flags & 0x1D, delay, transparent if flags & 1 else 0, 0)


def _categories(label: int, body: list[bytes]) -> frozenset[Removed]:
    if label == _TEXT:
        return frozenset({Removed.HIDDEN_CONTENT})  # to be drawn over the frames, which no program does
    if label == _COMMENT:
        return frozenset({Removed.COMMENTS})
    if label == _APPLICATION and body and body[0] == b"XMP DataXMP":
        return metadata.in_xmp(b"".join(body))
    if label == _APPLICATION and body and body[0].startswith(b"C2PA_GIF"):
        return metadata.in_credentials(b"".join(body[1:]))
    if label == _APPLICATION and body and body[0] == b"ICCRGBG1012":
        return frozenset({Removed.COLOUR_PROFILE})
    return frozenset({Removed.OTHER_METADATA})


def warm() -> None:
    """Load what re-encodes animations."""
    animation.warm()
