"""Reads the sample descriptions of a clean film again: the second reader's part for codecs and their headers."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from fieldreport.scrub.cursor import Tape
from fieldreport.scrub.media.bitstreams import verify as frames
from fieldreport.scrub.verdicts import Residue

Check = Callable[[memoryview], int]

_AFTER_CODEC: Final = {b"pasp": 8, b"clap": 32, b"fiel": 2, b"mdcv": 24, b"clli": 4, b"SmDm": 28, b"CoLL": 8}
# After the numbers of its colours: nothing, or which range they have, in one bit.
_RANGES: Final = {b"nclc": (b"",), b"nclx": (b"\0", b"\x80")}
_PLAIN_BYTES: Final = {
    b"sowt": 2,
    b"twos": 2,
    b"raw ": 1,
    b"in24": 3,
    b"in32": 4,
    b"fl32": 4,
    b"fl64": 8,
    b"ulaw": 1,
    b"alaw": 1,
    b"NONE": 0,
    b"lpcm": 0,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """One description: what to check in each frame, and how plain sound is packed."""

    check: Check | None = None
    packet_samples: int = 0
    packet_bytes: int = 0


def read(tape: Tape, *, sound: bool) -> list[Found]:
    """All descriptions of a track."""
    tape.expect(bytes(4))
    count = tape.number(4)
    found = []
    for _ in range(count):
        kind, body = tape.box()
        body.expect(bytes(6) + b"\0\1")
        found.append(_sound(kind, body) if sound else _picture(kind, body))
        body.end()
    tape.end()
    if not found:
        raise Residue
    return found


# --- pictures ---


def _picture(kind: bytes, body: Tape) -> Found:
    body.expect(bytes(16))
    body.take(4)
    body.expect(b"\0\x48\0\0\0\x48\0\0\0\0\0\0\0\1" + bytes(32))
    if body.take(4) not in {b"\0\x18\xff\xff", b"\0\x20\xff\xff"}:
        raise Residue
    check = _picture_codec(kind, body)
    while len(body):
        name, inner = body.box()
        payload = inner.take(len(inner))
        known = name in _AFTER_CODEC and len(payload) == _AFTER_CODEC[name]
        if name == b"colr":
            known = len(payload) >= 10 and payload[10:] in _RANGES.get(payload[:4], ())
        if not known:
            raise Residue
    return Found(check=check)


def _picture_codec(kind: bytes, body: Tape) -> Check | None:
    if kind in {b"avc1", b"avc3"}:
        return functools.partial(frames.units, width=frames.avc_width(_all(body.box(b"avcC")[1])), hevc=False)
    if kind in {b"hvc1", b"hev1"}:
        return functools.partial(frames.units, width=frames.hevc_width(_all(body.box(b"hvcC")[1])), hevc=True)
    if kind == b"av01":
        _, inner = body.box(b"av1C")
        inner.expect(b"\x81")
        inner.take(3)
        if not frames.obus(memoryview(inner.take(len(inner)))):
            raise Residue
        return frames.obus
    if kind in {b"vp09", b"vp08"}:
        _, inner = body.box(b"vpcC")
        inner.take(10)
        inner.expect(bytes(2))
        inner.end()
        return None
    if kind == b"mp4v":
        object_type, specific = _elementary(body.box(b"esds")[1])
        if object_type != 0x20 or not frames.visual(memoryview(specific)):
            raise Residue
        return frames.visual
    if kind in {b"s263", b"h263", b"H263"}:
        if body.comes(b"d263"):
            _, inner = body.box()
            inner.expect(bytes(5))
            inner.take(2)
            inner.end()
        return None
    if kind == b"jpeg":
        return frames.jpeg
    raise Residue


def _all(tape: Tape) -> bytes:
    return tape.take(len(tape))


# --- sound ---


def _sound(kind: bytes, body: Tape) -> Found:
    version = body.number(2)
    body.expect(bytes(6))
    channels, bits = body.number(2), body.number(2)
    body.take(2)
    body.expect(bytes(2))
    body.take(4)
    if version == 1:
        body.take(16)
    elif version == 2:
        body.take(12)
        channels = body.number(4)
        body.take(4)
        bits = body.number(4)
        body.take(12)
    elif version:
        raise Residue
    check = _wave(kind, body.box()[1]) if body.comes(b"wave") else _sound_codec(kind, body)
    if kind == b"ima4":
        return Found(packet_samples=64, packet_bytes=34 * channels)
    if kind in _PLAIN_BYTES:
        return Found(packet_samples=1, packet_bytes=channels * (_PLAIN_BYTES[kind] or (bits + 7) // 8))
    return Found(check=check)


def _wave(kind: bytes, wave: Tape) -> Check | None:
    _, inner = wave.box(b"frma")
    inner.expect(kind)
    inner.end()
    check: Check | None = None
    if kind == b"mp4a":
        wave.expect(b"\0\0\0\x0cmp4a\0\0\0\0")
        check = _sound_codec(kind, wave)
    elif kind == b"alac":
        _sound_codec(kind, wave)
    else:
        wave.expect(b"\0\0\0\x0aenda\0")
        wave.take(1)
    wave.expect(b"\0\0\0\x08\0\0\0\0")
    wave.end()
    return check


def _sound_codec(kind: bytes, body: Tape) -> Check | None:
    if kind in _PLAIN_BYTES or kind == b"ima4":
        return None
    if kind == b"mp4a":
        return _mpeg4_sound(*_elementary(body.box(b"esds")[1]))
    if kind in {b"samr", b"sawb"}:
        _, inner = body.box(b"damr")
        inner.expect(bytes(5))
        inner.take(4)
    elif kind == b"alac":
        _, inner = body.box(b"alac")
        inner.expect(bytes(4))
        inner.take(24)
    elif kind == b"Opus":
        _, inner = body.box(b"dOps")
        inner.expect(b"\0")
        channels = inner.number(1)
        inner.take(8)
        streams = 1
        if inner.number(1):
            streams = inner.number(1)
            inner.take(1 + channels)
        inner.end()
        return functools.partial(frames.opus, streams=streams)
    elif kind == b"fLaC":
        _, inner = body.box(b"dfLa")
        inner.expect(b"\0\0\0\0\x80\0\0\x22")
        inner.take(34)
    elif kind in {b"ac-3", b"ec-3"}:
        _, inner = body.box(b"dac3" if kind == b"ac-3" else b"dec3")
        if not 0 < len(inner) <= 32:
            raise Residue
        inner.take(len(inner))
    elif kind in {b"ipcm", b"fpcm"}:
        _, inner = body.box(b"pcmC")
        inner.take(6)
    else:
        raise Residue
    inner.end()
    return None


def _mpeg4_sound(object_type: int, specific: bytes) -> Check | None:
    if object_type in {0x69, 0x6B}:
        if specific:
            raise Residue
        return frames.mp3
    if object_type not in {0x40, 0x66, 0x67, 0x68} or len(specific) > 64:
        raise Residue
    kind = int.from_bytes(specific[:2], "big") >> 11
    return frames.aac if kind in {1, 2, 3, 4, 5, 29} else None


def _elementary(tape: Tape) -> tuple[int, bytes]:
    """Object type and decoder header of an ``esds`` that holds nothing else."""
    tape.expect(bytes(4))
    stream = _descriptor(tape, 3)
    tape.end()
    stream.expect(bytes(3))
    configuration = _descriptor(stream, 4)
    layer = _descriptor(stream, 6)
    layer.expect(b"\2")
    layer.end()
    stream.end()
    object_type = configuration.number(1)
    configuration.take(12)
    specific = b""
    if len(configuration):
        own = _descriptor(configuration, 5)
        specific = own.take(len(own))
    configuration.end()
    return object_type, specific


def _descriptor(tape: Tape, tag: int) -> Tape:
    tape.expect(bytes((tag,)))
    size = 0
    for _ in range(4):
        size = size << 7 | tape.number(1) & 0x7F
    return Tape(memoryview(tape.take(size)))
