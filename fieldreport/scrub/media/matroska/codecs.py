"""Which codecs a Matroska film may hold, and what of each one's private data a decoder needs.

Rules: as for sample descriptions of MP4: rebuilt, never copied whole; comment headers of Xiph codecs become empty ones.
Sources: Matroska codec specifications (RFC 9559 and its codec draft), Vorbis I (4.2, 5), Theora (6.1), RFC 7845, RFC
9639.
"""

from __future__ import annotations

from typing import Final

from fieldreport.scrub.media.bitstreams import FrameCleaner, aac, av1, mpeg4, nal_units, opus
from fieldreport.scrub.media.matroska import riff_formats
from fieldreport.scrub.verdicts import Damaged, Removed

Codec = tuple[bytes, FrameCleaner | None]  # private data, rebuilt; what cleans a frame

_PLAIN: Final = frozenset(
    {
        b"V_VP8",
        b"V_VP9",
        b"A_AC3",
        b"A_EAC3",
        b"A_PCM/INT/LIT",
        b"A_PCM/INT/BIG",
        b"A_PCM/FLOAT/IEEE",
    }
)
_MPEG4_VISUAL: Final = frozenset({b"V_MPEG4/ISO/SP", b"V_MPEG4/ISO/ASP", b"V_MPEG4/ISO/AP"})
_XIPH: Final = {
    b"A_VORBIS": (b"\1vorbis", b"\3vorbis", b"\5vorbis", b"\1"),
    b"V_THEORA": (b"\x80theora", b"\x81theora", b"\x82theora", b""),
}


def codec(name: bytes, private: bytes, removed: set[Removed]) -> Codec | None:
    """What a decoder needs for a codec, or None for one that is not allowed."""
    if name in _PLAIN:
        return b"", None
    if name == b"V_MPEG4/ISO/AVC":
        rebuilt, width = nal_units.avc_configuration(private)
        return rebuilt, nal_units.Units(hevc=False, length_bytes=width, removed=removed)
    if name == b"V_MPEGH/ISO/HEVC":
        rebuilt, width = nal_units.hevc_configuration(private)
        return rebuilt, nal_units.Units(hevc=True, length_bytes=width, removed=removed)
    if name == b"V_AV1":
        return av1.configuration(private), av1.Obus(removed=removed)
    if name in _MPEG4_VISUAL:
        visual = mpeg4.Visual(removed=removed)
        return visual(private), visual
    if name == b"V_MJPEG":
        return b"", mpeg4.Jpeg(removed=removed)
    if name == riff_formats.PICTURE:
        return riff_formats.picture(private, removed)
    return _sound(name, private, removed)


def _sound(name: bytes, private: bytes, removed: set[Removed]) -> Codec | None:
    if name == b"A_AAC":
        specific, raw_blocks = aac.configuration(private, removed)
        return specific, aac.Sound(removed=removed) if raw_blocks else None
    if name in {b"A_MPEG/L3", b"A_MPEG/L2"}:
        return b"", mpeg4.Mp3(removed=removed)
    if name == b"A_OPUS":
        length = 19 if private[18:19] == b"\0" else 21 + (private[9] if len(private) > 9 else 0)
        if not private.startswith(b"OpusHead") or len(private) < length:
            raise Damaged
        return private[:length], opus.Packets(removed=removed, streams=opus.streams(private))
    if name == b"A_FLAC":
        if not private.startswith(b"fLaC") or len(private) < 42 or private[4] & 0x7F or private[5:8] != b"\0\0\x22":
            raise Damaged
        if len(private) > 42:
            removed.add(Removed.SOFTWARE)
        return b"fLaC\x80\0\0\x22" + private[8:42], None
    if name == b"A_ALAC" and len(private) >= 24:
        return private[:24], None
    if name == riff_formats.SOUND:
        return riff_formats.sound(private, removed)
    if name in _XIPH:
        return _xiph(private, _XIPH[name], removed), None
    return None


def _xiph(private: bytes, wanted: tuple[bytes, bytes, bytes, bytes], removed: set[Removed]) -> bytes:
    """Three headers in one: the middle one is made of comments."""
    first_kind, second_kind, third_kind, end = wanted
    position = 1
    lengths = []
    for _ in range(2):
        length = 0
        while private[position : position + 1] == b"\xff":
            length += 255
            position += 1
        length += int.from_bytes(private[position : position + 1], "big")
        position += 1
        lengths.append(length)
    first = private[position : position + lengths[0]]
    second = private[position + lengths[0] : position + sum(lengths)]
    third = private[position + sum(lengths) :]
    parts = (first, first_kind), (second, second_kind), (third, third_kind)
    if private[:1] != b"\2" or not all(part.startswith(kind) for part, kind in parts):
        raise Damaged
    empty = second_kind + bytes(8) + end
    if second != empty:
        removed.add(Removed.SOFTWARE)
    laced = b"".join(b"\xff" * (len(part) // 255) + bytes((len(part) % 255,)) for part in (first, empty))
    return b"\2" + laced + first + empty + third
