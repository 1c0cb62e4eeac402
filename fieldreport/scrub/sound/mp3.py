"""MP3: frames of MPEG audio layer III, each at the place it had, so that nothing is heard sooner or later than before.

Rules:

- A frame is its header, its side information and the bytes behind them; the private bits of both are zero.
- Sound does not fill its frames: what lies between the sound of one frame and that of the next is ancillary data, where
  encoders leave their names. It is zeroed; decoders do not read it.
- A first frame that says how long the recording is (Xing, Info, VBRI) is written anew: frames, bytes, places to seek
  to, and how many samples at both ends are not part of the recording. Of the encoder nothing stays.
- Everything that is no frame goes: ID3, APE, Lyrics3 and whatever else stands before, between or behind.

Sources: ISO/IEC 11172-3 and 13818-3; "MP3 Info Tag revision 1" (LAME); "VBRI" (Fraunhofer).
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from fieldreport import limits
from fieldreport.scrub.family import Cleaning, Sink, Source
from fieldreport.scrub.sound import tags
from fieldreport.scrub.vocabulary import Damaged, Removed, Residue

_TYPE: Final = "audio/mpeg"
_RATES: Final = {
    3: (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320),
    2: (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160),
}
_FREQUENCIES: Final = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
_PRIVATE: Final = 0x01  # of the third byte of a header
_TAG_BYTES: Final = 120  # of an information tag up to the places to seek to, all of its parts present
_EXTENSION_BYTES: Final = 36
# Players take the numbers of samples to skip only from encoders they know; every recording names the same one.
_ENCODER: Final = b"LAME3.100"
_RESYNCHRONISE_BYTES: Final = 4 * 1024 * 1024  # of anything that is no frame, in a row


@dataclass(frozen=True, slots=True)
class _Shape:
    """What follows from a header: bytes of the frame and of its side information, and where the sound's sizes are."""

    length: int
    side: int
    begin_bits: int  # of the number that says how far back the sound begins
    private_bits: int
    first_size: int  # bit at which the first granule's size of sound stands
    step: int  # bits from one to the next
    granules: int
    checked: bool


@dataclass(slots=True)
class _Body:
    """The part of a frame that sound can lie in, and where it stands in the stream of all such parts."""

    head: bytes
    data: bytearray
    start: int


@dataclass(slots=True)
class _Walk:
    """State of the way through the frames."""

    sink: Sink
    removed: set[Removed]
    waiting: deque[_Body] = field(default_factory=deque)
    main: int = 0  # bytes of bodies so far
    sound_end: int = 0  # bit, in the stream of bodies, at which the last frame's sound ends
    offsets: array[int] = field(default_factory=lambda: array("Q"))
    frames: int = 0


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """The frames, and an information frame where there was one."""
    walk = _Walk(sink, cleaning.removed)
    start = tags.after_id3(untrusted_source, cleaning.removed)
    information: tuple[bytes, _Shape] | None = None
    for number, (frame, shape) in enumerate(_frames(untrusted_source, start, cleaning.removed)):
        if number == 0 and _kind(frame, shape):
            information = frame, shape
            sink.write(bytes(shape.length))
        else:
            _add(walk, frame, shape)
    _zero(walk, walk.sound_end, walk.main * 8)
    _flush(walk, walk.main)
    if not walk.frames:
        raise Damaged
    if information is not None:
        made = _information(walk, *information)
        sink.seek(0)
        sink.write(made)
        if made != information[0]:
            cleaning.removed.add(Removed.SOFTWARE)
    return _TYPE


def _shape(header: bytes) -> _Shape | None:
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return None
    version, rate, frequency = header[1] >> 3 & 3, header[2] >> 4, header[2] >> 2 & 3
    if version == 1 or rate in {0, 15} or frequency == 3:
        return None
    first = version == 3
    kilobits, hertz = _RATES[3 if first else 2][rate], _FREQUENCIES[version][frequency]
    length = (144 if first else 72) * kilobits * 1000 // hertz + (header[2] >> 1 & 1)
    mono = header[3] >> 6 == 3
    if first:
        private = 5 if mono else 3
        sizes = 9 + private + (4 if mono else 8)
        shape = (17 if mono else 32, 9, private, sizes, 59, 2 if mono else 4)
    else:
        private = 1 if mono else 2
        shape = (9 if mono else 17, 8, private, 8 + private, 63, 1 if mono else 2)
    return _Shape(length, *shape, checked=not header[1] & 1)


def _frames(source: Source, position: int, removed: set[Removed]) -> Iterator[tuple[bytes, _Shape]]:
    """Every whole frame; the first one, and any behind something else, must be followed by another or by the end."""
    window, at, sure = b"", position, False
    lost = 0
    while True:
        if len(window) - (position - at) < limits.SOUND_MPEG_BYTES * 2:
            window, at = window[position - at :], position
            window += source.read_at(at + len(window), limits.SCRUB_COPY_BYTES * 4)
        place = position - at
        shape = _shape(window[place : place + 4])
        whole = shape is not None and place + shape.length <= len(window)
        if shape is not None and whole and (sure or _goes_on(window, place + shape.length)):
            yield window[place : place + shape.length], shape
            position += shape.length
            sure, lost = True, 0
            continue
        if place + 4 > len(window):
            if len(window) > place:
                removed.add(Removed.TRAILING_DATA)
            return
        found = window.find(b"\xff", place + 1)
        step = (found if found >= 0 else len(window)) - place
        removed.add(Removed.TRAILING_DATA)
        sure, lost, position = False, lost + step, position + step
        if lost > _RESYNCHRONISE_BYTES:
            return


def _goes_on(window: bytes, place: int) -> bool:
    return place == len(window) or _shape(window[place : place + 4]) is not None or window[place : place + 3] == b"TAG"


def _add(walk: _Walk, frame: bytes, shape: _Shape) -> None:
    prefix = 6 if shape.checked else 4
    body_at = prefix + shape.side
    if body_at > len(frame):
        raise Damaged
    side = int.from_bytes(frame[prefix:body_at], "big")
    bits = shape.side * 8
    back = side >> bits - shape.begin_bits
    sound = sum(side >> bits - shape.first_size - shape.step * n - 12 & 0xFFF for n in range(shape.granules))
    begin = max(walk.main - back, 0) * 8
    if begin > walk.sound_end:
        _zero(walk, walk.sound_end, begin)
    walk.sound_end = max(begin + sound, walk.sound_end)
    _flush(walk, begin // 8)
    head = _head(frame, side, shape, prefix)
    if head != frame[:body_at]:
        walk.removed.add(Removed.OTHER_METADATA)
    body = bytearray(frame[body_at:])
    walk.waiting.append(_Body(head, body, walk.main))
    walk.main += len(body)
    walk.frames += 1


def _head(frame: bytes, side: int, shape: _Shape, prefix: int) -> bytes:
    """Header, checksum and side information without their private bits."""
    private = ((1 << shape.private_bits) - 1) << shape.side * 8 - shape.begin_bits - shape.private_bits
    if not side & private and not frame[2] & _PRIVATE:
        return frame[: prefix + shape.side]
    header = frame[:2] + bytes((frame[2] & ~_PRIVATE & 0xFF, frame[3]))
    information = (side & ~private).to_bytes(shape.side, "big")
    checksum = _crc16(header[2:] + information).to_bytes(2, "big") if shape.checked else b""
    return header + checksum + information


def _zero(walk: _Walk, start: int, end: int) -> None:
    """Clear the bits from ``start`` to just before ``end`` of the stream of bodies."""
    for body in walk.waiting:
        first, last = max(start - body.start * 8, 0), min(end - body.start * 8, len(body.data) * 8)
        if first >= last:
            continue
        byte, bit = divmod(first, 8)
        stop, rest = divmod(last, 8)
        before = bytes(body.data[byte : stop + 1])
        if bit:
            kept = 0xFF << 8 - bit & 0xFF
            if byte == stop:
                kept |= 0xFF >> rest
            body.data[byte] &= kept
            byte += 1
        if byte < stop:
            body.data[byte:stop] = bytes(stop - byte)
        if rest and byte <= stop:
            body.data[stop] &= 0xFF >> rest
        if before != bytes(body.data[first // 8 : stop + 1]):
            walk.removed.add(Removed.SOFTWARE)


def _flush(walk: _Walk, final: int) -> None:
    """Write the frames whose bodies end at or before byte ``final``: nothing in them will change any more."""
    while walk.waiting and walk.waiting[0].start + len(walk.waiting[0].data) <= final:
        body = walk.waiting.popleft()
        walk.offsets.append(walk.sink.size)
        walk.sink.write(body.head + body.data)


def _kind(frame: bytes, shape: _Shape) -> bytes:
    """The name of a frame that describes the recording; nothing for one that sounds."""
    name = frame[4 + shape.side : 8 + shape.side]
    if name in {b"Xing", b"Info"}:
        return name
    return b"VBRI" if frame[36:40] == b"VBRI" else b""


def _skips(frame: bytes, shape: _Shape) -> bytes:
    """The three bytes that say how many samples at both ends to skip, if a player would believe them."""
    if _kind(frame, shape) == b"VBRI":
        return b""
    at = 4 + shape.side
    flags = int.from_bytes(frame[at + 4 : at + 8], "big")
    at += 8 + 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
    return frame[at + 21 : at + 24] if frame[at : at + 4] in {b"LAME", b"Lavf", b"Lavc"} else b""


def _information(walk: _Walk, old: bytes, shape: _Shape) -> bytes:
    """The frame that describes the recording, written anew from what was written."""
    total, at = walk.sink.size, 4 + shape.side
    places = bytes(min(255, walk.offsets[percent * len(walk.offsets) // 100] * 256 // total) for percent in range(100))
    steps = {after - before for before, after in zip(walk.offsets, walk.offsets[1:], strict=False)}
    tag = b"Info" if max(steps, default=0) - min(steps, default=0) <= 1 else b"Xing"
    tag += (15).to_bytes(4, "big") + walk.frames.to_bytes(4, "big") + total.to_bytes(4, "big") + places + bytes(4)
    frame = bytearray(shape.length)
    # Without a checksum, so that there is one form of it.
    frame[:4] = bytes((0xFF, old[1] | 1, old[2] & ~_PRIVATE & 0xFF, old[3]))
    skips = _skips(old, shape)
    if at + _TAG_BYTES + (_EXTENSION_BYTES if skips else 0) > len(frame):
        raise Damaged
    frame[at : at + _TAG_BYTES] = tag
    if skips:
        at += _TAG_BYTES
        frame[at : at + 9] = _ENCODER
        frame[at + 21 : at + 24] = skips
        frame[at + 28 : at + 32] = total.to_bytes(4, "big")
        frame[at + 34 : at + 36] = _crc_of_tag(bytes(frame[: at + 34])).to_bytes(2, "big")
    return bytes(frame)


def _crc16(data: bytes) -> int:
    """The checksum of a frame: polynomial 0x8005 over header and side information, from all ones."""
    crc = 0xFFFF
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x8005) & 0xFFFF if crc & 0x8000 else crc << 1
    return crc


def _crc_of_tag(data: bytes) -> int:
    """The checksum of an information tag: the same polynomial, least significant bit first, from zero."""
    crc = 0
    for byte in data:
        crc ^= byte
        for _ in range(8):
            crc = crc >> 1 ^ 0xA001 if crc & 1 else crc >> 1
    return crc


# --- verify ---


def verify(source: Source, media_type: str) -> None:
    """Read frame by frame, from the first byte to the last; an information frame names the one encoder or none."""
    del media_type
    with source.file() as file:
        number = 0
        while head := file.read(4):
            length = _verified_length(head)
            body = file.read(length - 4)
            if len(body) != length - 4:
                raise Residue
            if number == 0:
                _verify_information(head, body)
            number += 1
    if not number:
        raise Residue


def _verified_length(head: bytes) -> int:
    number = int.from_bytes(head, "big")
    sync, version, layer = number >> 21, number >> 19 & 3, number >> 17 & 3
    rate, frequency, private = number >> 12 & 15, number >> 10 & 3, number >> 8 & 1
    if len(head) < 4 or sync != 0x7FF or version == 1 or layer != 1 or rate in {0, 15} or frequency == 3 or private:
        raise Residue
    table = (
        "0 32 40 48 56 64 80 96 112 128 160 192 224 256 320"
        if version == 3
        else ("0 8 16 24 32 40 48 56 64 80 96 112 128 144 160")
    )
    hertz = (44100, 48000, 32000)[frequency] >> (0, 1, 2)[(3, 2, 0).index(version)]
    return int(table.split()[rate]) * (144000 if version == 3 else 72000) // hertz + (number >> 9 & 1)


def _verify_information(head: bytes, body: bytes) -> None:
    if b"VBRI" in body[:40]:
        raise Residue
    for kind in (b"Xing", b"Info"):
        at = body.find(kind, 0, 40)
        if at < 0:
            continue
        extension = body[at + 120 :]
        named, told = extension[:9], extension[9:21] + extension[24:28] + extension[32:34]
        if any(body[:at]) or named not in {b"LAME3.100", bytes(9)} or any(told) or any(extension[36:]):
            raise Residue
        if head[1] & 1 == 0:
            raise Residue
