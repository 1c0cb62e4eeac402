"""AAC: the words that encoders put in front of a frame and into a channel layout.

Rules: no bit moves. A fill or data element at the beginning of a frame keeps its length and is filled with zeros;
elements that sound (spectral band replication, dynamic range) are not touched, and nothing after the first element
that sounds is read, because that would take a decoder. Source: ISO/IEC 14496-3, 1.6.2.1, 4.4.2.1 and 4.4.2.7.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fieldreport.scrub.bits import Bits
from fieldreport.scrub.verdicts import Damaged, Removed

_DATA_ELEMENT, _FILL_ELEMENT = 4, 6
_SOUNDING_KINDS: Final = frozenset({11, 12, 13, 14})  # of extensions: dynamic range, surround, spectral bands
_ELEMENTS: Final = 16
_FRAME_BYTES: Final = 64 * 1024  # of 48 channels 36 KiB
_CONFIGURATION_BYTES: Final = 64
_RAW_DATA_BLOCKS: Final = frozenset({1, 2, 3, 4})  # object types whose frames are a raw_data_block
_REPLICATED: Final = frozenset({5, 29})  # with band replication, around one of the former


@dataclass(slots=True, kw_only=True)
class Sound:
    """Cleans the frames of one track."""

    removed: set[Removed]

    def __call__(self, untrusted_frame: bytes) -> bytes:
        """The same frame, as long as before, with zeros where words were."""
        if not untrusted_frame or untrusted_frame[0] >> 5 not in {_DATA_ELEMENT, _FILL_ELEMENT}:
            return untrusted_frame
        if len(untrusted_frame) > _FRAME_BYTES:
            raise Damaged
        value, total = int.from_bytes(untrusted_frame, "big"), len(untrusted_frame) * 8
        clean = value
        for start, end in _leading(Bits(untrusted_frame)):
            clean &= ~(((1 << (end - start)) - 1) << (total - end))
        if clean == value:
            return untrusted_frame
        self.removed.add(Removed.SOFTWARE)
        return clean.to_bytes(len(untrusted_frame), "big")


def _leading(bits: Bits) -> Iterator[tuple[int, int]]:
    """Where the content of each leading element begins and ends, in bits. One that is cut off ends with the frame."""
    total = bits.left
    for _ in range(_ELEMENTS):
        if bits.left < 7 or (kind := bits.take(3)) not in {_DATA_ELEMENT, _FILL_ELEMENT}:
            return
        wanted = True
        if kind == _FILL_ELEMENT:
            count = bits.take(4)
            count += bits.take(min(8, bits.left)) - 1 if count == 15 else 0
            if count > 0 and bits.left >= 4:
                wanted = bits.peek(4) not in _SOUNDING_KINDS
        else:
            bits.take(4)
            aligned, count = bits.take(min(1, bits.left)), bits.take(min(8, bits.left))
            count += bits.take(min(8, bits.left)) if count == 255 else 0
            if aligned:
                bits.take(bits.left % 8)
        start = total - bits.left
        bits.take(min(max(count, 0) * 8, bits.left))
        if wanted:
            yield start, total - bits.left
    raise Damaged  # no encoder puts so many before the sound


def configuration(untrusted: bytes, removed: set[Removed]) -> tuple[bytes, bool]:
    """An AudioSpecificConfig without the comment that a channel layout may carry, and whether ``Sound`` applies."""
    if not 2 <= len(untrusted) <= _CONFIGURATION_BYTES:
        raise Damaged
    bits = Bits(untrusted)
    kind = _object_type(bits)
    _frequency(bits)
    channels = bits.take(4)
    replicated = kind in _REPLICATED
    if replicated:
        _frequency(bits)
        kind = _object_type(bits)
    if kind not in _RAW_DATA_BLOCKS:
        return untrusted, replicated
    bits.take(1)
    if bits.take(1):
        bits.take(14)
    bits.take(1)
    if channels:
        return untrusted, True
    return _without_comment(untrusted, bits, removed), True


def _without_comment(data: bytes, bits: Bits, removed: set[Removed]) -> bytes:
    bits.take(10)
    front, side, back, low, associated, coupled = (bits.take(size) for size in (4, 4, 4, 2, 3, 4))
    for size in (4, 4, 3):  # mixing down: mono, stereo, matrix
        if bits.take(1):
            bits.take(size)
    bits.take(5 * (front + side + back + coupled) + 4 * (low + associated))
    bits.take(bits.left % 8)
    length = bits.take(8)
    start = len(data) - bits.left // 8
    if any(data[start : start + length]):
        removed.add(Removed.SOFTWARE)
    return data[:start] + bytes(min(length, len(data) - start)) + data[start + length :]


def _object_type(bits: Bits) -> int:
    kind = bits.take(5)
    return 32 + bits.take(6) if kind == 31 else kind


def _frequency(bits: Bits) -> None:
    if bits.take(4) == 15:
        bits.take(24)
