"""Copies the frames of an AMR recording."""

from __future__ import annotations

from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import Cleaning, Sink, Source
from fieldreport.scrub.verdicts import Damaged, Removed

_NARROW, _WIDE = b"#!AMR\n", b"#!AMR-WB\n"
# Bytes after the header by frame type; nothing for the types that do not exist.
_NARROW_SIZES: Final = (12, 13, 15, 17, 19, 20, 26, 31, 5, None, None, None, None, None, None, 0)
_WIDE_SIZES: Final = (17, 23, 32, 36, 40, 46, 50, 58, 60, 5, None, None, None, None, 0, 0)
_SPARE: Final = 0x83  # of a header byte: everything but frame type and quality


def clean(untrusted_source: Source, sink: Sink, cleaning: Cleaning) -> str:
    """The frames, to the last whole one."""
    magic = _WIDE if untrusted_source.read_at(0, len(_WIDE)) == _WIDE else _NARROW
    sizes = _WIDE_SIZES if magic is _WIDE else _NARROW_SIZES
    if untrusted_source.read_at(0, len(magic)) != magic:
        raise Damaged
    sink.write(magic)
    position = len(magic)
    while block := untrusted_source.read_at(position, limits.SCRUB_COPY_BYTES):
        end = _frames(block, sizes)
        if end == 0:
            break
        sink.write(memoryview(block)[:end])
        position += end
    if sink.size == len(magic):
        raise Damaged
    if rest := untrusted_source.read_at(position, 1):
        another = sizes[rest[0] >> 3 & 15] is not None and not rest[0] & _SPARE
        cleaning.removed.add(Removed.INCOMPLETE if another else Removed.TRAILING_DATA)
    return "audio/amr-wb" if magic is _WIDE else "audio/amr"


def _frames(block: bytes, sizes: tuple[int | None, ...]) -> int:
    """Where the frames end that lie wholly in the block."""
    position = 0
    while position < len(block):
        size = sizes[block[position] >> 3 & 15]
        if size is None or block[position] & _SPARE or position + 1 + size > len(block):
            break
        position += 1 + size
    return position
