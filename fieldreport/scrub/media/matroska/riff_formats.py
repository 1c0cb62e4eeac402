"""Codecs as Windows describes them: BITMAPINFOHEADER of a picture, WAVEFORMATEX of a sound.

AVI has no other description, and Matroska takes both as they are. Times of such pictures are those of decoding, which
is all that AVI knows.

Rules: rebuilt field by field; data of drivers go. Sources: Microsoft, "BITMAPINFOHEADER" and "Multiple Media Types:
WAVEFORMATEX"; Matroska codec specifications, "V_MS/VFW/FOURCC" and "A_MS/ACM".
"""

from __future__ import annotations

import struct
from typing import Final

from fieldreport.scrub.format import check_image
from fieldreport.scrub.media.bitstreams import FrameCleaner, mpeg4, nal_units
from fieldreport.scrub.verdicts import Damaged, Removed

PICTURE, SOUND = b"V_MS/VFW/FOURCC", b"A_MS/ACM"

_H264: Final = frozenset({b"H264", b"h264", b"X264", b"x264", b"avc1", b"AVC1"})
_VISUAL: Final = frozenset({b"XVID", b"xvid", b"DIVX", b"divx", b"DX50", b"FMP4", b"MP4V", b"mp4v", b"M4S2"})
_RAW: Final = frozenset({b"I420", b"YUY2", b"UYVY", bytes(4)})
_OLD: Final = frozenset({b"H263", b"DIV3", b"MP42", b"MP43"})
_PCM_GUID_END: Final = bytes.fromhex("000000001000800000aa00389b71")
# Format tag → bytes after the common fields: PCM, Microsoft ADPCM, float, A-law, µ-law, IMA ADPCM.
_SOUNDS: Final = {1: 0, 2: 32, 3: 0, 6: 0, 7: 0, 0x11: 2}
_EXTENSIBLE: Final = 0xFFFE


def is_raw(form: bytes) -> bool:
    """Whether a BITMAPINFOHEADER is of pictures without compression, each of them whole."""
    return form[16:20] in _RAW


def picture(form: bytes, removed: set[Removed]) -> tuple[bytes, FrameCleaner | None] | None:
    """Rebuild a BITMAPINFOHEADER; answers it and what cleans a frame, or None for a codec that is not allowed."""
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
    elif compression not in _RAW | _OLD or (compression == bytes(4) and depth <= 8):
        return None
    if len(form) > 40 and any(form[40:]) and not extra:
        removed.add(Removed.OTHER_METADATA)
    head = struct.pack("<IiiHH4sIiiII", 40 + len(extra), width, height, planes, depth, compression, size, 0, 0, 0, 0)
    return head + extra, clean


def sound(form: bytes, removed: set[Removed]) -> tuple[bytes, None] | None:
    """Rebuild a WAVEFORMATEX of samples that need no cleaning, or answer None for a codec that is not allowed."""
    if len(form) < 14:
        raise Damaged
    common = form[:16].ljust(16, b"\0")
    extra = form[18 : 18 + int.from_bytes(form[16:18], "little")]
    tag = int.from_bytes(common[:2], "little")
    if tag == _EXTENSIBLE:
        if len(extra) < 22 or extra[6:8] not in {b"\1\0", b"\3\0"} or extra[8:22] != _PCM_GUID_END:
            return None
        kept = extra[:22]
    elif tag in _SOUNDS:
        kept = extra[: _SOUNDS[tag]]
    else:
        return None
    if any(extra[len(kept) :]):
        removed.add(Removed.OTHER_METADATA)
    return common + struct.pack("<H", len(kept)) + kept, None
