"""Reads a long file from front to back in small steps, without a call to the source for each of them."""

from __future__ import annotations

from typing import Final

from fieldreport import limits
from fieldreport.scrub.format import Source

_WINDOW_BYTES: Final = limits.MIB


class Window:
    """A source, of which the stretch around the last position read is kept."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._start = 0
        self._data = b""
        self.size = source.size

    def read_at(self, offset: int, length: int) -> bytes:
        """As ``Source.read_at``."""
        start = offset - self._start
        if start < 0 or start + length > len(self._data):
            if length > _WINDOW_BYTES:
                return self._source.read_at(offset, length)
            self._start, start = offset, 0
            self._data = self._source.read_at(offset, _WINDOW_BYTES)
        return self._data[start : start + length]
