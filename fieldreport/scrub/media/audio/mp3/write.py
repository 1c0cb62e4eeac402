"""Copies the frames of an MP3, without private bits and ancillary data, and rebuilds the one that describes it."""

from __future__ import annotations

import itertools
import re
from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from fastcrc import crc16

from fieldreport import limits
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.media.audio import tags
from fieldreport.scrub.sniff import mpeg_frame_bytes
from fieldreport.scrub.verdicts import Damaged, Removed

_TYPE: Final = "audio/mpeg"
_PRIVATE: Final = 0x01  # of the third byte of a header
_TAG_BYTES: Final = 120  # of an information tag up to the places to seek to, all of its parts present
_EXTENSION_BYTES: Final = 36
# Players take the numbers of samples to skip only from encoders they know; every recording names the same one.
_ENCODER: Final = b"LAME3.100"
_DESCRIPTIONS: Final = re.compile(rb"Xing|Info|VBRI")
_RESYNCHRONISE_BYTES: Final = 4 * 1024 * 1024  # of anything that is no frame, in a row


@dataclass(frozen=True, slots=True)
class _Shape:
    """What follows from a header: where a frame's parts are, in bytes, and where its side information says what.

    A shift moves a field of the side information, read as one number, down to its lowest bits.
    """

    length: int
    prefix: int  # header and checksum
    body_at: int  # after the side information
    begin_shift: int  # of how many bytes back in the stream of bodies the sound begins
    size_shifts: tuple[int, ...]  # of the bits of sound in each granule and channel, 12 bits
    private: int  # mask

    @property
    def side(self) -> int:
        """Bytes of side information."""
        return self.body_at - self.prefix


class _Rewriting:
    """The frames on their way into the sink: heads and bodies apart, for sound runs on from one body into the next."""

    def __init__(self, sink: Sink, removed: set[Removed]) -> None:
        self._sink = sink
        self._removed = removed
        self._heads: list[bytes] = []  # of the frames that wait, with the lengths of their bodies next
        self._lengths: list[int] = []
        self._bodies = bytearray()  # theirs, one after the other
        self._start = 0  # byte, in the stream of all bodies, at which they begin
        self.offsets = array("Q")  # of the frames that were written, in the sink

    def write(self, frames: Iterable[tuple[bytes, _Shape]]) -> None:
        """Every frame, whose header and side information say where its sound is, and nothing after the last sound."""
        main = sound_end = 0  # byte and bit, in the stream of all bodies, at which bodies and sound end so far
        heads, lengths, bodies = self._heads, self._lengths, self._bodies
        for frame, shape in frames:
            body_at = shape.body_at
            side = int.from_bytes(frame[shape.prefix : body_at], "big")
            begin = main - (side >> shape.begin_shift)
            end = begin * 8 if begin > 0 else 0
            if end > sound_end:
                self._clear(sound_end, begin)
            for shift in shape.size_shifts:
                end += side >> shift & 0xFFF
            if end > sound_end:  # noqa: PLR1730 - a call for each of a million frames
                sound_end = end
            if begin - self._start >= limits.SCRUB_COPY_BYTES:
                self._write_until(begin)
            if side & shape.private or frame[2] & _PRIVATE:
                heads.append(_without_private_bits(frame[:body_at], side, shape))
                self._removed.add(Removed.OTHER_METADATA)
            else:
                heads.append(frame[:body_at])
            length = shape.length - body_at
            lengths.append(length)
            bodies += frame[body_at:]
            main += length
        self._clear(sound_end, main)
        self._write_until(main)

    def _clear(self, sound_end: int, end: int) -> None:
        """Clear the bits between the end of the sound so far and a byte of the stream of bodies."""
        begin, used_bits = (sound_end >> 3) - self._start, sound_end & 7
        end -= self._start
        bodies = self._bodies
        if used_bits and begin < end:
            kept = bodies[begin] & 0xFF00 >> used_bits & 0xFF
            if kept != bodies[begin]:
                self._removed.add(Removed.SOFTWARE)
            bodies[begin] = kept
            begin += 1
        if begin < end and bodies.count(0, begin, end) < end - begin:
            bodies[begin:end] = bytes(end - begin)
            self._removed.add(Removed.SOFTWARE)

    def _write_until(self, final: int) -> None:
        """Write the frames whose bodies end at or before a byte of the stream: nothing in them will change any more."""
        pieces: list[bytes | bytearray] = []
        place, offset = 0, self._sink.size
        for head, length in zip(self._heads, self._lengths, strict=True):
            if self._start + place + length > final:
                break
            self.offsets.append(offset)
            pieces += head, self._bodies[place : place + length]
            place += length
            offset += len(head) + length
        self._sink.write(b"".join(pieces))
        del self._heads[: len(pieces) // 2], self._lengths[: len(pieces) // 2], self._bodies[:place]
        self._start += place


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """The frames, and an information frame where there was one."""
    rewriting = _Rewriting(sink, cleaning.removed)
    start = tags.after_id3(untrusted_source, cleaning.removed)
    frames = _frames(untrusted_source, start, cleaning.removed)
    first = next(frames, None)
    information = first if first is not None and _description(first[0]) is not None else None
    head = b""
    if information is not None:
        head, shape = _roomy(information[0])
        sink.write(bytes(shape.length))
    elif first is not None:
        frames = itertools.chain((first,), frames)
    rewriting.write(frames)
    if not rewriting.offsets:
        raise Damaged
    if information is not None:
        made = _information(rewriting.offsets, sink.size, information[0], head)
        sink.seek(0)
        sink.write(made)
        if made != information[0]:
            cleaning.removed.add(Removed.SOFTWARE)
    return _TYPE


@lru_cache(maxsize=1024)  # of one file's frames nearly all begin alike
def _shape(header: bytes) -> _Shape | None:
    if len(header) < 4 or header[0] != 0xFF or header[1] & 0xE6 != 0xE2:
        return None
    length = mpeg_frame_bytes(header)
    if not length:
        return None
    first = header[1] >> 3 & 3 == 3
    mono = header[3] >> 6 == 3
    if first:
        side, begin_bits, private_bits, step = 17 if mono else 32, 9, 5 if mono else 3, 59
        sizes_at = begin_bits + private_bits + (4 if mono else 8)
    else:
        side, begin_bits, private_bits, step = 9 if mono else 17, 8, 1 if mono else 2, 63
        sizes_at = begin_bits + private_bits
    prefix = 4 if header[1] & 1 else 6
    bits, sizes = side * 8, (1 if mono else 2) * (2 if first else 1)
    return _Shape(
        length=length,
        prefix=prefix,
        body_at=prefix + side,
        begin_shift=bits - begin_bits,
        size_shifts=tuple(bits - sizes_at - step * number - 12 for number in range(sizes)),
        private=(1 << private_bits) - 1 << bits - begin_bits - private_bits,
    )


def _frames(source: Source, position: int, removed: set[Removed]) -> Iterator[tuple[bytes, _Shape]]:
    """Every whole frame; the first one, and any after something else, must be followed by another or by the end."""
    window, at, sure = b"", position, False
    lost = 0
    while True:
        if len(window) - (position - at) < limits.SOUND_MPEG_BYTES * 2:
            window, at = window[position - at :], position
            window += source.read_at(at + len(window), limits.SCRUB_COPY_BYTES * 4)
        place = position - at
        if sure:  # many in a row, as far as whole ones must be in the window
            last = len(window) - limits.SOUND_MPEG_BYTES
            while place < last and (shape := _shape(window[place : place + 4])) is not None:
                yield window[place : place + shape.length], shape
                place += shape.length
            position = at + place
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
        if sure and shape is not None:
            removed.add(Removed.INCOMPLETE)
            return
        found = window.find(b"\xff", place + 1)
        step = (found if found >= 0 else len(window)) - place
        if any(window[place : place + step]):
            removed.add(Removed.TRAILING_DATA)
        sure, lost, position = False, lost + step, position + step
        if lost > _RESYNCHRONISE_BYTES:
            return


def _goes_on(window: bytes, place: int) -> bool:
    return place == len(window) or _shape(window[place : place + 4]) is not None or window[place : place + 3] == b"TAG"


def _without_private_bits(head: bytes, side: int, shape: _Shape) -> bytes:
    """Header, checksum and side information, the checksum computed again."""
    header = head[:2] + bytes((head[2] & ~_PRIVATE & 0xFF, head[3]))
    information = (side & ~shape.private).to_bytes(shape.side, "big")
    checksum = crc16.cms(header[2:] + information).to_bytes(2, "big") if shape.prefix > 4 else b""
    return header + checksum + information


def _description(frame: bytes) -> re.Match[bytes] | None:
    """The name of a frame that describes the recording, wherever its header says that it stands; none if it sounds."""
    return _DESCRIPTIONS.search(frame, 4, 44)


def _skips(frame: bytes) -> bytes:
    """The three bytes that say how many samples at both ends to skip, if a player would believe them."""
    found = _description(frame)
    if found is None or found[0] == b"VBRI":
        return b""
    at = found.start()
    flags = int.from_bytes(frame[at + 4 : at + 8], "big")
    at += 8 + 4 * (flags & 1) + 4 * (flags >> 1 & 1) + 100 * (flags >> 2 & 1) + 4 * (flags >> 3 & 1)
    return frame[at + 21 : at + 24] if frame[at : at + 4] in {b"LAME", b"Lavf", b"Lavc"} else b""


def _roomy(old: bytes) -> tuple[bytes, _Shape]:
    """The header of a frame for the description, and its shape: of the old one's bit rate, or the least with room.

    Fraunhofer's encoders need less of it. There is one form of it, without a checksum.
    """
    needed = _TAG_BYTES + _EXTENSION_BYTES
    for rate in range(old[2] >> 4, 15):
        header = bytes((0xFF, old[1] | 1, rate << 4 | old[2] & 0x0F & ~_PRIVATE, old[3]))
        shape = _shape(header)
        if shape is not None and shape.body_at + needed <= shape.length:
            return header, shape
    raise Damaged


def _information(offsets: array[int], total: int, old: bytes, header: bytes) -> bytes:
    """The frame that describes the recording, rebuilt from what was written."""
    shape = _shape(header)
    if shape is None:
        raise Damaged
    places = bytes(min(255, offsets[percent * len(offsets) // 100] * 256 // total) for percent in range(100))
    steps = {after - before for before, after in itertools.pairwise(offsets)}
    tag = b"Info" if max(steps, default=0) - min(steps, default=0) <= 1 else b"Xing"
    tag += (15).to_bytes(4, "big") + len(offsets).to_bytes(4, "big") + total.to_bytes(4, "big") + places + bytes(4)
    frame = bytearray(shape.length)
    frame[:4] = header
    at = shape.body_at
    frame[at : at + _TAG_BYTES] = tag
    if skips := _skips(old):
        at += _TAG_BYTES
        frame[at : at + 9] = _ENCODER
        frame[at + 21 : at + 24] = skips
        frame[at + 28 : at + 32] = total.to_bytes(4, "big")
        frame[at + 34 : at + 36] = crc16.arc(bytes(frame[: at + 34])).to_bytes(2, "big")
    return bytes(frame)
