"""Stream headers of AVI: which codecs a file may hold, and the few numbers that each needs to be decoded.

Rules: rebuilt field by field; names, languages, priorities, dates and the data of drivers go. Sources: Microsoft, "AVI
RIFF File Reference" and "Multiple Media Types: WAVEFORMATEX"; OpenDML AVI File Format Extensions 1.02.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass, field
from typing import Final

from fieldreport.scrub.format import check_image
from fieldreport.scrub.media.bitstreams import FrameCleaner, aac, mpeg4, nal_units
from fieldreport.scrub.verdicts import Damaged, Removed

PICTURE, SOUND = b"vids", b"auds"
_H264: Final = frozenset({b"H264", b"h264", b"X264", b"x264", b"avc1", b"AVC1"})
_VISUAL: Final = frozenset({b"XVID", b"xvid", b"DIVX", b"divx", b"DX50", b"FMP4", b"MP4V", b"mp4v", b"M4S2"})
_MJPEG: Final = frozenset({b"MJPG", b"mjpg", b"jpeg", b"JPEG"})
_PLAIN: Final = frozenset({b"VP80", b"VP90", b"H263", b"DIV3", b"MP42", b"MP43", b"I420", b"YUY2", b"UYVY", bytes(4)})
_PCM_GUID_END: Final = bytes.fromhex("000000001000800000aa00389b71")
# Format tag → bytes behind the common fields: PCM, Microsoft ADPCM, float, A-law, µ-law, IMA ADPCM, MP2, MP3, AC-3.
_SOUNDS: Final = {1: 0, 2: 32, 3: 0, 6: 0, 7: 0, 0x11: 2, 0x50: 22, 0x55: 12, 0x2000: 0}
_AAC, _EXTENSIBLE = 0xFF, 0xFFFE
_MPEG_SOUND: Final = frozenset({0x50, 0x55})


@dataclass(slots=True, kw_only=True)
class Stream:
    """One stream that stays, and what is counted while its chunks are copied."""

    number: int
    kind: bytes
    header: tuple[int, ...]  # initial frames, scale, rate, start, sample size; then the rectangle
    handler: bytes
    format: bytes
    clean: FrameCleaner | None
    every_frame_is_whole: bool
    chunks: int = 0
    length_bytes: int = 0
    largest: int = 0
    keys: list[bool] = field(default_factory=list)  # from the file's own index, in order

    def header_list(self) -> bytes:
        """The ``strl`` list; the same length whatever was counted."""
        initial, scale, rate, start, size, *rectangle = self.header
        length = self.length_bytes // size if size else self.chunks
        numbers = struct.pack("<IHHIIIIIIII", 0, 0, 0, initial, scale, rate, start, length, self.largest, 0, size)
        header = self.kind + self.handler + numbers + struct.pack("<4h", *rectangle)
        return chunk_list(b"strl", chunk(b"strh", header) + chunk(b"strf", self.format))


def read(header: bytes, form: bytes, number: int, removed: set[Removed]) -> Stream | None:
    """A stream from its ``strh`` and ``strf``, or None for a codec that is not allowed."""
    if len(header) < 48:
        raise Damaged
    kind, handler = header[:4], header[4:8]
    _, priority, language, initial, scale, rate, start, _, _, _, size = struct.unpack_from("<IHHIIIIIIII", header, 8)
    rectangle = struct.unpack_from("<4h", header.ljust(56, b"\0"), 48)
    if priority or language:
        removed.add(Removed.OTHER_METADATA)
    if not scale or not rate:
        raise Damaged
    found = _picture(form, removed) if kind == PICTURE else _sound(form, removed)
    if found is None:
        return None
    rebuilt, clean = found
    compression = rebuilt[16:20] if kind == PICTURE else b""
    known = handler in _H264 | _VISUAL | _MJPEG | _PLAIN
    return Stream(
        number=number,
        kind=kind,
        header=(initial, scale, rate, start, size, *rectangle),
        handler=handler if known and kind == PICTURE else compression or bytes(4),
        format=rebuilt,
        clean=clean,
        every_frame_is_whole=kind == SOUND or compression in _MJPEG | {b"I420", b"YUY2", b"UYVY", bytes(4)},
    )


def _picture(form: bytes, removed: set[Removed]) -> tuple[bytes, FrameCleaner | None] | None:
    """Rebuild a BITMAPINFOHEADER."""
    if len(form) < 40:
        raise Damaged
    _, width, height, planes, depth, compression, size = struct.unpack_from("<IiiHH4sI", form)
    check_image(width, abs(height))
    clean: FrameCleaner | None = None
    extra = b""
    if compression in _H264:
        clean = nal_units.Stream(units=nal_units.Units(hevc=False, length_bytes=4, removed=removed))
        if form[40:44].startswith((b"\0\0\1", b"\0\0\0\1")):
            extra = clean(form[40:])
    elif compression in _VISUAL:
        clean = mpeg4.Visual(removed=removed, ambiguous=True)
        if b"\0\0\1" in form[40:]:
            extra = clean(form[40:])
    elif compression in _MJPEG:
        clean = mpeg4.Jpeg(removed=removed)
    elif compression not in _PLAIN or (compression == bytes(4) and depth <= 8):
        return None
    if len(form) > 40 and any(form[40:]) and not extra:
        removed.add(Removed.OTHER_METADATA)
    head = struct.pack("<IiiHH4sIiiII", 40 + len(extra), width, height, planes, depth, compression, size, 0, 0, 0, 0)
    return head + extra, clean


def _sound(form: bytes, removed: set[Removed]) -> tuple[bytes, FrameCleaner | None] | None:
    """Rebuild a WAVEFORMATEX."""
    if len(form) < 14:
        raise Damaged
    common = form[:16].ljust(16, b"\0")
    extra = form[18 : 18 + int.from_bytes(form[16:18], "little")]
    tag = int.from_bytes(common[:2], "little")
    clean: FrameCleaner | None = None
    if tag == _AAC:
        extra, raw_blocks = aac.configuration(extra, removed)
        clean = aac.Sound(removed=removed) if raw_blocks else None
    elif tag == _EXTENSIBLE:
        if len(extra) < 22 or extra[6:8] not in {b"\1\0", b"\3\0"} or extra[8:22] != _PCM_GUID_END:
            return None
        extra = extra[:22]
    elif tag in _SOUNDS:
        extra = extra[: _SOUNDS[tag]]
        clean = mpeg4.Mp3(removed=removed) if tag in _MPEG_SOUND else None
    else:
        return None
    return common + struct.pack("<H", len(extra)) + extra, clean


def chunk(kind: bytes, data: bytes) -> bytes:
    """A RIFF chunk, of even length."""
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def chunk_list(kind: bytes, data: bytes) -> bytes:
    """A RIFF list."""
    return chunk(b"LIST", kind + data)
